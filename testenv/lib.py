# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces for the tests and the demo.

    client (IPv6 only)                gateway                 server (IPv4 only)
    2001:db8:a::33                                            198.51.100.10
    2001:db8:b::34
          eth0 ======== eth6  2001:db8:ffff::1   (GW6)
                        eth4  203.0.113.1        (GW4) ======== eth0

Every topology has namespaces of its own with a random suffix and takes them down
in every case, also when interrupted. The end hosts have routes to the gateway and
nothing else that knows of translation; the addresses are those of config "S" of
golden-packets.json, so that 198.51.100.10 is 2001:db8:64::198.51.100.10 for the
client, and the client is 192.0.2.33 for the server.

What XDP on veth needs of the test bed: the sender's checksum and segmentation
offloads off (a program sees the frame as it would be on a wire), and a program on
the receiving end of a veth pair, else redirected frames are lost without a trace.
The program here passes everything. GRO stays off, so that captures show packets
as they were sent.
"""

import contextlib
import ctypes
import ctypes.util
import json
import os
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("XDP_NAT64", os.path.join(TOP, "build", "xdp-nat64"))
os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"

PREF64 = "2001:db8:64::/96"
H4, H6 = "192.0.2.33", "2001:db8:a::33"
K4, K6 = "192.0.2.34", "2001:db8:b::34"
S4, S6 = "198.51.100.10", "2001:db8:64::198.51.100.10"
R4, R6 = "198.51.100.254", "2001:db8:dead::1"
GW4, GW6 = "203.0.113.1", "2001:db8:ffff::1"

QUEUES = max(2, os.cpu_count() or 2)
ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def _reasons():
    """reason.def: {name: (kind, class, text)}."""
    with open(os.path.join(TOP, "common", "reason.def"), encoding="utf-8") as f:
        rows = re.findall(r'^REASON\((\w+), *(\w+), *(\w+), *"([^"]*)"', f.read(), re.M)
    return {name: (kind, group, text) for name, kind, group, text in rows}


REASONS = _reasons()


def kind(reason):
    return REASONS[reason][0]


class Failed(Exception):
    """A command or a wait that failed; the text says which."""


# ---- waiting --------------------------------------------------------------------


def wait_for(what, probe, seconds=10.0, more=None, step=0.02):
    """Polls `probe` until it returns something true, and returns that. `more` says
    at the end what it was like instead."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"waited {seconds:g} s in vain for {what}{more() if more else ''}")
        time.sleep(step)


# ---- entering a namespace ---------------------------------------------------------


@contextlib.contextmanager
def inside(netns):
    """This thread is in the network namespace; sockets opened here stay in it."""
    with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{netns}", "rb") as there:
        _setns(there.fileno())
        try:
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


class Host:
    """One namespace. Commands run in it by nsenter, because `ip netns exec` would
    hide bpffs. Processes started here are ended with it."""

    def __init__(self, role, name, verbose=False):
        self.role, self.name, self.verbose = role, name, verbose
        self.children = []

    def argv(self, command):
        words = shlex.split(command) if isinstance(command, str) else [str(w) for w in command]
        return ["nsenter", f"--net=/run/netns/{self.name}", "--", *words]

    def _echo(self, words):
        if self.verbose:
            print(f"  {self.role}# {shlex.join(words[3:])}", file=sys.stderr, flush=True)

    def run(self, command, check=True, timeout=60, **more):
        """CompletedProcess with text in stdout and stderr."""
        words = self.argv(command)
        self._echo(words)
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout,
                              check=False, stdin=subprocess.DEVNULL, **more)
        if check and done.returncode != 0:
            raise Failed(f"{self.role}: {shlex.join(words[3:])}: exit status {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        return done

    def out(self, command, **more):
        return self.run(command, **more).stdout

    def start(self, command, **more):
        """A process in the background."""
        words = self.argv(command)
        self._echo(words)
        more.setdefault("stdout", subprocess.DEVNULL)
        more.setdefault("stderr", subprocess.DEVNULL)
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True, **more)
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
        words = [f"net.{key.replace('__', '.')}={value}" for key, value in settings.items()]
        self.run(["sysctl", "-q", "-w", *words])

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
        return self.link(device)["address"]

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


# ---- the product on the gateway ------------------------------------------------------


