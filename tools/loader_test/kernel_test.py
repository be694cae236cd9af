"""netpol-loader against a real kernel: pods are network namespaces that this test makes itself.

usage: kernel_test.py BINARY_DIRECTORY

Exit status 77 where the kernel can't be used (1 with CI=true). Runs itself in private network,
mount and process namespaces, so that nothing is left behind, however it ends.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
from kernel_edges import test_neighbour_discovery_carries_nothing_away, test_neighbours_of_a_bridge_find_each_other, test_prefixes_that_name_the_own_node, test_whatever_address_this_machine_has_is_the_hosts  # noqa: E402
from kernel_generations import test_going_back_bears_a_pod_that_is_gone, test_the_next_command_goes_back_where_who_waits_was_killed, test_what_nobody_confirms_goes_back_by_itself  # noqa: E402
from kernel_proofs import test_only_what_was_proved_is_loaded  # noqa: E402
from kernel_status import test_endpoints_come_and_go_and_are_seen, test_status_says_in_words_what_is_not_well  # noqa: E402
from kernel_world import (  # noqa: E402
    attach, NODES, OTHER, PINS, check, Ends, Failed, Flood, in_netns, inside, run, run_alone, topology, World)


def test_enforces_and_counts(world, mode):
    world.load(world.a, *mode)
    world.enforced()
    status = world.status()
    rules = [r for p in status["programs"] if p["endpoints"] == ["t/server"] for r in p["rules"]]
    allowed = [r for r in rules if r["direction"] == "ingress" and r["packets"] and r["origins"] and r["origins"][0]["rule"] == "ingress[0]"]
    denied = [r for r in rules if r["packets"] and r["origins"] and r["origins"][0]["rule"] == "ingressDeny[0]"]
    check(allowed and allowed[0]["origins"][0]["file"].endswith("all.yaml") and allowed[0]["origins"][0]["line"] > 1, "counters name the allowing rule: %s" % rules)
    check(denied, "counters name the denying rule")
    reasons = {d["reason"]: d["packets"] for d in status["drops"]}
    check(reasons.get(133) and reasons.get(181), "drops are counted by reason: %s" % reasons)
    text = world.call("status", "--verbose").stdout
    check("in force" in text and "all.yaml:" in text and "Policy denied" in text, "status in words:\n" + text)


def test_monitor_explains(world, mode):
    world.load(world.a, *mode)
    command = inside("node-1", world.loader, "monitor", "-o", "json", "--count", "1", "--timeout", "20", "--root", PINS, "--state", str(world.home / "state"))
    monitor = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    second = world.call("monitor", "--count", "1", "--timeout", "5")
    check(second.returncode == 2 and re.search(r"another monitor \(process \d+\) is reading", second.stderr), "two monitors can't read one ring: " + second.stderr)
    world.reaches("stranger", 8080)
    event = json.loads(monitor.communicate(timeout=30)[0].splitlines()[0])
    check(event["verdict"] == "drop" and event["reason"] == 181 and event["endpoint"] == "t/server", str(event))
    check(event["destinationPort"] == 8080 and event["source"] == "10.244.1.12" and "k8s:app=stranger" in event["remote"]["labels"], str(event))
    check(event["rule"]["origins"][0]["rule"] == "ingressDeny[0]", str(event))
    world.reaches("client", 80)
    text = world.call("monitor", "--count", "1", "--timeout", "10").stdout
    check(re.search(r"^\w{3} [ \d]\d \d\d:\d\d:\d\d\.\d{3}: t/client:\d+ \(ID:\d+\) <> t/server:80 \(ID:\d+\) policy-verdict:none INGRESS DENIED \(TCP Flags: SYN\)\n"
                    r" {14}default deny: not allowed by CiliumNetworkPolicy t/server   \S*all\.yaml:\d+\n$", text), text)


def test_missing_interface_changes_nothing(world, mode):
    failed = world.load(world.a, "--attach", "t/client=nosuch0", *mode, expect=2)
    check("nosuch0" in failed.stderr, failed.stderr)
    check(not os.path.exists(PINS + "/links") and not (world.home / "state").exists(), "nothing is left of a load that failed")
    world.open()
    world.load(world.a, *mode)
    before = world.programs()
    world.load(world.b, "--attach", "t/client=nosuch0", *mode, expect=2)
    check(world.programs() == before and world.status()["bundle"]["digest"] == digest_of(world.a), "the former programs are in place")
    world.enforced()


def test_taken_back_in_the_middle(world, mode):
    """The last of six attachments fails: the five before it are taken back."""
    obstacle = None
    try:
        world.load(world.a, *mode, pods=("client", "server"))
        before = world.programs()
        index = int(run("ip", "-n", "node-1", "-o", "link", "show", "lxc-stranger").stdout.split(":")[0])
        inode = os.stat("/run/netns/node-1").st_ino
        obstacle = "%s/links/%d_%d_to" % (PINS, inode, index)
        os.mkdir(obstacle)
        failed = world.load(world.b, *mode, expect=4)
        check("stranger" in failed.stderr, failed.stderr)
        check(world.programs() == before, "programs were taken back: %s, before %s" % (world.programs(), before))
        os.rmdir(obstacle)
        check(len(os.listdir(PINS + "/links")) == 4, "no link of the failed load stays")
        check(world.status()["bundle"]["digest"] == digest_of(world.a), "the former bundle is the loaded one")
        check(world.reaches("client", 8080) and not world.reaches("client", 80), "and its policy in force")
    finally:
        if obstacle and os.path.isdir(obstacle):
            os.rmdir(obstacle)


def test_replaces_without_a_gap(world, mode):
    world.load(world.a, *mode)
    ends = {}

    def listen():
        ends["listener"] = socket.create_server((world.extra, 8081))

    def connect():
        ends["client"] = socket.create_connection((world.extra, 8081), 2)
    in_netns(world.pods["server"].netns, listen).join()
    in_netns(world.pods["client"].netns, connect).join()
    ends["server"] = ends["listener"].accept()[0]
    world.reaches("client", 8080, "UDP")
    flood = Flood(world)
    for bundle in [world.b, world.a] * 8:
        world.load(bundle, *mode)
    sent = flood.end()
    for one, other in (("client", "server"), ("server", "client")):
        ends[one].sendall(b"still here")
        ends[other].settimeout(2)
        check(ends[other].recv(64) == b"still here", "a connection outlives 16 loads")
    for end in ends.values():
        end.close()
    world.enforced()
    return "%d datagrams each over 16 loads" % sent


def test_counters_outlive_a_load(world, mode):
    world.load(world.a, *mode)
    world.enforced()

    def count():
        return [r["packets"] for p in world.status()["programs"] if p["endpoints"] == ["t/server"] for r in p["rules"]]
    before = count()
    check(sum(before) > 0, "something was counted")
    world.load(world.a, *mode)
    after = count()
    check(all(b <= a for b, a in zip(before, after)) and len(before) == len(after), "%s then %s" % (before, after))


def test_interface_gone_and_back(world, mode):
    world.load(world.a, *mode)
    run("ip", "-n", "node-1", "link", "del", "lxc-stranger")
    problem = [a for a in world.status(expect=1)["attachments"] if not a["inForce"]]
    check(len(problem) == 1 and "gone" in problem[0]["problem"], str(problem))
    world.pods["stranger"].destroy()
    world.pods["stranger"].create(NODES)
    problem = [a for a in world.status(expect=1)["attachments"] if not a["inForce"]]
    check(len(problem) == 1 and "anew" in problem[0]["problem"], str(problem))
    world.load(world.a, *mode)
    world.status()
    world.enforced()


def test_addresses_told_at_run_time(world, mode):
    world.load(world.a, *mode)
    client = world.pods["client"]
    check(world.call("address", "add", client.ipv4, "--endpoint", "t/stranger").returncode == 0, "address add")
    check(not world.reaches("client", 8080), "the client's address is a stranger's")
    world.load(world.a, *mode)
    check(not world.reaches("client", 8080), "that outlives a load of the same bundle")
    world.load(world.b, *mode)
    check(world.reaches("client", 8080), "a newer bundle knows better")
    check(world.call("address", "remove", client.ipv4).returncode == 0, "address remove")
    check(client.ipv4 not in world.call("address", "list").stdout, "removed from the table")
    check(not world.reaches("client", 8080), "nobody's address is the world's")
    check(world.call("address", "add", client.ipv4, "--endpoint", "t/nobody").returncode == 2, "no such endpoint")
    check(world.call("address", "add", "10.1.1.300", "--endpoint", "t/client").returncode == 2, "no such address")
    # a bundle without the endpoint
    other = OTHER[0][0]
    check(world.call("address", "add", "10.244.1.99", "--endpoint", "t/" + other).returncode == 0, "address add of a pod elsewhere")
    said = world.load(world.a, *mode).stderr
    check("10.244.1.99/32: the bundle has no endpoint t/" + other in said, "what is forgotten is said: " + said)
    check("forgotten" in world.load(world.b, "-o", "json", *mode).stdout, "in JSON too")
    # what an attachment says of its pod goes before what the bundle says
    moved = world.home / "moved.jsonl"
    moved.write_text(json.dumps({"endpoint": "t/client", "ifname": "lxc-client", "ipv4": "10.244.1.77"}) + "\n")
    world.load(world.b, "--attach-file", str(moved), *mode, pods=("server",))
    table = {a["prefix"]: a["identity"] for a in json.loads(world.call("address", "list", "-o", "json").stdout)}
    check("10.244.1.10/32" not in table and table["10.244.1.77/32"] == table["fd00:244:1::10/128"], str(table))
    check(table["192.168.51.2/32"] == 1, "the local node is identity 1")


def test_audited_denials_pass(world, mode):
    """Audit mode lets pass what policy denies, says so, and opens no door that stays open."""
    world.load(world.a, "--audit", "t/server", *mode)
    check("in force, audit only" in world.call("status", "-v").stdout, "status says who is audited")
    check(world.reaches("client", 8080), "allowed as ever")
    check(world.reaches("client", 80), "no rule allows it, but it passes")
    check(world.reaches("stranger", 8080), "a rule denies it, but it passes")
    lines = [json.loads(line) for line in world.call("monitor", "-o", "json", "--timeout", "1").stdout.splitlines()]
    check(lines and {line["verdict"] for line in lines} == {"audit"}, str(lines))
    check({line["reason"] for line in lines} == {133, 181}, "reported as what they would have been dropped for")
    found = json.loads(world.call("status", "-o", "json").stdout)
    check(found["audited"] >= 2 and found["drops"] == [], "counted, and not as drops")
    world.load(world.a, *mode)
    check(not world.reaches("client", 80), "enforced again")
    check(world.call("load", str(world.a), "--attach", "t/server=lxc-server", "--audit", "t/other", "--node", "node-1").returncode == 2, "nobody of that name")


def test_flows_are_shown_and_live_as_long_as_asked(world, mode):
    world.load(world.a, "--ct-timeout-regular-any", "1", "--ct-timeout-regular-tcp-fin", "1", "--ct-timeout-regular-tcp-syn", "1", *mode)
    before = json.loads(world.call("status", "-o", "json").stdout)["flows"]
    check(world.reaches("client", 8080, "UDP"), "UDP")
    flows = json.loads(world.call("status", "-o", "json").stdout)["flows"]
    check(flows["opened"] > before["opened"] and flows["alive"] >= 1, str(flows))
    check(flows["evicted"] == 0 and flows["refused"] == 0, "there is room")
    time.sleep(4)
    flows = json.loads(world.call("status", "-o", "json").stdout)["flows"]
    check(flows["alive"] == 0, "forgotten after the seconds that were asked for: " + str(flows))


def test_pods_without_policy_can_be_left_alone(world, mode):
    report = json.loads(world.load(world.a, "--skip-unenforced", "-o", "json", *mode).stdout)
    check([a["endpoint"] for a in report["attachments"]] == ["t/server"] and report["skipped"] == 2, str(report))
    world.enforced()
    check(world.status()["inForce"], "status misses nobody")
    world.load(world.a, *mode)
    check(len(world.programs()) == 3, "all again")
    world.load(world.a, "--skip-unenforced", *mode)
    check(len(world.programs()) == 1, "taken off again")


def test_state_without_pins_is_not_believed(world, mode):
    """As after a reboot that kept /run: bpffs is empty, the state is of former days."""
    world.load(world.a, *mode)
    check(world.call("address", "add", world.pods["client"].ipv4, "--endpoint", "t/stranger").returncode == 0, "address add")
    run("umount", "/sys/fs/bpf")
    run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    check(world.status(expect=1) == {"root": PINS, "installed": False}, "nothing is loaded")
    check(world.call("address", "list").returncode == 2 and world.call("monitor").returncode == 2, "nothing to show")
    # less than before: what stays of clsact filters must go too
    world.load(world.a, *mode, pods=("server",))
    check(world.reaches("client", 8080), "what was told of addresses is forgotten")
    check(not world.reaches("client", 80), "the policy is in force")
    world.load(world.a, *mode)
    world.enforced()


def test_killed_loaders_leave_nothing_unfiltered(world, mode):
    world.load(world.a, *mode)
    world.reaches("client", 8080, "UDP")
    flood = Flood(world)
    for n in range(12):
        command = inside("node-1", world.loader, "load", str(world.b if n % 2 == 0 else world.a), *attach(world.pods), "--node", "node-1", *mode, "--root", PINS, "--state", str(world.home / "state"))
        victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.008 * n)
        victim.kill()
        victim.wait()
    flood.end()
    world.load(world.a, *mode)
    world.enforced()


def test_interrupted_loaders_take_back(world, mode):
    world.load(world.a, *mode)
    codes = []
    for n in range(16):
        former, former_programs = world.status()["bundle"]["digest"], world.programs()
        bundle = world.b if former == digest_of(world.a) else world.a
        command = inside("node-1", world.loader, "load", str(bundle), *attach(world.pods), "--node", "node-1", *mode, "--root", PINS, "--state", str(world.home / "state"))
        victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.004 * n)
        victim.send_signal(signal.SIGINT)
        said = victim.communicate()[1]
        codes.append(victim.returncode)
        check(victim.returncode in (0, 130, -signal.SIGINT), "ended with %d: %s" % (victim.returncode, said))
        if victim.returncode == 0:
            check(world.status()["bundle"]["digest"] == digest_of(bundle), "loaded is loaded")
        else:
            check(world.status()["bundle"]["digest"] == former and world.programs() == former_programs, "what was interrupted was taken back")
    world.enforced()
    return "exit codes %s" % sorted(set(codes))


def test_damaged_bundle_is_refused(world, mode):
    copy = world.home / "damaged"
    run("cp", "-r", str(world.a), str(copy))
    victim = next((copy / "programs").glob("*.o"))
    victim.write_bytes(victim.read_bytes()[:-1] + b"\x7f")
    failed = world.load(copy, *mode, expect=2)
    check(victim.name in failed.stderr and "SHA-256" in failed.stderr, failed.stderr)
    run("rm", "-r", str(copy))


def with_object(world, name, content, source=None):
    """A copy of bundle a in which the server's program is another, with right checksums."""
    copy = world.home / name
    run("cp", "-r", str(world.a), str(copy))
    manifest = (copy / "bundle.json").read_text()
    program = next(p for p in json.loads(manifest)["programs"] if p["endpoints"] == ["t/server"])
    for path, new in ((program["object"], content), (program["source"], source)):
        if new is not None:
            manifest = manifest.replace(hashlib.sha256((copy / path).read_bytes()).hexdigest(), hashlib.sha256(new).hexdigest())
            (copy / path).write_bytes(new)
    former = json.loads(manifest)["digest"]
    blank = manifest.replace(former, "", 1)
    (copy / "bundle.json").write_text(manifest.replace(former, hashlib.sha256(blank.encode()).hexdigest(), 1))
    return copy


