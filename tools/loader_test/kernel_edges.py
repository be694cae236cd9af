"""What is beyond the pods and their node: tests of kernel_test.py about where packets go from there."""
import socket
import time

from kernel_world import CLUSTER, POD, Site, check, in_netns, topology

SHUT = ("---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: shut, namespace: t}\n"
        "spec: {endpointSelector: {matchLabels: {app: client}}, egress: [{toEndpoints: [{matchLabels: {app: server}}]}]}\n")


def discovery_arrives(source, receiver, address):
    """Does neighbour discovery that is sent to a routable address get there? It carries data, to be known by."""
    got = []

    def receive():
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
            s.settimeout(4)
            try:
                while b"stolen" not in (got or [b""])[-1]:
                    got.append(s.recv(2048))
            except socket.timeout:
                pass

    def send():
        with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as s:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            for _ in range(3):
                s.sendto(b"\x87\0\0\0" + b"stolen" * 50, (address, 0))
                time.sleep(0.3)

    threads = [in_netns(receiver, receive), in_netns(source, send)]
    for thread in threads:
        thread.join()
    return any(b"stolen" in packet for packet in got)


def shut(world, name):
    """All pods, and a policy by which the client may only speak to the server."""
    pods = "".join(POD % {"name": p.name, "ipv4": p.ipv4, "ipv6": p.ipv6} for p in world.pods.values())
    return world.compile_text(name, CLUSTER + pods + SHUT)


def test_neighbour_discovery_carries_nothing_away(world, mode):
    """It passes before policy, with hop limit 255. A pod can write that, too, into what a node would forward."""
    far, client, stranger = "2001:db8::1", world.pods["client"], world.pods["stranger"]
    topology.ip("fabric", "-6", "addr", "add", far + "/128", "dev", "lo", "nodad")
    check(discovery_arrives(client.netns, "fabric", far), "without policy it comes as far as that")
    check(discovery_arrives(client.netns, stranger.netns, stranger.ipv6), "and to another pod of the node")
    world.load(shut(world, "shut"), *mode)
    through = discovery_arrives(client.netns, "fabric", far)
    beside = discovery_arrives(client.netns, stranger.netns, stranger.ipv6)
    reaches = world.reaches("client", 8080, family=6)
    world.unload()
    topology.ip("fabric", "-6", "addr", "del", far + "/128", "dev", "lo")
    check(not through, "a pod that may not speak to it sent data to %s" % far)
    check(not beside, "a pod that may not speak to it sent data to another pod of the node")
    check(reaches, "neighbours of the link are found as ever")


def test_neighbours_of_a_bridge_find_each_other(world, mode):
    """Pods of a bridge are neighbours: what tells where a pod is passes, whomever it may speak to. Else nobody could speak to it."""
    topology.ip("node-1", "link", "add", "bridge", "type", "bridge")
    topology.ip("node-1", "link", "set", "bridge", "up")
    topology.ip("node-1", "-6", "addr", "add", "fd00:77::ff/64", "dev", "bridge", "nodad")
    address = {"client": "fd00:77::1", "stranger": "fd00:77::2"}
    for name, own in address.items():
        topology.cable("node-1", "port-" + name, world.pods[name].netns, "bridged")
        topology.ip("node-1", "link", "set", "port-" + name, "master", "bridge")
        topology.ip(world.pods[name].netns, "-6", "addr", "add", own + "/64", "dev", "bridged", "nodad")
    client, stranger = world.pods["client"].netns, world.pods["stranger"].netns
    for netns in (client, stranger):
        world.serve(netns, ("7070",))
    Site.load(world, shut(world, "bridge"), "--attach", "t/client=port-client", "--node", "node-1", *mode)
    for netns in (client, stranger):
        topology.ip(netns, "neigh", "flush", "dev", "bridged")
    carried = discovery_arrives(client, stranger, address["stranger"])
    reached = world.probe(stranger, address["client"], 7070).wait() == 0
    began = world.probe(client, address["stranger"], 7070).wait() == 0
    drops = world.status()["drops"]
    world.unload()
    for name in address:
        topology.ip("node-1", "link", "del", "port-" + name)
    topology.ip("node-1", "link", "del", "bridge")
    check(carried, "a neighbour is not told what it asks for: %s" % drops)
    check(reached, "who may speak to a pod does not find it: %s" % drops)
    check(not began and drops, "and policy holds: %s" % drops)


