# SPDX-License-Identifier: GPL-2.0-only
"""What the figures were measured on."""

import json
import os
import platform
import re
import subprocess
import time

import count
import lib
from rig import TOOL

XDP_REDIRECT = 4
UNUSED_PORT = 50000  # of a host of the source (frames.PORT_BASE)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def out(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def cpu_model():
    found = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.M)
    return found[1] if found else platform.machine()


def mitigations():
    """{vulnerability: what the kernel does about it}, of those that concern this CPU."""
    folder = "/sys/devices/system/cpu/vulnerabilities"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    said = {name: read(f"{folder}/{name}").strip() for name in names}
    return {name: text for name, text in said.items() if text != "Not affected"}


def command_line():
    """What of the kernel's command line matters here."""
    found = re.findall(r"\b(?:mitigations|isolcpus|nohz_full|rcu_nocbs|idle|preempt)=\S+",
                       read("/proc/cmdline"))
    return " ".join(found)


def describe():
    commit = out("git", "-C", lib.TOP, "describe", "--always", "--dirty")
    return {"cpu": cpu_model(), "cpus": os.cpu_count(), "kernel": platform.release(),
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
            "virtual": out("systemd-detect-virt") or None,
            "mitigations": mitigations(), "command_line": command_line(),
            "jit": read("/proc/sys/net/core/bpf_jit_enable").strip(),
            "nic": "veth", "driver": "native XDP on veth", "commit": commit or "unknown",
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z")}


def executed(bed, load, fresh=False, frames=1):
    """{device: {"insns": BPF instructions that its program executes for a frame of the load,
    "calls": those of helpers among them}}; {device: {"why_not": ...}} where it cannot be told.
    `fresh`: the frame opens a flow. Of several `frames`, each of another flow, also "guesses":
    branches that are not the same for nearly all (count.guesses)."""
    gateway, found = bed.topology.gateway, {}
    for way, source in zip(load.ways, bed.sources(load)):
        device = "eth6" if way == "out" else "eth4"
        link = gateway.link(device)
        ident = link.get("xdp", {}).get("prog", {}).get("id")
        if not ident:
            continue
        if fresh:
            source["port_base"] = UNUSED_PORT
        try:
            runs = runs_of(ident, link["ifindex"], source, min(frames, load.flows))
            found[device] = {"insns": runs[0].insns, "calls": runs[0].calls}
            if frames > 1:
                found[device]["guesses"] = len(count.guesses(runs))
        except (OSError, count.CannotCount) as error:
            found[device] = {"why_not": str(error)}
    return found


def runs_of(ident, ifindex, source, frames):
    """What a program executes for the first frames of a source, one behind the other."""
    runs = count.count(ident, [count.frame_of(source, count.step(source, n))
                               for n in range(frames)], ifindex, source["cpu"])
    for ran in runs:
        if ran.action != XDP_REDIRECT:
            raise count.CannotCount(f"the frame does not leave: action {ran.action}")
    return runs


def programs(bed, devices=("eth6", "eth4")):
    """Static sizes of the XDP programs of a bed: {device: sizes}. They do not wobble."""
    gateway, found = bed.topology.gateway, {}
    for device in devices:
        ident = gateway.link(device).get("xdp", {}).get("prog", {}).get("id")
        if ident:
            found[device] = json.loads(gateway.out([TOOL, "program", str(ident)]))
    return found
