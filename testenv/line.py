# SPDX-License-Identifier: GPL-2.0-only
"""The attached gateway with a wire at each end: one packet in, the packets that come
out, and the reasons that were counted."""

import contextlib

import pytest
from scapy.layers.inet import UDP, IP as IPv4
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

import lib
import packets
from lib import H4, H6, S4, S6


K4AS6 = "2001:db8:64::192.0.2.34"
H4AS6 = "2001:db8:64::c000:221"
PAYLOAD = Raw(bytes((7 * i + 3) & 255 for i in range(32)))


class Line:
    """The attached gateway with a wire at each end."""

    def __init__(self, topology):
        self.topology = topology
        self.gateway = topology.gateway
        self.stack = contextlib.ExitStack()
        self.client = self.stack.enter_context(topology.client.wire("eth0"))
        self.server = self.stack.enter_context(topology.server.wire("eth0"))
        self.mac6 = bytes.fromhex(self.gateway.mac("eth6").replace(":", ""))
        self.mac4 = bytes.fromhex(self.gateway.mac("eth4").replace(":", ""))

    def close(self):
        self.stack.close()

    def drain(self):
        self.client.drain()
        self.server.drain()

    def send(self, packet, pad=True):
        """From the side of its family."""
        raw = bytes(packet)
        if raw[0] >> 4 == 4:
            self.server.send(packets.frame(self.mac4, self.server.mac, raw, pad))
        else:
            self.client.send(packets.frame(self.mac6, self.client.mac, raw, pad))

    def exchange(self, packet, count=1):
        """Sends one packet; (packets at the client, at the server, reasons)."""
        self.drain()
        before = self.gateway.stats()
        self.send(packet)
        return self.collect(before, count)

    def collect(self, before, count=1):
        self.gateway.wait_settled(before, count)
        # What was counted as sent is in the veth's ring or past it.
        lib.wait_for("the frames to arrive", lambda: not self.pending())
        got6, got4 = (self.arrived(wire) for wire in (self.client, self.server))
        return got6, got4, self.reasons(before)

    def pending(self):
        """Frames in the gateway's own queues."""
        return self.gateway.stats().in_flight()

    @staticmethod
    def arrived(wire):
        first = wire.recv(seconds=0.15)
        frames = ([first] if first else []) + wire.drain()
        for data in frames:
            assert not (wrong := packets.faults(packets.ip_of(data))), wrong
        return [packets.IP(packets.ip_of(data)) for data in frames]

    def reasons(self, before):
        """{reason: packets} of all stages, without what is not ours."""
        total = {}
        for reasons in self.gateway.stats().since(before).values():
            for reason, count in reasons.items():
                if reason == "no_translate" or (lib.kind(reason) not in ("PASS", "NOTE")
                                                and reason != "pair_noise"):
                    total[reason] = total.get(reason, 0) + count
        return total


@pytest.fixture(scope="module")
def plain_line(dumb):
    made = Line(dumb)
    yield made
    made.close()


@contextlib.contextmanager
def attached(line, *words, **more):
    """Attached while the block runs; then the sums are checked."""
    line.gateway.attach(*words, **more)
    try:
        line.gateway.wait_worker()
        yield line
        line.gateway.check_sums()
    finally:
        line.gateway.detach()


@pytest.fixture(scope="class")
def line(plain_line, request):
    """Attached for a class of tests with its SETTINGS."""
    settings = dict(getattr(request.cls, "SETTINGS", {}))
    words = settings.pop("words", [])
    with attached(plain_line, *words, **settings) as made:
        yield made


def udp4(src=S4, dst=H4, ttl=64, sport=53, dport=40001, payload=PAYLOAD, **more):
    return IPv4(src=src, dst=dst, ttl=ttl, **more) / UDP(sport=sport, dport=dport) / payload


def udp6(src=H6, dst=S6, ttl=64, sport=40001, dport=53, payload=PAYLOAD, **more):
    return IPv6(src=src, dst=dst, hlim=ttl, **more) / UDP(sport=sport, dport=dport) / payload


def error_of(packet, message):
    """Is the packet this ICMP error, as (type, code)?"""
    return packet.is_error and packet.icmp == message


def changed(packet, at, value):
    """The packet with bytes replaced; an IPv4 header checksum made right again
    unless it is what was changed."""
    raw = bytearray(bytes(packet))
    raw[at:at + len(value)] = value
    if raw[0] >> 4 == 4 and at != 10 and (raw[0] & 15) >= 5:
        ihl = (raw[0] & 15) * 4
        raw[10:12] = bytes(2)
        raw[10:12] = packets.checksum(bytes(raw[:ihl])).to_bytes(2, "big")
    return bytes(raw)
