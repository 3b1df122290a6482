# SPDX-License-Identifier: GPL-2.0-only
"""What status says of stateless entries (MIX-01)."""

import re

from lib import H4, H6
from stateful import P64, attached

# (setting of the entry, rows of status without the entry's number: ipv4, ipv6, pref64, by)
SHOWN = [
    (f"{P64}/96,{H4}={H6},192.0.2.64/26=2001:db8:e::40/122",
     [("192.0.2.33/32", f"{H6}/128", f"{P64}/96", "eam"),
      ("192.0.2.64/26", "2001:db8:e::40/122", f"{P64}/96", "eam")]),
    ("2001:db8:66::/96,192.0.2.128/25,198.51.100.7",
     [("192.0.2.128/25", "2001:db8:66::c000:280/121", "2001:db8:66::/96", "xlat4"),
      ("198.51.100.7/32", "2001:db8:66::c633:6407/128", "2001:db8:66::/96", "xlat4")]),
    # around bits 64 to 71 (RFC 6052 2.2)
    ("2001:db8:67::/48,10.1.0.0/16", [
        ("10.1.0.0/16", "2001:db8:67:a01::/64", "2001:db8:67::/48", "xlat4")]),
    ("2001:db8:68::/48,10.2.3.0/24", [
        ("10.2.3.0/24", "2001:db8:68:a02:3::/80", "2001:db8:68::/48", "xlat4")]),
    ("2001:db8:69::/64,10.3.0.0/20", [
        ("10.3.0.0/20", "2001:db8:69:0:a:300::/92", "2001:db8:69::/64", "xlat4")]),
    ("192.0.2.40=2001:db8:a::40", [("192.0.2.40/32", "2001:db8:a::40/128", None, "eam")]),
]


def test_status(state):
    """MIX-01: status says which hosts are translated one to one, and with which addresses;
    a denylist inside a range does not change that."""
    with attached(state, worker=False, stateless=[entry for entry, _ in SHOWN],
                  denylist4="192.0.2.192/28"):
        shown = state.gateway.status()["stateless"]
        assert [tuple(row[key] for key in ("entry", "ipv4", "ipv6", "to_pref64", "by"))
                for row in shown] == \
            [(number, *row) for number, (_, rows) in enumerate(SHOWN, 1) for row in rows]
        text = state.gateway.cmd("status", "--name", state.gateway.instance).stdout
        lines = [line.split() for line in text.splitlines()]
        at = lines.index(["stateless"])
        assert lines[at + 1] == ["entry", "ipv4", "ipv6", "to", "pref64", "by"]
        assert lines[at + 2] == ["1", f"{H4}/32", f"{H6}/128", f"{P64}/96", "eam"]
        assert lines[at + 9] == ["6", "192.0.2.40/32", "2001:db8:a::40/128", "-", "eam"]
        done = state.gateway.cmd("mapping", "lookup", f"{H4}:80", "--name",
                                 state.gateway.instance, check=False)
        assert done.returncode == 1 and "status lists them" in done.stderr


def test_status_of_many_hosts(state):
    """The text stays readable; --json has all."""
    hosts = ",".join(f"10.9.0.{n}=2001:db8:9::{n:x}" for n in range(1, 31))
    with attached(state, worker=False, stateless=f"{P64}/96,{hosts}"):
        assert len(state.gateway.status()["stateless"]) == 30
        text = state.gateway.cmd("status", "--name", state.gateway.instance).stdout
        assert text.count("=") == 0 and text.count(" eam\n") == 20
        assert re.search(r"^stateless left out +10 more; ", text, re.M)


def test_status_without_entries(state):
    with attached(state, worker=False):
        assert "stateless" not in state.gateway.status()
