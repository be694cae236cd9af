"""Answers every byte of any number of TCP connections to a port, both families. Prints "ready"; for every line on
standard input, how many connections are open.

usage: echo_server.py PORT
"""
import resource
import select
import socket
import sys


def main(port):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll, listeners, accepted = select.epoll(), {}, {}
    for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((anywhere, port))
        s.listen(20000)
        s.setblocking(False)
        listeners[s.fileno()] = s
        poll.register(s, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll(-1, 4096):
            if fd in listeners:
                accept_all(listeners[fd], accepted, poll)
            elif fd == sys.stdin.fileno():
                if not sys.stdin.readline():
                    return
                print(len(accepted), flush=True)
            else:
                echo(fd, accepted, poll)


def accept_all(listener, accepted, poll):
    while True:
        try:
            s, _ = listener.accept()
        except BlockingIOError:
            return
        accepted[s.fileno()] = s
        poll.register(s, select.EPOLLIN)


def echo(fd, accepted, poll):
    try:
        data = accepted[fd].recv(4096)
        if data:
            accepted[fd].send(data)
            return
    except ConnectionError:
        pass
    poll.unregister(fd)
    accepted.pop(fd).close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
