#!/usr/bin/env python3
"""What the loader costs a node: time to load, to switch, to react, memory and size, each beside its limit.

usage: tools/bench.sh loader [--pods N] [--programs N] [--repeat N] [--json FILE]

500 pods share 50 programs. Pods are veth pairs in namespaces of the benchmark's own. Exit 1 when a limit is missed; 77:
it can't run here. docs/benchmarks.md says how it measures.
"""
import argparse
import json
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "loader_test" / "torture"))
import kernel_objects  # noqa: E402
from arena import CLUSTER, POD, check, home, run_alone, topology, wait_until  # noqa: E402
from table import Table, machine, measured  # noqa: E402

ROOT = "/sys/fs/bpf/bench"
# What is asked for: milliseconds, MiB.
LOAD_LIMIT, SWITCH_LIMIT, REACTION_LIMIT, MEMORY_LIMIT, SIZE_LIMIT = 1000, 100, 100, 30, 5
POLICY = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: policy-%(n)d, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: app-%(n)d}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: app-%(next)d}}, {matchLabels: {app: app-%(later)d}}]
    toPorts: [{ports: [{port: "%(port)d", protocol: TCP}, {port: "443", protocol: TCP}]}]
  egress:
  - toEndpoints: [{matchLabels: {app: app-%(later)d}}]
    toPorts: [{ports: [{port: "53", protocol: UDP}]}]
  - toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.%(n)d.0.0/16]}]
"""


class Node:
    """A node with pods, and two bundles for it."""

    def __init__(self, options, place):
        self.options, self.place = options, pathlib.Path(place)
        self.loader, self.state = str(options.binaries / "netpol-loader"), str(self.place / "state")
        topology.namespace("node-1")
        self.ports, self.bundles = {"a": 8000, "b": 9000}, {}
        for name, port in self.ports.items():
            self.bundles[name] = self.compile(name, port)
        manifest = json.loads((self.bundles["a"] / "bundle.json").read_text())
        check(len(manifest["programs"]) == options.programs, "%d programs are distinct, not %d" % (len(manifest["programs"]), options.programs))
        self.list = self.place / "pods.jsonl"
        self.list.write_text("".join(self.line(n) for n in range(options.pods)))
        self.devices()

    @staticmethod
    def line(n):
        return json.dumps({"endpoint": "t/pod-%d" % n, "ifname": "lxc%d" % n}) + "\n"

    def compile(self, name, port):
        directory, bundle, count = self.place / ("policies-" + name), self.place / name, self.options.programs
        directory.mkdir()
        pods = [("pod-%d" % n, "app-%d" % (n % count), "10.244.%d.%d" % (n // 250, n % 250 + 1), "fd00:244::%x" % (n + 1)) for n in range(self.options.pods + 1)]
        policies = [POLICY % {"n": n, "next": (n + 1) % count, "later": (n + 7) % count, "port": port + n} for n in range(count)]
        (directory / "all.yaml").write_text(CLUSTER + "".join(POD % pod for pod in pods) + "".join(policies))
        topology.run(str(self.options.binaries / "netpolc"), "compile", "-f", str(directory), "-o", str(bundle))
        return bundle

    def devices(self):
        """Made anew: what was attached to the former ones is gone."""
        batch = self.place / "batch"
        here = topology.ip("node-1", "-o", "link", "show").stdout
        lines = ["link del lxc%d" % n for n in range(self.options.pods + 1) if "lxc%d@" % n in here]
        lines += ["link add lxc%d type veth peer name in%d" % (n, n) for n in range(self.options.pods + 1)]
        batch.write_text("\n".join(lines) + "\n")
        topology.run("ip", "-n", "node-1", "-batch", str(batch))

    def command(self, *words, around=()):
        return topology.inside("node-1", *around, self.loader, *words, "--root", ROOT, "--state", self.state)

    def call(self, *words, around=()):
        """Milliseconds by the clock, of processors, and MiB at most."""
        with tempfile.TemporaryFile() as said:
            seconds, processor, peak, status = measured(self.command(*words, around=around), stdout=said, stderr=said)
            said.seek(0)
            check(status == 0, "%s ended with %d: %s" % (words[0], status, said.read().decode()[-500:]))
        return seconds * 1000, processor * 1000, peak

    def load(self, name, **more):
        return self.call("load", str(self.bundles[name]), "--attach-file", str(self.list), "--node", "node-1", **more)

    def tags(self):
        return {link: found and found[1] for link, found in kernel_objects.links(ROOT).items()}


def loading(table, node):
    first, again, unloading, peaks = [], [], [], []
    for _ in range(node.options.repeat):
        node.devices()
        for times, name in ((first, "a"), (again, "b")):
            *taken, peak = node.load(name)
            times.append(taken)
            peaks.append(peak)
        unloading.append(node.call("unload")[:2])
    table.heading("%d endpoints that share %d programs, whole command by the clock" % (node.options.pods, node.options.programs), ("fastest", "processor", "", ""))
    for title, times, limit in (("load, nothing loaded before", first, LOAD_LIMIT), ("load in place of another", again, LOAD_LIMIT), ("unload", unloading, None)):
        table.row("  " + title, *min(times), None, limit)
    return max(peaks)


def switching(table, node):
    """From the first link to the last one, while each call of the loader's is watched, which takes time of its own."""
    report = node.place / "times"
    watched = (str(node.options.binaries / "netpolc-failcall"), "--report", str(report), "time", "bpf BPF_LINK_UPDATE", "--")
    node.load("a")
    node.load("b")
    acts = {"by a load": lambda turn: node.load("ab"[turn % 2], around=watched), "by a roll back": lambda turn: node.call("rollback", around=watched)}
    table.heading("switching %d endpoints to another generation, first link to last" % node.options.pods, ("fastest", "median", "", ""))
    for title, act in acts.items():
        times = []
        for turn in range(node.options.repeat):
            act(turn)
            count, micros = map(int, report.read_text().split())
            check(count == 2 * node.options.pods, "%d links were updated %s" % (count, title))
            times.append(micros / 1000)
        table.row("  " + title, min(times), statistics.median(times), None, SWITCH_LIMIT)


