"""Namespaces, policies and the kernel for the benchmarks of forwarding (forwarding.py, endpoints.py).

A *site* is a node with clients and a server, all of them namespaces of their own:

    NAME-c ── c0, c1, …  ════  lc0, lc1, … ── NAME-n ── ls  ════  s ── NAME-s

Addresses and MACs are those of frame.h. Nobody asks for neighbours and there is no IPv6: what moves is
what the benchmark sends. Must run inside private network, mount and process namespaces (`enclosed`).
"""
import ctypes
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "demo"))
import topology  # noqa: E402
from topology import inside, run, sysctl  # noqa: E402

PORTS = [443] + [80 + 97 * i for i in range(1, 10)]
SERVER = "10.201.0.1"
NODE_MAC, POD_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
NODE = "node-0"


class Failed(Exception):
    pass


def client_address(client):
    return "10.200.%d.%d" % (client // 200, client % 200 + 1)


class Site:
    def __init__(self, name, clients=1):
        self.name, self.count = name, clients
        self.node, self.clients, self.server = (name + "-" + end for end in "ncs")
        for netns in (self.node, self.clients, self.server):
            run("ip", "netns", "add", netns)
            for which in ("all", "default"):
                sysctl(netns, "ipv6/conf/%s/disable_ipv6" % which, 1)
                sysctl(netns, "ipv4/conf/%s/rp_filter" % which, 0)
        sysctl(self.node, "ipv4/ip_forward", 1)
        self.cables([("lc%d" % i, self.clients, "c%d" % i, client_address(i)) for i in range(clients)] +
                    [("ls", self.server, "s", SERVER)])

    def cables(self, cables):
        batch(self.node, ["link add %s address %s type veth peer name %s address %s netns %s" % (near, NODE_MAC, far, POD_MAC, netns)
                          for near, netns, far, _ in cables])
        lines = ["addr add 192.168.250.1/32 dev ls"]
        for near, _, _, address in cables:
            lines += ["link set %s up" % near]
        for near, _, _, address in cables:
            lines += ["route add %s dev %s" % (address, near), "neigh add %s lladdr %s dev %s nud permanent" % (address, POD_MAC, near)]
        for netns in (self.clients, self.server):
            batch(netns, ["link set %s up" % far for _, there, far, _ in cables if there == netns])
        batch(self.node, lines)

    def plan(self, name, first=0, count=1, flows=1, empty=0, empty_server=0):
        """A line for netpolc-bench-forwarding."""
        return " ".join(map(str, (name, self.node, self.clients, self.server, first, count, flows, empty, empty_server)))


def batch(netns, lines):
    done = subprocess.run(["ip", "-n", netns, "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise Failed("ip, in %s: %s" % (netns, done.stderr.strip()))


# ---- netpolc ----------------------------------------------------------------------------------------
class Tools:
    def __init__(self, binaries, home):
        self.binaries, self.home = pathlib.Path(binaries).resolve(), pathlib.Path(home)

    def call(self, program, *words, netns=None, given=None):
        command = [str(self.binaries / program), *map(str, words)]
        done = subprocess.run(inside(netns, *command) if netns else command, input=given, capture_output=True, text=True)
        if done.returncode:
            raise Failed("%s %s ended with %d: %s" % (program, words[0], done.returncode, (done.stderr or done.stdout).strip()[-2000:]))
        return done.stdout

    def compile(self, name, documents):
        """A bundle of these documents."""
        text, bundle = self.home / (name + ".yaml"), self.home / name
        text.write_text("".join("---\n" + json.dumps(d) + "\n" for d in documents))
        self.call("netpolc", "compile", "-f", text, "-o", bundle)
        return bundle

    def load(self, site, bundle, endpoints):
        """`endpoints`: pairs of a pod and its device."""
        attach = self.home / (site.name + ".jsonl")
        attach.write_text("".join(json.dumps({"endpoint": "bench/" + pod, "ifname": ifname}) + "\n" for pod, ifname in endpoints))
        return self.call("netpol-loader", "load", bundle, "--attach-file", attach, "--node", NODE, *self.where(site), netns=site.node)

    def unload(self, site):
        self.call("netpol-loader", "unload", *self.where(site), netns=site.node)

    def status(self, site):
        return json.loads(self.call("netpol-loader", "status", "-o", "json", *self.where(site), netns=site.node))

    def where(self, site):
        return ["--root", "/sys/fs/bpf/" + site.name, "--state", str(self.home / ("state-" + site.name)), ]

    def measure(self, plans, rounds, packets, cpu):
        """Nanoseconds a packet of each path in every round."""
        out = self.call("netpolc-bench-forwarding", "run", rounds, packets, cpu, given="".join(p + "\n" for p in plans))
        return {words[0]: [float(w) for w in words[1:]] for words in map(str.split, out.splitlines())}

    def objects(self, site):
        """Programs and maps of what is loaded: (kind, name, bytes that the kernel charges) of each."""
        lines = map(str.split, self.call("netpolc-bench-forwarding", "objects", "/sys/fs/bpf/" + site.name).splitlines())
        return [(kind, name, int(charged)) for kind, _, name, charged in lines]


def pod(name, address, node=NODE, **labels):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "bench", "labels": labels},
            "spec": {"nodeName": node, "containers": [{"name": "c", "image": "example/c"}]},
            "status": {"phase": "Running", "podIPs": [{"ip": address}]}}


def cluster(peers=10_000, apps=100):
    """Nodes and pods: `peers` of them, 100 a node, with one of `apps` labels each."""
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cilium-config", "namespace": "kube-system"},
           "data": {"enable-ipv4": "true", "enable-ipv6": "false"}}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bench"}}
    for node in range(peers // 100 + 1):
        yield {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-%d" % node},
               "status": {"addresses": [{"type": "InternalIP", "address": "192.168.%d.1" % (250 if node == 0 else node)}]}}
    for peer in range(peers):
        yield pod("peer-%d" % peer, "10.1.%d.%d" % (peer // 100, peer % 100 + 1), "node-%d" % (peer // 100 + 1), app="app%d" % (peer % apps))


def policy(name, subject, apps, ports):
    """Pods with these labels talk with each of `apps` at each of `ports`, both ways: so many entries a direction."""
    def rules(way):
        return [{way: [{"matchLabels": {"app": app}}], "toPorts": [{"ports": [{"port": str(p), "protocol": "TCP"} for p in ports]}]} for app in apps]
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": name, "namespace": "bench"},
            "spec": {"endpointSelector": {"matchLabels": subject}, "ingress": rules("fromEndpoints"), "egress": rules("toEndpoints")}}


# ---- how it runs ------------------------------------------------------------------------------------
def why_not(programs):
    if os.geteuid() != 0:
        return "namespaces and loading programs into the kernel need root"
    probe = run("unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c", "mount -t bpf bpf /sys/fs/bpf", check=False)
    if probe.returncode:
        return "no namespaces or no bpffs: " + probe.stderr.strip()
    release = tuple(int(n) for n in os.uname().release.split(".")[:2])
    if release < (6, 6):
        return "this kernel has no tcx (Linux 6.6)"
    missing = [p for p in programs if run("sh", "-c", "command -v " + p, check=False).returncode]
    return "missing: " + ", ".join(missing) if missing else ""


def enclosed(script, main, parser, programs=("ip", "unshare", "nsenter")):
    """Runs main(options) in namespaces that end with this process, however it ends. Exit 2: something failed, 77: can't run."""
    parser.add_argument("--inside", action="store_true", help="for the script itself: namespaces are private already")
    options = parser.parse_args()
    if options.inside:
        topology.prepare()
        try:
            sys.exit(main(options))
        except (Failed, subprocess.SubprocessError) as error:
            print("error: %s %s" % (error, getattr(error, "stderr", "") or ""), file=sys.stderr)
            sys.exit(2)
    reason = why_not(programs)
    if reason:
        print("error: " + reason, file=sys.stderr)
        sys.exit(77)
    libc = ctypes.CDLL(None)
    sys.exit(subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                             sys.executable, script, *sys.argv[1:], "--inside"],
                            preexec_fn=lambda: libc.prctl(1, signal.SIGKILL)).returncode)  # PR_SET_PDEATHSIG


def median(samples):
    return statistics.median(samples)


def median_difference(samples, others):
    """Of what was measured in the same rounds: what the machine does meanwhile is in both."""
    return statistics.median(a - b for a, b in zip(samples, others))
