# SPDX-License-Identifier: GPL-2.0-only
"""Interleaved rounds, and what they come to: every row once, then every row again, with
the reference of each frame in every round. A machine drifts; what is compared was
measured within seconds."""

import dataclasses
import statistics
import sys
import time

import lib


@dataclasses.dataclass
class Row:
    """One line of a table: what is measured, and against what in the same round."""
    section: str             # the table it belongs to
    what: dict               # what identifies it: translator, direction, flows, frame, ...
    bed: object
    reference: object
    load: object
    take: object = None      # instead of bed.measure(load)
    take_reference: object = None  # instead of take
    rounds: list = dataclasses.field(default_factory=list)
    failed: str = ""
    scenario: str = ""
    programs: dict = dataclasses.field(default_factory=dict)
    executed: dict = dataclasses.field(default_factory=dict)  # machine.executed

    @property
    def key(self):
        return " ".join([self.scenario, *(str(v) for v in self.what.values())])


def digest(got, seconds=None):
    """The figures of one measurement, from what `bench measure` says."""
    sinks, sources = got["sinks"], got["sources"]
    sent = sum(s["sent"] for s in sources)
    good = sum(s["good"] for s in sinks)
    bad = {}
    for sink in sinks:
        for cause, count in sink["bad"].items():
            bad[cause] = bad.get(cause, 0) + count
    seconds = seconds or max(s["seconds"] for s in sources)
    sampled = sum(s["rate"] for s in sinks)
    result = {"rate": sampled or good / seconds, "sent": sent, "good": good, "bad": bad,
              "loss": 1 - (good + sum(bad.values())) / sent if sent else 0.0,
              "offered": sum(s["offered"] or s["sent"] / seconds for s in sources),
              "seconds": seconds, "cpus": got["cpus"],
              "disturbed": got["disturbed"],
              "insns": insns(sources, sent), "no_insns": why_no_insns(sources),
              "cpu_share": max((got["cpus"][s["cpu"]]["busy"] for s in sources
                                if s["cpu"] < len(got["cpus"])), default=0.0),
              "looked_up": sum(s["looked_up"] for s in sinks),
              "summed": sum(s["summed"] for s in sinks)}
    if "worker_seconds" in got:
        result["worker_share"] = got["worker_seconds"] / seconds
    if any("latency" in s for s in sinks):
        result["latency"] = merged([s.get("latency", []) for s in sinks])
    return result


def insns(sources, sent):
    """Instructions a packet, of source, program and sink together."""
    if not sent or any(s["insns"] is None for s in sources):
        return None
    return sum(s["insns"] for s in sources) / sent


def why_no_insns(sources):
    said = sources[0].get("no_insns")
    return said and (f"perf_event_open of the CPU's instruction counter: {said}; a virtual "
                     "machine seldom has one")


def merged(histograms):
    total = {}
    for histogram in histograms:
        for edge, count in histogram:
            total[edge] = total.get(edge, 0) + count
    return sorted(total.items())


def percentile(histogram, share):
    """The edge below which that share of the frames is."""
    left = share * sum(count for _, count in histogram)
    for edge, count in histogram:
        left -= count
        if left <= 0:
            return edge
    return histogram[-1][0] if histogram else None


def spread(values):
    """(median, least, most)."""
    values = list(values)
    return (statistics.median(values), min(values), max(values)) if values else (0.0, 0.0, 0.0)


def fast(values):
    """(what the fastest twentieth of them begins with, least, most)."""
    values = sorted(values)
    return values[int(0.95 * len(values))], values[0], values[-1]


def summary(rounds, fastest=False):
    """Medians of the rounds. Ratios and differences are taken within a round. `fastest`: rates of
    the fastest rounds, ratios and differences of these."""
    if not rounds:
        return None
    product = [r["product"] for r in rounds]
    out = {"rate": (fast if fastest else spread)(p["rate"] for p in product),
           "loss": spread(p["loss"] for p in product),
           "offered": spread(p["offered"] for p in product),
           "cpu_share": spread(p["cpu_share"] for p in product),
           "bad": sum(sum(p["bad"].values()) for p in product)}
    if all("worker_share" in p for p in product):
        out["worker"] = spread(p["worker_share"] for p in product)
    both = [(r["product"]["rate"], r["reference"]["rate"]) for r in rounds if r["reference"]]
    if both and all(a and b for a, b in both) and fastest:
        out["reference"] = fast(b for _, b in both)
        rate, limit = out["rate"][0], out["reference"][0]
        out["ratio"], out["added"] = (rate / limit,) * 3, (1e9 / rate - 1e9 / limit,) * 3
    elif both and all(a and b for a, b in both):
        out["reference"] = spread(b for _, b in both)
        out["ratio"] = spread(a / b for a, b in both)
        out["added"] = spread(1e9 / a - 1e9 / b for a, b in both)
    return out


class Progress:
    """One line that is written over on a terminal, else one line for each measurement."""

    def __init__(self, total, stream=sys.stderr):
        self.total, self.done, self.stream = total, 0, stream
        self.live = stream.isatty()
        self.begin = time.monotonic()

    def say(self, text):
        self.done += 1
        passed = time.monotonic() - self.begin
        line = f"[{self.done}/{self.total}, {passed:.0f} s] {text}"
        if self.live:
            self.stream.write("\r\033[K" + line[:118])
        else:
            self.stream.write(line + "\n")
        self.stream.flush()

    def end(self):
        if self.live:
            self.stream.write("\r\033[K")
            self.stream.flush()


def run(rows, rounds, progress):
    """Fills row.rounds. A row of which every round failed says why."""
    for number in range(rounds):
        references = {}
        for row in rows:
            try:
                take_row(row, references)
                told = f"{row.rounds[-1]['product']['rate'] / 1e6:.3f} M/s"
            except lib.Failed as error:
                row.failed = told = str(error).splitlines()[0]
            progress.say(f"round {number + 1}/{rounds}: {row.key}: {told}")
    for row in rows:
        if row.rounds:
            row.failed = ""


def plain(bed, load):
    return digest(bed.measure(load))


def take_row(row, references):
    """One measurement of the row, after that of its reference."""
    take = row.take or plain
    other = row.take_reference or take
    key = (id(row.reference), row.load, id(other))
    if row.reference and key not in references:
        references[key] = other(row.reference, row.load)
    row.rounds.append({"product": take(row.bed, row.load), "reference": references.get(key)})