def test_nonsense_is_no_program(world, mode):
    world.load(world.a, *mode)
    before = world.programs()
    failed = world.load(with_object(world, "nonsense", b"not an object"), *mode, expect=2)
    check("no usable BPF object" in failed.stderr, failed.stderr)
    check(world.programs() == before, "the former programs are in place")


def test_refused_program_names_the_policy(world, mode):
    """The verifier's complaint comes with the line of C and the line of YAML behind it."""
    clang = shutil.which("clang-19")
    if clang is None:
        return "not tried: no clang-19"
    world.load(world.a, *mode)
    before = world.programs()
    program = next(p for p in json.loads((world.a / "bundle.json").read_text())["programs"] if p["endpoints"] == ["t/server"])
    text = (world.a / program["source"]).read_text()
    source = re.sub(r"return (np_allow\(|NP_ALLOW\()\d+\);", r"return \1*(volatile np_u32 *)(long)flow->port);", text, count=1)
    check(source != text, "found no line of C that allows:\n" + text)
    work = world.home / "refused.work"
    run("cp", "-r", str(world.a / "programs"), str(work))
    name = pathlib.Path(program["source"]).name
    (work / name).write_text(source)
    run("sh", "-c", "cd %s && %s -target bpf -mcpu=v3 -O2 -g -I include -include np_runtime.bpf.c -c %s -o out.o" % (work, clang, name))
    failed = world.load(with_object(world, "refused", (work / "out.o").read_bytes(), source.encode()), *mode, expect=4)
    check("np_to_pod" in failed.stderr and "flow->port);" in failed.stderr, failed.stderr)
    check("policy: " in failed.stderr and "all.yaml:" in failed.stderr and "CiliumNetworkPolicy t/server, ingress[0]" in failed.stderr, failed.stderr)
    check(world.programs() == before, "the former programs are in place")


