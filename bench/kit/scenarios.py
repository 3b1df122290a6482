# SPDX-License-Identifier: GPL-2.0-only
"""What is measured: each scenario makes its beds, opens flows and gives rows."""

from frames import Shape
from product import MODES
from rig import Load, Reference

WAYS = {"6to4": ("out",), "4to6": ("in",), "both": ("out", "in")}
SMALL = {"out": 72, "in": 60}  # bytes sent: 10 and 18 of UDP payload


def count(number):
    """1000000 as 1M."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if number >= unit and number % unit == 0:
            return f"{number // unit}{name}"
    return str(number)


def size_of(way, proto, wanted=0):
    """Bytes sent: what was asked for, or the smallest usual frame."""
    if wanted:
        return wanted
    grown = 12 if proto == "tcp" else 0
    return SMALL[way] + grown


def sized_load(args, direction, proto="udp", wanted=0, **more):
    ways = WAYS[direction]
    sizes = tuple(size_of(way, proto, wanted) for way in ("out", "in"))
    return Load(ways=ways, shape=Shape(proto=proto, size=sizes[0]), sizes=sizes, ms=args.ms,
                cpus=(args.cpu,), **more)


def frame_text(load):
    """`72 B IPv6`: the side is named, because the other side's frame is another."""
    names = {"out": "IPv6", "in": "IPv4"}
    return " + ".join(f"{load.sized(way).size} B {names[way]}" for way in load.ways)


def mode_beds(context, mode, flows, settings=None):
    """The product in a mode, once for each program that is compared, and its
    reference."""
    args = context.args
    beds = []
    for number, program in enumerate(args.program):
        tag = "" if len(args.program) == 1 else f" #{number + 1}"
        beds.append(context.enter(MODES[mode](
            flows, program, args.settings | (settings or {}), tag, args.verbose)))
    reference = context.enter(Reference(beds[0].model, flows, args.verbose))
    return beds, reference


def throughput(context, mode):
    """Established flows, by direction and number of flows."""
    args, rows = context.args, []
    most = max(args.flows)
    beds, reference = mode_beds(context, mode, most)
    for bed in beds:
        bed.open(Load(flows=most, shape=Shape(proto=args.proto), cpus=(args.cpu,)))
    for direction in args.direction:
        for flows in args.flows:
            for pattern in args.pattern if flows > 1 else args.pattern[:1]:
                load = sized_load(args, direction, args.proto, args.size, flows=flows,
                                  pattern=pattern)
                for bed in beds:
                    what = {"translator": bed.label, "direction": direction,
                            "flows": count(flows), "frame": frame_text(load)}
                    if pattern != "uniform":
                        what["pattern"] = pattern
                    rows.append(context.row("throughput", what, bed, reference, load))
    return rows


def stateful(context):
    return throughput(context, "stateful")


def siit(context):
    return throughput(context, "siit")


SCENARIOS = {
    "stateful": (stateful, "stateful, established flows: direction x number of flows"),
    "siit": (siit, "stateless, the same"),
}
