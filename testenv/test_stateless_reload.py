# SPDX-License-Identifier: GPL-2.0-only
"""Stateless entries that come and go beside the mappings of mode stateful (MIX-01)."""

import pytest

from stateful import P64, PATHS, T, C6, Flow, attached


@PATHS
@pytest.mark.parametrize("fixed", [False, True], ids=["dynamic", "static"])
def test_reload_moves_a_host(state, slow, fixed):
    """A host with a mapping becomes a stateless one with the next packet, and a stateful one
    again; its mapping is what it was. What is static is never judged again, and goes the
    same way."""
    with attached(state, slow=slow) as line:
        flow = Flow(line, "udp", port=40020, rport=53)
        if fixed:
            line.gateway.cmd("mapping", "add", "udp", f"{T}:50999", f"[{C6}]:40020", "--name",
                             line.gateway.instance)
        for _ in range(3):  # the last one the short way
            flow.out()
        port = flow.port4
        assert (port == 50999) == fixed
        line.gateway.reload(*line.gateway.words, "--set", f"stateless={P64}/96,192.0.2.77={C6}")
        for _ in range(3):
            flow.out()
            assert (flow.addr4, flow.port4) == ("192.0.2.77", 40020)
            flow.back()
        line.gateway.reload(*line.gateway.words)
        for _ in range(3):
            flow.out()
            assert (flow.addr4, flow.port4) == (T, port)
