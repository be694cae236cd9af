#!/usr/bin/env python3
"""The golden policies as cases for the guest of tools/matrix_test.sh.

usage: cases.py NETPOLC TESTDATA OUT

OUT/CASE/   bundle/ (compiled now), attach.jsonl, load (further words of `netpol-loader load`), and a small
            network: links (`ip -batch`), NETNS.ip (`ip -n NETNS -batch`), packets (see probe.cpp)
            and for the case `rough`: NETNS.tc (`tc -batch`), which makes the path lose and reorder packets, and
            streams (see stream.cpp)
OUT/names   a line for each case: CASE ok, or CASE fail for three that are spoiled on purpose, so that every
            run shows that a refused program, a wrong verdict and a stream's fate are noticed

Each case is a node of its own: a namespace with a veth pair to each pod of the bundle, wherever its node is
in the YAML, and to one namespace with all other addresses. Packets are the case's queries.jsonl, over both
families where both ends have both; what waits for authentication or L7 is dropped by the datapath.
"""
import hashlib
import ipaddress
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

GATEWAY4, GATEWAY6 = "169.254.1.1", "fe80::1"
OTHER_NODE = {4: "192.168.250.1", 6: "fd00:250::1"}  # where the YAML has no nodes
# What pods of the rough path send. Segments go one by one, or what is lost and late would be few large pieces.
ROUGH_LINK = "link set eth0 gso_max_segs 1"
ROUGH_QUEUE = "qdisc add dev eth0 root netem limit 5000 delay 10ms reorder 94% loss 1%"
STREAM_BYTES = 1_000_000
PROTOCOLS = {"TCP": "tcp", "UDP": "udp", "ICMP": "icmp", "ICMPv6": "icmp"}


def family(address):
    return ipaddress.ip_address(address).version


def by_family(addresses):
    return {family(a): a for a in reversed(addresses)}


def netpolc(binary, *words):
    return subprocess.run([str(w) for w in (binary, *words)], check=True, capture_output=True, text=True).stdout


class Golden:
    """A directory of testdata/policies: its bundle, its questions and what is answered."""

    def __init__(self, binary, directory, bundle):
        self.name, self.bundle = directory.name, bundle
        inputs = [w for p in sorted(directory.glob("*.yaml")) for w in ("-f", p)]
        flags = (directory / "flags").read_text().split() if (directory / "flags").exists() else []
        resolutions = directory / "resolutions.json"
        self.resolutions = json.loads(resolutions.read_text()) if resolutions.exists() else {}
        more = ["--resolutions", resolutions] if self.resolutions else []
        netpolc(binary, "compile", *inputs, *flags, *more, "-o", bundle)
        self.manifest = json.loads((bundle / "bundle.json").read_text())
        self.queries = [json.loads(line) for line in (directory / "queries.jsonl").read_text().splitlines() if line.strip()]
        asked = bundle.parent / "asked.jsonl"
        asked.write_text("".join(json.dumps({k: v for k, v in q.items() if k != "expect"}) + "\n" for q in self.queries))
        flags = [f for f in flags if f.startswith("--cilium-version=")]
        answers = netpolc(binary, "verify", *inputs, *flags, *more, "--queries", asked, "-o", "jsonl")
        asked.unlink()
        self.answers = {a["id"]: a for a in map(json.loads, answers.splitlines())}

    def passes(self, query):
        sides = [s for s in (self.answers[query["id"]].get(d) for d in ("egress", "ingress")) if s]
        waits = any(s["verdict"] == "allow-l7" or s.get("auth") == "required" for s in sides)
        return query["expect"] == "ALLOWED" and not waits


