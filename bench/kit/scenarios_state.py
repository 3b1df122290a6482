# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios of the mapping state: new flows, a pool that is nearly or quite used up, and
cost that must not depend on what a packet does not meet."""

import dataclasses

import lib
from frames import Model, Net, Shape
from product import HOSTS6, S4, S6, SHARED4, Siit, Stateful
from rig import CPUS, PORT_BITS, Load, Reference
from rounds import digest
from table import count, frame_text, sized_load

PORTS = 64512            # of one address, 1024 to 65535
MANY = 10_000
LONG = 100_000           # flows that take a round's time to open
NEVER = 1 << 30          # the sink looks no flow up


class Opening:
    """Opens a part of the flows, another in each round; few of them from an empty pool in
    each."""

    def __init__(self, rounds):
        self.rounds, self.used = rounds, {}

    def part(self, bed, load):
        """The part that is this round's."""
        part = self.used.get(bed, 0)
        self.used[bed] = part + 1
        if load.flows >= LONG:
            if not part:
                bed.settle()
            return part, self.rounds
        if part and bed.changes:
            bed.restart()
        bed.settle()
        return 0, 1

    def __call__(self, bed, load):
        part = self.part(bed, load)
        before = bed.counted("bib_created") if bed.changes else 0
        result = digest(bed.measure(dataclasses.replace(load, once=True, every=64, part=part)))
        if bed.changes:
            result["created"] = bed.counted("bib_created") - before
            if result["created"] < 0.99 * result["good"]:
                raise lib.Failed(f"{bed.label}: {result['good']} first packets of flows came out, "
                                 f"but only {result['created']} mappings were made")
        return result


def opening_rows(context, beds, reference, proto, flows, tags=(False,)):
    """Every frame opens a flow, of hosts in random order; the same with a VLAN tag."""
    args, rows = context.args, []
    take = Opening(args.rounds)
    for tag in tags:
        for bed in beds:
            load = sized_load(args, "6to4", proto, flows=flows)
            load = dataclasses.replace(load, shape=dataclasses.replace(
                load.shape, flags="syn", tag=tag))
            what = {"translator": bed.label, "frames": "SYN" if proto == "tcp" else "UDP"}
            if len(tags) > 1:
                what["tag"] = "802.1p" if tag else "none"
            what |= {"flows": count(flows), "frame": frame_text(load)}
            rows.append(context.row("mappings", what, bed, reference, load, take))
    return rows


def new_flows(context):
    """UDP and TCP, by number of flows."""
    args, rows = context.args, []
    for flows in [n for n in args.flows if n >= MANY]:
        for proto in ("udp", "tcp"):
            rows += opening_rows(context, *context.mode_beds("stateful", flows), proto, flows)
    if not rows:
        context.left_out.append("new-flows: wants --flows of 10k or more")
    return rows


def new_flows_cores(context):
    """From one core and from all, of many subscribers and of one, who has one external
    address and so at most its ports."""
    args, rows = context.args, []
    settings = {"subscriber-udp": 0, "subscriber-rate": 0}
    for name, bits, flows in (("many", PORT_BITS, 500_000), ("one", 16, 50_000)):
        for cpus in dict.fromkeys([(args.cpu,), tuple(CPUS)]):
            take = Opening(args.rounds)
            beds, reference = context.mode_beds("stateful", flows, settings)
            load = dataclasses.replace(sized_load(args, "6to4", flows=flows), cpus=cpus,
                                       port_bits=bits)
            for bed in beds:
                what = {"translator": bed.label, "subscribers": name, "cores": len(cpus),
                        "flows": count(flows), "frame": frame_text(load)}
                rows.append(context.row("mappings", what, bed, reference, load, take))
    return rows


# ---- a pool that is used up --------------------------------------------------------------


class Tight(Stateful):
    """Eight addresses, many hosts with few flows each."""
    ADDRESSES = 8
    HOST_BITS = 2

    @staticmethod
    def model_of(flows):
        return Model(Net(6, HOSTS6, S6), Net(4, SHARED4, S4, Tight.ADDRESSES))

    def words(self):
        words = super().words()
        return words + ["--set", f"max-subscribers={self.flows}", "--set", "soft-app=true"]


