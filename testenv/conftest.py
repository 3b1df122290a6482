# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the end-to-end tests. Every test file runs against namespaces of its
own; `-s --echo` shows every command."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import lib  # noqa: E402  (after the path is set)
from line import line, plain_line  # noqa: E402, F401  (fixtures)
from stateful import state  # noqa: E402, F401


def _stop(*_):
    raise KeyboardInterrupt


def pytest_configure():
    """A run that is told to end takes its namespaces down, too."""
    signal.signal(signal.SIGTERM, _stop)


def pytest_addoption(parser):
    parser.addoption("--echo", action="store_true", help="show every command")
    parser.addoption("--seed", type=int, help="seed of the tests that use random packets")


def pytest_collection_modifyitems(items):
    reason = lib.why_not()
    if reason:
        for item in items:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def echo(request):
    return request.config.getoption("--echo")


@pytest.fixture(scope="module")
def dumb(echo):
    """End hosts that send and capture frames and answer nothing. One for a file:
    tests attach and detach, or share what they attach."""
    with lib.Topology(dumb=True, verbose=echo) as topology:
        yield topology


@pytest.fixture(scope="module")
def hosts(echo):
    """End hosts with addresses and routes."""
    with lib.Topology(verbose=echo) as topology:
        yield topology
