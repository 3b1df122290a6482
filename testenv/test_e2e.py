# SPDX-License-Identifier: GPL-2.0-only
"""What the attached gateway does with single packets: one frame in, the frames
that come out, and the reason that was counted. The end hosts are dumb: nothing
answers but the gateway. Every capture has its checksums verified, and every
attachment ends with the sums of GEN-10."""

import contextlib

import pytest
from scapy.layers.inet import ICMP, IP as IPv4, TCP, UDP, IPOption
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import lib
import packets
from lib import GW4, GW6, H4, H6, K4, K6, R6, S4, S6

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


# ---- what is not ours ----------------------------------------------------------------


NOT_OURS = [
    # name, rule, side, packet behind Ethernet, destination MAC (None: the gateway's)
    ("ospf", "GEN-03", 4, IPv4(src="203.0.113.2", dst="224.0.0.5", proto=89, ttl=1) / PAYLOAD,
     "01:00:5e:00:00:05"),
    ("vrrp", "GEN-03", 4, IPv4(src="203.0.113.2", dst="224.0.0.18", proto=112, ttl=255) / PAYLOAD,
     "01:00:5e:00:00:12"),
    ("ospf6", "GEN-03", 6, IPv6(src="fe80::c", dst="ff02::5", nh=89, hlim=1) / PAYLOAD,
     "33:33:00:00:00:05"),
    ("esp", "GEN-05", 4, IPv4(src=S4, dst=GW4, proto=50) / PAYLOAD, None),
    ("esp6", "GEN-05", 6, IPv6(src=H6, dst=GW6, nh=50) / PAYLOAD, None),
    ("ssh to the gateway", "GEN-05", 4, IPv4(src=S4, dst=GW4) / TCP(sport=4000, dport=22), None),
    ("bad header, another's address", "GEN-08", 4,
     bytes(IPv4(src=S4, dst="192.0.2.99") / PAYLOAD)[:10] + b"\xff\xff"
     + bytes(IPv4(src=S4, dst="192.0.2.99") / PAYLOAD)[12:], None),
    ("IPv6 EtherType, version 4 inside", "VAL-01", 6, b"\x45" + bytes(59), None),
    ("too short for an address", "GEN-08", 4, b"\x45\x00\x00\x14" + bytes(8), None),
    ("native IPv6 to the EAM host", "A14", 6, IPv6(src="2001:db8:9::1", dst=H6) / TCP(dport=80),
     None),
    ("PTB to the EAM host about native IPv6", "A14", 6,
     IPv6(src=R6, dst=H6) / ICMPv6PacketTooBig(mtu=1400)
     / bytes(IPv6(src=H6, dst="2001:db8:9::1") / UDP(sport=1, dport=2) / PAYLOAD), None),
    ("another host's MAC", "VAL-07", 6, udp6(), "02:00:00:00:00:77"),
    ("another host's MAC, IPv4", "VAL-07", 4, udp4(), "02:00:00:00:00:77"),
    ("VLAN tag without a device", "L2-01", 4, Raw(b"\x00\x05\x08\x00" + bytes(udp4())), "vlan"),
]


