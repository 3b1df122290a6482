# SPDX-License-Identifier: GPL-2.0-only
"""What bench/tune knows about a NIC: settings that a driver has, read and set by ethtool
and /proc/irq. A value is what JSON can hold, and None where the driver has no such setting."""

import ctypes
import errno
import fcntl
import glob
import os
import re
import socket
import struct
import subprocess

RING = 2048  # descriptors
MICROSECONDS = 50


class Refused(Exception):
    """Why a setting could not be made, in the words of the kernel."""

    def unsupported(self):
        """The driver shows the setting and cannot make it."""
        return "not supported" in str(self)


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    if done.returncode != 0:
        raise Refused(" ".join((done.stderr or done.stdout).split()) or
                      f"{words[0]} ended with {done.returncode}")
    return done.stdout


def read_word(path):
    try:
        with open(path, encoding="ascii") as f:
            return f.read().strip()
    except OSError:
        return None


def write_word(path, word):
    try:
        with open(path, "w", encoding="ascii") as f:
            f.write(word)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


class Nic:
    """A device, and the CPUs that its queues are for."""

    def __init__(self, name, cpus):
        self.name, self.cpus = name, cpus
        info = run("ethtool", "-i", name)
        self.driver = re.search(r"^driver: *(\S*)", info, re.M)[1]
        self.bus = re.search(r"^bus-info: *(\S*)", info, re.M)[1]

    def words(self, option):
        """The answer of an ethtool option, empty if the driver has none."""
        try:
            return run("ethtool", option, self.name)
        except Refused:
            return ""

    # ---- numbers with a maximum: queues and rings

    def limits(self, option, key):
        """(now, most) of the lines with this key; None if the driver does not say."""
        found = re.findall(rf"^{key}:\s*(\S+)$", self.words(option), re.M)
        return [int(word) for word in found[::-1]] if (
            len(found) == 2 and all(word.isdigit() for word in found)) else None

    def irqs(self):
        """{name: (interrupt, queue)}. Drivers give names as eth0-TxRx-3, virtio0-input.3,
        mlx5_comp3@pci:0000:01:00.0."""
        own = {os.path.basename(path)
               for path in glob.glob(f"/sys/bus/pci/devices/{self.bus}/msi_irqs/*")}
        found_irqs = {}
        with open("/proc/interrupts", encoding="ascii", errors="replace") as f:
            for line in f:
                number, _, rest = line.strip().partition(":")
                name = rest.split()[-1] if rest.split() else ""
                found = re.search(r"(\d+)$", name.split("@")[0])
                if number in own and found and not re.search("config|async|ctrl", name):
                    found_irqs[name] = number, int(found[1])
        return found_irqs


# ---- one class for each kind of setting --------------------------------------------------


class Limited:
    """Queues and rings: a number, and the most that the driver can."""

    def __init__(self, name, get, put, key, word, why):
        self.name, self.get, self.put = name, get, put
        self.key, self.word, self.why = key, word, why

    def read(self, nic):
        if self.name.startswith("queues-") and nic.limits("-l", "Combined"):
            return None
        found = nic.limits(self.get, self.key)
        return found[0] if found and found[1] else None

    def want(self, nic, now):
        most = nic.limits(self.get, self.key)[1]
        return min(most, len(nic.cpus) if self.get == "-l" else RING)

    def set(self, nic, value):
        run("ethtool", self.put, nic.name, self.word, str(value))


class Switch:
    """On or off, or a number: one key of an ethtool answer. `[fixed]` is not ours to set."""

    def __init__(self, name, option, key, command, value, why):
        self.name, self.option, self.key = name, option, key
        self.command, self.value, self.why = command, value, why

    def read(self, nic):
        found = re.search(rf"^(?:.*\s)?{self.key}:[ \t]*(\S+)([ \t]+\[fixed\])?",
                          nic.words(self.option), re.M)
        if not found or found[1] == "n/a" or (found[2] and found[1] != self.value):
            return None
        return found[1]

    def want(self, nic, now):
        return self.value

    def set(self, nic, value):
        command, word = self.command.split()
        run("ethtool", command, nic.name, word, str(value))


