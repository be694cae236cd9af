"""A name server just large enough for dig: `small.test` has an address, `big.test` 2.5 KB of text, which over
UDP come in fragments. Answers over UDP and TCP, both families, port 53; prints "ready".
"""
import selectors
import socket
import struct

A, TXT, OPT = 1, 16, 41
TEXT = ["%02d:" % n + "x" * 240 for n in range(10)]


def answer(query, room):
    identity, _, _, _, _, additional = struct.unpack_from("!6H", query)
    end = 12
    labels = []
    while query[end]:
        labels.append(query[end + 1:end + 1 + query[end]])
        end += 1 + query[end]
    end += 1
    kind = struct.unpack_from("!H", query, end)[0]
    question = query[12:end + 4]
    if additional and query[end + 4] == 0 and struct.unpack_from("!H", query, end + 5)[0] == OPT:
        room = max(room, struct.unpack_from("!H", query, end + 7)[0])
    if labels[0] == b"big" and kind == TXT:
        records = [bytes([len(t)]) + t.encode() for t in TEXT]
    else:
        kind, records = A, [socket.inet_aton("192.0.2.53")]
    body = b"".join(struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(r)) + r for r in records)
    flags = 0x8580
    if 12 + len(question) + len(body) > room:
        flags, records, body = flags | 0x0200, [], b""  # truncated
    return struct.pack("!6H", identity, flags, 1, len(records), 0, 0) + question + body


def main():
    selector = selectors.DefaultSelector()
    for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            s = socket.socket(family, kind)
            if family == socket.AF_INET6:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((anywhere, 53))
            if kind == socket.SOCK_STREAM:
                s.listen(16)
            selector.register(s, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data == socket.SOCK_DGRAM:
                query, sender = key.fileobj.recvfrom(4096)
                key.fileobj.sendto(answer(query, 512), sender)
                continue
            connection, _ = key.fileobj.accept()
            connection.settimeout(2)
            try:
                reply = answer(connection.recv(4096)[2:], 65535)
                connection.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, struct.error, IndexError):
                pass
            connection.close()


if __name__ == "__main__":
    main()
