#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The deepest stack of each program of a BPF object, as kernel 6.1 adds it up: every
function's frame rounded to 32 bytes, along the worst chain of calls, callbacks included.
Newer kernels round less and forgive, so that a machine of today does not notice.

    testenv/bpf_stack.py OBJECT...    fails beyond 512 bytes or 8 nested functions"""

import functools
import re
import subprocess
import sys

BYTES, FRAMES = 512, 8


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def functions(path):
    """Name by (section number, address), and the number of .text."""
    listing = output("llvm-readelf", "-S", "-s", path)
    found = re.search(r"^\s*\[\s*(\d+)\]\s+\.text\s", listing, re.M)
    text = found[1] if found else None
    names = {}
    for line in listing.splitlines():
        words = line.split()
        if len(words) >= 8 and words[3] == "FUNC":
            names[words[6], int(words[1], 16)] = words[7]
    return names, text


def read(path):
    """Frame and callees of each function."""
    names, text = functions(path)
    section = {name: number for (number, _), name in names.items()}
    frame, calls, name, before = {}, {}, None, ""
    for line in output("llvm-objdump", "-dr", path).splitlines():
        head = re.match(r"[0-9a-f]+ <(\w+)>:", line)
        if head:
            if not head[1].startswith("LBB"):
                name = head[1]
                frame[name], calls[name] = 0, set()
            continue
        if name is None:
            continue
        for offset in re.findall(r"r10 - (0x[0-9a-f]+|\d+)", line):
            frame[name] = max(frame[name], int(offset, 0))
        offset = re.search(r"r\d+ \+= -(\d+)$", line)
        if offset and int(offset[1]) <= 512:
            frame[name] = max(frame[name], int(offset[1]))
        # within a section there is no relocation, only a distance in instructions
        near = re.match(r"\s*(\d+):\s+85 10 00 00 ((?:[0-9a-f]{2} ?){4})", line)
        if near:
            distance = int.from_bytes(bytes.fromhex(near[2]), "little", signed=True)
            callee = names.get((section[name], (int(near[1]) + 1 + distance) * 8))
            if callee and distance != -1:
                calls[name].add(callee)
        called = re.search(r"R_BPF_64_32\s+(\S+)", line)
        if called and called[1] == ".text":  # a static function, by its place
            number = int(re.search(r"call (-?\w+)", before)[1], 0)
            calls[name].add(names[text, (number + 1) * 8])
        elif called:
            calls[name].add(called[1])
        elif "R_BPF_64_64" in line and line.split()[-1] == ".text":
            address = re.search(r"= (0x[0-9a-f]+|\d+) ll", before)
            if address and (text, int(address[1], 0)) in names:
                calls[name].add(names[text, int(address[1], 0)])
        if "R_BPF" not in line:
            before = line
    return frame, calls


def worst(frame, calls, weight):
    @functools.lru_cache(None)
    def below(name):
        chains = [below(c) for c in calls[name] if c in frame] or [(0, ())]
        total, chain = max(chains)
        return total + weight(name), (name, *chain)
    return below


def check(path):
    frame, calls = read(path)
    bytes_of = worst(frame, calls, lambda name: max(32, (frame[name] + 31) // 32 * 32))
    frames_of = worst(frame, calls, lambda name: 1)
    ok = True
    for name in sorted(n for n in frame if not any(n in c for c in calls.values())):
        size, chain = bytes_of(name)
        depth, deep = frames_of(name)
        if size > BYTES or depth > FRAMES:
            ok = False
            print(f"{path}: {name}: {size} bytes of {BYTES} ({' > '.join(chain)}), "
                  f"{depth} frames of {FRAMES} ({' > '.join(deep)})")
    return ok


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    return 0 if all([check(path) for path in sys.argv[1:]]) else 1


if __name__ == "__main__":
    sys.exit(main())
