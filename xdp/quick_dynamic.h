/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way in mode dynamic: the host has its address, and the packet is plain. */
#ifndef N64_XDP_QUICK_DYNAMIC_H
#define N64_XDP_QUICK_DYNAMIC_H

#include "quick_stateful.h"

/* Is it alive and judged by the lists in force? Then until when does it live now? */
static __always_inline bool quick_lives(const struct n64_conf *c, __u64 ctl, __u32 until,
					__u32 *fresh)
{
	__u32 now = st_now();

	*fresh = now + c->opt.dyn_timeout;
	return ctl & CTL_STATIC || (until >= now && ctl_is_judged(c, ctl));
}

static __always_inline bool quick6_dynamic(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, const struct n64_port *port, int *action)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	const struct ip6_hdr *ip = quick_ip6(f);
	const struct quick_host host = {&ip->src, NULL, ST_HOST, true};
	struct pkt p = QUICK_PKT(ctx, FAM_6);
	const struct n64_slot *slot;
	struct route rt = {};
	struct xlat x = {};
	struct n64_bib6 *e;
	__u32 fresh, until;
	__u64 ctl, sum;
	__be16 low;

	if (!quick_port(port, PORT_6TO4) || !quick_parse6(ctx, f, proto, &p, &sum))
		return false;
	if (ttl_is_used_up(&p) || rule_proto(c, &p) || quick_begins(&p) ||
	    !quick_target6(ctx, &env, &ip->dst, &x))
		return false;
	e = quick_bib6(c, f, &host, &ctl);
	if (!e)
		return false;
	low = e->port4;
	until = st_load32(&e->until6);
	if ((st_load(&e->ctl) ^ ctl) & CTL_LIFE || !quick_source6(ctx, c, ctl) ||
	    !quick_lives(c, ctl, until, &fresh))
		return false;
	slot = mem_slot(ctl_row(ctl) >> 2);
	if (!slot)
		return false;
	x.src4 = host_addr(slot->addr, low);
	rt.hop = quick_hop(c, &p, FAM_4, hop_dst4(x.dst4), len_6to4(&p), false);
	if (!rt.hop)
		return false;
	if (until < fresh)
		st_store32(&e->until6, fresh);
	*action = quick_send6to4(ctx, c, role.slot, &p, &x, &rt,
				 quick_delta6(c, f, &p, &x, sum, true));
	return true;
}

/* ---- 4 -> 6 --------------------------------------------------------------------------- */

static __always_inline bool quick4_dynamic(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, const struct n64_port *port, int *action)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	struct pkt p = QUICK_PKT(ctx, FAM_4);
	struct n64_binding *b;
	struct route rt = {};
	struct xlat x = {};
	__u32 fresh, until;
	__u64 ctl;
	int slot;

	if (!quick_port(port, PORT_4TO6) || !quick_parse4(ctx, f, proto, &p))
		return false;
	if (ttl_is_used_up(&p) || rule_proto(c, &p) || quick_begins(&p) ||
	    !quick_target4(&env, &p, &x, &slot))
		return false;
	b = mem_binding(binding_index(row_of((__u32)slot, ST_HOST), host16(host_port(p.dst4))));
	if (!b)
		return false;
	ctl = st_load(&b->ctl);
	addr6_copy(&x.dst6, &b->host6);
	until = st_load32(&b->until4);
	if (ctl_state(ctl) != CTL_ACTIVE || (st_load(&b->ctl) ^ ctl) & CTL_LIFE ||
	    !quick_lives(c, ctl, until, &fresh))
		return false;
	rt.hop = quick_hop(c, &p, FAM_6, hop_dst6(&x.dst6), len_4to6(&p), false);
	if (!rt.hop)
		return false;
	if (until < fresh)
		st_store32(&b->until4, fresh);
	rfc6052_embed(&c->pref64[0], p.src4, &x.src6);
	*action = quick_send4to6(ctx, c, role.slot, &p, &x, &rt, quick_delta4(c, &p, &x, true));
	return true;
}

/* ---- both ------------------------------------------------------------------------------ */

/* True: the packet has left, counted, by *action; false: it was not touched. */
static __always_inline bool quick_dynamic(struct xdp_md *ctx, struct quick *f,
					   const struct n64_port *port, int *action)
{
	enum ip_family fam = quick_family(ctx, f, port);

	/* with several pref64 a mapping notes which one it uses */
	if (unlikely(fam == FAM_NONE || conf_get()->n_pref64 > 1))
		return false;
	return fam == FAM_6 ? QUICK_WAY6(quick6_dynamic, ctx, f, port, action)
			    : QUICK_WAY4(quick4_dynamic, ctx, f, port, action);
}

#endif
