# SPDX-License-Identifier: GPL-2.0-only
"""A bed: client - translator - server in network namespaces of its own, and what is
measured through it.

    client eth0 ==== eth6 [translator] eth4 ==== eth0 server

A source in one end host's namespace, a sink on the other's device. `bench measure`
(bench.c) is told of both in JSON; this file says what to tell it."""

import contextlib
import dataclasses
import os
import subprocess

import lib
import rare
from frames import Shape
from hands import TOOL, cpu_seconds, hands

PINS = "/sys/fs/bpf/xdp-nat64-bench"
OPEN_TRIES = 6
PORT_BITS = 6  # 64 flows to a host
CALM, CALM_TRIES = 0.1, 3
CPUS = sorted(os.sched_getaffinity(0))
DEFAULT_CPU = CPUS[-1]


@dataclasses.dataclass(frozen=True)
class Load:
    """What goes through a bed in one measurement."""
    ways: tuple = ("out",)          # out, in, or both at once
    flows: int = 1
    pattern: str = "uniform"        # uniform, zipf, sequential
    shape: Shape = Shape()
    sizes: tuple = ()               # of the frames each way, where they differ
    cpus: tuple = (DEFAULT_CPU,)    # each sends its share of the flows
    split: bool = False             # out on the first core, in on the second
    rate: int = 0                   # frames per second in all; 0: as fast as it goes
    batch: int = 64
    ms: int = 300
    port_bits: int = PORT_BITS
    once: bool = False              # every flow once, and the sink learns
    every: int = 0                  # how often the sink looks a flow up; 0: 64, once: always
    part: tuple = (0, 1)            # this part of the flows of so many

    def sized(self, way):
        sizes = dict(zip(("out", "in"), self.sizes))
        return dataclasses.replace(self.shape, size=sizes.get(way, self.shape.size))


