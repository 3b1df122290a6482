# SPDX-License-Identifier: GPL-2.0-only
"""The demo: an IPv6-only client talks to IPv4-only servers through xdp-nat64, with
real programs, in network namespaces of this machine. `sudo make demo`."""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import lib
from lib import GW4, GW6, H4, PREF64, R4, S4, S6, Failed, Topology, wait_for

KEPT = "/run/xdp-nat64-demo"
FILE_SIZE = 100 * 1000 * 1000

PICTURE = """
    client            gateway: xdp-nat64                            servers
  IPv6 only      ______________________________                     IPv4 only
                |                              |
  2001:db8:     | eth6                    eth4 |=================== 198.51.100.10
  a::33  =======| 2001:db8:ffff::1             |
                |                         eth5 |=== router === edge === 192.0.2.200
                |____________ 203.0.113.1 _____|            1400-byte       ("distant")
                                                            link
"""

COLUMNS = "  {:<30} {:<48} {:>10} {:>10}"


# ---- what each line of the table counts ------------------------------------------


def traffic(before, after):
    """Packets translated in the fast path and in the slow path, and why slow."""
    fast = slow = 0
    why = {}
    for stage, reasons in after.since(before).items():
        for reason, packets in reasons.items():
            if stage == "worker":
                continue
            if reason.startswith(("fwd_", "kern_")):
                fast += packets
            elif lib.kind(reason) == "SLOW":
                slow += packets
                why[reason] = why.get(reason, 0) + packets
    return fast, slow, why


class Table:
    def __init__(self, gateway):
        self.gateway = gateway
        self.failed = 0
        self.why = {}

    def head(self):
        print(COLUMNS.format("What", "What happened", "fast path", "slow path"))
        print(COLUMNS.format("-" * 30, "-" * 48, "packets", "packets"), flush=True)

    def row(self, what, experiment):
        before = self.gateway.stats()
        try:
            result, good = experiment(), True
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            result, good = f"FAILED: {str(error).strip().splitlines()[0]}", False
            detail = str(error).strip().splitlines()[1:]
        fast, slow, why = traffic(before, self.gateway.stats())
        for reason, packets in why.items():
            self.why[reason] = self.why.get(reason, 0) + packets
        print(COLUMNS.format(what, result, f"{fast:,}", f"{slow:,}"), flush=True)
        if not good:
            self.failed += 1
            for line in detail[:20]:
                print(f"      {line}", flush=True)

    def foot(self):
        if self.why:
            print("\n  What took the slow path (the worker), and why:")
            for reason, packets in sorted(self.why.items(), key=lambda item: -item[1]):
                print(f"  {packets:>10,}  {lib.REASONS[reason][2]}")


# ---- servers ------------------------------------------------------------------------


