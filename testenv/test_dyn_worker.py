# SPDX-License-Identifier: GPL-2.0-only
"""Mode dynamic: what the translators that it takes the place of could not do. Fragments,
options, ICMP errors and their payloads, path MTU; devices without XDP, and a NAT44 behind
it on the same machine."""

import contextlib
import os
import socket

import pytest
from scapy.layers.inet import ICMP, TCP, UDP, IP as IPv4, IPOption_NOP, fragment
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded,
                                IPv6, IPv6ExtHdrDestOpt)
from scapy.packet import Raw

import packets
from dynamic import A6, B6, attached, dyn  # noqa: F401
from lib import GW4, H6, PREF64, S4, S6
from stateful import DATA, P64, PATHS, Z1, Z2, Flow, as6, pieces6
from test_hosts import ping

ROUTER6 = "2001:db8:dead::1"


# ---- fragments --------------------------------------------------------------------------------


class TestFragments:
    def received(self, wire, count):
        got = [wire.recv(seconds=3) for _ in range(count)]
        assert all(got)
        assert not wire.drain()
        return [packets.IP(packets.ip_of(data)) for data in got]

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=["in order", "last first"])
    def test_6to4(self, dyn, order):
        """FRG-01, DYN-02: each by itself, in the order of arrival; the first may be the
        host's first packet at all."""
        with attached(dyn) as line:
            body, parts = pieces6(Flow(line, "udp", host=A6, rport=53), size=1500, cut=600)
            line.drain()
            for n in order:
                line.send(parts[n])
            got = self.received(line.server, 3)
            assert [p.offset for p in got] == [600 * n for n in order]
            assert {(p.src, p.dst, p.ident) for p in got} == {(line.host(A6), Z1, 9)}
            assert b"".join(p.payload for p in sorted(got, key=lambda p: p.offset))[8:] == body[8:]

    @pytest.mark.parametrize("l4", ["udp", "tcp"])
    def test_4to6(self, dyn, l4):
        """FRG-01: of UDP and of TCP; the checksum of the whole is right again."""
        with attached(dyn) as line:
            addr4 = line.new(A6)
            head = UDP(sport=53, dport=40000) if l4 == "udp" else TCP(sport=80, dport=40000)
            data = os.urandom(1000)
            whole = IPv4(bytes(IPv4(src=Z1, dst=addr4, id=7) / head / Raw(data)))
            line.drain()
            for part in reversed(fragment(whole, 600)):
                line.send(part)
            got = sorted(self.received(line.client, 2), key=lambda p: p.offset)
            assert {(p.src, p.dst, p.ident) for p in got} == {(as6(Z1), A6, 7)}
            text = b"".join(p.payload for p in got)
            proto = 17 if l4 == "udp" else 6
            joined = packets.ones(text, packets.ones(got[0].pseudo + len(text).to_bytes(4, "big")
                                                     + proto.to_bytes(4, "big")))
            assert joined == 0xFFFF and text.endswith(data)

    def test_cut_for_ipv6(self, dyn):
        """MTU-46-03: an IPv4 packet with DF=0 that is longer than the IPv6 minimum."""
        with attached(dyn) as line:
            addr4 = line.new(A6)
            line.drain()
            line.send(IPv4(src=Z1, dst=addr4) / UDP(sport=53, dport=1) / Raw(os.urandom(1400)))
            assert [p.offset for p in self.received(line.client, 2)] == [0, 1232]


@PATHS
def test_options(dyn, slow):
    """X-4TO6-07, X-6TO4-09: options and extension headers are left out."""
    with attached(dyn, slow=slow) as line:
        addr4 = line.new(A6)
        got, reasons = line.one(IPv4(src=Z1, dst=addr4, options=[IPOption_NOP()] * 4) /
                                UDP(sport=1, dport=2) / DATA)
        assert got is not None and got.dst == A6 and got.payload[8:] == bytes(DATA), reasons
        got, reasons = line.one(IPv6(src=B6, dst=as6(Z1)) / IPv6ExtHdrDestOpt() /
                                UDP(sport=1, dport=2) / DATA)
        assert got is not None and not got.options and got.payload[8:] == bytes(DATA), reasons
        assert line.host(B6) == got.src