class Daemon:
    """`netpol-loader run` over the node's directory, and a client of its feed."""

    def __init__(self, node):
        self.node, self.folder, self.path = node, node.place / "watched", str(node.place / "feed")
        self.folder.mkdir()
        self.point("a")
        (self.folder / "endpoints.jsonl").write_text(node.list.read_text())
        self.said = open(node.place / "daemon", "w")
        self.process = subprocess.Popen(node.command("run", "--watch", str(self.folder), "--feed", "unix:" + self.path, "--node", "node-1"), stdout=self.said, stderr=self.said)
        links = 2 * node.options.pods
        check(wait_until(lambda: len(node.tags()) == links, 30, 0.05), "the daemon loads nothing: " + pathlib.Path(self.said.name).read_text()[-500:])
        self.socket = socket.socket(socket.AF_UNIX)
        check(wait_until(self.connects, 5, 0.01), "the daemon's feed doesn't answer")
        self.lines = self.socket.makefile("rw")

    def connects(self):
        return self.socket.connect_ex(self.path) == 0

    def point(self, name):
        """The bundle that is wanted, in one step."""
        new = self.folder / "new"
        new.symlink_to(self.node.bundles[name])
        new.rename(self.folder / "current")

    def ask(self, **request):
        """Milliseconds until it is answered."""
        begun = time.monotonic()
        self.lines.write(json.dumps(request) + "\n")
        self.lines.flush()
        answer = json.loads(self.lines.readline())
        check(answer["ok"], str(answer))
        return (time.monotonic() - begun) * 1000, answer

    def end(self):
        peak = peak_of_process(self.process.pid)
        self.process.terminate()
        self.process.wait()
        return peak


def peak_of_process(number):
    return next(int(line.split()[1]) / 1024 for line in open("/proc/%d/status" % number) if line.startswith("VmHWM"))


def reacting(table, node):
    """A pod more by the feed, and away again; a file that names it; another bundle."""
    daemon, extra = Daemon(node), node.options.pods
    added, removed, listed, pointed = [], [], [], []
    request = {"endpoint": "t/pod-%d" % extra, "ifname": "lxc%d" % extra}
    small = 2 * node.options.pods
    for turn in range(node.options.repeat):
        taken, answer = daemon.ask(op="endpoint-add", **request)
        check(answer["state"] == "enforced" and len(node.tags()) == small + 2, "answered, and not in force: %s" % answer)
        added.append(taken)
        removed.append(daemon.ask(op="endpoint-remove", **request)[0])
        check(len(node.tags()) == small, "answered, and still there")
        for times, text, links in ((listed, node.list.read_text() + node.line(extra), small + 2), (None, node.list.read_text(), small)):
            (daemon.folder / "new").write_text(text)
            begun = time.monotonic()
            (daemon.folder / "new").rename(daemon.folder / "endpoints.jsonl")
            check(wait_until(lambda: len(kernel_objects.pins(ROOT + "/links")) == links, 10, 0.001), "the list was not followed")
            if times is not None:
                times.append((time.monotonic() - begun) * 1000)
        former = node.tags()
        begun = time.monotonic()
        daemon.point("ba"[turn % 2])
        last = sorted(former)[-1]
        check(wait_until(lambda: kernel_objects.linked(ROOT + "/links/" + last)[1] != former[last], 20, 0.001), "the bundle was not followed")
        pointed.append((time.monotonic() - begun) * 1000)
    peak = daemon.end()
    table.heading("the daemon, from the event to in force, while %d endpoints are there" % node.options.pods, ("fastest", "median", "", ""))
    for title, times, limit in (("an endpoint by the feed", added, REACTION_LIMIT), ("one less by the feed", removed, REACTION_LIMIT),
                                ("an endpoint by the list", listed, REACTION_LIMIT), ("another bundle, %d programs" % (2 * node.options.programs), pointed, None)):
        table.row("  " + title, min(times), statistics.median(times), None, limit)
    return peak


def size_of(loader, place):
    """MiB, as a package has it."""
    stripped = pathlib.Path(place) / "stripped"
    shutil.copy(loader, stripped)
    topology.run("strip", str(stripped))
    return stripped.stat().st_size / (1 << 20)


def main(options):
    table = Table()
    print(machine())
    with home("bench") as place:
        node = Node(options, place)
        peak = loading(table, node)
        switching(table, node)
        node.call("unload")
        daemon_peak = reacting(table, node)
        node.call("unload")
        print()
        table.check("memory of a load, at most", peak, MEMORY_LIMIT, "MiB")
        table.check("memory of the daemon, at most", daemon_peak, MEMORY_LIMIT, "MiB")
        table.check("netpol-loader, stripped", size_of(node.loader, place), SIZE_LIMIT, "MiB")
    return table.finish(options.json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools/bench.sh loader")
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--pods", type=int, default=500)
    parser.add_argument("--programs", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    run_alone(main, __file__, parser)
