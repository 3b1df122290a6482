# SPDX-License-Identifier: GPL-2.0-only
"""Jool in the place of xdp-nat64, on the same virtio-net devices and the same packets of
bench/pktgen. The machine is emulated and all three hosts share one CPU thread, so the figures
are an order of magnitude."""

import contextlib
import shutil

import pytest

from lib import H4, H6, PREF64, S4
from test_devices import T, attached, echo
from test_nics import nics  # noqa: F401  (a fixture)
from test_pktgen import neighbours, send  # noqa: F401  (a fixture)

SECONDS = 4
ROUNDS = 1


@contextlib.contextmanager
def jool(nics, mode):  # noqa: F811
    """An instance in the gateway's namespace; it works on what netfilter sees."""
    program = "jool" if mode == "stateful" else "jool_siit"
    gateway = nics.gateway
    gateway.run([program, "instance", "add", "--netfilter", "--pool6", PREF64])
    try:
        if mode == "stateful":
            for protocol in ("tcp", "udp", "icmp"):
                gateway.run([program, "pool4", "add", f"--{protocol}", T, "1024-65535"])
        else:
            gateway.run([program, "eamt", "add", f"{H6}/128", f"{H4}/32"])
        yield
    finally:
        gateway.run([program, "instance", "remove"], check=False)


def rate(nics):  # noqa: F811
    """Packets per second that the server received."""
    rows = send(nics.client, nics.server, "--pref64", PREF64, "--dst", S4, "--src", H6, "--sport",
                "1024-1087", "--seconds", str(SECONDS))
    return rows["received", "total"] / SECONDS


@pytest.mark.parametrize("mode", ["stateful", "siit"])
def test_compare(nics, neighbours, mode, capsys):  # noqa: F811
    if not shutil.which("jool"):
        pytest.skip("its tool is not here; package jool-tools has it")
    rates = {"jool": [], "xdp-nat64": []}
    with jool(nics, mode):
        echo(nics, H4 if mode == "siit" else T)
    for _ in range(ROUNDS):
        with jool(nics, mode):
            rates["jool"].append(rate(nics))
        with attached(nics, mode):
            rates["xdp-nat64"].append(rate(nics))
    best = {name: max(values) for name, values in rates.items()}
    with capsys.disabled():
        print(f"\nfigures: {mode} 6to4: " + ", ".join(
            f"{name} {value / 1000:.1f} kpps" for name, value in best.items()))
    assert min(best.values()) > 0, rates
