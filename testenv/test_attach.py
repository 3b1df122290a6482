# SPDX-License-Identifier: GPL-2.0-only
"""attach, detach and reload as changes of a host: all or nothing.

Every refusal here has a real cause: an interface that is not there, too small,
down, taken, or without room for XDP; a name that is taken; a BPF file system that
cannot be written; a worker that cannot start. Before and after, everything that
attach may touch is compared: links, addresses, routes, proxy neighbours, sysctls,
offloads, pins, the run folder.

    pl-c-… eth0 ====== eth0 pl-g-… eth1 ====== eth0 pl-s-…
                            2001:db8:1::1/64   192.0.2.1/24
"""

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

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
            ["ip", "link", "add", "name", device, "netns", self.gateway.name, "numrxqueues",
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


def same(before, after):
    for key in sorted(before.keys() | after.keys()):
        assert before.get(key) == after.get(key), key


@pytest.fixture
def net(echo):
    with Net(echo) as topology:
        yield topology


def begin_attach(net):
    return subprocess.Popen(net.gateway.argv([lib.PROGRAM, "attach", "--name", net.name, *BASE]),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ---- refusals ---------------------------------------------------------------------------
# Each cause is made by a function that returns what the sentence must contain.


def missing(net):
    return ["-i", "eth0", "-i", "nosuch", "-6", PREF64, "--eam", EAM], ["no interface 'nosuch'"]


def down(net):
    net.gateway.ip("link set dev eth1 down")
    return BASE, ["eth1 is down", "ip link set eth1 up"]


def small(net):
    net.gateway.ip("link set dev eth0 mtu 1279")
    return ["-i", "eth0:6to4", "-i", "eth1", "-6", PREF64, "--eam", EAM], ["1279", "1280", "eth0"]


def foreign(net):
    lib.attach_pass(net.gateway.name, "eth1")
    return BASE, ["eth1 already runs the XDP program pass (id ", "left alone"]


def no_ethernet(net):
    net.gateway.run("ip tuntap add dev tun0 mode tun")
    net.gateway.ip("link set dev tun0 up")
    return (["-i", "eth0", "-i", "tun0", "-6", PREF64, "--eam", EAM],
            ["tun0 has no Ethernet headers", "nat64"])


def bridge_port(net):
    net.gateway.ip("""
        link add name br0 type bridge
        link set dev eth1 master br0
    """)
    return BASE, ["eth1 belongs to the bridge br0"]


def taken_name(net):
    net.gateway.ip(f"link add name n-{net.name} type veth peer name other0")
    return BASE, [f"an interface n-{net.name} exists already"]


def no_queues(net):
    # A driver that refuses at the very last moment, in its own words.
    net.cable(net.gateway, "few", queues=1, peer_queues=4)
    return BASE + ["-i", "few"], ["cannot attach to few in native mode", "queues", "--skb"]


@pytest.mark.parametrize("cause", [missing, down, small, foreign, no_ethernet, bridge_port,
                                   taken_name, no_queues], ids=lambda f: f.__name__)
def test_refused_attach_changes_nothing(net, cause):
    words, says = cause(net)
    before = net.snapshot()
    done = net.attach(base=words)
    assert done.returncode == 1, done.stdout + done.stderr
    for text in says:
        assert text in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("xdp-nat64 attach: ")
    same(before, net.snapshot())


def test_taken_by_another_instance(net):
    net.must(net.attach())
    before = net.snapshot()
    done = net.attach(base=["-i", "eth1", "-6", PREF64, "--eam", EAM], name=net.second)
    assert done.returncode == 1
    assert f"eth1 belongs to the instance '{net.name}'" in done.stderr
    same(before, net.snapshot())


def test_bpffs_that_cannot_be_written(net):
    before = net.snapshot()
    done = net.gateway.run(
        ["unshare", "-m", "sh", "-c", "mount -o remount,bind,ro /sys/fs/bpf && exec \"$@\"", "sh",
         lib.PROGRAM, "attach", "--name", net.name, *BASE], check=False)
    assert done.returncode == 1 and "/sys/fs/bpf/xdp-nat64" in done.stderr, done.stderr
    assert "set net." in done.stdout and "removed n-" in done.stdout  # it had begun
    same(before, net.snapshot())


def test_worker_that_cannot_start(net):
    """Its lock is held by somebody else."""
    before = net.snapshot()
    folder = f"/run/xdp-nat64/{net.name}"
    os.makedirs(folder)
    with open(f"{folder}/worker.lock", "w", encoding="ascii") as lock:
        lock.write("1\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = net.attach()
    assert done.returncode == 1
    assert "the worker did not start: " in done.stderr and "another worker" in done.stderr
    assert "removed n-" in done.stdout
    same(before, net.snapshot())


def test_hidden_bpffs(net):
    """`ip netns exec` hides bpffs: refused with the line that works."""
    before = net.snapshot()
    done = subprocess.run(["ip", "netns", "exec", net.gateway.name, lib.PROGRAM, "attach",
                           "--name", net.name, *BASE], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"nsenter --net=/run/netns/{net.gateway.name} xdp-nat64" in done.stderr
    same(before, net.snapshot())


def test_hidden_bpffs_detach(net):
    """The programs would stay: detach is refused there too, and changes nothing."""
    net.must(net.attach())
    done = subprocess.run(["ip", "netns", "exec", net.gateway.name, lib.PROGRAM, "detach",
                           "--name", net.name], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"nsenter --net=/run/netns/{net.gateway.name} xdp-nat64" in done.stderr
    assert net.cmd("status", "--health").stdout == "ok\n"
    net.must(net.cmd("detach"))


def test_interface_that_vanishes(net):
    """eth1 is deleted while attach works: whatever was reached, it is undone."""
    for delay in (0.0, 0.03, 0.06, 0.1, 0.15, 0.2):
        before = net.snapshot(without=("eth1",))
        child = begin_attach(net)
        time.sleep(delay)  # the point in time is the test's input
        net.gateway.ip("link del dev eth1")
        if child.wait(30) == 0:
            net.must(net.cmd("detach"))
        same(before, net.snapshot(without=("eth1",)))
        net.cable(net.server, "eth1")
        net.gateway.ip("addr add 192.0.2.1/24 dev eth1")


# ---- undoing -------------------------------------------------------------------------


def test_attach_and_detach(net):
    before = net.snapshot()
    done = net.must(net.attach())
    for text in ("set net.ipv6.conf.all.forwarding = 1 (was 0", "switched rx-vlan",
                 "answering ARP for 1 translated addresses", "worker started (pid"):
        assert text in done.stdout
    routes = net.gateway.out("ip -6 route show proto 64")
    assert f"{PREF64} dev n-{net.name}" in routes
    during = net.snapshot()
    assert during["sysctl"] != before["sysctl"] and during["proxy"]
    # PORT-11 and the settings of the pair
    assert during["proxy"] == [{"dev": "eth1", "dst": "192.0.2.33", "flags": ["proxy"]}] or \
        during["proxy"][0]["dst"] == "192.0.2.33"
    pair = net.gateway.link(f"n-{net.name}")
    assert pair["mtu"] == 65535 and "NOARP" in pair["flags"] and "UP" in pair["flags"]
    conf = f"/proc/sys/net/ipv4/conf/n-{net.name}/"
    assert f"{conf}accept_local:1" in during["sysctl"] and f"{conf}rp_filter:0" in during["sysctl"]
    # the others keep their own value
    assert "/proc/sys/net/ipv6/conf/lo/forwarding:0" in during["sysctl"]
    assert "/proc/sys/net/ipv6/conf/default/forwarding:0" in during["sysctl"]
    pid = worker_pid(net.name)
    done = net.must(net.cmd("detach"))
    assert f"worker (pid {pid}) ended" in done.stdout
    same(before, net.snapshot())


def test_offloads_before_forwarding(net):
    """The kernel switches LRO off where forwarding begins: it must be noted before."""
    done = net.must(net.attach("--no-worker"))
    assert done.stdout.index("switched rx-") < done.stdout.index("set net."), done.stdout


def test_worker_keeps_nothing_of_its_caller(net):
    """A script that runs attach under flock gets its lock back."""
    path = f"/tmp/n64-{net.name}.lock"
    try:
        with open(path, "w", encoding="ascii") as lock:
            net.must(subprocess.run(
                net.gateway.argv([lib.PROGRAM, "attach", "--name", net.name, *BASE]),
                pass_fds=[lock.fileno()], capture_output=True, text=True, check=False))
        folder = f"/proc/{worker_pid(net.name)}/fd"
        assert path not in [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
    finally:
        os.unlink(path)


def test_strict_umask(net):
    """The worker reads policy.bin again as another user."""
    net.must(net.gateway.run(["sh", "-c", "umask 077; exec \"$@\"", "sh", lib.PROGRAM, "attach",
                              "--name", net.name, *BASE], check=False))
    pid = worker_pid(net.name)
    done = subprocess.run(["setpriv", "--reuid", "nobody", "--clear-groups", "cat",
                           f"/run/xdp-nat64/{net.name}/policy.bin"],
                          capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout == policy(net), done.stderr
    net.must(net.cmd("reload"))
    assert worker_pid(net.name) == pid


def test_second_attach(net):
    net.must(net.attach())
    before = net.snapshot()
    done = net.attach()
    assert done.returncode == 1
    assert f"'{net.name}' is already attached on eth0, eth1; nothing was changed" in done.stderr
    same(before, net.snapshot())


def test_skb(net):
    before = net.snapshot()
    net.must(net.attach("--skb"))
    status = json.loads(net.cmd("status", "--json").stdout)
    assert [row["xdp"] for row in status["interfaces"]] == ["skb", "skb", "native", "native"]
    assert status["xdp"] == "skb"
    net.must(net.cmd("detach"))
    same(before, net.snapshot())


def test_killed_attach(net):
    """kill -9 at any point: detach undoes what was done."""
    left = 0
    for step in range(16):
        before = net.snapshot()
        child = begin_attach(net)
        time.sleep(step * 0.025)  # the point in time is the test's input
        child.kill()
        child.wait()
        if os.path.exists(f"/run/xdp-nat64/{net.name}/state.json"):
            left += 1
            again = net.attach()
            assert again.returncode == 1 and "nothing was changed" in again.stderr
            net.must(net.cmd("detach"))
        lib.wait_for("a worker that was about to start to end",
                     lambda: not os.path.exists(f"/run/xdp-nat64/{net.name}"), 15)
        same(before, net.snapshot())
    assert left >= 3, "attach was never killed in the middle"


def test_interrupted_attach(net):
    """SIGTERM at any point: undone and said, or done and said; never half, never silent."""
    undone = 0
    for step in range(8):
        before = net.snapshot()
        child = subprocess.Popen(
            net.gateway.argv([lib.PROGRAM, "attach", "--name", net.name, *BASE]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(step * 0.03)  # the point in time is the test's input
        child.terminate()
        out, err = child.communicate(timeout=30)
        if os.path.exists(f"/run/xdp-nat64/{net.name}/state.json"):
            assert "attached instance" in out
            net.must(net.cmd("detach"))
        elif "interrupted; what was done is undone" in err:
            undone += 1
        same(before, net.snapshot())
    assert undone, "attach was never interrupted in the middle"


def test_dead_worker(net):
    before = net.snapshot()
    net.must(net.attach())
    pid = worker_pid(net.name)
    os.kill(pid, signal.SIGKILL)
    lib.wait_for("the worker's end", lambda: not json.loads(
        net.cmd("status", "--json").stdout)["worker"]["alive"])
    verdict = net.cmd("status", "--health")
    assert verdict.returncode == 1 and verdict.stdout.startswith("bad: no worker runs")
    done = net.must(net.cmd("detach"))
    assert "worker" not in done.stdout
    same(before, net.snapshot())


def test_detach_without_parameters(net):
    """In a mount namespace of its own, where no other instance can be."""
    before = net.snapshot()
    script = ("mount -t tmpfs none /run && mount -t bpf bpf /sys/fs/bpf && "
              "P=$1; N=$2; shift 2; $P attach --name $N \"$@\" && $P detach && "
              "! $P detach && ! $P status && test ! -e /run/xdp-nat64")
    done = net.gateway.run(["unshare", "-m", "sh", "-c", script, "sh", lib.PROGRAM, net.name,
                            *BASE], check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"detached instance '{net.name}'" in done.stdout
    assert "no instance is attached" in done.stderr
    same(before, net.snapshot())


def test_what_the_administrator_changed_stays(net):
    net.gateway.sysctl(ipv6__conf__eth0__accept_ra=1)
    net.gateway.run("ip -6 route add default via fe80::1 dev eth0 proto ra")
    net.must(net.attach())
    net.gateway.sysctl(ipv4__conf__eth0__forwarding=0)  # back as it was
    net.gateway.sysctl(ipv6__conf__eth0__accept_ra=0)  # neither as it was nor as it was set
    net.gateway.run("ethtool -K eth1 rxvlan on")
    net.gateway.run("sh -c 'echo 2 > /proc/sys/net/ipv4/conf/eth1/rp_filter'")
    net.gateway.ip("route add 203.0.113.0/24 via 192.0.2.9 dev eth1")
    done = net.must(net.cmd("detach"))
    assert "net.ipv4.conf.eth0.forwarding" not in done.stdout
    assert "left net.ipv6.conf.eth0.accept_ra at 0" in done.stdout
    assert net.gateway.out("cat /proc/sys/net/ipv6/conf/eth0/accept_ra").strip() == "0"
    assert net.gateway.out("cat /proc/sys/net/ipv4/conf/eth1/rp_filter").strip() == "2"
    assert "203.0.113.0/24" in net.gateway.out("ip route")


def test_interface_gone_before_detach(net):
    before = net.snapshot(without=("eth1",))
    net.must(net.attach())
    net.gateway.ip("link del dev eth1")
    status = net.cmd("status", "--health")
    assert status.returncode == 1 and "eth1 is gone" in status.stdout
    net.must(net.cmd("detach"))
    same(before, net.snapshot(without=("eth1",)))


def test_renamed_pair(net):
    before = net.snapshot()
    net.must(net.attach())
    net.gateway.ip(f"""
        link set dev n-{net.name} down
        link set dev n-{net.name} name other
    """)
    done = net.must(net.cmd("detach"))
    assert "removed other and" in done.stdout
    same(before, net.snapshot())


def test_lost_journal(net):
    net.must(net.attach())
    pid = worker_pid(net.name)
    os.kill(pid, signal.SIGKILL)
    for entry in os.listdir(f"/run/xdp-nat64/{net.name}"):
        os.unlink(f"/run/xdp-nat64/{net.name}/{entry}")
    os.rmdir(f"/run/xdp-nat64/{net.name}")
    done = net.attach()
    assert done.returncode == 1 and "detach --name" in done.stderr
    done = net.must(net.cmd("detach"))
    assert "was lost" in done.stdout
    assert not os.path.exists(f"/sys/fs/bpf/xdp-nat64/{net.name}")
    assert f"n-{net.name}" not in net.gateway.out("ip link")


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}'], ids=["cut", "array", "lists"])
def test_damaged_journal(net, text):
    """Every command names the one that helps, and that one works."""
    net.must(net.attach())
    with open(f"/run/xdp-nat64/{net.name}/state.json", "w", encoding="ascii") as f:
        f.write(text)
    for done in (net.cmd("status"), net.attach()):
        assert done.returncode == 1
        assert f"use: xdp-nat64 detach --name {net.name}" in done.stderr, done.stderr
        assert "of version" not in done.stderr
    done = net.must(net.cmd("detach"))
    assert "is damaged" in done.stdout
    assert not os.path.exists(f"/run/xdp-nat64/{net.name}")
    assert not os.path.exists(f"/sys/fs/bpf/xdp-nat64/{net.name}")
    assert f"n-{net.name}" not in net.gateway.out("ip link")


def test_journal_of_another_version(net):
    """Not by name: it may hold more than this program can undo."""
    net.must(net.attach())
    path = f"/run/xdp-nat64/{net.name}/state.json"
    with open(path, encoding="ascii") as f:
        text = f.read()
    with open(path, "w", encoding="ascii") as f:
        f.write(text.replace('"version": 1', '"version": 99'))
    done = net.cmd("detach")
    assert done.returncode == 1 and "is of version 99" in done.stderr
    assert f"n-{net.name}" in net.gateway.out("ip link")
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def test_namespace_gone(net):
    """Its interfaces went with it; detach from anywhere cleans up."""
    net.must(net.attach("--no-worker"))
    here = subprocess.run([lib.PROGRAM, "detach", "--name", net.name], capture_output=True,
                          text=True, check=False)
    assert here.returncode == 1
    assert f"nsenter --net=/run/netns/{net.gateway.name} xdp-nat64 detach" in here.stderr
    subprocess.run(["ip", "netns", "del", net.gateway.name], check=True)

    def detached():
        done = subprocess.run([lib.PROGRAM, "detach", "--name", net.name], capture_output=True,
                              text=True, check=False)
        return done if done.returncode == 0 else None
    done = lib.wait_for("the namespace to be gone", detached)
    assert "is gone" in done.stdout
    assert not os.path.exists(f"/run/xdp-nat64/{net.name}")
    assert not os.path.exists(f"/sys/fs/bpf/xdp-nat64/{net.name}")


def test_router_advertisements(net):
    """An interface that lives on them keeps its default route, and gets its setting
    back."""
    net.gateway.sysctl(ipv6__conf__eth0__accept_ra=1)
    net.gateway.run("ip -6 route add default via fe80::1 dev eth0 proto ra")
    before = net.snapshot()
    done = net.must(net.attach())
    assert "set net.ipv6.conf.eth0.accept_ra = 2 (was 1)" in done.stdout
    assert "default via fe80::1" in net.gateway.out("ip -6 route")
    net.must(net.cmd("detach"))
    same(before, net.snapshot())


def test_two_instances_share_forwarding(net):
    """The one that switched IPv6 forwarding on leaves it to the other."""
    net.cable(net.gateway, "eth2")
    before = net.snapshot()
    net.must(net.attach())
    net.must(net.attach(base=["-i", "eth2", "-6", "2001:db8:65::/96", "--xlat4", "198.51.100.0/24"],
                        name=net.second))
    done = net.must(net.cmd("detach"))
    assert f"left net.ipv6.conf.all.forwarding at 1 for instance '{net.second}'" in done.stdout
    assert net.gateway.out("cat /proc/sys/net/ipv6/conf/all/forwarding").strip() == "1"
    net.must(net.cmd("detach", name=net.second))
    same(before, net.snapshot())


def test_two_instances_share_a_port_that_lives_on_advertisements(net):
    """The first changes accept_ra of an interface that becomes a port of the second."""
    net.cable(net.gateway, "eth2")
    net.gateway.sysctl(ipv6__conf__eth2__accept_ra=1)
    net.gateway.run("ip -6 route add default via fe80::1 dev eth2 proto ra")
    before = net.snapshot()
    net.must(net.attach())
    net.must(net.attach(base=["-i", "eth2", "-6", "2001:db8:65::/96", "--xlat4", "198.51.100.0/24"],
                        name=net.second))
    done = net.must(net.cmd("detach"))
    assert f"left net.ipv6.conf.eth2.accept_ra at 2 for instance '{net.second}'" in done.stdout
    assert net.gateway.out("cat /proc/sys/net/ipv6/conf/eth2/accept_ra").strip() == "2"
    net.must(net.cmd("detach", name=net.second))
    same(before, net.snapshot())


def test_renamed_port(net):
    """Problems and remedies speak of the name that it has now."""
    before = net.snapshot()
    net.must(net.attach())
    net.gateway.ip("link set dev eth0 name lan0")
    net.gateway.sysctl(ipv6__conf__lan0__forwarding=0)
    found = [p for p in problems(net) if "net.ipv6.conf.lan0.forwarding is 0" in p["problem"]]
    assert found and "net/ipv6/conf/lan0/forwarding=1" in found[0]["remedy"], problems(net)
    assert "lan0" in programs(net) and "eth0" not in programs(net)
    net.must(net.cmd("detach"))
    net.gateway.ip("link set dev lan0 name eth0")
    same(before, net.snapshot())


# ---- routes and proxy ARP ----------------------------------------------------------------


def test_routes_that_are_there_already(net):
    """A prefix that the host routes elsewhere, or that is connected, is left."""
    net.gateway.ip("route add 198.51.100.0/24 via 192.0.2.9 dev eth1")
    before = net.snapshot()
    done = net.must(net.attach("--xlat4", "198.51.100.0/24", "--xlat4", "192.0.2.0/24",
                               base=["-i", "eth0", "-i", "eth1", "-6", PREF64]))
    assert "198.51.100.0/24 is routed elsewhere" in done.stdout
    assert "192.0.2.0/24 is routed elsewhere" in done.stdout
    routes = net.gateway.out("ip route")
    assert "198.51.100.0/24 via 192.0.2.9 dev eth1" in routes
    assert f"dev n-{net.name}" not in routes
    # hosts live there: no ARP answers in their place
    assert not net.gateway.out("ip neigh show proxy").strip()
    net.must(net.cmd("detach"))
    same(before, net.snapshot())


def test_proxy_arp_leaves_out_the_ends_of_the_subnet(net):
    """PORT-11: network, broadcast and own addresses are not answered for."""
    net.gateway.ip("addr add 203.0.113.1/28 dev eth1")
    net.must(net.attach("--xlat4", "203.0.113.0/29", "--xlat4", "203.0.113.12/30"))
    answered = {row["dst"] for row in json.loads(net.gateway.out("ip -j neigh show proxy"))}
    assert answered == {"192.0.2.33", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5",
                        "203.0.113.6", "203.0.113.7", "203.0.113.12", "203.0.113.13",
                        "203.0.113.14"}


def test_proxy_arp_after_a_link_was_down(net):
    """The kernel drops the entries; status says so, and a reload makes them again."""
    net.must(net.attach())
    net.gateway.ip("""
        link set dev eth1 down
        link set dev eth1 up
    """)
    assert not net.gateway.out("ip neigh show proxy").strip()
    found = [p for p in problems(net) if "on eth1 are not answered by ARP" in p["problem"]]
    assert found and found[0]["level"] == "bad" and "reload" in found[0]["remedy"], problems(net)
    net.must(net.cmd("reload"))
    assert "192.0.2.33" in net.gateway.out("ip neigh show proxy")
    assert not any("by ARP" in p["problem"] for p in problems(net))
    with open(f"/run/xdp-nat64/{net.name}/state.json", encoding="ascii") as f:
        lists = [rec["addresses"] for rec in json.load(f)["undo"] if rec["kind"] == "proxy"]
    assert lists == [["192.0.2.33"]]
    # what was dropped and is not wanted any more is missed by nobody
    net.gateway.ip("""
        link set dev eth1 down
        link set dev eth1 up
    """)
    net.must(net.cmd("reload", "-i", "eth0", "-i", "eth1", "-6", PREF64, "--eam",
                     "192.0.2.40/32=2001:db8:1::40/128"))
    assert not any("by ARP" in p["problem"] for p in problems(net))


def test_proxy_arp_off(net):
    net.must(net.attach("--set", "proxy-arp=off"))
    assert not net.gateway.out("ip neigh show proxy").strip()


def test_pref64_inside_a_connected_prefix(net):
    done = net.must(net.attach("-6", "2001:db8:1:0:1::/96"))
    assert "pref64 2001:db8:1:0:1::/96 lies inside the connected prefix of eth0" in done.stdout


# ---- reload -----------------------------------------------------------------------------


def programs(net):
    return {row["name"]: row["program"] for row in
            json.loads(net.cmd("status", "--json").stdout)["interfaces"]}


def policy(net):
    with open(f"/run/xdp-nat64/{net.name}/policy.bin", "rb") as f:
        return f.read()


def test_reload_swaps_and_adjusts(net):
    before = net.snapshot()
    net.must(net.attach())
    old = programs(net)
    net.must(net.cmd("reload", "-i", "eth0", "-i", "eth1", "-6", "2001:db8:65::/96", "--eam",
                     "192.0.2.40/31=2001:db8:1::40/127"))
    new = programs(net)
    assert all(old[name] != new[name] for name in old)
    routes = (net.gateway.out("ip -6 route show proto 64")
              + net.gateway.out("ip route show proto 64"))
    assert "2001:db8:65::/96" in routes and "192.0.2.40/31" in routes
    assert PREF64 not in routes and "192.0.2.33" not in routes
    answered = {row["dst"] for row in json.loads(net.gateway.out("ip -j neigh show proxy"))}
    assert answered == {"192.0.2.40", "192.0.2.41"}
    # without words: what the last one was told
    net.must(net.cmd("reload"))
    assert "2001:db8:65::/96" in net.gateway.out("ip -6 route show proto 64")
    net.must(net.cmd("detach"))
    same(before, net.snapshot())


@pytest.mark.parametrize("words, says", [
    (["-i", "eth0", "-6", PREF64, "--eam", EAM], "the list of interfaces"),
    (["-i", "eth1", "-i", "eth0", "-6", PREF64, "--eam", EAM], "or their order"),
    (["-i", "eth0:6to4", "-i", "eth1", "-6", PREF64, "--eam", EAM], "translate or deliver of eth0"),
    (BASE + ["--set", "proxy-arp=off"], "proxy-arp"),
], ids=["interfaces", "order", "translate", "proxy-arp"])
def test_reload_refuses_by_name(net, words, says):
    net.must(net.attach())
    before, old, rules = net.snapshot(), programs(net), policy(net)
    done = net.cmd("reload", *words)
    assert done.returncode == 1
    assert says in done.stderr and "nothing was changed" in done.stderr
    assert programs(net) == old and policy(net) == rules
    same(before, net.snapshot())


def test_failed_reload_keeps_the_old_programs(net):
    """One of the links is lost: no device gets the new program."""
    net.must(net.attach())
    os.unlink(f"/sys/fs/bpf/xdp-nat64/{net.name}/link_1")
    before, old, rules = net.snapshot(), programs(net), policy(net)
    done = net.cmd("reload", *BASE, "-6", "2001:db8:65::/96")
    assert done.returncode == 1 and "link_1 is gone" in done.stderr
    assert programs(net) == old and policy(net) == rules
    same(before, net.snapshot())


def test_reload_that_fails_after_the_swap(net):
    """The new policy is in force, is said to be, and is what the next reload means."""
    net.must(net.attach())
    old = programs(net)
    net.gateway.ip(f"link set dev n-{net.name} down")
    done = net.cmd("reload", "-i", "eth0", "-i", "eth1", "-6", "2001:db8:65::/96", "--eam", EAM)
    assert done.returncode == 1 and "the new policy is in force" in done.stderr, done.stderr
    new = programs(net)
    assert all(old[name] != new[name] for name in old)
    assert not os.path.exists(f"/sys/fs/bpf/xdp-nat64/{net.name}/prog_query_new")
    net.gateway.ip(f"link set dev n-{net.name} up")
    net.must(net.cmd("reload"))
    assert "2001:db8:65::/96" in net.gateway.out("ip -6 route show proto 64")


def test_another_layout_is_refused(net):
    """control.abi of a version that this program does not know."""
    net.must(net.attach("--no-worker"))
    pin = f"/sys/fs/bpf/xdp-nat64/{net.name}/control"
    old = programs(net)
    value = json.loads(net.gateway.out(["bpftool", "-j", "map", "lookup", "pinned", pin, "key",
                                        "0", "0", "0", "0"]))["value"]
    value = ["0x63"] + value[1:]
    net.gateway.run(["bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value",
                     *value])
    done = net.cmd("reload")
    assert done.returncode == 1
    assert "has layout 99" in done.stderr and "detach, then attach" in done.stderr
    assert programs(net) == old


# ---- status -------------------------------------------------------------------------------


def problems(net):
    return json.loads(net.cmd("status", "--json").stdout)["problems"]


def break_forwarding(net):
    net.gateway.sysctl(ipv6__conf__eth0__forwarding=0)
    return "net.ipv6.conf.eth0.forwarding is 0", "sysctl -w net/ipv6/conf/eth0/forwarding=1"


def break_link(net):
    net.gateway.ip("link set dev eth1 down")
    return "eth1 is down", "ip link set eth1 up"


def break_pin(net):
    os.unlink(f"/sys/fs/bpf/xdp-nat64/{net.name}/link_0")
    return "the pinned link of eth0 is gone", "detach"


def break_pair(net):
    net.gateway.ip(f"link del dev n-{net.name}")
    return f"n-{net.name} is gone", "detach"


def break_devmap(net):
    index = net.gateway.link("eth1")["ifindex"]
    net.gateway.run(["bpftool", "map", "delete", "pinned",
                     f"/sys/fs/bpf/xdp-nat64/{net.name}/devmap", "key",
                     *[str(b) for b in index.to_bytes(4, "little")]])
    return "eth1 is not in the devmap", "reload"


def break_firewall(net):
    net.gateway.run("nft add table inet t")
    net.gateway.run("nft add chain inet t f "
                    "{ type filter hook forward priority 0 ; policy drop ; }")
    return "nftables drops forwarded packets", "accept"


def break_route(net):
    net.gateway.run(f"ip -6 route del {PREF64}")
    return f"{PREF64} is not routed to n-{net.name}", "reload"


@pytest.mark.parametrize("damage", [break_forwarding, break_link, break_pin, break_pair,
                                    break_devmap, break_firewall, break_route],
                         ids=lambda f: f.__name__)
def test_status_names_the_problem_and_its_remedy(net, damage):
    net.must(net.attach())
    # its first beat
    lib.wait_for("health", lambda: net.cmd("status", "--health").returncode == 0,
                 more=lambda: str(problems(net)))
    what, remedy = damage(net)
    found = [p for p in problems(net) if what in p["problem"]]
    assert found and remedy in found[0]["remedy"], problems(net)
    text = net.cmd("status").stdout
    assert what in text and remedy in text
    assert net.cmd("status", "--health").returncode == (1 if found[0]["level"] == "bad" else 0)


def test_sums_of_a_busy_gateway(net):
    """GEN-10: packets on their way to the worker are not missed."""
    net.must(net.attach())
    client, pref = (socket.inet_pton(socket.AF_INET6, a) for a in ("2001:db8:1::2", PREF64[:-3]))
    packet = (struct.pack("!IHBB", 6 << 28, 72, 44, 64) + client + pref[:12] + bytes([192, 0, 2, 9])
              + struct.pack("!BBHI", 17, 0, 80 | 1, 9) + b"f" * 64)
    mac = bytes.fromhex(net.gateway.mac("eth0").replace(":", ""))
    frame = mac + bytes(6) + struct.pack("!H", lib.ETH_P_IPV6) + packet
    stop = threading.Event()

    def flood(wire):
        while not stop.is_set():
            for _ in range(20):
                wire.send(frame)
            time.sleep(0.0005)  # the rate is the test's input

    def handover():
        return json.loads(net.cmd("stats", "--json").stdout)["to_the_worker"]

    with net.client.wire("eth0") as wire:
        sender = threading.Thread(target=flood, args=(wire,))
        sender.start()
        try:
            seen = [handover() for _ in range(20)]
        finally:
            stop.set()
            sender.join()
    assert seen[-1]["handed_over"] > seen[0]["handed_over"] + 1000, seen
    assert [s for s in seen if not s["sums_hold"]] == []
    last = handover()
    assert last["sums_hold"] and last["in_flight"] == 0, last


def test_checksum_offload_of_a_peer(net):
    """L2-06: visible when the other end of the veth is in this namespace."""
    net.cable(net.gateway, "eth2")
    words = ["-i", "eth2", "-6", PREF64, "--eam", EAM]
    done = net.must(net.attach(base=words))
    assert "eth2p, the other end of eth2, leaves checksums unfinished" in done.stdout
    assert any("ethtool -K eth2p" in p["remedy"] for p in problems(net))
    net.gateway.run("ethtool -K eth2p tx off")
    assert not any("eth2p" in p["problem"] for p in problems(net))
