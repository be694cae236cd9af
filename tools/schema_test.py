#!/usr/bin/env python3
"""Everything that netpolc prints as JSON, against the schemas that it prints of it (python3-jsonschema).

usage: schema_test.py NETPOLC

Schemas let more fields in, as later versions may add some. Here they don't: a field that no schema has is one that nobody knows of.
Every schema must be needed by some output.
"""
import json, os, pathlib, subprocess, sys, tempfile, warnings

warnings.simplefilter("ignore")
import jsonschema
import yaml

NETPOLC = os.path.abspath(sys.argv[1])
TOP = pathlib.Path(__file__).resolve().parent.parent
ENVIRONMENT = dict(os.environ, NO_COLOR="1")
ARTICLE = "-f testdata/policies/article "
SHOP = "-f testdata/diff/shop/cluster.yaml "
EXPLAIN = "-f testdata/explain/shop "
WAYS = "-f testdata/console/ways/shop.yaml -f testdata/console/ways/policies.yaml "
OUTPUTS = [  # schema, one document or one a line, arguments
    ("VerifyResult", "json", "verify " + ARTICLE + "--from production/frontend --to production/backend --port 8080/TCP -o json"),
    ("VerifyResult", "json", "verify " + ARTICLE + "--from any --to any --port 8080/TCP -o json"),
    ("VerifyResult", "json", "verify " + ARTICLE + "--from any --to any --icmp EchoRequest -o json"),
    ("VerifyResult", "json", "verify -f testdata/console/requests/shop.yaml --from any --to any --port 80/TCP -o json"),
    ("VerifyResult", "json", "verify " + WAYS + "--from world:203.0.113.7 --to svc:shop/web:80 --via nodeport -o json"),
    ("VerifyResult", "json", "verify " + WAYS + "-f testdata/console/ways/proxy.yaml --from any --to svc:shop/web:80 --via ingress -o json"),
    ("TrafficResult", "json", "verify " + ARTICLE + "--from any --to any --all-ports -o json"),
    ("TrafficResult", "json", "verify -f testdata/policies --from any --to any --all-ports -o json"),
    ("TrafficLine", "jsonl", "verify " + ARTICLE + "--from any --to any --all-ports -o jsonl"),
    ("ClaimResult", "json", "verify never " + ARTICLE + "--from any --to production/backend --port 8080/TCP -o json"),
    ("ClaimResult", "json", "verify never " + ARTICLE + "--from any --to production/backend --port 8081/TCP -o json"),
    ("ClaimResult", "json", "verify only " + ARTICLE + "--from production/[app=backend] --to entity:world -o json"),
    ("ReachResult", "json", "verify --symbolic " + ARTICLE + "--from any --to production/backend --port 8080/TCP -o json"),
    ("CompareResult", "json", "verify same --before testdata/diff/shop/before --after testdata/diff/shop/after " + SHOP + "-o json"),
    ("CompareResult", "json", "verify implies --before testdata/diff/shop/before --after testdata/diff/shop/before " + SHOP + "-o json"),
    ("DeadResult", "json", "verify dead -f testdata/lint -f testdata/policies/article -o json"),
    ("DiffResult", "json", "diff testdata/diff/shop/before testdata/diff/shop/after " + SHOP + "-o json"),
    ("DiffResult", "json", "diff -f testdata/diff/versions " + SHOP + "--cilium-version 1.19..1.20 -o json"),
    ("DiffResult", "json", "diff testdata/diff/review/before testdata/diff/review/after -f testdata/diff/review/cluster.yaml --flows testdata/diff/review/flows.json -o json"),
    ("DiffResult", "json", "diff testdata/diff/proxies/before.yaml testdata/diff/proxies/requests.yaml " + SHOP + "-o json"),
    ("DiffResult", "json", "diff testdata/diff/proxies/before.yaml testdata/diff/proxies/secret.yaml " + SHOP + "-o json"),
    ("DiffResult", "json", "diff testdata/diff/arrivals.yaml testdata/diff/shop/after " + SHOP + "-o json"),
    ("TestResult", "json", "test testdata/test/shop -o json"),
    ("TestResult", "json", "test testdata/test/shop/cluster.yaml testdata/test/shop/policies testdata/test/more -o json"),
    ("TestResult", "json", "test testdata/test/shop/cluster.yaml testdata/test/shop/policies testdata/test/worse -o json"),
    ("TestResult", "json", "test testdata/test/nodes --safety-only -o json"),
    ("ReplayResult", "json", "replay testdata/replay/shop/flows.jsonl testdata/replay/shop/policies.yaml " + SHOP + "-o json"),
    ("ReplayResult", "json", "replay testdata/replay/shop/flows.jsonl testdata/replay/sysdump/requests.yaml " + SHOP + "--against testdata/diff/shop/before -o json"),
    ("ReplayResult", "json", "replay testdata/replay/sysdump testdata/replay/sysdump/requests.yaml " + SHOP + "-o json"),
    ("LintLine", "jsonl", "lint testdata/diff/shop/after " + SHOP + "-o jsonl"),
    ("LintLine", "jsonl", "lint -v testdata/diff/shop/after " + SHOP + "-o jsonl"),
    ("RuleLine", "jsonl", "rules -o jsonl"),
    ("IdentityList", "json", "identity list " + ARTICLE + "-o json"),
    ("IdentityResult", "json", "identity get production/backend " + ARTICLE + "-o json"),
    ("IdentityStats", "json", "identity list --stats " + ARTICLE + "-o json"),
    ("EndpointList", "json", "endpoint list " + ARTICLE + "-o json"),
    ("EndpointResult", "json", "endpoint get production/[] " + ARTICLE + "-o json"),
    ("EndpointResult", "yaml", "endpoint get production/[] " + ARTICLE + "-o yaml"),
    ("ClassTrafficResult", "json", "verify " + ARTICLE + "--from any --to any --all-ports --by-class -o json"),
    ("TrafficResult", "json", "verify " + ARTICLE + "--from any --to fqdn:nowhere.example.com --all-ports -o json"),
    ("TrafficResult", "yaml", "verify " + ARTICLE + "--from any --to any --all-ports -o yaml"),
    ("VerifyResult", "yaml", "verify " + ARTICLE + "--from any --to any --port 8080/TCP -o yaml"),
    ("DiffResult", "yaml", "diff testdata/diff/shop/before testdata/diff/shop/after " + SHOP + "-o yaml"),
    ("TestResult", "yaml", "test testdata/test/shop -o yaml"),
    ("FlowExplanation", "yaml", "explain flow " + EXPLAIN + "--from any --to any --port 8081/TCP -o yaml"),
    ("CompileResult", "json", "compile " + ARTICLE + "-o BUNDLE --format json"),
    ("FlowExplanation", "json", "explain flow " + EXPLAIN + "--from any --to any --port 8081/TCP -o json"),
    ("FlowExplanation", "json", "explain flow " + EXPLAIN + "--from any --to any --icmp EchoRequest -o json"),
    ("FlowExplanation", "json", "explain flow " + EXPLAIN + "--from ops/web --to shop/cart --port 9443/TCP -o json"),
    ("FlowExplanation", "json", "explain flow -f testdata/console/requests/shop.yaml --from any --to any --port 80/TCP -o json"),
    ("FlowExplanation", "json", "explain flow " + WAYS + "--from world:203.0.113.7 --to svc:shop/web:80 --via ingress -o json"),
    ("PolicyExplanation", "json", "explain policy front " + EXPLAIN + "-o json"),
    ("PolicyExplanation", "json", "explain policy shop/web --kind CiliumNetworkPolicy " + EXPLAIN + "-o json"),
    ("EndpointExplanation", "json", "explain endpoint shop/web " + EXPLAIN + "-o json"),
    ("EndpointExplanation", "json", "explain endpoint ops/agent " + EXPLAIN + "-o json"),
    ("EndpointExplanation", "json", "explain endpoint entity:host -f testdata/explain/hosts -o json"),
    ("FqdnExplanation", "json", "explain fqdn api.example.com " + EXPLAIN + "-o json"),
    ("FqdnExplanation", "json", "explain fqdn **.example.com -o json"),
    ("ReplayResult", "json", "replay testdata/replay/shop/flows.jsonl testdata/replay/shop/policies.yaml --against testdata/diff/shop/before " + SHOP + "-o json"),
    ("VersionInfo", "json", "version -o json"),
    ("VersionInfo", "yaml", "version --host -o yaml"),
    ("Error", "json", "verify " + ARTICLE + "--from a/b --to c/d --port 80 -o json"),
    ("Error", "json", "explain flow testdata/transcripts/rendered.yaml --from a/b --to c/d --port 80 -o json"),
    ("Error", "json", "verify --nothing -o json"),
    ("Error", "yaml", "verify --nothing -o yaml"),
]
failed = 0


