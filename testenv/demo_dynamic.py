# SPDX-License-Identifier: GPL-2.0-only
"""The demo of mode dynamic: each IPv6-only client gets an IPv4 address of its own, the first
time that it sends, and is reached by it."""

import json

from clients import Clients
from demo_checks import (curl, datagrams, dns, downloads, iperf_tcp, iperf_udp, large_ping, ping,
                         pings, show_hops, small_link, traceroute)
from demo_servers import MEGABYTES, Servers
from demo_table import excerpt, show, show_attach, show_section, verdict, walk
from lib import GW4, PREF64, R4, S4, S6, Failed

TOPOLOGY = Clients
POOL = "203.0.113.16/28"
WEB = "203.0.113.18"  # always client 2, which has a web server
PORT = 8080

PICTURE = """
    clients           gateway: xdp-nat64                            servers
  IPv6 only      ______________________________                     IPv4 only
 c1::10 ========| sub1                    eth4 |=================== 198.51.100.10
 c2::10 ========| sub2                         |
 c3::10 ========| sub3                    eth5 |=== router === edge === 192.0.2.200
 (2001:db8:...) |____________ 203.0.113.1 _____|            1400-byte       ("distant")
                   pool: 203.0.113.16/28                    link
"""


def address4(topology, number):
    """The address that a client has by now."""
    gateway = topology.gateway
    text = gateway.cmd("mapping", "list", "--json", "--name", gateway.instance).stdout
    for row in json.loads(text):
        if row["ipv6"] == topology.address6(number):
            return row["ipv4"]
    raise Failed(f"client {number} has no address")


def experiments(topology, servers):
    client, _, third = topology.clients
    r6, e6, far6 = (f"2001:db8:64::{a}" for a in ("c633:64fe", "c000:281", "c000:2c8"))
    yield "ping, three clients at once", lambda: pings(topology)
    yield "ping, server to client 1", lambda: ping(topology.server, address4(topology, 1))
    yield "traceroute, client to distant", lambda: show_hops(
        traceroute(client, far6, [topology.gateway6(1), r6, e6, far6]),
        ["gateway", "router", "edge"])
    yield "traceroute, distant to client", lambda: show_hops(
        traceroute(topology.distant, WEB, ["192.0.2.193", R4, GW4, WEB]),
        ["edge", "router", "gateway"])
    yield f"curl, 3 x {MEGABYTES} MB over HTTP", lambda: downloads(topology, servers)
    yield "iperf3 TCP, client to server", lambda: iperf_tcp(topology)
    yield "iperf3 TCP, server to client", lambda: iperf_tcp(topology, "-R")
    yield "iperf3 UDP, client to server", lambda: iperf_udp(topology)
    yield "UDP echo of 4,000 bytes", lambda: datagrams(topology)
    yield "TCP through a 1400-byte link", lambda: small_link(topology)
    yield "ping of 1,500 bytes, DF set", lambda: large_ping(topology, WEB)
    yield "DNS over UDP, large answer", lambda: dns(topology)
    yield "curl, server to client 2", lambda: curl(
        topology.server, servers, f"http://{WEB}:{PORT}/file")
    yield "curl, client 3 to 2 (hairpin)", lambda: curl(
        third, servers, f"http://[2001:db8:64::{WEB}]:{PORT}/file")


def run(topology, folder):
    print(PICTURE)
    print(f"  The clients see {S4} as {S6} (pref64 {PREF64});")
    print(f"  the servers see each of them with an address of its own out of {POOL}.\n")
    words = [word for port in topology.ports for word in ("-i", port)]
    show_attach(topology, [*words, "--mode", "dynamic", "-6", PREF64, "-4", POOL,
                           "-a", "2001:db8::/32"])
    name = topology.gateway.instance
    words = ["mapping", "add", WEB, topology.address6(2)]
    show(["xdp-nat64", *words, "--name", name])
    topology.gateway.cmd(*words, "--name", name)
    print()
    servers = Servers(topology, folder)
    try:
        servers.start()
        servers.start_web(topology.clients[1], PORT)
        failed = walk(topology, experiments(topology, servers))
        excerpt(topology, "mapping", "list")
        show_section(topology, "pool4")
        return verdict(failed)
    finally:
        servers.stop()
