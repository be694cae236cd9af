#!/usr/bin/env python3
"""What differs between versions of Cilium, row by row (docs/semantics.md).

usage: versions_test.py NETPOLC      NETPOLC_BLESS=1 rewrites testdata/versions/*.txt

testdata/versions/NN-topic.yaml are manifests. Lines "# ask: …" at its top are arguments of `netpolc verify`. NN-topic.txt
has for each of them, and each version, what the answer was: the verdict with both sides, or the codes of errors and warnings.
Versions that answer alike stand on one line.
"""
import json, os, pathlib, re, subprocess, sys

NETPOLC = os.path.abspath(sys.argv[1])
TOP = pathlib.Path(__file__).resolve().parent.parent
DATA = TOP / "testdata/versions"
VERSIONS = ["1.16", "1.17", "1.18", "1.19", "1.20"]
ENVIRONMENT = dict(os.environ, NO_COLOR="1")
ROWS = range(1, 37)


def side(one):
    if one is None:
        return "-"
    return one["verdict"] + (" " + one["l7"] if one.get("l7") else "") + (" undecided" if one.get("reason") else "")


def answer(path, arguments, version):
    done = subprocess.run([NETPOLC, "verify", "-f", path, *arguments.split(), "--cilium-version", version, "-o", "json"], cwd=DATA, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    codes = " ".join(sorted(set(re.findall(r"(?:error|warning)\[(NP\d+)\]", done.stderr))))
    if done.returncode == 2:
        return "no answer: " + (codes or done.stderr.strip().splitlines()[-1])
    if done.returncode not in (0, 1, 3):
        return "exit %d: %s" % (done.returncode, done.stderr)
    said = json.loads(done.stdout)
    out = said["verdict"]
    if "egress" in said or "ingress" in said:
        out += "  egress: %s  ingress: %s" % (side(said.get("egress")), side(said.get("ingress")))
    for request in [said.get("request")]:
        if request:
            out += "  request: " + str(request.get("verdict", request) if isinstance(request, dict) else request)
    return out + ("  " + codes if codes else "")


def outcome(path):
    lines = []
    for arguments in re.findall(r"^# ask: (.*)$", path.read_text(), re.M):
        lines.append(arguments)
        answers = [(version, answer(path.name, arguments, version)) for version in VERSIONS]
        start = 0
        for i in range(1, len(answers) + 1):
            if i == len(answers) or answers[i][1] != answers[start][1]:
                versions = answers[start][0] if i == start + 1 else answers[start][0] + ".." + answers[i - 1][0]
                lines.append("  %-10s  %s" % (versions, answers[start][1]))
                start = i
    return "\n".join(lines) + "\n"


def main():
    failed = 0
    page = (TOP / "docs/semantics.md").read_text()
    for path in sorted(DATA.glob("*.yaml")):
        got, kept = outcome(path), path.with_suffix(".txt")
        if os.environ.get("NETPOLC_BLESS") == "1":
            kept.write_text(got)
        elif not kept.exists() or kept.read_text() != got:
            failed += 1
            print("FAIL %s answers\n%s" % (path.name, got))
        if "testdata/versions/" + path.name not in page:
            failed += 1
            print("FAIL docs/semantics.md has no link to " + path.name)
    for row in ROWS:
        if not re.search(r"^\| %d \|" % row, page, re.M):
            failed += 1
            print("FAIL docs/semantics.md has no row %d" % row)
    print("differences between versions: %d rows with manifests, %d failed" % (len(list(DATA.glob("*.yaml"))), failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
