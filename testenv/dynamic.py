# SPDX-License-Identifier: GPL-2.0-only
"""Mode dynamic between dumb end hosts: who has which address, packets one by one, and a
state clock that tests move. The pool is 10.0.1.0/24 where a test takes no other; hosts
are fc00::/8."""

import contextlib
import os

import pytest
from scapy.layers.inet import ICMP, TCP, UDP, IP as IPv4
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6

import lib
from stateful import CLOCK, DATA, P64, StateLine, Z1, as6

POOL = "10.0.1.0/24"
A6, B6, C6 = "fc00:1::5", "fc00:2::6", "fc00:3::7"


class DynamicLine(StateLine):
    """StateLine in mode dynamic."""

    def attach(self, pool, settings, slow=False, worker=True):
        words = ["--mode", "dynamic", "-6", f"{P64}/96"]
        allow = settings.pop("allow6", ["fc00::/8"])
        for one in pool:
            words += ["-4", one]
        for one in allow:
            words += ["-a", one]
        for key, value in settings.items():
            for each in value if isinstance(value, (list, tuple)) else [value]:
                words += ["--set", f"{key}={each}"]
        if slow:
            words += ["--set", "force-slow=on"]
        if not worker:
            words += ["--no-worker"]
        self.ahead = 0
        self.gateway.attach(*words, pref64=None, eam=False)
        if worker:
            self.gateway.wait_worker()

    def host(self, host6):
        """The address that a host has in `mapping list`, or None."""
        found = [m["ipv4"] for m in self.mappings(ipv6=host6)]
        assert len(found) <= 1
        return found[0] if found else None

    def mapping(self, *words, check=True):
        return self.gateway.cmd("mapping", *words, "--name", self.gateway.instance, check=check)

    def out(self, host6=A6, remote=Z1, l4=None, ttl=64):
        """A packet of a host; (what came out at the other end or None, reasons)."""
        return self.one(IPv6(src=host6, dst=as6(remote), hlim=ttl) /
                        (l4 if l4 is not None else UDP(sport=40000, dport=53) / DATA))

    def back(self, addr4, remote=Z1, l4=None, ttl=64):
        return self.one(IPv4(src=remote, dst=addr4, ttl=ttl, flags="DF") /
                        (l4 if l4 is not None else UDP(sport=53, dport=40000) / DATA))

    def refused(self, packet, want):
        """A packet leaves with this reason, with a space behind it an ICMP error. One that
        is left to the kernel is counted on a port."""
        if lib.kind(want.split()[0]) != "PASS":
            assert refusal(*self.one(packet)) == want
            return
        ports = self.gateway.stats().ports
        before = sum(self.gateway.stats().get(want, port) for port in ports)
        self.send(packet)
        lib.wait_for(want, lambda: sum(self.gateway.stats().get(want, port)
                                       for port in ports) > before)

    def new(self, host6, remote=Z1):
        """A host's first packet; the address that it got."""
        got, reasons = self.out(host6, remote)
        assert got is not None and (got.version, got.dst) == (4, remote), reasons
        assert self.host(host6) == got.src
        return got.src


@pytest.fixture(scope="module")
def dyn(dumb):
    if not os.path.exists(CLOCK):
        pytest.fail(f"{CLOCK} is not there: make {os.path.relpath(CLOCK, lib.TOP)}")
    line = DynamicLine(dumb)
    yield line
    line.close()


@contextlib.contextmanager
def attached(line, pool=(POOL,), slow=False, worker=True, **settings):
    """Attached while the block runs; then the sums of GEN-10 are checked."""
    line.attach(pool, {k.replace("_", "-"): v for k, v in settings.items()}, slow, worker)
    try:
        yield line
        if worker:
            line.gateway.check_sums()
    finally:
        line.gateway.detach()


def refusal(got, reasons):
    """The drop, error or pass that was counted; with an ICMP error, also its type."""
    names = sorted(r for r in reasons if lib.kind(r) in ("DROP", "ERROR"))
    text = "+".join(names or sorted(r for r in reasons if lib.kind(r) == "PASS")) or "nothing"
    return f"{text} {got.icmp[0]}/{got.icmp[1]}" if got is not None else text


# Transport of a packet from IPv6 and of one that answers, by protocol (L4-07).
PROTOCOLS = {
    "udp": (UDP(sport=40000, dport=53) / DATA, UDP(sport=53, dport=40000) / DATA),
    "tcp syn": (TCP(sport=40000, dport=80, flags="S"), TCP(sport=80, dport=40000, flags="SA")),
    "tcp ack": (TCP(sport=40000, dport=80, flags="A"), TCP(sport=80, dport=40000, flags="A")),
    "ping": (ICMPv6EchoRequest(id=7, seq=1, data=b"hello"), ICMP(type=0, id=7, seq=1) / b"hello"),
    "pong": (ICMPv6EchoReply(id=7, seq=1, data=b"hello"), ICMP(type=8, id=7, seq=1) / b"hello"),
}


def problems(gateway):
    return gateway.status()["problems"]
