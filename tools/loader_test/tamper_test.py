#!/usr/bin/env python3
"""Bundles that somebody changed: all are refused, by name of what is wrong, and nothing of them gets into the kernel.

usage: tamper_test.py BIN_DIRECTORY [--long]     --long: every byte of every small file, not some of them

`netpol-loader check` reads a bundle as `load` does, up to where the kernel begins, so most cases need neither. Some are given to
`load` as well, on interfaces in a network namespace of our own; without root these are left out, and that is said.
"""
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(sys.argv[1]).resolve()
LONG = "--long" in sys.argv[2:]
SMALL = 4096  # bytes: of such a file --long flips every one
failed = []


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, errors="replace", timeout=120, **more)


def check(holds, what):
    if not holds:
        failed.append(what)
        print("FAIL", what)


class Bundles:
    """One good bundle, signed, and copies of it to spoil."""

    def __init__(self, home):
        self.home, self.numbers = pathlib.Path(home), itertools.count()
        self.good, self.key, self.other = self.home / "good", self.home / "release", self.home / "other"
        made = run(BIN / "netpolc", "compile", "-f", TOP / "testdata/policies/article", "-o", self.good)
        assert made.returncode == 0, made.stderr
        for name in (self.key, self.other):
            made = run(BIN / "netpolc", "sign", "--generate", name, "--no-password")
            assert made.returncode == 0, made.stderr
        self.sign(self.good, self.key)
        self.files = sorted(str(path.relative_to(self.good)) for path in self.good.rglob("*") if path.is_file())

    def sign(self, bundle, key):
        made = run(BIN / "netpolc", "sign", bundle, "--key", str(key) + ".key")
        assert made.returncode == 0, made.stderr

    def copy(self):
        to = self.home / ("copy%d" % next(self.numbers))
        shutil.copytree(self.good, to)
        return to

    def checked(self, bundle, signature=True):
        more = ["--require-signature", "--trusted-keys", str(self.key) + ".pub"] if signature else []
        return run(BIN / "netpol-loader", "check", bundle, *more)


def sealed(manifest):
    """bundle.json of whoever can hash: with the digest of what it says now."""
    manifest["digest"] = ""
    text = json.dumps(manifest)
    return text.replace('"digest": ""', '"digest": "%s"' % hashlib.sha256(text.encode()).hexdigest(), 1)


def refused(name, done, names):
    ok = done.returncode == 2 and not done.stdout and any(one in done.stderr for one in names) and "internal error" not in done.stderr
    check(ok, "%s: expected exit 2 and one of %s, got %d: %s%s" % (name, names, done.returncode, done.stdout[:200], done.stderr[:400]))
    return ok


def both(bundles, name, spoil, names):
    """Spoils a copy; refused whether signatures are required or not."""
    bundle = bundles.copy()
    try:
        spoil(bundle)
        for signature in (False, True):
            # bundle.json is judged by its signature before anything else
            expected = names + ["bundle.json.minisig"] if signature else names
            refused("%s%s" % (name, ", signature required" if signature else ""), bundles.checked(bundle, signature), expected)
    finally:
        shutil.rmtree(bundle, ignore_errors=True)


def flip(bundle, path, at, bits):
    content = bytearray((bundle / path).read_bytes())
    content[at] ^= bits
    (bundle / path).write_bytes(content)


