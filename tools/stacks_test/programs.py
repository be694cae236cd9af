"""Ordinary programs talk through the policy: iperf3, curl, dig, ping."""
import json
import os
import subprocess
import sys
import time

from world import HERE, check

PAGE = 4 << 20  # bytes of what curl fetches


def start_servers(world):
    for netns, port in (("server", 5201), ("server", 5202), ("server", 5203), ("server", 5204), ("outside", 5201), ("outside", 5204)):
        keep_iperf3(world, netns, port)
    www = world.home / "www"
    www.mkdir()
    (www / "page").write_bytes(os.urandom(PAGE))
    for port in (8080, 8081):
        world.start("server", sys.executable, "-m", "http.server", "--bind", "::", "--directory", str(www), str(port))
    world.start("outside", sys.executable, "-m", "http.server", "--bind", "::", "--directory", str(www), "8080")
    dns = world.start("dns", sys.executable, str(HERE / "dns_server.py"), stdout=subprocess.PIPE, text=True)
    check(dns.stdout.readline().strip() == "ready", "no name server")
    deadline = time.monotonic() + 5
    while world.run("server", "curl", "-s", "--max-time", "2", "-o", "/dev/null", "http://127.0.0.1:8081/").returncode and time.monotonic() < deadline:
        time.sleep(0.1)


def keep_iperf3(world, netns, port):
    """A client that was cut off leaves its server waiting; a new one takes the port."""
    world.start(netns, "sh", "-c", "while :; do iperf3 -s -1 -p %d; done" % port)


def iperf3(world, source, target, family, port, *words, timeout=8):
    command = ["iperf3", "-c", world.address(target, family), "-p", str(port), "-J", "-t", "1", "--connect-timeout", "1500", *words]
    deadline = time.monotonic() + 4
    while True:
        done = world.run(source, *command, timeout=timeout)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            report = {"error": done.stderr.strip() or "no report"}
        error = report.get("error")
        # between two clients the port is closed for a moment; that a refusal comes back means that it was reached
        if not error or "refused" not in error and "busy" not in error or time.monotonic() > deadline:
            return error, report.get("end", {})
        time.sleep(0.1)


def iperf3_tcp(source, target, port, *words):
    def allowed(world):
        said = []
        for family in (4, 6):
            error, end = iperf3(world, source, target, family, port, *words)
            check(error is None, "over IPv%d: %s" % (family, error))
            rate = end["sum_received"]["bits_per_second"] / 1e6
            check(rate > 10, "over IPv%d only %.1f Mbit/s" % (family, rate))
            said.append("%.0f" % rate)
        return " and ".join(said) + " Mbit/s"
    return allowed


def iperf3_udp(source, target, port, size, rate):
    def allowed(world):
        said = []
        for family in (4, 6):
            error, end = iperf3(world, source, target, family, port, "-u", "-b", rate, "-l", str(size))
            check(error is None, "over IPv%d: %s" % (family, error))
            total = end["sum"]
            check(total["packets"] > 100 and total["lost_percent"] < 5, "over IPv%d %d of %d datagrams lost" % (family, total["lost_packets"], total["packets"]))
            said.append("%d of %d" % (total["packets"] - total["lost_packets"], total["packets"]))
        return " and ".join(said) + " datagrams of %d bytes" % size
    return allowed


def iperf3_denied(source, target, port, *words):
    def denied(world):
        for family in (4, 6):
            error, _ = iperf3(world, source, target, family, port, *words, timeout=3)
            check(error is not None and "refused" not in error, "it got there over IPv%d" % family)
    return denied


def curl(world, source, target, family, port):
    host = world.address(target, family)
    done = world.run(source, "curl", "-sS", "-g", "--max-time", "4", "--connect-timeout", "1", "-w", "\n%{size_download} %{http_code}", "-o", "/dev/null",
                     "http://%s:%d/page" % ("[%s]" % host if family == 6 else host, port))
    return done.returncode, (done.stdout.split() or ["0"])[0], done.stderr.strip()


def curl_allowed(world):
    for family in (4, 6):
        for _ in range(3):
            code, size, error = curl(world, "client", "server", family, 8080)
            check(code == 0 and size == str(PAGE), "over IPv%d: %s, %s bytes" % (family, error, size))
    return "6 times %d bytes" % PAGE


def curl_local(world):
    for family in (4, 6):
        code, size, error = curl(world, "node-1", "server", family, 8081)
        check(code == 0, "over IPv%d: %s" % (family, error))
    return "the node reaches its pods, whatever policy says"


