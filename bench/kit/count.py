# SPDX-License-Identifier: GPL-2.0-only
"""How many BPF instructions a loaded program executes for a frame: it is interpreted, over
copies of what its maps hold at this moment, and changes nothing. The figure does not wobble
with the machine; what the JIT makes of an instruction, and what helpers cost, is not in it.

The instructions are those that the kernel runs, after its verifier has taken out dead code
and put lookups in arrays in the place of calls."""

import collections
import dataclasses
import functools
import re
import struct
import time

import bpf
import lib

MASK32, MASK64 = (1 << 32) - 1, (1 << 64) - 1
SIZE = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
REGION = 40                     # bits of an offset in a region of memory
STACK, FRAME = 512, 256         # bytes of a call's stack; headroom before the frame
LIMIT = 100_000                 # instructions of one frame
TAIL_CALL = 12
JUMP, JUMP_FAR = 0x05, 0x06     # always


class CannotCount(lib.Failed):
    """Something in the program or the kernel that this does not know."""


@dataclasses.dataclass
class Ran:
    """What was executed, and how it ended."""
    insns: int = 0
    calls: int = 0              # of them, calls of the kernel's helpers
    action: int = 0
    # conditional branches: how each went, in order: {(program, place): "10"}
    branches: dict = dataclasses.field(default_factory=dict)


