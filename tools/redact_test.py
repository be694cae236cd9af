#!/usr/bin/env python3
"""Whether `netpolc import --redact` keeps every verdict and gives no name away, on scenarios of the conformance vectors.

usage: redact_test.py BIN VECTORS [--every N] [--only NAME]
  VECTORS    the unpacked testdata/conformance/vectors.tar.xz
  --every N  every N-th scenario (31, which is 33 of them; 1 takes minutes)

Of each scenario: every question that its vectors ask, asked of the manifests and, with other names, of the redacted ones, has the
same word on each side. No word of a name, a label's value or a DNS name and no address that isn't of a special range is in a value
of what is written, but under the keys that docs/import.md says are kept.
"""
import argparse, concurrent.futures, importlib.util, ipaddress, json, os, pathlib, re, subprocess, sys, tempfile

KEY = "the key of a test"
KNOWN = {"kube", "system", "public", "node", "lease", "default", "kubernetes", "dns", "coredns", "cilium", "config", "hubble", "svc", "pod", "cluster", "local", "true", "false", "localhost"}
KEPT = {"apiVersion", "kind", "operator", "protocol", "type", "phase", "addressType", "method", "mode", "family", "fromEntities", "toEntities", "source", "policyTypes", "action", "tier", "apiKey", "role", "l7proto",
        "path", "host", "headers", "headerMatches", "mismatch", "key", "data"}
LABELS = {"matchLabels", "labels", "selector", "security-labels"}


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def values(text):
    """(keys, value) of every scalar in block YAML as `import` writes it."""
    keys = []  # (indent, key)
    for line in text.splitlines():
        body = line.lstrip(" ")
        indent = len(line) - len(body)
        while body.startswith("- "):
            body, indent = body[2:], indent + 2
        while keys and keys[-1][0] >= indent + (0 if re.match(r'("(?:[^"\\]|\\.)*"|[^\s"\[{][^\s]*?):( |$)', body) else 1):
            keys.pop()
        found = re.match(r'("(?:[^"\\]|\\.)*"|[^\s"\[{][^\s]*?):(?: (.*))?$', body)
        if found:
            keys.append((indent, found[1].strip('"')))
            body = found[2] or ""
        if body:
            yield [key for _, key in keys], body.strip('"')


def secrets(scenario):
    """Words that are somebody's, and addresses."""
    texts = [ns["name"] for ns in scenario["namespaces"]] + [p["name"] for p in scenario["policyResults"]] + list(scenario.get("fqdnIPs", {}))
    for one in scenario["endpoints"] + scenario.get("services", []):
        texts += [one["name"], one["namespace"], *one.get("labels", {}).values(), *(p["name"] for p in one.get("namedPorts", [])), one.get("serviceAccount", "")]
    texts += scenario.get("hostEndpoint", {}).get("labels", {}).values() if scenario.get("hostEndpoint") else []
    words = {word for text in texts for word in re.findall(r"[^\W_]+", text)}
    addresses = {p["ip"] for p in scenario.get("peers", []) if p.get("ip")} | {a for all in scenario.get("fqdnIPs", {}).values() for a in all}
    public = {a for a in addresses if ipaddress.ip_address(a).is_global}
    return {word for word in words if len(word) > 1 and not word.isdigit()} - KNOWN, public


def given_away(scenario, text):
    words, addresses = secrets(scenario)
    for keys, value in values(text):
        label = any(key in LABELS for key in keys[:-1])
        if not label and KEPT & set(keys[-2:]):
            continue
        for word in re.findall(r"[^\W_]+", value.split("=", 1)[-1] if keys[-1] == "labels" else value):
            if word in words:
                yield "`%s` in %s: %s" % (word, ".".join(keys), value)
        for address in addresses:
            if re.search(r"(?<![\w.:])%s(?![\w.:]|/(?!32$|128$))" % re.escape(address), value):
                yield "`%s` in %s: %s" % (address, ".".join(keys), value)


def everything_asked(scenario, asked):
    """Objects that name what questions and resolutions name: what these become is in the map."""
    addresses = sorted({q[side][3:] for q, _, _ in asked for side in ("from", "to") if q[side].startswith("ip:")} | {a for all in scenario.get("fqdnIPs", {}).values() for a in all})
    names = sorted(scenario.get("fqdnIPs", {}))
    group = {"apiVersion": "cilium.io/v2alpha1", "kind": "CiliumCIDRGroup", "metadata": {"name": "asked"}, "spec": {"externalCIDRs": [a + ("/128" if ":" in a else "/32") for a in addresses]}}
    policy = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "asked", "namespace": "asked"},
              "spec": {"endpointSelector": {}, "egress": [{"toFQDNs": [{"matchName": name} for name in names]}] if names else [{}]}}
    return {"apiVersion": "v1", "kind": "List", "items": [group, policy]}


