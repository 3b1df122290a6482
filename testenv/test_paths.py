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


def random_packet(rng):
    """A packet that the fast path translates (GEN-01)."""
    six = rng.random() < 0.5
    src, dst = rng.choice(PAIRS6 if six else PAIRS4)
    family = socket.AF_INET6 if six else socket.AF_INET
    s, d = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    proto = rng.choice([6, 17, 58 if six else 1])
    size = rng.choice([0, 1, 7, 64, 500, 1180, rng.randrange(1200)])
    body, at = transport(rng, proto, size)
    if proto in (1, 58):
        body = bytes([rng.choice([128, 129] if six else [8, 0])]) + body[1:]
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


def through(topology, sent):
    """What becomes of each packet: (family of the wire, bytes)."""
    gateway = topology.gateway
    mac6, mac4 = (bytes.fromhex(gateway.mac(d).replace(":", "")) for d in ("eth6", "eth4"))
    results = []
    with topology.client.wire("eth0") as client, topology.server.wire("eth0") as server:
        for number, raw in enumerate(sent):
            six = raw[0] >> 4 == 6
            wire, mac = (client, mac6) if six else (server, mac4)
            stays_six = six and raw[24:40] == socket.inet_pton(socket.AF_INET6,
                                                               "2001:db8:64::192.0.2.34")
            other = client if not six or stays_six else server
            wire.send(packets.frame(mac, wire.mac, raw))
            data = other.recv(seconds=3)
            assert data is not None, f"packet {number} did not arrive: {raw.hex()}"
            out = packets.ip_of(data)
            if out[0] >> 4 == 4:
                assert packets.ones(out[:20]) == 0xFFFF
            results.append((no_id(out), data[:14]))
        assert not client.drain() and not server.drain()
    return results


def test_both_paths_give_the_same_bytes(dumb, request):
    seed = request.config.getoption("--seed") or random.randrange(1 << 32)
    print(f"seed {seed} (--seed {seed})")
    rng = random.Random(seed)
    sent = [random_packet(rng) for _ in range(COUNT)]
    gateway = dumb.gateway
    gateway.attach()
    try:
        gateway.wait_worker()
        before = gateway.stats()
        fast = through(dumb, sent)
        counted = gateway.stats().since(before)
        assert not any(reason.startswith("slow_") for stage in counted.values()
                       for reason in stage), counted
        gateway.check_sums()
        gateway.reload(*gateway.words, "--set", "force-slow=on")
        before = gateway.stats()
        slow = through(dumb, sent)
        gateway.wait_settled(before, COUNT)
        assert gateway.stats().get("slow_forced") - before.get("slow_forced") == COUNT
        gateway.check_sums()
    finally:
        gateway.detach()
    for number, (one, other) in enumerate(zip(fast, slow)):
        assert one == other, (f"packet {number}: {sent[number].hex()}\n fast {one[0].hex()}\n"
                              f" slow {other[0].hex()}")
