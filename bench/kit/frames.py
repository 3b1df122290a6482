# SPDX-License-Identifier: GPL-2.0-only
"""Frames that the source sends and the sink expects, as templates: bytes, and where
in them the host, the port and the number of the flow stand.

Flow n is host n / 2^port_bits, port n % 2^port_bits. The hosts' addresses differ in 32
bits only: the second 32 of an IPv6 address (so that each host has a /64 of its own), all
of an IPv4 address. The payload begins with the number of the flow and a magic."""

import dataclasses
import ipaddress
import socket
import struct
import sys

import packets

MAGIC = b"n64b"
PORT_BASE = 10000
REMOTE_PORT = 9
ETHER = 14
PROTO = {"udp": (17, 17), "tcp": (6, 6), "icmp": (1, 58)}  # name: in IPv4, in IPv6
HEADER = {"udp": 8, "tcp": 20, "icmp": 8}
PORT_AT = {"udp": (0, 2), "tcp": (0, 2), "icmp": (4, None)}  # the host's sport, dport
CSUM_AT = {"udp": 6, "tcp": 16, "icmp": 2}
OPTIONS4 = b"\x01" * 4  # four no-operations
EXTENSION6 = b"\x00\x01\x04\0\0\0\0"  # destination options that hold padding, less the next header
TAG = bytes.fromhex("8100a000")
FLAGS = {"syn": 0x02, "syn-ack": 0x12, "ack": 0x10}


@dataclasses.dataclass(frozen=True)
class Net:
    """One side of a translator: the hosts as that side sees them, and the remote."""
    family: int
    hosts: str        # the first host's address, or the first external address
    remote: str
    externals: int = 0  # hosts are behind so many shared addresses

    @property
    def base(self):
        """What the source adds the number of the host to."""
        raw = socket.inet_pton(_af(self.family), self.hosts)
        return int.from_bytes(raw[4:8] if self.family == 6 else raw, "big")


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a frame carries."""
    proto: str = "udp"
    size: int = 72          # of the frame that is sent, without the Ethernet FCS
    flags: str = "ack"      # TCP
    timed: bool = False     # the time in the payload
    rare: str = ""          # options or extension between the headers (rare.py: more)
    tag: bool = False       # a VLAN tag, which has a priority and no VID (802.1p), beside the size


def _af(family):
    return socket.AF_INET6 if family == 6 else socket.AF_INET


def native(total):
    """A folded sum as the machine's byte order has it."""
    return int.from_bytes(total.to_bytes(2, "big"), sys.byteorder)


def between(shape, family):
    """Bytes between the IP header and the transport header."""
    return {"options": {4: 4}, "extension": {6: 8}}.get(shape.rare, {}).get(family, 0)


def header(shape, family):
    """Bytes of Ethernet and all headers."""
    return ETHER + (40 if family == 6 else 20) + between(shape, family) + HEADER[shape.proto]


def tagged(bits):
    """Template.source() with a tag behind the MAC addresses."""
    raw = bytes.fromhex(bits["frame"])
    raw = raw[:12] + TAG + raw[12:]
    moved = {key: at + len(TAG) for key, at in bits.items() if key.startswith("off_")}
    head = (moved.get("off_time", moved["off_id"]) + 15) // 8 * 8
    return bits | moved | {"head": raw[:160].hex(), "frame": raw.hex(),
                           "head_bytes": min(head, len(raw))}


