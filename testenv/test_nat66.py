# SPDX-License-Identifier: GPL-2.0-only
"""NAT64 with less NAT44: stateless translation of both addresses behind the kernel's
NAT66, which is another router or the gateway itself (chain.py)."""

import ipaddress
import random
import re
import socket

import pytest

from chain import (CLIENT6, CLOSED, MAPPED4, OUTSIDE4, P, PEER4, POOL4, PREFIX, SERVER4, TRANSIT4,
                   Chain)
from line import attached, udp6
from talk import INET, INET6, TCP, UDP, answered, talking
from test_hosts import carry, ping



@pytest.fixture(scope="module", params=["a router", "the gateway"])
def chain(request, echo):
    """`params`: who does NAT66."""
    with Chain(here=request.param == "the gateway", verbose=echo) as topology:
        gateway = topology.gateway
        gateway.attach("--xlat4", POOL4, pref64=PREFIX, eam=False, devices=topology.devices)
        try:
            gateway.wait_worker()
            yield topology
            gateway.check_sums()
        finally:
            gateway.detach()


def wide(text):
    """An address as /proc/net/nf_conntrack writes it."""
    return ipaddress.IPv6Address(text).exploded


# (name, rule, who begins, towards, who is reached, seen there as)
WAYS = [
    ("out", "ADR-05", "client", P + SERVER4, "server", OUTSIDE4),
    ("in, by a static mapping", "GEN-03", "server", MAPPED4, "client", P + SERVER4),
    ("across, IPv4 to IPv4", "HP-05", "peer", TRANSIT4, "server", OUTSIDE4),
]


@pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])
@pytest.mark.parametrize("way", WAYS, ids=[f"{way[1]} {way[0]}" for way in WAYS])
def test_ways(chain, way, kind):
    """What began is answered, and is one connection of the IPv6 conntrack, with both
    addresses embedded; IPv4 has none."""
    _, _, who, target, reached, source = way
    family = INET6 if reached == "client" else INET
    with talking(kind, getattr(chain, who), family, target, getattr(chain, reached),
                 source) as (here, there):
        answered(here, there)
        port = here.getpeername()[1]
        rows = [row for row in chain.conntrack() if f"dport={port} " in row]
        assert len(rows) == 1 and rows[0].startswith("ipv6"), rows
        if who == "client":
            assert (f"src={wide(CLIENT6)} dst={wide(P + SERVER4)}" in rows[0]
                    and f"src={wide(P + SERVER4)} dst={wide(P + OUTSIDE4)}" in rows[0]), rows
        assert not [row for row in chain.conntrack() if row.startswith("ipv4")]


@pytest.mark.parametrize("way", WAYS, ids=[f"{way[1]} {way[0]}" for way in WAYS])
def test_ping(chain, way):
    got, text = ping(getattr(chain, way[2]), way[3])
    assert got == 3, text


@pytest.mark.parametrize("way", WAYS, ids=[f"{way[1]} {way[0]}" for way in WAYS])
def test_filtered_in_ipv6(chain, way):
    """The filter of the IPv6 stage decides, also about what is IPv4 on both ends."""
    _, _, who, target, reached, _ = way
    with getattr(chain, reached).socket(INET6, TCP) as listener, \
            getattr(chain, who).socket(INET6 if ":" in target else INET, TCP) as here:
        listener.bind(("::", CLOSED))
        listener.listen()
        here.settimeout(0.6)
        with pytest.raises(TimeoutError):
            here.connect((target, CLOSED))


def test_bytes_arrive(chain):
    """L4-01: 4 MB each way; a checksum that is wrong would stop them."""
    data = random.Random(66).randbytes(4_000_000)
    with talking(TCP, chain.client, INET, P + SERVER4, chain.server,
                 OUTSIDE4) as (here, there):
        assert carry(here, there, data) == data
        assert carry(there, here, data) == data


def test_fragments(chain):
    """X-4TO6-09: datagrams of 4,000 bytes, whose fragments NAT66 puts together and takes
    apart again."""
    with talking(UDP, chain.client, INET, P + SERVER4, chain.server,
                 OUTSIDE4) as (here, there):
        there.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, DONT
        for one, other in ((here, there), (there, here)):
            data = random.Random(67).randbytes(4000)
            one.send(data)
            assert other.recv(65535) == data


@pytest.mark.parametrize("way", WAYS[:2], ids=["out", "in"])
def test_path_mtu(chain, way):
    """MTU-46-10, IN-12: an ICMP error about a packet that NAT66 has rewritten comes back to
    who sent it, with the size that fits."""
    chain.gateway.mtu("eth4" if way[2] == "client" else "eth6", 1400)
    if chain.here and way[2] != "client":
        chain.client.mtu("eth0", 1400)
    try:
        size = 1420 if way[2] == "client" else 1380
        _, text = ping(getattr(chain, way[2]), way[3], "-M", "do", "-s", str(size), count=2)
        assert re.search("mtu ?= ?" + ("1420" if way[2] == "client" else "1380"), text), text
    finally:
        for host, device in ((chain.gateway, "eth4"), (chain.gateway, "eth6"),
                             (chain.client, "eth0")):
            host.mtu(device, 1500)


def test_unknown_address_ends(chain):
    """HP-08: a packet to an address of the pool that no connection has does not go round
    between the translator and the kernel."""
    if not chain.here:
        pytest.skip("needs NAT66 on the gateway: a router has a routing table of its own")
    before = chain.gateway.stats()
    ping(chain.server, "198.51.100.14", "-W", "0.3", count=1)
    assert chain.gateway.stats().get("hairpin_loop") - before.get("hairpin_loop") == 1


SPECIAL = ["10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.2.0/24", "198.18.0.0/15",
           "192.0.0.0/29"]


@pytest.mark.parametrize("prefix", SPECIAL)
def test_private_addresses(dumb, prefix):
    """ADR-04, ADR-05: the well-known prefix carries no private or special address, which
    `check` says together with the prefix that does."""
    words = ["check", "-i", "eth4", "--xlat4", prefix, "-6"]
    done = dumb.gateway.cmd(*words, "64:ff9b::/96")
    assert f"{prefix} is not global" in done.stderr and "64:ff9b:1::/48" in done.stderr
    assert not dumb.gateway.cmd(*words, PREFIX).stderr


def test_private_address_is_refused(plain_line):
    """GENERR-04, ADR-05: an error on one prefix, a translated packet on the other."""
    for prefix, came in (("64:ff9b::", "wkp_forbidden"), (P, "fwd_6to4")):
        with attached(plain_line, pref64=f"{prefix}/96") as line:
            _, got4, reasons = line.exchange(udp6(dst=f"{prefix}192.168.2.2"))
            assert reasons.get(came) == 1 and len(got4) == (came == "fwd_6to4"), reasons
            text = line.gateway.cmd("addr", f"{prefix}192.168.2.2", "-6", f"{prefix}/96",
                                    check=False)
            assert ("64:ff9b:1::/48" in text.stdout + text.stderr) == (prefix != P)
