#!/usr/bin/env python3
"""What a forwarded packet costs with netpolc's programs on its way, beside no program, an empty one, and nftables.

usage: tools/bench.sh forwarding [--rounds N] [--packets N] [--cpu N]

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
from world import PORTS, Site, Failed, Tools, cluster, enclosed, inside, median, median_difference, pod, policy, client_address, SERVER, sysctl  # noqa: E402

OF_EMPTY, OF_NFTABLES = 1.15, 0.25
FLOWS = 10_000
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


def report(title, samples):
    """Prints a table; how many limits were missed."""
    nothing, empty = samples["nothing"], samples["empty"]
    added = {name: median_difference(s, nothing) for name, s in samples.items()}
    print("\n%s\n\n%-24s %8s %9s %8s %9s  limit" % (title, "path", "median", "minimum", "added", "of empty"))
    of_empty = median([a / b for a, b in zip(samples["netpolc"], empty)])
    of_nftables = added["netpolc"] / added["nftables"]
    missed = (of_empty > OF_EMPTY) + (of_nftables > OF_NFTABLES)
    for name, measured in samples.items():
        said = ""
        if name == "netpolc":
            said = "%s %.2f of empty; %.2f of what nftables adds, %s %.2f" % (
                "within" if of_empty <= OF_EMPTY else "MISSED", OF_EMPTY, of_nftables, "within" if of_nftables <= OF_NFTABLES else "MISSED", OF_NFTABLES)
        of = median([a / b for a, b in zip(measured, empty)])
        print("%-24s %8.0f %9.0f %8.0f %9.3f  %s" % (name.replace("-", " "), median(measured), min(measured), added[name], of, said))
    return missed


def main(options):
    with tempfile.TemporaryDirectory(prefix="netpolc-forwarding-", dir="/run") as home:  # this /run is ours, and goes with us
        tools = Tools(options.binaries, home)
        sites = {name: Site(name) for name in ("nothing", "nothing-again", "empty", "netpolc", "nftables")}
        firewall(sites["nftables"])
        tools.load(sites["netpolc"], tools.compile("bundle", documents()), [("client", "lc0"), ("server", "ls")])
        missed = 0
        print("%d rounds of %d packets; nanoseconds a packet; added: to the path with nothing, median of the rounds" % (options.rounds, options.packets))
        for flows in (1, FLOWS):
            plans = [site.plan(name, flows=flows, empty=1 if name == "empty" else 0) for name, site in sites.items()]
            samples = tools.measure(plans, options.rounds, options.packets, options.cpu)
            missed += report("an established flow" if flows == 1 else "%d established flows in turn" % flows, samples)
        dropped = tools.status(sites["netpolc"]).get("drops", [])
        if dropped:
            raise Failed("netpolc dropped something: %s" % dropped)
    if missed:
        print("\n%d limits missed" % missed)
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools/bench.sh forwarding")
    parser.add_argument("binaries", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=301)
    parser.add_argument("--packets", type=int, default=4096, help="of each path in a round")
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="processor that sends and forwards; the last one if not given")
    enclosed(__file__, main, parser, ("ip", "unshare", "nsenter", "nft"))
