# SPDX-License-Identifier: GPL-2.0-only
"""Floods, TTL, and pool addresses that are the gateway's own, in mode stateful (S17, S22,
S24, S29)."""

import contextlib
import socket
import time

import pytest
from scapy.layers.inet import ICMP, TCP, UDP, IP as IPv4, fragment
from scapy.packet import Raw

import lib
import packets
from lib import GW4
from stateful import DATA, PATHS, T, Z1, Z2, attached, opened, pieces6


# ---- floods --------------------------------------------------------------------------------------


class TestSynFlood:
    def flood(self, line, sources, count):
        """SYNs to unused ports; what was counted."""
        line.drain()
        before = line.gateway.stats()
        for n in range(count):
            syn = IPv4(src=sources[n % len(sources)], dst=T) / TCP(
                sport=1024 + n, dport=20000 + n % 4000, flags="S")
            line.server.send(packets.frame(line.mac4, line.server.mac, bytes(syn)))
        line.gateway.wait_settled(before, count, 20)
        total = {}
        for reasons in line.gateway.stats().since(before).values():
            for reason, n in reasons.items():
                total[reason] = total.get(reason, 0) + n
        return total

    def test_from_one_net(self, state):
        """S17, TCP-32: 32 of one /24 are stored."""
        with attached(state, slow_rate_syn=100000) as line:
            got = self.flood(line, [f"10.0.0.{n}" for n in range(1, 201)], 2000)
            assert got["syn_stored"] == 32, got
            assert got["syn_store_full"] == 2000 - 32, got
            errors = 0
            end = time.monotonic() + 12
            while errors < 32 and time.monotonic() < end:
                errors += line.server.recv(seconds=0.5) is not None
            assert errors == 32 and line.server.recv(seconds=0.5) is None

    def test_from_many_nets(self, state):
        """S17: at most max-stored-syn in all; errors within the rate limit."""
        with attached(state, slow_rate_syn=100000, max_stored_syn=1000, icmp_rate=100,
                      icmp_burst=100) as line:
            got = self.flood(line, [f"10.{n}.0.1" for n in range(200)], 5000)
            assert got["syn_stored"] == 1000, got
            before = line.gateway.stats()
            lib.wait_for("the end of the 6 s", lambda: line.gateway.stats().get("syn_timeout")
                         - before.get("syn_timeout") >= 1000, 20)
            assert line.gateway.stats().get("icmp_ratelimited") > 0
            assert len(line.server.drain()) < 1000

    def test_path_mtu_discovery_lives(self, state):
        """S29: a frag-needed for a live mapping comes through the flood."""
        with attached(state) as line:
            flow = opened(line, proto="tcp")
            inner = IPv4(src=T, dst=Z1, len=1500, flags="DF") / TCP(
                sport=flow.port4, dport=53, flags="A")
            needed = packets.frame(line.mac4, line.server.mac, bytes(
                IPv4(src=Z2, dst=T) / ICMP(type=3, code=4, nexthopmtu=1400) / bytes(inner)[:28]))
            syns = [packets.frame(line.mac4, line.server.mac, bytes(
                IPv4(src=f"10.{n % 250}.{n // 250}.1", dst=T) / TCP(
                    sport=n, dport=30000 + n, flags="S")))
                for n in range(2001) if 30000 + n != flow.port4][:2000]
            line.drain()
            before = line.gateway.stats()
            for n, syn in enumerate(syns * 5):
                line.server.send(syn)
                if n % 1000 == 500:
                    line.server.send(needed)
            line.gateway.wait_settled(before, 10010, 20)
            got = [packets.IP(packets.ip_of(f)) for f in line.client.drain()]
            assert [p.icmp for p in got] == [(2, 0)] * 10
            counted = line.gateway.stats().since(before)
            lost = sum(n for s in counted.values() for r, n in s.items()
                       if r in ("sp_rate_syn", "syn_store_full"))
            assert lost > 5000, counted


