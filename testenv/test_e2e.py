# SPDX-License-Identifier: GPL-2.0-only
"""What the attached gateway does with single packets: one frame in, the frames
that come out, and the reason that was counted. The end hosts are dumb: nothing
answers but the gateway. Every capture has its checksums verified, and every
attachment ends with the sums of GEN-10."""

import pytest
from scapy.layers.inet import ICMP, IP as IPv4, TCP, UDP, IPOption
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

import packets
from lib import GW4, GW6, H4, H6, R6, S4, S6
from line import PAYLOAD, changed, udp4, udp6


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
