# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154 # the variables are those of send
# The kernel's packet generators: which there are, how they are set, and what they did.
#
# One generator has one IPv6 source, one range of destinations and one range of ports, and sends
# to one queue. A thread (one for each CPU) takes turns with its generators. So there are as
# many as sources, lines of --to, or queues, whichever is most; those that share a source divide
# its ports.

PROC=/proc/net/pktgen

# ---- queues and CPUs --------------------------------------------------------------------

# Transmit queues, from the NIC itself: /sys may show another namespace.
tx_queues() {
	found=$(ethtool -l "$device" 2>/dev/null | awk '
		/^Current/ { now = 1 }
		now && /^(TX|Combined):/ && $2 ~ /^[0-9]+$/ { n += $2 }
		END { print n + 0 }')
	[ "$found" -gt 0 ] || found=$(ip -d link show dev "$device" |
		sed -n 's/.* numtxqueues \([0-9]*\).*/\1/p')
	echo "${found:-1}"
}

# 0-3,8 as words
cpu_words() {
	echo "$1" | tr , '\n' | awk -F- '
		!/^[0-9]+(-[0-9]+)?$/ { exit 1 }
		{ for (i = $1; i <= $NF; i++) printf "%d ", i }'
}

# The one CPU that the interrupt of a transmit queue goes to; nothing if there are several.
irq_cpu() {
	for irq in "/sys/bus/pci/devices/$bus/msi_irqs"/*; do
		irq=${irq##*/}
		# eth0-TxRx-3, eth0-tx-3, virtio0-output.3, mlx5_comp3@pci:...
		awk -v irq="$irq:" -v queue="$1" '
			$1 == irq && $NF !~ /rx-|input|config|async|ctrl/ {
				name = $NF
				sub(/@.*/, "", name)
				if (match(name, /[0-9]+$/) && substr(name, RSTART) + 0 == queue) found = 1
			}
			END { exit !found }' /proc/interrupts || continue
		cpu=$(cat "/proc/irq/$irq/smp_affinity_list" 2>/dev/null)
		case $cpu in
		'' | *[!0-9]*) ;;
		*) echo "$cpu" && return ;;
		esac
	done
}

# The CPU of a queue's thread.
cpu_of() {
	if [ -n "$cpus" ]; then
		echo "$cpu_list" | awk -v n="$1" '{ print $(n % NF + 1) }'
		return
	fi
	found=$(irq_cpu "$1")
	echo "${found:-$(($1 % online))}"
}

# ---- the plan ---------------------------------------------------------------------------

# plan: lines "CPU QUEUE NAME SOURCE DESTINATION DPORTS SPORTS WEIGHT" for each generator.
plan() {
	online=$(getconf _NPROCESSORS_ONLN)
	cpu_list=$(cpu_words "${cpus:-0}") || usage_error "--cpus '$cpus': a list as 0-3,8 is wanted"
	have=$(tx_queues)
	bus=$(ethtool -i "$device" 2>/dev/null | sed -n 's/^bus-info: //p')
	[ -z "$queues" ] || [ "$queues" -le "$have" ] ||
		fail "$device has $have transmit queues, not $queues; ethtool -L $device sets how many"
	[ -n "$queues" ] || queues=$((have < online ? have : online))
	items >"$work/items"
	n=$(wc -l <"$work/items")
	ports --sport "$sport"
	all=$((n > queues ? n : queues))
	[ $((last - first + 1)) -ge $(((all + n - 1) / n)) ] ||
		fail "--sport $sport: $queues queues need a port each at least"
	queue=0
	while [ $queue -lt "$queues" ]; do
		echo "$queue $(cpu_of $queue)"
		queue=$((queue + 1))
	done >"$work/cpus"
	awk -v all="$all" -v n="$n" -v queues="$queues" -v first="$first" -v last="$last" \
		-v device="$device" -v cpus="$work/cpus" '
		BEGIN { while ((getline line <cpus) > 0) { split(line, w, " "); cpu[w[1]] = w[2] } }
		{ item[NR - 1] = $0 }
		END {
			for (j = 0; j < all; j++) {
				i = j % n
				shares = int((all - 1 - i) / n) + 1
				k = int(j / n)
				span = last - first + 1
				low = first + int(span * k / shares)
				high = first + int(span * (k + 1) / shares) - 1
				split(item[i], w, " ")
				split(w[3], p, "-")
				queue = j % queues
				print cpu[queue], queue, device "@" j, w[1], w[2], w[3], low "-" high, \
					(high - low + 1) * (p[2] - p[1] + 1)
			}
		}' "$work/items"
}

# Lines "SOURCE DESTINATION DPORTS"; a dash where the settings of all say it.
items() {
	ports --dport "$dport"
	if [ -n "$to" ]; then
		while read -r address range _; do
			[ -n "$(number4 "$address")" ] || fail "$to: '$address $range' is not 'IPV4 FIRSTPORT-LASTPORT'"
			ports "$to:" "$range"
			echo "- $address $first-$last"
		done <"$to"
		return
	fi
	i=1
	while [ $i -le "$sources" ]; do
		case $src in
		*%*) echo "${src%%\%*}$(printf %x $i)${src#*%} - $first-$last" ;;
		*) echo "- - $first-$last" ;;
		esac
		i=$((i + 1))
	done
}

