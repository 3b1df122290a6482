# SPDX-License-Identifier: GPL-2.0-only
"""Dumb end hosts and handmade packets for the tests of the worker.

    client ======== eth6 [gateway] eth4 ======== server      (dumb end hosts)
"""

import contextlib
import os
import socket
import struct

import pytest

import lib
from lib import H4, H6, S4, S6, wait_for
from packets import ones


UDP, ICMP4, ICMP6, TCP = 17, 1, 58, 6


@pytest.fixture(scope="module")
def net(echo):
    with lib.Topology(dumb=True, verbose=echo, suffix="wk" + os.urandom(2).hex()) as topology:
        yield topology


@contextlib.contextmanager
def attached(net, *words, **settings):
    gateway = net.gateway
    gateway.attach(*words, **settings)
    try:
        yield gateway
    finally:
        gateway.detach()


# ---- packets -----------------------------------------------------------------------


def addr6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def addr4(text):
    return socket.inet_pton(socket.AF_INET, text)


def ip6(payload, nexthdr=UDP, hlim=64, src=H6, dst=S6):
    return struct.pack("!IHBB", 6 << 28, len(payload), nexthdr, hlim) + addr6(src) + addr6(dst) \
        + payload


def ip4(payload, proto=UDP, ttl=64, src=S4, dst=H4, frag=0, ident=77, options=b""):
    size = 20 + len(options)
    head = struct.pack("!BBHHHBBH", 0x40 | size // 4, 0, size + len(payload), ident, frag, ttl,
                       proto, 0) + addr4(src) + addr4(dst) + options
    check = ones(head) ^ 0xFFFF
    return head[:10] + struct.pack("!H", check) + head[12:] + payload


def udp(version, size=32, checksum=True, sport=4000, dport=53, src=None, dst=None):
    """A UDP datagram with the checksum of the packet that it goes into."""
    data = struct.pack("!HHHH", sport, dport, 8 + size, 0) + bytes(i & 255 for i in range(size))
    if not checksum:
        return data
    if version == 6:
        pseudo = addr6(src or H6) + addr6(dst or S6) + struct.pack("!II", len(data), UDP)
    else:
        pseudo = addr4(src or S4) + addr4(dst or H4) + struct.pack("!HH", UDP, len(data))
    value = ones(pseudo + data) ^ 0xFFFF or 0xFFFF
    return data[:6] + struct.pack("!H", value) + data[8:]


def frag6(ident=9, offset=80, more=1, data=b"f" * 64, src=H6):
    return ip6(struct.pack("!BBHI", UDP, 0, offset | more, ident) + data, nexthdr=44, src=src)


def frag4(ident=9, offset=80, more=1, data=b"f" * 64):
    return ip4(data, frag=offset // 8 | (0x2000 if more else 0), ident=ident)


def unreach4(quoted):
    body = struct.pack("!BBHI", 3, 1, 0, 0) + quoted
    return ip4(body[:2] + struct.pack("!H", ones(body) ^ 0xFFFF) + body[4:], proto=ICMP4)


def syn4(mss):
    head = struct.pack("!HHIIBBHHH", 80, 4000, 1, 0, 6 << 4, 2, 1000, 0, 0)
    head += struct.pack("!BBH", 2, 4, mss)
    value = ones(addr4(S4) + addr4(H4) + struct.pack("!HH", TCP, len(head)) + head) ^ 0xFFFF
    return ip4(head[:16] + struct.pack("!H", value) + head[18:], proto=TCP, frag=0x4000)


# (name, rule, packet, hand-over reason, worker reason, protocol of what comes out)
# The last is None for nothing, "back" for an ICMP error to the sender.
CLASSES = [
    ("options", "GEN-02", ip4(udp(4), options=b"\x01\x01\x01\x00"), "slow_opt4", "kern_4to6", UDP),
    ("extension-header", "GEN-02", ip6(bytes([UDP, 0, 1, 4, 0, 0, 0, 0]) + udp(6), nexthdr=60),
     "slow_ext6", "kern_6to4", UDP),
    ("fragment-v4", "GEN-02", frag4(), "slow_frag4", "kern_4to6", 44),
    ("fragment-v6", "GEN-02", frag6(), "slow_frag6", "kern_6to4", UDP),
    ("icmp-error", "GEN-02", unreach4(ip4(udp(4, src=H4, dst=S4), src=H4, dst=S4)),
     "slow_icmp_error", "kern_4to6", ICMP6),
    ("udp-checksum-0", "L4-03", ip4(udp(4, checksum=False)), "slow_udp_zero", "kern_4to6", UDP),
    ("must-be-fragmented", "MTU-46-03", ip4(udp(4, size=1400)), "slow_fragment", "sp_frags", 44),
    ("hop-limit", "GENERR-01", ip6(udp(6), hlim=1), "slow_ttl", "ttl_expired", "back"),
    ("source-not-translatable", "GENERR-05",
     ip6(udp(6, src="2001:db8:a::99"), src="2001:db8:a::99"), "slow_untranslatable",
     "src6_untranslatable", "back"),
]


HALF_RING = 128


def send(net, *packets, to_worker=None):
    """From the side that the version of the first one says. `to_worker`: the Gateway whose
    worker gets them all, many of them; they are sent as fast as its pair of devices takes
    them, for a ring of veth has 256 places, and a CPU with much to do may serve it late."""
    version = packets[0][0] >> 4
    host, device = (net.client, "eth6") if version == 6 else (net.server, "eth4")
    kind = lib.ETH_P_IPV6 if version == 6 else lib.ETH_P_IP
    head = bytes.fromhex(net.gateway.mac(device).replace(":", "")) + bytes(6) \
        + struct.pack("!H", kind)
    with host.wire("eth0") as wire:
        for start in range(0, len(packets), HALF_RING):
            chunk = packets[start:start + HALF_RING]
            before = to_worker and to_worker.received(f"{to_worker.pair}x")
            for packet in chunk:
                wire.send(head + packet)
            if to_worker:
                wait_for("the pair to take what was sent",
                         lambda due=before + len(chunk):
                         to_worker.received(f"{to_worker.pair}x") >= due, step=0.001)


def proto_of(frame):
    return frame[14 + 9] if frame[14] >> 4 == 4 else frame[14 + 6]


def sink(net, packet, back=False):
    """The wire where the translated packet (or the error) arrives."""
    from6 = packet[0] >> 4 == 6
    return (net.client if from6 == back else net.server).wire("eth0")


def ask(net, packet, back=False, seconds=3.0):
    """Sends one packet; the frame that comes of it, or None."""
    with sink(net, packet, back) as wire:
        send(net, packet)
        return wire.recv(seconds=seconds)


def works(net, seconds=3.0):
    """A fragment each way goes through the worker."""
    return all(ask(net, packet, seconds=seconds) for packet in (frag6(), frag4()))


@pytest.fixture
def gateway(net):
    with attached(net) as gateway:
        yield gateway
