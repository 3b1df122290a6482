# SPDX-License-Identifier: GPL-2.0-only
"""A network namespace as a host: commands, processes and sockets in it, and frames
on its devices."""

import contextlib
import ctypes
import ctypes.util
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time

import nic
from basics import ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, PATIENCE, Failed

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


# ---- entering a namespace ---------------------------------------------------------


@contextlib.contextmanager
def inside(netns):
    """This thread is in the network namespace; sockets opened here stay in it."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{netns}", "rb") as there:
        try:
            _setns(there.fileno())
            yield
        finally:
            _setns(home.fileno())


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "setns")


def attach_pass(netns, device):
    """A native XDP program that passes everything, on a receiving veth."""
    libbpf = ctypes.CDLL(ctypes.util.find_library("bpf") or "libbpf.so.1", use_errno=True)
    # r0 = XDP_PASS (2); exit
    code = (ctypes.c_uint64 * 2)(0x00000002_000000B7, 0x95)
    with inside(netns):
        index = socket.if_nametoindex(device)
        prog = libbpf.bpf_prog_load(6, b"pass", b"GPL", code, ctypes.c_size_t(2), None)
        if prog < 0:
            raise Failed(f"the pass program for {device} cannot be loaded: errno {-prog}")
        try:
            rc = libbpf.bpf_xdp_attach(index, prog, 1 << 2, None)  # XDP_FLAGS_DRV_MODE
        finally:
            os.close(prog)
        if rc:
            raise Failed(f"the pass program cannot be attached to {device}: errno {-rc}")


# ---- a namespace --------------------------------------------------------------------


class NoProgram(Failed):
    """A command that is not there."""


class Host:
    """One namespace. Commands run in it and nothing else changes for them: `ip netns exec`
    would hide bpffs. Processes started here are ended with it."""

    def __init__(self, role, name, verbose=False):
        self.role, self.name, self.verbose = role, name, verbose
        self.children = []

    def argv(self, command):
        """For a process that somebody else starts."""
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *self._words(command)]

    @staticmethod
    def _words(command):
        return shlex.split(command) if isinstance(command, str) else [str(w) for w in command]

    def _echo(self, words):
        if self.verbose:
            print(f"  {self.role}# {shlex.join(words)}", file=sys.stderr, flush=True)

    def run(self, command, check=True, timeout=60, **more):
        """CompletedProcess with text in stdout and stderr; 127 without such a program."""
        words = self._words(command)
        self._echo(words)
        try:
            child = self._spawn(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **more)
        except NoProgram as error:
            done = subprocess.CompletedProcess(words, 127, "", f"{error}\n")
        else:
            with child:
                try:
                    out, err = child.communicate(timeout=timeout * PATIENCE)
                except BaseException:
                    child.kill()
                    raise
            done = subprocess.CompletedProcess(words, child.returncode, out, err)
        if check and done.returncode != 0:
            raise Failed(f"{self.role}: {shlex.join(words)}: exit status {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        return done

    def _spawn(self, words, **more):
        """A process inherits the namespaces of the thread that starts it."""
        more.setdefault("stdin", subprocess.DEVNULL)
        with inside(self.name):
            try:
                return subprocess.Popen(words, **more)
            except OSError as error:
                raise NoProgram(f"{self.role}: {words[0]} cannot be started: "
                                f"{error.strerror}") from None

    def out(self, command, **more):
        return self.run(command, **more).stdout

    def start(self, command, **more):
        """A process in the background."""
        words = self._words(command)
        self._echo(words)
        more.setdefault("stdout", subprocess.DEVNULL)
        more.setdefault("stderr", subprocess.DEVNULL)
        child = self._spawn(words, start_new_session=True, **more)
        self.children.append(child)
        return child

    def stop(self, child):
        """Ends a process group that start() made."""
        for sig in (signal.SIGTERM, signal.SIGKILL):
            if child.poll() is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, sig)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(3)
        if child in self.children:
            self.children.remove(child)

    def stop_all(self):
        for child in list(self.children):
            self.stop(child)

    def sysctl(self, **settings):
        """Settings below net., with __ for dots and the names as they are."""
        self._echo(["sysctl", "-w", *(f"net.{key.replace('__', '.')}={value}"
                                      for key, value in settings.items())])
        with inside(self.name):
            for key, value in settings.items():
                path = f"/proc/sys/net/{key.replace('__', '/')}"
                with open(path, "w", encoding="ascii") as setting:
                    setting.write(f"{value}\n")

    def ip(self, batch):
        """Commands of `ip`, one a line."""
        lines = [line.strip() for line in batch.strip().splitlines() if line.strip()]
        if self.verbose:
            for line in lines:
                print(f"  {self.role}# ip {line}", file=sys.stderr, flush=True)
        done = subprocess.run(["ip", "-n", self.name, "-batch", "-"], input="\n".join(lines) + "\n",
                              capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise Failed(f"{self.role}: ip: {done.stderr}\n" + "\n".join(lines))

    def mac(self, device):
        with inside(self.name):
            return nic.mac(device)

    def is_running(self, device):
        with inside(self.name):
            return nic.is_running(device)

    def offload(self, device, **settings):
        self._echo(["ethtool", "-K", device, *(f"{name} {'on' if on else 'off'}"
                                               for name, on in settings.items())])
        with inside(self.name):
            nic.offload(device, **settings)

    def statistics(self, device):
        """What `ethtool -S` shows."""
        with inside(self.name):
            return nic.statistics(device)

    def link(self, device):
        return json.loads(self.out(["ip", "-j", "link", "show", "dev", device]))[0]

    def mtu(self, device, value):
        self.ip(f"link set dev {device} mtu {value}")

    def listening(self, port, udp=False):
        """Is a socket bound to the port?"""
        return bool(self.out(f"ss -H {'-lun' if udp else '-ltn'} sport = :{port}").strip())

    def wire(self, device, **more):
        with inside(self.name):
            return Wire(device, f"{self.role}:{device}", **more)

    def socket(self, *args):
        with inside(self.name):
            return socket.socket(*args)


# ---- frames ---------------------------------------------------------------------------


class Wire:
    """Sends and captures frames on a device. Only frames that arrive are seen, not
    those sent here; neighbour discovery, MLD, IGMP and ARP are left out unless
    asked for."""

    def __init__(self, device, label, chatter=False):
        self.label, self.chatter = label, chatter
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 23)  # SO_RCVBUFFORCE
        self.sock.bind((device, ETH_P_ALL))
        self.sock.setblocking(False)
        self.mac = self.sock.getsockname()[4]

    def send(self, frame):
        frame = bytes(frame)
        end = time.monotonic() + 2
        while True:
            try:
                return self.sock.send(frame)
            except (BlockingIOError, OSError) as error:
                if not isinstance(error, BlockingIOError) and error.errno != 105:  # ENOBUFS
                    raise
                if time.monotonic() > end:
                    raise
                time.sleep(0.0005)

    def read(self):
        """The next frame that waits, None if there is none."""
        while True:
            try:
                frame, address = self.sock.recvfrom(65535 + 64)
            except BlockingIOError:
                return None
            if address[2] == socket.PACKET_OUTGOING:
                continue
            if self.chatter or not is_chatter(frame):
                return frame

    def drain(self):
        frames = []
        while (frame := self.read()) is not None:
            frames.append(frame)
        return frames

    def recv(self, match=None, seconds=3.0):
        """The first frame that `match` accepts within the time, else None."""
        end = time.monotonic() + seconds
        while True:
            frame = self.read()
            if frame is not None:
                if match is None or match(frame):
                    return frame
                continue
            left = end - time.monotonic()
            if left <= 0:
                return None
            select.select([self.sock], [], [], left)

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def is_chatter(frame):
    """What hosts say without being asked: ARP, NDP, MLD, IGMP."""
    kind = int.from_bytes(frame[12:14], "big")
    packet = frame[14:]
    if kind == ETH_P_IP:
        return len(packet) < 20 or packet[9] == 2
    if kind != ETH_P_IPV6 or len(packet) < 41:
        return True
    if packet[6] == 58:
        return 130 <= packet[40] <= 137 or packet[40] == 143
    return packet[6] == 0 and packet[40] == 58 and len(packet) > 48 and packet[48] in (130, 131,
                                                                                      132, 143)
