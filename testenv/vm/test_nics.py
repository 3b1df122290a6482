# SPDX-License-Identifier: GPL-2.0-only
"""Real NIC drivers: four virtio-net devices with two queues each, of which the gateway has
two. The cables are outside this machine.

    client eth0 ===== eth6 gateway eth4 ===== eth0 server
"""

import glob
import os
import re
import socket
import subprocess
import threading

import pytest

import lib
from lib import H4, H6, S4, S6
from test_devices import MODES, attached, forwarded, talks
from test_hosts import ping

QUEUES = 2
STREAM = 1 << 20


def device_of(number):
    """The NIC with this MAC address, under the name that it has now."""
    for path in glob.glob("/sys/class/net/*/address"):
        with open(path, encoding="ascii") as f:
            if f.read().strip() == f"02:00:00:00:64:0{number}":
                return path.split("/")[4]
    return None


class Nics(lib.Topology):
    """The usual topology on NICs."""

    NUMBERS = {"client": (0, 1), "server": (3, 2)}

    def cable(self, one, device1, two, device2, program=True):
        for host, device, number in zip((one, two), (device1, device2), self.NUMBERS[one.role]):
            subprocess.run(["ip", "link", "set", "dev", device_of(number), "netns", host.name,
                                "name", device], check=True)
            host.run(["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro",
                      "off"], check=False)
            host.run(["ethtool", "-L", device, "combined", str(QUEUES)], check=False)
            host.ip(f"link set dev {device} up")
        for host, device in ((one, device1), (two, device2)):
            lib.wait_for(f"the link {host.role}:{device}",
                         lambda h=host, d=device: "LOWER_UP" in h.link(d)["flags"])


@pytest.fixture(scope="module")
def nics(request):
    if None in map(device_of, range(4)):
        pytest.skip("the machine has no virtio-net devices with the MAC addresses of the test")
    with Nics(verbose=request.config.getoption("--echo")) as topology:
        yield topology


def queues(host, device):
    """Receive queues in use."""
    text = host.out(["ethtool", "-l", device])
    return int(re.findall(r"^Combined:\s*(\d+)", text, re.M)[1])


@MODES
def test_native(nics, mode):
    """The program runs in the driver, on every queue, and goes without a trace."""
    gateway = nics.gateway
    for device in ("eth6", "eth4"):
        assert queues(gateway, device) == QUEUES
    with attached(nics, mode):
        for device in ("eth6", "eth4"):
            assert gateway.link(device)["xdp"]["mode"] == 1, gateway.link(device)
            assert queues(gateway, device) == QUEUES
    for device in ("eth6", "eth4"):
        assert "xdp" not in gateway.link(device)
    assert ping(gateway, S4, count=1)[0] == 1 and ping(gateway, H6, count=1)[0] == 1


@MODES
def test_through(nics, mode):
    """Ping, UDP and a TCP stream; what is forwarded goes by the devmap."""
    with attached(nics, mode) as gateway:
        talks(nics, gateway, mode)
        before = gateway.stats()
        assert download(nics, STREAM) == STREAM
        assert forwarded(gateway, before) >= STREAM // 1460, gateway.stats().since(before)


def download(nics, size):
    """Bytes that the client got of a TCP stream from the server."""
    with nics.server.socket(socket.AF_INET, socket.SOCK_STREAM) as listener, \
            nics.client.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
        listener.bind((S4, 0))
        listener.listen()
        client.settimeout(60)
        client.connect((S6, listener.getsockname()[1]))
        server, _ = listener.accept()
        sender = threading.Thread(target=lambda: (server.sendall(os.urandom(size)),
                                                  server.close()))
        sender.start()
        got = 0
        while data := client.recv(1 << 16):
            got += len(data)
        sender.join()
        return got
