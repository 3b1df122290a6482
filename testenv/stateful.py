# SPDX-License-Identifier: GPL-2.0-only
"""Mode stateful between dumb end hosts: packets one by one, each with what must come
out, and a state clock that tests move. The addresses are those of config "P" of
golden-packets.json: pref64 64:ff9b:1::/96, pool address T, hosts C6 and X6."""

import contextlib
import ipaddress
import json
import os
import select

import pytest
from scapy.layers.inet import ICMP, TCP, UDP, IP as IPv4, fragment
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

import lib
import packets
from line import Line

P64 = "64:ff9b:1::"
T = "203.0.113.8"
C6, X6 = "2001:db8:c::5", "2001:db8:c::6"
Y6 = "2001:db8:d::5"  # another subscriber
Z1, Z2, Z3 = lib.S4, lib.R4, "198.51.100.77"
DATA = Raw(bytes((7 * i + 3) & 255 for i in range(24)))

CLOCK = os.path.join(lib.TOP, "build", "test", "xdp-nat64-clock")
PATHS = pytest.mark.parametrize("slow", [False, True], ids=["fast", "forced-slow"])


def as6(v4):
    """An IPv4 address in pref64."""
    return str(ipaddress.IPv6Address(f"{P64}{v4}"))


class StateLine(Line):
    """Line with the product of the test clock, and its state."""

    def __init__(self, topology):
        super().__init__(topology)
        self.plain = self.gateway.program
        self.gateway.program = CLOCK
        self.ahead = 0

    def close(self):
        self.gateway.program = self.plain
        super().close()

    def attach(self, pool, settings, slow=False, worker=True):
        words = ["--mode", "stateful", "-6", f"{P64}/96"]
        for one in pool:
            words += ["-4", one]
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

    # time

    def later(self, seconds):
        """The state clock is that much further from now on."""
        self.ahead += seconds
        pin = f"/sys/fs/bpf/xdp-nat64/{self.gateway.instance}/test_clock"
        size = json.loads(self.gateway.out(["bpftool", "-j", "map", "show", "pinned", pin]))
        value = self.ahead.to_bytes(size["bytes_value"], "little")
        self.gateway.run(["bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0",
                          "value", *map(str, value)])

    # the tables

    def rows(self, *words, **where):
        done = self.gateway.cmd(*words, "--json", "--name", self.gateway.instance)
        return [row for row in json.loads(done.stdout)
                if all(row[k] == v for k, v in where.items())]

    def mappings(self, **where):
        """Those that live, static ones too."""
        return self.rows("mapping", "list", **where)

    def sessions(self, **where):
        return self.rows("session", "list", **where)

    # packets

    def one(self, packet):
        """Sends a packet; (what came out, if one did, and what was counted)."""
        self.drain()
        before = self.gateway.stats()
        self.send(packet)
        now = self.gateway.wait_settled(before)
        wires = (self.client, self.server)
        # What was counted as sent is in the veth's ring or past it.
        frames = [f for wire in wires for f in wire.drain()]
        if not frames:
            select.select([wire.sock for wire in wires], [], [], 0.15)
            frames = [f for wire in wires for f in wire.drain()]
        assert len(frames) <= 1, [str(packets.IP(packets.ip_of(f))) for f in frames]
        reasons = {}
        for counted in now.since(before).values():
            for reason, count in counted.items():
                reasons[reason] = reasons.get(reason, 0) + count
        reasons.pop("pair_noise", None)
        if not frames:
            return None, reasons
        got = packets.IP(packets.ip_of(frames[0]))
        assert not (wrong := packets.faults(got.raw)), wrong
        return got, reasons


