# SPDX-License-Identifier: GPL-2.0-only
"""Ports and paths that are more than a cable: VLAN devices on a port (L2-01), a VRF, bonds
(L2-07), and WireGuard, whose packets are translated through the pair (L2-05)."""

import base64
import contextlib
import json
import os
import shutil
import socket

import pytest

import lib
from lib import GW4, GW6, H4, H6, K6, PREF64, S4, S6, Topology
from test_hosts import ping

MODES = pytest.mark.parametrize("mode", ["siit", "stateful"])
T = "203.0.113.8"


@contextlib.contextmanager
def attached(topology, mode, devices=("eth6", "eth4")):
    gateway = topology.gateway
    if mode == "siit":
        gateway.attach(devices=devices)
    else:
        gateway.attach("--mode", "stateful", "-4", T, eam=False, devices=devices)
    try:
        gateway.wait_worker()
        yield gateway
        gateway.check_sums()
    finally:
        gateway.detach()


def echo(topology, source, bind="::"):
    """One datagram to the server and back; `source`: the client as the server sees it."""
    with topology.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            topology.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        server.bind((S4, 0))
        client.bind((bind, 0))
        client.connect((S6, server.getsockname()[1]))
        server.settimeout(5)
        client.settimeout(5)
        client.send(b"there")
        data, peer = server.recvfrom(2048)
        assert (data, peer[0]) == (b"there", source)
        server.sendto(b"and back", peer)
        assert client.recv(2048) == b"and back"


def forwarded(gateway, before):
    """Packets that the ports forwarded by themselves."""
    return sum(count for stage, reasons in gateway.stats().since(before).items()
               for reason, count in reasons.items()
               if stage != "worker" and lib.kind(reason) == "FWD")


def talks(topology, gateway, mode, fast=True):
    """Ping and UDP work; `fast`: once the neighbours are known, without the worker."""
    got, text = ping(topology.client, S6, count=2)
    assert got == 2, f"{text}\ncounted {gateway.stats().stages}"
    before = gateway.stats()
    assert ping(topology.client, S6, count=3)[0] == 3
    echo(topology, H4 if mode == "siit" else T)
    counted = gateway.stats().since(before)
    slow = sorted(r for reasons in counted.values() for r in reasons if lib.kind(r) == "SLOW")
    assert not slow, counted
    if fast:
        assert forwarded(gateway, before) >= 8, counted


@pytest.fixture
def hosts(echo):  # noqa: F811  (the fixture of conftest.py)
    with Topology(verbose=echo) as topology:
        yield topology


@MODES
def test_vlan(hosts, mode):
    """The server is in VLAN 100 of the port eth4, the client in VLAN 200 of eth6."""
    hosts.gateway.ip(f"""
        link add link eth4 name eth4.100 type vlan id 100
        link add link eth6 name eth6.200 type vlan id 200
        addr flush dev eth4
        addr flush dev eth6 scope global
        route del {H6} dev eth6
        link set dev eth4.100 up
        link set dev eth6.200 up
        addr add {GW4}/24 dev eth4.100
        addr add {GW6}/64 dev eth6.200 nodad
        route add 198.51.100.0/24 dev eth4.100
        route add {H6} dev eth6.200
    """)
    hosts.server.ip(f"""
        link add link eth0 name eth0.100 type vlan id 100
        link set dev eth0.100 up
        addr del {S4}/32 dev eth0
        addr add {S4}/32 dev eth0.100
        route add {GW4} dev eth0.100
        route add default via {GW4} dev eth0.100 src {S4}
    """)
    hosts.client.ip(f"""
        link add link eth0 name eth0.200 type vlan id 200
        link set dev eth0.200 up
        addr del {H6}/128 dev eth0
        addr add {H6}/128 dev eth0.200 nodad
        route del default via {GW6} dev eth0
        route del {GW6} dev eth0
        route add {GW6} dev eth0.200
        route add default via {GW6} dev eth0.200 src {H6}
    """)
    offload = hosts.gateway.out(["ethtool", "-k", "eth4"])
    with attached(hosts, mode) as gateway:
        talks(hosts, gateway, mode)
        assert "rx-vlan-offload: off" in gateway.out(["ethtool", "-k", "eth4"])
    assert hosts.gateway.out(["ethtool", "-k", "eth4"]) == offload


