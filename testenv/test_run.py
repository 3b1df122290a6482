# SPDX-License-Identifier: GPL-2.0-only
"""Design 1, the client shim: IPv4-only programs on an IPv6-only host, started by
`xdp-nat64 run` without root, reach an IPv4-only server behind the gateway; on an
IPv4-only host they go on as before. Also what `run` refuses, and what --check explains."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

import lib
from clients import POOL
from lib import GW4, PREF64, PROGRAM, S4, TOP, wait_for
from old_servers import Servers, asking, names
from test_st_programs import sshd

CALLS = os.path.join(TOP, "build", "test", "shim-calls")
SHIM = os.path.join(TOP, "build", "libxdp-nat64-client.so")
AS_USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def rows():
    """Names of the table in shim_calls.c."""
    with open(os.path.join(TOP, "testenv", "shim_calls.c"), encoding="ascii") as f:
        table = f.read().split("} rows[] = {")[1].split("/* played by themselves")[0]
    return re.findall(r'\{ "(\w+)",', table)


def six(prefix="2001:db8:64::", v4=S4):
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, prefix + v4))


# ---- the bed -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bed(hosts):
    gateway = hosts.gateway
    gateway.attach("--mode", "stateful", "-4", POOL, eam=False)
    try:
        gateway.wait_worker()
        with Servers(hosts.server, S4) as servers:
            hosts.servers = servers
            yield hosts
    finally:
        gateway.detach()


@pytest.fixture
def alone(echo):
    """A host without a network."""
    host = lib.Host("alone", f"n64-alone-{os.urandom(3).hex()}", echo)
    subprocess.run(["ip", "netns", "add", host.name], check=True)
    try:
        host.ip("link set dev lo up")
        yield host
    finally:
        host.stop_all()
        subprocess.run(["ip", "netns", "del", host.name], check=True)


def run(host, *words, options=("-6", PREF64), before=(), **more):
    return host.run([*before, PROGRAM, "run", *options, "--", *words], check=False, **more)


@pytest.fixture
def rule_file(tmp_path):
    def write(text):
        path = tmp_path / "client.conf"
        path.write_text(text, encoding="ascii")
        return str(path)
    return write


def needs(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed; ./configure --install-deps has it")


# ---- calls -------------------------------------------------------------------------------


@pytest.mark.parametrize("row", rows())
def test_calls(bed, row):
    """One row of shim_calls.c through the gateway, as a user without rights."""
    if not os.path.exists(CALLS):
        pytest.skip(f"{CALLS} is not built: make build/test/shim-calls")
    done = run(bed.client, CALLS, row, S4, bed.servers.port, before=AS_USER)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("row", ["tcp_blocking", "tcp_poll", "tcp_epoll_first", "tcp_names",
                                 "threads", "udp_connected", "udp_unconnected", "udp_msg",
                                 "udp_mmsg", "udp_error", "passed_on"])
def test_calls_without_ipv6(bed, row):
    """The same on a host that has only IPv4: the mapped address works."""
    with Servers(bed.gateway, GW4) as servers:
        done = run(bed.server, CALLS, row, GW4, servers.port)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ipv6_switched_off(bed):
    host = bed.server
    host.sysctl(ipv6__conf__all__disable_ipv6=1)
    try:
        with Servers(bed.gateway, GW4) as servers:
            done = run(host, CALLS, "threads", GW4, servers.port)
    finally:
        host.sysctl(ipv6__conf__all__disable_ipv6=0)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_network(alone):
    done = run(alone, CALLS, "no_network", S4, 9)
    assert done.returncode == 0, done.stdout + done.stderr


def test_library_alone(bed):
    """By LD_PRELOAD, without `run`."""
    done = bed.client.run(["env", f"LD_PRELOAD={SHIM}", f"XDP_NAT64_PREF64={PREF64}", CALLS,
                           "tcp_blocking", S4, bed.servers.port], check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- programs ----------------------------------------------------------------------------

URLLIB = ("import sys, urllib.request as r; "
          "print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=9).read().decode())")


def test_curl(bed):
    done = run(bed.client, "curl", "-4sSf", "--noproxy", "*", f"http://{S4}:{bed.servers.pages}/")
    assert done.stdout == "it works\n", done.stderr


def test_python(bed):
    done = run(bed.client, "/usr/bin/python3", "-c", URLLIB, f"http://{S4}:{bed.servers.pages}/")
    assert "it works" in done.stdout, done.stderr


def test_name(bed, tmp_path):
    """An IPv4-only name; AI_ADDRCONFIG does not hide it from a host without IPv4."""
    with names(bed.client, socket.AF_INET6, "::1", socket.inet_aton(S4)):
        done = run(bed.client, "/usr/bin/python3", "-c", "import socket as s; print(s.getaddrinfo("
                   "'old.example', 80, s.AF_INET, flags=s.AI_ADDRCONFIG)[0][4][0])",
                   before=asking(str(tmp_path), "::1"))
        assert done.stdout.strip() == S4, done.stderr
        done = run(bed.client, "curl", "-4sSf", "--noproxy", "*",
                   f"http://old.example:{bed.servers.pages}/", before=asking(str(tmp_path), "::1"))
        assert done.stdout == "it works\n", done.stderr


def test_multicast_and_this_host(bed):
    """Calls that stay IPv4's: a group on lo, and 0.0.0.0 as a destination."""
    script = """
import socket as s
u = s.socket(s.AF_INET, s.SOCK_DGRAM)
u.settimeout(5)
u.bind(("239.1.2.3", 0))
u.setsockopt(s.IPPROTO_IP, s.IP_ADD_MEMBERSHIP, s.inet_aton("239.1.2.3") + s.inet_aton("127.0.0.1"))
t = s.socket(s.AF_INET, s.SOCK_DGRAM)
t.setsockopt(s.IPPROTO_IP, s.IP_MULTICAST_IF, s.inet_aton("127.0.0.1"))
t.sendto(b"group", ("239.1.2.3", u.getsockname()[1]))
print(u.recvfrom(9)[0])
l = s.create_server(("127.0.0.1", 0))
print(s.create_connection(("0.0.0.0", l.getsockname()[1]), 5).getpeername()[0], l.accept()[1][0])
"""
    done = run(bed.client, "/usr/bin/python3", "-c", script)
    assert done.stdout == "b'group'\n127.0.0.1 127.0.0.1\n", done.stdout + done.stderr


