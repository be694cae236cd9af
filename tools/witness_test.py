#!/usr/bin/env python3
"""Puts the witnesses of every claim that testdata/console/ shows before the compiled programs, in this machine's kernel.

usage: witness_test.py BIN_DIRECTORY      77: no program can be run in this kernel

Each command of a claim is run twice, without `--in-kernel` and with it. The answers must be the same but for what programs said,
and each witness must have heard both ends. Every kind of claim, and everything that programs can say, must have come up.
"""
import json, os, pathlib, re, subprocess, sys, tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
CLAIM = re.compile(r"netpolc verify (never|only|isolated|requires-l7|same|implies)\b|netpolc verify .*--symbolic")
SAID = ["allowed, over", "allowed through a proxy", "denied by a rule", "denied by default", "not asked"]


def commands(text):
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for command in re.findall(r"^\$ (netpolc verify (?:[^\n]*\\\n)*[^\n]*)", block, re.M):
            if CLAIM.match(command):
                yield command


def in_kernel(command):
    return re.sub(r"^netpolc verify(?: (?:never|only|isolated|requires-l7|same|implies)\b)?", r"\g<0> --in-kernel", command)


def run(command, home, environment):
    return subprocess.run(command, shell=True, capture_output=True, text=True, cwd=home, env=environment, timeout=120)


def without_programs(out):
    """(what is left, what programs said about each end)"""
    if out.startswith("{"):
        answer, said = json.loads(out.splitlines()[0]), []
        for part in (answer, *(answer.get(k, {}) for k in ("witness", "allowed", "denied", "before", "after"))):
            for side in part.pop("kernel", {}).values():
                said.append("not asked: " + side["notAsked"] if "notAsked" in side else side["said"] + ", over " + " and ".join(side["families"]))
        answer.pop("solverSteps", None)
        return [answer, *out.splitlines()[1:]], said
    pattern = re.compile(r"^(?:  kernel   egress|           ingress): (.*)$")
    lines = out.splitlines()
    return [l for l in lines if not pattern.match(l)], [m[1] for m in map(pattern.match, lines) if m]


def witnesses(out):
    """Sides that must have been heard."""
    if out.startswith("{"):
        answer = json.loads(out.splitlines()[0])
        sets = [k for k in ("before", "after") if k in answer] or [k for k in ("witness", "allowed", "denied") if isinstance(answer.get(k), dict)]
        return 2 * len(sets)
    compared = len(re.findall(r"^  (?:before|after)  +", out, re.M))
    return 2 * (compared or len(re.findall(r"^  (?:witness|allowed|denied) ", out, re.M)))


def main():
    environment = dict(os.environ, PATH=os.path.abspath(sys.argv[1]) + ":" + os.environ["PATH"], NO_COLOR="1")
    shown, failed, ends, kinds, everything = 0, 0, 0, set(), []
    with tempfile.TemporaryDirectory(prefix="witness-") as home:
        os.symlink(TOP / "testdata", os.path.join(home, "testdata"))
        probe = run("netpolc verify never --from '[]' --to '[]' --in-kernel testdata/policies/article", home, environment)
        if probe.returncode == 2 and "--in-kernel" in probe.stderr:
            print("skipped: " + probe.stderr.strip())
            return 77
        for path in [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")), *sorted((TOP / "testdata/console").glob("*.md"))]:
            for command in commands(path.read_text()):
                plain = run(command, home, environment)
                asked = run(in_kernel(command), home, environment)
                left, said = without_programs(asked.stdout)
                shown += 1
                want = witnesses(plain.stdout)
                if left == without_programs(plain.stdout)[0] and plain.returncode == asked.returncode and plain.returncode != 4 and len(said) == want:
                    ends += want
                    everything += said
                    if want:
                        kinds.add(re.match(r"netpolc verify (?:(never|only|isolated|requires-l7|same|implies)\b)?", command)[1] or "--symbolic")
                    continue
                failed += 1
                print("%s: `%s` has %d sides to ask about, and says with --in-kernel (%d, without %d)\n%s%s" % (path.relative_to(TOP), command, want, asked.returncode, plain.returncode, asked.stderr, asked.stdout))
    missing = [s for s in SAID if not any(one.startswith(s) for one in everything)]
    missing += sorted({"never", "only", "isolated", "requires-l7", "same", "implies", "--symbolic"} - kinds)
    for one in missing:
        print("never came up: " + one)
    heard = sum(not one.startswith("not asked") for one in everything)
    print("%d claims, %d ends of witnesses, %d of them asked in the kernel, %d failed" % (shown, ends, heard, failed))
    return 1 if failed or missing or not heard else 0


if __name__ == "__main__":
    sys.exit(main())