class Renamed:
    def __init__(self, *maps):
        self.names = {}
        for path in maps:
            self.names.update(json.loads(path.read_text()))

    def address(self, text):
        exact = str(ipaddress.ip_address(text))
        return self.names[exact + ("/128" if ":" in exact else "/32")].split("/")[0]

    def name(self, text):
        return self.names.get(text + " (DNS name)", self.names[text.lower()])

    def end(self, text):
        if text.startswith("entity:"):
            return text
        if text.startswith("ip:"):
            return "ip:" + self.address(text[3:])
        return "/".join(self.names.get(part + kind, self.names.get(part, part)) for part, kind in zip(text.split("/"), (" (label)", " (workload)")))


def answers(binary, home, name, files, queries, resolutions, version):
    (home / (name + ".jsonl")).write_text("".join(json.dumps(q) + "\n" for q in queries))
    words = [binary, "verify", *files, "--keep-going", "--lax", "--queries", home / (name + ".jsonl"), "-o", "jsonl", "--cilium-version", version]
    if resolutions:
        (home / (name + ".names.json")).write_text(json.dumps(resolutions))
        words += ["--resolutions", home / (name + ".names.json")]
    done = run(*words)
    out = {}
    for line in done.stdout.splitlines():
        one = json.loads(line)
        out[one["id"]] = [one.get("verdict")] + [[(one.get(side) or {}).get(key) for key in ("verdict", "auth")] for side in ("egress", "ingress")]
    return out, done.stderr


def check(binary, runner, scenario, version):
    with tempfile.TemporaryDirectory(prefix="redact-") as home:
        home = pathlib.Path(home)
        (home / "policies").mkdir()
        (home / "cluster.json").write_text(json.dumps(runner.manifests(scenario)))
        for n, text in enumerate(scenario["policies"]):
            (home / "policies" / ("%02d.yaml" % n)).write_text(text)
        asked = runner.queries(scenario)
        (home / "asked.json").write_text(json.dumps(everything_asked(scenario, asked)))
        files = ["-f", home / "cluster.json", "-f", home / "policies"]
        redact = ["--cilium-version", version, "--redact", "--redact-key", KEY]
        done = run(binary, "import", *files, "--keep-going", "--lax", *redact, "--redact-map", home / "map.json", "-o", home / "redacted.yaml")
        more = run(binary, "import", home / "asked.json", *redact, "--redact-map", home / "more.json", "-o", home / "more.yaml")
        if done.returncode or more.returncode:
            return 0, ["import: " + done.stderr + more.stderr]
        names = Renamed(home / "more.json", home / "map.json")
        queries = [q for q, _, _ in asked]
        resolutions = scenario.get("fqdnIPs", {})
        before, said = answers(binary, home, "before", files, queries, resolutions, version)
        renamed = [{**q, "from": names.end(q["from"]), "to": names.end(q["to"])} for q in queries]
        after, _ = answers(binary, home, "after", ["-f", home / "redacted.yaml"], renamed, {names.name(n): [names.address(a) for a in all] for n, all in resolutions.items()}, version)
        if set(before) != {q["id"] for q in queries}:
            return 0, ["not every question has an answer: " + said]
        bad = ["%s: %s, redacted %s" % (json.dumps(q), before[q["id"]], after.get(q["id"])) for q in queries if before[q["id"]] != after.get(q["id"])]
        return len(queries), bad[:3] + sorted(set(given_away(scenario, (home / "redacted.yaml").read_text())))[:3]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("vectors", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=31)
    parser.add_argument("--only")
    asked = parser.parse_args()
    spec = importlib.util.spec_from_file_location("run", asked.vectors / "run.py")
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    scenarios = [(one, version) for folder, version in (("visible", "1.18"), ("visible-1.20", "1.20")) for path in sorted((asked.vectors / folder).glob("*.json")) for one in json.loads(path.read_text())["scenarios"]]
    chosen = [one for one in scenarios if one[0]["name"] == asked.only] if asked.only else scenarios[::asked.every]
    questions = failures = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (scenario, version), (count, bad) in zip(chosen, pool.map(lambda one: check(asked.binary, runner, *one), chosen)):
            questions += count
            failures += bool(bad)
            for text in bad:
                print("%s (%s): %s" % (scenario["name"], version, text))
    print("%d scenarios, %d questions, %d failures" % (len(chosen), questions, failures))
    return 1 if failures or questions == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
