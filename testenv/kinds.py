# SPDX-License-Identifier: GPL-2.0-only
"""Links of every kind between a host and the gateway: what XDP serves itself, and what the
kernel routes into the pair. Each function makes one and returns the device at the gateway;
the host's is called `way`."""

import base64
import fcntl
import os
import select
import shutil
import struct
import subprocess
import threading

from basics import wait_for
from host import inside

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def cable(net, host):
    net.cable(host, "way", net.gateway, "cable0")
    return "cable0"


def bridge(net, host):
    """The gateway's end is a port of a bridge that has the addresses."""
    net.cable(host, "way", net.gateway, "port0")
    net.gateway.ip("""
        link add name br0 type bridge
        link set dev port0 master br0
        link set dev br0 up
    """)
    return "br0"


def underlay(net, host):
    """A cable for what tunnels: fd00::1 at the gateway, fd00::2 at the host."""
    net.cable(host, "under", net.gateway, "under0", program=False)
    net.gateway.ip("addr add fd00::1/64 dev under0 nodad")
    host.ip("addr add fd00::2/64 dev under nodad")


def vxlan(net, host):
    underlay(net, host)
    for end, device, own, other in ((host, "way", "fd00::2", "fd00::1"),
                                    (net.gateway, "vx0", "fd00::1", "fd00::2")):
        end.ip(f"""
            link add name {device} type vxlan id 64 dstport 4789 local {own} remote {other}
            link set dev {device} mtu 1430 up
        """)
    return "vx0"


def vlan(net, host):
    net.cable(host, "eth0", net.gateway, "trunk0")
    for end, device, lower in ((host, "way", "eth0"), (net.gateway, "trunk0.7", "trunk0")):
        end.ip(f"""
            link add link {lower} name {device} type vlan id 7
            link set dev {device} up
        """)
    return "trunk0.7"


# ---- tun: both ends are file descriptors of this process ---------------------------------


def open_tun(host, device):
    with inside(host.name):
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    host.ip(f"link set dev {device} up")
    return fd


class Pump(threading.Thread):
    """What a tunnel's program does, without a tunnel: packets of one end come out at the
    other."""

    def __init__(self, one, other):
        super().__init__(daemon=True)
        self.peer = {one: other, other: one}
        self.wake, self.end = os.pipe()
        self.start()

    def run(self):
        while True:
            ready = select.select([*self.peer, self.wake], [], [])[0]
            if self.wake in ready:
                return
            for fd in ready:
                try:
                    os.write(self.peer[fd], os.read(fd, 65535))
                except OSError:
                    return  # an end has left with its namespace

    def close(self):
        os.close(self.end)
        self.join(5)
        for fd in (*self.peer, self.wake):
            os.close(fd)


def tun(net, host):
    pump = Pump(open_tun(host, "way"), open_tun(net.gateway, "tun0"))
    net.closers.append(pump.close)
    return "tun0"


# ---- WireGuard ------------------------------------------------------------------------------


def has_wireguard():
    """None, or why there can be none here."""
    if not shutil.which("wg"):
        return "wg is not here; package wireguard-tools has it"
    probe = subprocess.run(["ip", "link", "add", "name", "n64-wg-probe", "type", "wireguard"],
                           capture_output=True, check=False)
    if probe.returncode == 0:
        subprocess.run(["ip", "link", "del", "n64-wg-probe"], check=True)
        return None
    if not shutil.which("wireguard-go"):
        return "neither the kernel has WireGuard nor this machine wireguard-go"
    return None


def wireguard(net, host):
    """In the kernel, or wireguard-go with a tun device."""
    underlay(net, host)
    ends = {"way": host, "wg0": net.gateway}
    public = {}
    for device, end in ends.items():
        if end.run(["ip", "link", "add", "name", device, "type", "wireguard"],
                   check=False).returncode:
            # one name for all namespaces: its socket is in /var/run/wireguard
            name = f"wg{os.urandom(4).hex()}"
            end.start(["wireguard-go", "--foreground", name],
                      env={**os.environ, "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1",
                           "LOG_LEVEL": "silent"})
            wait_for("wireguard-go", lambda n=name: os.path.exists(f"/var/run/wireguard/{n}.sock"))
        else:
            name = device
        key = base64.b64encode(os.urandom(32)).decode()
        public[device] = subprocess.run(["wg", "pubkey"], input=key, text=True, check=True,
                                        capture_output=True).stdout.strip()
        end.run(["sh", "-c", 'printf %s "$2" | wg set "$1" private-key /dev/stdin listen-port '
                 '51820', "sh", name, key])
        ends[device] = end, name
    for device, other, address in (("way", "wg0", "fd00::1"), ("wg0", "way", "fd00::2")):
        end, name = ends[device]
        end.run(["wg", "set", name, "peer", public[other], "allowed-ips", "::/0,0.0.0.0/0",
                 "endpoint", f"[{address}]:51820"])
        if name != device:
            end.ip(f"link set dev {name} name {device}")
        end.ip(f"link set dev {device} up")
    return "wg0"


KINDS = {"cable": cable, "bridge": bridge, "tun": tun, "vxlan": vxlan, "wireguard": wireguard}
