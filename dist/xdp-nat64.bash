# SPDX-License-Identifier: GPL-2.0-only
# bash completion of xdp-nat64. Words come from the program's own help, so that
# no list is kept here.

_xdp_nat64_words() {
	# Commands stand in the general help as "  name   summary".
	xdp-nat64 --help 2>/dev/null | sed -n 's/^  \([a-z][a-z0-9]*\)  *.*/\1/p'
}

_xdp_nat64_verbs() {
	# Of a command that has some: "Usage: xdp-nat64 mapping list|add|... [OPTIONS]".
	xdp-nat64 "$1" --help 2>/dev/null |
		sed -n '1s/^Usage: xdp-nat64 [a-z]* \([a-z|]*\).*/\1/p' | tr '|' ' '
}

_xdp_nat64() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local cmd=${COMP_WORDS[1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_xdp_nat64_words) --help --version" -- "$cur")
		return
	fi
	if [ "$COMP_CWORD" -eq 2 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_xdp_nat64_verbs "$cmd")" -- "$cur")
		[ "${#COMPREPLY[@]}" -eq 0 ] || return
	fi
	if [ "$cmd" = run ] && [[ " ${COMP_WORDS[*]:0:COMP_CWORD} " == *" -- "* ]]; then
		# behind "--": a program, then its files
		local kind=-f
		[ "$prev" != -- ] || kind=-c
		mapfile -t COMPREPLY < <(compgen "$kind" -- "$cur")
		return
	fi
	case $prev in
	-c | --log)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	-i)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
		;;
	--name)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /run/xdp-nat64 2>/dev/null)" -- "$cur")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$(xdp-nat64 "$cmd" --help 2>/dev/null |
			grep -oE -- '(^|[ ,])--?[a-z0-9][a-z0-9-]*' | tr -d ' ,')" -- "$cur")
		;;
	esac
}

complete -F _xdp_nat64 xdp-nat64
