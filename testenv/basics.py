# SPDX-License-Identifier: GPL-2.0-only
"""What every test file needs: where things are, the addresses of the test bed, the
reasons by name, waiting by asking again."""

import contextlib
import os
import re
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("XDP_NAT64", os.path.join(TOP, "build", "xdp-nat64"))
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"

PREF64 = "2001:db8:64::/96"
H4, H6 = "192.0.2.33", "2001:db8:a::33"
K4, K6 = "192.0.2.34", "2001:db8:b::34"
S4, S6 = "198.51.100.10", "2001:db8:64::198.51.100.10"
R4, R6 = "198.51.100.254", "2001:db8:dead::1"
GW4, GW6 = "203.0.113.1", "2001:db8:ffff::1"

# How many times slower than a real machine this one is: an emulated one waits longer.
PATIENCE = float(os.environ.get("PATIENCE", "1"))
# While something else happens: below 10 ms it asks for answers without a pause.
PINGS = ["nice", "-n", "19", "ping", "-n", "-q"]
QUEUES = max(2, os.cpu_count() or 2)
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD


def _reasons():
    """reason.def: {name: (kind, class, text)}."""
    with open(os.path.join(TOP, "common", "reason.def"), encoding="utf-8") as f:
        rows = re.findall(r'^REASON\((\w+), *(\w+), *(\w+), *"([^"]*)"', f.read(), re.M)
    return {name: (kind, group, text) for name, kind, group, text in rows}


REASONS = _reasons()


def kind(reason):
    return REASONS[reason][0]


class Failed(Exception):
    """A command or a wait that failed; the text says which."""


# ---- waiting --------------------------------------------------------------------


def wait_for(what, probe, seconds=10.0, more=None, step=0.02):
    """Polls `probe` until it returns something true, and returns that. `more` says
    at the end what it was like instead."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:g} s in vain for {what}{more() if more else ''}")
        time.sleep(step)


def mount_bpffs():
    """A fresh machine without systemd has no bpffs."""
    with open("/proc/mounts", encoding="ascii") as mounts:
        if any(line.split()[1:3] == ["/sys/fs/bpf", "bpf"] for line in mounts):
            return
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)


def why_not():
    """Why the tests of this folder cannot run here; None if they can."""
    if os.geteuid() != 0:
        return "needs root: makes network namespaces and loads BPF programs"
    return None


@contextlib.contextmanager
def config_file(text):
    """A YAML file for -c."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="xdp-nat64-", delete=False) as f:
        f.write(text)
    try:
        yield f.name
    finally:
        os.unlink(f.name)
