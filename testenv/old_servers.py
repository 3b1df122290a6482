# SPDX-License-Identifier: GPL-2.0-only
"""IPv4-only servers for the tests of `run`: echo and pages, and a name server."""

import contextlib
import os
import socket
import struct
import threading


class Servers:
    """Echo by TCP and UDP on one port, pages by HTTP, and names: threads that end when
    their sockets are shut."""

    def __init__(self, host, address):
        self.stack = contextlib.ExitStack()
        for _ in range(20):  # a port that is free for both
            tcp = host.socket(socket.AF_INET, socket.SOCK_STREAM)
            udp = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
            tcp.bind((address, 0))
            try:
                udp.bind((address, tcp.getsockname()[1]))
                break
            except OSError:
                tcp.close()
                udp.close()
        self.port = udp.getsockname()[1]
        tcp.listen(64)
        self.start(tcp, self.accept, (tcp, self.echo))
        self.start(udp, self.reflect, (udp,))
        pages = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        pages.bind((address, 0))
        pages.listen(64)
        self.pages = pages.getsockname()[1]
        self.start(pages, self.accept, (pages, self.page))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self, sock, what, args):
        thread = threading.Thread(target=what, args=args, daemon=True)
        thread.start()
        self.stack.callback(thread.join, 5)
        self.stack.callback(sock.close)
        self.stack.callback(self.shut, sock)

    @staticmethod
    def shut(sock):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        if sock.type == socket.SOCK_DGRAM:  # wakes recvfrom
            with contextlib.suppress(OSError):
                sock.sendto(b"", sock.getsockname())

    @staticmethod
    def accept(listener, serve):
        with contextlib.suppress(OSError):
            while True:
                child = listener.accept()[0]
                threading.Thread(target=serve, args=(child,), daemon=True).start()

    @staticmethod
    def echo(child):
        with child, contextlib.suppress(OSError):
            while data := child.recv(65536):
                child.sendall(data)

    @staticmethod
    def page(child):
        with child, contextlib.suppress(OSError):
            child.settimeout(10)
            while b"\r\n\r\n" not in child.recv(65536):
                pass
            child.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nit works\n")

    @staticmethod
    def reflect(sock):
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        with contextlib.suppress(OSError):
            while True:
                data, more, _, source = sock.recvmsg(65536, 64)
                if not source or source == sock.getsockname():
                    return  # shut
                if data == b"tos?":
                    data = str(more[0][2][0]).encode()
                sock.sendto(data, source)


@contextlib.contextmanager
def names(host, family, address, answer):
    """A name server: every question gets `answer`, an address of 4 or 16 bytes."""
    sock = host.socket(family, socket.SOCK_DGRAM)
    sock.bind((address, 53))
    sock.settimeout(0.2)
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                data, source = sock.recvfrom(512)
            except OSError:
                continue
            end = data.index(b"\0", 12) + 5
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1 if len(answer) == 4 else 28, 1, 60,
                                               len(answer)) + answer
            sock.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:end] + record, source)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(5)
        sock.close()


def asking(folder, server):
    """Words before a program that make it ask this name server."""
    path = os.path.join(folder, "resolv.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"nameserver {server}\n")
    return ["unshare", "-m", "sh", "-c", f'mount --bind {path} "$(readlink -f /etc/resolv.conf)"'
            ' && exec "$@"', "sh"]