# ---- TTL -----------------------------------------------------------------------------------------


@PATHS
@pytest.mark.parametrize("ttl", [10, 2])
def test_ttl_loss(state, slow, ttl):
    """S24, GEN-09: one less, both ways; also of fragments (Flow checks it)."""
    with attached(state, slow=slow) as line:
        flow = opened(line)
        for verb in (flow.out, flow.back):
            assert not isinstance(verb(ttl=ttl), str)
        for part in pieces6(flow)[1]:
            got, reasons = line.one(part)
            assert got is not None and got.ttl == 63, reasons


# ---- addresses that are the gateway's own (GEN-05) -----------------------------------------------


class TestShared:
    @pytest.fixture(scope="class")
    def line(self, state):
        # GEN-12: the kernel keeps its own connections off the clients' ports
        state.gateway.sysctl(ipv4__ip_local_reserved_ports="50000-50999")
        with attached(state, pool=(f"{GW4}:50000-50999",)) as line:
            yield line
        state.gateway.sysctl(ipv4__ip_local_reserved_ports="")

    def test_kernel_gets_what_it_got_before(self, line):
        """S22: ping of T, ssh to T, GRE to T, errors about an own connection, fragmented
        UDP: the kernel sees each unchanged."""
        own = IPv4(src=GW4, dst=Z1) / TCP(sport=33333, dport=80, flags="A")
        big = fragment(IPv4(src=Z1, dst=GW4, id=5) / UDP(sport=9, dport=514) / Raw(bytes(1000)),
                       600)
        for name, packet in (
                ("ping", IPv4(src=Z1, dst=GW4) / ICMP(type=8, id=1, seq=1) / DATA),
                ("ssh", IPv4(src=Z1, dst=GW4) / TCP(sport=4000, dport=22, flags="S")),
                ("answer", IPv4(src=Z1, dst=GW4) / TCP(sport=80, dport=33333, flags="SA")),
                ("frag needed", IPv4(src=Z2, dst=GW4) / ICMP(type=3, code=4, nexthopmtu=1400)
                 / own),
                ("gre", IPv4(src=Z1, dst=GW4, proto=47) / (b"\0" * 20)),
                ("fragment 1", big[0]), ("fragment 2", big[1])):
            sent = packets.frame(line.mac4, line.server.mac, bytes(packet))
            with contextlib.ExitStack() as stack:
                taps = [stack.enter_context(line.gateway.wire(d))
                        for d in ("eth4", line.gateway.pair)]
                line.server.send(sent)
                assert lib.wait_for(f"{name} at the kernel", lambda t=taps, s=sent: any(
                    tap.recv(lambda f: f[14:] == s[14:14 + len(f) - 14] and len(f) > 33,
                             seconds=0.05) for tap in t), 3)

    def test_mapped_port_is_translated(self, line):
        """S22: UDP to a port that has a mapping is the host's, with 50000-50999 on the
        gateway's own address."""
        flow = opened(line)
        assert flow.addr4 == GW4 and 50000 <= flow.port4 <= 50999
        assert not isinstance(flow.back(), str)

    def test_ping_of_the_gateway_is_answered(self, line):
        line.drain()
        line.server.send(packets.frame(line.mac4, line.server.mac, bytes(
            IPv4(src=Z1, dst=GW4) / ICMP(type=8, id=7, seq=1) / DATA)))
        got = line.server.recv(lambda f: packets.IP(packets.ip_of(f)).icmp == (0, 0), seconds=3)
        assert got is not None

    def test_own_port_is_not_given_away(self, line):
        """The gateway's own sockets outside the range are untouched while clients use
        theirs."""
        with line.gateway.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((GW4, 0))
            own.settimeout(3)
            line.server.send(packets.frame(line.mac4, line.server.mac, bytes(
                IPv4(src=Z1, dst=GW4) / UDP(sport=9, dport=own.getsockname()[1]) / b"hello")))
            assert own.recv(100)[:5] == b"hello"
