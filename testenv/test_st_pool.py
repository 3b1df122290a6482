# SPDX-License-Identifier: GPL-2.0-only
"""Addresses and ports of mode stateful through the attached gateway (section 12,
Appendix B.2): which address and port a mapping gets, what happens when there are no
more, every limit, reuse, and changes of the pool while mappings live."""

import ipaddress
import json

import pytest
from scapy.layers.inet import UDP, IP as IPv4
from scapy.layers.inet6 import IPv6

import lib
import packets
from stateful import C6, P64, PATHS, T, X6, Y6, Z1, Z2, Flow, attached, opened

T9 = "203.0.113.9"


def refused(line, want, host=C6, port=40002, proto="udp", remote=Z1):
    got = Flow(line, proto, host, port, remote, 53).out("S")
    assert got == want, got


# ---- which port -----------------------------------------------------------------------------


@PATHS
class TestChoice:
    def test_endpoint_independent(self, state, slow):
        """S08, ST-06: one mapping for all peers, one for each protocol."""
        with attached(state, slow=slow) as line:
            first = opened(line)
            for remote, rport in ((Z2, 53), (Z1, 54)):
                other = first.to(remote, rport)
                other.out()
                assert (other.addr4, other.port4) == (first.addr4, first.port4)
            assert len(line.mappings()) == 1 and not line.sessions()
            opened(line, proto="tcp")
            assert len(line.mappings()) == 2

    def test_one_address_for_a_subscriber(self, state, slow):
        """S09, PORT-02: TCP, UDP and ping from two addresses of one /64; others
        spread."""
        with attached(state, pool=("203.0.113.8/30",), slow=slow) as line:
            used = {opened(line, host, port, proto).addr4 for host in (C6, X6)
                    for proto in ("udp", "tcp", "icmp") for port in (1000, 40001, 40002)}
            assert len(used) == 1, used
            others = {opened(line, f"2001:db8:e:{n:x}::1").addr4 for n in range(24)}
            assert len(others) > 1 and all(a.startswith("203.0.113.") for a in others)

    @pytest.mark.parametrize("ports, sport, low, high, parity", [
        ("1-65535", 999, 1, 1023, 1), ("1024-65535", 999, 1024, 65535, None),
        ("1024-65535", 40001, 1024, 65535, 1), ("1024-65535", 40002, 1024, 65535, 0),
        ("1-65535", 40002, 1024, 65535, 0)])
    def test_range_and_parity(self, state, slow, ports, sport, low, high, parity):
        """S10, PORT-05, PORT-06."""
        with attached(state, pool=(f"{T}:{ports}",), slow=slow) as line:
            for n in range(4):
                got = opened(line, f"2001:db8:e:{n:x}::1", sport).port4
                assert low <= got <= high and parity in (None, got % 2), got

    def test_no_sequence(self, state, slow):
        """PORT-07: neighbouring ports of a host do not get neighbouring ports."""
        with attached(state, slow=slow) as line:
            got = [opened(line, port=40000 + 2 * n).port4 for n in range(12)]
            steps = {b - a for a, b in zip(got, got[1:])}
            assert len(set(got)) == 12 and len(steps) > 6, got

    def test_preserve(self, state, slow):
        """PORT-08."""
        with attached(state, slow=slow, port_preserve="on") as line:
            assert opened(line, C6, 40002).port4 == 40002
            assert opened(line, X6, 40002).port4 != 40002

    def test_echo_identifiers(self, state, slow):
        """S15, ICQ-03: one identifier from two hosts to one target."""
        with attached(state, slow=slow) as line:
            one, two = (opened(line, host, 0x1234, "icmp") for host in (C6, X6))
            assert one.addr4 == two.addr4 and one.port4 != two.port4
            for flow in (one, two):
                got = flow.back()
                assert got.dst == flow.host and got.icmp == (129, 0)

    def test_only_for_its_protocol(self, state, slow):
        """PORT-10: an address of the pool that has no ports for a protocol."""
        pool = "{prefix: 203.0.113.8/32, ports: 50000-50009, protocols: [udp]}"
        text = (f"mode: stateful\ninterfaces: [eth6, eth4]\npref64: ['64:ff9b:1::/96']\n"
                f"pool4: [{pool}]\nforce-slow: {'on' if slow else 'off'}\n")
        with lib.config_file(text) as path:
            state.gateway.attach(config=path)
            try:
                state.gateway.wait_worker()
                assert 50000 <= opened(state).port4 <= 50009
                refused(state, "no_port 1/3", proto="tcp")
                state.gateway.check_sums()
            finally:
                state.gateway.detach()


