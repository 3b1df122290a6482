# SPDX-License-Identifier: GPL-2.0-only
"""The tables on the terminal and the JSON of a run."""

import json
import os

import rounds

TITLES = {
    "throughput": "throughput of established flows",
    "mappings": "new mappings, every frame opens a flow",
    "slow path": "rare packets through the worker",
    "flood": "established flows while rare packets flood the worker",
    "zero loss": "rate without loss (RFC 2544, RFC 8219), translator and source on two cores",
    "invariance": "what a packet does not meet, with it beside the same without it",
    "peers": "beside other translators",
    "latency": "time from the source's core through the translator to the sink, in ns",
}


def mega(value):
    return f"{value / 1e6:.2f}" if value >= 1e5 else f"{value / 1e6:.3f}"


def per_mille(value):
    return f"{100 * value:.1f}%" if value >= 0.0005 else "0"


def around(triple, form):
    """median (least-most), or what has no range"""
    if len(set(triple)) == 1:
        return form(triple[0])
    return f"{form(triple[0])} ({form(triple[1])}-{form(triple[2])})"


def rate_columns(row, s):
    unit = "M/s" if row.section == "mappings" else "Mpps"
    out = {unit: around(s["rate"], mega), "ns": f"{1e9 / s['rate'][0]:.0f}"}
    if "ratio" in s:
        out |= {BESIDE.get(row.section, "redirect"): mega(s["reference"][0]),
                "added ns": f"{s['added'][0]:+.0f}",
                "ratio": around(s["ratio"], lambda v: f"{v:.3f}")}
    out |= {"offered": mega(s["offered"][0]), "lost": per_mille(s["loss"][0]),
            "CPU": f"{100 * s['cpu_share'][0]:.0f}%"}
    if "worker" in s and s["worker"][0] >= 0.01:
        out["worker"] = f"{100 * s['worker'][0]:.0f}%"
    out["bad"] = str(s["bad"])
    told = [str(one.get("insns", "?")) for one in row.executed.values()]
    return out | ({"insns": "+".join(told)} if told else {})


def latency_columns(row, s):
    out = {"offered Mpps": mega(s["offered"][0])}
    for share in (0.5, 0.9, 0.99, 0.999):
        values = [[rounds.percentile(r[who]["latency"], share) for r in row.rounds]
                  for who in ("reference", "product")]
        low, high = (rounds.spread(v)[0] for v in values)
        out[f"{100 * share:g}%"] = f"{high:.0f} ({high - low:+.0f})"
    out |= {"lost": per_mille(s["loss"][0]), "bad": str(s["bad"])}
    return out


BESIDE = {"flood": "calm", "invariance": "without"}
COLUMNS = {"latency": latency_columns}


def cells(row, fastest=False):
    """{column: text} of one line."""
    line = {k: str(v) for k, v in row.what.items()}
    s = rounds.summary(row.rounds, fastest)
    if row.failed or not s:
        return line | {"": row.failed or "not measured"}
    return line | COLUMNS.get(row.section, rate_columns)(row, s)


def table(lines):
    """Lines of text with aligned columns; the first columns to the left, figures right."""
    heads = []
    for line in lines:
        heads += [h for h in line if h not in heads and h]
    width = {h: max(len(h), *(len(line.get(h, "")) for line in lines)) for h in heads}
    left = {h for h in heads if not any(c.isdigit() for line in lines
                                        for c in line.get(h, "")[:1])}
    text = ["  ".join(h.ljust(width[h]) if h in left else h.rjust(width[h]) for h in heads)]
    for line in lines:
        row = "  ".join(line.get(h, "").ljust(width[h]) if h in left
                        else line.get(h, "").rjust(width[h]) for h in heads)
        text.append((row + "  " + line.get("", "")).rstrip())
    return [t.rstrip() for t in text]


def text(rows, machine, settings):
    """All tables of a run."""
    fastest = settings.get("fastest", False)
    how = ("the fastest twentieth begins with (least-most); ratio and added ns: to redirect-only "
           "with the same frames, its fastest" if fastest else
           "median (least-most); ratio and added ns: to redirect-only with the same frames in "
           "the same round")
    out = [f"{machine['cpu']}, kernel {machine['kernel']}, {machine['driver']}, "
           f"commit {machine['commit']}",
           f"{settings['rounds']} interleaved rounds of {settings['ms']} ms, source on CPU "
           f"{settings['cpu']}; {how}; frame: bytes sent without FCS"]
    for section, scenario in dict.fromkeys((row.section, row.scenario) for row in rows):
        some = [r for r in rows if (r.section, r.scenario) == (section, scenario)]
        out += ["", f"{scenario}: {TITLES.get(section, section)}"]
        out += ["  " + line for line in table([cells(r, fastest) for r in some])]
    return "\n".join(out)


def tree(rows, machine, settings, left_out):
    """The JSON of a run: every round of every row."""
    return {"format": 1, "machine": machine, "settings": settings, "left_out": left_out,
            "rows": [{"scenario": r.scenario, "section": r.section, "what": r.what,
                      "key": r.key, "failed": r.failed,
                      "programs": r.programs, "executed": r.executed,
                      "summary": rounds.summary(r.rounds, settings.get("fastest", False)),
                      "rounds": r.rounds} for r in rows]}


def write(path, what):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        json.dump(what, f, indent=1)
        f.write("\n")
    os.rename(path + ".tmp", path)
