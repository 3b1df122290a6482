# SPDX-License-Identifier: GPL-2.0-only
"""The worker as a process: what it serves, what it survives, what it may do, and
how it follows the host. The bytes of its packets are the business of the golden
rows; here only what comes out, where, and how it is counted.

    client ======== eth6 [gateway] eth4 ======== server      (dumb end hosts)
"""

import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess

import pytest

import lib
from lib import GW6, H4, H6, K4, K6, S4, S6, wait_for
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


def send(net, *packets):
    """From the side that the version of the first one says."""
    version = packets[0][0] >> 4
    host, device = (net.client, "eth6") if version == 6 else (net.server, "eth4")
    kind = lib.ETH_P_IPV6 if version == 6 else lib.ETH_P_IP
    head = bytes.fromhex(net.gateway.mac(device).replace(":", "")) + bytes(6) \
        + struct.pack("!H", kind)
    with host.wire("eth0") as wire:
        for packet in packets:
            wire.send(head + packet)


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


# ---- classes ----------------------------------------------------------------------------


@pytest.fixture
def gateway(net):
    with attached(net) as gateway:
        yield gateway


@pytest.mark.parametrize("row", CLASSES, ids=[f"{r[1]}-{r[0]}" for r in CLASSES])
def test_class(net, gateway, row):
    _, _, packet, slow, reason, proto = row
    before = gateway.stats()
    frame = ask(net, packet, back=proto == "back")
    assert frame, "nothing came out"
    version = packet[0] >> 4
    if proto == "back":
        assert proto_of(frame) == (ICMP6 if version == 6 else ICMP4)
    else:
        assert proto_of(frame) == proto
        assert frame[14] >> 4 == 10 - version
    after = gateway.wait_settled(before)
    more = after.since(before)
    assert sum(more[port].get(slow, 0) for port in after.ports if port in more) == 1, more
    assert more["worker"].get(reason) == 1, more
    gateway.check_sums()