# Lines "FILE COMMAND" for /proc/net/pktgen, of the plan on standard input.
settings() {
	total=$(awk '{ n += $8 } END { print n }' "$work/plan")
	while read -r cpu queue name source destination dports sports weight; do
		echo "kpktgend_$cpu add_device $name"
		{
			echo "pkt_size $size"
			echo "dst_mac $mac"
			echo "clone_skb 0"
			[ "$burst" = 1 ] || echo "burst $burst"
			echo "queue_map_min $queue"
			echo "queue_map_max $queue"
			[ -z "$vlan" ] || echo "vlan_id $vlan"
			addresses "$source" "$destination"
			# the last one is exclusive
			echo "udp_src_min ${sports%-*}"
			echo "udp_src_max $((${sports#*-} + 1))"
			echo "udp_dst_min ${dports%-*}"
			echo "udp_dst_max $((${dports#*-} + 1))"
			for flag in UDPCSUM NO_TIMESTAMP ${random:+UDPSRC_RND UDPDST_RND}; do
				echo "flag $flag"
			done
			echo "count $(awk -v c="${count:-0}" -v w="$weight" -v t="$total" 'BEGIN {
				n = c * w / t; printf "%.0f", c && n < 1 ? 1 : n }')"
			[ -z "$rate" ] || echo "ratep $(awk -v r="$rate" -v w="$weight" -v t="$total" 'BEGIN {
				n = r * w / t; printf "%.0f", n < 1 ? 1 : n }')"
		} | sed "s,^,$name ,"
	done
}

# The last address of a range is inclusive in order, exclusive at random.
addresses() {
	if [ $family = 6 ]; then
		[ "$1" = - ] && echo "src6 $src" || echo "src6 $1"
		if [ -z "$pref64" ] || [ "$dst_min" = "$dst_max" ]; then
			echo "dst6 $target"
		else
			echo "dst6_min $dst_min"
			echo "dst6_max $dst_max"
		fi
		return
	fi
	echo "src_min $src_min"
	echo "src_max $src_max"
	[ -z "$random" ] || echo "flag IPSRC_RND"
	if [ "$2" != - ]; then
		echo "dst $2"
		return
	fi
	range4 --dst "$dst"
	echo "dst_min $(text4 "$first")"
	[ -z "$random" ] || [ "$first" -eq "$last" ] || last=$((last + 1))
	echo "dst_max $(text4 "$last")"
	[ -z "$random" ] || echo "flag IPDST_RND"
}

# ---- setting and reading ----------------------------------------------------------------

configure() {
	settings <"$work/plan" >"$work/settings"
	while read -r file command; do
		[ -e "$PROC/$file" ] || case $file in
		kpktgend_*) fail "there is no CPU ${file#kpktgend_} for a queue's thread; give others by --cpus" ;;
		esac
		(echo "$command" >"$PROC/$file") 2>/dev/null ||
			fail "$PROC/$file refuses '$command': $(sed -n 's/^Result: //p' "$PROC/$file" 2>/dev/null)"
	done <"$work/settings"
}

remove_generators() {
	awk '{ print $1 }' "$work/plan" | sort -u | while read -r cpu; do
		[ ! -e "$PROC/kpktgend_$cpu" ] || echo rem_device_all >"$PROC/kpktgend_$cpu"
	done
}

# Lines "QUEUE CPU PACKETS MICROSECONDS BUSY" of the generators to $work/ran, then the table.
results() {
	while read -r cpu queue name _; do
		awk -v queue="$queue" -v cpu="$cpu" '
			/pkts-sofar:/ { packets = $2; busy = $4 }
			/^Result: OK:/ { split($3, t, "("); us = t[1] }
			END { print queue, cpu, packets + 0, us + 0, busy + 0 }' "$PROC/$name"
	done <"$work/plan" >"$work/ran"
	awk -v size="$size" '
		function row(name, cpu, packets, mpps, busy) {
			printf "%-8s %4s %14.0f %9.3f %10.1f %10.0f\n", name, cpu, packets, mpps,
				mpps * (size + 24) * 8, busy
		}
		BEGIN {
			printf "%-8s %4s %14s %9s %10s %10s\n", "sent", "CPU", "packets", "Mpps", "Mbit/s",
				"queue full"
		}
		{
			if (!($1 in cpu)) order[n++] = $1
			cpu[$1] = $2
			packets[$1] += $3
			if ($4) mpps[$1] += $3 / $4
			busy[$1] += $5
		}
		END {
			for (i = 0; i < n; i++) {
				q = order[i]
				row("queue " q, cpu[q], packets[q], mpps[q], busy[q])
				all += packets[q]; rate += mpps[q]; full += busy[q]
			}
			row("total", "", all, rate, full)
		}' "$work/ran"
}

sent() {
	awk '{ n += $3 } END { printf "%.0f\n", n }' "$work/ran"
}

# Seconds of the generator that took longest.
longest() {
	awk '$4 > most { most = $4 } END { print most / 1e6 }' "$work/ran"
}
