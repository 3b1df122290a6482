# SPDX-License-Identifier: GPL-2.0-only
"""TCP in mode stateful through the attached gateway (section 11, Appendix B.2): each
scenario is a list of steps, walked once with the fast path and once with everything
forced through the worker. Hours pass by the test clock."""

import contextlib
import time

import pytest
from scapy.layers.inet import ICMP, TCP, IP as IPv4

import packets
from stateful import C6, DATA, T, Z1, Z2, Z3, Flow, as6, attached

OPEN = [("out", "S", "fwd"), ("back", "SA", "fwd"), ("out", "A", "fwd")]
CLOSE = [("out", "FA", "fwd"), ("back", "FA", "fwd"), ("out", "A", "fwd")]

# (ID, what, settings, steps). A step is (verb, ...): out/back FLAGS WANT sends from the
# host / to its external port, WANT is "fwd" or what is counted instead; later SECONDS;
# state WORD is that of the host's session; gone: neither mapping nor session.
SCENARIOS = [
    ("S01", "three-way handshake", {}, [
        ("out", "S", "fwd"), ("state", "v6-init"), ("back", "SA", "fwd"),
        ("state", "established"), ("out", "A", "fwd"), ("left", 7200)]),
    ("S02", "both FINs, then 240 s", {}, OPEN + [
        ("out", "FA", "fwd"), ("state", "v6-fin-rcv"), ("back", "FA", "fwd"),
        ("state", "v4-fin-v6-fin-rcv"), ("later", 238), ("state", "v4-fin-v6-fin-rcv"),
        ("later", 5), ("gone",), ("out", "A", "tcp_no_state")]),
    ("S03", "RST, then 240 s", {}, OPEN + [
        ("back", "R", "fwd"), ("state", "trans"), ("later", 243), ("gone",)]),
    ("S03", "RST, data at 100 s", {}, OPEN + [
        ("back", "R", "fwd"), ("later", 100), ("out", "A", "fwd"), ("state", "established"),
        ("later", 300), ("state", "established"), ("left", 6900)]),
    ("S04", "idle 7200 s is TRANS, 7440 s is gone", {"tcp-probe": "off"}, OPEN + [
        ("later", 7199), ("state", "established"), ("later", 3), ("state", "trans"),
        ("later", 241), ("gone",), ("back", "A", "tcp_no_state")]),
    ("TCP-27", "a packet at 7300 s restores the session", {"tcp-probe": "off"}, OPEN + [
        ("later", 7300), ("back", "A", "fwd"), ("state", "established"), ("later", 7000),
        ("out", "A", "fwd")]),
    ("TCP-15", "half open for 240 s", {}, [
        ("out", "S", "fwd"), ("later", 238), ("state", "v6-init"), ("later", 5), ("gone",)]),
    ("TCP-13", "SYN again", {}, [
        ("out", "S", "fwd"), ("later", 200), ("out", "S", "fwd"), ("later", 200),
        ("state", "v6-init"), ("left", 40)]),
    ("TCP-14", "RST while half open changes nothing", {}, [
        ("out", "S", "fwd"), ("back", "RA", "fwd"), ("state", "v6-init"), ("left", 240)]),
    ("TCP-20", "FIN of the server first", {}, OPEN + [
        ("back", "FA", "fwd"), ("state", "v4-fin-rcv"), ("out", "A", "fwd"), ("left", 7200),
        ("out", "FA", "fwd"), ("state", "v4-fin-v6-fin-rcv"), ("left", 240)]),
    ("TCP-31", "port used again after the close", {}, OPEN + CLOSE + [
        ("out", "S", "fwd"), ("state", "v6-init"), ("back", "SA", "fwd"),
        ("state", "established"), ("later", 300), ("out", "A", "fwd")]),
    ("TCP-31", "not with tcp-reuse-close off", {"tcp-reuse-close": "off"}, OPEN + CLOSE + [
        ("out", "S", "fwd"), ("state", "v4-fin-v6-fin-rcv")]),
    ("TCP-33", "simultaneous open", {}, [
        ("out", "S", "fwd"), ("back", "S", "fwd"), ("state", "established"), ("out", "SA", "fwd"),
        ("back", "SA", "fwd"), ("out", "A", "fwd")]),
    ("TCP-05", "SYN from IPv4 to a mapping (eif)", {}, OPEN + [
        ("from", Z2), ("back", "S", "fwd"), ("state", "v4-init"), ("out", "SA", "fwd"),
        ("state", "established")]),
    ("TCP-02", "drop-v4-initiated-tcp", {"drop-v4-initiated-tcp": "on"}, OPEN + [
        ("from", Z2), ("back", "S", "v4_tcp")]),
    ("TCP-06", "no session: forwarded under eif", {}, OPEN + [
        ("from", Z2), ("back", "A", "fwd"), ("out", "A", "fwd"), ("no session",)]),
    ("TCP-06", "no session: refused under adf", {"filtering-tcp": "adf"}, OPEN + [
        ("from", Z2), ("back", "A", "adf"), ("no session",)]),
    ("GENERR-14", "refused with an error", {"filtering-tcp": "adf", "error-adf": "on"}, OPEN + [
        ("from", Z2), ("back", "A", "adf_error 3/13")]),
    ("TCP-37", "SYN with data, FIN with data, URG", {}, [
        ("out", "S", "fwd"), ("back", "SA", "fwd"), ("out", "UA", "fwd"), ("out", "FPA", "fwd"),
        ("state", "v6-fin-rcv")]),
    ("S18", "data without a mapping", {}, [
        ("out", "A", "tcp_no_state"), ("out", "FA", "tcp_no_state"), ("out", "R", "tcp_no_state"),
        ("gone",)]),
    ("S16", "SYN with hop limit 1", {}, [
        ("dies", "S", "ttl_expired 3/0"), ("gone",)]),
    ("TCP-36", "inbound-refresh off", {"inbound-refresh": "off"}, OPEN + [
        ("later", 100), ("back", "A", "fwd"), ("left", 7100), ("out", "A", "fwd"),
        ("left", 7200)]),
]


