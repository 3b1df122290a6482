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
	return ctl & CTL_STATIC ||
	       (until >= now &&
		ctl_policy(ctl) == (c->st.policy_gen & ((1u << CTL_POLICY_BITS) - 1)));
}

static __always_inline bool quick_plain6(const struct n64_env *env, const struct n64_port *port,
					 const struct pkt *p, struct xlat *x)
{
	if (stateful_target6(env, p, x) || !(port->flags & PORT_6TO4))
		return false;
	if (rule_header(p) || rule_source(p) || stateful_source6(env, p) ||
	    beyond_fast_path6(p) || stateful_dst_6to4(env, p, x) || stateful_is_own(env, x->dst4))
		return false;
	return !ttl_is_used_up(p) && !rule_proto(env->conf, p) && !quick_begins(p);
}

static __attribute__((noinline)) int quick6_dynamic(struct xdp_md *ctx,
						    const struct n64_port *port)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	struct pkt p = QUICK_PKT(ctx, FAM_6);
	const struct n64_slot *slot;
	struct route rt = {};
	struct xlat x = {};
	struct n64_bib6 *e;
	__u32 fresh, until;
	__be16 low;
	__u64 ctl;

	if (!quick_parse6(ctx, &p) || !quick_plain6(&env, port, &p, &x))
		return QUICK_NOT;
	e = quick_bib6(c, ST_HOST, &p.src6, 0, &ctl);
	if (!e)
		return QUICK_NOT;
	low = e->port4;
	until = st_load32(&e->until6);
	if ((st_load(&e->ctl) ^ ctl) & CTL_LIFE || !quick_lives(c, ctl, until, &fresh))
		return QUICK_NOT;
	slot = mem_slot(ctl_row(ctl) >> 2);
	if (!slot)
		return QUICK_NOT;
	x.src4 = host_addr(slot->addr, low);
	rt.hop = quick_hop(c, port, &p, FAM_4, hop_dst4(x.dst4), len_6to4(&p));
	if (!rt.hop)
		return QUICK_NOT;
	if (until < fresh)
		st_store32(&e->until6, fresh);
	return quick_send6to4(ctx, c, &p, &x, &rt);
}

/* ---- 4 -> 6 --------------------------------------------------------------------------- */

static __always_inline bool quick_plain4(const struct n64_env *env, const struct n64_port *port,
					 const struct pkt *p, struct xlat *x, int *slot)
{
	__u32 flags;

	if (beyond_fast_path4(p) || stateful_target4(env, p, x, slot, &flags) ||
	    !(port->flags & PORT_4TO6))
		return false;
	if (rule_header(p) || rule_source(p) || stateful_4to6(env, p) || quick_begins(p))
		return false;
	return !ttl_is_used_up(p) && !rule_proto(env->conf, p) &&
	       (p->df || len_4to6(p) <= env->conf->opt.lowest_ipv6_mtu);
}

static __attribute__((noinline)) int quick4_dynamic(struct xdp_md *ctx,
						    const struct n64_port *port)
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

	if (!quick_parse4(ctx, &p) || !quick_plain4(&env, port, &p, &x, &slot))
		return QUICK_NOT;
	b = mem_binding(binding_index(row_of((__u32)slot, ST_HOST), host16(host_port(p.dst4))));
	if (!b)
		return QUICK_NOT;
	ctl = st_load(&b->ctl);
	x.dst6 = b->host6;
	until = st_load32(&b->until4);
	if (ctl_state(ctl) != CTL_ACTIVE || (st_load(&b->ctl) ^ ctl) & CTL_LIFE ||
	    !quick_lives(c, ctl, until, &fresh) ||
	    stateful_peer6(&env, ctl_row(ctl), p.src4, &x.src6))
		return QUICK_NOT;
	rt.hop = quick_hop(c, port, &p, FAM_6, hop_dst6(&x.dst6), len_4to6(&p));
	if (!rt.hop)
		return QUICK_NOT;
	if (until < fresh)
		st_store32(&b->until4, fresh);
	return quick_send4to6(ctx, c, &p, &x, &rt);
}

/* ---- both ------------------------------------------------------------------------------ */

/* The XDP action of a packet that has left, counted, or QUICK_NOT: it was not touched. */
static __always_inline int quick_dynamic(struct xdp_md *ctx, const struct n64_port *port)
{
	const struct n64_conf *c = conf_get();
	enum ip_family fam = quick_family(ctx, c, port);

	if (fam == FAM_NONE || c->n_pref64 > 1) /* then a mapping notes which one it uses */
		return QUICK_NOT;
	return fam == FAM_6 ? quick6_dynamic(ctx, port) : quick4_dynamic(ctx, port);
}

#endif
