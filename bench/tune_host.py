# SPDX-License-Identifier: GPL-2.0-only
"""What bench/tune knows about the host as a whole."""

import glob
import os
import shutil

from tune_nic import read_word, run, write_word

GOVERNORS = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"


class Governor:
    """{CPU: how its clock is chosen}"""

    name = "governor"
    why = "the clock stays up; a core that waits in NAPI looks idle to other governors"
    absent = "the clock is not this kernel's to choose"

    def read(self, _):
        return {path.split("/")[5]: read_word(path)
                for path in sorted(glob.glob(GOVERNORS))} or None

    def want(self, _, now):
        return dict.fromkeys(now, "performance")

    def set(self, _, value):
        for cpu, word in value.items():
            write_word(f"/sys/devices/system/cpu/{cpu}/cpufreq/scaling_governor", word)


class Sysctl:
    def __init__(self, name, key, value, why):
        self.name, self.value, self.why = name, value, why
        self.path = "/proc/sys/" + key.replace(".", "/")
        self.absent = f"there is no {key} in this kernel or namespace"

    def read(self, _):
        return read_word(self.path)

    def want(self, _, now):
        return self.value

    def set(self, _, value):
        write_word(self.path, value)


class Irqbalance:
    """Runs, or not; only where systemd can stop and start it again."""

    name = "irqbalance"
    why = "would move the interrupts of the queues about"
    absent = "it runs without systemd: end it by hand, or it moves the interrupts again"

    def read(self, _):
        if not running("irqbalance"):
            return "stopped"
        return "runs" if shutil.which("systemctl") else None

    def want(self, _, now):
        return "stopped"

    def set(self, _, value):
        run("systemctl", "start" if value == "runs" else "stop", "irqbalance.service")


def running(name):
    return any(read_word(path) == name for path in glob.glob("/proc/[0-9]*/comm")
               if os.path.exists(path))


HOST = [
    Governor(),
    Irqbalance(),
    Sysctl("bpf-jit", "net.core.bpf_jit_enable", "1", "BPF as machine code"),
    Sysctl("bpf-harden", "net.core.bpf_jit_harden", "0",
           "constants of root's programs are not blinded: fewer instructions"),
    Sysctl("bpf-stats", "kernel.bpf_stats_enabled", "0", "no clock read around every program"),
]