def test_the_flood_notices_a_gap(world, mode):
    """Unloading in between is a gap: what the other tests rely on would say so."""
    world.load(world.a, *mode)
    world.reaches("client", 8080, "UDP")
    flood = Flood(world)
    time.sleep(0.5)
    world.unload()
    time.sleep(0.2)
    world.load(world.a, *mode)
    time.sleep(0.5)
    try:
        flood.end()
    except Failed as seen:
        check("that no generation allows" in str(seen), str(seen))
        return
    raise Failed("nobody noticed")


def test_devices_without_ethernet_are_refused(world, _):
    run("ip", "-n", "node-1", "tuntap", "add", "name", "tun7", "mode", "tun")
    try:
        failed = world.load(world.a, "--attach", "t/client=tun7", pods=("server",), expect=2)
        check("t/client: interface `tun7` has no Ethernet frames" in failed.stderr, failed.stderr)
        world.open()
    finally:
        run("ip", "-n", "node-1", "link", "del", "tun7")


def test_renamed_interfaces_are_found(world, mode):
    def rename(former, now):
        for words in (["dev", former, "down"], ["dev", former, "name", now], ["dev", now, "up"]):
            run("ip", "-n", "node-1", "link", "set", *words)
    world.load(world.a, *mode)
    rename("lxc-stranger", "lxc-renamed")
    try:
        check(world.status()["inForce"], "the programs stay with the interface")
        world.unload()
        for side in ("ingress", "egress"):
            filters = run("tc", "-n", "node-1", "filter", "show", "dev", "lxc-renamed", side, check=False).stdout
            check(filters == "", "a filter stays: " + filters)
    finally:
        rename("lxc-renamed", "lxc-stranger")
        world.pods["stranger"].destroy()
        world.pods["stranger"].create(NODES)


