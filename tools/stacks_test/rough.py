"""TCP over a path that loses and reorders packets. Where the kernel has netem, netem does it; everywhere else a
process between two tun devices does: rough0 on the router's side, far0 in the namespace `far`.
"""
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

from world import HOSTS, check, in_netns, ip, run, topology
import paths

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
LOSS, LATE = 0.01, 0.05  # lost; delayed so long that others overtake
LATENESS = 0.004         # seconds


def netem(netns, device):
    """Loss and reordering on what `device` sends; False where the kernel has no netem."""
    return run("tc", "-n", netns, "qdisc", "replace", "dev", device, "root", "netem", "delay", "2ms", "reorder", "95%", "25%", "loss", "1%", check=False).returncode == 0


def prepare(world):
    """The namespace `far`, behind `rough`. The path is rough as long as `world` has somebody who makes it so."""
    topology.member("rough", "192.168.61.2", "fd00:61::2")
    topology.namespace("far")
    ip("fabric", "route", "add", "10.21.0.0/24", "via", "192.168.61.2")
    ip("fabric", "-6", "route", "add", "fd00:21::/64", "via", "fd00:61::2")
    run("ip", "link", "add", "probe", "type", "veth", "peer", "name", "probe1")
    if subprocess.run(["tc", "qdisc", "add", "dev", "probe", "root", "netem", "loss", "1%"], capture_output=True).returncode == 0:
        topology.cable("rough", "rough0", "far", "far0")
        check(netem("rough", "rough0") and netem("far", "far0"), "netem")
        world.rough_by = "netem"
    else:
        shuttle = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
        world.rough_by = "tun" if shuttle.stdout.readline().strip() == "ready" else ""
        if not world.rough_by:
            return
    world.link("rough", "rough0", "10.21.0.1/24", "fd00:21::1/64")
    world.link("far", "far0", HOSTS["far"][0] + "/24", HOSTS["far"][1] + "/64")
    for netns, device in (("rough", "rough0"), ("far", "far0")):
        ip(netns, "link", "set", device, "up")
    world.route("far", "default", "10.21.0.1", "fd00:21::1")


def bulk_over_it(pod_sends):
    def allowed(world):
        if not world.rough_by:
            return "not tried: this kernel has neither netem nor tun"
        before, again = time.monotonic(), 0
        for family in (4, 6):
            with paths.bulk(world, "client", "far", 7000, pod_sends, family, amount=4 << 20, patience=20) as sender:
                again += struct.unpack_from("I", sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 100)[0]  # total_retrans
        check(again > 0, "nothing had to be sent again: the path isn't rough")
        return "8 MB in %.1f s, %d segments sent again (%s)" % (time.monotonic() - before, again, world.rough_by)
    return allowed


# ---- the process between the tun devices ----------------------------------------------------------
def tun(netns, name):
    fds = []

    def make():
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        fds.append(fd)
    in_netns(netns, make)
    return fds[0]


def shuttle():
    ends = [tun("rough", "rough0"), tun("far", "far0")]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    chance, late, count = random.Random(7), [], 0
    print("ready", flush=True)
    while True:
        patience = max(0.0, late[0][0] - time.monotonic()) if late else None
        for fd in select.select(ends, [], [], patience)[0]:
            for _ in range(64):
                try:
                    packet = os.read(fd, 65536)
                except BlockingIOError:
                    break
                fate, count = chance.random(), count + 1
                if fate < LOSS:
                    continue
                if fate < LOSS + LATE:
                    heapq.heappush(late, (time.monotonic() + LATENESS, count, other[fd], packet))
                else:
                    deliver(other[fd], packet)
        while late and late[0][0] <= time.monotonic():
            _, _, fd, packet = heapq.heappop(late)
            deliver(fd, packet)


def deliver(fd, packet):
    try:
        os.write(fd, packet)
    except OSError:
        pass  # the device is down, or its queue full: one more that is lost


CHECKS = [
    ("TCP over loss and reordering, pod sends", "shut", bulk_over_it(True)),
    ("TCP over loss and reordering, pod receives", "shut", bulk_over_it(False)),
]

if __name__ == "__main__":
    shuttle()
