#!/usr/bin/env python3
"""Makes a cluster of any size, with policies of ten kinds; the same arguments always make the same one.

usage: cluster.py --workloads W --policies P --out DIR [--namespaces N] [--replicas R] [--seed S]

DIR gets
  namespaces.yaml    N namespaces (a twentieth of W, four at least) and kube-system
  workloads.yaml     W Deployments: an app of their own, a tier, a team, an env; one to three ports with names
  pods.yaml          R pods of each Deployment, on ten nodes, with addresses
  policies-np.yaml   P NetworkPolicies
  policies-cnp.yaml  the same as CiliumNetworkPolicies
  reordered-cnp.yaml the latter in another order

Each policy belongs to a namespace; kinds take turns within it and from one to the next:
  0 nothing gets in                           5 one app sends to DNS, and to another app
  1 app to app, a port                        6 one app sends to a prefix with a hole and to all of prod, a range of ports
  2 app to app of another namespace, ports    7 one app gets from a prefix
  3 tier to tier everywhere, a named port     8 one app sends nothing
  4 two tiers but for stage, a range          9 everything within a team
"""
import argparse
import dataclasses
import json
import pathlib
import random

TIERS = ("web", "api", "db", "cache")
TEAMS = ("red", "green", "blue", "gold")
ENVS = ("prod", "stage")
NODES = 10
NAMESPACE = "k8s:io.kubernetes.pod.namespace"
NAMESPACE_LABEL = "k8s:io.cilium.k8s.namespace.labels."
NAME_LABEL = "kubernetes.io/metadata.name"


# ---- YAML ----------------------------------------------------------------------------------------

def block(value, indent):
    """Lines of a mapping or a list, in block style; scalars as JSON says them."""
    pad = "  " * indent
    if isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)) and item:
                first, *rest = block(item, indent + 1)
                yield pad + "- " + first.strip()
                yield from rest
            else:
                yield pad + "- " + json.dumps(item)
        return
    for key, item in value.items():
        if isinstance(item, (dict, list)) and item:
            yield "%s%s:" % (pad, key)
            yield from block(item, indent + 1)
        else:
            yield "%s%s: %s" % (pad, key, json.dumps(item))


def write(path, objects):
    with open(path, "w") as out:
        for one in objects:
            out.write("---\n")
            out.writelines(line + "\n" for line in block(one, 0))


# ---- who there is --------------------------------------------------------------------------------

