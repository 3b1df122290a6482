# SPDX-License-Identifier: GPL-2.0-only
"""ICMP errors through mappings, and hairpinning: of packets, errors and fragments (S20)."""

from scapy.layers.inet import ICMP, TCP, UDP, IP as IPv4
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6TimeExceeded, IPv6

import packets
from lib import R6
from stateful import C6, DATA, PATHS, T, Y6, Z1, Z2, Flow, as6, attached, opened, pieces6


# ---- errors through mappings --------------------------------------------------------------------


@PATHS
class TestErrors:
    def test_from_ipv4(self, state, slow):
        """IN-11, ICQ-05: about TCP, UDP and ping; the quoted ports are the host's."""
        with attached(state, slow=slow) as line:
            for proto in ("tcp", "udp", "icmp"):
                flow = Flow(line, proto, port=40002, rport=53)
                sent = flow.out("S")
                got, reasons = line.one(IPv4(src=Z2, dst=T) / ICMP(type=11, code=0) / sent.raw)
                assert got is not None and got.icmp == (3, 0), reasons
                inner = packets.IP(got.quoted)
                assert (got.src, got.dst, inner.src, inner.dst) == (as6(Z2), C6, C6, as6(Z1))
                port = (int.from_bytes(inner.payload[4:6], "big") if proto == "icmp"
                        else inner.ports[0])
                assert port == 40002

    def test_from_ipv6(self, state, slow):
        """SRC-03: a host's and a router's error about what came from IPv4."""
        with attached(state, slow=slow) as line:
            flow = opened(line)
            came = flow.back()
            for source, message, want in ((C6, ICMPv6DestUnreach(code=4), (3, 3)),
                                          (R6, ICMPv6TimeExceeded(), (11, 0))):
                got, reasons = line.one(IPv6(src=source, dst=as6(Z1)) / message / came.raw)
                assert got is not None and got.icmp == want, reasons
                inner = packets.IP(got.quoted)
                assert (got.src, got.dst, inner.dst) == (T, Z1, T)
                assert inner.ports == (53, flow.port4)

    def test_without_mapping(self, state, slow):
        """IN-11: an error about something that nobody sent."""
        with attached(state, slow=slow) as line:
            inner = IPv4(src=T, dst=Z1) / UDP(sport=50000, dport=53) / b"x"
            got, reasons = line.one(IPv4(src=Z2, dst=T) / ICMP(type=3, code=1) / inner)
            assert got is None and reasons.get("inner_no_session") == 1, reasons


# ---- hairpinning ---------------------------------------------------------------------------------


@PATHS
class TestHairpin:
    def both(self, line, proto="udp"):
        one, two = (opened(line, host, port, proto) for host, port in ((C6, 40002), (Y6, 7000)))
        assert one.addr4 == two.addr4 == T
        return one, two

    def test_both_ways(self, state, slow):
        """S20, HP-04: each sees the other's external address and port; one hop."""
        with attached(state, slow=slow) as line:
            one, two = self.both(line)
            for a, b in ((one, two), (two, one)):
                got, reasons = line.one(IPv6(src=a.host, dst=as6(T), hlim=64) / UDP(
                    sport=a.port, dport=b.port4) / DATA)
                assert got is not None and (got.src, got.dst) == (as6(T), b.host), reasons
                assert got.ports == (a.port4, b.port) and got.ttl == 63
                assert got.payload[8:] == bytes(DATA)

    def test_tcp(self, state, slow):
        """A connection between two clients: SYN, SYN+ACK, ACK."""
        with attached(state, slow=slow) as line:
            one, two = self.both(line, "tcp")
            for a, b, flags in ((one, two, "S"), (two, one, "SA"), (one, two, "A")):
                got, reasons = line.one(IPv6(src=a.host, dst=as6(T)) / TCP(
                    sport=a.port, dport=b.port4, flags=flags))
                assert got is not None and (got.dst, got.ports) == (b.host, (a.port4, b.port)), \
                    reasons

    def test_to_nobody(self, state, slow):
        """A pool address and port without a mapping."""
        with attached(state, slow=slow) as line:
            got, reasons = line.one(IPv6(src=C6, dst=as6(T)) / UDP(sport=1, dport=50999) / b"x")
            assert got is None and reasons.get("no_bib") == 1, reasons

    def test_error(self, state, slow):
        """HP-04: the other client refuses: its error comes back the same way."""
        with attached(state, slow=slow) as line:
            one, two = self.both(line)
            came, _ = line.one(IPv6(src=C6, dst=as6(T)) / UDP(sport=40002, dport=two.port4) / DATA)
            error = IPv6(src=Y6, dst=as6(T)) / ICMPv6DestUnreach(code=4) / came.raw
            got, reasons = line.one(error)
            assert got is not None and got.icmp == (1, 4), reasons
            inner = packets.IP(got.quoted)
            assert (got.src, got.dst) == (as6(T), C6)
            assert (inner.src, inner.dst) == (C6, as6(T))
            assert inner.ports == (40002, two.port4)

    def test_fragments(self, state, slow):
        """HP-04: a datagram in two pieces, second first."""
        with attached(state, slow=slow) as line:
            one, two = self.both(line)
            to = Flow(line, "udp", one.host, one.port, T, two.port4)
            body, parts = pieces6(to)
            line.drain()
            for part in reversed(parts):
                line.send(part)
            got = [packets.IP(packets.ip_of(line.client.recv(seconds=3))) for _ in range(2)]
            assert [p.dst for p in got] == [Y6, Y6]
            assert got[0].ports == (one.port4, 7000)
            assert (got[0].payload + got[1].payload)[8:] == body[8:]
