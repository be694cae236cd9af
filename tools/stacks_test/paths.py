"""What paths do to packets: fragments, path MTU, errors of routers on the way, and SCTP, by sockets of our own."""
import errno
import os
import select
import socket
import struct
import threading
import time

from world import NARROW, NARROW_MTU, ROUTER, Failed, check

IP_RECVERR, IP_MTU, IP_MTU_DISCOVER, IP_PMTUDISC_DO = 11, 14, 10, 2
IPV6_RECVERR, IPV6_MTU, IPV6_MTU_DISCOVER = 25, 24, 23
MSG_ERRQUEUE = 0x2000
SCTP = 132


def option(family, four, six):
    return (socket.IPPROTO_IP, four) if family == 4 else (socket.IPPROTO_IPV6, six)


def received(s, patience=1.0):
    """What comes next, or None when nothing does."""
    ready, _, _ = select.select([s], [], [], patience)
    return s.recvfrom(1 << 16) if ready else None


def learn(near, far, size, patience):
    """A datagram and its answer; either may be lost, or refused as too long."""
    try:
        near.send(bytes(size))
        got = received(far, patience)
        if got:
            far.sendto(got[0], got[1])
            received(near, patience)
    except OSError as error:
        check(error.errno == errno.EMSGSIZE, str(error))


# ---- datagrams ------------------------------------------------------------------------------------
def datagrams(source, target, port, size, arrive):
    def tried(world):
        for family in (4, 6):
            with world.socket(target, family, socket.SOCK_DGRAM, bind=port) as far, world.socket(source, family, socket.SOCK_DGRAM) as near:
                near.connect((world.address(target, family), port))
                for _ in range(4):  # each side may have to learn the path's MTU, and loses a datagram
                    learn(near, far, size, 0.3 if arrive else 0.1)
                there = back = 0
                for n in range(20):
                    sent = bytes([n]) + os.urandom(size - 1)
                    near.send(sent)
                    got = received(far, 1.0 if arrive else 0.02)
                    there += got is not None and got[0] == sent
                    if got:
                        far.sendto(got[0], got[1])
                        answer = received(near)
                        back += answer is not None and answer[0] == sent
                    elif arrive:
                        break
                if arrive:
                    check((there, back) == (20, 20), "over IPv%d %d of 20 came and %d came back" % (family, there, back))
                else:
                    check(there == 0 and received(far, 0.3) is None, "over IPv%d %d came" % (family, there))
        return "40 there and back" if arrive else "none of 40"
    return tried


# ---- path MTU -------------------------------------------------------------------------------------
def bulk(world, opener, target, port, sender_is_opener, family, amount=2 << 20, patience=10):
    """Bytes over one TCP connection; the sender's socket, still open, for the caller to ask."""
    with world.socket(target, family, socket.SOCK_STREAM, bind=port) as listener:
        listener.listen(1)
        a = world.socket(opener, family, socket.SOCK_STREAM)
        a.settimeout(patience)
        a.connect((world.address(target, family), port))
        listener.settimeout(patience)
        b, _ = listener.accept()
    b.settimeout(patience)
    sender, receiver = (a, b) if sender_is_opener else (b, a)
    sender.setsockopt(*option(family, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER), IP_PMTUDISC_DO)
    data, problem = os.urandom(amount), []

    def send():
        try:
            sender.sendall(data)
            sender.shutdown(socket.SHUT_WR)
        except OSError as error:
            problem.append(error)
    thread = threading.Thread(target=send)
    thread.start()
    got = bytearray()
    try:
        while len(got) < amount:
            piece = receiver.recv(1 << 16)
            if not piece:
                break
            got += piece
    finally:
        receiver.close()
        thread.join()
    check(bytes(got) == data and not problem, "%d of %d bytes came: %s" % (len(got), amount, problem))
    return sender