class Template:
    """A frame of one side of a translator, one way. `towards` is "remote" or "host"."""

    def __init__(self, net, shape, payload, towards, ttl=64):
        self.net, self.shape, self.towards = net, shape, towards
        self.l3 = ETHER
        self.l4 = header(shape, net.family) - HEADER[shape.proto]
        first = PORT_AT[shape.proto]
        self.off_port = self.l4 + (first[0] if towards == "remote" or first[1] is None
                                   else first[1])
        at = 8 if net.family == 6 else 12
        if towards == "host":
            at += 16 if net.family == 6 else 4
        self.off_host = ETHER + at + (4 if net.family == 6 else 0)
        self.off_id = self.l4 + HEADER[shape.proto]
        self.off_csum = self.l4 + CSUM_AT[shape.proto]
        self.number = PROTO[shape.proto][net.family == 6]
        self.raw = bytearray(self._build(payload, ttl))

    def _build(self, payload, ttl):
        src, dst = self.net.hosts, self.net.remote
        if self.towards == "host":
            src, dst = dst, src
        s, d = (socket.inet_pton(_af(self.net.family), a) for a in (src, dst))
        body = self._l4(payload)
        more = between(self.shape, self.net.family)
        if self.net.family == 6:
            ip = struct.pack("!IHBB", 6 << 28, more + len(body), 60 if more else self.number,
                             ttl) + s + d
            ip += bytes([self.number]) + EXTENSION6 if more else b""
        else:
            ip = struct.pack("!BBHHHBBH", 0x45 + more // 4, 0, 20 + more + len(body), 0, 0x4000,
                             ttl, self.number, 0) + s + d + OPTIONS4[:more]
        kind = 0x86DD if self.net.family == 6 else 0x0800
        return bytes(12) + kind.to_bytes(2, "big") + ip + body

    def _l4(self, payload):
        data = (bytes(4) + MAGIC).ljust(payload, b"\0")
        if self.shape.timed:
            data = data[:8] + bytes(8) + data[16:]
        ports = [0, REMOTE_PORT] if self.towards == "remote" else [REMOTE_PORT, 0]
        if self.shape.proto == "udp":
            return struct.pack("!HHHH", *ports, 8 + len(data), 0) + data
        if self.shape.proto == "tcp":
            return struct.pack("!HHIIBBHHH", *ports, 1000, 2000, 0x50, FLAGS[self.shape.flags],
                               8192, 0, 0) + data
        request = (8, 128) if self.towards == "remote" else (0, 129)
        return struct.pack("!BBHHH", request[self.net.family == 6], 0, 0, 0, 1) + data

    def _clear_variables(self):
        """The host's word, for sums of what does not vary."""
        raw = bytearray(self.raw)
        raw[self.off_host:self.off_host + 4] = bytes(4)
        return raw

    def pseudo(self):
        """Is there a pseudo header in the transport checksum?"""
        return not (self.net.family == 4 and self.shape.proto == "icmp")

    def source(self):
        """What `bench measure` wants to know of a frame to be sent."""
        raw = self._clear_variables()
        body = bytes(raw[self.l4:])
        total = packets.ones(body)
        if self.pseudo():
            at, end = (ETHER + 8, ETHER + 40) if self.net.family == 6 else (ETHER + 12, ETHER + 20)
            total = packets.ones(bytes(raw[at:end]) + struct.pack("!II", len(body),
                                                                     self.number), total)
        bits = {"head": bytes(self.raw[:160]).hex(), "frame": bytes(self.raw).hex(),
                "head_bytes": min(len(self.raw), self.off_id + 16) // 8 * 8,
                "host_base": self.net.base, "csum": native(total), "off_host": self.off_host,
                "off_port": self.off_port, "off_csum": self.off_csum, "off_id": self.off_id,
                "port_base": PORT_BASE, "host_in_csum": self.pseudo(),
                "zero_is_ffff": self.shape.proto == "udp"}
        if bits["head_bytes"] < self.off_id + 8:
            bits["head_bytes"] = len(self.raw)
        if self.shape.timed:
            bits["off_time"] = self.off_id + 8
            bits["head_bytes"] = self.off_id + 16
        if self.net.family == 4:
            bits["off_ip_csum"] = ETHER + 10
            bits["ip_csum"] = native(packets.ones(bytes(raw[ETHER:self.l4])))
        return tagged(bits) if self.shape.tag else bits

    def sink(self, flows, port_bits):
        """What `bench measure` wants to know of a frame that must arrive."""
        end = min(96, len(self.raw)) // 8 * 8
        mask = bytearray(b"\xff" * len(self.raw))
        free = [(0, 12), (self.off_host, 4), (self.off_port, 2), (self.off_csum, 2),
                (self.off_id, 4)]
        if self.net.family == 4:  # identification, DF and the header checksum
            free += [(ETHER + 4, 2), (ETHER + 10, 2)]
            mask[ETHER + 6] = 0xBF
        if self.shape.timed:
            free.append((self.off_id + 8, 8))
        for at, length in free:
            mask[at:at + length] = bytes(length)
        want = bytes(b & m for b, m in zip(self.raw, mask))
        at = ETHER + (8 if self.net.family == 6 else 12)
        bits = {"want": want[:end].hex(), "mask": bytes(mask[:end]).hex(),
                "bytes": len(self.raw) if len(self.raw) <= 96 else 96, "flows": flows,
                "sum_const": self.number if self.pseudo() else 0, "off_id": self.off_id,
                "off_l3": self.l3, "off_l4": self.l4, "port_base": PORT_BASE,
                "port_bits": port_bits, "addr_from": at, "addr_to": self.l4,
                "port_from": self.l4, "port_to": self.l4 + 4}
        if self.net.externals:
            bits |= {"off_ext_addr": self.off_host, "off_ext_port": self.off_port,
                     "ext_base": self.net.base, "ext_count": self.net.externals}
        else:
            bits |= {"off_host": self.off_host, "off_port": self.off_port,
                     "host_base": self.net.base}
        if self.net.family == 4:
            bits["ip_words"] = (self.raw[ETHER] & 15)
        if self.shape.timed:
            bits["off_time"] = self.off_id + 8
        return bits


@dataclasses.dataclass(frozen=True)
class Model:
    """What a translator does to addresses: the inside (towards the hosts) and the
    outside. Ways: "out" from the hosts, "in" to them."""
    inside: Net
    outside: Net

    def sent(self, way, shape):
        """The frame that is sent."""
        net = self.inside if way == "out" else self.outside
        return Template(net, shape, self._payload(way, shape),
                        "remote" if way == "out" else "host")

    def arrives(self, way, shape, ttl=63):
        """What that must come out as."""
        net = self.outside if way == "out" else self.inside
        plain = dataclasses.replace(shape, rare="")
        return Template(net, plain, self._payload(way, shape),
                        "remote" if way == "out" else "host", ttl)

    def _payload(self, way, shape):
        net = self.inside if way == "out" else self.outside
        room = shape.size - header(shape, net.family)
        least = 16 if shape.timed else 8
        if room < least:
            need = shape.size + least - room
            raise ValueError(f"a frame of {shape.size} bytes is too small for IPv{net.family} "
                             f"{shape.proto.upper()} with the number of its flow in the payload:"
                             f" it needs {need} bytes")
        return room


def address(base, number):
    return str(ipaddress.ip_address(base) + number)
