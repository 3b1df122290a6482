# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios of the slow path: rare packets by reason, and a flood of them beside
established flows. The worker runs on another core than the source, if there is one."""

import dataclasses

from frames import Shape
from rig import CPUS, Load
from rounds import digest
from table import count, frame_text, sized_load

FLOWS = 10_000
# The limits of GEN-02 are lifted where the worker's own speed is asked.
UNLIMITED = {"slow-rate-icmp": 100_000_000, "slow-rate-header": 100_000_000,
             "slow-rate-error": 100_000_000}
KINDS = (("fragments", "out", 14 + 40 + 8 + 48), ("extension", "out", 100),
         ("options", "in", 80), ("errors", "in", 88))
OFFERED = 600_000
FLOOD = 200_000


def other_core(args):
    """A core that is not the source's; the source's where there is one only."""
    return next((cpu for cpu in CPUS if cpu != args.cpu), args.cpu)


def slow_path(context):
    """Packets per second through the worker, by what sends them there."""
    args, rows = context.args, []
    for mode in ("siit", "stateful"):
        more = {"frag-max-per-source": 1_000_000} if mode == "stateful" else {}
        beds, reference = context.mode_beds(mode, FLOWS, UNLIMITED | more)
        for bed in beds:
            bed.open(Load(flows=FLOWS, cpus=(args.cpu,)))
            bed.settle()
            bed.pin_worker(other_core(args))
        for kind, way, size in KINDS:
            if kind == "errors" and mode == "stateful":
                continue  # a quoted packet of one flow alone would be no load for its state
            load = Load(ways=(way,), flows=1 if kind == "errors" else FLOWS, ms=args.ms,
                        shape=Shape(size=size, rare=kind), cpus=(args.cpu,), rate=OFFERED)
            for bed in beds:
                what = {"translator": bed.label, "reason": kind,
                        "direction": "6to4" if way == "out" else "4to6",
                        "frame": frame_text(load)}
                rows.append(context.row("slow path", what, bed, None, load))
    return rows


class Flooded:
    """Established flows on the source's core while packets with IPv4 options come in on
    the worker's; `rate` 1: as good as none, on a core that is as busy."""

    def __init__(self, core, rate):
        self.core, self.rate = core, rate

    def __call__(self, bed, load):
        flood = dataclasses.replace(load, ways=("in",), cpus=(self.core,), rate=self.rate,
                                    sizes=(), shape=Shape(size=80, rare="options"), batch=8)
        got = bed.run(bed.sources(load) + bed.sources(flood),
                      [bed.sink(load, "out"), bed.sink(flood, "in")], load.ms)
        rare_frames = got["sinks"][1]["good"] / got["sources"][1]["seconds"]
        result = digest(got | {"sources": got["sources"][:1], "sinks": got["sinks"][:1]})
        return result | {"slow_rate": rare_frames}


def flood(context):
    """The ratio is to the same flows without the flood, in the same round."""
    args, rows = context.args, []
    if other_core(args) == args.cpu:
        context.left_out.append("flood: wants two cores")
        return rows
    core = other_core(args)
    for mode in ("stateful", "siit"):
        for name, settings in (("limited (default)", {}), ("unlimited", UNLIMITED)):
            beds, _ = context.mode_beds(mode, FLOWS, settings, reference=False)
            bed = beds[0]
            bed.open(Load(flows=FLOWS, cpus=(args.cpu,)))
            bed.pin_worker(core)
            load = sized_load(args, "6to4", flows=FLOWS)
            what = {"translator": bed.label, "direction": "6to4", "flows": count(FLOWS),
                    "flood": f"{count(FLOOD)}/s with options", "slow path": name}
            row = context.row("flood", what, bed, bed, load, Flooded(core, FLOOD))
            row.take_reference = Flooded(core, 1)
            rows.append(row)
    return rows
