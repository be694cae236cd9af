"""Newcomers without a compiler: pods with label sets that nobody knew, addresses that names resolve to,
and a hundred thousand prefixes are told to running programs, which then judge them as programs that
were compiled with them would.

usage: labels_test.py BINARY_DIRECTORY

Exit status 77 where the kernel can't be used (1 with CI=true). Pods are network namespaces of its own.
"""
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "demo"))
import topology  # noqa: E402
from kernel_world import CLUSTER, NODES, PINS, POD, Failed, Site, check, in_netns, run_alone  # noqa: E402
from topology import Pod, inside, run  # noqa: E402

OUTSIDE = {4: "203.0.113.5", 6: "2001:db8:113::5"}
POLICIES = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: client}}, {matchExpressions: [{key: tier, operator: In, values: [gold, silver]}]}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  - fromEndpoints: [{matchExpressions: [{key: track, operator: DoesNotExist}, {key: app, operator: NotIn, values: [stranger]}]}]
    toPorts: [{ports: [{port: "8081", protocol: TCP}]}]
  - fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: other}}]
    toPorts: [{ports: [{port: "8082", protocol: TCP}]}]
  - fromEndpoints: [%s]
    toPorts: [{ports: [{port: "8083", protocol: TCP}]}]
  - fromCIDRSet: [{cidrGroupRef: partners}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}]}]
  ingressDeny:
  - fromEndpoints: [{matchExpressions: [{key: app, operator: In, values: [stranger]}, {key: tier, operator: NotIn, values: [gold]}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: client, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: client}}
  egress:
  - toFQDNs: [{matchName: api.example.com}, {matchPattern: "*.cdn.example.net"}]
    toPorts: [{ports: [{port: "8080", protocol: TCP}, {port: "9000", protocol: TCP}]}]
  - toCIDR: [198.51.100.0/24]
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: partners}
spec: {externalCIDRs: [192.0.2.0/28]}
---
apiVersion: v1
kind: Namespace
metadata: {name: other, labels: {team: blue}}
""" % ", ".join("{matchExpressions: [{key: k%d, operator: Exists}]}" % n for n in range(9))
PORTS = (8080, 8081, 8082, 8083)
# Ours alone: prints which of the ports answer within a moment.
ASK = """
import socket, sys, threading
address, ports = sys.argv[1], [int(p) for p in sys.argv[2].split(",")]
answered = []
def ask(port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(0.6)
    try:
        s.connect((address, port)); s.send(b"x")
        if s.recv(8) == b"x": answered.append(port)
    except OSError:
        pass
threads = [threading.Thread(target=ask, args=(p,)) for p in ports]
[t.start() for t in threads]; [t.join() for t in threads]
print(",".join(str(p) for p in sorted(answered)))
"""


class World(Site):
    def __init__(self, binaries, home):
        super().__init__(binaries, home)
        topology.member("outside", OUTSIDE[4], OUTSIDE[6])
        self.pods = {name: Pod(name, "t", "node-1", "10.244.1.%d" % n, "fd00:244:1::%d" % n)
                     for n, name in ((10, "client"), (11, "server"), (12, "guest"))}
        for pod in self.pods.values():
            pod.create(NODES)
        for netns in (self.pods["server"].netns, "outside"):
            self.serve(netns, [str(p) for p in PORTS])
        self.number = 0
        self.bundle = self.compile("bundle", self.directory("all", POLICIES))

    def directory(self, name, policies, guest=None):
        directory = self.home / name
        directory.mkdir()
        text = CLUSTER + "".join(POD % {"name": n, "ipv4": self.pods[n].ipv4, "ipv6": self.pods[n].ipv6} for n in ("client", "server"))
        if guest is not None:
            namespace, labels = guest
            pod = self.pods["guest"]
            text += ("---\napiVersion: v1\nkind: Pod\nmetadata: {name: guest, namespace: %s, labels: %s}\nspec: {nodeName: node-1, containers: [{name: c, image: example/c}]}\n"
                     "status: {phase: Running, podIPs: [{ip: %s}, {ip: \"%s\"}]}\n" % (namespace, json.dumps(labels), pod.ipv4, pod.ipv6))
        (directory / "all.yaml").write_text(text + policies)
        return directory

    def compile(self, name, directory):
        bundle = self.home / name
        run(self.netpolc, "compile", "-f", str(directory), "-o", str(bundle))
        return bundle

    def good(self, *words, stdin=None):
        done = self.call(*words, stdin=stdin)
        check(done.returncode == 0, "%s ended with %d: %s" % (" ".join(words), done.returncode, done.stderr))
        return done

    def load(self, bundle=None):
        self.good("load", str(bundle or self.bundle), "--attach", "t/client=lxc-client", "--attach", "t/server=lxc-server", "--node", "node-1")

    def answered(self, source, address):
        done = subprocess.run(inside(source, sys.executable, "-c", ASK, address, ",".join(str(p) for p in PORTS)), capture_output=True, text=True)
        return [int(p) for p in done.stdout.strip().split(",") if p]

    def identities(self):
        return {i["id"]: i for i in json.loads(self.good("identity", "list", "-o", "json").stdout)}

    def addresses(self):
        return {a["prefix"]: a for a in json.loads(self.good("address", "list", "-o", "json").stdout)}

    def programs(self):
        return {a["ifname"]: a["kernelPrograms"] for a in json.loads(self.good("status", "-o", "json").stdout)["attachments"]}

    def told(self, namespace, labels):
        """The identity labels of such a pod, as the loader is told them."""
        out = ["k8s:%s=%s" % pair for pair in labels.items()]
        out += ["k8s:io.kubernetes.pod.namespace=" + namespace, "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.cilium.k8s.policy.serviceaccount=default",
                "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=" + namespace]
        return out + (["k8s:io.cilium.k8s.namespace.labels.team=blue"] if namespace == "other" else [])

    def verified(self, guest):
        """What the server lets in from it when the compiler knows it."""
        self.number += 1
        directory = self.directory("with-%d" % self.number, POLICIES, guest)
        queries = self.home / ("queries-%d" % self.number)
        queries.write_text("".join(json.dumps({"id": str(p), "from": guest[0] + "/guest", "to": "t/server", "protocol": "TCP", "port": p}) + "\n" for p in PORTS))
        done = run(self.netpolc, "verify", "-f", str(directory), "--queries", str(queries), "-o", "jsonl")
        return [int(a["id"]) for a in map(json.loads, done.stdout.splitlines()) if a["ingress"]["verdict"] == "allow"]


def random_guest(source):
    labels = {key: source.choice(values) for key, values in (("app", ["client", "stranger", "new"]), ("tier", ["gold", "silver", "lead"]), ("track", ["canary"])) if source.random() < 0.6}
    return ("other" if source.random() < 0.3 else "t"), labels


def test_unknown_label_sets_are_judged_as_if_compiled(world):
    world.load()
    before = world.programs()
    guest, server = world.pods["guest"], world.pods["server"]
    check(world.answered(guest.netns, server.ipv4) == [], "nobody knows the guest yet")
    source, seen, numbers = random.Random(1), set(), {}
    for n in range(14):
        who = random_guest(source)
        expected = world.verified(who)
        words = [w for label in world.told(*who) for w in ("--labels", label)]
        for family, address in ((4, guest.ipv4), (6, guest.ipv6)):
            if family == 6 and n % 3:
                continue
            said = json.loads(world.good("address", "add", address, *words, "-o", "json").stdout)
            numbers.setdefault(str(who), set()).add(said["now"])
            got = world.answered(guest.netns, server.ipv4 if family == 4 else server.ipv6)
            check(got == expected, "%s over IPv%d reaches %s, and %s if compiled" % (who, family, got, expected))
        seen.add(tuple(expected))
    check(len(seen) >= 4, "too few different verdicts: %s" % seen)
    check(all(len(ids) == 1 for ids in numbers.values()), "a label set has one number: %s" % numbers)
    check(world.programs() == before, "no program was touched")
    world.good("address", "remove", guest.ipv4)
    check(world.answered(guest.netns, server.ipv4) == [], "gone is gone")
    return "%d label sets, %d different verdicts" % (len(numbers), len(seen))


def test_numbers_outlive_a_newer_bundle(world):
    world.load()
    guest, server = world.pods["guest"], world.pods["server"]
    who = ("t", {"tier": "gold", "app": "new"})
    words = [w for label in world.told(*who) for w in ("--labels", label)]
    number = json.loads(world.good("address", "add", guest.ipv4, *words, "-o", "json").stdout)["now"]
    check(world.identities()[number]["learned"] and world.addresses()[guest.ipv4 + "/32"]["labels"], "it is listed")
    check(world.answered(guest.netns, server.ipv4) == [8080, 8081], "as its labels say")
    changed = POLICIES.replace('port: "8081"', 'port: "8083"')
    newer = world.compile("newer", world.directory("newer-policies", changed))
    former, later = (json.loads((b / "bundle.json").read_text()) for b in (world.bundle, newer))
    check(former["policyDigest"] != later["policyDigest"] and former["liveDigest"] != "", "bundle.json says that the policy is another")
    world.load(newer)
    check(world.answered(guest.netns, server.ipv4) == [8080, 8083], "the newer policy judges by labels")
    check(world.addresses()[guest.ipv4 + "/32"]["identity"] == number, "its number stays")
    compiled = world.compile("with", world.directory("with-guest", POLICIES, who))
    later = json.loads((compiled / "bundle.json").read_text())
    check(former["policyDigest"] == later["policyDigest"] or {p["digest"] for p in former["programs"]} <= {p["digest"] for p in later["programs"]}, "a pod needs no other program")
    check(former["liveDigest"] != later["liveDigest"], "bundle.json says that somebody came")


class Talk:
    """A connection that stays open; `goes` sends one word and waits for its echo."""

    def __init__(self, world):
        self.sockets = []
        in_netns("outside", self.listen).join()
        in_netns(world.pods["client"].netns, self.connect).join()
        check(self.sockets and self.sockets[0] is not None, "no connection")
        self.far, _ = self.listener.accept()
        self.far.settimeout(1)

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("203.0.113.6", 9000))
        self.listener.listen(4)

    def connect(self):
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect(("203.0.113.6", 9000))
            self.sockets.append(s)
        except OSError:
            self.sockets.append(None)

    def goes(self):
        self.sockets[0].send(b"word")
        try:
            return self.far.recv(16) != b""
        except OSError:
            return False

    def close(self):
        for s in (self.far, self.listener, self.sockets[0]):
            s.close()


def test_names_open_and_close(world):
    world.load()
    client = world.pods["client"].netns
    topology.ip("outside", "addr", "replace", "203.0.113.6/24", "dev", "eth0")
    for family in (4, 6):
        address = OUTSIDE[family]
        check(world.answered(client, address) == [], "not resolved yet")
        world.good("address", "add", address, "--fqdn", "API.example.com.")
        check(world.answered(client, address) == [8080], "resolved, over IPv%d" % family)
        world.good("address", "add", address, "--fqdn", "a.cdn.example.net")
        world.good("address", "remove", address, "--fqdn", "api.example.com")
        check(world.answered(client, address) == [8080], "another name of it still resolves to it")
        world.good("address", "remove", address)
        check(world.answered(client, address) == [], "expired")
        said = world.good("address", "add", address, "--fqdn", "www.example.com").stderr
        check("no policy that is loaded asks for www.example.com" in said, said)
        check(world.answered(client, address) == [], "a name that nobody asks for")
        world.good("address", "remove", address)
    world.good("address", "add", "203.0.113.6", "--fqdn", "x.cdn.example.net")
    talk = Talk(world)
    try:
        check(talk.goes(), "a connection is open")
        world.good("address", "add", "203.0.113.99", "--fqdn", "y.cdn.example.net")
        check(talk.goes(), "others' changes are none of its business")
        world.good("address", "remove", "203.0.113.6")
        check(not talk.goes(), "the name expired: the next packet forward is judged anew")
    finally:
        talk.close()
    # a prefix of the policy's around an address that a name resolves to counts as before
    labels = json.loads(world.good("address", "add", "198.51.100.7", "--fqdn", "api.example.com", "-o", "json").stdout)
    names = world.identities()[labels["now"]]["labels"]
    check("cidr:198.51.100.0/24" in names and "fqdn:api.example.com" in names and "reserved:world-ipv4" in names, str(names))
    said = world.good("address", "add", world.pods["server"].ipv4, "--fqdn", "api.example.com").stderr
    check("belongs to the cluster" in said and world.answered(client, world.pods["server"].ipv4) == [], "what is in the cluster is not outside: " + said)


def test_a_hundred_thousand_prefixes(world):
    world.load()
    few = len(world.addresses())
    lines = ["{\"address\": \"%d.%d.%d.0/24\", \"cidrGroups\": \"partners\"}" % (100 + (n >> 14), (n >> 8 & 63) * 2, n & 255) for n in range(50000)]
    lines += ["{\"address\": \"2001:db8:%x::/48\", \"cidrGroups\": \"partners\"}" % (n + 0x2000) for n in range(25000)]
    lines += ["{\"address\": \"2001:db8:%x::7\", \"external\": true}" % (n + 0x2000) for n in range(25000)]
    guest, server = world.pods["guest"], world.pods["server"]
    check(world.answered(guest.netns, server.ipv4) == [], "nobody")
    start = time.monotonic()
    said = world.good("address", "add", "-", stdin="\n".join(lines + ["{\"address\": \"10.244.1.12/31\", \"cidrGroups\": [\"partners\"]}"]))
    took = time.monotonic() - start
    check(said.stdout.startswith("100001 addresses, 100001 of them changed"), said.stdout)
    check(took < 12, "it took %.1f s" % took)
    check(world.answered(guest.netns, server.ipv4) == [8080], "a member of the group")
    known = world.addresses()
    check(len(known) == few + 100001, "%d addresses" % len(known))
    groups = {a["identity"] for p, a in known.items() if any("partners" in label for label in a["labels"])}
    check(len(groups) <= 3, "they share their identities: %s" % groups)
    start = time.monotonic()
    world.good("address", "add", "203.0.113.77", "--fqdn", "api.example.com")
    one = time.monotonic() - start
    start = time.monotonic()
    world.load()
    again = time.monotonic() - start
    check(world.answered(guest.netns, server.ipv4) == [8080], "known after another load")
    world.good("address", "remove", "10.244.1.12/31")
    check(world.answered(guest.netns, server.ipv4) == [], "no member any more")
    world.good("address", "remove", "-", stdin="\n".join(json.dumps({"address": json.loads(l)["address"]}) for l in lines))
    check(len(world.addresses()) == few + 1, "all are gone")
    return "%.1f s to add, %.1f s for one more, %.1f s to load" % (took, one, again)


def test_more_kinds_of_peers_than_there_is_room_for(world):
    """Every subset of nine labels is a kind of its own."""
    world.load()

    def lines(first, last):
        out = []
        for n in range(first, last):
            labels = world.told("t", {"k%d" % bit: "x" for bit in range(9) if n >> bit & 1})
            out.append(json.dumps({"address": "10.77.%d.%d" % (n >> 8, n & 255), "labels": labels}))
        return "\n".join(out)

    guest, server = world.pods["guest"], world.pods["server"]
    world.good("address", "add", "-", stdin=lines(1, 200))
    before = world.addresses()
    done = world.call("address", "add", "-", stdin=lines(200, 400))
    check(done.returncode == 4 and "room for 256 kinds of peers, and all are in use; load the bundle again" in done.stderr, "%d %s" % (done.returncode, done.stderr))
    check(world.addresses() == before, "something was written")
    # who goes makes room
    world.good("address", "remove", "-", stdin="\n".join(json.dumps({"address": "10.77.0.%d" % n}) for n in range(1, 200)))
    world.good("address", "add", "-", stdin=lines(200, 400))
    words = [w for label in world.told("t", {"k1": "x", "track": "canary"}) for w in ("--labels", label)]
    world.good("address", "add", guest.ipv4, *words)
    check(world.answered(guest.netns, server.ipv4) == [8083], "a row that was another's before")
    world.load()  # as much room again
    check(world.answered(guest.netns, server.ipv4) == [8083], "known after another load")
    world.good("address", "add", "-", stdin=lines(1, 200))
    check(world.answered(guest.netns, server.ipv4) == [8083], "others' rows are theirs")


def test_what_was_killed_in_the_middle_is_all_there_or_nothing(world):
    world.load()
    few, seen = len(world.addresses()), set()
    lines = "\n".join("{\"address\": \"100.%d.%d.0/24\", \"cidrGroups\": \"partners\"}" % (n >> 8, n & 255) for n in range(20000))
    # as a loader leaves it that was killed between tables and state
    state, guest, server = world.home / "state" / "state.json", world.pods["guest"], world.pods["server"]
    before = state.read_text()
    world.good("address", "add", guest.ipv4, "--cidr-group", "partners")
    check(world.answered(guest.netns, server.ipv4) == [8080], "a member of the group")
    state.write_text(before)
    (world.home / "state" / "changing.json").write_text("")
    world.good("address", "add", "203.0.113.200", "--external")
    check(world.answered(guest.netns, server.ipv4) == [], "what was never finished is gone")
    check(not (world.home / "state" / "changing.json").exists(), "and it is tidied up")
    world.good("address", "remove", "203.0.113.200")
    words = lambda labels: [w for label in world.told("t", labels) for w in ("--labels", label)]  # noqa: E731
    before = state.read_text()
    first = json.loads(world.good("address", "add", guest.ipv4, *words({"tier": "gold", "app": "new"}), "-o", "json").stdout)["now"]
    check(world.answered(guest.netns, server.ipv4) == [8080, 8081], "as its labels say")
    state.write_text(before)
    (world.home / "state" / "changing.json").write_text("")
    second = json.loads(world.good("address", "add", guest.ipv4, *words({"k1": "x", "track": "canary"}), "-o", "json").stdout)["now"]
    check(first == second, "the number was never kept")
    check(world.answered(guest.netns, server.ipv4) == [8083], "whose number it is now counts")
    world.good("address", "remove", guest.ipv4)
    for n in range(5):
        victim = subprocess.Popen(inside("node-1", world.loader, "address", "add", "-", "--root", PINS, "--state", str(world.home / "state")), stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=feed, args=(victim, lines)).start()
        time.sleep(0.05 + 0.12 * n)
        seen.add(len(world.addresses()) - few)
        victim.kill()
        victim.wait()
        world.good("address", "add", "203.0.113.200", "--external")  # anything
        there = len(world.addresses()) - few - 1
        check(there in (0, 20000), "%d of 20000 are there" % there)
        if there:
            world.good("address", "remove", "-", stdin="\n".join(json.dumps({"address": json.loads(l)["address"]}) for l in lines.splitlines()))
        world.good("address", "remove", "203.0.113.200")
        check(len(world.addresses()) == few, "what was taken back is gone")
    return "killed with %s there" % ", ".join(str(s) for s in sorted(seen))


def feed(process, text):
    try:
        process.stdin.write(text)
        process.stdin.close()
    except OSError:
        pass  # killed before it had read everything


def test_mistakes_change_nothing(world):
    world.load()
    before = world.addresses()
    pod = world.told("t", {"app": "client"})
    for words, text in (
            (["10.244.1.12", "--endpoint", "t/nobody"], "endpoint `t/nobody` is not in the bundle"),
            (["10.244.1.12", "--labels", "app=client"], "`app=client` is no label: expected source:key"),
            (["10.244.1.12", "--labels", "k8s:app=client,k8s:io.kubernetes.pod.namespace=t"], "lack k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name, k8s:io.cilium.k8s.policy.cluster"),
            (["10.244.1.12", "--labels", ",".join(pod + ["k8s:app=other"])], "the label has two values"),
            (["10.244.1.12", "--labels", "reserved:world"], "--external"),
            (["10.244.1.12", "--labels", "cidr:10.0.0.0/8"], "is a label of addresses outside the cluster"),
            (["10.244.1.12", "--labels", ",".join(pod), "--fqdn", "api.example.com"], "an address has one owner"),
            (["10.244.1.12"], "whose address is it?"),
            (["10.244.1.300", "--external"], "is no address or prefix"),
            (["10.244.1.12", "--fqdn", "api example"], "is no name")):
        done = world.call("address", "add", *words)
        check(done.returncode == 2 and text in done.stderr, "%s ended with %d: %s" % (words, done.returncode, done.stderr))
    good = json.dumps({"address": "10.244.1.12", "labels": pod})
    for line, text in (("{", "standard input:2: no JSON"), (json.dumps({"address": "10.244.1.13", "label": pod}), "standard input:2: `label`: is no field"),
                       (json.dumps({"address": "10.244.1.13", "labels": "k8s:app=x"}), "10.244.1.13/32: labels `k8s:app=x` lack")):
        done = world.call("address", "add", "-", stdin=good + "\n" + line)
        check(done.returncode == 2 and text in done.stderr, done.stderr)
    full = "\n".join("{\"address\":\"%d.%d.%d.%d\",\"external\":true}" % (20 + (n >> 24), n >> 16 & 255, n >> 8 & 255, n & 255) for n in range(262145))
    done = world.call("address", "add", "-", stdin=full)
    check(done.returncode == 4 and "table np_addresses4 is full: it has room for 262144 entries" in done.stderr, "%d %s" % (done.returncode, done.stderr))
    check(world.addresses() == before, "something was written")


def main(binaries):
    tests = [test_unknown_label_sets_are_judged_as_if_compiled, test_numbers_outlive_a_newer_bundle, test_names_open_and_close, test_a_hundred_thousand_prefixes,
             test_more_kinds_of_peers_than_there_is_room_for, test_what_was_killed_in_the_middle_is_all_there_or_nothing, test_mistakes_change_nothing]
    wanted, failed = os.environ.get("ONLY", ""), 0
    with tempfile.TemporaryDirectory(prefix="netpolc-labels-") as home:
        world = World(binaries, pathlib.Path(home))
        for test in tests:
            if wanted not in test.__name__:
                continue
            name, start = test.__name__[5:].replace("_", " "), time.monotonic()
            try:
                said = test(world)
                print("ok    %s%s  %.1f s" % (name, ": " + said if said else "", time.monotonic() - start), flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as error:
                failed += 1
                print("FAIL  %s: %s" % (name, error), flush=True)
            world.call("unload")
            check(not os.path.exists(PINS), "unload takes every pin")
    print("newcomers: %d tests, %d failed" % (len(tests), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    run_alone(main, __file__)
