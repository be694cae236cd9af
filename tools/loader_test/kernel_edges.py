"""What is beyond the pods and their node: tests of kernel_test.py about where packets go from there."""
import socket
import time

from kernel_world import CLUSTER, POD, check, in_netns, topology


def test_neighbour_discovery_carries_nothing_away(world, mode):
    """It passes before policy, with hop limit 255. A pod can write that, too, into what a node would forward."""
    far, client = "2001:db8::1", world.pods["client"]
    topology.ip("fabric", "-6", "addr", "add", far + "/128", "dev", "lo", "nodad")
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
                s.sendto(b"\x87\0\0\0" + b"stolen" * 50, (far, 0))
                time.sleep(0.3)

    def arrives():
        got.clear()
        threads = [in_netns("fabric", receive), in_netns(client.netns, send)]
        for thread in threads:
            thread.join()
        return any(b"stolen" in packet for packet in got)

    check(arrives(), "without policy it comes as far as that")
    pods = "".join(POD % {"name": p.name, "ipv4": p.ipv4, "ipv6": p.ipv6} for p in world.pods.values())
    shut = ("---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: shut, namespace: t}\n"
            "spec: {endpointSelector: {matchLabels: {app: client}}, egress: [{toEndpoints: [{matchLabels: {app: server}}]}]}\n")
    world.load(world.compile_text("shut", CLUSTER + pods + shut), *mode)
    through = arrives()
    reaches = world.reaches("client", 8080, family=6)
    world.unload()
    topology.ip("fabric", "-6", "addr", "del", far + "/128", "dev", "lo")
    check(not through, "a pod that may not speak to it sent data to %s" % far)
    check(reaches, "neighbours of the link are found as ever")


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
