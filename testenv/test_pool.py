# SPDX-License-Identifier: GPL-2.0-only
"""The pool of mode stateful on a host: attach, reload and detach with addresses, ports and
static mappings (PORT-10, PORT-11, ST-04, GEN-05, GEN-12), memory before it is taken.

Mappings are made by asking the program n64_state, as the worker does, so that nothing
here depends on packets; see state_ask.py."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

import lib
from attach_net import PREF64, net, policy, problems, programs, same  # noqa: F401 (fixture)
from state_ask import ICMP, TCP, UDP, State

HOST = "2001:db8:1::%x"


def base(*pool, static=(), more=()):
    """Words of a configuration; a pool is PREFIX[:PORTS]."""
    words = ["-i", "eth0", "-i", "eth1", "-6", PREF64, "--mode", "stateful"]
    for p in pool:
        words += ["--set", f"pool4={p}"]
    for s in static:
        words += ["--set", f"static={s}"]
    return words + list(more)


def attach(net, *pool, **more):
    return net.must(net.attach("--no-worker", base=base(*pool, **more)))


def reload(net, *pool, options=(), **more):
    return net.cmd("reload", *base(*pool, **more), *options)


def status(net, name=None):
    return json.loads(net.cmd("status", "--json", name=name).stdout)


def pool(net, name=None):
    """{address: row of status}"""
    return {row["address"]: row for row in status(net, name)["pool4"]}


def routes(net):
    return [line.split()[0] for line in
            net.gateway.out("ip route show proto 64").splitlines()]


def entries(net, name):
    path = f"/sys/fs/bpf/xdp-nat64/{net.name}/{name}"
    shown = subprocess.run(["bpftool", "-j", "map", "show", "pinned", path],
                           capture_output=True, text=True, check=True)
    return json.loads(shown.stdout)["max_entries"]


# ---- attach and detach ---------------------------------------------------------------------


def test_attach_and_detach(net):
    before = net.snapshot()
    attach(net, "203.0.113.0/30", "203.0.113.9:2000-2999",
           static=["tcp,203.0.113.20:443,[2001:db8::5]:443"])
    rows = pool(net)
    assert sorted(rows) == ["203.0.113.0", "203.0.113.1", "203.0.113.2", "203.0.113.20",
                            "203.0.113.3", "203.0.113.9"]
    # PORT-05: the default range; identifiers are not limited by ports
    assert rows["203.0.113.2"]["tcp_ports"] == rows["203.0.113.2"]["udp_ports"] == 64512
    assert rows["203.0.113.9"]["udp_ports"] == 1000
    assert rows["203.0.113.9"]["icmp_identifiers"] == 65536
    # ST-04: an address of static mappings alone gives out nothing
    assert rows["203.0.113.20"]["tcp_ports"] == 0 and rows["203.0.113.20"]["tcp_used"] == 1
    assert rows["203.0.113.20"]["udp_ports"] is None
    assert sorted(routes(net)) == ["203.0.113.0/30", "203.0.113.20", "203.0.113.9"]
    assert entries(net, "slots") == 4096
    net.must(net.cmd("detach"))
    same(before, net.snapshot())


def test_another_mode_pays_nothing(net):
    net.must(net.attach("--no-worker"))
    for name in ("bindings", "rows", "blocks", "bib6", "sessions", "subs", "reach", "holds",
                 "slots"):
        assert entries(net, name) == 1, name
    assert not os.path.exists(f"/sys/fs/bpf/xdp-nat64/{net.name}/prog_state")
    assert "pool4" not in status(net)


def test_interrupted_attach(net):
    """SIGTERM at any point: undone and said, or done and said."""
    undone = 0
    for step in range(6):
        before = net.snapshot()
        child = subprocess.Popen(
            net.gateway.argv([lib.PROGRAM, "attach", "--name", net.name, "--no-worker",
                              *base("203.0.113.0/28")]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(0.05 + step * 0.1)  # the point in time is the test's input
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=60)
        if "attached instance" in out:
            net.must(net.cmd("detach"))
        elif "interrupted; what was done is undone" in err:
            undone += 1
        same(before, net.snapshot())
    assert undone, "attach was never interrupted in the middle"


def test_two_instances(net):
    """Each has a state of its own."""
    net.cable(net.gateway, "eth2")
    attach(net, "203.0.113.0/31")
    net.must(net.attach("--no-worker", name=net.second,
                        base=["-i", "eth2", "-6", "2001:db8:65::/96", "--mode", "stateful",
                              "--set", "pool4=198.51.100.0/31"]))
    with State(net.name) as one, State(net.second) as two:
        assert one.out(UDP, HOST % 2, 5000).addr4.startswith("203.0.113.")
        assert two.out(UDP, HOST % 2, 5000).addr4.startswith("198.51.100.")
        assert not two.peek(UDP, HOST % 3, 5000)
    assert sum(row["udp_used"] for row in pool(net).values()) == 1
    net.must(net.cmd("detach"))
    assert sum(row["udp_used"] for row in pool(net, net.second).values()) == 1


# ---- memory ---------------------------------------------------------------------------------


def test_memory_that_is_not_there(net):
    """Issue 3, 8: computed before it is taken, refused with the numbers."""
    before = net.snapshot()
    with open(f"/tmp/n64-{net.name}", "w", encoding="ascii") as f:
        f.write("MemTotal: 1048576 kB\nMemFree: 1 kB\nMemAvailable: 102400 kB\n")
    try:
        done = net.gateway.run(
            ["unshare", "-m", "sh", "-c", f"mount --bind {f.name} /proc/meminfo && exec \"$@\"",
             "sh", lib.PROGRAM, "attach", "--name", net.name, *base("203.0.113.0/28")],
            check=False)
    finally:
        os.unlink(f.name)
    assert done.returncode == 1
    need = int(re.search(r"need (\d+) MiB", done.stderr).group(1))
    assert need > 96 and "100 MiB available" in done.stderr, done.stderr
    same(before, net.snapshot())


def memory_cgroup(net):
    """A control group that may take 64 MiB, and how a process enters it; or None."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                        ("/sys/fs/cgroup", "memory.max")):
        folder = f"{root}/n64-{net.name}"
        try:
            os.mkdir(folder)
        except OSError:
            continue
        try:
            with open(f"{folder}/{limit}", "w", encoding="ascii") as f:
                f.write(str(64 << 20))
            return folder
        except OSError:
            os.rmdir(folder)
    return None


