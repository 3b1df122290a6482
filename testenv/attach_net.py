# SPDX-License-Identifier: GPL-2.0-only
"""A gateway of its own with two ports for the tests of attach, detach and reload, and
everything that attach may touch, to compare before and after.

    pl-c-… eth0 ====== eth0 pl-g-… eth1 ====== eth0 pl-s-…
                            2001:db8:1::1/64   192.0.2.1/24
"""

import contextlib
import json
import os
import re
import signal
import subprocess

import pytest

import lib


PREF64 = "2001:db8:64::/96"
EAM = "192.0.2.33/32=2001:db8:1::2/128"
BASE = ["-i", "eth0", "-i", "eth1", "-6", PREF64, "--eam", EAM]


class Net:
    """One gateway of its own with two ports, and an instance named after it."""

    def __init__(self, verbose):
        self.suffix = os.urandom(3).hex()
        self.client = lib.Host("client", f"pl-c-{self.suffix}", verbose)
        self.gateway = lib.Host("gateway", f"pl-g-{self.suffix}", verbose)
        self.server = lib.Host("server", f"pl-s-{self.suffix}", verbose)
        self.hosts = [self.client, self.gateway, self.server]
        self.name = "p" + self.suffix
        self.second = "q" + self.suffix

    def __enter__(self):
        lib.mount_bpffs()
        try:
            for host in self.hosts:
                subprocess.run(["ip", "netns", "add", host.name], check=True)
                host.ip("link set dev lo up")
                host.sysctl(ipv6__conf__default__accept_dad=0,
                            ipv6__conf__default__router_solicitations=0)
            self.cable(self.client, "eth0")
            self.cable(self.server, "eth1")
            self.gateway.ip("""
                addr add 2001:db8:1::1/64 dev eth0 nodad
                addr add 192.0.2.1/24 dev eth1
            """)
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(self, *_):
        self.clean()

    def cable(self, host, device, queues=2, peer_queues=2):
        subprocess.run(
            ["ip", "-n", self.gateway.name, "link", "add", "name", device, "numrxqueues",
             str(queues), "numtxqueues", str(queues), "type", "veth", "peer", "name",
             "eth0" if host is not self.gateway else device + "p", "netns", host.name,
             "numrxqueues", str(peer_queues), "numtxqueues", str(peer_queues)], check=True)
        host.ip(f"link set dev {'eth0' if host is not self.gateway else device + 'p'} up")
        self.gateway.ip(f"link set dev {device} up")
        # what the kernel does by itself when a link comes up is no change of ours
        lib.wait_for("the carrier and the link-local address", lambda: self.settled(device))

    def settled(self, device):
        flags = self.gateway.link(device)["flags"]
        own = self.gateway.out(f"ip -6 addr show dev {device} scope link")
        return ("LOWER_UP" in flags and "NO-CARRIER" not in flags and "fe80" in own
                and "tentative" not in own)

    def clean(self):
        for name in (self.name, self.second):
            if os.path.exists(f"/run/xdp-nat64/{name}"):
                with contextlib.suppress(Exception):
                    self.cmd("detach", name=name)
            pid = worker_pid(name)
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for root in ("/sys/fs/bpf/xdp-nat64", "/run/xdp-nat64"):
                for path, _, files in os.walk(f"{root}/{name}", topdown=False):
                    for entry in files:
                        with contextlib.suppress(OSError):
                            os.unlink(os.path.join(path, entry))
                    with contextlib.suppress(OSError):
                        os.rmdir(path)
        for host in self.hosts:
            host.stop_all()
            subprocess.run(["ip", "netns", "del", host.name], capture_output=True, check=False)

    def cmd(self, command, *words, name=None):
        return self.gateway.run([lib.PROGRAM, command, "--name", name or self.name, *words],
                                check=False)

    def attach(self, *words, base=None, name=None):
        return self.cmd("attach", *(BASE if base is None else base), *words, name=name)

    def must(self, done):
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def snapshot(self, without=()):
        return snapshot(self.gateway, (self.name, self.second), without)


def worker_pid(name):
    try:
        with open(f"/run/xdp-nat64/{name}/worker.lock", encoding="ascii") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


VOLATILE = {"stats", "stats64", "expires", "used", "age", "preferred_life_time",
            "valid_life_time", "operstate"}


def stable(value):
    """JSON of iproute2 without what changes by itself."""
    if isinstance(value, dict):
        return {k: stable(v) for k, v in sorted(value.items()) if k not in VOLATILE}
    if isinstance(value, list):
        return sorted((stable(v) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    return value


def of(value, devices):
    """Does the row speak of one of these devices?"""
    return any(re.search(rf"\b{re.escape(d)}\b", json.dumps(value)) for d in devices)


def snapshot(host, names, without=()):
    """Everything that attach may touch: {what: value}."""
    state = {}
    for what, command in (("link", "ip -j -d link show"), ("address", "ip -j addr show"),
                          ("route", "ip -j route show table all"),
                          ("route6", "ip -j -6 route show table all"),
                          ("proxy", "ip -j neigh show proxy"),
                          ("proxy6", "ip -j -6 neigh show proxy")):
        rows = json.loads(host.out(command) or "[]")
        state[what] = stable([row for row in rows if row and not of(row, without)])
    text = host.run("grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf "
                    "/proc/sys/net/ipv4/ip_forward", check=False).stdout
    state["sysctl"] = sorted(line for line in text.splitlines() if not of(line, without))
    for link in json.loads(host.out("ip -j link show")):
        if link["ifname"] not in without and link["ifname"] != "lo":
            state["ethtool " + link["ifname"]] = host.out(["ethtool", "-k", link["ifname"]])
    for name in names:
        for root in ("/sys/fs/bpf/xdp-nat64", "/run/xdp-nat64"):
            state[f"{root}/{name}"] = sorted(
                os.path.join(path, f) for path, _, files in os.walk(f"{root}/{name}")
                for f in files) + [os.path.isdir(f"{root}/{name}")]
    return state


def differ(one, other):
    """What only one of two snapshots of something has."""
    if not isinstance(one, list) or not isinstance(other, list):
        return one, other
    return [x for x in one if x not in other], [x for x in other if x not in one]


def same(before, after):
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        assert one == other, f"{key}: before and after {differ(one, other)}"


@pytest.fixture
def net(echo):
    with Net(echo) as topology:
        yield topology


def begin_attach(net):
    return subprocess.Popen(net.gateway.argv([lib.PROGRAM, "attach", "--name", net.name, *BASE]),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def programs(net):
    return {row["name"]: row["program"] for row in
            json.loads(net.cmd("status", "--json").stdout)["interfaces"]}


def policy(net):
    with open(f"/run/xdp-nat64/{net.name}/policy.bin", "rb") as f:
        return f.read()


def problems(net):
    return json.loads(net.cmd("status", "--json").stdout)["problems"]
