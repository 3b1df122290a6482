# SPDX-License-Identifier: GPL-2.0-only
"""The bpf() system call, as far as reading loaded programs and their maps goes."""

import ctypes
import errno
import os
import struct

import lib

NR_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}
LOOKUP, GET, PROG_BY_ID, MAP_BY_ID, INFO = 1, 7, 13, 14, 15
ARRAY, PERCPU_ARRAY, ARRAY_OF_MAPS, DEVMAP = 2, 6, 12, 14
PERCPU = (5, PERCPU_ARRAY, 10)

_libc = ctypes.CDLL(None, use_errno=True)


def call(command, attr, size=128):
    """The result and the attributes after the call, or OSError."""
    number = NR_BPF.get(os.uname().machine)
    if number is None:
        raise lib.Failed(f"the number of bpf() on {os.uname().machine} is not known here")
    room = ctypes.create_string_buffer(attr.ljust(size, b"\0"), size)
    result = _libc.syscall(number, command, room, size)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result, room


def info(fd, size, fill=b""):
    """struct bpf_prog_info or bpf_map_info of a file, asked with these fields set."""
    room = ctypes.create_string_buffer(fill.ljust(size, b"\0"), size)
    call(INFO, struct.pack("=IIQ", fd, size, ctypes.addressof(room)))
    return room.raw


class Map:
    """A map of the kernel, read element by element."""

    def __init__(self, ident=0, pin=None):
        if pin:
            path = ctypes.create_string_buffer(os.fsencode(pin))
            self.fd = call(GET, struct.pack("=QII", ctypes.addressof(path), 0, 0))[0]
        else:
            self.fd = call(MAP_BY_ID, struct.pack("=I", ident))[0]
        try:
            raw = info(self.fd, 80)
        except OSError:
            os.close(self.fd)
            raise
        self.kind, _, self.key_size, self.value_size, self.entries = struct.unpack_from("=5I", raw)
        self.stride = -(-self.value_size // 8) * 8

    def close(self):
        os.close(self.fd)

    def lookup(self, key, cpu):
        """The value as a bytearray, of a map with one for each CPU that of `cpu`; None."""
        cpus = _possible_cpus() if self.kind in PERCPU else 1
        value = ctypes.create_string_buffer(self.stride * cpus)
        where = ctypes.create_string_buffer(bytes(key), len(key))
        try:
            call(LOOKUP, struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(where),
                                     ctypes.addressof(value), 0))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None
        at = self.stride * cpu if cpus > 1 else 0
        return bytearray(value.raw[at:at + self.stride])


def _possible_cpus():
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as f:
        return int(f.read().replace(",", "-").strip().split("-")[-1]) + 1


def program(ident):
    """(instructions, first instruction of each function) as the kernel runs them."""
    fd = call(PROG_BY_ID, struct.pack("=I", ident))[0]
    try:
        raw = info(fd, 232)
        length, = struct.unpack_from("=I", raw, 20)
        record, = struct.unpack_from("=I", raw, 132)
        count, = struct.unpack_from("=I", raw, 144)
        code = ctypes.create_string_buffer(length)
        funcs = ctypes.create_string_buffer(max(1, record * count))
        ask = bytearray(232)
        struct.pack_into("=I", ask, 20, length)
        struct.pack_into("=Q", ask, 32, ctypes.addressof(code))
        struct.pack_into("=I", ask, 132, record)
        struct.pack_into("=Q", ask, 136, ctypes.addressof(funcs))
        struct.pack_into("=I", ask, 144, count)
        info(fd, 232, bytes(ask))
    finally:
        os.close(fd)
    begins = [struct.unpack_from("=I", funcs.raw, n * record)[0] for n in range(count)]
    return code.raw, begins
