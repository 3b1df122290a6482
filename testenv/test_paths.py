# SPDX-License-Identifier: GPL-2.0-only
"""GEN-07: whatever both paths can do, they do with the same bytes. Random valid
packets go through the fast path, then the same packets through the worker
(force-slow), and the outputs are compared. A failure names its seed; give it to
`--seed` to see it again."""

import random
import socket
import struct

import packets
from lib import H4, H6, K4, K6, S4, S6

COUNT = 400

PAIRS6 = [(H6, S6), (K6, S6), (H6, "2001:db8:64::8.8.8.8"), ("2001:db8:64::198.51.100.77", S6),
          (H6, "2001:db8:64::192.0.2.34")]
PAIRS4 = [(S4, H4), (S4, K4), ("8.8.8.8", H4), ("203.0.113.77", K4)]


def with_checksum(body, at, start):
    total = packets.checksum(body, start)
    if total == 0 and at == 6:
        total = 0xFFFF
    return body[:at] + struct.pack("!H", total) + body[at + 2:]


def transport(rng, proto, size):
    """(header and data with checksum 0, offset of the checksum)."""
    data = rng.randbytes(size)
    if proto == 6:
        words = rng.randrange(0, 11)
        options = bytes(rng.choice([0, 1]) for _ in range(words * 4))
        head = struct.pack("!HHIIBBHHH", rng.randrange(65536), rng.randrange(65536),
                           rng.getrandbits(32), rng.getrandbits(32), (5 + words) << 4,
                           rng.randrange(256), rng.randrange(65536), 0, rng.randrange(65536))
        return head + options + data, 16
    if proto == 17:
        ports = rng.randrange(65536), rng.randrange(65536)
        return struct.pack("!HHHH", *ports, 8 + size, 0) + data, 6
    return struct.pack("!BBHHH", 0, 0, 0, rng.randrange(65536), rng.randrange(65536)) + data, 2


def random_siit(rng):
    """A packet that the fast path translates (GEN-01)."""
    six = rng.random() < 0.5
    return random_packet(rng, *rng.choice(PAIRS6 if six else PAIRS4), rng.choice([6, 17, 1]))


def random_packet(rng, src, dst, proto, ports=None):
    """`ports` as bytes, those of TCP and UDP or what an echo has there; else random."""
    six = ":" in src
    proto = 58 if six and proto == 1 else proto
    family = socket.AF_INET6 if six else socket.AF_INET
    s, d = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    size = rng.choice([0, 1, 7, 64, 500, 1180, rng.randrange(1200)])
    body, at = transport(rng, proto, size)
    if proto in (1, 58):
        body = bytes([rng.choice([128, 129] if six else [8, 0])]) + body[1:]
        if ports:
            body = body[:4] + ports[:2] + body[6:]
    elif ports:
        body = ports + body[4:]
    pseudo = 0
    if proto != 1:
        pseudo = packets.ones(s + d + struct.pack("!II", len(body), proto))
    body = with_checksum(body, at, pseudo)
    if rng.random() < 0.1:  # VAL-05: an existing error is carried on
        body = body[:at] + struct.pack("!H", rng.randrange(1, 65536)) + body[at + 2:]
    ttl, tos = rng.choice([2, 3, 64, 255]), rng.randrange(256)
    if six:
        first = 6 << 28 | tos << 20 | rng.getrandbits(20)
        return struct.pack("!IHBB", first, len(body), proto, ttl) + s + d + body
    flags = rng.choice([0, 0x4000, 0x8000])
    if 20 + len(body) > 1260:  # without DF it would be cut (MTU-46-03)
        flags = 0x4000
    head = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(body), rng.randrange(65536), flags, ttl,
                       proto, 0) + s + d
    return head[:10] + struct.pack("!H", packets.checksum(head)) + head[12:] + body


def no_id(raw):
    """An IPv4 packet without what the ID generator decides; its checksum has been
    verified before."""
    if raw[0] >> 4 == 4:
        return raw[:4] + bytes(2) + raw[6:10] + bytes(2) + raw[12:]
    return raw


