#!/usr/bin/env python3
"""Holds netpolc to what the conformance vectors say beyond verdicts: labels of identities, results of
reading each policy, and authentication.

usage: vectors_test.py BIN DIRECTORY
  BIN        the netpolc binary
  DIRECTORY  the unpacked vectors: run.py, visible/, visible-1.20/
Exit status 0 when everything agrees. The last line is 'N passed, N failed'.
"""
import concurrent.futures, importlib.util, ipaddress, json, os, pathlib, subprocess, sys, tempfile

AUTH = {"0": None, "1": "required", "2": "test-always-fail"}


def runner(directory):
    spec = importlib.util.spec_from_file_location("run", directory / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def address_labels(identities, world, text):
    """Labels of the longest prefix of the ipcache that holds the address."""
    address = ipaddress.ip_address(text)
    best, labels = -1, world[address.version]
    for identity in identities:
        for prefix in map(ipaddress.ip_network, identity["prefixes"]):
            if prefix.version == address.version and address in prefix and prefix.prefixlen > best:
                best, labels = prefix.prefixlen, identity["labels"]
    return labels


def ask(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.stdout, done


def labels_differ(scenario, endpoints, identities):
    config = scenario.get("config", {})
    dual = config.get("ipv4", True) and config.get("ipv6", True)
    world = {4: ["reserved:world-ipv4" if dual else "reserved:world"], 6: ["reserved:world-ipv6" if dual else "reserved:world"]}
    of_endpoint = {e["endpoint"]: e["labels"] for e in endpoints}
    external = {p["name"]: p["ip"] for p in scenario.get("peers", []) if p.get("ip") and not p.get("kubeAPIServer")}
    bad, good = [], 0
    for name, expected in scenario["identityLabels"].items():
        if name in of_endpoint:
            got = of_endpoint[name]
        elif name in external:
            got = address_labels(identities, world, external[name])
        else:
            continue  # bare reserved identities and nodes: their verdicts say more
        if sorted(got) == sorted(expected):
            good += 1
        else:
            bad.append("labels of %s: %s, expected %s" % (name, got, expected))
    return good, bad


def results_differ(scenario, results, version):
    """Every document in order of arrival: what it became. The engine of 1.20 counts other things as rules."""
    bad, good = [], 0
    for expected, got in zip(scenario["policyResults"], results):
        rules = expected.get("rules", 0) if expected["accepted"] else 0
        fields = ("kind", expected["kind"]), ("name", expected["name"]), ("accepted", expected["accepted"])
        wrong = ["%s %s, expected %s" % (k, got.get(k), v) for k, v in fields if got.get(k) != v]
        if version != "1.20" and expected["accepted"] and expected["kind"] != "CiliumCIDRGroup" and got.get("rules") != rules:
            wrong.append("rules %s, expected %s" % (got.get("rules"), rules))
        if sorted(got.get("unknownFields", [])) != sorted(expected.get("unknownFields", [])):
            wrong.append("unknown fields %s, expected %s" % (got.get("unknownFields"), expected.get("unknownFields", [])))
        if wrong:
            bad.append("policy %s/%s: %s" % (expected.get("namespace", ""), expected["name"], "; ".join(wrong)))
        else:
            good += 1
    if len(scenario["policyResults"]) != len(results):
        bad.append("%d policies read, expected %d" % (len(results), len(scenario["policyResults"])))
    return good, bad


def auth_differs(scenario, asked, answers):
    auth = {}
    for line in scenario.get("auth", []):
        pair, _, digits = line.partition(": ")
        auth[tuple(pair.split(" > "))] = digits.split("/")
    bad, good = [], 0
    probe = {}
    for query, letters, ends in asked:
        n = probe[ends] = probe.get(ends, -1) + 1
        answer = answers.get(query["id"], {})
        expected = auth.get(ends, ["0" * len(scenario["probes"])] * 2)
        for side, digits in zip(("egress", "ingress"), expected):
            got = (answer.get(side) or {}).get("auth")
            if answer.get("verdict") == "UNDECIDED" or got == AUTH[digits[n]]:
                good += 1
            else:
                bad.append("%s > %s %s: auth %s, expected %s" % (*ends, side, got, AUTH[digits[n]]))
    return good, bad


def check(run, binary, scenario, version):
    with tempfile.TemporaryDirectory(prefix="vectors-") as home:
        home = pathlib.Path(home)
        (home / "policies").mkdir()
        (home / "cluster.json").write_text(json.dumps(run.manifests(scenario)))
        for n, text in enumerate(scenario["policies"]):
            (home / "policies" / ("%02d.yaml" % n)).write_text(text)
        common = ["-f", str(home / "cluster.json"), "-f", str(home / "policies"), "--keep-going", "--lax", "--cilium-version", version]
        if scenario.get("fqdnIPs"):
            (home / "resolutions.json").write_text(json.dumps(scenario["fqdnIPs"]))
            common += ["--resolutions", str(home / "resolutions.json")]
        endpoints, _ = ask([binary, "endpoint", "list", "-o", "json", *common])
        identities, _ = ask([binary, "identity", "list", "-o", "json", *common])
        results, _ = ask([binary, "lint", "-o", "jsonl", *common])
        # The engine of 1.20 writes labels of CIDR groups in another way; they decide as ours do.
        parts = [labels_differ(scenario, json.loads(endpoints), json.loads(identities))] if version != "1.20" else []
        parts += [results_differ(scenario, [line["policy"] for line in map(json.loads, results.splitlines()) if "policy" in line], version)]
        if scenario.get("auth"):
            asked = run.queries(scenario)
            (home / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q, _, _ in asked))
            out, _ = ask([binary, "verify", "--queries", str(home / "queries.jsonl"), "-o", "jsonl", *common])
            parts.append(auth_differs(scenario, asked, {a["id"]: a for a in map(json.loads, out.splitlines())}))
        return sum(p[0] for p in parts), [b for p in parts for b in p[1]]


def main():
    binary, directory = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    run = runner(directory)
    jobs = []
    for folder, version in (("visible", "1.18"), ("visible-1.20", "1.20")):
        for path in sorted((directory / folder).glob("*.json")):
            jobs += [(s, version) for s in json.loads(path.read_text())["scenarios"]]
    good, bad = 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (scenario, version), (g, b) in zip(jobs, pool.map(lambda j: check(run, binary, *j), jobs)):
            good += g
            bad += len(b)
            for text in b[:3]:
                print("%s (%s): %s" % (scenario["name"], version, text))
    print("%d passed, %d failed" % (good, bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
