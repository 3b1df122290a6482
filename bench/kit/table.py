# SPDX-License-Identifier: GPL-2.0-only
"""Words of the scenarios: how flows and frames are written, and the loads of a
command line."""

from frames import Shape
from rig import Load

WAYS = {"6to4": ("out",), "4to6": ("in",), "both": ("out", "in")}
SMALL = {"out": 72, "in": 60}  # bytes sent: 10 and 18 of UDP payload
NAMES = {"out": "IPv6", "in": "IPv4"}


def count(number):
    """1000000 as 1M."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if number >= unit and number % unit == 0:
            return f"{number // unit}{name}"
    return str(number)


def size_of(way, proto, wanted=0):
    """Bytes sent: what was asked for, or the smallest usual frame."""
    return wanted or SMALL[way] + (12 if proto == "tcp" else 0)


def sized_load(args, direction, proto="udp", wanted=0, **more):
    sizes = tuple(size_of(way, proto, wanted) for way in ("out", "in"))
    return Load(ways=WAYS[direction], shape=Shape(proto=proto, size=sizes[0]), sizes=sizes,
                ms=args.ms, cpus=(args.cpu,), **more)


def frame_text(load):
    """`72 B IPv6`: the side is named, because the other side's frame is another."""
    return " + ".join(f"{load.sized(way).size} B {NAMES[way]}" for way in load.ways)