def test_udp_without_checksum(dyn):
    """L4-03: it gets one."""
    with attached(dyn) as line:
        addr4 = line.new(A6)
        got, reasons = line.back(addr4, l4=UDP(sport=1, dport=2, chksum=0) / DATA)
        assert got is not None and got.dst == A6, reasons


# ---- ICMP errors -----------------------------------------------------------------------------


class TestErrors:
    @pytest.mark.parametrize("l4", [UDP(sport=40000, dport=53) / DATA,
                                    TCP(sport=40000, dport=80), ICMP(type=8, id=7) / b"hello",
                                    Raw(b"\x01\x02\x03\x04")],
                             ids=["udp", "tcp", "ping", "four bytes"])
    def test_from_ipv4(self, dyn, l4):
        """SRC-04, SRC-05, IN-09: the quoted packet is the host's own again."""
        with attached(dyn) as line:
            addr4 = line.new(A6)
            quoted = IPv4(src=addr4, dst=Z1) / l4
            if isinstance(l4, Raw):
                quoted.proto = 17
            got, reasons = line.one(IPv4(src=Z2, dst=addr4) / ICMP(type=11, code=0) / quoted)
            assert got is not None and got.icmp == (3, 0), reasons
            inner = packets.IP(got.quoted)
            assert (got.src, got.dst, inner.src, inner.dst) == (as6(Z2), A6, A6, as6(Z1))

    def test_from_ipv6(self, dyn):
        """SRC-01, SRC-02: from the host itself, from another host, from a router without an
        address, which seems to be the host where there is no pool6791v4."""
        with attached(dyn) as line:
            addr4, other = line.new(A6), line.new(B6)
            came, _ = line.back(addr4)
            for source, message, icmp, seen in (
                    (A6, ICMPv6DestUnreach(code=4), (3, 3), addr4),
                    (B6, ICMPv6TimeExceeded(), (11, 0), other),
                    (A6, ICMPv6PacketTooBig(mtu=1280), (3, 4), addr4)):
                got, reasons = line.one(IPv6(src=source, dst=as6(Z1)) / message / came.raw)
                assert got is not None and (got.icmp, got.src, got.dst) == (icmp, seen, Z1), \
                    reasons
                inner = packets.IP(got.quoted)
                assert (inner.src, inner.dst, inner.ports) == (Z1, addr4, (53, 40000))
            got, reasons = line.one(IPv6(src=ROUTER6, dst=as6(Z1)) / ICMPv6TimeExceeded() /
                                    came.raw)
            assert got is not None and (got.icmp, got.dst) == ((11, 0), Z1), reasons

    def test_stand_in(self, dyn):
        """SRC-02: a router is seen by an address of pool6791v4."""
        with attached(dyn, pool6791v4="192.0.2.128/32") as line:
            came, _ = line.back(line.new(A6))
            got, reasons = line.one(IPv6(src=ROUTER6, dst=as6(Z1)) / ICMPv6TimeExceeded() /
                                    came.raw)
            assert got is not None and got.src == "192.0.2.128", reasons

    def test_hairpinned(self, dyn):
        """HP-06: the other host refuses; its error comes back the same way."""
        with attached(dyn) as line:
            one, two = line.new(A6), line.new(B6)
            came, _ = line.out(A6, remote=two)
            got, reasons = line.one(IPv6(src=B6, dst=as6(one)) / ICMPv6DestUnreach(code=4) /
                                    came.raw)
            assert got is not None and got.icmp == (1, 4), reasons
            inner = packets.IP(got.quoted)
            assert (got.src, got.dst) == (as6(two), A6)
            assert (inner.src, inner.dst) == (A6, as6(two))


# ---- hosts with a stack of their own ------------------------------------------------------------


@contextlib.contextmanager
def between(hosts, *words, devices=("eth6", "eth4"), **more):
    """hosts with mode dynamic between them: the pool is TEST-NET-1."""
    gateway = hosts.gateway
    gateway.attach("--mode", "dynamic", "-4", "192.0.2.0/24", "-a", "2001:db8:a::/48", *words,
                   eam=False, devices=devices, **more)
    try:
        gateway.wait_worker()
        yield gateway
        gateway.check_sums()
    finally:
        gateway.detach()


