# SPDX-License-Identifier: GPL-2.0-only
"""The product in a namespace: attach, reload, detach, what it counts, and the sums of
GEN-10."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

from basics import H4, H6, K4, K6, PREF64, PROGRAM, Failed, kind, wait_for
from host import Host


class Gateway(Host):
    """The gateway's namespace with one instance of the product."""

    def __init__(self, role, name, verbose=False):
        super().__init__(role, name, verbose)
        self.program = PROGRAM
        self.instance = "t" + name.rsplit("-", 1)[1]
        self.attached = False
        self.base = {}
        self.words = []

    def cmd(self, *words, **more):
        return self.run([self.program, *words], **more)

    def attach(self, *words, config=None, devices=("eth6", "eth4"), eam=True, check=True,
               pref64=PREF64, **settings):
        """Config S unless told otherwise; settings as option names with _ for -."""
        args = []
        for device in devices:
            args += ["-i", device]
        if config:
            args = ["-c", config]
        else:
            if pref64:
                args += ["-6", pref64]
            if eam:
                args += ["--eam", f"{H4}={H6}", "--eam", f"{K4}={K6}"]
        args += [*settings_words(settings), *words]
        self.words = args
        self.base = {device: self.received(device) for device in map(_device, devices)}
        done = self.cmd("attach", "--name", self.instance, *args, check=check)
        if done.returncode == 0:
            self.attached = True
        return done

    def detach(self, check=True):
        done = self.cmd("detach", "--name", self.instance, check=check)
        if done.returncode == 0:
            self.attached = False
        return done

    def reload(self, *words, check=True):
        return self.cmd("reload", "--name", self.instance, *words, check=check)

    def status(self):
        return json.loads(self.cmd("status", "--name", self.instance, "--json").stdout)

    def stats(self):
        return Stats(json.loads(self.cmd("stats", "--name", self.instance, "--json").stdout))

    @property
    def pair(self):
        """The kernel's end of the pair of this instance."""
        return f"n-{self.instance}"

    def wait_worker(self):
        """The worker serves (its heart beats); its pid."""
        def serves():
            worker = self.status()["worker"]
            beat = worker.get("last_beat_ms")
            return worker["alive"] and beat is not None and beat < 400 and self.worker_pid()
        return wait_for("the worker", serves)

    def wait_settled(self, before, packets=1, seconds=5.0):
        """Waits until the ports have judged that many packets of ours since
        `before` and the worker is through with what it was given. The Stats."""
        def settled():
            now = self.stats()
            judged = sum(n for stage, reasons in now.since(before).items()
                         if stage in now.ports
                         for r, n in reasons.items() if kind(r) not in ("PASS", "NOTE"))
            return now if judged >= packets and not now.in_flight() else None
        try:
            return wait_for(f"{packets} packets to be judged", settled, seconds)
        except Failed as error:
            raise Failed(f"{error}; counted {self.stats().since(before)}") from None

    def check_sums(self):
        """GEN-10: in every stage, in = sum of its reasons; between stages, handed
        over = received + ring drops."""
        stats = wait_for("the worker to be through",
                         lambda: None if (now := self.stats()).in_flight() else now)
        stages = [device for device in stats.stages if device != "worker"]
        wrong = {}

        def hold():
            """The driver's counts are read on both sides of ours: frames keep coming."""
            nonlocal stats
            low = {device: self._shown(device) for device in stages}
            stats = self.stats()
            wrong.clear()
            for device in stages:
                counted, high = stats.total(device), self._shown(device)
                if not low[device] <= counted <= high:
                    wrong[device] = f"received {high}, counted {counted}: {stats.stages[device]}"
            return not wrong

        wait_for("GEN-10", hold, 1, lambda: f" of the stages {wrong}")
        handover = stats.handover
        if not handover["sums_hold"]:
            raise Failed(f"GEN-10: between the ports and the worker: {handover}")

    def _shown(self, device):
        return self.received(device) - self.base.get(device, 0)

    def received(self, device):
        """Frames that the driver has shown to an XDP program; a bond's program runs on its
        slaves. Since 6.8 virtio-net says rx0 for rx_queue_0."""
        counted = self.statistics(device)
        if not counted:
            slaves = json.loads(self.out(["ip", "-j", "link", "show", "master", device]))
            return sum(self.received(slave["ifname"]) for slave in slaves)
        return sum(number for name, number in counted.items()
                   if re.fullmatch(r"rx(_queue_)?\d+_xdp_packets", name))

    def worker_pid(self):
        try:
            with open(f"/run/xdp-nat64/{self.instance}/worker.lock", encoding="ascii") as lock:
                return int(lock.read().split()[0])
        except (OSError, ValueError, IndexError):
            return 0

    def clean(self):
        """Takes away what the instance left, whatever state it is in."""
        if self.attached:
            with contextlib.suppress(Failed, subprocess.TimeoutExpired):
                self.detach(check=False)
        pid = self.worker_pid()
        if pid and _is_ours(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(f"/run/xdp-nat64/{self.instance}", ignore_errors=True)
        _rm_pins(f"/sys/fs/bpf/xdp-nat64/{self.instance}")


def _device(word):
    """The device of an -i word: DEV or DEV:DIRECTION."""
    return word.split(":")[0]


def settings_words(settings):
    words = []
    for key, value in settings.items():
        if isinstance(value, bool):
            value = "on" if value else "off"
        for one in value if isinstance(value, (list, tuple)) else [value]:
            words += ["--set", f"{key.replace('_', '-')}={one}"]
    return words


def _is_ours(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return b"xdp-nat64" in f.read()
    except OSError:
        return False


def _rm_pins(folder):
    """bpffs answers rmtree's stat calls oddly; plain unlink works."""
    for path, _, files in os.walk(folder, topdown=False):
        for name in files:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(path, name))
        with contextlib.suppress(OSError):
            os.rmdir(path)


class Stats:
    """`stats --json`: packets by stage (a device, or "worker") and reason."""

    def __init__(self, tree):
        self.stages = {name: {row["reason"]: row["packets"] for row in stage["reasons"]}
                       for name, stage in tree["stages"].items()}
        self.handover = tree["to_the_worker"]
        self.ports = [name for name in self.stages
                      if name != "worker" and not name.startswith(("n-", "nat64"))]

    def get(self, reason, stage=None):
        """Packets with the reason, of one stage or of all."""
        return sum(reasons.get(reason, 0) for name, reasons in self.stages.items()
                   if stage is None or name == stage)

    def total(self, stage):
        """Packets that left a stage."""
        return sum(n for reason, n in self.stages[stage].items() if kind(reason) != "NOTE")

    def in_flight(self):
        """Packets handed over that the worker has not judged yet."""
        h = self.handover
        lost = h["ring_drops"] + h["overflow"]
        left = h["left_the_worker"] + h["held"]
        return h["handed_over"] > h["received"] + lost or h["received"] > left

    def since(self, before):
        """{stage: {reason: packets more}} where anything was counted."""
        more = {}
        for name, reasons in self.stages.items():
            old = before.stages.get(name, {})
            new = {r: n - old.get(r, 0) for r, n in reasons.items() if n != old.get(r, 0)}
            if new:
                more[name] = new
        return more
