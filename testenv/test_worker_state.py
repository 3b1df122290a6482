# SPDX-License-Identifier: GPL-2.0-only
"""The worker in mode stateful as a process: what it reclaims and when, what it probes,
what it holds and what becomes of that when it is killed, and how it follows a reload.
States that packets would take long to make are made by asking n64_state."""

import contextlib
import json
import os
import re
import signal
import time

import pytest
from scapy.layers.inet import TCP as Tcp, IP as IPv4, IPOption_NOP

import lib
import packets
from lib import wait_for
from state_ask import ICMP, TCP, UDP, State
from state_bed import ACK, SYN, fill
from stateful import C6, T, Z1, Flow, as6, attached, opened, pieces4, pieces6

FIN = 0x01
T9 = "203.0.113.9"
SWEEP_S = 10  # ST-10: the larger one of 10 s and 5 % of a timer


def shared(line):
    """The numbers of map `state`."""
    pin = f"/sys/fs/bpf/xdp-nat64/{line.gateway.instance}/state"
    done = line.gateway.out(["bpftool", "-j", "map", "lookup", "pinned", pin, "key", "0", "0", "0",
                             "0"])
    raw = bytes(int(word, 16) for word in json.loads(done)["value"])

    def number(at, size=4):
        return int.from_bytes(raw[at:at + size], "little")
    return {"tcp": number(64), "udp": number(128), "icmp": number(192), "sessions": number(256),
            "subscribers": number(320), "stored_syn": number(324), "frag_bytes": number(344, 8),
            "frag_peak": number(352, 8)}


def expect(line, seconds=SWEEP_S, **numbers):
    """These numbers within the time that ST-10 gives, and a little for the test."""
    begin = time.monotonic()
    wait_for(f"{numbers}", lambda: numbers.items() <= shared(line).items(), seconds + 1.5,
             lambda: f": {shared(line)}")
    return time.monotonic() - begin


@pytest.fixture
def asked(state):
    """Attached with a worker, and its state to be asked."""
    with attached(state) as line, State(line.gateway.instance) as asking:
        line.asking = asking
        yield line


def tcp(asking, op, flags, remote_port=80, **where):
    call = asking.ask(op, proto=TCP, remote4=Z1, remote_port=remote_port, tcp_flags=flags, **where)
    assert not call.reason, call
    return call


def connect(asking, port=40000, remote_port=80):
    """An established session; (address, port) of its mapping."""
    call = tcp(asking, "CALL_OUT", SYN, remote_port, host6=C6, port6=port)
    tcp(asking, "CALL_IN", SYN | ACK, remote_port, addr4=call.addr4, port4=call.port4)
    return call.addr4, call.port4


def kill(gateway):
    """kill -9; the worker's lock is free again when this returns."""
    pid = gateway.worker_pid()
    os.kill(pid, signal.SIGKILL)
    wait_for("the worker to die", lambda: not gateway.status()["worker"]["alive"])


def start(gateway):
    gateway.start([gateway.program, "worker", "--foreground", "--name", gateway.instance])
    gateway.wait_worker()


# ---- reclaiming ------------------------------------------------------------------------