def path_mtu(opener, target, port, sender_is_opener):
    def allowed(world):
        pod = world.netns(opener if sender_is_opener else target)
        for family in (4, 6):
            for end in (opener, target):  # who knows a path's MTU also offers segments of that size
                world.run(end, "ip", "-%d" % family, "route", "flush", "cache")
            sender = bulk(world, opener, target, port, sender_is_opener, family)
            mtu = sender.getsockopt(*option(family, IP_MTU, IPV6_MTU))
            sender.close()
            check(mtu == NARROW_MTU, "over IPv%d %s knows %d as the path's MTU" % (family, pod, mtu))
        return "2 MB each, %d learnt" % NARROW_MTU
    return allowed


def big_datagrams_learn(world):
    """A datagram that may not be cut is refused by the router; the sender hears about it."""
    for family in (4, 6):
        world.run("client", "ip", "-%d" % family, "route", "flush", "cache")
        with world.socket("client", family, socket.SOCK_DGRAM) as s:
            s.setsockopt(*option(family, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER), IP_PMTUDISC_DO)
            s.connect((world.address("outside", family), 7001))
            s.send(bytes(1400))
            deadline = time.monotonic() + 2
            while s.getsockopt(*option(family, IP_MTU, IPV6_MTU)) != NARROW_MTU:
                check(time.monotonic() < deadline, "nothing was heard over IPv%d" % family)
                time.sleep(0.02)
    return "%d learnt" % NARROW_MTU


# ---- errors from the way --------------------------------------------------------------------------
def who_answered(s, patience=1.0):
    """(errno, address) of the next ICMP error for this socket, or None."""
    poll = select.poll()
    poll.register(s, select.POLLERR)
    if not poll.poll(patience * 1000):
        return None
    try:
        _, ancillary, _, _ = s.recvmsg(2048, 512, MSG_ERRQUEUE)
    except BlockingIOError:
        return None
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            number = struct.unpack_from("I", data)[0]
            if level == socket.IPPROTO_IP:
                return number, socket.inet_ntoa(data[20:24])
            return number, socket.inet_ntop(socket.AF_INET6, data[24:40])
    return None


def hop(world, family, port, ttl):
    with world.socket("client", family, socket.SOCK_DGRAM) as s:
        s.setsockopt(*option(family, IP_RECVERR, IPV6_RECVERR), 1)
        s.setsockopt(*option(family, socket.IP_TTL, socket.IPV6_UNICAST_HOPS), ttl)
        s.connect((world.address("outside", family), port))
        s.send(b"who is there")
        return who_answered(s)


def traceroute(world):
    for family in (4, 6):
        heard = [hop(world, family, 33434 + ttl, ttl) for ttl in (2, 3, 9)]
        wanted = [(errno.EHOSTUNREACH, ROUTER_TOWARDS[family]), (errno.EHOSTUNREACH, NARROW[family == 6]), (errno.ECONNREFUSED, world.address("outside", family))]
        check(heard == wanted, "over IPv%d: %s" % (family, heard))
    return "both routers and the host answered"


ROUTER_TOWARDS = {4: ROUTER[0], 6: ROUTER[1]}


def traceroute_denied(world):
    for family in (4, 6):
        heard = [hop(world, family, 33600, ttl) for ttl in (2, 9)]
        check(heard == [None, None], "over IPv%d: %s" % (family, heard))


def tcp_expires(world):
    for family in (4, 6):
        with world.socket("client", family, socket.SOCK_STREAM) as s:
            s.setsockopt(*option(family, IP_RECVERR, IPV6_RECVERR), 1)
            s.setsockopt(*option(family, socket.IP_TTL, socket.IPV6_UNICAST_HOPS), 2)
            s.settimeout(2)
            try:
                s.connect((world.address("outside", family), 7000))
            except OSError as error:
                check(error.errno == errno.EHOSTUNREACH, "over IPv%d: %s" % (family, error))
            else:
                raise Failed("it connected")
    return "a SYN that expired is reported"


