# SPDX-License-Identifier: GPL-2.0-only
"""Runs the checks of one set inside the guest, one after the other. Each line of
/out/results is "CHECK ok|FAILED|skipped SECONDS TEXT"; the whole output of a check is
/out/CHECK.log."""

import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import modules

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = "/out"
PYTEST = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=short",
          "-rfEs", "--durations=5", "-o", "console_output_style=classic"]

# What tests of the whole tree run here: those that take seconds, and that show what
# kernels differ in (BPF, XDP, namespaces, netlink), not arithmetic.
ATTACH = ["testenv/test_attach.py", "testenv/test_pool.py", "-k",
          "refused_attach or test_blocks or that_vanishes or bpffs_that"]
STATEFUL = ["testenv/test_st_hosts.py", "testenv/test_st_packets.py"]

# name: (set, seconds, modules, how, what)
CHECKS = {
    "load": ("main", 90, [], "load", ["build/vm/load", "build/vm/load-clock"]),
    "demo-siit": ("main", 200, ["veth"], "run", ["testenv/demo.py", "--mode", "siit"]),
    "demo-stateful": ("main", 200, ["veth"], "run", ["testenv/demo.py", "--mode", "stateful"]),
    "vlan": ("main", 100, ["veth", "8021q"], "pytest", ["testenv/vm/test_devices.py", "-k",
                                                        "vlan"]),
    "vrf": ("main", 100, ["veth", "vrf"], "pytest", ["testenv/vm/test_devices.py", "-k", "vrf"]),
    "bond": ("main", 100, ["veth", "bonding"], "pytest", ["testenv/vm/test_devices.py", "-k",
                                                          "bond"]),
    "wireguard": ("main", 100, ["veth", "wireguard"], "pytest",
                  ["testenv/vm/test_devices.py", "-k", "wireguard"]),
    "macvlan": ("main", 100, ["veth", "macvlan"], "pytest", ["testenv/test_worker_host.py", "-k",
                                                             "macvlan"]),
    "golden": ("main", 400, ["veth"], "pytest", ["testenv/test_golden.py", "-k", "fast"]),
    "stateful": ("main", 400, ["veth"], "pytest", STATEFUL),
    "siit": ("main", 300, ["veth"], "pytest", ["testenv/test_hosts.py", "-k", "ttl_loss or quiet"
                                               " or traceroute or fragment"]),
    "attach": ("main", 300, ["veth", "bridge", "tun"], "pytest", ATTACH),
    "xdp-stateful": ("main", 300, ["veth"], "cmocka",
                     ["build/test/state_path_test", "build/test/state_pref_test",
                      "build/test/state_tcp_test"]),
    "xdp-siit": ("main", 400, ["veth"], "cmocka", ["build/test/path_test"]),
    "nic-attach": ("nics", 120, ["virtio_net"], "pytest", ["testenv/vm/test_nics.py", "-k",
                                                           "native"]),
    "nic-traffic": ("nics", 200, ["virtio_net"], "pytest", ["testenv/vm/test_nics.py", "-k",
                                                            "through"]),
    "pktgen": ("nics", 200, ["virtio_net", "pktgen"], "pytest", ["testenv/vm/test_nics.py", "-k",
                                                                 "pktgen"]),
}


# What the kernel would load by itself when it is asked for, if this machine had kmod.
ALWAYS = ["veth", "dummy", "tun", "bridge", "inet_diag", "tcp_diag", "udp_diag", "nf_tables",
          "nft_ct", "nft_limit", "nft_compat", "sch_netem"]


def missing_module(names):
    folder = f"/lib/modules/{os.uname().release}"
    reasons = [modules.load(folder, name) for name in names]
    return next((reason for reason in reasons if reason), None)


def run(words, log, seconds):
    """(status, output); status None when it took too long."""
    log.write(" ".join(words) + "\n")
    log.flush()
    begin = log.tell()
    try:
        status = subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, cwd=TOP,
                                stdin=subprocess.DEVNULL, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        status = None
    log.flush()
    with open(log.name, encoding="utf-8", errors="replace") as f:
        f.seek(begin)
        return status, f.read()


def check_load(words, log, seconds):
    """The programs, and those with the clock of the tests: their stacks differ."""
    bad, rows = [], []
    for program in words:
        status, text = run([os.path.join(TOP, program)], log, seconds)
        found = re.findall(r"^(\S+) +(\S+) +(FAILED|\d+)", text, re.M)
        bad += [f"{os.path.basename(program)}: {row[0]} {row[1]}" for row in found
                if row[2] == "FAILED"]
        if status != 0 and not bad:
            bad.append(f"{program}: exit status {status}")
        rows += [(int(row[2]), row) for row in found if row[2] != "FAILED"]
    if bad:
        return "FAILED", ", ".join(bad)
    most = max(rows)[1]
    return "ok", f"at most {most[2]} instructions ({most[0]} {most[1]})"


def check_cmocka(words, log, seconds):
    passed, failed = 0, []
    for program in words:
        status, text = run([os.path.join(TOP, program)], log, seconds)
        passed += sum(map(int, re.findall(r"\[  PASSED +\] +(\d+) test", text)))
        failed += re.findall(r"\[  FAILED +\] (\w+)$", text, re.M)
        if status != 0 and not failed:
            failed.append(f"{os.path.basename(program)}: "
                          + ("took too long" if status is None else f"exit status {status}"))
    if failed:
        return "FAILED", ", ".join(failed)
    return ("ok", f"{passed} tests") if passed else ("FAILED", "ran no test")


def check_pytest(words, log, seconds):
    report = os.path.join("/tmp", "report.xml")
    if os.path.exists(report):
        os.unlink(report)
    status, _ = run([*PYTEST, f"--junitxml={report}", *words], log, seconds)
    if status is None:
        return "FAILED", f"took more than {seconds} s"
    cases = list(ET.parse(report).getroot().iter("testcase")) if os.path.exists(report) else []
    failed = [case.get("name") for case in cases
              if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case.find("skipped").get("message") for case in cases
               if case.find("skipped") is not None]
    if failed or status not in (0, 1):
        more = f" and {len(failed) - 2} more" if len(failed) > 2 else ""
        return "FAILED", (", ".join(failed[:2]) or f"exit status {status}") + more
    if skipped and len(skipped) == len(cases):
        return "skipped", skipped[0].removeprefix("Skipped: ")
    return "ok", f"{len(cases) - len(skipped)} tests" + (
        f", {len(skipped)} skipped" if skipped else "")


def check_run(words, log, seconds):
    status, text = run([sys.executable, "-B", *words], log, seconds)
    if status != 0:
        bad = [line.strip() for line in text.splitlines() if "FAILED" in line]
        return "FAILED", bad[0][:100] if bad else f"exit status {status}"
    return "ok", text.strip().splitlines()[-1]


HOW = {"load": check_load, "cmocka": check_cmocka, "pytest": check_pytest, "run": check_run}


def main():
    missing_module(ALWAYS)
    wanted = os.environ.get("CHECKS", "").split()
    for name, (group, seconds, needs, how, words) in CHECKS.items():
        if group != sys.argv[1] or (wanted and name not in wanted):
            continue
        begin = time.monotonic()
        reason = missing_module(needs)
        if reason:
            word, text = "skipped", reason
        else:
            with open(f"{OUT}/{name}.log", "w+", encoding="utf-8") as log:
                word, text = HOW[how](words, log, seconds)
        with open(f"{OUT}/results", "a", encoding="utf-8") as results:
            results.write(f"{name} {word} {time.monotonic() - begin:.0f} {text}\n")


if __name__ == "__main__":
    main()