class TestSweep:
    def test_mappings(self, state):
        """ST-10: what has expired is reclaimed within 10 s, of every protocol, and not
        before."""
        with attached(state, subscriber_icmp=0) as line, State(line.gateway.instance) as ask:
            line.asking = ask
            self.walk(line)

    def walk(self, asked):
        for proto in (TCP, UDP, ICMP):
            made, refused = fill(asked.asking, 3000, proto, f"2001:db8:{proto:x}::1", 0 if
                                 proto == ICMP else 53)
            assert made == 3000, refused
        before = asked.gateway.stats()
        numbers = shared(asked)
        assert (numbers["tcp"], numbers["udp"], numbers["icmp"]) == (3000, 3000, 3000)
        asked.later(62)
        expect(asked, icmp=0, udp=3000, tcp=3000)
        asked.later(240 - 62 + 2)
        expect(asked, tcp=0, sessions=0, udp=3000)
        asked.later(60 + 2)
        expect(asked, udp=0)
        more = asked.gateway.stats()
        assert more.get("bib_deleted") - before.get("bib_deleted") == 9000
        asked.later(65)
        expect(asked, subscribers=0)

    def test_one_of_two_sessions(self, asked):
        """S21: the session that was closed goes, the other and the mapping stay."""
        ask = asked.asking
        addr, port = connect(ask)
        connect(ask, remote_port=81)
        tcp(ask, "CALL_OUT", FIN | ACK, host6=C6, port6=40000)
        tcp(ask, "CALL_IN", FIN | ACK, addr4=addr, port4=port)
        assert shared(asked)["sessions"] == 2
        asked.later(243)
        expect(asked, sessions=1, tcp=1)
        assert ask.peek_in(TCP, addr, port) is None  # the closed one
        tcp(ask, "CALL_IN", ACK, 81, addr4=addr, port4=port)

    def test_ended_by_command(self, asked):
        """Sessions of a mapping that was deleted count for nobody, though their own time
        is not over."""
        addr, port = connect(asked.asking)
        call = asked.asking.ask("CALL_PEEK_IN", proto=TCP, addr4=addr, port4=port, remote4=Z1,
                                remote_port=80)
        assert asked.asking.ask("CALL_DEL", binding=call.binding).n == 1
        expect(asked, sessions=0, tcp=0)

    def test_late_worker(self, state):
        """Nothing is left behind by time without a worker."""
        with attached(state, worker=False) as line:
            with State(line.gateway.instance) as ask:
                fill(ask, 2000, UDP)
            line.later(303)
            start(line.gateway)
            expect(line, udp=0)
            line.gateway.stop_all()

    def test_drained_address(self, state):
        """PORT-10, S28: an address that is in the pool no more is given up when its last
        mapping is gone."""
        with attached(state, pool=(T, T9)) as line:
            with State(line.gateway.instance) as ask:
                fill(ask, 20 * 1024, UDP)  # 20 subscribers: some on each
            assert {row["address"] for row in line.gateway.status()["pool4"]} == {T, T9}
            line.gateway.reload("-i", "eth6", "-i", "eth4", "--mode", "stateful", "-6", as6("")
                                + "/96", "-4", T)
            left = {row["address"] for row in line.gateway.status()["pool4"]}
            assert left == {T, T9}, "it has mappings"
            line.later(303)
            wait_for("the address to be given up", lambda: {
                row["address"] for row in line.gateway.status()["pool4"]} == {T}, 3 * SWEEP_S)
            expect(line, udp=0)


# ---- probes ------------------------------------------------------------------------------


class TestProbe:
    def test_once(self, asked):
        """S04, TCP-30: each idle session is probed once, and forgotten 240 s later."""
        ports = range(40000, 40040)
        for port in ports:
            connect(asked.asking, port)
        asked.drain()
        asked.later(7190)
        assert asked.client.recv(seconds=8) is None, "probed too early"
        before = asked.gateway.stats()
        asked.later(20)
        wait_for("the probes", lambda: asked.gateway.stats().get("tcp_probes")
                 - before.get("tcp_probes") == len(ports), SWEEP_S + 1)
        got = [packets.IP(packets.ip_of(asked.client.recv(seconds=3))) for _ in ports]
        assert sorted(p.ports[1] for p in got) == list(ports)
        for p in got:
            segment = Tcp(p.payload)
            assert not packets.faults(p.raw) and (p.src, p.dst, p.ttl) == (as6(Z1), C6, 64)
            assert (segment.seq, segment.ack, str(segment.flags)) == (0, 0, "A")
        assert asked.client.recv(seconds=8) is None, "probed again"
        asked.later(235)
        expect(asked, tcp=0, sessions=0)

    def test_off(self, state):
        with attached(state, tcp_probe="off") as line, State(line.gateway.instance) as ask:
            connect(ask)
            line.drain()
            line.later(7210)
            assert line.client.recv(seconds=SWEEP_S) is None
            assert line.gateway.stats().get("tcp_probes") == 0


# ---- the process ---------------------------------------------------------------------------


