# SPDX-License-Identifier: GPL-2.0-only
"""The table of test-kernels: one row for each check with its minutes, one column for each
kernel, and below it what failed or was skipped with the reason, and what the verifier says of
each program.
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
    """Why a guest ended early: the kernel's last words, or what test-kernels says."""
    text = ""
    for name in ("main.console", "nics.console"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                text += f.read()
        except FileNotFoundError:
            pass
    found = re.search(r"(Kernel panic.*|BUG: .*|Oops: .*|Out of memory.*)", text)
    if found:
        return found[1].strip()
    try:
        with open(os.path.join(folder, "given-up"), encoding="utf-8") as f:
            return f.read().strip()
    except FileNotFoundError:
        return "the guest ended or ran out of time before"


def minutes_of(folder):
    """With the boot."""
    try:
        with open(os.path.join(folder, "seconds"), encoding="ascii") as f:
            return int(f.read()) / 60
    except FileNotFoundError:  # nothing was booted, or interrupted
        return sum(row[1] for row in read(folder).values()) / 60


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
    """{check: words}, and a line for each that is not well or has figures."""
    words, notes = {}, []
    ran = asked(folder)
    for check in checks:
        if check not in ran:
            words[check] = "-"
            continue
        word, seconds, text = rows.get(check, ("FAILED", 0, end_of(folder)))
        words[check] = word if word == "skipped" else f"{word} {seconds / 60:.1f}"
        if word != "ok" or re.match(r"\d+ tests;", text):
            notes.append(f"{check}, {os.path.basename(folder)}: {word}: {text}")
        if word == "FAILED" and check in rows:
            notes[-1] += f" ({folder}/{check}.log)"
    reasons = {text for check, (word, _, text) in rows.items() if word == "skipped"}
    if len(reasons) == 1 and set(words.values()) <= {"skipped", "-"}:
        notes = [f"{os.path.basename(folder)}: skipped: {reasons.pop()}"]
    return words, notes


def main():
    folders = sys.argv[1:]
    some = set().union(*map(asked, folders))
    checks = [name for name in CHECKS if name in some]
    words, notes, wide = {}, [], 12
    for folder in folders:
        words[folder], more = notes_of(folder, checks, read(folder))
        notes += more
    print(f"\n{'':14}" + "".join(f"{os.path.basename(folder):>{wide}}" for folder in folders))
    for check in checks:
        print(f"{check:14}" + "".join(f"{words[folder][check]:>{wide}}" for folder in folders))
    minutes = [minutes_of(folder) for folder in folders]
    print(f"{'minutes':14}" + "".join(f"{figure:>{wide}.0f}" for figure in minutes))
    if any("-" in row.values() for row in words.values()):
        print("-: only on the kernels of Debian's releases and on the newest; FULL=1 runs it")
    print()
    for note in notes:
        print(note)
    verifier(folders, wide)
    print(f"\n{sum(minutes):.0f} minutes")
    return 1 if any("FAILED" in text for row in words.values() for text in row.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
