# SPDX-License-Identifier: GPL-2.0-only
"""The worker as a process: what it serves, what it survives, what it may do, and
how it follows the host. The bytes of its packets are the business of the golden
rows; here only what comes out, where, and how it is counted.

    client ======== eth6 [gateway] eth4 ======== server      (dumb end hosts)
"""

import contextlib
import os
import signal

import pytest

import lib
from lib import wait_for
from worker_net import (
    CLASSES, ICMP4, ICMP6, ask, attached, frag4, frag6, gateway, ip4, ip6, net, proto_of, send,
    udp, works)


# ---- classes ----------------------------------------------------------------------------


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
                send(net, *(frag6(ident=ident) for ident in range(count)), to_worker=gateway)
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
                send(net, *[frag6()] * 400, to_worker=gateway)
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
