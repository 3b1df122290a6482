# SPDX-License-Identifier: GPL-2.0-only
"""Runs checks inside the guest, one after the other. Each line of
/out/results is "CHECK ok|FAILED|skipped SECONDS TEXT"; the whole output of a check is
/out/CHECK.log."""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import modules

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = "/out"
PYTEST = ["-p", "no:cacheprovider", "-q", "--tb=short", "-rfEs", "--durations=5",
          "-o", "console_output_style=classic"]

# What tests of the whole tree run here: those that take seconds, and that show what
# kernels differ in (BPF, XDP, namespaces, netlink), not arithmetic.
ATTACH = ["testenv/test_attach.py", "testenv/test_pool.py", "-k",
          "refused_attach or test_blocks or that_vanishes or bpffs_that"]
# Each of these attaches, and the verifier takes half a minute for mode stateful: one row for
# each way that a packet can take through the kernel.
WAYS = ("(6to4-resolved and neighbour-10) or (4to6-unresolved and neighbour-10) or "
        "4to6-fragment-10 or (6to4-device and devmap-10) or (4to6-device and unresolved-10) or "
        "quiet")
STATEFUL = ["testenv/test_st_hosts.py", "testenv/test_st_packets.py", "-k",
            f"{WAYS} or not_ours or GENERR-14 or ICQ-04"]
DEVICES = ["testenv/vm/test_devices.py", "-k"]
NICS = ["testenv/vm/test_nics.py", "-k"]

# A check is one row. machine: "nics" needs the four virtio-net devices, "main" does not;
# seconds: the most that it may take, about five times what it takes on a machine with nothing
# else to do (PATIENCE=20 of test-kernels: twice that); modules: what the kernel must have, or it
# is skipped; how: one of HOW; what: its words; every: on every kernel, not only on the chosen
# ones of test-kernels.
Check = collections.namedtuple("Check", "machine seconds modules how what every",
                               defaults=[False])
CHECKS = {
    "load": Check("main", 300, [], "load", ["build/vm/load"], True),
    "demo-siit": Check("main", 400, ["veth"], "run", ["testenv/demo.py", "--mode", "siit"]),
    "demo-stateful": Check("main", 600, ["veth"], "run",
                           ["testenv/demo.py", "--mode", "stateful"]),
    "vlan": Check("main", 600, ["veth", "8021q"], "pytest", [*DEVICES, "vlan"]),
    "vrf": Check("main", 400, ["veth", "vrf"], "pytest", [*DEVICES, "vrf"]),
    "bond": Check("main", 900, ["veth", "bonding"], "pytest", [*DEVICES, "bond"]),
    "wireguard": Check("main", 400, ["veth", "wireguard"], "pytest", [*DEVICES, "wireguard"]),
    "dummy": Check("main", 400, ["veth", "dummy"], "pytest", [*DEVICES, "dummy"]),
    "macvlan": Check("main", 200, ["veth", "macvlan"], "pytest",
                     ["testenv/test_worker_host.py", "-k", "macvlan"]),
    "golden": Check("main", 900, ["veth"], "pytest", ["testenv/test_golden.py", "-k", "fast"],
                    True),
    "stateful": Check("main", 1500, ["veth"], "pytest", STATEFUL),
    "siit": Check("main", 600, ["veth"], "pytest",
                  ["testenv/test_hosts.py", "-k", f"{WAYS} or traceroute"]),
    "attach": Check("main", 1200, ["veth", "bridge", "tun"], "pytest", ATTACH, True),
    "xdp-stateful": Check("main", 1500, ["veth"], "cmocka",
                          ["build/test/state_path_test", "build/test/state_pref_test",
                           "build/test/state_tcp_test"]),
    "xdp-siit": Check("main", 1800, ["veth"], "cmocka",
                      ["build/test/path_test", "build/test/pair_test",
                       "build/test/dynamic_pair_test"]),
    "micro": Check("main", 300, ["veth"], "micro", ["build/bench/micro", "--json"]),
    "nic-attach": Check("nics", 400, ["virtio_net"], "pytest", [*NICS, "native"]),
    "nic-traffic": Check("nics", 400, ["virtio_net"], "pytest", [*NICS, "through"], True),
    "pktgen": Check("nics", 500, ["virtio_net", "pktgen"], "pytest",
                    ["testenv/vm/test_pktgen.py", "-k", "not stateful"], True),
    "pktgen-st": Check("nics", 500, ["virtio_net", "pktgen"], "pytest",
                       ["testenv/vm/test_pktgen.py", "-k", "stateful"]),
    "tune": Check("nics", 400, ["virtio_net"], "pytest", ["testenv/vm/test_tune_nics.py"]),
    "jool": Check("nics", 900, ["virtio_net", "pktgen", "jool", "jool_siit"], "pytest",
                  ["testenv/vm/test_jool.py"]),
}


