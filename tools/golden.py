#!/usr/bin/env python3
"""Golden cases: what netpolc prints and compiles for the cases under testdata/.

usage: golden.py BIN [TESTDATA] [--only TEXT]      NETPOLC_BLESS=1 rewrites the expect.* files

testdata/policies/CASE/     *.yaml input; expect.policies.ir, expect.ir, expect.bpf.c (blessed); queries.jsonl with an
                            "expect" verdict in each line (by hand, never blessed); resolutions.json;
                            flags (one word a line, added to `compile`)
testdata/diagnostics/CASE/  input.yaml (or .json); expect.stdout, expect.stderr (blessed): findings and errors
                            of `lint`, or of what `command` says (OUT is a bundle to write); flags as above.
                            CASE starts with the code that it shows, and the code must be in the output.
"""
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLESS = os.environ.get("NETPOLC_BLESS") == "1"
os.environ["LC_ALL"] = "C.UTF-8"  # what is expected has signs beyond ASCII


def run(*command, cwd=None):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, cwd=cwd)


class Cases:
    def __init__(self, only):
        self.only, self.passed, self.failed = only, 0, 0

    def report(self, name, problem):
        if problem:
            self.failed += 1
            print("FAIL %s\n%s" % (name, problem))
        else:
            self.passed += 1

    def compare(self, path, got):
        """None when `path` holds `got`; rewrites it when blessing."""
        want = path.read_text() if path.exists() else ""
        if got == want:
            return None
        if BLESS:
            path.write_text(got)
            return None
        return "".join(difflib.unified_diff(want.splitlines(True), got.splitlines(True), str(path), "now", n=2))


def policy_case(cases, binary, case):
    inputs = sorted(case.glob("*.yaml"))
    flags = (case / "flags").read_text().split() if (case / "flags").exists() else []
    with tempfile.TemporaryDirectory() as home:
        command = [binary, "compile"] + [w for i in inputs for w in ("-f", i)] + ["-o", home + "/bundle", "--emit", "c,ir", *flags]
        if (case / "resolutions.json").exists():
            command += ["--resolutions", case / "resolutions.json"]
        done = run(*command)
        if done.returncode:
            cases.report(case.name, "compile ended with %d: %s" % (done.returncode, done.stderr))
            return
        programs = pathlib.Path(home, "bundle", "programs")
        for kind, pattern in (("expect.ir", "*.ir"), ("expect.bpf.c", "*.c")):
            text = "".join(p.read_text() for p in sorted(programs.glob(pattern)))
            cases.report("%s/%s" % (case.name, kind), cases.compare(case / kind, text))
        text = pathlib.Path(home, "bundle", "policies.ir").read_text()
        cases.report("%s/expect.policies.ir" % case.name, cases.compare(case / "expect.policies.ir", text))
    queries = case / "queries.jsonl"
    if not queries.exists():
        return
    asked = [json.loads(line) for line in queries.read_text().splitlines() if line.strip()]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as bare:
        bare.write("".join(json.dumps({k: v for k, v in q.items() if k != "expect"}) + "\n" for q in asked))
        bare.flush()
        command = [binary, "verify"] + [w for i in inputs for w in ("-f", i)] + ["--queries", bare.name, "-o", "jsonl"]
        command += [f for f in flags if f.startswith("--cilium-version=")]
        if (case / "resolutions.json").exists():
            command += ["--resolutions", case / "resolutions.json"]
        answers = {a["id"]: a["verdict"] for a in map(json.loads, run(*command).stdout.splitlines())}
    for q in asked:
        got = answers.get(q["id"])
        cases.report("%s query %s" % (case.name, q["id"]), None if got == q["expect"] else "expected %s, got %s" % (q["expect"], got))


def diagnostic_case(cases, binary, case):
    """What is said about the inputs: findings on stdout, errors on stderr."""
    def words(name, otherwise):
        return (case / name).read_text().split() if (case / name).exists() else otherwise

    names = [p.name for p in sorted(case.iterdir()) if p.name.startswith("input.")]
    with tempfile.TemporaryDirectory() as home:
        command = [home + "/bundle" if w == "OUT" else w for w in words("command", ["lint"])]
        done = run(binary, *command, *[w for n in names for w in ("-f", n)], *words("flags", []), cwd=case)
    for stream, got in (("stdout", done.stdout), ("stderr", done.stderr)):
        path = case / ("expect." + stream)
        if got or path.exists():
            cases.report("diagnostics/%s/%s" % (case.name, stream), cases.compare(path, got))
    code = case.name.split("-")[0]
    shown = "[%s]" % code in done.stdout + done.stderr
    cases.report("diagnostics/" + case.name, None if shown else "%s is not in the output:\n%s%s" % (code, done.stdout, done.stderr))


def main():
    words = [w for w in sys.argv[1:] if not w.startswith("--only")]
    only = next((w.split("=", 1)[1] for w in sys.argv[1:] if w.startswith("--only=")), "")
    binary = pathlib.Path(words[0]).resolve()
    data = pathlib.Path(words[1] if len(words) > 1 else pathlib.Path(__file__).parent.parent / "testdata").resolve()
    cases = Cases(only)
    for folder, judge in (("policies", policy_case), ("diagnostics", diagnostic_case)):
        for case in sorted(p for p in (data / folder).glob("*") if p.is_dir() and only in p.name):
            judge(cases, binary, case)
    print("%d passed, %d failed" % (cases.passed, cases.failed))
    return 1 if cases.failed or not cases.passed else 0


if __name__ == "__main__":
    sys.exit(main())
