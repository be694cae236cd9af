#!/usr/bin/env python3
"""How long a large `kubectl get -A -o json` takes to read, and how much memory.

usage: dump.py NETPOLC INPUT_DIR [--pods N] [--repeat N] [--json FILE] [--beside OTHER]
  --beside OTHER   another netpolc in turns, for comparison

Pods as a cluster has them, of about 9 kB each: environment, probes, conditions, managedFields.
"""
import argparse
import gzip
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import textwrap

from table import Table, machine, measured

TIME = "2026-05-04T10:00:00Z"
BESIDE_LIMIT = 200   # MiB that a process needs beside the text; 80 of them for itself
SECONDS_LIMIT = 3.0


def pod(number):
    app, ns = "app%04d" % (number // 10), "ns%03d" % (number // 10 % 50)
    address = "10.%d.%d.%d" % (number // 65536, number // 256 % 256, number % 256)
    image = "registry.example.com/team/%s:v1.2.3" % app
    probe = {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}
    fields = {"f:metadata": {"f:labels": {".": {}, "f:app": {}, "f:tier": {}}},
              "f:spec": {"f:containers": {'k:{"name":"main"}': {".": {}, "f:image": {}, "f:env": {".": {}}, "f:ports": {".": {}, 'k:{"containerPort":8080,"protocol":"TCP"}': {".": {}}}}}}}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "%s-6d5f7c9b8-%05d" % (app, number), "namespace": ns, "uid": "u%d" % number, "resourceVersion": str(number),
                         "labels": {"app": app, "pod-template-hash": "6d5f7c9b8", "tier": "t%d" % (number // 10 % 5)},
                         "annotations": {"kubectl.kubernetes.io/restartedAt": TIME, "checksum/config": "a" * 64},
                         "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": app + "-6d5f7c9b8", "uid": "x", "controller": True}],
                         "managedFields": [{"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": TIME, "fieldsType": "FieldsV1", "fieldsV1": fields}]},
            "spec": {"nodeName": "node-%03d" % (number % 100), "serviceAccountName": "default",
                     "containers": [{"name": "main", "image": image, "env": [{"name": "VAR_%d" % i, "value": "value-%d" % i} for i in range(16)],
                                     "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}], "livenessProbe": probe,
                                     "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
                                     "volumeMounts": [{"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}]}],
                     "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
            "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "hostIP": "192.168.0.%d" % (number % 100),
                       "conditions": [{"type": kind, "status": "True", "lastTransitionTime": TIME} for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")],
                       "containerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "image": image, "imageID": "sha256:" + "b" * 64, "containerID": "containerd://" + "c" * 64, "started": True}]}}


def write_dump(path, pods):
    """In the order of keys that kubectl has: the kind of a list is behind its items. One by one, as what this process has is in a child's peak, too."""
    with open(path, "w") as out:
        out.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        for number in range(pods):
            out.write(textwrap.indent(json.dumps(pod(number), indent=4), " " * 8) + (",\n" if number + 1 < pods else "\n"))
        out.write('    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')
    return path.stat().st_size / 2**20


def run(binary, words, stdin):
    with open(stdin) if stdin else open("/dev/null") as given:
        wall, cpu, peak, status = measured([binary, *words], stdin=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if status != 0:
        sys.exit("bench: netpolc %s ended with %d" % (" ".join(map(str, words)), status))
    return wall, cpu, peak


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("inputs", type=pathlib.Path)
    parser.add_argument("--pods", type=int, default=10000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--beside", type=pathlib.Path)
    asked = parser.parse_args()
    dump, packed = asked.inputs / "dump.json", asked.inputs / "dump.json.gz"
    size = write_dump(dump, asked.pods)
    with open(dump, "rb") as plain, gzip.open(packed, "wb", 6) as out:
        shutil.copyfileobj(plain, out)
    table = Table()
    print(machine())
    table.heading("a dump of %d pods, %.0f MiB; whole process" % (asked.pods, size), ("the clock", "processor", "", ""))
    cases = [("endpoint list", ["endpoint", "list", "-o", "json", "-f", dump], None), ("the same, compressed", ["endpoint", "list", "-o", "json", "-f", packed], None),
             ("the same, stdin", ["endpoint", "list", "-o", "json", "-f", "-"], dump), ("import", ["import", dump, "-o", asked.inputs / "out.yaml"], None)]
    for name, words, stdin in cases:
        binaries = [("", asked.binary)] + ([(" (beside)", asked.beside)] if asked.beside else [])
        runs = {mark: [] for mark, _ in binaries}
        for _ in range(asked.repeat):
            for mark, binary in binaries:
                runs[mark].append(run(binary, words, stdin))
        for mark, _ in binaries:
            wall, cpu, peak = (min(column) for column in zip(*runs[mark]))
            # `import` holds what it writes, too.
            limited = mark == "" and name != "import"
            table.row("  " + name + mark, wall * 1e3, cpu * 1e3, None, SECONDS_LIMIT * 1e3 if limited else None, "median %.0f ms, peak %.0f MiB" % (1e3 * statistics.median(r[0] for r in runs[mark]), peak))
            if limited:
                table.check("    peak beside the text", peak - size, BESIDE_LIMIT, "MiB")
    return table.finish(asked.json)


if __name__ == "__main__":
    sys.exit(main())
