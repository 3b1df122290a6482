# SPDX-License-Identifier: GPL-2.0-only
"""What the demo does with real programs: each function returns a line for the table or
raises Failed."""

import hashlib
import json
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor

from lib import GW4, H4, S6, Failed, Topology


def ping(host, target, count=5):
    text = host.out(["ping", "-n", "-c", str(count), "-i", "0.1", "-W", "2", target], check=False)
    got = int((re.search(r"(\d+) received", text) or [0, 0])[1])
    if got != count:
        raise Failed(f"{got} of {count} answers\n{text}")
    average = re.search(r"= [\d.]+/([\d.]+)/", text)[1]
    return f"{got} of {count} answered, {float(average):.2f} ms on average"


def pings(topology):
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda host: ping(host, S6, 10), topology.clients))
    average = sum(float(text.split(", ")[1].split()[0]) for text in said) / len(said)
    return f"{10 * len(said)} of {10 * len(said)} answered, {average:.2f} ms on average"


def traceroute(host, target, hops, *words):
    text = host.out(["traceroute", "-n", "-q", "1", "-w", "2", "-m", "8", *words, target])
    seen = re.findall(r"^ *\d+  (\S+)", text, re.M)
    if seen != hops:
        raise Failed(f"hops {', '.join(seen)} instead of {', '.join(hops)}\n{text}")
    return seen


def show_hops(seen, names):
    return f"{len(seen)} hops, addresses right: {', '.join(names)}"


def curl(host, servers, url=f"http://[{S6}]/file"):
    speed = fetch(host, servers, url)
    return f"SHA-256 equal, {speed / 1e6:,.0f} MB/s"


def fetch(host, servers, url):
    """Bytes per second."""
    got = os.path.join(servers.folder, "got-" + host.role)
    text = host.out(["curl", "-gsS", "-o", got, "-w", "%{speed_download}", url], timeout=120)
    with open(got, "rb") as f:
        digest = hashlib.file_digest(f, "sha256").hexdigest()
    os.unlink(got)
    if digest != servers.sha256:
        raise Failed(f"the file arrived at {host.role} with another SHA-256")
    return float(text)


def downloads(topology, servers):
    with ThreadPoolExecutor() as pool:
        speeds = list(pool.map(lambda host: fetch(host, servers, f"http://[{S6}]/file"),
                               topology.clients))
    return f"{len(speeds)} times SHA-256 equal, {sum(speeds) / 1e6:,.0f} MB/s in all"


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


def socket_buffer():
    """What a socket may have; iperf3 refuses to begin with less than it was told."""
    most = 2 << 20
    for name in ("rmem_max", "wmem_max"):
        with open(f"/proc/sys/net/core/{name}", encoding="ascii") as f:
            most = min(most, int(f.read()))
    return str(most)


def iperf_udp(topology):
    end = iperf(topology, "-u", "-b", "100M", "-l", "1200", "-w", socket_buffer())["sum"]
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


def large_ping(topology, target=H4):
    """1500 bytes of IPv4 would be 1520 of IPv6: the gateway says so."""
    text = topology.server.out(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", "-M", "do", "-s",
                                "1472", target], check=False)
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
