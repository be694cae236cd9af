"""What `netpol-loader monitor` tells of a flood, of loads in between and to whoever reads its flows, against a real kernel.

usage: monitor_kernel_test.py BINARY_DIRECTORY

Exit status 77 where the kernel can't be used (1 with CI=true). Runs itself in private network, mount and process namespaces.
"""
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from kernel_world import PINS, check, Failed, in_netns, inside, run_alone, World  # noqa: E402

LIMIT = "40"  # events a second, reason and processor


def command(world, *words):
    return inside("node-1", world.loader, "monitor", *words, "--root", PINS, "--state", str(world.home / "state"))


def lines_of(done):
    check(done.returncode == 0, "monitor ended with %d: %s" % (done.returncode, done.stderr))
    return [json.loads(line) for line in done.stdout.splitlines()]


def seen_and_lost(lines):
    flows = [line["flow"] for line in lines if "flow" in line]
    return flows, sum(int(line["lost_events"]["num_events_lost"]) for line in lines if "lost_events" in line)


def dropped(world):
    return sum(drop["packets"] for drop in json.loads(world.call("status", "-o", "json").stdout)["drops"])


def flood(world, packets, port=80, source="client"):
    """Datagrams that the policy of the server denies."""
    def send():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for n in range(packets):
            s.sendto(b"%d" % n, (world.pods["server"].ipv4, port))
            if n % 50 == 0:
                time.sleep(0.005)
    in_netns(world.pods[source].netns, send).join()