def program_ids(gateway):
    """Of the worker's n64_state, and of the pinned one."""
    folder = f"/proc/{gateway.worker_pid()}/fdinfo"
    ids = set()
    for name in os.listdir(folder):
        with contextlib.suppress(OSError), open(f"{folder}/{name}", encoding="ascii") as f:
            ids |= {int(row.split()[1]) for row in f if row.startswith("prog_id:")}
    pin = f"/sys/fs/bpf/xdp-nat64/{gateway.instance}/prog_state"
    return ids, json.loads(gateway.out(["bpftool", "-j", "prog", "show", "pinned", pin]))["id"]


def test_reload_renews_the_program(asked):
    """GEN-11: after a reload the worker asks the program with the new policy, which it
    opens without privileges."""
    ids, pinned = program_ids(asked.gateway)
    assert pinned in ids
    for turn in range(2):
        asked.gateway.reload()
        wait_for("the worker to follow", lambda old=pinned: program_ids(asked.gateway)[1] != old
                 and program_ids(asked.gateway)[1] in program_ids(asked.gateway)[0], 5)
        ids, new = program_ids(asked.gateway)
        assert pinned not in ids, f"turn {turn}: the old one is still open"
        pinned = new
    with open(f"/proc/{asked.gateway.worker_pid()}/status", encoding="ascii") as f:
        rows = dict(row.split(":", 1) for row in f)
    assert rows["Uid"].split() == ["65534"] * 4 and int(rows["CapEff"], 16) == 0


# ---- what the worker holds -------------------------------------------------------------------


PIECES = {"4to6": pieces4, "6to4": pieces6}


def arrives(line, way):
    return (line.client if way == "4to6" else line.server).recv(seconds=3)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in-order", "second-first"])
@pytest.mark.parametrize("way", PIECES)
def test_fragments(asked, way, order):
    """FRG-02, GEN-10: both ways and orders; while one is held the sums hold, too."""
    flow = opened(asked)
    parts = PIECES[way](flow)[1]
    asked.exchange(parts[order[0]])
    held = order[0] == 1
    assert asked.gateway.stats().handover["held"] == held
    assert asked.gateway.stats().handover["sums_hold"]
    wait_for("the gauge", lambda: bool(shared(asked)["frag_bytes"]) == held, 2)
    asked.send(parts[order[1]])
    got = [packets.IP(packets.ip_of(f)) for f in
           ([arrives(asked, way)] if not held else [arrives(asked, way), arrives(asked, way)])]
    assert got[0].offset == (0 if held else 600)
    wait_for("nothing to be held", lambda: not shared(asked)["frag_bytes"], 2)
    assert bool(shared(asked)["frag_peak"]) == held


def syn(source=Z1, sport=80, dport=50999):
    return IPv4(src=source, dst=T) / Tcp(sport=sport, dport=dport, flags="S", seq=77)


def test_killed(asked):
    """Design 4: kill -9 loses no mapping and no fast-path packet; what was held is counted
    as lost (GEN-10), and the next worker begins with an empty store."""
    flow = opened(asked)
    session = Flow(asked, "tcp", port=41000)
    for verb, flags in (("out", "S"), ("back", "SA"), ("out", "A")):
        assert not isinstance(getattr(session, verb)(flags), str)
    asked.exchange(syn())
    asked.exchange(pieces4(flow)[1][1])
    assert shared(asked)["stored_syn"] == 1 and asked.gateway.stats().handover["held"] == 1
    kill(asked.gateway)
    asked.later(200)
    assert not isinstance(flow.back(), str) and not isinstance(session.back("A"), str)
    start(asked.gateway)
    assert shared(asked)["stored_syn"] == 0
    asked.gateway.check_sums()
    assert not isinstance(flow.out(), str) and not isinstance(session.out("A"), str)
    # the fragment's datagram begins anew, and the SYN that the dead worker held is in
    # nobody's way
    for part in reversed(pieces4(flow, ident=9)[1]):
        asked.send(part)
    assert asked.client.recv(seconds=3) and asked.client.recv(seconds=3)
    asked.later(20)
    got = asked.exchange(syn())
    assert got[2].get("syn_stored") == 1, got[2]
    assert shared(asked)["stored_syn"] == 1
    asked.gateway.stop_all()


