# SPDX-License-Identifier: GPL-2.0-only
"""A test bed for mode stateful: several IPv6 hosts, each a subscriber with a link and a
/64 of its own, behind one gateway.

    client1 ==== sub1 2001:db8:c1::1   gateway
    client2 ==== sub2 2001:db8:c2::1           eth4 203.0.113.1 ==== server 198.51.100.10
    client3 ==== sub3 2001:db8:c3::1           eth5 ==== router ==== edge ==== distant
                        pool: 203.0.113.8
"""

from basics import GW4, S4
from host import Host
from topology import Topology

POOL = "203.0.113.8"


class Clients(Topology):
    COUNT = 3

    def __init__(self, far=False, verbose=False, suffix=None):
        super().__init__(far=far, verbose=verbose, suffix=suffix)
        self.clients = [Host(f"client{n}", f"n64-client{n}-{self.suffix}", verbose)
                        for n in range(1, self.COUNT + 1)]
        self.hosts = self.clients + self.hosts[1:]
        self.client = self.clients[0]

    @staticmethod
    def address6(number):
        return f"2001:db8:c{number}::10"

    @staticmethod
    def gateway6(number):
        return f"2001:db8:c{number}::1"

    @property
    def ports(self):
        """All devices of the gateway."""
        return ([f"sub{n}" for n in range(1, self.COUNT + 1)] + ["eth4"]
                + (["eth5"] if self.far else []))

    def build_near(self):
        for number, client in enumerate(self.clients, 1):
            self.cable(client, "eth0", self.gateway, f"sub{number}")
            self.gateway.ip(f"addr add {self.gateway6(number)}/64 dev sub{number} nodad")
            client.ip(f"""
                addr add {self.address6(number)}/64 dev eth0 nodad
                route add default via {self.gateway6(number)} dev eth0
            """)
        self.cable(self.server, "eth0", self.gateway, "eth4")
        self.gateway.ip(f"""
            addr add {GW4}/24 dev eth4
            route add 198.51.100.0/24 dev eth4
        """)
        self.server.ip(f"""
            addr add {S4}/32 dev eth0
            route add {GW4} dev eth0
            route add default via {GW4} dev eth0 src {S4}
        """)
