"""netpol-cni, driven by hand as a container runtime does: first against a feed that answers as the test wants, then against
the daemon, in the kernel, with traffic.

usage: cni_test.py BINARY_DIRECTORY      77 where the kernel can't be used (1 with CI=true). Runs itself in private network,
mount and process namespaces, so that nothing is left behind, however it ends.
"""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

from kernel_world import PINS, Failed, World, check, run_alone
import topology

PREVIOUS = {"cniVersion": "1.0.0", "routes": [{"dst": "0.0.0.0/0"}], "dns": {"nameservers": ["10.96.0.10"]}}


def previous(pod, **more):
    return {"interfaces": [{"name": "cni0"}, {"name": pod.ifname}, {"name": "eth0", "sandbox": "/run/netns/" + pod.netns}],
            "ips": [{"address": pod.ipv4 + "/32", "interface": 2}, {"address": pod.ipv6 + "/128", "interface": 2}], **PREVIOUS, **more}


class Runtime:
    """What starts the plugin: on a node, for a pod."""

    def __init__(self, binaries, path):
        self.plugin, self.path = str(binaries / "netpol-cni"), path

    def call(self, command, pod, result=None, version="1.0.0", name=None, **config):
        env = {"CNI_COMMAND": command, "CNI_CONTAINERID": "c-" + pod.name, "CNI_NETNS": "/run/netns/" + pod.netns, "CNI_IFNAME": "eth0", "CNI_PATH": "/opt/cni/bin",
               "CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAMESPACE=t;K8S_POD_NAME=" + (name or pod.name)}
        text = {"cniVersion": version, "name": "net", "type": "netpol-cni", "socket": self.path, "timeoutMs": 3000, **config}
        if result is not None:
            text["prevResult"] = result
        return subprocess.run(topology.inside("node-1", self.plugin), env=env, input=json.dumps(text), capture_output=True, text=True, timeout=30)

    def does(self, *words, **more):
        done = self.call(*words, **more)
        check(done.returncode == 0, "%s ended with %d: %s%s" % (words[0], done.returncode, done.stdout, done.stderr))
        return done

    def refuses(self, code, *words, **more):
        done = self.call(*words, **more)
        check(done.returncode == 1 and json.loads(done.stdout)["code"] == code, "%s: expected error %d, not %d: %s%s" % (words[0], code, done.returncode, done.stdout, done.stderr))
        return json.loads(done.stdout)


class FakeFeed:
    """Answers each connection's first line with what `answer` says: an object, bytes, or nothing (and then closes)."""

    def __init__(self, path):
        self.heard, self.answer = [], {"ok": True, "state": "enforced"}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(path)
        self.socket.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                self.heard.append(json.loads(connection.makefile("rb").readline()))
                answer = self.answer
                if callable(answer):
                    answer = answer()
                try:
                    if isinstance(answer, dict):
                        answer = (json.dumps(answer) + "\n").encode()
                    connection.sendall(answer)
                except OSError:
                    pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def against_a_fake_feed(world, runtime):
    pod = world.pods["client"]
    result = previous(pod)
    error = runtime.refuses(11, "ADD", pod, result)
    check("does not answer" in error["msg"] and runtime.path in error["details"] and error["cniVersion"] == "1.0.0", error)
    feed = FakeFeed(runtime.path)
    done = runtime.does("ADD", pod, result)
    check(json.loads(done.stdout) == result, "the result before is printed unchanged: " + done.stdout)
    check(feed.heard.pop() == {"id": "c-client", "op": "endpoint-add", "endpoint": "t/client", "ifname": pod.ifname, "ipv4": pod.ipv4, "ipv6": pod.ipv6}, "what the daemon hears")
    for version in ("0.3.1", "0.4.0", "1.1.0"):
        runtime.does("ADD", pod, result, version=version)
    feed.heard.clear()
    runtime.does("CHECK", pod, result)
    check(feed.heard.pop()["op"] == "endpoint-check", "CHECK asks")
    runtime.does("DEL", pod, result)
    check(feed.heard.pop() == {"id": "c-client", "op": "endpoint-remove", "endpoint": "t/client", "ifname": pod.ifname}, "DEL tells which interface")
    runtime.does("DEL", pod)
    check(not feed.heard, "a DEL that does not know the interface removes nobody")
    runtime.does("STATUS", pod, version="1.1.0")
    # the interface is what the kernel says, whatever else is listed
    other = world.pods["server"]
    runtime.refuses(7, "ADD", pod, {**result, "interfaces": [{"name": other.ifname}, {"name": "eth0", "sandbox": "/run/netns/" + pod.netns}]})
    runtime.refuses(7, "ADD", pod, {**result, "interfaces": [{"name": pod.ifname}]})
    runtime.refuses(7, "ADD", pod)
    topology.ip(pod.netns, "link", "add", "alone", "type", "veth", "peer", "name", "alone-peer")  # its other end is in the pod, too
    lone = {**result, "interfaces": [{"name": "alone", "sandbox": "/run/netns/" + pod.netns}]}
    env = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "c", "CNI_NETNS": "/run/netns/" + pod.netns, "CNI_IFNAME": "alone", "CNI_ARGS": "K8S_POD_NAMESPACE=t;K8S_POD_NAME=client"}
    done = subprocess.run(topology.inside("node-1", runtime.plugin), env=env, capture_output=True, text=True,
                          input=json.dumps({"cniVersion": "1.0.0", "type": "netpol-cni", "socket": runtime.path, "prevResult": lone}))
    check(done.returncode == 1 and "has no other end" in done.stdout, "an interface without a pair: " + done.stdout)
    feed.heard.clear()
    # answers
    for answer, code in (({"ok": False, "code": "BUSY", "error": "later"}, 11), ({"ok": False, "code": "INTERNAL", "error": "disk"}, 11), ({"ok": False, "code": "REFUSED", "error": "no"}, 100),
                         ({"ok": "yes"}, 11), ([1], 11), (b"garbage\n", 11), (b"x" * 70000, 11), (b"", 11), (b"{\"ok\":true}", 11)):
        feed.answer = answer if isinstance(answer, (dict, bytes)) else (json.dumps(answer) + "\n").encode()
        runtime.refuses(code, "ADD", pod, result)
        runtime.does("DEL", pod, result)
    feed.answer = {"ok": False, "code": "NOT_FOUND", "error": "nobody"}
    check(runtime.refuses(101, "CHECK", pod, result)["details"] == "nobody", "CHECK says why")
    feed.answer = {"ok": True, "state": "blocked", "reason": "not in the bundle"}
    check("is blocked: not in the bundle" in runtime.does("ADD", pod, result).stderr, "what becomes of the pod is said")
    # a daemon that hangs
    feed.answer = lambda: time.sleep(2) or b""
    begun = time.monotonic()
    runtime.refuses(11, "ADD", pod, result, timeoutMs=300)
    runtime.does("ADD", pod, result, timeoutMs=300, onMissingDaemon="allow")
    runtime.does("DEL", pod, result, timeoutMs=300)
    check(time.monotonic() - begun < 5, "nobody waits for ever")
    feed.close()
    os.unlink(runtime.path)


