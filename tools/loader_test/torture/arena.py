"""The place of the loader's torture: a node with pods that are namespaces, bundles to exchange, traffic that notices.

All bundles let the client talk with the server at ports 8080 and 8081, and let neither the client reach ports 80 and
81 nor the stranger anything; at 9001 only the first one lets the client in, at 9002 only the second one, at 9003 the third. Everything is in
namespaces of the test's own, which end with it, however it ends.
"""
import argparse
import ctypes
import itertools
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "demo")]
import kernel_objects  # noqa: E402
import topology  # noqa: E402
from kernel_world import CLUSTER, why_not  # noqa: E402
from topology import Pod, inside, run  # noqa: E402

NODES = {"node-1": ("192.168.51.2", "fd00:51::2")}
ROOT = "/sys/fs/bpf/torture"
BOTH, NEITHER, ONLY = 8080, 80, {"a": 9001, "b": 9002, "c": 9003}
LAST, CLOSED = 8081, 81  # as 8080 and 80, for probes
# Calls after which something is another than before.
CHANGES = ("bpf BPF_LINK", "bpf BPF_OBJ_PIN", "bpf BPF_MAP_UPDATE", "bpf BPF_MAP_DELETE", "openat create", "rename", "unlink", "mkdir", "rmdir", "write", "symlink", "sendto", "mount")
LIBC = ctypes.CDLL(None, use_errno=True)

POD = """---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: t, labels: {app: %s}}
spec: {nodeName: node-1, containers: [{name: c, image: example/c}]}
status: {phase: Running, podIPs: [{ip: %s}, {ip: "%s"}]}
"""
POLICY = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: server, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: server}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: client}}]
    toPorts: [{ports: [{port: "8080", protocol: ANY}, {port: "8081", protocol: UDP}, {port: "%d", protocol: ANY}]}]
  ingressDeny:
  - fromEndpoints: [{matchLabels: {app: stranger}}]
"""
# So that every program of one bundle is another than in the other one.
OTHERS = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: egress, namespace: t}
spec:
  endpointSelector: {}
  egress: [{toEntities: [all]}]
  egressDeny: [{toEntities: [all], toPorts: [{ports: [{port: "%d", protocol: SCTP}]}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: others, namespace: t}
spec:
  endpointSelector: {matchExpressions: [{key: app, operator: NotIn, values: [server]}]}
  ingress: [{fromEntities: [all]}]
  ingressDeny: [{fromEntities: [all], toPorts: [{ports: [{port: "%d", protocol: SCTP}]}]}]
"""
# So that the second bundle numbers identities otherwise: `aardvark` comes before all others.
OTHER = [("aardvark", "aardvark", "10.9.9.9", "fd00:9::9")]


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


def enter(netns):
    with open("/run/netns/" + netns) as file:
        if LIBC.setns(file.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "setns")


def in_netns(netns, work):
    """What `work` returns in a thread that has entered a namespace: sockets stay where they were made."""
    out = []
    thread = threading.Thread(target=lambda: (enter(netns), out.append(work())))
    thread.start()
    thread.join()
    return out[0]


