# SPDX-License-Identifier: GPL-2.0-only
"""Other translators, by adapter scripts: bench/peers/NAME, or any path. What a script is
called with and what it must say is in bench/README.md."""

import glob
import os
import shutil
import subprocess
import tempfile

import lib
from frames import Model, Net
from product import HOSTS4, HOSTS6, S4, S6, SHARED4, shared_addresses
from rig import PORT_BITS, Bed, Load, Reference
from table import count

FOLDER = os.path.join(lib.TOP, "bench", "peers")
KINDS = ("stateful", "siit", "nat44", "forward6")
SMALL = {6: 72, 4: 60}


def model_of(kind, flows):
    inside6, outside4 = Net(6, HOSTS6, S6), Net(4, SHARED4, S4, shared_addresses(flows))
    return {"stateful": Model(inside6, outside4),
            "siit": Model(Net(6, HOSTS6[:-1], S6), Net(4, HOSTS4, S4)),
            "nat44": Model(Net(4, HOSTS4, S4), Net(4, lib.GW4, S4, 1)),
            "forward6": Model(inside6, inside6)}[kind]


def describe(path):
    """What a script says of its translator. Failed: why it cannot run here."""
    try:
        done = subprocess.run([path, "describe"], capture_output=True, text=True, timeout=30,
                              check=False)
    except OSError as error:
        raise lib.Failed(f"{path}: {error.strerror}") from None
    if done.returncode:
        raise lib.Failed(f"{os.path.basename(path)}: {done.stderr.strip() or 'no reason given'}")
    said = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    if said.get("kind") not in KINDS or not said.get("name"):
        raise lib.Failed(f"{path} describe: must print name=... and kind=, one of "
                         f"{', '.join(KINDS)}")
    return said


class Peer(Bed):
    """A translator that a script sets up in the gateway's namespace."""

    def __init__(self, path, said, flows, verbose=False):
        super().__init__(model_of(said["kind"], flows), flows, verbose)
        self.path = path
        self.label = self.name = said["name"]
        self.ttl = int(said.get("ttl", 63))
        self.folder = tempfile.mkdtemp(prefix="xdp-nat64-bench-")

    def environment(self):
        top, outside = self.topology, self.model.outside
        bits = max(1, outside.externals).bit_length() - 1
        return {"INSIDE": "eth6", "OUTSIDE": "eth4", "PREF64": lib.PREF64,
                "HOSTS": str((self.flows >> PORT_BITS) + 1), "DIR": self.folder,
                "POOL4": f"{SHARED4}/{32 - bits}", "REMOTE4": S4, "REMOTE6": S6,
                "HOST_MAC": top.client.mac("eth0"), "REMOTE_MAC": top.server.mac("eth0")}

    def script(self, word):
        return self.topology.gateway.out([self.path, word], env=os.environ | self.environment())

    def up(self):
        # A veth takes redirected frames only where it polls; GRO is what costs the
        # kernel least.
        for device in ("eth6", "eth4"):
            self.topology.gateway.run(["ethtool", "-K", device, "gro", "on"])
        self.script("up")

    def down(self):
        self.script("down")

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def worker(self):
        if not self.is_up:
            return None
        try:
            return int(self.script("pid"))
        except (lib.Failed, ValueError):
            return None


def peers(context):
    """Every adapter that works here, and the product, in the same rounds."""
    args, rows, references = context.args, [], {}
    for mode in ("stateful", "siit"):
        flows = [n for n in args.flows if n <= 10_000] or [1]
        beds, reference = context.mode_beds(mode, max(flows))
        beds[0].open(Load(flows=max(flows), cpus=(args.cpu,)))
        references[beds[0].model] = reference
        rows += rows_of(context, beds[0], reference, flows)
    for path in sorted(glob.glob(os.path.join(FOLDER, "*"))) + args.peer:
        try:
            said = describe(path)
            flows = [n for n in args.flows if n <= min(10_000, int(said.get("flows", 1 << 30)))]
            bed = context.enter(Peer(path, said, max(flows or [1]), args.verbose))
            if bed.model not in references:
                references[bed.model] = context.enter(Reference(bed.model, bed.flows,
                                                                args.verbose))
            bed.open(Load(flows=bed.flows, cpus=(args.cpu,), rate=30_000))
            rows += rows_of(context, bed, references[bed.model], flows or [1])
        except lib.Failed as error:
            context.left_out.append(str(error))
    return rows


def rows_of(context, bed, reference, flows):
    args, rows = context.args, []
    families = bed.model.inside.family, bed.model.outside.family
    for way in ("out", "in"):
        for number in flows:
            sizes = tuple(SMALL[family] for family in families)
            load = Load(ways=(way,), flows=number, sizes=sizes, ms=args.ms, cpus=(args.cpu,))
            pair = families if way == "out" else families[::-1]
            what = {"translator": bed.label, "direction": "{}to{}".format(*pair) +
                    ("" if pair[0] != pair[1] else f" {way}"), "flows": count(number),
                    "frame": f"{load.sized(way).size} B IPv{pair[0]}"}
            rows.append(context.row("peers", what, bed, reference, load))
    return rows