def test_numbers_are_those_of_their_bundle(world, mode):
    """Another bundle numbers identities otherwise: an address stays who it was said to be."""
    def number_of(name):
        known = json.loads(world.call("identity", "list", "-o", "json").stdout)
        return next(i["id"] for i in known if "k8s:app=" + name in i["labels"])

    def who_has(address):
        table = {a["prefix"]: a["identity"] for a in json.loads(world.call("address", "list", "-o", "json").stdout)}
        return table.get(address + "/32")
    world.load(world.a, *mode)
    former = number_of("client")
    check(world.call("address", "add", "10.244.1.55", "--identity", str(former)).returncode == 0, "address add")
    unknown = world.call("address", "add", "10.244.1.56", "--identity", "65535")
    check(unknown.returncode == 2 and "identity 65535 is nobody's" in unknown.stderr, "a number that nobody has: " + unknown.stderr)
    check(world.call("address", "add", "10.244.1.57", "--identity", "6").returncode == 0, "a reserved number")
    world.load(world.b, *mode)
    check(number_of("client") != former, "the bundles number alike: this test sees nothing")
    check(who_has("10.244.1.55") == number_of("client"), "10.244.1.55 was said to be a client's, and is %s" % who_has("10.244.1.55"))
    check(who_has("10.244.1.57") == 6, "reserved numbers stay")


