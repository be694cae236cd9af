#!/usr/bin/env python3
"""What `netpolc test -o junit` writes, held against the shape that build servers read (testsuites, testsuite, testcase, and in a
case failure, error or skipped), and against `-o json` of the same run.

usage: junit_test.py BIN TESTDATA
The last line is 'N passed, N failed'.
"""
import json, pathlib, subprocess, sys, tempfile
import xml.etree.ElementTree as ElementTree

ATTRIBUTES = {  # element: required, optional
    "testsuites": ({"tests", "failures", "errors"}, {"name", "time", "disabled", "skipped"}),
    "testsuite": ({"name", "tests"}, {"failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package", "file"}),
    "testcase": ({"name", "classname"}, {"time", "file", "line", "status", "assertions"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": (set(), {"message"}),
}
CHILDREN = {"testsuites": {"testsuite"}, "testsuite": {"testcase"}, "testcase": {"failure", "error", "skipped"}, "failure": set(), "error": set(), "skipped": set()}
NUMBERS = {"tests", "failures", "errors", "skipped", "line"}


def faults(element):
    required, optional = ATTRIBUTES[element.tag]
    names = set(element.attrib)
    for name in sorted(required - names):
        yield "<%s> lacks %s" % (element.tag, name)
    for name in sorted(names - required - optional):
        yield "<%s> has %s" % (element.tag, name)
    for name in sorted(names & NUMBERS):
        if not element.attrib[name].isdigit():
            yield "%s of <%s> is no number: %s" % (name, element.tag, element.attrib[name])
    if element.tag == "testcase" and len(element) > 1:
        yield "a case with two results"
    for child in element:
        if child.tag not in CHILDREN[element.tag]:
            yield "<%s> in <%s>" % (child.tag, element.tag)
        else:
            yield from faults(child)


def count(cases):
    tags = [child.tag for case in cases for child in case]
    return {"tests": len(cases), "failures": tags.count("failure"), "errors": tags.count("error"), "skipped": tags.count("skipped")}


def wrong_counts(element):
    own = count(list(element.iter("testcase")))
    for name, number in own.items():
        if int(element.attrib.get(name, 0)) != number:
            yield "<%s> says %s %s and has %d" % (element.tag, name, element.attrib.get(name), number)


def other_than(root, result):
    """The same tests in the same order, with the same results."""
    expected = [(g["path"], t["name"], "failure" if t["fails"] else "error" if t["status"] == "undecided" else "skipped" if t["status"] == "vacuous" else "")
                for g in result["groups"] for t in g["tests"]]
    got = [(c.attrib["classname"], c.attrib["name"], c[0].tag if len(c) else "") for c in root.iter("testcase")]
    if expected != got:
        yield "JUnit and JSON differ:\n%s\n%s" % (got, expected)


def check(binary, words, code):
    with tempfile.TemporaryDirectory(prefix="junit-") as home:
        report = pathlib.Path(home, "report.xml")
        both = subprocess.run([binary, "test", *words, "-o", "json", "-o", "junit=%s" % report], capture_output=True, text=True)
        alone = subprocess.run([binary, "test", *words, "-o", "junit"], capture_output=True, text=True)
        if both.returncode != code or alone.returncode != code:
            return ["exit %d and %d, not %d: %s" % (both.returncode, alone.returncode, code, both.stderr)]
        if report.read_text() != alone.stdout:
            return ["the file and stdout differ"]
        root = ElementTree.fromstring(alone.stdout)
        found = list(faults(root)) if root.tag == "testsuites" else ["the root is <%s>" % root.tag]
        for element in [root, *root.iter("testsuite")]:
            found += wrong_counts(element)
        return found + list(other_than(root, json.loads(both.stdout)))


def main():
    binary, data = sys.argv[1], pathlib.Path(sys.argv[2])
    shop = [str(data / "test/shop/cluster.yaml"), str(data / "test/shop/policies")]
    cases = [
        ("a failure and a test of nobody", [str(data / "test/shop")], 1),
        ("all pass", [*shop, str(data / "test/more")], 0),
        ("many ways to fail", [*shop, str(data / "test/worse")], 1),
        ("tests of nobody are allowed", [*shop, str(data / "test/shop/tests"), "--filter", "search", "--allow-vacuous"], 0),
        ("no solver steps", [*shop, str(data / "test/more"), "--steps", "1"], 3),
        ("the built-in pack alone", [*shop, "--safety-only"], 0),
    ]
    failed = 0
    for name, words, code in cases:
        found = check(binary, words, code)
        failed += bool(found)
        for fault in found:
            print("FAIL %s: %s" % (name, fault))
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
