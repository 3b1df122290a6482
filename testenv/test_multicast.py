# SPDX-License-Identifier: GPL-2.0-only
"""Multicast (MC-01 to MC-05, L2-04): groups embedded in pref64, the ports by which they
leave, groups of a real IPv6 prefix; and the whole way from a group of IPv6 through NAT66 to a
listener of IPv4, and back (chain.py)."""

import contextlib
import ipaddress
import socket
import struct
from ipaddress import ip_address

import pytest

from chain import P, POOL4, PREFIX, SERVER4, Chain, embedded
from lib import H4
from line import attached, udp4, udp6
from packets import faults, ip_of, IP
from talk import INET, INET6, UDP

GROUP4 = "234.203.0.113"
GROUP6 = "ff3e:40:2001:db8:d0be:f00d:d09e:f00d"
EMBEDDED = "2001:db8:64::" + GROUP4
MAC4 = bytes.fromhex("01005e4b0071")
MPREF = "ff3e:40:2001:db8:d0be:f00d:"
OUT4 = {"multicast": "embed", "multicast_out4": "eth4"}
OUT6 = {"multicast": "embed", "mpref64": f"{MPREF}:/96", "multicast_out6": "eth6"}

# (what, rule, settings, packet, MAC and destination that come out with TTL 63, or the reason)
ROWS = [
    ("to a group", "MC-01", OUT4, udp6(dst=EMBEDDED), (MAC4, GROUP4)),
    ("23 bits of the group", "L2-04", OUT4, udp6(dst="2001:db8:64::239.255.1.2"),
     (bytes.fromhex("01005e7f0102"), "239.255.1.2")),
    ("without a port", "MC-01", {"multicast": "embed"}, udp6(dst=EMBEDDED), "kern_6to4"),
    ("to a group of IPv6", "MC-02", OUT6, udp4(dst=GROUP4),
     (b"\x33\x33" + ip_address(GROUP4).packed, MPREF + GROUP4)),
    ("to a group of IPv6, without a port", "MC-02",
     {"multicast": "embed", "mpref64": f"{MPREF}:/96"}, udp4(dst=GROUP4), "kern_4to6"),
    ("local group", "MC-03", OUT4, udp6(dst="2001:db8:64::224.0.0.5"), "mcast_scope"),
    ("hop limit 1", "MC-03", OUT4, udp6(dst=EMBEDDED, ttl=1), "mcast_scope"),
    ("TTL 1", "MC-03", OUT6, udp4(dst=GROUP4, ttl=1), "mcast_scope"),
    ("too big", "MC-04", OUT4, udp6(dst=EMBEDDED, payload=b"x" * 1600), "too_big"),
    ("too big, with DF", "MC-04", OUT6, udp4(dst=GROUP4, payload=b"x" * 1460, flags="DF"),
     "too_big"),
    ("off", "MC-05", {}, udp6(dst=EMBEDDED), "dst4_illegal"),
]


@pytest.mark.parametrize("slow", [False, True], ids=["fast", "forced-slow"])
@pytest.mark.parametrize("row", ROWS, ids=[f"{row[1]} {row[0]}" for row in ROWS])
def test_groups(plain_line, row, slow):
    """No ICMP error is caused by any of them (MC-04)."""
    _, _, settings, packet, want = row
    with attached(plain_line, force_slow=slow, **settings) as line:
        line.drain()
        before = line.gateway.stats()
        with large(line, packet):
            line.send(packet) if packet.version == 6 else send_group(line, packet)
            line.gateway.wait_settled(before)
            frames = [f for wire in (line.client, line.server)
                      for f in ([wire.recv(seconds=0.15)] + wire.drain()) if f]
        reasons = line.reasons(before)
        if isinstance(want, str):
            assert reasons.get(want) == 1 and not frames, reasons
            return
        mac, group = want
        assert len(frames) == 1, reasons
        got = IP(ip_of(frames[0]))
        assert frames[0][:6] == mac
        assert frames[0][6:12] == (line.mac4 if got.version == 4 else line.mac6)
        assert (ip_address(got.dst), got.ttl) == (ip_address(group), 63)
        assert got.src == (H4 if got.version == 4 else "2001:db8:64::c633:640a")
        assert not faults(got.raw)


@contextlib.contextmanager
def large(line, packet):
    """Where the packet is one that the sender's link carries and the other does not."""
    if len(bytes(packet)) <= 1500:
        yield
        return
    hosts = ((line.topology.client, "eth0"), (line.gateway, "eth6"))
    for host, device in hosts:
        host.mtu(device, 2000)
    try:
        yield
    finally:
        for host, device in reversed(hosts):
            host.mtu(device, 1500)


def send_group(line, packet):
    group = ip_address(packet.dst).packed
    mac = b"\x01\0\x5e" + bytes([group[1] & 0x7f]) + group[2:]
    line.server.send((mac + line.server.mac + b"\x08\x00" + bytes(packet)).ljust(60, b"\0"))