def test_taken_back_without_more_than_is_needed(world, mode):
    """The former programs are found by their pins, so putting them back takes no CAP_SYS_ADMIN."""
    if shutil.which("setpriv") is None:
        return "not tried: no setpriv"
    world.load(world.a, *mode, pods=("client",))
    index = int(run("ip", "-n", "node-1", "-o", "link", "show", "lxc-server").stdout.split(":")[0])
    obstacle = "%s/links/%d_%d_to" % (PINS, os.stat("/run/netns/node-1").st_ino, index)
    os.mkdir(obstacle)
    try:
        failed = subprocess.run(inside("node-1", "setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", world.loader, "load", str(world.b), *attach(["client", "server"]), "--node", "node-1",
                                       "--root", PINS, "--state", str(world.home / "state")), capture_output=True, text=True)
    finally:
        os.rmdir(obstacle)
    check(failed.returncode == 4, "load ended with %d: %s" % (failed.returncode, failed.stderr))
    check(not world.status().get("unfinished"), "nothing is half done")
    check(world.status()["bundle"]["digest"] == digest_of(world.a), "the former bundle")
    world.load(world.a, *mode)
    world.enforced()


def killed_at(world, call, bundle, *words, pods):
    """For every third time (NETPOLC_KILL_EVERY) that a load makes this system call, and each of the last five: a load that is killed there."""
    load = [world.loader, "load", str(bundle), *attach(pods), "--node", "node-1", *words, "--root", PINS, "--state", str(world.home / "state")]
    trace = world.home / "calls"
    run(*inside("node-1", "strace", "-f", "-qq", "-o", str(trace), "-e", "trace=" + call, *load))
    count = sum(call + "(" in line for line in trace.read_text().splitlines())
    world.load(world.a, *words)
    for n in sorted({*range(2, count + 1, int(os.environ.get("NETPOLC_KILL_EVERY", "3"))), *range(max(1, count - 4), count + 1)}):
        done = subprocess.run(inside("node-1", "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:signal=KILL:when=%d" % (call, n), *load), capture_output=True, text=True)
        check(done.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL) and "interrupted" not in done.stderr, "strace ended with %d: %s" % (done.returncode, done.stderr))
        if done.returncode != 0:
            yield n


