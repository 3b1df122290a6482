# SPDX-License-Identifier: GPL-2.0-only
"""Frames of the slow path that are more than one with something between its headers:
fragments and ICMP errors. What arrives is compared up to the end of the IP header, and
its checksums where they can be summed."""

import socket
import struct

import packets
from frames import ETHER, PORT_BASE, REMOTE_PORT

PIECE = 48  # bytes of a datagram in each of its two fragments
QUOTED = 18  # bytes of UDP payload in the packet that an ICMP error quotes


def ip6(net, towards, number, body, ttl=64):
    src, dst = ends(net, towards)
    return struct.pack("!IHBB", 6 << 28, len(body), number, ttl) + src + dst + body


def ip4(net, towards, number, body, ttl=64, flags=0x4000):
    src, dst = ends(net, towards)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, flags, ttl, number, 0) + src + dst
    return head[:10] + struct.pack("!H", packets.checksum(head)) + head[12:] + body


def ends(net, towards):
    family = socket.AF_INET6 if net.family == 6 else socket.AF_INET
    host, remote = (socket.inet_pton(family, a) for a in (net.hosts, net.remote))
    return (host, remote) if towards == "remote" else (remote, host)


def frame(macs, packet):
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return macs + kind.to_bytes(2, "big") + packet


class Fragments:
    """An IPv6 datagram in two fragments, one frame each; the number of the flow is also
    the identification of its datagrams."""

    def __init__(self, model):
        self.model = model

    def source(self, macs):
        udp = struct.pack("!HHHH", 0, REMOTE_PORT, 2 * PIECE, 0x1234)
        pieces = []
        for offset, more, data in ((0, 1, udp.ljust(PIECE, b"\0")), (PIECE, 0, bytes(PIECE))):
            head = struct.pack("!BBHI", 17, 0, offset | more, 0)
            pieces.append(frame(macs, ip6(self.model.inside, "remote", 44, head + data)))
        return {"frame": pieces[0].hex(), "head": pieces[0].hex(), "second": pieces[1].hex(),
                "pairs": True, "head_bytes": len(pieces[0]) // 8 * 8, "off_host": ETHER + 12,
                "host_base": self.model.inside.base, "off_id": ETHER + 44,
                "off_port": ETHER + 48, "port_base": PORT_BASE}

    def sink(self, ttl=63):
        net = self.model.outside
        want = frame(bytes(12), ip4(net, "remote", 17, bytes(PIECE), ttl, 0))
        mask = bytearray(b"\xff" * 34)
        for at, length in ((0, 12), (18, 4), (24, 2), (26, 4)):
            mask[at:at + length] = bytes(length)
        return self.outline(want, mask, 20) | {"no_csum": True}

    def unchanged(self):
        """What arrives of them behind a redirect."""
        net = self.model.inside
        want = frame(bytes(12), ip6(net, "remote", 44, bytes(8 + PIECE)))
        mask = bytearray(b"\xff" * 54)
        for at, length in ((0, 12), (ETHER + 12, 4)):
            mask[at:at + length] = bytes(length)
        return self.outline(want, mask, 40) | {"no_csum": True}

    @staticmethod
    def outline(want, mask, header):
        end = (ETHER + header) // 8 * 8
        cut = bytes(b & m for b, m in zip(want, mask))[:end]
        spec = {"want": cut.hex(), "mask": bytes(mask[:end]).hex(), "bytes": ETHER + header,
                "off_l3": ETHER, "off_l4": ETHER + header, "addr_from": ETHER + 8,
                "addr_to": ETHER + header}
        return spec | ({"ip_words": 5} if header == 20 else {})


class Errors:
    """An ICMPv4 port unreachable for the first host, about a packet that it sent."""

    def __init__(self, model):
        self.model = model

    def source(self, macs):
        net = self.model.outside
        udp = struct.pack("!HHHH", PORT_BASE, REMOTE_PORT, 8 + QUOTED, 0x1234) + bytes(QUOTED)
        quoted = ip4(net, "remote", 17, udp)
        body = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
        body = body[:2] + struct.pack("!H", packets.checksum(body)) + body[4:]
        whole = frame(macs, ip4(net, "host", 1, body))
        return {"frame": whole.hex(), "head": whole.hex(), "head_bytes": len(whole) // 8 * 8}

    def sink(self, ttl=63):
        net = self.model.inside
        size = 8 + 40 + 8 + QUOTED
        want = frame(bytes(12), ip6(net, "host", 58, bytes(size), ttl))
        mask = bytearray(b"\xff" * 54)
        mask[:12] = bytes(12)
        return Fragments.outline(want, mask, 40) | {"sum_const": 58}

    def unchanged(self):
        net = self.model.outside
        want = frame(bytes(12), ip4(net, "host", 1, bytes(8 + 28 + QUOTED)))
        mask = bytearray(bytes(12) + b"\xff" * 12 + bytes(2) + b"\xff" * 8)
        return Fragments.outline(want, mask, 20)


KINDS = {"fragments": Fragments, "errors": Errors}
