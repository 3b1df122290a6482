# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Kernels from Debian's package sources, unpacked below $VM. apt has lists and a cache of
# its own there: neither its configuration nor any package of this machine is changed.
#
# VM_MIRROR, VM_SECURITY and VM_SUITES replace what is looked at.

VM_MIRROR=${VM_MIRROR:-http://deb.debian.org/debian}
VM_SECURITY=${VM_SECURITY:-http://deb.debian.org/debian-security}
VM_SUITES=${VM_SUITES:-bookworm bookworm-updates bookworm-backports trixie trixie-backports}
VM_SECURITY_SUITES=${VM_SECURITY_SUITES:-bookworm-security trixie-security}

apt_private() {
	command=$1
	shift
	"$command" -q -o "Dir::State::Lists=$VM/apt/lists" -o "Dir::Cache=$VM/apt/cache" \
		-o "Dir::Etc::SourceList=$VM/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}

# A suite that the mirror does not have is a warning, the others still count.
apt_update() {
	mkdir -p "$VM/apt/lists/partial" "$VM/apt/cache/archives/partial"
	{
		for suite in $VM_SUITES; do
			echo "deb $VM_MIRROR $suite main"
		done
		for suite in $VM_SECURITY_SUITES; do
			echo "deb $VM_SECURITY $suite main"
		done
	} >"$VM/apt/sources.list"
	apt_private apt-get update >"$VM/apt/update.log" 2>&1
}

# The newest kernel of each series (6.1, 6.12, ...) as lines "SERIES RELEASE". The cloud images
# have all the modules that are looked for, and a third of the size.
kernels_offered() {
	apt_private apt-cache search --names-only '^linux-image-[0-9].*-cloud-amd64$' |
		sed -n 's/^linux-image-\(\([0-9]*\.[0-9]*\)\.[^ ]*-cloud-amd64\) .*/\2 \1/p' |
		sort -t ' ' -k1,1V -k2,2V |
		awk '{ if ($1 != series && series) print line; series = $1; line = $0 }
		     END { if (series) print line }'
}

# unpack NAME PACKAGE...: the folder of that name with their files, downloaded where they are
# not there yet. PACKAGE/RELEASE takes that of a release.
unpack() {
	name=$1
	shift
	if [ ! -e "$VM/packages/$name/.complete" ]; then
		[ -z "$OFFLINE" ] || {
			echo "$* is not in $VM/packages, and OFFLINE=1 downloads nothing" >"$VM/apt/$name.log"
			return 1
		}
		rm -rf "$VM/packages/$name" "$VM/download"
		mkdir -p "$VM/packages/$name" "$VM/download"
		(cd "$VM/download" && apt_private apt-get download "$@") >"$VM/apt/$name.log" 2>&1 ||
			return 1
		for package in "$VM/download"/*.deb; do
			dpkg-deb -x "$package" "$VM/packages/$name" || return 1
		done
		touch "$VM/packages/$name/.complete"
		rm -rf "$VM/download"
	fi
	echo "$VM/packages/$name"
}

# Since 6.19 the image is an empty package that needs two others. Why a kernel cannot be had is
# in $VM/apt/RELEASE.log: the archive also has images whose modules are gone.
unpack_kernel() {
	if ! apt_private apt-cache show "linux-image-$1" | grep -q '^Depends:.*linux-modules-'; then
		unpack "$1" "linux-image-$1"
	elif apt_private apt-cache show "linux-modules-$1" 2>/dev/null | grep -q '^Package:'; then
		unpack "$1" "linux-binary-$1" "linux-modules-$1"
	else
		echo "the sources offer linux-image-$1 without linux-modules-$1, which it needs" \
			>"$VM/apt/$1.log"
		return 1
	fi
}

# Since Debian 13 everything lies below /usr.
modules_of() {
	for modules_root in "$1" "$1/usr"; do
		[ -d "$modules_root/lib/modules" ] && echo "$modules_root" && return
	done
	return 1
}
