#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the man pages and dist/xdp-nat64.yaml from what the program itself is made
of: common/option.def, common/reason.def and the --help of its commands. Only the
text in docs/*.in is written by hand.

    docs/mkman.py build/xdp-nat64            writes the three files
    docs/mkman.py --check build/xdp-nat64    exit status 1 if one is out of date
"""

import ast
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MADE = ["docs/xdp-nat64.8", "docs/xdp-nat64.yaml.5", "dist/xdp-nat64.yaml"]

# A row of a .def file as a Python tuple; #x turns a bare word into a string.
OPTION_ROWS = """
#define OPT_U32(f, k, d, lo, hi, ap, doc, ru) ("number", k, #d, #lo, #hi, #ap, doc, ru)
#define OPT_OFF(f, k, lo, hi, ap, doc, ru) ("number or off", k, "off", #lo, #hi, #ap, doc, ru)
#define OPT_BOOL(f, k, d, ap, doc, ru) ("switch", k, #d, "", "", #ap, doc, ru)
#define OPT_ENUM(f, k, d, w, ap, doc, ru) ("choice", k, #d, w, "", #ap, doc, ru)
#define OPT_ADDR4(f, k, ap, doc, ru) ("IPv4 address", k, "unset", "", "", #ap, doc, ru)
#define OPT_ADDR6(f, k, ap, doc, ru) ("IPv6 address", k, "unset", "", "", #ap, doc, ru)
#define OPT_LIST(f, k, t, ap, doc, ru) ("list", k, #t, "", "", #ap, doc, ru)
#define OPT_LATER(k, doc, ru)
"""
REASON_ROWS = "#define REASON(name, kind, class, text, rule) (#name, #kind, text, rule)\n"

ELEMENTS = {"IFACE": "interfaces", "PREF64": "NAT64 prefixes", "EAM": "mappings",
            "PREFIX4": "IPv4 prefixes", "PREFIX6": "IPv6 prefixes", "NOXLAT": "destinations",
            "U32": "numbers", "POOL4": "ranges of ports", "STATIC": "mappings",
             "HOST": "pairs of addresses", "PORTTIME": "ports with seconds",
             "STATELESS": "entries"}
KINDS = {"PASS": "Not ours, left to the kernel untouched",
         "FWD": "Translated and sent on",
         "SLOW": "Handed over to the worker",
         "DROP": "Discarded",
         "ERROR": "Discarded, an ICMP error was due",
         "NOTE": "Counted beside the reason"}


def rows(macros, name):
    """The rows of common/NAME, expanded by the C preprocessor."""
    source = macros + f'#include "{name}"\n'
    done = subprocess.run([os.environ.get("CC", "cc"), "-E", "-P", "-x", "c", "-I",
                           os.path.join(TOP, "common"), "-"], input=source, text=True,
                          stdout=subprocess.PIPE, check=True)
    return [ast.literal_eval(line) for line in done.stdout.splitlines() if line.strip()]


class Option:
    def __init__(self, row):
        self.kind, self.key, self.default, self.low, self.high, apply, self.doc, self.rule = row
        self.apply = "reload" if apply == "RELOAD" else "detach and attach"
        if self.kind == "choice":
            self.words = self.low.split("|")
            self.default = self.words[int(self.default)]
        if self.kind == "switch":
            self.default = ["false", "true"][int(self.default)]

    def form(self):
        if self.kind == "list":
            return "list of " + ELEMENTS[self.default]
        if self.kind == "choice":
            return ", ".join(self.words[:-1]) + " or " + self.words[-1]
        if self.kind == "switch":
            return "true or false"
        if self.kind.startswith("number"):
            end = " or off" if self.kind.endswith("off") else ""
            return f"{self.low} to {self.high}{end}"
        return self.kind


def roff(text):
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"),
                  flags=re.MULTILINE)


def prose(text):
    """Text of --help: lines in columns stay lines, others are filled."""
    out, columns = [], False
    for line in text.splitlines():
        if bool(re.search(r"\S {2,}\S", line)) != columns:
            columns = not columns
            out.append(".nf" if columns else ".fi")
        out.append(roff(line))
    return "\n".join(out + [".fi"] * columns)


def option_page(options):
    out = []
    for o in options:
        default = "" if o.kind == "list" else f", default {o.default}"
        out += [".TP", f".BR {roff(o.key)} \" (\\fI{roff(o.form())}\\fP{roff(default)})\"",
                roff(o.doc[0].upper() + o.doc[1:]) + f". Changed by {o.apply}. [{o.rule}]"]
    return "\n".join(out)


def reason_page(reasons):
    out = []
    for kind, title in KINDS.items():
        out.append(f".SS {title}")
        for name, row_kind, text, rule in reasons:
            if row_kind == kind:
                out += [".TP", f".B {name}", f"{roff(text)} [{roff(rule)}]"]
    return "\n".join(out)


def command_page(program):
    def text_of(*words):
        return subprocess.run([program, *words], text=True, stdout=subprocess.PIPE,
                              check=True).stdout

    out = []
    for name in re.findall(r"^  ([a-z]+) +\S", text_of("--help"), re.MULTILINE):
        usage, body, options = re.split(r"\n\n", text_of(name, "--help").strip("\n"), 2)
        words = usage.split(" ", 2)[2]
        out += [".SS " + roff(words), prose(body)]
        for line in re.sub(r"\n {25,}", "  ", options).splitlines()[1:]:
            form, doc = re.match(r"  (\S.*?)  +(.*)", line).groups()
            out += [".TP", ".B " + roff(form), roff(doc)]
    return "\n".join(out), text_of("--version").split()[1]


def option_yaml(options, written):
    out = []
    for o in options:
        if o.key in written:
            continue
        out += ["", f"# {o.doc[0].upper() + o.doc[1:]} [{o.rule}].", f"# {o.form()}"]
        value = {"list": "[]", "unset": ""}.get("list" if o.kind == "list" else o.default,
                                                o.default)
        out.append(f"#{o.key}: {value}".rstrip())
    return "\n".join(out)


def template(name, **parts):
    with open(os.path.join(TOP, "docs", name + ".in"), encoding="utf-8") as f:
        text = f.read()
    for key, value in parts.items():
        text = text.replace(f"@{key.upper()}@", value)
    left = re.search(r"@[A-Z]+@", text)
    if left:
        sys.exit(f"docs/{name}.in: {left.group()} is not a part; write one of {sorted(parts)}")
    return text


def make(program):
    options = [Option(r) for r in rows(OPTION_ROWS, "option.def")]
    commands, version = command_page(program)
    with open(os.path.join(TOP, "docs", "xdp-nat64.yaml.in"), encoding="utf-8") as f:
        written = re.findall(r"^([a-z][a-z0-9-]*):", f.read(), re.MULTILINE)
    example = template("xdp-nat64.yaml", options="").split("# ---- every")[0]
    example = example[example.index("# The two sides"):].strip()
    return dict(zip(MADE, [
        template("xdp-nat64.8", version=version, commands=commands,
                 reasons=reason_page(rows(REASON_ROWS, "reason.def"))),
        template("xdp-nat64.yaml.5", version=version, options=option_page(options),
                 example=roff(example)),
        template("xdp-nat64.yaml", options=option_yaml(options, written))]))


def main(words):
    check = "--check" in words
    program = [w for w in words if w != "--check"]
    if len(program) != 1:
        sys.exit(__doc__)
    late = []
    for name, text in make(os.path.abspath(program[0])).items():
        path = os.path.join(TOP, name)
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else None
        if old != text:
            late.append(name)
        if not check:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    if check and late:
        sys.exit(f"{', '.join(late)}: out of date; run docs/mkman.py {program[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