def test_killed_at_every_step(world, mode):
    """Whatever was not done is known and said, the next loader ends it, and nothing stays for ever."""
    if shutil.which("strace") is None:
        return "not tried: no strace"
    counts, unfinished = [], 0
    for call in ("rename", "sendto" if "clsact" in mode else "unlink"):
        killed = 0
        world.load(world.a, *mode)
        for killed in killed_at(world, call, world.b, *mode, pods=("server",)):
            found = json.loads(world.call("status", "-o", "json").stdout)
            if found.get("unfinished"):
                unfinished += 1
                check(not found["inForce"] and "killed before it was done" in world.call("status").stdout, "after kill %d at %s: said in words" % (killed, call))
            told = world.call("address", "add", "10.244.1.55", "--endpoint", "t/client")
            check(told.returncode == 0, "after kill %d at %s: %s" % (killed, call, told.stderr))
            found = world.status()
            check(not found.get("unfinished") and found["bundle"]["digest"] in (digest_of(world.a), digest_of(world.b)), "ended by the next")
            check(not world.reaches("client", 80), "denied by both, at %d" % killed)
            nothing_is_left(world, "lxc-client", "lxc-stranger", "lxc-server")
            world.load(world.a, *mode)
        check(killed > 1, "no load was killed at " + call)
        world.unload()
        counts.append("%d at %s" % (killed, call))
    check(unfinished > 0, "no load was killed half-way")
    return ", ".join(counts) + ", %d of them half-way" % unfinished