@MODES
def test_vlan_in_vlan(hosts, mode):
    """L2-01: the server is in VLAN 20 inside the service VLAN 100 of the port eth4 (802.1ad),
    the client has no tag."""
    for end, device in ((hosts.gateway, "eth4"), (hosts.server, "eth0")):
        end.ip(f"""
            addr flush dev {device}
            link add link {device} name service type vlan proto 802.1ad id 100
            link set dev service up
            link add link service name inner type vlan id 20
            link set dev inner up
        """)
    hosts.gateway.ip(f"""
        addr add {GW4}/24 dev inner
        route add 198.51.100.0/24 dev inner
    """)
    hosts.server.ip(f"""
        addr add {S4}/32 dev inner
        route add {GW4} dev inner
        route add default via {GW4} dev inner src {S4}
    """)
    with attached(hosts, mode) as gateway:
        talks(hosts, gateway, mode)


@MODES
def test_two_vlans_of_one_port(hosts, mode):
    """L2-01, the gateway on a stick: IPv6 is in VLAN 200 and IPv4 in VLAN 100 of the port eth4.
    One host has both ends, so that a packet that is not translated cannot arrive."""
    hosts.gateway.ip(f"""
        link add link eth4 name eth4.100 type vlan id 100
        link add link eth4 name eth4.200 type vlan id 200
        addr flush dev eth4
        addr flush dev eth6 scope global
        route del {H6} dev eth6
        link set dev eth4.100 up
        link set dev eth4.200 up
        addr add {GW4}/24 dev eth4.100
        addr add {GW6}/64 dev eth4.200 nodad
        route add 198.51.100.0/24 dev eth4.100
        route add {H6} dev eth4.200
    """)
    hosts.server.ip(f"""
        link add link eth0 name eth0.100 type vlan id 100
        link add link eth0 name eth0.200 type vlan id 200
        link set dev eth0.100 up
        link set dev eth0.200 up
        addr del {S4}/32 dev eth0
        addr add {S4}/32 dev eth0.100
        route add {GW4} dev eth0.100
        route add default via {GW4} dev eth0.100 src {S4}
        addr add {H6}/128 dev eth0.200 nodad
        route add {GW6} dev eth0.200
        route add default via {GW6} dev eth0.200 src {H6}
    """)
    client, hosts.client = hosts.client, hosts.server
    try:
        with attached(hosts, mode, devices=("eth4",)) as gateway:
            talks(hosts, gateway, mode)
    finally:
        hosts.client = client


@MODES
def test_dummy(hosts, mode):
    """The gateway's own programs, whose address is that of a dummy device (L2-05)."""
    gateway = hosts.gateway
    gateway.ip(f"""
        route del {H6} dev eth6
        link add name dummy0 type dummy
        link set dev dummy0 up
        addr add {H6}/128 dev dummy0 nodad
    """)
    client, hosts.client = hosts.client, gateway
    try:
        with attached(hosts, mode):
            got, text = ping(gateway, S6, "-I", H6)
            assert got == 3, text
            echo(hosts, H4 if mode == "siit" else T, bind=H6)
            if mode == "siit":
                assert ping(hosts.server, H4)[0] == 3
    finally:
        hosts.client = client


@MODES
def test_vrf(hosts, mode):
    """Both ports are in a VRF; the main table knows neither host."""
    hosts.gateway.ip(f"""
        link add name red type vrf table 100
        link set dev red up
        link set dev eth4 master red
        link set dev eth6 master red
        addr flush dev eth4
        addr flush dev eth6 scope global
        addr add {GW4}/24 dev eth4
        addr add {GW6}/64 dev eth6 nodad
        route add 198.51.100.0/24 dev eth4 vrf red
        route add {H6} dev eth6 vrf red
        route add {K6} dev eth6 vrf red
    """)
    with attached(hosts, mode) as gateway:
        for target in (S4, H6):  # resolves the neighbour
            assert ping(gateway, target, "-I", "red", count=1)[0] == 1
        talks(hosts, gateway, mode)


