#!/usr/bin/env python3
"""How long answers and proofs take: one pair, all pairs, claims about pods that could be, policy that does nothing,
and proofs of programs. Exit status 1 when a limit is missed.

usage: proofs.py BIN_DIR INPUT_DIR [--repeat N] [--json FILE] [--quick]

INPUT_DIR is for clusters, which cluster.py makes, and holds the unpacked conformance vectors (vectors/), whose programs
are proved; --quick proves those of testdata/policies instead. Whole processes are measured by the clock, stages in one
process by processor time; the fastest run counts, the median is shown.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import lists
from table import Table, machine, measured, stages

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# netpol-analyzer's full connectivity list of clusters of this mix, on the same kind of machine: seconds.
ANALYZER = {(100, 100): 3.7, (500, 1000): 561}
# Milliseconds and MiB for all pairs of so many workloads under so many policies.
ALL_PAIRS = {(100, 100): (None, None), (500, 1000): (1000, None), (1000, 1000): (2000, 300)}
LARGE = (5000, 2000)
LARGE_LIMIT, LARGE_MEMORY = 20000, 2048
PAIR_LIMIT = 5
CLAIM_LIMIT = 200
WORLD_LIMIT, REORDERED_LIMIT, LISTS_LIMIT, NAMES_LIMIT = 1000, 1000, 5000, 5000  # whole processes
PROOF_MEDIAN, PROOF_MOST = 300, 2000
REPLICAS = 10
REPLICAS_RATIO = 1.25  # nothing that can be told from noise

# What claims about every pod are proved from, beside a thousand policies that could undo it.
GUARD = """apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: quarantine}
spec:
  endpointSelector: {}
  enableDefaultDeny: {ingress: false, egress: false}
  ingressDeny:
    - fromEndpoints: [{matchLabels: {quarantine: "true"}}]
    - fromEntities: [world]
      toPorts: [{ports: [{port: "22", protocol: TCP}]}]
