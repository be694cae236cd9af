"""One end of a probe, run inside a namespace: a server on many ports, or one client attempt.

usage: traffic.py serve PORT[,PORT…]            prints "ready", then answers TCP and UDP, both families
       traffic.py probe PROTOCOL ADDRESS PORT   exit 0 when an answer came back, 1 when none did
"""
import selectors
import socket
import subprocess
import sys

PATIENCE = 0.8  # seconds: a dropped packet stays dropped, however long one waits


def serve(ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                s = socket.socket(family, kind)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind((anywhere, port))
                if kind == socket.SOCK_STREAM:
                    s.listen(16)
                selector.register(s, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data == socket.SOCK_STREAM:
                connection, _ = key.fileobj.accept()
                connection.settimeout(PATIENCE)
                try:
                    connection.sendall(connection.recv(64))
                except OSError:
                    pass
                connection.close()
            else:
                data, sender = key.fileobj.recvfrom(2048)
                key.fileobj.sendto(data, sender)


def probe(protocol, address, port):
    if protocol.startswith("ICMP"):
        return subprocess.run(["ping", "-c", "1", "-W", "1", address], capture_output=True).returncode == 0
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    try:
        s.connect((address, port))
        s.send(b"netpolc")
        return s.recv(64) == b"netpolc"
    except OSError:
        return False


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve([int(p) for p in sys.argv[2].split(",")])
    sys.exit(0 if probe(sys.argv[2], sys.argv[3], int(sys.argv[4])) else 1)
