# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Jool for a guest's kernel: Debian's module source, built against Debian's headers of that
# kernel, all from packages that are unpacked and not installed. Its tools must be of the same
# version as its modules, so both are of the newest suite that has them.

# jool_for RELEASE FOLDER: the modules go to build/vm/modules/RELEASE of the copied tree, or the
# reason why there are none; the tools to build/vm/tools. FOLDER: the kernel's package.
jool_for() {
	ready=$VM/jool/$1
	target=$VM/tree/build/vm/modules/$1
	mkdir -p "$ready" "$target"
	if [ ! -e "$ready/jool.ko" ] || [ ! -d "$VM/packages/libnl-genl" ]; then
		jool_compiler "$2" "$1" >"$target/jool.reason" || return
		build_jool "$1" >"$ready.log" 2>&1 || {
			echo "its modules cannot be built: $(grep -m1 -E '[Ee]rror|^E: |: No such|\*\*\*|OFFLINE=1' \
				"$ready.log")" \
				>"$target/jool.reason"
			return
		}
	fi
	rm -f "$target/jool.reason"
	cp "$ready"/*.ko "$target/"
	find "$VM/packages/jool-tools/usr/bin" "$VM/packages/libnl-genl" \
		\( -name jool -o -name jool_siit -o -name libnl-genl-3.so.200 \) ! -type d \
		-exec cp -L {} "$VM/tree/build/vm/tools/" \;
}

# Headers have options of the compiler that built the kernel, which older ones do not know.
jool_compiler() {
	theirs=$(sed -n 's/^CONFIG_GCC_VERSION=\([0-9]*\)[0-9]\{4\}$/\1/p' "$1/boot/config-$2" \
		"$1/usr/lib/modules/$2/config" 2>/dev/null)
	ours=$(gcc -dumpversion 2>/dev/null)
	[ "${ours%%.*}" -ge "${theirs:-99}" ] 2>/dev/null && return 0
	echo "its modules need gcc-${theirs:-?}, which built this kernel; here is gcc-${ours:-none}"
	return 1
}

# As unpack; why not is in its log.
jool_part() {
	unpack "$@" && return
	cat "$VM/apt/$1.log"
	return 1
}

# The packages of the headers differ in names: kbuild is that of the series or of the release.
jool_packages() {
	jool_part jool-dkms jool-dkms && jool_part jool-tools jool-tools || return 1
	jool_part libnl-genl "libnl-genl-3-200/$codename" || return 1
	kbuild=$(apt_private apt-cache show "linux-headers-$1" |
		sed -n 's/^Depends:.*\(linux-kbuild-[^ ,]*\).*/\1/p' | sed -n 1p)
	jool_part "headers-$1" "linux-headers-$1" "linux-headers-${1%-cloud-amd64}-common" "$kbuild"
}

build_jool() {
	jool_packages "$1" || return 1
	headers=$VM/packages/headers-$1
	source=$VM/jool/source
	rm -rf "$source"
	cp -r "$VM/packages/jool-dkms/usr/src/"jool* "$source" || return 1
	# The headers name each other by where they would be installed, or by where they were before.
	sed -i "s,^include .*/usr/src/,include $headers/usr/src/," \
		"$headers/usr/src/linux-headers-$1/Makefile" || return 1
	for part in common nat64 siit; do
		nice -n 19 make -C "$headers/usr/src/linux-headers-$1" "M=$source/src/mod/$part" \
			CC=gcc modules || return 1
	done
	for module in common/jool_common nat64/jool siit/jool_siit; do
		strip --strip-debug -o "$VM/jool/$1/${module#*/}.ko" "$source/src/mod/$module.ko" || return 1
	done
	rm -rf "$source"
}