def ping_expires(world):
    for family in (4, 6):
        done = world.run("client", "ping", "-%d" % family, "-n", "-c", "1", "-W", "1", "-t", "2", world.address("outside", family))
        check("From %s" % ROUTER_TOWARDS[family] in done.stdout, "over IPv%d: %s" % (family, done.stdout))
    return "an echo request that expired is reported"


def closed_port(source, target, port):
    def allowed(world):
        for family in (4, 6):
            with world.socket(source, family, socket.SOCK_DGRAM) as s:
                s.settimeout(1)
                s.connect((world.address(target, family), port))
                s.send(b"anybody")
                try:
                    s.recv(16)
                except ConnectionRefusedError:
                    continue
                except OSError as error:
                    raise Failed("over IPv%d: %s" % (family, error))
        return "the pod's own error comes back"
    return allowed


# ---- errors that nobody asked for -----------------------------------------------------------------
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def error_message(family, kind, code, source, target, protocol, sport, dport):
    """An ICMP error about a packet from source:sport to target:dport."""
    inner = struct.pack("!HH", sport, dport) + (struct.pack("!HH", 20, 0) if protocol == socket.IPPROTO_UDP else struct.pack("!IIBBHHH", 1, 0, 0x50, 2, 64, 0, 0))
    if family == 4:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 7, 0, 60, protocol, 0, socket.inet_aton(source), socket.inet_aton(target))
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    else:
        header = struct.pack("!IHBB", 6 << 28, len(inner), protocol, 60) + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, target)
    message = struct.pack("!BBHI", kind, code, 0, 0) + header + inner
    if family == 4:
        message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return message


def icmp_socket(world, name, family):
    return world.socket(name, family, socket.SOCK_RAW, socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6)


def errors_seen(s, family, patience=0.4):
    kinds, deadline = [], time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        got = received(s, left)
        if got:
            kind = got[0][20] if family == 4 else got[0][0]
            if kind in ((3, 11) if family == 4 else (1, 2, 3)):
                kinds.append(kind)
    return kinds


def router_sends(world, family, to, quoted):
    """The number of errors that reach the pod `to`, of two: unreachable, expired."""
    with icmp_socket(world, to, family) as seen, icmp_socket(world, "narrow", family) as router:
        for kind, code in ((3, 1), (11, 0)) if family == 4 else ((1, 0), (3, 0)):
            router.sendto(error_message(family, kind, code, *quoted), (world.address(to, family), 0))
        return len(errors_seen(seen, family))


def errors_for_live_flows(world):
    for family in (4, 6):
        with world.socket("client", family, socket.SOCK_DGRAM) as s:
            s.connect((world.address("outside", family), 7001))
            s.send(b"alive")
            own, port = s.getsockname()[:2]
            came = router_sends(world, family, "client", (own, world.address("outside", family), socket.IPPROTO_UDP, port, 7001))
            check(came == 2, "over IPv%d %d of 2 came" % (family, came))
    return "4 of 4"


def unsolicited_errors(world):
    udp, tcp = socket.IPPROTO_UDP, socket.IPPROTO_TCP
    for family in (4, 6):
        client, server, outside = (world.address(n, family) for n in ("client", "server", "outside"))
        with world.socket("client", family, socket.SOCK_DGRAM) as s:
            s.connect((outside, 7001))
            s.send(b"alive")
            port = s.getsockname()[1]
            for to, quoted, what in (
                    ("client", (client, outside, udp, port ^ 1, 7001), "another port"),
                    ("client", (client, outside, tcp, port, 7001), "another protocol"),
                    ("client", (client, world.address("narrow", family), udp, port, 7001), "another host"),
                    ("client", (outside, client, udp, 7001, port), "the packet of the other side"),
                    ("server", (client, outside, udp, port, 7001), "another pod's connection"),
                    ("server", (server, outside, tcp, 4444, 80), "no connection at all")):
                came = router_sends(world, family, to, quoted)
                check(came == 0, "over IPv%d %d passed that quote %s" % (family, came, what))
    return "none of 24"


