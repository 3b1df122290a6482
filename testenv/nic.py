# SPDX-License-Identifier: GPL-2.0-only
"""What tests ask of a network device thousands of times, by ioctl: a process for each question
would take more time than the answer. For the namespace of the calling thread."""

import ctypes
import fcntl
import socket
import struct

SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCETHTOOL = 0x8913, 0x8927, 0x8946
IFF_RUNNING = 0x40
ETHTOOL_GSTRINGS, ETHTOOL_GSTATS, ETHTOOL_GSSET_INFO = 0x1B, 0x1D, 0x37
ETH_SS_STATS = 1
OFFLOADS = {"tx": 0x17, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}  # ETHTOOL_S...
WORD = 32  # ETH_GSTRING_LEN


def _ask(request, device, rest=b""):
    """struct ifreq of the answer, from behind the name on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return fcntl.ioctl(sock, request, struct.pack("16s24s", device.encode(), rest))[16:]


def _ethtool(device, ask):
    """The answer in place of the question."""
    memory = ctypes.create_string_buffer(bytes(ask), len(ask))
    _ask(SIOCETHTOOL, device, struct.pack("@P", ctypes.addressof(memory)))
    return memory.raw


def is_running(device):
    """It is up and has a carrier."""
    return bool(struct.unpack_from("=H", _ask(SIOCGIFFLAGS, device))[0] & IFF_RUNNING)


def mac(device):
    return _ask(SIOCGIFHWADDR, device)[2:8].hex(":")


def offload(device, **settings):
    """tx, tso, gso, gro: on or off."""
    for name, on in settings.items():
        _ethtool(device, struct.pack("=II", OFFLOADS[name], on))


def statistics(device):
    """The driver's own: {name: number}, {} where it has none."""
    try:
        answer = _ethtool(device, struct.pack("=IIQI", ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_STATS, 0))
    except OSError:
        return {}
    count, = struct.unpack_from("=I", answer, 16)
    if not struct.unpack_from("=Q", answer, 8)[0] or not count:
        return {}
    names = _ethtool(device, struct.pack("=III", ETHTOOL_GSTRINGS, ETH_SS_STATS, count)
                     + bytes(WORD * count))[12:]
    numbers = _ethtool(device, struct.pack("=II", ETHTOOL_GSTATS, count) + bytes(8 * count))[8:]
    return {names[WORD * i:WORD * (i + 1)].split(b"\0")[0].decode(): number
            for i, number in enumerate(struct.unpack_from(f"={count}Q", numbers))}
