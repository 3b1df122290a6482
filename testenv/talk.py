# SPDX-License-Identifier: GPL-2.0-only
"""Programs that talk to each other: one connection between two hosts."""

import contextlib
import socket
from ipaddress import ip_address

INET, INET6 = socket.AF_INET, socket.AF_INET6
TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


@contextlib.contextmanager
def talking(kind, client, family, target, server, source, bind=""):
    """A connection that the server sees from `source`: (at the client, at the server)."""
    with server.socket(family, kind) as listener, client.socket(
            INET6 if ":" in target else INET, kind) as here:
        for sock in (listener, here):
            sock.settimeout(10)
        listener.bind((bind, 0))
        port = listener.getsockname()[1]
        if kind == TCP:
            listener.listen()
            here.connect((target, port))
            there, peer = listener.accept()
        else:
            here.connect((target, port))
            here.send(b"begin")
            data, peer = listener.recvfrom(100)
            assert data == b"begin"
            listener.connect(peer)
            there = listener.dup()
        with there:
            there.settimeout(10)
            assert ip_address(peer[0]) == ip_address(source)
            yield here, there


def answered(here, there):
    for one, other in ((here, there), (there, here)):
        one.send(b"hello")
        assert other.recv(100) == b"hello"