def curl_denied(source, target, port):
    def denied(world):
        for family in (4, 6):
            code, _, error = curl(world, source, target, family, port)
            check(code == 28, "over IPv%d curl ended with %d, not by timeout: %s" % (family, code, error))
    return denied


def dig(world, source, family, *words):
    return world.run(source, "dig", "+short", "+time=1", "+tries=1", "@" + world.address("dns", family), *words).stdout


def dig_allowed(*words, expect="192.0.2.53"):
    def allowed(world):
        for family in (4, 6):
            for _ in range(5):
                said = dig(world, "client", family, *words)
                check(expect in said, "over IPv%d: %s" % (family, said.strip() or "nothing"))
        return "10 answers"
    return allowed


def dig_denied(*words):
    def denied(world):
        for family in (4, 6):
            said = dig(world, "stranger", family, *words)
            check("192.0.2.53" not in said, "an answer over IPv%d" % family)
    return denied


def ping(world, source, target, family, size, count):
    return world.run(source, "ping", "-%d" % family, "-q", "-c", str(count), "-i", "0.1", "-W", "1", "-s", str(size), world.address(target, family))


def ping_allowed(target, size):
    def allowed(world):
        for family in (4, 6):
            ping(world, "client", target, family, size, 3)  # on a narrow path each side first learns its MTU, and loses one
            done = ping(world, "client", target, family, size, 5)
            check(" 5 received" in done.stdout, "over IPv%d: %s" % (family, " ".join(done.stdout.split()[-12:]) or done.stderr))
        return "10 answers to %d bytes" % size
    return allowed


def ping_denied(source, target, size):
    def denied(world):
        for family in (4, 6):
            done = ping(world, source, target, family, size, 2)
            check(" 0 received" in done.stdout, "an answer over IPv%d: %s" % (family, done.stdout.strip()))
    return denied


# name, the wrong policy under which this must fail ("open" or "shut"; "": neither), the check
CHECKS = [
    ("iperf3 TCP, pod to pod", "shut", iperf3_tcp("client", "server", 5201)),
    ("iperf3 TCP, back", "shut", iperf3_tcp("client", "server", 5201, "-R")),
    ("iperf3 TCP, 8 streams", "shut", iperf3_tcp("client", "server", 5201, "-P", "8")),
    ("iperf3 TCP, to outside", "shut", iperf3_tcp("client", "outside", 5201)),
    ("iperf3 TCP, from outside", "shut", iperf3_tcp("outside", "server", 5202)),
    ("iperf3 TCP, from outside, back", "shut", iperf3_tcp("outside", "server", 5202, "-R")),
    ("iperf3 UDP, pod to pod", "shut", iperf3_udp("client", "server", 5201, 1200, "30M")),
    ("iperf3 UDP, fragmented", "shut", iperf3_udp("client", "server", 5201, 8000, "30M")),
    ("iperf3 UDP, to outside", "shut", iperf3_udp("client", "outside", 5201, 1200, "20M")),
    ("iperf3 TCP, port denied", "open", iperf3_denied("client", "server", 5204)),
    ("iperf3 TCP, pod denied", "open", iperf3_denied("stranger", "server", 5201)),
    ("iperf3 TCP, egress denied", "open", iperf3_denied("client", "outside", 5204)),
    ("iperf3 UDP, only TCP allowed", "open", iperf3_denied("client", "server", 5203, "-u", "-b", "10M", "-l", "1200")),
    ("curl, HTTP", "shut", curl_allowed),
    ("curl, from the node", "", curl_local),
    ("curl, port denied", "open", curl_denied("client", "server", 8081)),
    ("curl, pod denied", "open", curl_denied("stranger", "server", 8080)),
    ("curl, egress denied", "open", curl_denied("client", "outside", 8080)),
    ("dig, UDP", "shut", dig_allowed("small.test", "A")),
    ("dig, TCP", "shut", dig_allowed("+tcp", "small.test", "A")),
    ("dig, UDP, answer in fragments", "shut", dig_allowed("+bufsize=4096", "+ignore", "big.test", "TXT", expect="09:xxx")),
    ("dig, UDP, denied", "open", dig_denied("small.test", "A")),
    ("dig, TCP, denied", "open", dig_denied("+tcp", "small.test", "A")),
    ("ping", "shut", ping_allowed("server", 56)),
    ("ping, in fragments", "shut", ping_allowed("server", 3000)),
    ("ping, in many fragments", "shut", ping_allowed("server", 60000)),
    ("ping outside, in fragments", "shut", ping_allowed("outside", 3000)),
    ("ping, denied", "open", ping_denied("stranger", "server", 56)),
    ("ping, in fragments, denied", "open", ping_denied("stranger", "server", 3000)),
]
