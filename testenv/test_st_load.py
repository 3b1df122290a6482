# SPDX-License-Identifier: GPL-2.0-only
"""Mode stateful under load: two CPUs on one new flow, more flows than there are ports
while no worker runs, ports that many hosts want at once."""

import collections
import multiprocessing
import os
import struct

import lib
import packets
from stateful import C6, as6, attached

S6 = as6(lib.S4)


def datagram(host, sport, dport, mark):
    """A UDP packet from a host with a number in it."""
    return packets.udp(host, S6, 64, struct.pack("!II", mark, 0), ports=(sport, dport))


def keep_step(line, number, count, frames, steps):
    """Sends frame after frame beside the other process, on a CPU of its own."""
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpus[number % len(cpus)]})
    with line.topology.client.wire("eth0") as wire:
        for n in range(count):
            steps[number] = n
            while steps[1 - number] < n:
                pass
            wire.send(frames[number][n])
    steps[number] = count


def test_two_cpus_one_flow(state):
    """ST-01, ST-06, design 4: 4,000 hosts' first packets, each to two peers at the same
    time from two CPUs: one mapping each, and both peers see the same port."""
    count = 4000
    with attached(state, subscriber_rate=0, subscriber_udp=0) as line:
        head = [line.mac6, line.client.mac]
        frames = [[packets.frame(*head, datagram(C6, 10000 + n, 53 + number, n))
                   for n in range(count)] for number in range(2)]
        line.drain()
        before = line.gateway.stats()
        steps = multiprocessing.Array("l", [-1, -1], lock=False)
        senders = [multiprocessing.get_context("fork").Process(
            target=keep_step, args=(line, number, count, frames, steps)) for number in range(2)]
        for sender in senders:
            sender.start()
        seen = collections.defaultdict(list)
        while any(sender.is_alive() for sender in senders) or line.gateway.stats().in_flight():
            collect(line, seen)
        for sender in senders:
            sender.join()
            assert sender.exitcode == 0
        line.gateway.wait_settled(before, 2 * count)
        collect(line, seen)
        counted = line.gateway.stats().since(before)
        lost = {r: n for s in counted.values() for r, n in s.items() if lib.kind(r) == "DROP"
                and r != "pair_noise"}
        # Who meets the other CPU in the middle of it goes to the worker, by which time the
        # mapping is there.
        assert not lost, counted
        assert all(len(set(ports)) == 1 for ports in seen.values())
        assert len(seen) > count - 20
        assert len({ports[0] for ports in seen.values()}) == len(seen)
        created = line.gateway.stats().get("bib_created") - before.get("bib_created")
        assert created == len(seen) == len(line.mappings())


def collect(line, seen):
    for data in line.server.drain():
        packet = packets.IP(packets.ip_of(data))
        if packet.proto == 17:
            seen[struct.unpack("!I", packet.payload[8:12])[0]].append(packet.ports[0])


def test_nothing_leaks_without_a_worker(state):
    """ST-10: 12 times 8,000 mappings that expire, more than there are ports, and no
    process that sweeps: nobody is refused, and a worker finds nothing left behind."""
    hosts, each, turns = 80, 100, 12
    with attached(state, worker=False, port_quarantine=0) as line:
        for turn in range(turns):
            frames = [packets.frame(line.mac6, line.client.mac, datagram(
                f"2001:db8:e:{h:x}::1", 10000 + 200 * turn + n, 53, 0))
                for h in range(hosts) for n in range(each)]
            line.drain()
            before = line.gateway.stats()
            for number, frame in enumerate(frames):
                line.client.send(frame)
                if number % 256 == 255:
                    line.drain()
            made = hosts * each
            lib.wait_for("the mappings", lambda b=before: line.gateway.stats().get("bib_created")
                         - b.get("bib_created") >= made, 20,
                         lambda b=before: f": {line.gateway.stats().since(b)}")
            line.later(303)
        assert not line.mappings()
        line.gateway.start([line.gateway.program, "worker", "--foreground", "--name",
                            line.gateway.instance])
        line.gateway.wait_worker()
        lib.wait_for("the sweep", lambda: line.gateway.stats().get("bib_deleted")
                     == line.gateway.stats().get("bib_created"), 30,
                     lambda: f": {line.gateway.stats().stages}")
        line.gateway.stop_all()
