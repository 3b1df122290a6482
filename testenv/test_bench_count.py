# SPDX-License-Identifier: GPL-2.0-only
"""Instructions of a frame, counted by interpreting the loaded program: the interpreter itself,
the frames that it is given, and what the fast path may cost. Nothing here measures time."""

import os
import struct
import sys

import pytest

import lib
import packets

sys.path.append(os.path.join(lib.TOP, "bench", "kit"))

import count  # noqa: E402  (after the path is set)
import machine  # noqa: E402
from frames import Shape  # noqa: E402
from product import MODES, Stateful  # noqa: E402
from rig import TOOL, Load, Reference  # noqa: E402

FLOWS = 64
MANY = 100_000
M32, M64 = count.MASK32, count.MASK64

# What an established flow and a new mapping may cost: some 5 % over what they do today, so that
# nobody makes the fast path longer without saying so here.
BUDGET = {("stateful", "out"): 650, ("stateful", "in"): 525, ("siit", "out"): 445,
          ("siit", "in"): 390, ("dynamic", "out"): 500, ("dynamic", "in"): 460}
NEW_MAPPING = {"udp": 4000, "tcp": 4550}


# ---- the interpreter -----------------------------------------------------------------------


@pytest.mark.parametrize("code, off, imm, a, b, want", [
    (0x07, 0, -1, 5, 0, 4),                     # r += imm, 64 bits
    (0x0F, 0, 0, M64, 2, 1),                    # r += r, around
    (0x04, 0, 1, M32, 0, 0),                    # w += imm clears the upper half
    (0x1F, 0, 0, 3, 5, M64 - 1),                # r -= r
    (0x2F, 0, 0, 1 << 63, 2, 0),                # r *= r
    (0x3F, 0, 0, 7, 2, 3),                      # r /= r
    (0x3F, 0, 0, 7, 0, 0),                      # by 0 is 0
    (0x9F, 0, 0, 7, 0, 7),                      # modulo 0 leaves it
    (0x3F, 1, 0, M64 - 6, 2, M64 - 2),          # signed: -7 / 2 = -3
    (0x67, 0, 4, 1, 0, 16), (0x77, 0, 4, M64, 0, M64 >> 4),
    (0xC7, 0, 4, 1 << 63, 0, 0xF8 << 56),       # arithmetic
    (0xC4, 0, 4, 1 << 31, 0, 0xF8000000),
    (0x87, 0, 0, 1, 0, M64), (0xA7, 0, -1, 0, 0, M64), (0xA4, 0, -1, 0, 0, M32),
    (0xBF, 8, 0, 0, 0x80, M64 - 0x7F),          # sign extension
    (0xBC, 0, 0, 0, M64, M32),
    (0xDC, 0, 16, 0x1234, 0, 0x3412), (0xDC, 0, 32, 0x12345678, 0, 0x78563412),
    (0xD4, 0, 16, 0x91234, 0, 0x1234),          # to little: cut
    (0xD7, 0, 64, 1, 0, 1 << 56),               # bswap
])
def test_arithmetic(code, off, imm, a, b, want):
    regs = [a, b] + [0] * 9
    count.alu(code, off, imm, regs, 0, 1)
    assert regs[0] == want


@pytest.mark.parametrize("code, imm, a, b, taken", [
    (0x05, 0, 0, 0, True), (0x15, -1, M64, 0, True), (0x16, -1, M32, 0, True),
    (0x55, 3, 3, 0, False), (0x2D, 0, 1, M64, False), (0x6D, 0, 1, M64, True),  # 1 > -1, signed
    (0x3D, 0, 5, 5, True), (0xAD, 0, 4, 5, True), (0xBD, 0, 6, 5, False),
    (0xCD, 0, M64, 0, True), (0xDD, 0, 0, M64, False), (0x45, 6, 8, 0, False),
    (0x7E, 0, 1 << 31, 0, False),               # narrow: the sign is bit 31
])
def test_jumps(code, imm, a, b, taken):
    assert count.jump(code, 7, imm, a, b) == (7 if taken else 0)


# ---- frames ------------------------------------------------------------------------------------


@pytest.mark.parametrize("proto, way", [(p, w) for p in ("udp", "tcp", "icmp")
                                        for w in ("out", "in")])
def test_a_tag_changes_nothing_else(proto, way):
    """The same frame with four bytes more behind the MAC addresses."""
    plain, with_tag = (count.frame_of(
        Stateful.model_of(FLOWS).sent(way, Shape(proto=proto, size=100, tag=tag)).source()
        | {"by_step": False, "port_bits": 6}, (777, 0, 0)) for tag in (False, True))
    assert with_tag == plain[:12] + bytes.fromhex("8100a000") + plain[12:]


@pytest.mark.parametrize("proto, way", [(p, w) for p in ("udp", "tcp", "icmp")
                                        for w in ("out", "in")])
