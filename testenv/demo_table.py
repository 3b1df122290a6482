# SPDX-License-Identifier: GPL-2.0-only
"""The table of the demo: what was done, what came of it, and the packets of each path that
it took."""

import subprocess

import lib
from lib import Failed


COLUMNS = "  {:<30} {:<48} {:>10} {:>10}"


def traffic(before, after):
    """Packets translated in the fast path and in the slow path, and why slow."""
    fast = slow = 0
    why = {}
    for stage, reasons in after.since(before).items():
        for reason, packets in reasons.items():
            if stage == "worker":
                continue
            if reason.startswith(("fwd_", "kern_")):
                fast += packets
            elif lib.kind(reason) == "SLOW":
                slow += packets
                why[reason] = why.get(reason, 0) + packets
    return fast, slow, why


class Table:
    def __init__(self, gateway):
        self.gateway = gateway
        self.failed = 0
        self.why = {}

    def head(self):
        print(COLUMNS.format("What", "What happened", "fast path", "slow path"))
        print(COLUMNS.format("-" * 30, "-" * 48, "packets", "packets"), flush=True)

    def row(self, what, experiment):
        before = self.gateway.stats()
        try:
            result, good = experiment(), True
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            result, good = f"FAILED: {str(error).strip().splitlines()[0]}", False
            detail = str(error).strip().splitlines()[1:]
        fast, slow, why = traffic(before, self.gateway.stats())
        for reason, packets in why.items():
            self.why[reason] = self.why.get(reason, 0) + packets
        print(COLUMNS.format(what, result, f"{fast:,}", f"{slow:,}"), flush=True)
        if not good:
            self.failed += 1
            for line in detail[:20]:
                print(f"      {line}", flush=True)

    def foot(self):
        if self.why:
            print("\n  What took the slow path (the worker), and why:")
            for reason, packets in sorted(self.why.items(), key=lambda item: -item[1]):
                print(f"  {packets:>10,}  {lib.REASONS[reason][2]}")


def show(words):
    print(f"  gateway# {' '.join(words)}")


def show_attach(topology, words):
    """Attaches with these words and shows what the command says."""
    show(["xdp-nat64", "attach", *words, "--name", topology.gateway.instance])
    done = topology.gateway.cmd("attach", "--name", topology.gateway.instance, *words)
    topology.gateway.attached = True
    lines = done.stdout.strip().splitlines()
    offloads = [line for line in lines if line.startswith("switched rx-vlan")]
    for line in lines:
        if line not in offloads:
            print(f"  {line}")
        elif line == offloads[0]:
            print(f"  {line} (and {len(offloads) - 1} more of the kind)")
    print()
    topology.gateway.wait_worker()


def walk(topology, experiments):
    """All experiments as a table; how many failed."""
    table = Table(topology.gateway)
    table.head()
    for what, experiment in experiments:
        table.row(what, experiment)
    table.foot()
    print()
    return table.failed


def verdict(failed):
    print(f"  {failed} of the above failed." if failed else "  Everything works.")
    return 1 if failed else 0


def excerpt(topology, *words, lines=9):
    """The first lines of what a command prints."""
    name = topology.gateway.instance
    show(["xdp-nat64", *words, "--name", name])
    text = topology.gateway.cmd(*words, "--name", name).stdout.rstrip().splitlines()
    for line in text[:lines]:
        print(f"  {line}")
    if len(text) > lines:
        print(f"  ... {len(text) - lines} more lines")
    print()


def show_section(topology, title):
    """One section of status."""
    name = topology.gateway.instance
    show(["xdp-nat64", "status", "--name", name])
    lines = iter(topology.gateway.cmd("status", "--name", name).stdout.splitlines())
    for line in lines:
        if line == title:
            break
    for line in lines:
        if not line.strip():
            break
        print(f"  {line}")
    print()
