#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Seeds for the fuzzers from the golden packets: seeds.py GOLDEN OUTDIR."""
import json
import pathlib
import sys


def main():
    golden, out = json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2])
    # configuration (of "S", of "P") and world of slow_fuzz.h: mtu4 1492, mtu6 1504
    packets = {(5 if row["config"] == "P" else 0, bytes.fromhex(p)) for row in golden["vectors"]
               for p in [row["input"], *row["output"]]}
    for name in ("slow4_fuzz", "slow6_fuzz", "ext6_fuzz"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for i, (which, packet) in enumerate(sorted(packets)):
        version, control = packet[0] >> 4, bytes([which, 0, 89, 14])
        (out / f"slow{version}_fuzz" / f"golden-{i}").write_bytes(control + packet)
        if version == 6:
            (out / "ext6_fuzz" / f"golden-{i}").write_bytes(packet)


if __name__ == "__main__":
    main()
