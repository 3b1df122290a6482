# SPDX-License-Identifier: GPL-2.0-only
"""Lists, refusals and the errors that answer them, prefixes, hairpinning, loops and the
options of the translation: one frame in, the frames that come out, and the reason
that was counted. Every attachment ends with the sums of GEN-10."""

import pytest
from scapy.layers.inet import IP as IPv4, TCP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

import lib
import packets
from lib import GW6, H4, H6, K4, K6, R6, S4, S6
from line import H4AS6, K4AS6, changed, error_of, udp4, udp6


# ---- errors and policy ----------------------------------------------------------------------


class TestPolicy:
    SETTINGS = {"denylist4": "198.51.100.128/25", "allow6": ["2001:db8::/32", "2001:db9::/32"],
                "no_translate": ["198.51.100.77/32", "192.0.2.34/32"],
                "words": ["--set", "error-deny4to6=off"]}

    def test_denied_destination(self, line):
        """ADR-25, GENERR-04: answered with 1/1, source GW6."""
        got6, got4, reasons = line.exchange(udp6(dst="2001:db8:64::198.51.100.200"))
        assert not got4 and len(got6) == 1
        assert error_of(got6[0], (1, 1)) and got6[0].src == GW6 and got6[0].dst == H6
        assert got6[0].ttl == 64
        assert reasons["deny6to4"] == 1

    def test_denied_destination_ping(self, line):
        """GERR-21: no 1/1 for an ICMPv6 message."""
        got6, got4, _ = line.exchange(
            IPv6(src=H6, dst="2001:db8:64::198.51.100.200") / ICMPv6EchoRequest(data=b"x"))
        assert not got6 and not got4

    def test_denied_source(self, line):
        """GENERR-08: silent by default."""
        got6, got4, reasons = line.exchange(udp4(src="198.51.100.200"))
        assert not got6 and not got4
        assert reasons == {"deny4": 1}

    def test_source_not_allowed(self, line):
        """ADR-26: a source outside allow6."""
        got6, got4, reasons = line.exchange(udp6(src="2001:dba::1"))
        assert not got4 and len(got6) == 1 and error_of(got6[0], (1, 1))
        assert reasons["not_allowed6"] == 1

    def test_untranslatable_source(self, line):
        """A09, GENERR-05: no EAM, not in pref64."""
        got6, got4, reasons = line.exchange(udp6(src=R6))
        assert not got4 and len(got6) == 1
        assert error_of(got6[0], (1, 1)) and got6[0].dst == R6 and got6[0].src == GW6
        assert bytes(udp6(src=R6))[:60] == got6[0].quoted[:60]
        assert reasons["src6_untranslatable"] == 1

    def test_no_translate(self, line):
        """GEN-04: left to the kernel. (Its target is what it would be otherwise.)"""
        before = line.gateway.stats()
        with line.topology.gateway.wire("eth4") as tap:
            line.send(udp4(dst=K4))
            assert tap.recv(lambda f: f[14:] == bytes(udp4(dst=K4)), seconds=2)
        assert line.reasons(before)["no_translate"] == 1
        assert line.client.recv(seconds=0.2) is None

    def test_no_route(self, line):
        """GENERR-09: 1/0 for a destination without a route."""
        line.gateway.ip("route add unreachable 203.0.113.128/25")
        try:
            got6, got4, reasons = line.exchange(udp6(dst="2001:db8:64::203.0.113.200"))
        finally:
            line.gateway.ip("route del unreachable 203.0.113.128/25")
        assert not got4 and len(got6) == 1 and error_of(got6[0], (1, 0))
        assert reasons["no_route"] == 1

    def test_blackhole_and_prohibit(self, line):
        """L2-02: blackhole silent, prohibit 1/1 (GENERR-10)."""
        line.gateway.ip("""route add blackhole 203.0.113.128/26
                           route add prohibit 203.0.113.192/26""")
        try:
            silent = line.exchange(udp6(dst="2001:db8:64::203.0.113.130"))
            told = line.exchange(udp6(dst="2001:db8:64::203.0.113.194"))
        finally:
            line.gateway.ip("""route del blackhole 203.0.113.128/26
                               route del prohibit 203.0.113.192/26""")
        assert silent == ([], [], {"fib_blackhole": 1})
        assert len(told[0]) == 1 and error_of(told[0][0], (1, 1))
        assert told[2]["fib_prohibit"] == 1

    def test_urpf(self, line):
        """ADR-28: a source without a route; here every source has the default
        route, until that is taken away."""
        route = line.gateway.out(["ip", "-6", "route", "show", "default"]).strip()
        line.gateway.ip(f"route del {route}")
        try:
            got6, got4, reasons = line.exchange(udp6(src="2001:db9::1"))
        finally:
            line.gateway.ip(f"route add {route}")
        assert not got6 and not got4 and reasons == {"urpf": 1}


