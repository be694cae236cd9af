"""`netpol-loader load --xdp` against a real kernel: a node, pods and a host outside, made of network
namespaces. What every policy denies ends at the node's device; nothing else does.

usage: xdp_kernel_test.py BINARY_DIRECTORY

Exit status 77 where the kernel can't be used (1 with CI=true). Runs itself in private network,
mount and process namespaces, so that nothing is left behind, however it ends.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import time

from kernel_proofs import sealed
from kernel_world import CLUSTER, NODES, PINS, POD, Failed, Site, attach, check, run_alone
import topology
from topology import Pod, inside, run

OUTSIDE = ("192.168.60.2", "fd00:60::2")

# web answers the world at 8080 and asks it at 8080; db speaks with web alone. Nobody selects free.
POLICY = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: web}}
  ingress:
  - fromEntities: [world]
    toPorts: [{ports: [%(ports)s]}]
  egress:
  - toEntities: [world, cluster]
    toPorts: [{ports: [{port: "8080", protocol: ANY}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: db, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: db}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: web}}]
  - fromEntities: [world]
    toPorts: [{ports: [%(ports)s]}]
  egress:
  - toEndpoints: [{matchLabels: {app: web}}]
"""
PORTS = '{port: "8080", protocol: ANY}'


class World(Site):
    def __init__(self, binaries, home):
        super().__init__(binaries, home)
        topology.member("outside", *OUTSIDE)
        self.pods = {name: Pod(name, "t", "node-1", "10.244.1.%d" % n, "fd00:244:1::%d" % n) for n, name in ((10, "web"), (11, "db"), (12, "free"))}
        for pod in self.pods.values():
            pod.create(NODES)
        for netns in [pod.netns for pod in self.pods.values()] + ["outside"]:
            self.serve(netns, ("80", "8080", "9999"))
        self.a, self.b = self.compile("a", PORTS), self.compile("b", PORTS + ', {port: "9999", protocol: ANY}')

    def compile(self, name, ports):
        pods = [{"name": p.name, "ipv4": p.ipv4, "ipv6": p.ipv6} for p in self.pods.values()]
        return self.compile_text(name, CLUSTER + "".join(POD % p for p in pods) + POLICY % {"ports": ports})

    def load(self, bundle, *words, pods=("web", "db", "free"), expect=0, root=PINS, state="state"):
        return super().load(bundle, *attach(pods), "--node", "node-1", *words, expect=expect, root=root, state=state)

    def status(self):
        return json.loads(self.call("status", "-o", "json").stdout)

    def drops(self):
        return sum(d["packets"] for d in self.status().get("drops", []) if d["reason"] in (133, 181))

    def undecided_at_pods(self):
        """Packets to pods that came as far as a pod's program and met no rule there."""
        return sum(r["packets"] for p in self.status()["programs"] for r in p["rules"] if r["direction"] == "ingress" and r["rule"] is None)

    def reaches(self, source, target, port, protocol="TCP", family=4):
        netns = "outside" if source == "outside" else self.pods[source].netns
        if target == "outside":
            address = OUTSIDE[0 if family == 4 else 1]
        else:
            address = self.pods[target].ipv4 if family == 4 else self.pods[target].ipv6
        return self.probe(netns, address, port, protocol).wait() == 0

    def xdp(self):
        return "xdp" in run("ip", "-n", "node-1", "link", "show", "dev", "eth0").stdout

    def unload(self):
        said = super().unload()
        check(not self.xdp(), "a program is left on eth0")
        return said


def everything_allowed_works(world):
    def allowed(source, target, port, *how):
        """A busy machine may be late once, or twice; what is denied never comes."""
        return any(world.reaches(source, target, port, *how) for _ in range(3))

    for family in (4, 6):
        for protocol in ("TCP", "UDP"):
            said = "%s over IPv%d" % (protocol, family)
            check(allowed("outside", "web", 8080, protocol, family), "outside may reach web, " + said)
            check(allowed("web", "outside", 8080, protocol, family), "web may reach outside and have answers, " + said)
            check(allowed("web", "db", 8080, protocol, family), "web may reach db, " + said)
            check(allowed("outside", "free", 80, protocol, family), "nobody guards free, " + said)


