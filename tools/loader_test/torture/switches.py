#!/usr/bin/env python3
"""Generations that are switched again and again under live connections: none is lost, and nothing grows.

usage: switches.py BINARY_DIRECTORY [--times N] [--connections N] [--seed N]

Loads of two bundles and roll backs in random order while 1,000 TCP connections exchange data, datagrams are asked and
answered, and new connections are opened.
"""
import argparse
import pathlib
import time

from arena import ONLY, Arena, Traffic, check, home, run_alone, words_of

class Switches:
    def __init__(self, arena, draw):
        self.arena, self.draw = arena, draw
        self.wanted, self.former = "a", "b"
        self.longest, self.amounts = 0.0, {}

    def one(self):
        if self.draw.random() < 0.3:
            words, self.wanted, self.former = ["rollback"], self.former, self.wanted
        else:
            name = self.draw.choice(list(ONLY))
            words, self.wanted, self.former = self.arena.load_words(name), name, self.wanted
        begun = time.monotonic()
        self.arena.done(*words)
        self.longest = max(self.longest, time.monotonic() - begun)
        self.arena.check_wanted((self.wanted,))


    def check_flat(self, number):
        """As much of all as when the same two generations were there before."""
        found, pair = self.arena.amount(), (self.wanted, self.former)
        known = self.amounts.setdefault(pair, (number, found))
        check(found == known[1], "after %d switches there are %s, and were %s after %d" % (number, found, known[1], known[0]))


def main(options):
    draw = words_of(options.seed)
    with home("switches") as place:
        arena = Arena(options.binaries, place)
        arena.learn_tags()
        for name in ("b", "a"):
            arena.load(name)
        traffic = Traffic(arena, streams=options.connections, interval=500)
        switches = Switches(arena, draw)
        for number in range(options.times):
            switches.one()
            switches.check_flat(number + 1)
            traffic.held()
        counts = traffic.end()
        amount = arena.amount()
        arena.unload()
    print("%d switches under %d connections, %d answers on them, %d datagrams, %d new connections, none lost; the longest took %.0f ms; %d KiB in the kernel, flat" % (
        options.times, options.connections, counts["rounds"], counts["asked"], counts["fresh"], switches.longest * 1000, amount["KiB"]))
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seed", type=int)
    run_alone(main, __file__, parser)
