/* SPDX-License-Identifier: GPL-2.0-only */
/* The program on nat64, the kernel's end of the pair: translated packets that a
 * port could not send itself, and everything from the worker. What the FIB knows
 * a device of ours for is redirected; the rest is given to the kernel, which
 * resolves the neighbour, routes into tunnels or delivers to itself. */
#ifndef N64_XDP_EXIT_H
#define N64_XDP_EXIT_H

#include "ours.h"
#include "parse.h"
#include "write.h"

/* The facts that the FIB wants, and the mark in the source address. */
static __always_inline enum reason exit_parse(struct xdp_md *ctx, struct pkt *p,
					      struct n64_pair_mac *mark)
{
	const __u8 dst[MAC_LEN] __attribute__((aligned(4))) = N64_PAIR_DST;
	const struct eth_hdr *eth = frame_start(ctx);
	const void *end = frame_end(ctx), *ip, *l4;

	if ((const void *)(eth + 1) > end || !mac_equal(eth->dst, dst))
		return R_pair_noise;
	__builtin_memcpy(mark, __builtin_assume_aligned(eth->src, 2), sizeof(*mark));
	if (mark->local != N64_PAIR_LOCAL || !parse_eth(eth, end, p))
		return R_pair_bad;
	ip = ip_of(ctx, p);
	if (p->fam == FAM_4 ? !parse_ip4(ip, end, p) : !parse_ip6(ip, end, p))
		return R_pair_bad;
	l4 = ip + (p->fam == FAM_4 ? IP4_LEN : IP6_LEN);
	if (!pkt_is_fragment(p))
		parse_l4(l4, end, p);
	p->ifindex = host32(mark->ifindex);
	p->from_pair = mark->flags & PAIR_FROM_KERNEL;
	return R_GO_ON;
}

/* Into the kernel as a frame for nat64 itself; groups keep a group address, so
 * that multicast routing takes them (L2-04). */
static __always_inline int exit_to_kernel(struct xdp_md *ctx, const struct pkt *p,
					  const struct n64_port *self)
{
	struct eth_hdr *eth = frame_start(ctx);

	if ((const void *)(eth + 1) > frame_end(ctx)) {
		count(R_internal, p->l3_len);
		return XDP_DROP;
	}
	__builtin_memcpy(eth->dst, self->mac, MAC_LEN);
	if (p->fam == FAM_4 && addr4_is_multicast(p->dst4))
		group_mac4(p->dst4, eth->dst);
	else if (p->fam == FAM_6 && addr6_is_multicast(&p->dst6))
		group_mac6(&p->dst6, eth->dst);
	count(R_exit_kernel, p->l3_len);
	return XDP_PASS;
}

/* GEN-09: the hop is counted here, unless the kernel counted it when it routed the
 * packet into the pair. What we originate carries one more than it shall have. */
static __always_inline bool hop_is_counted(__u8 flags)
{
	return flags & PAIR_FROM_KERNEL && !(flags & PAIR_ORIGINATED);
}

/* Out through a port. */
static __always_inline int exit_redirect(struct xdp_md *ctx, struct pkt *p,
					 const struct route *rt, __u8 hop)
{
	__u32 off = l2_len(rt);
	struct ip4_hdr *ip4;
	struct ip6_hdr *ip6;

	if (p->l3_off != off && bpf_xdp_adjust_head(ctx, (int)p->l3_off - (int)off))
		return -1;
	if (!write_l2(ctx, p, rt, p->fam == FAM_4 ? ET_IP4 : ET_IP6))
		return -1;
	ip4 = l3_at(ctx, off);
	ip6 = (void *)ip4;
	if (p->fam == FAM_4) {
		if ((const void *)(ip4 + 1) > frame_end(ctx))
			return -1;
		/* TTL stands in the upper byte of a word in wire order */
		ip4->csum = csum_update(ip4->csum, csum_sub16((__u16)(ip4->ttl)) +
						   (__u16)(ip4->ttl - hop));
		ip4->ttl -= hop;
	} else {
		if ((const void *)(ip6 + 1) > frame_end(ctx))
			return -1;
		ip6->hlim -= hop;
	}
	return bpf_redirect_map(&devmap, rt->hop->port, XDP_ABORTED);
}

static __always_inline int exit_path(struct xdp_md *ctx)
{
	const struct n64_conf *c = conf_get();
	struct n64_pair_mac mark = {};
	struct pkt *p = new_pkt();
	struct xlat x = {};
	struct route rt = {};
	const struct n64_port *self;
	__u32 slot = N64_SLOT_EXIT;
	enum reason r;
	int action;
	__u8 hop;

	if (!p) { /* cannot be */
		count(R_internal, 0);
		return XDP_DROP;
	}
	r = exit_parse(ctx, p, &mark);
	self = bpf_map_lookup_elem(&ports, &slot);
	if (!r && !self)
		r = R_internal;
	if (r) {
		count(r, p->l3_len);
		return XDP_DROP;
	}
	x.src6 = p->src6;
	x.dst6 = p->dst6;
	x.src4 = p->src4;
	x.dst4 = p->dst4;
	hop = hop_is_counted(mark.flags) ? 0 : 1;
	/* A packet whose TTL would be used up is the kernel's to answer. */
	if (!(mark.flags & (PAIR_RETURNED | PAIR_KERNEL)) && p->ttl > hop)
		r = route(ctx, c, self, p, &x, p->fam, p->l3_len, &rt);
	if (r == R_fib_blackhole) {
		count(r, p->l3_len);
		return XDP_DROP;
	}
	if (r || !rt.hop)
		return exit_to_kernel(ctx, p, self);
	action = exit_redirect(ctx, p, &rt, hop);
	if (action < 0 || action == XDP_ABORTED) {
		count(R_internal, p->l3_len);
		return XDP_DROP;
	}
	count(R_exit_redirect, p->l3_len);
	return action;
}

#endif