def bond(host, kind, slaves):
    host.ip(f"link add name bond0 type bond mode {kind} miimon 100")
    for slave in slaves:
        host.ip(f"""
            link set dev {slave} down
            link set dev {slave} master bond0
            link set dev {slave} up
        """)
    host.ip("link set dev bond0 up")
    lib.wait_for("the bond's link", lambda: "LOWER_UP" in host.link("bond0")["flags"])


@pytest.mark.parametrize("kind", ["active-backup", "802.3ad"])
@MODES
def test_bond(hosts, mode, kind):
    """The IPv4 port is a bond of two cables; a slave by itself is refused."""
    gateway, server = hosts.gateway, hosts.server
    for cable in ("slave0", "slave1"):
        hosts.cable(server, cable, gateway, cable, program=False)
    gateway.ip("addr flush dev eth4")
    server.ip(f"addr del {S4}/32 dev eth0")
    for host in (server, gateway):
        bond(host, kind, ("slave0", "slave1"))
    lib.attach_pass(server.name, "bond0")
    gateway.ip(f"""
        addr add {GW4}/24 dev bond0
        route add 198.51.100.0/24 dev bond0
    """)
    server.ip(f"""
        addr add {S4}/32 dev bond0
        route add {GW4} dev bond0
        route add default via {GW4} dev bond0 src {S4}
    """)
    refused = gateway.cmd("attach", "--name", gateway.instance, "-i", "slave0", "-6", PREF64,
                          check=False)
    assert refused.returncode == 1 and "slave of the bond bond0" in refused.stderr
    with attached(hosts, mode, devices=("eth6", "bond0")):
        lib.wait_for("the bond to carry packets",
                     lambda: ping(gateway, S4, count=1)[0] == 1, 15)
        talks(hosts, gateway, mode)
        if kind == "active-backup":
            with open_link(gateway) as other:
                gateway.ip(f"link set dev {other} down")
                lib.wait_for("the other cable", lambda: ping(hosts.client, S6, count=1)[0] == 1,
                             10)


@contextlib.contextmanager
def open_link(gateway):
    """The cable in use."""
    details = json.loads(gateway.out("ip -j -d link show dev bond0"))[0]
    active = details["linkinfo"]["info_data"]["active_slave"]
    yield active
    gateway.ip(f"link set dev {active} up")


@MODES
def test_wireguard(hosts, mode, tmp_path):
    """The client comes by a tunnel: its packets reach the translator by the pair."""
    if not shutil.which("wg"):
        pytest.skip("wg is not here; package wireguard-tools has it")
    keys = {}
    for host in (hosts.client, hosts.gateway):
        path = tmp_path / host.role
        path.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
        keys[host.role] = str(path), host.out(["sh", "-c", 'wg pubkey <"$1"', "sh", path]).strip()
    hosts.gateway.ip(f"""
        addr flush dev eth6 scope global
        route del {H6} dev eth6
        addr add fd00::1/64 dev eth6 nodad
        link add name wg0 type wireguard
        addr add {GW6}/64 dev wg0 nodad
    """)
    hosts.client.ip(f"""
        addr del {H6}/128 dev eth0
        route del default via {GW6} dev eth0
        addr add fd00::2/64 dev eth0 nodad
        link add name wg0 type wireguard
    """)
    hosts.gateway.run(["wg", "set", "wg0", "private-key", keys["gateway"][0], "listen-port",
                       "51820", "peer", keys["client"][1], "allowed-ips", f"{H6}/128"])
    hosts.client.run(["wg", "set", "wg0", "private-key", keys["client"][0], "peer",
                      keys["gateway"][1], "allowed-ips", "::/0", "endpoint", "[fd00::1]:51820"])
    hosts.gateway.ip(f"""
        link set dev wg0 up
        route add {H6} dev wg0
    """)
    hosts.client.ip(f"""
        link set dev wg0 up
        addr add {H6}/128 dev wg0 nodad
        route add default dev wg0 src {H6}
    """)
    with attached(hosts, mode) as gateway:
        talks(hosts, gateway, mode, fast=False)
        if mode == "siit":
            assert ping(hosts.server, H4, count=2)[0] == 2
