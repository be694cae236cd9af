"""What status, endpoint, policy and metrics say of what is in force: tests of kernel_test.py."""
import importlib.util
import json
import subprocess
import sys

from kernel_world import NODES, check, run

# Debian's Python has the parser (python3-prometheus-client), whichever runs this.
PARSE = """
import sys
from prometheus_client.parser import text_string_to_metric_families
seen = set()
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        key = (sample.name, tuple(sorted(sample.labels.items())))
        assert key not in seen, key
        seen.add(key)
        print(sample.name, *("%s=%s" % pair for pair in sorted(sample.labels.items())), sample.value, sep="\\t")
"""


def metrics(world):
    """{(name, label=value, …): value}"""
    text = world.call("metrics").stdout
    python = sys.executable if importlib.util.find_spec("prometheus_client") else "/usr/bin/python3"
    done = subprocess.run([python, "-c", PARSE], input=text, capture_output=True, text=True)
    check(done.returncode == 0, "no metrics: %s\n%s" % (done.stderr, text))
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {tuple(line[:-1]): float(line[-1]) for line in lines}


def words(world, expect, *more):
    done = world.call("status", "--brief", *more)
    check(done.returncode == expect, "status ended with %d: %s" % (done.returncode, done.stdout))
    return {line[:13].strip(): line[13:].split()[0] for line in done.stdout.splitlines()}


def state_of(world):
    return {e["ifname"]: e["status"] for e in json.loads(world.call("endpoint", "list", "-o", "json").stdout)}


WELL = {"netpolc": "ok", "daemon": "off", "endpoints": "ok", "maps": "ok", "programs": "ok", "flows": "ok", "drops": "ok", "last change": "ok"}


def test_status_says_in_words_what_is_not_well(world, mode):
    check(words(world, 1)["netpolc"] == "off", "nothing is loaded")
    check(metrics(world)[("netpolc_installed",)] == 0, "metrics know that nothing is loaded")
    world.load(world.a, *mode)
    check(words(world, 0, "--wait=2") == WELL, "all is well")
    world.reaches("client", 8080)
    world.reaches("client", 80)
    rules = world.call("policy", "get", "lxc-server").stdout
    check(rules.startswith("program ") and rules.count("\nprogram ") == 0 and "all.yaml:" in rules and "allow from" in rules, "policy get: " + rules)
    every = json.loads(world.call("policy", "get", "-o", "json").stdout)["programs"]
    check(every == world.status()["programs"], "policy get and status say the same")
    check(world.call("policy", "get", "t/nobody").returncode == 2, "who isn't there has no policy")
    seen = metrics(world)
    check(seen[("netpolc_endpoints", "state=enforced")] == 3 and seen[("netpolc_drop_packets_total", "code=133", "reason=Policy denied")] > 0, str(seen))
    check(any(key[0] == "netpolc_rule_packets_total" and "policy_rule=ingress[0]" in key and value > 0 for key, value in seen.items()), str(seen))
    run("ip", "-n", "node-1", "link", "del", "lxc-stranger")
    found = words(world, 1)
    check(found == dict(WELL, endpoints="fail"), "an interface is gone: %s" % found)
    check("t/stranger at lxc-stranger is gone: the interface is gone" in world.call("status").stdout, "status says who is gone")
    check(state_of(world)["lxc-stranger"] == "not-loaded", "endpoint list says who is gone")
    check(words(world, 1, "--wait=1s")["endpoints"] == "fail", "waiting ends")
    world.pods["stranger"].destroy()
    world.pods["stranger"].create(NODES)
    world.load(world.b, *mode)
    found = words(world, 0)
    check(found == WELL, "all is well again: %s" % found)
    check("with another policy" in world.call("status").stdout, "the last change is shown")
    done = world.call("rollback")
    check(done.returncode == 0 and world.status()["generation"]["previous"]["bundle"] == json.loads((world.b / "bundle.json").read_text())["digest"], done.stderr)
    check(words(world, 0) == dict(WELL, **{"last change": "warn"}), "who was rolled back is said")
    world.enforced()


def test_endpoints_come_and_go_and_are_seen(world, mode):
    world.load(world.a, *mode, pods=("client",))
    check(words(world, 0) == dict(WELL, endpoints="warn"), "a pod of this node has a policy and no program")
    listed = {e["endpoint"]: (e["status"], e["ifname"]) for e in json.loads(world.call("endpoint", "list", "-o", "json").stdout)}
    check(listed == {"t/client": ("ready", "lxc-client"), "t/server": ("not-loaded", None), "t/stranger": ("open", None)}, str(listed))
    done = world.call("endpoint", "add", "t/server=lxc-server", "t/stranger=lxc-nothing")
    check(done.returncode == 1 and "t/server at lxc-server: enforced\n" in done.stdout and "t/stranger at lxc-nothing: failed: " in done.stdout, done.stdout + done.stderr)
    done = world.call("endpoint", "add", "t/newcomer=lxc-stranger", "-o", "json")
    check(done.stdout, "endpoint add: " + done.stderr)
    said = json.loads(done.stdout)
    check(done.returncode == 1 and said["state"] == "blocked" and said["reason"], done.stdout + done.stderr)
    check(state_of(world)["lxc-stranger"] == "blocked", "endpoint list says who is blocked")
    check(not world.reaches("stranger", 8080), "nothing passes")
    check(words(world, 0)["drops"] == "warn", "what is blocked is seen among the drops")
    done = world.call("endpoint", "remove", "t/newcomer", "=lxc-nothing", "-o", "json")
    check([json.loads(line)["removed"] for line in done.stdout.splitlines()] == [1, 0], done.stdout + done.stderr)
    done = world.call("endpoint", "add", "-", stdin='{"endpoint":"t/stranger","ifname":"lxc-stranger"}\n')
    check(done.returncode == 0, done.stdout + done.stderr)
    world.enforced()
    table = world.call("endpoint", "list").stdout.splitlines()
    check(table[0].startswith("ENDPOINT") and table[1].split() == ["ENFORCEMENT", "ENFORCEMENT"] and "INTERFACE" in table[0], table[0])
    one = world.call("endpoint", "get", "t/server", "--no-headers", "-o", "wide").stdout
    check(one.startswith("t/server ") and " ready " in one and " Pod t/server " in one, one)
