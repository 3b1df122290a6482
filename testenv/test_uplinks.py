# SPDX-License-Identifier: GPL-2.0-only
"""Gateways in other places than between two cables: one NIC for both families, a pair of
gateways of which one has the virtual router address, and several uplinks."""

import contextlib
import json
import subprocess

import pytest

import lib
import packets
from gateway import Gateway
from host import Host
from lib import GW4, GW6, H4, H6, K4, K6, S4, S6, Topology
from test_any_device import MODES
from test_hosts import ping
from talk import INET, INET6, TCP, UDP, answered, talking

T, T2 = "203.0.113.8", "203.0.113.9"
VIRTUAL4, VIRTUAL6 = "203.0.113.254", "2001:db8:ffff::fe"
VIRTUAL_MAC = "00:00:5e:00:01:07"


class OneWire(Topology):
    """Everybody is at one hub: all frames reach everybody, as on a switch that floods.

        client        server        gateway         backup
          eth0          eth0          nic             nic
            \\____________|_____________|______________/   hub
    """

    def __init__(self, backup=False, verbose=False):
        super().__init__(verbose=verbose)
        self.hub = Host("hub", f"n64-hub-{self.suffix}", verbose)
        self.hosts.append(self.hub)
        self.gateways = [self.gateway]
        if backup:
            self.gateways.append(Gateway("backup", f"n64-backup-{self.suffix}b", verbose))
            self.hosts.append(self.gateways[1])

    def build_near(self):
        self.hub.ip("""
            link add name br0 type bridge ageing_time 0
            link set dev br0 up
        """)
        for number, gateway in enumerate(self.gateways):
            self.plug(gateway, "nic", program=False)
            gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
            gateway.ip(f"""
                addr add 203.0.113.{number + 1}/24 dev nic
                addr add 2001:db8:ffff::{number + 1}/64 dev nic nodad
                route add 198.51.100.0/24 dev nic
                route add {H6} dev nic
                route add {K6} dev nic
            """)
        for host in (self.client, self.server):
            self.plug(host, "eth0")
        self.client.ip(f"addr add {H6}/128 dev eth0 nodad")
        self.server.ip(f"addr add {S4}/32 dev eth0")
        self.default(GW6, GW4)

    def default(self, gateway6, gateway4):
        self.client.ip(f"""
            route replace {gateway6} dev eth0
            route replace default via {gateway6} dev eth0 src {H6}
        """)
        self.server.ip(f"""
            route replace {gateway4} dev eth0
            route replace default via {gateway4} dev eth0 src {S4}
        """)

    def plug(self, host, device, program=True):
        port = f"p-{host.role}"
        self.cable(host, device, self.hub, port, program=program)
        if not program:
            lib.attach_pass(self.hub.name, port)
        self.hub.ip(f"link set dev {port} master br0")

    def clean(self):
        for gateway in self.gateways:
            gateway.clean()
        super().clean()


# ---- one NIC ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wire(echo):
    with OneWire(verbose=echo) as topology:
        yield topology


@pytest.fixture(scope="module", params=MODES)
def one_nic(request, wire):
    gateway = wire.gateway
    if request.param == "siit":
        gateway.attach(devices=["nic"])
    else:
        gateway.attach("--mode", "stateful", "-4", T, eam=False, devices=["nic"])
    try:
        gateway.wait_worker()
        wire.seen = H4 if request.param == "siit" else T
        yield wire
        gateway.check_sums()
    finally:
        gateway.detach()


def test_one_nic(one_nic):
    """L2-02: in and out by the same device, which answers ARP for the translated address
    (PORT-11); known neighbours do not need the kernel."""
    net = one_nic
    assert ping(net.client, S6)[0] == 3
    before = net.gateway.stats()
    for kind in (TCP, UDP):
        with talking(kind, net.client, INET, S6, net.server, net.seen) as (here, there):
            for _ in range(5):
                answered(here, there)
    counted = net.gateway.stats().since(before)
    assert set(counted) <= {"nic", f"{net.gateway.pair}x", net.gateway.pair}, counted
    assert counted["nic"]["fwd_6to4"] >= 10 and counted["nic"]["fwd_4to6"] >= 10, counted


def test_one_nic_from_ipv4(one_nic):
    if one_nic.seen == T:
        pytest.skip("a ping from IPv4 has no mapping")
    assert ping(one_nic.server, H4)[0] == 3


def test_one_nic_large(one_nic):
    """MTU-46-02: the error goes back by the device that the packet came by."""
    got, text = ping(one_nic.client, S6, "-s", "1452", count=2)
    assert got == 2, text
    if one_nic.seen == H4:
        _, text = ping(one_nic.server, H4, "-M", "do", "-s", "1472", count=1)
        assert "mtu = 1480" in text, text


# ---- a pair of gateways with a virtual router address -------------------------------------------


@pytest.fixture
def pair(echo):
    with OneWire(backup=True, verbose=echo) as topology:
        for gateway in topology.gateways:
            gateway.ip(f"link add link nic name vrrp address {VIRTUAL_MAC} type macvlan")
            # the virtual address has the virtual MAC and no other
            gateway.sysctl(ipv4__conf__all__arp_ignore=1)
            gateway.attach("--set", "proxy-arp=off", devices=["nic"])
            gateway.wait_worker()
        topology.default(VIRTUAL6, VIRTUAL4)
        yield topology
        for gateway in topology.gateways:
            gateway.check_sums()


