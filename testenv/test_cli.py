# SPDX-License-Identifier: GPL-2.0-only
"""The words of the commands that need no root: what is refused, with which exit
code and which sentence; what is printed. Each row is a test of its own."""

import ipaddress
import json
import os
import re
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("XDP_NAT64", os.path.join(TOP, "build", "xdp-nat64"))

COMMANDS = ["attach", "detach", "reload", "worker", "status", "stats", "check", "addr",
            "mapping", "session"]
GOOD = "interfaces: [eth0]\npref64: ['2001:db8:64::/96']\nxlat4: [198.51.100.0/24]\n"


def run(*words):
    return subprocess.run([PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=30, check=False)


def refused(done, place):
    """Exit code 2, nothing on stdout, one sentence that names the place."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert place in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("xdp-nat64")
    assert any(w in done.stderr for w in ("write ", "leave it out", "remove ")), done.stderr


# ---- words ------------------------------------------------------------------------

WORDS = [
    ("no command", "chek", "word 1 'chek' is not a command; write check"),
    ("option as command", "--frob", "word 1 '--frob' is not a command"),
    ("long option", "check --jsn", "word 2 '--jsn' is not an option of check; write --json"),
    ("short option", "check -i eth0 -z", "word 4 '-z' is not an option of check"),
    ("in a cluster", "check -hz", "word 2 '-hz' is not an option of check"),
    ("value of a flag", "check --json=1", "word 2 '--json=1' is not right, --json takes no value"),
    ("value missing", "check -i", "word 2 '-i' is not complete, its value is missing"),
    ("value missing, long", "check --eam", "write --eam V4=V6"),
    ("operand", "check file.yaml", "word 2 'file.yaml' is not expected here"),
    ("operand behind --", "check -- x", "word 3 'x' is not expected here"),
    ("set without =", "check --set mode", "word 3 'mode' is not complete; write --set KEY=VALUE"),
    ("set without key", "check --set =siit", "word 3 '=siit' is not complete"),
    ("set unknown", "check --set moed=siit",
     "word 2 (--set): key: 'moed' is not an option; write mode"),
    ("set later", "check --set rfc5837-ext=on", "key: 'rfc5837-ext' is not in this release"),
    ("set value", "check --set=icmp-rate=0", "word 2 (--set): icmp-rate: '0' is not between 1"),
    ("name", "check --name A", "name: 'A' is not the name of an instance"),
    ("name as folder", "check --name ../x", "name: '../x' is not the name"),
    ("name too long", "check --name abcdefghijkl", "write 1 to 11 of the characters"),
    ("ADR-01", "check -i a -6 2001:db8::/33",
     "word 4 (-6): pref64: '2001:db8::/33' is not a NAT64"),
    ("EAM-02", "check -i a --eam 10.0.0.0/8=2001:db8::/121",
     "word 4 (--eam): eam.ipv6: '2001:db8::/121'"),
    ("interface", "check -i a:up",
     "word 2 (-i): interfaces.translate: 'up' is not one of its words"),
    ("interface twice", "check -i a -i a -6 2001:db8::/96",
     "word 4 (-i): interfaces: 'a' is not allowed twice"),
    ("ADR-26", "check -i a --mode dynamic -4 10.0.1.0/24",
     "allow6: mode dynamic needs to know which IPv6 hosts may have an address"),
    ("MIX-02", "check -i a -6 2001:db8::/96 --xlat4 10.0.0.0/8 --eam 10.1.1.1=2001:db8::1",
     "word 6 (--xlat4): xlat4: '10.0.0.0/8' is not allowed, it overlaps 10.1.1.1/32"),
    ("EAM-06", "check -i a --eam 10.1.1.1=2001:db8::1 --eam 10.1.1.1=2001:db8::2",
     "word 6 (--eam): eam: '10.1.1.1/32=2001:db8::2/128' is not allowed"),
    ("no file", "check -c /nowhere/x.yaml",
     "/nowhere/x.yaml: the file cannot be read (No such file"),
    ("standard file", "check --name nosuch", "/etc/xdp-nat64/nosuch.yaml: the file cannot be read"),
    ("folder", "check -c /", "/: the file cannot be read (Is a directory)"),
    ("addr of nothing", "addr", "no address is given"),
    ("addr of a name", "addr example.org", "address 1 'example.org' is not an address"),
    ("addr of a prefix", "addr 8.8.8.8 192.0.2.0/24", "address 2 '192.0.2.0/24' is not an address"),
    ("addr outside", "addr 2001:db8::1",
     "'2001:db8::1' is not inside 64:ff9b::/96; write -6 PREFIX"),
    ("addr prefix", "addr 192.0.2.1 -6 2001:db8::1/96", "word 3 (-6): pref64: '2001:db8::1/96'"),
    ("attach with nothing right", "attach --natve",
     "word 2 '--natve' is not an option of attach; write --native"),
    ("attach without interface", "attach -6 2001:db8::/96", "interfaces: no interface is given"),
    ("detach operand", "detach eth0", "word 2 'eth0' is not expected here"),
    ("worker option", "worker --foregroun=1", "word 2 '--foregroun=1'"),
    ("mapping, and what", "mapping", "it is not said what to do; write mapping list"),
    ("verb", "mapping lst", "'lst' is nothing that mapping does; write list"),
    ("verb of another command", "session add", "'add' is nothing that session does; write"),
    ("option of another verb", "mapping list --force", "list: --force means nothing here"),
    ("filter of nothing", "mapping del tcp 192.0.2.1:80 --port 80", "del: a filter means nothing"),
    ("filter", "mapping list --port http", "list: --port: 'http' is not a port"),
    ("limit", "session list --limit -1", "list: --limit: '-1' is not a number"),
    ("word missing", "mapping add tcp", "add: a word is missing; write mapping add"),
    ("word too many", "session list all", "list: 'all' is a word too many; write session list"),
    ("protocol", "mapping add sctp 192.0.2.1:80 [2001:db8::5]:80",
     "add: protocol: 'sctp' is not one of its words; write tcp, udp or icmp"),
    ("families", "mapping add tcp [2001:db8::5]:80 192.0.2.1:80",
     "add: '[2001:db8::5]:80' is not what is wanted here; write one like 192.0.2.1:443"),
    ("PORT-05", "mapping add tcp 192.0.2.1:0 [2001:db8::5]:80", "add: '192.0.2.1:0' is not what"),
    ("ADR-21", "mapping add tcp 192.0.2.1:80 [fe80::1]:80", "add: '[fe80::1]:80' is no address"),
    ("flush everything", "mapping flush", "write a filter, or --all"),
    ("flush every session", "session flush", "write a filter, or --all"),
    ("flush static", "mapping flush --state static", "write --static beside the filter"),
    ("lookup of a name", "mapping lookup host", "lookup: address: 'host' is not an address"),
]


@pytest.mark.parametrize("words, place", [r[1:] for r in WORDS], ids=[r[0] for r in WORDS])
def test_wrong_words(words, place):
    refused(run(*words.split(" ")), place)


def test_no_words_show_the_usage():
    done = run()
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("Usage: xdp-nat64 COMMAND")


# ---- files ------------------------------------------------------------------------

FILES = [
    ("empty", b"", "the file is empty"),
    ("zero bytes", bytes(100), ":1: not YAML"),
    ("all bytes", bytes(range(256)), ":1: not YAML"),
    ("an ELF program", b"\x7fELF\x02\x01\x01" + bytes(64), ":1: not YAML"),
    ("key", GOOD + "pref46: 1\n", ":4: key: 'pref46' is not an option; write pref64"),
    ("key twice", GOOD + "xlat4: []\n",
     ":4: key: 'xlat4' is not allowed twice, it stands in line 3"),
    ("type", GOOD + "tos: [1]\n", ":4: tos: a list is not allowed here"),
    ("host bits", GOOD + "denylist4:\n  - 10.0.0.0/8\n  - 192.0.2.1/24\n",
     ":6: denylist4: '192.0.2.1/24'"),
    ("bounds", GOOD + "lowest-ipv6-mtu: 1279\n",
     ":4: lowest-ipv6-mtu: '1279' is not between 1280 and 65535"),
    ("other mode", GOOD + "pool4: [192.0.2.0/24]\n", ":4: pool4: '192.0.2.0/24:1024-65535'"),
    ("two documents", GOOD + "---\n" + GOOD, ":4: a second document begins here"),
    ("nesting", "[" * 100000, ":1: it is nested too deeply"),
    ("escape sequences", GOOD + 'mode: "\\e[31mred\\n"\n',
     ":4: mode: '?[31mred?' is not one of its words"),
]


@pytest.mark.parametrize("text, place", [r[1:] for r in FILES], ids=[r[0] for r in FILES])
def test_wrong_files(tmp_path, text, place):
    path = tmp_path / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = run("check", "-c", str(path))
    refused(done, place)
    assert str(path) in done.stderr


# ---- check ------------------------------------------------------------------------

def checked(tmp_path, text, *words):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    done = run("check", "-c", str(path), "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_check_shows_what_is_in_force(tmp_path):
    shown, err = checked(tmp_path, GOOD + "tos: 8\n")
    assert err == ""
    assert shown["valid"] is True and shown["name"] == "default"
    assert shown["interfaces"] == [{"name": "eth0", "translate": "both", "deliver": "auto"}]
    assert shown["pref64"][0]["prefix"] == "2001:db8:64::/96"
    assert shown["pref64"][0]["checksum_neutral"] is False  # ADR-06
    options = {o["option"]: o for o in shown["options"]}
    assert options["tos"] == {"option": "tos", "value": "8", "default": False,
                              "change_by": "reload"}
    assert options["wkp-strict"]["value"] == "auto (on)"
    assert options["icmp-rate"]["default"] is True
    lists = {entry["list"]: entry for entry in shown["lists"]}
    assert lists["xlat4"] == {"list": "xlat4", "entries": 1, "first_entries": ["198.51.100.0/24"]}
    assert 0 < shown["memory_mib"] < 1000
    entries = {m["map"]: m["entries"] for m in shown["memory"]}
    assert (entries["pol4"], entries["pol6"]) == (1, 0)
    assert entries["pairs"] >= 256


def test_check_reads_options_after_the_file(tmp_path):
    shown, _ = checked(tmp_path, GOOD, "--set", "tos=off", "-i", "eth1:none", "--name", "b-2",
                       "--set", "no-translate={prefix: 192.0.2.0/24, port: 53}")
    assert shown["name"] == "b-2"
    assert [i["name"] for i in shown["interfaces"]] == ["eth0", "eth1"]
    lists = {entry["list"]: entry for entry in shown["lists"]}
    assert lists["no-translate"]["first_entries"] == ["192.0.2.0/24 port 53"]


def test_check_warns_on_stderr_only(tmp_path):
    text = "interfaces: [a]\npref64: ['64:ff9b::/96']\nxlat4: [9.0.0.0/8]\n"
    shown, err = checked(tmp_path, text)
    assert shown["pref64"][0]["checksum_neutral"] and shown["pref64"][0]["well_known"]
    assert "warning: " in err and "RFC 6052 3.1" in err  # ADR-07


STATEFUL = "mode: stateful\ninterfaces: [a]\npref64: ['2001:db8:64::/96']\n"


def test_check_counts_the_state(tmp_path):
    """PORT-10, CGN-02: addresses, ports and memory before anything is made."""
    shown, err = checked(tmp_path, STATEFUL + "pool4: [203.0.113.1, 203.0.113.2:1-100]\n"
                         "static: ['udp,192.0.2.1:53,[2001:db8::1]:53']\nmax-udp-mappings: 99\n")
    assert err == ""
    assert shown["pool"] == [
        {"protocol": "tcp", "addresses": 2, "ports": 64612, "mappings": 64612},
        {"protocol": "udp", "addresses": 3, "ports": 64612, "mappings": 99},
        {"protocol": "icmp", "addresses": 2, "ports": 131072, "mappings": 131072}]
    assert shown["state"]["addresses"] == 3 and shown["state"]["sessions"] == 80765
    memory = {m["map"]: m for m in shown["memory"]}
    assert memory["bib6"]["entries"] == 2 * 262144
    assert memory["pairs"]["entries"] == 0  # those are of the other modes
    assert 14 < memory["bindings"]["mib"] < 15  # 7 rows of 2 MiB
    assert 0 <= shown["memory_mib"] - shown["state"]["memory_mib"] < 10


def test_check_warns_of_too_little_memory(tmp_path):
    """No host that runs this has 128 GiB to spare; check judges the configuration."""
    with open("/proc/meminfo", encoding="ascii") as f:
        available = int(re.search(r"MemAvailable: +(\d+)", f.read()).group(1)) >> 20
    if available > 120:
        pytest.skip(f"{available} GiB are available here")
    _, err = checked(tmp_path, STATEFUL + "pool4: [10.0.0.0/20]\n")
    assert "MiB of kernel memory, this host has" in err


def test_check_text_names_every_option(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(GOOD)
    text = run("check", "-c", str(path)).stdout
    for key in ("lowest-ipv6-mtu", "hairpin", "force-slow", "denylist4", "memory mib"):
        assert f"\n  {key} " in text or f"\n{key} " in text


def test_example_file_is_right(tmp_path):
    """As it is, and with every default written out."""
    example = os.path.join(TOP, "dist", "xdp-nat64.yaml")
    done = run("check", "-c", example)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    with open(example, encoding="utf-8") as f:
        text, n = re.subn(r"^#([a-z][a-z0-9-]*: .)", r"\1", f.read(), flags=re.MULTILINE)
    assert n > 20
    shown, _ = checked(tmp_path, text)
    assert all(o["default"] for o in shown["options"])


def test_manual_is_up_to_date():
    done = subprocess.run([sys.executable, os.path.join(TOP, "docs", "mkman.py"), "--check",
                           PROGRAM], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


# ---- addr -------------------------------------------------------------------------

# The table of RFC 6052 2.4 (requirements 2.1).
RFC6052 = [
    ("2001:db8::/32", "2001:db8:c000:221::"),
    ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
    ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
    ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
    ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
    ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
]


@pytest.mark.parametrize("prefix, v6", RFC6052)
def test_addr_both_ways(prefix, v6):
    done = run("addr", "192.0.2.33", "-6", prefix)
    assert done.returncode == 0 and done.stderr == ""
    assert ipaddress.ip_address(done.stdout.strip()) == ipaddress.ip_address(v6)
    done = run("addr", v6, "-6", prefix)
    assert (done.returncode, done.stdout, done.stderr) == (0, "192.0.2.33\n", "")


def test_addr_of_the_well_known_prefix():
    done = run("addr", "8.8.8.8", "64:ff9b::8.8.4.4", "--json")
    results = json.loads(done.stdout)["results"]
    assert [r["result"] for r in results] == ["64:ff9b::808:808", "8.8.4.4"]
    assert results[0]["written"] == "64:ff9b::8.8.8.8"
    assert "note" not in results[0]


def test_addr_says_what_the_well_known_prefix_forbids():  # ADR-04
    done = run("addr", "10.0.0.1")
    assert done.returncode == 0 and done.stdout == "64:ff9b::a00:1\n"
    assert "10.0.0.1 is not global" in done.stderr


@pytest.mark.parametrize("v6", ["2001:db8:c000:221::1", "2001:db8:c000:221:ff00::"])
def test_addr_says_what_it_ignores(v6):  # ADR-02
    done = run("addr", v6, "-6", "2001:db8::/32")
    assert (done.returncode, done.stdout) == (0, "192.0.2.33\n")
    assert "they are ignored" in done.stderr


def test_addr_takes_the_longest_prefix():  # ADR-08
    done = run("addr", "2001:db8:64::192.0.2.1", "-6", "2001:db8::/32", "-6", "2001:db8:64::/96")
    assert done.stdout == "192.0.2.1\n"


def test_addr_all_lengths():
    done = run("addr", "192.0.2.33", "--all", "--json", "-6", "2001:db8:122:344::/96")
    results = json.loads(done.stdout)["results"]
    assert [r["prefix"].split("/")[1] for r in results] == ["32", "40", "48", "56", "64", "96"]
    for r in results:
        back = run("addr", r["result"], "-6", r["prefix"])
        assert back.stdout == "192.0.2.33\n"


# ---- help, version, pipes -----------------------------------------------------------

@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: xdp-nat64 {command} ")
    assert "\n  -h, --help " in done.stdout
    assert f"\n  {command} " in run("--help").stdout


def test_version():
    assert run("--version").stdout.startswith("xdp-nat64 ")


def test_a_full_disk_is_a_failure():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PROGRAM, "check", "-i", "a", "--eam", "1.1.1.1=2001:db8::1",
                               "--json"],
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=30,
                              check=False)
    assert done.returncode == 1