class Flow:
    """One host's socket towards a remote: `out` sends from the host and learns the
    external port, `back` answers to it. Both return the packet that came out, or the
    name of the reason if none did."""

    def __init__(self, line, proto, host=C6, port=40000, remote=Z1, rport=80):
        self.line, self.proto = line, proto
        self.host, self.port, self.remote, self.rport = host, port, remote, rport
        self.addr4 = self.port4 = None

    def to(self, remote=None, rport=None):
        """The same socket towards another remote."""
        other = Flow(self.line, self.proto, self.host, self.port, remote or self.remote,
                     self.rport if rport is None else rport)
        other.addr4, other.port4 = self.addr4, self.port4
        return other

    def packet6(self, flags="S", ttl=64, payload=DATA):
        head = IPv6(src=self.host, dst=as6(self.remote), hlim=ttl)
        if self.proto == "icmp":
            return head / ICMPv6EchoRequest(id=self.port, seq=1, data=bytes(payload))
        return head / self.transport(self.port, self.rport, flags) / payload

    def packet4(self, flags="SA", ttl=64, payload=DATA):
        head = IPv4(src=self.remote, dst=self.addr4, ttl=ttl, flags="DF")
        if self.proto == "icmp":
            return head / ICMP(type=0, id=self.port4, seq=1) / payload
        return head / self.transport(self.rport, self.port4, flags) / payload

    def transport(self, sport, dport, flags):
        if self.proto == "tcp":
            return TCP(sport=sport, dport=dport, flags=flags, seq=5, ack=6 if "A" in flags else 0)
        return UDP(sport=sport, dport=dport)

    def out(self, flags="S", **more):
        got, reasons = self.line.one(self.packet6(flags, **more))
        if got is None or got.version != 4:
            return self.reason(got, reasons)
        assert (got.dst, got.ttl) == (self.remote, more.get("ttl", 64) - 1), got
        assert self.line_ports(got)[1] == (self.rport if self.proto != "icmp" else None)
        self.addr4, self.port4 = got.src, self.line_ports(got)[0]
        return got

    def back(self, flags="SA", **more):
        got, reasons = self.line.one(self.packet4(flags, **more))
        if got is None or got.version != 6:
            return self.reason(got, reasons)
        assert (got.src, got.dst) == (as6(self.remote), self.host), got
        assert got.ttl == more.get("ttl", 64) - 1
        assert self.line_ports(got)[1 if self.proto != "icmp" else 0] == self.port
        return got

    def line_ports(self, got):
        if self.proto == "icmp":
            return int.from_bytes(got.payload[4:6], "big"), None
        return got.ports

    @staticmethod
    def reason(got, reasons):
        """The drop or error that was counted; with an ICMP error, also its type."""
        names = sorted(r for r in reasons if lib.kind(r) in ("DROP", "ERROR"))
        passed = sorted(r for r in reasons if lib.kind(r) == "PASS")
        text = "+".join(names or passed) or "nothing"
        return f"{text} {got.icmp[0]}/{got.icmp[1]}" if got is not None else text


@pytest.fixture(scope="module")
def state(dumb):
    if not os.path.exists(CLOCK):
        pytest.fail(f"{CLOCK} is not there: make {os.path.relpath(CLOCK, lib.TOP)}")
    line = StateLine(dumb)
    yield line
    line.close()


@contextlib.contextmanager
def attached(line, pool=(T,), slow=False, worker=True, **settings):
    """Attached while the block runs; then the sums of GEN-10 are checked."""
    line.attach(pool, {k.replace("_", "-"): v for k, v in settings.items()}, slow, worker)
    try:
        yield line
        if worker:
            line.gateway.check_sums()
    finally:
        line.gateway.detach()


def opened(line, host=C6, port=40002, proto="udp", remote=Z1, rport=53):
    """A flow whose first packet has been forwarded."""
    flow = Flow(line, proto, host, port, remote, rport)
    got = flow.out("S")
    assert not isinstance(got, str), got
    return flow


def pieces4(flow, ident=7, size=1000, cut=600):
    whole = IPv4(src=flow.remote, dst=flow.addr4, id=ident) / UDP(
        sport=flow.rport, dport=flow.port4) / Raw(os.urandom(size))
    return whole, fragment(whole, cut)


def pieces6(flow, ident=9, size=1000, cut=600):
    """Fragments of a UDP datagram by hand: (offset, packet)."""
    whole = bytes(IPv6(src=flow.host, dst=as6(flow.remote)) / UDP(
        sport=flow.port, dport=flow.rport) / Raw(os.urandom(size)))
    head, body = whole[:40], whole[40:]
    out = []
    for at in range(0, len(body), cut):
        part = body[at:at + cut]
        more = 1 if at + cut < len(body) else 0
        frag = bytes([17, 0]) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
        out.append(head[:4] + (len(part) + 8).to_bytes(2, "big") + b"\x2c" + head[7:] + frag + part)
    return body, out
