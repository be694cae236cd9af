#!/usr/bin/env python3
"""Each system call of the loader's fails once: the loader says so, and all is as it was; or it gets along without.

usage: failing.py BINARY_DIRECTORY [--long] [--only SCENARIO] [--verbose]

`netpolc-failcall` runs a load that replaces a generation, the first load, a roll back and the coming of an endpoint, and
lets one call fail. Without --long each kind of call (bpf by its command) fails when it is made first and last, each time
with another error, and of the latter three only those that change something; with --long whenever it is made, with every
error. docs/testing.md says what is held.
"""
import argparse
import collections
import errno
import itertools
import os
import pathlib
import subprocess
import time

from arena import CHANGES, ROOT, Arena, Failed, Traffic, check, home, run_alone

ERRORS = (errno.ENOMEM, errno.EPERM, errno.ENOSPC, errno.EINVAL)
REFUSED = (errno.EACCES,)  # by the verifier
TEXTS = ("terminate called", "Assertion", "what():", "Aborted")
# What is written once all is done: whoever can't be told of it is told that.
TOLD = ("write stdout",)


class Scenario:
    """A command, what has to be there before it, and how that is reached again once it succeeded."""

    def __init__(self, name, words, before, after, prepare, restore, few=True):
        self.name, self.words, self.before, self.after, self.prepare, self.restore, self.few = name, words, before, after, prepare, restore, few


def scenarios(arena):
    extra = "t/extra-0"
    load_a, load_b = arena.load_words("a"), arena.load_words("b")
    both = lambda: (arena.done(*load_b), arena.done(*load_a))
    return [
        Scenario("replace", load_b, "a", "b", both, lambda: arena.done(*load_a), few=False),
        Scenario("first", load_a, "none", "a", lambda: None, arena.unload),
        Scenario("rollback", ["rollback"], "a", "b", both, lambda: arena.done("rollback")),
        Scenario("add", ["endpoint", "add", extra + "=lxc-extra-0"], "a", "a", both, lambda: arena.done("endpoint", "remove", extra)),
    ]


class Failing:
    def __init__(self, arena, scenario, verbose):
        self.arena, self.scenario, self.verbose = arena, scenario, verbose
        self.failcall, self.report = str(arena.binaries / "netpolc-failcall"), arena.home / "calls"
        self.tolerated = collections.Counter()
        self.faults, self.runs = [], 0

    def run(self, *how):
        try:
            done = self.arena.call(*self.scenario.words, around=(self.failcall, "--report", str(self.report), *how, "--"))
        except subprocess.TimeoutExpired:
            raise Failed("it doesn't end")
        return done, self.report.read_text().splitlines()

    def calls(self):
        """How often each call is made, from a run that nothing is done to."""
        done, made = self.run("list")
        check(done.returncode == 0, "%s ended with %d: %s" % (self.scenario.name, done.returncode, done.stderr))
        self.scenario.restore()
        return collections.Counter(made)

    def fail(self, call, number, error):
        self.runs += 1
        story = "%s: %s number %d failed with %s" % (self.scenario.name, call, number, errno.errorcode[error])
        try:
            outcome = self.held(call, number, error)
        except Failed as fault:
            outcome = "FAIL: %s" % fault
            self.faults.append("%s: %s" % (story, fault))
            self.begin_again()
        if self.verbose:
            print("%s: %s" % (story, outcome), flush=True)

    def held(self, call, number, error):
        before = self.arena.snapshot()
        done, made = self.run("fail", call, str(number), str(error))
        if not any(line.startswith("! ") for line in made):
            if done.returncode == 0:
                self.scenario.restore()
            return "not met"
        # 1: an endpoint couldn't be attached, which is its answer
        check(done.returncode in (0, 2, 4) or (done.returncode == 1 and self.scenario.name == "add" and done.stdout.strip()), "it ended with %d: %s" % (done.returncode, done.stderr))
        check(not any(text in done.stderr for text in TEXTS), "it gave up: " + done.stderr)
        if done.returncode == 0 or call in TOLD:
            self.tolerated[call] += 1
            check(call not in TOLD or done.returncode == 0 or done.stderr.strip(), "it ended with %d and said nothing" % done.returncode)
            # what that error means there is that the kernel has no tcx: then it is a filter
            self.arena.check_wanted((self.scenario.after,), links=(call, error) != ("bpf BPF_LINK_CREATE", errno.EINVAL))
            self.scenario.restore()
            return "got along without: %s" % done.stderr.strip()
        check(done.stderr.strip() or done.returncode == 1 or call == "write stderr", "it ended with %d and said nothing" % done.returncode)
        after = self.arena.snapshot()
        for what in before:
            check(after[what] == before[what], "%s ended with %d (%s), and %s" % (self.scenario.name, done.returncode, done.stderr.strip(), difference(what, before[what], after[what])))
        seen = self.arena.probes.see(self.scenario.before)
        check(seen == self.scenario.before, "traffic sees %s" % seen)
        return done.stderr.strip()

    def begin_again(self):
        """After a fault whatever may be left is taken away, that nothing else is blamed for it."""
        for _ in range(3):  # one may lie hidden under another
            self.arena.call("unload")
            if not os.path.exists(ROOT):
                break
        self.scenario.prepare()


def difference(what, before, after):
    if isinstance(before, dict) and isinstance(after, dict):
        return "%s are other ones: %s" % (what, {key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)})
    if isinstance(before, list):
        return "%s: gone are %s, and there are %s" % (what, sorted(set(before) - set(after)), sorted(set(after) - set(before)))
    return "%s is %s, and was %s" % (what, after, before)


def plan(calls, every, few, turn):
    """(call, number, error) to be tried. `few`: only calls that change something. `turn`: errors in turn, so that each
    has its share."""
    for call, count in sorted(calls.items()):
        if few and not every and not call.startswith((*CHANGES, "bpf BPF_MAP_CREATE", "bpf BPF_PROG_LOAD")):
            continue
        errors = ERRORS + (REFUSED if call == "bpf BPF_PROG_LOAD" else ())
        if every:
            yield from ((call, number, error) for number in range(1, count + 1) for error in errors)
            continue
        for number in sorted({1, count}):
            yield call, number, next(turn)
        if call == "bpf BPF_PROG_LOAD":
            yield from ((call, number, REFUSED[0]) for number in range(1, count + 1))


def main(options):
    with home("failing") as place:
        arena = Arena(options.binaries, place, extra=1)
        arena.learn_tags()
        arena.unload()
        turn, runs, faults, tolerated = itertools.cycle(ERRORS), 0, [], collections.Counter()
        for scenario in scenarios(arena):
            if options.only not in ("", scenario.name):
                continue
            begun = time.monotonic()
            scenario.prepare()
            traffic = Traffic(arena, streams=4, askers=1) if scenario.before != "none" else None
            test = Failing(arena, scenario, options.verbose)
            calls = test.calls()
            for call, number, error in plan(calls, options.long, scenario.few, turn):
                test.fail(call, number, error)
            if traffic:
                traffic.stop() if test.faults else traffic.end()  # after a fault all was open for a while
            arena.unload()
            print("%-8s %4d calls of %d kinds, %d failed, %d got along without, in %.0f s" % (
                scenario.name, sum(calls.values()), len(calls), test.runs, sum(test.tolerated.values()), time.monotonic() - begun), flush=True)
            runs, faults = runs + test.runs, faults + test.faults
            tolerated += test.tolerated
    for fault in faults:
        print("FAIL  " + fault)
    print("%d calls failed once each, %d of them without harm; %d faults" % (runs, sum(tolerated.values()), len(faults)))
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    run_alone(main, __file__, parser)
