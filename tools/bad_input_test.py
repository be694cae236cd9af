#!/usr/bin/env python3
"""Gives netpolc input that nobody should write: every one must be refused with a place and a reason (exit
status 2), or be read, within bounds of time and memory; a crash is never right.

usage: bad_input_test.py BIN [--quick]     --quick: smaller inputs and looser bounds, for sanitizer builds
The last line is 'N passed, N failed'.
"""
import os, pathlib, random, resource, signal, subprocess, sys, tempfile, time

QUICK = "--quick" in sys.argv
SECONDS = 120 if QUICK else 20
MEMORY = None if QUICK else 3 << 30  # of address space; sanitizers map terabytes
MEGA = 1 << 20
SIZE = 4 * MEGA if QUICK else 100 * MEGA

POLICY = """apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: web
  namespace: shop
  labels: &labels {app: "web", "tier": 'front'}
spec:
  description: |
    Folded, "quoted" and {flow}.
  endpointSelector: {matchLabels: {<<: *labels, "k8s:x": "y"}}
  ingress:
  - fromEndpoints:
    - matchLabels: *labels
      matchExpressions: [{key: env, operator: In, values: [prod, "a b"]}]
    toPorts:
    - ports: [{port: "80", protocol: TCP}, {port: "8000", endPort: 8080}]
      rules: {http: [{path: "/a(b", method: GET}]}
  egress:
  - toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]
  - toFQDNs: [{matchPattern: "*.example.com"}]
  - icmps: [{fields: [{type: 8, family: IPv4}]}]
---
{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
 "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 80}]}]}}
"""
HEAD = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n"


