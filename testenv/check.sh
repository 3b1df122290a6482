#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Static checks: `make check`. A tool that is not there is named and skipped.

cd "$(dirname "$0")/.." || exit 1
bad=0

step() {
	printf '%-44s' "$1"
}

result() {
	if [ "$1" -eq 0 ]; then
		echo ok
	else
		echo FAILED
		bad=1
	fi
}

have() {
	command -v "$1" >/dev/null 2>&1 || {
		printf '%-44s%s\n' "$1" "not found, skipped"
		return 1
	}
}

files() {
	git ls-files "$@" 2>/dev/null || true
}

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

step "sh -n configure, check.sh, bench/peers"
sh -n configure && sh -n testenv/check.sh && for f in bench/peers/*; do sh -n "$f" || false; done
result $?
step "bash -n .ci/run, completion"
bash -n .ci/run && bash -n dist/xdp-nat64.bash
result $?

if have shellcheck; then
	step "shellcheck"
	shellcheck -x configure testenv/check.sh .ci/run >"$log" 2>&1 &&
		shellcheck -s bash -x dist/xdp-nat64.bash >>"$log" 2>&1 &&
		shellcheck -s sh -x testenv/vm/test-kernels testenv/vm/init bench/peers/* >>"$log" 2>&1 &&
		shellcheck -s sh -x bench/pktgen/send bench/pktgen/count >>"$log" 2>&1
	status=$?
	result $status
	[ $status -eq 0 ] || cat "$log"
fi

if have cppcheck; then
	step "cppcheck"
	# missingInclude is about system headers; the BPF part is not C that cppcheck
	# knows (address spaces, helpers by number). The suppressed ones are its own
	# trouble: libmnl's loops, compound literals, a ternary that guards a use.
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -j "$(nproc)" \
		--enable=warning,performance,portability --suppress=missingInclude \
		--suppress=missingIncludeSystem \
		--suppress=autoVariables --suppress=unknownMacro \
		--suppress=internalAstError --suppress=legacyUninitvar -Icommon -Iuser user >"$log" 2>&1
	status=$?
	result $status
	[ $status -eq 0 ] || cat "$log"
fi

# Rules of the house that a machine can see.
# Tables of test rows are wider than prose.
step "no line over 100 columns"
files '*.c' '*.h' '*.py' 'configure' | grep -v '_test\.\|_rows' | while read -r f; do
	expand -t 8 "$f" | awk -v f="$f" 'length > 100 { print f ":" NR ": " length " columns"; }'
done >"$log"
test ! -s "$log"
status=$?
result $status
[ $status -eq 0 ] || cat "$log"

step "every source names its licence"
files '*.c' '*.h' '*.def' '*.py' '*.sh' configure Makefile | while read -r f; do
	sed -n 1,3p "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || echo "$f"
done >"$log"
test ! -s "$log"
status=$?
result $status
[ $status -eq 0 ] || cat "$log"

step "files of at most 500 lines"
files '*.c' '*.h' '*.py' | while read -r f; do
	lines=$(wc -l <"$f")
	[ "$lines" -le 500 ] || echo "$f: $lines lines"
done >"$log"
test ! -s "$log"
status=$?
result $status
[ $status -eq 0 ] || cat "$log"

# Told, not enforced: tables are aligned by hand where that reads better.
if have clang-format && [ -e .clang-format ]; then
	step "clang-format (advice)"
	files '*.c' '*.h' | xargs -r clang-format --dry-run --ferror-limit=0 >"$log" 2>&1
	echo "$(grep -c 'warning:' "$log") places"
fi

exit $bad
