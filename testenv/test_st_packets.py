# SPDX-License-Identifier: GPL-2.0-only
"""UDP and ping in mode stateful through the attached gateway: filtering, timers, refusals
(sections 10.3 and 10.4, S07)."""

import pytest
from scapy.layers.inet import ICMP, TCP, UDP, IP as IPv4
from scapy.layers.inet6 import IPv6

from stateful import C6, DATA, PATHS, T, Z1, Z2, Flow, as6, attached


# ---- UDP and ping -----------------------------------------------------------------------------

# (ID, settings, protocol, steps): `from` REMOTE PORT is whom the next steps speak with.
FILTERING = [
    ("S07 eif", {}, "udp", [
        ("out", "fwd"), ("from", Z2, 9), ("back", "fwd"), ("left", 300)]),
    ("S07 adf", {"filtering-udp": "adf"}, "udp", [
        ("out", "fwd"), ("back", "fwd"), ("from", Z1, 9), ("back", "fwd"), ("from", Z2, 53),
        ("back", "adf"), ("out", "fwd"), ("back", "fwd")]),
    ("S07 adf, ping", {"filtering-udp": "adf"}, "icmp", [
        ("out", "fwd"), ("back", "fwd"), ("from", Z2, 0), ("back", "adf"), ("out", "fwd"),
        ("back", "fwd")]),
    ("UDP-03 refused ones refresh nothing", {"filtering-udp": "adf"}, "udp", [
        ("out", "fwd"), ("later", 200), ("from", Z2, 9), ("back", "adf"), ("left", 100)]),
    ("GENERR-14 udp", {"filtering-udp": "adf", "error-adf": "on"}, "udp", [
        ("out", "fwd"), ("from", Z2, 9), ("back", "adf_error 3/13")]),
    ("UDP-01 lives 300 s", {}, "udp", [
        ("out", "fwd"), ("later", 299), ("back", "fwd"), ("later", 299), ("out", "fwd"),
        ("later", 302), ("back", "no_bib")]),
    ("UDP-05 inbound-refresh off", {"inbound-refresh": "off"}, "udp", [
        ("out", "fwd"), ("later", 200), ("back", "fwd"), ("left", 100), ("later", 102),
        ("back", "no_bib")]),
    ("UDP-01 udp-timeout", {"udp-timeout": 120}, "udp", [
        ("out", "fwd"), ("later", 118), ("back", "fwd"), ("later", 122), ("back", "no_bib")]),
    ("ICQ-01 lives 60 s", {}, "icmp", [
        ("out", "fwd"), ("later", 59), ("back", "fwd"), ("later", 62), ("back", "no_bib")]),
    ("GENERR-13 udp", {"error-no-bib": "on"}, "udp", [
        ("out", "fwd"), ("later", 302), ("back", "no_bib_error 3/3")]),
    ("GENERR-13 ping", {"error-no-bib": "on"}, "icmp", [
        ("out", "fwd"), ("later", 62), ("ask", "no_bib_error 3/1")]),
    ("ICQ-04", {"drop-icmp6-info": "on"}, "icmp", [("out", "icmp6_info")]),
    ("ADR-26", {"allow6": "2001:db8:d::/48"}, "udp", [("out", "not_allowed6 1/1")]),
    ("GENERR-01", {}, "udp", [("dies", "ttl_expired 3/0"), ("gone",)]),
]


class Walk:
    def __init__(self, line, flow):
        self.line, self.flow = line, flow

    def out(self, want, **more):
        self.judge(self.flow.out(**more), want)

    def back(self, want):
        self.judge(self.flow.back(), want)

    def dies(self, want):
        self.out(want, ttl=1)

    def ask(self, want):
        """An echo request: an answer is never answered with an error... a request is."""
        flow = self.flow
        got, reasons = self.line.one(IPv4(src=flow.remote, dst=T)
                                     / ICMP(type=8, id=flow.port4, seq=1) / DATA)
        self.judge(flow.reason(got, reasons), want)

    @staticmethod
    def judge(got, want):
        assert (want == "fwd" and not isinstance(got, str)) or got == want, got

    def use(self, remote, rport):
        self.flow = self.flow.to(remote, rport)

    def later(self, seconds):
        self.line.later(seconds)

    def rows(self):
        return [m for m in self.line.mappings() if m["port6"] == self.flow.port]

    def left(self, seconds):
        rows = self.rows()
        assert len(rows) == 1 and seconds - 3 <= rows[0]["expires_s"] <= seconds + 1, rows

    def gone(self):
        assert not self.rows()


setattr(Walk, "from", Walk.use)


@PATHS
@pytest.mark.parametrize("row", FILTERING, ids=[row[0] for row in FILTERING])
def test_filtering_and_timers(state, row, slow):
    _, settings, proto, steps = row
    with attached(state, slow=slow, **settings) as line:
        walk = Walk(line, Flow(line, proto, port=40002, rport=53))
        for number, (verb, *words) in enumerate(steps):
            try:
                getattr(walk, verb)(*words)
            except AssertionError as error:
                raise AssertionError(f"step {number + 1}, {verb} {words}: {error}") from error


@PATHS
def test_not_ours_to_translate(state, slow):
    """A07, ADR-22, ADR-27, GENERR-11: sources inside pref64 and the pool, another
    protocol."""
    with attached(state, slow=slow) as line:
        for packet, want in (
                (IPv6(src=as6("192.0.2.9"), dst=as6(Z1)) / UDP(dport=9) / b"x", "src6_in_pref64"),
                (IPv4(src=T, dst=T) / UDP(dport=9) / b"x", "src4_is_pool4"),
                (IPv6(src=C6, dst=as6(Z1), nh=132) / (b"x" * 20), "unsupported_proto 1/4"),
                (IPv4(src=Z1, dst=T, proto=132) / (b"x" * 20), "unsupported_proto 3/2"),
                (IPv4(src=Z1, dst=T) / UDP(dport=9) / b"x", "no_bib"),
                (IPv4(src=Z1, dst=T) / TCP(dport=9, flags="A"), "tcp_no_state")):
            got, reasons = line.one(packet)
            assert Flow.reason(got, reasons) == want, (packet.summary(), reasons)
        assert not line.mappings()