# ---- no more ----------------------------------------------------------------------------------


@PATHS
class TestExhaustion:
    @pytest.mark.parametrize("proto", ["udp", "tcp"])
    def test_four_ports(self, state, slow, proto):
        """S11, PORT-09, GENERR-12: the fifth mapping is refused, the four work on;
        expired ones make room (after the 2 s of ST-10), without a sweep."""
        with attached(state, pool=(f"{T}:50000-50003",), slow=slow, port_quarantine=0) as line:
            flows = [opened(line, C6, 40000 + n, proto) for n in range(4)]
            assert sorted(f.port4 for f in flows) == [50000, 50001, 50002, 50003]
            refused(line, "no_port 1/3", X6, 40000, proto)
            for flow in flows:
                assert not isinstance(flow.back("SA"), str)
            line.later(7441 if proto == "tcp" else 301)
            line.later(2)
            flows = [opened(line, Y6, 30000 + n, proto) for n in range(4)]
            assert sorted(f.port4 for f in flows) == [50000, 50001, 50002, 50003]

    def test_strict_pairing(self, state, slow):
        """PORT-02: the paired address is exhausted; soft-app takes another."""
        for soft in ("off", "on"):
            with attached(state, pool=(f"{T}/31:50000-50001",), slow=slow, soft_app=soft) as line:
                first = [opened(line, C6, 40000 + n) for n in range(2)]
                assert len({f.addr4 for f in first}) == 1
                if soft == "off":
                    refused(line, "no_port 1/3", X6, 40000)
                else:
                    assert opened(line, X6, 40000).addr4 != first[0].addr4

    LIMITS = [
        # settings, mappings that are granted, what the next is told, same subscriber
        ("CGN-01 udp", {"subscriber_udp": 3}, ("udp", 3), "quota 1/3"),
        ("CGN-01 tcp", {"subscriber_tcp": 3}, ("tcp", 3), "quota 1/3"),
        ("CGN-01 icmp", {"subscriber_icmp": 3}, ("icmp", 3), "quota 1/3"),
        ("CGN-02 sessions", {"subscriber_sessions": 3}, ("tcp", 3), "quota 1/3"),
        ("CGN-02 max-udp", {"max_udp_mappings": 3}, ("udp", 3), "table_full 1/3"),
        ("CGN-02 max-tcp", {"max_tcp_mappings": 3}, ("tcp", 3), "table_full 1/3"),
        ("CGN-02 max-icmp", {"max_icmp_mappings": 3}, ("icmp", 3), "table_full 1/3"),
    ]

    @pytest.mark.parametrize("row", LIMITS, ids=[row[0] for row in LIMITS])
    def test_limits(self, state, slow, row):
        """Each limit refuses one too many, and nobody who is not concerned: those who
        have a mapping keep it; a limit of a subscriber leaves others alone."""
        _, settings, (proto, count), want = row
        with attached(state, slow=slow, **settings) as line:
            flows = [opened(line, C6, 40000 + n, proto) for n in range(count)]
            refused(line, want, X6, 41000, proto)
            for flow in flows:
                assert not isinstance(flow.back("SA"), str)
            if want.startswith("quota"):
                opened(line, Y6, 40000, proto)
            else:
                refused(line, want, Y6, 40000, proto)

    def test_rate(self, state, slow):
        """CGN-02: a burst of new mappings, then so many a second; those that exist are
        not concerned, nor are others."""
        with attached(state, slow=slow, subscriber_rate=1, subscriber_burst=10) as line:
            flow = opened(line, C6, 39999)
            before = line.gateway.stats()
            line.drain()
            for n in range(40):
                line.send(Flow(line, "udp", C6, 40000 + n, Z1, 53).packet6())
            line.gateway.wait_settled(before, 40)
            after = line.gateway.stats()
            made = after.get("bib_created") - before.get("bib_created")
            assert 8 <= made <= 14 and after.get("quota") - before.get("quota") == 40 - made
            assert not isinstance(flow.out(), str)
            opened(line, Y6)

    def test_expired_ones_do_not_count(self, state, slow):
        """S23 in small: CGN-01 counts only what lives."""
        with attached(state, slow=slow, subscriber_udp=8, port_quarantine=0) as line:
            for turn in range(3):
                for n in range(8):
                    opened(line, C6, 40000 + 100 * turn + n)
                refused(line, "quota 1/3", X6, 45000)
                line.later(303)


