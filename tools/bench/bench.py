#!/usr/bin/env python3
"""Runs the benchmarks and prints them beside the figures of other tools.

usage: bench.py BIN_DIR INPUT_DIR [--repeat N] [--json FILE]

INPUT_DIR holds control-plane-namespaced.json and control-plane-dense.json; clusters are made here.
Times of one-threaded stages are processor time, so that other work on the machine disturbs them
less; compiling, which uses every core, is wall time. The fastest run counts, the median is shown.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent

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
# netpol-analyzer's full connectivity list of the same clusters, on the same kind of machine: seconds.
ANALYZER = {(100, 100): 3.7, (100, 500): 12, (100, 1000): 31, (500, 100): 136, (500, 500): 415, (500, 1000): 561}
ALL_PAIRS_LIMIT = 3000
PROGRAMS_LIMIT = 3000


class Table:
    """Rows for people, the same as data, and whether a limit was missed."""

    def __init__(self):
        self.data, self.missed = [], 0

    def heading(self, text, columns):
        print("\n%s\n%-34s %12s %12s %12s  %s" % ((text, "") + columns))

    def row(self, name, milliseconds, median, other=None, limit=None, note=""):
        ratio = "" if other is None else ("1/%.1f" % (other / milliseconds) if milliseconds < other else "%.1f" % (milliseconds / other))
        verdict = ""
        if limit is not None:
            good = milliseconds <= limit
            self.missed += not good
            verdict = "%s %.0f ms" % ("within" if good else "MISSED", limit)
        print("%-34s %12s %12s %12s  %s" % (name, "%.1f ms" % milliseconds, "%.1f ms" % median, "" if other is None else "%.0f ms" % other,
                                            "  ".join(x for x in (ratio, verdict, note) if x)))
        self.data.append({"name": name, "ms": milliseconds, "median": median, "other": other, "limit": limit, "note": note})


def measured(command, **kwargs):
    """Seconds of wall and processor time and peak memory in MiB of one run."""
    start = time.monotonic()
    child = subprocess.Popen([str(c) for c in command], **kwargs)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode


def stages(binary, *arguments):
    out = subprocess.run([str(binary), *map(str, arguments)], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit("bench: netpolc-bench %s: %s" % (" ".join(map(str, arguments)), out.stderr.strip()))
    return json.loads(out.stdout)


def peak_of(command):
    return measured(command, stdout=subprocess.DEVNULL)[2]


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


def all_pairs(table, binary, inputs, repeat):
    table.heading("all pairs, all ports: verify --from any --to any --all-ports -o jsonl, whole process",
                  ("netpolc", "median", "netpol-anal.", "of netpol-analyzer's"))
    for workloads, policies in ((100, 100), (500, 1000), (1000, 1000)):
        directory = inputs / ("w%d-p%d" % (workloads, policies))
        subprocess.run([sys.executable, str(HERE / "gen_cluster.py"), "--workloads", str(workloads), "--policies", str(policies),
                        "--out", str(directory)], check=True)
        for kind in ("np", "cnp"):
            output = directory / "pairs.jsonl"
            command = [binary, "verify", "--from", "any", "--to", "any", "--all-ports", "-o", "jsonl"]
            for name in ("namespaces", "workloads", "policies-" + kind):
                command += ["-f", directory / (name + ".yaml")]
            runs = []
            for _ in range(repeat):
                with open(output, "wb") as out:
                    runs.append(measured(command, stdout=out, stderr=subprocess.DEVNULL))
                if runs[-1][3] != 0:
                    sys.exit("bench: netpolc verify ended with %d" % runs[-1][3])
            lines = sum(1 for _ in open(output, "rb"))
            times = [cpu * 1e3 for _, cpu, _, _ in runs]
            other = ANALYZER.get((workloads, policies)) if kind == "np" else None
            table.row("  W=%d P=%d %s" % (workloads, policies, kind), min(times), statistics.median(times), None if other is None else other * 1e3,
                      ALL_PAIRS_LIMIT if (workloads, policies) == (500, 1000) else None,
                      "%d lines, %.0f MiB" % (lines, max(peak for _, _, peak, _ in runs)))


def programs(table, binary, inputs):
    path = inputs / "control-plane-namespaced.json"
    result = stages(binary, "programs", path, 100, 3)
    table.heading("%d distinct programs from decisions to objects, %d cores, wall time" % (result["programs"], os.cpu_count()),
                  ("netpolc", "median", "", ""))
    table.row("  emit C (processor time)", result["ms"]["emit"]["min"], result["ms"]["emit"]["median"], note="%d KiB of C" % (result["bytes of C"] // 1024))
    both = result["ms"]["emit and compile"]
    table.row("  emit and compile", both["min"], both["median"], None, PROGRAMS_LIMIT, "%d instructions" % result["instructions"])
    print("  peak memory %.0f MiB" % peak_of([binary, "programs", path, 100, 1]))


def machine():
    name = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown processor")
    return "%d × %s, load %s" % (os.cpu_count(), name, open("/proc/loadavg").read().split()[0])


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
    all_pairs(table, arguments.bin / "netpolc", arguments.inputs, max(3, arguments.repeat // 2))
    programs(table, arguments.bin / "netpolc-bench", arguments.inputs)
    if arguments.json:
        arguments.json.write_text(json.dumps(table.data, indent=2) + "\n")
    print("\nevery limit is kept" if not table.missed else "\n%d limits are missed" % table.missed)
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