class Memory:
    """Regions by number; an address is number << REGION | offset."""

    def __init__(self):
        self.regions = [None]

    def add(self, region):
        self.regions.append(region)
        return (len(self.regions) - 1) << REGION

    def find(self, address):
        number = address >> REGION
        if not 0 < number < len(self.regions):
            raise CannotCount(f"it reads at {address:#x}, which nobody has given it")
        return self.regions[number], address & ((1 << REGION) - 1)

    def room(self, address, size):
        region, offset = self.find(address)
        data, at = region.at(offset)
        if not 0 <= at <= len(data) - size:
            raise CannotCount(f"it goes to {address:#x}, which is behind the end of its memory")
        return data, at

    def load(self, address, size):
        data, at = self.room(address, size)
        return int.from_bytes(data[at:at + size], "little")

    def store(self, address, size, value):
        data, at = self.room(address, size)
        data[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


class Bytes:
    """Plain memory."""

    def __init__(self, data):
        self.data = bytearray(data)

    def at(self, offset):
        return self.data, offset


class Elements:
    """The values of a map, or of an array of maps pointers to them. The first `head` bytes
    stand for the kernel's struct bpf_array, whose values inlined lookups find behind it."""

    def __init__(self, machine, source, head):
        self.machine, self.map, self.head = machine, source, head
        self.have = {}
        self.pointers = source.kind in (bpf.ARRAY_OF_MAPS, bpf.PERCPU_ARRAY)
        self.base = 0

    def element(self, index):
        if index not in self.have:
            value = self.map.lookup(struct.pack("=I", index), self.machine.cpu)
            if self.pointers:
                value = self.pointer(value)
            self.have[index] = value if value is not None else bytearray(self.map.stride)
        return self.have[index]

    def pointer(self, value):
        where = 0
        if value is not None and self.map.kind == bpf.ARRAY_OF_MAPS:
            where = self.machine.map(int.from_bytes(value[:4], "little"))
        elif value is not None:
            where = self.machine.memory.add(Bytes(value))
        return bytearray(where.to_bytes(8, "little"))

    def at(self, offset):
        stride = 8 if self.pointers else self.map.stride
        index, rest = divmod(offset - self.head, stride)
        return self.element(index), rest


class Machine:
    """Frames on their way through the program `ident`, on `cpu`, received on `ifindex`, one behind
    the other at one moment: a value of a map is read when a frame first wants it, and kept with
    what the program writes."""

    def __init__(self, ident, ifindex, cpu):
        self.ident, self.ifindex, self.cpu = ident, ifindex, cpu
        self.code, self.begins = self.program = bpf.program(ident)
        self.memory, self.maps, self.closing = Memory(), {}, []
        self.head, self.names = values_offset(self.code), helpers()
        self.jiffies = jiffies()

    def receive(self, frame):
        self.code, self.begins = self.program
        self.running, self.ran = self.ident, Ran()
        frame_at = self.memory.add(Bytes(bytes(FRAME) + bytes(frame) + bytes(512)))
        self.data, self.end = frame_at + FRAME, frame_at + FRAME + len(frame)
        device = self.memory.add(Bytes(struct.pack("=I", self.ifindex) * 1024))
        queue = self.memory.add(Bytes(struct.pack("=QQQ", device, 0, 0)))
        self.ctx = self.memory.add(Bytes(struct.pack("=8Q", self.data, self.end, self.data,
                                                     frame_at, queue, 0, 4096, 0)))
        regs = [0] * 11
        regs[1] = self.ctx
        self.call(0, regs)
        self.ran.action = signed(regs[0], 32)
        return self.ran

    def close(self):
        for source in self.closing:
            source.close()

    # what the program is given

    def map(self, ident):
        """The address that stands for a map's."""
        if ident not in self.maps:
            source = bpf.Map(ident)
            self.closing.append(source)
            self.maps[ident] = self.memory.add(Elements(self, source, self.head))
        return self.maps[ident]

    def map_at(self, address):
        return self.memory.find(address)[0]

    def load(self, address, size):
        if address >> 32 >= 0xFFFF0000:  # a variable of the kernel
            return self.jiffies if size == 8 else self.cpu
        return self.memory.load(address, size)

    # helpers of the kernel

    def helper(self, insn, regs):
        name = self.names.get(insn & MASK32)
        self.ran.calls += 1
        if name in ("bpf_xdp_adjust_head", "bpf_xdp_adjust_tail"):
            return self.adjust(name == "bpf_xdp_adjust_head", signed(regs[2], 32))
        if name in ("dev_map_redirect", "dev_hash_map_redirect"):
            return 4
        if name == "bpf_ktime_get_ns":
            return time.monotonic_ns()
        if name == "bpf_loop":
            return self.loop(*regs[1:4])
        if name and name.endswith("lookup_elem"):
            return self.lookup(self.map_at(regs[1]), regs[2])
        raise CannotCount(f"it calls {name or hex(insn & MASK32)}, of which this knows nothing")

    def loop(self, turns, function, context):
        for turn in range(turns & MASK32):
            regs = [0, turn, context] + [0] * 8
            self.call(function, regs)
            if regs[0]:
                return turn + 1
        return turns & MASK32

    def adjust(self, head, by):
        if head:
            self.data += by
        else:
            self.end += by
        self.memory.store(self.ctx, 8, self.data)
        self.memory.store(self.ctx + 8, 8, self.end)
        return 0

    def lookup(self, elements, key_at):
        region, offset = self.memory.find(key_at)
        data, at = region.at(offset)
        key = bytes(data[at:at + elements.map.key_size])
        if key not in elements.have:
            value = elements.map.lookup(key, self.cpu)
            elements.have[key] = 0 if value is None else self.memory.add(Bytes(value))
        return elements.have[key]

    # instructions

    def call(self, at, regs):
        """Runs one function; regs[0] is its result."""
        regs[10] = self.memory.add(Bytes(bytes(STACK))) + STACK
        while True:
            code, which, off, imm = struct.unpack_from("=BBhi", self.code, 8 * at)
            dst, src = which & 15, which >> 4
            self.ran.insns += 1
            if self.ran.insns > LIMIT:
                raise CannotCount(f"it has not ended after {LIMIT} instructions")
            at += 1
            kind = code & 7
            if code == 0x95:
                return
            if code == 0x85 and src == 0 and imm == TAIL_CALL:
                at = self.tail_call(at, regs)
            elif code == 0x85:
                self.any_call(at, src, off, imm, regs)
            elif code == 0x18:
                regs[dst] = self.constant(at, src, imm)
                at += 1
            elif kind in (4, 7):
                alu(code, off, imm, regs, dst, src)
            elif kind in (5, 6):
                by = jump(code, off, imm, regs[dst], regs[src])
                if code not in (JUMP, JUMP_FAR):
                    went = self.ran.branches.get((self.running, at), "")
                    self.ran.branches[self.running, at] = went + ("1" if by else "0")
                at += by
            else:
                self.access(code, off, imm, regs, dst, src)

    def any_call(self, at, src, off, imm, regs):
        if src == 0:
            regs[0] = self.helper(imm, regs)
        elif src == 1:
            begin = self.begins[imm] if 0 <= imm < len(self.begins) else at + off
            inner = list(regs)
            self.call(begin, inner)
            regs[0] = inner[0]
        else:
            raise CannotCount("it calls a function of the kernel (kfunc)")

    def tail_call(self, at, regs):
        """Where it goes on: in the other program, or behind the call."""
        found = self.map_at(regs[2]).map.lookup(struct.pack("=I", regs[3] & MASK32), self.cpu)
        if found is None:
            return at
        self.running = int.from_bytes(found[:4], "little")
        self.code, self.begins = bpf.program(self.running)
        return 0

    def constant(self, at, src, imm):
        upper, = struct.unpack_from("=i", self.code, 8 * at + 4)
        if src in (1, 5):
            return self.map(imm)
        if src in (2, 6):
            return self.map(imm) + self.head + upper
        if src == 4:  # a function for bpf_loop
            return self.begins[upper]
        return (upper & MASK32) << 32 | imm & MASK32

    def access(self, code, off, imm, regs, dst, src):
        size, kind, mode = SIZE[code & 0x18], code & 7, code & 0xE0
        if kind == 1:
            value = self.load((regs[src] + off) & MASK64, size)
            regs[dst] = signed(value, 8 * size) & MASK64 if mode == 0x80 else value
        elif mode == 0xC0:
            self.atomic(imm, size, (regs[dst] + off) & MASK64, regs, src)
        else:
            self.memory.store((regs[dst] + off) & MASK64, size, regs[src] if kind == 3 else imm)

    def atomic(self, imm, size, where, regs, src):
        old, value = self.memory.load(where, size), regs[src]
        if imm == 0xF1:
            if old == regs[0] & ((1 << 8 * size) - 1):
                self.memory.store(where, size, value)
            regs[0] = old
            return
        new = {0x00: old + value, 0x40: old | value, 0x50: old & value, 0xA0: old ^ value,
               0xE0: value}[imm & 0xF0]
        self.memory.store(where, size, new)
        if imm & 1:
            regs[src] = old


def signed(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def swapped(code, imm, value):
    data = (value & ((1 << imm) - 1)).to_bytes(imm // 8, "little")
    big = code & 8 or code & 7 == 7
    return int.from_bytes(data, "big" if big else "little")


def alu(code, off, imm, regs, dst, src):
    wide, op = code & 7 == 7, code & 0xF0
    bits, mask = (64, MASK64) if wide else (32, MASK32)
    a = regs[dst] & mask
    b = (regs[src] if code & 8 else imm) & mask
    if op == 0xD0:
        regs[dst] = swapped(code, imm, regs[dst])
        return
    if op == 0xB0 and code & 8 and off in (8, 16, 32):
        b = signed(b, off)
    if op in (0x30, 0x90):
        value = divided(op, off, a, b, bits)
    elif op == 0xC0:
        value = signed(a, bits) >> (b & (bits - 1))
    else:
        value = {0x00: lambda: a + b, 0x10: lambda: a - b, 0x20: lambda: a * b,
                 0x40: lambda: a | b, 0x50: lambda: a & b, 0x60: lambda: a << (b & (bits - 1)),
                 0x70: lambda: a >> (b & (bits - 1)), 0x80: lambda: -a, 0xA0: lambda: a ^ b,
                 0xB0: lambda: b}[op]()
    regs[dst] = value & mask


def divided(op, off, a, b, bits):
    if off == 1:
        a, b = signed(a, bits), signed(b, bits)
    if b == 0:
        return 0 if op == 0x30 else a
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient if op == 0x30 else a - quotient * b


def jump(code, off, imm, a, b):
    """How far from the next instruction."""
    narrow, op = code & 7 == 6, code & 0xF0
    if op == 0x00:
        return imm if narrow else off
    bits = 32 if narrow else 64
    mask = (1 << bits) - 1
    a, b = a & mask, (b if code & 8 else imm) & mask
    if op >= 0x60 and op not in (0xA0, 0xB0):
        a, b = signed(a, bits), signed(b, bits)
    taken = {0x10: a == b, 0x20: a > b, 0x30: a >= b, 0x40: a & b != 0, 0x50: a != b,
             0x60: a > b, 0x70: a >= b, 0xA0: a < b, 0xB0: a <= b, 0xC0: a < b, 0xD0: a <= b}
    return off if taken[op] else 0


# ---- the kernel --------------------------------------------------------------------------------

@functools.cache
def helpers():
    """{number of a call: name of the kernel's function}."""
    names = {}
    with open("/proc/kallsyms", encoding="ascii") as f:
        for words in map(str.split, f):
            if len(words) == 3 and words[1] in "tT":
                names[words[2]] = int(words[0], 16)
    base = names.get("__bpf_call_base", 0)
    if not base:
        raise CannotCount("/proc/kallsyms does not tell addresses (kernel.kptr_restrict)")
    return {(where - base) & MASK32: name for name, where in names.items()
            if name.startswith("bpf_") or name.endswith(("lookup_elem", "map_redirect"))}


def values_offset(code):
    """Where in the kernel's struct bpf_array its values begin, as an inlined lookup says it:
    r1 += offset; r0 = *(u32 *)r2."""
    for at in range(0, len(code) - 16, 8):
        op, regs, _, offset = struct.unpack_from("=BBhi", code, at)
        if op == 0x07 and regs == 1 and code[at + 8:at + 12] == b"\x61\x20\0\0":
            return offset
    return 0


def jiffies():
    """Those of now."""
    with open("/proc/timer_list", encoding="ascii", errors="replace") as f:
        found = re.search(r"^jiffies: (\d+)$", f.read(), re.M)
    if not found:
        raise CannotCount("/proc/timer_list does not tell jiffies")
    return int(found[1])


def frame_of(source, step):
    """The frame that the source makes for a step (source.bpf.h), whose specification is that
    of rig.Bed.source."""
    data = bytearray.fromhex(source["frame"])
    flow, address, port = step
    if not source["by_step"]:
        address = flow >> source["port_bits"]
        port = (source["port_base"] + (flow & ((1 << source["port_bits"]) - 1))) & 0xFFFF
    total = source["csum"]
    host = struct.pack("!I", source["host_base"] + address)
    if source["off_host"]:
        data[source["off_host"]:source["off_host"] + 4] = host
    word = int.from_bytes(host, "little")
    total += word if source["host_in_csum"] else 0
    for at, value in ((source["off_port"], struct.pack("!H", port)),
                      (source["off_id"], struct.pack("=I", flow)),
                      (source.get("off_time"), bytes(8))):
        if at:
            data[at:at + len(value)] = value
            total += int.from_bytes(value, "little")
    if source["off_csum"]:
        value = ~folded(total) & 0xFFFF
        struct.pack_into("=H", data, source["off_csum"],
                         value or (0xFFFF if source["zero_is_ffff"] else 0))
    if source.get("off_ip_csum"):
        struct.pack_into("=H", data, source["off_ip_csum"],
                         ~folded(source["ip_csum"] + word) & 0xFFFF)
    return bytes(data)


def folded(total):
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def step(source, n=0):
    """(flow, address, port) of the first frame that it sends, or the one `n` behind."""
    steps = bpf.Map(pin=source["steps"])
    try:
        return struct.unpack_from("=IHH", steps.lookup(struct.pack("=I", source["begin"] + n), 0))
    finally:
        steps.close()


def count(ident, frames, ifindex, cpu=0):
    """Ran of each frame, of the program with this id and received on the device."""
    machine = Machine(ident, ifindex, cpu)
    try:
        return [machine.receive(frame) for frame in frames]
    except (LookupError, AttributeError, TypeError, struct.error) as error:
        raise CannotCount(f"it does what this does not know: {error!r}") from error
    finally:
        machine.close()


def guesses(runs):
    """The conditional branches that go another way than usual for at least a quarter of the frames:
    {(program, place): share of these}. One that a processor guesses wrong costs as much as 60 to
    100 instructions."""
    found = {}
    for place in {place for ran in runs for place in ran.branches}:
        ways = collections.Counter(ran.branches.get(place, "") for ran in runs)
        share = 1 - ways.most_common(1)[0][1] / len(runs)
        if share >= 0.25:
            found[place] = share
    return found
