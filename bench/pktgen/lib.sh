# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What send and count share: arguments, addresses, and the counters of a NIC.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
	echo "$NAME: $*" >&2
	exit 1
}

usage_error() {
	echo "$NAME: $*; $NAME --help has the options" >&2
	exit 2
}

need() {
	command -v "$1" >/dev/null || fail "$1 is not here; package $2 has it"
}

need_device() {
	[ -n "$device" ] || usage_error "no NIC given: -i DEVICE"
	ip link show dev "$device" >/dev/null 2>&1 ||
		fail "there is no device $device here; 'ip link' shows those that are"
}

# number OPTION VALUE LEAST MOST: complains unless it is one of these.
number() {
	case $2 in
	'' | *[!0-9]*) usage_error "$1 '$2': a number from $3 to $4 is wanted" ;;
	esac
	# longer numbers are not what the shell calculates with
	[ ${#2} -le 15 ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] ||
		usage_error "$1 '$2': a number from $3 to $4 is wanted"
}

# ports OPTION RANGE: sets first and last. The kernel's last port is exclusive and has 16
# bits, so that 65535 is out of its reach.
ports() {
	first=${2%%-*} last=${2#*-}
	number "$1" "$first" 1 65534
	number "$1" "$last" 1 65534
	[ "$first" -le "$last" ] || usage_error "$1 '$2': the first port is above the last"
}

# The number of an IPv4 address, none if it is not one.
number4() {
	echo "$1" | awk -F. 'NF == 4 && /^[0-9.]+$/ && $1 < 256 && $2 < 256 && $3 < 256 && $4 < 256 \
		&& $1 != "" && $2 != "" && $3 != "" && $4 != "" {
			printf "%.0f\n", $1 * 16777216 + $2 * 65536 + $3 * 256 + $4 }'
}

text4() {
	echo "$(($1 >> 24)).$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"
}

# range4 OPTION RANGE: sets first and last, numbers, of A, A-B or A/LENGTH.
range4() {
	case $2 in
	*/*)
		number "$1" "${2#*/}" 0 32
		first=$(number4 "${2%/*}")
		span=$((1 << (32 - ${2#*/})))
		last=$((${first:-0} + span - 1))
		[ $((${first:-0} % span)) -eq 0 ] ||
			usage_error "$1 '$2': the network begins at $(text4 $((first - first % span)))"
		;;
	*)
		first=$(number4 "${2%%-*}")
		last=$(number4 "${2#*-}")
		;;
	esac
	[ -n "$first" ] && [ -n "$last" ] ||
		usage_error "$1 '$2': an IPv4 address, a range A-B or a network A/LENGTH is wanted"
	[ "$first" -le "$last" ] || usage_error "$1 '$2': the first address is above the last"
}

# Counters of a NIC as lines: "total PACKETS BYTES", "lost PACKETS" (which the NIC or its driver
# had no room for), "queue NUMBER PACKETS". Drivers name those of a queue in their own ways; some
# count by queue only what an XDP program has seen.
counters() {
	ip -s link show dev "$1" | awk '
		/^ *RX:/ {
			for (i = 2; i <= NF; i++) column[$i] = i - 1
			getline
			print "total", $column["packets"], $column["bytes"]
			print "lost", $column["dropped"] + $column["missed"]
			exit
		}'
	ethtool -S "$1" 2>/dev/null | awk -F: '
		{ name = $1; gsub(/ /, "", name); value = $NF + 0 }
		name ~ /^rx(_queue_|-)?[0-9]+[._](xdp_)?packets$/ || name ~ /^queue_[0-9]+_rx_cnt$/ {
			match(name, /[0-9]+/)
			number = substr(name, RSTART, RLENGTH)
			if (name ~ /xdp/) xdp[number] = value
			else all[number] = value
		}
		name ~ /^\[[0-9]+\]$/ && $2 ~ /^ *rx_ucast_packets$/ { all[substr(name, 2) + 0] = value }
		END {
			for (number in xdp) last = number + 0 > last ? number + 0 : last
			for (number in all) last = number + 0 > last ? number + 0 : last
			for (i = 0; i <= last; i++)
				if (i in all) print "queue", i, all[i]
				else if (i in xdp) print "queue", i, xdp[i]
		}'
}

# difference BEFORE AFTER SENT SECONDS: the table of what a receiver counted, from two files
# with counters. SENT or SECONDS 0: not known.
difference() {
	awk -v sent="$3" -v seconds="$4" '
		function row(name, packets, more) {
			printf "%-8s %14.0f", name, packets
			if (seconds) printf " %9.3f", packets / seconds / 1e6
			else printf " %9s", "-"
			print more
		}
		NR == FNR { old[$1 ($1 == "queue" ? $2 : "")] = $1 == "queue" ? $3 : $2; next }
		$1 == "queue" { if (!($2 in queue)) order[n++] = $2; queue[$2] = $3 - old["queue" $2] }
		$1 == "total" { total = $2 - old["total"] }
		$1 == "lost" { lost = $2 - old["lost"] }
		END {
			printf "%-8s %14s %9s %7s\n", "received", "packets", "Mpps", "share"
			for (i = 0; i < n; i++) counted += queue[order[i]]
			if (!counted) n = 0
			for (i = 0; i < n; i++)
				row("queue " order[i], queue[order[i]],
				    total > 0 ? sprintf(" %6.1f%%", 100 * queue[order[i]] / total) : "")
			if (!n && total) print "(the driver has no counters by queue)"
			row("total", total, "")
			if (lost) printf "%-8s %14.0f  no room in the receiving NIC or its host\n", "dropped", lost
			if (sent) {
				printf "%-8s %14.0f\n", "sent", sent
				printf "%-8s %14.0f  %.4f%%\n", "lost", sent - total, 100 * (sent - total) / sent
			}
		}' "$1" "$2"
}
