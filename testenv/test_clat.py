# SPDX-License-Identifier: GPL-2.0-only
"""464XLAT (RFC 6877): a client host whose own translator (CLAT: `siit`, EAM 192.0.0.0/29)
gives IPv4 to old programs on an IPv6-only network, in front of a stateful gateway (PLAT).

    client: program, 192.0.0.1     IPv6 only     gateway           server
            nat64 pair, siit     eth0 ==== eth6  stateful  eth4 ==== eth0 198.51.100.10
"""

import json
import random
import re
import socket

import pytest

from gateway import Gateway
from lib import GW6, H6, PREF64, S4, S6, Topology
from test_hosts import carry, ping
from talk import INET, TCP, UDP, answered, talking

T = "203.0.113.8"
CLAT4 = "192.0.0.1"
CLAT_NET6 = "2001:db8:a:464::/125"
CLAT6 = "2001:db8:a:464::1"


class Clat(Topology):
    def __init__(self, verbose=False):
        super().__init__(verbose=verbose)
        self.client = Gateway("client", f"n64-client-{self.suffix}c", verbose)
        self.hosts[0] = self.client

    def build_near(self):
        super().build_near()
        self.gateway.ip(f"route add {CLAT_NET6} via {H6} dev eth6")
        self.client.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        # the wire needs no program of its own: attach brings one
        self.client.ip("link set dev eth0 xdp off")
        # PLAT is behind the network, not here
        self.client.ip(f"""
            addr add {CLAT4}/32 dev lo
            route add {PREF64} via {GW6} dev eth0
        """)

    def clean(self):
        self.client.clean()
        super().clean()


@pytest.fixture(scope="module")
def net(echo):
    with Clat(verbose=echo) as topology:
        topology.gateway.attach("--mode", "stateful", "-4", T, eam=False)
        topology.client.attach("--eam", f"192.0.0.0/29={CLAT_NET6}", "--xlat4", "0.0.0.0/0",
                               eam=False, devices=["eth0:6to4"])
        # what old programs ask for: any IPv4 address, from one that can be translated
        topology.client.ip(f"route replace default dev {topology.client.pair} src {CLAT4}")
        for host in (topology.gateway, topology.client):
            host.wait_worker()
        yield topology
        for host in (topology.gateway, topology.client):
            host.check_sums()
            host.detach()


def test_ping(net):
    got, text = ping(net.client, S4)
    assert got == 3, text


@pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])
def test_ipv4_only_program(net, kind):
    """A socket of IPv4 reaches a server of IPv4; between the hosts there is only IPv6."""
    with talking(kind, net.client, INET, S4, net.server, T) as (here, there):
        assert here.getsockname()[0] == CLAT4
        answered(here, there)
        rows = json.loads(net.gateway.cmd("mapping", "list", "--json", "--name",
                                          net.gateway.instance).stdout)
        assert {f"[{CLAT6}]:{here.getsockname()[1]}", CLAT6} & {
            str(value) for row in rows for value in row.values()}, rows
    assert not net.client.out("ip -4 addr show dev eth0")


def test_bytes_arrive(net):
    """MTU-46-02: 1,500 bytes of IPv4 do not fit twice; path MTU discovery on the host."""
    data = random.Random(464).randbytes(2_000_000)
    with talking(TCP, net.client, INET, S4, net.server, T) as (here, there):
        assert carry(here, there, data) == data
        assert carry(there, here, data) == data


def test_fragments(net):
    with talking(UDP, net.client, INET, S4, net.server, T) as (here, there):
        for one, other in ((here, there), (there, here)):
            one.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, DONT
            data = random.Random(465).randbytes(4000)
            one.send(data)
            assert other.recv(65535) == data


def test_traceroute(net):
    """GENERR-01: the hop of the PLAT is seen, as an IPv4 address."""
    text = net.client.out(["traceroute", "-n", "-q", "1", "-w", "3", S4])
    hops = re.findall(r"^ *\d+  (\S+)", text, re.M)
    assert hops[-1] == S4, text


def test_native_ipv6_beside_it(net):
    """EAM-08: the host's own IPv6 goes on, also to and from its CLAT address."""
    assert ping(net.client, S6, "-I", H6)[0] == 3
    assert ping(net.client, GW6)[0] == 3
    assert ping(net.gateway, H6)[0] == 3
