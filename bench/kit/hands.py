# SPDX-License-Identifier: GPL-2.0-only
"""Calls of build/bench/bench (bench.c), and what a process has used."""

import json
import os
import subprocess

import lib

TOOL = os.path.join(lib.TOP, "build", "bench", "bench")


def hands(word, spec, timeout=120):
    """The result of one command of build/bench/bench."""
    done = subprocess.run([TOOL, word], input=json.dumps(spec), capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode:
        raise lib.Failed(f"bench {word} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def cpu_seconds(pid):
    """What a process has used so far, user and system."""
    if not pid:
        return None
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            words = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
