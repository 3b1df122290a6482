#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""An attached gateway whose mappings are made by asking n64_state what packets would
ask: for the commands that show them, and for states that are too large to be made one
frame at a time.

    testenv/state_bed.py INSTANCE NUMBER     so many UDP mappings, 1024 of each /64
"""

import ctypes
import json
import socket
import struct
import sys
import time

from state_ask import OPS, REASON, TCP, UDP, State, TestRun

SIZE = 112			# struct n64_call
HOST6, PORT6, REASON_AT = 16, 40, 96
SUBSCRIBER = 1024		# mappings of one /64: below every default limit


P64 = "64:ff9b:1::/96"
PEER = State.REMOTE
SYN, ACK = 0x02, 0x10


class Bed:
    """The attached gateway, its state and the commands."""

    def __init__(self, gateway, *words):
        self.gateway = gateway
        gateway.attach("--mode", "stateful", "-6", P64, "--no-worker", *words, pref64=None,
                       eam=False)
        self.state = State(gateway.instance)

    def close(self):
        self.state.__exit__()
        self.gateway.detach()

    def out(self, proto, host, port, remote_port=53):
        """The first packet of a host's socket. (address, port) of its mapping."""
        call = self.state.ask("CALL_OUT", proto=proto, host6=host, port6=port, remote4=PEER,
                              remote_port=remote_port, tcp_flags=SYN if proto == TCP else 0)
        assert not call.reason, call
        return call.addr4, call.port4

    def back(self, proto, addr, port, remote_port=53, tcp_flags=SYN):
        """A packet from IPv4. (host, port), None: it was refused."""
        call = self.state.ask("CALL_IN", proto=proto, addr4=addr, port4=port, remote4=PEER,
                              remote_port=remote_port, tcp_flags=tcp_flags)
        return None if call.reason else (call.host6, call.port6)

    def run(self, *words, check=True):
        return self.gateway.cmd(*words, "--name", self.gateway.instance, check=check)

    def json(self, *words):
        return json.loads(self.run(*words, "--json").stdout)

    def refused(self, *words):
        """The sentence on stderr of a command that fails."""
        done = self.run(*words, check=False)
        assert done.returncode == 1 and done.stdout == "", done
        return done.stderr

    def clear(self):
        self.run("mapping", "flush", "--all", "--static")


def fill(state, count, proto=UDP, prefix="2001:db8:f::1", remote_port=53):
    """`count` mappings, SUBSCRIBER of each /64 below the /48 of `prefix`. How many were
    made, and {reason: times} of the others."""
    # the same bytes every time, but for the /64 of the host and its port
    fresh = struct.pack("=IIII16s4s4sHHH", OPS["CALL_OUT"], 0, proto, 2 if proto == TCP else 0,
                        socket.inet_pton(socket.AF_INET6, prefix), bytes(4),
                        socket.inet_aton(State.REMOTE), 0, 0, socket.htons(remote_port))
    fresh += bytes(SIZE - len(fresh))
    call = bytearray(fresh)
    memory = (ctypes.c_char * SIZE).from_buffer(call)
    run = TestRun(sz=ctypes.sizeof(TestRun), ctx_in=ctypes.addressof(memory), ctx_size_in=SIZE)
    ask, where = state.libbpf.bpf_prog_test_run_opts, ctypes.byref(run)
    made, refused = 0, {}
    for i in range(count):
        call[:] = fresh
        struct.pack_into(">H", call, HOST6 + 6, i // SUBSCRIBER)
        struct.pack_into(">H", call, PORT6, 2048 + i % SUBSCRIBER)
        if ask(state.fd, where):
            raise OSError("n64_state does not answer")
        reason = struct.unpack_from("=I", call, REASON_AT)[0]
        made += not reason
        if reason:
            refused[REASON[reason]] = refused.get(REASON[reason], 0) + 1
    return made, refused


def main(instance, number):
    with State(instance) as state:
        begin = time.monotonic()
        made, refused = fill(state, int(number))
    print(f"{made} mappings in {time.monotonic() - begin:.2f} s; refused: {refused or 'none'}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