def test_memory_that_the_kernel_refuses(net):
    """What was created before is gone again, and the number is told."""
    folder = memory_cgroup(net)
    if not folder:
        pytest.skip("no control group for memory can be made here")
    before = net.snapshot()
    try:
        done = net.gateway.run(
            ["sh", "-c", f"echo $$ > {folder}/cgroup.procs && exec \"$@\"", "sh", lib.PROGRAM,
             "attach", "--name", net.name, "--no-worker",
             *base("203.0.113.0/28", more=["--set", "max-tcp-mappings=1000", "--set",
                                           "max-udp-mappings=1000", "--set",
                                           "max-icmp-mappings=1000"])], check=False)
    finally:
        lib.wait_for("the control group to be empty", lambda: not os.rmdir(folder))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"need \d+ MiB", done.stderr), done.stderr
    same(before, net.snapshot())


# ---- reload -------------------------------------------------------------------------------------


def fill(state, wanted, proto=UDP):
    """A mapping on the pool address `wanted`, of a subscriber that was given it."""
    for n in range(256):
        host = f"2001:db8:{n:x}:7::2"
        got = state.out(proto, host, 6000 + n)
        if got.addr4 == wanted:
            return host, 6000 + n, got
    raise AssertionError(f"nobody was given {wanted}")


