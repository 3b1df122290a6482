# SPDX-License-Identifier: GPL-2.0-only
"""The ratios of the last release, and whether a run is worse than they are. Ratios to
redirect-only, because rates belong to a machine and an hour."""

import json
import os

import lib
import report

PATH = os.path.join(lib.TOP, "bench", "baseline.json")
WORSE = 0.10
SAME = ("cpu", "kernel", "driver")  # of the machine, for ratios to be compared


def ratios(rows):
    """{key: ratio} of a run's rows (as in its JSON) that have one."""
    return {row["key"]: round(row["summary"]["ratio"][0], 4) for row in rows
            if row["summary"] and "ratio" in row["summary"]}


def load(path=PATH):
    try:
        with open(path, encoding="utf-8") as f:
            stored = json.load(f)
        return stored["ratios"], stored["machine"]
    except FileNotFoundError:
        raise lib.Failed(f"{os.path.relpath(path)} does not exist, so there is nothing to compare "
                         "with: bench/run --save-baseline writes it") from None
    except (OSError, ValueError, KeyError) as error:
        raise lib.Failed(f"{os.path.relpath(path)} cannot be read as a baseline ({error}): "
                         "bench/run --save-baseline writes a new one") from None


def save(tree, path=PATH):
    found = ratios(tree["rows"])
    if not found:
        raise lib.Failed("no row of this run has a ratio, so that no baseline was saved")
    about = {k: tree["machine"].get(k) for k in (*SAME, "commit", "date")}
    # where the program lay belongs to whoever ran it
    settings = {k: v for k, v in tree["settings"].items() if k != "program"}
    report.write(path, {"machine": about, "settings": settings, "ratios": found})


def compare(stored, now):
    """(lines, how many are worse): a row is worse when its ratio is over 10 % smaller."""
    lines, worse = [], 0
    for key, old in sorted(stored.items()):
        if key not in now:
            lines.append({"row": key, "stored": f"{old:.3f}", "now": "-", "": "not measured"})
            continue
        change = now[key] / old - 1
        bad = change < -WORSE
        worse += bad
        lines.append({"row": key, "stored": f"{old:.3f}", "now": f"{now[key]:.3f}",
                      "change": f"{100 * change:+.1f}%", "": "WORSE" if bad else ""})
    return lines, worse


def check(tree, path=PATH):
    """(text, exit status)."""
    stored, machine = load(path)
    lines, worse = compare(stored, ratios(tree["rows"]))
    text = ["", f"Ratios beside those of {machine.get('commit')} ({machine.get('date')})"]
    text += ["  " + line for line in report.table(lines)]
    other = [k for k in SAME if machine.get(k) != tree["machine"].get(k)]
    if other:
        text.append(f"The stored ratios come from another machine ({', '.join(other)} differ): "
                    "save them again on this one before you believe a difference.")
    if not set(stored) & set(ratios(tree["rows"])):
        text.append("No stored row was measured, so nothing was compared.")
        return "\n".join(text), 1
    text.append(f"{worse} of {len(lines)} rows are over {100 * WORSE:.0f} % worse." if worse else
                f"No row is over {100 * WORSE:.0f} % worse.")
    return "\n".join(text), 1 if worse else 0