class FlowHash:
    """Which fields of a packet choose the receive queue: the letters of ethtool -N."""

    LETTERS = {"IP SA": "s", "IP DA": "d", "L4 bytes 0 & 1": "f", "L4 bytes 2 & 3": "n",
               "VLAN tag": "v", "L3 proto": "t", "L2DA": "m"}

    def __init__(self, flow):
        self.name, self.flow = f"hash-{flow}", flow
        self.why = "addresses and ports choose the queue, so that one host's flows use all"

    def read(self, nic):
        try:
            text = run("ethtool", "-n", nic.name, "rx-flow-hash", self.flow)
        except Refused:
            return None
        if "discarded" in text:
            return "r"
        letters = {letter for words, letter in self.LETTERS.items()
                   if re.search(rf"^{words}", text, re.M)}
        return "".join(one for one in "mvtsdfn" if one in letters) or None

    def want(self, nic, now):
        return "sdfn"

    def set(self, nic, value):
        run("ethtool", "-N", nic.name, "rx-flow-hash", self.flow, value)


class Indirection:
    """The table from hashes to queues, as numbers of queues. By ioctl: ethtool cannot put
    back any table."""

    GET, SET, SIOCETHTOOL = 0x38, 0x39, 0x8946
    name = "indirection"
    why = "the hashes are spread evenly over the queues in use"

    def call(self, nic, command, table):
        buffer = ctypes.create_string_buffer(struct.pack(f"=II{len(table)}I", command,
                                                         len(table), *table))
        request = struct.pack("16sQ16x", nic.name.encode(), ctypes.addressof(buffer))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, self.SIOCETHTOOL, request)
        return struct.unpack_from("=II", buffer)[1], buffer

    def read(self, nic):
        try:
            size, _ = self.call(nic, self.GET, [])
            _, buffer = self.call(nic, self.GET, [0] * size)
        except OSError:
            return None
        return list(struct.unpack_from(f"={size}I", buffer, 8)) or None

    def want(self, nic, now):
        queues = next((one[0] for one in (nic.limits("-l", "Combined"), nic.limits("-l", "RX"))
                       if one and one[0]), 1)
        return [i % queues for i in range(len(now))]

    def set(self, nic, value):
        try:
            self.call(nic, self.SET, value)
        except OSError as error:
            raise Refused(f"the table of {len(value)} hashes is refused: "
                          f"{os.strerror(error.errno or errno.EIO)}") from None


class Irq:
    """{name of an interrupt: its CPUs}."""

    name = "irq"
    why = "each queue is served by one CPU of its own, and always by that"

    def read(self, nic):
        return {name: read_word(f"/proc/irq/{number}/smp_affinity_list")
                for name, (number, _) in nic.irqs().items()} or None

    def want(self, nic, now):
        return {name: str(nic.cpus[queue % len(nic.cpus)])
                for name, (_, queue) in nic.irqs().items()}

    def set(self, nic, value):
        for name, (number, _) in nic.irqs().items():
            path = f"/proc/irq/{number}/smp_affinity_list"
            if name in value and read_word(path) != value[name]:
                write_word(path, value[name])


# In the order in which they are set and undone: what comes first may reset what comes later.
NIC = [
    Limited("queues", "-l", "-L", "Combined", "combined",
            "a queue for each CPU: more share one, fewer leave one idle"),
    Limited("queues-rx", "-l", "-L", "RX", "rx", "as queues, where a driver counts both kinds"),
    Limited("queues-tx", "-l", "-L", "TX", "tx",
            "XDP sends on the queue of its own CPU, unlocked"),
    Limited("ring-rx", "-g", "-G", "RX", "rx",
            "holds a burst while the CPU is away; much more than this leaves the cache"),
    Limited("ring-tx", "-g", "-G", "TX", "tx", "a full ring loses what XDP redirects to it"),
    Switch("adaptive-rx", "-c", "Adaptive RX", "-C adaptive-rx", "off",
           "does not wander between two settings under a steady load"),
    Switch("rx-usecs", "-c", "rx-usecs", "-C rx-usecs", str(MICROSECONDS),
           "interrupts wait this long: latency when idle against interrupts when half busy"),
    Switch("tx-usecs", "-c", "tx-usecs", "-C tx-usecs", str(MICROSECONDS),
           "the same for buffers that were sent"),
    Switch("lro", "-k", "large-receive-offload", "-K lro", "off",
           "XDP would see merged frames; drivers refuse XDP beside it"),
    Switch("rx-gro-hw", "-k", "rx-gro-hw", "-K rx-gro-hw", "off",
           "XDP would see merged frames"),
    Switch("rxvlan", "-k", "rx-vlan-offload", "-K rxvlan", "off",
           "XDP must see the VLAN tag in the frame"),
    Switch("pause-rx", "-a", "RX", "-A rx", "off",
           "a slow neighbour would stop all queues at once"),
    Switch("pause-tx", "-a", "TX", "-A tx", "off",
           "one busy queue would stop the port, and hide the loss in the switch"),
    *[FlowHash(flow) for flow in ("udp4", "udp6", "tcp4", "tcp6")],
    Indirection(),
    Irq(),
]
