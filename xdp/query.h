/* SPDX-License-Identifier: GPL-2.0-only */
/* A question of the worker to the FIB, run by BPF_PROG_TEST_RUN: the frame is a
 * struct n64_fib_query. */
#ifndef N64_XDP_QUERY_H
#define N64_XDP_QUERY_H

#include "nexthop.h"

static __always_inline int fib_query(struct xdp_md *ctx)
{
	const struct n64_conf *c = conf_get();
	struct n64_fib_query *q = frame_start(ctx);
	struct bpf_fib_lookup f = {};
	__u32 flags = c->have & HAVE_SKIP_NEIGH ? N64_FIB_SKIP_NEIGH : 0;

	if ((const void *)(q + 1) > frame_end(ctx))
		return XDP_ABORTED;
	if (q->fam == FAM_NONE) {
		struct n64_hops *h = hops_get();

		if (h)
			h->beat = bpf_jiffies64();
		return XDP_PASS;
	}
	f.l4_protocol = q->proto;
	f.sport = q->sport;
	f.dport = q->dport;
	f.tot_len = q->tot_len;
	f.ifindex = q->ifindex;
	if (q->fam == FAM_4) {
		f.family = N64_AF_INET;
		f.tos = q->tos;
		f.ipv4_src = q->src.w[0];
		f.ipv4_dst = q->dst.w[0];
	} else {
		f.family = N64_AF_INET6;
		f.flowinfo = be32((__u32)q->tos << 20);
		__builtin_memcpy(f.ipv6_src, &q->src, sizeof(q->src));
		__builtin_memcpy(f.ipv6_dst, &q->dst, sizeof(q->dst));
	}
	q->rc = bpf_fib_lookup(ctx, &f, sizeof(f), flags);
	q->mtu = f.mtu_result;
	q->oif = f.ifindex;
	return XDP_PASS;
}

#endif
