"""Compiles, loads and hits the article's policies with real packets; see tools/demo.sh.

Exit status 0 when every probe came out as written down in PROBES and as `netpolc verify` says.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import topology
from topology import Pod, inside, run

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASE = ROOT / "testdata" / "policies" / "article"
EXERCISE = ROOT / "testdata" / "policies" / "article-exercise"
NODES = {"node-1": ("192.168.51.2", "fd00:51::2"), "node-2": ("192.168.52.2", "fd00:52::2")}
DATABASE = ("10.20.0.5", "fd00:20::5")  # outside the cluster, inside 10.0.0.0/8
PORTS = "53,80,5432,8080,8443,9090"

# source, destination, protocol, port, expected. Each is tried over IPv4 and IPv6, unless the
# expectation differs between the families: then it is a pair (IPv4, IPv6).
PROBES = [
    ("frontend", "backend", "TCP", 8080, True),
    ("frontend", "backend", "TCP", 8443, True),
    ("frontend", "backend", "TCP", 9090, False),
    ("frontend", "backend", "UDP", 8080, False),
    ("frontend", "backend", "ICMP", 0, False),
    ("other", "backend", "TCP", 8080, False),
    ("prometheus", "backend", "TCP", 9090, True),
    ("prometheus", "backend", "TCP", 8080, False),
    ("prometheus", "frontend", "TCP", 9090, True),
    ("prometheus", "other", "TCP", 9090, True),
    ("other", "frontend", "TCP", 80, False),
    ("kube-dns", "frontend", "TCP", 9090, False),
    ("backend", "kube-dns", "UDP", 53, True),
    ("backend", "kube-dns", "TCP", 53, True),
    ("backend", "kube-dns", "TCP", 80, False),
    ("backend", "database", "TCP", 5432, (True, False)),
    ("backend", "database", "TCP", 80, False),
    ("backend", "frontend", "TCP", 80, False),
    ("frontend", "database", "TCP", 80, True),
    ("frontend", "kube-dns", "UDP", 53, True),
    ("frontend", "kube-dns", "ICMP", 0, True),
    ("node-1", "frontend", "TCP", 80, True),
]


def fail(text):
    sys.exit("demo: " + text)


class Demo:
    def __init__(self, binaries, home):
        self.netpolc, self.loader = str(binaries / "netpolc"), str(binaries / "netpol-loader")
        self.home = home
        self.bundle = home / "bundle"
        self.pods = {p.name: p for p in (
            Pod("frontend", "production", "node-1", "10.244.1.10", "fd00:244:1::10"),
            Pod("backend", "production", "node-1", "10.244.1.11", "fd00:244:1::11"),
            Pod("other", "production", "node-2", "10.244.2.12", "fd00:244:2::12"),
            Pod("prometheus", "monitoring", "node-2", "10.244.2.13", "fd00:244:2::13"),
            Pod("kube-dns", "kube-system", "node-2", "10.244.2.14", "fd00:244:2::14"),
        )}
        self.servers = {}

    # ---- the cluster ------------------------------------------------------------------------
    def build_cluster(self):
        topology.prepare()
        topology.namespace("fabric")
        for node, (ipv4, ipv6) in NODES.items():
            topology.member(node, ipv4, ipv6)
        topology.member("database", *DATABASE)
        for pod in self.pods.values():
            pod.create(NODES)
            self.start_server(pod.netns)
        self.start_server("database")

    def start_server(self, netns):
        server = subprocess.Popen(inside(netns, sys.executable, str(HERE / "traffic.py"), "serve", PORTS),
                                  stdout=subprocess.PIPE, text=True)
        if server.stdout.readline().strip() != "ready":
            fail("no server in " + netns)
        self.servers[netns] = server

    # ---- netpolc ----------------------------------------------------------------------------
    def compile(self):
        done = run(self.netpolc, "compile", "-f", str(CASE), "-o", str(self.bundle), check=False)
        sys.stdout.write(done.stdout)
        sys.stderr.write(done.stderr)
        if done.returncode:
            fail("compile ended with %d" % done.returncode)

    def load(self, node):
        lines = [{"endpoint": p.endpoint, "ifname": p.ifname, "ipv4": p.ipv4, "ipv6": p.ipv6}
                 for p in self.pods.values() if p.node == node]
        attach = self.home / (node + ".jsonl")
        attach.write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = run(*inside(node, self.loader, "load", str(self.bundle), "--attach-file", str(attach), "--node", node,
                           "--root", "/sys/fs/bpf/" + node), check=False)
        sys.stdout.write(done.stdout)
        if done.returncode:
            fail("load on %s ended with %d: %s" % (node, done.returncode, done.stderr))

    def address_of(self, name, family):
        if name in self.pods:
            pod = self.pods[name]
            return pod.ipv4 if family == 4 else pod.ipv6
        return (DATABASE if name == "database" else NODES[name])[0 if family == 4 else 1]

    def netns_of(self, name):
        return self.pods[name].netns if name in self.pods else name

    def attempt(self, probe):
        source, destination, protocol, port, family, _ = probe
        command = inside(self.netns_of(source), sys.executable, str(HERE / "traffic.py"), "probe", protocol,
                         self.address_of(destination, family), str(port))
        return subprocess.run(command, capture_output=True).returncode == 0

    def verified(self, probes):
        """What `netpolc verify` says of the same probes, from the manifests alone."""
        def end(name, family):
            if name in self.pods:
                return self.pods[name].endpoint
            return "ip:" + self.address_of(name, family)
        lines = []
        for n, (source, destination, protocol, port, family, _) in enumerate(probes):
            query = {"id": str(n), "from": end(source, family), "to": end(destination, family)}
            if protocol == "ICMP":
                query.update({"protocol": "ICMP", "icmpType": 8} if family == 4 else {"protocol": "ICMPv6", "icmpType": 128})
            else:
                query.update(protocol=protocol, port=port)
            lines.append(json.dumps(query))
        queries = self.home / "queries.jsonl"
        queries.write_text("\n".join(lines) + "\n")
        done = run(self.netpolc, "verify", "-f", str(CASE), "--queries", str(queries), "-o", "jsonl", check=False)
        answers = {a["id"]: a["verdict"] == "ALLOWED" for a in map(json.loads, done.stdout.splitlines())}
        return [answers[str(n)] for n in range(len(probes))]

    def judge(self, title):
        probes = []
        for source, destination, protocol, port, expected in PROBES:
            both = expected if isinstance(expected, tuple) else (expected, expected)
            probes += [(source, destination, protocol, port, 4, both[0]), (source, destination, protocol, port, 6, both[1])]
        offline = self.verified(probes)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            seen = list(pool.map(self.attempt, probes))
        word = {True: "allowed", False: "denied"}
        print("\n%s\n%-12s %-12s %-9s %-5s  %-9s %-9s %-9s" % (title, "FROM", "TO", "PORT", "IP", "EXPECTED", "VERIFY", "SEEN"))
        wrong = 0
        for probe, said, got in zip(probes, offline, seen):
            source, destination, protocol, port, family, expected = probe
            agree = expected == said == got
            wrong += not agree
            label = protocol if protocol == "ICMP" else "%d/%s" % (port, protocol)
            print("%-12s %-12s %-9s IPv%d   %-9s %-9s %-9s%s" % (source, destination, label, family, word[expected],
                                                               word[said], word[got], "" if agree else "  <-- differs"))
        print("%d probes, %d differ" % (len(probes), wrong))
        return wrong

    # ---- a restarted pod --------------------------------------------------------------------
    def move_backend(self):
        old = self.pods["backend"]
        self.servers.pop(old.netns).kill()
        old.destroy()
        new = Pod("backend", "production", "node-2", "10.244.2.99", "fd00:244:2::99")
        self.pods["backend"] = new
        new.create(NODES)
        self.load("node-2")  # same bundle: attach the new interface
        for node in NODES:   # and tell every node the new address
            for address in (new.ipv4, new.ipv6):
                run(*inside(node, self.loader, "address", "add", address, "--endpoint", new.endpoint, "--root", "/sys/fs/bpf/" + node))
        self.start_server(new.netns)


def rule_sets():
    """What iptables and nftables hold on the nodes: the demo must not touch either."""
    texts = []
    for node in NODES:
        for command in (["iptables-save"], ["ip6tables-save"], ["nft", "list", "ruleset"]):
            lines = run(*inside(node, *command), check=False).stdout.splitlines()
            texts.append([line for line in lines if not line.startswith("#")])
    return texts


def exercise(netpolc):
    done = run(netpolc, "verify", "-f", str(EXERCISE / "cluster.yaml"), "-f", str(EXERCISE / "policies.yaml"), "--queries",
               str(EXERCISE / "queries.jsonl"), "--resolutions", str(EXERCISE / "resolutions.json"), "-o", "jsonl", check=False)
    expected = {q["id"]: q["expect"] for q in map(json.loads, (EXERCISE / "queries.jsonl").read_text().splitlines())}
    got = {a["id"]: a["verdict"] for a in map(json.loads, done.stdout.splitlines())}
    print("\nThe exercise: app=external-client reaches api.example.com:443 and nothing else (DNS aside)")
    for name, verdict in expected.items():
        print("%-10s expected %-8s netpolc verify says %s" % (name, verdict, got.get(name)))
    return got != expected


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="netpolc-demo-") as home:
        demo = Demo(binaries, pathlib.Path(home))
        demo.build_cluster()
        demo.compile()
        before = rule_sets()
        for node in NODES:
            demo.load(node)
        wrong = demo.judge("The article's three policies, enforced")
        digest = (demo.bundle / "bundle.json").read_bytes()
        demo.move_backend()
        wrong += demo.judge("The backend restarted on node-2 with a new address: same identity, no recompile")
        wrong += digest != (demo.bundle / "bundle.json").read_bytes()
        same = before == rule_sets()
        print("\niptables-save and nft list ruleset before and after: %s" % ("the same" if same else "DIFFERENT"))
        wrong += not same
        wrong += exercise(demo.netpolc)
        for server in demo.servers.values():
            server.kill()
    print("demo: %s" % ("everything as expected" if not wrong else "%d differences" % wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
