# SPDX-License-Identifier: GPL-2.0-only
"""How the worker follows its host: a policy that it cannot read, routes, ports and
addresses that change; and what it makes of junk."""

import json
import os
import random
import signal
import struct
import subprocess

import pytest

import lib
from lib import GW6, H4, H6, K4, K6, S4, S6, wait_for
from worker_net import (CLASSES, addr6, ask, attached, frag6, gateway, ip4, ip6, net, send, udp,
                        works)


# ---- policy ---------------------------------------------------------------------------------


def worker_log(gateway):
    with open(f"/run/xdp-nat64/{gateway.instance}/worker.log", encoding="utf-8") as f:
        return f.read()


def test_broken_policy(net):
    """SIGHUP with a broken policy.bin keeps the old one and says so once."""
    with attached(net) as gateway:
        path = f"/run/xdp-nat64/{gateway.instance}/policy.bin"
        with open(path, "rb") as f:
            good = f.read()
        for broken in (b"", b"junk" * 100, good[:-1], good[:40] + b"\xff" + good[41:]):
            said = worker_log(gateway).count("stays")
            with open(path, "r+b") as f:
                f.truncate(0)
                f.write(broken)
            os.kill(gateway.worker_pid(), signal.SIGHUP)
            wait_for("the complaint", lambda s=said: worker_log(gateway).count("stays") == s + 1)
            assert works(net)
        with open(path, "r+b") as f:
            f.truncate(0)
            f.write(good)
        os.kill(gateway.worker_pid(), signal.SIGHUP)
        wait_for("the new policy", lambda: "is in force" in worker_log(gateway))
        assert works(net)


def pinned(gateway, name):
    return f"/sys/fs/bpf/xdp-nat64/{gateway.instance}/{name}"


def map_rows(gateway, name):
    """The rows of a pinned map, as lists of words for bpftool."""
    return [(row["key"], row["value"]) for row in json.loads(gateway.out(
        ["bpftool", "-j", "map", "dump", "pinned", pinned(gateway, name)]))]


def test_policy_retried(net):
    """A new policy that cannot be read is complained about once, and read as soon as
    it can be."""
    with attached(net) as gateway:
        path = f"/run/xdp-nat64/{gateway.instance}/policy.bin"
        with open(path, "rb") as f:
            good = f.read()
        with open(path, "r+b") as f:
            f.truncate(10)
        _, value = map_rows(gateway, "control")[0]
        value[32] = "0x%02x" % (int(value[32], 16) + 1 & 255)  # policy_gen
        gateway.run(["bpftool", "map", "update", "pinned", pinned(gateway, "control"),
                     "key", "0", "0", "0", "0", "value", *value])
        wait_for("the complaint", lambda: "stays" in worker_log(gateway))
        for _ in range(3):  # beats, each of which looks at the generation
            beat = map_rows(gateway, "control")[0][1][8:16]
            wait_for("a beat", lambda b=beat: map_rows(gateway, "control")[0][1][8:16] != b)
        assert worker_log(gateway).count("stays") == 1
        with open(path, "r+b") as f:
            f.write(good)
        wait_for("the new policy", lambda: "is in force" in worker_log(gateway))
        assert works(net)


def test_reload_repairs_maps(net):
    """Whoever sends SIGHUP may have written the maps from an older view of the links:
    the worker brings them up to date."""
    with attached(net) as gateway:
        rows = map_rows(gateway, "local")
        key = rows[0][0]
        gateway.run(["bpftool", "map", "delete", "pinned", pinned(gateway, "local"), "key", *key])
        assert len(map_rows(gateway, "local")) == len(rows) - 1
        os.kill(gateway.worker_pid(), signal.SIGHUP)
        wait_for("the address to be back", lambda: len(map_rows(gateway, "local")) == len(rows))


@pytest.mark.parametrize("rule, reason, packet", [
    ("L4-03", "udp_zero", ip4(udp(4, checksum=False))),
    ("L4-04", "udp_zero_frag", ip4(udp(4, checksum=False), frag=0x2000)),
], ids=["L4-03", "L4-04"])
def test_udp_zero_log(net, rule, reason, packet):
    """Who sends UDP without a checksum is written down, but not for every packet."""
    with attached(net, udp_zero_csum="drop") as gateway:
        send(net, *[packet] * 200)
        wait_for("200 packets to be dropped",
                 lambda: gateway.stats().get(reason, "worker") == 200)
        lines = [line for line in worker_log(gateway).splitlines() if "checksum" in line]
        assert 1 <= len(lines) <= 20, rule
        assert f"{S4} port 4000 to {H4} port 53" in lines[0]


# ---- the host changes --------------------------------------------------------------------------


