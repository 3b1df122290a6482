# SPDX-License-Identifier: GPL-2.0-only
"""Stateless entries that come and go beside the mappings of mode stateful (MIX-01)."""

from stateful import P64, PATHS, T, C6, Flow, attached


@PATHS
def test_reload_moves_a_host(state, slow):
    """A host with mappings becomes a stateless one with the next packet, and a stateful one
    again; its mapping is what it was."""
    with attached(state, slow=slow) as line:
        flow = Flow(line, "udp", port=40020, rport=53)
        for _ in range(3):  # the last one the short way
            flow.out()
        port = flow.port4
        line.gateway.reload(*line.gateway.words, "--set", f"stateless={P64}/96,192.0.2.77={C6}")
        for _ in range(3):
            flow.out()
            assert (flow.addr4, flow.port4) == ("192.0.2.77", 40020)
            flow.back()
        line.gateway.reload(*line.gateway.words)
        for _ in range(3):
            flow.out()
            assert (flow.addr4, flow.port4) == (T, port)
