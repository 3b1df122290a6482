# SPDX-License-Identifier: GPL-2.0-only
"""The gateway between hosts with a network stack of their own: neighbours that
have to be resolved, TTL on every way (S24), path MTU discovery, traceroute,
fragments, reload and a killed worker under traffic, floods of bad input."""

import contextlib
import os
import random
import re
import signal
import socket
import time

import pytest

import lib
import packets
from lib import GW4, GW6, H4, H6, PINGS, PREF64, R4, S4, S6, Topology
from test_golden import ROWS

@contextlib.contextmanager
def attached(topology, *words, devices=("eth6", "eth4"), **more):
    topology.gateway.attach(*words, devices=devices, **more)
    try:
        topology.gateway.wait_worker()
        yield topology.gateway
        topology.gateway.check_sums()
    finally:
        topology.gateway.detach()


def ping(host, target, *words, count=3):
    """Answers received."""
    text = host.out(["ping", "-n", "-c", str(count), "-i", "0.05", "-W", "3", *words, target],
                    check=False)
    return int(re.search(r"(\d+) received", text)[1]), text


def echo(hosts, size, count, seconds=3):
    """Datagrams that came back, equal, of `count` sent to the server. 4,000 bytes are
    fragments both ways: the slow path."""
    back = 0
    with hosts.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            hosts.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        # No DF: what is too long for IPv6 is fragmented on the way, not refused.
        server.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, DONT
        server.bind((S4, 0))
        client.connect((S6, server.getsockname()[1]))
        server.settimeout(seconds)
        client.settimeout(seconds)
        for _ in range(count):
            data = os.urandom(size)
            client.send(data)
            with contextlib.suppress(TimeoutError):
                seen, peer = server.recvfrom(65535)
                assert seen == data and peer[0] == H4
                server.sendto(data, peer)
                assert client.recv(65535) == data
                back += 1
    return back


# ---- S24: TTL loss is exactly 1 on every way -----------------------------------------------


def forget_neighbours(gateway):
    for device in ("eth4", "eth6"):
        gateway.run(["ip", "neigh", "flush", "dev", device, "nud", "all"], check=False)


WAYS = {
    "resolved neighbour": {},
    "unresolved neighbour": {"forget": True},
    "fragment": {"fragment": True},
    "fragment, unresolved neighbour": {"fragment": True, "forget": True},
    "device outside the devmap": {"outside": True},
    "device outside, unresolved": {"outside": True, "forget": True},
}


@pytest.mark.parametrize("ttl", [10, 2])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("direction", ["6to4", "4to6"])
def test_ttl_loss(hosts, direction, way, ttl):
    """S24, GEN-09: arrives with one less on every way, and arrives at all."""
    how = WAYS[way]
    sender, receiver, device = ((hosts.client, hosts.server, "eth6") if direction == "6to4"
                                else (hosts.server, hosts.client, "eth4"))
    src, dst = (H6, S6) if direction == "6to4" else (S4, H4)
    target = S4 if direction == "6to4" else H6
    devices = (device,) if how.get("outside") else ("eth6", "eth4")
    with attached(hosts, devices=devices) as gateway, sender.wire("eth0") as out, \
            receiver.wire("eth0") as wire:
        assert ping(gateway, target, count=1)[0] == 1  # resolves the neighbour
        mac = bytes.fromhex(gateway.mac(device).replace(":", ""))
        if how.get("forget"):
            forget_neighbours(gateway)
        packet = packets.udp(src, dst, ttl, fragment=how.get("fragment", False))
        wire.drain()
        out.send(packets.frame(mac, out.mac, packet))
        data = wire.recv(lambda f: is_test_packet(f), seconds=3)
        assert data is not None, f"lost; counted {gateway.stats().stages}"
        got = packets.IP(packets.ip_of(data))
        assert got.ttl == ttl - 1
        assert not packets.faults(got.raw)


def is_test_packet(data):
    """The packet of packets.udp: not an answer of the hosts, not their pings."""
    got = packets.IP(packets.ip_of(data))
    return got.proto == 17 and got.offset == 0 and got.ports == (40001, 9)


# ---- real programs ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def far(echo):
    """A second IPv4 network with a 1400-byte link."""
    with Topology(far=True, verbose=echo) as topology:
        yield topology


