#!/usr/bin/env python3
"""`netpolc lint --watch` beside `netpolc lint`: after every change of the files both must print the same, byte for byte.

usage: lint_watch_test.py NETPOLC [STEPS [SEED]]
"""
import json, os, pathlib, queue, random, shutil, signal, subprocess, sys, tempfile, threading, time

NETPOLC = os.path.abspath(sys.argv[1])
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 50
RANDOM = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
ENVIRONMENT = dict(os.environ, NO_COLOR="1")
INPUTS = ["set", "one.yaml", "set/linked.yaml"]  # the last twice: by its directory, too
APPS = ("cart", "checkout", "catr", "prices")

POLICY = """\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: %(name)s, namespace: %(ns)s}
spec:
  endpointSelector: {matchLabels: {app: %(app)s}}
"""
BODIES = (
    "  egressDeny:\n  - toCIDR: [169.254.169.254/32]\n",
    "  ingress:\n  - {}\n  - fromEndpoints: [{matchLabels: {app: chekout}}]\n",
    "  egress:\n  - toFQDNs: [{matchName: api.example.com}]\n    toPorts: [{ports: [{port: '443'}]}]\n",
    "  ingress:\n  # netpolc:ignore NP011 on purpose\n  - {}\n  - fromEntities: [cluster]\n",
    "  ingress:\n  - toPorts: [{ports: [{port: 80}]}]\n",
    "  ingress:\n  - fromEntities: [clutser]\n",
    "  ingress:\n  - fromEndpoints: [{}]\n    toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: get, host: a.b}]}}]\n",
)
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %(name)s, namespace: %(ns)s, labels: {app: %(app)s}}\nspec: {containers: []}\n"
OTHER = ("a: [\n", "", "# nothing\n", "key: value\n", "kind: List\napiVersion: v1\nitems: [1]\n", "kind: Pod\nkind: Pod\n", "\tx: 1\n", "kind: CiliumNetworkPolicyList\napiVersion: cilium.io/v2\nitems:\n"
         "- metadata: {name: listed, namespace: shop}\n  spec: {endpointSelector: {}, ingress: [{}]}\n")


def words():
    return {"name": RANDOM.choice("abcdefgh"), "ns": RANDOM.choice(("shop", "ops")), "app": RANDOM.choice(APPS)}


def document():
    if RANDOM.random() < 0.15:
        return RANDOM.choice(OTHER)
    return POD % words() if RANDOM.random() < 0.4 else POLICY % words() + RANDOM.choice(BODIES)


def text():
    out = "---\n".join(document() for _ in range(RANDOM.choice((1, 1, 1, 2, 3))))
    return out.replace("\n", "\r\n") if RANDOM.random() < 0.1 else out


class Tree:
    """The files that are looked at, and what may happen to them."""

    def __init__(self, home):
        self.home, self.set = home, home / "set"
        self.set.mkdir()
        (home / "elsewhere").mkdir()
        (home / "elsewhere/target.yaml").write_text(text())
        (self.set / "linked.yaml").symlink_to("../elsewhere/target.yaml")
        (home / "one.yaml").write_text(POD % {"name": "one", "ns": "shop", "app": "cart"})
        for i in range(6):
            (self.set / ("p%d.yaml" % i)).write_text(text())

    def files(self):
        return sorted(p for p in self.set.rglob("*.yaml") if not p.is_symlink()) + [p for p in [self.home / "one.yaml"] if p.exists()]

    def directories(self):
        return sorted(p for p in self.set.rglob("*") if p.is_dir())

    def some(self):
        return RANDOM.choice(self.files() or [self.set / "p0.yaml"])

    def new(self):
        return RANDOM.choice([self.set, *self.directories()]) / ("n%d.%s" % (RANDOM.randrange(30), RANDOM.choice(("yaml", "yml", "json"))))

    def write(self):
        self.some().write_text(text())

    def replace(self):
        """As editors save: another file takes the name."""
        path = self.some()
        fresh = path.with_name(".%s.swp" % path.name)
        fresh.write_text(text())
        fresh.replace(path)

    def append(self):
        with self.some().open("a") as out:
            out.write("---\n" + document())

    def add(self):
        self.new().write_text(text())

    def touch(self):
        self.some().touch()

    def remove(self):
        self.some().unlink(missing_ok=True)

    def rename(self):
        path = self.some()
        if path.exists():
            path.rename(self.new())

    def nest(self):
        path = RANDOM.choice([self.set, *self.directories()]) / ("d%d" % RANDOM.randrange(5)) / "deep"
        path.mkdir(parents=True, exist_ok=True)
        (path / "in.yaml").write_text(text())

    def move_directory(self):
        for path in self.directories()[:1]:
            to = self.set / ("m%d" % RANDOM.randrange(5))
            if not to.exists():
                path.rename(to)

    def remove_directory(self):
        for path in self.directories()[:1]:
            shutil.rmtree(path)

    def target(self):
        (self.home / "elsewhere/target.yaml").write_text(text())

    def link(self):
        """Another file behind the same link."""
        name = "other%d.yaml" % RANDOM.randrange(2)
        (self.home / "elsewhere" / name).write_text(text())
        fresh = self.set / "fresh-link"
        fresh.symlink_to("../elsewhere/" + name)
        fresh.replace(self.set / "linked.yaml")

    def whole(self):
        """The named directory goes, and another takes its name."""
        self.set.rename(self.home / "old")
        time.sleep(RANDOM.choice((0, 0.1)))
        shutil.copytree(self.home / "old", self.set, symlinks=True)
        shutil.rmtree(self.home / "old")

    def named(self):
        (self.home / "one.yaml").unlink(missing_ok=True)
        time.sleep(RANDOM.choice((0, 0.1)))
        (self.home / "one.yaml").write_text(POD % {"name": "one", "ns": "shop", "app": "prices"})

    def burst(self):
        for _ in range(5):
            RANDOM.choice((self.write, self.replace, self.add, self.remove, self.rename))()

    def change(self):
        RANDOM.choice((self.write, self.write, self.replace, self.replace, self.append, self.add, self.add, self.touch, self.remove, self.rename, self.nest,
                       self.move_directory, self.remove_directory, self.target, self.link, self.whole, self.named, self.burst))()


