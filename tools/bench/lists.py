"""Policies with lists for proxies and with names, for a cluster of cluster.py: a thousand of each, always the same.

  lists.yaml            two HTTP lists and a DNS list each, 9,000 entries in all
  lists-reordered.yaml  the same in another order
  lists-changed.yaml    ... with another path in one of them
  names.yaml            two toFQDNs selectors each, a name and a pattern, all for one namespace
"""
import copy
import random

import cluster

COUNT = 1000
METHODS = ("GET", "POST", "GET|HEAD", "PUT", "DELETE")
NOUNS = ("orders", "users", "items", "carts", "invoices", "reports")
DNS = {"matchLabels": {cluster.NAMESPACE: "kube-system", "k8s-app": "kube-dns"}}


def policy(kind, i, ns, app, **rules):
    return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "%s-%04d" % (kind, i), "namespace": ns},
            "spec": {"endpointSelector": {"matchLabels": {"app": app}} if app else {}, **rules}}


def ports(number, protocol="TCP", **rules):
    return {"ports": [{"port": str(number), "protocol": protocol}], **({"rules": rules} if rules else {})}


def http(i, j):
    own = "/svc-%04d" % i
    return [{"method": METHODS[(i + j) % 5], "path": "/v%d/%s/.*" % (j, NOUNS[i % 6])}, {"method": "GET", "path": own + "/[0-9]+"},
            {"method": "POST", "path": own + "/" + NOUNS[(i + j) % 6], "host": "api-%d\\.example\\.com" % (i % 97)}]


def dns(i):
    return [{"matchPattern": "*.svc-%d.example.com" % (i % 500)}, {"matchName": "api-%d.example.com" % i}, {"matchPattern": "*.cluster.local"}]


def write(directory, workloads):
    """`workloads`: how many the cluster has."""
    rng = random.Random(3)
    names = ["ns-%03d" % i for i in range(max(4, workloads // 20))]
    apps = {ns: ["app-%04d" % i for i in range(workloads) if i % len(names) == at] for at, ns in enumerate(names)}
    lists, fqdns = [], []
    for i in range(COUNT):
        ns = names[i % len(names)]
        one, other = rng.choice(apps[ns]), rng.choice(apps[ns])
        lists.append(policy("lists", i, ns, one,
                            ingress=[{"fromEndpoints": [{"matchLabels": {"app": other}}], "toPorts": [ports(8080, http=http(i, 1)), ports(9090, http=http(i, 2))]}],
                            egress=[{"toEndpoints": [DNS], "toPorts": [ports(53, "UDP", dns=dns(i))]}]))
        fqdns.append(policy("names", i, names[0], None,
                            egress=[{"toFQDNs": [{"matchName": "api-%d.example.com" % i}, {"matchPattern": "*.svc-%d.example.net" % i}], "toPorts": [ports(443)]}]))
    cluster.write(directory / "lists.yaml", lists)
    cluster.write(directory / "names.yaml", fqdns)
    changed = copy.deepcopy(lists)
    changed[COUNT // 2]["spec"]["ingress"][0]["toPorts"][0]["rules"]["http"][1]["path"] += "/more"
    cluster.write(directory / "lists-changed.yaml", changed)
    rng.shuffle(lists)
    cluster.write(directory / "lists-reordered.yaml", lists)
