# SPDX-License-Identifier: GPL-2.0-only
"""The demo of mode siit: one IPv6-only client with an explicit address mapping."""

from lib import GW4, GW6, H4, H6, PREF64, R4, S6, Topology
from demo_checks import (curl, datagrams, dns, iperf_tcp, iperf_udp, large_ping, ping, show_hops,
                         small_link, traceroute)
from demo_servers import MEGABYTES, Servers
from demo_table import show_attach, verdict, walk

PICTURE = """
    client            gateway: xdp-nat64                            servers
  IPv6 only      ______________________________                     IPv4 only
                |                              |
  2001:db8:     | eth6                    eth4 |=================== 198.51.100.10
  a::33  =======| 2001:db8:ffff::1             |
                |                         eth5 |=== router === edge === 192.0.2.200
                |____________ 203.0.113.1 _____|            1400-byte       ("distant")
                                                            link
"""

TOPOLOGY = Topology


def experiments(topology, servers):
    client, server = topology.client, topology.server
    far6 = str(Topology.FAR6)
    r6, e6 = (f"2001:db8:64::{a}" for a in ("c633:64fe", "c000:281"))
    yield "ping, client to server", lambda: ping(client, S6)
    yield "ping, server to client", lambda: ping(server, H4)
    yield "traceroute, client to distant", lambda: show_hops(
        traceroute(client, far6, [GW6, r6, e6, "2001:db8:64::c000:2c8"]),
        ["gateway", "router", "edge"])
    yield "traceroute, distant to client", lambda: show_hops(
        traceroute(topology.distant, H4, ["192.0.2.193", R4, GW4, H4]),
        ["edge", "router", "gateway"])
    yield f"curl, {MEGABYTES} MB over HTTP", lambda: curl(client, servers)
    yield "iperf3 TCP, client to server", lambda: iperf_tcp(topology)
    yield "iperf3 TCP, server to client", lambda: iperf_tcp(topology, "-R")
    yield "iperf3 UDP, client to server", lambda: iperf_udp(topology)
    yield "UDP echo of 4,000 bytes", lambda: datagrams(topology)
    yield "TCP through a 1400-byte link", lambda: small_link(topology)
    yield "ping of 1,500 bytes, DF set", lambda: large_ping(topology)
    yield "DNS over UDP, large answer", lambda: dns(topology)


def run(topology, folder):
    print(PICTURE)
    print(f"  The client sees 198.51.100.10 as {S6} (pref64 {PREF64});")
    print(f"  the servers see the client as {H4} (an explicit address mapping).\n")
    show_attach(topology, ["-i", "eth6", "-i", "eth4", "-i", "eth5", "-6", PREF64,
                           "--eam", f"{H4}={H6}"])
    servers = Servers(topology, folder)
    try:
        servers.start()
        return verdict(walk(topology, experiments(topology, servers)))
    finally:
        servers.stop()