class Gateway(Host):
    """The gateway's namespace with one instance of the product."""

    def __init__(self, role, name, verbose=False):
        super().__init__(role, name, verbose)
        self.instance = "t" + name.rsplit("-", 1)[1]
        self.attached = False
        self.base = {}
        self.words = []

    def cmd(self, *words, **more):
        return self.run([PROGRAM, *words], **more)

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
        wait_for("the worker to be through", lambda: not self.stats().in_flight())
        for device in self.stats().stages:
            if device != "worker":
                wait_for(f"GEN-10 of {device}", lambda d=device: self._sum_holds(d), 1,
                         lambda d=device: f": {self._sum_text(d)}")
        handover = self.stats().handover
        if not handover["sums_hold"]:
            raise Failed(f"GEN-10: between the ports and the worker: {handover}")

    def _sum_holds(self, device):
        """The driver's count is read on both sides of ours: frames keep coming."""
        low = self.received(device) - self.base.get(device, 0)
        counted = self.stats().total(device)
        return low <= counted <= self.received(device) - self.base.get(device, 0)

    def _sum_text(self, device):
        stats = self.stats()
        return (f"received {self.received(device) - self.base.get(device, 0)}, counted "
                f"{stats.total(device)}: {stats.stages[device]}")

    def received(self, device):
        """Frames that the driver has shown to an XDP program."""
        text = self.out(["ethtool", "-S", device])
        return sum(int(n) for n in re.findall(r"rx_queue_\d+_xdp_packets: (\d+)", text))

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
        return h["handed_over"] > h["received"] + lost or h["received"] > h["left_the_worker"]

    def since(self, before):
        """{stage: {reason: packets more}} where anything was counted."""
        more = {}
        for name, reasons in self.stages.items():
            old = before.stages.get(name, {})
            new = {r: n - old.get(r, 0) for r, n in reasons.items() if n != old.get(r, 0)}
            if new:
                more[name] = new
        return more


# ---- the topology ----------------------------------------------------------------------


