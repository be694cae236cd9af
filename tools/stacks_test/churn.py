"""Policy is replaced once a second under traffic, and every packet accounted for.

Two bundles take turns: churn-a and churn-b. By its port, a flow is allowed by both (7100), only by the first (7110),
only by the second (7120), or by neither (7130); by its path, ingress or egress policy decides. Between the end of one load and the
begin of the next there is one policy in force, and no doubt about any packet (`Window`); packets sent while the
loader ran count only where both policies agree.
"""
import json
import select
import socket
import subprocess
import time

from flows import Engine, group_of
from world import Failed, check

PERIOD = 1.0  # seconds from one load to the next
PATHS = [("client", "server"), ("client", "outside"), ("outside", "server"), ("client", "dns")]
SIDES = ("churn-a", "churn-b")


class Window:
    """A span in which one policy is in force: [begin, end), monotonic seconds."""

    def __init__(self, policy, begin):
        self.policy, self.begin, self.end = policy, begin, None


class Churn:
    def __init__(self, world, names=SIDES, between=None):
        """`names`: what takes turns; `between`: something to do before every load."""
        self.world, self.names, self.between = world, names, between
        self.windows, self.loads, self.slowest, self.unfinished = [], 0, 0.0, []
        world.load("churn-a")
        self.engine = Engine(world, PATHS)
        self.engine.open_streams("churn-a")
        world.load("churn-b")
        self.engine.open_streams("churn-b")

    def turn(self, which):
        """One load, and a span of one policy in force."""
        if self.windows:
            self.windows[-1].end = self.engine.settle()
        start = time.monotonic()
        if self.between:
            self.between()
        self.world.load(self.names[which])
        self.loads += 1
        self.slowest = max(self.slowest, time.monotonic() - start)
        self.windows.append(Window(SIDES[which], self.engine.settle()))
        time.sleep(max(0.1, PERIOD - (time.monotonic() - start)))

    def run(self, seconds, patience=12):
        """`patience`: seconds in which a stream has to come to its end."""
        self.engine.start()
        try:
            self.take_turns(seconds, patience)
        finally:
            self.engine.stop()
        return self

    def take_turns(self, seconds, patience):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.turn(0)
            self.turn(1)
        # to the end of every stream under the policy that allows it
        self.engine.no_more()
        for which in (0, 1):
            self.turn(which)
            self.unfinished += self.engine.drained(SIDES[which], patience)
        self.windows[-1].end = self.engine.settle()


# ---- what must be true afterwards -----------------------------------------------------------------
def datagrams_of(churn, group):
    """Checks the datagram flows of a group of group_of()."""
    sent = came = denied = 0
    for flow in churn.engine.datagrams:
        if group_of(flow) != group:
            continue
        result = flow.judge(churn.windows)
        check(result.lost == 0, "%s: %d of %d datagrams lost that policy allows, first number %s" % (flow.name, result.lost, result.allowed, result.first))
        check(result.leaked == 0, "%s: %d of %d datagrams came that policy denies, first number %s" % (flow.name, result.leaked, result.denied, result.first))
        sent, came, denied = sent + result.allowed, came + result.came, denied + result.denied
    check(sent + denied > 0, "nothing was sent")
    return "%d allowed all came and were answered, none of %d denied" % (sent, denied)


def streams_of(churn, group):
    carried, resumed, pause = 0, 0, 0.0
    for flow in churn.engine.streams:
        if group_of(flow) != group:
            continue
        check(flow.problem is None, "%s: %s" % (flow.name, flow.problem))
        check(flow.name not in churn.unfinished, "%s: %d of %d bytes came, %d came back" % (flow.name, flow.arrived, flow.sent, flow.returned))
        leak = flow.leaked(churn.windows)
        check(leak == 0, "%s: %d bytes came while policy denied them" % (flow.name, leak))
        if group == "both":
            check(flow.longest_pause < 2.5, "%s: stood still for %.1f s" % (flow.name, flow.longest_pause))
            pause = max(pause, flow.longest_pause)
        else:
            stood, spans = flow.moved(churn.windows)
            check(stood > 0, "%s: moved in none of %d spans in which policy allows it again" % (flow.name, spans))
            resumed += stood
        carried += flow.returned
    check(carried > 0, "nothing was carried")
    return "%.1f MB there and back, %s" % (carried / 1e6, "longest pause %.2f s" % pause if group == "both" else "cut and resumed %d times" % resumed)


def connections(churn):
    engine = churn.engine
    check(engine.opened > 20 and not engine.refused, "%d of %d failed: %s" % (len(engine.refused), engine.opened, engine.refused[:3]))
    return "%d opened, spoken over and closed" % engine.opened