def flips(bundles):
    draw = random.Random(7)
    for path in bundles.files:
        size = (bundles.good / path).stat().st_size
        signature = path.endswith(".minisig")
        text = (bundles.good / path).read_bytes()
        # the first line of a signature is the untrusted comment, and a last line break is nobody's
        places = range(text.index(b"\n") + 1, size - 1) if signature else range(size)
        if LONG and size <= SMALL:
            chosen = list(places)
        elif signature:  # minisign_test.cpp flips every bit
            chosen = list(places)[::5]
        else:
            chosen = sorted({places[0], places[-1], places[len(places) // 2], draw.choice(places), *((draw.choice(places),) if path == "bundle.json" else ())})
        for at in chosen:
            for bits in ((1, 0x20, 0x80, 0xFF) if LONG or not signature else (1 << at % 8,)):
                yield path, at, bits


def test_flips(bundles):
    """In one copy after another, in turns, each put right again."""
    cases = list(flips(bundles))

    def some(part):
        bundle = bundles.copy()
        for path, at, bits in part:
            flip(bundle, path, at, bits)
            if path.endswith(".minisig"):
                refused("%s byte %d ^ %d" % (path, at, bits), bundles.checked(bundle), [path])
            else:
                refused("%s byte %d ^ %d" % (path, at, bits), bundles.checked(bundle, False), [path])
                refused("%s byte %d ^ %d, signature required" % (path, at, bits), bundles.checked(bundle), [path, "bundle.json.minisig"])
            flip(bundle, path, at, bits)
        check(bundles.checked(bundle).returncode == 0, "put right again, a bundle is good")
        return len(part)

    workers = min(4, os.cpu_count() or 1)
    parts = [cases[i::workers] for i in range(workers)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(some, parts))


def test_files(bundles):
    objects = [path for path in bundles.files if path.endswith(".o")]
    listed = [path for path in bundles.files if path.startswith("programs/")]
    one, two = objects[0], objects[1]

    def swap(bundle):
        (bundle / one).rename(bundle / "held")
        (bundle / two).rename(bundle / one)
        (bundle / "held").rename(bundle / two)

    def link(bundle):
        (bundle / one).unlink()
        (bundle / one).symlink_to(bundles.good / one)

    def fifo(bundle):
        (bundle / one).unlink()
        os.mkfifo(bundle / one)

    def folder(bundle):
        (bundle / one).unlink()
        (bundle / one).mkdir()

    def linked_folder(bundle):
        (bundle / "programs").rename(bundle.parent / (bundle.name + "-programs"))
        (bundle / "programs").symlink_to(bundle.parent / (bundle.name + "-programs"))

    def huge(bundle):
        os.truncate(bundle / one, (64 << 20) + 1)

    both(bundles, "two objects swapped", swap, [one, two])
    both(bundles, "a symbolic link with the right content", link, [one])
    both(bundles, "a directory that is a link", linked_folder, ["programs"])
    both(bundles, "a FIFO", fifo, [one])
    both(bundles, "a directory in a file's place", folder, [one])
    both(bundles, "a file of 64 MiB and a byte", huge, [one])
    for path in listed + ["bundle.json"]:
        both(bundles, path + " is missing", lambda bundle: (bundle / path).unlink(), [path])
        both(bundles, path + " is empty", lambda bundle: (bundle / path).write_bytes(b""), [path])
        both(bundles, path + " is cut off", lambda bundle: os.truncate(bundle / path, (bundle / path).stat().st_size - 1), [path])
    for path in ("programs/more.o", "more", ".more", "programs/include/more.h", "folder/more"):
        def add(bundle):
            (bundle / path).parent.mkdir(exist_ok=True)
            (bundle / path).write_text("x")
        both(bundles, path + " was added", add, [path, path.split("/")[0]])

    bundle = bundles.copy()  # hard links are files
    (bundle / one).unlink()
    os.link(bundles.good / one, bundle / one)
    check(bundles.checked(bundle).returncode == 0, "a hard link is a file")
    for signature, code in ((False, 0), (True, 2)):
        (bundle / "bundle.json.minisig").unlink(missing_ok=True)
        check(bundles.checked(bundle, signature).returncode == code, "without a signature: exit %d" % code)


def hostile(manifest):
    """(name, changed manifest, what is said): by somebody who can hash."""
    def changed(change):
        copy = json.loads(json.dumps(manifest))
        change(copy)
        return copy

    def moved(path):
        def change(it):
            it["files"][path] = it["files"].pop(it["programs"][0]["object"])
            it["programs"][0]["object"] = path
        return change

    for path in ("../x.o", "/etc/passwd", "programs/../../x", "programs//x", "./x", "x/", "", "a" * 256, "a/" * 9 + "a", "C:\\x", "x\u0000y", "x\ny", "x\u001b[2J", "bundle.json", "bundle.json.minisig", "\u202e.o"):
        yield "path %r" % path[:20], changed(moved(path)), "bundle.json"
    yield "a path that is not listed", changed(lambda it: it["programs"][0].update(object="programs/elsewhere.o")), "bundle.json"
    yield "a checksum of another form", changed(lambda it: it["files"].update({"programs/x.o": "x"})), "bundle.json"
    yield "a file that is not there", changed(lambda it: it["files"].update({"programs/x.o": "0" * 64})), "programs/x.o"
    for name, value in (("below zero", -1), ("a fraction", 0.5), ("too large", 2**32), ("far too large", 2**64), ("a text", "7"), ("nothing", None), ("a list", [7])):
        yield "an identity that is " + name, changed(lambda it: it["endpoints"][0].update(identity=value)), "bundle.json"
        yield "words that are " + name, changed(lambda it: it["programs"][0]["words"].update(ingress=value)), "bundle.json"
    yield "65537 words", changed(lambda it: it["programs"][0]["words"].update(ingress=65537)), "bundle.json"
    yield "all identities there are, from outside", changed(lambda it: it["programs"][0].update(outside=[{"identities": [[0, 2**32 - 1]], "denied": [], "egressDenied": True}])), "bundle.json"
    yield "as many identities in small pieces", changed(lambda it: it["programs"][0].update(outside=[{"identities": [[0, 2**20]] * 64, "denied": [], "egressDenied": True}])), "bundle.json"
    yield "a text of 2 MiB", changed(lambda it: it["programs"][0]["ruleTexts"]["ingress"].append("x" * (2 << 20))), "bundle.json"
    yield "70,000 nodes", changed(lambda it: it.update(nodes=[{"name": "n", "identity": 6, "addresses": []}] * 70000)), "bundle.json"
    yield "a program twice", changed(lambda it: it["programs"].append(it["programs"][0])), "bundle.json"
    yield "an address twice", changed(lambda it: it["addresses"].append(it["addresses"][0])), "bundle.json"
    yield "an endpoint without program", changed(lambda it: it["endpoints"][0].update(program="0" * 64)), "bundle.json"
    selector = True
    for _ in range(80):
        selector = {"all": [selector]}
    yield "conditions in conditions", changed(lambda it: it.update(selectors=it["selectors"] + [selector])), "bundle.json"
    for field in sorted(manifest):
        if field in ("generator", "policyDigest", "liveDigest", "selectors", "xdp", "hosts", "policed"):
            continue
        yield "without " + field, changed(lambda it: it.pop(field)), "bundle.json"
        yield field + " is a number", changed(lambda it: it.update({field: 7})), "bundle.json"


def test_manifests(bundles):
    manifest = json.loads((bundles.good / "bundle.json").read_text())
    bundle = bundles.copy()
    for name, changed, said in hostile(manifest):
        (bundle / "bundle.json").write_text(sealed(changed) if "digest" in changed and changed["digest"] != 7 else json.dumps(changed))
        refused(name, bundles.checked(bundle, False), [said])
        refused(name + ", signature required", bundles.checked(bundle), ["bundle.json.minisig"])
    for name, text in (("brackets", "[" * 5000000), ("no JSON", "{"), ("nothing", ""), ("a zero byte", "\0"), ("no UTF-8", b"\xff"), ("1e999", '{"apiVersion": 1e999}'), ("a key twice", sealed(manifest).replace('"kind": "Bundle"', '"kind": "Bundle", "kind": "Bundle"', 1)), ("behind the end", sealed(manifest) + "{}")):
        (bundle / "bundle.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        refused("bundle.json: " + name, bundles.checked(bundle, False), ["bundle.json"])
    with open(bundle / "bundle.json", "wb") as out:
        out.truncate((256 << 20) + 1)
    refused("bundle.json of 256 MiB and a byte", bundles.checked(bundle, False), ["bundle.json"])
    # Who can hash makes a bundle that is good in itself: only the signature tells.
    manifest["endpoints"][0]["identity"] = manifest["endpoints"][-1]["identity"]
    (bundle / "bundle.json").write_text(sealed(manifest))
    check(bundles.checked(bundle, False).returncode == 0, "a bundle that was changed and hashed again is good in itself")
    done = bundles.checked(bundle)
    refused("changed and hashed again", done, ["bundle.json.minisig"])
    signed = run("minisign", "-S", "-s", str(bundles.other) + ".key", "-m", bundle / "bundle.json", "-x", bundle / "bundle.json.minisig")
    check(signed.returncode == 0, "minisign signs what whoever can hash has made: " + signed.stderr)
    refused("signed by another key", bundles.checked(bundle), ["bundle.json.minisig"])
    return bundle


def test_load(bundles, spoiled):
    """The same through `load`: refused before anything is made. And what is right is loaded there, so that this could fail."""
    if os.geteuid() != 0:
        return "load was left out: needs root"
    mark = "tamper%d" % os.getpid()
    root, state = "/sys/fs/bpf/" + mark, str(bundles.home / "state")
    inside = ["ip", "netns", "exec", mark]
    try:
        for command in (["ip", "netns", "add", mark], [*inside, "ip", "link", "add", "lxc0", "type", "veth", "peer", "name", "lxc1"]):
            made = run(*command)
            if made.returncode != 0:
                return "load was left out: " + made.stderr.strip()
        def load(bundle, *more):
            return run("nsenter", "--net=/run/netns/" + mark, BIN / "netpol-loader", "load", bundle, "--attach", "production/frontend=lxc0", "--root", root, "--state", state, "--trusted-keys", str(bundles.key) + ".pub", *more)
        broken = bundles.copy()
        flip(broken, next(path for path in bundles.files if path.endswith(".o")), 100, 1)
        extra = bundles.copy()
        (extra / "extra").write_text("x")
        unsigned = bundles.copy()
        (unsigned / "bundle.json.minisig").unlink()
        for name, bundle, more, says in (("hashed again", spoiled, [], "minisig"), ("a changed object", broken, [], ".o: "), ("a file more", extra, [], "extra"), ("not signed", unsigned, ["--require-signature"], "minisig")):
            refused("load: " + name, load(bundle, *more), [says])
            check(not os.path.exists(root) and not os.path.exists(state + "/state.json"), "load: %s: nothing is pinned or written" % name)
            filters = run(*inside, "tc", "filter", "show", "dev", "lxc0", "ingress").stdout
            check(filters == "", "load: %s: nothing is attached" % name)
        done = load(bundles.good, "--require-signature", "-o", "json")
        if done.returncode == 4:
            return "load of a good bundle was left out: " + done.stderr.strip()
        check(done.returncode == 0 and json.loads(done.stdout)["signer"]["comment"].startswith("netpolc bundle "), "load: what is right is loaded, and says who signed it: " + done.stdout + done.stderr)
        check(os.path.exists(root), "load: ... and pinned")
        return ""
    finally:
        run("nsenter", "--net=/run/netns/" + mark, BIN / "netpol-loader", "unload", "--root", root, "--state", state)
        run("ip", "netns", "del", mark)


def main():
    with tempfile.TemporaryDirectory(prefix="tamper-") as home:
        bundles = Bundles(home)
        done = bundles.checked(bundles.good)
        check(done.returncode == 0 and re.search(r"signed by key [0-9A-F]{16}: netpolc bundle [0-9a-f]{64}", done.stdout), "the good one is good: " + done.stdout + done.stderr)
        count = test_flips(bundles)
        test_files(bundles)
        left = test_load(bundles, test_manifests(bundles))
    if left:
        print(left)
        if os.environ.get("CI") == "true":
            failed.append(left)
    print("%d flipped bytes, files and manifests: %d failed" % (count, len(failed)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
