/* SPDX-License-Identifier: GPL-2.0-only */
/* Health: what the counters tell. Each counter that means trouble has a remedy. */
#include "health.h"

static const struct trouble {
	enum reason reason;
	bool bad;	/* while it stands in the counters; they are since attach */
	const char *remedy;
} troubles[] = {
	{ R_sp_overflow, false, "see whether the worker ran all the time; more queues or CPUs if "
				"it did" },
	{ R_sp_too_long, false, "kernel 6.6 or newer hands over jumbo frames; or lower the MTU to "
				"3500" },
	{ R_fib_disabled, false, "sysctl -w net/ipv4/conf/DEV/forwarding=1 and the same for ipv6" },
	{ R_partial_csum, false, "TCP and UDP from there fail while ping works: ethtool -K DEV "
				 "tx off on the sender" },
	{ R_no_icmp_src, false, "give the gateway a global IPv6 address, or set icmp-src6" },
	{ R_tx_full, false, "the worker's transmit ring was full; give it a CPU of its own" },
	{ R_internal, false, "please report it with the output of xdp-nat64 stats --json" },
	{ R_pair_bad, false, "something else sends on nat64x; keep other programs off the pair" },
	{ R_sp_bad, false, "reload, so that programs and worker are of one version" },
};

void health_traffic(const struct attachment *a, const struct counters *c, struct health *h)
{
	size_t i;

	(void)a;
	for (i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		const struct trouble *t = &troubles[i];
		__u64 n = counters_total(c, t->reason);

		if (n)
			health_add(h, t->bad, t->remedy, "%llu packets since attach: %s (%s)",
				   (unsigned long long)n, reason_text(t->reason),
				   reason_name(t->reason));
	}
	if (c->control.xsk_rx_dropped)
		health_add(h, false, "give the worker a CPU of its own, or lower the slow-rate "
				     "options",
			   "%llu packets were dropped in the rings before the worker",
			   (unsigned long long)c->control.xsk_rx_dropped);
}
