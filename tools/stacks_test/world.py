"""The namespaces of the test: four pods on a node, and what is outside.

    client ─┐                              ┌══ narrow ── outside   MTU 1300 between the routers
    server ─┼─ node-1 ── fabric (router) ──┤
  stranger ─┤                              └── rough ~~~ far       loses and reorders packets (rough.py)
       dns ─┘

Must run inside private network, mount and process namespaces (main.py makes and prepares them).
"""
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "demo"))
import topology  # noqa: E402
from topology import Pod, inside, ip, run, sysctl  # noqa: E402

NODES = {"node-1": ("192.168.51.2", "fd00:51::2")}
ROUTER = ("192.168.51.1", "fd00:51::1")  # fabric, as the node sees it
NARROW = ("192.168.60.2", "fd00:60::2")
NARROW_MTU = 1300
HOSTS = {"outside": ("10.20.0.5", "fd00:20::5"), "far": ("10.21.0.5", "fd00:21::5")}
PINS = "/sys/fs/bpf/stacks"
POLICIES = {  # name of a bundle: the files that it is made of, beside the cluster
    "base": ["base.yaml"], "open": [], "shut": ["shut.yaml"],
    "churn-a": ["churn-a.yaml"], "churn-b": ["churn-b.yaml", "others.yaml"],
}
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


class World:
    def __init__(self, binaries, home, mode="auto"):
        """`mode`: how programs are attached (netpol-loader --attach-mode)."""
        self.mode = mode
        self.netpolc, self.loader, self.home = str(binaries / "netpolc"), str(binaries / "netpol-loader"), home
        topology.namespace("fabric")
        topology.member("node-1", *NODES["node-1"])
        self.pods = {name: Pod(name, "t", "node-1", "10.244.1.%d" % n, "fd00:244:1::%d" % n)
                     for n, name in ((10, "client"), (11, "server"), (12, "stranger"), (13, "dns"))}
        for pod in self.pods.values():
            pod.create(NODES)
            sysctl(pod.netns, "core/somaxconn", 20000)
            sysctl(pod.netns, "ipv4/tcp_rto_max_ms", 1000)  # Linux 6.15: a stream that was cut tries again every second
            sysctl(pod.netns, "ipv4/tcp_max_syn_backlog", 20000)
            sysctl(pod.netns, "ipv4/ip_local_port_range", "32768 65000")  # below: what checks choose themselves
        self.outside()
        for router in ("fabric", "narrow", "node-1", *(p.netns for p in self.pods.values()), "outside"):
            sysctl(router, "ipv4/icmp_ratelimit", 0)   # errors are what is tested, so they aren't to be few
            sysctl(router, "ipv4/icmp_msgs_per_sec", 100000)
            sysctl(router, "ipv6/icmp/ratelimit", 0)
        self.bundles = {name: self.compile(name, files) for name, files in POLICIES.items()}

    def outside(self):
        topology.member("narrow", *NARROW)
        topology.namespace("outside")
        topology.cable("narrow", "to-outside", "outside", "eth0")
        self.link("narrow", "to-outside", "10.20.0.1/24", "fd00:20::1/64")
        self.link("outside", "eth0", HOSTS["outside"][0] + "/24", HOSTS["outside"][1] + "/64")
        for netns, device in (("fabric", "to-narrow"), ("narrow", "eth0")):
            ip(netns, "link", "set", device, "mtu", str(NARROW_MTU))
        self.route("outside", "default", "10.20.0.1", "fd00:20::1")
        ip("fabric", "route", "add", "10.20.0.0/24", "via", NARROW[0])
        ip("fabric", "-6", "route", "add", "fd00:20::/64", "via", NARROW[1])

    @staticmethod
    def link(netns, device, ipv4, ipv6):
        ip(netns, "addr", "add", ipv4, "dev", device)
        ip(netns, "-6", "addr", "add", ipv6, "dev", device, "nodad")

    @staticmethod
    def route(netns, prefix, via4, via6):
        ip(netns, "route", "add", prefix, "via", via4)
        ip(netns, "-6", "route", "add", prefix, "via", via6)

    # ---- netpolc and the loader -----------------------------------------------------------------
    def compile(self, name, files):
        bundle = self.home / ("bundle-" + name)
        words = [w for f in ["cluster.yaml", *files] for w in ("-f", str(HERE / "policies" / f))]
        done = run(self.netpolc, "compile", *words, "-o", str(bundle), check=False)
        check(done.returncode == 0, "compiling %s: %s%s" % (name, done.stdout, done.stderr))
        return bundle

    def call(self, *words):
        return run(*inside("node-1", self.loader, *words, "--root", PINS, "--state", str(self.home / "state")), check=False)

    def load(self, name):
        attach = [w for p in self.pods.values() for w in ("--attach", "%s=%s" % (p.endpoint, p.ifname))]
        done = self.call("load", str(self.bundles[name]), *attach, "--node", "node-1", "--attach-mode", self.mode)
        check(done.returncode == 0, "loading %s ended with %d: %s%s" % (name, done.returncode, done.stdout, done.stderr))

    def drops(self):
        """Dropped packets by reason, so far."""
        return {d["reason"]: d["packets"] for d in json.loads(self.call("status", "-o", "json").stdout).get("drops", [])}

    # ---- names ----------------------------------------------------------------------------------
    def netns(self, name):
        return self.pods[name].netns if name in self.pods else name

    def address(self, name, family):
        if name in self.pods:
            return self.pods[name].ipv4 if family == 4 else self.pods[name].ipv6
        return {**HOSTS, **NODES, "narrow": NARROW}[name][0 if family == 4 else 1]

    # ---- sockets and processes ------------------------------------------------------------------
    def socket(self, name, family, kind, protocol=0, bind=None):
        """A socket that lives in the namespace of `name`; it stays there whoever uses it."""
        made = []

        def make():
            s = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind, protocol)
            if family == 6 and kind != socket.SOCK_RAW:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if bind is not None:
                s.bind((self.address(name, family), bind))
            made.append(s)
        in_netns(self.netns(name), make)
        return made[0]

    def run(self, name, *command, timeout=20):
        try:
            return subprocess.run(inside(self.netns(name), *command), capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(command, 124, (late.stdout or b"").decode(), "took longer than %d s" % timeout)

    def start(self, name, *command, **streams):
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams}
        return subprocess.Popen(inside(self.netns(name), *command), **streams)


def in_netns(netns, work):
    """Runs `work` in a thread that has entered a namespace, and waits for it."""
    raised = []

    def enter():
        try:
            with open("/run/netns/" + netns) as namespace:
                if LIBC.setns(namespace.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
                    raise OSError(ctypes.get_errno(), "setns")
            work()
        except OSError as error:
            raised.append(error)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
