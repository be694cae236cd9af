#!/usr/bin/env python3
"""The daemon lives through whatever happens on a node, under traffic, and nothing leaks, is cut, or grows.

usage: soak.py BINARY_DIRECTORY [--seconds N] [--seed N] [--verbose]

Random events: bundles exchanged, roll backs, pods that come and go by the list and by the feed and get new interfaces,
addresses told and taken back, floods, loads by hand at the same time, a daemon that is killed or asked to end and started
again. After some of them everything must be as it is wanted within seconds.
"""
import argparse
import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from arena import LAST, NEITHER, ONLY, Arena, Failed, Traffic, check, home, in_netns, run_alone, wait_until, words_of

EXTRA = 6
PATIENCE = 10  # seconds, on a machine that has other work
ALWAYS = ("server", "client", "stranger")


class Daemon:
    def __init__(self, arena):
        self.arena, self.folder, self.path = arena, arena.home / "watched", str(arena.home / "feed")
        self.folder.mkdir()
        self.log = open(arena.home / "daemon.log", "w")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.arena.command("run", "--watch", str(self.folder), "--feed", "unix:" + self.path, "--node", "node-1"), stdout=self.log, stderr=self.log)

    def end(self, how):
        self.process.send_signal(how)
        check(wait_until(lambda: self.process.poll() is not None, PATIENCE, 0.01), "the daemon doesn't end")
        return self.process.returncode

    def replace(self, name, fill):
        """What a name in the directory is, in one step."""
        fill(self.folder / ".new")
        (self.folder / ".new").rename(self.folder / name)

    def ask(self, **request):
        """A line of the feed, and its answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            check(wait_until(lambda: s.connect_ex(self.path) == 0, PATIENCE, 0.02), "nobody listens at the feed")
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def memory(self):
        """MiB that it has now."""
        return next(int(line.split()[1]) / 1024 for line in open("/proc/%d/status" % self.process.pid) if line.startswith("VmRSS"))

    def said(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()[-1500:]


class Soak:
    def __init__(self, arena, draw, verbose):
        self.arena, self.draw, self.verbose = arena, draw, verbose
        self.daemon = Daemon(arena)
        self.wanted, self.aside = "a", None
        self.listed, self.fed, self.told = set(), set(), set()
        self.done, self.amounts, self.why = collections.Counter(), {}, None
        self.events = {"bundle": 6, "rollback": 3, "by_list": 8, "by_feed": 8, "new_interface": 3, "address": 6, "flood": 4,
                       "by_hand": 3, "killed": 3, "ended": 1}

    def begin(self):
        self.write_list()
        self.point("a")
        self.daemon.start()
        self.settle()

    # ---- what is wanted ---------------------------------------------------------------------------

    def write_list(self):
        text = "".join(json.dumps({"endpoint": "t/" + name, "ifname": "lxc-" + name}) + "\n" for name in (*ALWAYS, *sorted(self.listed)))
        self.daemon.replace("endpoints.jsonl", lambda path: path.write_text(text))

    def point(self, name):
        self.daemon.replace("current", lambda path: path.symlink_to(self.arena.bundles[name]))

    def holds(self):
        try:
            self.arena.check_wanted((self.wanted,))
            self.arena.check_endpoints([*ALWAYS, *(self.listed | self.fed)])
            return True
        except Failed as error:
            self.why = error
            return False

    def settle(self):
        check(wait_until(self.holds, PATIENCE, 0.05), "after %d s still not as it is wanted: %s\n%s" % (PATIENCE, self.why, self.daemon.said()))

    def check_flat(self):
        """As much as there was with the same two generations and as many pods."""
        state = self.arena.known_state()
        key = (state["current"]["bundle"], (state.get("previous") or {}).get("bundle"), len(self.listed | self.fed))
        def now():
            return {what: count for what, count in self.arena.amount().items() if what in ("pins", "programs", "maps")}
        # The kernel frees what is given up when it has time to, and the daemon looks at its programs now and then.
        found = now()
        if key not in self.amounts:
            while True:
                time.sleep(0.3)
                former, found = found, now()
                if found == former:
                    break
        known = self.amounts.setdefault(key, found)
        check(wait_until(lambda: now() == known, PATIENCE, 0.2), "there are %s, and were %s with the same generations and pods" % (now(), known))

    # ---- what happens -----------------------------------------------------------------------------

    def bundle(self):
        self.wanted = self.draw.choice([name for name in ONLY if name not in (self.wanted, self.aside)])
        self.point(self.wanted)
        if self.aside is not None:  # may be wanted again once the daemon has seen another, which it can't while it is killed
            self.settle()
            self.aside = None

    def rollback(self):
        self.settle()
        former = (self.arena.known_state().get("previous") or {}).get("bundle")
        if former is None or self.arena.digests[former] == self.wanted:
            return
        self.arena.done("rollback")
        self.wanted, self.aside = self.arena.digests[former], self.wanted
        self.settle()

    def free(self):
        return sorted(set(self.arena.pods) - set(ALWAYS) - self.listed - self.fed)

    def by_list(self):
        """Pods come or go by the list."""
        for _ in range(self.draw.randrange(1, 4)):
            if self.listed and self.draw.random() < 0.5:
                self.listed.discard(self.draw.choice(sorted(self.listed)))
            elif self.free():
                self.listed.add(self.draw.choice(self.free()))
        self.write_list()

    def by_feed(self):
        """A pod comes or goes by the feed, and what is answered is so."""
        if self.fed and self.draw.random() < 0.5:
            name = self.draw.choice(sorted(self.fed))
            answer = self.daemon.ask(op="endpoint-remove", endpoint="t/" + name, ifname="lxc-" + name)
            self.fed.discard(name)
        elif self.free():
            name = self.draw.choice(self.free())
            answer = self.daemon.ask(op="endpoint-add", endpoint="t/" + name, ifname="lxc-" + name)
            check(answer.get("state") == "enforced", "%s is told of, and %s" % (name, answer))
            self.fed.add(name)
        else:
            return
        check(answer["ok"], "the feed refuses: %s" % answer)

    def new_interface(self):
        """A pod is made anew: one of the list is attached again, one of the feed is forgotten."""
        name = self.draw.choice(sorted(set(self.arena.pods) - set(ALWAYS)))
        self.fed.discard(name)
        self.arena.make_anew(name)

    def address(self):
        if self.told and self.draw.random() < 0.5:
            prefix = self.draw.choice(sorted(self.told))
            self.told.discard(prefix)
            answer = self.daemon.ask(op="address-remove", address=prefix)
        else:
            prefix = "203.0.113.%d" % self.draw.randrange(1, 255)
            self.told.add(prefix)
            answer = self.daemon.ask(op="address-add", address=prefix, fqdn="api.example.com")
        check(answer["ok"], "the feed refuses an address: %s" % answer)

    def flood(self):
        """What is denied, faster than anybody reads of it, and new flows that are allowed."""
        denied = self.draw.random() < 0.5
        address = self.arena.probes.address
        sockets = in_netns("pod-client", lambda: [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(200)])
        for s in sockets:
            for _ in range(20):
                s.sendto(b"C", (address, NEITHER if denied else LAST))
            s.close()

    def by_hand(self):
        """Somebody loads what is wanted already, while the daemon is at work."""
        if self.aside:
            return  # a load by hand ends that, and the daemon takes up again what its directory shows
        self.settle()
        self.arena.load(self.wanted, pods=[*ALWAYS, *sorted(self.listed | self.fed)])

    def killed(self):
        self.daemon.end(signal.SIGKILL)
        time.sleep(self.draw.choice((0, 0, 0.3)))
        self.daemon.start()

    def ended(self):
        status = self.daemon.end(signal.SIGTERM)
        check(status == 0, "asked to end, the daemon ended with %d: %s" % (status, self.daemon.said()))
        self.daemon.start()

    def one(self):
        what = self.draw.choices(list(self.events), list(self.events.values()))[0]
        if self.verbose:
            print("%.1f s: %s" % (time.monotonic(), what), flush=True)
        self.done[what] += 1
        check(self.daemon.process.poll() is None, "the daemon ended with %s: %s" % (self.daemon.process.poll(), self.daemon.said()))
        getattr(self, what)()


def main(options):
    draw = words_of(options.seed)
    with home("soak") as place:
        arena = Arena(options.binaries, place, extra=EXTRA)
        arena.learn_tags()
        arena.unload()
        soak = Soak(arena, draw, options.verbose)
        soak.begin()
        traffic = Traffic(arena, streams=100)
        begun, settled, most = time.monotonic(), 0, 0.0
        while time.monotonic() < begun + options.seconds:
            soak.one()
            time.sleep(draw.uniform(0, 0.3))
            traffic.held()
            if draw.random() < 0.15:
                soak.settle()
                soak.check_flat()
                settled += 1
                most = max(most, soak.daemon.memory())
        soak.settle()
        counts = traffic.end()
        check(most < 30, "the daemon had %.1f MiB" % most)
        soak.ended()
    print("%d s: %s; %d times all was as wanted; %d answers on connections, %d datagrams, %d new connections; the daemon had %.0f MiB at most" % (
        options.seconds, ", ".join("%d %s" % (count, what.replace("_", " ")) for what, count in sorted(soak.done.items())), settled, counts["rounds"], counts["asked"], counts["fresh"], most))
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--verbose", action="store_true")
    run_alone(main, __file__, parser)
