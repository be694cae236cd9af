"""Nodes, pods and an outside world made of network namespaces.

Must run inside private network, mount and process namespaces (tools/demo.sh makes them).

    node-1 ──┐            pods hang off their node by a veth pair: eth0 in the pod,
    node-2 ──┼─ fabric    lxc-NAME on the node
    outside ─┘
"""
import os
import subprocess


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def ip(netns, *words):
    return run("ip", "-n", netns, *words)


def inside(netns, *command):
    """The command line that runs `command` in a namespace. Not `ip netns exec`: that hides bpffs."""
    return ["nsenter", "--net=/run/netns/" + netns, *command]


def sysctl(netns, name, value):
    run(*inside(netns, "sh", "-c", "echo %s > /proc/sys/net/%s" % (value, name)), check=False)


def prepare():
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")  # namespaces' names and the loader's state are ours alone
    os.makedirs("/run/netns")
    run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    run("ip", "link", "set", "lo", "up")


def namespace(name):
    run("ip", "netns", "add", name)
    ip(name, "link", "set", "lo", "up")
    for setting in ("all", "default"):
        sysctl(name, "ipv6/conf/%s/accept_dad" % setting, 0)
        sysctl(name, "ipv6/conf/%s/forwarding" % setting, 1)
        sysctl(name, "ipv4/conf/%s/rp_filter" % setting, 0)
    sysctl(name, "ipv4/ip_forward", 1)


def cable(a, a_name, b, b_name):
    ip(a, "link", "add", a_name, "type", "veth", "peer", "name", b_name, "netns", b)
    ip(a, "link", "set", a_name, "up")
    ip(b, "link", "set", b_name, "up")


def member(name, ipv4, ipv6):
    """A machine on the fabric: a node, or a host of the outside world."""
    namespace(name)
    cable("fabric", "to-" + name, name, "eth0")
    gateway4, gateway6 = ipv4.rsplit(".", 1)[0] + ".1", ipv6.rsplit("::", 1)[0] + "::1"
    ip("fabric", "addr", "add", gateway4 + "/24", "dev", "to-" + name)
    ip("fabric", "-6", "addr", "add", gateway6 + "/64", "dev", "to-" + name, "nodad")
    ip(name, "addr", "add", ipv4 + "/24", "dev", "eth0")
    ip(name, "-6", "addr", "add", ipv6 + "/64", "dev", "eth0", "nodad")
    ip(name, "route", "add", "default", "via", gateway4)
    ip(name, "-6", "route", "add", "default", "via", gateway6)


class Pod:
    def __init__(self, name, ns, node, ipv4, ipv6):
        self.name, self.ns, self.node, self.ipv4, self.ipv6 = name, ns, node, ipv4, ipv6
        self.netns, self.ifname = "pod-" + name, ("lxc-" + name)[:15]

    @property
    def endpoint(self):
        return self.ns + "/" + self.name

    def create(self, nodes):
        namespace(self.netns)
        cable(self.node, self.ifname, self.netns, "eth0")
        ip(self.node, "addr", "add", "169.254.1.1/32", "dev", self.ifname)
        ip(self.node, "-6", "addr", "add", "fe80::1/64", "dev", self.ifname, "nodad")
        ip(self.netns, "addr", "add", self.ipv4 + "/32", "dev", "eth0")
        ip(self.netns, "-6", "addr", "add", self.ipv6 + "/128", "dev", "eth0", "nodad")
        ip(self.netns, "route", "add", "169.254.1.1", "dev", "eth0")
        ip(self.netns, "route", "add", "default", "via", "169.254.1.1", "dev", "eth0")
        ip(self.netns, "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
        ip(self.node, "route", "add", self.ipv4 + "/32", "dev", self.ifname, "src", nodes[self.node][0])
        ip(self.node, "-6", "route", "add", self.ipv6 + "/128", "dev", self.ifname, "src", nodes[self.node][1])
        ip("fabric", "route", "replace", self.ipv4 + "/32", "via", nodes[self.node][0])
        ip("fabric", "-6", "route", "replace", self.ipv6 + "/128", "via", nodes[self.node][1])

    def destroy(self):
        run("ip", "netns", "del", self.netns)
        run("ip", "-n", self.node, "link", "del", self.ifname, check=False)
        ip("fabric", "route", "del", self.ipv4 + "/32")
        ip("fabric", "-6", "route", "del", self.ipv6 + "/128")