class Watch:
    """A running `lint --watch`, and what it printed, check by check."""

    def __init__(self, home, *options):
        self.child = subprocess.Popen([NETPOLC, "lint", "--watch", *options, *INPUTS], cwd=home, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.checks, self.last = queue.Queue(), None
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        printed = ""
        for line in self.child.stdout:
            if line.startswith("== exit "):
                self.checks.put((printed, int(line.split()[2])))
                printed = ""
            elif line.startswith('{"checked":'):
                self.checks.put((printed, json.loads(line)["checked"]["exit"]))
                printed = ""
            else:
                printed += line

    def until(self, wanted, what):
        """Checks until one is as wanted; none need come where the last one was, as not all that happens is about the input."""
        end = time.monotonic() + (0.2 if self.last == wanted else 15)
        while True:
            try:
                self.last = self.checks.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                if self.last == wanted:
                    return
                sys.exit("%s: the last check printed\n%s\nand a new run\n%s" % (what, self.last, wanted))
            if self.last == wanted:
                return


def lint(home, *options):
    done = subprocess.run([NETPOLC, "lint", *options, *INPUTS], cwd=home, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout, done.returncode


def settled(watch):
    """No check follows for a while, so that the next one is about what comes next."""
    while True:
        try:
            watch.last = watch.checks.get(timeout=0.03)
        except queue.Empty:
            return


def random_changes():
    with tempfile.TemporaryDirectory(prefix="watch-") as name:
        home = pathlib.Path(name)
        tree = Tree(home)
        watches = [(options, Watch(home, *options)) for options in (("--keep-going",), ("-o", "jsonl"))]
        for options, watch in watches:
            watch.until(lint(home, *options), "at first")
        for step in range(STEPS):
            before = sorted((str(p), p.lstat().st_mtime_ns, p.lstat().st_ino) for p in home.rglob("*"))
            tree.change()
            if before == sorted((str(p), p.lstat().st_mtime_ns, p.lstat().st_ino) for p in home.rglob("*")):
                continue
            for options, watch in watches:
                watch.until(lint(home, *options), "step %d with %s" % (step, " ".join(options)))
                settled(watch)
        for (_, watch), number in zip(watches, (signal.SIGINT, signal.SIGTERM)):
            watch.child.send_signal(number)
            assert watch.child.wait(timeout=10) == 130, watch.child.returncode


def side_files():
    """A baseline and resolutions are looked at as well; what lies beside is not."""
    with tempfile.TemporaryDirectory(prefix="watch-") as name:
        home = pathlib.Path(name)
        Tree(home)
        (home / "known.txt").write_text("")
        (home / "names.json").write_text("{}")
        options = ("--keep-going", "--baseline", "known.txt", "--resolutions", "names.json")
        watch = Watch(home, *options)
        watch.until(lint(home, *options), "at first")
        (home / "set/notes.txt").write_text("nothing")
        (home / "beside.yaml").write_text("a: [")
        time.sleep(0.1)
        assert watch.checks.empty(), "a file that is no input made a check"
        (home / "known.txt").write_text("0123456789abcdef NP033 x\n")
        watch.until(lint(home, *options), "another baseline")
        (home / "names.json").write_text("[")
        watch.until(lint(home, *options), "resolutions that are none")
        (home / "names.json").unlink()
        watch.until(lint(home, *options), "no resolutions")
        watch.child.kill()


def ends():
    """What cannot be watched, and who reads no more."""
    with tempfile.TemporaryDirectory(prefix="watch-") as name:
        home = pathlib.Path(name)
        Tree(home)
        os.mkfifo(home / "pipe.yaml")
        for arguments, said in ((["-"], "stdin is none"), (["pipe.yaml"], "neither a file nor a directory"), (["-o", "sarif", "set"], "text or jsonl"), (["-k", "set"], "kubectl"), (["set", "gone.yaml"], "gone.yaml: there is no such file"), ([], "nothing to read"),
                                (["--fix", "set"], "excludes"), (["--write-baseline", "x", "set"], "excludes")):
            done = subprocess.run([NETPOLC, "lint", "--watch", *arguments], cwd=home, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
            assert done.returncode == 2 and said in done.stderr, (arguments, done)
        child = subprocess.Popen([NETPOLC, "lint", "--watch", "set"], cwd=home, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.stdout.read(1)
        child.stdout.close()
        child.wait(timeout=10)


def schema():
    """Each line of a check is one that the schema knows."""
    import jsonschema
    validator = jsonschema.Draft202012Validator(json.loads(subprocess.run([NETPOLC, "schema", "LintLine"], capture_output=True, text=True).stdout))
    with tempfile.TemporaryDirectory(prefix="watch-") as name:
        home = pathlib.Path(name)
        Tree(home)
        child = subprocess.Popen([NETPOLC, "lint", "--watch", "-o", "jsonl", *INPUTS], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in child.stdout:
            validator.validate(json.loads(line))
            if "checked" in line:
                break
        child.kill()


random_changes()
side_files()
ends()
schema()
print("lint --watch prints what lint prints")
