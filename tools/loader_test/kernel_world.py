"""The pods, the loader and the traffic that the kernel tests are made of. Pods are network namespaces."""
import ctypes
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "demo"))
import topology  # noqa: E402
from topology import Pod, inside, run  # noqa: E402

TRAFFIC = str(HERE.parent / "demo" / "traffic.py")
NODES = {"node-1": ("192.168.51.2", "fd00:51::2")}
PINS = "/sys/fs/bpf/test"

CLUSTER = """
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-ipv4: "true", enable-ipv6: "true"}
---
apiVersion: v1
kind: Namespace
metadata: {name: t}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 192.168.51.2}, {type: InternalIP, address: "fd00:51::2"}]}
"""
POD = """---
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, namespace: t, labels: {app: %(name)s}}
spec: {nodeName: node-1, containers: [{name: c, image: example/c}]}
status: {phase: Running, podIPs: [{ip: %(ipv4)s}, {ip: "%(ipv6)s"}]}
"""
POLICY = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: client}}]
    toPorts: [{ports: [{port: "8080", protocol: ANY}, {port: "8081", protocol: TCP}%(more)s]}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {app: stranger}}]
"""
# Another policy, and identities numbered otherwise: `aardvark` comes before all others.
OTHER = [("aardvark", "10.9.9.9", "fd00:9::9")]


LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


class Site:
    """A node on a fabric, and the tools that are tested there."""

    def __init__(self, binaries, home):
        self.netpolc, self.loader, self.home = str(binaries / "netpolc"), str(binaries / "netpol-loader"), home
        topology.prepare()
        topology.namespace("fabric")
        topology.member("node-1", *NODES["node-1"])

    def serve(self, netns, ports):
        server = subprocess.Popen(inside(netns, sys.executable, TRAFFIC, "serve", ",".join(ports)), stdout=subprocess.PIPE, text=True)
        check(server.stdout.readline().strip() == "ready", "no server")

    def probe(self, netns, address, port, protocol="TCP"):
        """A process that ends with 0 if it is answered."""
        return subprocess.Popen(inside(netns, sys.executable, TRAFFIC, "probe", protocol, address, str(port)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def compile_text(self, name, text):
        directory = self.home / ("policies-" + name)
        directory.mkdir()
        (directory / "all.yaml").write_text(text)
        bundle = self.home / ("bundle-" + name)
        run(self.netpolc, "compile", "-f", str(directory), "-o", str(bundle))
        return bundle

    def call(self, *words, root=PINS, state="state", stdin=None):
        return subprocess.run(inside("node-1", self.loader, *words, "--root", root, "--state", str(self.home / state)), capture_output=True, text=True, input=stdin)

    def load(self, bundle, *words, expect=0, **where):
        done = self.call("load", str(bundle), *words, **where)
        check(done.returncode == expect, "load ended with %d: %s%s" % (done.returncode, done.stdout, done.stderr))
        return done

    def unload(self):
        done = self.call("unload")
        check(done.returncode == 0, "unload: " + done.stderr)
        return done.stdout


def attach(pods):
    return [w for p in pods for w in ("--attach", "t/%s=lxc-%s" % (p, p))]


class World(Site):
    """The pods, and what is compiled for them."""

    def __init__(self, binaries, home):
        super().__init__(binaries, home)
        self.pods = {name: Pod(name, "t", "node-1", "10.244.1.%d" % n, "fd00:244:1::%d" % n)
                     for n, name in ((10, "client"), (11, "server"), (12, "stranger"))}
        for pod in self.pods.values():
            pod.create(NODES)
        self.serve(self.pods["server"].netns, ("80", "8080"))
        self.a, self.b = self.compile("a", "", []), self.compile("b", ', {port: "9999", protocol: TCP}', OTHER)

    def compile(self, name, more, others):
        pods = [{"name": p.name, "ipv4": p.ipv4, "ipv6": p.ipv6} for p in self.pods.values()]
        pods += [{"name": n, "ipv4": v4, "ipv6": v6} for n, v4, v6 in others]
        return self.compile_text(name, CLUSTER + "".join(POD % p for p in pods) + POLICY % {"more": more})

    def load(self, bundle, *words, pods=("client", "server", "stranger"), expect=0):
        return super().load(bundle, *attach(pods), "--node", "node-1", *words, expect=expect)

    def status(self, expect=0):
        done = self.call("status", "-o", "json")
        check(done.returncode == expect, "status ended with %d: %s%s" % (done.returncode, done.stdout, done.stderr))
        return json.loads(done.stdout)

    def reaches(self, source, port, protocol="TCP", family=4, to="server"):
        address = self.pods[to].ipv4 if family == 4 else self.pods[to].ipv6
        return self.probe(self.pods[source].netns, address, port, protocol).wait() == 0

    def enforced(self):
        for family in (4, 6):
            check(self.reaches("client", 8080, family=family), "client may reach 8080 over IPv%d" % family)
            check(not self.reaches("client", 80, family=family), "client may not reach 80 over IPv%d" % family)
            check(not self.reaches("stranger", 8080, family=family), "stranger may not reach 8080 over IPv%d" % family)
        check(self.reaches("server", 80, to="server") , "a pod reaches itself")

    def open(self):
        check(self.reaches("client", 80) and self.reaches("stranger", 8080), "nothing is enforced")

    def programs(self):
        return {a["ifname"]: a["kernelPrograms"] for a in self.status()["attachments"]}


def in_netns(name, work):
    """Runs `work` in a thread that has entered a namespace; returns the thread, started."""
    def enter():
        with open("/run/netns/" + name) as netns:
            if LIBC.setns(netns.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
                raise OSError(ctypes.get_errno(), "setns")
        work()
    thread = threading.Thread(target=enter)
    thread.start()
    return thread


class Flood:
    """Numbered datagrams to the server at two ports: at one all arrive, at the other none may."""

    def __init__(self, world):
        self.world, self.stop, self.sent, self.got, self.leaked = world, False, 0, set(), 0
        server = world.pods["server"].netns
        self.threads = [in_netns(server, lambda: self.receive(8080)), in_netns(server, lambda: self.receive(80))]
        time.sleep(0.3)
        self.sender = in_netns(world.pods["client"].netns, self.send)

    def receive(self, port):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(0.5)
        s.bind((self.world.extra, port))
        while True:
            try:
                data = s.recv(64)
            except socket.timeout:
                if self.stop:
                    return
                continue
            if port == 8080:
                self.got.add(int(data))
            else:
                self.leaked += 1

    def send(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not self.stop:
            s.sendto(b"%d" % self.sent, (self.world.extra, 8080))
            s.sendto(b"%d" % self.sent, (self.world.extra, 80))
            self.sent += 1
            time.sleep(0.0002)

    def end(self):
        self.stop = True
        for thread in (self.sender, *self.threads):
            thread.join()
        lost = self.sent - len(self.got)
        check(self.sent > 300, "only %d datagrams were sent" % self.sent)  # a busy machine sends a thousand or less
        check(self.leaked == 0, "%d datagrams passed that no generation allows" % self.leaked)
        check(lost == 0, "%d of %d datagrams were lost that every generation allows" % (lost, self.sent))
        return self.sent


# ---- the tests: each starts and ends with nothing loaded ------------------------------------------


class Ends:
    """A datagram socket each in some pods; they may send in another's name."""

    def __init__(self, *places):
        self.sockets, self.netns = {}, {pod.name: pod.netns for pod, _ in places}
        for pod, address in places:
            in_netns(pod.netns, lambda: self.bind(pod.name, address)).join()

    def bind(self, name, address):
        v6 = ":" in address[0]
        s = self.sockets[name] = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(*((41, 75, 1) if v6 else (0, 19, 1)))  # IPV6_TRANSPARENT, IP_TRANSPARENT: any address
        s.bind(address)
        s.settimeout(0.5)

    def arrives(self, source, destination):
        """Does a datagram from one end to the address of the other get there?"""
        self.sockets[source].sendto(b"x", self.sockets[destination].getsockname()[:2])
        try:
            return self.sockets[destination].recv(64) == b"x"
        except socket.timeout:
            return False

    def close(self):
        for s in self.sockets.values():
            s.close()


def why_not():
    if os.geteuid() != 0:
        return "loading programs into the kernel needs root"
    probe = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c", "mount -t bpf bpf /sys/fs/bpf"], capture_output=True, text=True)
    return "" if probe.returncode == 0 else "no namespaces or no bpffs: " + probe.stderr.strip()


def run_alone(main, file):
    """Runs main(BINARY_DIRECTORY) of `file` in network, mount and process namespaces of its own; ends the process."""
    if len(sys.argv) > 2 and sys.argv[2] == "--inside":
        sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
    reason = why_not()
    if reason:
        print("skipped: " + reason)
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    sys.exit(subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                             sys.executable, file, sys.argv[1], "--inside"]).returncode)