class Topology:
    """client - gateway - server.

    dumb: the end hosts have no addresses; the gateway knows their MAC addresses.
          They send and capture frames and answer nothing, so that a capture shows
          what the gateway did and nothing else.
    far:  a second IPv4 network behind eth5 with a link of 1400 bytes on the way:
          gateway - router - edge - distant (192.0.2.200).
    """

    FAR4, FAR6 = "192.0.2.200", "2001:db8:64::192.0.2.200"
    EDGE4 = "192.0.2.129"
    FAR_MTU = 1400

    def __init__(self, dumb=False, far=False, verbose=False, suffix=None):
        self.suffix = suffix or os.urandom(3).hex()
        self.verbose = verbose
        self.dumb, self.far = dumb, far
        self.client = Host("client", f"n64-client-{self.suffix}", verbose)
        self.gateway = Gateway("gateway", f"n64-gateway-{self.suffix}", verbose)
        self.server = Host("server", f"n64-server-{self.suffix}", verbose)
        self.hosts = [self.client, self.gateway, self.server]
        if far:
            self.router = Host("router", f"n64-router-{self.suffix}", verbose)
            self.edge = Host("edge", f"n64-edge-{self.suffix}", verbose)
            self.distant = Host("distant", f"n64-distant-{self.suffix}", verbose)
            self.hosts += [self.router, self.edge, self.distant]

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.clean()
            raise
        return self

    def __exit__(self, *_):
        self.clean()

    # building

    def build(self):
        mount_bpffs()
        for host in self.hosts:
            subprocess.run(["ip", "netns", "add", host.name], check=True)
            host.sysctl(ipv6__conf__default__accept_dad=0, ipv6__conf__default__accept_ra=0,
                        ipv6__conf__default__router_solicitations=0,
                        ipv4__conf__default__rp_filter=0, ipv4__conf__all__rp_filter=0)
            host.ip("link set dev lo up")
        self.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        self.cable(self.client, "eth0", self.gateway, "eth6")
        self.cable(self.server, "eth0", self.gateway, "eth4")
        self.gateway.ip(f"""
            addr add {GW6}/64 dev eth6 nodad
            route add {H6} dev eth6
            route add {K6} dev eth6
            addr add {GW4}/24 dev eth4
            route add 198.51.100.0/24 dev eth4
        """)
        if self.dumb:
            self.be_dumb()
        else:
            self.address()
        if self.far:
            self.build_far()

    def cable(self, one, device1, two, device2, program=True):
        subprocess.run(["ip", "link", "add", "name", device1, "netns", one.name,
                        "numrxqueues", str(QUEUES), "numtxqueues", str(QUEUES), "type", "veth",
                        "peer", "name", device2, "netns", two.name,
                        "numrxqueues", str(QUEUES), "numtxqueues", str(QUEUES)], check=True)
        for host, device in ((one, device1), (two, device2)):
            host.run(["ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off",
                      "gro", "off"])
            host.ip(f"link set dev {device} up")
        if program:
            attach_pass(one.name, device1)
        for host, device in ((one, device1), (two, device2)):
            wait_for(f"the link {host.role}:{device}",
                     lambda h=host, d=device: "LOWER_UP" in h.link(d)["flags"])

    def address(self):
        self.client.ip(f"""
            addr add {H6}/128 dev eth0 nodad
            addr add {K6}/128 dev eth0 nodad
            route add {GW6} dev eth0
            route add default via {GW6} dev eth0 src {H6}
        """)
        self.server.ip(f"""
            addr add {S4}/32 dev eth0
            route add {GW4} dev eth0
            route add default via {GW4} dev eth0 src {S4}
        """)
        # The far IPv6 world is behind the client's router.
        link_local = wait_for("the client's link-local address", lambda: link_local_of(
            self.client, "eth0"))
        self.gateway.ip(f"route add default via {link_local} dev eth6")

    def be_dumb(self):
        client, server = self.client.mac("eth0"), self.server.mac("eth0")
        self.gateway.ip(f"""
            neigh add fe80::c lladdr {client} dev eth6 nud permanent
            neigh add {H6} lladdr {client} dev eth6 nud permanent
            neigh add {K6} lladdr {client} dev eth6 nud permanent
            route add default via fe80::c dev eth6
            neigh add {S4} lladdr {server} dev eth4 nud permanent
            neigh add {R4} lladdr {server} dev eth4 nud permanent
            neigh add 203.0.113.2 lladdr {server} dev eth4 nud permanent
            route add default via 203.0.113.2 dev eth4
        """)

    def build_far(self):
        self.cable(self.router, "near", self.gateway, "eth5")
        self.cable(self.edge, "low", self.router, "low")
        self.cable(self.distant, "eth0", self.edge, "far")
        self.router.sysctl(ipv4__ip_forward=1)
        self.edge.sysctl(ipv4__ip_forward=1)
        self.gateway.ip(f"""
            addr add {GW4}/32 dev eth5
            route add {R4} dev eth5
            route add 192.0.2.128/25 via {R4} dev eth5
        """)
        # One address for the whole router, as providers number them.
        self.router.ip(f"""
            addr add {R4}/32 dev near
            addr add {R4}/32 dev low
            route add {GW4} dev near
            route add default via {GW4} dev near
            link set dev low mtu {self.FAR_MTU}
            route add {self.EDGE4} dev low
            route add 192.0.2.192/26 via {self.EDGE4} dev low
        """)
        self.edge.ip(f"""
            addr add {self.EDGE4}/32 dev low
            addr add 192.0.2.193/26 dev far
            link set dev low mtu {self.FAR_MTU}
            route add {R4} dev low
            route add default via {R4} dev low
        """)
        self.distant.ip(f"""
            addr add {self.FAR4}/26 dev eth0
            route add default via 192.0.2.193
        """)

    # taking down

    def clean(self):
        # Interrupts wait: a half-removed topology helps nobody.
        old = signal.signal(signal.SIGINT, signal.SIG_IGN) if _main_thread() else None
        try:
            for host in self.hosts:
                host.stop_all()
            self.gateway.clean()
            for host in self.hosts:
                if os.path.exists(f"/run/netns/{host.name}"):
                    subprocess.run(["ip", "netns", "del", host.name], check=False)
        finally:
            if old is not None:
                signal.signal(signal.SIGINT, old)


def _main_thread():
    import threading  # only here
    return threading.current_thread() is threading.main_thread()


def link_local_of(host, device):
    for link in json.loads(host.out(["ip", "-j", "-6", "addr", "show", "dev", device])):
        for address in link.get("addr_info", []):
            if address["local"].startswith("fe80:") and not address.get("tentative"):
                return address["local"]
    return None


def mount_bpffs():
    """A fresh machine without systemd has no bpffs."""
    with open("/proc/mounts", encoding="ascii") as mounts:
        if any(line.split()[1:3] == ["/sys/fs/bpf", "bpf"] for line in mounts):
            return
    subprocess.run(["mount", "-t", "bpf", "bpf", "/sys/fs/bpf"], check=True)


def why_not():
    """Why the tests of this folder cannot run here; None if they can."""
    if os.geteuid() != 0:
        return "needs root: makes network namespaces and loads BPF programs"
    return None


@contextlib.contextmanager
def config_file(text):
    """A YAML file for -c."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="xdp-nat64-", delete=False) as f:
        f.write(text)
    try:
        yield f.name
    finally:
        os.unlink(f.name)