@pytest.mark.parametrize("udp", [[], ["-u"]], ids=["tcp", "udp"])
def test_nc(bed, udp):
    needs("nc")
    done = run(bed.client, "sh", "-c", f"(echo hello; sleep 1) | nc -4 {' '.join(udp)} -w 3 -q 1 "
               f"{S4} {bed.servers.port}")
    assert done.stdout == "hello\n", done.stderr


def test_dig(bed):
    with names(bed.server, socket.AF_INET, S4, socket.inet_aton("192.0.2.77")):
        done = run(bed.client, "dig", "-4", f"@{S4}", "+short", "+tries=2", "+time=4", "A",
                   "old.example")
        assert done.stdout.strip() == "192.0.2.77", done.stdout + done.stderr


@pytest.mark.parametrize("words", [[], ["-R"], ["-u", "-b", "1M"], ["-u", "-R", "-b", "1M"]],
                         ids=["tcp", "tcp-reverse", "udp", "udp-reverse"])
def test_iperf3(bed, words):
    child = bed.server.start(["iperf3", "-s", "-1", "-B", S4])
    try:
        wait_for("iperf3", lambda: bed.server.listening(5201))
        done = run(bed.client, "iperf3", "-4", "-c", S4, "-n", "200K", "-J", *words)
        end = json.loads(done.stdout).get("end")
        assert done.returncode == 0 and end, done.stdout + done.stderr
    finally:
        bed.server.stop(child)


