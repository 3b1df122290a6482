# SPDX-License-Identifier: GPL-2.0-only
"""Mode dynamic (section 15): who gets which address, for how long, and who does not."""

import json
import os
import signal

import pytest
from scapy.layers.inet import ICMP, UDP, IP as IPv4
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6
from scapy.packet import Raw

import lib
import packets
from dynamic import A6, B6, C6, POOL, PROTOCOLS, attached, dyn, problems, refusal  # noqa: F401
from stateful import DATA, PATHS, Z1, Z2, as6


# ---- one host, one address -------------------------------------------------------------------


@PATHS
class TestOneToOne:
    def test_protocols(self, dyn, slow):
        """DYN-01, L4-07: one address for everything, ports and identifiers as they are."""
        with attached(dyn, slow=slow) as line:
            addr4 = line.new(A6)
            for name, (there, here) in PROTOCOLS.items():
                got, reasons = line.out(l4=there)
                assert got is not None and (got.src, got.dst, got.ttl) == (addr4, Z1, 63), name
                assert got.icmp is not None or got.ports == (40000, there.dport)
                got, reasons = line.back(addr4, l4=here)
                assert got is not None, (name, reasons)
                assert (got.src, got.dst, got.ttl) == (as6(Z1), A6, 63), name
                assert got.icmp is not None or got.ports == (here.sport, 40000)

    def test_other_protocols(self, dyn, slow):
        """DYN-01, L4-07: DCCP, GRE, ESP, SCTP, UDP-Lite: only the header is translated."""
        body = bytes(range(24))
        with attached(dyn, slow=slow) as line:
            for proto in (33, 47, 50, 132, 136):
                got, reasons = line.one(IPv6(src=A6, dst=as6(Z1), nh=proto) / Raw(body))
                assert got is not None and (got.proto, got.payload) == (proto, body), reasons
                got, reasons = line.one(IPv4(src=Z1, dst=line.host(A6), proto=proto) / Raw(body))
                assert got is not None and (got.dst, got.payload) == (A6, body), reasons

    def test_another_peer(self, dyn, slow):
        """DYN-01: everybody may send to the address, whoever the host spoke to."""
        with attached(dyn, slow=slow) as line:
            addr4 = line.new(A6)
            got, reasons = line.back(addr4, remote=Z2, l4=UDP(sport=1, dport=2) / b"x")
            assert got is not None and (got.src, got.dst) == (as6(Z2), A6), reasons
            assert line.new(B6) != addr4

    def test_hairpin(self, dyn, slow):
        """HP-06, A13: from host to host by their addresses."""
        with attached(dyn, slow=slow) as line:
            one, two = line.new(A6), line.new(B6)
            for src, dst, seen, at in ((A6, two, one, B6), (B6, one, two, A6)):
                for l4 in (UDP(sport=1, dport=2) / DATA, ICMPv6EchoRequest(id=7, data=b"hello")):
                    got, reasons = line.out(src, remote=dst, l4=l4)
                    assert got is not None, reasons
                    assert (got.version, got.src, got.dst, got.ttl) == (6, as6(seen), at, 63)

    def test_hairpin_to_nobody(self, dyn, slow):
        """HP-06, GENERR-07, DYN-02: and the sender gets no address for it."""
        with attached(dyn, slow=slow) as line:
            assert refusal(*line.out(A6, remote="10.0.1.77")) == "no_host 1/3"
            assert not line.mappings()


# ---- who makes a mapping ---------------------------------------------------------------------

NO_MAPPING = {
    "from IPv4": (IPv4(src=Z1, dst="10.0.1.9") / UDP(sport=1, dport=2) / b"x", "no_host 3/1"),
    "ping from IPv4": (IPv4(src=Z1, dst="10.0.1.9") / ICMP(type=8), "no_host 3/1"),
    "ICMP error from IPv4": (IPv4(src=Z1, dst="10.0.1.9") / ICMP(type=3, code=1) /
                             IPv4(src="10.0.1.9", dst=Z1) / UDP(), "inner_no_session"),
    "ICMP error from IPv6": (IPv6(src=A6, dst=as6(Z1)) / ICMPv6DestUnreach(code=4) /
                             IPv6(src=as6(Z1), dst=A6) / UDP(), "inner_no_session"),
    "hop limit": (IPv6(src=A6, dst=as6(Z1), hlim=1) / UDP() / b"x", "ttl_expired 3/0"),
    "protocol": (IPv6(src=A6, dst=as6(Z1), nh=1) / Raw(b"12345678"), "bad_proto"),
    "no checksum": (IPv6(src=A6, dst=as6(Z1)) / UDP(chksum=0) / b"x", "udp6_zero"),
    "not allowed": (IPv6(src="2001:db8:c::5", dst=as6(Z1)) / UDP() / b"x", "not_allowed6 1/1"),
    "not allowed, hop limit": (IPv6(src="2001:db8:c::5", dst=as6(Z1), hlim=1) / UDP() / b"x",
                               "not_allowed6 1/1"),
    "from inside pref64": (IPv6(src=as6(Z2), dst=as6(Z1)) / UDP() / b"x", "src6_in_pref64"),
    "forbidden destination": (IPv6(src=A6, dst=as6("198.18.0.9")) / UDP() / b"x", "deny6to4 1/1"),
    "no host": (IPv4(src="127.0.0.1", dst="10.0.1.9") / UDP() / b"x", "src4_illegal"),
}