@contextlib.contextmanager
def stopped(gateway):
    """The worker does nothing meanwhile: its rings fill."""
    pid = gateway.worker_pid()
    os.kill(pid, signal.SIGSTOP)
    wait_for("the worker to stop", lambda: status_of(pid)["State"].startswith("T"))
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def one_cpu():
    """What is sent here stays on one CPU, and so in one queue, as a flow does that
    a NIC has hashed."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def test_order(net, gateway):
    """GEN-06: fragments of one flow leave in the order in which they came, also
    from a full ring and when every buffer has been used again."""
    count, rounds = 800, 7  # a queue has at most 4096 buffers
    with one_cpu(), net.server.wire("eth0") as wire:
        for _ in range(rounds):
            with stopped(gateway):
                send(net, *(frag6(ident=ident) for ident in range(count)))
            seen = []
            while len(seen) < count:
                frame = wire.recv(seconds=3)
                assert frame, f"{len(seen)} of {count} came"
                seen.append(int.from_bytes(frame[14 + 4:14 + 6], "big"))
            assert seen == list(range(count))


def test_jumbo(net):
    """Frames of several AF_XDP buffers, in and out (kernel 6.6 and later)."""
    version = tuple(int(n) for n in os.uname().release.split(".")[:2])
    if version < (6, 6):
        pytest.skip("AF_XDP of this kernel takes one buffer per frame (GEN-13)")
    with lib.Topology(dumb=True, suffix="wk" + os.urandom(2).hex()) as wide:
        for host in (wide.client, wide.server):
            # the pass program allows no more than 3506; GRO lets redirected frames in as well
            host.ip("link set dev eth0 xdp off")
            host.run("ethtool -K eth0 gro on")
            host.mtu("eth0", 9000)
        for device in ("eth6", "eth4"):
            wide.gateway.mtu(device, 9000)
        with attached(wide, lowest_ipv6_mtu=9000):
            for size in (4000, 4096, 8000, 8800):
                for packet in (frag6(data=bytes(size)), frag4(data=bytes(size))):
                    frame = ask(wide, packet)
                    assert frame, f"{size} bytes of IPv{packet[0] >> 4} were lost"
                    head = 20 if frame[14] >> 4 == 4 else 48
                    assert len(frame) == 14 + head + size
            wide.gateway.check_sums()


# ---- the process ----------------------------------------------------------------------------


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_privileges(gateway):
    """Sockets were opened as root; what serves them is nobody."""
    status = status_of(gateway.worker_pid())
    assert set(status["Uid"].split()) == {"65534"}
    assert set(status["Gid"].split()) == {"65534"}
    assert status["Groups"].strip() == ""
    for caps in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[caps], 16) == 0, caps
    assert status["NoNewPrivs"] == "1"


def test_second_worker(net, gateway):
    """Exactly one worker per instance: the second is refused by name."""
    pid = gateway.worker_pid()
    for words in (["--foreground"], []):
        done = gateway.cmd("worker", "--name", gateway.instance, *words, check=False)
        assert done.returncode == 1
        assert str(pid) in done.stderr
    assert gateway.worker_pid() == pid
    assert works(net)


@pytest.mark.parametrize("words, code, says", [
    (["--name", "nothere"], 1, "not attached"),
    (["--ready-fd", "x"], 2, "--ready-fd"),
    (["--ready-fd", "77"], 2, "--ready-fd"),
    (["--user", "no-such-user"], 1, "no-such-user"),
    (["--user", "root"], 1, "superuser"),
    (["--bogus"], 2, "--bogus"),
])
def test_refused(net, words, code, says):
    """Wrong words change nothing and say which word it was."""
    with attached(net, "--no-worker") as gateway:
        if "--name" not in words:
            words = ["--name", gateway.instance, *words]
        done = gateway.cmd("worker", "--foreground", *words, check=False)
        assert done.returncode == code, done.stderr
        assert says in done.stderr
        assert not gateway.status()["worker"]["alive"]


def test_terminate(net):
    """SIGTERM: what waits in the rings is finished; exit status 0."""
    with attached(net, "--no-worker") as gateway:
        worker = gateway.start([lib.PROGRAM, "worker", "--foreground", "--name",
                                gateway.instance])
        wait_for("the worker to serve", lambda: works(net, seconds=0.1))
        with net.server.wire("eth0") as wire:
            with stopped(gateway):
                send(net, *[frag6()] * 400)
                worker.send_signal(signal.SIGTERM)
            assert worker.wait(5) == 0
            assert len(wire.drain()) == 400
            gateway.check_sums()
            before = gateway.stats()
            send(net, frag6())
            gateway.wait_settled(before)
            assert gateway.stats().get("sp_overflow") == before.get("sp_overflow") + 1


def test_kill(net):
    """kill -9: the fast path goes on, slow packets are counted; a new worker
    resumes with the counters of the old one."""
    with attached(net) as gateway:
        assert works(net)
        counted = gateway.stats().get("kern_6to4", "worker")
        pid = gateway.worker_pid()
        os.kill(pid, signal.SIGKILL)
        wait_for("the worker to die", lambda: not gateway.status()["worker"]["alive"])
        for packet in (ip6(udp(6)), ip4(udp(4))):
            assert ask(net, packet), "the fast path stopped"
        before = gateway.stats()
        assert not ask(net, frag6(), seconds=0.3)
        assert gateway.stats().get("sp_overflow") == before.get("sp_overflow") + 1
        gateway.cmd("worker", "--name", gateway.instance)  # returns when it serves
        assert gateway.worker_pid() != pid
        assert works(net)
        assert gateway.stats().get("kern_6to4", "worker") == counted + 1


def test_kill_full_rings(net):
    """GEN-10: what lay in the rings of a worker that was killed was lost in a ring."""
    with attached(net) as gateway:
        assert works(net)
        before = gateway.stats()
        pid = gateway.worker_pid()
        os.kill(pid, signal.SIGSTOP)
        wait_for("the worker to stop", lambda: status_of(pid)["State"].startswith("T"))
        send(net, *[frag6()] * 50)
        wait_for("50 packets to be handed over", lambda: gateway.stats().get("slow_frag6", "eth6")
                 == before.get("slow_frag6", "eth6") + 50)
        os.kill(pid, signal.SIGKILL)
        wait_for("the worker to die", lambda: not gateway.status()["worker"]["alive"])
        gateway.cmd("worker", "--name", gateway.instance)
        gateway.check_sums()
        assert gateway.stats().handover["ring_drops"] == before.handover["ring_drops"] + 50
        assert works(net)
        gateway.check_sums()


def test_start_after_kill(net):
    """A worker starts at once after one was killed, whose queues the kernel may
    still hold (EBUSY)."""
    with attached(net) as gateway:
        for _ in range(10):
            os.kill(gateway.worker_pid(), signal.SIGKILL)
            gateway.cmd("worker", "--name", gateway.instance)
        assert works(net)


def test_signal_at_start(net):
    """A reload that meets a worker which is still starting does not end it."""
    with attached(net, "--no-worker") as gateway:
        for _ in range(5):
            worker = gateway.start([lib.PROGRAM, "worker", "--foreground", "--name",
                                    gateway.instance])
            wait_for("the worker's pid", lambda w=worker: gateway.worker_pid() == w.pid, step=0)
            worker.send_signal(signal.SIGHUP)
            wait_for("the worker to serve", lambda w=worker: w.poll() is not None
                     or works(net, seconds=0.1))
            assert worker.poll() is None, "the signal ended it"
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(5) == 0


def test_inherits_nothing(net):
    """A worker in the background does not keep open what its starter had open."""
    with attached(net, "--no-worker") as gateway:
        low, high = os.pipe(), os.pipe()
        ready = os.pipe()
        gateway.cmd("worker", "--name", gateway.instance, "--ready-fd", str(ready[1]),
                    pass_fds=(low[1], ready[1], high[1]))
        assert os.read(ready[0], 1) == b"R"
        for there, here in (low, high):
            os.close(here)
            os.set_blocking(there, False)
            assert os.read(there, 1) == b"", "still open in the worker"
        for fd in (low[0], high[0], *ready):
            os.close(fd)
        assert works(net)


# ---- policy ---------------------------------------------------------------------------------


def worker_log(gateway):
    with open(f"/run/xdp-nat64/{gateway.instance}/worker.log", encoding="utf-8") as f:
        return f.read()


def test_broken_policy(net):
    """SIGHUP with a broken policy.bin keeps the old one and says so once."""
    with attached(net) as gateway:
        path = f"/run/xdp-nat64/{gateway.instance}/policy.bin"
        with open(path, "rb") as f:
            good = f.read()
        for broken in (b"", b"junk" * 100, good[:-1], good[:40] + b"\xff" + good[41:]):
            said = worker_log(gateway).count("stays")
            with open(path, "r+b") as f:
                f.truncate(0)
                f.write(broken)
            os.kill(gateway.worker_pid(), signal.SIGHUP)
            wait_for("the complaint", lambda s=said: worker_log(gateway).count("stays") == s + 1)
            assert works(net)
        with open(path, "r+b") as f:
            f.truncate(0)
            f.write(good)
        os.kill(gateway.worker_pid(), signal.SIGHUP)
        wait_for("the new policy", lambda: "is in force" in worker_log(gateway))
        assert works(net)


def pinned(gateway, name):
    return f"/sys/fs/bpf/xdp-nat64/{gateway.instance}/{name}"


def map_rows(gateway, name):
    """The rows of a pinned map, as lists of words for bpftool."""
    return [(row["key"], row["value"]) for row in json.loads(gateway.out(
        ["bpftool", "-j", "map", "dump", "pinned", pinned(gateway, name)]))]


def test_policy_retried(net):
    """A new policy that cannot be read is complained about once, and read as soon as
    it can be."""
    with attached(net) as gateway:
        path = f"/run/xdp-nat64/{gateway.instance}/policy.bin"
        with open(path, "rb") as f:
            good = f.read()
        with open(path, "r+b") as f:
            f.truncate(10)
        _, value = map_rows(gateway, "control")[0]
        value[32] = "0x%02x" % (int(value[32], 16) + 1 & 255)  # policy_gen
        gateway.run(["bpftool", "map", "update", "pinned", pinned(gateway, "control"),
                     "key", "0", "0", "0", "0", "value", *value])
        wait_for("the complaint", lambda: "stays" in worker_log(gateway))
        for _ in range(3):  # beats, each of which looks at the generation
            beat = map_rows(gateway, "control")[0][1][8:16]
            wait_for("a beat", lambda b=beat: map_rows(gateway, "control")[0][1][8:16] != b)
        assert worker_log(gateway).count("stays") == 1
        with open(path, "r+b") as f:
            f.write(good)
        wait_for("the new policy", lambda: "is in force" in worker_log(gateway))
        assert works(net)


def test_reload_repairs_maps(net):
    """Whoever sends SIGHUP may have written the maps from an older view of the links:
    the worker brings them up to date."""
    with attached(net) as gateway:
        rows = map_rows(gateway, "local")
        key = rows[0][0]
        gateway.run(["bpftool", "map", "delete", "pinned", pinned(gateway, "local"), "key", *key])
        assert len(map_rows(gateway, "local")) == len(rows) - 1
        os.kill(gateway.worker_pid(), signal.SIGHUP)
        wait_for("the address to be back", lambda: len(map_rows(gateway, "local")) == len(rows))


@pytest.mark.parametrize("rule, reason, packet", [
    ("L4-03", "udp_zero", ip4(udp(4, checksum=False))),
    ("L4-04", "udp_zero_frag", ip4(udp(4, checksum=False), frag=0x2000)),
], ids=["L4-03", "L4-04"])
def test_udp_zero_log(net, rule, reason, packet):
    """Who sends UDP without a checksum is written down, but not for every packet."""
    with attached(net, udp_zero_csum="drop") as gateway:
        send(net, *[packet] * 200)
        wait_for("200 packets to be dropped",
                 lambda: gateway.stats().get(reason, "worker") == 200)
        lines = [line for line in worker_log(gateway).splitlines() if "checksum" in line]
        assert 1 <= len(lines) <= 20, rule
        assert f"{S4} port 4000 to {H4} port 53" in lines[0]


# ---- the host changes --------------------------------------------------------------------------


def test_route_events(net, gateway):
    """L2-02: answers are remembered for a second, but a change is seen at once."""
    assert ask(net, frag6())
    for kind, reason in (("blackhole", "fib_blackhole"), ("prohibit", "fib_prohibit"),
                         ("unreachable", "no_route")):
        gateway.ip(f"route add {kind} {S4}/32")
        try:
            before = gateway.stats()

            def refused(before=before, reason=reason):
                send(net, frag6())
                return gateway.stats().get(reason, "worker") > before.get(reason, "worker")

            # far less than the second for which an answer would stand
            wait_for(f"{reason} after `ip route add {kind}`", refused, seconds=0.6)
        finally:
            gateway.ip(f"route del {kind} {S4}/32")
        wait_for("the way to be open again", lambda: ask(net, frag6(), seconds=0.1), seconds=0.6)


def test_policy_routing(net, gateway):
    """Rules that look at the source make the answer depend on it, also the
    remembered one."""
    for _ in range(2):
        assert ask(net, frag6(src=H6)) and ask(net, frag6(src=K6))
    gateway.ip(f"rule add from {K4} prohibit pref 100")
    try:
        wait_for("the rule", lambda: not ask(net, frag6(src=K6), seconds=0.1), seconds=0.6)
        for _ in range(2):
            before = gateway.stats()
            assert ask(net, frag6(src=H6))
            assert not ask(net, frag6(src=K6), seconds=0.1)
            assert gateway.stats().get("fib_prohibit") == before.get("fib_prohibit") + 1
    finally:
        gateway.ip(f"rule del from {K4} prohibit pref 100")
    wait_for("the rule to be gone", lambda: ask(net, frag6(src=K6), seconds=0.1))


def test_pair_deleted(net):
    """Sockets of a device that is gone never speak again: the worker says so and
    ends, so that whoever watches it sees it."""
    with attached(net, "--no-worker") as gateway:
        worker = gateway.start([lib.PROGRAM, "worker", "--foreground", "--name",
                                gateway.instance], stderr=subprocess.PIPE, text=True)
        wait_for("the worker to serve", lambda: works(net, seconds=0.1))
        gateway.ip(f"link del {gateway.pair}")
        assert worker.wait(5) == 1
        assert f"{gateway.pair}x was deleted" in worker.stderr.read()


def to_mac(net, mac):
    """Is a packet to that MAC address taken by the port itself? (What it passes,
    the kernel may still route into the pair.)"""
    before = net.gateway.stats()
    with net.client.wire("eth0") as wire:
        wire.send(bytes.fromhex(mac.replace(":", "")) + bytes(6)
                  + struct.pack("!H", lib.ETH_P_IPV6) + ip6(udp(6)))

    def judged():
        now = net.gateway.stats()
        if now.get("fwd_6to4", "eth6") > before.get("fwd_6to4", "eth6"):
            return "ours"
        return now.get("other_mac", "eth6") > before.get("other_mac", "eth6") and "other"

    return wait_for("the packet to be judged", judged) == "ours"


def test_port_mac(net):
    """VAL-07: a port's new MAC address is its own, the old one is another's."""
    with attached(net) as gateway:
        old, new = gateway.mac("eth6"), "02:00:00:00:12:34"
        assert to_mac(net, old)
        gateway.ip(f"link set dev eth6 address {new}")
        try:
            wait_for("the new MAC address", lambda: to_mac(net, new))
            assert not to_mac(net, old)
        finally:
            gateway.ip(f"link set dev eth6 address {old}")
            # a new MAC address takes the neighbours away, permanent ones too
            client = net.client.mac("eth0")
            for neighbour in ("fe80::c", H6, K6):
                gateway.ip(f"neigh replace {neighbour} lladdr {client} dev eth6 nud permanent")
        wait_for("the old MAC address", lambda: to_mac(net, old))


def test_macvlan(net):
    """VAL-07: a VRRP address counts only while its macvlan is up here."""
    with attached(net) as gateway:
        vrrp = "00:00:5e:00:02:07"
        assert not to_mac(net, vrrp)
        gateway.ip(f"link add vrrp7 link eth6 address {vrrp} type macvlan mode private")
        try:
            assert not to_mac(net, vrrp), "taken although the macvlan is down"
            gateway.ip("link set dev vrrp7 up")
            wait_for("the macvlan's address", lambda: to_mac(net, vrrp))
            gateway.ip("link set dev vrrp7 down")
            wait_for("the address to be gone", lambda: not to_mac(net, vrrp))
        finally:
            gateway.ip("link del vrrp7")
        assert not to_mac(net, vrrp)


def test_error_source(net, gateway):
    """GERR-23: the address of the interface towards the sender; a new one counts
    as soon as it is there."""
    frame = ask(net, ip6(udp(6), hlim=1), back=True)
    assert frame[14 + 8:14 + 24] == addr6(GW6)
    gateway.ip(f"addr del {GW6}/64 dev eth6")
    gateway.ip("addr add 2001:db8:ffff::2/64 dev eth6 nodad")
    try:
        frame = ask(net, ip6(udp(6), hlim=1), back=True)
        assert frame[14 + 8:14 + 24] == addr6("2001:db8:ffff::2")
    finally:
        gateway.ip("addr del 2001:db8:ffff::2/64 dev eth6")
        gateway.ip(f"addr add {GW6}/64 dev eth6 nodad")


def test_error_rate(net):
    """GERR-25: 20 errors per second and destination after a burst of 50; what is
    suppressed is counted."""
    with attached(net) as gateway, net.client.wire("eth0") as wire:
        send(net, *[ip6(udp(6), hlim=1)] * 300)
        wait_for("300 packets to be judged",
                 lambda: gateway.stats().get("ttl_expired", "worker") == 300)
        stats = gateway.stats()
        came = len(wire.drain())
        sent, hidden = stats.get("icmp_sent"), stats.get("icmp_ratelimited")
        assert came == sent
        assert sent + hidden == 300
        assert 50 <= sent <= 50 + 20 * 10, f"{sent} errors of 300"
        gateway.check_sums()


# ---- junk ----------------------------------------------------------------------------------------


def slow_frame(rng, body, **wrong):
    """A frame with a hand-over header as the programs write it, but for `wrong`."""
    version = rng.choice((4, 6))
    kind = lib.ETH_P_IP if version == 4 else lib.ETH_P_IPV6
    eth = bytes(12) + struct.pack("!H", kind)
    slow = [i for i, (k, _, _) in enumerate(lib.REASONS.values(), 1) if k == "SLOW"]
    field = {"magic": 0x4E363453, "abi": 1, "reason": rng.choice(slow),
             "ifindex": rng.randrange(1, 20), "len": len(eth) + len(body), "l3": 14,
             "flags": rng.choice((0, 0, 1, 2)), "fam": version}
    field.update(wrong)
    return struct.pack("<IHHIHHIHHBBHI", field["magic"], field["abi"], field["reason"],
                       field["ifindex"], 0, 0, field["len"], field["l3"], field["flags"],
                       field["fam"], 0, 0, 0) + eth + body


def mutate(rng, packet):
    """A packet with a few wrong bytes, or cut, or followed by junk."""
    data = bytearray(packet)
    for _ in range(rng.randrange(6)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    if rng.random() < 0.3:
        del data[rng.randrange(1, len(data)):]
    if rng.random() < 0.2:
        data += rng.randbytes(rng.randrange(200))
    return bytes(data[:1500])


def junk(rng):
    """One frame for the worker; mostly in a valid header, so that the core sees it."""
    good = [row[2] for row in CLASSES]
    body = rng.choice((
        lambda: mutate(rng, rng.choice(good)),
        lambda: rng.randbytes(rng.randrange(1, 1400)),
        lambda: bytes([rng.choice((0x45, 0x4F, 0x60))]) + rng.randbytes(rng.randrange(60)),
    ))()
    wrong = {}
    if rng.random() < 0.2:
        key = rng.choice(("abi", "reason", "len", "l3", "fam", "flags"))
        wrong[key] = rng.randrange(256 if key == "fam" else 65536)
    return slow_frame(rng, body, **wrong)


def through(gateway):
    """Frames that the worker or its rings are done with."""
    handover = gateway.stats().handover
    return handover["received"] + handover["ring_drops"]


def test_junk(net):
    """Random and malformed packets behind hand-over headers, as if the programs
    had let them through: each is counted once, none stops the worker."""
    rng = random.Random(64)
    count = 20000
    with attached(net) as gateway:
        pid = gateway.worker_pid()
        before = through(gateway)
        with gateway.wire(gateway.pair) as wire:
            for _ in range(count):
                wire.send(junk(rng))
        wait_for("the junk to be judged",
                 lambda: through(gateway)
                 >= before + count, seconds=20)
        stats = gateway.stats()
        assert stats.get("sp_bad", "worker") > count // 20
        assert stats.total("worker") == stats.handover["received"]
        assert gateway.worker_pid() == pid
        assert works(net)


def test_flood(net):
    """Slow packets from the wire as fast as they can be sent: the worker stays,
    the fast path goes on, nothing is lost uncounted."""
    rng = random.Random(65)
    with attached(net) as gateway:
        pid = gateway.worker_pid()
        good = [row[2] for row in CLASSES]
        mac = {6: gateway.mac("eth6"), 4: gateway.mac("eth4")}
        with net.client.wire("eth0") as client, net.server.wire("eth0") as server:
            for turn in range(20000):
                packet = mutate(rng, rng.choice(good))
                wire, version = (client, 6) if packet[0] >> 4 == 6 else (server, 4)
                kind = lib.ETH_P_IPV6 if version == 6 else lib.ETH_P_IP
                wire.send(bytes.fromhex(mac[version].replace(":", "")) + bytes(6)
                          + struct.pack("!H", kind) + packet)
                if turn % 4000 == 0:
                    assert ask(net, ip6(udp(6, sport=turn), dst=S6)), "the fast path stopped"
        assert gateway.worker_pid() == pid
        wait_for("the worker to be through", lambda: works(net))
        gateway.check_sums()
