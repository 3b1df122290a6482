# SPDX-License-Identifier: GPL-2.0-only
"""Stateless entries beside mode stateful (MIX-01 to MIX-03, S30): what belongs to one is
translated one to one, everything else through mappings, in one instance.

    entry A  pref64 that of the mode, EAM  192.0.2.33 2001:db8:a::33, 192.0.2.34 2001:db8:b::34
    entry B  pref64 2001:db8:66::/96, hosts 192.0.2.128/25 at addresses of that pref64
"""

from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, UDP, IP as IPv4, fragment
from scapy.layers.inet6 import ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.packet import Raw

import packets
from lib import H4, H6, K4, K6, R4, R6
from stateful import C6, DATA, P64, T, Z1, Flow, as6, attached, pieces6

ENTRIES = [f"{P64}/96,{H4}={H6},{K4}={K6}", "2001:db8:66::/96,192.0.2.128/25"]
B = "2001:db8:66::"
B4 = "192.0.2.130"


def as_b(v4):
    return B + v4


def udp6(src, dst, **more):
    return IPv6(src=src, dst=dst, **more) / UDP(sport=4000, dport=53) / DATA


def udp4(src, dst, **more):
    return IPv4(src=src, dst=dst, **more) / UDP(sport=53, dport=4000) / DATA


def error4(packet):
    return IPv4(src=R4, dst=packet.src) / ICMP(type=11, code=0) / bytes(packet)[:28]


def error6(packet, message=None):
    quoted = bytes(packet)
    return IPv6(src=R6, dst=packet.src) / (message or ICMPv6TimeExceeded()) / quoted


# (what, rule, packet, (source, destination) that come out, or the reason)
ROWS = [
    ("EAM host out", "S30", udp6(H6, as6(Z1)), (H4, Z1)),
    ("EAM host in", "S30", udp4(Z1, H4), (as6(Z1), H6)),
    ("xlat4 host out", "S30", udp6(as_b(B4), as_b(Z1)), (B4, Z1)),
    ("xlat4 host in", "S30", udp4(Z1, B4), (as_b(Z1), as_b(B4))),
    ("host elsewhere", "S30", udp6(C6, as6(Z1)), (T, Z1)),
    ("source in pref64, no host", "S30", udp6(as6("192.0.2.9"), as6(Z1)), "src6_in_pref64"),
    ("source in the other pref64, no host", "ADR-22", udp6(as_b("192.0.2.9"), as6(Z1)),
     "src6_in_pref64"),
    ("host of B to the pref64 of A", "MIX-01", udp6(as_b(B4), as6(Z1)), "src6_in_pref64"),
    ("host of A to the pref64 of B", "MIX-01", udp6(H6, as_b(Z1)), "not_target"),
    ("host elsewhere to the pref64 of B", "ADR-23", udp6(C6, as_b(Z1)), "not_target"),
    ("to an address of nobody", "GEN-03", udp4(Z1, "192.0.2.9"), "not_target"),
    ("another protocol of a host", "MIX-03", IPv6(src=H6, dst=as6(Z1), nh=132) / (b"x" * 20),
     (H4, Z1)),
    ("another protocol of the rest", "MIX-03", IPv6(src=C6, dst=as6(Z1), nh=132) / (b"x" * 20),
     "unsupported_proto 1/4"),
    ("another protocol to a host", "MIX-03", IPv4(src=Z1, dst=H4, proto=132) / (b"x" * 20),
     (as6(Z1), H6)),
    ("hop limit", "GENERR-01", udp6(H6, as6(Z1), hlim=1), "ttl_expired 3/0"),
    ("fragment of a host", "MIX-03", pieces6(Flow(None, "udp", H6))[1][1], (H4, Z1)),
    ("fragment to a host", "MIX-03", fragment(udp4(Z1, H4) / Raw(bytes(900)), 500)[1],
     (as6(Z1), H6)),
    ("error to a host", "MIX-03", error4(udp4(H4, Z1)), (as6(R4), H6)),
    ("error of a router about a host of A", "MIX-03", error6(udp6(as6(Z1), H6)), (None, Z1)),
    ("error of a router about a host of B", "MIX-03", error6(udp6(as_b(Z1), as_b(B4)),
                                                             ICMPv6PacketTooBig(mtu=1400)),
     (None, Z1)),
    ("error of a router about a host that another spoke to", "MIX-03",
     error6(udp6(H6, K6)), (None, H6)),
    ("error of a router about nobody", "MIX-03", error6(udp6(as_b(Z1), as_b("192.0.2.9"))),
     "not_target"),
    ("a host to a host", "HP-02", udp6(H6, as6(K4)), (as6(H4), K6)),
]