class TestNotOurs:
    @pytest.mark.parametrize("row", NOT_OURS, ids=[f"{row[1]} {row[0]}" for row in NOT_OURS])
    def test_left_to_the_kernel(self, line, row):
        """The kernel gets the frame as it was, and nothing of ours is counted."""
        _, _, side, packet, mac = row
        device, wire, own = (("eth4", line.server, line.mac4) if side == 4
                             else ("eth6", line.client, line.mac6))
        dst = own if mac in (None, "vlan") else bytes.fromhex(mac.replace(":", ""))
        raw = bytes(packet)
        kind = b"\x81\x00" if mac == "vlan" else b"\x08\x00" if side == 4 else b"\x86\xdd"
        sent = (dst + wire.mac + kind + raw).ljust(60, b"\0")
        before = line.gateway.stats()
        with line.topology.gateway.wire(device) as tap:
            wire.send(sent)
            want = sent[:12] + sent[16:] if mac == "vlan" else sent  # the kernel takes the tag
            seen = tap.recv(lambda frame: frame == want, seconds=2)
        assert seen is not None, "the frame did not reach the kernel untouched"
        assert line.reasons(before) == {}

    def test_arp_is_answered(self, line):
        """GEN-05: ARP for the gateway's address."""
        request = (Ether(dst="ff:ff:ff:ff:ff:ff", src=line.server.mac)
                   / ARP(op=1, hwsrc=line.server.mac, psrc="203.0.113.2", pdst=GW4))
        with line.topology.server.wire("eth0", chatter=True) as tap:
            line.server.send(bytes(request))
            answer = tap.recv(lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2", seconds=2)
        assert answer is not None and answer[22:28] == line.mac4

    def test_neighbour_solicitation_is_answered(self, line):
        """GEN-05: NDP for the gateway's address."""
        ask = (Ether(dst="33:33:ff:00:00:01", src=line.client.mac)
               / IPv6(src="fe80::c", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt=GW6)
               / Raw(b"\1\1" + line.client.mac))
        with line.topology.client.wire("eth0", chatter=True) as tap:
            line.client.send(bytes(ask))
            answer = tap.recv(lambda f: f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136,
                              seconds=2)
        assert answer is not None


# ---- bad input -------------------------------------------------------------------------


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


TCP4 = IPv4(src=S4, dst=H4) / TCP(sport=80, dport=40000, flags="A")
TCP6 = IPv6(src=H6, dst=S6) / TCP(sport=40000, dport=80, flags="A")
ECHO4 = IPv4(src=S4, dst=H4) / ICMP(type=8, id=1, seq=1) / PAYLOAD
ECHO6 = IPv6(src=H6, dst=S6) / ICMPv6EchoRequest(id=1, seq=1, data=b"x" * 32)

BAD = [
    ("IHL 4", "VAL-01", changed(udp4(), 0, b"\x44"), "bad_hdr4"),
    ("total length under the header's", "VAL-01", changed(udp4(), 2, b"\0\x10"), "bad_hdr4"),
    ("total length over the frame", "VAL-01", changed(udp4(), 2, b"\x05\xdc"), "bad_hdr4"),
    ("header checksum", "VAL-01", changed(udp4(), 10, b"\x12\x34"), "bad_hdr4"),
    ("payload length over the frame", "VAL-02", changed(udp6(), 4, b"\x05\xdc"), "bad_hdr6"),
    ("jumbogram", "VAL-02", changed(udp6(), 4, b"\0\0"), "bad_hdr6"),
    ("TCP of 12 bytes", "VAL-04", bytes(IPv4(src=S4, dst=H4, proto=6, len=32)) + bytes(12),
     "bad_l4"),
    ("TCP data offset 4", "VAL-04", changed(TCP4, 32, b"\x40"), "bad_l4"),
    ("TCP data offset 4, IPv6", "VAL-04", changed(TCP6, 52, b"\x40"), "bad_l4"),
    ("UDP length 7", "VAL-04", changed(udp4(), 24, b"\0\7"), "bad_l4"),
    ("UDP length over the packet", "VAL-04", changed(udp4(), 24, b"\0\xff"), "bad_l4"),
    ("UDP length over the packet, IPv6", "VAL-04", changed(udp6(), 44, b"\0\xff"), "bad_l4"),
    ("ICMP of 4 bytes", "VAL-04", bytes(IPv4(src=S4, dst=H4, proto=1, len=24)) + b"\x08\0\0\0",
     "bad_l4"),
    ("source 127.0.0.1", "ADR-20", udp4(src="127.0.0.1"), "src4_illegal"),
    ("source 0.0.0.0", "ADR-20", udp4(src="0.0.0.0"), "src4_illegal"),
    ("source 224.0.0.1", "ADR-20", udp4(src="224.0.0.1"), "src4_illegal"),
    ("source 255.255.255.255", "ADR-20", udp4(src="255.255.255.255"), "src4_illegal"),
    ("source 169.254.1.1", "ADR-20", udp4(src="169.254.1.1"), "src4_illegal"),
    ("source ::", "ADR-21", udp6(src="::"), "src6_illegal"),
    ("source ::1", "ADR-21", udp6(src="::1"), "src6_illegal"),
    ("source fe80::1", "ADR-21", udp6(src="fe80::1"), "src6_illegal"),
    ("source ff02::1", "ADR-21", udp6(src="ff02::1"), "src6_illegal"),
    ("destination 127.0.0.1", "ADR-24", udp6(dst="2001:db8:64::127.0.0.1"), "dst4_illegal"),
    ("destination 224.0.0.5", "MC-05", udp6(dst="2001:db8:64::224.0.0.5"), "dst4_illegal"),
    ("destination 255.255.255.255", "ADR-24", udp6(dst="2001:db8:64::255.255.255.255"),
     "dst4_illegal"),
    ("protocol 58 over IPv4", "X-4TO6-12", IPv4(src=S4, dst=H4, proto=58) / PAYLOAD, "bad_proto"),
    ("protocol 44 over IPv4", "X-4TO6-12", IPv4(src=S4, dst=H4, proto=44) / PAYLOAD, "bad_proto"),
    ("next header 1 over IPv6", "X-4TO6-12", IPv6(src=H6, dst=S6, nh=1) / PAYLOAD, "bad_proto"),
    ("UDP over IPv6 without a checksum", "L4-06",
     changed(udp6(), 46, b"\0\0"), "udp6_zero"),
    ("timestamp request", "ICMP-46-12", IPv4(src=S4, dst=H4) / ICMP(type=13),
     "icmp_untranslatable"),
    ("option of length 0", "X-4TO6-07",
     IPv4(src=S4, dst=H4, options=[IPOption(b"\x94\x00\x00\x00")]) / UDP(dport=1) / PAYLOAD,
     "bad_opt4"),
    ("error with a wrong checksum", "IN-01",
     changed(IPv4(src=S4, dst=H4) / ICMP(type=3, code=1) / bytes(udp4(src=H4, dst=S4)), 22,
             b"\x12\x34"), "icmp_bad_csum"),
]


class TestBadInput:
    @pytest.mark.parametrize("row", BAD, ids=[f"{row[1]} {row[0]}" for row in BAD])
    def test_dropped_and_counted(self, line, row):
        _, _, packet, reason = row
        got6, got4, reasons = line.exchange(packet)
        assert not got6 and not got4, [str(p) for p in got6 + got4]
        assert reasons.get(reason) == 1, reasons

    def test_link_layer_multicast(self, line):
        """VAL-06: a unicast packet in a broadcast or multicast frame."""
        for mac in (b"\xff" * 6, bytes.fromhex("01005e000001")):
            line.drain()
            before = line.gateway.stats()
            line.server.send(packets.frame(mac, line.server.mac, bytes(udp4())))
            got6, got4, reasons = line.collect(before)
            assert not got6 and not got4
            assert reasons == {"l2_mcast": 1}

    def test_padding_is_trimmed(self, line):
        """VAL-03: a 40-byte ACK in a 60-byte frame becomes 60 bytes of IPv6."""
        line.drain()
        line.send(TCP4)
        data = line.client.recv(seconds=2)
        assert data is not None and len(data) == 14 + 60


# ---- errors and policy ----------------------------------------------------------------------


def error_of(packet, message):
    """Is the packet this ICMP error, as (type, code)?"""
    return packet.is_error and packet.icmp == message


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
