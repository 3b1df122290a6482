# SPDX-License-Identifier: GPL-2.0-only
"""The smallest bench: a translator with one device, and one IPv4 host. Every IPv6 address
is an embedded one, and the translator's own programs are the IPv6 hosts.

    gateway                                      zb
    64:ff9b:1:fffe::c0a8:201  za ======== zb     192.168.2.2
    (192.168.2.1 to the other side)

The kernel answers and asks by ARP, or the neighbours are static; no qdisc, no filter and no
other action stands on the devices.
"""

import json
import re
import signal

import pytest

import packets
from lib import PINGS, Topology, wait_for
from talk import INET, INET6, TCP, UDP, answered, talking
from test_hosts import ping

P = "64:ff9b:1:fffe::"
ZA6, ZB6 = P + "192.168.2.1", P + "192.168.2.2"
ZA4, ZB4 = "192.168.2.1", "192.168.2.2"


class Pair(Topology):
    """`static`: neighbours by hand, ARP off on both ends."""

    def __init__(self, static=False, verbose=False):
        super().__init__(verbose=verbose)
        self.static = static
        self.hosts = [self.gateway, self.server]

    def build_near(self):
        zb = self.server
        self.cable(zb, "zb", self.gateway, "za")
        self.gateway.ip(f"""
            addr add {ZA6}/128 dev za nodad
            addr add 192.168.2.254/24 dev za
        """)
        zb.ip(f"addr add {ZB4}/24 dev zb")
        if self.static:
            self.gateway.ip(f"""
                link set dev za arp off
                neigh add {ZB4} lladdr {zb.mac("zb")} dev za nud permanent
            """)
            zb.ip(f"""
                link set dev zb arp off
                neigh add {ZA4} lladdr {self.gateway.mac("za")} dev zb nud permanent
            """)


@pytest.fixture(scope="module", params=["ARP", "static neighbours"])
def pair(request, echo):
    with Pair(static=request.param != "ARP", verbose=echo) as topology:
        gateway = topology.gateway
        gateway.attach("--xlat4", f"{ZA4}/32", pref64=f"{P}/96", eam=False, devices=["za"])
        try:
            gateway.wait_worker()
            yield topology
            gateway.check_sums()
        finally:
            gateway.detach()


def test_ping(pair):
    """L2-03: both ways, and the very first packet."""
    for host, target in ((pair.gateway, ZB6), (pair.server, ZA4)):
        got, text = ping(host, target)
        assert got == 3, text


@pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])
def test_ways(pair, kind):
    """L4-01: what real programs send, with the checksums that the kernel makes."""
    with talking(kind, pair.gateway, INET, ZB6, pair.server, ZA4) as (here, there):
        answered(here, there)
    with talking(kind, pair.server, INET6, ZA4, pair.gateway, ZB6) as (here, there):
        answered(here, there)


def test_addresses(pair):
    """Both addresses are the embedded ones, in the bytes on the wire."""
    with pair.server.wire("zb") as wire:
        assert ping(pair.gateway, ZB6, count=1)[0] == 1
        got = packets.IP(packets.ip_of(wire.recv()))
    assert (got.version, got.src, got.dst, got.icmp) == (4, ZA4, ZB4, (8, 0))
    assert not packets.faults(got.raw)


def test_arp_is_real(pair):
    """PORT-11: ARP for the translated address is answered, with the device's own MAC; with
    static neighbours nobody asks."""
    for host, device, far, mac in (
            (pair.server, "zb", ZA4, pair.gateway.mac("za")),
            (pair.gateway, "za", ZB4, pair.server.mac("zb"))):
        if not pair.static:
            host.run(["ip", "neigh", "flush", "dev", device], check=False)
    assert ping(pair.gateway, ZB6)[0] == 3 and ping(pair.server, ZA4)[0] == 3
    for host, device, far, mac in (
            (pair.server, "zb", ZA4, pair.gateway.mac("za")),
            (pair.gateway, "za", ZB4, pair.server.mac("zb"))):
        rows = json.loads(host.out(["ip", "-j", "neigh", "show", far, "dev", device]))
        assert [row["lladdr"] for row in rows] == [mac], rows
        assert ("PERMANENT" in rows[0]["state"]) == pair.static, rows


def test_nothing_else_on_the_devices(pair):
    """Neither qdiscs nor filters nor actions; the kernel's own noqueue is none."""
    for host, device in ((pair.gateway, "za"), (pair.gateway, pair.gateway.pair),
                         (pair.server, "zb")):
        assert re.fullmatch(r"(qdisc noqueue .*\n?)?",
                            host.out(["tc", "qdisc", "show", "dev", device]))
        for hook in ("ingress", "egress"):
            assert not host.run(["tc", "filter", "show", "dev", device, hook],
                                check=False).stdout
    assert not pair.gateway.out("tc actions ls action csum").replace("total acts 0", "").strip()


def test_reload_loses_nothing(pair):
    """L2-02, principle 7: ten reloads, each another program on the live device, during
    pings both ways; the last ping may be on its way when they end."""
    runs = [host.start([*PINGS, "-i", "0.002", target], stdout=-1, text=True)
            for host, target in ((pair.gateway, ZB6), (pair.server, ZA4))]
    seen = set()
    for n in range(10):
        pair.gateway.reload(*pair.gateway.words, "--set", f"denylist4=198.18.{n}.0/24")
        seen.add(json.dumps(pair.gateway.status()["interfaces"]))
    assert len(seen) == 10
    for child in runs:
        child.send_signal(signal.SIGINT)
        text = child.communicate()[0]
        sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) received",
                                       text).groups())
        assert got >= 200 and sent - got <= 1, text
    # what came through the pair took the long way, which was there all the time
    assert not pair.gateway.stats().get("internal")
    wait_for("the worker", lambda: pair.gateway.status()["worker"]["alive"])
