# SPDX-License-Identifier: GPL-2.0-only
"""`mapping` and `session` with other configurations, and with a million mappings: they
are listed quickly and without being collected."""

import json
import subprocess
import time

import pytest

from state_ask import UDP
from state_bed import P64, PEER, SUBSCRIBER, Bed, fill

T, HOST = "203.0.113.8", "2001:db8:c::5"


# ---- other configurations ------------------------------------------------------------------


def test_permissions_and_several_prefixes(dumb):
    """ST-09: under adf the addresses that a UDP mapping may hear from. ADR-08: which
    prefix a host used."""
    bed = Bed(dumb.gateway, "-6", "2001:db8:64::/96", "-4", T, "--set", "filtering-udp=adf")
    try:
        bed.out(UDP, HOST, 40000)
        row, = bed.json("session", "list")
        assert (row["state"], row["remote4"], row["remote_port"]) == ("permission", PEER, None)
        assert f"{PEER}:*" in bed.run("session", "list").stdout
        head, row = bed.run("mapping", "list").stdout.splitlines()
        assert "pref64" in head and row.split()[5] in (P64, "2001:db8:64::/96")
    finally:
        bed.close()


def test_mode_without_state(dumb):
    dumb.gateway.attach("--no-worker")
    try:
        for command in ("mapping", "session"):
            done = dumb.gateway.cmd(command, "list", "--name", dumb.gateway.instance, check=False)
            assert done.returncode == 1 and "mode siit, which keeps no mappings" in done.stderr
    finally:
        dumb.gateway.detach()


# ---- large ----------------------------------------------------------------------------------

MILLION = 1_000_000


@pytest.fixture(name="full", scope="class")
def _full(dumb):
    """A million UDP mappings on 32 addresses."""
    made = Bed(dumb.gateway, "-4", "192.0.2.0/27:1024-65535:udp")
    count, refused = fill(made.state, MILLION)
    assert count == MILLION and not refused, refused
    yield made
    made.close()


class TestMillion:
    def timed(self, bed, *words):
        """What was written, and how long that took is printed; with 16 MiB for everything that the
        command collects, which a listing does not. What is not linear does not end in time."""
        words = bed.gateway.argv(["prlimit", f"--data={1 << 24}", bed.gateway.program, *words,
                                  "--name", bed.gateway.instance])
        begin = time.monotonic()
        done = subprocess.run(words, capture_output=True, timeout=120, check=False)
        spent = time.monotonic() - begin
        assert done.returncode == 0, done.stderr
        print(f"{' '.join(words[6:])}: {spent:.2f} s, {len(done.stdout) >> 20} MiB")
        return done.stdout

    def test_list(self, full):
        """At one million entries text, JSON and the count agree."""
        text = self.timed(full, "mapping", "list")
        assert text.count(b"\n") == MILLION + 1
        text = self.timed(full, "mapping", "list", "--json")
        rows = json.loads(text)
        assert len({(row["ipv4"], row["port4"]) for row in rows}) == MILLION
        assert len({(row["ipv6"], row["port6"]) for row in rows}) == MILLION
        text = self.timed(full, "mapping", "list", "--count")
        assert text == b"%d\n" % MILLION

    def test_one_subscriber(self, full):
        text = self.timed(full, "mapping", "list", "--prefix", "2001:db8:f:7::/64",
                          "--count")
        assert text == b"%d\n" % SUBSCRIBER

    def test_closed_pipe(self, full):
        """`mapping list | head` ends at once, not after a million rows."""
        words = full.gateway.argv([full.gateway.program, "mapping", "list", "--name",
                                   full.gateway.instance])
        begin = time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
            child.stdout.readline()
            child.stdout.close()
            assert child.wait(10) == 1
        assert time.monotonic() - begin < 1

    def test_flush(self, full):
        """The last one, since nothing is left afterwards."""
        text = self.timed(full, "mapping", "flush", "--all")
        assert text == b"ended %d mappings\n" % MILLION
        assert full.json("mapping", "list") == []
