# SPDX-License-Identifier: GPL-2.0-only
"""Questions to the program n64_state of an instance (struct n64_call of
common/state_abi.h), by the library that the product uses as well."""

import collections
import ctypes
import ctypes.util
import os
import re
import socket
import struct

import lib

TCP, UDP, ICMP = range(3)
FORMAT = "=IIII16s4s4s2s2s2sHIIIIIIIIIxxxxQIIII"  # 112 bytes
FIELDS = ("op flags proto tcp_flags host6 addr4 remote4 port6 port4 remote_port last pref row "
          "binding session n tcp_seq tcp_ack tcp_window tcp_scale ctl reason now until pad")
Call = collections.namedtuple("Call", FIELDS)
Mapping = collections.namedtuple("Mapping", "host6 port6 addr4 port4 binding until")
assert struct.calcsize(FORMAT) == 112


def _enum(name):
    """{member: value} of an enum of state_abi.h."""
    with open(os.path.join(lib.TOP, "common", "state_abi.h"), encoding="utf-8") as f:
        text = re.search(rf"enum {name} {{(.*?)}};", f.read(), re.S).group(1)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return {word: i for i, word in enumerate(re.findall(r"\b(\w+)\b", text))}


OPS = _enum("call_op")
REASON = ["go_on"] + list(lib.REASONS)


class TestRun(ctypes.Structure):
    """struct bpf_test_run_opts"""
    _fields_ = [("sz", ctypes.c_size_t), ("data_in", ctypes.c_void_p),
                ("data_out", ctypes.c_void_p), ("data_size_in", ctypes.c_uint32),
                ("data_size_out", ctypes.c_uint32), ("ctx_in", ctypes.c_void_p),
                ("ctx_out", ctypes.c_void_p), ("ctx_size_in", ctypes.c_uint32),
                ("ctx_size_out", ctypes.c_uint32), ("retval", ctypes.c_uint32),
                ("repeat", ctypes.c_int), ("duration", ctypes.c_uint32),
                ("flags", ctypes.c_uint32), ("cpu", ctypes.c_uint32),
                ("batch_size", ctypes.c_uint32)]


class State:
    """The program n64_state as it is now; a reload puts another in its place."""

    REMOTE = "198.51.100.10"

    def __init__(self, instance):
        self.libbpf = ctypes.CDLL(ctypes.util.find_library("bpf") or "libbpf.so.1",
                                  use_errno=True)
        path = f"/sys/fs/bpf/xdp-nat64/{instance}/prog_state"
        self.fd = self.libbpf.bpf_obj_get(path.encode())
        if self.fd < 0:
            raise lib.Failed(f"{path} cannot be opened")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def ask(self, op, **fields):
        """The answer, a Call. Addresses as text, ports as numbers."""
        values = dict.fromkeys(Call._fields, 0)
        values.update(fields, op=OPS[op])
        values["host6"] = socket.inet_pton(socket.AF_INET6, fields.get("host6", "::"))
        for key in ("addr4", "remote4"):
            values[key] = socket.inet_aton(fields.get(key, "0.0.0.0"))
        for key in ("port6", "port4", "remote_port"):
            values[key] = struct.pack("!H", fields.get(key, 0))
        buf = ctypes.create_string_buffer(struct.pack(FORMAT, *(values[f] for f in Call._fields)),
                                          112)
        run = TestRun(sz=ctypes.sizeof(TestRun), ctx_in=ctypes.addressof(buf), ctx_size_in=112)
        if self.libbpf.bpf_prog_test_run_opts(self.fd, ctypes.byref(run)):
            raise lib.Failed(f"n64_state: {os.strerror(ctypes.get_errno())}")
        call = Call(*struct.unpack(FORMAT, buf.raw))
        return call._replace(
            host6=socket.inet_ntop(socket.AF_INET6, call.host6),
            addr4=socket.inet_ntoa(call.addr4), remote4=socket.inet_ntoa(call.remote4),
            **{k: struct.unpack("!H", getattr(call, k))[0] for k in
               ("port6", "port4", "remote_port")})

    def _mapping(self, call):
        return Mapping(call.host6, call.port6, call.addr4, call.port4, call.binding, call.until)

    def out(self, proto, host, port):
        """Sends a packet out: the mapping, made when it is missing."""
        call = self.ask("CALL_OUT", proto=proto, host6=host, port6=port, remote4=self.REMOTE,
                        remote_port=0 if proto == ICMP else 53, tcp_flags=2)
        if call.reason:
            raise lib.Failed(f"no mapping for {host} {port}: {REASON[call.reason]}")
        return self._mapping(call)

    def peek(self, proto, host, port):
        """The mapping of a host, None: it has none."""
        call = self.ask("CALL_PEEK_OUT", proto=proto, host6=host, port6=port,
                        remote4=self.REMOTE, remote_port=0 if proto == ICMP else 53)
        return None if call.reason else self._mapping(call)

    def peek_in(self, proto, addr, port):
        call = self.ask("CALL_PEEK_IN", proto=proto, addr4=addr, port4=port, remote4=self.REMOTE,
                        remote_port=0 if proto == ICMP else 53)
        return None if call.reason else self._mapping(call)

    def delete(self, mapping, only_on=None):
        """Ends a mapping; None, or one of another address than `only_on`, is left."""
        if mapping and (only_on is None or mapping.addr4 == only_on):
            return self.ask("CALL_DEL", binding=mapping.binding).n
        return 0

    def now(self):
        return self.ask("CALL_NOW").now
