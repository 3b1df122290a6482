# SPDX-License-Identifier: GPL-2.0-only
"""Beds of the product, by mode."""

import os

import lib
from frames import Model, Net
from rig import PORT_BITS, Bed

HOSTS6 = "2001:db8:1000::1"
HOSTS4 = "10.0.0.0"
SHARED4 = "100.64.0.0"
S4, S6 = lib.S4, lib.S6
FLOWS_AN_ADDRESS = 40960  # of 64512 ports: 1 M and 10 M flows use half of a pool
HOSTS_AN_ADDRESS = 256    # by default (max-subscribers)


def shared_addresses(flows):
    """How many addresses a scenario of that many flows gets: a power of two."""
    need = max(2, -(-flows // FLOWS_AN_ADDRESS))
    return 1 << (need - 1).bit_length()


class Product(Bed):
    name = "xdp-nat64"

    def __init__(self, flows, program=None, settings=None, tag="", verbose=False):
        super().__init__(self.model_of(flows), flows, verbose)
        self.settings = dict(settings or {})
        self.tag = tag
        if program:
            self.topology.gateway.program = program

    @property
    def label(self):
        return f"{self.name} {self.mode}{self.tag}"

    def words(self):
        """What attach is told of this mode."""
        raise NotImplementedError

    def up(self):
        gateway = self.topology.gateway
        sets = [w for k, v in self.settings.items() for w in ("--set", f"{k}={v}")]
        gateway.attach("--native", *self.words(), *sets, pref64=None, eam=False)
        gateway.wait_worker()

    def restart(self):
        """Detached and attached: no mapping is left."""
        self.topology.gateway.detach()
        self.up()
        self.new_externals()

    def pin_worker(self, cpu):
        os.sched_setaffinity(self.worker(), {cpu})

    def counted(self, reason):
        return self.topology.gateway.stats().get(reason)

    def worker(self):
        return self.topology.gateway.worker_pid()


class Stateful(Product):
    mode = "stateful"

    def settle(self):
        """In a virtual machine the first access to a page of a table is dear: the worker does
        that after its start (docs/guide.md), within seconds."""
        log = f"/run/xdp-nat64/{self.topology.gateway.instance}/worker.log"

        def touched():
            with open(log, encoding="utf-8") as f:
                return "the tables are touched" in f.read()
        lib.wait_for("the worker to touch the tables", touched, 120)

    @staticmethod
    def model_of(flows):
        return Model(Net(6, HOSTS6, S6), Net(4, SHARED4, S4, shared_addresses(flows)))

    def pool(self):
        bits = self.model.outside.externals.bit_length() - 1
        return [f"{SHARED4}/{32 - bits}"]

    def words(self):
        words = ["--mode", "stateful", "-6", lib.PREF64]
        hosts = 2 * (self.flows >> PORT_BITS)
        if hosts > HOSTS_AN_ADDRESS * self.model.outside.externals:
            words += ["--set", f"max-subscribers={hosts}"]
        if self.flows > 4_000_000:  # the memory of one protocol is enough
            words += ["--set", "max-tcp-mappings=100000", "--set", "max-icmp-mappings=100000"]
        for prefix in self.pool():
            words += ["-4", prefix]
        return words


class Dynamic(Stateful):
    """An address for each host, twice as many as hosts."""
    mode = "dynamic"

    @staticmethod
    def model_of(flows):
        hosts = max(1, flows >> PORT_BITS)
        return Model(Net(6, HOSTS6, S6), Net(4, SHARED4, S4, 1 << (2 * hosts).bit_length()))

    def words(self):
        return ["--mode", "dynamic", "-6", lib.PREF64, "-a", "2001:db8::/32",
                *[word for prefix in self.pool() for word in ("-4", prefix)]]


class Siit(Product):
    """Explicit address mappings, a /8 for all hosts."""
    mode = "siit"

    @staticmethod
    def model_of(flows):
        del flows
        return Model(Net(6, HOSTS6[:-1], S6), Net(4, HOSTS4, S4))

    def words(self):
        return ["--mode", "siit", "-6", lib.PREF64, "--eam", "10.0.0.0/8=2001:db8:1000::/40"]


MODES = {cls.mode: cls for cls in (Stateful, Siit, Dynamic)}
