# SPDX-License-Identifier: GPL-2.0-only
"""The demo works and leaves nothing behind."""

import os
import subprocess
import sys

import lib


def n64_namespaces():
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return {line.split()[0] for line in names.stdout.splitlines() if line.startswith("n64-")}


def test_demo():
    before = n64_namespaces()
    done = subprocess.run([sys.executable, "-B", os.path.join(lib.TOP, "testenv", "demo.py")],
                          capture_output=True, text=True, timeout=150, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "Everything arrived." in done.stdout
    assert "FAILED" not in done.stdout
    assert n64_namespaces() <= before