# What the kernel would load by itself when it is asked for, if this machine had kmod.
ALWAYS = ["veth", "dummy", "tun", "bridge", "inet_diag", "tcp_diag", "udp_diag", "nf_tables",
          "nft_ct", "nft_limit", "nft_compat", "sch_netem"]


def missing_module(names):
    release = os.uname().release
    reasons = [modules.load(f"/lib/modules/{release}", name, f"{TOP}/build/vm/modules/{release}")
               for name in names]
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


def run_pytest(words, log, seconds):
    """The same in a process of this one: what an emulated machine takes half a minute to
    import is there already."""
    import pytest  # pylint: disable=import-outside-toplevel
    log.write("pytest " + " ".join(words) + "\n")
    log.flush()
    child = os.fork()
    if not child:
        os.setsid()
        os.chdir(TOP)
        for fd in (1, 2):
            os.dup2(log.fileno(), fd)
        os._exit(pytest.main([*PYTEST, *words]))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.2)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def preload():
    """What the tests import."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, f"{TOP}/testenv")
    import lib  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    import pytest  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import
    import scapy.all  # noqa: F401  pylint: disable=import-outside-toplevel,unused-import


def check_load(words, log, seconds):
    """Rows of load.c: program, configuration, instructions, states, stack, milliseconds."""
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
        # once where it failed, and once in the list at the end
        failed += dict.fromkeys(re.findall(r"\[  FAILED +\] (\w+)$", text, re.M))
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
    status = run_pytest([f"--junitxml={report}", *words], log, seconds)
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
    with open(log.name, encoding="utf-8", errors="replace") as f:
        told = re.findall(r"figures: (.*)", f.read())
    return "ok", "; ".join([f"{len(cases) - len(skipped)} tests" + (
        f", {len(skipped)} skipped" if skipped else ""), *told])


def check_run(words, log, seconds):
    status, text = run([sys.executable, "-B", *words], log, seconds)
    if status != 0:
        bad = [line.strip() for line in text.splitlines() if "FAILED" in line]
        return "FAILED", bad[0][:100] if bad else f"exit status {status}"
    return "ok", text.strip().splitlines()[-1]


def check_micro(words, log, seconds):
    """Instructions of each step of the fast path, where qemu's clock counts them."""
    if not os.environ.get("INSNS"):
        return "skipped", "an emulated clock says nothing; make bench-insns counts instructions"
    status, text = run([os.path.join(TOP, words[0]), *words[1:]], log, seconds)
    if status != 0:
        return "FAILED", text.strip().splitlines()[-1] if text.strip() else f"exit {status}"
    told = [f"{way['title']} {sum(step['ns'] for step in way['steps'])} instructions ("
            + ", ".join(f"{step['name']} {step['ns']}" for step in way["steps"]) + ")"
            for way in json.loads(text)]
    return "ok", "; ".join(told)


HOW = {"micro": check_micro, "load": check_load, "cmocka": check_cmocka, "pytest": check_pytest,
       "run": check_run}


def main():
    if sys.argv[1] == "list":  # for test-kernels: "CHECK MACHINE" of all or of "every"
        for name, check in CHECKS.items():
            if check.every or sys.argv[2] != "every":
                print(name, check.machine)
        return
    with open(f"{OUT}/started", "w", encoding="ascii"):
        pass
    missing_module(ALWAYS)
    patience = float(os.environ["PATIENCE"]) / 10
    wanted = os.environ["CHECKS"].split()
    chosen = {name: check for name, check in CHECKS.items()
              if name in wanted and check.machine in ("main", sys.argv[1])}
    if any(check.how == "pytest" for check in chosen.values()):
        preload()
    for name, check in chosen.items():
        begin, seconds = time.monotonic(), int(check.seconds * patience)
        with open(f"{OUT}/now", "w", encoding="ascii") as now:  # for watch_guest of test-kernels
            now.write(f"{name} {seconds}\n")
        reason = missing_module(check.modules)
        if reason:
            word, text = "skipped", reason
        else:
            with open(f"{OUT}/{name}.log", "w+", encoding="utf-8") as log:
                word, text = HOW[check.how](check.what, log, seconds)
        with open(f"{OUT}/results", "a", encoding="utf-8") as results:
            results.write(f"{name} {word} {time.monotonic() - begin:.0f} {text}\n")


if __name__ == "__main__":
    main()