@pytest.fixture(scope="class", params=[False, True], ids=["fast", "forced-slow"])
def refusing(dyn, request):
    with attached(dyn, slow=request.param, denylist4="198.18.0.0/15") as line:
        yield line


class TestNoMapping:
    @pytest.mark.parametrize("name", NO_MAPPING)
    def test_makes_none(self, refusing, name):
        """DYN-02, DYN-03, GEN-08: what is refused makes none."""
        packet, want = NO_MAPPING[name]
        refusing.refused(packet, want)
        assert not refusing.mappings()


@PATHS
@pytest.mark.parametrize("others,want", [("reject", "not_allowed6 1/1"), ("drop", "others_drop"),
                                         ("pass", "others_pass")])
def test_others(dyn, others, want, slow):
    """DYN-03: hosts outside the allowed prefixes; inside them the longest does not matter."""
    allow = ["fc00:1::/32", "fc00:2::/48", "2001:db8::/32"]
    with attached(dyn, slow=slow, allow6=allow, dyn_others=others) as line:
        for host in (C6, "fc00:2:1::1"):
            line.refused(IPv6(src=host, dst=as6(Z1)) / UDP() / DATA, want)
        assert not line.mappings()
        for host in (A6, B6, "2001:db8:c::5"):
            line.new(host)


def test_beside_the_pool(dyn):
    """GEN-03, GEN-04: other addresses of the same /16, and what is left to the kernel."""
    with attached(dyn, no_translate="10.0.1.128/25") as line:
        for dst, want in (("10.0.2.1", "not_target"), ("10.0.0.255", "not_target"),
                          ("10.0.1.200", "no_translate"), ("10.0.1.0", "no_host 3/1"),
                          ("10.0.1.1", "no_host 3/1")):
            line.refused(IPv4(src=Z1, dst=dst) / UDP() / DATA, want)


def test_well_known_prefix(dyn):
    """ADR-03, ADR-04, A13: it is the default, and carries private addresses here."""
    gateway = dyn.gateway
    gateway.attach("--mode", "dynamic", "-4", POOL, "-a", "fc00::/8", pref64=None, eam=False)
    try:
        gateway.wait_worker()
        got, reasons = dyn.one(IPv6(src=A6, dst="64:ff9b::192.168.7.1") / UDP() / DATA)
        assert got is not None and got.dst == "192.168.7.1", reasons
        got, reasons = dyn.one(IPv4(src="192.168.7.1", dst=got.src) / UDP() / DATA)
        assert got is not None and got.dst == A6, reasons
        gateway.check_sums()
    finally:
        gateway.detach()


# ---- time ---------------------------------------------------------------------------------------


