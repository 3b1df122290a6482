# SPDX-License-Identifier: GPL-2.0-only
"""Pictures of a run, PNG and SVG, by gnuplot from its JSON."""

import json
import os
import shutil
import subprocess

import lib
import rounds

# Okabe and Ito: told apart by colour-blind readers and in print.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#f0e442")
GREY = "#888888"
TERMINALS = {"png": "pngcairo size 1200,720 font 'sans,13'",
             "svg": "svg size 1200,720 dynamic font 'sans,15' background '#ffffff'"}
UNITS = {"k": 1000, "M": 1_000_000}


def why_not():
    return None if shutil.which("gnuplot") else (
        "pictures: gnuplot is not installed (Debian package gnuplot-nox)")


def flows_of(text):
    unit = UNITS.get(text[-1:], 1)
    return int(text[:-1] if unit != 1 else text) * unit if text[:1].isdigit() else None


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


class Chart:
    """Commands of gnuplot with their data in them."""

    def __init__(self, title, subtitle, x, y):
        self.lines = [f"set label 1 {quoted(title)} at screen 0.02,0.96 left font ',16' noenhanced",
                      f"set label 2 {quoted(subtitle)} at screen 0.02,0.915 left font ',11' "
                      "textcolor rgb '#555555' noenhanced", "set tmargin 5",
                      f"set xlabel {quoted(x)} noenhanced", f"set ylabel {quoted(y)} noenhanced",
                      "set grid ytics back lt 1 lw 1 lc rgb '#cccccc'",
                      "set border 3 lc rgb '#555555'",
                      "set tics nomirror", "set key outside right top vertical Left reverse "
                      "samplen 2 spacing 1.15 noenhanced", "set yrange [0:*]",
                      "set lmargin 11", "set errorbars small"]
        self.blocks, self.plots = [], []

    def data(self, rows):
        name = f"$d{len(self.blocks)}"
        self.blocks.append([f"{name} << EOD", *(" ".join(map(str, r)) for r in rows), "EOD"])
        return name

    def text(self):
        lines = [line for block in self.blocks for line in block] + self.lines
        return "\n".join([*lines, "plot " + ", \\\n  ".join(self.plots)]) + "\n"

    def write(self, base):
        paths = []
        for kind, terminal in TERMINALS.items():
            path = f"{base}.{kind}"
            done = subprocess.run(["gnuplot"], input=f"set terminal {terminal}\n"
                                  f"set output '{path}'\n{self.text()}", text=True,
                                  capture_output=True, check=False)
            if done.returncode or "warning" in done.stderr.lower():
                raise lib.Failed(f"gnuplot could not draw {path}: {done.stderr.strip()}")
            paths.append(path)
        return paths


def measured(tree, section):
    return [r for r in tree["rows"] if r["section"] == section and r["summary"]]


def subtitle(tree):
    machine, settings = tree["machine"], tree["settings"]
    return (f"{machine['cpu']}, kernel {machine['kernel']}, {machine['driver']}, one core; median "
            f"and range of {settings['rounds']} rounds")


def series_of(rows, names):
    """{label: rows}: rows that differ in nothing but what is on the x axis."""
    found = {}
    for row in rows:
        label = " ".join(str(v) for k, v in row["what"].items() if k in names)
        found.setdefault(label, []).append(row)
    return found


def lines(chart, rows, names, x_of):
    """A line with the range of the rounds for each series, and for redirect-only."""
    for number, (label, some) in enumerate(series_of(rows, names).items()):
        colour = COLOURS[number % len(COLOURS)]
        points = sorted((x_of(r), *(v / 1e6 for v in r["summary"]["rate"])) for r in some)
        name = chart.data(points)
        chart.plots.append(f"{name} using 1:2:3:4 with yerrorlines lw 2 pt {number % 6 + 4} ps 1.2 "
                           f"lc rgb '{colour}' title {quoted(label)}")
    base = {}
    for row in rows:
        if "reference" in row["summary"]:
            way = base.setdefault(row["what"]["direction"], {})
            way.setdefault(x_of(row), []).append(row["summary"]["reference"][0] / 1e6)
    for number, (way, points) in enumerate(base.items()):
        name = chart.data([(x, sum(v) / len(v)) for x, v in sorted(points.items())])
        chart.plots.append(f"{name} using 1:2 with lines dt {number + 2} lw 2 lc rgb '{GREY}' "
                           f"title 'redirect only, frames {way}'")


def bars(chart, rows, form, log=False):
    """Rows of (label, value, colour), from top to bottom, each with its figure."""
    name = chart.data([(max(value, 1 if log else 0), n) for n, (_, value, _) in enumerate(rows)])
    longest = max(len(label) for label, _, _ in rows)
    most = max(value for _, value, _ in rows)
    chart.lines += ["set style fill solid 0.85", "unset key", "unset grid",
                    "set grid xtics back lt 1 lw 1 lc rgb '#cccccc'",
                    f"set lmargin {min(60, longest + 3)}", f"set yrange [{len(rows) - 0.4}:-0.6]",
                    f"set xrange [10:{most * 3}]" if log else f"set xrange [0:{most * 1.1}]",
                    "set ytics (" + ", ".join(f"{quoted(label)} {n}" for n, (label, _, _)
                                              in enumerate(rows)) + ") noenhanced font ',12'"]
    if log:
        chart.lines.append("set logscale x 10")
    low = 10 if log else 0
    for n, (_, _, colour) in enumerate(rows):
        chart.plots.append(f"{name} every ::{n}::{n} using 1:2:({low}):1:($2-0.35):($2+0.35) "
                           f"with boxxyerror lc rgb '{colour}'")
    chart.plots.append(f"{name} using 1:2:(sprintf(' {form}', $1)) with labels left font ',12'")
    return chart