@dataclasses.dataclass
class Workload:
    ns: str
    name: str
    labels: dict
    ports: list

    def template(self):
        return {"containers": [{"name": "main", "image": "registry.example/app:1", "ports": self.ports}]}

    def deployment(self, replicas):
        own = {"app": self.name}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": self.name, "namespace": self.ns},
                "spec": {"replicas": replicas, "selector": {"matchLabels": own},
                         "template": {"metadata": {"labels": self.labels}, "spec": self.template()}}}

    def pod(self, number, index):
        """The number-th of its pods, the index-th of all."""
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.name, "uid": "u-" + self.name}
        address = "10.%d.%d.%d" % (1 + index // 62500, index // 250 % 250, 1 + index % 250)
        return {"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "%s-%d" % (self.name, number), "namespace": self.ns, "labels": self.labels, "ownerReferences": [owner]},
                "spec": {"nodeName": "node-%d" % (index % NODES), **self.template()},
                "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {NAME_LABEL: name, **labels}}}


def workloads(count, names, rng):
    out = []
    for i in range(count):
        tier = TIERS[i // len(names) % len(TIERS)]
        name = "app-%04d" % i
        ports = [{"name": "main", "containerPort": 8080, "protocol": "TCP"}]
        if tier in ("api", "db"):
            ports.append({"name": "metrics", "containerPort": 9090 + i % 8, "protocol": "TCP"})
        if i % 7 == 0:
            ports.append({"name": "udp", "containerPort": 5353, "protocol": "UDP"})
        labels = {"app": name, "tier": tier, "team": rng.choice(TEAMS), "env": rng.choice(ENVS)}
        out.append(Workload(names[i % len(names)], name, labels, ports))
    return out


# ---- policies, said once for both kinds --------------------------------------------------------------

@dataclasses.dataclass
class Peer:
    """Pods of the policy's namespace, or of those with `ns` labels ({}: of all); or a prefix with holes."""
    selector: dict = dataclasses.field(default_factory=dict)
    ns: dict = None
    cidr: str = None
    holes: tuple = ()

    def plain(self):
        if self.cidr:
            return {"ipBlock": {"cidr": self.cidr, **({"except": list(self.holes)} if self.holes else {})}}
        if self.ns is None:
            return {"podSelector": self.selector}
        return {"namespaceSelector": matching(self.ns), **({"podSelector": self.selector} if self.selector else {})}

    def cilium(self):
        """Its kind of peer, and the peer."""
        if self.cidr:
            return "CIDRSet", {"cidr": self.cidr, **({"except": list(self.holes)} if self.holes else {})}
        out = {key: value for key, value in self.selector.items()}
        if self.ns == {}:
            out["matchExpressions"] = [{"key": NAMESPACE, "operator": "Exists"}]
        for key, value in (self.ns or {}).items():
            out["matchLabels"] = {**out.get("matchLabels", {}), (NAMESPACE if key == NAME_LABEL else NAMESPACE_LABEL + key): value}
        return "Endpoints", out


def matching(labels):
    return {"matchLabels": labels} if labels else {}


def port(number, protocol="TCP", last=None):
    return {"port": number, "protocol": protocol, **({"endPort": last} if last else {})}


@dataclasses.dataclass
class Policy:
    name: str
    ns: str
    subject: dict
    ingress: bool
    rules: list  # of (peers, ports); no ports: all of them

    def plain(self):
        direction, peers = ("ingress", "from") if self.ingress else ("egress", "to")
        rules = [{peers: [p.plain() for p in some], **({"ports": ports} if ports else {})} for some, ports in self.rules]
        return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": self.name, "namespace": self.ns},
                "spec": {"podSelector": self.subject, "policyTypes": [direction.capitalize()], direction: rules}}

    def cilium(self):
        direction, peers = ("ingress", "from") if self.ingress else ("egress", "to")
        rules = []
        for some, ports in self.rules:
            to_ports = {"toPorts": [{"ports": [{**one, "port": str(one["port"])} for one in ports]}]} if ports else {}
            by_kind = {}  # one rule can't have both
            for kind, peer in map(Peer.cilium, some):
                by_kind.setdefault(kind, []).append(peer)
            rules += [{peers + kind: chosen, **to_ports} for kind, chosen in by_kind.items()]
        return {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": self.name, "namespace": self.ns},
                "spec": {"endpointSelector": self.subject, direction: rules or [{}]}}


def app(workload):
    return matching({"app": workload.name})


def rules_of(kind, i, one, other, stranger):
    """Subject, whether it is ingress, and the rules of the i-th policy. `one` and `other` are of its namespace."""
    tier, second, next_tier = TIERS[i % 4], TIERS[(i + 2) % 4], TIERS[(i + 1) % 4]
    block_of = "172.%d" % (16 + i % 16)
    if kind == 0:
        return {}, True, []
    if kind == 1:
        return app(one), True, [([Peer(app(other))], [port(8080)])]
    if kind == 2:
        return app(one), True, [([Peer(app(stranger), ns={NAME_LABEL: stranger.ns})], [port(8080), port(5353, "UDP")])]
    if kind == 3:
        return matching({"tier": tier}), True, [([Peer(matching({"tier": next_tier}), ns={})], [port("main")])]
    if kind == 4:
        subject = {"matchExpressions": [{"key": "tier", "operator": "In", "values": [tier, second]}, {"key": "env", "operator": "NotIn", "values": ["stage"]}]}
        return subject, True, [([Peer({"matchExpressions": [{"key": "team", "operator": "Exists"}]})], [port(9090, last=9099)])]
    if kind == 5:
        return app(one), False, [([Peer(ns={NAME_LABEL: "kube-system"})], [port(53, "UDP"), port(53)]), ([Peer(app(other))], [])]
    if kind == 6:
        hole = "%s.%d.0/24" % (block_of, i % 256)
        return app(one), False, [([Peer(cidr=block_of + ".0.0/16", holes=(hole,)), Peer(ns={"env": "prod"})], [port(8000, last=8999)])]
    if kind == 7:
        return app(one), True, [([Peer(cidr="203.0.%d.0/24" % (i % 256))], [port(443)])]
    if kind == 8:
        return app(one), False, []
    return {}, True, [([Peer(ns={"team": TEAMS[i % 4]})], [])]


def policies(count, names, all_workloads, rng):
    by_ns = {name: [] for name in names}
    for one in all_workloads:
        by_ns[one.ns].append(one)
    out = []
    for i in range(count):
        ns, kind = names[i % len(names)], (i // len(names) + i) % 10
        rules = rules_of(kind, i, rng.choice(by_ns[ns]), rng.choice(by_ns[ns]), rng.choice(all_workloads))
        out.append(Policy("p-%04d-kind-%d" % (i, kind), ns, *rules))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workloads", type=int, required=True)
    parser.add_argument("--policies", type=int, required=True)
    parser.add_argument("--namespaces", type=int)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    names = ["ns-%03d" % i for i in range(asked.namespaces or max(4, asked.workloads // 20))]
    everybody = workloads(asked.workloads, names, rng)
    made = policies(asked.policies, names, everybody, rng)
    asked.out.mkdir(parents=True, exist_ok=True)
    write(asked.out / "namespaces.yaml", [namespace(name, team=TEAMS[i % 4], env=ENVS[i % 2]) for i, name in enumerate(names)] + [namespace("kube-system")])
    write(asked.out / "workloads.yaml", [one.deployment(asked.replicas) for one in everybody])
    write(asked.out / "pods.yaml", [one.pod(n, i * asked.replicas + n) for i, one in enumerate(everybody) for n in range(asked.replicas)])
    write(asked.out / "policies-np.yaml", [one.plain() for one in made])
    cilium = [one.cilium() for one in made]
    write(asked.out / "policies-cnp.yaml", cilium)
    rng.shuffle(cilium)
    write(asked.out / "reordered-cnp.yaml", cilium)


if __name__ == "__main__":
    main()
