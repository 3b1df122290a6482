# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios of load and time: the rate without loss, latency, several cores."""

import contextlib
import dataclasses
import glob
import os
import subprocess

import lib
from frames import Shape
from rig import CPUS, Load
from rounds import digest
from scenarios_slow import other_core
from table import count, frame_text, sized_load

FLOWS = 10_000
STEPS = 8            # of the binary search
# Frames a second, and how many at a time: alone, and as the last of four.
RATES = ((100_000, 1), (300_000, 4))


# ---- the rate without loss ---------------------------------------------------------------


def napi_threads():
    found = {}
    for path in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as f:
            if f.read().startswith("napi/"):
                found[int(path.split("/")[2])] = path
    return set(found)


def thread_napi(bed, device, cpu):
    """The device's frames are taken by a kernel thread on a core of its own, so that the
    source does not wait for the translator as it does on one core."""
    before = napi_threads()
    subprocess.run(["ip", "netns", "exec", bed.topology.gateway.name, "sh", "-c",
                    f"echo 1 > /sys/class/net/{device}/threaded"], check=True)
    for pid in napi_threads() - before:
        os.sched_setaffinity(pid, {cpu})
        os.setpriority(os.PRIO_PROCESS, pid, -20)


class Search:
    """RFC 2544, 26.1: the greatest rate at which no more than that share is lost, by
    halving. 0 is the RFC's; a virtual machine never keeps a core for itself quite."""

    def __init__(self, tolerated):
        self.tolerated = tolerated

    def __call__(self, bed, load):
        low, high, best = 0, 8_000_000, None
        for _ in range(STEPS):
            rate = (low + high) // 2
            got = digest(bed.measure(dataclasses.replace(load, rate=rate)))
            lossless = got["loss"] <= self.tolerated
            if lossless and (best is None or got["offered"] > best["offered"]):
                best = got
            if lossless and got["offered"] >= 0.9 * rate:
                low = rate
            else:  # too much for the translator, or for the source
                high = rate
        if best is None:
            raise lib.Failed(f"{bed.label} lost frames at every rate that was tried, down to "
                             f"{high} frames per second")
        return best | {"rate": best["offered"]}


def zero_loss(context):
    args, rows = context.args, []
    core = other_core(args)
    if core == args.cpu:
        context.left_out.append("zero-loss: wants two cores")
        return rows
    for mode in ("stateful", "siit"):
        beds, reference = context.mode_beds(mode, FLOWS)
        for bed in beds:
            bed.open(Load(flows=FLOWS, cpus=(args.cpu,)))
        for bed in (*beds, reference):
            for device in ("eth6", "eth4"):
                thread_napi(bed, device, core)
        for direction in args.direction:
            load = dataclasses.replace(sized_load(args, direction, flows=FLOWS), batch=16)
            for bed in beds:
                what = {"translator": bed.label, "direction": direction, "flows": count(FLOWS),
                        "frame": frame_text(load)}
                rows.append(context.row("zero loss", what, bed, reference, load,
                                        Search(args.tolerate)))
    return rows


# ---- latency -------------------------------------------------------------------------------


def latency(context):
    """Frames at a rate below what a core can do; what redirect-only takes is in brackets
    subtracted."""
    args, rows = context.args, []
    for mode in ("stateful", "siit"):
        beds, reference = context.mode_beds(mode, FLOWS)
        for bed in beds:
            bed.open(Load(flows=FLOWS, cpus=(args.cpu,)))
            bed.settle()
        for direction in args.direction:
            for rate, batch in RATES[:1] if args.quick else RATES:
                load = sized_load(args, direction, flows=FLOWS, rate=rate, batch=batch)
                load = dataclasses.replace(load, sizes=(100, 80),
                                           shape=Shape(size=100, timed=True))
                for bed in beds:
                    what = {"translator": bed.label, "direction": direction,
                            "flows": count(FLOWS),
                            "rate": f"{count(rate)}/s, {'alone' if batch == 1 else f'by {batch}'}",
                            "frame": frame_text(load)}
                    rows.append(context.row("latency", what, bed, reference, load))
    return rows


# ---- cores ---------------------------------------------------------------------------------


def cores(context):
    """The same flows from one core, from all, and with the two halves of every flow on
    different cores."""
    args, rows = context.args, []
    for mode in ("stateful", "siit"):
        beds, reference = context.mode_beds(mode, FLOWS)
        for bed in beds:
            bed.open(Load(flows=FLOWS, cpus=(args.cpu,)))
        plain = sized_load(args, "6to4", flows=FLOWS)
        both = sized_load(args, "both", flows=FLOWS)
        cases = [(f"CPU {cpu}", dataclasses.replace(plain, cpus=(cpu,))) for cpu in CPUS[:2]]
        if len(CPUS) > 1:
            cases += [(f"{len(CPUS)} CPUs", dataclasses.replace(plain, cpus=tuple(CPUS))),
                      ("2 CPUs, one way each",
                       dataclasses.replace(both, cpus=tuple(CPUS[:2]), split=True))]
        for name, load in cases:
            for bed in beds:
                what = {"translator": bed.label, "cores": name, "flows": count(FLOWS),
                        "frame": frame_text(load)}
                rows.append(context.row("throughput", what, bed, reference, load))
    return rows