class Walk:
    """Walks the steps of a scenario with one host's port."""

    def __init__(self, line, port):
        self.line = line
        self.flow = Flow(line, "tcp", port=port)

    def step(self, verb, *words):
        getattr(self, verb.replace(" ", "_"))(*words)

    def out(self, flags, want, **more):
        got = self.flow.out(flags, **more)
        assert isinstance(got, str) is (want != "fwd") and (want == "fwd" or got == want), got

    def dies(self, flags, want):
        self.out(flags, want, ttl=1)

    def back(self, flags, want):
        got = self.flow.back(flags)
        assert isinstance(got, str) is (want != "fwd") and (want == "fwd" or got == want), got

    def later(self, seconds):
        self.line.later(seconds)

    def use(self, remote):
        self.flow = self.flow.to(remote)

    def mine(self):
        return [row for row in self.line.sessions()
                if row["remote4"] == self.flow.remote and row["port6"] == self.flow.port]

    def state(self, word):
        rows = self.mine()
        assert [row["state"] for row in rows] == [word], rows

    def left(self, seconds):
        """The session lives that long yet (packets take a second at most); established,
        the 240 s of the probe are in it (ST-10)."""
        rows = self.mine()
        if rows and rows[0]["state"] == "established":
            seconds += 240
        assert len(rows) == 1 and seconds - 3 <= rows[0]["expires_s"] <= seconds + 1, rows

    def no_session(self):
        assert not self.mine()

    def gone(self):
        assert not self.mine()
        assert not [m for m in self.line.mappings() if m["port6"] == self.flow.port]


setattr(Walk, "from", Walk.use)


class Attached:
    """Attached with the settings at hand: scenarios that share them share it."""

    def __init__(self, line):
        self.line, self.key = line, None
        self.stack = contextlib.ExitStack()
        self.port = 40000

    def get(self, settings, slow):
        key = (tuple(sorted(settings.items())), slow)
        if key != self.key:
            self.close()
            self.stack.enter_context(attached(self.line, slow=slow, **settings))
            self.key = key
        self.port += 1
        return self.line, self.port

    def close(self):
        self.key = None
        self.stack.close()


@pytest.fixture(scope="module")
def shared(state):
    made = Attached(state)
    yield made
    made.close()


ROWS = sorted(SCENARIOS, key=lambda row: sorted(row[2].items()))


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
@pytest.mark.parametrize("slow", [False, True], ids=["fast", "forced-slow"])
def test_scenario(shared, row, slow):
    _, _, settings, steps = row
    line, port = shared.get(settings, slow)
    walk = Walk(line, port)
    for number, step in enumerate(steps):
        try:
            walk.step(*step)
        except AssertionError as error:
            raise AssertionError(f"step {number + 1}, {step}: {error}") from error


# ---- what needs more than one flow ----------------------------------------------------


