#!/usr/bin/env python3
"""What a forwarded packet costs with netpolc's programs on its way, beside no program, an empty one, and nftables.

usage: tools/bench.sh forwarding [--rounds N] [--packets N] [--copies N] [--cpu N]

docs/datapath-performance.md says how it measures. Exit 1: a limit was missed; 2: something failed; 77: it can't
run here.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from world import (PORTS, SERVER, Failed, Site, Tools, client_address, cluster, enclosed, inside, median, median_difference, pod,  # noqa: E402
                   policy, sysctl)

OF_EMPTY = 1.15
OF_NFTABLES = 0.25  # for each time that a packet is judged: nftables does so once, pods' programs once each
FLOWS = 10_000
# Kinds of nodes and, on each, how many ends of the path have the empty program.
PATHS = {"nothing": 0, "nothing-again": 0, "empty-at-one-end": 1, "empty-at-both": 2, "netpolc-one-pod": 0, "netpolc-two-pods": 0, "nftables": 0}
PODS = {"netpolc-one-pod": 1, "netpolc-two-pods": 2}
EMPTY_BESIDE = {"netpolc-one-pod": "empty-at-one-end", "netpolc-two-pods": "empty-at-both"}
RULES = """
table ip firewall {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    ip saddr 10.200.0.0/16 ip daddr 10.201.0.1 tcp dport { %s } accept
  }
}
""" % ", ".join(map(str, sorted(PORTS)))


def documents():
    yield from cluster()
    yield pod("client", client_address(0), app="app50", role="measured")
    yield pod("server", SERVER, app="app51", role="measured")
    yield policy("measured", {"role": "measured"}, ["app%d" % i for i in range(100)], PORTS)


def firewall(site):
    done = subprocess.run(inside(site.node, "nft", "-f", "-"), input=RULES, capture_output=True, text=True)
    if done.returncode:
        raise Failed("nft: " + done.stderr.strip())
    sysctl(site.node, "netfilter/nf_conntrack_checksum", 0)  # packets of real stacks come with a checksum that needn't be looked at


def judged(number, limit):
    return ", %s %.2f" % ("within" if number <= limit else "MISSED", limit)


def report(title, samples, limited):
    """Prints a table; how many limits were missed."""
    print("\n%s\n\n%-28s %8s %9s %8s  limits" % (title, "path", "median", "minimum", "added"))
    added = {name: median_difference(s, samples["nothing"]) for name, s in samples.items()}
    missed = 0
    for name, measured in samples.items():
        said = ""
        if name in EMPTY_BESIDE:
            of_empty = median([a / b for a, b in zip(measured, samples[EMPTY_BESIDE[name]])])
            of_nftables, limit = added[name] / added["nftables"], OF_NFTABLES * PODS[name]
            said = "%.3f of empty%s; %.2f of what nftables adds%s" % (
                of_empty, judged(of_empty, OF_EMPTY) * limited, of_nftables, judged(of_nftables, limit) * limited)
            missed += limited * ((of_empty > OF_EMPTY) + (of_nftables > limit))
        print("%-28s %8.0f %9.0f %8.0f  %s" % (name.replace("-", " "), median(measured), min(measured), added[name], said))
    return missed


def main(options):
    with tempfile.TemporaryDirectory(prefix="netpolc-forwarding-", dir="/run") as home:  # this /run is ours, and goes with us
        tools = Tools(options.binaries, home)
        sites = {(name, copy): Site("%s-%d" % (name, copy)) for copy in range(options.copies) for name in PATHS}
        bundle = tools.compile("bundle", documents())
        for (name, _), site in sites.items():
            if name == "nftables":
                firewall(site)
            if name in EMPTY_BESIDE:
                tools.load(site, bundle, [("client", "lc0"), ("server", "ls")][:PODS[name]])
        missed = 0
        print("%d rounds of %d packets through each of %d nodes of a kind; nanoseconds a packet; added: to the path with nothing, median of the rounds"
              % (options.rounds, options.packets, options.copies))
        for flows in (1, FLOWS):
            plans = [site.plan(site.name, flows=flows, empty=int(PATHS[name] > 0), empty_server=int(PATHS[name] > 1)) for (name, _), site in sites.items()]
            each = tools.measure(plans, options.rounds, options.packets, options.cpu)
            samples = {name: [sum(round) / options.copies for round in zip(*(each["%s-%d" % (name, c)] for c in range(options.copies)))] for name in PATHS}
            missed += report("one established flow" if flows == 1 else "%d established flows in turn" % flows, samples, flows == 1)
        for (name, _), site in sites.items():
            if name in EMPTY_BESIDE:
                check_counters(tools.status(site), name)
    if missed:
        print("\n%d limits missed" % missed)
    return 1 if missed else 0


def check_counters(status, name):
    """Else something was measured that it is not about."""
    opened = status["flows"]["opened"]
    if status.get("drops") or opened != FLOWS * PODS[name]:
        raise Failed("%s opened %d flows and dropped %s" % (name, opened, status.get("drops")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools/bench.sh forwarding")
    parser.add_argument("binaries", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=151)
    parser.add_argument("--packets", type=int, default=2048, help="of each path in a round")
    parser.add_argument("--copies", type=int, default=5, help="nodes of each kind: where their data lie makes a difference")
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="processor that sends and forwards; the last one if not given")
    enclosed(__file__, main, parser, ("ip", "unshare", "nsenter", "nft"))