def against_the_daemon(world, runtime):
    watch, log = world.home / "watch", world.home / "log"
    watch.mkdir()
    (watch / "current").symlink_to(world.bundle)
    daemon = subprocess.Popen(topology.inside("node-1", world.loader, "run", "--watch", str(watch), "--feed", "unix:" + runtime.path, "--node", "node-1",
                                              "--root", PINS, "--state", str(world.home / "state")), stderr=open(log, "wb"))
    try:
        drive(world, runtime, daemon)
    except Failed as failed:
        raise Failed("%s\n%s" % (failed, log.read_text()[-3000:]))
    finally:
        if daemon.poll() is None:
            daemon.terminate()
            daemon.wait(10)


def until(condition, text, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, text)
        time.sleep(0.05)


def drive(world, runtime, daemon):
    until(lambda: os.path.exists(runtime.path), "the daemon listens")
    pods = world.pods
    server, client = previous(pods["server"]), previous(pods["client"])
    check(world.reaches("client", 80), "before the pods are known nothing is enforced")
    until(lambda: runtime.call("ADD", pods["server"], server).returncode == 0 and "is open" not in runtime.call("ADD", pods["server"], server).stderr, "the bundle is in force")
    runtime.does("ADD", pods["client"], client)
    check(world.reaches("client", 8080) and not world.reaches("client", 80), "what policy says holds after ADD")
    check(world.reaches("client", 8080, family=6) and not world.reaches("client", 80, family=6), "over IPv6, too")
    runtime.does("ADD", pods["client"], client)  # again is the same
    runtime.does("CHECK", pods["client"], client)
    runtime.does("STATUS", pods["client"], version="1.1.0")
    runtime.does("DEL", pods["client"], client)
    runtime.does("DEL", pods["client"], client)
    runtime.refuses(101, "CHECK", pods["client"], client)
    runtime.does("CHECK", pods["server"], server)
    # unknown to the bundle, in a namespace that policies speak of: blocked, and the pod starts
    said = runtime.does("ADD", pods["stranger"], previous(pods["stranger"]), name="nobody-knows-it")
    check("is blocked" in said.stderr, "what becomes of an unknown pod is said: " + said.stderr)
    check(not world.reaches("stranger", 8080), "nothing passes for it")
    runtime.does("DEL", pods["stranger"], previous(pods["stranger"]), name="nobody-knows-it")
    check(not world.reaches("client", 80), "the server's policy is in force all the while")
    daemon.terminate()
    daemon.wait(10)
    runtime.refuses(11, "ADD", pods["client"], client)
    runtime.does("DEL", pods["server"], server)
    check(not world.reaches("client", 80), "enforcement does not need the daemon")


def main(binaries):
    with tempfile.TemporaryDirectory(prefix="netpolc-cni-") as home:
        world = World(binaries, pathlib.Path(home))
        world.bundle = world.a
        runtime = Runtime(binaries, home + "/feed.sock")
        for test in (against_a_fake_feed, against_the_daemon):
            if os.environ.get("ONLY", "") not in test.__name__:
                continue
            begun = time.monotonic()
            try:
                test(world, runtime)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, ValueError) as error:
                print("FAIL  %s: %s" % (test.__name__.replace("_", " "), error))
                return 1
            print("ok    %s  %.1f s" % (test.__name__.replace("_", " "), time.monotonic() - begun), flush=True)
    print("cni: all as expected")
    return 0


if __name__ == "__main__":
    run_alone(main, __file__)