def test_no_worker_needed(state):
    """S23, ST-10: no worker; 4,096 mappings of one /64 expire, 4,096 new ones are all
    granted."""
    with attached(state, worker=False, subscriber_rate=0) as line:
        def burst(first):
            line.drain()
            before = line.gateway.stats()
            for n in range(4096):
                packet = IPv6(src=C6, dst="64:ff9b:1::198.51.100.10") / UDP(sport=first + n)
                line.client.send(packets.frame(line.mac6, line.client.mac, bytes(packet)))
            more = lib.wait_for("4,096 mappings", lambda: line.gateway.stats().get("bib_created")
                                - before.get("bib_created") >= 4096, 20,
                                lambda: f"; {line.gateway.stats().since(before)}")
            assert more
            return line.gateway.stats().since(before)
        burst(10000)
        line.later(301)
        line.later(122)
        counted = burst(30000)
        assert not {r for s in counted.values() for r in s} & {"quota", "no_port", "slow_no_port",
                                                               "table_full"}, counted
        assert len(line.mappings()) == 4096


# ---- ports again --------------------------------------------------------------------------------


@PATHS
class TestReuse:
    def test_quarantine(self, state, slow):
        """S19, CGN-03: a freed UDP port is not given to another subscriber for 120 s;
        its own host gets it back at once."""
        with attached(state, pool=(f"{T}:50000-50001",), slow=slow, port_parity="off") as line:
            one = opened(line, C6)
            line.later(302)
            assert opened(line, C6).port4 == one.port4
            line.later(303)
            two = opened(line, Y6)
            assert two.port4 != one.port4
            refused(line, "no_port 1/3", "2001:db8:e::1")
            line.later(119)
            again = opened(line, "2001:db8:e::1")
            assert again.port4 == one.port4

    def test_tcp_is_exempt(self, state, slow):
        """CGN-03: TCP is tracked, so its ports are free at once (but for ST-10)."""
        with attached(state, pool=(f"{T}:50000-50000",), slow=slow, max_sessions=64) as line:
            opened(line, C6, proto="tcp")
            line.later(243)
            assert opened(line, Y6, proto="tcp").port4 == 50000

    def test_peers_of_the_owner_before(self, state, slow):
        """S26: (T,t) has a new owner; a peer of the old one does not reach it."""
        with attached(state, pool=(f"{T}:50000-50000",), slow=slow, port_quarantine=0,
                      filtering_udp="adf") as line:
            old = opened(line, C6, remote=Z1)
            assert not isinstance(old.back(), str)
            line.later(303)
            new = opened(line, Y6, remote=Z2)
            assert new.port4 == old.port4 and not isinstance(new.back(), str)
            stray = new.to(Z1)
            assert stray.back() == "adf"


# ---- changes while mappings live -----------------------------------------------------------------


