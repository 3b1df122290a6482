# SPDX-License-Identifier: GPL-2.0-only
"""What is measured, by name. Each scenario makes its beds, opens flows and gives rows; a
new mode of the product is one line in MODES of product.py and one here."""

import dataclasses
import functools

import lib
import peers
import scenarios_slow
import scenarios_state
import scenarios_time
from frames import Shape
from rig import Load
from table import count, frame_text, sized_load

SIZES = {"6to4": (72, 128, 256, 512, 1024, 1514), "4to6": (60, 128, 256, 512, 1024, 1494)}
FLOWS = 10_000


def opened(context, mode, flows, proto="udp"):
    """Beds with that many flows, and their reference."""
    args = context.args
    beds, reference = context.mode_beds(mode, flows)
    for bed in beds:
        bed.open(Load(flows=flows, shape=Shape(proto=proto), cpus=(args.cpu,)))
    return beds, reference


def rows_of(context, beds, reference, loads):
    """A throughput row for each bed and load: loads are (columns, load)."""
    rows = []
    for columns, load in loads:
        for bed in beds:
            what = {"translator": bed.label, **columns, "frame": frame_text(load)}
            rows.append(context.row("throughput", what, bed, reference, load))
    return rows


def throughput(context, mode):
    """Established flows, by direction and number of flows."""
    args, loads = context.args, []
    beds, reference = opened(context, mode, max(args.flows), args.proto)
    for direction in args.direction:
        for flows in args.flows:
            for pattern in args.pattern if flows > 1 else args.pattern[:1]:
                columns = {"direction": direction, "flows": count(flows)}
                if args.pattern != ["uniform"]:
                    columns["pattern"] = pattern
                loads.append((columns, sized_load(args, direction, args.proto, args.size,
                                                  flows=flows, pattern=pattern)))
    return rows_of(context, beds, reference, loads)


def both(context):
    """Both directions at once through one core."""
    rows = []
    for mode in ("stateful", "siit"):
        beds, reference = opened(context, mode, FLOWS)
        load = sized_load(context.args, "both", flows=FLOWS)
        rows += rows_of(context, beds, reference,
                        [({"direction": "both", "flows": count(FLOWS)}, load)])
    return rows


def patterns(context):
    """The most flows that were asked for, in uniform order and by Zipf's law."""
    flows, loads = max(context.args.flows), []
    beds, reference = opened(context, "stateful", flows)
    for direction in context.args.direction:
        for pattern in ("uniform", "zipf"):
            loads.append(({"direction": direction, "flows": count(flows), "pattern": pattern},
                          sized_load(context.args, direction, flows=flows, pattern=pattern)))
    return rows_of(context, beds, reference, loads)


def sizes(context):
    """Frames from the smallest to a full one."""
    beds, reference = opened(context, "stateful", FLOWS)
    loads = [({"direction": direction, "flows": count(FLOWS)},
              sized_load(context.args, direction, wanted=size, flows=FLOWS))
             for direction in SIZES for size in SIZES[direction]]
    return rows_of(context, beds, reference, loads)


def protocols(context):
    """UDP, TCP segments of open connections, echoes and their replies."""
    rows = []
    for proto in ("udp", "tcp", "icmp"):
        beds, reference = opened(context, "stateful", FLOWS, proto)
        loads = [({"direction": direction, "proto": proto, "flows": count(FLOWS)},
                  sized_load(context.args, direction, proto, flows=FLOWS))
                 for direction in context.args.direction]
        rows += rows_of(context, beds, reference, loads)
    return rows


def beds_with_vlan(context, mode):
    """The beds of a mode, each with a VLAN device on a port; None: there can be none."""
    beds, reference = context.mode_beds(mode, FLOWS)
    for bed in beds:
        try:
            bed.topology.gateway.ip("link add link eth6 name eth6.7 type vlan id 7")
        except lib.Failed as why:
            print(f"tags: skipped, a VLAN device cannot be made (module 8021q): {why}")
            return None
        bed.restart()
    return beds, reference


def tags(context):
    """Frames that come with a tag (802.1p, no VID), where a VLAN device stands on a port: without
    one nobody looks for tags."""
    rows = []
    for mode in ("stateful", "siit"):
        made = beds_with_vlan(context, mode)
        if not made:
            return []
        for bed in made[0]:
            bed.open(Load(flows=FLOWS, cpus=(context.args.cpu,)))
        loads = []
        for direction in context.args.direction:
            load = sized_load(context.args, direction, flows=FLOWS)
            for tag in (False, True):
                shape = dataclasses.replace(load.shape, tag=tag)
                loads.append(({"direction": direction, "tag": "802.1p" if tag else "none",
                               "flows": count(FLOWS)}, dataclasses.replace(load, shape=shape)))
        rows += rows_of(context, *made, loads)
    for proto in ("udp", "tcp"):
        made = beds_with_vlan(context, "stateful")
        if not made:
            break
        rows += scenarios_state.opening_rows(context, *made, proto, FLOWS, tags=(False, True))
    return rows


SCENARIOS = {
    "stateful": (functools.partial(throughput, mode="stateful"),
                 "stateful, established flows: direction x number of flows"),
    "siit": (functools.partial(throughput, mode="siit"), "stateless, the same"),
    "dynamic": (functools.partial(throughput, mode="dynamic"),
                "an address for each host, the same"),
    "both": (both, "both directions at once on one core"),
    "patterns": (patterns, "order of flows: uniform and Zipf"),
    "sizes": (sizes, "frames of 60 to 1514 bytes"),
    "tags": (tags, "frames with a tag and without, where there are VLAN devices"),
    "protocols": (protocols, "UDP, TCP, ICMP"),
    "new-flows": (scenarios_state.new_flows, "new mappings per second: UDP, and TCP SYN"),
    "new-flows-cores": (scenarios_state.new_flows_cores,
                        "the same from one core and several, of one subscriber and many"),
    "full": (scenarios_state.full, "a pool of which 50 %, 98 % and all is in use"),
    "slow-path": (scenarios_slow.slow_path, "packets per second through the worker, by reason"),
    "flood": (scenarios_slow.flood, "established flows while rare packets flood the worker"),
    "zero-loss": (scenarios_time.zero_loss, "rate without loss, by binary search; two cores"),
    "latency": (scenarios_time.latency, "percentiles of the time through the translator"),
    "cores": (scenarios_time.cores, "one core and several, the halves of flows apart"),
    "peers": (peers.peers, "other translators that are installed, in the same rounds"),
    "invariance": (scenarios_state.invariance, "long lists that a packet does not meet"),
}
USUAL = ["stateful", "siit", "new-flows", "slow-path", "latency", "peers"]
QUICK = ["stateful", "siit"]
CHECKED = ["stateful", "siit", "new-flows"]  # by make bench-check
