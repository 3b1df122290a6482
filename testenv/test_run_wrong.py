# SPDX-License-Identifier: GPL-2.0-only
"""Design 1, the client shim with wrong rules, without anybody who listens, and in programs
with more rights than their user: it stays out of the way and says so once."""

import json
import os
import shutil
import tempfile

import pytest

from lib import PROGRAM, S4
from test_run import AS_USER, CALLS, SHIM, alone, run  # noqa: F401

# What stands where the rules should be; `run` and the library read them alike.
WRONG = {
    "nothing": (None, "cannot be read: No such file"),
    "forbidden": (lambda path: open(path, "x", opener=lambda p, f: os.open(p, f, 0)).close(),
                  "cannot be read: Permission denied"),
    "folder": (os.mkdir, "cannot be read: Is a directory"),
    "pipe": (os.mkfifo, "cannot be read: not a regular file"),
    "empty": ("", "is empty; write a line"),
    "not text": ("default none\n\0", "is no rule file"),
    "too long": ("# a comment\n" * 6000, "is no rule file"),
    "prefix": ("path 192.0.2.0/24 2001:db8::/44\n", "line 1: '2001:db8::/44' is not a NAT64"),
    "default": ("\ndefault 2001:db8::1/96\n", "line 2: '2001:db8::1/96' is no default"),
    "ports": ("path 192.0.2.0/24:90-80 2001:db8::/96\n", "line 1: '192.0.2.0/24:90-80' has ports"),
    "network": ("local 10.0.0.0/8\nlocal 10.0.0.1/8\n", "line 2: '10.0.0.1/8' has bits"),
    "word": ("locale 10.0.0.0/8\n", "line 1: 'locale' is not a rule"),
}

# Sockets of several threads and of a child: is each in the kernel's list of IPv4 ones?
SOCKETS = """
import os, socket as s, threading
start, seen = threading.Barrier(4), []
def use():
    start.wait()
    for kind, sock in (("tcp", s.create_server(("0.0.0.0", 0))),
                       ("udp", s.socket(s.AF_INET, s.SOCK_DGRAM))):
        if kind == "udp":
            sock.bind(("127.0.0.1", 0))
        end = f":{sock.getsockname()[1]:04X}"
        with open(f"/proc/thread-self/net/{kind}") as f:
            seen.append((kind, any(line.split()[1].endswith(end) for line in f)))
for t in [threading.Thread(target=use) for _ in range(4)]:
    t.start()
for t in threading.enumerate()[1:]:
    t.join()
if not os.fork():
    s.create_server(("127.0.0.1", 0))
else:
    os.wait()
    print(*(f"{kind} {inside}" for kind, inside in seen), sep="\\n")
"""


@pytest.fixture
def open_folder():
    """One that users without rights see into."""
    with tempfile.TemporaryDirectory(prefix="xdp-nat64-") as folder:
        os.chmod(folder, 0o755)
        yield folder


def preloaded(host, *words, **env):
    """The library alone, as a user without rights."""
    return host.run([*AS_USER, "env", f"LD_PRELOAD={SHIM}",
                     *(f"{key}={value}" for key, value in env.items()), *words], check=False)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_file(alone, open_folder, name):
    """`run` does not start; the library alone says it once and stays out of the way."""
    what, text = WRONG[name]
    rules = os.path.join(open_folder, "client.conf")
    if isinstance(what, str):
        with open(rules, "w", encoding="ascii") as f:
            f.write(what)
    elif what:
        what(rules)
    done = run(alone, "true", options=("-c", rules), before=AS_USER)
    assert done.returncode == 2 and text in done.stderr, done.stderr
    done = preloaded(alone, "/usr/bin/python3", "-c", SOCKETS, XDP_NAT64_CONFIG=rules)
    assert done.returncode == 0 and text in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and rules in done.stderr, done.stderr
    assert sorted(done.stdout.splitlines()) == ["tcp True"] * 4 + ["udp True"] * 4


def test_wrong_prefix(alone):
    """The same of the environment; and the bed shows what is not left alone."""
    done = preloaded(alone, "/usr/bin/python3", "-c", SOCKETS, XDP_NAT64_PREF64="2001:db8::/95")
    assert done.stderr.count("\n") == 1 and "'2001:db8::/95'" in done.stderr, done.stderr
    assert done.stdout.count("True") == 8
    done = preloaded(alone, "/usr/bin/python3", "-c", SOCKETS, XDP_NAT64_PREF64="2001:db8::/96")
    assert done.stderr == "" and done.stdout.count("False") == 8, done.stderr


@pytest.mark.parametrize("how", ["2>&1 | :", "2>&-", "2>&1"])
def test_nobody_listens(alone, how):
    """A program whose stderr is closed, or read by nobody any more, is told nothing and goes
    on; with a log that cannot be written the sentence goes to stderr. shim-calls does not
    ignore SIGPIPE."""
    script = f"exec 3>&1; {{ sleep 0.2; {CALLS} no_network {S4} 9; echo $? >&3; }} {how}"
    done = preloaded(alone, "bash", "-c", script, XDP_NAT64_CONFIG="/nowhere.conf",
                     XDP_NAT64_LOG="/nowhere/log")
    assert done.stdout.splitlines()[-1] == "0", done.stdout + done.stderr
    assert ("/nowhere.conf cannot be read" in done.stdout) == (how == "2>&1")


def test_setuid(alone, open_folder):
    """A program with more rights than its user does not listen to the user's environment."""
    program = shutil.copy(PROGRAM, open_folder)
    for mode, want in ((0o755, "2001:db8:1::/96"), (0o4755, "64:ff9b::/96")):
        os.chmod(program, mode)
        done = alone.run([*AS_USER, "env", "XDP_NAT64_PREF64=2001:db8:1::/96", program, "run",
                          "--json", "--check", "8.8.8.8"])
        assert json.loads(done.stdout)["prefix"] == want, mode


@pytest.mark.parametrize("mode", [0o755, 0o4755], ids=oct)
def test_setuid_with_the_library(alone, open_folder, mode):
    """The same where the library is in every program (/etc/ld.so.preload): its user can
    neither read a file that is root's nor have one written; the rules are those of /etc."""
    etc = os.path.join(open_folder, "etc")
    os.makedirs(os.path.join(etc, "xdp-nat64"))
    log, secret = (os.path.join(open_folder, name) for name in ("log", "secret"))
    for path, text in ((os.path.join(etc, "ld.so.preload"), SHIM), (secret, "secret\n"),
                       (os.path.join(etc, "xdp-nat64", "client.conf"), "default none\n")):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    os.chmod(secret, 0o600)
    program = shutil.copy(CALLS, open_folder)
    os.chmod(program, mode)
    done = alone.run(["unshare", "-m", "sh", "-c", f'mount --bind {etc} /etc && exec "$@"', "sh",
                      *AS_USER, "env", f"XDP_NAT64_CONFIG={secret}", f"XDP_NAT64_LOG={log}",
                      "XDP_NAT64_VERBOSE=1", program, "no_network", S4, "9"], check=False)
    assert done.returncode == 0 and "'secret'" not in done.stderr and not os.path.exists(log)
    said = [line for line in done.stderr.splitlines() if "xdp-nat64 run" in line]
    assert len(said) == 1, done.stderr
    assert ("no NAT64 prefix for" if mode & 0o4000 else "Permission denied") in said[0], said