class Servers:
    """nginx, iperf3 and unbound on the IPv4-only server; echo and a sink for uploads
    in threads, on sockets that live in the servers' namespaces."""

    def __init__(self, topology, folder):
        self.topology, self.folder = topology, folder
        self.sockets = []

    def start(self):
        self.start_nginx()
        self.start_unbound()
        server = self.topology.server
        server.start(["iperf3", "-s", "-B", S4])
        for what, port in (("nginx", 80), ("iperf3", 5201)):
            wait_for(f"{what} on the server", lambda p=port: server.listening(p))
        wait_for("unbound on the server", lambda: server.listening(53, udp=True))
        self.echo(server.socket(socket.AF_INET, socket.SOCK_DGRAM), (S4, 4000))
        self.sink(self.topology.distant.socket(socket.AF_INET, socket.SOCK_STREAM),
                  (Topology.FAR4, 5000))

    def start_nginx(self):
        self.file = os.path.join(self.folder, "file")
        block = os.urandom(1 << 20)
        digest = hashlib.sha256()
        with open(self.file, "wb") as f:
            for at in range(0, FILE_SIZE, len(block)):
                piece = block[:min(len(block), FILE_SIZE - at)]
                f.write(piece)
                digest.update(piece)
        self.sha256 = digest.hexdigest()
        os.chmod(self.folder, 0o755)
        config = os.path.join(self.folder, "nginx.conf")
        temp = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(config, "w", encoding="ascii") as f:
            f.write(f"daemon off; pid {self.folder}/nginx.pid; error_log stderr;\n"
                    "worker_processes 1; events {}\n"
                    f"http {{ access_log off; sendfile on; {temp}\n"
                    f"server {{ listen {S4}:80; root {self.folder}; }} }}\n")
        self.topology.server.start(["nginx", "-c", config, "-e", "stderr"])

    def start_unbound(self):
        config = os.path.join(self.folder, "unbound.conf")
        strings = " ".join('"' + f"{i:02}-" + "x" * 197 + '"' for i in range(15))
        with open(config, "w", encoding="ascii") as f:
            f.write('server:\n  directory: ""\n  chroot: ""\n  username: ""\n  pidfile: ""\n'
                    '  use-syslog: no\n  do-daemonize: no\n  module-config: "iterator"\n'
                    f"  interface: {S4}\n  access-control: 0.0.0.0/0 allow\n"
                    "  edns-buffer-size: 4096\n  max-udp-size: 4096\n"
                    '  local-zone: "example." static\n'
                    f"  local-data: 'large.example. TXT {strings}'\n"
                    "remote-control:\n  control-enable: no\n")
        self.topology.server.start(["unbound", "-c", config])

    def echo(self, sock, address):
        sock.bind(address)
        self.sockets.append(sock)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    data, peer = sock.recvfrom(65535)
                    sock.sendto(data, peer)
        threading.Thread(target=serve, daemon=True).start()

    def sink(self, sock, address):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen()
        self.sockets.append(sock)

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = sock.accept()
                    digest = hashlib.sha256()
                    while data := peer.recv(1 << 16):
                        digest.update(data)
                    peer.sendall(digest.hexdigest().encode())
                    peer.close()
        threading.Thread(target=serve, daemon=True).start()

    def stop(self):
        for sock in self.sockets:
            sock.close()


# ---- experiments ------------------------------------------------------------------------


def ping(host, target, count=5):
    text = host.out(["ping", "-n", "-c", str(count), "-i", "0.1", "-W", "2", target], check=False)
    got = int((re.search(r"(\d+) received", text) or [0, 0])[1])
    if got != count:
        raise Failed(f"{got} of {count} answers\n{text}")
    average = re.search(r"= [\d.]+/([\d.]+)/", text)[1]
    return f"{got} of {count} answered, {float(average):.2f} ms on average"


def traceroute(host, target, hops):
    text = host.out(["traceroute", "-n", "-q", "1", "-w", "2", "-m", "8", target])
    seen = re.findall(r"^ *\d+  (\S+)", text, re.M)
    if seen != hops:
        raise Failed(f"hops {', '.join(seen)} instead of {', '.join(hops)}\n{text}")
    return seen


def show_hops(seen, names):
    return f"{len(seen)} hops, addresses right: {', '.join(names)}"