"""
# Sources, destinations and ports of claims, and how they end.
CLAIMS = (
    ("proved, every pod to every pod", 0, ["--from", "[quarantine=true]", "--to", "[]", "--port", "22/TCP"]),
    ("proved, a namespace to another", 0, ["--from", "ns-001/[]", "--to", "ns-000/[]", "--port", "9999/UDP"]),
    ("refuted, labels in any namespace", 1, ["--from", "[env=dev]", "--to", "[tier=db]", "--port", "5432/TCP"]),
    ("proved, the world to every pod", 0, ["--from", "entity:world", "--to", "[]", "--port", "22/TCP"]),
)


class Clusters:
    """Clusters in INPUT_DIR, made when they are asked for."""

    def __init__(self, directory):
        self.directory, self.made = directory, set()

    def files(self, workloads, policies, kind="cnp", replicas=0):
        path = self.directory / ("w%d-p%d-r%d" % (workloads, policies, replicas))
        if path not in self.made:
            subprocess.run([sys.executable, str(HERE / "cluster.py"), "--workloads", str(workloads), "--policies", str(policies),
                            "--replicas", str(max(1, replicas)), "--out", str(path)], check=True)
            (path / "guard.yaml").write_text(GUARD)
            self.made.add(path)
        names = ["namespaces", "workloads"] + (["pods"] if replicas else []) + ["policies-" + kind]
        return [path / (name + ".yaml") for name in names], path


def given(files):
    return [word for path in files for word in ("-f", path)]


def runs(command, repeat, status, output=None):
    """Wall and processor milliseconds of each run, and the highest peak memory."""
    wall, processor, peak = [], [], 0
    for _ in range(repeat):
        with open(output or os.devnull, "wb") as out:
            seconds, cpu, memory, ended = measured(command, stdout=out, stderr=subprocess.DEVNULL)
        if ended != status:
            sys.exit("bench: %s ended with %d, not %d" % (" ".join(map(str, command)), ended, status))
        wall.append(seconds * 1e3)
        processor.append(cpu * 1e3)
        peak = max(peak, memory)
    return wall, processor, peak


def row(table, name, measurement, limit=None, other=None, note=""):
    wall, processor, peak = measurement
    notes = ["processor %.0f ms" % min(processor), "%.0f MiB" % peak] + ([note] if note else [])
    table.row("  " + name, min(wall), statistics.median(wall), other, limit, ", ".join(notes))


def all_pairs(table, netpolc, clusters, repeat):
    table.heading("all pairs, all ports: verify --from any --to any --all-ports -o jsonl, whole process by the clock",
                  ("fastest", "median", "netpol-anal.", "of netpol-analyzer's"))
    asked = ["--from", "any", "--to", "any", "--all-ports", "-o", "jsonl"]
    for (workloads, policies), (limit, memory) in ALL_PAIRS.items():
        answers = set()
        for kind in ("np", "cnp"):
            files, path = clusters.files(workloads, policies, kind)
            measurement = runs([netpolc, "verify", *asked, *given(files)], repeat, 0, path / "answer")
            answer = (path / "answer").read_bytes()
            answers.add(hashlib.sha256(answer).digest())
            lines = answer.count(b"\n")
            other = ANALYZER.get((workloads, policies)) if kind == "np" else None
            row(table, "%d × %d %s" % (workloads, policies, kind), measurement, limit, other and other * 1e3, "%d lines" % lines)
            if memory:
                table.check("    its memory", measurement[2], memory, "MiB")
        if len(answers) != 1:
            sys.exit("bench: NetworkPolicies and CiliumNetworkPolicies of %d × %d say different things" % (workloads, policies))
    files, path = clusters.files(*LARGE)
    measurement = runs([netpolc, "verify", *asked, "--by-class", *given(files)], max(1, repeat // 3), 0, path / "answer")
    answer = (path / "answer").read_text().splitlines()
    classes = sum(line.startswith('{"class"') for line in answer)
    row(table, "%d × %d cnp, --by-class" % LARGE, measurement, LARGE_LIMIT, None, "%d classes, %d lines" % (classes, len(answer) - classes))
    table.check("    its memory", measurement[2], LARGE_MEMORY, "MiB")


def after_load(table, bench, clusters, repeat):
    """One pair and claims, in one process, once everything is loaded."""
    files, path = clusters.files(1000, 1000)
    result = stages(bench, "questions", repeat, *files, path / "guard.yaml")
    table.heading("%d workloads, %d policies; questions once they are loaded, processor time" % (result["workloads"], result["policies"]), ("fastest", "median", "", ""))
    table.row("  loading", result["load"]["min"], result["load"]["median"])
    for name, key in (("one pair, the first question", "first"), ("one pair more", "next")):
        times = result["pair"][key]
        table.row("  " + name, times["min"], times["median"], None, PAIR_LIMIT, "slowest %.2f ms" % times["max"])
    for name, times in result["never"].items():
        if times["answer"] == "undecided":
            sys.exit("bench: never, %s, is undecided" % name)
        table.row("  never: " + name, times["min"], times["median"], None, CLAIM_LIMIT, times["answer"])


def claims(table, netpolc, clusters, repeat):
    files, path = clusters.files(1000, 1000)
    lists.write(path, 1000)
    table.heading("1,000 workloads, 1,000 policies; whole process with loading, processor time", ("fastest", "median", "", ""))
    cluster, policies = given(files[:-1]), files[-1]

    def same(before, after):
        return ["same", *cluster, "--before", before, "--after", after]

    questions = [("never: " + name, status, WORLD_LIMIT if "entity:world" in words else None, ["never", *words, "--without-label", "host", *given(files), "-f", path / "guard.yaml"])
                 for name, status, words in CLAIMS]
    questions += [
        ("only: proved wrong by one of 2,000 toFQDNs", 1, NAMES_LIMIT,
         ["only", "--from", "ns-000/[]", "--to", "fqdn:api-1.example.com", "--without-label", "host", *cluster, "-f", path / "names.yaml"]),
        ("same: the policies in another order", 0, REORDERED_LIMIT, same(policies, path / "reordered-cnp.yaml")),
        ("same: 3,000 lists in another order", 0, LISTS_LIMIT, same(path / "lists.yaml", path / "lists-reordered.yaml")),
        ("same: 3,000 lists, a path is another one", 1, LISTS_LIMIT, same(path / "lists.yaml", path / "lists-changed.yaml")),
        ("dead: all rules", 1, None, ["dead", *given(files)]),
    ]
    for name, status, limit, words in questions:
        slow = words[0] in ("same", "dead")
        wall, processor, peak = runs([netpolc, "verify", *words], max(1, repeat // 3) if slow else repeat, status)
        table.row("  " + name, min(processor), statistics.median(processor), None, limit, "by the clock %.0f ms, %.0f MiB" % (min(wall), peak))


def replicas(table, bench, clusters, repeat):
    """The same workloads with ten times the pods: everything but reading them takes as long."""
    table.heading("1,000 workloads, 1,000 policies: one pod each, and %d pods each; processor time" % REPLICAS, ("%d pods" % REPLICAS, "its median", "one pod", "of one pod's"))
    results = {1: [], REPLICAS: []}
    for _ in range(repeat):  # by turns
        for count, runs_of in results.items():
            result = stages(bench, "questions", 1, *clusters.files(1000, 1000, "cnp", count)[0])
            runs_of.append({"loading": result["load"]["min"], "one pair, the first question": result["pair"]["first"]["median"],
                            "all pairs, all ports": result["all pairs"]["min"],
                            **{"never: " + name: times["min"] for name, times in result["never"].items()}})
    for name in results[1][0]:
        one, ten = ([run[name] for run in results[count]] for count in (1, REPLICAS))
        table.row("  " + name, min(ten), statistics.median(ten), min(one))
        if name.startswith("all pairs"):
            ratio = min(ten) / min(one)
    table.check("  all pairs, ratio", ratio, REPLICAS_RATIO, "times")


def prove(netpolc, arguments, home):
    """Programs, those that are not proved, and milliseconds of the median and the longest. By the clock times the share of
    a processor that the process had, so that other work on the machine counts less. None: no bundle."""
    bundle = home / "bundle"
    if subprocess.run([netpolc, "compile", *arguments, "-o", bundle, "--l7=drop"], capture_output=True).returncode != 0:
        return None
    with open(home / "said", "wb") as said, open(home / "proofs.json", "wb") as proofs:
        wall, cpu, _, _ = measured([netpolc, "prove", bundle, *arguments, "-o", "json", "--jobs", "1"], stdout=proofs, stderr=said)
    answers = [program["answer"] for program in json.loads((home / "proofs.json").read_text())]
    times = re.findall(r"(?:median|longest) (\d+) ms", (home / "said").read_text())
    return len(answers), len(answers) - answers.count("proved"), [float(time) * min(1, cpu / wall) for time in times]


def programs(table, netpolc, vectors):
    """A program's time is known by the median and the longest of its bundle: the latter of all bundles is held to the
    limit of 95 %, which is more than is asked."""
    sys.path.insert(0, str(HERE.parent / "prove_test"))
    import scenarios
    jobs = scenarios.jobs(ROOT / "testdata" / "policies", vectors)

    def one(job):
        with tempfile.TemporaryDirectory(prefix="prove-") as home:
            (pathlib.Path(home) / "input").mkdir()
            return prove(netpolc, job[1](pathlib.Path(home) / "input"), pathlib.Path(home))

    results = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, result in enumerate(pool.map(one, jobs), 1):
            if result and result[0]:
                results.append(result)
            if sys.stderr.isatty():
                print("\r%d of %d bundles " % (done, len(jobs)), end="", file=sys.stderr, flush=True)
    medians, longest = sorted(times[0] for _, _, times in results), sorted(times[1] for _, _, times in results)
    table.heading("netpolc prove, %d programs of %d bundles, %d at a time; a program's processor time"
                  % (sum(count for count, _, _ in results), len(results), os.cpu_count()), ("", "", "", ""))
    at = lambda values, share: values[min(len(values) - 1, int(len(values) * share))]
    table.row("  middle of the bundles' medians", at(medians, 0.5), at(medians, 0.5), None, PROOF_MEDIAN)
    table.row("  longest of a bundle, 95 %", at(longest, 0.95), at(longest, 0.5), None, PROOF_MOST, "longest of all %.0f ms" % longest[-1])
    table.check("  not proved", sum(bad for _, bad, _ in results), 0, "programs")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("inputs", type=pathlib.Path)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    netpolc, bench = arguments.bin.resolve() / "netpolc", arguments.bin / "netpolc-bench"
    table, clusters = Table(), Clusters(arguments.inputs)
    print(machine())
    all_pairs(table, netpolc, clusters, arguments.repeat)
    after_load(table, bench, clusters, arguments.repeat)
    claims(table, netpolc, clusters, arguments.repeat)
    replicas(table, bench, clusters, arguments.repeat)
    programs(table, netpolc, None if arguments.quick else arguments.inputs / "vectors")
    return table.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
