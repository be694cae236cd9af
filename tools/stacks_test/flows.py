"""The traffic of churn.py: one loop that keeps many flows going and writes down when what was sent, came and came back.

Datagrams carry their number, so each is accounted for; streams carry a known text, so each byte is in its place.
"""
import array
import collections
import functools
import select
import socket
import struct
import threading
import time

from world import Failed, check

PORTS = {7100: "both", 7110: "churn-a", 7120: "churn-b", 7130: "neither"}  # who allows it
TICK = 0.01
SIZES = {("client", "server", 7100): (64, 8000)}  # bytes of a datagram; others: 64
NUMBER = struct.Struct("!I")
TEXT = bytes((i * 7 + (i >> 8)) & 0xff for i in range(65521))
MAX_OUTSTANDING = 1 << 16


def group_of(flow):
    """Whose business a flow is: "both" policies allow it, "one", "neither"; "unselected": one has no say in it."""
    if flow.path[1] == "dns":
        return "unselected"
    return PORTS[flow.port] if PORTS[flow.port] in ("both", "neither") else "one"


def allows(policy, port):
    return PORTS[port] in ("both", policy)


def ports_of(path):
    """dns has no policy at all in the second bundle, and one that lets nobody in in the first."""
    return [7120] if path == ("client", "dns") else list(PORTS)


Result = collections.namedtuple("Result", "allowed denied came lost leaked first")


def window_of(windows, when, hint):
    """The span that a moment is in, or None; `hint` is where to begin, for moments in order."""
    while hint < len(windows) and (windows[hint].end is not None and windows[hint].end <= when):
        hint += 1
    inside = hint < len(windows) and windows[hint].begin <= when
    return (windows[hint] if inside else None), hint


class Datagrams:
    def __init__(self, world, path, family, port, size):
        source, target = path
        self.path, self.port, self.size = path, port, size
        self.name = "%s to %s, UDP %d over IPv%d, %d bytes" % (source, target, port, family, size)
        self.near = world.socket(source, family, socket.SOCK_DGRAM)
        self.near.connect((world.address(target, family), port))
        self.near.setblocking(False)
        roomy(self.near)
        self.when, self.came, self.back = array.array("d"), bytearray(), bytearray()  # by number

    def send(self, now):
        number = len(self.when)
        self.when.append(now)
        self.came.append(0)
        self.back.append(0)
        try:
            self.near.send(NUMBER.pack(number) + TEXT[:self.size - NUMBER.size])
        except OSError as error:
            raise Failed("%s: %s" % (self.name, error))

    def judge(self, windows):
        allowed = denied = lost = leaked = hint = 0
        first = None
        for number, when in enumerate(self.when):
            window, hint = window_of(windows, when, hint)
            if PORTS[self.port] in ("both", "neither"):
                may = PORTS[self.port] == "both"
            elif window is None:
                continue
            else:
                may = allows(window.policy, self.port)
            allowed, denied = allowed + may, denied + (not may)
            bad_loss = may and not (self.came[number] and self.back[number])
            bad_leak = not may and self.came[number] > 0
            lost, leaked = lost + bad_loss, leaked + bad_leak
            if (bad_loss or bad_leak) and first is None:
                first = number
        return Result(allowed, denied, sum(self.came), lost, leaked, first)


