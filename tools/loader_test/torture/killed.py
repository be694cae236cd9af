#!/usr/bin/env python3
"""Loaders that are killed, anywhere, under traffic: nothing leaks, nothing is cut, and the next one ends what was begun.

usage: killed.py BINARY_DIRECTORY [--times N] [--seed N] [--verbose]

What is killed is a load of one of two bundles, a roll back, a commit, a recovery, or an endpoint added or removed; with
SIGKILL before one of its system calls, or after some time. docs/testing.md says what is held.
"""
import argparse
import pathlib
import signal
import subprocess
import time

from arena import CHANGES, ONLY, Arena, Failed, Traffic, check, home, run_alone, words_of

EXTRA = 3


class Killer:
    def __init__(self, arena, draw):
        self.arena, self.draw = arena, draw
        self.failcall, self.report = str(arena.binaries / "netpolc-failcall"), arena.home / "calls"
        self.calls, self.seconds = {}, {}  # by kind of command, as it was last time

    def at_call(self, kind, words):
        """Killed before one of its calls, more often before one that changes something."""
        calls = self.calls.get(kind)
        if calls is None:
            number = 1 << 30  # never: which calls it makes is seen first
        else:
            changing = [n for n, call in enumerate(calls, 1) if call.startswith(CHANGES)]
            number = self.draw.choice(changing) if changing and self.draw.random() < 0.7 else self.draw.randrange(1, len(calls) + 1)
        done = self.arena.call(*words, around=(self.failcall, "--report", str(self.report), "kill", str(number), "--"))
        made = self.report.read_text().splitlines()
        if done.returncode == 0:
            self.calls[kind] = made
        return done.returncode, done.stderr, "before call %d%s" % (number, ", " + made[-1][2:] if made and made[-1].startswith("! ") else "")

    def at_time(self, kind, words):
        after = self.draw.uniform(0, 1.2) * self.seconds[kind] if kind in self.seconds else 60
        begun = time.monotonic()
        process = subprocess.Popen(self.arena.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        _, said = process.communicate()
        if process.returncode == 0:
            self.seconds[kind] = time.monotonic() - begun
        return process.returncode, said, "after %.0f ms" % (after * 1000)

    def kill(self, words):
        """Was it killed? Where, in words."""
        kind = words[0] if words[0] != "endpoint" else " ".join(words[:2])
        status, said, where = self.draw.choice((self.at_call, self.at_time))(kind, words)
        check(status in (0, -signal.SIGKILL, 128 + signal.SIGKILL), "%s, to be killed %s, ended with %d: %s" % (kind, where, status, said))
        return status != 0, where


class Test:
    def __init__(self, arena, draw, verbose):
        self.arena, self.draw, self.verbose = arena, draw, verbose
        self.killer = Killer(arena, draw)
        self.endpoints = set()  # of the extra ones, those that have to be there

    def one(self, number):
        before = self.arena.wanted()
        other = next(name for name in ONLY if name != before)
        what = self.draw.choice(("load", "load", "load", "rollback", "rollback", "confirm", "add", "remove"))
        extra = "extra-%d" % self.draw.randrange(EXTRA)
        words, among, afterwards = {
            "load": (self.arena.load_words(other, self.attached()), (before, other), other),
            "confirm": (self.arena.load_words(other, self.attached()) + ["--confirm", "60s"], (before, other), other),
            "rollback": (["rollback"], (before, other), other),
            "add": (["endpoint", "add", "t/%s=lxc-%s" % (extra, extra)], (before,), before),
            "remove": (["endpoint", "remove", "t/" + extra], (before,), before)}[what]
        killed, where = self.killer.kill(words)
        story = "%d: %s %s %s" % (number, what, "killed" if killed else "not killed", where)
        for _ in range(3):
            if killed and self.draw.random() < 0.3:
                story += ", recovery %s %s" % (("not killed", "killed")[(again := self.killer.kill(["recover"]))[0]], again[1])
        if self.verbose:
            print(story, flush=True)
        try:
            self.settle(what, extra, killed, among if killed else (afterwards,))
        except Failed as error:
            raise Failed("%s: %s" % (story, error))
        return killed

    def attached(self):
        return ["server", "client", "stranger"] + sorted(self.endpoints)

    def settle(self, what, extra, killed, among):
        """The next start ends it; then the same request has to succeed, where it is one for endpoints."""
        if killed:
            self.arena.done("recover")
        found = self.arena.check_wanted(among)
        if what == "confirm" and self.arena.known_state().get("confirm"):
            self.killer.kill(["commit"])
            self.arena.call("commit")  # done already, where it wasn't killed
            self.arena.done("recover")
            self.arena.check_wanted((found,))
        if what == "add":
            self.endpoints.add(extra)
            self.arena.done("endpoint", "add", "t/%s=lxc-%s" % (extra, extra))
        elif what == "remove":
            self.endpoints.discard(extra)
            self.arena.done("endpoint", "remove", "t/" + extra)
        self.arena.check_endpoints(self.attached())


def held(arena):
    """How much of it there is in the kernel and in files, once nothing is left to do."""
    for name in ("a", "b", "a"):
        arena.load(name)
    return arena.amount()


def main(options):
    draw = words_of(options.seed)
    with home("killed") as place:
        arena = Arena(options.binaries, place, extra=EXTRA)
        arena.learn_tags()
        before = held(arena)
        traffic = Traffic(arena)
        test, killed = Test(arena, draw, options.verbose), 0
        tries = 0
        while killed < options.times:
            check(tries < 4 * options.times, "of %d loaders only %d were killed" % (tries, killed))
            killed += test.one(tries)
            tries += 1
            traffic.held()
        counts = traffic.end()
        after = held(arena)
        check(after == before, "something stays: %s, and was %s" % (after, before))
    print("%d loaders killed in %d tries; %d datagrams, %d answers on connections, %d new connections, %d attempts at what is denied" % (
        killed, tries, counts["asked"], counts["rounds"], counts["fresh"], counts["tried"]))
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--times", type=int, default=12, help="how many are to be killed; some end before that")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--verbose", action="store_true")
    run_alone(main, __file__, parser)
