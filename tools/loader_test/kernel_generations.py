"""Loads that somebody has to confirm, and going back: tests of kernel_test.py."""
import json
import os
import pathlib
import signal
import time

from kernel_world import NODES, check, run


def digest(bundle):
    return json.loads((bundle / "bundle.json").read_text())["digest"]


def in_force(world):
    """The digest of the bundle; "": nothing is loaded."""
    status = json.loads(world.call("status", "-o", "json").stdout)
    return status["bundle"]["digest"] if status.get("installed") else ""


def until_in_force(world, wanted, text):
    end = time.monotonic() + 20
    while in_force(world) != wanted:
        check(time.monotonic() < end, text)
        time.sleep(0.05)


def watchers():
    """Processes that wait for somebody to confirm."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if b"--confirm" in pathlib.Path("/proc/%s/cmdline" % pid).read_bytes():
                found.append(int(pid))
        except OSError:
            pass  # it has ended
    return found


def test_what_nobody_confirms_goes_back_by_itself(world, mode):
    world.load(world.a, "--confirm", "1s", *mode)
    until_in_force(world, "", "the first load goes back to nothing")
    world.open()
    world.load(world.a, *mode)
    world.load(world.b, "--confirm", "1s", *mode)
    check(in_force(world) == digest(world.b), "it is in force at first")
    until_in_force(world, digest(world.a), "and then the former one is")
    world.enforced()
    late = world.call("commit")
    check(late.returncode == 2 and "nothing waits to be confirmed" in late.stderr, late.stderr)
    world.load(world.b, "--confirm", "1s", *mode)
    check(world.call("commit").returncode == 0, "confirmed")
    time.sleep(1.5)
    check(in_force(world) == digest(world.b), "what is confirmed stays")


def test_the_next_command_goes_back_where_who_waits_was_killed(world, mode):
    world.load(world.a, *mode)
    for command in (("recover",), ("endpoint", "add", "t/stranger=lxc-stranger"), ("commit",)):
        world.load(world.b, "--confirm", "1s", *mode)
        waiting = watchers()
        check(len(waiting) == 1, "%d processes wait" % len(waiting))
        os.kill(waiting[0], signal.SIGKILL)
        time.sleep(1.2)
        check(in_force(world) == digest(world.b), "nobody is there to go back")
        done = world.call(*command)
        check(done.returncode == (2 if command == ("commit",) else 0), "%s: %s" % (command[0], done.stderr))
        check(in_force(world) == digest(world.a), "%s goes back first" % command[0])
        world.enforced()


def test_going_back_bears_a_pod_that_is_gone(world, mode):
    """And one that was made anew."""
    def lose(name):
        run("ip", "-n", "node-1", "link", "del", "lxc-" + name)
        world.pods[name].destroy()

    def is_enforced():
        check(world.reaches("client", 8080) and not world.reaches("client", 80), "the others have the former policy")

    world.load(world.a, *mode)
    world.load(world.b, "--confirm", "1s", *mode)
    lose("stranger")
    until_in_force(world, digest(world.a), "a pod that has gone keeps nobody from going back")
    is_enforced()
    world.pods["stranger"].create(NODES)
    world.load(world.b, *mode)
    lose("stranger")
    done = world.call("rollback", "-o", "json")
    check(done.returncode == 0, "rollback: " + done.stderr)
    said = json.loads(done.stdout)
    check(said["endpoints"] == 2 and len(said["gone"]) == 1 and "lxc-stranger" in said["gone"][0], done.stdout)
    is_enforced()
    world.pods["stranger"].create(NODES)
    world.load(world.b, *mode)
    lose("stranger")
    world.pods["stranger"].create(NODES)
    done = world.call("rollback")
    check(done.returncode == 0, "rollback: " + done.stderr)
    check(in_force(world) == digest(world.a), "the former one is in force")
    world.enforced()
