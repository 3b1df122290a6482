# SPDX-License-Identifier: GPL-2.0-only
"""Every row of golden-packets.json, sent as a frame through the attached product from
one veth to the other (Appendix A of the requirements), once as attached by default
and once with everything forced through the worker: both must give the same bytes
(GEN-07). Rows of config S are mode siit, those of config P mode stateful."""

import collections
import contextlib
import json
import os
import socket
import struct

import pytest
from scapy.layers.inet import IP as IPv4, fragment

import packets
from lib import GW4

HERE = os.path.dirname(os.path.abspath(__file__))

with open(os.path.join(HERE, "golden-packets.json"), encoding="utf-8") as _file:
    GOLDEN = json.load(_file)

# G70b is the second half of G70a inside the gateway: as a packet from the wire it
# would be another case (HP-02), so its output is that of G70a here. G79 likewise.
SECOND_HALF = {"G70a": "G70b", "G79a": "G79b"}

# G83: the one port of the pool is another's.
EXHAUSTED = {"pool4": ["203.0.113.8:50000-50000"],
             "bib": [["tcp", "2001:db8:c::6", 1, "203.0.113.8", 50000]]}

Row = collections.namedtuple("Row", "id config sent expected settings mtu4 note")


def rows():
    vectors = {v["id"]: v for v in GOLDEN["vectors"]}
    for v in vectors.values():
        if v["id"] in SECOND_HALF.values():
            continue
        override = dict(v.get("override", EXHAUSTED if v["id"] == "G83" else {}))
        override.pop("ipv4_id", None)  # what the generator gives cannot be told
        answer = vectors[SECOND_HALF.get(v["id"], v["id"])]
        yield Row(v["id"], v["config"], bytes.fromhex(v["input"]),
                  [bytes.fromhex(o) for o in answer["output"]],
                  json.dumps(override, sort_keys=True), override.get("mtu4", 1500), v["note"])


# The rows come faster than errors may be sent to one host.
LIMITS = ["--set", "icmp-rate-dest=1000", "--set", "icmp-burst-dest=1000"]

# Rows of one configuration stand together: it is attached once for all of them.
ALL = sorted(rows(), key=lambda row: (row.config, row.settings, row.id))
ROWS = [row for row in ALL if row.config == "S"]


def config_of(row):
    return dict(GOLDEN["configs"][row.config], **json.loads(row.settings))


def attach_words(config):
    """Words of `attach` for the configuration of a row."""
    words = ["-6", config["pref64"]]
    if config["mode"] == "st":
        words += ["--mode", "stateful", "--set", f"icmp-src4={config['gw4']}"]
        for pool in config["pool4"]:
            words += ["-4", pool]
        return words + LIMITS
    for v4, v6 in config["eam"]:
        words += ["--eam", f"{v4}={v6}"]
    for prefix in config.get("xlat4", []):
        words += ["--xlat4", prefix]
    for prefix in config["pool6791v4"]:
        words += ["--set", f"pool6791v4={prefix}/32"]
    for key in ("multicast", "hairpin"):
        if key in config:
            words += ["--set", f"{key}={config[key]}"]
    words += ["--set", f"lowest-ipv6-mtu={config['lowest_ipv6_mtu']}"]
    return words + LIMITS


class Bench:
    """The topology, attached with the configuration of the row at hand."""

    def __init__(self, topology):
        self.topology = topology
        self.key = None
        self.stack = contextlib.ExitStack()

    def set(self, row, slow):
        key = (row.config, row.settings, row.mtu4, slow)
        if key == self.key:
            return
        gateway = self.topology.gateway
        self.stop()
        for host, device in ((gateway, "eth4"), (self.topology.server, "eth0")):
            host.mtu(device, row.mtu4)
        config = config_of(row)
        words = attach_words(config)
        if slow:
            words += ["--set", "force-slow=on"]
        gateway.attach(*words, pref64=None, eam=False)
        self.key = key
        for proto, host, port6, addr, port4 in config.get("bib", []):
            gateway.cmd("mapping", "add", proto, f"{addr}:{port4}", f"[{host}]:{port6}", "--name",
                        gateway.instance)
        if '"xlat4"' in row.settings:
            # xlat4: the hosts live at pref64 addresses, and are routed to.
            route = "64:ff9b:1:fffe::192.0.2.0/120 via fe80::c dev eth6"
            gateway.ip(f"route add {route}")
            self.stack.callback(gateway.ip, f"route del {route}")
        if '"multicast"' in row.settings:
            self.stack.enter_context(MulticastRouter(self.topology, gateway))
        gateway.wait_worker()

    def stop(self):
        self.stack.close()
        key, self.key = self.key, None
        if key is not None:
            try:
                self.topology.gateway.check_sums()
            finally:
                self.topology.gateway.detach()