class Nearly:
    """Mappings per second in a pool of which a share is in use: it is filled up to
    there first, from an empty one."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __call__(self, bed, load):
        if bed.changes:
            bed.restart()
            bed.settle()
            bed.open(dataclasses.replace(load, flows=int(self.low * load.flows)))
        first, last = (int(share * load.flows) for share in (self.low, self.high))
        source = dataclasses.replace(load, once=True, every=64, pattern="sequential")
        spec = bed.sources(source)
        spec[0] |= {"begin": first, "end": last, "packets": last - first}
        return digest(bed.run(spec, [bed.sink(source, "out")], 0))


class Refused:
    """Frames per second that are refused, because every port is in use."""

    def __call__(self, bed, load):
        one = dataclasses.replace(load, flows=2 * load.flows, pattern="sequential", every=NEVER)
        spec = bed.sources(one)
        spec[0] |= {"begin": load.flows, "end": 2 * load.flows}
        got = bed.run(spec, [bed.sink(one, "out")], load.ms)
        result = digest(got)
        result["rate"] = result["offered"]
        return result


def full(context):
    """New mappings at half and at 98 % use; established flows and refusals in a pool
    without a free port, and beside them the same flows where they are all that is in use."""
    args, rows = context.args, []
    ports = Tight.ADDRESSES * PORTS
    bed = context.enter(Tight(2 * ports, args.program[0], args.settings, "", args.verbose))
    reference = context.enter(Reference(bed.model, 2 * ports, args.verbose))
    load = dataclasses.replace(sized_load(args, "6to4"), flows=ports, port_bits=Tight.HOST_BITS)
    for name, low, high in (("50 %", 0.50, 0.54), ("98 %", 0.97, 0.985)):
        what = {"translator": bed.label, "in use": name, "ports": count(ports),
                "frame": frame_text(load)}
        rows.append(context.row("mappings", what, bed, reference, load, Nearly(low, high)))
    some = dataclasses.replace(load, flows=MANY)
    for name in ("only they", "all"):
        packed = context.enter(Tight(2 * ports, args.program[0], args.settings, "", args.verbose))
        if name == "all":
            fill(packed, load)
        else:
            packed.open(some)
        what = {"translator": packed.label, "direction": "6to4", "flows": count(MANY),
                "in use": name, "frame": frame_text(load)}
        rows.append(context.row("throughput", what, packed, reference, some))
    what = {"translator": packed.label, "direction": "6to4", "flows": "refused", "in use": "all",
            "frame": frame_text(load)}
    rows.append(context.row("throughput", what, packed, reference, load, Refused()))
    return rows


def fill(bed, load):
    """As many flows as there are ports; the last find none."""
    bed.open(dataclasses.replace(load, flows=MANY))
    for _ in range(3):
        bed.measure(dataclasses.replace(load, once=True, pattern="sequential", every=NEVER))


# ---- what must not matter ----------------------------------------------------------------


class ManyPrefixes(Stateful):
    """1,000 prefixes of one address; beside it the same ports in one prefix."""
    PREFIXES = 1000

    @staticmethod
    def model_of(flows):
        return Model(Net(6, HOSTS6, S6), Net(4, SHARED4, S4, 1024))

    def words(self):  # else the tables of so many addresses take all memory
        limits = [f"max-{what}={10 * MANY}" for what in (
            "tcp-mappings", "udp-mappings", "icmp-mappings", "sessions", "subscribers")]
        return super().words() + [w for limit in limits for w in ("--set", limit)]

    def pool(self):
        if self.tag == " 1 prefix":
            return [f"{SHARED4}/22:1024-1535"]
        return [f"100.64.{n >> 8}.{n & 255}/32:1024-1535" for n in range(self.PREFIXES)]


class ManyMappings(Siit):
    """10,000 explicit mappings that no packet meets."""

    def words(self):
        return super().words() + [w for n in range(MANY) for w in (
            "--eam", f"172.{16 + (n >> 16)}.{n >> 8 & 255}.{n & 255}/32=2001:db8:2::{n + 1:x}/128")]


class ManyAllowed(Stateful):
    """10,000 entries of allow6, the last of which is the hosts'."""

    def words(self):
        entries = [f"2001:db8:2:{n:x}::/64" for n in range(MANY - 1)] + ["2001:db8:1000::/36"]
        return super().words() + [w for e in entries for w in ("--set", f"allow6={e}")]


def invariance(context):
    """Each with and without; the ratio is to the one without, in the same round."""
    args, rows = context.args, []
    cases = (("1,000 pool prefixes", "1 prefix", ManyPrefixes, ManyPrefixes, {}),
             ("10,000 mappings (eam)", "1 mapping", ManyMappings, Siit, {}),
             ("10,000 entries of allow6", "none", ManyAllowed, Stateful, {}),
             ("address-dependent filtering", "endpoint-independent", Stateful, Stateful,
              {"filtering-udp": "adf"}))
    for name, than, many, one, settings in cases:
        program = args.program[0]
        with_it = context.enter(many(MANY, program, args.settings | settings, "", args.verbose))
        without = context.enter(one(MANY, program, args.settings, f" {than}", args.verbose))
        for bed in (with_it, without):
            bed.open(Load(flows=MANY, shape=Shape(), cpus=(args.cpu,)))
        for direction in ("6to4", "4to6"):
            load = sized_load(args, direction, flows=MANY)
            what = {"with": name, "beside": than, "direction": direction, "flows": count(MANY)}
            rows.append(context.row("invariance", what, with_it, without, load))
    return rows
