# SPDX-License-Identifier: GPL-2.0-only
"""The table of test-kernels: one row for each check, one column for each kernel, and below
it what failed or was skipped with the reason. Arguments: the folders of the results, named
after the kernels. Exit status 1 if anything failed or did not run."""

import os
import re
import sys

from guest import CHECKS


def read(folder):
    """{check: (word, seconds, text)}"""
    rows = {}
    try:
        with open(os.path.join(folder, "results"), encoding="utf-8") as f:
            for line in f:
                name, word, seconds, text = line.rstrip("\n").split(" ", 3)
                rows[name] = word, int(seconds), text
    except FileNotFoundError:
        pass
    return rows


def end_of(folder):
    """Why a guest ended early: the kernel's last words."""
    text = ""
    for name in ("main.console", "nics.console"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                text += f.read()
        except FileNotFoundError:
            pass
    found = re.search(r"(Kernel panic.*|BUG: .*|Oops: .*|Out of memory.*)", text)
    return found[1].strip() if found else "the guest ended or ran out of time before"


def main():
    folders = sys.argv[1:]
    wanted = os.environ.get("CHECKS", "").split()
    checks = [name for name in CHECKS if not wanted or name in wanted]
    results = {os.path.basename(folder): read(folder) for folder in folders}
    wide = max(len(name) for name in results) + 2
    wide = max(wide, 12)
    print()
    print(f"{'':14}" + "".join(f"{name:>{wide}}" for name in results))
    bad, notes = 0, []
    for check in checks:
        cells = []
        for folder, rows in zip(folders, results.values()):
            word, _, text = rows.get(check, ("FAILED", 0, end_of(folder)))
            bad += word == "FAILED"
            cells.append(word)
            if word != "ok" or check == "load":
                notes.append(f"{check}, {os.path.basename(folder)}: {word}: {text}")
        print(f"{check:14}" + "".join(f"{cell:>{wide}}" for cell in cells))
    print()
    for note in notes:
        print(note)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
