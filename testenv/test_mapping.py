# SPDX-License-Identifier: GPL-2.0-only
"""`mapping` and `session` against the loaded program: what they show, find, add and end.
Packets are put to n64_state directly (state_bed.py); test_st_*.py has the real ones."""

import pytest

from state_ask import ICMP, TCP, UDP
from state_bed import ACK, P64, PEER, SYN, Bed

T = "203.0.113.8"
HOST, OTHER = "2001:db8:c::5", "2001:db8:d::5"


@pytest.fixture(name="module_bed", scope="module")
def _module_bed(dumb):
    made = Bed(dumb.gateway, "-4", T)
    yield made
    made.close()


@pytest.fixture
def bed(module_bed):
    module_bed.clear()
    return module_bed


# ---- mapping list ---------------------------------------------------------------------


def test_fields_of_a_mapping(bed):
    """ST-01: both endpoints, the prefix, and how long it lives."""
    addr, port = bed.out(UDP, HOST, 40000)
    rows = bed.json("mapping", "list")
    assert len(rows) == 1
    left = rows[0].pop("expires_s")
    assert left in (299, 300) and rows[0].pop("idle_s") == 300 - left
    assert rows[0] == {"protocol": "udp", "ipv4": addr, "port4": port, "ipv6": HOST,
                       "port6": 40000, "pref64": P64, "state": "dynamic"}
    head, row = bed.run("mapping", "list").stdout.splitlines()
    assert head.split() == ["protocol", "ipv4", "state", "expires", "s", "idle", "s", "ipv6"]
    assert row.split() == ["udp", f"{addr}:{port}", "dynamic", row.split()[3], row.split()[4],
                           f"[{HOST}]:40000"]
    assert head.index("ipv6") == row.index("[")


def test_nothing(bed):
    assert bed.run("mapping", "list").stdout == "none\n"
    assert bed.json("mapping", "list") == [] and bed.json("session", "list") == []
    assert bed.run("mapping", "list", "--count").stdout == "0\n"
    assert bed.json("mapping", "list", "--count") == {"count": 0}


# Of the state of `some`: words, and how many of its mappings they mean.
FILTERS = [
    ("all", "", 6),
    ("address", f"--address {T}", 6),
    ("address of a host", f"--address {HOST}", 4),
    ("prefix of a host", "--address 2001:db8:d::/48", 2),
    ("subscriber", "--prefix 2001:db8:c::/64", 4),
    ("nobody", "--prefix 2001:db8:e::/64", 0),
    ("protocol", "--protocol udp", 3),
    ("protocol and port", "--protocol udp --port6 40001", 1),
    ("range", "--port6 40000-40001", 4),
    ("port of the pool", "--port 443", 1),
    ("static", "--state static", 1),
    ("dynamic", "--state dynamic", 5),
    ("expired", "--state expired", 0),
    ("not idle", "--older 60", 0),
    ("end within a minute", "--expires 60", 1),
    ("end within five", "--expires 300", 5),
    ("some of them", "--limit 2", 2),
    ("none of them", "--limit 0", 0),
]


@pytest.fixture(name="some", scope="module")
def _some(module_bed):
    """tcp 40000, udp 40000 to 40001, icmp 7 of HOST; udp 40000 of OTHER; one static."""
    bed = module_bed
    bed.clear()
    for proto, host, port in ((TCP, HOST, 40000), (UDP, HOST, 40000), (UDP, HOST, 40001),
                              (ICMP, HOST, 7), (UDP, OTHER, 40000)):
        bed.out(proto, host, port)
    bed.run("mapping", "add", "tcp", f"{T}:443", f"[{OTHER}]:443")
    return bed


@pytest.mark.parametrize("words, count", [row[1:] for row in FILTERS],
                         ids=[row[0] for row in FILTERS])
def test_filters(some, words, count):
    """Text, JSON and --count agree."""
    words = words.split()
    assert len(some.json("mapping", "list", *words)) == count
    assert some.run("mapping", "list", *words, "--count").stdout == f"{count}\n"
    text = some.run("mapping", "list", *words).stdout.splitlines()
    assert len(text) == (count + 1 if count else 1)


# ---- lookup ---------------------------------------------------------------------------