class Stream:
    """A TCP connection whose server answers every byte."""

    def __init__(self, world, path, family, port, listener):
        source, target = path
        self.path, self.port = path, port
        self.name = "%s to %s, TCP %d over IPv%d" % (source, target, port, family)
        self.near = world.socket(source, family, socket.SOCK_STREAM)
        self.near.settimeout(5)
        self.near.connect((world.address(target, family), port))
        listener.settimeout(5)
        self.far, _ = listener.accept()
        for s in (self.near, self.far):
            s.setblocking(False)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = self.arrived = self.returned = 0
        self.problem, self.longest_pause, self.last = None, 0.0, None
        self.arrivals = []  # (when, bytes) at the server
        self.owed = b""

    def send(self, now):
        if self.problem or self.sent - self.returned > MAX_OUTSTANDING:
            return
        at = self.sent % len(TEXT)
        try:
            self.sent += self.near.send(TEXT[at:at + 1000])
        except BlockingIOError:
            pass
        except OSError as error:
            self.problem = "sending: %s" % error

    def read(self, s, position):
        """What came at one end, checked; b"" when nothing did."""
        try:
            data = s.recv(1 << 16)
        except BlockingIOError:
            return b""
        except OSError as error:
            self.problem = "receiving: %s" % error
            return b""
        if not data:
            self.problem = "closed by nobody"
            return b""
        at = position % len(TEXT)
        expected = TEXT[at:at + len(data)]
        while len(expected) < len(data):
            expected += TEXT[:len(data) - len(expected)]
        if data != expected:
            self.problem = "other bytes than were sent, from %d on" % position
        return data

    def at_server(self, now):
        data = self.read(self.far, self.arrived)
        if data:
            self.arrived += len(data)
            self.arrivals.append((now, len(data)))
            self.owed += data
        self.answer()

    def answer(self):
        if not self.owed or self.problem:
            return
        try:
            self.owed = self.owed[self.far.send(self.owed):]
        except BlockingIOError:
            pass
        except OSError as error:
            self.problem = "answering: %s" % error

    def at_client(self, now):
        data = self.read(self.near, self.returned)
        if data:
            self.returned += len(data)
            self.longest_pause = max(self.longest_pause, now - (self.last or now))
            self.last = now

    def leaked(self, windows):
        """Bytes that came while the policy in force denied them."""
        hint = leak = 0
        for when, size in self.arrivals:
            window, hint = window_of(windows, when, hint)
            if window is not None and not allows(window.policy, self.port):
                leak += size
        return leak

    def moved(self, windows):
        """In how many of the spans that allow it something came, of how many; the first is left out."""
        mine = [w for w in windows[1:] if allows(w.policy, self.port) and w.end is not None]
        hint, touched = 0, set()
        for when, _ in self.arrivals:
            window, hint = window_of(windows, when, hint)
            touched.add(id(window))
        return sum(id(w) in touched for w in mine), len(mine)


def roomy(s):
    """Whoever is late reads it later."""
    for force in (32, 33):  # SO_SNDBUFFORCE, SO_RCVBUFFORCE
        s.setsockopt(socket.SOL_SOCKET, force, 1 << 25)


