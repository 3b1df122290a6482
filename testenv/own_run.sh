#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs a command with a /run of its own, but for what else is in it, and with a BPF file system
# of its own: its namespaces, instances and pins are not those of other commands, and neither is
# the lock for which attach, detach and reload wait for each other. In a mount namespace; nothing
# is left of it.
set -e
if [ "$1" != --inside ]; then
	exec unshare --mount sh "$0" --inside "$@"
fi
shift
# copies of these would keep namespaces of others alive
umount --recursive --lazy /run/netns 2>/dev/null || :
new=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$new"
for entry in /run/*; do
	name=${entry#/run/}
	case $name in
	xdp-nat64 | netns | '*') continue ;;
	esac
	if [ -d "$entry" ]; then
		mkdir "$new/$name"
		mount --rbind "$entry" "$new/$name"
	elif [ -f "$entry" ]; then
		: >"$new/$name"
		mount --bind "$entry" "$new/$name"
	fi
done
mount --move "$new" /run
rmdir "$new"
mount -t bpf -o mode=700 bpf /sys/fs/bpf
exec "$@"
