"""`netpol-loader run` in the kernel: what a directory, a socket and the kernel's interfaces tell it is in force
in the end, soon, and whatever happens to the daemon in between.

usage: daemon_test.py BINARY_DIRECTORY [--long]

--long: 5,000 random events instead of 250. Exit status 77 where the kernel can't be used (1 with CI=true). Runs
itself in private network, mount and process namespaces, so that nothing is left behind, however it ends.
"""
import fcntl
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from daemon_world import PINS, PODS, DaemonWorld
from kernel_world import Failed, check, run, run_alone
import topology

NAMES = ["t%d" % n for n in range(10)]


def line(name, pod, **more):
    return {"endpoint": "t/" + pod, "ifname": name, **more}


# ---- bundles --------------------------------------------------------------------------------------


def test_a_copy_under_way_is_no_error(world):
    world.start()
    check(world.figures()["ready"] and world.bundle() == "", "nothing is wanted")
    world.make_link("t0")
    world.write_list([line("t0", "p0")])
    files = sorted(p for p in (world.bundles / "a").rglob("*") if p.is_file())
    files.sort(key=lambda p: p.name != "bundle.json")  # the manifest first: all others are missing for a while
    for n, source in enumerate(files):
        target = world.watch / "b" / source.relative_to(world.bundles / "a")
        target.parent.mkdir(parents=True, exist_ok=True)
        content = source.read_bytes()
        with open(target, "wb", buffering=0) as out:
            out.write(content[:len(content) // 2])
            if n < 8:
                time.sleep(0.02)
            out.write(content[len(content) // 2:])
    begun = time.monotonic()
    world.until_attached({"t0": "t/p0"})
    took = time.monotonic() - begun
    check(world.bundle() == world.digest("a"), "the bundle is in force")
    check(not world.said("bundle-not-in-force") and world.figures()["loadFailures"] == {}, "a copy under way was called an error: %s" % world.said())
    # one that stays half is one
    shutil.copytree(world.bundles / "b", world.watch / "half")
    next((world.watch / "half").glob("programs/*.o")).unlink()
    os.symlink("half", world.watch / "current")
    world.until(lambda: "are not there" in world.figures()["bundleError"], "a bundle that stays incomplete is said to be")
    check(world.bundle() == world.digest("a") and not world.figures()["ready"], "what ran runs")
    return "in force %.0f ms after its last byte" % (1000 * took)


def test_several_bundles_need_one_that_is_wanted(world):
    world.start()
    shutil.copytree(world.bundles / "a", world.watch / "one")
    world.until(lambda: world.bundle() == world.digest("a"), "the only one is loaded")
    shutil.copytree(world.bundles / "b", world.watch / "two")
    world.until(lambda: "holds several bundles (one, two)" in world.figures()["bundleError"], lambda: "said by name: %s" % world.figures())
    world.until(lambda: any("one, two" in s["error"] for s in world.said("bundle-not-in-force")), "and in the log")
    check(world.bundle() == world.digest("a"), "what runs stays")
    os.symlink("two", world.watch / "current")
    world.until(lambda: world.bundle() == world.digest("b"), "`current` says which")
    world.until(lambda: world.figures()["bundleError"] == "", "and all is well")


def test_a_refused_bundle_is_tried_once(world):
    world.make_link("t0")
    world.write_list([line("t0", "p0")])
    world.show("a")
    world.start()
    world.until_attached({"t0": "t/p0"})
    bad = world.watch / "bad"
    shutil.copytree(world.bundles / "b", bad)
    victim = next(bad.glob("programs/*.o"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x7f")
    os.symlink("bad", world.watch / "next")
    os.rename(world.watch / "next", world.watch / "current")
    world.until(lambda: "SHA-256" in world.figures()["bundleError"], lambda: "damage is named: %s" % world.figures())
    loads = world.figures()["loads"]
    world.make_link("t1")
    world.write_list([line("t0", "p0"), line("t1", "p1")])
    world.until_attached({"t0": "t/p0", "t1": "t/p1"})
    time.sleep(0.3)
    check(world.figures()["loads"] == loads, "tried again for no reason")
    check(world.bundle() == world.digest("a"), "what ran runs, and pods come and go")
    world.show("c")
    world.until(lambda: world.bundle() == world.digest("c"), "another one is loaded")
    world.until_attached({"t0": "t/p0", "t1": "t/p1"})


def test_a_rollback_is_not_undone(world):
    world.make_link("t0")
    world.write_list([line("t0", "p0")])
    world.show("a")
    world.start()
    world.until_attached({"t0": "t/p0"})
    world.show("b")
    world.until(lambda: world.bundle() == world.digest("b"), "b is loaded")
    done = world.call("rollback")
    check(done.returncode == 0, "rollback: " + done.stderr)
    world.until(lambda: "was rolled back" in world.figures()["bundleError"], lambda: "the daemon sees it: %s" % world.figures())
    world.stop()
    world.start()
    time.sleep(0.2)
    check(world.bundle() == world.digest("a"), "b was loaded again after it was rolled back")
    world.make_link("t1")
    world.write_list([line("t0", "p0"), line("t1", "p1")])
    world.until_attached({"t0": "t/p0", "t1": "t/p1"})
    world.show("c")
    world.until(lambda: world.bundle() == world.digest("c"), "another one is loaded")


def test_what_is_done_by_hand_meanwhile_counts(world):
    """A bundle is planned before the lock is had; whoever has it then may attach a pod, or take one away."""
    for name in ("t0", "t1"):
        world.make_link(name)
    world.write_list([line("t0", "p0")])
    world.show("a")
    world.start()
    world.until_attached({"t0": "t/p0"})
    for words, expected in ((("add", "t/p1=t1"), {"t0": "t/p0", "t1": "t/p1"}), (("remove", "t/p1"), {"t0": "t/p0"})) * 3:
        shown = "b" if world.bundle() == world.digest("a") else "a"
        with open(world.state / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            by_hand = subprocess.Popen([world.loader, "endpoint", *words, "--root", PINS, "--state", str(world.state)], stdout=subprocess.DEVNULL)
            time.sleep(0.1)
            world.show(shown)
            time.sleep(0.2)  # both wait for it, each with a plan
        check(by_hand.wait(10) == 0, "endpoint %s by hand" % words[0])
        world.until(lambda: world.bundle() == world.digest(shown), "the bundle is in force")
        world.until(lambda: {n: e for n, (e, _) in world.in_force().items()} == expected, lambda: "%s, expected %s" % (world.in_force(), expected))
    loaded = world.call("load", str(world.bundles / shown), "--attach", "t/p1=t1")
    check(loaded.returncode == 0 and set(world.in_force()) == {"t0", "t1"}, "a load by hand takes nothing from the daemon's pods: " + loaded.stderr)
    loaded = world.call("load", str(world.bundles / shown))
    check(loaded.returncode == 0 and set(world.in_force()) == {"t0"}, "nor does one that names nobody, and who it named before has gone: " + loaded.stderr)


def test_a_load_cures_what_cannot_be_put_right(world):
    world.make_link("t0")
    world.write_list([line("t0", "p0")])
    world.show("a")
    world.start()
    world.until_attached({"t0": "t/p0"})
    number = json.loads(world.call("status", "-o", "json").stdout)["generation"]["number"]
    world.stop()
    victim = next(path for path in sorted((pathlib.Path(PINS) / "generations" / str(number)).glob("programs/*")) if path.is_file())
    victim.unlink()
    world.start()
    world.until(lambda: world.figures()["loads"] == 1 and world.figures()["ready"], lambda: "loaded anew: %s" % world.said())
    world.until(lambda: set(world.in_force()) == {"t0"}, "and in force")
    check(world.said("recovery-failed"), "what was wrong is said")


def test_nobody_comes_while_what_is_wanted_cannot_be_loaded(world):
    world.make_link("t0")
    bad = world.watch / "bad"
    shutil.copytree(world.bundles / "a", bad)
    victim = next(bad.glob("programs/*.o"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x7f")
    world.start()
    refused = world.feed().ask("endpoint-add", **line("t0", "p0"))
    check(refused["code"] == "NOT_READY" and "SHA-256" in refused["error"], str(refused))
    check(world.feed().ask("status")["fromFeed"] == 0, "and nothing is remembered")
    world.stop()
    world.start("--new-endpoints", "allow")
    check(world.feed().ask("endpoint-add", **line("t0", "p0"))["state"] == "open", "unless new endpoints are allowed")
    world.show("b")
    world.until_attached({"t0": "t/p0"})


def test_a_device_may_come_later(world):
    world.make_link("t0")
    world.write_list([line("t0", "p0")])
    world.show("a")
    world.start("--host-device", "t9")
    world.until(lambda: "t9" in world.figures()["bundleError"], lambda: "what it lacks is said: %s" % world.figures())
    time.sleep(1)
    world.make_link("t9")
    begun = time.monotonic()
    world.until_attached({"t0": "t/p0"})
    took = time.monotonic() - begun
    check(took < 3, "loaded %.1f s after the device had come" % took)


def test_what_nobody_confirmed_stays_away(world):
    """Also where it was the first load, and nothing is there that could remember it."""
    world.make_link("t0")
    world.show("a")
    loaded = world.call("load", str(world.bundles / "a"), "--attach", "t/p0=t0", "--confirm", "1s")
    check(loaded.returncode == 0, loaded.stderr)
    world.start()
    check(world.bundle() == world.digest("a"), "it is in force at first")
    world.until(lambda: world.bundle() == "", "and then nothing is")
    world.until(lambda: any("was rolled back" in s["error"] for s in world.said("bundle-not-in-force")), lambda: "which the daemon knows: %s" % world.said())
    time.sleep(0.5)
    check(world.bundle() == "" and world.figures()["loads"] == 0, "and leaves it at that")
    world.show("b")
    world.until(lambda: world.bundle() == world.digest("b"), "another one is loaded")


# ---- endpoints ------------------------------------------------------------------------------------


def test_a_list_with_a_slip_changes_nothing(world):
    world.make_link("t0")
    world.show("a")
    world.write_list([line("t0", "p0")])
    world.start()
    world.until_attached({"t0": "t/p0"})
    path = world.watch / "endpoints.jsonl"
    path.write_text(json.dumps(line("t0", "p0")) + "\n" + '{"endpoint": "t/p1", "ifname": 7}\n')
    world.until(lambda: "endpoints.jsonl:2:22: `ifname`: expected a string" in world.figures()["listError"], lambda: "with its place: %s" % world.figures()["listError"])
    world.until(lambda: world.said("list-refused"), "and in the log")
    path.unlink()
    world.until(lambda: "is gone" in world.figures()["listError"], "a list that is gone")
    check({n: a["endpoint"] for n, a in world.attachments().items()} == {"t0": "t/p0"}, "the endpoints of before stay")
    world.stop()
    world.start()
    time.sleep(0.1)
    check(set(world.attachments()) == {"t0"}, "also when the daemon is started without it")
    path.write_text("")
    world.until_attached({})
    world.until(lambda: world.figures()["listError"] == "", "an empty list is one")


def far_link():
    return os.stat("/run/netns/far").st_ino, int(run("ip", "-n", "far", "-o", "link", "show", "t1").stdout.split(":")[0])


def test_interfaces_come_go_and_come_again(world):
    world.show("a")
    run("ip", "netns", "add", "far")
    try:
        world.write_list([line("t0", "p0"), line("t1", "p1", netns="far"), line("t2", "nobody"), line("lo", "p3")])
        world.start()
        world.until(lambda: {w["ifname"] for w in world.figures()["waiting"]} == {"t0", "t1", "t2"}, lambda: str(world.figures()["waiting"]))
        index = world.make_link("t0")
        world.until(lambda: world.attachments().get("t0", {}).get("ifindex") == index, "an interface that comes gets its programs")
        run("ip", "-n", "far", "link", "add", "t1", "type", "veth", "peer", "name", "t1-peer")
        world.until(lambda: "t1" in world.attachments(), "so does one elsewhere")
        world.make_link("t2")
        world.until(lambda: [w["ifname"] for w in world.figures()["blocked"] + world.figures()["open"]] == ["t2"], lambda: "nobody knows it: %s" % world.figures())
        world.delete_link("t0")
        world.until(lambda: "t0" not in world.attachments(), "one that goes is removed")
        run("ip", "link", "add", "u0", "type", "veth", "peer", "name", "u0-peer")
        run("ip", "link", "set", "u0", "name", "t0")  # a name that comes by renaming
        world.until(lambda: world.attachments().get("t0", {}).get("ifindex") == world.index("t0"), "and gets them again when it comes anew")
        # A namespace that goes and comes has the number of the former one, and so has its interface.
        before = far_link()
        run("ip", "netns", "del", "far")
        run("ip", "netns", "add", "far")
        run("ip", "-n", "far", "link", "add", "t1", "index", str(before[1]), "type", "veth", "peer", "name", "t1-peer")
        same = far_link() == before
        world.until(lambda: "t1" in world.attachments() and world.call("status", "--brief").returncode == 0 and (not same or world.said("repaired")), lambda: "what came in its place is put right, too: %s" % world.call("status").stdout, 9)
        run("ip", "-n", "far", "link", "del", "t1")
        world.until(lambda: "t1" not in world.attachments(), "so is one elsewhere")
    finally:
        run("ip", "netns", "del", "far", check=False)


# ---- the feed -------------------------------------------------------------------------------------


def test_the_feed_answers(world):
    world.start()
    world.make_link("t0")
    world.make_link("t1")
    feed = world.feed()
    check(feed.ask("ping", id="x") == {"id": "x", "ok": True}, "ping")
    early = feed.ask("endpoint-add", id=1, **line("t0", "p0"))
    check(early["ok"] and early["state"] == "open" and early["reason"] == "no bundle is loaded", str(early))
    world.stop()  # before there is a bundle: remembered all the same
    world.start()
    world.show("a")
    world.until_attached({"t0": "t/p0"})
    feed = world.feed()
    added = feed.ask("endpoint-add", id=2, **line("t1", "p1"))
    check(added["ok"] and added["state"] == "enforced" and added["identity"] > 0 and len(added["program"]) == 64 and added["generation"] >= 1, str(added))
    check(feed.ask("endpoint-add", **line("t1", "p1")) == {k: v for k, v in added.items() if k != "id"}, "again changes nothing")
    checked = feed.ask("endpoint-check", endpoint="t/p1", ifname="t1")
    check(checked == {k: v for k, v in added.items() if k != "id"}, "%s, expected %s" % (checked, added))
    check(feed.ask("endpoint-add", **line("t9", "p1"))["code"] == "NOT_FOUND", "no such interface")
    check(feed.ask("endpoint-add", **line("lo/", "p1"))["code"] == "INVALID", "no name of one")
    check(feed.ask("endpoint-check", endpoint="t/p9")["code"] == "NOT_FOUND", "no such endpoint")
    told = feed.ask("address-add", address="10.9.9.9", endpoint="t/p0")
    check(told["ok"] and told["now"] and told["former"] is None, str(told))
    check(feed.ask("address-add", address="10.9.9.9", endpoint="t/none")["code"] == "INVALID", "an address of nobody's")
    check(feed.ask("address-remove", address="10.9.9.9")["now"] is None, "an address that is taken out")
    world.write_list([line("t0", "p5")])
    world.until(lambda: world.attachments().get("t0", {}).get("endpoint") == "t/p5", "the list goes before the feed")
    check(feed.ask("endpoint-add", **line("t0", "p0"))["code"] == "REFUSED", "who says otherwise is told")
    check(feed.ask("status")["fromFeed"] == 2, "status")
    check(feed.ask("endpoint-remove", endpoint="t/p1")["removed"] == 1, "removed")
    check(feed.ask("endpoint-remove", ifname="t1")["removed"] == 0, "removed already")
    world.until_attached({"t0": "t/p5"})
    # many lines at once are one step
    for n in range(2, 10):
        world.make_link("t%d" % n)
    begun = time.monotonic()
    feed.send(*({"op": "endpoint-add", "id": n, **line("t%d" % n, "p%d" % n)} for n in range(2, 10)))
    answers = [feed.hear() for _ in range(2, 10)]
    took = time.monotonic() - begun
    check([a["id"] for a in answers] == list(range(2, 10)) and all(a["state"] == "enforced" for a in answers), str(answers))
    world.delete_link("t2")
    world.until(lambda: feed.ask("status")["fromFeed"] == 8, "an endpoint goes with its interface")
    return "8 endpoints in %.0f ms" % (1000 * took)


def test_the_feed_bears_garbage(world):
    world.show("a")
    world.start()
    world.make_link("t0")
    good = world.feed()
    others = [world.feed() for _ in range(100)]
    for n, other in enumerate(others):
        other.socket.sendall((b'{"op":"ping"', b"\xff\xfe\n", b"[" * 30000 + b"\n", b"null\n{}\n")[n % 4])
    others[0].socket.sendall(b"x" * 200000)
    begun = time.monotonic()
    check(good.ask("endpoint-add", **line("t0", "p0"))["state"] == "enforced", "beside a hundred others")
    took = time.monotonic() - begun
    others[0].socket.sendall(b'\n{"op":"ping","id":"after"}\n')
    check(others[0].hear()["code"] == "INVALID" and others[0].hear() == {"id": "after", "ok": True}, "a line without end ends")
    check(others[1].hear()["code"] == "INVALID" and others[2].hear()["code"] == "INVALID", "what is no request is told so")
    for n, other in enumerate(others):  # some leave in the middle of a line
        if n % 2:
            other.close()
    world.until(lambda: good.ask("status")["ok"] and world.figures()["feedConnections"] <= 52, lambda: "who left is forgotten: %s" % world.figures()["feedConnections"])
    resident = next(int(l.split()[1]) for l in pathlib.Path("/proc/%d/status" % world.daemon.pid).read_text().splitlines() if l.startswith("VmHWM"))
    check(resident < 30 * 1024, "the daemon has needed %d KiB" % resident)
    if os.geteuid() == 0:
        stranger = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", "import socket; socket.socket(socket.AF_UNIX).connect(%r)" % world.feed_path], capture_output=True, text=True)
        check(stranger.returncode != 0 and "Permission" in stranger.stderr, "who isn't root may not speak here: " + stranger.stderr)
    return "answered in %.0f ms, %.0f MiB" % (1000 * took, resident / 1024)


# ---- its life -------------------------------------------------------------------------------------


def test_nothing_is_lost_with_the_daemon(world):
    for name in ("t0", "t1", "t2"):
        world.make_link(name)
    world.show("a")
    world.write_list([line("t0", "p0")])
    world.start()
    feed = world.feed()
    check(feed.ask("endpoint-add", **line("t1", "p1"))["ok"], "added")
    world.until_attached({"t0": "t/p0", "t1": "t/p1"})
    second = subprocess.run([world.loader, "run", "--watch", str(world.watch), "--root", PINS, "--state", str(world.state)], capture_output=True, text=True, timeout=20)
    check(second.returncode == 2 and "a daemon runs for" in second.stderr, "one daemon a root: " + second.stderr)
    for how in (signal.SIGTERM, signal.SIGKILL):
        before = world.in_force()
        programs = json.loads(world.call("status", "-o", "json").stdout)["attachments"]
        world.stop(how)
        if how == signal.SIGTERM:
            world.service.until("STOPPING=1")
        check(world.in_force() == before, "what is in force stays in force")
        world.start()
        check(json.loads(world.call("status", "-o", "json").stdout)["attachments"] == programs, "and is adopted as it is")
        check(world.figures()["loads"] == 0, "nothing was loaded for it")
        check(world.said("adopted"), "which is said")
    # what changed in between
    world.stop(signal.SIGKILL)
    world.delete_link("t1")
    world.make_link("t1")
    world.write_list([line("t2", "p2")])
    world.start()
    world.until_attached({"t2": "t/p2"})
    world.until(lambda: world.figures()["fromFeed"] == 0, "the feed's interface is another now")
    world.service.forget()
    world.daemon.send_signal(signal.SIGHUP)
    world.service.until("RELOADING=1")
    world.service.until("READY=1")
    world.service.until("WATCHDOG=1")


def test_other_options_are_loaded(world):
    world.make_link("t0")
    world.show("a")
    world.write_list([line("t0", "p0")])
    world.start()
    world.until_attached({"t0": "t/p0"})
    world.stop()
    world.start("--report-allowed")
    world.until_attached({"t0": "t/p0"})
    world.until(lambda: world.figures()["loads"] == 1, "loaded anew with other options")
    world.stop()
    world.start("--report-allowed")
    check(world.figures()["loads"] == 0, "and not again with the same ones")


def test_a_program_that_is_taken_away_comes_back(world):
    world.make_link("t0")
    world.show("a")
    world.write_list([line("t0", "p0")])
    world.start()
    world.until_attached({"t0": "t/p0"})
    inode = os.stat("/proc/self/ns/net").st_ino
    os.unlink("%s/links/%d_%d_from" % (PINS, inode, world.index("t0")))
    world.until(lambda: set(world.in_force()) == {"t0"}, "the program is back by itself")
    world.until(lambda: world.said("repaired"), "which is said")


# ---- any order ------------------------------------------------------------------------------------


class Model:
    """What ought to be in force."""

    def __init__(self):
        self.links, self.listed, self.fed = {}, {}, {}

    def expected(self):
        out = {n: (pod, self.links[n]) for n, (pod, index) in self.fed.items() if self.links.get(n) == index}
        for name, pod in self.listed.items():
            out.pop(name, None)
            if name in self.links:
                out[name] = (pod, self.links[name])
        return out


def random_event(world, feed, model, chance):
    """One event; what it was, and when the daemon had answered if it does."""
    name, pod = chance.choice(NAMES), chance.choice(PODS)
    what = chance.choice(["make", "make", "make", "delete", "anew", "list", "list", "feed", "feed", "unfeed"])
    if what == "make" and name not in model.links:
        model.links[name] = world.make_link(name)
    elif what in ("delete", "anew") and name in model.links:
        world.delete_link(name)
        del model.links[name]
        model.fed.pop(name, None)
        if what == "anew":
            model.links[name] = world.make_link(name)
    elif what == "list":
        if chance.random() < 0.4:
            model.listed.pop(name, None)
        else:
            model.listed[name] = pod
        world.write_list([line(n, p) for n, p in model.listed.items()])
    elif what == "feed":
        answer = feed.ask("endpoint-add", **line(name, pod))
        if answer["ok"]:
            model.fed[name] = (pod, model.links[name])
        else:
            check(answer["code"] in ("NOT_FOUND", "REFUSED"), str(answer))
    elif what == "unfeed":
        if name in model.fed and chance.random() < 0.8:
            feed.ask("endpoint-remove", ifname=name)
            del model.fed[name]


def test_events_in_any_order_against_a_model(world, events=250):
    seed = int(os.environ.get("SEED", time.time_ns() % 100000))
    chance = random.Random(seed)
    world.show("a")
    world.start()
    world.until(lambda: world.bundle() == world.digest("a"), "loaded")
    feed, model, late = world.feed(), Model(), []
    shown = "a"

    def matches():
        return {n: (a["endpoint"][2:], a["ifindex"]) for n, a in world.attachments().items()} == model.expected()

    def explain():
        return "seed %d: %s, expected %s" % (seed, {n: (a["endpoint"], a["ifindex"], a.get("origin")) for n, a in world.attachments().items()}, model.expected())

    for n in range(events):
        burst = chance.random() < 0.6
        begun = time.monotonic()
        random_event(world, feed, model, chance)
        if chance.random() < 0.004 or n == events // 2:
            shown = chance.choice("abc".replace(shown, ""))
            world.show(shown)
            continue
        if n == events * 2 // 3:
            world.stop(signal.SIGKILL)
            world.start()
            feed = world.feed()
            continue
        if burst:
            if chance.random() < 0.3:
                time.sleep(chance.random() * 0.03)
            continue
        if n % 2:
            world.until(matches, explain)  # whatever came in a burst before
            continue
        if not matches():
            world.until(matches, explain)
            late.append(time.monotonic() - begun)
    world.until(matches, explain)
    world.until(lambda: world.bundle() == world.digest(shown), "the bundle that is shown is in force")
    check({n: e[2:] for n, (e, _) in world.in_force().items()} == {n: p for n, (p, _) in model.expected().items()}, "the kernel has other links: %s, expected %s" % (world.in_force(), model.expected()))
    check(not world.said("endpoint-failed") or all(any(w in s["reason"] for w in ("gone", "interface", "No such device")) for s in world.said("endpoint-failed")), "failures: %s" % world.said("endpoint-failed")[:3])
    figures = world.figures()
    counts = figures["latency"]["counts"]
    total, within = sum(counts), sum(counts[:5])
    late.sort()
    check(late, "no event was timed")
    median, most = late[len(late) // 2], late[int(len(late) * 0.99)]
    # 100 ms are promised on a machine that has nothing else to do; this one may, in the short form.
    check((median < 0.1 and most < 0.5) if os.environ.get("LONG") else (median < 0.5 and most < 5), "seed %d: from event to in force: median %.0f ms, 99%% %.0f ms" % (seed, 1000 * median, 1000 * most))
    return "%d events, seed %d; from event to in force: median %.0f ms, 99%% %.0f ms; %d of %d steps of the daemon within 100 ms" % (
        events, seed, 1000 * median, 1000 * most, within, total)


TESTS = [test_a_copy_under_way_is_no_error, test_several_bundles_need_one_that_is_wanted, test_a_refused_bundle_is_tried_once, test_a_rollback_is_not_undone,
         test_what_is_done_by_hand_meanwhile_counts, test_a_load_cures_what_cannot_be_put_right, test_nobody_comes_while_what_is_wanted_cannot_be_loaded,
         test_a_device_may_come_later, test_what_nobody_confirmed_stays_away,
         test_a_list_with_a_slip_changes_nothing, test_interfaces_come_go_and_come_again, test_the_feed_answers, test_the_feed_bears_garbage,
         test_nothing_is_lost_with_the_daemon, test_other_options_are_loaded, test_a_program_that_is_taken_away_comes_back, test_events_in_any_order_against_a_model]


def main(binaries):
    wanted, failed, ran = os.environ.get("ONLY", ""), 0, 0
    topology.prepare()
    with tempfile.TemporaryDirectory(prefix="netpolc-daemon-") as home:
        world = DaemonWorld(binaries, pathlib.Path(home))
        for test in TESTS:
            if wanted not in test.__name__:
                continue
            ran += 1
            name = test.__name__[5:].replace("_", " ")
            start = time.monotonic()
            try:
                world.reset()
                said = test(world, 5000) if test is test_events_in_any_order_against_a_model and os.environ.get("LONG") else test(world)
                print("ok    %s%s  %.1f s" % (name, ": " + said if said else "", time.monotonic() - start), flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as error:
                failed += 1
                print("FAIL  %s: %r" % (name, error), flush=True)
                if world.log.exists():
                    print(world.log.read_text()[-3000:], flush=True)
        world.reset()
        check(not os.path.exists(PINS + "/links"), "nothing is left of it")
    print("daemon: %d tests, %d failed" % (ran, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        os.environ["LONG"] = "1"
    run_alone(main, __file__)