def test_whatever_address_this_machine_has_is_the_hosts(world, mode):
    """No policy about addresses outside the cluster speaks of it, whether the YAML knows it or not. Those of docker are not."""
    devices = {"br-9": "10.77.0.9", "docker9": "10.77.0.10"}
    for device, address in devices.items():
        topology.ip("node-1", "link", "add", device, "type", "bridge")
        topology.ip("node-1", "addr", "add", address + "/32", "dev", device)
    topology.ip("node-1", "addr", "add", "10.77.0.1/32", "dev", "lo")
    world.serve("node-1", ("7070",))
    policy = ("---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c, namespace: t}\n"
              "spec: {endpointSelector: {matchLabels: {app: client}}, egress: [%s]}\n")
    client = world.pods["client"]
    pod = POD % {"name": "client", "ipv4": client.ipv4, "ipv6": client.ipv6}
    reached = {}
    for name, rule in (("outside", 'toCIDR: ["0.0.0.0/0"]'), ("host", "toEntities: [host]")):
        world.load(world.compile_text("machine-" + name, CLUSTER + pod + policy % ("{%s}" % rule)), *mode, pods=("client",))
        reached[name] = [a for a in ("10.77.0.1", "10.77.0.9", "10.77.0.10") if world.probe(client.netns, a, 7070).wait() == 0]
    world.unload()
    for device in devices:
        topology.ip("node-1", "link", "del", device)
    topology.ip("node-1", "addr", "del", "10.77.0.1/32", "dev", "lo")
    check(reached == {"outside": ["10.77.0.10"], "host": ["10.77.0.1", "10.77.0.9"]}, str(reached))


def test_prefixes_that_name_the_own_node(world, mode):
    """Where policies may name nodes by prefix, all addresses of the node are what any of them is, and so is what it sends."""
    cluster = CLUSTER.replace('enable-ipv6: "true"', 'enable-ipv6: "true", policy-cidr-match-mode: nodes')
    policy = ("---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: c, namespace: t}\n"
              "spec: {endpointSelector: {matchLabels: {app: client}}, %s}\n")
    client, node = world.pods["client"], {4: "192.168.51.2", 6: "fd00:51::2"}
    pod = POD % {"name": "client", "ipv4": client.ipv4, "ipv6": client.ipv6}
    for netns in ("node-1", client.netns):
        world.serve(netns, ("7071",))
    reached = {}

    def load(name, text, mode_of="nodes"):
        whole = (cluster if mode_of == "nodes" else CLUSTER) + pod + policy % text
        world.load(world.compile_text("own-node-" + name, whole), *mode, pods=("client",))

    def all_reached():
        return [family for family in (4, 6) if world.probe(client.netns, node[family], 7071).wait() == 0]

    def all_sent():
        return [family for family, to in ((4, client.ipv4), (6, client.ipv6)) if world.probe("node-1", to, 7071).wait() == 0]

    def told(*words):
        done = world.call("address", *words)
        check(done.returncode == 0, done.stderr)

    deny = "egress: [{toEntities: [all]}], egressDeny: [{toCIDR: [%s]}]"
    load("denied", deny % "192.168.51.2/32")
    reached["denied"] = all_reached()
    labels = world.call("identity", "list").stdout
    load("off", deny % "192.168.51.2/32", "none")
    reached["not in this mode"] = all_reached()
    load("allowed", "egress: [{toCIDR: [192.168.51.2/32]}]")
    reached["allowed"] = all_reached()
    load("except", 'egress: [{toCIDRSet: [{cidr: "fd00:51::/64", except: ["fd00:51::2/128"]}]}]')
    reached["excepted"] = all_reached()
    load("ingress", "ingressDeny: [{fromCIDR: [192.168.51.2/32]}]")
    reached["it sends"] = all_sent()
    load("ingress-later", "ingressDeny: [{fromCIDR: [203.0.113.7/32]}]")
    reached["it sent before"] = all_sent()
    told("add", "203.0.113.7", "--identity", "1")
    reached["it sends, and got the address"] = all_sent()
    load("later", deny % "203.0.113.7/32")
    reached["before"] = all_reached()
    told("add", "203.0.113.7", "--identity", "1")
    reached["it got the address"] = all_reached()
    told("add", "203.0.113.8", "--identity", "1")
    told("remove", "203.0.113.7")
    reached["it lost the address"] = all_reached()
    world.unload()
    check("cidr:192.168.51.2/32" in labels and "cidr:fd00-51--2/128" in labels, "what the own node is, is said: " + labels)
    check(reached == {"denied": [], "not in this mode": [4, 6], "allowed": [4, 6], "excepted": [], "it sends": [], "it sent before": [4, 6],
                      "it sends, and got the address": [], "before": [4, 6], "it got the address": [],
                      "it lost the address": [4, 6]}, str(reached))