def test_reload_adds_drains_and_removes(net):
    """PORT-10"""
    attach(net, "203.0.113.0/31")
    with State(net.name) as state:
        host, port, kept = fill(state, "203.0.113.0")
        # .0 goes and drains, .8 comes
        done = net.must(reload(net, "203.0.113.1", "203.0.113.8:5000-5999"))
        assert "1 pool addresses drain" in done.stdout
        rows = pool(net)
        assert rows["203.0.113.0"]["draining"] and rows["203.0.113.0"]["udp_ports"] == 0
        assert rows["203.0.113.8"]["udp_ports"] == 1000
        assert sorted(routes(net)) == ["203.0.113.0", "203.0.113.1", "203.0.113.8"]
    with State(net.name) as state:
        # the mapping lives, and its subscriber's new ones are elsewhere (PORT-02)
        assert state.peek(UDP, host, port).port4 == kept.port4
        assert state.out(UDP, host, port + 1).addr4 != "203.0.113.0"
        fill(state, "203.0.113.8")
        net.must(reload(net, "203.0.113.1", "203.0.113.8:5000-5999"))
        assert pool(net)["203.0.113.0"]["draining"]
    with State(net.name) as state:
        for n in range(256):
            state.delete(state.peek(UDP, f"2001:db8:{n:x}:7::2", 6000 + n), "203.0.113.0")
    done = net.must(reload(net, "203.0.113.1", "203.0.113.8:5000-5999"))
    assert "freed 1 pool addresses" in done.stdout
    assert sorted(pool(net)) == ["203.0.113.1", "203.0.113.8"]
    assert sorted(routes(net)) == ["203.0.113.1", "203.0.113.8"]


def test_worker_frees_what_has_drained(net):
    """PORT-10: without another reload."""
    net.must(net.attach(base=base("203.0.113.0/31")))
    with State(net.name) as state:
        host, port, _ = fill(state, "203.0.113.0")
    net.must(reload(net, "203.0.113.1"))
    with State(net.name) as state:
        assert state.peek(UDP, host, port)
        for n in range(256):
            state.delete(state.peek(UDP, f"2001:db8:{n:x}:7::2", 6000 + n), "203.0.113.0")
    lib.wait_for("the worker to free the address", lambda: sorted(pool(net)) == ["203.0.113.1"],
                 60)


def test_reload_takes_a_draining_address_back(net):
    attach(net, "203.0.113.0/31")
    with State(net.name) as state:
        host, port, kept = fill(state, "203.0.113.0")
    net.must(reload(net, "203.0.113.1"))
    net.must(reload(net, "203.0.113.0/31"))
    row = pool(net)["203.0.113.0"]
    assert not row["draining"] and row["udp_ports"] == 64512
    with State(net.name) as state:
        assert state.peek(UDP, host, port).port4 == kept.port4


def test_reload_now(net):
    """PORT-10: --now ends the mappings of what is removed, and no others."""
    attach(net, "203.0.113.0/31")
    with State(net.name) as state:
        fill(state, "203.0.113.0")
        host, port, kept = fill(state, "203.0.113.1", TCP)
    done = net.must(reload(net, "203.0.113.1", options=["--now"]))
    assert re.search(r"ended [1-9]\d* mappings", done.stdout), done.stdout
    assert "freed 1 pool addresses" in done.stdout
    assert sorted(pool(net)) == ["203.0.113.1"]
    with State(net.name) as state:
        assert state.peek(TCP, host, port).port4 == kept.port4


def test_reload_changes_ranges(net):
    """PORT-10: a removed range drains as well; what is left goes on."""
    attach(net, "203.0.113.0")
    with State(net.name) as state:
        host, port, kept = fill(state, "203.0.113.0", TCP)
        narrow = "2000-2999" if kept.port4 >= 3000 else "40000-40999"
        net.must(reload(net, f"203.0.113.0:{narrow}"))
    row = pool(net)["203.0.113.0"]
    assert row["tcp_ports"] == 1000 and row["icmp_identifiers"] == 65536
    with State(net.name) as state:
        assert state.peek(TCP, host, port).port4 == kept.port4
        low, high = (int(n) for n in narrow.split("-"))
        assert low <= state.out(TCP, host, port + 1).port4 <= high
        assert state.out(ICMP, host, 9).addr4 == "203.0.113.0"
    net.must(reload(net, f"203.0.113.0:{narrow}", options=["--now"]))
    with State(net.name) as state:
        assert not state.peek(TCP, host, port)
        assert state.peek(TCP, host, port + 1)