def talk(hosts, size, count=3):
    """Datagrams from the client and back; the address that the server saw."""
    with hosts.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            hosts.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        server.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, DONT
        server.bind((S4, 0))
        client.connect((S6, server.getsockname()[1]))
        server.settimeout(3)
        client.settimeout(3)
        for _ in range(count):
            data = os.urandom(size)
            client.send(data)
            seen, peer = server.recvfrom(65535)
            assert seen == data
            server.sendto(data, peer)
            assert client.recv(65535) == data
    return peer[0]


WAYS = {"fast": {}, "no XDP towards IPv6": {"devices": ("eth4",)},
        "no XDP towards IPv4": {"devices": ("eth6",)}, "no XDP at all": {"devices": ("eth4:none",)},
        "forced-slow": {"force_slow": True}}


@pytest.mark.parametrize("way", WAYS)
def test_ways(hosts, way):
    """DYN-01, design 3: devices that XDP cannot serve reach the translator through the
    pair; whole datagrams and fragmented ones."""
    with between(hosts, **WAYS[way]) as gateway:
        assert ping(hosts.client, S6, "-s", "100")[0] == 3
        addr4 = talk(hosts, 100)
        assert addr4.startswith("192.0.2.") and talk(hosts, 4000) == addr4
        done = gateway.cmd("mapping", "lookup", addr4, "--name", gateway.instance)
        assert H6 in done.stdout


@pytest.mark.parametrize("mode, pool", [("dynamic", "10.0.1.0/24"), ("stateful", "10.0.1.1")])
def test_masquerade(hosts, mode, pool):
    """deliver: stack: what is translated goes through the kernel of the gateway, where
    nftables gives all hosts one address, and back. The answers of conntrack are routed
    into the pair."""
    gateway = hosts.gateway
    text = (f"mode: {mode}\ninterfaces: [{{name: eth6, deliver: stack}}, eth4]\n"
            f"pref64: ['{PREF64}']\npool4: [{pool}]\nallow6: ['2001:db8:a::/48']\n")
    with open(f"/tmp/n64-masquerade-{os.getpid()}.yaml", "w", encoding="utf-8") as f:
        f.write(text)
    gateway.run(["nft", "add table ip n64test; add chain ip n64test post { type nat hook "
                 "postrouting priority 100; }; add rule ip n64test post oifname eth4 "
                 "ip saddr 10.0.1.0/24 masquerade"])
    try:
        gateway.attach(config=f.name)
        gateway.wait_worker()
        assert ping(hosts.client, S6)[0] == 3
        assert talk(hosts, 100) == GW4
        assert talk(hosts, 4000) == GW4
        listed = gateway.cmd("mapping", "list", "--name", gateway.instance).stdout
        assert listed.count("10.0.1.") == (1 if mode == "dynamic" else 3)
    finally:
        gateway.run(["nft", "delete table ip n64test"], check=False)
        gateway.detach(check=False)
        os.unlink(f.name)


def test_path_mtu(hosts):
    """GENERR-02, MTU-64-01: a packet too long for the IPv4 side is answered, and the next
    one fits."""
    hosts.gateway.ip("link set dev eth4 mtu 1400")
    try:
        with between(hosts):
            with hosts.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
                client.settimeout(3)
                client.connect((S6, 9))
                assert ping(hosts.client, S6, "-s", "1400", "-M", "do", count=2)[0] == 0
                assert "mtu 1420" in hosts.client.out(["ip", "-6", "route", "get", S6])
                assert ping(hosts.client, S6, "-s", "1372", "-M", "do")[0] == 3
    finally:
        hosts.gateway.ip("link set dev eth4 mtu 1500")


def test_nothing_else_is_needed(hosts):
    """attach is one command; detach needs no parameters and leaves the host as it was."""
    gateway = hosts.gateway
    before = gateway.out(["ip", "-6", "route"]) + gateway.out(["ip", "route"])
    with between(hosts):
        assert P64 not in before and ping(hosts.client, S6)[0] == 3
    assert gateway.out(["ip", "-6", "route"]) + gateway.out(["ip", "route"]) == before