def netpolc(arguments):
    with tempfile.TemporaryDirectory(prefix="schemas-") as home:
        words = [word.replace("BUNDLE", home + "/bundle") for word in arguments.split()]
        return subprocess.run([NETPOLC, *words], cwd=TOP, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)


def strict(at):
    """The schema without room for fields that it has not."""
    if isinstance(at, dict):
        out = {key: strict(value) for key, value in at.items()}
        if "properties" in out:
            out.setdefault("additionalProperties", False)
        return out
    return [strict(one) for one in at] if isinstance(at, list) else at


def documents(how, text):
    if how == "yaml":
        return list(yaml.safe_load_all(text))
    return [json.loads(line) for line in text.splitlines()] if how == "jsonl" else [json.loads(text)]


def main():
    global failed
    names = netpolc("schema").stdout.split()
    validators = {}
    for name in names:
        schema = json.loads(netpolc("schema " + name).stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[name] = jsonschema.Draft202012Validator(strict(schema))
    checked = 0
    for name, how, arguments in OUTPUTS:
        done = netpolc(arguments)
        if done.returncode not in ((2,) if name == "Error" else (0, 1, 3)) or not done.stdout:
            failed += 1
            print("FAIL netpolc %s: exit %d\n%s" % (arguments, done.returncode, done.stderr))
            continue
        if how == "yaml" and documents(how, done.stdout) != documents("json", netpolc(arguments.replace("-o yaml", "-o json")).stdout):
            failed += 1
            print("FAIL netpolc %s: other values than in JSON" % arguments)
        for one in documents(how, done.stdout):
            checked += 1
            errors = sorted(validators[name].iter_errors(one), key=lambda e: list(map(str, e.path)))
            if errors:
                failed += 1
                best = jsonschema.exceptions.best_match(errors)
                print("FAIL netpolc %s\n  at %s: %s" % (arguments, "/".join(map(str, best.absolute_path)), best.message[:400]))
                break
    for name in set(names) - {name for name, _, _ in OUTPUTS}:
        failed += 1
        print("FAIL no output is held against " + name)
    print("%d schemas, %d documents, %d failed" % (len(names), checked, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
