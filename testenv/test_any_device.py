# SPDX-License-Identifier: GPL-2.0-only
"""Any device: hosts that come by a bridge, a tun device, a tunnel, and programs of the
gateway itself, in both modes and both directions (design.md section 3, L2-05). Only the
plain cables are attached; the rest goes through the pair."""

import contextlib
import errno
import random
import re
import socket

import pytest

import kinds
import lib
from lib import GW4, GW6, H4, H6, K6, S4, S6, Topology
from talk import INET, INET6, TCP, UDP, answered, talking
from test_hosts import carry, ping

T = "203.0.113.8"
MODES = ["siit", "stateful"]
GW4AS6 = "2001:db8:64::203.0.113.1"


class Net(Topology):
    """`six`, `four`: kinds of the links to the client and to the server; None: the gateway
    itself is that end."""

    def __init__(self, six, four, verbose=False):
        super().__init__(verbose=verbose)
        self.six, self.four = six, four
        self.closers = []
        self.attachable = []

    def build_near(self):
        if self.six:
            self.link6(kinds.KINDS[self.six](self, self.client))
        else:
            self.gateway.ip(f"addr add {H6}/128 dev lo")
            self.client = self.gateway
        if self.four:
            self.link4(kinds.KINDS[self.four](self, self.server))
        else:
            self.gateway.ip(f"addr add {GW4}/32 dev lo")
            self.server = self.gateway

    def link6(self, device):
        if device == "cable0":
            self.gateway.ip("link set dev cable0 name eth6")
            device = "eth6"
            self.attachable.append(device)
        self.gateway.ip(f"""
            addr add {GW6}/64 dev {device} nodad
            route add {H6} dev {device}
            route add {K6} dev {device}
        """)
        self.client.ip(f"""
            addr add {H6}/128 dev way nodad
            route add {GW6} dev way
            route add default via {GW6} dev way src {H6}
        """)

    def link4(self, device):
        if device == "cable0":
            self.gateway.ip("link set dev cable0 name eth4")
            device = "eth4"
            self.attachable.append(device)
        self.gateway.ip(f"""
            addr add {GW4}/24 dev {device}
            route add 198.51.100.0/24 dev {device}
        """)
        self.server.ip(f"""
            addr add {S4}/32 dev way
            route add {GW4} dev way
            route add default via {GW4} dev way src {S4}
        """)

    def clean(self):
        try:
            for close in self.closers:
                close()
        finally:
            super().clean()

    @property
    def server4(self):
        return S4 if self.four else GW4

    @property
    def server6(self):
        return S6 if self.four else GW4AS6


@contextlib.contextmanager
def attached(net, mode):
    gateway = net.gateway
    if mode == "siit":
        gateway.attach(devices=net.attachable)
    else:
        gateway.attach("--mode", "stateful", "-4", T, eam=False, devices=net.attachable)
        gateway.cmd("mapping", "add", "udp", f"{T}:5000", f"[{H6}]:5000", "--name",
                    gateway.instance)
    try:
        gateway.wait_worker()
        yield gateway
        gateway.check_sums()
    finally:
        gateway.detach()


# Which ends are of which kind. A gateway needs one port: the cable.
NETS = [(kind, "cable") for kind in kinds.KINDS if kind != "cable"]
NETS += [("cable", kind) for kind in kinds.KINDS if kind != "cable"]
NETS += [(None, "cable"), ("cable", None)]


@pytest.fixture(scope="module", params=NETS, ids=[f"{six or 'own programs'} to "
                                                  f"{four or 'own programs'}"
                                                  for six, four in NETS])
def net(request, echo):
    if "wireguard" in request.param and (reason := kinds.has_wireguard()):
        pytest.skip(reason)
    with Net(*request.param, verbose=echo) as topology:
        yield topology


@pytest.fixture(scope="module", params=MODES)
def up(request, net):
    with attached(net, request.param):
        net.mode = request.param
        yield net


def seen(net):
    """The client as the server sees it."""
    return H4 if net.mode == "siit" else T


def test_ping(up):
    """L2-05: from the very first packet on."""
    got, text = ping(up.client, up.server6, "-I", H6)
    assert got == 3, f"{text}\ncounted {up.gateway.stats().stages}"


def test_ping_back(up):
    if up.mode == "stateful":
        pytest.skip("a ping from IPv4 has no mapping")
    got, text = ping(up.server, H4, *(("-I", GW4) if not up.four else ()))
    assert got == 3, f"{text}\ncounted {up.gateway.stats().stages}"


@pytest.mark.parametrize("kind", [TCP, UDP], ids=["tcp", "udp"])
def test_connection(up, kind):
    """L4-01; the checksums that each kind of device leaves to others are made."""
    with talking(kind, up.client, INET, up.server6, up.server, seen(up),
                 up.server4) as (here, there):
        answered(here, there)


def test_connection_from_ipv4(up):
    """siit by its address, stateful by a static mapping."""
    with up.client.socket(INET6, UDP) as inside, up.server.socket(INET, UDP) as outside:
        inside.bind((H6, 5000))
        outside.bind((up.server4, 0))
        for sock in (inside, outside):
            sock.settimeout(5)
        outside.sendto(b"in", (seen(up), 5000))
        data, peer = inside.recvfrom(100)
        assert data == b"in"
        inside.sendto(b"and out", peer)
        assert outside.recvfrom(100) == (b"and out", (seen(up), 5000))


def test_bytes_arrive(up):
    """MTU-46-02, MTU-64-01: 2 MB each way, whatever MTU the link has."""
    data = random.Random(64).randbytes(2_000_000)
    with talking(TCP, up.client, INET, up.server6, up.server, seen(up),
                 up.server4) as (here, there):
        assert carry(here, there, data) == data
        assert carry(there, here, data) == data


def test_fragments(up):
    """Datagrams of 4,000 bytes each way. The first may only teach its sender the path MTU
    (MTU-64-01)."""
    with talking(UDP, up.client, INET, up.server6, up.server, seen(up),
                 up.server4) as (here, there):
        there.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, DONT
        for one, other in ((here, there), (there, here)):
            other.settimeout(1)
            assert lib.wait_for("a datagram", lambda o=one, t=other: arrives(o, t), 8,
                                lambda: str(up.gateway.stats().stages))


def arrives(one, other):
    data = random.Random(65).randbytes(4000)
    with contextlib.suppress(TimeoutError):
        try:
            one.send(data)
        except OSError as error:  # of the one before, which a router found too long
            assert error.errno == errno.EMSGSIZE
            one.send(data)
        return other.recv(65535) == data
    return False


def test_hop_limit(up):
    """GENERR-01: the gateway is one hop, whose address is that towards the sender."""
    if not (up.six and up.four):
        pytest.skip("nothing to forward")
    text = up.client.out(["traceroute", "-n", "-q", "1", "-w", "3", S6])
    hops = re.findall(r"^ *\d+  (\S+)", text, re.M)
    assert hops[-1] == "2001:db8:64::c633:640a" and hops[0] == GW6, text


def test_attach_is_refused(up):
    """L2-05: a device without Ethernet headers, and a port of a bridge, each with what is
    to be done instead."""
    device = {"tun": "tun0", "wireguard": "wg0", "bridge": "port0"}.get(
        up.six if up.six != "cable" else up.four)
    if not device:
        pytest.skip("can be attached")
    done = up.gateway.cmd("attach", "--name", "x" + up.gateway.instance, "-i", device, "-6",
                          "2001:db8:65::/96", check=False)
    assert done.returncode == 1 and device in done.stderr, done.stderr
