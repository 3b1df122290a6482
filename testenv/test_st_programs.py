# SPDX-License-Identifier: GPL-2.0-only
"""Real programs of several clients behind shared pool addresses: a thousand downloads at
once, peers that look for each other, SSH, DNS64, traceroute, and connections that stand
whatever is done to the gateway."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

import lib
from clients import POOL, Clients
from lib import GW4, PREF64, R4, S4, S6, wait_for
from stateful import CLOCK

SECOND = "203.0.113.9"
POOL6 = f"2001:db8:64::{POOL}"
MANY = "2001:db8:f{:02x}:{:x}::1"


@pytest.fixture(scope="module")
def net(echo):
    with Clients(far=True, verbose=echo) as topology:
        yield topology


@contextlib.contextmanager
def attached(net, *words, pool=(POOL,), program=None):
    gateway = net.gateway
    plain = gateway.program
    gateway.program = program or plain
    pools = [word for one in pool for word in ("-4", one)]
    try:
        gateway.attach("--mode", "stateful", *pools, *words, devices=net.ports, eam=False)
        try:
            gateway.wait_worker()
            yield gateway
            gateway.check_sums()
        finally:
            gateway.detach()
    finally:
        gateway.program = plain


def later(gateway, seconds):
    """Moves the state clock of the test build."""
    pin = f"/sys/fs/bpf/xdp-nat64/{gateway.instance}/test_clock"
    value = [str(b) for b in seconds.to_bytes(8, "little")]
    for size in (4, 8):
        done = gateway.run(["bpftool", "map", "update", "pinned", pin, "key", "0", "0", "0", "0",
                            "value", *value[:size]], check=False)
        if done.returncode == 0:
            return
    raise lib.Failed(f"the test clock does not move: {done.stderr}{done.stdout}")


# ---- a thousand downloads ------------------------------------------------------------------


@contextlib.contextmanager
def nginx(host, folder, rate):
    """Serves `folder` to everyone, `rate` bytes per second and connection; the log names
    who asked."""
    temp = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = os.path.join(folder, "nginx.conf")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"user root; daemon off; pid {folder}/nginx.pid; error_log stderr;\n"
                "worker_processes 1; worker_rlimit_nofile 8192;\n"
                "events { worker_connections 4096; }\n"
                f"http {{ log_format who '$remote_addr'; access_log {folder}/log who; {temp}\n"
                f"server {{ listen {S4}:80 backlog=2048; root {folder}; limit_rate {rate}; }} }}\n")
    os.chmod(folder, 0o755)
    child = host.start(["nginx", "-c", config, "-e", "stderr"])
    try:
        wait_for("nginx", lambda: host.listening(80))
        yield
    finally:
        host.stop(child)


def test_a_thousand_downloads(net, tmp_path):
    """1,000 curl downloads at the same time from 200 subscribers over 2 pool addresses:
    every body arrives as it is."""
    client, folder = net.client, str(tmp_path / "www")
    os.mkdir(folder)
    bodies = {n: os.urandom(40_000) for n in range(1000)}
    for n, body in bodies.items():
        with open(f"{folder}/{n}", "wb") as f:
            f.write(body)
    sources = [MANY.format(n // 100, n) for n in range(200)]
    client.ip("\n".join(f"addr add {a}/128 dev lo nodad" for a in sources))
    net.gateway.ip("\n".join(
        f"route add 2001:db8:f{n:02x}::/48 via {net.address6(1)} dev sub1" for n in range(2)))
    with attached(net, pool=(POOL, SECOND)) as gateway, nginx(net.server, folder, 4_000):
        children = []
        for number, source in enumerate(sources):
            words = ["curl", "-gsSf", "--parallel", "--parallel-immediate", "--parallel-max", "5",
                     "--interface", source, "--connect-timeout", "30", "--max-time", "90"]
            for n in range(5 * number, 5 * number + 5):
                words += ["-o", str(tmp_path / f"got{n}"), f"http://[{S6}]/{n}"]
            children.append(client.start(words, stderr=subprocess.PIPE, text=True))
        most = 0
        while any(child.poll() is None for child in children):
            most = max(most, net.server.out("ss -Htn state established sport = :80").count("\n"))
        said = [child.stderr.read() for child in children if child.returncode != 0]
        assert not said, f"{len(said)} of 200 curl failed: {said[:3]}"
        for n, body in bodies.items():
            with open(tmp_path / f"got{n}", "rb") as f:
                assert f.read() == body, f"body {n} changed"
        with open(f"{folder}/log", encoding="ascii") as f:
            seen = f.read().split()
        assert len(seen) == 1000 and set(seen) == {POOL, SECOND}
        assert most > 700, f"only {most} at the same time"
        print(f"{most} connections at the same time, "
              f"{seen.count(POOL)} and {seen.count(SECOND)} by address")
        assert gateway.stats().get("bib_created") >= 1000


# ---- peers -----------------------------------------------------------------------------------


def test_peers_find_each_other(net):
    """BitTorrent-like UDP: two peers behind the gateway tell a tracker their external
    addresses; a peer outside that they never spoke to reaches both, from another port,
    and they reach each other by hairpin."""
    with attached(net), contextlib.ExitStack() as stack:
        def peer(host, address, family=socket.AF_INET6):
            sock = stack.enter_context(host.socket(family, socket.SOCK_DGRAM))
            sock.settimeout(5)
            sock.bind((address, 0))
            return sock
        one, two = (peer(net.clients[n], net.address6(n + 1)) for n in range(2))
        tracker = peer(net.server, S4, socket.AF_INET)
        outside = peer(net.distant, net.FAR4, socket.AF_INET)
        known = {}
        for sock in (one, two):
            sock.sendto(b"announce", (S6, tracker.getsockname()[1]))
            known[sock] = tracker.recvfrom(100)[1]
        assert {address for address, _ in known.values()} == {POOL}
        assert known[one] != known[two]
        for sock in (one, two):
            outside.sendto(b"hello", known[sock])
            data, source = sock.recvfrom(100)
            assert data == b"hello" and source[1] == outside.getsockname()[1]
            sock.sendto(b"welcome", source)
            assert outside.recvfrom(100) == (b"welcome", known[sock])
        for sender, receiver in ((one, two), (two, one), (one, two)):
            sender.sendto(b"piece", (POOL6, known[receiver][1]))
            data, source = receiver.recvfrom(100)
            assert data == b"piece" and source[1] == known[sender][1]
            assert socket.inet_pton(socket.AF_INET6, source[0]) == socket.inet_pton(
                socket.AF_INET6, POOL6)


# ---- SSH ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def sshd(host, folder):
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}"],
                       check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    child = host.start(
        ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", f"{folder}/host",
         "-o", f"ListenAddress={S4}:2222", "-o", f"AuthorizedKeysFile={folder}/user.pub",
         "-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PermitRootLogin=yes",
         "-o", "PidFile=none", "-o", "TCPKeepAlive=no"])
    try:
        wait_for("sshd", lambda: host.listening(2222))
        yield ["ssh", "-i", f"{folder}/user", "-p", "2222", "-o", "BatchMode=yes",
               "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known",
               "-o", "TCPKeepAlive=no", "-o", "ServerAliveInterval=0", f"root@{S6}"]
    finally:
        host.stop(child)


def test_ssh_survives_the_udp_timer(net, tmp_path):
    """An SSH session that says nothing for 400 s of the state clock goes on; a UDP
    mapping of the same time is gone."""
    with attached(net, program=CLOCK) as gateway, sshd(net.server, str(tmp_path)) as words, \
            net.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client, \
            net.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        child = subprocess.Popen(net.client.argv([*words, "cat"]), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 bufsize=1)
        try:
            def say(text):
                child.stdin.write(text + "\n")
                assert child.stdout.readline() == text + "\n"
            say("before")
            server.bind((S4, 0))
            server.settimeout(5)
            client.settimeout(0.5)
            client.connect((S6, server.getsockname()[1]))
            client.send(b"hole")
            hole = server.recvfrom(100)[1]
            server.sendto(b"open", hole)
            assert client.recv(100) == b"open"
            later(gateway, 400)
            server.sendto(b"closed", hole)
            with pytest.raises(TimeoutError):
                client.recv(100)
            say("after 400 s")
            later(gateway, 7600)
            say("after two hours, 200 s of them at once")
        finally:
            child.kill()
            child.wait()


# ---- DNS64 ---------------------------------------------------------------------------------------


def unbound(host, folder, name, text):
    config = os.path.join(folder, f"{name}.conf")
    with open(config, "w", encoding="ascii") as f:
        f.write('server:\n  directory: ""\n  chroot: ""\n  username: ""\n  pidfile: ""\n'
                '  use-syslog: no\n  do-daemonize: no\n  access-control: 0.0.0.0/0 allow\n'
                '  access-control: ::/0 allow\n  do-not-query-localhost: no\n'
                f"{text}remote-control:\n  control-enable: no\n")
    child = host.start(["unbound", "-c", config])
    wait_for(f"unbound ({name})", lambda: host.listening(53, udp=True))
    return child


def test_names_instead_of_literals(net, tmp_path):
    """DNS64 by unbound on the IPv6 side: its questions to an IPv4-only name server go
    through the gateway, too; curl gets a page by its name, client and server having no
    address family in common."""
    folder = str(tmp_path)
    with open(tmp_path / "page", "wb") as f:
        f.write(b"it works\n")
    with open(tmp_path / "resolv.conf", "w", encoding="ascii") as f:
        f.write(f"nameserver {net.address6(3)}\noptions timeout:2 attempts:3\n")
    resolver = net.clients[2]
    with attached(net), nginx(net.server, folder, 0):
        children = [
            (net.server, unbound(net.server, folder, "names", (
                f'  interface: {S4}\n  module-config: "iterator"\n'
                '  local-zone: "example." static\n'
                f'  local-data: "web.example. A {S4}"\n'))),
            (resolver, unbound(resolver, folder, "dns64", (
                f'  interface: {net.address6(3)}\n  module-config: "dns64 iterator"\n'
                f"  dns64-prefix: {PREF64}\n  do-ip4: no\n"
                f"forward-zone:\n  name: \".\"\n  forward-addr: {S6}\n")))]
        try:
            text = net.client.out(["dig", f"@{net.address6(3)}", "+short", "AAAA", "web.example"])
            assert text.strip() == "2001:db8:64::c633:640a", text
            done = net.client.run(
                ["unshare", "-m", "sh", "-c", f"mount --bind {folder}/resolv.conf "
                 "\"$(readlink -f /etc/resolv.conf)\" && exec curl -sSf --noproxy '*' "
                 "http://web.example/page"])
            assert done.stdout == "it works\n", done.stderr
        finally:
            for host, child in children:
                host.stop(child)


# ---- what a network needs ------------------------------------------------------------------------


class TestNetwork:
    @pytest.fixture(scope="class")
    def up(self, net):
        with attached(net):
            yield net

    def static(self, up, proto, port):
        up.gateway.cmd("mapping", "add", proto, f"{POOL}:{port}", f"[{up.address6(1)}]:{port}",
                       "--name", up.gateway.instance)

    def hops(self, host, *words):
        text = host.out(["traceroute", "-n", "-q", "1", "-w", "3", "-m", "8", *words])
        return re.findall(r"^ *\d+  (\S+)", text, re.M), text

    @pytest.mark.parametrize("words", [[], ["-I"], ["-T", "-p", "5000"]],
                             ids=["udp", "icmp", "tcp"])
    def test_traceroute_from_a_client(self, up, words):
        far = "2001:db8:64::c000:2c8"
        hops, text = self.hops(up.client, *words, far)
        assert hops == [up.gateway6(1), "2001:db8:64::c633:64fe", "2001:db8:64::c000:281", far], \
            text

    def test_traceroute_to_a_client(self, up):
        self.static(up, "udp", 7001)
        hops, text = self.hops(up.distant, "-U", "-p", "7001", POOL)
        assert hops == ["192.0.2.193", R4, GW4, POOL], text

    @pytest.mark.parametrize("size", [56, 1452, 3000, 9000])
    def test_ping_of_any_size(self, up, size):
        """FRG-13: also fragmented ones, which mode siit cannot translate."""
        text = up.client.out(["ping", "-n", "-c", "3", "-i", "0.1", "-W", "3", "-s", str(size),
                              S6], check=False)
        assert "3 received" in text, text

    def test_path_mtu(self, up):
        """TCP into a link of 1400 bytes: the client learns 1420."""
        up.client.run(["ip", "-6", "route", "flush", "cache"])
        with up.distant.socket(socket.AF_INET, socket.SOCK_STREAM) as listener, \
                up.client.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
            listener.bind((up.FAR4, 0))
            listener.listen()
            client.settimeout(10)
            client.connect((up.FAR6, listener.getsockname()[1]))
            with listener.accept()[0] as server:
                got = bytearray()

                def drain():
                    while data := server.recv(1 << 16):
                        got.extend(data)
                reader = threading.Thread(target=drain)
                reader.start()
                data = os.urandom(1 << 20)
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                reader.join(15)
                assert bytes(got) == data
        assert "mtu 1420" in up.client.out(["ip", "-6", "route", "get", up.FAR6])

    @pytest.mark.parametrize("size", [1232, 1453, 4000])
    def test_datagrams_both_ways(self, up, size):
        with up.server.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
                up.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
            server.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, DONT
            server.bind((S4, 0))
            client.connect((S6, server.getsockname()[1]))
            for sock in (server, client):
                sock.settimeout(5)
            for _ in range(5):
                data = os.urandom(size)
                client.send(data)
                seen, source = server.recvfrom(65535)
                assert seen == data and source[0] == POOL
                server.sendto(data, source)
                assert client.recv(65535) == data

    def test_hairpin_connection(self, up):
        """TCP between two clients by the pool address."""
        up.gateway.cmd("mapping", "add", "tcp", f"{POOL}:9001", f"[{up.address6(2)}]:9001",
                       "--name", up.gateway.instance)
        with up.clients[1].socket(socket.AF_INET6, socket.SOCK_STREAM) as listener, \
                up.client.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
            listener.bind((up.address6(2), 9001))
            listener.listen()
            client.settimeout(5)
            client.connect((POOL6, 9001))
            server, source = listener.accept()
            with server:
                server.settimeout(5)
                assert socket.inet_pton(socket.AF_INET6, source[0]) == socket.inet_pton(
                    socket.AF_INET6, POOL6)
                server.sendall(b"from a neighbour")
                assert client.recv(100) == b"from a neighbour"


# ---- connections that stand ----------------------------------------------------------------------


def test_sessions_outlive_changes(net):
    """A TCP connection and a UDP hole go on through reload, kill -9 of the worker, a new
    worker and a changed route."""
    with attached(net) as gateway, contextlib.ExitStack() as stack:
        listener = stack.enter_context(net.server.socket(socket.AF_INET, socket.SOCK_STREAM))
        client = stack.enter_context(net.client.socket(socket.AF_INET6, socket.SOCK_STREAM))
        outside = stack.enter_context(net.server.socket(socket.AF_INET, socket.SOCK_DGRAM))
        inside = stack.enter_context(net.client.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        for sock in (listener, outside):
            sock.bind((S4, 0))
        for sock in (listener, client, outside, inside):
            sock.settimeout(5)
        listener.listen()
        client.connect((S6, listener.getsockname()[1]))
        server = stack.enter_context(listener.accept()[0])
        server.settimeout(5)
        inside.sendto(b"hole", (S6, outside.getsockname()[1]))
        hole = outside.recvfrom(100)[1]

        def goes_on(what):
            for a, b in ((client, server), (server, client)):
                a.sendall(what.encode())
                assert b.recv(100) == what.encode(), what
            outside.sendto(what.encode(), hole)
            assert inside.recv(100) == what.encode(), what
            inside.sendto(what.encode(), (S6, outside.getsockname()[1]))
            assert outside.recvfrom(100)[1] == hole, what

        goes_on("at first")
        before = sorted(gateway.out(["bpftool", "net", "list"]).split())
        gateway.reload()
        assert sorted(gateway.out(["bpftool", "net", "list"]).split()) != before
        goes_on("reload")
        gateway.reload("-i", net.ports[0], *[w for p in net.ports[1:] for w in ("-i", p)], "--mode",
                       "stateful", "-6", PREF64, "-4", POOL, "--set", "denylist4=198.18.0.0/15")
        goes_on("reload with a changed configuration")
        pid = gateway.worker_pid()
        os.kill(pid, signal.SIGKILL)
        wait_for("status to notice", lambda: not gateway.status()["worker"]["alive"])
        goes_on("kill -9 of the worker")
        gateway.start([gateway.program, "worker", "--foreground", "--name", gateway.instance])
        gateway.wait_worker()
        goes_on("a new worker")
        gateway.ip("""route add 198.51.100.10/32 dev eth4
                      route del 198.51.100.0/24 dev eth4""")
        try:
            goes_on("another route")
        finally:
            gateway.ip("""route add 198.51.100.0/24 dev eth4
                          route del 198.51.100.10/32 dev eth4""")
        goes_on("the old route")
        gateway.stop_all()