@PATHS
class TestReload:
    def words(self, slow, pool=(T,), *more):
        pools = [word for one in pool for word in ("-4", one)]
        slow_words = ["--set", "force-slow=on"] if slow else []
        return ["-i", "eth6", "-i", "eth4", "--mode", "stateful", "-6", "64:ff9b:1::/96", *pools,
                *slow_words, *more]

    @staticmethod
    def dead(line, flow):
        """Nothing comes through; perhaps the packet is not even ours."""
        line.drain()
        line.send(flow.packet4())
        return line.client.recv(seconds=0.5) is None

    def test_source_no_longer_allowed(self, state, slow):
        """S27, GEN-11: the next packet of the host is refused, the others go on."""
        with attached(state, slow=slow) as line:
            gone, stays = opened(line, C6), opened(line, Y6)
            line.gateway.reload(*self.words(slow, (T,), "--set", "allow6=2001:db8:d::/48"))
            assert gone.out() == "not_allowed6 1/1"
            assert not isinstance(stays.out(), str) and not isinstance(stays.back(), str)

    def test_address_is_drained(self, state, slow):
        """S28, PORT-10: mappings on a removed address live on, new ones are elsewhere;
        then it is gone."""
        with attached(state, pool=(T,), slow=slow) as line:
            old = opened(line, C6)
            line.gateway.reload(*self.words(slow, (T9,)))
            assert not isinstance(old.out(), str) and not isinstance(old.back(), str)
            new = opened(line, C6, 40004)
            assert (old.addr4, new.addr4) == (T, T9)
            assert opened(line, X6).addr4 == T9
            line.later(303)
            assert self.dead(line, old)

    def test_address_is_removed_at_once(self, state, slow):
        """PORT-10: reload --now."""
        with attached(state, pool=(T,), slow=slow) as line:
            old = opened(line, C6)
            line.gateway.reload("--now", *self.words(slow, (T9,)))
            assert self.dead(line, old)
            assert opened(line, C6).addr4 == T9

    def test_address_is_added(self, state, slow):
        """PORT-10: sessions go on, new subscribers use both."""
        with attached(state, pool=(T,), slow=slow) as line:
            old = opened(line, C6)
            line.gateway.reload(*self.words(slow, (T, T9)))
            assert not isinstance(old.back(), str)
            used = {opened(line, f"2001:db8:e:{n:x}::1").addr4 for n in range(24)}
            assert used == {T, T9}

    def test_prefix_is_added_and_removed(self, state, slow):
        """ADR-08: what was there before is answered from the prefix that its host uses, also
        with another one in front; one that left is not shown."""
        def words(*prefixes):
            rest = self.words(slow)
            at = rest.index("-6")
            return [*rest[:at], *(w for p in prefixes for w in ("-6", p)), *rest[at + 2:]]

        def shown():
            done = line.gateway.cmd("status", "--json", "--name", line.gateway.instance,
                                    check=False)
            return json.loads(done.stdout)["pref64"]

        new, old = "2001:db8:65::/96", f"{P64}/96"
        with attached(state, slow=slow) as line:
            flows = opened(line, C6), opened(line, C6, 40004, "tcp", rport=80)
            line.gateway.reload(*words(new, old))
            for flow in flows:
                assert not isinstance(flow.back(), str), flow.proto
            line.gateway.reload(*words(new))
            assert shown() == [new]
            got, reasons = line.one(flows[0].packet4())
            assert got is not None, reasons
            assert got.src == str(ipaddress.IPv6Address(f"2001:db8:65::{Z1}"))
            line.gateway.reload(*words(old))
            assert shown() == [old]
            for flow in flows:
                assert not isinstance(flow.out("A"), str), flow.proto
                assert not isinstance(flow.back("A"), str), flow.proto

    def test_static_entries(self, state, slow):
        """ST-04: always there; also outside the range of ports; one that another has is
        refused by name."""
        with attached(state, pool=(f"{T}:50000-50003",), slow=slow) as line:
            static = "{protocol: udp, ipv4: '203.0.113.8:443', ipv6: '[2001:db8:d::5]:443'}"
            text = (f"mode: stateful\ninterfaces: [eth6, eth4]\npref64: ['64:ff9b:1::/96']\n"
                    f"pool4: ['{T}:50000-50003']\nstatic: [{static}]\n"
                    f"force-slow: {'on' if slow else 'off'}\n")
            with lib.config_file(text) as path:
                line.gateway.reload("-c", path)
            got, reasons = line.one(IPv4(src=Z1, dst=T) / UDP(sport=9, dport=443) / b"in")
            assert got is not None and (got.dst, got.ports) == (Y6, (9, 443)), reasons
            line.later(86400)
            assert opened(line, Y6, 443).port4 == 443
            taken = opened(line, C6)
            done = line.gateway.cmd("mapping", "add", "udp", f"{taken.addr4}:{taken.port4}",
                                    f"[{X6}]:7", "--name", line.gateway.instance, check=False)
            assert done.returncode == 1 and C6 in done.stderr, done.stderr
