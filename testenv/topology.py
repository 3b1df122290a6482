# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces for the tests and the demo.

    client (IPv6 only)                gateway                 server (IPv4 only)
    2001:db8:a::33                                            198.51.100.10
    2001:db8:b::34
          eth0 ======== eth6  2001:db8:ffff::1   (GW6)
                        eth4  203.0.113.1        (GW4) ======== eth0

Every topology has namespaces of its own with a random suffix and takes them down
in every case, also when interrupted. The end hosts have routes to the gateway and
nothing else that knows of translation; the addresses are those of config "S" of
golden-packets.json, so that 198.51.100.10 is 2001:db8:64::198.51.100.10 for the
client, and the client is 192.0.2.33 for the server.

What XDP on veth needs of the test bed: the sender's checksum and segmentation
offloads off (a program sees the frame as it would be on a wire), and a program on
the receiving end of a veth pair, else redirected frames are lost without a trace.
The program here passes everything. GRO stays off, so that captures show packets
as they were sent.
"""

import json
import os
import signal
import subprocess
import threading

from basics import GW4, GW6, H6, K6, QUEUES, R4, S4, mount_bpffs, wait_for
from gateway import Gateway
from host import Host, attach_pass


class Topology:
    """client - gateway - server.

    dumb: the end hosts have no addresses; the gateway knows their MAC addresses.
          They send and capture frames and answer nothing, so that a capture shows
          what the gateway did and nothing else.
    far:  a second IPv4 network behind eth5 with a link of 1400 bytes on the way:
          gateway - router - edge - distant (192.0.2.200).
    """

    FAR4, FAR6 = "192.0.2.200", "2001:db8:64::192.0.2.200"
    EDGE4 = "192.0.2.129"
    FAR_MTU = 1400

    def __init__(self, dumb=False, far=False, verbose=False, suffix=None):
        self.suffix = suffix or os.urandom(3).hex()
        self.verbose = verbose
        self.dumb, self.far = dumb, far
        self.client = Host("client", f"n64-client-{self.suffix}", verbose)
        self.gateway = Gateway("gateway", f"n64-gateway-{self.suffix}", verbose)
        self.server = Host("server", f"n64-server-{self.suffix}", verbose)
        self.hosts = [self.client, self.gateway, self.server]
        if far:
            self.router = Host("router", f"n64-router-{self.suffix}", verbose)
            self.edge = Host("edge", f"n64-edge-{self.suffix}", verbose)
            self.distant = Host("distant", f"n64-distant-{self.suffix}", verbose)
            self.hosts += [self.router, self.edge, self.distant]

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(self, *_):
        self.clean()

    # building

    def build(self):
        mount_bpffs()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "add", host.name], check=True)
            host.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__default__accept_ra=0,
                        ipv6__conf__default__router_solicitations=0,
                        ipv4__conf__default__rp_filter=0, ipv4__conf__all__rp_filter=0)
            host.ip("link set dev lo up")
        self.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.build_near()
        if self.far:
            self.build_far()

    def build_near(self):
        self.cable(self.client, "eth0", self.gateway, "eth6")
        self.cable(self.server, "eth0", self.gateway, "eth4")
        self.gateway.ip(f"""
            addr add {GW6}/64 dev eth6 nodad
            route add {H6} dev eth6
            route add {K6} dev eth6
            addr add {GW4}/24 dev eth4
            route add 198.51.100.0/24 dev eth4
        """)
        if self.dumb:
            self.be_dumb()
        else:
            self.address()

    def cable(self, one, device1, two, device2, program=True):
        # inside: kernels before 6.13 refuse a name that the caller's namespace has, too
        subprocess.run(["ip", "-n", one.name, "link", "add", "name", device1,
                        "numrxqueues", str(QUEUES), "numtxqueues", str(QUEUES), "type", "veth",
                        "peer", "name", device2, "netns", two.name,
                        "numrxqueues", str(QUEUES), "numtxqueues", str(QUEUES)], check=True)
        for host, device in ((one, device1), (two, device2)):
            host.offload(device, tx=False, tso=False, gso=False, gro=False)
            host.ip(f"link set dev {device} up")
        if program:
            attach_pass(one.name, device1)
        for host, device in ((one, device1), (two, device2)):
            wait_for(f"the link {host.role}:{device}",
                     lambda h=host, d=device: h.is_running(d))

    def address(self):
        self.client.ip(f"""
            addr add {H6}/128 dev eth0 nodad
            addr add {K6}/128 dev eth0 nodad
            route add {GW6} dev eth0
            route add default via {GW6} dev eth0 src {H6}
        """)
        self.server.ip(f"""
            addr add {S4}/32 dev eth0
            route add {GW4} dev eth0
            route add default via {GW4} dev eth0 src {S4}
        """)
        # The far IPv6 world is behind the client's router.
        link_local = wait_for("the client's link-local address", lambda: link_local_of(
            self.client, "eth0"))
        self.gateway.ip(f"route add default via {link_local} dev eth6")

    def be_dumb(self):
        client, server = self.client.mac("eth0"), self.server.mac("eth0")
        self.gateway.ip(f"""
            neigh add fe80::c lladdr {client} dev eth6 nud permanent
            neigh add {H6} lladdr {client} dev eth6 nud permanent
            neigh add {K6} lladdr {client} dev eth6 nud permanent
            route add default via fe80::c dev eth6
            neigh add {S4} lladdr {server} dev eth4 nud permanent
            neigh add {R4} lladdr {server} dev eth4 nud permanent
            neigh add 203.0.113.2 lladdr {server} dev eth4 nud permanent
            route add default via 203.0.113.2 dev eth4
        """)

    def build_far(self):
        self.cable(self.router, "near", self.gateway, "eth5")
        self.cable(self.edge, "low", self.router, "low")
        self.cable(self.distant, "eth0", self.edge, "far")
        self.router.sysctl(ipv4__ip_forward=1)
        self.edge.sysctl(ipv4__ip_forward=1)
        self.gateway.ip(f"""
            addr add {GW4}/32 dev eth5
            route add {R4} dev eth5
            route add 192.0.2.128/25 via {R4} dev eth5
        """)
        # One address for the whole router, as providers number them.
        self.router.ip(f"""
            addr add {R4}/32 dev near
            addr add {R4}/32 dev low
            route add {GW4} dev near
            route add default via {GW4} dev near
            link set dev low mtu {self.FAR_MTU}
            route add {self.EDGE4} dev low
            route add 192.0.2.192/26 via {self.EDGE4} dev low
        """)
        self.edge.ip(f"""
            addr add {self.EDGE4}/32 dev low
            addr add 192.0.2.193/26 dev far
            link set dev low mtu {self.FAR_MTU}
            route add {R4} dev low
            route add default via {R4} dev low
        """)
        self.distant.ip(f"""
            addr add {self.FAR4}/26 dev eth0
            route add default via 192.0.2.193
        """)

    # taking down

    def clean(self):
        # Interrupts wait: a half-removed topology helps nobody.
        old = signal.signal(signal.SIGINT, signal.SIG_IGN) if _main_thread() else None
        try:
            for host in self.hosts:
                host.stop_all()
            self.gateway.clean()
            for host in self.hosts:
                if os.path.exists(f"/run/netns/{host.name}"):
                    subprocess.run(["ip", "netns", "del", host.name], check=False)
        finally:
            if old is not None:
                signal.signal(signal.SIGINT, old)


def _main_thread():
    return threading.current_thread() is threading.main_thread()


def link_local_of(host, device):
    for link in json.loads(host.out(["ip", "-j", "-6", "addr", "show", "dev", device])):
        for address in link.get("addr_info", []):
            if address["local"].startswith("fe80:") and not address.get("tentative"):
                return address["local"]
    return None