def through(topology, sent, hairpin="2001:db8:64::192.0.2.34"):
    """What becomes of each packet: (family of the wire, bytes)."""
    gateway = topology.gateway
    mac6, mac4 = (bytes.fromhex(gateway.mac(d).replace(":", "")) for d in ("eth6", "eth4"))
    results = []
    with topology.client.wire("eth0") as client, topology.server.wire("eth0") as server:
        for number, raw in enumerate(sent):
            six = raw[0] >> 4 == 6
            wire, mac = (client, mac6) if six else (server, mac4)
            stays_six = six and raw[24:40] == socket.inet_pton(socket.AF_INET6, hairpin)
            other = client if not six or stays_six else server
            wire.send(packets.frame(mac, wire.mac, raw))
            data = other.recv(seconds=3)
            assert data is not None, (f"packet {number} did not arrive: {raw.hex()}; counted "
                                      f"{gateway.stats().stages}")
            out = packets.ip_of(data)
            if out[0] >> 4 == 4:
                assert packets.ones(out[:20]) == 0xFFFF
            results.append((no_id(out), data[:14]))
        assert not client.drain() and not server.drain()
    return results


def compare(topology, sent, **how):
    """Through the fast path, then through the worker: the same bytes."""
    gateway = topology.gateway
    before = gateway.stats()
    fast = through(topology, sent, **how)
    counted = gateway.stats().since(before)
    slow = {reason for stage in counted.values() for reason in stage
            if reason.startswith("slow_")}
    assert slow <= {"slow_hairpin"}, counted
    gateway.check_sums()
    gateway.reload(*gateway.words, "--set", "force-slow=on")
    before = gateway.stats()
    slow = through(topology, sent, **how)
    gateway.wait_settled(before, len(sent))
    assert gateway.stats().get("slow_forced") - before.get("slow_forced") == len(sent)
    gateway.check_sums()
    for number, (one, other) in enumerate(zip(fast, slow)):
        assert one == other, (f"packet {number}: {sent[number].hex()}\n fast {one[0].hex()}\n"
                              f" slow {other[0].hex()}")


def seeded(request):
    seed = request.config.getoption("--seed") or random.randrange(1 << 32)
    print(f"seed {seed} (--seed {seed})")
    return random.Random(seed)


def test_both_paths_give_the_same_bytes(dumb, request):
    rng = seeded(request)
    dumb.gateway.attach()
    try:
        dumb.gateway.wait_worker()
        compare(dumb, [random_siit(rng) for _ in range(COUNT)])
    finally:
        dumb.gateway.detach()


# Mode stateful: mappings of the operator, so that both paths have the same ports.
T, T6 = "203.0.113.8", "64:ff9b:1::203.0.113.8"
HOSTS = [("2001:db8:c::5", 40001, 50001), ("2001:db8:c::6", 7000, 50010),
         ("2001:db8:d::5", 53, 1024)]
NAMES = {6: "tcp", 17: "udp", 1: "icmp"}


def random_stateful(rng):
    """Out, in, or from one host to another by the pool address (not ping: there a
    mapping cannot be told by the other's identifier)."""
    proto = rng.choice(list(NAMES))
    host, port6, port4 = rng.choice(HOSTS)
    remote, rport = rng.choice([S4, "8.8.8.8"]), rng.randrange(1, 65536)
    way = rng.choice(["out", "in", "hairpin"] if proto != 1 else ["out", "in"])
    if way == "in":
        ports = struct.pack("!HH", *((rport, port4) if proto != 1 else (port4, 0)))
        return random_packet(rng, remote, T, proto, ports)
    if way == "hairpin":
        remote, rport = T, rng.choice([h for h in HOSTS if h[0] != host])[2]
    return random_packet(rng, host, f"64:ff9b:1::{remote}", proto,
                         struct.pack("!HH", port6, rport))


def test_both_paths_give_the_same_bytes_stateful(dumb, request):
    rng = seeded(request)
    gateway = dumb.gateway
    gateway.attach("--mode", "stateful", "-4", T, pref64="64:ff9b:1::/96", eam=False)
    try:
        gateway.wait_worker()
        for host, port6, port4 in HOSTS:
            for proto in NAMES.values():
                gateway.cmd("mapping", "add", proto, f"{T}:{port4}", f"[{host}]:{port6}",
                            "--name", gateway.instance)
        compare(dumb, [random_stateful(rng) for _ in range(COUNT)], hairpin=T6)
    finally:
        gateway.detach()
