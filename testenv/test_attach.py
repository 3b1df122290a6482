# SPDX-License-Identifier: GPL-2.0-only
"""attach, detach and reload as changes of a host: all or nothing.

Every refusal here has a real cause: an interface that is not there, too small,
down, taken, or without room for XDP; a name that is taken; a BPF file system that
cannot be written; a worker that cannot start. Before and after, everything that
attach may touch is compared: links, addresses, routes, proxy neighbours, sysctls,
offloads, pins, the run folder."""

import fcntl
import os
import subprocess
import sys
import time

import pytest

import lib
from attach_net import BASE, EAM, PREF64, begin_attach, net, same


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
    # nobody holds its other end, which the kernel may notice a second later
    lib.wait_for("tun0 without a carrier", lambda: "NO-CARRIER" in
                 net.gateway.run("ip link show dev tun0").stdout)
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


def test_pins_beside_another_container(net):
    """Which has this BPF file system, but a lock of its own: it removes the folder of all
    instances whenever it is empty."""
    removes = ("import os\nprint(flush=True)\nwhile 1:\n"
               " try: os.rmdir('/sys/fs/bpf/xdp-nat64')\n except OSError: pass\n")
    with subprocess.Popen([sys.executable, "-c", removes], stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()  # it is at it
            net.must(net.attach())
        finally:
            other.kill()
    net.must(net.cmd("detach"))


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
