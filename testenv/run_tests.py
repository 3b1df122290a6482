# SPDX-License-Identifier: GPL-2.0-only
"""Runs the unit tests and the end-to-end tests, adds up what they report, and
ends with one line "N passed, N failed[, N skipped]". Exit code 1 if anything
failed."""

import argparse
import concurrent.futures
import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
UNIT_SECONDS = 240
CPUS = len(os.sched_getaffinity(0))
LOCK = threading.Lock()

CMOCKA = re.compile(r"\[  (PASSED|FAILED|SKIPPED) +\] +(\d+) test\(s\)")
# A program that cannot run here says so: "NAME: skipped, REASON".
SKIPPED = re.compile(r"^\S+: skipped, .*$", re.M)


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def line(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def run_unit(path):
    """One cmocka program: (passed, failed, skipped, output)."""
    env = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1")
    try:
        done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              cwd=TOP, env=env, timeout=UNIT_SECONDS, check=False)
        text, status = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace")
        text += f"\nstopped after {UNIT_SECONDS} s\n"
        status = -1
    except OSError as error:
        return 0, 1, 0, f"{path}: {error}\n"
    count = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    for word, number in CMOCKA.findall(text):
        count[word] += int(number)
    if status != 0 and not count["FAILED"]:
        count["FAILED"] = 1  # ended by a signal or a sanitizer
        text += f"\n{path}: exit status {status}\n"
    if status == 0 and not any(count.values()) and (reason := SKIPPED.search(text)):
        print(reason[0])
        count["SKIPPED"] = 1
    if not any(count.values()):
        count["FAILED"] = 1
        text += f"\n{path}: ran no test\n"
    return count["PASSED"], count["FAILED"], count["SKIPPED"], text


def run_units(paths, totals):
    """Two at a time, those of xdp/ first: they load programs case by case, and take longer than
    all others together."""
    beside(2, [functools.partial(report_unit, path, totals)
               for path in sorted(paths, key=loads_programs, reverse=True)])


def loads_programs(path):
    return os.path.exists(os.path.join(TOP, "xdp", os.path.basename(path) + ".c"))


def report_unit(path, totals):
    begin = time.monotonic()
    passed, failed, skipped, text = run_unit(path)
    took = time.monotonic() - begin
    word = "FAILED" if failed else "ok" if passed else "skipped"
    with LOCK:
        totals.add(passed, failed, skipped)
        print(f"{os.path.relpath(path, TOP):44} {passed:4} passed {word:7} {took:5.1f} s",
              flush=True)
        if failed:
            print(text, flush=True)


def beside(jobs, calls):
    """Runs them, `jobs` at a time; on one CPU one by one."""
    with concurrent.futures.ThreadPoolExecutor(jobs if CPUS > 1 else 1) as pool:
        running = [pool.submit(call) for call in calls]
        try:
            for one in running:
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_pytest(arguments, totals):
    """The files three at a time: each has namespaces of its own and does not wait for the lock
    of the others (own_run.sh), but often for something else."""
    report = os.path.join(TOP, "build", "pytest")
    shutil.rmtree(report, ignore_errors=True)
    os.makedirs(report)
    if arguments:
        run_file(arguments, os.path.join(report, "all.xml"), totals)
        return
    files = sorted(glob.glob(os.path.join(HERE, "test_*.py")), key=long_for, reverse=True)
    beside(3, [functools.partial(run_file, [os.path.relpath(name, TOP)],
                                 os.path.join(report, os.path.basename(name) + ".xml"), totals)
               for name in files])


def long_for(name):
    """The larger a file, the longer it runs, but for a few."""
    few = ("test_demo.py", "test_mapping_large.py", "test_pair_bench.py", "test_st_packets.py")
    return os.path.getsize(name) * (8 if os.path.basename(name) in few else 1)


def run_file(words, report, totals):
    command = ["sh", os.path.join(HERE, "own_run.sh"),
               sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-rfEs", "-q",
               "--tb=short", "--durations=3", "--durations-min=3", f"--junitxml={report}", *words]
    done = subprocess.run(command, cwd=TOP, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    count = read_report(report, done.returncode)
    with LOCK:
        totals.add(*count)
        print(f"{' '.join(words)}\n{done.stdout}", flush=True)
        if not any(count):
            print("pytest wrote no report: it ended before any test")
            totals.add(failed=1)


def read_report(report, status):
    """(passed, failed, skipped); all 0 if there is none."""
    try:
        suites = list(ET.parse(report).getroot().iter("testsuite"))
    except (OSError, ET.ParseError):
        return 0, 0, 0
    ran = bad = skipped = 0
    for suite in suites:
        ran += int(suite.get("tests"))
        bad += int(suite.get("failures")) + int(suite.get("errors"))
        skipped += int(suite.get("skipped"))
    if status not in (0, 1) and not bad:
        bad = 1
    return max(0, ran - bad - skipped), bad, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unit", nargs="*", metavar="PROGRAM", default=[])
    parser.add_argument("--e2e", nargs="*", metavar="PYTEST-ARGUMENT")
    args = parser.parse_args()
    totals = Totals()
    run_units(args.unit, totals)
    if args.e2e is not None and os.geteuid() != 0:
        print("The end-to-end tests were not run: they make network namespaces and load BPF"
              " programs, and need root (sudo make test).")
    elif args.e2e is not None:
        run_pytest(args.e2e, totals)
    print()
    print(totals.line(), flush=True)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