class Cases:
    def __init__(self, binary, home):
        self.binary, self.path, self.passed, self.failed = binary, home / "input.yaml", 0, 0

    def run(self, files):
        def limits():
            if MEMORY:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        command = [self.binary, "lint"] + [w for f in files for w in ("-f", str(f))]
        try:
            return subprocess.run(command, capture_output=True, timeout=SECONDS, preexec_fn=limits, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return None

    def check(self, name, content, statuses=(2,), says=None):
        """`content` is bytes, or files already written."""
        if isinstance(content, bytes):
            self.path.write_bytes(content)
            files = [self.path]
        else:
            files = content
        begin = time.time()
        done = self.run(files)
        problem = None
        if done is None:
            problem = "no end after %d s" % SECONDS
        elif done.returncode < 0:
            problem = "killed by %s" % signal.Signals(-done.returncode).name
        elif done.returncode not in statuses:
            problem = "exit %d, not %s" % (done.returncode, " or ".join(map(str, statuses)))
        elif done.returncode == 2 and b"error[NP" not in done.stderr:
            problem = "refused without a diagnostic"
        elif says and says not in done.stderr:
            problem = "does not say %s" % says.decode()
        elif len(done.stderr) > 2 * MEGA:
            problem = "%d bytes of complaints" % len(done.stderr)
        if not problem:
            self.passed += 1
            return
        self.failed += 1
        shown = b"" if done is None else done.stderr[:600]
        print("FAIL %s (%.1f s): %s\n%s" % (name, time.time() - begin, problem, shown.decode("utf-8", "replace")))


def batches(texts, home, prefix):
    """Files of these texts, so that thousands of inputs take one process."""
    folder = home / prefix
    folder.mkdir()
    for n, text in enumerate(texts):
        (folder / ("%05d.yaml" % n)).write_bytes(text)
    return [folder]


def truncations(cases, home):
    data = POLICY.encode()
    cases.check("every prefix", batches([data[:n] for n in range(len(data))], home, "prefixes"))
    cases.check("every suffix", batches([data[n:] for n in range(1, len(data), 3 if QUICK else 1)], home, "suffixes"))
    gaps = [data[:n] + data[n + 1 + n % 7:] for n in range(0, len(data), 5 if QUICK else 1)]
    cases.check("every gap", batches(gaps, home, "gaps"))
    # One by one at line ends, where a prefix may be a whole policy: read, or refused with a reason.
    lines = POLICY.encode().splitlines(True)
    for n in range(0, len(lines), 3):
        cases.check("prefix of %d lines" % n, b"".join(lines[:n]), (0, 2))


def junk(cases, home):
    dice = random.Random(20261125)
    cases.check("binary junk", dice.randbytes(MEGA))
    small = [dice.randbytes(dice.randrange(1, 300)) for _ in range(300)]
    cases.check("small junk", batches(small, home, "junk"))
    marks = b"[]{},:-?&*!|>'\"%@`#\n\t <~=abc01."
    text = [bytes(dice.choice(marks) for _ in range(dice.randrange(1, 200))) for _ in range(2000)]
    cases.check("junk of YAML's own characters", batches(text, home, "marks"))
    bent = []
    for _ in range(1000):
        data = bytearray(POLICY.encode())
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.choice(marks)
        bent.append(bytes(data))
    cases.check("bent policies", batches(bent, home, "bent"))
    cases.check("an ELF file", pathlib.Path(sys.executable).resolve().read_bytes()[:MEGA])


def encodings(cases):
    good = HEAD + "  endpointSelector: {}\n  ingress: [{}]\n"
    cases.check("CRLF", good.replace("\n", "\r\n").encode(), (0,))
    cases.check("byte-order mark", b"\xef\xbb\xbf" + good.encode(), (0,))
    cases.check("byte-order mark alone", b"\xef\xbb\xbf", (0,))
    cases.check("empty", b"", (0,))
    cases.check("blank", b" \n\n# nothing\n---\n...\n", (0,))
    cases.check("UTF-16", good.encode("utf-16"))
    cases.check("NUL in a scalar", good.replace("web", "we\0b").encode(), says=b"input.yaml:3:")
    cases.check("NUL at the end", good.encode() + b"\0")
    cases.check("invalid UTF-8", good.encode().replace(b"web", b"w\xffb"), says=b"input.yaml:3:")
    cases.check("overlong UTF-8", good.encode().replace(b"web", b"w\xc0\xafb"))
    cases.check("surrogates in UTF-8", good.encode().replace(b"web", b"w\xed\xa0\x80b"))
    cases.check("cut UTF-8", good.encode() + b"# \xe2\x82")
    cases.check("tab indentation", good.replace("  ingress", "\tingress").encode(), says=b"input.yaml:6:")
    cases.check("escape characters", good.replace("web", "\x1b[31mweb").encode())
    cases.check("lone carriage returns", good.replace("\n", "\r").encode(), (0, 2))


def heavy(cases):
    cases.check("100 MB of nested lists", b"a: " + b"[" * SIZE, says=b"NP005")
    cases.check("100 MB of nested lists, as JSON", b"[" * SIZE, says=b"NP005")
    cases.check("100 MB of nested mappings", b'{"a":' * (SIZE // 5), says=b"NP005")
    cases.check("100 MB of nested block lists", b"- " * (SIZE // 2), says=b"NP005")
    deep = b"".join(b" " * n + b"a:\n" for n in range(3000))
    cases.check("deep indentation", deep, says=b"NP005")
    cases.check("many closers", b"]" * (SIZE // 10))
    cases.check("100 MB of empty lists", b"[" + b"[]," * (SIZE // 3) + b"[]]", says=b"NP0")
    cases.check("a large file", b"# " + b"x" * (4 * MEGA if QUICK else 300 * MEGA), (0,) if QUICK else (2,), None if QUICK else b"NP007")
    big = b"x" * MEGA
    for name, spot in (("name", b"name: web"), ("port", b'port: "80"'), ("path", b"path: /a"), ("key", b"endpointSelector")):
        data = (HEAD + '  endpointSelector: {}\n  egress: [{toPorts: [{ports: [{port: "80"}], rules: {http: [{path: /a}]}}]}]\n').encode()
        if name == "key":
            data = data.replace(spot, big, 1)
        else:
            data = data.replace(spot, spot.split(b":")[0] + b": " + big, 1)
        cases.check("1 MB as a " + name, data, (0, 2))
    cases.check("1 MB regular expression", (HEAD + "  endpointSelector: {}\n  egress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: '").encode()
                + b"(a|" * (MEGA // 4) + b"b" + b")" * (MEGA // 4) + b"'}]}}]}]\n", (0, 2))
    cases.check("repetitions of repetitions", (HEAD + "  endpointSelector: {}\n  egress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: '(((a{100}){100}){100}){100}'}]}}]}]\n").encode())
    cases.check("a million wrong entries", (HEAD + "  endpointSelector: {}\n  ingress:\n").encode() + b"  - fromEntities: [x]\n" * (SIZE // 100), says=b"NP122")
    cases.check("a million documents", b"--- x\n" * (SIZE // 200), says=b"NP050")
    cases.check("a million duplicate keys", b"a: 1\n" * (SIZE // 200), says=b"NP003")
    cases.check("many keys", b"".join(b"k%d: 1\n" % n for n in range(SIZE // 500)))
    cases.check("long line of a wrong value", (HEAD + "  endpointSelector: {}\n  ingress: [{fromCIDR: [").encode() + b"1," * (MEGA // 2) + b"1]}]\n")


def aliases(cases):
    bomb = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 30))
    cases.check("alias bomb", bomb, says=b"NP004")
    merge = b"m0: &m0 {a: 1, b: 2}\n" + b"".join(b"m%d: &m%d {<<: [*m%d, *m%d], k%d: *m%d}\n" % (n, n, n - 1, n - 1, n, n - 1) for n in range(1, 60))
    cases.check("merge bomb", merge, says=b"NP004")
    cases.check("an alias of what contains it", b"a: &a [*a]\n", says=b"NP002")
    cases.check("an unknown alias", b"a: *b\n", says=b"NP002")
    long_text = b"a: &a '" + b"x" * MEGA + b"'\nb: [" + b"*a," * 10000 + b"*a]\n"
    cases.check("aliases of a long text", long_text, says=b"NP004")
    cases.check("many anchors", b"".join(b"k%d: &a%d {}\n" % (n, n) for n in range(SIZE // 1000)))


def main():
    words = [w for w in sys.argv[1:] if not w.startswith("--")]
    binary = str(pathlib.Path(words[0]).resolve())
    with tempfile.TemporaryDirectory(prefix="bad-input-") as name:
        home = pathlib.Path(name)
        cases = Cases(binary, home)
        truncations(cases, home)
        junk(cases, home)
        encodings(cases)
        aliases(cases)
        heavy(cases)
        cases.check("a folder that is a loop", loop(home), (0, 2))
    print("%d passed, %d failed" % (cases.passed, cases.failed))
    return 1 if cases.failed or not cases.passed else 0


def loop(home):
    folder = home / "loop"
    folder.mkdir()
    (folder / "again").symlink_to(folder)
    (folder / "dangling.yaml").symlink_to(folder / "nothing")
    return [folder]


if __name__ == "__main__":
    sys.exit(main())