def test_ssh(bed, tmp_path):
    with sshd(bed.server, str(tmp_path)) as words:
        done = run(bed.client, *words[:-1], "-4", f"root@{S4}", "echo $SSH_CLIENT")
        assert done.stdout.startswith(POOL), done.stdout + done.stderr


# ---- which prefix ------------------------------------------------------------------------


def explain(host, target, *options, before=()):
    done = host.run([*before, PROGRAM, "run", *options, "--json", "--check", target])
    return json.loads(done.stdout)


FILE = """# rules
local   10.0.0.0/8
path    198.51.100.0/24:443,8000-8080  2001:db8:64:0:1::/96   # by port
path    198.51.100.0/24                2001:db8:7::/48
default none
"""


@pytest.mark.parametrize("target, line, used, address", [
    (f"{S4}:443", 3, "nat64", six("2001:db8:64:0:1::")),
    (f"{S4}:8080", 3, "nat64", six("2001:db8:64:0:1::")),
    (f"{S4}:8081", 4, "nat64", "2001:db8:7:c633:64:a00::"),
    ("10.1.1.1", 2, "none", "::ffff:10.1.1.1"),
    ("192.0.2.1", 5, "none", "::ffff:192.0.2.1"),
    ("127.0.0.1", None, "ipv4", "::ffff:127.0.0.1"),
])
def test_check(bed, rule_file, target, line, used, address):
    got = explain(bed.client, target, "-c", rule_file(FILE))
    assert (f"line {line})" in got["rule"]) == bool(line), got
    assert got["used"] == used and got["ways"][0]["address"] == address, got


def test_path_of_the_file_is_used(bed, rule_file):
    """The right prefix by a line of the file, a default that leads nowhere."""
    rules = rule_file(f"path 198.51.100.0/24 {PREF64}\ndefault 2001:db8:bad::/96\n")
    done = run(bed.client, CALLS, "udp_unconnected", S4, bed.servers.port, options=("-c", rules))
    assert done.returncode == 0, done.stdout + done.stderr


def test_discovery(bed, tmp_path):
    """RFC 7050: the name server tells the prefix; without one it is 64:ff9b::/96."""
    answer = socket.inet_pton(socket.AF_INET6, "2001:db8:64::192.0.0.170")
    before = asking(str(tmp_path), "::1")
    with names(bed.client, socket.AF_INET6, "::1", answer):
        got = explain(bed.client, S4, before=before)
        assert got["prefix"] == PREF64 and "7050" in got["rule"], got
        done = run(bed.client, CALLS, "tcp_names", S4, bed.servers.port, options=(), before=before)
        assert done.returncode == 0, done.stdout + done.stderr
    assert explain(bed.client, "8.8.8.8", before=before)["prefix"] == "64:ff9b::/96"


def test_no_prefix_is_told(bed, rule_file):
    rules = rule_file("default none\n")
    done = run(bed.client, "curl", "-4sS", "--noproxy", "*", f"http://{S4}:9/",
               options=("-c", rules))
    assert done.returncode == 7 and f"no NAT64 prefix for {S4}" in done.stderr, done.stderr


def tries(text):
    """The log as (way, did it work) in the order of trying."""
    return [("ipv4" if "::ffff:" in way else "nat64", end == "sent")
            for way, end in re.findall(r"by (\S+): (.*)", text)]