def be_master(gateway, yes):
    """What a VRRP daemon does with the virtual address."""
    if yes:
        gateway.ip(f"""
            link set dev vrrp up
            addr add {VIRTUAL4}/32 dev vrrp
            addr add {VIRTUAL6}/128 dev vrrp nodad
        """)
    else:
        gateway.ip("""
            addr flush dev vrrp
            link set dev vrrp down
        """)


def test_backup_is_silent(pair):
    """VAL-07: both gateways see every frame; only the one that has the virtual address
    translates, also after it has moved, and every ping is answered once."""
    master, backup = pair.gateways
    be_master(master, True)
    for _ in range(3):
        lib.wait_for("the first answer", lambda: ping(pair.client, S6, count=1)[0] == 1)
        before = [gateway.stats() for gateway in (master, backup)]
        for host, target in ((pair.client, S6), (pair.server, H4)):
            got, text = ping(host, target, count=5)
            assert got == 5 and "DUP" not in text, text
        seen = [gateway.stats() for gateway in (master, backup)]
        assert translated(seen[0], before[0]) == 20, seen[0].since(before[0])
        assert translated(seen[1], before[1]) == 0, seen[1].since(before[1])
        assert seen[1].get("other_mac", "nic") > before[1].get("other_mac", "nic")
        be_master(master, False)
        be_master(backup, True)
        master, backup = backup, master


def translated(now, before):
    return sum(now.get(reason, stage) - before.get(reason, stage) for stage in now.ports
               for reason in ("fwd_6to4", "fwd_4to6", "kern_6to4", "kern_4to6"))


# ---- several uplinks -------------------------------------------------------------------------


class Uplinks(Topology):
    """Two providers, each with a way to 198.51.100.10 and addresses of its own: which one a
    packet takes, its IPv4 source says.

        client ==== eth6 gateway eth4 ==== server    for packets from T, H4
                                 eth5 ==== other     for packets from T2, K4
    """

    def __init__(self, verbose=False):
        super().__init__(verbose=verbose)
        self.other = Host("other", f"n64-other-{self.suffix}", verbose)
        self.hosts.append(self.other)

    def build_near(self):
        super().build_near()
        self.cable(self.other, "eth0", self.gateway, "eth5")
        self.other.ip(f"""
            addr add {S4}/32 dev eth0
            route add 203.0.113.129 dev eth0
            route add default via 203.0.113.129 dev eth0 src {S4}
        """)
        self.gateway.ip(f"""
            route del 198.51.100.0/24 dev eth4
            route add {S4} dev eth4
            addr add 203.0.113.129/32 dev eth5
            route add {S4} dev eth4 table 101
            route add {S4} dev eth5 table 102
            rule add from {T} lookup 101
            rule add from {H4} lookup 101
            rule add from {T2} lookup 102
            rule add from {K4} lookup 102
        """)


@pytest.fixture(scope="module")
def uplinks(echo):
    with Uplinks(verbose=echo) as topology:
        yield topology


@contextlib.contextmanager
def with_uplinks(net, mode):
    """Two hosts, each seen by an address that has a provider of its own."""
    gateway, devices = net.gateway, ("eth6", "eth4", "eth5")
    if mode == "siit":
        gateway.attach(devices=devices)
    else:
        gateway.attach("--mode", "stateful", "-4", T, "-4", T2, eam=False, devices=devices)
        for address, host in ((T, H6), (T2, K6)):
            gateway.cmd("mapping", "add", "udp", f"{address}:4000", f"[{host}]:4000", "--name",
                        gateway.instance)
    try:
        gateway.wait_worker()
        yield
        gateway.check_sums()
    finally:
        gateway.detach()


def arrives_at(net, source):
    """Where a datagram of the host comes out, from which address, and that its answer comes
    back."""
    with net.server.socket(INET, UDP) as one, net.other.socket(INET, UDP) as two, \
            net.client.socket(INET6, UDP) as client:
        for sock in (one, two):
            sock.bind((S4, 9))
            sock.settimeout(0.02)
        client.bind((source, 4000))
        client.settimeout(3)

        def came():
            for name, sock in (("server", one), ("other", two)):
                with contextlib.suppress(TimeoutError):
                    data, peer = sock.recvfrom(100)
                    assert data == b"out"
                    sock.sendto(b"back", peer)
                    assert client.recv(100) == b"back"
                    return name, peer[0]
            return None
        client.sendto(b"out", (S6, 9))
        return lib.wait_for("the datagram", came)


@pytest.mark.parametrize("mode", MODES)
def test_uplink_by_address(uplinks, mode):
    """L2-02: `ip rule` by the translated source decides, for every packet, and a rule that
    goes takes effect without a reload."""
    first, second = (H4, K4) if mode == "siit" else (T, T2)
    with with_uplinks(uplinks, mode):
        for _ in range(4):
            assert arrives_at(uplinks, H6) == ("server", first)
            assert arrives_at(uplinks, K6) == ("other", second)
        before = uplinks.gateway.stats()
        assert arrives_at(uplinks, K6) == ("other", second)
        assert uplinks.gateway.stats().get("fwd_6to4") > before.get("fwd_6to4")
        uplinks.gateway.ip(f"rule del from {second} lookup 102")
        try:
            lib.wait_for("the other way",
                         lambda: arrives_at(uplinks, K6) == ("server", second))
        finally:
            uplinks.gateway.ip(f"rule add from {second} lookup 102")
        lib.wait_for("the old way", lambda: arrives_at(uplinks, K6) == ("other", second))
