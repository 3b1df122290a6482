# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# One guest: a kernel of its own over the file system of this machine. The root is read by
# virtiofs under an overlay in the guest's memory, so that nothing the guest writes stays,
# except below /out, which is the folder of its results.

# What the guest needs before it sees the host's file system.
EARLY_MODULES="virtio_pci virtiofs overlay"

# Emulated cmpxchg16b is not atomic, so the guest gets none. The rest is what makes an emulated
# kernel slow and no test: memory copied by `rep movs`, address spaces of five levels, guards
# against speculation that does not happen. The verifier takes half the time without.
CPU=max,-cx16,-erms,-fsrm,-la57,-smap,-smep,-pku,-pks
FASTER="mitigations=off init_on_alloc=0 clearcpuid=rep_good"

# initramfs PACKAGE-FOLDER VERSION RESULT
initramfs() {
	ram=$VM/initramfs
	rm -rf "$ram"
	mkdir -p "$ram/bin" "$ram/modules" "$ram/proc" "$ram/sys" "$ram/dev" "$ram/host" \
		"$ram/new" "$ram/memory" "$ram/out"
	cp "$BUSYBOX" "$ram/bin/busybox"
	cp "$HERE/init" "$ram/init"
	chmod 755 "$ram/init"
	root=$(modules_of "$1") || return 1
	# shellcheck disable=SC2086 # a list of words
	"$PYTHON" -B "$HERE/modules.py" "$root/lib/modules/$2" "$ram/modules" $EARLY_MODULES || return 1
	(cd "$ram" && find . | "$BUSYBOX" cpio -o -H newc 2>/dev/null) | gzip -1 >"$3"
}

# share SOCKET SOURCE: serves a folder to the guest; its pid in $! of the caller's shell.
share() {
	"$VIRTIOFSD" --socket-path="$1" -o source="$2" -o cache=always -o sandbox=chroot \
		>>"$out/virtiofsd.log" 2>&1 &
}

wait_for_socket() {
	tries=0
	until [ -S "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 50 ] || return 1
		sleep 0.1
	done
}

# Devices of the guest with two ports between a client's and a server's device, each with
# two queues: taps of a network namespace that ends with the guest.
#   eth0 client ===== eth1 port    eth2 port ===== eth3 server
nic_words() {
	for n in 0 1 2 3; do
		printf ' -netdev tap,id=n%d,ifname=vm%d,script=no,downscript=no,queues=2,vhost=off' $n $n
		printf ' -device virtio-net-pci,netdev=n%d,mac=02:00:00:00:64:0%d,mq=on,vectors=6' $n $n
		printf ',rss=on,hash=on'
	done
}

# Inside the namespace: cables are bridges.
NIC_SCRIPT='
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 || true
for n in 0 1 2 3; do ip tuntap add dev vm$n mode tap multi_queue || exit 1; done
for n in 0 2; do
	ip link add name br$n type bridge mcast_snooping 0 || exit 1
	ip link set dev vm$n master br$n && ip link set dev vm$((n + 1)) master br$n || exit 1
	for d in vm$n vm$((n + 1)) br$n; do ip link set dev $d up || exit 1; done
done
exec "$@"'

# boot PACKAGE-FOLDER VERSION MACHINE SECONDS: runs the guest; its results are in $out then.
# QEMU_PID and SHARE_PIDS are there for the caller to end when it is interrupted.
boot() {
	kernel=$1/boot/vmlinuz-$2
	[ -e "$kernel" ] || kernel=$1/usr/lib/modules/$2/vmlinuz
	sockets=$(mktemp -d) || return 1
	initramfs "$1" "$2" "$out/initramfs.gz" || return 1
	cat >"$out/environment" <<-END
		TOP='$TOP'
		TREE='$VM/tree'
		MODULES='$(modules_of "$1")/lib/modules/$2'
		VERSION='$2'
		SET='$3'
		PYTHON='$PYTHON'
		CHECKS='$(sed 's/ .*//' "$out/checks" | tr '\n' ' ')'
		INSNS='$INSNS'
		PATIENCE='$PATIENCE'
		export CHECKS INSNS PATIENCE
	END
	SHARE_PIDS=
	share "$sockets/host" /
	SHARE_PIDS=$!
	share "$sockets/out" "$out"
	SHARE_PIDS="$SHARE_PIDS $!"
	wait_for_socket "$sockets/host" && wait_for_socket "$sockets/out" || return 1
	which=$3
	# One thread for all CPUs of the guest: the other cores stay free, and the kernel may
	# change its code while it runs, which qemu with a thread for each does not bear.
	# With INSNS each instruction takes a nanosecond of the guest's clock.
	# shellcheck disable=SC2086 # two words or none
	set -- nice -n 19 timeout -k 5 "$4" "$QEMU" -M q35 -cpu "$CPU" \
		${INSNS:+-icount shift=0,sleep=off} -accel tcg,thread=single -smp "$([ "$3" = nics ] && echo 2 || echo 1)" -m 2048 \
		-nodefaults -no-reboot -display none -serial "file:$out/$3.console" \
		-object memory-backend-memfd,id=mem,size=2048M,share=on -numa node,memdev=mem \
		-chardev "socket,id=c0,path=$sockets/host" \
		-device vhost-user-fs-pci,chardev=c0,tag=host \
		-chardev "socket,id=c1,path=$sockets/out" \
		-device vhost-user-fs-pci,chardev=c1,tag=out \
		-kernel "$kernel" -initrd "$out/initramfs.gz" \
		-append "console=ttyS0 quiet panic=-1 oops=panic $FASTER"
	if [ "$which" = nics ]; then
		# shellcheck disable=SC2046 # a list of words
		set -- unshare -n sh -c "$NIC_SCRIPT" sh "$@" $(nic_words)
	fi
	"$@" >"$out/qemu.log" 2>&1 &
	QEMU_PID=$!
}
