# SPDX-License-Identifier: GPL-2.0-only
"""bench/pktgen on virtio-net: the client and the server send to the gateway by the kernel's
packet generator, from two queues, in ranges of addresses and ports; what is sent is
translated, and arrives. The cables are those of test_nics.py."""

import os
import re
import signal
import subprocess

import pytest

import lib
from lib import H4, H6, K4, PREF64, S4
from test_devices import attached
from test_nics import nics  # noqa: F401  (a fixture)
from topology import link_local_of

FOLDER = os.path.join(lib.TOP, "bench", "pktgen")
PACKETS = 2000
RATE = 500  # an emulated machine on a busy one is that slow
NETWORK = "198.51.100.8/30"  # around S4


def send(sender, receiver, *words):
    """Table rows of `send`: {(table, row): packets}."""
    count = f"nsenter --net=/run/netns/{receiver.name} -- {FOLDER}/count -i eth0 --raw"
    text = sender.out([f"{FOLDER}/send", "-i", "eth0", *words, "--counted-by", count])
    rows, table = {}, None
    for line in text.splitlines():
        if line.split()[1:2] in (["CPU"], ["packets"]):
            table = line.split()[0]
        elif found := re.match(r"(queue \d+|total|lost) +(?:\d+ +)?(\d+) ", line):
            rows[table, found[1]] = int(found[2])
    assert ("sent", "total") in rows and ("received", "total") in rows, text
    return rows


def queues_used(host, device):
    """Receive queues that have seen packets."""
    text = host.out([f"{FOLDER}/count", "-i", device, "--raw"])
    return sum(int(n) > 20 for n in re.findall(r"^queue \d+ (\d+)", text, re.M))


@pytest.fixture
def neighbours(nics):  # noqa: F811
    """Next hops that nobody has to be asked for."""
    client, server = nics.client.mac("eth0"), nics.server.mac("eth0")
    last = [f"198.51.100.{n}" for n in range(8, 12)]
    nics.gateway.ip("\n".join(
        [f"neigh replace {a} lladdr {server} dev eth4 nud permanent" for a in last]
        + [f"neigh replace {a} lladdr {client} dev eth6 nud permanent"
           for a in (H6, lib.K6, link_local_of(nics.client, "eth0"))]))


def arrives(nics, sender, receiver, *words):  # noqa: F811
    """The ports forward all that they get, and (nearly) all is counted by the receiver."""
    gateway = nics.gateway
    before = gateway.stats()
    rows = send(sender, receiver, *words, "--count", str(PACKETS), "--rate", str(RATE))
    now = gateway.stats()
    more = now.since(before)
    sent = rows["sent", "total"]
    assert abs(sent - PACKETS) <= 20, rows
    assert all(rows["sent", f"queue {n}"] > PACKETS / 3 for n in (0, 1)), rows
    count = sum(n for stage, reasons in more.items() if stage in now.ports
                for reason, n in reasons.items() if reason.startswith("fwd_"))
    assert count >= sent * 0.95, (rows, more)
    assert rows["received", "total"] >= sent * 0.95, (rows, more)


TO4 = ("--pref64", PREF64, "--dst", NETWORK)


def test_siit(nics, neighbours):  # noqa: F811
    with attached(nics, "siit"):
        arrives(nics, nics.client, nics.server, *TO4, "--src", H6, "--sport", "1024-2047")
        arrives(nics, nics.server, nics.client, "--dst", f"{H4}-{K4}", "--src", NETWORK,
                "--dport", "9-16")
        assert queues_used(nics.gateway, "eth6") == queues_used(nics.gateway, "eth4") == 2


def test_stateful(nics, neighbours, tmp_path):  # noqa: F811
    """From four subscribers, and back to the ports that they were given."""
    gateway = nics.gateway
    with attached(nics, "stateful"):
        arrives(nics, nics.client, nics.server, *TO4, "--src", "2001:db8:a:%::33", "--sources",
                "4", "--sport", "1024-1123", "--sequence")
        listed = gateway.cmd("mapping", "list", "--name", gateway.instance, "--protocol", "udp",
                             "--json").stdout
        (tmp_path / "list").write_text(listed)
        ranges = gateway.run(["sh", "-c", f"{FOLDER}/mappings --most 20 <list >ranges"],
                             cwd=tmp_path)
        assert re.search(r"of 400 UDP mappings", ranges.stderr), ranges.stderr
        arrives(nics, nics.server, nics.client, "--to", str(tmp_path / "ranges"), "--src", S4)


def test_interrupted(nics):  # noqa: F811
    """Ctrl-C ends a run without end, with its table, and leaves nothing behind."""
    client = nics.client
    child = client.start([f"{FOLDER}/send", "-i", "eth0", *TO4, "--src", H6, "--rate", "1000",
                          "--seconds", "600"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lib.wait_for("the generators", lambda: child.poll() is not None or "Running: eth0@" in (
        client.out(["sh", "-c", "cat /proc/net/pktgen/kpktgend_*"])))
    os.killpg(child.pid, signal.SIGINT)
    text = child.communicate(timeout=60)[0].decode()
    assert child.returncode == 0 and re.search(r"^total +\d\d+ ", text, re.M), text
    assert "eth0" not in client.out(["sh", "-c", "cat /proc/net/pktgen/kpktgend_*"])
