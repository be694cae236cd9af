#!/usr/bin/env python3
"""Runs the benchmarks and prints them beside the figures of other tools.

usage: bench.py BIN_DIR INPUT_DIR [--repeat N] [--json FILE]

INPUT_DIR holds control-plane-namespaced.json and control-plane-dense.json.
Times of one-threaded stages are processor time, so that other work on the machine disturbs them
less; the compile command, which uses two, is wall time. The fastest run counts, the median is shown.
"""
import argparse
import json
import pathlib
import subprocess
import sys

from lint import linting
from table import Table, machine, measured, peak_of, stages

# Cilium 1.18's own engine on these scenarios, milliseconds, fastest run, on two shared cores at
# 2.8 GHz: YAML to objects; parse and sanitize; add identities; add policies, resolve and distil
# for 100 endpoints.
CILIUM = {
    "namespaced": {"yaml": 148, "lower": 73, "identities": 15, "decide": 35 + 175 + 3.5, "without yaml": 356},
    "dense": {"yaml": 76, "lower": 28, "identities": 7, "decide": 111 + 1863 + 217, "without yaml": 2273},
}
for figures in CILIUM.values():
    figures["with yaml"] = figures["without yaml"] + figures["yaml"]
# At most this share of Cilium's time, and at most this many milliseconds.
LIMITS = {
    "namespaced": {"without yaml": (1 / 5, 80), "with yaml": (1 / 2, None)},
    "dense": {"without yaml": (1 / 5, 500), "with yaml": (1 / 2, None)},
}
# Milliseconds: a program on one core, compiled and from the cache; 1,000 of them on two, as a whole process that
# also reads YAML and writes a bundle of 130 MB; and objects that a change in one endpoint's policy may compile.
PROGRAM_LIMIT = 12
CACHED_PROGRAM_LIMIT = 1
MANY_LIMIT = 10000
CACHED_LIMIT = 3000
CHANGED_LIMIT = 1
MANY = 1000


def control_plane(table, binary, inputs, repeat):
    for kind in ("namespaced", "dense"):
        path = inputs / ("control-plane-%s.json" % kind)
        result = stages(binary, "control-plane", path, repeat)
        table.heading("%s: %d policies to decisions for %d endpoints (%d distinct tables)"
                      % (kind, result["documents"], result["endpoints"], result["tables"]), ("netpolc", "median", "Cilium 1.18", "of Cilium's"))
        for stage, times in result["ms"].items():
            other = CILIUM[kind][stage]
            share, most = LIMITS[kind].get(stage, (None, None))
            limit = None if share is None else min(x for x in (share * other, most) if x is not None)
            table.row("  " + stage, times["min"], times["median"], other, limit)
        print("  peak memory %.0f MiB" % peak_of([binary, "control-plane", path, 1]))


def programs(table, binary, inputs):
    path = inputs / "control-plane-namespaced.json"
    result = stages(binary, "programs", path, 100, 5)
    table.heading("%d distinct programs from decisions to objects, a program's processor time on one core" % result["programs"], ("netpolc", "median", "", ""))
    for name, limit in (("emit", None), ("emit and compile", PROGRAM_LIMIT), ("emit and find in the cache", CACHED_PROGRAM_LIMIT)):
        times = {key: value / result["programs"] for key, value in result["ms"][name].items()}
        table.row("  " + name, times["min"], times["median"], None, limit)
    print("  %d instructions and %d bytes of C each; peak memory %.0f MiB" % (
        result["instructions"] // result["programs"], result["bytes of C"] // result["programs"], peak_of([binary, "programs", path, 100, 1])))


def own_policies(directory, count, changed=None):
    """`count` pods, each with a policy that no other has; `changed` names one whose port is another."""
    pods, policies = [], []
    for i in range(count):
        labels = {"app": "app-%d" % i, "tier": ("web", "api", "db")[i % 3]}
        pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod-%d" % i, "namespace": "default", "labels": labels},
                     "spec": {"containers": []}, "status": {"podIP": "10.1.%d.%d" % (i // 250, i % 250 + 1)}})
        port = lambda number, protocol: {"ports": [{"port": str(number), "protocol": protocol}]}
        peer = lambda distance: [{"matchLabels": {"app": "app-%d" % ((i + distance) % count)}}]
        policies.append({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "policy-%d" % i, "namespace": "default"},
                         "spec": {"endpointSelector": {"matchLabels": {"app": "app-%d" % i}},
                                  "ingress": [{"fromEndpoints": peer(1) + peer(7), "toPorts": [port(8000 + i + (i == changed), "TCP")]},
                                              {"fromEndpoints": [{"matchLabels": {"tier": "web"}}], "toPorts": [port(443, "TCP"), port(9090, "TCP")]},
                                              {"fromEntities": ["remote-node"]}],
                                  "egress": [{"toEndpoints": peer(3), "toPorts": [port(53, "UDP"), port(53, "TCP")]},
                                             {"toCIDRSet": [{"cidr": "10.20.0.0/16", "except": ["10.20.%d.0/24" % (i % 256)]}]}]}})
    directory.mkdir(exist_ok=True)
    for name, objects in (("pods", pods), ("policies", policies)):
        (directory / (name + ".yaml")).write_text("".join("---\n%s\n" % json.dumps(one) for one in objects))


def compiling(table, binary, inputs):
    """The whole command, with two jobs: nothing cached, everything cached, one policy changed."""
    directory, cache = inputs / "own-policies", inputs / "cache"
    command = [binary, "compile", "-f", directory, "-o", inputs / "bundle", "--cache", cache, "--jobs", "2"]
    objects = lambda: sum(1 for path in cache.rglob("*") if path.is_file())

    def run():
        before = objects()
        wall, cpu, _, status = measured(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if status != 0:
            sys.exit("bench: netpolc compile ended with %d" % status)
        return wall * 1e3, cpu * 1e3, objects() - before

    table.heading("netpolc compile --jobs 2, %d endpoints with a policy of their own, whole process by the clock" % MANY, ("netpolc", "processor", "", ""))
    own_policies(directory, MANY)
    wall, cpu, made = run()
    if made != MANY:
        sys.exit("bench: %d programs are distinct, not %d" % (made, MANY))
    table.row("  nothing cached", wall, cpu, None, MANY_LIMIT, "%d objects made" % made)
    wall, cpu, made = min(run() for _ in range(3))
    table.row("  everything cached", wall, cpu, None, CACHED_LIMIT, "%d objects made" % made)
    table.missed += made != 0
    own_policies(directory, MANY, changed=MANY // 2)
    wall, cpu, made = run()
    table.row("  one policy changed", wall, cpu, None, CACHED_LIMIT, "%d objects made, at most %d" % (made, CHANGED_LIMIT))
    table.missed += made > CHANGED_LIMIT


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("inputs", type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    table = Table()
    print(machine())
    control_plane(table, arguments.bin / "netpolc-bench", arguments.inputs, arguments.repeat)
    programs(table, arguments.bin / "netpolc-bench", arguments.inputs)
    compiling(table, arguments.bin / "netpolc", arguments.inputs)
    linting(table, arguments.bin / "netpolc", arguments.inputs)
    return table.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
