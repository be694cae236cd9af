#!/usr/bin/env python3
"""The loader with three capabilities and no other: what it does with them, and that it has no more.

usage: privileges_test.py BIN_DIRECTORY      needs root; 77: skipped

A pod's interface in a network namespace of our own; bpffs is mounted. `setpriv` gives the loader CAP_BPF, CAP_NET_ADMIN and
CAP_PERFMON alone, as the systemd unit does, and it loads, loads again, looks, tells addresses, and unloads.
"""
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
MARK = "priv%d" % os.getpid()
ROOT = "/sys/fs/bpf/" + MARK
THREE = ["setpriv", "--bounding-set", "-all,+bpf,+net_admin,+perfmon", "--inh-caps", "-all", "--no-new-privs"]
BITS = {"net_admin": 12, "sys_admin": 21, "perfmon": 38, "bpf": 39}
WANTED = sum(1 << BITS[name] for name in ("net_admin", "perfmon", "bpf"))
failed = checked = 0


def run(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)


def check(what, holds, said=""):
    global failed, checked
    checked += 1
    if not holds:
        failed += 1
        print("FAIL %s\n%s" % (what, said))


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


class Site:
    def __init__(self, home):
        self.home, self.state = home, home / "state"
        self.bundle, self.other = home / "bundle", home / "other"
        made = run(BIN / "netpolc", "compile", "-f", TOP / "testdata/policies/article", "-o", self.bundle)
        check("compile", made.returncode == 0, made.stderr)

    def loader(self, *words, prefix=THREE, attach=True):
        inside = ["nsenter", "--net=/run/netns/" + MARK]
        return run(*inside, *prefix, BIN / "netpol-loader", *words, "--root", ROOT, "--state", self.state)

    def load(self, *more, **how):
        return self.loader("load", self.bundle, "--attach", "production/frontend=lxc0", *more, **how)


def test_three(site):
    done = site.load("-o", "json")
    if done.returncode == 4 and "Operation not permitted" in done.stderr and site.load(prefix=[]).returncode == 4:
        skip("the kernel doesn't take programs here: " + done.stderr)
    check("load with three capabilities", done.returncode == 0, done.stderr)
    check("... again", site.load().returncode == 0)
    done = site.loader("status", "-o", "json")
    check("status", done.returncode == 0, done.stdout + done.stderr)
    done = site.loader("address", "add", "10.9.9.9", "--endpoint", "production/backend")
    check("address add", done.returncode == 0, done.stderr)
    check("identity list", site.loader("identity", "list").returncode == 0)
    done = site.load(prefix=["setpriv", "--bounding-set", "-all,+bpf,+net_admin"])
    check("without CAP_PERFMON it fails as the machine's refusal", done.returncode == 4, done.stderr)
    check("... and leaves all as it was", site.loader("status").returncode == 0)
    (site.home / "elsewhere.jsonl").write_text(json.dumps({"endpoint": "production/frontend", "ifname": "lxc0", "netns": MARK}) + "\n")
    done = site.loader("load", site.bundle, "--attach-file", site.home / "elsewhere.jsonl")
    check("a namespace can't be entered, and what is missing is said", done.returncode == 4 and "entering network namespace" in done.stderr and "needs CAP_SYS_ADMIN" in done.stderr, done.stderr)
    check("unload", site.loader("unload").returncode == 0 and not os.path.exists(ROOT))


def test_as_root(site):
    """Whoever has everything enters namespaces, and mounts."""
    (site.home / "elsewhere.jsonl").write_text(json.dumps({"endpoint": "production/frontend", "ifname": "lxc0", "netns": MARK}) + "\n")
    words = [BIN / "netpol-loader", "load", site.bundle, "--attach-file", site.home / "elsewhere.jsonl", "--root", ROOT, "--state", site.state]
    done = run(*words)
    check("root enters a namespace that `netns` names", done.returncode == 0, done.stderr)
    check("... and unloads there", run(BIN / "netpol-loader", "unload", "--root", ROOT, "--state", site.state).returncode == 0 and not os.path.exists(ROOT))
    own = site.home / "bpffs"
    own.mkdir()
    words[words.index("--root") + 1] = own
    done = run(*words)
    check("root mounts bpffs where it isn't", done.returncode == 0 and os.path.ismount(own), done.stderr)
    done = run(BIN / "netpol-loader", "unload", "--root", own, "--state", site.state)
    check("... and takes the mount away", done.returncode == 0 and not os.path.ismount(own), done.stderr)
    done = run(*THREE, *words)
    check("without CAP_SYS_ADMIN it says that it can't", done.returncode == 4 and "mounting bpffs" in done.stderr and "needs CAP_SYS_ADMIN" in done.stderr, done.stderr)


def sets_of(pid):
    status = pathlib.Path("/proc/%d/status" % pid).read_text()
    return {line.split(":")[0]: int(line.split()[1], 16) for line in status.splitlines() if line.startswith(("Cap", "NoNewPrivs"))}


def test_dropped(site):
    """What a process that root started has left: `monitor` runs until it is told to end."""
    check("load as root", site.load(prefix=[]).returncode == 0)
    process = subprocess.Popen(["nsenter", "--net=/run/netns/" + MARK, str(BIN / "netpol-loader"), "monitor", "--timeout", "20", "--root", ROOT, "--state", str(site.state)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        sets, end = {}, time.monotonic() + 10
        while sets.get("NoNewPrivs") != 1 and time.monotonic() < end:
            time.sleep(0.05)
            sets = sets_of(process.pid)
        time.sleep(0.2)
        sets = sets_of(process.pid)
        for name in ("CapEff", "CapPrm", "CapBnd"):
            check("%s is the three: %x" % (name, sets[name]), sets[name] == WANTED)
        for name in ("CapInh", "CapAmb"):
            check("%s is empty: %x" % (name, sets[name]), sets[name] == 0)
        check("no new privileges", sets["NoNewPrivs"] == 1)
    finally:
        process.terminate()
        process.wait()
    check("unload", site.loader("unload", prefix=[]).returncode == 0)


def main():
    if os.geteuid() != 0:
        skip("needs root")
    if ctypes.CDLL(None).prctl(24, 39, 0, 0, 0) != 1:  # PR_CAPBSET_READ
        skip("CAP_BPF can't be had here")
    for command in (["ip", "netns", "add", MARK], ["ip", "-n", MARK, "link", "add", "lxc0", "type", "veth", "peer", "name", "lxc1"]):
        made = run(*command)
        if made.returncode != 0:
            skip("needs network namespaces: " + made.stderr)
    try:
        with tempfile.TemporaryDirectory(prefix="privileges-") as home:
            site = Site(pathlib.Path(home))
            try:
                if not os.path.ismount("/sys/fs/bpf"):
                    run("mount", "-t", "bpf", "bpffs", "/sys/fs/bpf")
                test_three(site)
                test_dropped(site)
                test_as_root(site)
            finally:
                site.loader("unload", prefix=[])
                if os.path.ismount(site.home / "bpffs"):
                    run("umount", site.home / "bpffs")
    finally:
        run("ip", "netns", "del", MARK)
    print("%d checks of privileges, %d failed" % (checked, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
