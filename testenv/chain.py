# SPDX-License-Identifier: GPL-2.0-only
"""Stateless translation behind the kernel's NAT66: both addresses are embedded, so that
nothing on the IPv4 side is rewritten again (NAT64 without NAT44).

    client                    NAT66 (nftables)               gateway             server
    2001:db8:d0be:f00d::2     snat to P::198.51.100.1        siit, P/96          203.0.113.1
          eth0 ==== in               out ==== eth6           eth4 ==== eth0
                                                             eth5 ==== eth0      peer
                                                                                 203.0.113.129

P is 64:ff9b:1:fffe::. NAT66 is a router of its own, or the kernel of the gateway itself
(`here`): then the client is at eth6, and its packets come to the translator by the pair.
"""

import ipaddress

from host import Host
from topology import Topology

P = "64:ff9b:1:fffe::"
PREFIX = f"{P}/96"
POOL4 = "198.51.100.0/28"
OUTSIDE4, MAPPED4, TRANSIT4 = "198.51.100.1", "198.51.100.9", "198.51.100.10"
CLIENT6, INSIDE6 = "2001:db8:d0be:f00d::2", "2001:db8:d0be:f00d::1"
LINK6 = "2001:db8:ffff::"
SERVER4, PEER4, GATE4 = "203.0.113.1", "203.0.113.129", "192.0.2.1"
CLOSED = 7777  # a port that the filter of the IPv6 side refuses



def embedded(address4):
    """In pref64, as nft reads it."""
    return str(ipaddress.IPv6Address(P + address4))


RULES = f"""
table ip6 chain66 {{
    chain pre {{
        type nat hook prerouting priority dstnat;
        ip6 daddr {embedded(MAPPED4)} dnat to {CLIENT6}
        ip6 daddr {embedded(TRANSIT4)} dnat to {embedded(SERVER4)}
    }}
    chain post {{
        type nat hook postrouting priority srcnat;
        ip6 saddr 2001:db8:d0be:f00d::/64 ip6 daddr {PREFIX} snat to {embedded(OUTSIDE4)}
        ip6 saddr {embedded(PEER4)} ip6 daddr {embedded(SERVER4)} snat to {embedded(OUTSIDE4)}
    }}
    chain forward {{
        type filter hook forward priority filter;
        meta l4proto {{ tcp, udp }} th dport {CLOSED} drop
    }}
}}
"""


class Chain(Topology):
    def __init__(self, here=False, verbose=False, suffix=None):
        super().__init__(verbose=verbose, suffix=suffix)
        self.here = here
        self.router = self.gateway
        self.peer = Host("peer", f"n64-peer-{self.suffix}", verbose)
        self.hosts.append(self.peer)
        if not here:
            self.router = Host("router", f"n64-router-{self.suffix}", verbose)
            self.hosts.append(self.router)

    @property
    def devices(self):
        """What is to be attached. Where NAT66 stands between, a port leaves it alone."""
        return ("eth6:none" if self.here else "eth6", "eth4", "eth5")

    def build_near(self):
        if self.here:
            self.cable(self.client, "eth0", self.gateway, "eth6")
            self.gateway.ip(f"addr add {INSIDE6}/64 dev eth6 nodad")
        else:
            self.build_router()
        self.client.ip(f"""
            addr add {CLIENT6}/64 dev eth0 nodad
            route add default via {INSIDE6} dev eth0
        """)
        self.router.run(["nft", RULES])
        for host, device, address, own in ((self.server, "eth4", SERVER4, GATE4),
                                           (self.peer, "eth5", PEER4, "192.0.2.129")):
            self.cable(host, "eth0", self.gateway, device)
            self.gateway.ip(f"""
                addr add {own}/32 dev {device}
                route add {address} dev {device} src {own}
            """)
            host.ip(f"""
                addr add {address}/32 dev eth0
                route add {own} dev eth0
                route add default via {own} dev eth0 src {address}
            """)

    def build_router(self):
        self.router.sysctl(ipv6__conf__all__forwarding=1)
        self.cable(self.client, "eth0", self.router, "in")
        self.cable(self.router, "out", self.gateway, "eth6")
        self.router.ip(f"""
            addr add {INSIDE6}/64 dev in nodad
            addr add {LINK6}2/64 dev out nodad
            route add default via {LINK6}1 dev out
        """)
        self.gateway.ip(f"""
            addr add {LINK6}1/64 dev eth6 nodad
            route add {P}198.51.100.0/124 via {LINK6}2 dev eth6
        """)

    def conntrack(self):
        return self.router.out("cat /proc/net/nf_conntrack").splitlines()