def test_route_events(net, gateway):
    """L2-02: answers are remembered for a second, but a change is seen at once."""
    assert ask(net, frag6())
    for kind, reason in (("blackhole", "fib_blackhole"), ("prohibit", "fib_prohibit"),
                         ("unreachable", "no_route")):
        gateway.ip(f"route add {kind} {S4}/32")
        try:
            before = gateway.stats()

            def refused(before=before, reason=reason):
                send(net, frag6())
                return gateway.stats().get(reason, "worker") > before.get(reason, "worker")

            # far less than the second for which an answer would stand
            wait_for(f"{reason} after `ip route add {kind}`", refused, seconds=0.6)
        finally:
            gateway.ip(f"route del {kind} {S4}/32")
        wait_for("the way to be open again", lambda: ask(net, frag6(), seconds=0.1), seconds=0.6)


def test_policy_routing(net, gateway):
    """Rules that look at the source make the answer depend on it, also the
    remembered one."""
    for _ in range(2):
        assert ask(net, frag6(src=H6)) and ask(net, frag6(src=K6))
    gateway.ip(f"rule add from {K4} prohibit pref 100")
    try:
        wait_for("the rule", lambda: not ask(net, frag6(src=K6), seconds=0.1), seconds=0.6)
        for _ in range(2):
            before = gateway.stats()
            assert ask(net, frag6(src=H6))
            assert not ask(net, frag6(src=K6), seconds=0.1)
            assert gateway.stats().get("fib_prohibit") == before.get("fib_prohibit") + 1
    finally:
        gateway.ip(f"rule del from {K4} prohibit pref 100")
    wait_for("the rule to be gone", lambda: ask(net, frag6(src=K6), seconds=0.1))


def test_pair_deleted(net):
    """Sockets of a device that is gone never speak again: the worker says so and
    ends, so that whoever watches it sees it."""
    with attached(net, "--no-worker") as gateway:
        worker = gateway.start([lib.PROGRAM, "worker", "--foreground", "--name",
                                gateway.instance], stderr=subprocess.PIPE, text=True)
        wait_for("the worker to serve", lambda: works(net, seconds=0.1))
        gateway.ip(f"link del {gateway.pair}")
        assert worker.wait(5) == 1
        assert f"{gateway.pair}x was deleted" in worker.stderr.read()


def to_mac(net, mac):
    """Is a packet to that MAC address taken by the port itself? (What it passes,
    the kernel may still route into the pair.)"""
    before = net.gateway.stats()
    with net.client.wire("eth0") as wire:
        wire.send(bytes.fromhex(mac.replace(":", "")) + bytes(6)
                  + struct.pack("!H", lib.ETH_P_IPV6) + ip6(udp(6)))

    def judged():
        now = net.gateway.stats()
        if now.get("fwd_6to4", "eth6") > before.get("fwd_6to4", "eth6"):
            return "ours"
        return now.get("other_mac", "eth6") > before.get("other_mac", "eth6") and "other"

    return wait_for("the packet to be judged", judged) == "ours"


def test_port_mac(net):
    """VAL-07: a port's new MAC address is its own, the old one is another's."""
    with attached(net) as gateway:
        old, new = gateway.mac("eth6"), "02:00:00:00:12:34"
        assert to_mac(net, old)
        gateway.ip(f"link set dev eth6 address {new}")
        try:
            wait_for("the new MAC address", lambda: to_mac(net, new))
            assert not to_mac(net, old)
        finally:
            gateway.ip(f"link set dev eth6 address {old}")
            # a new MAC address takes the neighbours away, permanent ones too
            client = net.client.mac("eth0")
            for neighbour in ("fe80::c", H6, K6):
                gateway.ip(f"neigh replace {neighbour} lladdr {client} dev eth6 nud permanent")
        wait_for("the old MAC address", lambda: to_mac(net, old))


def test_macvlan(net):
    """VAL-07: a VRRP address counts only while its macvlan is up here."""
    with attached(net) as gateway:
        vrrp = "00:00:5e:00:02:07"
        assert not to_mac(net, vrrp)
        gateway.ip(f"link add vrrp7 link eth6 address {vrrp} type macvlan mode private")
        try:
            assert not to_mac(net, vrrp), "taken although the macvlan is down"
            gateway.ip("link set dev vrrp7 up")
            wait_for("the macvlan's address", lambda: to_mac(net, vrrp))
            gateway.ip("link set dev vrrp7 down")
            wait_for("the address to be gone", lambda: not to_mac(net, vrrp))
        finally:
            gateway.ip("link del vrrp7")
        assert not to_mac(net, vrrp)


def test_error_source(net, gateway):
    """GERR-23: the address of the interface towards the sender; a new one counts
    as soon as it is there, but for a packet on its way at this moment."""
    def source():
        frame = ask(net, ip6(udp(6), hlim=1), back=True, seconds=1.0)
        return frame and frame[14 + 8:14 + 24]

    assert source() == addr6(GW6)
    gateway.ip(f"addr del {GW6}/64 dev eth6")
    gateway.ip("addr add 2001:db8:ffff::2/64 dev eth6 nodad")
    before = gateway.stats()
    try:
        first = source()
        assert (first or source()) == addr6("2001:db8:ffff::2"), gateway.stats().since(before)
    finally:
        gateway.ip("addr del 2001:db8:ffff::2/64 dev eth6")
        gateway.ip(f"addr add {GW6}/64 dev eth6 nodad")


