# SPDX-License-Identifier: GPL-2.0-only
"""The demo works and leaves nothing behind."""

import os
import re
import subprocess
import sys

import pytest

import lib


@pytest.mark.parametrize("mode", ["stateful", "siit", "dynamic"])
def test_demo(mode):
    done = subprocess.run([sys.executable, "-B", os.path.join(lib.TOP, "testenv", "demo.py"),
                           "--mode", mode],
                          capture_output=True, text=True, timeout=150, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "Everything works." in done.stdout
    assert "FAILED" not in done.stdout
    instance = re.search(r"attached instance '(t(\w+))'", done.stdout)
    names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    assert f"-{instance[2]}" not in names.stdout
    for folder in ("/sys/fs/bpf/xdp-nat64", "/run/xdp-nat64"):
        assert not os.path.exists(os.path.join(folder, instance[1]))
