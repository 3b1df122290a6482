# SPDX-License-Identifier: GPL-2.0-only
"""Routes and proxy ARP that attach adds; reload as a change of a running gateway: all or
nothing; the problems that status names."""

import json
import os
import socket
import struct
import threading
import time

import pytest

import lib
from attach_net import BASE, EAM, PREF64, net, policy, problems, programs, same


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


@pytest.mark.parametrize("family, hook, policy, found", [
    ("inet", "forward", "drop", True), ("ip", "forward", "drop", True),
    ("ip6", "forward", "drop", True), ("inet", "forward", "accept", False),
    ("inet", "output", "drop", False), ("bridge", "forward", "drop", False)])
def test_firewall(net, family, hook, policy, found):
    """A chain that drops what the host forwards of IPv4 or IPv6, and no other."""
    net.must(net.attach())
    done = net.gateway.run(f"nft 'add table {family} t; add chain {family} t f "
                           f"{{ type filter hook {hook} priority 0 ; policy {policy} ; }}'",
                           check=False)
    if family == "bridge" and "Could not process rule" in done.stderr:
        pytest.skip("this kernel has no nf_tables for bridges")
    assert done.returncode == 0, done.stderr
    assert any("nftables drops" in p["problem"] for p in problems(net)) == found


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
