# SPDX-License-Identifier: GPL-2.0-only
"""Next hops that the fast path remembers (L2-02, design section 3): what changes on the host
takes effect at once while the worker lives, within about a second when it does not, and
nothing else costs a question to the FIB."""

import contextlib
import ipaddress
import os
import signal
import time

import pytest

import lib
from lib import H4, H6, K4, K6, PINGS, S4, S6, Topology, wait_for
from test_hosts import attached, ping, zombie

AT_ONCE = 0.3  # seconds that netlink and the worker are given
NEW_MAC = "02:00:00:00:99:01"
LONGER = ipaddress.ip_network(f"{S4}/29", strict=False)


@pytest.fixture(scope="module")
def hosts(request):
    with Topology(verbose=request.config.getoption("--echo")) as topology:
        yield topology


@contextlib.contextmanager
def warm(hosts, *words, **more):
    """An instance that has the next hops of the usual ping in mind."""
    with attached(hosts, *words, **more) as gateway:
        assert ping(hosts.client, S6, count=4)[0] == 4
        yield gateway


def asked(gateway):
    return gateway.stats().get("fib_asked")


def settle():
    time.sleep(AT_ONCE)


def gone(gateway, pid):
    os.kill(pid, signal.SIGKILL)
    wait_for("the worker to be gone", lambda: not os.path.exists(f"/proc/{pid}") or zombie(pid))


def test_remembered(hosts):
    """A hundred packets each way ask the FIB a few times, if at all."""
    with warm(hosts) as gateway:
        before = asked(gateway)
        assert ping(hosts.client, S6, "-i", "0.002", count=100)[0] == 100
        assert asked(gateway) - before <= 8


CHANGES = {
    # name: (command, command that takes it back)
    "blackhole for the address": (f"route add blackhole {S4}/32", f"route del blackhole {S4}/32"),
    "blackhole for a longer prefix": (f"route add blackhole {LONGER}",
                                      f"route del blackhole {LONGER}"),
    "blackhole towards IPv6": (f"route add blackhole {H6}/128 metric 1",
                               f"route del blackhole {H6}/128 metric 1"),
    "rule by source": (f"rule add from {H4} blackhole pref 100",
                       f"rule del from {H4} blackhole pref 100"),
    "another neighbour": (f"neigh change {S4} dev eth4 lladdr 02:00:00:00:77:77 nud permanent",
                          f"neigh del {S4} dev eth4"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_change(hosts, name):
    """With a worker at once, in both directions of the change."""
    do, undo = CHANGES[name]
    with warm(hosts) as gateway:
        gateway.ip(do)
        try:
            settle()
            assert ping(hosts.client, S6, "-W", "1", count=3)[0] == 0
        finally:
            gateway.ip(undo)
        settle()
        assert ping(hosts.client, S6, count=4)[0] == 4


def test_source_without_route(hosts):
    """ADR-28: that a source has a route is remembered for its block, and asked again at once
    when the route is another."""
    with warm(hosts) as gateway:
        before = gateway.stats().get("urpf")
        gateway.ip(f"route add blackhole {H6}/128 metric 1")
        try:
            settle()
            assert ping(hosts.client, S6, "-W", "1", count=3)[0] == 0
            assert gateway.stats().get("urpf") - before == 3
        finally:
            gateway.ip(f"route del blackhole {H6}/128 metric 1")
        settle()
        assert ping(hosts.client, S6, count=4)[0] == 4


def test_change_without_worker(hosts):
    """Within about a second, although nobody listens to netlink."""
    with attached(hosts) as gateway:
        assert ping(hosts.client, S6, count=3)[0] == 3
        gone(gateway, gateway.worker_pid())
        time.sleep(1.2)  # the last beat is old
        assert ping(hosts.client, S6, count=3)[0] == 3
        gateway.ip(f"route add blackhole {S4}/32")
        try:
            time.sleep(1.2)
            assert ping(hosts.client, S6, "-W", "1", count=3)[0] == 0
        finally:
            gateway.ip(f"route del blackhole {S4}/32")
        time.sleep(1.2)
        assert ping(hosts.client, S6, count=3)[0] == 3
        # once a second and CPU for each direction, not for each packet
        before = asked(gateway)
        assert ping(hosts.client, S6, "-i", "0.002", count=500)[0] == 500
        assert asked(gateway) - before <= 50
        gateway.start([lib.PROGRAM, "worker", "--foreground", "--name", gateway.instance])
        gateway.wait_worker()
        gateway.stop_all()


def test_neighbour_moves(hosts):
    """A neighbour with a new address is found, and one that only changes its state costs
    nothing."""
    with warm(hosts) as gateway:
        before = asked(gateway)
        for state in ("stale", "reachable", "stale", "delay"):
            gateway.ip(f"neigh change {S4} dev eth4 lladdr {hosts.server.mac('eth0')} "
                       f"nud {state}")
            settle()
            assert ping(hosts.client, S6, "-i", "0.002", count=20)[0] == 20
        assert asked(gateway) - before <= 8
        old = hosts.server.mac("eth0")
        hosts.server.ip(f"link set dev eth0 address {NEW_MAC}")
        gateway.ip(f"neigh replace {S4} dev eth4 lladdr {NEW_MAC} nud reachable")
        try:
            settle()
            assert ping(hosts.client, S6, count=4)[0] == 4
        finally:
            hosts.server.ip(f"link set dev eth0 address {old}")
            gateway.ip(f"neigh replace {S4} dev eth4 lladdr {old} nud reachable")


def test_mtu(hosts):
    """MTU-64-01: a smaller MTU of the device is seen at once."""
    with warm(hosts) as gateway:
        hosts.client.run(["ping", "-n", "-c", "1", "-s", "1400", "-W", "2", S6])
        gateway.ip("link set dev eth4 mtu 1300")
        try:
            settle()
            before = gateway.stats()
            hosts.client.run(["ping", "-n", "-c", "1", "-s", "1400", "-M", "do", "-W", "1", S6],
                             check=False)
            assert gateway.stats().get("slow_too_big") > before.get("slow_too_big")
        finally:
            gateway.ip("link set dev eth4 mtu 1500")
            hosts.client.run(["ip", "-6", "route", "flush", "cache"])


def test_churn(hosts):
    """Two thousand changes of routes elsewhere, as BGP makes them, during pings: the FIB is
    asked a few times and no packet is lost."""
    with warm(hosts) as gateway:
        before = asked(gateway)
        child = hosts.client.start([*PINGS, "-c", "1500", "-i", "0.002", S6], stdout=-1,
                                   text=True)
        batch = "".join(f"route {verb} 100.{64 + n // 250}.{n % 250}.0/24 dev eth4\n"
                        for verb in ("add", "del") for n in range(1000))
        with lib.config_file(batch) as path:
            gateway.run(["ip", "-batch", path])
        text = child.communicate()[0]
        assert "1500 packets transmitted, 1500 received" in text, text
        assert asked(gateway) - before <= 60


def test_routes_by_source(hosts):
    """A rule that looks at the source: each flow is asked for by itself."""
    with warm(hosts, eam=True) as gateway:
        gateway.ip(f"rule add from {K4} blackhole pref 100")
        try:
            settle()
            assert ping(hosts.client, S6, count=4)[0] == 4
            assert ping(hosts.client, S6, "-I", K6, "-W", "1", count=2)[0] == 0
            assert ping(hosts.client, S6, count=4)[0] == 4
        finally:
            gateway.ip(f"rule del from {K4} blackhole pref 100")
