"""The host firewall against a real kernel: a node, a pod and a host outside, made of network namespaces.
The node's own packets are judged at its external device and at its pods'; those of others pass.

usage: host_kernel_test.py BINARY_DIRECTORY

Exit status 77 where the kernel can't be used (1 with CI=true). Runs itself in private network,
mount and process namespaces, so that nothing is left behind, however it ends.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from kernel_world import CLUSTER, NODES, POD, Failed, Site, check, run_alone
import topology
from topology import Pod, inside, run

OUTSIDE = ("192.168.60.2", "fd00:60::2")
POLICY = """---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: nodes}
spec:
  nodeSelector: {}
  ingress:
  - fromEntities: [world]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  - fromEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "9999", protocol: TCP}]}]
  egress:
  - toEntities: [world]
    toPorts: [{ports: [{port: "9999", protocol: TCP}]}]
  - toEndpoints: [{matchLabels: {app: web}}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
"""
SHUT = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: shut, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress: [{}]
"""
EXPECTED = {  # who, whom: at which of 80, 8080 and 9999
    ("outside", "node"): {"8080"},
    ("web", "node"): {"9999"},
    ("node", "outside"): {"9999"},
    ("node", "web"): {"8080"},
    ("outside", "web"): {"80", "8080", "9999"},  # none of the node's business
    ("web", "outside"): {"80", "8080", "9999"},
}
LISTEN = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", int(sys.argv[1])))
s.settimeout(1.5)
print("ready", flush=True)
got = 0
try:
    while True:
        s.recv(9000)
        got += 1
except socket.timeout:
    print(got)
"""
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
for size in (10, 1000, 4000):  # the last one in fragments
    s.sendto(bytes(size), (sys.argv[2], int(sys.argv[3])))
"""
PORTS = ("80", "8080", "9999")


class World(Site):
    def __init__(self, binaries, home):
        super().__init__(binaries, home)
        topology.member("outside", *OUTSIDE)
        self.web = Pod("web", "t", "node-1", "10.244.1.10", "fd00:244:1::10")
        self.web.create(NODES)
        self.netns = {"node": "node-1", "outside": "outside", "web": self.web.netns}
        self.addresses = {"node": NODES["node-1"], "outside": OUTSIDE, "web": (self.web.ipv4, self.web.ipv6)}
        for netns in self.netns.values():
            self.serve(netns, PORTS)
        self.off, self.on = self.compile("off", "false", POLICY), self.compile("on", "true", POLICY)
        self.shut = self.compile("shut", "false", SHUT)

    def compile(self, name, host_firewall, policy):
        cluster = CLUSTER.replace("data: {", 'data: {enable-host-firewall: "%s", ' % host_firewall)
        return self.compile_text(name, cluster + POD % {"name": "web", "ipv4": self.web.ipv4, "ipv6": self.web.ipv6} + policy)

    def load(self, bundle, *words, expect=0):
        return super().load(bundle, "--attach", "t/web=lxc-web", *words, expect=expect)

    def reached(self, source, target, family):
        address = self.addresses[target][0 if family == 4 else 1]
        probes = {port: self.probe(self.netns[source], address, port) for port in PORTS}
        return {port for port, probe in probes.items() if probe.wait() == 0}

    def check_traffic(self, expected):
        for (source, target), ports in expected.items():
            for family in (4, 6):
                got = self.reached(source, target, family)
                check(got == ports, "%s reaches %s over IPv%d at %s, not at %s" % (source, target, family, sorted(got), sorted(ports)))


OPEN = {pair: set(PORTS) for pair in EXPECTED}


def enforced_with(world, mode):
    world.load(world.on, "--node", "node-1", "--host-device", "eth0", "--attach-mode", mode)
    world.check_traffic(EXPECTED)
    status = json.loads(world.call("status", "-o", "json").stdout)
    places = sorted((a["endpoint"], a["ifname"]) for a in status["attachments"])
    check(status["inForce"] and places == [("node node-1", "eth0"), ("node node-1", "lxc-web"), ("t/web", "lxc-web")], "status says %s: %s" % (places, [(c["name"], c["reasons"]) for c in status["components"] if c["reasons"]]))
    lines = [line for line in world.call("status", "-v").stdout.splitlines() if line.startswith("node node-1 ")]
    check(len(lines) == 1 and "eth0, lxc-web" in lines[0] and lines[0].endswith("in force"), "the node's program has more than one line: %s" % lines)
    world.load(world.on, "--node", "node-1", "--host-device", "eth0", "--attach-mode", mode)  # in place of itself
    world.check_traffic({("outside", "node"): {"8080"}, ("node", "web"): {"8080"}})
    text = world.unload()
    check("6 programs detached from 2 interfaces" in text, "unload says " + text)
    world.check_traffic({("outside", "node"): set(PORTS)})


def test_enforced(world):
    enforced_with(world, "auto")


def test_enforced_by_filters(world):
    enforced_with(world, "clsact")


def test_taken_away_with_its_policy(world):
    world.load(world.on, "--node", "node-1", "--host-device", "eth0")
    done = world.load(world.off, "--node", "node-1", "--host-device", "eth0")
    check("the host firewall is off" in done.stderr, "load says " + done.stderr)
    world.check_traffic(OPEN)
    world.unload()


def test_a_device_that_goes_and_comes_again(world):
    def make():
        run("ip", "-n", "node-1", "link", "add", "spare0", "type", "veth", "peer", "name", "spare1")

    def done(*words, expect=0):
        said = world.call(*words)
        check(said.returncode == expect, "%s ended with %d: %s%s" % (words[0], said.returncode, said.stdout, said.stderr))
        return said.stdout

    make()
    for _ in range(2):
        world.load(world.on, "--node", "node-1", "--host-device", "eth0", "--host-device", "spare0")
    done("status")
    try:
        run("ip", "-n", "node-1", "link", "del", "spare0")
        done("endpoint", "add", "t/web=lxc-web")
        done("rollback")
        check("at spare0 is gone" in done("status", expect=1), "that it is gone is said")
        check(world.reached("outside", "node", 4) == {"8080"}, "at the other device the firewall is on")
        make()
        done("recover")
        done("status")
        run("ip", "-n", "node-1", "link", "del", "spare0")
        make()
        done("endpoint", "add", "t/web=lxc-web")  # by the way
        done("status")
        world.load(world.on, "--node", "node-1", "--host-device", "eth0")  # it is the former generation's alone
        run("ip", "-n", "node-1", "link", "del", "spare0")
        done("rollback")
        check(world.reached("outside", "node", 4) == {"8080"}, "going back holds the firewall up")
    finally:
        run("ip", "-n", "node-1", "link", "del", "spare0", check=False)
    world.unload()


def test_not_left_out_silently(world):
    for words, text in ((["--node", "node-1"], "--host-device"), (["--host-device", "eth0"], "--node")):
        done = world.load(world.on, *words, expect=2)
        check(text in done.stderr and "--skip-host-policies" in done.stderr, "load says " + done.stderr)
    world.load(world.on, "--node", "node-1", "--skip-host-policies")
    world.check_traffic({("outside", "node"): set(PORTS)})
    world.unload()


def test_audit(world):
    world.load(world.on, "--node", "node-1", "--host-device", "eth0", "--audit-host")
    world.check_traffic(OPEN)
    check(json.loads(world.call("status", "-o", "json").stdout)["audited"] > 0, "nothing was audited")
    world.unload()


def test_the_node_reaches_a_pod_that_is_shut(world):
    """allow-localhost is for what the node itself sends, from whichever of its addresses."""
    for words in ([], ["--node", "node-1"]):
        world.load(world.shut, *words)
        world.check_traffic({("node", "web"): set(PORTS), ("outside", "web"): set()})
        for address, family in (("192.0.2.77", 4), ("2001:db8::77", 6)):
            run("ip", "-n", "node-1", "-%d" % family, "addr", "add", address, "dev", "lo")
            route = ["ip", "-n", "node-1", "-%d" % family, "route", "replace", world.addresses["web"][0 if family == 4 else 1], "dev", "lxc-web", "src"]
            run(*route, address)
            run("ip", "-n", world.web.netns, "-%d" % family, "route", "replace", address, *(["via", "169.254.1.1"] if family == 4 else ["via", "fe80::1"]), "dev", "eth0")
            check(world.reached("node", "web", family) == set(PORTS), "the node doesn't reach a pod from another of its addresses, IPv%d" % family)
            run(*route, NODES["node-1"][0 if family == 4 else 1])
            run("ip", "-n", "node-1", "-%d" % family, "addr", "del", address, "dev", "lo")
        world.unload()


def test_somebody_with_the_nodes_address_does_not(world):
    """Who sends under the node's address from elsewhere is not the node."""
    world.load(world.shut, "--node", "node-1")
    seen = {port: subprocess.Popen(inside(world.web.netns, "timeout", "3", sys.executable, "-c", LISTEN, port), stdout=subprocess.PIPE, text=True) for port in ("7001", "7002")}
    for process in seen.values():
        check(process.stdout.readline().strip() == "ready", "no listener")
    run("ip", "-n", "outside", "-6", "addr", "add", NODES["node-1"][1], "dev", "lo", "nodad")
    run(*inside("outside", sys.executable, "-c", SEND, NODES["node-1"][1], world.web.ipv6, "7001"))
    run("ip", "-n", "outside", "-6", "addr", "del", NODES["node-1"][1], "dev", "lo")
    run(*inside("node-1", sys.executable, "-c", SEND, NODES["node-1"][1], world.web.ipv6, "7002"))
    got = {port: int(process.communicate()[0] or 0) for port, process in seen.items()}
    world.unload()
    check(got["7002"] == 3, "of three datagrams of the node arrived %d" % got["7002"])
    check(got["7001"] == 0, "%d datagrams passed under the node's address" % got["7001"])


def test_pods_without_policy_that_are_left_alone(world):
    """They have no program of their own, and speak to the node as its policy lets them."""
    world.load(world.on, "--node", "node-1", "--host-device", "eth0", "--skip-unenforced")
    world.check_traffic({("web", "node"): {"9999"}, ("node", "web"): {"8080"}})
    world.unload()


def test_answers_to_masqueraded_pods(world):
    """What leaves under the node's address by masquerading is answered, though policy denies the node to be spoken to."""
    rules = "table ip hiding { chain out { type nat hook postrouting priority 100; oifname \"eth0\" ip saddr %s masquerade; }; }" % world.web.ipv4
    run(*inside("node-1", "nft", rules))
    world.load(world.on, "--node", "node-1", "--host-device", "eth0")
    check(world.reached("web", "outside", 4) == set(PORTS), "a masqueraded pod is not answered")
    world.unload()
    run(*inside("node-1", "nft", "delete table ip hiding"))


def main(binaries):
    tests = [work for name, work in sorted(globals().items()) if name.startswith("test_")]
    failed = 0
    with tempfile.TemporaryDirectory() as home:
        world = World(binaries, pathlib.Path(home))
        world.check_traffic(OPEN)
        for test in tests:
            name = test.__name__[5:].replace("_", " ")
            try:
                test(world)
                print("ok    " + name, flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, ValueError) as error:
                failed += 1
                print("FAIL  %s: %s" % (name, error), flush=True)
                world.call("unload")
    print("the host firewall in the kernel: %d tests, %d failed" % (len(tests), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    run_alone(main, __file__)
