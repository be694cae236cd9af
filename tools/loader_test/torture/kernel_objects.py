"""What of an installation is in the kernel: pins, programs behind links, and what else holds its maps.

Asks the kernel itself, not the loader. Other installations on the machine don't count.
"""
import ctypes
import os
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
OBJ_GET, PROG_NEXT, PROG_BY_ID, MAP_BY_ID, INFO = 7, 11, 13, 14, 15


def bpf(command, attributes):
    """The result, or None where the kernel says no."""
    size = max(120, len(attributes))
    buffer = ctypes.create_string_buffer(attributes, size)
    result = LIBC.syscall(SYS_BPF, command, buffer, ctypes.c_uint(size))
    return None if result < 0 else (result, buffer.raw)


def info(fd, size=256, before=b""):
    """What the kernel says of an object; b"" where it says nothing."""
    room = ctypes.create_string_buffer(before, size)
    done = bpf(INFO, struct.pack("=IIQ", fd, size, ctypes.addressof(room)))
    return room.raw if done else b""


class Opened:
    """A descriptor that is closed again."""

    def __init__(self, done):
        self.fd = done[0] if done else -1

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        if self.fd >= 0:
            os.close(self.fd)


def pinned(path):
    name = ctypes.create_string_buffer(str(path).encode())
    return Opened(bpf(OBJ_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0)))


def by_id(program):
    return Opened(bpf(PROG_BY_ID, struct.pack("=III", program, 0, 0)))


def tag_of(program):
    """The tag of a program by its number, or "" where there is none any more."""
    with by_id(program) as fd:
        return info(fd)[8:16].hex() if fd >= 0 else ""


def linked(path):
    """(number, tag) of the program behind a pinned link."""
    with pinned(path) as fd:
        if fd < 0:
            return None
        program = struct.unpack("=III", info(fd)[:12])[2]
    return program, tag_of(program)


def links(root):
    """Of each pinned link, by its name, the program's number and tag."""
    directory = os.path.join(root, "links")
    return {name: linked(os.path.join(directory, name)) for name in sorted(os.listdir(directory))} if os.path.isdir(directory) else {}


def pins(root):
    """Every path under a root, sorted."""
    return sorted(os.path.join(where, name)[len(root) + 1:] for where, _, files in os.walk(root) for name in files)


def map_number(path):
    """The number of a pinned map, 0 where there is none."""
    with pinned(path) as fd:
        return struct.unpack("=II", info(fd)[:8])[1] if fd >= 0 else 0


def maps_of(program):
    with by_id(program) as fd:
        if fd < 0:
            return []
        room = (ctypes.c_uint32 * 64)()
        # bpf_prog_info: type, id, tag, two lengths, two pointers, load_time, uid, nr_map_ids, map_ids
        before = struct.pack("=II8sIIQQQIIQ", 0, 0, b"", 0, 0, 0, 0, 0, 0, 64, ctypes.addressof(room))
        after = info(fd, before=before)
        return list(room[:struct.unpack_from("=I", after, 52)[0]]) if after else []


def map_name(number):
    with Opened(bpf(MAP_BY_ID, struct.pack("=III", number, 0, 0))) as fd:
        # bpf_map_info: type, id, key and value sizes, entries, flags, name
        return info(fd)[24:40].rstrip(b"\0").decode() if fd >= 0 else ""


def linked_maps(root, name):
    """Numbers of the maps of a name that the programs behind pinned links hold."""
    programs = {found[0] for found in links(root).values() if found}
    return {number for program in programs for number in maps_of(program) if map_name(number) == name}


def charged(fd):
    """Bytes that the kernel holds for an object."""
    with open("/proc/self/fdinfo/%d" % fd) as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith("memlock:")), 0)


def users_of(number):
    """How many programs in the kernel hold a map, how many maps they hold together, and the bytes of all: of an
    installation everything, whether something pins it or not, as all of its programs have its table of flows."""
    programs, maps, size, program = 0, {number}, 0, 0
    while done := bpf(PROG_NEXT, struct.pack("=III", program, 0, 0)):
        program = struct.unpack_from("=I", done[1], 4)[0]
        held = maps_of(program)
        if number in held:
            with by_id(program) as fd:
                size += charged(fd) if fd >= 0 else 0
            programs += 1
            maps.update(held)
    for one in maps:
        with Opened(bpf(MAP_BY_ID, struct.pack("=III", one, 0, 0))) as fd:
            size += charged(fd) if fd >= 0 else 0
    return programs, len(maps), size
