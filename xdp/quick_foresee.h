/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful: a packet that will make a mapping asks for the lines of memory of that at once
 * (state_foresee), of which none is likely to be near. */
#ifndef N64_XDP_QUICK_FORESEE_H
#define N64_XDP_QUICK_FORESEE_H

#include "quick.h"
#include "state.h"
#include "state_world.h"
#include "stateful.h"

/* Where the mapping will be that the packet in the frame makes, or -1; its lines of memory are
 * asked for. It reads the frame again, so that who has one carries nothing along for this. The
 * peer is that of a pref64 of 96 bits; with others a wrong line is asked for, which does no
 * harm. */
static __always_inline int quick_foresee(struct xdp_md *ctx, __u8 proto)
{
	const struct ip6_hdr *ip = frame_start(ctx) + ETH_LEN;
	const void *l4 = ip + 1;

	if (l4 + UDP_LEN > frame_end(ctx))
		return -1;
	return state_foresee(proto_table(proto), &ip->src, *quick_sport(l4, proto), ip->dst.w[3],
			     *quick_dport(l4, proto));
}

N64_ONCE int quick_foresee_tcp(struct xdp_md *ctx)
{
	return quick_foresee(ctx, P_TCP);
}

N64_ONCE int quick_foresee_udp(struct xdp_md *ctx)
{
	return quick_foresee(ctx, P_UDP);
}

N64_ONCE int quick_foresee_icmp(struct xdp_md *ctx)
{
	return quick_foresee(ctx, P_ICMP6);
}

/* What begins a TCP connection has hardly ever a mapping. */
static __always_inline bool quick_opens(const struct pkt *p)
{
	return p->proto == P_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* Foresees a mapping while the line of bib6 is still on its way, for which the processor does
 * not wait. */
static __always_inline void quick_behind(struct xdp_md *ctx, struct quick *f, __u8 proto)
{
	if (f->found == FOUND_ABSENT)
		f->foreseen = proto == P_TCP ? -1 :
			      proto == P_UDP ? quick_foresee_udp(ctx) : quick_foresee_icmp(ctx);
}

#endif