def test_reload_refuses_what_needs_an_attach(net):
    attach(net, "203.0.113.0")
    before = policy(net), programs(net)
    for words, name in ((["--set", "port-block=64"], "port-block"),
                        (["--set", "subscriber-prefix-len=56"], "subscriber-prefix-len"),
                        (["--set", "max-sessions=100"], "max-sessions")):
        done = reload(net, "203.0.113.0", more=words)
        assert done.returncode == 1 and f"{name} cannot change while" in done.stderr
    assert before == (policy(net), programs(net))


def test_reload_of_more_than_the_tables_hold(net):
    """The tables keep their size; the operator is told the numbers."""
    attach(net, "203.0.113.0:1024-2047")
    lines = entries(net, "bib6")
    done = net.must(reload(net, "203.0.113.0/29"))
    assert re.search(r"warning: pool4 asks for tables of \d+ mappings, those of the running "
                     r"instance hold \d+", done.stdout), done.stdout
    assert entries(net, "bib6") == lines
    room = lines * 2 * 3 // 4
    limits = {row["what"]: row["limit"] for row in status(net)["state"]}
    assert sum(limits[f"{p}_mappings"] for p in ("tcp", "udp", "icmp")) <= room


def test_blocks(net):
    """CGN-08: owners of blocks for each address, also for one that comes later."""
    attach(net, "203.0.113.0", more=["--set", "port-block=256"])
    net.must(reload(net, "203.0.113.0/31", more=["--set", "port-block=256"]))
    path = f"/sys/fs/bpf/xdp-nat64/{net.name}/blocks"
    shown = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path], capture_output=True,
                           text=True, check=True)
    inner = json.loads(shown.stdout)
    assert len(inner) == 2, shown.stdout[:2000]


# ---- static mappings (ST-04) -------------------------------------------------------------------


def static(address, port, host="2001:db8::5"):
    return f"udp,{address}:{port},[{host}]:{port}"


def test_static_conflict(net):
    """Refused by name, and then nothing at all was changed; --force ends the other."""
    attach(net, "203.0.113.0")
    with State(net.name) as state:
        host, port, taken = fill(state, "203.0.113.0", UDP)
    before = policy(net), programs(net), sorted(pool(net)), routes(net)
    want = [static("203.0.113.0", 443), static("203.0.113.0", taken.port4)]
    done = reload(net, "203.0.113.0", "203.0.113.5", static=want)
    assert done.returncode == 1
    assert (f"udp 203.0.113.0:{taken.port4} for [2001:db8::5]:{taken.port4} is in conflict "
            f"with the mapping udp 203.0.113.0:{taken.port4} of [{host}]:{port}") in done.stderr
    assert "--force" in done.stderr
    assert before == (policy(net), programs(net), sorted(pool(net)), routes(net))
    with State(net.name) as state:
        assert state.peek(UDP, host, port)
        assert not state.peek_in(UDP, "203.0.113.0", 443)
    done = net.must(reload(net, "203.0.113.0", "203.0.113.5", static=want, options=["--force"]))
    assert "static mappings: 2 added, 0 removed" in done.stdout
    with State(net.name) as state:
        assert not state.peek(UDP, host, port)
        assert state.peek_in(UDP, "203.0.113.0", taken.port4).host6 == "2001:db8::5"


def test_static_mappings_follow_the_file(net):
    """Changed and removed ones; the same port may go to another host."""
    attach(net, "203.0.113.0", static=[static("203.0.113.0", 80), static("203.0.113.0", 81)])
    done = net.must(reload(net, "203.0.113.0",
                           static=[static("203.0.113.0", 80, "2001:db8::6"),
                                   static("203.0.113.7", 82)]))
    assert "static mappings: 2 added, 2 removed" in done.stdout
    with State(net.name) as state:
        assert state.peek_in(UDP, "203.0.113.0", 80).host6 == "2001:db8::6"
        assert not state.peek_in(UDP, "203.0.113.0", 81)
        assert state.peek_in(UDP, "203.0.113.7", 82).host6 == "2001:db8::5"
    assert routes(net) == ["203.0.113.0", "203.0.113.7"]
    done = net.must(reload(net, "203.0.113.0"))
    assert "static mappings: 0 added, 2 removed" in done.stdout
    assert sorted(pool(net)) == ["203.0.113.0"]  # nothing to wait for


