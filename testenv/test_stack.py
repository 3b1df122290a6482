# SPDX-License-Identifier: GPL-2.0-only
"""The stacks of the BPF programs, as kernel 6.1 counts them (bpf_stack.py)."""

import os

import bpf_stack
import pytest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.mark.parametrize("path", ["build/nat64.bpf.o", "build/clock/nat64.bpf.o"])
def test_programs_fit_kernel_6_1(path, capsys):
    assert bpf_stack.check(os.path.join(TOP, path)), capsys.readouterr().out


def test_too_deep_is_seen(monkeypatch, capsys):
    monkeypatch.setattr(bpf_stack, "BYTES", 300)
    monkeypatch.setattr(bpf_stack, "FRAMES", 3)
    assert not bpf_stack.check(os.path.join(TOP, "build/nat64.bpf.o"))
    assert "n64_stateful_long > " in capsys.readouterr().out