def words_of(seed):
    """Where a number is drawn from, and how to draw the same again."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print("seed %d: --seed %d draws the same again" % (seed, seed), flush=True)
    return random.Random(seed)


def run_alone(main, file, parser):
    """Runs main(options) of `file` in network, mount and process namespaces of its own, and ends the process."""
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        options.binaries = options.binaries.resolve()
        try:
            sys.exit(main(options))
        except Failed as error:
            print("FAIL  %s" % error)
            sys.exit(1)
    reason = why_not()
    if reason:
        print("skipped: " + reason)
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    sys.exit(subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, file, *sys.argv[1:], "--inside"],
                            preexec_fn=lambda: LIBC.prctl(1, signal.SIGKILL)).returncode)


def home(name):
    """A directory that is gone with the namespaces: /run is ours alone once they have been prepared."""
    topology.prepare()
    return tempfile.TemporaryDirectory(prefix="netpolc-" + name + "-", dir="/run")


class Probes:
    """Datagrams to ports of the server's: which of them come? One that all bundles allow goes last,
    so that nobody waits for what doesn't come."""

    def __init__(self, arena):
        self.address, self.number = arena.pods["server"].ipv4, 0
        self.client, self.stranger = (in_netns("pod-" + name, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for name in ("client", "stranger"))
        self.ports = {port: in_netns("pod-server", lambda: self.bound(port)) for port in (LAST, CLOSED, *ONLY.values())}

    @staticmethod
    def bound(port):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("0.0.0.0", port))
        return s

    def send(self, sender, port):
        self.number += 1
        sender.sendto(b"%d" % self.number, (self.address, port))
        return b"%d" % self.number

    def came(self, port, texts, patience):
        """Those of the texts that come to a port within a time, in seconds."""
        end, found = time.monotonic() + patience, set()
        while found != texts:
            self.ports[port].settimeout(max(0.001, end - time.monotonic()))
            try:
                found |= {self.ports[port].recv(64)} & texts
            except TimeoutError:
                break
        return found

    def look(self):
        """Which bundle's verdicts are seen: "a", "b", "none" where all is open, or in words what else."""
        sent = {name: {self.send(self.client, port)} for name, port in ONLY.items()}
        closed = {self.send(self.client, CLOSED), self.send(self.stranger, CLOSED)}
        last = {self.send(self.client, LAST)}
        passes = bool(self.came(LAST, last, 1.0))
        names = [name for name, port in ONLY.items() if self.came(port, sent[name], 0.003)]
        opened = len(self.came(CLOSED, closed, 0.003))
        if passes and opened == 2 and len(names) == len(ONLY):
            return "none"
        if passes and not opened and len(names) == 1:
            return names[0]
        return "%s, %d of 2 that all deny, and those of %s" % ("what all allow" if passes else "nothing that all allow", opened, names)

    def see(self, wanted):
        """The same; where that isn't what is wanted, once more: a busy machine may be late with a datagram."""
        for _ in range(3):
            seen = self.look()
            if seen == wanted:
                break
            time.sleep(0.05)
        return seen