class TestTraffic:
    @pytest.fixture(scope="class")
    def up(self, far):
        with attached(far, devices=("eth6", "eth4", "eth5")):
            yield far

    def test_first_packet_to_a_quiet_neighbour(self, up):
        """L2-02: the very first packet is answered, both ways."""
        for host, target in ((up.client, S6), (up.server, H4), (up.client, up.FAR6)):
            forget_neighbours(up.gateway)
            got, text = ping(host, target, count=1)
            assert got == 1, text

    def test_traceroute_from_client(self, up):
        text = up.client.out(["traceroute", "-n", "-q", "1", "-w", "3", up.FAR6])
        assert re.findall(r"^ *\d+  (\S+)", text, re.M) == [
            GW6, "2001:db8:64::c633:64fe", "2001:db8:64::c000:281", "2001:db8:64::c000:2c8"], text
        assert R4 == "198.51.100.254"

    def test_traceroute_from_server(self, up):
        text = up.distant.out(["traceroute", "-n", "-q", "1", "-w", "3", H4])
        assert re.findall(r"^ *\d+  (\S+)", text, re.M) == ["192.0.2.193", R4, GW4, H4], text

    def test_path_mtu_from_client(self, up):
        """MTU-46-10: the 1400-byte link seen from IPv6 is 1420."""
        up.client.run(["ip", "-6", "route", "flush", "cache"])
        _, text = ping(up.client, up.FAR6, "-M", "do", "-s", "1452", count=2)
        assert re.search(r"From 2001:db8:64::c633:64fe .*mtu=1420", text), text
        got, text = ping(up.client, up.FAR6, "-M", "do", "-s", "1372", count=2)
        assert got == 2, text

    def test_path_mtu_from_server(self, up):
        """MTU-46-02: 1500 bytes with DF become 1520: 3/4 with 1480 from GW4."""
        _, text = ping(up.server, H4, "-M", "do", "-s", "1472", count=2)
        assert re.search(rf"From {re.escape(GW4)} .*mtu = 1480", text), text
        got, text = ping(up.server, H4, "-M", "do", "-s", "1452", count=2)
        assert got == 2, text

    @pytest.mark.parametrize("size", [1, 1232, 1233, 1452, 1453, 4000, 9000])
    def test_datagrams_both_ways(self, up, size):
        """Fragments of both families, each on its own; contents equal."""
        assert echo(up, size, 8) == 8

    def test_tcp_keeps_its_bytes(self, up):
        """20 MB each way over one connection."""
        data = random.Random(64).randbytes(20_000_000)
        with up.server.socket(socket.AF_INET, socket.SOCK_STREAM) as listener, \
                up.client.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
            listener.bind((S4, 0))
            listener.listen()
            client.settimeout(20)
            client.connect((S6, listener.getsockname()[1]))
            peer, _ = listener.accept()
            peer.settimeout(20)
            with peer:
                assert carry(client, peer, data) == data
                assert carry(peer, client, data) == data


def carry(out, into, data):
    """Sends without blocking on either side; what arrived."""
    got, sent = bytearray(), 0
    out.setblocking(False)
    into.setblocking(False)
    end = time.monotonic() + 30
    while len(got) < len(data) and time.monotonic() < end:
        moved = False
        if sent < len(data):
            with contextlib.suppress(BlockingIOError):
                sent += out.send(data[sent:sent + 65536])
                moved = True
        with contextlib.suppress(BlockingIOError):
            got += into.recv(1 << 18)
            moved = True
        if not moved:
            time.sleep(0.0005)
    out.settimeout(20)
    into.settimeout(20)
    return bytes(got)


# ---- while traffic runs ---------------------------------------------------------------------


def test_reload_loses_nothing(hosts):
    """Ten reloads, each with another policy, during pings; the last one may be on its way
    when they end."""
    with attached(hosts) as gateway:
        assert ping(hosts.client, S6, count=1)[0] == 1
        child = hosts.client.start([*PINGS, "-i", "0.001", S6], stdout=-1, text=True)
        base = config_text(gateway)
        for n in range(10):
            with lib.config_file(base + f"denylist4: [198.18.{n}.0/24]\n") as path:
                gateway.reload("-c", path)
        child.send_signal(signal.SIGINT)
        text = child.communicate()[0]
        sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) received",
                                       text).groups())
        assert got >= 100 and sent - got <= 1, text


def config_text(gateway):
    assert gateway.instance
    return (f"interfaces: [eth6, eth4]\npref64: ['{PREF64}']\n"
            f"eam:\n  - {{ipv4: {H4}/32, ipv6: '{H6}/128'}}\n")