def test_drops_at_the_device(world):
    said = world.load(world.a, "--xdp", "eth0")
    check("eth0" in said.stdout and "xdp" in said.stdout and said.stderr == "", said.stdout + said.stderr)
    check(world.xdp() and [d["mode"] for d in world.status()["external"]] == ["native"], str(world.status()["external"]))
    everything_allowed_works(world)
    dropped, undecided = world.drops(), world.undecided_at_pods()
    for family in (4, 6):
        for target in ("web", "db"):
            check(not world.reaches("outside", target, 9999, "TCP", family), "%s may not be reached" % target)
            check(not world.reaches("outside", target, 9999, "UDP", family), "%s may not be reached" % target)
            check(not world.reaches("outside", target, 0, "ICMP", family), "%s may not be reached" % target)
    check(world.drops() >= dropped + 12, "drops are counted: %d, then %d" % (dropped, world.drops()))
    check(world.undecided_at_pods() == undecided, "and no packet came as far as a pod's program")
    check("from outside" in world.call("status", "-v").stdout, "status names the device")
    return "%d packets dropped at eth0" % (world.drops() - dropped)


def test_monitor_says_where(world):
    world.load(world.a, "--xdp", "eth0")
    command = inside("node-1", world.loader, "monitor", "-o", "json", "--count", "1", "--timeout", "20", "--root", PINS, "--state", str(world.home / "state"))
    monitor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    world.reaches("outside", "db", 9999)
    event = json.loads(monitor.communicate(timeout=30)[0].splitlines()[0])
    check(event["endpoint"] == "t/db" and event["atExternalDevice"] and event["reason"] == 133 and event["remote"]["identity"] == 9 and event["destinationPort"] == 9999, str(event))


def test_replaces_and_goes(world):
    world.load(world.a, "--xdp", "eth0")
    check(not world.reaches("outside", "db", 9999), "denied by a")
    world.load(world.b, "--xdp", "eth0")
    check(world.reaches("outside", "db", 9999) and world.reaches("outside", "web", 9999, "UDP", 6), "allowed by b")
    world.load(world.a, "--xdp", "eth0")
    check(not world.reaches("outside", "db", 9999), "denied by a")
    world.load(world.a)
    check(not world.xdp() and not os.path.exists(PINS + "/maps/np_outside"), "a load without --xdp leaves none")
    everything_allowed_works(world)
    world.load(world.a, "--xdp", "eth0")
    said = world.unload()
    check("1 external device" in said, said)


def test_attaches_only_what_saves_work(world):
    said = world.load(world.a, "--xdp", "eth0", pods=("free",))
    check("nothing is attached" in said.stderr and not world.xdp(), said.stderr)
    said = world.load(world.a, "--xdp", "eth0", "--audit", "t/web", "--audit", "t/db")
    check("nothing is attached" in said.stderr and not world.xdp(), said.stderr)
    check(world.reaches("outside", "db", 9999), "audit mode lets it pass")
    # where one of two is audited, what the other denies is dropped, for the other alone
    world.load(world.a, "--xdp", "eth0", "--audit", "t/web")
    check(world.xdp() and world.reaches("outside", "web", 9999) and not world.reaches("outside", "db", 9999), "web is audited, db is not")


def test_says_what_is_wrong(world):
    world.load(world.a, "--xdp", "eth0")
    before = world.status()["attachments"]
    said = world.load(world.b, "--xdp", "nosuch0", expect=2)
    check("nosuch0" in said.stderr, said.stderr)
    run("ip", "-n", "node-1", "tuntap", "add", "tun0", "mode", "tun")
    said = world.load(world.b, "--xdp", "tun0", expect=2)
    run("ip", "-n", "node-1", "link", "del", "tun0")
    check("no Ethernet frames" in said.stderr, said.stderr)
    check(world.status()["attachments"] == before and not world.reaches("outside", "db", 9999), "nothing was changed")
    # another installation, of whose program ours may know nothing
    said = world.load(world.b, "--xdp", "eth0", expect=4, root=PINS + "2", state="state2")
    check("another XDP program is there" in said.stderr, said.stderr)
    check(not os.path.exists(PINS + "2/links"), "nothing is left of the load that failed")
    everything_allowed_works(world)
    check(not world.reaches("outside", "db", 9999), "and the program is in force as before")