@PATHS
class TestTime:
    def test_two_hours(self, dyn, slow):
        """DYN-04: 7200 s, refreshed by packets of both directions."""
        with attached(dyn, slow=slow) as line:
            addr4 = line.new(A6)
            line.later(7190)
            line.out(A6)
            line.later(7190)
            got, reasons = line.back(addr4)
            assert got is not None, reasons
            line.later(7190)
            assert line.host(A6) == addr4
            line.later(20)
            assert line.host(A6) is None
            assert refusal(*line.back(addr4)) == "no_host 3/1"

    def test_not_by_errors(self, dyn, slow):
        """DYN-04: an ICMP error of either direction refreshes nothing."""
        with attached(dyn, slow=slow, dyn_timeout=100) as line:
            addr4 = line.new(A6)
            line.later(90)
            got, reasons = line.one(IPv4(src=Z2, dst=addr4) / ICMP(type=11) /
                                    IPv4(src=addr4, dst=Z1) / UDP(sport=1, dport=2))
            assert got is not None and got.dst == A6, reasons
            got, reasons = line.one(IPv6(src=A6, dst=as6(Z1)) / ICMPv6DestUnreach(code=4) /
                                    IPv6(src=as6(Z1), dst=A6) / UDP(sport=1, dport=2))
            assert got is not None and (got.src, got.icmp) == (addr4, (3, 3)), reasons
            line.later(11)
            assert line.host(A6) is None

    def test_comes_back(self, dyn, slow):
        """DYN-04: every host gets its old address, in whatever order they come back, also
        those that did not get the one they were hashed to."""
        hosts = [f"fc00:{n:x}::1" for n in range(1, 7)]
        with attached(dyn, pool=("10.0.1.0/29",), slow=slow, dyn_timeout=100) as line:
            had = {host: line.new(host) for host in hosts}
            assert len(set(had.values())) == 6
            line.later(103)
            line.mapping("flush", "--all")
            assert not line.mappings()
            for host in reversed(hosts):
                assert line.new(host) == had[host]

    def test_full(self, dyn, slow):
        """DYN-08, GENERR-07: who has an address keeps it, a new host is refused until one
        has expired (ST-10), with nobody else doing anything about it."""
        with attached(dyn, pool=("10.0.1.0/30",), slow=slow, dyn_timeout=100) as line:
            one, two = line.new(A6), line.new(B6)
            assert sorted((one, two)) == ["10.0.1.1", "10.0.1.2"]
            assert refusal(*line.out(C6)) == "pool_full 1/3"
            assert any("2 of the 2 addresses" in p["problem"] for p in problems(line.gateway))
            log = f"/run/xdp-nat64/{line.gateway.instance}/worker.log"
            with open(log, encoding="utf-8") as f:
                assert f"no address of pool4 is left for the new host {C6}" in f.read()
            line.later(99)
            line.out(A6)
            line.later(5)
            assert line.new(C6) == two
            assert line.host(A6) == one and line.host(B6) is None


# ---- which addresses ---------------------------------------------------------------------------


def every(line, hosts=20):
    """The addresses that hosts get until there are no more."""
    got = set()
    for n in range(1, hosts):
        packet, reasons = line.out(f"fc00:{n:x}::1")
        if packet is None or packet.version == 6:
            assert "pool_full" in reasons
            return got
        got.add(packet.src)
    return got


@pytest.mark.parametrize("pool,more,want", [
    (("10.0.1.0/30",), {}, ["10.0.1.1", "10.0.1.2"]),
    (("10.0.1.4/31",), {}, ["10.0.1.4", "10.0.1.5"]),
    (("10.0.1.7/32",), {}, ["10.0.1.7"]),
    (("10.0.0.0/31",), {}, ["10.0.0.0", "10.0.0.1"]),
    (("10.0.255.252/30",), {}, ["10.0.255.253", "10.0.255.254"]),
    (("10.0.1.7/32", "172.16.9.0/30", "10.0.1.32/31"), {},
     ["10.0.1.32", "10.0.1.33", "10.0.1.7", "172.16.9.1", "172.16.9.2"]),
    (("203.0.113.0/29",), {}, [f"203.0.113.{n}" for n in range(2, 7)]),  # .1 is GW4
    (("10.0.1.0/29",), {"pool6791v4": "10.0.1.4/31"}, [f"10.0.1.{n}" for n in (1, 2, 3, 6)]),
    (("10.0.1.0/29",), {"static-hosts": "10.0.1.3=fc00:99::1"},
     [f"10.0.1.{n}" for n in (1, 2, 4, 5, 6)]),
], ids=["30", "31", "32", "first of a block", "last of a block", "three pools", "gateway", "6791",
        "static"])
def test_given_out(dyn, pool, more, want):
    """DYN-05, DYN-07: network and all-ones address of what is shorter than /31, the
    gateway's own, those of pool6791v4 and static ones are given to nobody."""
    with attached(dyn, pool=pool, **more) as line:
        assert every(line) == set(want)


def test_to_the_gateway_itself(dyn):
    """DYN-05: its own address inside the pool is still its own."""
    with attached(dyn, pool=("203.0.113.0/24",)) as line:
        line.refused(IPv4(src=Z1, dst=lib.GW4) / UDP() / DATA, "shared")


def test_several_blocks(dyn):
    """DYN-06: a pool of more than 65536 addresses."""
    with attached(dyn, pool=("10.0.0.0/14",)) as line:
        got = {line.new(f"fc00:{n:x}::1") for n in range(1, 20)}
        assert len(got) == 19 and len({a.split(".")[1] for a in got}) > 1
        for addr4 in got:
            assert line.back(addr4)[0] is not None


