"""`netpol-loader connectivity test`, of the bundle that is shipped and of others; of bundles that were tampered with; and killed.

usage: connectivity_test.py BIN_DIRECTORY
Exit 77: skipped, for want of root.
"""
import ctypes
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import junit_test  # noqa: E402
import xml.etree.ElementTree as ElementTree  # noqa: E402

POLICIES = ROOT / "runtime-loader" / "connectivity" / "policies"
KILLS = int(os.environ.get("NETPOLC_CONNECTIVITY_KILLS", "4"))


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)


class Tools:
    def __init__(self, binaries, home):
        self.netpolc, self.loader, self.home = str(binaries / "netpolc"), str(binaries / "netpol-loader"), home
        self.shipped = binaries.parent / "share" / "netpolc" / "connectivity"

    def call(self, *words, environment=None):
        return subprocess.run([self.loader, "connectivity", "test", *words], capture_output=True, text=True, timeout=120, env={**os.environ, **(environment or {})})

    def run(self, *words, expect=0):
        done = self.call(*words, "-o", "json")
        check(done.returncode == expect, "%s: exit %d\n%s%s" % (" ".join(words), done.returncode, done.stdout[-3000:], done.stderr))
        return json.loads(done.stdout)

    def compile(self, name, policies, *words):
        bundle = self.home / name
        done = subprocess.run([self.netpolc, "compile", "-f", str(policies), "-o", str(bundle), *words], capture_output=True, text=True, cwd=ROOT)
        check(done.returncode == 0, done.stderr)
        return bundle


def sealed(bundle):
    """The manifest says again what the files are, as whoever tampers would make it."""
    path = bundle / "bundle.json"
    text = path.read_text()
    manifest = json.loads(text)
    for name, former in manifest["files"].items():
        text = text.replace(former, hashlib.sha256((bundle / name).read_bytes()).hexdigest())
    text = text.replace(manifest["digest"], "", 1)
    path.write_text(text.replace('"digest": ""', '"digest": "%s"' % hashlib.sha256(text.encode()).hexdigest(), 1) if '"digest": ""' in text else
                    text.replace('"digest":""', '"digest":"%s"' % hashlib.sha256(text.encode()).hexdigest(), 1))


def program_of(bundle, endpoint):
    return next(p["digest"] for p in json.loads((bundle / "bundle.json").read_text())["programs"] if endpoint in p["endpoints"])


def faults(result):
    return [fault for test in result["tests"] for action in test["actions"] for fault in action["faults"]]


def test_shipped(tools):
    start = time.monotonic()
    junit = tools.home / "junit.xml"
    result = tools.run("--junit-file", str(junit))
    check(time.monotonic() - start < 60, "it took more than a minute")
    check(result["counts"]["skipped"] == 0 or shutil.which("nft") is None, "skipped: %s" % result["counts"])
    check(result["successful"] and result["counts"]["tests"] >= 20 and result["counts"]["actions"] >= 150, str(result["counts"]))
    check(result["tables"] == result["programs"] > 5, "not every program has a decision table")
    check(all(leg["by"] == "table" for t in result["tests"] for a in t["actions"] for leg in a["expected"]), "an expectation that is not from a table")
    actions = [a for t in result["tests"] for a in t["actions"]]
    check(all(a["answered"] == (a["claim"] == "ALLOWED") for a in actions), "what is answered is not what is claimed")
    check({a["claim"] for a in actions} == {"ALLOWED", "DENIED"}, "only one kind of claims")
    # The program that dropped it says by which rule; so do those that allowed it.
    check(any(a["egress"] and a["egress"]["rule"] is not None for a in actions) and any(a["ingress"] and a["ingress"]["rule"] is not None for a in actions), "no program reports a rule")
    root = ElementTree.parse(junit).getroot()
    wrong = list(junit_test.faults(root)) + [w for e in [root, *root] for w in junit_test.wrong_counts(e)]
    check(not wrong, "JUnit: " + "; ".join(wrong))
    check([c.attrib["name"] for c in root.iter("testcase")] == [t["name"] for t in result["tests"]], "JUnit has other tests")


def test_words(tools):
    done = tools.call("--test", "default-deny", environment={"LC_ALL": "C.UTF-8"})
    check(done.returncode == 0 and re.search(r"^\[=\] Test \[default-deny\] \[1/1\] \.+$", done.stdout, re.M), done.stdout + done.stderr)
    check(re.search(r"^✓ All 1 tests \(\d+ actions\) successful, 0 tests skipped, in [0-9.]+ s$", done.stdout, re.M), done.stdout)
    check("✓" not in tools.call("--test", "default-deny", environment={"LC_ALL": "C"}).stdout, "symbols without UTF-8")