class Traffic:
    """netpolc-live-traffic, running."""

    def __init__(self, arena, streams=10, askers=4, interval=100):
        server = arena.pods["server"]
        self.process = subprocess.Popen([str(arena.binaries / "netpolc-live-traffic"), *("/run/netns/pod-" + n for n in ("server", "client", "stranger")),
                                         server.ipv4 + "," + server.ipv6, str(BOTH), str(NEITHER), str(streams), str(askers), str(interval)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline().strip() == "ready", "the traffic doesn't run")
        self.streams = streams

    def counts(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def hold(self, counts):
        """Nothing that all bundles allow was cut, nothing that all deny got through."""
        check(counts["leaked"] == 0, "%d packets got through that every generation denies: %s" % (counts["leaked"], counts))
        check(counts["lost"] == 0 and counts["streams"] == self.streams, "connections were cut: %s" % counts)
        check(counts["freshLost"] == 0, "new connections were not answered: %s" % counts)
        return counts

    def held(self):
        return self.hold(self.counts())

    def stop(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """The last answers are waited for: every datagram must have had its own."""
        self.process.stdin.close()
        counts = self.hold(json.loads(self.process.stdout.readlines()[-1]))
        self.process.wait()
        check(counts["answered"] == counts["asked"], "%d of %d datagrams were not answered: %s" % (counts["asked"] - counts["answered"], counts["asked"], counts))
        check(counts["tried"] > 0 and counts["rounds"] > 0, "there was no traffic: %s" % counts)
        return counts


class Arena:
    def __init__(self, binaries, home, extra=0):
        self.binaries, self.home = pathlib.Path(binaries), pathlib.Path(home)
        self.loader, self.state = str(self.binaries / "netpol-loader"), str(self.home / "state")
        topology.namespace("fabric")
        topology.member("node-1", *NODES["node-1"])
        names = ["server", "client", "stranger"] + ["extra-%d" % n for n in range(extra)]
        self.pods = {name: Pod(name, "t", "node-1", "10.244.1.%d" % (10 + n), "fd00:244:1::%d" % (10 + n)) for n, name in enumerate(names)}
        for pod in self.pods.values():
            pod.create(NODES)
        self.bundles = {name: self.compile(name, OTHER if name != "a" else []) for name in ONLY}
        self.digests = {json.loads((path / "bundle.json").read_text())["digest"]: name for name, path in self.bundles.items()}
        self.interfaces = {name: self.number_of(pod) for name, pod in self.pods.items()}
        self.probes = Probes(self)

    def compile(self, name, others):
        directory, bundle = self.home / ("policies-" + name), self.home / ("bundle-" + name)
        directory.mkdir()
        pods = [(p.name, p.name.split("-")[0], p.ipv4, p.ipv6) for p in self.pods.values()] + others
        (directory / "all.yaml").write_text(CLUSTER + "".join(POD % p for p in pods) + (POLICY + OTHERS) % ((ONLY[name],) * 3))
        run(str(self.binaries / "netpolc"), "compile", "-f", str(directory), "-o", str(bundle))
        return bundle

    @staticmethod
    def number_of(pod):
        return in_netns("node-1", lambda: str(socket.if_nametoindex(pod.ifname)))

    def make_anew(self, name):
        """The pod goes, and one of the same name comes."""
        pod = self.pods[name]
        pod.destroy()
        pod.create(NODES)
        self.interfaces[name] = self.number_of(pod)

    # ---- commands ---------------------------------------------------------------------------------

    def command(self, *words, around=()):
        return inside("node-1", *around, self.loader, *words, "--root", ROOT, "--state", self.state)

    def call(self, *words, around=(), stdin=None):
        return subprocess.run(self.command(*words, around=around), capture_output=True, text=True, input=stdin, timeout=60)

    def done(self, *words, **more):
        """A command that has to succeed."""
        it = self.call(*words, **more)
        check(it.returncode == 0, "%s ended with %d: %s%s" % (" ".join(words[:2]), it.returncode, it.stdout, it.stderr))
        return it.stdout

    def load_words(self, name, pods=("server", "client", "stranger")):
        return ["load", str(self.bundles[name]), "--node", "node-1"] + [w for p in pods for w in ("--attach", "t/%s=lxc-%s" % (p, p))]

    def load(self, name, pods=("server", "client", "stranger"), **more):
        return self.done(*self.load_words(name, pods), **more)

    def unload(self):
        self.done("unload")

    # ---- what is there ----------------------------------------------------------------------------

    def known_state(self):
        try:
            return json.loads(pathlib.Path(self.state, "state.json").read_text())
        except FileNotFoundError:
            return None

    def files(self):
        """The state's files but for the lock, and their sizes."""
        here = pathlib.Path(self.state)
        return {str(path.relative_to(here)): path.stat().st_size for path in here.rglob("*") if path.is_file() and path.name != "lock"}

    def wanted(self):
        """Which bundle the state wants, "none" where there is no state."""
        state = self.known_state()
        return self.digests.get(state["current"]["bundle"], "?") if state and state["current"]["bundle"] else "none"

    def snapshot(self):
        """All that a load that fails must leave as it was."""
        return {"links": kernel_objects.links(ROOT), "pins": kernel_objects.pins(ROOT), "files": sorted(self.files()), "state": self.known_state()}

    def learn_tags(self):
        """What the programs of each bundle are called by the kernel, interface by interface."""
        self.tags = {}
        for name in ONLY:
            self.load(name)
            self.tags[name] = {link: program[1] for link, program in kernel_objects.links(ROOT).items()}
        for one, other in itertools.combinations(ONLY, 2):
            check(not set(self.tags[one].items()) & set(self.tags[other].items()), "%s and %s have a program alike: nothing would be seen of it" % (one, other))

    def amount(self):
        """How much there is of the installation: pins, programs and maps in the kernel, files and their sizes
        (but for the state's, in which numbers grow)."""
        programs, maps, size = kernel_objects.users_of(kernel_objects.map_number(ROOT + "/maps/np_flows4"))
        files = [size for name, size in self.files().items() if name != "state.json"]
        return {"pins": len(kernel_objects.pins(ROOT)), "programs": programs, "maps": maps, "KiB": size // 1024, "files": len(files), "bytes of files": sum(files)}

    def check_endpoints(self, pods):
        """These and no others have programs."""
        interfaces = {link.rsplit("_", 1)[0].split("_")[1] for link in kernel_objects.links(ROOT)}
        wanted = {self.interfaces[name] for name in pods}
        check(interfaces == wanted, "attached are %s, and should be %s" % (sorted(interfaces), sorted(wanted)))

    def check_wanted(self, among, links=True):
        """What is in force, by links' tags and by traffic, is what the state wants, and that is one of `among`.
        `links`: False where not all need be attached by links."""
        wanted = self.wanted()
        check(wanted in among, "the state wants %s, not one of %s" % (wanted, ", ".join(among)))
        found = {link: program and program[1] for link, program in kernel_objects.links(ROOT).items()}
        ours = self.tags[wanted] if links and wanted != "none" else {}
        wrong = {link: (found.get(link), tag) for link, tag in ours.items() if found.get(link) != tag}
        check(not wrong, "links have other programs than %s has: %s" % (wanted, wrong))
        together = kernel_objects.linked_maps(ROOT, "np_config")
        check(len(together) <= (wanted != "none"), "programs of %d generations are in force" % len(together))
        seen = self.probes.see(wanted)
        check(seen == wanted, "traffic sees %s, the state wants %s" % (seen, wanted))
        return wanted


def wait_until(true, patience, pause):
    """Was it so within a time? Both in seconds."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
