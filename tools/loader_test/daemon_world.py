"""A daemon under test, what it watches, and what it says. One network namespace, interfaces without pods."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from kernel_world import CLUSTER, POD, check, run

PINS = "/sys/fs/bpf/daemon-test"
PODS = ["p%d" % n for n in range(16)]
POLICY = """---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: %(name)s, namespace: t}
spec:
  endpointSelector: {matchLabels: {app: %(name)s}}
  ingress:
  - toPorts: [{ports: [{port: "%(port)d", protocol: TCP}]}]
"""


class Service:
    """The socket of a service manager: a name that is no file."""

    def __init__(self):
        self.name = "@netpolc-daemon-test-%d" % os.getpid()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:])
        self.heard = []

    def forget(self):
        self.heard.clear()
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(4096)
        except BlockingIOError:
            pass

    def until(self, text, seconds=10):
        end = time.monotonic() + seconds
        while True:
            for line in self.heard:
                if text in line:
                    self.heard.clear()
                    return line
            left = end - time.monotonic()
            check(left > 0, "the service manager was not told `%s`" % text)
            self.socket.settimeout(left)
            try:
                self.heard += self.socket.recv(4096).decode().splitlines()
            except socket.timeout:
                pass


class Feed:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")

    def send(self, *requests):
        self.socket.sendall("".join(json.dumps(r) + "\n" for r in requests).encode())

    def hear(self):
        return json.loads(self.lines.readline())

    def ask(self, op, **fields):
        self.send({"op": op, **fields})
        return self.hear()

    def close(self):
        self.lines.close()
        self.socket.close()


class DaemonWorld:
    def __init__(self, binaries, home):
        self.netpolc, self.loader, self.home = str(binaries / "netpolc"), str(binaries / "netpol-loader"), home
        self.watch, self.state, self.log = home / "watch", home / "state", home / "log"
        self.feed_path = str(home / "feed.sock")
        self.service, self.daemon, self.feeds = Service(), None, []
        self.bundles = home / "bundles"
        self.bundles.mkdir()
        pods = "".join(POD % {"name": p, "ipv4": "10.244.1.%d" % (n + 10), "ipv6": "fd00:244:1::%x" % (n + 10)} for n, p in enumerate(PODS))
        for name, port in (("a", 80), ("b", 81), ("c", 82)):
            self.compile(name, CLUSTER + pods + "".join(POLICY % {"name": p, "port": port} for p in PODS[:3]))

    def compile(self, name, text):
        source = self.home / ("policies-" + name)
        source.mkdir()
        (source / "all.yaml").write_text(text)
        run(self.netpolc, "compile", "-f", str(source), "-o", str(self.bundles / name))

    def digest(self, name):
        return json.loads((self.bundles / name / "bundle.json").read_text())["digest"]

    # ---- the daemon

    def start(self, *words, ready=True):
        self.log.touch()
        self.service.forget()  # also what a daemon said that is gone
        self.daemon = subprocess.Popen(
            [self.loader, "run", "--watch", str(self.watch), "--feed", "unix:" + self.feed_path, "--node", "node-1", "--log", "json",
             "--root", PINS, "--state", str(self.state), *words],
            stderr=open(self.log, "ab"), env={**os.environ, "NOTIFY_SOCKET": self.service.name, "WATCHDOG_USEC": "2000000"})
        if ready:
            self.service.until("READY=1")

    def stop(self, how=signal.SIGTERM):
        self.close_feeds()
        self.daemon.send_signal(how)
        code = self.daemon.wait(10)
        check(how == signal.SIGKILL or code == 0, "the daemon ended with %d: %s" % (code, self.said()[-3:]))
        self.daemon = None

    def feed(self):
        self.feeds.append(Feed(self.feed_path))
        return self.feeds[-1]

    def close_feeds(self):
        for feed in self.feeds:
            feed.close()
        self.feeds.clear()

    def said(self, event=""):
        lines = [json.loads(line) for line in self.log.read_text().rpartition("\n")[0].splitlines()]
        return [line for line in lines if not event or line["event"] == event]

    def figures(self):
        return json.loads((self.state / "daemon.json").read_text())

    def call(self, *words):
        return subprocess.run([self.loader, *words, "--root", PINS, "--state", str(self.state)], capture_output=True, text=True)

    def reset(self):
        """Nothing is loaded, watched or there."""
        if self.daemon and self.daemon.poll() is None:
            self.close_feeds()
            self.daemon.kill()
            self.daemon.wait()
        self.daemon = None
        self.call("unload")
        for path in (self.watch, self.state):
            shutil.rmtree(path, ignore_errors=True)
        self.watch.mkdir()
        self.log.unlink(missing_ok=True)
        for name in self.links():
            self.delete_link(name)

    # ---- what it watches

    def show(self, name):
        """As one does it: a copy beside, then a link that is exchanged in one step."""
        target = self.watch / ("bundle-" + name)
        if not target.exists():
            shutil.copytree(self.bundles / name, target)
        (self.watch / "next").symlink_to(target.name)
        os.rename(self.watch / "next", self.watch / "current")

    def write_list(self, lines):
        (self.watch / "list.new").write_text("".join(json.dumps(line) + "\n" for line in lines))
        os.rename(self.watch / "list.new", self.watch / "endpoints.jsonl")

    def links(self):
        found = re.findall(r"^\d+: (t\d+)[@:]", run("ip", "-o", "link").stdout, re.M)
        return found

    def make_link(self, name):
        run("ip", "link", "add", name, "type", "veth", "peer", "name", name + "-peer")
        return self.index(name)

    def index(self, name):
        return socket.if_nametoindex(name)

    def delete_link(self, name):
        run("ip", "link", "del", name)

    # ---- what is in force

    def attachments(self):
        """By interface, as the state has them, of interfaces that are there."""
        try:
            state = json.loads((self.state / "state.json").read_text())
        except FileNotFoundError:
            return {}
        return {a["ifname"]: a for a in state["current"]["attachments"]}

    def in_force(self):
        """What the kernel has at each interface: (endpoint, index)."""
        done = self.call("status", "-o", "json")
        status = json.loads(done.stdout)
        if not status.get("installed"):
            return {}
        inode = os.stat("/proc/self/ns/net").st_ino
        out = {}
        for a in status["attachments"]:
            pins = ["%s/links/%d_%d_%s" % (PINS, inode, a["ifindex"], side) for side in ("from", "to")]
            if all(map(os.path.exists, pins)):
                out[a["ifname"]] = (a["endpoint"], a["ifindex"])
        left = set(os.listdir(PINS + "/links")) - {os.path.basename(p) for a in status["attachments"] for p in ("%d_%d_from" % (inode, a["ifindex"]), "%d_%d_to" % (inode, a["ifindex"]))}
        check(not left, "links of nobody: %s" % left)
        return out

    def bundle(self):
        status = json.loads(self.call("status", "-o", "json").stdout)
        return status["bundle"]["digest"] if status.get("installed") else ""

    def until(self, condition, text, seconds=10):
        end = time.monotonic() + seconds
        while not condition():
            check(time.monotonic() < end, text() if callable(text) else text)
            check(self.daemon.poll() is None, "the daemon is gone: %s" % self.log.read_text()[-2000:])
            time.sleep(0.002)

    def until_attached(self, expected, seconds=10):
        """`expected`: endpoint by interface."""
        def now():
            return {n: a["endpoint"] for n, a in self.attachments().items()}
        self.until(lambda: now() == expected, lambda: "attached: %s, expected %s; said: %s" % (now(), expected, self.said()[-5:]), seconds)