class Network:
    """Namespaces on a node. An end is (netns, {family: address})."""

    def __init__(self, prefix, golden):
        self.prefix, self.golden = prefix, golden
        self.links, self.batches, self.attach = [], {}, []
        self.node_name, addresses = self.choose_node()
        self.node = self.namespace("n")
        self.node_addresses = {**OTHER_NODE, **by_family(addresses)}
        for address in self.node_addresses.values():
            self.add(self.node, "addr add %s dev lo" % address + (" nodad" if family(address) == 6 else ""))
        self.pods = {}
        for number, endpoint in enumerate(golden.manifest["endpoints"]):
            self.add_pod(number, endpoint)
        outside = sorted({a for q in golden.queries for e in (q["from"], q["to"]) for a in self.outside_addresses(e)})
        self.outside = self.machine("o", "outside", outside)

    def choose_node(self):
        """Whose node we are: that of the pod the host asks about, else the first pod's."""
        nodes = {n["name"]: n["addresses"] for n in self.golden.manifest["nodes"]}
        pods = {e["namespace"] + "/" + e["name"]: e["pods"][0]["node"] for e in self.golden.manifest["endpoints"]}
        asked = [q["to"] for q in self.golden.queries if q["from"] == "entity:host"]
        name = next((pods[r] for r in [*asked, *(q["to"] for q in self.golden.queries), *pods] if pods.get(r) in nodes), None)
        return name, nodes.get(name, [])

    def namespace(self, suffix):
        name = self.prefix + suffix
        self.links.append("netns add " + name)
        self.batches[name] = ["link set lo up"]
        return name

    def add(self, netns, line):
        self.batches[netns].append(line)

    def machine(self, suffix, ifname, addresses):
        """A namespace with these addresses behind the node's interface `ifname`."""
        name = self.namespace(suffix)
        self.links.append("link add %s netns %s type veth peer name eth0 netns %s" % (ifname, self.node, name))
        self.add(self.node, "link set %s up" % ifname)
        self.add(self.node, "addr add %s/32 dev %s" % (GATEWAY4, ifname))
        self.add(self.node, "addr add %s/64 dev %s nodad" % (GATEWAY6, ifname))
        self.add(name, "link set eth0 up")
        for address in addresses:
            self.add(name, "addr add %s dev eth0" % address + (" nodad" if family(address) == 6 else ""))
            self.add(self.node, "route add %s dev %s src %s" % (address, ifname, self.node_addresses[family(address)]))
        self.add(name, "route add %s dev eth0" % GATEWAY4)
        self.add(name, "route add 0.0.0.0/0 via %s dev eth0" % GATEWAY4)
        self.add(name, "route add ::/0 via %s dev eth0" % GATEWAY6)
        return name

    def add_pod(self, number, endpoint):
        pod = endpoint["pods"][0]
        name, ifname = endpoint["namespace"] + "/" + endpoint["name"], "lxc%d" % number
        request = {"endpoint": name, "ifname": ifname}
        addresses = pod["ipv4"] + pod["ipv6"]
        if not addresses:
            addresses = [request.setdefault("ipv4", "10.201.0.%d" % (number + 1))]
        self.pods[name] = (self.machine("p%d" % number, ifname, addresses), by_family(addresses))
        self.attach.append(request)

    def outside_addresses(self, reference):
        kind, _, rest = reference.partition(":")
        return [rest] if kind == "ip" else self.golden.resolutions.get(rest, []) if kind == "fqdn" else []

    def end(self, reference):
        if reference == "entity:host":
            return self.node, self.node_addresses
        if reference in self.pods:
            return self.pods[reference]
        return self.outside, by_family(self.outside_addresses(reference))

    def packets(self):
        """Packets of the queries that somebody can send: no echo replies, no SCTP."""
        for query in self.golden.queries:
            protocol = PROTOCOLS.get(query["protocol"])
            only = {"ICMP": 4, "ICMPv6": 6}.get(query["protocol"])
            if not protocol or (only and query["icmpType"] != {4: 8, 6: 128}[only]):
                continue
            (netns, source), (_, destination) = self.end(query["from"]), self.end(query["to"])
            for version in (only,) if only else (4, 6):
                if version in source and version in destination:
                    yield (query["id"], "/run/netns/" + netns, protocol, source[version], destination[version],
                           query.get("port", 0), "pass" if self.golden.passes(query) else "drop")


def write_case(out, network, packets):
    (out / "links").write_text("".join(line + "\n" for line in network.links))
    for netns, lines in network.batches.items():
        (out / (netns + ".ip")).write_text("".join(line + "\n" for line in lines))
    (out / "node").write_text(network.node + "\n")
    words = ["--node", network.node_name] if network.node_name else []
    hosts = {h["node"] for h in network.golden.manifest.get("hosts", [])}
    words += ["--host-device", "outside"] if network.node_name in hosts else []
    words += ["--xdp", "outside"] if network.golden.manifest.get("xdp") else []
    (out / "load").write_text(" ".join(words) + "\n")
    (out / "attach.jsonl").write_text("".join(json.dumps(a) + "\n" for a in network.attach))
    (out / "packets").write_text("".join(" ".join(map(str, p)) + "\n" for p in packets))


def write_streams(out, network, spoiled):
    """Between the two pods, over both families: at the open port, and at the one that is shut."""
    (client, sources), (server, destinations) = (network.pods["t/" + name] for name in ("client", "server"))
    lines = []
    for version in (4, 6):
        for port, passes in ((7000, True), (7001, False)):
            lines.append("/run/netns/%s %s /run/netns/%s %s %d %d %s" % (
                client, sources[version], server, destinations[version], port, STREAM_BYTES, "pass" if passes != spoiled else "closed"))
    (out / "streams").write_text("".join(line + "\n" for line in lines))
    for netns in (client, server):
        network.add(netns, ROUGH_LINK)
        (out / (netns + ".tc")).write_text(ROUGH_QUEUE + "\n")