def test_syn_again_after_its_time(asked):
    """TCP-11, GENERR-15: once answered, the next SYN is a new one; while one waits, a
    second one is dropped (TCP-09)."""
    for turn in range(2):
        asked.drain()
        assert asked.exchange(syn())[2].get("syn_stored") == 1
        assert asked.exchange(syn())[2].get("syn_again") == 1
        before = asked.gateway.stats()
        asked.later(8)
        data = asked.server.recv(seconds=5)
        assert data is not None, f"turn {turn}: no answer"
        assert packets.IP(packets.ip_of(data)).icmp == (3, 3)
        more = asked.gateway.stats()
        assert more.get("syn_timeout") - before.get("syn_timeout") == 1
        assert more.get("icmp_sent") - before.get("icmp_sent") == 1
        wait_for("an empty store", lambda: not shared(asked)["stored_syn"], 2)


def test_too_long_to_be_stored(state):
    """TCP-32: one packet each, of 1500 bytes at most."""
    with attached(state) as line:
        for device in ("eth4", "eth6"):
            line.gateway.mtu(device, 3000)
        line.topology.server.mtu("eth0", 3000)
        try:
            long = syn() / (b"x" * 1461)
            assert len(bytes(long)) == 1501
            assert line.exchange(long)[2].get("syn_store_full") == 1
            assert line.exchange(syn(sport=81) / (b"x" * 1460))[2].get("syn_stored") == 1
        finally:
            line.topology.server.mtu("eth0", 1500)
            for device in ("eth4", "eth6"):
                line.gateway.mtu(device, 1500)


def test_store_follows_a_reload(asked):
    """TCP-32: max-stored-syn changes while it runs; 0: none are stored."""
    words = ["-i", "eth6", "-i", "eth4", "--mode", "stateful", "-6", as6("") + "/96", "-4", T]
    for most, reason in ((0, "syn_store_full"), (1, "syn_stored")):
        asked.gateway.reload(*words, "--set", f"max-stored-syn={most}")
        ids, pinned = program_ids(asked.gateway)
        wait_for("the worker to follow", lambda p=pinned: p in program_ids(asked.gateway)[0], 5)
        reasons = asked.exchange(syn(sport=100 + most))[2]
        assert reasons.get(reason) == 1, (most, reasons)
    assert asked.exchange(syn(sport=200))[2].get("syn_store_full") == 1


def test_address_becomes_the_hosts(asked):
    """GEN-05: what a translator cannot do is answered for a pool address, and is left to the
    host from the moment that the address is its own, also for a SYN that waits."""
    # with an option in its header it is the worker's
    other = IPv4(src=Z1, dst=T, proto=132, options=[IPOption_NOP()] * 4) / (b"x" * 20)

    def judged(reason):
        return asked.one(other)[1].get(reason) == 1

    assert judged("unsupported_proto")
    assert asked.exchange(syn())[2].get("syn_stored") == 1
    asked.gateway.ip(f"addr add {T}/32 dev lo")
    try:
        wait_for("the address to be the host's", lambda: judged("sp_returned"), 5)
        before = asked.gateway.stats()
        asked.later(8)
        wait_for("an empty store", lambda: not shared(asked)["stored_syn"], 5)
        more = asked.gateway.stats()
        assert more.get("syn_timeout") - before.get("syn_timeout") == 1
        assert more.get("icmp_sent") == before.get("icmp_sent")
    finally:
        asked.gateway.ip(f"addr del {T}/32 dev lo")
    wait_for("the address to be the pool's", lambda: judged("unsupported_proto"), 5)


def test_tables_are_touched(state):
    """After its start the worker touches each page of the tables once: 512 of each protocol of
    an address, and those of the hash tables. Packets pass meanwhile."""
    with attached(state) as line:
        log = f"/run/xdp-nat64/{line.gateway.instance}/worker.log"

        def said():
            with open(log, encoding="utf-8") as f:
                return re.search(r"the tables are touched, (\d+) pages", f.read())
        opened(line)
        wait_for("the touched tables", said, 30)
        flow = opened(line, port=40004)
        assert int(said()[1]) > 3 * 512
        assert not isinstance(flow.back(), str)