def test_error_rate(net):
    """GERR-25: 20 errors per second and destination after a burst of 50; what is
    suppressed is counted."""
    with attached(net) as gateway, net.client.wire("eth0") as wire:
        send(net, *[ip6(udp(6), hlim=1)] * 300, to_worker=gateway)
        wait_for("300 packets to be judged",
                 lambda: gateway.stats().get("ttl_expired", "worker") == 300)
        stats = gateway.stats()
        came = len(wire.drain())
        sent, hidden = stats.get("icmp_sent"), stats.get("icmp_ratelimited")
        assert came == sent
        assert sent + hidden == 300
        assert 50 <= sent <= 50 + 20 * 10, f"{sent} errors of 300"
        gateway.check_sums()


# ---- junk ----------------------------------------------------------------------------------------


def slow_frame(rng, body, **wrong):
    """A frame with a hand-over header as the programs write it, but for `wrong`."""
    version = rng.choice((4, 6))
    kind = lib.ETH_P_IP if version == 4 else lib.ETH_P_IPV6
    eth = bytes(12) + struct.pack("!H", kind)
    slow = [i for i, (k, _, _) in enumerate(lib.REASONS.values(), 1) if k == "SLOW"]
    field = {"magic": 0x4E363453, "abi": 1, "reason": rng.choice(slow),
             "ifindex": rng.randrange(1, 20), "len": len(eth) + len(body), "l3": 14,
             "flags": rng.choice((0, 0, 1, 2)), "fam": version}
    field.update(wrong)
    return struct.pack("<IHHIHHIHHBBHI", field["magic"], field["abi"], field["reason"],
                       field["ifindex"], 0, 0, field["len"], field["l3"], field["flags"],
                       field["fam"], 0, 0, 0) + eth + body


def mutate(rng, packet):
    """A packet with a few wrong bytes, or cut, or followed by junk."""
    data = bytearray(packet)
    for _ in range(rng.randrange(6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    if rng.random() < 0.3:
        del data[rng.randrange(1, len(data)):]
    if rng.random() < 0.2:
        data += rng.randbytes(rng.randrange(200))
    return bytes(data[:1500])


def junk(rng):
    """One frame for the worker; mostly in a valid header, so that the core sees it."""
    good = [row[2] for row in CLASSES]
    body = rng.choice((
        lambda: mutate(rng, rng.choice(good)),
        lambda: rng.randbytes(rng.randrange(1, 1400)),
        lambda: bytes([rng.choice((0x45, 0x4F, 0x60))]) + rng.randbytes(rng.randrange(60)),
    ))()
    wrong = {}
    if rng.random() < 0.2:
        key = rng.choice(("abi", "reason", "len", "l3", "fam", "flags"))
        wrong[key] = rng.randrange(256 if key == "fam" else 65536)
    return slow_frame(rng, body, **wrong)


def through(gateway):
    """Frames that the worker or its rings are done with."""
    handover = gateway.stats().handover
    return handover["received"] + handover["ring_drops"]


def test_junk(net):
    """Random and malformed packets behind hand-over headers, as if the programs
    had let them through: each is counted once, none stops the worker."""
    rng = random.Random(64)
    count = 20000
    with attached(net) as gateway:
        pid = gateway.worker_pid()
        before = through(gateway)
        with gateway.wire(gateway.pair) as wire:
            for _ in range(count):
                wire.send(junk(rng))
        wait_for("the junk to be judged",
                 lambda: through(gateway)
                 >= before + count, seconds=20)
        stats = gateway.stats()
        assert stats.get("sp_bad", "worker") > count // 20
        assert stats.total("worker") == stats.handover["received"]
        assert gateway.worker_pid() == pid
        assert works(net)


def test_flood(net):
    """Slow packets from the wire as fast as they can be sent: the worker stays,
    the fast path goes on, nothing is lost uncounted."""
    rng = random.Random(65)
    with attached(net) as gateway:
        pid = gateway.worker_pid()
        good = [row[2] for row in CLASSES]
        mac = {6: gateway.mac("eth6"), 4: gateway.mac("eth4")}
        with net.client.wire("eth0") as client, net.server.wire("eth0") as server:
            for turn in range(20000):
                packet = mutate(rng, rng.choice(good))
                wire, version = (client, 6) if packet[0] >> 4 == 6 else (server, 4)
                kind = lib.ETH_P_IPV6 if version == 6 else lib.ETH_P_IP
                wire.send(bytes.fromhex(mac[version].replace(":", "")) + bytes(6)
                          + struct.pack("!H", kind) + packet)
                if turn % 4000 == 0:
                    assert ask(net, ip6(udp(6, sport=turn), dst=S6)), "the fast path stopped"
        assert gateway.worker_pid() == pid
        wait_for("the worker to be through", lambda: works(net))
        gateway.check_sums()