def spoil_object(bundle):
    """A program that reads through a register nobody wrote; its manifest is in order."""
    manifest = (bundle / "bundle.json").read_text()
    parsed = json.loads(manifest)
    path = bundle / parsed["programs"][-1]["object"]
    former = path.read_bytes()
    data = bytearray(former)
    sections, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    for at in range(sections, sections + size * count, size):
        flags, = struct.unpack_from("<Q", data, at + 8)
        offset, length = struct.unpack_from("<QQ", data, at + 24)
        if flags & 4 and length:  # SHF_EXECINSTR
            data[offset:offset + 8] = bytes([0x79, 0x00, 0, 0, 0, 0, 0, 0])  # r0 = *(u64 *)(r0 + 0)
    path.write_bytes(data)
    manifest = manifest.replace(hashlib.sha256(former).hexdigest(), hashlib.sha256(data).hexdigest())
    blank = manifest.replace(parsed["digest"], "", 1)
    (bundle / "bundle.json").write_text(manifest.replace(parsed["digest"], hashlib.sha256(blank.encode()).hexdigest(), 1))


def write_crowd(directory):
    """A policy that names so many peers that rows have a summary and the kernel's own loop looks for them
    (NP_WIDE_TABLE): more conditions than NP_PLAIN_WORDS words have. The first, some and the last of them are there."""
    directory.mkdir()
    named = ["team-%d" % number for number in range(1, 4301)]
    denied = named[5:4300:100]
    present = ["team-1", "team-2050", "team-4150", "team-4300", "stranger", denied[0], denied[-1]]
    pods = ["server", *present]
    documents = ["{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: default, labels: {app: %s}}, spec: {nodeName: node-1, "
                 "containers: [{name: c, image: c}]}, status: {phase: Running, podIP: 10.244.1.%d, podIPs: [{ip: 10.244.1.%d}]}}"
                 % (pod, pod, 10 + number, 10 + number) for number, pod in enumerate(pods)]
    peers = lambda names: "".join("    - matchLabels: {app: %s}\n" % name for name in names)
    ports = '    toPorts: [{ports: [{port: "80", protocol: TCP}]}]\n'
    documents.append("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: crowd, namespace: default}\nspec:\n"
                     "  endpointSelector: {matchLabels: {app: server}}\n"
                     "  ingress:\n  - fromEndpoints:\n" + peers(named) + ports +
                     "  ingressDeny:\n  - fromEndpoints:\n" + peers(denied) + ports)
    (directory / "crowd.yaml").write_text("\n---\n".join(documents))
    allowed = [pod for pod in present if pod in named and pod not in denied]
    (directory / "queries.jsonl").write_text("".join(
        json.dumps({"id": "%s-%d" % (pod, port), "from": "default/" + pod, "to": "default/server", "protocol": "TCP", "port": port,
                    "expect": "ALLOWED" if pod in allowed and port == 80 else "DENIED"}) + "\n"
        for pod in present for port in (80, 81)))


def main():
    binary, testdata, out = (pathlib.Path(w).resolve() for w in sys.argv[1:4])
    rough = pathlib.Path(__file__).resolve().parent / "rough"
    shutil.rmtree(out, ignore_errors=True)
    goldens = [p for p in sorted((testdata / "policies").iterdir()) if (p / "queries.jsonl").exists()]
    # Answers that don't come take longest, so the spoiled ones are first.
    cases = [(name, testdata / "policies" / "article", "fail") for name in ("spoiled-answers", "spoiled-program")]
    cases += [("spoiled-rough", rough, "fail"), ("rough", rough, "ok")]
    cases += [(p.name, p, "ok") for p in goldens]
    with tempfile.TemporaryDirectory() as made:
        crowd = pathlib.Path(made) / "crowd"
        write_crowd(crowd)
        make(binary, out, cases + [("crowd", crowd, "ok")], rough)


def make(binary, out, cases, rough):
    names = ""
    for number, (name, directory, expected) in enumerate(cases):
        (out / name).mkdir(parents=True)
        network = Network("c%d" % number, Golden(binary, directory, out / name / "bundle"))
        packets = list(network.packets())
        if name == "spoiled-program":
            spoil_object(out / name / "bundle")
        if name == "spoiled-answers":
            packets = [(*p[:-1], {"pass": "drop", "drop": "pass"}[p[-1]]) for p in packets]
        if not packets:
            sys.exit("%s: none of its queries is a packet that can be sent" % name)
        if directory == rough:
            write_streams(out / name, network, name == "spoiled-rough")
        write_case(out / name, network, packets)
        names += "%s %s\n" % (name, expected)
    (out / "names").write_text(names)


if __name__ == "__main__":
    main()
