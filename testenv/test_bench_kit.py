# SPDX-License-Identifier: GPL-2.0-only
"""The benchmark kit itself: its figures, its tables, and that its sink sees what is
wrong. Nothing here measures."""

import collections
import dataclasses
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys

import pytest

import lib

KIT = os.path.join(lib.TOP, "bench", "kit")
sys.path.append(KIT)

import baseline  # noqa: E402  (after the path is set)
import peers  # noqa: E402
import plots  # noqa: E402
import report  # noqa: E402
import rounds  # noqa: E402
from frames import Shape  # noqa: E402
from product import Siit, Stateful, shared_addresses  # noqa: E402
from rig import TOOL, Load, Reference, hands, share_of  # noqa: E402


def load_run():
    path = os.path.join(lib.TOP, "bench", "run")
    loader = importlib.machinery.SourceFileLoader("bench_run", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


# ---- figures -------------------------------------------------------------------------------


def one_round(rate, reference, good=1000, sent=1000, bad=None):
    def of(value):
        return {"rate": value, "sent": sent, "good": good, "bad": bad or {}, "offered": value,
                "loss": 1 - (good + sum((bad or {}).values())) / sent, "cpu_share": 0.5}
    return {"product": of(rate), "reference": of(reference) if reference else None}


def test_ratios_are_taken_within_a_round():
    # The machine is twice as fast in the second round; the ratio is 0.5 in both.
    s = rounds.summary([one_round(1e6, 2e6), one_round(2e6, 4e6)])
    assert s["ratio"] == (0.5, 0.5, 0.5)
    assert s["added"] == (375.0, 250.0, 500.0)
    assert s["rate"] == (1.5e6, 1e6, 2e6)


def test_summary_of_the_fastest_rounds():
    """Each by itself: the core may be away in one measurement of a round and not in the other."""
    some = [one_round(1e6 + n, 4e6 - n) for n in range(19)]
    s = rounds.summary([one_round(2e6, 1e6)] + some + [one_round(1e6, 5e6)], fastest=True)
    assert s["rate"] == (1e6 + 18, 1e6, 2e6) and s["reference"] == (4e6, 1e6, 5e6)
    assert s["ratio"] == ((1e6 + 18) / 4e6,) * 3
    assert s["added"][0] == 1e9 / (1e6 + 18) - 250
    assert rounds.summary([one_round(1e6, 2e6)], fastest=True)["ratio"][0] == 0.5


def test_summary_of_losses_and_wrong_frames():
    s = rounds.summary([one_round(1e6, None, good=900, bad={"port": 50}), one_round(1e6, None)])
    assert s["loss"] == pytest.approx((0.025, 0.0, 0.05))
    assert s["bad"] == 50 and "ratio" not in s
    assert rounds.summary([]) is None


def test_percentiles():
    histogram = [(100, 98), (200, 1), (5000, 1)]
    assert [rounds.percentile(histogram, p) for p in (0.5, 0.98, 0.99, 0.999)] == [
        100, 100, 200, 5000]
    assert rounds.percentile([], 0.5) is None
    assert rounds.merged([[[1, 2], [3, 4]], [[3, 1]]]) == [(1, 2), (3, 5)]


def test_digest_adds_the_ends_up():
    one = {"sent": 600, "seconds": 2.0, "offered": 0, "insns": None, "cpu": 0, "no_insns": "why"}
    two = {"sent": 400, "seconds": 1.0, "offered": 500.0, "insns": None, "cpu": 1}
    got = {"sources": [one, two],
           "sinks": [{"good": 500, "bad": {"port": 100}, "rate": 0.0, "looked_up": 0, "summed": 0},
                     {"good": 300, "bad": {}, "rate": 0.0, "looked_up": 0, "summed": 0}],
           "cpus": [{"busy": 0.25}, {"busy": 0.75}], "disturbed": 0.0}
    result = rounds.digest(got)
    assert result["rate"] == 400 and result["offered"] == 800
    assert result["loss"] == pytest.approx(0.1) and result["bad"] == {"port": 100}
    assert result["insns"] is None and "why" in result["no_insns"]
    assert result["cpu_share"] == 0.75


def test_flows_are_shared_out_without_a_gap():
    parts = [share_of((0, 1000), n, 3) for n in range(3)]
    assert parts == [(0, 333), (333, 666), (666, 1000)]
    assert share_of((0, 1), 1, 2) == (0, 1) and share_of((0, 1), 0, 2) == (0, 1)


def test_pool_of_a_scenario():
    assert [shared_addresses(n) for n in (1, 10_000, 1_000_000, 10_000_000)] == [2, 2, 32, 256]


# ---- tables and comparison -----------------------------------------------------------------


def row(**what):
    return rounds.Row("throughput", {"translator": "x", **what}, None, None, None,
                      scenario="stateful")


def test_table():
    good, failed = row(flows="1"), row(flows="10k")
    good.rounds = [one_round(2e6, 4e6), one_round(1e6, 4e6), one_round(3e6, 4e6)]
    failed.failed = "no reason"
    lines = report.table([report.cells(good), report.cells(failed)])
    assert lines[0].split() == ["translator", "flows", "Mpps", "ns", "redirect", "added", "ns",
                                "ratio", "offered", "lost", "CPU", "bad"]
    assert "2.00 (1.00-3.00)" in lines[1] and "+250" in lines[1]
    assert "0.500 (0.250-0.750)" in lines[1]
    assert lines[2].endswith("no reason")
    # a figure ends where its heading ends
    assert lines[0].index("bad") + 3 == len(lines[1])


def test_baseline_knows_nine_from_eleven_percent():
    assert baseline.compare({"a": 0.5}, {"a": 0.5 * 0.91})[1] == 0
    assert baseline.compare({"a": 0.5}, {"a": 0.5 * 0.89})[1] == 1
    assert baseline.compare({"a": 0.5}, {"a": 0.9})[1] == 0
    lines, worse = baseline.compare({"a": 0.5, "b": 0.5}, {"a": 0.5})
    assert worse == 0 and lines[1][""] == "not measured"


def tree_of(ratio):
    one = row(flows="1")
    one.rounds = [one_round(ratio * 1e6, 1e6)]
    machine = {"cpu": "c", "kernel": "k", "driver": "d", "commit": "x", "date": "y"}
    return report.tree([one], machine, {"rounds": 1, "ms": 1}, [])


def test_baseline_is_saved_and_checked(tmp_path):
    path = str(tmp_path / "baseline.json")
    with pytest.raises(lib.Failed, match="--save-baseline writes it"):
        baseline.check(tree_of(0.5), path)
    baseline.save(tree_of(0.5), path)
    assert baseline.check(tree_of(0.46), path)[1] == 0
    text, status = baseline.check(tree_of(0.44), path)
    assert status == 1 and "WORSE" in text
    other = tree_of(0.5)
    other["machine"]["cpu"] = "another"
    assert "another machine (cpu differ" in baseline.check(other, path)[0]


@pytest.mark.parametrize("words, text", [
    (["no-such"], "there is no scenario 'no-such'; bench/run --list names them"),
    (["--flows", "1,ten"], "'ten' is no number of flows: write 1, 10k or 1M"),
    (["--flows", "0"], "'0' is no number of flows"),
    (["--direction", "6to4,up"], "'up' is none of 6to4, 4to6, both"),
    (["--cpu", "9999"], "CPU '9999' is none of this machine's"),
    (["--program", "/no/such"], "'/no/such' is no program that can be run"),
    (["--set", "port-block"], "'port-block' is no setting: write KEY=VALUE"),
])
def test_argument_errors(words, text, capsys):
    with pytest.raises(SystemExit) as stopped:
        load_run().parse(words)
    assert stopped.value.code == 2 and text in capsys.readouterr().err


def test_arguments():
    args = load_run().parse(["siit", "--flows", "1,10k,1M", "--set", "port-block=64"])
    assert args.flows == [1, 10_000, 1_000_000] and args.settings == {"port-block": "64"}
    assert args.program == [lib.PROGRAM] and args.scenario == ["siit"]


# ---- the order of flows ----------------------------------------------------------------------


def draw(flows, pattern, length=0):
    return hands("draw", {"flows": flows, "pattern": pattern, "length": length, "seed": 7,
                          "exponent": 1.0})


def test_uniform_order_has_every_flow_once():
    order = draw(5000, "uniform")
    assert sorted(order) == list(range(5000)) and order != list(range(5000))
    assert order == draw(5000, "uniform")
    near = sum(abs(a - b) < 50 for a, b in zip(order, order[1:]))
    assert near < 250  # 2 % would be chance


def test_zipf_order():
    """Rank r comes 1/r as often as rank 1; ranks are dealt to flows at random."""
    flows, length = 1000, 200_000
    order = draw(flows, "zipf", length)
    assert len(order) == length and 0 <= min(order) and max(order) < flows
    counts = collections.Counter(order).most_common()
    first = length / sum(1 / r for r in range(1, flows + 1))
    for rank in (1, 2, 10, 100):
        assert counts[rank - 1][1] == pytest.approx(first / rank, rel=0.1)
    assert counts[0][0] != 0


# ---- the sink --------------------------------------------------------------------------------


FLOWS = 256


@pytest.fixture(scope="module", name="bench_bed")
def fixture_bench_bed(echo):
    """Redirect-only, in which frames arrive as they were sent."""
    if not os.path.exists(TOOL):
        pytest.fail(f"{TOOL} is not there: make build/bench/bench")
    with Reference(Stateful.model_of(FLOWS), FLOWS, echo) as bed:
        yield bed


def once(bed, way="out", source=None, sink=None, shape=Shape(size=100)):
    """Every flow once; what the sink says, with the ends changed as told."""
    load = Load(ways=(way,), flows=FLOWS, once=True, shape=shape)
    sources, sinks = bed.sources(load), [bed.sink(load, way)]
    sources[0] |= source or {}
    sinks[0] |= sink or {}
    return bed.run(sources, sinks, 0)["sinks"][0]


@pytest.mark.parametrize("proto, way, size", [
    ("udp", "out", 1514), ("udp", "in", 333), ("tcp", "out", 303), ("tcp", "in", 101),
    ("icmp", "out", 100), ("icmp", "in", 1494)])
def test_right_frames_are_good(bench_bed, proto, way, size):
    """Both checksums of every frame are summed."""
    got = once(bench_bed, way, sink={"sum_every": 1}, shape=Shape(proto=proto, size=size))
    assert got["good"] == got["summed"] == FLOWS and not got["bad"]
    assert got["looked_up"] == (FLOWS if way == "in" else 0)


def test_a_redirect_is_no_translator(bench_bed):
    """What is not translated at all is of the wrong family, every frame."""
    load = Load(ways=("out",), flows=FLOWS, once=True, shape=Shape(size=100))
    bench_bed.changes = True
    try:
        sink = bench_bed.sink(load, "out")
    finally:
        bench_bed.changes = False
    got = bench_bed.run(bench_bed.sources(load), [sink], 0)["sinks"][0]
    assert got["good"] == 0 and got["bad"] == {"family": FLOWS}


@pytest.mark.parametrize("cause, way, source, sink", [
    ("address", "out", {}, {"host_base": 0x10000001}),
    ("port", "out", {}, {"port_base": 10001}),
    ("payload", "out", {}, {"flows": 1}),
    ("length", "out", {}, {"bytes": 104}),
    ("mapping", "in", {"host_base": (100 << 24 | 64 << 16) + 1}, {"ext_count": 1 << 20}),
    ("mapping", "in", {}, {"ext_base": 1}),
], ids=lambda v: v if isinstance(v, str) else "")
def test_each_fault_has_its_cause(bench_bed, cause, way, source, sink):
    got = once(bench_bed, way, source, sink)
    assert set(got["bad"]) == {cause} and got["bad"][cause] >= FLOWS - 1


def test_wrong_ttl_is_seen(bench_bed):
    load = Load(ways=("out",), flows=FLOWS, once=True, shape=Shape(size=100))
    template = bench_bed.model.sent("out", load.shape)
    template.raw[21] = 63
    sink = bench_bed.sink(load, "out") | template.sink(FLOWS, load.port_bits)
    got = bench_bed.run(bench_bed.sources(load), [sink], 0)["sinks"][0]
    assert got["bad"] == {"header": FLOWS}


@pytest.mark.parametrize("sum_of", ["csum", "ip_csum"])
def test_wrong_checksums_are_seen(bench_bed, sum_of):
    load = Load(ways=("in",), flows=FLOWS, once=True, shape=Shape(size=300))
    right = bench_bed.sources(load)[0][sum_of]
    got = once(bench_bed, "in", {sum_of: right ^ 1}, {"sum_every": 1}, load.shape)
    assert got["bad"] == {"checksum": FLOWS}


def test_two_flows_on_one_external_address(bench_bed):
    """70,000 flows behind one address must share some of its 65,536 ports."""
    spec = {"pin": bench_bed.externals, "flows": 70_000, "base": bench_bed.model.outside.base}
    assert bench_bed.audit(FLOWS) == {"known": FLOWS, "shared": 0, "strange": 0}
    try:
        hands("externals", spec | {"per": 70_000})
        assert bench_bed.audit(70_000) == {"known": 70_000, "shared": 4464, "strange": 0}
        hands("externals", spec | {"per": 100, "flows": FLOWS})
        assert bench_bed.audit(FLOWS) == {"known": FLOWS, "shared": 0, "strange": 56}
    finally:
        bench_bed.new_externals()


# ---- peers and pictures ------------------------------------------------------------------------


def script(tmp_path, text):
    path = tmp_path / "peer"
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_adapters_say_what_they_are(tmp_path):
    for name in sorted(os.listdir(peers.FOLDER)):
        try:
            assert peers.describe(os.path.join(peers.FOLDER, name))["kind"] in peers.KINDS
        except lib.Failed as error:
            assert "Debian package" in str(error)
    with pytest.raises(lib.Failed, match="peer: it is not here"):
        peers.describe(script(tmp_path, "echo it is not here >&2; exit 1"))
    with pytest.raises(lib.Failed, match="must print name=... and kind=, one of stateful"):
        peers.describe(script(tmp_path, "echo name=x; echo kind=y"))


@pytest.mark.skipif(not shutil.which("gnuplot"), reason="needs gnuplot (gnuplot-nox)")
def test_pictures(tmp_path):
    path = tmp_path / "run.json"
    tree = tree_of(0.5)
    more = json.loads(json.dumps(tree["rows"][0]))
    more["what"]["flows"] = "10k"
    for each in (tree["rows"][0], more):
        each["what"] |= {"direction": "6to4", "frame": "72 B IPv6"}
    tree["rows"].append(more)
    path.write_text(json.dumps(tree), encoding="utf-8")
    made = plots.draw(str(path))
    assert [os.path.basename(p) for p in made] == ["run-flows.png", "run-flows.svg"]
    with open(made[0], "rb") as f:
        assert f.read(8) == b"\x89PNG\r\n\x1a\n"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(lib.Failed, match="it has no rows"):
        plots.draw(str(path))


def test_a_frame_too_small_for_the_number_of_its_flow():
    with pytest.raises(ValueError, match="a frame of 60 bytes is too small for IPv6 UDP"):
        Siit.model_of(1).sent("out", dataclasses.replace(Shape(), size=60))