def test_addresses_that_change_hands(world):
    world.load(world.a, "--xdp", "eth0")
    undecided = world.undecided_at_pods()
    check(not world.reaches("outside", "db", 9999) and world.undecided_at_pods() == undecided, "dropped at the device")
    done = world.call("address", "add", world.pods["db"].ipv4, "--endpoint", "t/free")
    check(done.returncode == 0, done.stderr)
    check(not world.reaches("outside", "db", 9999) and world.undecided_at_pods() > undecided, "the pod's program has it to itself")
    check(not world.reaches("outside", "web", 9999), "others are not concerned")
    check(world.reaches("outside", "web", 8080) and world.reaches("web", "outside", 8080), "web works")


def test_generic_where_the_driver_cannot(world):
    said = world.load(world.a, "--xdp", "lo", "--xdp", "eth0")
    check("xdp generic" in said.stdout and "--xdp lo: not in the driver" in said.stderr, said.stdout + said.stderr)
    check(sorted(d["mode"] for d in world.status()["external"]) == ["generic", "native"], str(world.status()["external"]))
    everything_allowed_works(world)
    world.load(world.a, "--xdp", "eth0")
    check([d["ifname"] for d in world.status()["external"]] == ["eth0"], "lo is left alone again")


def test_only_what_was_proved_is_loaded(world):
    proved = world.home / "bundle-proved"
    run(world.netpolc, "compile", "--prove", "-f", str(world.home / "policies-a"), "-o", str(proved))

    def with_change(change):
        manifest = json.loads((proved / "bundle.json").read_text())
        copy = world.home / "tampered"
        run("rm", "-rf", str(copy))
        run("cp", "-r", str(proved), str(copy))
        change(manifest)
        for path in sorted((copy / "proofs").glob("*.json")):  # what isn't listed is refused
            if str(path.relative_to(copy)) not in manifest["files"]:
                path.unlink()
        sealed(copy, manifest)
        return copy

    def no_certificate(manifest):
        del manifest["files"][manifest["xdp"].pop("certificate")]

    def denies_more(manifest):
        next(o for p in manifest["programs"] for o in p.get("outside", []) if not o["egressDenied"])["egressDenied"] = True

    world.load(proved, "--require-proof", "--xdp", "eth0")
    check(world.xdp() and not world.reaches("outside", "db", 9999), "what was proved is loaded")
    for change, said in ((no_certificate, "the program for external devices has no certificate"), (denies_more, "`denied`: is of another set of what programs deny from outside")):
        bundle = with_change(change)
        failed = world.load(bundle, "--require-proof", "--xdp", "eth0", expect=2)
        check(said in failed.stderr and "netpolc compile --prove" in failed.stderr, failed.stderr)
        # who leaves the device alone, or asks for no proof, gets what the bundle says
        world.load(bundle, "--require-proof")
        check(not world.xdp(), "nothing is at the device")
        world.load(bundle, "--xdp", "eth0")
        check(world.xdp(), "nobody asked for a proof")


def main(binaries):
    tests = [test_drops_at_the_device, test_monitor_says_where, test_replaces_and_goes, test_attaches_only_what_saves_work, test_says_what_is_wrong,
             test_addresses_that_change_hands, test_generic_where_the_driver_cannot, test_only_what_was_proved_is_loaded]
    wanted, failed = os.environ.get("ONLY", ""), 0
    with tempfile.TemporaryDirectory(prefix="netpolc-xdp-") as home:
        world = World(binaries, pathlib.Path(home))
        for test in tests:
            if wanted not in test.__name__:
                continue
            name, start = test.__name__[5:].replace("_", " "), time.monotonic()
            try:
                said = test(world)
                world.unload()
                print("ok    %s%s  %.1f s" % (name, ": " + said if said else "", time.monotonic() - start), flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as error:
                failed += 1
                print("FAIL  %s: %s" % (name, error), flush=True)
                world.call("unload")
    print("external devices in the kernel: %d tests, %d failed" % (len(tests), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    run_alone(main, __file__)