@pytest.mark.parametrize("slow", [False, True], ids=["fast", "forced-slow"])
class TestMore:
    @pytest.fixture
    def line(self, shared, state):
        shared.close()
        return state

    def test_probe(self, line, slow):
        """S04, TCP-30: the host is asked after 7200 s; silent, it is forgotten after
        240 more."""
        with attached(line, slow=slow):
            flow = Flow(line, "tcp")
            for verb, flags, _ in OPEN:
                getattr(flow, verb)(flags)
            line.drain()
            line.later(7201)
            data = line.client.recv(seconds=25)
            assert data is not None, "no probe"
            probe = packets.IP(packets.ip_of(data))
            tcp = TCP(probe.payload)
            assert (probe.src, probe.dst) == (as6(Z1), C6) and probe.ttl == 64
            assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack) == (80, 40000, 0, 0)
            assert (str(tcp.flags), tcp.dataofs, tcp.window) == ("A", 5, 0)
            assert not packets.faults(probe.raw) and not tcp.payload
            assert [s["state"] for s in line.sessions()] == ["trans"]
            line.later(241)
            assert not line.sessions() and not line.mappings()
            assert flow.back("A") == "tcp_no_state"

    def test_answered_probe(self, line, slow):
        """TCP-27: the host's answer to the probe keeps the session."""
        with attached(line, slow=slow):
            flow = Flow(line, "tcp")
            for verb, flags, _ in OPEN:
                getattr(flow, verb)(flags)
            line.drain()
            line.later(7201)
            assert line.client.recv(seconds=25) is not None
            flow.out("A")
            assert [s["state"] for s in line.sessions()] == ["established"]

    def test_stored_syn_times_out(self, line, slow):
        """S05, TCP-03, TCP-34, GENERR-15: nothing for 6 s, then 3/3 quoting the SYN."""
        with attached(line, slow=slow):
            syn = IPv4(src=Z1, dst=T) / TCP(sport=80, dport=50999, flags="S", seq=77)
            line.drain()
            before = time.monotonic()
            line.send(syn)
            line.send(syn)  # TCP-09
            data = line.server.recv(seconds=10)
            waited = time.monotonic() - before
            assert data is not None and waited >= 5.9, waited
            error = packets.IP(packets.ip_of(data))
            assert error.icmp == (3, 3) and error.dst == Z1 and not packets.faults(error.raw)
            assert error.quoted[:24] == bytes(syn)[:24]
            assert line.server.recv(seconds=0.3) is None and not line.client.drain()
            assert not line.sessions()

    @pytest.mark.parametrize("how", ["one-port", "adf"])
    def test_stored_syn_is_used(self, line, slow, how):
        """S06, TCP-08: the host opens towards the same peer: its SYN is forwarded, the
        stored one is never sent, and nobody is told anything."""
        settings = {"filtering-tcp": "adf"} if how == "adf" else {}
        pool = (T,) if how == "adf" else (f"{T}:50000-50000",)
        with attached(line, pool=pool, slow=slow, **settings):
            flow = Flow(line, "tcp", remote=Z2)
            if how == "adf":
                for verb, flags, _ in OPEN:
                    getattr(flow, verb)(flags)
            other = flow.to(Z1)
            other.addr4, other.port4 = T, flow.port4 or 50000
            assert other.back("S") == "syn_stored"
            got = other.out("S")
            assert not isinstance(got, str) and got.ports == (other.port4, 80), got
            mine = [s["state"] for s in line.sessions() if s["remote4"] == Z1]
            assert [word for word in mine if word != "permission"] == ["established"]
            line.drain()
            assert line.server.recv(seconds=7) is None, "the SYN was answered after all"
            assert not line.client.drain()

    def test_sessions_of_one_mapping(self, line, slow):
        """S21, TCP-38: what one session does keeps no other alive."""
        with attached(line, slow=slow):
            one = Flow(line, "tcp", remote=Z1)
            for verb, flags, _ in OPEN:
                getattr(one, verb)(flags)
            two = one.to(Z2)
            for verb, flags, _ in OPEN:
                getattr(two, verb)(flags)
            assert one.port4 == two.port4
            for verb, flags, _ in CLOSE:
                getattr(one, verb)(flags)
            for _ in range(2):
                line.later(121)
                assert not isinstance(two.out("A"), str)
                three = one.to(Z3)
                assert not isinstance(three.back("A"), str)  # eif
            assert [s["remote4"] for s in line.sessions()] == [Z2]
            line.later(7441)
            assert two.to(Z3).back("A") == "tcp_no_state"
            assert not line.sessions() and not line.mappings()

    def test_rst_check(self, line, slow):
        """TCP-35: an RST outside the window is forwarded and changes nothing."""
        with attached(line, slow=slow, **{"tcp-rst-check": "on"}):
            flow = Flow(line, "tcp")
            for verb, flags, _ in OPEN:
                getattr(flow, verb)(flags)
            for seq, state in ((900000, "established"), (7, "trans")):
                head = IPv4(src=Z1, dst=T)
                got, reasons = line.one(head / TCP(sport=80, dport=flow.port4, flags="R", seq=seq))
                assert got is not None, reasons
                assert [s["state"] for s in line.sessions()] == [state]

    def test_error_keeps_nothing_alive(self, line, slow):
        """S12, ICQ-05: an ICMP error for a session a second before its end."""
        with attached(line, slow=slow):
            flow = Flow(line, "tcp")
            sent = flow.out("S")
            line.later(238)
            error = IPv4(src=Z2, dst=T) / ICMP(type=3, code=1) / sent.raw
            got, reasons = line.one(error)
            assert got is not None and got.icmp == (1, 0), reasons
            line.later(4)
            assert not line.sessions() and not line.mappings()

    def test_payload_is_untouched(self, line, slow):
        """L4-10: nobody looks inside."""
        with attached(line, slow=slow):
            flow = Flow(line, "tcp", rport=21)
            got = flow.out("S", payload=DATA)
            assert got.payload.endswith(bytes(DATA))