def test_patterns(tools):
    names = [line.split()[0] for line in tools.call("--list").stdout.splitlines()]
    check("pod-to-pod" in names and "to-fqdns" in names, str(names))
    some = [line.split()[0] for line in tools.call("--list", "--test", "^egress", "--test", "icmp", "--test", "!deny").stdout.splitlines()]
    check(some == [n for n in names if (n.startswith("egress") or "icmp" in n) and "deny" not in n] and len(some) > 2, str(some))
    for words in (["--test", "("], ["--test", "nobody"], [str(tools.home / "nothing")], ["--bundle-dir", "/nowhere"]):
        check(tools.call(*words).returncode == 2, "%s: not exit 2" % words)


def test_without_translation(tools):
    """A machine without nft: said, and counted as skipped."""
    result = json.loads(tools.call("--test", "service", "--test", "default-deny", "-o", "json", environment={"PATH": "/nowhere"}).stdout)
    check(result["successful"] and result["counts"]["skipped"] == 3, str(result["counts"]))
    check(all("no translation" in t["skipped"] for t in result["tests"] if t["status"] == "skipped"), "no reason")


def test_program_with_a_rule_less(tools):
    policies = tools.home / "less"
    shutil.copytree(POLICIES, policies)
    text = (policies / "policies.yaml").read_text()
    less = re.sub(r'  ingressDeny:\n  - fromEndpoints: \[\{matchLabels: \{banned: "yes"\}\}\]\n', "", text)
    check(less != text, "the rule is not there")
    (policies / "policies.yaml").write_text(less)
    other = tools.compile("other", policies)
    bundle = tools.home / "tampered"
    shutil.copytree(tools.shipped, bundle)
    digest = program_of(bundle, "connectivity/web-1")
    shutil.copy(other / "programs" / (program_of(other, "connectivity/web-1") + ".o"), bundle / "programs" / (digest + ".o"))
    sealed(bundle)
    result = tools.run("--bundle-dir", str(bundle), "--test", "ingress-deny-rule", "--junit-file", str(tools.home / "bad.xml"), expect=1)
    said = " ".join(faults(result))
    check("deny from any:banned in (yes)" in said and re.search(r"policies\.yaml:\d+:\d+", said), "the rule is not named: " + said)
    root = ElementTree.parse(tools.home / "bad.xml").getroot()
    check(len(list(root.iter("failure"))) == 1 and not list(junit_test.faults(root)), "JUnit of a failure")


def test_table_that_says_otherwise(tools):
    bundle = tools.home / "otherwise"
    shutil.copytree(tools.shipped, bundle)
    table = bundle / "programs" / (program_of(bundle, "connectivity/worker") + ".ir")
    table.write_text(re.sub(r"(?m)^  TCP 443: .*$", "  TCP 443: nothing", table.read_text()))
    sealed(bundle)
    result = tools.run("--bundle-dir", str(bundle), "--test", "egress-cidr", expect=1)
    said = " ".join(faults(result))
    check("allow to cidr" in said and "no rule allows it" in said, said)
    table.write_text("anything\n")
    sealed(bundle)
    done = tools.call("--bundle-dir", str(bundle))
    check(done.returncode == 2 and "decision table" in done.stderr, done.stderr)
    table.write_text("anything else\n")
    check(tools.call("--bundle-dir", str(bundle)).returncode == 2, "a file that is not what the manifest says")


def test_own_bundle(tools):
    for name, words, by in (("article", [], "program"), ("article", ["--emit", "ir"], "table"), ("deny-beats-allow", [], "program")):
        bundle = tools.compile("own-%s-%s" % (name, by), ROOT / "testdata" / "policies" / name, *words)
        result = tools.run(str(bundle))
        check(result["successful"] and result["counts"]["actions"] > 10, str(result["counts"]))
        legs = [leg for t in result["tests"] for a in t["actions"] for leg in a["expected"]]
        check({leg["by"] for leg in legs} == {by}, "expectations are by %s" % {leg["by"] for leg in legs})
        check({leg["verdict"] for leg in legs} == {"ALLOWED", "DENIED"}, name + ": all verdicts are alike")


# ---- killed ----------------------------------------------------------------------------------------