def test_all_that_is_dropped_is_shown_or_lost(world):
    world.load(world.a, "--event-limit", LIMIT)
    before = dropped(world)
    flood(world, 500)  # while nobody reads
    monitor = subprocess.Popen(command(world, "-o", "jsonpb", "--timeout", "4"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    for _ in range(4):
        flood(world, 1000)
        time.sleep(0.4)
    stdout, stderr = monitor.communicate(timeout=30)
    flows, lost = seen_and_lost([json.loads(line) for line in stdout.splitlines()])
    total = dropped(world) - before
    check(total == 4500, "%d packets were dropped" % total)
    check(lost > 0 and len(flows) > 40, "%d flows, %d lost" % (len(flows), lost))
    check(len(flows) + lost == total, "of %d packets %d were shown and %d lost" % (total, len(flows), lost))
    check("%d events shown, 0 filtered out, %d lost in " % (len(flows), lost) in stderr, stderr)
    again = lines_of(subprocess.run(command(world, "-o", "jsonpb", "--timeout", "1"), capture_output=True, text=True))
    check(again == [], "what was told is not told again: %s" % again)


def test_what_is_left_of_a_count_is_the_next_ones(world):
    world.load(world.a)
    flood(world, 30)
    first = lines_of(subprocess.run(command(world, "-o", "json", "--count", "7"), capture_output=True, text=True))
    rest = lines_of(subprocess.run(command(world, "-o", "json", "--timeout", "1"), capture_output=True, text=True))
    check((len(first), len(rest)) == (7, 23), "%d and %d of 30" % (len(first), len(rest)))
    flood(world, 30)
    filtered = subprocess.run(command(world, "--to-port", "9", "--timeout", "1"), capture_output=True, text=True)
    check(filtered.stdout == "" and "0 events shown, 30 filtered out, 0 lost" in filtered.stderr, filtered.stderr)


def test_repeats_are_folded(world):
    world.load(world.a)
    flood(world, 20)
    flood(world, 5, port=9)
    text = subprocess.run(command(world, "--fold", "60", "--timeout", "1"), capture_output=True, text=True).stdout
    check(len(text.splitlines()) == 4 and "×20 in 1 s" in text and "×5 in 1 s" in text, text)


def test_events_are_told_in_the_names_of_their_generation(world):
    world.load(world.a)
    monitor = subprocess.Popen(command(world, "-o", "json", "--timeout", "4"), stdout=subprocess.PIPE, text=True)
    flood(world, 3)
    time.sleep(0.7)
    flood(world, 3)
    world.load(world.b)  # identities are numbered otherwise
    flood(world, 3)
    events = [json.loads(line) for line in monitor.communicate(timeout=30)[0].splitlines()]
    check(len(events) == 9, "%d events" % len(events))
    check([event["generation"] for event in events] == [1] * 6 + [2] * 3, str([event["generation"] for event in events]))
    check(all("k8s:app=client" in event["remote"]["labels"] and event["remote"]["pod"] == "client" for event in events), str(events))
    check(events[0]["remote"]["identity"] != events[8]["remote"]["identity"], "the test's bundles number alike")
    flood(world, 2)
    world.load(world.a)
    late = lines_of(subprocess.run(command(world, "-o", "json", "--timeout", "1"), capture_output=True, text=True))
    check([(event["generation"], event["remote"]["pod"]) for event in late] == [(2, "client")] * 2, "of the former generation: %s" % late)


def test_replay_takes_what_it_prints(world):
    world.load(world.a, "--report-allowed")
    flood(world, 4)
    flood(world, 2, port=8080, source="stranger")
    world.reaches("client", 8080)
    done = subprocess.run(command(world, "-o", "jsonpb", "--timeout", "1"), capture_output=True, text=True)
    lines_of(done)
    (world.home / "flows.jsonl").write_text(done.stdout)
    policies = str(world.home / "policies-a" / "all.yaml")
    replayed = subprocess.run([world.netpolc, "replay", str(world.home / "flows.jsonl"), policies], capture_output=True, text=True)
    check(replayed.returncode == 0, "as the policies say: %s%s" % (replayed.stdout, replayed.stderr))
    said = replayed.stdout + replayed.stderr
    flows = int(re.search(r"(\d+) flows? ", said).group(1))
    check(flows >= 7 and "not judged" not in said.lower(), said)


def test_ends_when_nobody_reads(world):
    world.load(world.a)
    flood(world, 3)
    monitor = subprocess.Popen(command(world, "-o", "json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    monitor.stdout.readline()
    monitor.stdout.close()
    start = time.monotonic()
    check(monitor.wait(10) == 0 and time.monotonic() - start < 3, "a reader that has gone ends it")
    check("events shown" in monitor.stderr.read(), "and it says what it showed")
    waiting = subprocess.Popen(command(world), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)
    used = os.sysconf("SC_CLK_TCK")
    fields = pathlib.Path("/proc/%d/stat" % waiting.pid).read_text().rsplit(")", 1)[1].split()
    check((int(fields[11]) + int(fields[12])) / used < 0.5, "it waits without being busy")
    waiting.terminate()
    check(waiting.wait(10) == 130, "interrupted")
    world.unload()
    gone = subprocess.run(command(world), capture_output=True, text=True)
    check(gone.returncode == 2, "nothing is loaded")


def main(binaries):
    tests = [test_all_that_is_dropped_is_shown_or_lost, test_what_is_left_of_a_count_is_the_next_ones, test_repeats_are_folded,
             test_events_are_told_in_the_names_of_their_generation, test_replay_takes_what_it_prints, test_ends_when_nobody_reads]
    wanted, failed = os.environ.get("ONLY", ""), 0
    with tempfile.TemporaryDirectory(prefix="netpolc-monitor-") as home:
        world = World(binaries, pathlib.Path(home))
        for test in tests:
            if wanted not in test.__name__:
                continue
            name, start = test.__name__[5:].replace("_", " "), time.monotonic()
            try:
                test(world)
                world.call("unload")
                print("ok    %s  %.1f s" % (name, time.monotonic() - start), flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as error:
                failed += 1
                print("FAIL  %s: %r" % (name, error), flush=True)
                world.call("unload")
    return 1 if failed else 0


if __name__ == "__main__":
    run_alone(main, str(pathlib.Path(__file__).resolve()))