@pytest.fixture(scope="module", params=[False, True], ids=["fast", "forced-slow"])
def mixed(state, request):
    route = f"{as_b('192.0.2.128')}/121 via fe80::c dev eth6"
    state.gateway.ip(f"route add {route}")
    with attached(state, slow=request.param, stateless=ENTRIES) as line:
        yield line
    state.gateway.ip(f"route del {route}")


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[1]} {row[0]}" for row in ROWS])
def test_rows(mixed, row):
    _, _, packet, want = row
    known = len(mixed.mappings())
    if want == "not_target":
        assert left_alone(mixed, packet)
        return
    for _ in range(2):  # the FIB is asked, and then what is remembered (quick_stateless.h)
        check_row(mixed, packet, want)
    if T not in want:
        assert len(mixed.mappings()) == known


def check_row(mixed, packet, want):
    got, reasons = mixed.one(packet)
    if isinstance(want, str):
        assert Flow.reason(got, reasons) == want, reasons
        return
    assert got is not None, reasons
    src, dst = want
    assert (src is None or ip_address(got.src) == ip_address(src)), got
    assert ip_address(got.dst) == ip_address(dst), got
    if T not in want and got.proto == 17 and got.offset == 0:  # one to one: ports as they were
        assert sorted(got.ports) == [53, 4000]


def left_alone(line, packet):
    """The kernel gets the packet as it was. What it then routes to the pair, as to every
    pref64, ends there (HP-07)."""
    device = "eth4" if packet.version == 4 else "eth6"
    before = line.gateway.stats()
    with line.gateway.wire(device) as tap:
        line.send(packet)
        seen = tap.recv(lambda frame: packets.ip_of(frame) == bytes(packet), seconds=2)
    return seen is not None and set(line.reasons(before)) <= {"pair_not_target"}


def test_stateful_error(mixed):
    """MIX-03: an error about a host without an entry is that of its mapping."""
    flow = Flow(mixed, "udp", port=40010, rport=53)
    flow.out()
    quoted = IPv6(src=as6(Z1), dst=C6) / UDP(sport=53, dport=40010) / DATA
    got, reasons = mixed.one(error6(quoted, ICMPv6PacketTooBig(mtu=1400)))
    assert got is not None, reasons
    assert (got.dst, got.icmp) == (Z1, (3, 4))
    inside = packets.IP(got.quoted)
    assert inside.dst == T and inside.ports == (53, flow.port4)


def test_stateful_host_to_a_stateless_one(mixed):
    """MIX-01: to 192.0.2.33 of the entry, by a second visit."""
    got, reasons = mixed.one(udp6(C6, as6(H4)))
    assert got is not None, reasons
    assert (got.dst, ip_address(got.src)) == (H6, ip_address(as6(T))), got


def test_routes_to_the_pair(mixed):
    """Every pref64 and every translated address is routed to the pair, once."""
    routes = mixed.gateway.out(["ip", "route", "show", "dev", mixed.gateway.pair])
    routes6 = mixed.gateway.out(["ip", "-6", "route", "show", "dev", mixed.gateway.pair])
    for prefix in (H4, K4, "192.0.2.128/25"):
        assert routes.split().count(prefix) == 1, routes
    for prefix in (f"{P64}/96", f"{B}/96"):
        assert routes6.split().count(prefix) == 1, routes6
    notes = [row for row in mixed.gateway.status()["problems"] if row["level"] != "note"]
    assert not notes