def links_of(process):
    """Its network namespaces, but for the machine's, and the ids of its BPF maps."""
    own, namespaces, maps = os.readlink("/proc/self/ns/net"), set(), set()
    try:
        for fd in os.listdir("/proc/%d/fd" % process):
            target = os.readlink("/proc/%d/fd/%s" % (process, fd))
            if target.startswith("net:") and target != own:
                namespaces.add(target)
            if "bpf-map" in target:
                maps |= set(re.findall(r"map_id:\s*(\d+)", pathlib.Path("/proc/%d/fdinfo/%s" % (process, fd)).read_text()))
    except OSError:
        pass
    return namespaces, maps


def everywhere(what):
    """Who still has one of these namespaces."""
    found = set()
    for process in filter(str.isdigit, os.listdir("/proc")):
        for place in ("ns/net", "fd"):
            try:
                path = "/proc/%s/%s" % (process, place)
                targets = [os.readlink(path)] if place == "ns/net" else [os.readlink(path + "/" + fd) for fd in os.listdir(path)]
            except OSError:
                continue
            found |= {process for t in targets if t in what}
    return found


def map_is_there(number):
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(int(number).to_bytes(4, "little"), 128)
    fd = libc.syscall(321, 14, attributes, 128)  # BPF_MAP_GET_FD_BY_ID
    if fd >= 0:
        os.close(fd)
    return fd >= 0


EXPEDITED = pathlib.Path("/sys/kernel/rcu_expedited")


def what_is_there():
    """All that a test could leave on the machine: interfaces, mounts, pins, names of namespaces, state."""
    listed = lambda path: sorted(os.listdir(path)) if os.path.isdir(path) else []
    interfaces = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    return {"interfaces": re.findall(r"^\d+: ([^:@]+)", interfaces, re.M), "mounts": pathlib.Path("/proc/self/mountinfo").read_text(),
            "expedited": EXPEDITED.read_text() if EXPEDITED.exists() else "",
            "pins": listed("/sys/fs/bpf"), "names": listed("/run/netns"), "state": listed("/run/netpolc")}


def test_killed_anywhere(tools):
    randomly = random.Random(7)
    before = what_is_there()
    full = 0.1
    for number in range(KILLS):
        mark = tools.home / ("mark-%d.xml" % number)
        ending = (signal.SIGKILL, signal.SIGINT)[number % 2]
        process = subprocess.Popen([tools.loader, "connectivity", "test", "--junit-file", str(mark)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        start = time.monotonic()
        until = start + (randomly.uniform(0.02, full) if number else 600)  # the first says how long one takes
        namespaces, maps = set(), set()
        while process.poll() is None and time.monotonic() < until:
            some, more = links_of(process.pid)
            namespaces, maps = namespaces | some, maps | more
            time.sleep(0.01)
        if number == 0:
            full = time.monotonic() - start
            check(process.returncode == 0 and len(namespaces) > 10 and maps, "nothing was seen of a whole run: %d namespaces, %d maps" % (len(namespaces), len(maps)))
        elif process.poll() is None:
            process.send_signal(ending)
            check(process.wait(10) == (-ending if ending == signal.SIGKILL else 130), "ended with %d" % process.returncode)
        end = time.monotonic() + 10
        while time.monotonic() < end and (everywhere(namespaces) or any(map(map_is_there, maps))):
            time.sleep(0.05)
        check(not everywhere(namespaces), "namespaces are left, with processes %s" % everywhere(namespaces))
        check(not any(map(map_is_there, maps)), "maps are left")
        if number:
            mark.unlink(missing_ok=True)
        check(not list(tools.home.glob("mark-*.tmp*")), "a temporary file is left")
    after = what_is_there()
    check(after == before, "left: %s" % {k: (before[k], after[k]) for k in after if after[k] != before[k]})


def main(binaries):
    failed = 0
    tests = [work for name, work in globals().items() if name.startswith("test_")]
    with tempfile.TemporaryDirectory() as home:
        tools = Tools(binaries, pathlib.Path(home))
        for test in tests:
            name, start = test.__name__[5:].replace("_", " "), time.monotonic()
            try:
                test(tools)
                print("ok    %s  %.1f s" % (name, time.monotonic() - start), flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, ValueError, ElementTree.ParseError) as error:
                failed += 1
                print("FAIL  %s: %s" % (name, error), flush=True)
    print("connectivity test: %d tests, %d failed" % (len(tests), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    if len(sys.argv) == 2:  # in network and mount namespaces of its own, so that what others do meanwhile isn't seen
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, __file__, sys.argv[1], "inside"])
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