# ---- SCTP -----------------------------------------------------------------------------------------
def kernel_has_sctp():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, SCTP).close()
        return True
    except OSError:
        return False


def sctp_packet(sport, dport, chunk):
    return struct.pack("!HHII", sport, dport, 0, 0) + struct.pack("!BBHIIHHI", chunk, 0, 20, 77, 65535, 1, 1, 1)


def sctp_raw(world, family, port):
    """Without SCTP in the kernel: INIT and INIT ACK by raw sockets. (INIT came, its answer came)"""
    with world.socket("server", family, socket.SOCK_RAW, SCTP) as far, world.socket("client", family, socket.SOCK_RAW, SCTP) as near:
        near.sendto(sctp_packet(40000 + port % 100, port, 1), (world.address("server", family), 0))
        if not received(far, 0.5):
            return False, False
        far.sendto(sctp_packet(port, 40000 + port % 100, 2), (world.address("client", family), 0))
        return True, received(near, 0.5) is not None


def sctp_connects(world, family, port):
    with world.socket("server", family, socket.SOCK_STREAM, SCTP, bind=port) as listener, world.socket("client", family, socket.SOCK_STREAM, SCTP) as s:
        listener.listen(4)
        s.settimeout(1.5)
        try:
            s.connect((world.address("server", family), port))
            s.send(b"sctp")
            return True, listener.accept()[0].recv(16) == b"sctp"
        except OSError:
            return False, False


def sctp(port, expect):
    def tried(world):
        real = kernel_has_sctp()
        for family in (4, 6):
            got = (sctp_connects if real else sctp_raw)(world, family, port)
            check(got == (expect, expect), "over IPv%d there %s, back %s" % (family, *got))
        return "" if real else "INIT and INIT ACK by raw sockets: this kernel has no SCTP"
    return tried


CHECKS = [
    ("UDP, 1000 bytes", "shut", datagrams("client", "server", 7001, 1000, True)),
    ("UDP, 8 KB in fragments", "shut", datagrams("client", "server", 7001, 8192, True)),
    ("UDP, 60 KB in fragments", "shut", datagrams("client", "server", 7001, 60000, True)),
    ("UDP, 8 KB, narrow path", "shut", datagrams("client", "outside", 7001, 8192, True)),
    ("UDP, answers that no rule allows", "shut", datagrams("outside", "client", 7011, 8192, True)),
    ("UDP, denied", "open", datagrams("client", "server", 7003, 1000, False)),
    ("UDP, 8 KB, denied", "open", datagrams("stranger", "server", 7001, 8192, False)),
    ("UDP, 8 KB, egress denied", "open", datagrams("client", "outside", 7003, 8192, False)),
    ("path MTU, pod opened and sends", "shut", path_mtu("client", "outside", 7000, True)),
    ("path MTU, pod was opened to and sends", "shut", path_mtu("outside", "server", 7002, False)),
    ("path MTU, UDP that may not be cut", "shut", big_datagrams_learn),
    ("traceroute, UDP", "shut", traceroute),
    ("traceroute, UDP, denied", "open", traceroute_denied),
    ("a TCP SYN expires on the way", "shut", tcp_expires),
    ("an echo request expires on the way", "shut", ping_expires),
    ("port unreachable from a pod", "shut", closed_port("client", "server", 7008)),
    ("port unreachable from a pod that may send none", "shut", closed_port("outside", "client", 7010)),
    ("ICMP errors for live connections", "shut", errors_for_live_flows),
    ("ICMP errors for nothing", "open", unsolicited_errors),
    ("SCTP", "shut", sctp(9000, True)),
    ("SCTP, denied", "open", sctp(9001, False)),
]
