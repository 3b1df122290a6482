/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way in mode siit: both addresses are translated, nothing is hairpinned. */
#ifndef N64_XDP_QUICK_SIIT_H
#define N64_XDP_QUICK_SIIT_H

#include "quick.h"

/* ADR-28: is it remembered that the source has a route? */
static __always_inline bool quick_urpf(const struct n64_conf *c, const struct pkt *p)
{
	const struct n64_hops *h = hops_get();

	if (c->opt.urpf6 == URPF_OFF)
		return true;
	return h && quick_known(c, h, FAM_6, hop_dst6(&p->src6),
				hop_flow(p->ifindex) | HOP_FLOW_URPF, bpf_jiffies64());
}

static __attribute__((noinline)) int quick6_siit(struct xdp_md *ctx, const struct n64_port *port)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	struct pkt p = QUICK_PKT(ctx, FAM_6);
	struct route rt = {};
	struct xlat x = {};

	if (!quick_parse6(ctx, &p) || siit_target6(&env, &p, &x) || !(port->flags & PORT_6TO4))
		return QUICK_NOT;
	if (rule_header(&p) || rule_source(&p) || beyond_fast_path6(&p) ||
	    !quick_urpf(c, &p))
		return QUICK_NOT;
	if (quick_begins(&p) || siit_6to4(&env, &p, &x) || x.late || x.hairpin ||
	    addr4_is_multicast(x.dst4) || judge(c, &p, false, c->opt.clamp_mss6to4))
		return QUICK_NOT;
	rt.hop = quick_hop(c, port, &p, FAM_4, hop_dst4(x.dst4), len_6to4(&p));
	return rt.hop ? quick_send6to4(ctx, c, &p, &x, &rt) : QUICK_NOT;
}

static __attribute__((noinline)) int quick4_siit(struct xdp_md *ctx, const struct n64_port *port)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	struct pkt p = QUICK_PKT(ctx, FAM_4);
	struct route rt = {};
	struct xlat x = {};

	if (!quick_parse4(ctx, &p) || beyond_fast_path4(&p) || addr4_is_multicast(p.dst4) ||
	    siit_target4(&env, &p, &x) || !(port->flags & PORT_4TO6))
		return QUICK_NOT;
	if (rule_header(&p) || rule_source(&p) || quick_begins(&p) ||
	    siit_4to6(&env, &p, &x) || x.late || judge(c, &p, false, c->opt.clamp_mss4to6) ||
	    (!p.df && len_4to6(&p) > c->opt.lowest_ipv6_mtu))
		return QUICK_NOT;
	rt.hop = quick_hop(c, port, &p, FAM_6, hop_dst6(&x.dst6), len_4to6(&p));
	return rt.hop ? quick_send4to6(ctx, c, &p, &x, &rt) : QUICK_NOT;
}

/* The XDP action of a packet that has left, counted, or QUICK_NOT: it was not touched. */
static __always_inline int quick_siit(struct xdp_md *ctx, const struct n64_port *port)
{
	enum ip_family fam = quick_family(ctx, conf_get(), port);

	if (fam == FAM_NONE)
		return QUICK_NOT;
	return fam == FAM_6 ? quick6_siit(ctx, port) : quick4_siit(ctx, port);
}

#endif
