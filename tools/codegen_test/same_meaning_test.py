#!/usr/bin/env python3
"""The same meaning gives the same programs: names of files and policies, comments, the order of keys,
documents and rules, and the number of jobs change no digest; another port does.

usage: same_meaning_test.py BIN
"""
import json
import pathlib
import subprocess
import sys
import tempfile


def policy(name, subject, peer, ports):
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"endpointSelector": {"matchLabels": {"app": subject}},
                     "ingress": [{"fromEndpoints": [{"matchLabels": {"app": peer, "tier": "one"}}],
                                  "toPorts": [{"ports": [{"port": str(p), "protocol": "TCP"} for p in ports]}]}]}}


def pod(app):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": app, "namespace": "shop", "labels": {"app": app, "tier": "one"}},
            "spec": {"containers": [{"name": "c", "image": "example/c"}]}}


PODS = [pod("web"), pod("api"), pod("db")]
POLICIES = [policy("a", "web", "api", [80, 443]), policy("b", "db", "api", [5432]), policy("c", "db", "web", [5432, 22])]


def reversed_keys(value):
    if isinstance(value, dict):
        return {k: reversed_keys(v) for k, v in reversed(list(value.items()))}
    return [reversed_keys(v) for v in value] if isinstance(value, list) else value


def text(documents, comment=""):
    return "".join("---\n%s%s\n" % (comment, json.dumps(d, indent=1)) for d in documents)


def programs(binary, files, *flags):
    with tempfile.TemporaryDirectory() as home:
        for name, content in files.items():
            pathlib.Path(home, "in").mkdir(exist_ok=True)
            pathlib.Path(home, "in", name).write_text(content)
        done = subprocess.run([binary, "compile", "-f", home + "/in", "-o", home + "/bundle", *flags], capture_output=True, text=True)
        if done.returncode:
            sys.exit("compile ended with %d:\n%s" % (done.returncode, done.stderr))
        return {p.name: p.read_bytes() for p in pathlib.Path(home, "bundle", "programs").glob("*.[co]")}


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    base = programs(binary, {"a.yaml": text(PODS + POLICIES)})
    names = [dict(p, metadata=dict(p["metadata"], name="other-" + p["metadata"]["name"])) for p in POLICIES]
    merged = dict(POLICIES[1], spec=dict(POLICIES[1]["spec"], ingress=POLICIES[2]["spec"]["ingress"] + POLICIES[1]["spec"]["ingress"]))
    same = {
        "again": programs(binary, {"a.yaml": text(PODS + POLICIES)}),
        "one job": programs(binary, {"a.yaml": text(PODS + POLICIES)}, "--jobs", "1"),
        "seven jobs": programs(binary, {"a.yaml": text(PODS + POLICIES)}, "--jobs", "7"),
        "comments": programs(binary, {"a.yaml": text(PODS + POLICIES, "# why: */ \"'\n")}),
        "order of keys": programs(binary, {"a.yaml": text(reversed_keys(PODS + POLICIES))}),
        "order of documents": programs(binary, {"a.yaml": text((PODS + POLICIES)[::-1])}),
        "names of files": programs(binary, {"z.yml": text(POLICIES[1:]), "m.json": json.dumps(POLICIES[0]), "0.yaml": text(PODS)}),
        "names of policies": programs(binary, {"a.yaml": text(PODS + names)}),
        "rules of one policy or of two": programs(binary, {"a.yaml": text(PODS + [POLICIES[0], merged])}),
    }
    wrong = [name for name, got in same.items() if got != base]
    for name in wrong:
        print("FAIL %s changed programs: %s" % (name, sorted(set(same[name]) ^ set(base)) or "same names, other bytes"))
    if programs(binary, {"a.yaml": text(PODS + [policy("a", "web", "api", [80, 444])] + POLICIES[1:])}).keys() == base.keys():
        wrong.append("port")
        print("FAIL another port changed no program")
    print("%d ways to say the same, %d of them changed programs" % (len(same), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