def test_lookup_from_ipv4(bed):
    """CGN-07: who has a port, and who had it when it is free again."""
    addr, port = bed.out(UDP, HOST, 40000)
    found = bed.json("mapping", "lookup", f"{addr}:{port}")["mappings"]
    assert [(m["ipv6"], m["port6"], m["state"]) for m in found] == [(HOST, 40000, "dynamic")]
    bed.run("mapping", "del", "udp", f"{addr}:{port}")
    found = bed.json("mapping", "lookup", f"{addr}:{port}")["mappings"]
    assert [(m["ipv6"], m["port6"], m["state"]) for m in found] == [(HOST, 40000, "free")]
    assert 0 <= found[0]["ended_s_ago"] <= 2
    assert "192.0.2.77 is not a pool address" in bed.refused("mapping", "lookup", "192.0.2.77:80")


@pytest.mark.parametrize("words, want", [
    ("lookup 192.0.2.1", "'192.0.2.1' is shared by many hosts"),
    ("add 192.0.2.1 2001:db8::5", "add: in mode stateful a mapping has a protocol and ports"),
    ("del 192.0.2.1", "del: in mode stateful a mapping has a protocol and ports"),
], ids=lambda w: w.split()[0])
def test_words_of_mode_dynamic(bed, words, want):
    """What is a host there is a port here; only the instance knows which."""
    done = bed.run("mapping", *words.split(), check=False)
    assert done.returncode == 2 and want in done.stderr and not done.stdout


def test_only_hosts_are_saved(bed):
    """DYN-06 is of mode dynamic."""
    assert "only the mappings of mode dynamic" in bed.refused("mapping", "save", "/nowhere")


def test_lookup_from_ipv6(bed):
    """CGN-07, PORT-02: what a host has, and the address that it would get."""
    addr, port = bed.out(UDP, HOST, 40000)
    answer = bed.json("mapping", "lookup", HOST)
    assert [(m["ipv4"], m["port4"]) for m in answer["mappings"]] == [(addr, port)]
    assert answer["new_mappings_at"] == {"tcp": addr, "udp": addr, "icmp": addr}
    assert bed.out(UDP, HOST, 40001)[0] == addr
    answer = bed.json("mapping", "lookup", f"[{HOST}]:40001")
    assert [m["port6"] for m in answer["mappings"]] == [40001]
    assert bed.json("mapping", "lookup", OTHER)["mappings"] == []


# ---- add, del --------------------------------------------------------------------------


@pytest.mark.parametrize("proto, number", [("tcp", TCP), ("udp", UDP), ("icmp", ICMP)])
def test_add_and_del(bed, proto, number):
    """ST-04, ST-03: a static mapping translates both ways until it is removed; its port
    may lie outside every range."""
    done = bed.run("mapping", "add", proto, f"{T}:80", f"[{HOST}]:8080")
    assert f"added {proto} {T}:80 = [{HOST}]:8080" in done.stdout and "until detach" in done.stdout
    assert bed.back(number, T, 80) == (HOST, 8080)
    assert bed.out(number, HOST, 8080) == (T, 80)
    row, = bed.json("mapping", "list")
    assert (row["state"], row["expires_s"], row["idle_s"]) == ("static", None, None)
    bed.run("mapping", "add", proto, f"{T}:80", f"[{HOST}]:8080")  # is what it is already
    done = bed.run("mapping", "del", proto, f"{T}:80")
    assert done.stdout == f"deleted {proto} {T}:80 = [{HOST}]:8080\n"
    assert bed.json("mapping", "list") == []
    assert bed.back(number, T, 80) is None


def test_del_by_ipv6(bed):
    bed.out(UDP, HOST, 40000)
    bed.out(UDP, HOST, 40001)
    bed.run("mapping", "del", "udp", f"[{HOST}]:40000")
    assert [m["port6"] for m in bed.json("mapping", "list")] == [40001]
    assert "there is no tcp mapping" in bed.refused("mapping", "del", "tcp", f"[{HOST}]:40001")


