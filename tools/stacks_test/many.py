"""10,000 TCP connections at once: opened, spoken over, policy loaded anew, spoken over again, closed; and the same
addresses and ports once more. The server's ends are in a process of their own, for the limits on descriptors.
"""
import resource
import select
import socket
import struct
import subprocess
import sys
import time

from world import HERE, Failed, check, in_netns

COUNT = 10000
PORT = 7000
PATIENCE = 30  # seconds for each step
FIRST_PORT = 20000
WORDS = struct.Struct("!II")


class Crowd:
    """The client's ends of many connections, in one loop, by descriptor."""

    def __init__(self, world, count):
        self.world, self.count, self.poll = world, count, select.epoll()
        self.clients, self.connected, self.heard, self.answered = {}, set(), {}, 0
        self.server = world.start("server", sys.executable, str(HERE / "echo_server.py"), str(PORT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        check(self.server.stdout.readline().strip() == "ready", "no echo server")

    def until(self, done, step):
        deadline = time.monotonic() + PATIENCE
        while not done():
            check(time.monotonic() < deadline, "%s: %s" % (step, self.progress()))
            for fd, _ in self.poll.poll(0.2, 4096):
                if fd in self.connected:
                    self.hear(fd)
                else:
                    self.connect_done(fd)

    def progress(self):
        return "%d of %d connected, %d answered" % (len(self.connected), self.count, self.answered)

    def hear(self, fd):
        said = self.clients[fd].recv(4096)
        check(said != b"", "the server closed a connection")
        self.heard[fd] += said
        self.answered += len(self.heard[fd]) >= WORDS.size > len(self.heard[fd]) - len(said)

    def connect_done(self, fd):
        error = self.clients[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        check(error == 0, "connecting: errno %d after %s" % (error, self.progress()))
        self.connected.add(fd)
        self.poll.modify(fd, select.EPOLLIN)

    def open(self):
        self.connected, self.answered = set(), 0
        made = {family: sockets_in(self.world, "client", family, self.count // 2) for family in (4, 6)}
        for n in range(self.count):
            family, s = (4, made[4][n // 2]) if n % 2 == 0 else (6, made[6][n // 2])
            fd = s.fileno()
            s.setblocking(False)
            s.bind((self.world.address("client", family), FIRST_PORT + n // 2))
            self.clients[fd], self.heard[fd] = s, b""
            self.poll.register(s, select.EPOLLOUT)
            try:
                s.connect((self.world.address("server", family), PORT))
            except BlockingIOError:
                pass
            if n % 500 == 499:  # no more at once than a listener's queue of SYNs takes
                self.until(lambda: len(self.connected) >= n - 500, "opening")
        self.until(lambda: len(self.connected) == self.count, "opening")

    def speak(self):
        self.answered, self.heard = 0, {fd: b"" for fd in self.clients}
        for fd, s in self.clients.items():
            s.send(WORDS.pack(fd, 0x5a5a5a5a))
        self.until(lambda: self.answered == self.count, "speaking")
        wrong = sum(said != WORDS.pack(fd, 0x5a5a5a5a) for fd, said in self.heard.items())
        check(wrong == 0, "%d answers are somebody else's" % wrong)

    def open_at_server(self):
        self.server.stdin.write("how many\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def close(self, reset):
        there = self.open_at_server()
        check(there == self.count, "the server has %d connections of %d" % (there, self.count))
        for s in self.clients.values():
            self.poll.unregister(s)
            if reset:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        self.clients.clear()
        self.heard.clear()
        deadline = time.monotonic() + PATIENCE
        while (left := self.open_at_server()) > 0:
            check(time.monotonic() < deadline, "%d of %d were not closed" % (left, self.count))
            time.sleep(0.1)

    def end(self):
        for s in self.clients.values():
            s.close()
        self.poll.close()
        self.server.kill()
        self.server.wait()


def sockets_in(world, name, family, count):
    """Many sockets of one namespace; one thread makes them all."""
    made = []

    def make():
        for _ in range(count):
            s = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # somebody's TIME-WAIT is no obstacle
            made.append(s)
    in_netns(world.netns(name), make)
    return made


def enough_descriptors(count):
    """As many as the hard limit allows without a privilege; more where we may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard),) * 2)


def many(count):
    def allowed(world):
        enough_descriptors(count)
        before = world.drops()
        crowd, said = Crowd(world, count), []
        try:
            # reset: leaves no TIME-WAIT, so that the second round can have the same ports at once
            for reset in (True, False):
                start = time.monotonic()
                crowd.open()
                opened = time.monotonic()
                crowd.speak()
                world.load("base")  # every one of them is judged anew
                crowd.speak()
                crowd.close(reset)
                said.append("opened in %.1f s, spoken twice and %s in %.1f s" % (opened - start, "reset" if reset else "closed", time.monotonic() - opened))
        except OSError as error:
            raise Failed("%s: %s" % (error, crowd.progress()))
        finally:
            crowd.end()
        after = world.drops()
        untracked = after.get(155, 0) - before.get(155, 0)
        check(untracked == 0, "%d packets dropped for want of room (155)" % untracked)
        return "%d: %s" % (count, "; the same ports again ".join(said))
    return allowed


def again_after_close(world):
    """A tuple of addresses and ports has a second and a third life, whoever closed first."""
    for family in (4, 6):
        with world.socket("server", family, socket.SOCK_STREAM, bind=PORT) as listener:
            listener.listen(4)
            listener.settimeout(3)
            for life in range(6):
                s = world.socket("client", family, socket.SOCK_STREAM, bind=19999)
                s.settimeout(3)
                try:
                    s.connect((world.address("server", family), PORT))
                    other, _ = listener.accept()
                    other.settimeout(3)
                    s.send(b"life %d" % life)
                    check(other.recv(16) == b"life %d" % life, "other bytes")
                    other.close()       # the server closes first: TIME-WAIT is there, a new SYN may come at once
                    check(s.recv(16) == b"", "no end of the stream")
                except OSError as error:
                    raise Failed("over IPv%d, life %d: %s" % (family, life + 1, error))
                finally:
                    s.close()
    return "12 lives"


CHECKS = [
    ("a connection after a connection", "shut", again_after_close),
    ("many TCP connections at once", "shut", many(COUNT)),
]
