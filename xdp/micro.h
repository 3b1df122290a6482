/* SPDX-License-Identifier: GPL-2.0-only */
/* For bench/micro, in a build of its own: puts the frame back as it was before each turn of
 * BPF_PROG_TEST_RUN. */
#ifndef N64_XDP_MICRO_H
#define N64_XDP_MICRO_H

#include "bpf.h"

#define MICRO_MAX 128
__u64 micro_frame[MICRO_MAX / 8] = {};
__u32 micro_len = 0;
__u32 micro_turn = 0;	/* not 0: the next number of a new flow */

/* Global, so that it has no part in the stack and the states of its callers. */
N64_ONCE int micro_restore(struct xdp_md *ctx)
{
	int grown = (int)(frame_end(ctx) - frame_start(ctx)) - (int)micro_len;
	__u64 *data;

	if (grown && bpf_xdp_adjust_head(ctx, grown))
		return 0;
	data = frame_start(ctx);
	n64_no_unroll
	for (int i = 0; i < MICRO_MAX / 8; i++) {
		if ((const void *)(data + i + 1) > frame_end(ctx))
			break;
		data[i] = micro_frame[i];
	}
	return 1;
}

/* In place of the long way; as far away as that, or the compiler would make another short way
 * than that of the product. */
N64_ONCE int micro_long(void)
{
	int action = -1;

	asm volatile("" : "+r"(action));
	return action;
}

/* An IPv6 frame of the next flow: 64 ports of each of many hosts, in an order that jumps from
 * host to host. */
N64_ONCE int micro_fresh(struct xdp_md *ctx)
{
	__u32 n = micro_turn++;
	struct ip6_hdr *ip;
	struct udp_hdr *udp;

	if (!micro_restore(ctx))
		return 0;
	ip = frame_start(ctx) + ETH_LEN;
	udp = (void *)(ip + 1);
	if ((const void *)(udp + 1) > frame_end(ctx))
		return 0;
	ip->src.w[1] = n << 16 & 0xffff0000;
	ip->src.w[3] = be32(1);
	udp->sport = be16(1024 + (n >> 16));
	return 1;
}

#endif
