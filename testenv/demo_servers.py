# SPDX-License-Identifier: GPL-2.0-only
"""The servers of the demo on the IPv4 side: nginx, iperf3, unbound, a UDP echo and a sink
for uploads."""

import contextlib
import hashlib
import os
import socket
import sys
import threading

from lib import PATIENCE, S4, Topology, wait_for

MEGABYTES = 100 if PATIENCE <= 1 else 5
FILE_SIZE = MEGABYTES * 1000 * 1000


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

    def start_web(self, host, port):
        """The same file from a client."""
        host.start([sys.executable, "-m", "http.server", str(port), "--bind", "::", "--directory",
                    self.folder])
        wait_for(f"the web server of {host.role}", lambda: host.listening(port))

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