# ---- the whole way ---------------------------------------------------------------------------

RULES = f"""
table ip6 groups {{
    chain unicast {{
        type filter hook prerouting priority raw;
        ip6 daddr {GROUP6} meta pkttype set host
    }}
    chain pre {{
        type nat hook prerouting priority dstnat;
        ip6 daddr {GROUP6} dnat to {embedded(GROUP4)}
        ip6 daddr {embedded(GROUP4)} dnat to {GROUP6}
    }}
}}
"""
IPV6, MRT6_INIT, MRT6_ADD_MIF, MRT6_ADD_MFC = 41, 200, 202, 204


@contextlib.contextmanager
def multicast_route(host, source, group, come, go):
    """What a multicast routing daemon does: packets that come in by one device go out by the
    other. It ends with the socket."""
    with host.socket(INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.setsockopt(IPV6, MRT6_INIT, 1)
        for mif, device in enumerate((come, go)):
            index = host.link(device)["ifindex"]
            sock.setsockopt(IPV6, MRT6_ADD_MIF, struct.pack("@HBBHI", mif, 0, 1, index, 0))
        address = [struct.pack("@HHI16sI", INET6, 0, 0, socket.inet_pton(INET6, a), 0)
                   for a in (source, group)]
        sock.setsockopt(IPV6, MRT6_ADD_MFC,
                        b"".join(address) + struct.pack("@HxxI28x", 0, 1 << 1))
        yield


@pytest.fixture(scope="module", params=["a router", "the gateway"])
def chain(request, echo):
    with Chain(here=request.param == "the gateway", verbose=echo) as topology:
        gateway = topology.gateway
        topology.router.run(["nft", RULES])
        if not topology.here:
            gateway.ip(f"route add {P}{GROUP4} via 2001:db8:ffff::2 dev eth6")
        gateway.attach("--xlat4", POOL4, pref64=PREFIX, eam=False, devices=topology.devices,
                       multicast="embed", multicast_out4="eth4")
        try:
            gateway.wait_worker()
            yield topology
            gateway.check_sums()
        finally:
            gateway.detach()


def received(sock):
    sock.settimeout(5)
    data, peer = sock.recvfrom(100)
    return data, ip_address(peer[0])


def test_from_ipv6_to_a_listener_of_ipv4(chain):
    """MC-01: ff3e:… becomes 64:ff9b:1:fffe::234.203.0.113 in NAT66, and 234.203.0.113 here,
    in a frame to its MAC address. A program that has joined the group hears it."""
    with chain.server.socket(INET, UDP) as listener, chain.client.socket(INET6, UDP) as sender, \
            chain.server.wire("eth0") as wire:
        index = struct.pack("@4s4si", ip_address(GROUP4).packed, bytes(4),
                            chain.server.link("eth0")["ifindex"])
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, index)
        listener.bind((GROUP4, 7000))
        sender.setsockopt(IPV6, socket.IPV6_MULTICAST_HOPS, 16)
        sender.setsockopt(IPV6, socket.IPV6_MULTICAST_IF, chain.client.link("eth0")["ifindex"])
        for n in range(3):  # the first also finds neighbours
            sender.sendto(b"to all %d" % n, (GROUP6, 7000))
            assert received(listener) == (b"to all %d" % n, ip_address("198.51.100.1"))
        frame = wire.recv(lambda f: IP(ip_of(f)).dst == GROUP4)
        assert frame[:6] == MAC4 and not faults(ip_of(frame))


def test_from_ipv4_to_a_listener_of_ipv6(chain):
    """MC-02: and the reverse, by the multicast routing of NAT66's kernel."""
    come, go = (chain.gateway.pair, "eth6") if chain.here else ("out", "in")
    with chain.client.socket(INET6, UDP) as listener, chain.server.socket(INET, UDP) as sender, \
            chain.client.wire("eth0") as wire, \
            multicast_route(chain.router, P + SERVER4, GROUP6, come, go):
        listener.setsockopt(IPV6, socket.IPV6_JOIN_GROUP, ip_address(GROUP6).packed
                            + struct.pack("@I", chain.client.link("eth0")["ifindex"]))
        listener.bind((GROUP6, 7001))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                          struct.pack("@4s4si", bytes(4), bytes(4),
                                      chain.server.link("eth0")["ifindex"]))
        for n in range(3):
            sender.sendto(b"to all %d" % n, (GROUP4, 7001))
            assert received(listener) == (b"to all %d" % n, ip_address(P + SERVER4))
        frame = wire.recv(lambda f: IP(ip_of(f)).dst == str(ipaddress.IPv6Address(GROUP6)))
        assert frame[:6] == b"\x33\x33" + ip_address(GROUP6).packed[12:]
