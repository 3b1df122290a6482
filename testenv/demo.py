# SPDX-License-Identifier: GPL-2.0-only
"""The demo: IPv6-only clients talk to IPv4-only servers through xdp-nat64, with real
programs, in network namespaces of this machine. `sudo make demo` (mode stateful),
`sudo make demo MODE=siit` or `MODE=dynamic`."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import demo_dynamic
import demo_siit
import demo_stateful
import lib
from lib import S6, Failed


KEPT = "/run/xdp-nat64-demo"
MODES = {"stateful": demo_stateful, "siit": demo_siit, "dynamic": demo_dynamic}


def record(topology, folder, mode):
    """What `make demo-clean` finds, also when this process is killed."""
    os.makedirs(KEPT, exist_ok=True)
    with open(os.path.join(KEPT, topology.suffix), "w", encoding="utf-8") as f:
        json.dump({"folder": folder, "mode": mode}, f)


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
            kept_as = json.load(f)
        topology = MODES[kept_as["mode"]].TOPOLOGY(far=True, suffix=suffix)
        topology.gateway.attached = True
        for host in topology.hosts:
            pids = subprocess.run(["ip", "netns", "pids", host.name], capture_output=True,
                                  text=True, check=False).stdout.split()
            for pid in pids if host is not topology.gateway else []:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
        topology.clean()
        shutil.rmtree(kept_as["folder"], ignore_errors=True)
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
    parser.add_argument("--mode", choices=MODES, default="stateful")
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
    mode = MODES[args.mode]
    topology = mode.TOPOLOGY(far=True, verbose=args.verbose)
    kept = False
    try:
        record(topology, folder, args.mode)
        topology.build()
        status = mode.run(topology, folder)
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