class TestErrorLimits:
    SETTINGS = {"icmp_rate_dest": 1, "icmp_burst_dest": 5}

    def test_errors_are_limited(self, line):
        """GERR-25: a burst of 5 errors to one host, the rest is counted. MTU errors
        have a bucket of their own."""
        line.drain()
        before = line.gateway.stats()
        for _ in range(20):
            line.send(udp6(ttl=1))
        got6, _, reasons = line.collect(before, 20)
        assert 5 <= len([p for p in got6 if error_of(p, (3, 0))]) <= 6
        assert reasons["ttl_expired"] == 20
        stats = line.gateway.stats()
        assert stats.get("icmp_ratelimited") - before.get("icmp_ratelimited") >= 14
        big = udp6(payload=Raw(bytes(1452)))
        line.gateway.mtu("eth4", 1400)
        try:
            got6, _, _ = line.exchange(big)
        finally:
            line.gateway.mtu("eth4", 1500)
        assert len(got6) == 1 and error_of(got6[0], (2, 0))


class TestWellKnownPrefix:
    SETTINGS = {"pref64": "64:ff9b::/96", "wkp_strict": "on"}

    def test_private_address(self, line):
        """A05, ADR-04."""
        got6, got4, reasons = line.exchange(udp6(dst="64:ff9b::10.0.0.1"))
        assert not got4 and len(got6) == 1 and error_of(got6[0], (1, 1))
        assert reasons["wkp_forbidden"] == 1

    def test_private_source(self, line):
        got6, got4, reasons = line.exchange(udp4(src="10.0.0.1"))
        assert not got6 and not got4 and reasons == {"wkp_nonglobal": 1}


class TestWellKnownPrefixLoose:
    SETTINGS = {"pref64": "64:ff9b::/96", "wkp_strict": "off"}

    def test_private_address(self, line):
        """A05 with wkp-strict off."""
        got6, got4, _ = line.exchange(udp6(dst="64:ff9b::10.0.0.1"))
        assert not got6 and len(got4) == 1 and got4[0].dst == "10.0.0.1"


class TestPrefixLengths:
    """ADR-01: a prefix of each length beside the others; longest first."""
    SETTINGS = {"pref64": None, "words": [w for p in (
        "2001:db8:3200::/40", "2001:db8:4800::/48", "2001:db8:5600:5600::/56",
        "2001:db8:6400:6400::/64", "2001:db8:9600::/96", "2001:db9::/32") for w in ("-6", p)]}

    @pytest.mark.parametrize("address", [
        "2001:db9:c633:640a::", "2001:db8:32c6:3364:a::", "2001:db8:4800:c633:64:a00::",
        "2001:db8:5600:56c6:33:640a::", "2001:db8:6400:6400:c6:3364:a00:0",
        "2001:db8:9600::c633:640a"])
    def test_each(self, line, address):
        got6, got4, _ = line.exchange(udp6(dst=address))
        assert not got6 and len(got4) == 1 and got4[0].dst == S4


# ---- hairpinning and loops ------------------------------------------------------------------


class TestHairpinIntrinsic:
    def test_two_eam_hosts(self, line):
        """HP-02, HP-03 (G70): both addresses through RFC 6052 and back, one hop."""
        got6, got4, reasons = line.exchange(udp6(dst=K4AS6, ttl=64))
        assert not got4 and len(got6) == 1
        assert (got6[0].src, got6[0].dst, got6[0].ttl) == (H4AS6, K6, 63)
        assert reasons.get("fwd_hairpin") == 1, reasons

    def test_eam_to_eam(self, line):
        """EAM-08 (A14): two EAM hosts that talk IPv6 to each other; the IPv4 packet
        goes through the kernel's route and comes back."""
        got6, got4, reasons = line.exchange(udp6(src=K6, dst=H6))
        assert not got4 and len(got6) == 1
        assert (got6[0].src, got6[0].dst) == (K6, H6)
        assert reasons["kern_6to4"] == 1


class TestHairpinSimple:
    SETTINGS = {"hairpin": "simple"}

    def test_two_eam_hosts(self, line):
        """HP-01: out as IPv4 and back by the kernel's route; the source stays RFC
        6052, so that answers take the same way."""
        got6, got4, reasons = line.exchange(udp6(dst=K4AS6, ttl=64))
        assert not got4 and len(got6) == 1, reasons
        assert (got6[0].src, got6[0].dst) == (H4AS6, K6)
        assert 62 <= got6[0].ttl <= 63