def curl(topology, servers):
    got = os.path.join(servers.folder, "got")
    text = topology.client.out(["curl", "-gsS", "-o", got, "-w", "%{speed_download}",
                                f"http://[{S6}]/file"], timeout=120)
    with open(got, "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    os.unlink(got)
    if digest != servers.sha256:
        raise Failed("the file arrived with another SHA-256")
    return f"SHA-256 equal, {float(text) / 1e6:,.0f} MB/s"


def iperf(topology, *words):
    text = topology.client.out(["iperf3", "-c", S6, "-t", "3", "-J", *words], check=False)
    tree = json.loads(text)
    if "error" in tree:
        raise Failed(tree["error"])
    return tree["end"]


def iperf_tcp(topology, *words):
    end = iperf(topology, *words)
    return (f"{end['sum_received']['bits_per_second'] / 1e9:.2f} Gbit/s, "
            f"{end['sum_sent'].get('retransmits', 0)} segments sent again")


def iperf_udp(topology):
    end = iperf(topology, "-u", "-b", "200M", "-l", "1200")["sum"]
    if end["lost_percent"] > 5:
        raise Failed(f"{end['lost_percent']:.1f} % of {end['packets']} packets lost")
    return (f"{end['bits_per_second'] / 1e6:.0f} Mbit/s, {end['packets']:,} packets, "
            f"{end['lost_packets']} lost")


def datagrams(topology, size=4000, count=20):
    with topology.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(3)
        sock.connect((S6, 4000))
        for number in range(count):
            data = os.urandom(size)
            sock.send(data)
            try:
                back = sock.recv(65535)
            except TimeoutError:
                raise Failed(f"datagram {number + 1} of {count} did not come back") from None
            if back != data:
                raise Failed(f"datagram {number + 1} of {count} came back changed")
    return f"{count} of {count} came back, equal byte for byte"


def small_link(topology):
    """The client starts with 1500 bytes; the 1400-byte link is found by the error
    that its router sends, translated into a Packet Too Big of 1420."""
    topology.client.run(["ip", "-6", "route", "flush", "cache"])
    data = os.urandom(1 << 20) * 5
    with topology.client.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.settimeout(10)
        sock.connect((Topology.FAR6, 5000))
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = sock.recv(64).decode()
    if answer != hashlib.sha256(data).hexdigest():
        raise Failed("what arrived has another SHA-256")
    route = topology.client.out(["ip", "-6", "route", "get", Topology.FAR6])
    mtu = re.search(r"mtu (\d+)", route)
    if not mtu or int(mtu[1]) != Topology.FAR_MTU + 20:
        learnt = mtu[1] if mtu else "not known"
        raise Failed(f"the client's path MTU is {learnt}, not 1420\n{route}")
    return f"5 MB arrived, client learnt {mtu[1]} (1400 + 20)"


def large_ping(topology):
    """1500 bytes of IPv4 would be 1520 of IPv6: the gateway says so."""
    text = topology.server.out(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "-M", "do", "-s",
                                "1472", H4], check=False)
    told = re.search(r"From (\S+) .*mtu ?= ?(\d+)", text)
    if not told or (told[1], told[2]) != (GW4, "1480"):
        raise Failed(f"no 'fragmentation needed' with 1480 from {GW4}\n{text}")
    return f"{told[1]} says: fragmentation needed, {told[2]}"


def dns(topology):
    text = topology.client.out(["dig", f"@{S6}", "+notcp", "+ignore", "+bufsize=4096", "+tries=2",
                                "+time=3", "large.example", "TXT"], check=False)
    size = re.search(r"MSG SIZE  rcvd: (\d+)", text)
    if not size or "status: NOERROR" not in text or "(UDP)" not in text or " tc" in text:
        raise Failed(f"no answer\n{text}")
    if int(size[1]) < 3000:
        raise Failed(f"the answer has {size[1]} bytes, too few to prove anything")
    return f"answer of {size[1]} bytes in one UDP datagram"


def experiments(topology, servers):
    client, server = topology.client, topology.server
    far6 = str(Topology.FAR6)
    r6, e6 = (f"2001:db8:64::{a}" for a in ("c633:64fe", "c000:281"))
    yield "ping, client to server", lambda: ping(client, S6)
    yield "ping, server to client", lambda: ping(server, H4)
    yield "traceroute, client to distant", lambda: show_hops(
        traceroute(client, far6, [GW6, r6, e6, "2001:db8:64::c000:2c8"]),
        ["gateway", "router", "edge"])
    yield "traceroute, distant to client", lambda: show_hops(
        traceroute(topology.distant, H4, ["192.0.2.193", R4, GW4, H4]),
        ["edge", "router", "gateway"])
    yield "curl, 100 MB over HTTP", lambda: curl(topology, servers)
    yield "iperf3 TCP, client to server", lambda: iperf_tcp(topology)
    yield "iperf3 TCP, server to client", lambda: iperf_tcp(topology, "-R")
    yield "iperf3 UDP, client to server", lambda: iperf_udp(topology)
    yield "UDP echo of 4,000 bytes", lambda: datagrams(topology)
    yield "TCP through a 1400-byte link", lambda: small_link(topology)
    yield "ping of 1,500 bytes, DF set", lambda: large_ping(topology)
    yield "DNS over UDP, large answer", lambda: dns(topology)


# ---- the whole ----------------------------------------------------------------------------


def show(words):
    print(f"  gateway# {' '.join(words)}")