def digest_of(bundle):
    return json.loads((bundle / "bundle.json").read_text())["digest"]


def nothing_is_left(world, *interfaces):
    world.unload()
    check(not os.path.exists(PINS) and not (world.home / "state").exists(), "unload takes every pin and file")
    check(world.status(expect=1) == {"root": PINS, "installed": False}, "status says so")
    filters = ""
    for interface in interfaces or ("lxc-server",):
        for side in ("ingress", "egress"):
            filters += run("tc", "-n", "node-1", "filter", "show", "dev", interface, side, check=False).stdout
    check(filters == "", "no filter stays: " + filters)
    world.open()


def test_modes_follow_each_other(world, _):
    for mode in ("tcx", "clsact", "auto"):
        world.load(world.a, "--attach-mode", mode)
        check({a["mode"] for a in world.status()["attachments"]} == {"clsact" if mode == "clsact" else "tcx"}, mode)
        world.enforced()


def test_one_pods_packets_open_no_door_of_another(world, mode):
    world.load(world.a, *mode)
    client, server, stranger = (world.pods[n] for n in ("client", "server", "stranger"))
    for family in ("ipv4", "ipv6"):
        inside_end, outside_end = (getattr(server, family), 5000), (getattr(stranger, family), 6000)
        ends = Ends((server, inside_end), (stranger, outside_end), (client, inside_end))
        try:
            # in the server's name, whose address passes for the client's
            check(world.call("address", "add", inside_end[0], "--endpoint", "t/client").returncode == 0, "address add")
            check(ends.arrives("client", "stranger"), "the client may send to the stranger")
            check(not ends.arrives("stranger", "server"), "the stranger answers the server, which had asked nothing, over " + family)
            check(world.call("address", "add", inside_end[0], "--endpoint", "t/server").returncode == 0, "address add")
            check(ends.arrives("server", "stranger") and ends.arrives("stranger", "server"), "the stranger answers what the server asked over " + family)
        finally:
            ends.close()


def test_nobody_sends_in_anothers_name(world, mode):
    """The node may reach every pod, and the client the server: the stranger says it is them."""
    world.load(world.a, *mode)
    client, server, stranger = (world.pods[n] for n in ("client", "server", "stranger"))
    for family, node in zip(("ipv4", "ipv6"), NODES["node-1"]):
        for liar in (node, getattr(client, family), "10.244.1.99" if family == "ipv4" else "fd00:244:1::99"):
            ends = Ends((stranger, (liar, 6002)), (server, (getattr(server, family), 5002)))
            try:
                check(not ends.arrives("stranger", "server"), "the stranger sends as " + liar)
            finally:
                ends.close()
    reasons = {d["reason"]: d["packets"] for d in world.status()["drops"]}
    check(reasons.get(132) == 6, "each dropped where it was sent: %s" % reasons)


