# SPDX-License-Identifier: GPL-2.0-only
"""The demo of mode stateful: three IPv6-only clients share one IPv4 address."""

import socket

from clients import POOL, Clients
from demo_checks import (curl, datagrams, dns, downloads, iperf_tcp, iperf_udp, pings, show_hops,
                         small_link, traceroute)
from demo_servers import MEGABYTES, Servers
from demo_table import excerpt, show, show_attach, show_section, verdict, walk
from lib import GW4, PREF64, R4, S4, S6, Failed, wait_for

TOPOLOGY = Clients
WEB, QUIET = 8080, 7001  # ports of the pool address that belong to client2 and client1
POOL6 = f"2001:db8:64::{POOL}"

PICTURE = """
    clients           gateway: xdp-nat64                            servers
  IPv6 only      ______________________________                     IPv4 only
 c1::10 ========| sub1                    eth4 |=================== 198.51.100.10
 c2::10 ========| sub2                         |
 c3::10 ========| sub3                    eth5 |=== router === edge === 192.0.2.200
 (2001:db8:...) |____________ 203.0.113.1 _____|            1400-byte       ("distant")
                     pool: 203.0.113.8                      link
"""


def too_long(topology):
    """1500 bytes of IPv4 would be 1520 of IPv6: the gateway says so."""
    with topology.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, DO
        sock.connect((POOL, QUIET))
        sock.send(bytes(1472))

        def learnt():
            mtu = sock.getsockopt(socket.IPPROTO_IP, 14)  # IP_MTU
            return mtu if mtu != 1500 else None
        mtu = wait_for("the server to learn the path MTU", learnt, 3)
    if mtu != 1480:
        raise Failed(f"the server learnt {mtu}, not 1480")
    return f"fragmentation needed: the server learnt {mtu}"


def experiments(topology, servers):
    client, _, third = topology.clients
    r6, e6, far6 = (f"2001:db8:64::{a}" for a in ("c633:64fe", "c000:281", "c000:2c8"))
    gateway6 = topology.gateway6(1)
    yield "ping, three clients at once", lambda: pings(topology)
    yield "traceroute, client to distant", lambda: show_hops(
        traceroute(client, far6, [gateway6, r6, e6, far6]), ["gateway", "router", "edge"])
    yield "traceroute, distant to client", lambda: show_hops(
        traceroute(topology.distant, POOL, ["192.0.2.193", R4, GW4, POOL], "-U", "-p", str(QUIET)),
        ["edge", "router", "gateway"])
    yield f"curl, 3 x {MEGABYTES} MB over HTTP", lambda: downloads(topology, servers)
    yield "iperf3 TCP, client to server", lambda: iperf_tcp(topology)
    yield "iperf3 TCP, server to client", lambda: iperf_tcp(topology, "-R")
    yield "iperf3 UDP, client to server", lambda: iperf_udp(topology)
    yield "UDP echo of 4,000 bytes", lambda: datagrams(topology)
    yield "TCP through a 1400-byte link", lambda: small_link(topology)
    yield "UDP of 1,500 bytes, DF set", lambda: too_long(topology)
    yield "DNS over UDP, large answer", lambda: dns(topology)
    yield "curl, server to client 2", lambda: curl(
        topology.server, servers, f"http://{POOL}:{WEB}/file")
    yield "curl, client 3 to 2 (hairpin)", lambda: curl(
        third, servers, f"http://[{POOL6}]:{WEB}/file")


def static_mappings(topology):
    """Two ports of the shared address that are always a client's."""
    name = topology.gateway.instance
    for proto, port, number in (("tcp", WEB, 2), ("udp", QUIET, 1)):
        words = ["mapping", "add", proto, f"{POOL}:{port}", f"[{topology.address6(number)}]:{port}"]
        show(["xdp-nat64", *words, "--name", name])
        topology.gateway.cmd(*words, "--name", name)
    print()


def run(topology, folder):
    print(PICTURE)
    print(f"  The clients see {S4} as {S6} (pref64 {PREF64});")
    print(f"  the servers see all of them as {POOL}.\n")
    words = [word for port in topology.ports for word in ("-i", port)]
    show_attach(topology, [*words, "--mode", "stateful", "-6", PREF64, "-4", POOL])
    static_mappings(topology)
    servers = Servers(topology, folder)
    try:
        servers.start()
        servers.start_web(topology.clients[1], WEB)
        failed = walk(topology, experiments(topology, servers))
        excerpt(topology, "mapping", "list")
        excerpt(topology, "session", "list")
        show_section(topology, "pool4")
        return verdict(failed)
    finally:
        servers.stop()
