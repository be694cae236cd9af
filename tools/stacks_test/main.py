"""Real network stacks talk through compiled policies, in namespaces that this test makes itself.

usage: main.py BINARY_DIRECTORY [--seconds N] [--self-check] [--only WORDS]

--seconds N    how long policy is replaced under traffic (default 30)
--self-check   only that: load wrong policies, and see that the checks notice (otherwise it comes first)
--only WORDS   checks whose name has these words
--no-self-check
--mode MODE    tcx or clsact; what the loader chooses unless given

A line for every check, a summary at the end. Exit status 1 when a check failed, 77 where the kernel can't be
used (1 with CI=true). Everything lives in private namespaces: nothing is left behind, however this ends.
"""
import argparse
import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import churn  # noqa: E402
import many  # noqa: E402
import paths  # noqa: E402
import programs  # noqa: E402
import rough  # noqa: E402
from world import LIBC, Failed, World, topology  # noqa: E402

CHECKS = programs.CHECKS + paths.CHECKS + rough.CHECKS + many.CHECKS
PR_SET_PDEATHSIG = 1
FAULTS = (Failed, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError)


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def line(self, good, name, text, seconds):
        with self.lock:
            self.passed += good
            self.failed += not good
            print("%s  %s%s  %.1f s" % ("ok  " if good else "FAIL", name, ": " + text if text else "", seconds), flush=True)

    def judge(self, name, work):
        start = time.monotonic()
        try:
            self.line(True, name, work() or "", time.monotonic() - start)
        except FAULTS as error:
            self.line(False, name, "%s" % error, time.monotonic() - start)


def outcome(world, test):
    """What a check complains about, or None."""
    try:
        test(world)
    except FAULTS as error:
        return str(error) or type(error).__name__
    return None


def self_check(world, report, wanted):
    """Under a policy that lets everything pass, and one that lets nothing: the checks must fail."""
    for name, workers in (("open", 1), ("shut", 6)):
        def see():
            world.load(name)
            tests = [(n, t) for n, wrong, t in CHECKS if wrong == name and wanted in n]
            with concurrent.futures.ThreadPoolExecutor(workers) as pool:
                blind = [n for (n, _), said in zip(tests, pool.map(lambda t: outcome(world, t[1]), tests)) if said is None]
            if blind:
                raise Failed("these noticed nothing: " + "; ".join(blind))
            return "%d checks fail, as they should" % len(tests)
        report.judge("self-check, policy " + name, see)
    if wanted in "churn":
        churn.self_check(world, report)


def talk(world, report, wanted):
    """Every check under the right policy. Those of denied traffic mostly wait, so they wait together."""
    chosen = [(n, t) for n, wrong, t in CHECKS if wrong != "open" and wanted in n]
    denied = [(n, t) for n, wrong, t in CHECKS if wrong == "open" and wanted in n]
    for name, test in chosen:
        report.judge(name, lambda: test(world))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(report.judge, n, lambda t=t: t(world)) for n, t in denied]:
            done.result()


def main(options):
    report = Report()
    topology.prepare()
    with tempfile.TemporaryDirectory(prefix="netpolc-stacks-", dir="/run") as home:  # this /run is ours, and goes with us
        world = World(pathlib.Path(options.binaries).resolve(), pathlib.Path(home), options.mode)
        programs.start_servers(world)
        rough.prepare(world)
        if options.self_check or not (options.no_self_check or options.only):
            self_check(world, report, options.only)
        if not options.self_check:
            world.load("base")
            talk(world, report, options.only)
            if options.only in "churn":
                churn.run(world, report, options.seconds)
        world.call("unload")
    print("real stacks: %d checks passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


def why_not():
    if os.geteuid() != 0:
        return "loading programs into the kernel needs root"
    probe = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c", "mount -t bpf bpf /sys/fs/bpf"], capture_output=True, text=True)
    if probe.returncode:
        return "no namespaces or no bpffs: " + probe.stderr.strip()
    missing = [p for p in ("ip", "iperf3", "curl", "dig", "ping") if subprocess.run(["sh", "-c", "command -v " + p], capture_output=True).returncode]
    return "tools/setup.sh installs what is missing: " + ", ".join(missing) if missing else ""


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--self-check", action="store_true")
    parser.add_argument("--no-self-check", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--mode", choices=("auto", "tcx", "clsact"), default="auto")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    chosen = arguments()
    if chosen.inside:
        sys.exit(main(chosen))
    reason = why_not()
    if reason:
        print("skipped: " + reason)
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    # unshare takes no notice of SIGTERM; when this process ends, however that may be, so do unshare and all inside
    sys.exit(subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                             sys.executable, __file__, *sys.argv[1:], "--inside"],
                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)).returncode)
