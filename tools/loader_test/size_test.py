#!/usr/bin/env python3
"""What programs for nodes may weigh, and what they may need of the machine: 5 MiB stripped, and the C library.

usage: size_test.py BIN_DIRECTORY
"""
import pathlib
import re
import subprocess
import sys
import tempfile

LIMIT = 5 << 20
SHARED = re.compile(r"(libc|libm|ld-linux[-a-z0-9_]*)\.so\.\d+")


def main():
    binaries, failed, said = pathlib.Path(sys.argv[1]), 0, []
    for name in ("netpol-loader", "netpol-cni"):
        program = binaries / name
        if name != "netpol-loader" and not program.exists():
            continue
        with tempfile.TemporaryDirectory(prefix="size-") as home:
            stripped = pathlib.Path(home) / name
            subprocess.run(["strip", "-o", stripped, program], check=True)
            size = stripped.stat().st_size
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout)
        foreign = [library for library in needed if not SHARED.fullmatch(library)]
        said.append("%s has %.2f MiB" % (name, size / (1 << 20)))
        if size > LIMIT:
            failed += 1
            print("FAIL %s has %d bytes stripped, more than %d" % (name, size, LIMIT))
        if foreign or not needed:
            failed += 1
            print("FAIL %s needs %s" % (name, ", ".join(foreign) or "nothing, which can't be"))
    print("; ".join(said))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
