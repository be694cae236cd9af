"""How long `netpolc lint` takes: once, again and again with --watch, and with what the solver proves."""
import os
import pathlib
import statistics
import subprocess
import sys
import time

from table import measured

# Milliseconds of the processor: from a file being saved to the end of what is printed of it; and of all proofs.
CHECK_LIMIT = 100
PROVED_LIMIT = 10000
MANY = 1000
EDITS = 21


def repository(directory):
    """A file for each policy, as in a repository; one in ten has a slip in a name, which is a finding."""
    script = pathlib.Path(__file__).parent / "cluster.py"
    subprocess.run([sys.executable, script, "--workloads", str(MANY), "--policies", str(MANY), "--out", directory / "made"], check=True)
    (directory / "set/policies").mkdir(parents=True)
    for name in ("namespaces.yaml", "workloads.yaml", "pods.yaml"):
        (directory / "made" / name).rename(directory / "set" / name)
    for i, text in enumerate((directory / "made/policies-cnp.yaml").read_text().split("---\n")[1:]):
        (directory / "set/policies" / ("p-%04d.yaml" % i)).write_text(text.replace('"app-', '"ap-', 1) if i % 10 == 0 else text)
    return directory / "set"


def processor_seconds(pid):
    words = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def checks(binary, policies):
    """Milliseconds by the clock and of the processor of each check after a save."""
    child = subprocess.Popen([binary, "lint", "--watch", "-o", "jsonl", policies], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def findings():
        found = 0
        for line in child.stdout:
            if line.startswith('{"checked"'):
                return found
            found += line.startswith('{"finding"')
        sys.exit("bench: netpolc lint --watch ended")

    out, found = [], findings()
    path = policies / "policies" / ("p-%04d.yaml" % (MANY // 2 + 1))
    text = path.read_text()
    for edit in range(EDITS):
        fresh = path.with_suffix(".swp")
        fresh.write_text(text.replace('"app-', '"ap-', 1) if edit % 2 == 0 else text)
        start, before = time.monotonic(), processor_seconds(child.pid)
        fresh.replace(path)
        now = findings()
        out.append((1e3 * (time.monotonic() - start), 1e3 * (processor_seconds(child.pid) - before)))
        if (now > found) != (edit % 2 == 0):
            sys.exit("bench: %d findings after %d" % (now, found))
    child.kill()
    return out


def linting(table, binary, inputs):
    policies = repository(inputs / "lint")
    table.heading("netpolc lint, %d policies in as many files and %d workloads, whole process by the clock" % (MANY, MANY), ("netpolc", "", "", ""))
    run = lambda *options: measured([binary, "lint", *options, policies], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, cpu, _, _ = min(run() for _ in range(3))
    table.row("  once", wall * 1e3, wall * 1e3, None, None, "%.0f ms of the processor" % (cpu * 1e3))
    times = checks(binary, policies)
    wall = [one[0] for one in times]
    table.row("  --watch, after a save", min(wall), statistics.median(wall))
    table.row("  the same, processor", min(one[1] for one in times), statistics.median(one[1] for one in times), None, CHECK_LIMIT)
    wall, cpu, _, _ = run("--proved")
    table.row("  --proved, processor", cpu * 1e3, cpu * 1e3, None, PROVED_LIMIT)
