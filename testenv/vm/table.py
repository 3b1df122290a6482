# SPDX-License-Identifier: GPL-2.0-only
"""The table of test-kernels: one row for each check, one column for each kernel, and below
it what failed or was skipped with the reason, and what the verifier says of each program.
Arguments: the folders of the results, named after the kernels. Exit status 1 if anything
failed or did not run."""

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


def asked(folder):
    """Checks that this kernel was to get."""
    with open(os.path.join(folder, "checks"), encoding="utf-8") as f:
        return {line.split()[0] for line in f}


def verifier(folders, wide):
    """Rows of load.c side by side."""
    rows = {}
    for folder in folders:
        try:
            with open(os.path.join(folder, "load.log"), encoding="utf-8") as f:
                found = re.findall(r"^(n64_\w+ +\S+) +(\d+) +\d+ +(\d+) +\d+$", f.read(), re.M)
        except FileNotFoundError:
            continue
        for name, instructions, stack in found:
            rows.setdefault(" ".join(name.split()), {})[folder] = f"{instructions}/{stack}"
    if rows:
        print("\ninstructions that the verifier went through (of 1000000) / stack (of 512 bytes): "
              "the deepest calls from 7.2 on, before that the largest function")
    for name, cells in rows.items():
        print(f"{name:28}" + "".join(f"{cells.get(folder, '-'):>{wide}}" for folder in folders))


def notes_of(folder, checks, rows):
    """{check: word}, and a line for each that is not well or has figures."""
    words, notes = {}, []
    ran = asked(folder)
    for check in checks:
        if check not in ran:
            words[check] = "-"
            continue
        word, _, text = rows.get(check, ("FAILED", 0, end_of(folder)))
        words[check] = word
        if word != "ok" or re.match(r"\d+ tests;", text):
            notes.append(f"{check}, {os.path.basename(folder)}: {word}: {text}")
    reasons = {text for check, (word, _, text) in rows.items() if word == "skipped"}
    if len(reasons) == 1 and set(words.values()) <= {"skipped", "-"}:
        notes = [f"{os.path.basename(folder)}: skipped: {reasons.pop()}"]
    return words, notes


def main():
    folders = sys.argv[1:]
    some = set().union(*map(asked, folders))
    checks = [name for name in CHECKS if name in some]
    words, notes, seconds = {}, [], 0
    for folder in folders:
        rows = read(folder)
        seconds += sum(row[1] for row in rows.values())
        words[folder], more = notes_of(folder, checks, rows)
        notes += more
    wide = max(9, *(len(os.path.basename(folder)) + 2 for folder in folders))
    print(f"\n{'':14}" + "".join(f"{os.path.basename(folder):>{wide}}" for folder in folders))
    for check in checks:
        print(f"{check:14}" + "".join(f"{words[folder][check]:>{wide}}" for folder in folders))
    if any("-" in row.values() for row in words.values()):
        print("-: only on the kernels of Debian's releases and on the newest; FULL=1 runs it")
    print()
    for note in notes:
        print(note)
    verifier(folders, max(wide, 12))
    print(f"\n{seconds // 60} minutes of checks")
    return 1 if any("FAILED" in row.values() for row in words.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