def test_every_golden_policy_is_accepted(world, _):
    """The verifier takes the programs of every case in testdata/policies."""
    accepted = 0
    for case in sorted((ROOT / "testdata" / "policies").iterdir()):
        bundle = world.home / ("case-" + case.name)
        done = run(world.netpolc, "compile", "-f", str(case), "-o", str(bundle), "--l7=drop", check=False)
        if done.returncode:
            continue  # a case of something that isn't compiled
        manifest = json.loads((bundle / "bundle.json").read_text())
        endpoints = manifest["endpoints"]
        for n, endpoint in enumerate(endpoints):
            run("ip", "-n", "node-1", "link", "add", "g%d" % n, "type", "veth", "peer", "name", "gp%d" % n)
        lines = world.home / "case.jsonl"
        lines.write_text("".join(json.dumps({"endpoint": e["namespace"] + "/" + e["name"], "ifname": "g%d" % n}) + "\n" for n, e in enumerate(endpoints)))
        for words in [("--node", host["node"], "--host-device", "eth0") for host in manifest.get("hosts", [])] or [()]:
            done = world.call("load", str(bundle), "--attach-file", str(lines), *words)
            check(done.returncode == 0, case.name + ": " + done.stderr)
        accepted += len(manifest["programs"])
        for n in range(len(endpoints)):
            run("ip", "-n", "node-1", "link", "del", "g%d" % n)
    check(accepted > 2, "only %d programs" % accepted)
    return "%d programs" % accepted


def main(binaries):
    both = [test_enforces_and_counts, test_monitor_explains, test_missing_interface_changes_nothing, test_replaces_without_a_gap, test_one_pods_packets_open_no_door_of_another,
            test_nobody_sends_in_anothers_name,
            test_counters_outlive_a_load, test_interface_gone_and_back, test_addresses_told_at_run_time, test_audited_denials_pass, test_flows_are_shown_and_live_as_long_as_asked, test_pods_without_policy_can_be_left_alone,
            test_renamed_interfaces_are_found, test_numbers_are_those_of_their_bundle, test_killed_at_every_step, test_state_without_pins_is_not_believed, test_killed_loaders_leave_nothing_unfiltered, test_status_says_in_words_what_is_not_well,
            test_going_back_bears_a_pod_that_is_gone]
    once = [test_what_nobody_confirms_goes_back_by_itself, test_the_next_command_goes_back_where_who_waits_was_killed, test_endpoints_come_and_go_and_are_seen, test_neighbour_discovery_carries_nothing_away, test_neighbours_of_a_bridge_find_each_other, test_whatever_address_this_machine_has_is_the_hosts, test_prefixes_that_name_the_own_node, test_taken_back_without_more_than_is_needed, test_devices_without_ethernet_are_refused, test_taken_back_in_the_middle, test_interrupted_loaders_take_back, test_damaged_bundle_is_refused, test_nonsense_is_no_program, test_refused_program_names_the_policy, test_the_flood_notices_a_gap, test_modes_follow_each_other,
            test_every_golden_policy_is_accepted, test_only_what_was_proved_is_loaded]
    jobs = [(t, m) for t in both for m in ("tcx", "clsact")] + [(t, "tcx") for t in once]
    wanted = os.environ.get("ONLY", "")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="netpolc-loader-") as home:
        world = World(binaries, pathlib.Path(home))
        # an address of the server's beside that of the server program, whose sockets stay out of the flood
        world.extra = "10.244.1.21"
        topology.ip(world.pods["server"].netns, "addr", "add", world.extra + "/32", "dev", "eth0")
        topology.ip("node-1", "route", "add", world.extra + "/32", "dev", "lxc-server", "src", NODES["node-1"][0])
        world.open()
        for test, mode in jobs:
            if wanted not in test.__name__:
                continue
            name = "%s (%s)" % (test.__name__[5:].replace("_", " "), mode)
            start = time.monotonic()
            try:
                said = test(world, ("--attach-mode", mode))
                nothing_is_left(world)
                print("ok    %s%s  %.1f s" % (name, ": " + said if said else "", time.monotonic() - start), flush=True)
            except (Failed, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as error:
                failed += 1
                print("FAIL  %s: %s" % (name, error), flush=True)
                world.call("unload")
    print("loader in the kernel: %d tests, %d failed" % (len(jobs), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    run_alone(main, __file__)
