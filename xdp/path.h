/* SPDX-License-Identifier: GPL-2.0-only */
/* Steps that the paths of all modes share: into the frame, what is beyond the fast path,
 * and rules of every plain packet. */
#ifndef N64_XDP_PATH_H
#define N64_XDP_PATH_H

#include "exit.h"
#include "ours.h"
#include "parse.h"
#include "quoted.h"
#include "siit.h"
#include "to_slow.h"
#include "write.h"

/* Ethernet: for us, in this VLAN, and an IP packet at all? */
static __always_inline enum reason enter(struct xdp_md *ctx, const struct n64_conf *c,
					 const struct n64_port *port, struct pkt *p)
{
	const struct eth_hdr *eth = frame_start(ctx);
	const void *end = frame_end(ctx);
	enum reason r;

	p->ifindex = frame_ingress(ctx);
	p->from_pair = role_kind() == ROLE_XLAT;
	if ((const void *)(eth + 1) > end)
		return R_unreadable;
	if (!p->from_pair) {
		r = mac_is_ours(port, eth);
		if (r)
			return r;
	}
	if (!parse_eth(eth, end, p))
		return R_unreadable;
	p->avail = end - (const void *)eth - p->l3_off;
	if (unlikely(p->n_tags))
		return vlan_device(c, p);
	return R_GO_ON;
}

/* The same reason, read back from memory, of which the verifier knows nothing: it would follow
 * each reason by itself through all that comes next. */
static __always_inline enum reason any_reason(struct pkt *p, enum reason r)
{
	*(volatile __u32 *)&p->left = r;
	r = (enum reason)*(volatile __u32 *)&p->left;
	return (__u32)r < N_REASONS ? r : R_internal;
}

/* HP-07: nothing on nat64x but targets; the kernel's own chatter is counted
 * apart. */
static __always_inline enum reason pair_refusal(const struct pkt *p)
{
	if (p->fam == FAM_6 && (addr6_is_multicast(&p->dst6) || src6_is_illegal(&p->dst6)))
		return R_pair_noise;
	if (p->fam == FAM_4 && addr4_is_multicast(p->dst4))
		return R_pair_noise;
	return p->fam == FAM_NONE ? R_pair_noise : R_pair_not_target;
}

/* What the straight-line program does not do itself (GEN-01), of a target. */
static __always_inline enum reason beyond_fast_path4(const struct pkt *p)
{
	/* first of all a fragment: options may be in the first one only, and the
	 * pieces of a datagram stay in one queue (GEN-06) */
	if (pkt_is_fragment(p))
		return R_slow_frag4;
	return p->ihl > IP4_LEN ? R_slow_opt4 : R_GO_ON;
}

static __always_inline enum reason beyond_fast_path6(const struct pkt *p)
{
	if (p->proto == P_FRAGMENT)
		return R_slow_frag6;
	return ext6_is_skipped(p->proto) ? R_slow_ext6 : R_GO_ON;
}

/* L4-11: a SYN whose MSS is to be lowered is the worker's. */
static __always_inline bool clamps_mss(const struct pkt *p, __u32 enabled)
{
	return enabled && p->proto == P_TCP && p->tcp_flags & TCP_SYN;
}

/* Rules that every plain packet of both families goes through: TTL, protocol. */
static __always_inline enum reason judge(const struct n64_conf *c, const struct pkt *p,
					 bool multicast, __u32 clamp)
{
	enum reason r;

	if (ttl_is_used_up(p))
		return multicast ? R_mcast_scope : R_slow_ttl;
	r = rule_proto(c, p);
	if (r)
		return r;
	if (clamps_mss(p, clamp))
		return R_slow_syn_mss;
	return c->opt.force_slow ? R_slow_forced : R_GO_ON;
}

#endif