def policy_comes(world, kind):
    """A pod without policy is given one that denies what it is talking over. What it still has to say opens no door."""
    for family in (4, 6):
        world.load("churn-b")
        with world.socket("dns", family, kind, bind=7120) as far, world.socket("client", family, kind) as near:
            if kind == socket.SOCK_STREAM:
                far.listen(1)
            near.connect((world.address("dns", family), 7120))
            near.send(b"before")
            if kind == socket.SOCK_STREAM:
                talking, _ = far.accept()
                heard = talking.recv(16)
                world.load("churn-a")
                talking.send(b"answer")
            else:
                talking = far
                heard, sender = far.recvfrom(16)
                world.load("churn-a")
                far.sendto(b"answer", sender)
            check(heard == b"before", "nothing passed without policy over IPv%d" % family)
            time.sleep(0.1)
            near.send(b"after")
            ready, _, _ = select.select([talking], [], [], 1)
            talking.close()
            check(not ready, "what policy denies came over IPv%d" % family)
    return "cut at once"


class Companion:
    """iperf3 and ping for as long as it takes."""

    def __init__(self, world, seconds):
        self.patience = 30 + seconds / 4  # ping's intervals are a little longer than asked for

        def start(*command):
            return world.start("client", *command, stdout=subprocess.PIPE, text=True)
        self.iperf3 = start("iperf3", "-c", world.address("server", 6), "-p", "5201", "-J", "-b", "100M", "-t", str(seconds))
        self.pings = {f: start("ping", "-%d" % f, "-q", "-i", "0.05", "-W", "2", "-c", str(seconds * 20), world.address("server", f)) for f in (4, 6)}

    def iperf3_result(self):
        report = json.loads(self.iperf3.communicate(timeout=self.patience)[0])
        check("error" not in report, report.get("error"))
        idle = [i for i in report["intervals"] if i["sum"]["bytes"] == 0]
        check(not idle, "%d of %d intervals without a byte" % (len(idle), len(report["intervals"])))
        return "%.0f Mbit/s of 100" % (report["end"]["sum_received"]["bits_per_second"] / 1e6)

    def ping_result(self):
        for family, process in self.pings.items():
            text = process.communicate(timeout=self.patience)[0]
            check(" 0% packet loss" in text, "over IPv%d: %s" % (family, text.strip()))
        return "no answer missing"


GROUPS = [("both policies allow", "both"), ("one policy allows", "one"), ("no policy allows", "neither"),
          ("one policy allows as it doesn't select the pod", "unselected")]


def run(world, report, seconds):
    state = {}

    def churning():
        companion = Companion(world, seconds)
        churn = Churn(world).run(seconds)
        state.update(churn=churn, companion=companion)
        return "%d loads, the slowest %.2f s; %d datagram flows, %d streams" % (churn.loads, churn.slowest, len(churn.engine.datagrams), len(churn.engine.streams))
    for words, kind in (("a connection", socket.SOCK_STREAM), ("datagrams", socket.SOCK_DGRAM)):
        report.judge("policy comes to a pod that had none, " + words, lambda: policy_comes(world, kind))
    world.load("churn-a")
    report.judge("churn, %d s, policy replaced once a second" % seconds, churning)
    if "companion" not in state:
        return
    churn, companion = state["churn"], state["companion"]
    for words, group in GROUPS:
        report.judge("churn, datagrams that " + words, lambda: datagrams_of(churn, group))
        if group != "neither":
            report.judge("churn, TCP streams that " + words, lambda: streams_of(churn, group))
    report.judge("churn, new connections that both policies allow", lambda: connections(churn))
    report.judge("churn, iperf3 all the time", companion.iperf3_result)
    report.judge("churn, ping all the time", companion.ping_result)
    churn.engine.close()


def self_check(world, report):
    """Wrong policies in the place of the second one, and a gap before every load."""
    def notices(wanted, names, between=None):
        def see():
            churn = Churn(world, names, between).run(4, patience=0)
            said = []
            for judge, group in ((datagrams_of, "both"), (datagrams_of, "one"), (datagrams_of, "neither"), (streams_of, "one")):
                try:
                    judge(churn, group)
                except Failed as fault:
                    said.append((judge.__name__[:-3], group, "came" if " came " in str(fault) and "policy denies" in str(fault) or "while policy denied" in str(fault) else "lost"))
            churn.engine.close()
            missing = [w for w in wanted if w not in said]
            check(not missing, "not noticed: %s, only %s" % (missing, said))
            return "noticed: " + ", ".join(" ".join(s) for s in said)
        return see
    report.judge("self-check, churn that opens", notices([("datagrams", "one", "came"), ("datagrams", "neither", "came"), ("streams", "one", "came")], ("churn-a", "open")))
    report.judge("self-check, churn that shuts", notices([("datagrams", "both", "lost")], ("churn-a", "shut")))
    report.judge("self-check, churn with a gap", notices([("datagrams", "neither", "came")], SIDES, lambda: (world.call("unload"), time.sleep(0.05))))
