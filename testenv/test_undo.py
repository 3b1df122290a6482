# SPDX-License-Identifier: GPL-2.0-only
"""detach gives the host back as it was before attach, whatever happened between: killed
and interrupted commands, dead workers, lost journals, interfaces and namespaces that
are gone, changes of the administrator."""

import json
import os
import signal
import subprocess
import time

import pytest

import lib
from attach_net import (BASE, PREF64, begin_attach, net, policy, problems, programs, same,
                        worker_pid)


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


def attach_seconds(net):
    """How long an attach takes here and now: points in time are fractions of it."""
    begin = time.monotonic()
    net.must(net.attach())
    took = time.monotonic() - begin
    net.must(net.cmd("detach"))
    return took


def test_killed_attach(net):
    """kill -9 at any point: detach undoes what was done."""
    left, took = 0, attach_seconds(net)
    for step in range(16):
        before = net.snapshot()
        child = begin_attach(net)
        time.sleep(took * step / 16)  # the point in time is the test's input
        child.kill()
        child.wait()
        folder = f"/run/xdp-nat64/{net.name}"
        if os.path.exists(f"{folder}/state.json"):
            left += 1
            again = net.attach()
            assert again.returncode == 1 and "nothing was changed" in again.stderr
            net.must(net.cmd("detach"))
        elif os.path.exists(folder):  # nothing was done yet
            net.cmd("detach")
        lib.wait_for("a worker that was about to start to end",
                     lambda: not os.path.exists(folder), 60)
        same(before, net.snapshot())
    assert left >= 3, "attach was never killed in the middle"


def test_attach_that_had_not_begun(net):
    """Killed between making its folder and the journal: nothing was changed yet."""
    before, folder = net.snapshot(), f"/run/xdp-nat64/{net.name}"
    os.makedirs(folder)
    done = net.must(net.cmd("detach"))
    assert done.stdout == f"removed {folder}, which an attach that ended early had left\n"
    assert not os.path.exists(folder)
    same(before, net.snapshot())


def test_interrupted_attach(net):
    """SIGTERM at any point: undone and said, or done and said; never half, never silent."""
    undone, took = 0, attach_seconds(net)
    for step in range(8):
        before = net.snapshot()
        child = subprocess.Popen(
            net.gateway.argv([lib.PROGRAM, "attach", "--name", net.name, *BASE]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(took * step / 8)  # the point in time is the test's input
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