class Bed:
    """One translator. Subclasses say how it is set up (up, down) and what it does to
    addresses (model); `changes` is false for the reference, which changes nothing."""

    name = "redirect"
    label = "redirect only"
    changes = True
    ttl = 63

    def __init__(self, model, flows, verbose=False):
        self.model, self.flows = model, flows
        self.topology = lib.Topology(dumb=True, verbose=verbose)
        self.pins = os.path.join(PINS, self.topology.suffix)
        self.made = {}
        self.is_up = False

    # up and down

    def __enter__(self):
        try:
            self.topology.build()
            os.makedirs(self.pins)
            self.up()
            self.is_up = True
            self.new_externals()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            with contextlib.suppress(lib.Failed, subprocess.SubprocessError):
                if self.is_up:
                    self.down()
            self.unpin()
        finally:
            self.topology.clean()

    def unpin(self):
        for _, _, files in os.walk(self.pins):
            for name in files:
                os.unlink(os.path.join(self.pins, name))
        with contextlib.suppress(OSError):
            os.rmdir(self.pins)
            os.rmdir(PINS)

    def up(self):
        raise NotImplementedError

    def down(self):
        """What taking down the namespaces does not do."""

    def settle(self):
        """Waits until what follows a start is over, where new flows are to be measured."""

    def worker(self):
        """The pid of a process whose CPU time is told, too; None if there is none."""
        return None

    # what is sent and expected

    @property
    def externals(self):
        return os.path.join(self.pins, "externals")

    def new_externals(self):
        """Nothing is known of any flow's external address."""
        outside = self.model.outside
        per = 0
        if outside.externals and not self.changes:
            per = -(-self.flows // outside.externals)
        hands("externals", {"pin": self.externals, "flows": self.flows, "per": per,
                            "base": outside.base})
        self.made.clear()

    def steps(self, load, way):
        """The pinned order of the flows, made when it is first asked for."""
        shared = way == "in" and self.model.outside.externals
        key = (load.flows, load.pattern, bool(shared), load.shape.proto)
        if key not in self.made:
            pin = os.path.join(self.pins, f"steps{len(self.made)}")
            spec = {"pin": pin, "flows": load.flows, "pattern": load.pattern, "seed": 12345,
                    "base": self.model.outside.base, "exponent": 1.0, "length": 1 << 20}
            if shared:
                spec["externals"] = self.externals
            self.made[key] = (pin, hands("steps", spec)["length"])
        return self.made[key]

    def host_of(self, way):
        top = self.topology
        return (top.client, top.server) if way == "out" else (top.server, top.client)

    def source(self, load, way, cpu, part, parts):
        sender, _ = self.host_of(way)
        pin, length = self.steps(load, way)
        begin, end = share_of((0, length), part, parts)
        begin, end = share_of((begin, end), *load.part)
        spec = self.frame(load, way, sender) | {
            "netns": f"/run/netns/{sender.name}", "dev": "eth0", "cpu": cpu, "steps": pin,
            "begin": begin, "end": end, "batch": load.batch, "port_bits": load.port_bits,
            "by_step": bool(way == "in" and self.model.outside.externals)}
        if load.rate:
            spec["interval"] = max(1, round(1e9 * parts * len(load.ways) / load.rate))
        if load.once:
            spec["packets"] = end - begin
        return spec

    def frame(self, load, way, sender):
        port = "eth6" if way == "out" else "eth4"
        macs = bytes.fromhex((self.topology.gateway.mac(port) + sender.mac("eth0"))
                             .replace(":", ""))
        if load.shape.rare in rare.KINDS:
            return rare.KINDS[load.shape.rare](self.model).source(macs)
        template = self.model.sent(way, load.sized(way))
        template.raw[:12] = macs
        return template.source()

    def expected(self, load, way):
        if load.shape.rare in rare.KINDS:
            kind = rare.KINDS[load.shape.rare](self.model)
            return kind.sink(self.ttl) if self.changes else kind.unchanged()
        shape = load.sized(way)
        template = (self.model.arrives(way, shape, self.ttl) if self.changes
                    else self.model.sent(way, shape))
        return template.sink(load.flows, load.port_bits)

    def sink(self, load, way):
        _, receiver = self.host_of(way)
        return self.expected(load, way) | {"netns": f"/run/netns/{receiver.name}", "dev": "eth0",
                       "externals": self.externals, "learn": load.once and self.changes,
                       "every": load.every or (1 if load.once else 64),
                       "sum_every": 1024, "time_every": 64 if load.once else 1024,
                       "settle": 0 if load.once else 20_000_000}

    # measuring

    def measure(self, load):
        """What `bench measure` says, with the ways in the order of load.ways. Where other
        work had the source's core for a while, it is measured again."""
        best = None
        for _ in range(1 if load.once else CALM_TRIES):
            got = self.measure_once(load)
            best = got if best is None or got["disturbed"] < best["disturbed"] else best
            if best["disturbed"] <= CALM:
                break
        return best

    def measure_once(self, load):
        return self.run(self.sources(load), [self.sink(load, way) for way in load.ways],
                        0 if load.once else load.ms)

    def sources(self, load):
        sources = []
        for number, way in enumerate(load.ways):
            cpus = [load.cpus[number % len(load.cpus)]] if load.split else load.cpus
            for part, cpu in enumerate(cpus):
                sources.append(self.source(load, way, cpu, part, len(cpus)))
        return sources

    def run(self, sources, sinks, ms):
        """`bench measure` with these ends, and what else is to be known of the time."""
        before = cpu_seconds(self.worker())
        got = hands("measure", {"sources": sources, "sinks": sinks, "ms": ms})
        share = [s["waited"] / s["seconds"] for s in got["sources"] if s["seconds"]]
        alone = len({s["cpu"] for s in sources}) == len(sources)
        got["disturbed"] = max(share, default=0) if alone else 0.0
        if before is not None:
            got["worker_seconds"] = cpu_seconds(self.worker()) - before
        return got

    def open(self, load):
        """A mapping for each flow, from the inside; who was not heard of tries again.
        TCP: a handshake, so that what follows belongs to a connection."""
        if not self.changes:
            return
        flags = ("syn", "syn-ack", "ack") if load.shape.proto == "tcp" else ("ack",)
        for flag in flags:
            way = "in" if flag == "syn-ack" else "out"
            shape = dataclasses.replace(load.shape, flags=flag, timed=False,
                                        size=max(128, load.shape.size))
            one = dataclasses.replace(load, ways=(way,), once=True, shape=shape, sizes=(),
                                      batch=64, pattern="sequential")
            self.pass_over(one)
            for key in [k for k in self.made if k[2]]:
                del self.made[key]  # external addresses may have changed

    def pass_over(self, load):
        """Each flow once, until all have been seen."""
        heard, bad = 0, {}
        for _ in range(OPEN_TRIES):
            got = self.measure(load)["sinks"][0]
            heard, bad = got["good"], got["bad"]
            if bad:
                raise lib.Failed(f"{self.label} sent wrong frames while {load.flows} flows were "
                                 f"opened: {bad}")
            if heard >= load.flows:
                return
            if load.ways == ("out",) and self.audit(load.flows)["known"] == load.flows:
                return
        raise lib.Failed(f"{self.label}: of {load.flows} flows that were opened {heard} came out; "
                         "the pool or a limit is too small for this scenario, or it loses them")

    def audit(self, flows):
        """Do two flows share an external address and port?"""
        outside = self.model.outside
        if not outside.externals:
            return {"known": flows, "shared": 0, "strange": 0}
        return hands("audit", {"pin": self.externals, "flows": flows, "base": outside.base,
                               "count": outside.externals})


def share_of(span, part, parts):
    """A part of a range; all of it where there is too little to share."""
    begin, end = span
    low, high = (begin + (end - begin) * n // parts for n in (part, part + 1))
    return (low, high) if low < high else span


class Reference(Bed):
    """Redirects and changes nothing: what the frames of a scenario cost without a
    translator."""

    name = "redirect"
    label = "redirect only"
    changes = False

    def up(self):
        self.topology.gateway.run([TOOL, "redirect", "eth6", "eth4"])