# ---- static hosts ----------------------------------------------------------------------------


@PATHS
def test_static(dyn, slow):
    """DYN-07: of the configuration, also outside of the pool and of allow6; IPv4 may begin."""
    fixed = ["10.0.1.50=fc00:50::1", "192.0.2.7=2001:db8:50::1"]
    with attached(dyn, slow=slow, static_hosts=fixed) as line:
        for word in fixed:
            addr4, host6 = word.split("=")
            got, reasons = line.back(addr4)
            assert got is not None and got.dst == host6, reasons
            line.later(10000)
            assert line.out(host6)[0].src == addr4
        assert {m["state"] for m in line.mappings()} == {"static"}


def test_static_by_command(dyn):
    """DYN-07: add, what is in the way, del, flush."""
    with attached(dyn) as line:
        addr4 = line.new(A6)
        done = line.mapping("add", addr4, B6, check=False)
        assert done.returncode == 1 and f"dynamic mapping {addr4} = {A6}; --force" in done.stderr
        done = line.mapping("add", "10.0.2.1", B6, check=False)
        assert done.returncode == 1 and "not an address that hosts may get" in done.stderr
        line.mapping("add", "10.0.1.99", B6)
        assert line.back("10.0.1.99")[0].dst == B6
        assert line.host(B6) == "10.0.1.99" and line.host(A6) == addr4
        line.mapping("add", addr4, A6)  # adopted where it is
        assert {m["state"] for m in line.mappings()} == {"static"}
        line.mapping("del", "10.0.1.99")
        line.mapping("del", A6)
        assert not line.mappings()


# ---- what commands say -------------------------------------------------------------------------

WRONG = {
    "list --protocol udp": "a mapping is a whole host",
    "add tcp 10.0.1.5:80 [fc00::5]:80": "a mapping is of two addresses",
    "del udp 10.0.1.5:80": "a mapping is of two addresses",
    "add 10.0.1.5:80 fc00::5": "write an address like 10.0.1.5",
    "lookup 10.0.1.5:80": "write the address alone",
    "restore /nowhere": "cannot read /nowhere",
    "save /nowhere/at/all": "cannot write /nowhere/at/all",
}


@pytest.fixture(scope="class")
def one_host(dyn):
    with attached(dyn) as line:
        line.addr4 = line.new(A6)
        yield line


class TestCommands:
    @pytest.mark.parametrize("words", WRONG)
    def test_wrong_words(self, one_host, words):
        """DYN-07: what belongs to the other mode is named."""
        done = one_host.mapping(*words.split(), check=False)
        assert done.returncode and WRONG[words] in done.stderr and not done.stdout

    def test_list(self, one_host):
        """DYN-07: addresses, age, filters."""
        addr4 = one_host.addr4
        row = {"ipv4": addr4, "ipv6": A6, "pref64": "64:ff9b:1::/96", "state": "dynamic"}
        for words in ([], ["--address", POOL], ["--address", addr4], ["--address", "10.0.0.0/15"],
                      ["--address", A6], ["--prefix", "fc00::/16"], ["--state", "dynamic"]):
            found = one_host.rows("mapping", "list", *words)
            assert len(found) == 1 and row.items() <= found[0].items(), words
            assert 7190 <= found[0]["expires_s"] <= 7200
        for words in (["--address", "10.0.2.0/24"], ["--address", "10.0.1.0"],
                      ["--prefix", "fd00::/16"], ["--state", "static"], ["--older", "100"]):
            assert not one_host.rows("mapping", "list", *words), words

    def test_lookup(self, one_host):
        """CGN-07 in mode dynamic: from both sides."""
        for word in (one_host.addr4, A6):
            text = one_host.mapping("lookup", word).stdout
            assert one_host.addr4 in text and A6 in text and "udp" not in text

    def test_no_sessions(self, one_host):
        """There are none, and the command says so."""
        done = one_host.gateway.cmd("session", "list", "--name", one_host.gateway.instance,
                                    check=False)
        assert done.returncode == 1 and "keeps no sessions" in done.stderr

    def test_status(self, one_host):
        """DYN-07: how full the pool is."""
        tree = one_host.gateway.status()
        assert tree["mode"] == "dynamic"
        assert tree["pool4"] == [{"addresses_in": "10.0.0.0/16", "used": 1, "addresses": 254,
                                  "draining": False}]
        assert {"what": "hosts", "now": 1, "limit": 254} in tree["state"]


# ---- restart, reload, no worker -----------------------------------------------------------------


