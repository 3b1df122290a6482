# SPDX-License-Identifier: GPL-2.0-only
"""Reading, checking and comparing IP packets byte by byte: what the tests say
about a captured frame. Written apart from the product and from scapy, so that a
mistake of one does not hide in the other."""

import ipaddress
import socket
import struct

ETHER = 14
ICMP4_ERRORS = (3, 4, 5, 11, 12)
ICMP6_ERRORS = (1, 2, 3, 4)
SKIPPED_HEADERS = (0, 43, 60)


def ones(data, start=0):
    """Folded ones' complement sum."""
    if len(data) % 2:
        data += b"\0"
    total = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(data, start=0):
    return ones(data, start) ^ 0xFFFF


def frame(dst, src, packet, pad=True):
    """An Ethernet frame; short ones padded as a NIC does."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    data = dst + src + kind.to_bytes(2, "big") + bytes(packet)
    return data.ljust(60, b"\0") if pad else data


def ip_of(data):
    """The IP packet of a frame, without padding."""
    packet = data[ETHER:]
    if packet[0] >> 4 == 4:
        return packet[:int.from_bytes(packet[2:4], "big")]
    return packet[:40 + int.from_bytes(packet[4:6], "big")]



def udp(src, dst, ttl, payload=b"x" * 32, fragment=False, ports=(40001, 9)):
    """A UDP packet; `fragment`: its first half as a first fragment."""
    family = socket.AF_INET6 if ":" in src else socket.AF_INET
    s, d = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    body = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    total = checksum(body, ones(s + d + struct.pack("!II", len(body), 17)))
    body = body[:6] + struct.pack("!H", total or 0xFFFF) + body[8:]
    if fragment:
        body = body[:24]
    if family == socket.AF_INET6:
        if fragment:
            body = struct.pack("!BBHI", 17, 0, 1, 0x1234) + body
        return struct.pack("!IHBB", 6 << 28, len(body), 44 if fragment else 17, ttl) + s + d + body
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0x1234, 0x2000 if fragment else 0,
                         ttl, 17, 0) + s + d
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


class IP:
    """The facts of a packet. `l4` is None for a later fragment."""

    def __init__(self, raw):
        self.raw = raw = bytes(raw)
        self.version = raw[0] >> 4
        self.offset = self.more = 0
        self.ident = None
        if self.version == 4:
            ihl = (raw[0] & 15) * 4
            self.src = str(ipaddress.IPv4Address(raw[12:16]))
            self.dst = str(ipaddress.IPv4Address(raw[16:20]))
            self.ttl, self.proto, self.tos = raw[8], raw[9], raw[1]
            flags = int.from_bytes(raw[6:8], "big")
            self.df = bool(flags & 0x4000)
            self.more, self.offset = bool(flags & 0x2000), (flags & 0x1FFF) * 8
            self.ident = int.from_bytes(raw[4:6], "big")
            self.payload = raw[ihl:]
            self.pseudo = raw[12:20]
            self.options = raw[20:ihl]
        else:
            self.src = str(ipaddress.IPv6Address(raw[8:24]))
            self.dst = str(ipaddress.IPv6Address(raw[24:40]))
            self.ttl, self.tos = raw[7], (int.from_bytes(raw[:2], "big") >> 4) & 0xFF
            self.pseudo = raw[8:40]
            self.df = True
            self._walk(raw[6], raw[40:])

    def _walk(self, proto, rest):
        while proto in SKIPPED_HEADERS and len(rest) >= 8:
            proto, rest = rest[0], rest[(rest[1] + 1) * 8:]
        if proto == 44 and len(rest) >= 8:
            proto, word = rest[0], int.from_bytes(rest[2:4], "big")
            self.more, self.offset = bool(word & 1), word & 0xFFF8
            self.ident = int.from_bytes(rest[4:8], "big")
            rest = rest[8:]
            while proto in SKIPPED_HEADERS and len(rest) >= 8 and self.offset == 0:
                proto, rest = rest[0], rest[(rest[1] + 1) * 8:]
        self.proto, self.payload = proto, rest

    @property
    def is_fragment(self):
        return bool(self.more or self.offset)

    @property
    def is_error(self):
        return (self.offset == 0 and len(self.payload) >= 8
                and (self.version, self.proto) in ((4, 1), (6, 58))
                and self.payload[0] in (ICMP4_ERRORS if self.version == 4 else ICMP6_ERRORS))

    @property
    def icmp(self):
        """(type, code) of an ICMP message."""
        return (self.payload[0], self.payload[1]) if self.proto in (1, 58) else None

    @property
    def quoted(self):
        return self.payload[8:]

    @property
    def ports(self):
        return struct.unpack("!HH", self.payload[:4])

    def __str__(self):
        return (f"v{self.version} {self.src} > {self.dst} ttl {self.ttl} proto {self.proto} "
                f"{len(self.raw)} bytes offset {self.offset} more {self.more}")


def faults(raw):
    """What is wrong with the checksums and lengths of a packet that arrived; an
    empty list if nothing is. Transport checksums of fragments cannot be seen."""
    packet = IP(raw)
    wrong = []
    if packet.version == 4:
        if ones(raw[:(raw[0] & 15) * 4]) != 0xFFFF:
            wrong.append("IPv4 header checksum")
        if int.from_bytes(raw[2:4], "big") != len(raw):
            wrong.append("IPv4 total length")
    elif int.from_bytes(raw[4:6], "big") + 40 != len(raw):
        wrong.append("IPv6 payload length")
    if packet.is_fragment:
        return wrong
    body = packet.payload
    pseudo = ones(packet.pseudo + struct.pack("!II", len(body), packet.proto))
    if packet.proto == 6 and ones(body, pseudo) != 0xFFFF:
        wrong.append("TCP checksum")
    if packet.proto == 17:
        if int.from_bytes(body[4:6], "big") != len(body):
            wrong.append("UDP length")
        field = int.from_bytes(body[6:8], "big")
        if field == 0 and packet.version == 6:
            wrong.append("UDP over IPv6 without a checksum")
        if field and ones(body, pseudo) != 0xFFFF:
            wrong.append("UDP checksum")
    if packet.proto == 1 and packet.version == 4 and ones(body) != 0xFFFF:
        wrong.append("ICMP checksum")
    if packet.proto == 58 and ones(body, pseudo) != 0xFFFF:
        wrong.append("ICMPv6 checksum")
    return wrong


def without_id(raw, expected):
    """`raw` with those identifications set to that of `expected` which the
    generator makes (0 in the expectation, or told by the row), outer and quoted,
    and the header checksums that follow from it. Wrong checksums stay wrong."""
    return _same_id(raw, expected, 0)


def _same_id(raw, expected, depth):
    if len(raw) < 20 or len(expected) < 20 or raw[0] >> 4 != 4 or expected[0] >> 4 != 4:
        return _inside(raw, expected, depth)
    out = bytearray(raw)
    if expected[4:6] == b"\0\0" or depth == 0 and _is_generated(expected):
        if raw[4:6] != expected[4:6]:
            # RFC 1624: the sum of ID and checksum words stays what it was.
            old_id, new_id = (int.from_bytes(x[4:6], "big") for x in (raw, expected))
            old = int.from_bytes(raw[10:12], "big")
            new = ones(struct.pack("!HHH", old ^ 0xFFFF, old_id ^ 0xFFFF, new_id)) ^ 0xFFFF
            out[4:6] = expected[4:6]
            out[10:12] = new.to_bytes(2, "big")
    return _inside(bytes(out), expected, depth)


def _is_generated(expected):
    return int.from_bytes(expected[4:6], "big") == 0x4242  # G64: told by the row


def _inside(raw, expected, depth):
    if depth or len(raw) < 20:
        return raw
    packet = IP(raw)
    if not packet.is_error or not packet.quoted:
        return raw
    at = len(raw) - len(packet.quoted)
    ahead = len(expected) - len(IP(expected).quoted) if len(expected) > 28 else at
    return raw[:at] + _same_id(raw[at:], expected[ahead:], 1)


def difference(raw, expected):
    """Where two packets differ, for a message; None if they do not."""
    got = without_id(raw, expected)
    if got == expected:
        return None
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b),
              min(len(got), len(expected)))
    return (f"byte {at}: {got[at:at + 8].hex() or 'end'} instead of "
            f"{expected[at:at + 8].hex() or 'end'} (lengths {len(got)} and {len(expected)})\n"
            f"  got      {got.hex()}\n  expected {expected.hex()}")