def frames_text(rows):
    return ", ".join(dict.fromkeys(r["what"]["frame"] for r in rows))


def by_flows(tree):
    rows = [r for r in measured(tree, "throughput") if r["scenario"] in ("stateful", "siit")
            and flows_of(r["what"]["flows"])]
    if len({r["what"]["flows"] for r in rows}) < 2:
        return None
    chart = Chart(f"Throughput by flows, sent: {frames_text(rows)}", subtitle(tree),
                  "flows, in random order", "million packets per second")
    chart.lines += ["set logscale x 10", "set xrange [0.7:*]",
                    "set xtics ('1' 1, '100' 100, '10 k' 1e4, '1 M' 1e6, '10 M' 1e7)"]
    lines(chart, rows, ("translator", "direction", "pattern"),
          lambda r: flows_of(r["what"]["flows"]))
    return chart


def frame_size(row):
    return int(row["what"].get("frame", "0 B").split()[0])


def by_size(tree):
    rows = [r for r in measured(tree, "throughput") if r["scenario"] == "sizes"]
    if len({frame_size(r) for r in rows}) < 3:
        return None
    chart = Chart("Throughput by frame size (6to4: IPv6 frame sent, 4to6: IPv4 frame sent)",
                  subtitle(tree), "bytes of the frame as sent, without FCS",
                  "million packets per second")
    chart.lines += ["set xrange [0:1560]", "set xtics (128, 256, 512, 1024, 1514)"]
    lines(chart, rows, ("translator", "direction", "flows"), frame_size)
    return chart


def latency(tree):
    rows = measured(tree, "latency")
    if not rows:
        return None
    chart = Chart(f"Latency, sent: {frames_text(rows)}", subtitle(tree),
                  "percentile", "nanoseconds from source to sink")
    shares = (50, 90, 99, 99.9)
    chart.lines += ["set logscale y 10", "set yrange [*:*]", "set xrange [0.6:4.4]",
                    "set xtics (" + ", ".join(f"'{s}' {n + 1}" for n, s in enumerate(shares)) + ")"]
    for number, (label, row, who) in enumerate(latency_series(rows)):
        values = [rounds.spread(rounds.percentile(one[who]["latency"], s / 100)
                                for one in row["rounds"]) for s in shares]
        colour = COLOURS[number % len(COLOURS)] if who == "product" else GREY
        dash = "" if who == "product" else f"dt {number % 4 + 2} "
        name = chart.data([(n + 1, *v) for n, v in enumerate(values)])
        chart.plots.append(f"{name} using 1:2:3:4 with yerrorlines lw 2 {dash}pt {number % 6 + 4} "
                           f"lc rgb '{colour}' title {quoted(label)}")
    return chart


def latency_series(rows):
    """(label, row, whose): the translators, then redirect-only once for each frame."""
    found = {}
    for who in ("product", "reference"):
        for row in rows:
            what = row["what"]
            name = what["translator"] if who == "product" else "redirect only"
            found.setdefault(f"{name} {what['direction']} {what['rate']}", (row, who))
    return [(label, *of) for label, of in found.items()]


def peers(tree):
    rows = measured(tree, "peers")
    if not rows:
        return None
    rows = [r for r in rows if "added" in r["summary"] and r["summary"]["rate"][0] > 1000]
    chart = Chart("Beside other translators: direction and number of flows, smallest frames",
                  subtitle(tree), "nanoseconds per packet over redirect only", "")
    colour = {t: COLOURS[n % len(COLOURS)] for n, t in enumerate(dict.fromkeys(
        r["what"]["translator"] for r in rows))}
    return bars(chart, [("{translator}, {direction}, {flows}".format(**r["what"]),
                         r["summary"]["added"][0], colour[r["what"]["translator"]])
                        for r in rows], "%.0f", log=True)


def breakdown(steps, text):
    """Of bench/micro: where the time of a packet goes."""
    chart = Chart("Cost of each step of a packet", text, "nanoseconds", "")
    return bars(chart, [(step["name"], step["ns"], COLOURS[0]) for step in steps], "%.1f")


CHARTS = {"flows": by_flows, "sizes": by_size, "latency": latency, "peers": peers}


def draw(path):
    """The pictures that the JSON of a run, or of bench/micro, has figures for."""
    try:
        with open(path, encoding="utf-8") as f:
            tree = json.load(f)
    except (OSError, ValueError) as error:
        raise lib.Failed(f"{path} cannot be read as the JSON of a run: {error}") from None
    base = os.path.splitext(path)[0]
    if isinstance(tree, list) and all("steps" in way for way in tree):
        return [name for way in tree for name in breakdown(way["steps"], way["title"]).write(
            f"{base}-{way['title'].replace(' ', '-')}")]
    if "rows" not in tree:
        raise lib.Failed(f"{path} is no JSON of bench/run: it has no rows")
    made = []
    for name, chart in CHARTS.items():
        chart = chart(tree)
        if chart:
            made += chart.write(f"{base}-{name}")
    return made