class TestHairpinOff:
    SETTINGS = {"hairpin": "off", "eam_to_eam": "off"}

    def test_two_eam_hosts(self, line):
        """Neither HP-01 nor HP-02: the answer of K6 would not come back."""
        got6, got4, reasons = line.exchange(udp6(dst=K4AS6, ttl=64))
        assert not got4 and len(got6) == 1, reasons
        assert (got6[0].src, got6[0].dst) == (H6, K6)

    def test_eam_to_eam_off(self, line):
        """A14: left to the kernel, which routes it as IPv6."""
        got6, got4, _ = [], [], None
        line.drain()
        before = line.gateway.stats()
        line.send(udp6(src=K6, dst=H6))
        data = line.client.recv(seconds=2)
        assert data is not None
        got6 = packets.IP(packets.ip_of(data))
        assert (got6.src, got6.dst, got6.ttl) == (K6, H6, 63)
        assert line.reasons(before) == {} and not got4


class TestLoops:
    SETTINGS = {"words": ["--xlat4", "192.0.2.128/25"]}

    def test_pair_not_target(self, line):
        """S25, HP-07: a route to the pair without a translator behind it."""
        line.gateway.ip(f"route add 192.0.2.64/27 dev {line.gateway.pair}")
        before = line.gateway.stats()
        line.send(udp4(dst="192.0.2.70"))
        lib.wait_for("pair_not_target", lambda: line.gateway.stats().get("pair_not_target")
                     == before.get("pair_not_target") + 1)
        line.gateway.ip(f"route del 192.0.2.64/27 dev {line.gateway.pair}")

    def test_hairpin_loop(self, line):
        """S25, HP-08: an xlat4 address without a host behind it: one round."""
        _, _, reasons = line.exchange(udp4(dst="192.0.2.130"))
        assert reasons.get("hairpin_loop") == 1, reasons
        assert reasons.get("kern_4to6") == 1, reasons


# ---- options of the translation ---------------------------------------------------------------


class TestOptions:
    SETTINGS = {"tos": 0x10, "zero_tc": "on", "udp_zero_csum": "drop", "clamp_mss4to6": "on",
                "clamp_mss6to4": "on", "id_when_df": "zero", "icmp_src4": "203.0.113.99"}

    def test_tos(self, line):
        """X-6TO4-02: a fixed TOS."""
        _, got4, _ = line.exchange(udp6(tc=0xFC))
        assert [p.tos for p in got4] == [0x10]

    def test_zero_tc(self, line):
        """X-4TO6-02."""
        got6, _, _ = line.exchange(udp4(tos=0xFC))
        assert [p.tos for p in got6] == [0]

    def test_udp_zero(self, line):
        """L4-03 with `drop`."""
        got6, got4, reasons = line.exchange(changed(udp4(), 26, b"\0\0"))
        assert not got6 and not got4 and reasons.get("udp_zero") == 1, reasons

    @pytest.mark.parametrize("family, want", [(4, 1440), (6, 1460)])
    def test_mss(self, line, family, want):
        """L4-11: clamped to the MTU of the other side, never raised."""
        for mss, expected in ((9000, want), (500, 500)):
            syn = TCP(sport=1, dport=2, flags="S", options=[("MSS", mss)])
            packet = IPv4(src=S4, dst=H4) / syn if family == 4 else IPv6(src=H6, dst=S6) / syn
            got6, got4, _ = line.exchange(packet)
            tcp = TCP((got6 + got4)[0].payload)
            assert dict(tcp.options)["MSS"] == expected

    def test_id_zero(self, line):
        """ID-02: packets with DF carry ID 0."""
        _, got4, _ = line.exchange(udp6(payload=Raw(bytes(1300))))
        assert got4[0].df and got4[0].ident == 0

    def test_icmp_src4(self, line):
        """GERR-23."""
        _, got4, _ = line.exchange(udp4(ttl=1))
        assert [p.src for p in got4] == ["203.0.113.99"]


# ---- directions -------------------------------------------------------------------------------


class TestDirections:
    SETTINGS = {"devices": ("eth6:6to4", "eth4:6to4")}

    def test_off(self, line):
        """`translate: 6to4`: IPv4 is left to the kernel, IPv6 is translated."""
        before = line.gateway.stats()
        with line.topology.gateway.wire("eth4") as tap:
            line.send(udp4())
            assert tap.recv(lambda f: f[14:] == bytes(udp4()), seconds=2)
        assert line.gateway.stats().get("direction_off") == before.get("direction_off") + 1
        _, got4, _ = line.exchange(udp6())
        assert len(got4) == 1
