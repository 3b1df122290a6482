# SPDX-License-Identifier: GPL-2.0-only
"""Fragments of mode stateful through the attached gateway (section 9, S13, S14)."""

import os

from scapy.layers.inet import UDP, IP as IPv4, fragment
from scapy.packet import Raw

import lib
import packets
from stateful import C6, Z1, Flow, as6, attached, opened, pieces4, pieces6


class TestFragments:
    def test_second_first(self, state):
        """S13, FRG-02: nothing until the first one comes; then both, first one first,
        each by itself."""
        with attached(state) as line:
            flow = opened(line)
            whole, (first, second) = pieces4(flow)
            got6, got4, _ = line.exchange(second)
            assert not got6 and not got4
            line.send(first)
            got = [packets.IP(packets.ip_of(line.client.recv(seconds=3))) for _ in range(2)]
            assert [(p.offset, p.more, p.ident) for p in got] == [(0, True, 7), (600, False, 7)]
            assert {(p.src, p.dst) for p in got} == {(as6(Z1), C6)}
            assert got[0].ports == (53, 40002)
            assert got[0].payload[8:] + got[1].payload == bytes(whole)[28:]

    def test_out_of_order_6to4(self, state):
        """S13 the other way, and three of them."""
        with attached(state) as line:
            flow = opened(line)
            body, parts = pieces6(flow, size=1500, cut=600)
            line.drain()
            for part in (parts[2], parts[1], parts[0]):
                line.send(part)
            got = [packets.IP(packets.ip_of(line.server.recv(seconds=3))) for _ in range(3)]
            assert [(p.offset, p.more, p.ident) for p in got] == [
                (0, True, 9), (600, True, 9), (1200, False, 9)]
            assert got[0].ports == (flow.port4, 53)
            assert b"".join(p.payload for p in got)[8:] == body[8:]

    def test_overlap(self, state):
        """S14, FRG-06: nothing of that datagram is forwarded, nobody is told; the next
        one is."""
        with attached(state) as line:
            flow = opened(line)
            _, parts = pieces6(flow, ident=11)
            wrong = bytearray(parts[1])
            wrong[42:44] = (592).to_bytes(2, "big")
            before = line.gateway.stats()
            line.drain()
            for part in (parts[1], bytes(wrong), parts[0]):
                line.send(part)
            line.gateway.wait_settled(before, 3)
            assert line.gateway.stats().get("frag_overlap") > before.get("frag_overlap")
            assert line.server.recv(seconds=0.5) is None and not line.client.drain()
            for part in pieces6(flow, ident=12)[1]:
                line.send(part)
            assert all(line.server.recv(seconds=3) for _ in range(2))

    def test_time_out(self, state):
        """FRG-04: a fragment whose first one never comes."""
        with attached(state, frag_timeout=2) as line:
            flow = opened(line)
            before = line.gateway.stats()
            line.send(pieces4(flow)[1][1])
            lib.wait_for("the timeout", lambda: line.gateway.stats().get("frag_timeout")
                         > before.get("frag_timeout"), 10)
            assert not line.client.drain() and not line.server.drain()

    def test_reassemble(self, state):
        """frag: reassemble gives one packet, in whatever order they come."""
        with attached(state, frag="reassemble") as line:
            flow = opened(line)
            whole, parts = pieces4(flow)
            line.drain()
            for part in reversed(parts):
                line.send(part)
            got = packets.IP(packets.ip_of(line.client.recv(seconds=3)))
            assert not got.is_fragment and got.payload[8:] == bytes(whole)[28:]
            assert not packets.faults(got.raw)

    def test_without_checksum(self, state):
        """FRG-13 (G80): UDP without a checksum is put together to get one."""
        with attached(state) as line:
            flow = opened(line)
            whole = IPv4(src=Z1, dst=flow.addr4, id=77) / UDP(
                sport=53, dport=flow.port4, chksum=0) / Raw(os.urandom(1100))
            line.drain()
            for part in reversed(fragment(whole, 600)):
                line.send(part)
            got = packets.IP(packets.ip_of(line.client.recv(seconds=3)))
            assert got.payload[8:] == bytes(whole)[28:] and not packets.faults(got.raw)

    def test_first_is_refused(self, state):
        """FRG-11: no mapping for the first fragment: none of the others leaves."""
        with attached(state) as line:
            flow = opened(line)
            _, parts = pieces4(flow)
            line.later(302)
            before = line.gateway.stats()
            line.drain()
            for part in reversed(parts):
                line.send(part)
            line.gateway.wait_settled(before, 2)
            assert line.client.recv(seconds=0.5) is None

    def test_fragment_makes_a_mapping(self, state):
        """FRG-11: the first packet of a host may be a fragmented one."""
        with attached(state) as line:
            flow = Flow(line, "udp", port=40444, rport=53)
            line.drain()
            for part in reversed(pieces6(flow)[1]):
                line.send(part)
            assert all(line.server.recv(seconds=3) for _ in range(2))
            assert len([m for m in line.mappings() if m["port6"] == 40444]) == 1
