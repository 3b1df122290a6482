# SPDX-License-Identifier: GPL-2.0-only
"""bench/tune on a veth: the table, what it sets, and that it puts everything back. Real
queues, rings and interrupts: testenv/vm/test_tune_nics.py."""

import json
import os
import subprocess

import pytest

import lib
from host import Host

TUNE = os.path.join(lib.TOP, "bench", "tune")


@pytest.fixture(scope="module")
def host():
    host = Host("host", f"n64-tune-{os.urandom(3).hex()}")
    subprocess.run(["ip", "netns", "add", host.name], check=True)
    try:
        host.ip("link add name nic0 numrxqueues 4 numtxqueues 4 type veth peer name far0")
        host.run("ethtool -L nic0 rx 1 tx 1")
        yield host
    finally:
        subprocess.run(["ip", "netns", "del", host.name], check=False)


def tune(host, path, *words, check=True):
    return host.run([TUNE, *words, "--state", path, *(
        () if "--undo" in words else ("-i", "nic0", "--cpus", "0"))], check=check)


def state(host):
    """Everything that ethtool says of the device and tune could set."""
    return [host.run(["ethtool", option, "nic0"], check=False).stdout
            for option in ("-k", "-l", "-g", "-c", "-a")]


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "state.json")


def test_shows_and_changes_nothing(host, path):
    before = state(host)
    text = tune(host, path).stdout
    assert "nic0: veth" in text and "veth has no such setting" in text
    row = next(line for line in text.splitlines() if "rxvlan" in line)
    assert row.split()[:4] == ["*", "rxvlan", "on", "off"]
    assert state(host) == before and not os.path.exists(path)


def test_apply_and_undo(host, path):
    """What differs is set and told; twice is once; undo leaves no trace."""
    before = state(host)
    first = tune(host, path, "--apply", "--skip", "bpf-stats")
    assert "nic0: rxvlan: on -> off" in first.stdout
    assert "nic0: ring-rx: skipped, veth has no such setting" in first.stdout
    assert state(host) != before
    again = tune(host, path, "--apply", "--skip", "bpf-stats")
    assert "->" not in again.stdout and "0 changed" in again.stdout
    assert "nic0: rxvlan: off -> on" in tune(host, path, "--undo").stdout
    assert state(host) == before and not os.path.exists(path)
    nothing = tune(host, path, "--undo", check=False)
    assert nothing.returncode == 1 and "nothing to undo" in nothing.stderr


def test_single_settings(host, path):
    """Another value, and that alone; what was there first is kept over two changes."""
    tune(host, path, "--apply", "--only", "queues-rx", "--set", "queues-rx=3")
    tune(host, path, "--apply", "--only", "queues-rx", "--set", "queues-rx=2")
    with open(path, encoding="utf-8") as f:
        assert json.load(f) == [{"where": "nic0", "name": "queues-rx", "old": 1}]
    assert "queues-rx: 2 -> 1" in tune(host, path, "--undo").stdout


def test_refused_by_the_driver(host, path):
    """A failure is named, the rest is done, and undo still works."""
    before = state(host)
    done = tune(host, path, "--apply", "--only", "queues-rx,rxvlan", "--set", "queues-rx=99",
                check=False)
    assert done.returncode == 1 and "queues-rx cannot be set to 99: " in done.stderr
    assert "rxvlan: on -> off" in done.stdout
    tune(host, path, "--undo")
    assert state(host) == before


@pytest.mark.parametrize("words, sentence", [
    (("--only", "nonsense"), "there is no setting nonsense"),
    (("--set", "ring-rx=many"), "ring-rx is a number"),
    (("--set", "irq=1"), "irq has no single value"),
    (("--cpus", "4096"), "this machine has CPUs 0 to"),
    (("-i", "nic9"), "No such device"),
])
def test_arguments(host, path, words, sentence):
    done = tune(host, path, *words, check=False)
    assert done.returncode != 0 and sentence in done.stderr