def run(topology, folder):
    print(PICTURE)
    print(f"  The client sees 198.51.100.10 as {S6} (pref64 {PREF64});")
    print(f"  the servers see the client as {H4} (an explicit address mapping).\n")
    words = ["attach", "--native"]
    show(["xdp-nat64", *words, "-i", "eth6", "-i", "eth4", "-i", "eth5", "-6", PREF64,
          "--eam", f"{H4}={lib.H6}", "--name", topology.gateway.instance])
    done = topology.gateway.attach("--native", "--eam", f"{H4}={lib.H6}", eam=False,
                                   devices=("eth6", "eth4", "eth5"))
    for line in done.stdout.strip().splitlines():
        print(f"  {line}")
    print()
    servers = Servers(topology, folder)
    try:
        servers.start()
        topology.gateway.wait_worker()
        table = Table(topology.gateway)
        table.head()
        for what, experiment in experiments(topology, servers):
            table.row(what, experiment)
        table.foot()
    finally:
        servers.stop()
    print()
    if table.failed:
        print(f"  {table.failed} of the above failed.")
    else:
        print("  Everything works.")
    return 1 if table.failed else 0


def record(topology, folder):
    """What `make demo-clean` finds, also when this process is killed."""
    os.makedirs(KEPT, exist_ok=True)
    with open(os.path.join(KEPT, topology.suffix), "w", encoding="utf-8") as f:
        json.dump({"folder": folder}, f)


def forget(suffix):
    with contextlib.suppress(OSError):
        os.unlink(os.path.join(KEPT, suffix))
        os.rmdir(KEPT)


def keep(topology):
    print("\n  The topology stands. To enter it:")
    for host in topology.hosts:
        command = f"sudo nsenter --net=/run/netns/{host.name} bash"
        print(f"    {command:<58} # {host.role}")
    name = topology.gateway.instance
    print("  On the gateway, for instance:")
    print(f"    {lib.PROGRAM} status --name {name}")
    print(f"    {lib.PROGRAM} stats --name {name}")
    print(f"    tcpdump -ni {topology.gateway.pair}    # what the kernel is given and routes back")
    print(f"  On the client:  ping {S6}")
    print("  To remove it: sudo make demo-clean")


def clean():
    """Takes down every topology that KEEP=1 or a killed demo left."""
    kept = sorted(os.listdir(KEPT)) if os.path.isdir(KEPT) else []
    for suffix in kept:
        path = os.path.join(KEPT, suffix)
        with open(path, encoding="utf-8") as f:
            folder = json.load(f)["folder"]
        topology = Topology(far=True, suffix=suffix)
        topology.gateway.attached = True
        for host in topology.hosts:
            pids = subprocess.run(["ip", "netns", "pids", host.name], capture_output=True,
                                  text=True, check=False).stdout.split()
            for pid in pids if host is not topology.gateway else []:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
        topology.clean()
        shutil.rmtree(folder, ignore_errors=True)
        forget(suffix)
        print(f"removed the demo {suffix}")
    if not kept:
        print("no demo stands")
    return 0


def stop_on_signal(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the topology standing")
    parser.add_argument("--clean", action="store_true", help="remove what --keep left")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every command")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("The demo makes network namespaces and loads BPF programs: run it as root"
              " (sudo make demo).", file=sys.stderr)
        return 1
    if args.clean:
        return clean()
    signal.signal(signal.SIGTERM, stop_on_signal)
    signal.signal(signal.SIGHUP, stop_on_signal)
    folder = tempfile.mkdtemp(prefix="xdp-nat64-demo-")
    topology = Topology(far=True, verbose=args.verbose)
    kept = False
    try:
        record(topology, folder)
        topology.build()
        status = run(topology, folder)
        if args.keep:
            keep(topology)
            kept = True
        sys.stdout.flush()
        return status
    except Failed as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError: # nobody reads any more; say nothing at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; cleaning up", file=sys.stderr)
        return 130
    finally:
        if not kept:
            topology.clean()
            shutil.rmtree(folder, ignore_errors=True)
            forget(topology.suffix)


if __name__ == "__main__":
    sys.exit(main())