def test_killed_worker_leaves_the_fast_path(hosts):
    """kill -9: pings go on, slow packets are counted sp_overflow; a new worker
    takes up its work."""
    with attached(hosts) as gateway:
        pid = gateway.wait_worker()
        assert ping(hosts.client, S6, count=3)[0] == 3
        os.kill(pid, signal.SIGKILL)
        lib.wait_for("the worker to be gone", lambda: not os.path.exists(f"/proc/{pid}")
                     or zombie(pid))
        lib.wait_for("status to notice", lambda: not gateway.status()["worker"]["alive"])
        got, text = ping(hosts.client, S6, count=20)
        assert got == 20, text
        before = gateway.stats()
        assert echo(hosts, 4000, 1, seconds=0.5) == 0
        assert gateway.stats().get("sp_overflow") > before.get("sp_overflow")
        gateway.start([lib.PROGRAM, "worker", "--foreground", "--name", gateway.instance])
        gateway.wait_worker()
        assert echo(hosts, 4000, 3) == 3
        gateway.stop_all()


def zombie(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    return True


# ---- floods ------------------------------------------------------------------------------------


def mutate(rng, raw):
    """A packet gone bad: cut, stretched, with bytes replaced, or its length lying."""
    raw = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        what = rng.randrange(5)
        if what == 0 and len(raw) > 1:
            del raw[rng.randrange(1, len(raw)):]
        elif what == 1 and len(raw) > 60:
            raw[rng.randrange(40)] = rng.randrange(256)
        elif what == 2:
            at = rng.randrange(len(raw))
            raw[at:at + 4] = rng.randbytes(4)
        elif what == 3 and len(raw) > 8:
            at = 2 if raw[0] >> 4 == 4 else 4
            raw[at:at + 2] = rng.randbytes(2)
        else:
            raw += rng.randbytes(rng.randrange(64))
    raw = bytes(raw[:1500])
    if raw[0] >> 4 == 4 and len(raw) >= 20 and rng.random() < 0.8:
        # A right header checksum lets it reach the rules behind.
        ihl = max(20, (raw[0] & 15) * 4)
        head = raw[:10] + bytes(2) + raw[12:ihl]
        raw = raw[:10] + packets.checksum(head).to_bytes(2, "big") + raw[12:]
    return raw


def check_headers(frames):
    """Of everything that arrived at a host; how many frames there were."""
    for data in frames:
        packet = data[14:]
        assert packet[0] >> 4 == (4 if data[12:14] == b"\x08\x00" else 6)
        assert len(packet) == len(packets.ip_of(data)), data.hex()
        wrong = packets.faults(packet)
        assert not set(wrong) & {"IPv4 header checksum", "IPv4 total length",
                                 "IPv6 payload length"}, data.hex()
    return len(frames)


def test_flood_of_bad_input(hosts, request):
    """30,000 mutated golden packets from both sides: nothing dies, pings in
    between are answered, every packet is counted, and whatever leaves the gateway
    has a right header: version, lengths that are those of the frame, checksum."""
    seed = request.config.getoption("--seed") or random.randrange(1 << 32)
    print(f"seed {seed} (--seed {seed})")
    rng = random.Random(seed)
    inputs = [row.sent for row in ROWS]
    with attached(hosts) as gateway, hosts.client.wire("eth0") as client, \
            hosts.server.wire("eth0") as server:
        pid = gateway.wait_worker()
        mac6, mac4 = (bytes.fromhex(gateway.mac(d).replace(":", "")) for d in ("eth6", "eth4"))
        assert ping(hosts.client, S6, count=1)[0] == 1
        child = hosts.client.start(["ping", "-n", "-q", "-c", "200", "-i", "0.005", "-W", "2", S6],
                                   stdout=-1, text=True)
        left = 0
        for number in range(30_000):
            raw = mutate(rng, rng.choice(inputs))
            wire, mac = (server, mac4) if rng.random() < 0.5 else (client, mac6)
            kind = b"\x08\x00" if raw[0] >> 4 == 4 else b"\x86\xdd"
            wire.send(mac + wire.mac + kind + raw)
            if number % 64 == 0:
                left += check_headers(client.drain() + server.drain())
        child.wait(30)
        left += check_headers(client.drain() + server.drain())
        assert left > 1000, "hardly anything came through: the flood proves nothing"
        text = child.stdout.read()
        assert int(re.search(r"(\d+) received", text)[1]) >= 198, text
        assert gateway.worker_pid() == pid and gateway.status()["worker"]["alive"]
        assert echo(hosts, 4000, 3) == 3  # the slow path, too
