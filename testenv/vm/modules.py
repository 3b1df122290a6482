# SPDX-License-Identifier: GPL-2.0-only
"""Kernel modules without kmod, from a folder /lib/modules/VERSION as the package has it.

    modules.py FOLDER TARGET NAME...   copies what has to be loaded for these, uncompressed,
                                       to TARGET, and their names in order to TARGET/order
"""

import ctypes
import glob
import lzma
import os
import re
import subprocess
import sys


def find(folder):
    """{name: file}; modules that are part of the kernel have no file."""
    return {name_of(path): path
            for path in glob.glob(f"{folder}/kernel/**/*.ko*", recursive=True)}


def name_of(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def content(path):
    if path.endswith(".xz"):
        with lzma.open(path) as f:
            return f.read()
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-qdc", path], capture_output=True, check=True).stdout
    with open(path, "rb") as f:
        return f.read()


def builtin(folder):
    """Names; the list lies in the modules' folder or beside the kernel."""
    names = set()
    for path in glob.glob(f"{folder}/modules.builtin") + glob.glob(
            f"{folder}/../../../lib/modules/*/modules.builtin"):
        with open(path, encoding="ascii") as f:
            names |= {name_of(line.strip()) for line in f}
    return names


def needed(files, name, order, seen):
    """Appends (file, content) of a module and of what it depends on, those first."""
    name = name.replace("-", "_")
    if name in seen or name not in files:
        return
    seen.add(name)
    data = content(files[name])
    before = re.findall(rb"\0depends=([^\0]*)", data) + re.findall(
        rb"\0softdep=pre: ([^\0]*)", data)
    for one in re.split(r"[, ]+", b",".join(before).decode()):
        if one and one != "post:":
            needed(files, one, order, seen)
    order.append((files[name], data))


def load(folder, name, more):
    """Loads a module and what it needs into the running kernel; None, or why not. `more`: a
    folder with modules that are not the kernel's own, or with NAME.reason why not."""
    files = find(folder)
    files |= {name_of(path): path for path in glob.glob(f"{more}/*.ko")}
    if name not in files:
        if os.path.exists(f"{more}/{name}.reason"):
            with open(f"{more}/{name}.reason", encoding="utf-8") as f:
                return f.read().strip()
        return None if name in builtin(folder) else f"this kernel has no module {name}"
    order = []
    needed(files, name, order, set())
    libc = ctypes.CDLL(None, use_errno=True)
    for path, data in order:
        if libc.syscall(175, data, len(data), b"") != 0 and ctypes.get_errno() != 17:  # EEXIST
            return f"module {name_of(path)}: {os.strerror(ctypes.get_errno())}"
    return None


def main():
    folder, target, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    files, order, seen = find(folder), [], set()
    for name in names:
        known = builtin(folder)
        if name not in files and known and name not in known:
            sys.exit(f"{folder} has no module {name}")
        needed(files, name, order, seen)
    with open(f"{target}/order", "w", encoding="ascii") as listed:
        for path, data in order:
            with open(f"{target}/{name_of(path)}.ko", "wb") as f:
                f.write(data)
            listed.write(f"{name_of(path)}.ko\n")


if __name__ == "__main__":
    main()