def test_conflicts(bed):
    """ST-04: refused by name; --force ends what is in the way."""
    addr, port = bed.out(UDP, OTHER, 40000)
    words = ("mapping", "add", "udp", f"{addr}:{port}", f"[{HOST}]:53")
    said = bed.refused(*words)
    assert f"dynamic mapping udp {addr}:{port} = [{OTHER}]:40000" in said and "--force" in said
    assert [m["ipv6"] for m in bed.json("mapping", "list")] == [OTHER]
    bed.run(*words, "--force")
    assert [(m["ipv6"], m["state"]) for m in bed.json("mapping", "list")] == [(HOST, "static")]
    said = bed.refused("mapping", "add", "udp", f"{T}:80", f"[{HOST}]:53")
    assert f"static mapping udp {addr}:{port} = [{HOST}]:53" in said


REFUSED = [
    ("PORT-10: outside the pool", "tcp 192.0.2.77:80 [2001:db8:c::5]:80", "add it to pool4:"),
    ("ADR-22: no host is there", f"tcp {T}:80 [64:ff9b:1::c633:640a]:80", "inside a pref64"),
]


@pytest.mark.parametrize("words, said", [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])
def test_add_refused(bed, words, said):
    assert said in bed.refused("mapping", "add", *words.split())
    assert bed.json("mapping", "list") == []


# ---- flush ------------------------------------------------------------------------------


def test_flush(bed):
    """What is meant ends; static ones only when they are meant by name."""
    for port in range(40000, 40010):
        bed.out(UDP, HOST, port)
        bed.out(TCP, OTHER, port)
    bed.run("mapping", "add", "tcp", f"{T}:443", f"[{HOST}]:443")
    flush = ("mapping", "flush")
    assert bed.run(*flush, "--prefix", "2001:db8:c::/64").stdout == "ended 10 mappings\n"
    assert bed.json(*flush, "--port6", "40003") == {"ended": 1}
    assert bed.run(*flush, "--all").stdout == "ended 9 mappings\n"
    assert [m["state"] for m in bed.json("mapping", "list")] == ["static"]
    assert bed.json(*flush, "--all", "--static") == {"ended": 1}
    assert bed.json("mapping", "list") == []


# ---- sessions ----------------------------------------------------------------------------


def test_sessions(bed):
    """ST-02, ST-09: TCP sessions by the names of RFC 6146; UDP keeps none."""
    bed.out(UDP, HOST, 40000)
    addr, port = bed.out(TCP, HOST, 40000, remote_port=80)
    row, = bed.json("session", "list")
    assert row.pop("expires_s") in (239, 240) and row.pop("idle_s") in (0, 1)
    assert row == {"protocol": "tcp", "ipv4": addr, "port4": port, "remote4": PEER,
                   "remote_port": 80, "ipv6": HOST, "port6": 40000, "state": "v6-init"}
    bed.back(TCP, addr, port, remote_port=80, tcp_flags=SYN | ACK)
    assert [s["state"] for s in bed.json("session", "list")] == ["established"]
    bed.out(TCP, HOST, 40000, remote_port=81)
    for words, count in (("", 2), ("--state v6-init", 1), ("--remote-port 81", 1),
                         (f"--remote {PEER}", 2), ("--remote 192.0.2.0/24", 0),
                         (f"--address {OTHER}", 0), ("--limit 1", 1)):
        assert len(bed.json("session", "list", *words.split())) == count, words
    text = bed.run("session", "list").stdout.splitlines()
    assert f"{PEER}:80 " in "".join(text) and len(text) == 3


def test_session_flush(bed):
    """ST-03: its other sessions stay; the mapping goes with the last one."""
    for remote_port in (80, 81, 82):
        bed.out(TCP, HOST, 40000, remote_port=remote_port)
    assert bed.run("session", "flush", "--remote-port", "81").stdout == "ended 1 session\n"
    assert sorted(s["remote_port"] for s in bed.json("session", "list")) == [80, 82]
    assert len(bed.json("mapping", "list")) == 1
    assert bed.json("session", "flush", "--all") == {"ended": 2}
    assert bed.json("session", "list") == [] and bed.json("mapping", "list") == []


def test_a_new_life_has_no_old_sessions(bed):
    """ST-09: sessions belong to one life of their mapping."""
    addr, port = bed.out(TCP, HOST, 40000)
    bed.run("mapping", "del", "tcp", f"{addr}:{port}")
    assert bed.json("session", "list") == []