class MulticastRouter:
    """L2-04: the kernel routes 234.203.0.113 from nat64 to eth4, as a multicast
    routing daemon would tell it to."""

    INIT, DONE, ADD_VIF, ADD_MFC = 200, 201, 202, 204

    def __init__(self, topology, gateway):
        self.topology, self.gateway = topology, gateway

    def __enter__(self):
        self.sock = self.gateway.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        self.sock.setsockopt(socket.IPPROTO_IP, self.INIT, 1)
        for vif, device in enumerate((self.gateway.pair, "eth4")):
            index = self.gateway.link(device)["ifindex"]
            # struct vifctl with VIFF_USE_IFINDEX (8): number, flags, threshold, rate
            self.sock.setsockopt(socket.IPPROTO_IP, self.ADD_VIF,
                                 struct.pack("=HBBIi4s", vif, 8, 1, 0, index, bytes(4)))
        # struct mfcctl: source, group, incoming vif, thresholds, four words
        ttls = bytes([0, 1]) + bytes(30)
        self.sock.setsockopt(socket.IPPROTO_IP, self.ADD_MFC,
                             socket.inet_aton("198.51.100.1") + socket.inet_aton("234.203.0.113")
                             + struct.pack("=H", 0) + ttls + bytes(2 + 16))
        return self

    def __exit__(self, *_):
        self.sock.setsockopt(socket.IPPROTO_IP, self.DONE, 1)
        self.sock.close()


@pytest.fixture(scope="module")
def bench(dumb):
    made = Bench(dumb)
    with dumb.client.wire("eth0") as made.client, dumb.server.wire("eth0") as made.server:
        made.gateway6 = bytes.fromhex(dumb.gateway.mac("eth6").replace(":", ""))
        made.gateway4 = bytes.fromhex(dumb.gateway.mac("eth4").replace(":", ""))
        yield made
    made.stop()


def exchange(bench, row):
    """Sends the packet of a row; (frames at the client, frames at the server)."""
    bench.client.drain()
    bench.server.drain()
    gateway = bench.topology.gateway
    before = gateway.stats()
    if row.sent[0] >> 4 == 4:
        bench.server.send(packets.frame(bench.gateway4, bench.server.mac, row.sent))
    else:
        bench.client.send(packets.frame(bench.gateway6, bench.client.mac, row.sent))
    gateway.wait_settled(before, 1)
    got6, got4 = [], []
    for expected in row.expected:
        wire, got = (bench.server, got4) if expected[0] >> 4 == 4 else (bench.client, got6)
        data = wire.recv(seconds=2)
        if data is None:
            reasons = gateway.stats().since(before)
            pytest.fail(f"{len(got4) + len(got6)} of {len(row.expected)} packets arrived;"
                        f" counted {reasons}")
        got.append(data)
    return got6 + bench.client.drain(), got4 + bench.server.drain()


# The upper one varies faster: all rows of one path, then all of the other.
@pytest.mark.parametrize("row", ALL, ids=[row.id for row in ALL])
@pytest.mark.parametrize("slow", [False, True], ids=["fast", "forced-slow"])
def test_row(bench, row, slow):
    bench.set(row, slow)
    got6, got4 = exchange(bench, row)
    expected6 = [e for e in row.expected if e[0] >> 4 == 6]
    expected4 = [e for e in row.expected if e[0] >> 4 == 4]
    for got, expected, side in ((got6, expected6, "IPv6"), (got4, expected4, "IPv4")):
        arrived = [packets.ip_of(data) for data in got]
        assert len(arrived) == len(expected), \
            f"{row.note}: {side} side: " + "; ".join(str(packets.IP(p)) for p in arrived)
        for packet, wanted in zip(arrived, expected):
            assert not (wrong := packets.difference(packet, wanted)), f"{row.note}: {wrong}"
            assert not (wrong := packets.faults(packet)), f"{row.note}: {wrong}"
        assert len({packets.IP(p).ident for p in arrived}) <= 1, "fragments of one packet"
    check_ethernet(bench, row, got6, got4)


def check_ethernet(bench, row, got6, got4):
    """L2-01, L2-02: EtherType, addresses of the egress device and the neighbour."""
    for data in got6:
        assert data[:12] == bench.client.mac + bench.gateway6
        assert data[12:14] == b"\x86\xdd"
    for data in got4:
        group = bytes.fromhex("01005e4b0071")  # G69, L2-04
        assert data[:6] == (group if row.id == "G69" else bench.server.mac)
        assert data[6:12] == bench.gateway4
        assert data[12:14] == b"\x08\x00"


def test_id_generator_is_unique(bench):
    """ID-01: 2,000 packets of one flow with DF=0 carry 2,000 different IDs."""
    row = next(row for row in ROWS if row.id == "G42")
    bench.set(row, False)
    sent = packets.frame(bench.gateway6, bench.client.mac, row.sent)
    bench.server.drain()
    idents = []
    for _ in range(2000):
        bench.client.send(sent)
        data = bench.server.recv(seconds=2)
        assert data is not None
        idents.append(packets.IP(packets.ip_of(data)).ident)
    assert len(set(idents)) == len(idents)


@pytest.mark.parametrize("slow", [False, True], ids=["fast", "forced-slow"])
def test_reassembled_row(bench, slow):
    """G80 as it is meant: the datagram comes in fragments, the last one first."""
    row = next(row for row in ALL if row.id == "G80")
    bench.set(row, slow)
    bench.client.drain()
    for piece in reversed(fragment(IPv4(row.sent), 600)):
        bench.server.send(packets.frame(bench.gateway4, bench.server.mac, bytes(piece)))
    data = bench.client.recv(seconds=3)
    assert data is not None, bench.topology.gateway.stats().stages
    assert not (wrong := packets.difference(packets.ip_of(data), row.expected[0])), wrong


def test_every_row_is_here():
    """None of the file is left out but the second halves of G70 and G79."""
    assert len(ALL) == len(GOLDEN["vectors"]) - len(SECOND_HALF)
    assert GW4 == GOLDEN["configs"]["S"]["gw4"]
