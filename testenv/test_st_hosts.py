# SPDX-License-Identifier: GPL-2.0-only
"""S24 in mode stateful: between hosts with a network stack of their own, a packet loses
exactly 1 of its TTL on every way that it can take."""

import pytest

import packets
from lib import GW4, H6, S4, S6, wait_for
from test_hosts import WAYS, forget_neighbours, ping

T = "203.0.113.8"


@pytest.mark.parametrize("ttl", [10, 2])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("direction", ["6to4", "4to6"])
def test_ttl_loss(hosts, direction, way, ttl):
    """GEN-09; a static mapping serves both directions."""
    how, gateway = WAYS[way], hosts.gateway
    sender, receiver, device, (src, dst) = (
        (hosts.client, hosts.server, "eth6", (H6, S6)) if direction == "6to4"
        else (hosts.server, hosts.client, "eth4", (S4, T)))
    ports = (40001, 9) if direction == "6to4" else (9, 40001)
    devices = (device,) if how.get("outside") else ("eth6", "eth4")
    gateway.attach("--mode", "stateful", "-4", T, eam=False, devices=devices)
    try:
        gateway.wait_worker()
        gateway.cmd("mapping", "add", "udp", f"{T}:40001", f"[{H6}]:40001", "--name",
                    gateway.instance)
        with sender.wire("eth0") as out, receiver.wire("eth0") as wire:
            target = S4 if direction == "6to4" else H6
            assert ping(gateway, target, count=1)[0] == 1  # resolves the neighbour
            mac = bytes.fromhex(gateway.mac(device).replace(":", ""))
            if how.get("forget"):
                forget_neighbours(gateway)
            packet = packets.udp(src, dst, ttl, fragment=how.get("fragment", False), ports=ports)
            wire.drain()
            out.send(packets.frame(mac, out.mac, packet))
            data = wire.recv(lambda f: is_ours(f, ports), seconds=3)
            assert data is not None, f"lost; counted {gateway.stats().stages}"
            got = packets.IP(packets.ip_of(data))
            assert got.ttl == ttl - 1 and not packets.faults(got.raw)
        gateway.check_sums()
    finally:
        gateway.detach()


def is_ours(data, ports):
    got = packets.IP(packets.ip_of(data))
    return got.proto == 17 and got.offset == 0 and got.ports == ports


def test_first_packet_to_a_quiet_neighbour(hosts):
    """The first packet to a neighbour that nobody has spoken to yet."""
    gateway = hosts.gateway
    gateway.attach("--mode", "stateful", "-4", T, eam=False)
    try:
        gateway.wait_worker()
        forget_neighbours(gateway)
        got, text = ping(hosts.client, S6, count=1)
        assert got == 1, text
        wait_for("the mapping", lambda: gateway.cmd(
            "mapping", "list", "--count", "--name", gateway.instance).stdout.strip() == "1")
        assert GW4 not in gateway.cmd("mapping", "list", "--name", gateway.instance).stdout
        gateway.check_sums()
    finally:
        gateway.detach()
