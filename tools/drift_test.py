#!/usr/bin/env python3
"""`netpolc diff --cilium-version 1.18..1.20` against the verdicts of both engines.

usage: drift_test.py NETPOLC VECTORS      VECTORS: the unpacked testdata/conformance/vectors.tar.xz

Of every scenario that both engines judged: where the engines differ about a pair of ends and a probe, `diff` must have a line about
that pair which says so, in the right direction; and where a line speaks of the pair, it must be right about each probe. A
scenario about which the engines never differ must show no line about its pairs' probes.
"""
import fnmatch, importlib.util, ipaddress, json, os, pathlib, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor

NETPOLC = os.path.abspath(sys.argv[1])
VECTORS = pathlib.Path(sys.argv[2])
PASSES = {"A": True, "R": True, "D": False, "N": False}


def load_runner():
    spec = importlib.util.spec_from_file_location("vectors_run", VECTORS / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RUN = load_runner()


def scenarios(folder):
    out = {}
    for path in sorted((VECTORS / folder).glob("*.json")):
        for one in json.loads(path.read_text())["scenarios"]:
            out[one["name"]] = one
    return out


def verdicts(scenario):
    out = {}
    for query, (_, _, overall), ends in RUN.queries(scenario):
        out[ends, query["protocol"], query.get("port", query.get("icmpType"))] = overall
    return out


def has(access, protocol, number):
    for one in access:
        if one["protocol"] not in ("*", protocol):
            continue
        if one["ports"] == "*":
            return True
        for part in one["ports"].split(","):
            first, _, last = part.partition("-")
            if int(first) <= number <= int(last or first):
                return True
    return False


def names_of(scenario, name, ends, is_source):
    """What `diff` may call an end of the vectors: of those that it compared. One name, but for an address that names resolve to and
    that is no end by itself: as a destination it counts as one of a pattern's, too."""
    reference = RUN.reference(scenario, name)
    if not reference.startswith("ip:") or reference in ends:
        return {reference}
    address = ipaddress.ip_address(reference[3:])
    inside = [one for one in ends if one.startswith("cidr:") and address in ipaddress.ip_network(one[5:])]
    family = "entity:world-ipv%d" % address.version
    outside = family if family in ends else "entity:world"
    names = [] if is_source else [one for one, addresses in scenario.get("fqdnIPs", {}).items() if reference[3:] in addresses]
    patterns = {one for one in ends if one.startswith("fqdn:") and any(fnmatch.fnmatchcase(name, one[5:]) for name in names)}
    return {max(inside, key=lambda one: ipaddress.ip_network(one[5:]).prefixlen, default=outside)} | patterns


def says(found, key, sources, destinations, protocol, number):
    """Whether of every end that it may be a line says so, and whether of any."""
    told = [any(source in line["from"] and destination in line["to"] and not line.get("someCasesOnly") and has(line[key], protocol, number) for line in found["traffic"] if line["change"] != "otherWay")
            for source in sources for destination in destinations]
    return all(told), any(told)


def compare(pair):
    """(differences of the engines, those that diff told, complaints)"""
    before, after = pair
    with tempfile.TemporaryDirectory(prefix="drift-") as home:
        home = pathlib.Path(home)
        (home / "policies").mkdir()
        (home / "cluster.json").write_text(json.dumps(RUN.manifests(before)))
        for n, text in enumerate(before["policies"]):
            (home / "policies" / ("%02d.yaml" % n)).write_text(text)
        command = [NETPOLC, "diff", "-f", str(home / "cluster.json"), "-f", str(home / "policies"), "--keep-going", "--lax", "--cilium-version", "1.18..1.20", "-o", "json"]
        if before.get("fqdnIPs"):
            (home / "names.json").write_text(json.dumps(before["fqdnIPs"]))
            command += ["--resolutions", str(home / "names.json")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1, 3):
        return 0, 0, ["%s: exit %d\n%s" % (before["name"], done.returncode, done.stderr)]
    found = json.loads(done.stdout)
    undecided = {one["endpoint"] for one in found["undecidable"]}
    was, now = verdicts(before), verdicts(after)
    differ = told = 0
    complaints = []
    for (ends, protocol, number), letter in was.items():
        if (ends, protocol, number) not in now or letter not in PASSES or now[ends, protocol, number] not in PASSES:
            continue
        passed, passes = PASSES[letter], PASSES[now[ends, protocol, number]]
        sources, destinations = names_of(before, ends[0], found["ends"], True), names_of(before, ends[1], found["ends"], False)
        opened = says(found, "opened", sources, destinations, protocol, number)
        closed = says(found, "closed", sources, destinations, protocol, number)
        if passed != passes:
            differ += 1
            if (opened if passes else closed)[1]:
                told += 1
            elif not (sources | destinations) & undecided:
                complaints.append("%s: %s > %s %s/%d: %s, and diff does not say so" % (before["name"], *ends, protocol, number, "opened" if passes else "closed"))
        elif letter == now[ends, protocol, number] and (opened[0] or closed[0]):
            complaints.append("%s: %s > %s %s/%d: the engines agree, and diff says that it changed" % (before["name"], *ends, protocol, number))
    return differ, told, complaints


def main():
    old, new = scenarios("visible"), scenarios("visible-1.20")
    pairs = [(old[name], new[name]) for name in sorted(set(old) & set(new))]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(compare, pairs))
    differ, told = sum(r[0] for r in results), sum(r[1] for r in results)
    complaints = [c for r in results for c in r[2]]
    for one in complaints[:40]:
        print(one)
    print("%d scenarios, %d verdicts differ between 1.18 and 1.20, %d of them told by diff, %d complaints" % (len(pairs), differ, told, len(complaints)))
    sys.exit(1 if complaints or differ == 0 else 0)


if __name__ == "__main__":
    main()
