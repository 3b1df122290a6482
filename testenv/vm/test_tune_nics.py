# SPDX-License-Identifier: GPL-2.0-only
"""bench/tune on virtio-net: queues, rings, interrupts and, where the machine has them,
hashes. What the program of the gateway then finds is in test_nics.py."""

import os

import lib
from test_devices import attached, talks
from test_nics import nics, queues  # noqa: F401  (a fixture)

TUNE = os.path.join(lib.TOP, "bench", "tune")
OPTIONS = ("-l", "-g", "-c", "-k", "-x", "-a")


def state(host):
    """What ethtool says of both ports, and where their interrupts go."""
    texts = [host.run(["ethtool", option, device], check=False).stdout
             for device in ("eth6", "eth4") for option in OPTIONS]
    for flow in ("udp4", "udp6"):
        texts.append(host.run(["ethtool", "-n", "eth6", "rx-flow-hash", flow],
                              check=False).stdout)
    return texts + affinities()


def affinities():
    """CPUs of each queue's interrupt, of all NICs."""
    with open("/proc/interrupts", encoding="ascii") as f:
        numbers = [line.split(":")[0].strip() for line in f if "put." in line]
    found = []
    for number in numbers:
        with open(f"/proc/irq/{number}/smp_affinity_list", encoding="ascii") as f:
            found.append(f.read().strip())
    return found


def tune(host, *words):
    return host.out([TUNE, *words, "--state", "/tmp/tune.json"])


def test_tune(nics):  # noqa: F811
    """Shown, set, the gateway works with it, and undone without a trace."""
    gateway = nics.gateway
    ports = ("-i", "eth6", "-i", "eth4")
    gateway.run("ethtool -L eth6 combined 1")
    before = state(gateway)
    table = tune(gateway, *ports)
    assert "virtio_net has no such setting" in table, table
    try:
        text = tune(gateway, *ports, "--apply")
        print(table, text)
        assert "eth6: queues: 1 -> 2" in text and queues(gateway, "eth6") == 2
        assert "\n0 changed" in tune(gateway, *ports, "--apply")
        assert all(where in "01" for where in affinities()), affinities()
        with attached(nics, "siit") as instance:
            talks(nics, instance, "siit")
    finally:
        tune(gateway, "--undo")
    assert state(gateway) == before
    gateway.run("ethtool -L eth6 combined 2")
