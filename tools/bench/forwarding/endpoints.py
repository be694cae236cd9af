#!/usr/bin/env python3
"""500 pods on a node under 20 policies: how long loading takes, what the kernel holds for them, what a packet costs.

usage: tools/bench.sh endpoints [--pods N] [--rounds N] [--packets N] [--cpu N]

docs/datapath-performance.md says how it measures. Exit 1: programs or maps are not shared, or a packet costs more
with many pods; 2: something failed; 77: it can't run here.
"""
import argparse
import collections
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import PORTS, SERVER, Failed, Site, Tools, client_address, cluster, enclosed, median, median_difference, pod, policy  # noqa: E402

POLICIES = 20
GROWTH = 1.5  # of what netpolc adds to a packet, while the number of pods grows and one of them talks; paths alike differ by 15 ns


def documents(pods):
    """Pod i is under policy i % 20; the policies differ in whom they name. All may talk with the server."""
    yield from cluster()
    for i in range(pods):
        yield pod("client-%d" % i, client_address(i), app="app%d" % (i % POLICIES), policy="p%d" % (i % POLICIES))
    yield pod("server", SERVER, app="app99")
    for p in range(POLICIES):
        yield policy("policy-%d" % p, {"policy": "p%d" % p}, ["app%d" % ((p + k) % 80) for k in range(20)] + ["app99"], PORTS)


def load(tools, site, bundle, pods):
    took = []
    for _ in ("new devices", "the same again"):
        start = time.monotonic()
        tools.load(site, bundle, [("client-%d" % i, "lc%d" % i) for i in range(pods)])
        took.append(time.monotonic() - start)
    held = tools.objects(site)
    kinds = collections.Counter(kind for kind, _, _ in held)
    names = collections.Counter(name for _, name, _ in held)
    return {"pods": pods, "seconds": took[0], "again": took[1], "programs": kinds["prog"], "maps": kinds["map"],
            "KiB": sum(charged for _, _, charged in held) / 1024,
            "KiB of policies": sum(charged for _, name, charged in held if names[name] > 1) / 1024}


def print_loads(loads):
    """How many of the numbers are not as they have to be."""
    print("%6s %10s %12s %10s %8s %12s %17s" % ("pods", "loaded in", "again in", "programs", "maps", "charged", "of it each policy"))
    for one in loads:
        print("%6d %8.2f s %10.2f s %10d %8d %8.0f KiB %13.0f KiB" % (
            one["pods"], one["seconds"], one["again"], one["programs"], one["maps"], one["KiB"], one["KiB of policies"] / POLICIES))
    few, many = loads[0], loads[-1]
    each = (many["KiB"] - few["KiB"]) * 1024 / (many["pods"] - few["pods"])
    shared = many["programs"] == few["programs"] == 2 * POLICIES and many["maps"] == few["maps"]
    print("another pod under a policy that is loaded: %.0f bytes, %.2f ms; programs and maps are %s" % (
        each, (many["seconds"] - few["seconds"]) * 1000 / (many["pods"] - few["pods"]), "shared" if shared else "NOT SHARED"))
    return 0 if shared else 1


def print_packets(samples, counts):
    print("\nAdded by netpolc to a packet, beside the same devices with an empty program: nanoseconds, median of the rounds\n")
    print("%-32s %10s %10s %10s" % ("pods that have programs", "empty", "netpolc", "added"))
    added = {}
    for pods, talk in counts:
        name = "%d-%d" % (pods, talk)
        added[pods, talk] = median_difference(samples["netpolc-" + name], samples["empty-" + name])
        print("%-32s %10.0f %10.0f %10.0f" % ("%d, %s" % (pods, "all talk in turn" if talk > 1 else "one talks"),
                                               median(samples["empty-" + name]), median(samples["netpolc-" + name]), added[pods, talk]))
    few, many = min(counts), max(c for c in counts if c[1] == 1)
    grown = added[many] / added[few]
    print("growth from %d to %d pods, one talks: %.2f, %s %.1f" % (few[0], many[0], grown, "within" if grown <= GROWTH else "MISSED", GROWTH))
    return grown > GROWTH


def main(options):
    with tempfile.TemporaryDirectory(prefix="netpolc-endpoints-", dir="/run") as home:  # this /run is ours, and goes with us
        tools = Tools(options.binaries, home)
        bundle = tools.compile("bundle", documents(options.pods))
        sizes = sorted({1, POLICIES, options.pods})
        ours, empty = ({size: Site("%s-%d" % (kind, size), size) for size in sizes} for kind in ("netpolc", "empty"))
        load(tools, ours[1], bundle, 1)
        loads = [load(tools, ours[size], bundle, size) for size in sizes[1:]]
        missed = print_loads(loads)
        counts = [(size, talk) for size in sizes for talk in {1, size}]
        samples = {}
        for talk_all in (False, True):
            plans = []
            for pods, talk in counts:
                if (talk > 1) == talk_all:
                    name = "%d-%d" % (pods, talk)
                    plans += [ours[pods].plan("netpolc-" + name, count=talk, flows=talk), empty[pods].plan("empty-" + name, count=talk, flows=talk, empty=pods)]
            samples.update(tools.measure(plans, options.rounds, options.packets, options.cpu))
        missed += print_packets(samples, sorted(counts, key=lambda c: (c[1] > 1, c)))
        for size in sizes:
            if tools.status(ours[size]).get("drops"):
                raise Failed("netpolc dropped packets that policy allows")
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools/bench.sh endpoints")
    parser.add_argument("binaries", help=argparse.SUPPRESS)
    parser.add_argument("--pods", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--packets", type=int, default=4000, help="of each path in a round")
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="processor that sends and forwards; the last one if not given")
    enclosed(__file__, main, parser)