# ---- addresses of the host (GEN-05, GEN-12) -----------------------------------------------------


@pytest.mark.parametrize("command", ["attach", "check"])
def test_ports_of_the_host(net, command):
    """GEN-12: refused with the line that solves it; sockets are named."""
    listener = net.gateway.socket(socket.AF_INET, socket.SOCK_STREAM)
    datagrams = net.gateway.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with listener, datagrams:
        listener.bind(("192.0.2.1", 2222))
        listener.listen()
        datagrams.bind(("::", 5353))
        before = net.snapshot()
        words = base("192.0.2.1:1024-40000")
        done = net.cmd(command, *words)
        assert done.returncode == 1
        assert "192.0.2.1 is also an address of this host" in done.stderr
        assert "ports 32768-40000" in done.stderr
        told = done.stdout + done.stderr
        assert "tcp 192.0.2.1:2222" in told and "udp [::]:5353" in told
        line = re.search(r"sysctl -w (net\.ipv4\.ip_local_reserved_ports=\S+)", done.stderr)
        same(before, net.snapshot())
        net.gateway.run(["sysctl", "-q", "-w", line.group(1)])
        net.must(net.cmd(command, *words, *(["--no-worker"] if command == "attach" else [])))
    if command == "check":
        return
    row = pool(net)["192.0.2.1"]
    assert row["shared"] and row["tcp_ports"] == 40000 - 1024 + 1
    # the host's own: no route, no proxy ARP
    assert not routes(net) and not net.gateway.out("ip neigh show proxy").strip()


def test_ports_beside_those_of_the_host(net):
    done = attach(net, "192.0.2.1:1024-32767")
    assert "192.0.2.1 is also an address of this host" in done.stdout
    assert "warning" not in done.stdout


# ---- connected subnets (PORT-11) ----------------------------------------------------------------


def test_proxy_arp(net):
    """Answered for inside the subnet; its broadcast address is given to nobody."""
    before = net.snapshot()
    done = attach(net, "192.0.2.252/30", "203.0.113.9")
    assert "192.0.2.255 is the broadcast address of a subnet on a port" in done.stdout
    shown = net.gateway.out("ip neigh show proxy")
    proxied = sorted(re.findall(r"^(\S+) dev eth1", shown, re.M))
    assert proxied == ["192.0.2.252", "192.0.2.253", "192.0.2.254"]
    rows = pool(net)
    assert rows["192.0.2.255"]["udp_ports"] == 0 and rows["192.0.2.254"]["udp_ports"] == 64512
    net.must(reload(net, "192.0.2.254", "203.0.113.9"))
    proxied = re.findall(r"^(\S+) dev eth1", net.gateway.out("ip neigh show proxy"), re.M)
    assert proxied == ["192.0.2.254"]
    net.must(net.cmd("detach"))
    same(before, net.snapshot())


# ---- the test clock (ST-11) ------------------------------------------------------------------


def test_clock(net, monkeypatch):
    clock = os.path.join(lib.TOP, "build", "test", "xdp-nat64-clock")
    if not os.path.exists(clock):
        pytest.skip(f"{clock} is not built: make build/test/xdp-nat64-clock")
    attach(net, "203.0.113.0")
    pinned = f"/sys/fs/bpf/xdp-nat64/{net.name}/test_clock"
    assert not os.path.exists(pinned)  # the product has no such switch
    net.must(net.cmd("detach"))
    monkeypatch.setattr(lib, "PROGRAM", clock)
    attach(net, "203.0.113.0")
    with State(net.name) as state:
        now = state.now()
        ahead = (7440).to_bytes(8, "little").hex(" ").split()
        subprocess.run(["bpftool", "map", "update", "pinned", pinned, "key", *["0"] * 4, "value",
                        "hex", *ahead], check=True, capture_output=True)
        assert 7440 <= state.now() - now <= 7450
    assert any("test build" in p["problem"] for p in problems(net))