def test_frames_are_right(proto, way):
    """Both checksums of a frame that differs from the template in all that varies."""
    template = Stateful.model_of(FLOWS).sent(way, Shape(proto=proto, size=100))
    source = template.source() | {"by_step": False, "port_bits": 6}
    frame = count.frame_of(source, (777, 0, 0))
    assert struct.unpack_from("=I", frame, template.off_id)[0] == 777
    assert struct.unpack_from("!H", frame, template.off_port)[0] == 10000 + 777 % 64
    family = 6 if frame[14] >> 4 == 6 else 4
    body = frame[template.l4:]
    start = 0
    if template.pseudo():
        ends = frame[22:54] if family == 6 else frame[26:34]
        start = packets.ones(ends + struct.pack("!II", len(body), template.number))
    assert packets.ones(body, start) == 0xFFFF
    assert family == 6 or packets.ones(frame[14:34]) == 0xFFFF


# ---- programs ----------------------------------------------------------------------------------


def told(bed, load, **more):
    """What was executed; skipped with the reason where this kernel does not say. Asked again where
    a frame took the long way, to the FIB, because the worker was late."""
    for _ in range(3):
        (one,) = machine.executed(bed, load, **more).values()
        if "insns" in one:
            return one
        if "kallsyms" in one["why_not"]:
            pytest.skip(one["why_not"])
        bed.measure_once(load)
    pytest.fail(one["why_not"])


def at_most(bed, load, key, most, **more):
    """The same figure, counted within the second for which what a CPU remembers of a pair of
    addresses holds, which a busy machine may miss."""
    for _ in range(10):
        bed.measure_once(load)
        figure = told(bed, load, **more)[key]
        if figure <= most:
            break
    assert figure <= most
    return figure


@pytest.fixture(autouse=True)
def _needs_root():
    if os.geteuid():
        pytest.skip("loading BPF programs needs root")


def test_a_program_that_only_redirects(echo):
    if not os.path.exists(TOOL):
        pytest.fail(f"{TOOL} is not there: make build/bench/bench")
    with Reference(Stateful.model_of(FLOWS), FLOWS, echo) as bed:
        assert told(bed, Load(flows=FLOWS, shape=Shape(size=100)))["insns"] < 20


def new_mappings(bed, more=0):
    """Within the budget, and what goes beyond it for what else there is."""
    for proto, most in NEW_MAPPING.items():
        load = Load(flows=FLOWS, shape=Shape(proto=proto, size=100, flags="syn"))
        assert told(bed, load, fresh=True)["insns"] <= most + more, proto


@pytest.mark.parametrize("mode", MODES)
def test_the_budget_of_the_fast_path(mode, echo):
    """Instructions of an established flow each way, the same whenever they are counted, and of
    a new mapping, which is not made by being counted."""
    with MODES[mode](FLOWS, verbose=echo) as bed:
        bed.open(Load(flows=FLOWS))
        for way in ("out", "in"):
            load = Load(ways=(way,), flows=FLOWS, shape=Shape(size=100))
            cost = [at_most(bed, load, "insns", BUDGET[mode, way]) for _ in range(2)]
            assert cost[0] == pytest.approx(cost[1], abs=16)  # a deadline is moved, or is not
        if mode == "stateful":
            made = bed.counted("bib_created")
            new_mappings(bed)
            assert bed.counted("bib_created") == made


@pytest.mark.parametrize("mode", MODES)
def test_no_branch_is_a_guess(mode, echo):
    """Packets of many flows, one behind the other, of several hosts to several addresses: no branch
    of the short way goes another way for a quarter of them, which no processor could foresee, but
    the one that moves a deadline once a second."""
    with MODES[mode](MANY, verbose=echo) as bed:
        bed.open(Load(flows=MANY))
        for way in ("out", "in"):
            load = Load(ways=(way,), flows=MANY, shape=Shape(size=100))
            at_most(bed, load, "guesses", 1, frames=80)


class TwoPrefixes(Stateful):
    def words(self):
        return super().words() + ["-6", "2001:db8:122:344::/64"]


class Entry(MODES["siit"]):
    """The same hosts as in mode siit, as a stateless entry beside the mappings."""

    def words(self):
        hosts = super().words()[-1]
        return ["--mode", "stateful", "-6", lib.PREF64, "-4", "203.0.113.8/32",
                "--set", f"stateless={lib.PREF64},{hosts}"]


# 6->4 and 4->6 of what has a short way beside the plainest; of an entry half of it is to find out
# that there is no mapping, and whose host it is.
@pytest.mark.parametrize("rule, kind, out, back", [("ADR-08", TwoPrefixes, 880, 595),
                                                   ("MIX-01", Entry, 1690, 1040)])
def test_no_long_way(rule, kind, out, back, echo):
    with kind(FLOWS, verbose=echo) as bed:
        bed.open(Load(flows=FLOWS))
        for way, most in (("out", out), ("in", back)):
            load = Load(ways=(way,), flows=FLOWS, shape=Shape(size=100))
            bed.measure_once(load)
            assert told(bed, load)["insns"] <= most, rule
        if kind is TwoPrefixes:
            new_mappings(bed, 350)