class Engine:
    """Runs in a thread of its own between start() and stop()."""

    def __init__(self, world, paths):
        self.world, self.paths, self.poll = world, paths, select.epoll()
        self.handlers, self.sockets = {}, []
        self.datagrams, self.streams, self.listeners, self.by_address = [], [], {}, {}
        for path in paths:
            for family in (4, 6):
                for port in ports_of(path):
                    self.prepare(path, family, port)
        self.opened, self.refused = 0, []
        self.stopping = self.quiet = False
        self.fault = None
        self.requests = collections.deque()

    # ---- making flows ---------------------------------------------------------------------------
    def prepare(self, path, family, port):
        target = path[1]
        if (target, family, port) not in self.listeners:
            listener = self.world.socket(target, family, socket.SOCK_STREAM, bind=port)
            listener.listen(64)
            self.sockets.append(listener)
            self.listeners[target, family, port] = listener
            far = self.world.socket(target, family, socket.SOCK_DGRAM, bind=port)
            far.setblocking(False)
            roomy(far)
            self.watch(far, lambda now: self.echo(far))
        for size in SIZES.get((*path, port), (64,)):
            flow = Datagrams(self.world, path, family, port, size)
            self.datagrams.append(flow)
            self.by_address[(*flow.near.getsockname()[:2], *flow.near.getpeername()[:2])] = flow
            self.watch(flow.near, functools.partial(self.answered, flow))

    def open_streams(self, policy):
        """Opens the connections that `policy`, which is in force, allows and that aren't open yet."""
        have = {s.name for s in self.streams}
        for path in self.paths:
            for family in (4, 6):
                for port in ports_of(path):
                    name = "%s to %s, TCP %d over IPv%d" % (*path, port, family)
                    if allows(policy, port) and name not in have:
                        self.open_stream(name, path, family, port)

    def open_stream(self, name, path, family, port):
        try:
            stream = Stream(self.world, path, family, port, self.listeners[path[1], family, port])
        except OSError as error:
            raise Failed("opening %s: %s" % (name, error))
        self.streams.append(stream)
        self.watch(stream.far, lambda now: self.serve(stream, stream.far, stream.at_server, now))
        self.watch(stream.near, lambda now: self.serve(stream, stream.near, stream.at_client, now))

    def watch(self, s, handler):
        self.sockets.append(s)
        self.handlers[s.fileno()] = handler
        self.poll.register(s, select.EPOLLIN)

    # ---- the loop -------------------------------------------------------------------------------
    def serve(self, stream, end, handler, now):
        handler(now)
        if stream.problem:
            self.poll.unregister(end)  # or it would be ready for ever

    def echo(self, far):
        for _ in range(32):
            try:
                data, sender = far.recvfrom(1 << 16)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self.flow_of(far, sender).came[NUMBER.unpack_from(data)[0]] = 1
            far.sendto(data, sender)

    def flow_of(self, far, sender):
        """Who sent it: by the addresses of both sockets."""
        return self.by_address[(*sender[:2], *far.getsockname()[:2])]

    @staticmethod
    def answered(flow, _):
        for _ in range(32):
            try:
                flow.back[NUMBER.unpack_from(flow.near.recv(1 << 16))[0]] = 1
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue

    def drain(self):
        while True:
            events = self.poll.poll(0, 512)
            if not events:
                return
            now = time.monotonic()
            for fd, _ in events:
                self.handlers[fd](now)

    def loop(self):
        next_tick = time.monotonic()
        while not self.stopping:
            self.drain()
            now = time.monotonic()
            if self.requests:
                time.sleep(0.01)  # what is on its way arrives, whatever CPU it is on
                self.drain()
                moment, done = self.requests.popleft()
                moment.append(time.monotonic())
                done.set()
                continue
            if now < next_tick:
                time.sleep(min(0.002, next_tick - now))
                continue
            next_tick = max(next_tick + TICK, now - 5 * TICK)
            if not self.quiet:
                for flow in self.datagrams:
                    flow.send(now)
                for stream in self.streams:
                    stream.send(now)
            for stream in self.streams:
                stream.answer()

    def guarded(self, work):
        try:
            work()
        except Exception as error:  # noqa: BLE001: whatever it was, the test's own thread says so
            self.fault = error
            while self.requests:
                self.requests.popleft()[1].set()

    # ---- for the test's own thread --------------------------------------------------------------
    def start(self):
        self.thread = threading.Thread(target=self.guarded, args=(self.loop,))
        self.connector = threading.Thread(target=self.guarded, args=(self.connect_often,))
        self.thread.start()
        self.connector.start()

    def settle(self):
        """A moment before which everything sent has come, or never will."""
        moment, done = [], threading.Event()
        self.requests.append((moment, done))
        while not done.wait(1):
            check(self.fault is None and self.thread.is_alive(), "the traffic stopped: %s" % self.fault)
        check(moment, "the traffic stopped: %s" % self.fault)
        return moment[0]

    def no_more(self):
        self.quiet = True

    def drained(self, policy, patience):
        """Waits until all that `policy` allows has come back; the names of the streams for which that took too long."""
        deadline = time.monotonic() + patience
        while True:
            late = [s.name for s in self.streams if allows(policy, s.port) and (s.returned < s.sent or s.problem)]
            if not late or time.monotonic() > deadline:
                return late
            time.sleep(0.05)

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.connector.join()
        check(self.fault is None, "the traffic stopped: %s" % self.fault)

    def close(self):
        for s in self.sockets:
            s.close()
        self.poll.close()

    # ---- new connections ------------------------------------------------------------------------
    def connect_often(self):
        """Twenty times a second a connection that both policies allow."""
        listeners = {f: self.world.socket("server", f, socket.SOCK_STREAM, bind=7101) for f in (4, 6)}
        for s in listeners.values():
            s.listen(8)
            s.settimeout(3)
        while not self.stopping and not self.quiet:
            family = 4 if self.opened % 2 else 6
            self.opened += 1
            try:
                with self.world.socket("client", family, socket.SOCK_STREAM) as s:
                    s.settimeout(3)
                    s.connect((self.world.address("server", family), 7101))
                    with listeners[family].accept()[0] as other:
                        s.send(b"hello")
                        if other.recv(16) != b"hello":
                            raise OSError("other bytes")
            except OSError as error:
                self.refused.append("connection %d over IPv%d: %s" % (self.opened, family, error))
            time.sleep(0.05)
        for s in listeners.values():
            s.close()