def test_save_and_restore(dyn, tmp_path):
    """DYN-06: over a restart each host has its address, and the time that was left; what
    is not allowed any more, or taken, stays out."""
    path = str(tmp_path / "hosts.json")
    with attached(dyn) as line:
        had = {host: line.new(host) for host in (A6, B6, C6)}
        line.later(1000)
        assert "saved 3 mappings" in line.mapping("save", path).stdout
    with attached(dyn, allow6=["fc00:1::/32", "fc00:3::/32", "2001:db8::/32"]) as line:
        line.mapping("add", had[C6], "2001:db8::9")
        assert "restored 1 of 3" in line.mapping("restore", path).stdout
        assert line.host(A6) == had[A6] and line.host(B6) is None and line.host(C6) is None
        assert 6100 <= line.mappings(ipv6=A6)[0]["expires_s"] <= 6200
        assert line.back(had[A6])[0].dst == A6
        assert line.new(A6) == had[A6]
    with open(path, encoding="utf-8") as f:
        saved = json.load(f)
    saved["mappings"][0]["expires_s"] = "soon"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(saved, f)
    with attached(dyn) as line:
        done = line.mapping("restore", path, check=False)
        assert done.returncode == 1 and "mapping 1 is not of two addresses" in done.stderr
        assert not line.mappings()


@PATHS
def test_reload_judges_again(dyn, slow):
    """GEN-11: after a reload each mapping is judged by allow6; static ones are not."""
    text = ("mode: dynamic\ninterfaces: [eth6, eth4]\npref64: ['64:ff9b:1::/96']\n"
            f"pool4: [{POOL}]\nstatic-hosts: ['10.0.1.50={C6}']\n"
            f"force-slow: {'on' if slow else 'off'}\nallow6: [")
    with lib.config_file(text + "'fc00:1::/32', 'fc00:2::/32']\n") as path:
        dyn.ahead = 0
        dyn.gateway.attach(config=path)
        try:
            dyn.gateway.wait_worker()
            had = {host: dyn.new(host) for host in (A6, B6)}
            with open(path, "w", encoding="utf-8") as f:
                f.write(text + "'fc00:2::/32']\n")
            dyn.gateway.reload("-c", path)
            assert refusal(*dyn.back(had[A6])) == "no_host 3/1"
            assert refusal(*dyn.out(A6)) == "not_allowed6 1/1"
            assert dyn.out(B6)[0].src == had[B6] and dyn.out(C6)[0].src == "10.0.1.50"
            assert dyn.host(A6) is None
            dyn.gateway.check_sums()
        finally:
            dyn.gateway.detach()


def test_without_worker(dyn):
    """One command installs everything: mappings are made and kept with the worker dead."""
    with attached(dyn) as line:
        os.kill(line.gateway.worker_pid(), signal.SIGKILL)
        addr4 = line.new(A6)
        got, reasons = line.back(addr4)
        assert got is not None and got.dst == A6, reasons
        assert packets.IP(got.raw).ports == (53, 40000)
        line.later(7300)
        assert line.new(B6) and line.new(A6) == addr4


def test_reload_pool(dyn):
    """PORT-10: a removed prefix: who has an address of it keeps it, until --now; routes
    follow the pool; the mode does not change."""
    text = "mode: {}\ninterfaces: [eth6, eth4]\npref64: ['64:ff9b:1::/96']\n{}"
    pool = "pool4: [{}]\nallow6: [fc00::/8]\n"
    with lib.config_file(text.format("dynamic", pool.format("10.0.1.0/29"))) as path:
        def write(mode, rest):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.format(mode, rest))
        dyn.ahead = 0
        dyn.gateway.attach(config=path)
        try:
            dyn.gateway.wait_worker()
            old = dyn.new(A6)
            write("dynamic", pool.format("10.0.2.0/29, 172.16.0.0/30"))
            dyn.gateway.reload("-c", path)
            assert dyn.back(old)[0].dst == A6 and dyn.out(A6)[0].src == old
            assert not dyn.new(B6).startswith("10.0.1.")
            routes = dyn.gateway.out(["ip", "route"])
            assert "10.0.2.0/29" in routes and "172.16.0.0/30" in routes
            assert "10.0.1.0/29" not in routes
            assert "ended 1 mappings" in dyn.gateway.reload("-c", path, "--now").stdout
            assert not dyn.new(A6).startswith("10.0.1.")
            write("stateful", "pool4: [10.0.2.0/29]\n")
            done = dyn.gateway.reload("-c", path, check=False)
            assert done.returncode == 1 and "mode" in done.stderr
            assert dyn.new(A6)
            dyn.gateway.check_sums()
        finally:
            dyn.gateway.detach()