def test_log(bed, tmp_path):
    """What worked is remembered: the second connection tries the mapped address first."""
    log = tmp_path / "log"
    with Servers(bed.gateway, GW4) as servers:
        done = run(bed.server, CALLS, "number_again", GW4, servers.port,
                   options=("-6", PREF64, "-v", "--log", str(log)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert tries(log.read_text()) == [("nat64", False), ("ipv4", True), ("ipv4", True)]
    assert done.stderr == ""


def test_what_worked_is_forgotten_when_it_fails(alone, tmp_path):
    """One process whose host goes from IPv4 to IPv6 and back, and off the network."""
    log = tmp_path / "log"
    script = f"""
import socket
while input():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("{S4}", 9))
    except OSError as error:
        assert error.errno == 101, error
    print("done", flush=True)
"""
    alone.ip("link add eth0 type veth peer name eth1\nlink set dev eth1 up\n"
             "link set dev eth0 up")
    child = subprocess.Popen(
        alone.argv([PROGRAM, "run", "-6", PREF64, "-v", "--log", str(log), "--",
                    "/usr/bin/python3", "-c", script]), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, bufsize=1)

    def connect(times, *addresses):
        alone.ip("\n".join(["addr flush dev eth0 scope global", *addresses]))
        for _ in range(times):
            child.stdin.write("go\n")
            assert child.stdout.readline() == "done\n"
    ipv4 = "addr add 192.0.2.1/24 dev eth0", "route add default dev eth0"
    ipv6 = ("addr add 2001:db8::1/64 dev eth0 nodad",
            "route add default via 2001:db8::2 dev eth0")
    try:
        connect(2, *ipv4)
        connect(2, *ipv6)
        alone.ip("route del default via 2001:db8::2 dev eth0")
        connect(1, *ipv4)
        connect(1)
        connect(1, *ipv6)
    finally:
        child.kill()
        child.wait()
    assert tries(log.read_text()) == [
        ("nat64", False), ("ipv4", True), ("ipv4", True),
        ("ipv4", False), ("nat64", True), ("nat64", True),
        ("nat64", False), ("ipv4", True),
        ("ipv4", False), ("nat64", False),
        ("nat64", True)]


# ---- what run refuses --------------------------------------------------------------------


@pytest.mark.parametrize("words, status, text", [
    (["--", "true"], 0, ""),
    (["--", "false"], 1, ""),
    (["--", "sh", "-c", "exit 42"], 42, ""),
    (["--", "/nowhere/program"], 127, "cannot be started"),
    (["--", "/etc"], 126, "cannot be started"),
    (["--", "sh", "-c", "kill -PIPE $$"], -13, ""),
    ([], 2, "no program to run"),
    (["--"], 2, "no program to run"),
    (["curl"], 2, "'curl' is not expected here"),
    (["-6", "2001:db8::/95", "--", "true"], 2, "is not a NAT64 prefix"),
    (["-6", "2001:db8::1/64", "--", "true"], 2, "is not a NAT64 prefix"),
    (["-c", "/nowhere.conf", "--", "true"], 2, "cannot be read"),
    (["--check", "192.0.2.1:x"], 2, "is not a destination"),
    (["--check", "192.0.2.1:70000"], 2, "is not a destination"),
    (["--check", "192.0.2.1", "--", "true"], 2, "--check starts no program"),
    (["--json", "--", "true"], 2, "--json is for --check"),
    (["--log", "/nowhere/log", "--", "true"], 2, "/nowhere/log"),
], ids=str)
def test_words(alone, words, status, text):
    done = alone.run([PROGRAM, "run", *words], check=False)
    assert done.returncode == status and text in done.stderr, done.stderr


def test_installed(tmp_path, alone):
    """`run` finds the library where make install puts it."""
    sbin, lib_dir = tmp_path / "sbin", tmp_path / "lib" / "xdp-nat64"
    sbin.mkdir()
    lib_dir.mkdir(parents=True)
    shutil.copy(PROGRAM, sbin / "xdp-nat64")
    done = alone.run([str(sbin / "xdp-nat64"), "run", "--", "true"], check=False)
    assert done.returncode == 1 and "neither in" in done.stderr
    shutil.copy(SHIM, lib_dir)
    done = alone.run([str(sbin / "xdp-nat64"), "run", "--", "sh", "-c", "echo $LD_PRELOAD"])
    assert done.stdout.strip().endswith("lib/xdp-nat64/libxdp-nat64-client.so")
