/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way in mode dynamic: the host has its address, and the packet is plain. */
#ifndef N64_XDP_QUICK_DYNAMIC_H
#define N64_XDP_QUICK_DYNAMIC_H

#include "pair.h"
#include "quick_stateful.h"

/* Is it alive and judged by the lists in force? Then until when does it live now? */
static __always_inline bool quick_lives(const struct n64_conf *c, __u64 ctl, __u32 until,
					__u32 *fresh)
{
	__u32 now = st_now();

	*fresh = now + c->opt.dyn_timeout;
	return ctl & CTL_STATIC || (until >= now && ctl_is_judged(c, ctl));
}

/* The entry of a pair's host, as it was judged. NULL: it is another, or not in its place. */
static __always_inline struct n64_bib6 *quick_entry_of(const struct n64_pair *pair,
						       const struct pair_ask *q)
{
	struct n64_bib6 *e = mem_bib6(pair->place);

	if (e && likely(st_load(&e->ctl) == pair->ctl))
		return e;
	pair_forget(q);
	return NULL;
}

/* The entry of the packet's host, which is asked for, and the address that it has. */
static __always_inline struct n64_bib6 *quick_leased6(struct xdp_md *ctx, struct quick *f,
						      const struct quick_host *host,
						      struct xlat *x, __u64 *ctl)
{
	const struct n64_conf *c = conf_get();
	struct n64_bib6 *e = quick_bib6(c, f, host, ctl);
	const struct n64_slot *slot;
	__be16 low;

	if (!e)
		return NULL;
	low = e->port4;
	if ((st_load(&e->ctl) ^ *ctl) & CTL_LIFE || !quick_source6(ctx, c, *ctl))
		return NULL;
	slot = mem_slot(ctl_row(*ctl) >> 2);
	if (!slot)
		return NULL;
	x->src4 = host_addr(slot->addr, low);
	return e;
}

static __always_inline bool quick6_dynamic(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, const struct n64_port *port, int *action)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	const struct n64_hops *h = hops_get();
	const struct ip6_hdr *ip = quick_ip6(f);
	const struct quick_host host = {&ip->src, NULL, ST_HOST, true};
	struct pkt p = QUICK_PKT(ctx, f, FAM_6);
	const struct n64_pair *pair;
	struct pair_ask q = {};
	struct route rt = {};
	struct xlat x = {};
	struct n64_pair *keep;
	struct n64_bib6 *e;
	__u32 fresh, until;
	__u64 ctl, delta, id;

	if (!h || !quick_port(port, PORT_6TO4) || !quick_parse6(ctx, f, proto, &p) ||
	    ttl_is_used_up(&p) || rule_proto(c, &p) || quick_begins(&p))
		return false;
	pair = pair_find6(c, h, &p, quick_slot(f), &q);
	e = pair ? quick_entry_of(pair, &q) : NULL;
	if (likely(e)) {
		x.src4 = pair->src4;
		x.dst4 = pair->dst4;
		delta = pair->delta;
		id = pair->id;
		rt.hop = &pair->hop;
		until = st_load32(&e->until6);
		if (!quick_lives(c, pair->ctl, until, &fresh) || len_6to4(&p) > rt.hop->mtu)
			return false;
	} else {
		e = quick_target6(ctx, &env, &ip->dst, &x) ?
			    quick_leased6(ctx, f, &host, &x, &ctl) : NULL;
		if (!e)
			return false;
		until = st_load32(&e->until6);
		if (!quick_lives(c, ctl, until, &fresh))
			return false;
		rt.hop = quick_hop(c, &p, FAM_4, hop_dst4(x.dst4), len_6to4(&p), false);
		if (!rt.hop)
			return false;
		id = ipid_pair(c->key, x.src4, x.dst4);
		delta = quick_delta_addrs6(f, &x, quick_sum_addr6(&ip->src), true);
		/* not where ports of it matter (GEN-04) */
		keep = pair_fill(c, h, &q, rt.hop,
				 !have(&env, HAVE_NOXLAT6) || plain_get()->pref64);
		if (keep) {
			pair_keep6(keep, &p, &x, delta, id);
			keep->ctl = ctl;
			keep->place = (__u32)f->place;
		}
	}
	if (until < fresh)
		st_store32(&e->until6, fresh);
	if (pkt_is_icmp(&p))
		delta = delta_echo_6to4(&p);
	*action = quick_send6to4(ctx, f, c, quick_slot(f), &p, &x, &rt, delta, id);
	return true;
}

/* ---- 4 -> 6 --------------------------------------------------------------------------- */

/* The record of a pair's host, as it was judged. */
static __always_inline struct n64_binding *quick_record_of(const struct n64_pair *pair,
							   const struct pair_ask *q)
{
	struct n64_binding *b = mem_binding(pair->place);

	if (b && likely(st_load(&b->ctl) == pair->ctl))
		return b;
	pair_forget(q);
	return NULL;
}

/* The record of the packet's host, which is asked for, in *index. */
static __always_inline struct n64_binding *quick_leased4(const struct n64_env *env,
							 const struct pkt *p, struct xlat *x,
							 __u32 *index, __u64 *ctl)
{
	struct n64_binding *b;
	int slot;

	if (!quick_target4(env, p, x, &slot))
		return NULL;
	*index = binding_index(row_of((__u32)slot, ST_HOST), host16(host_port(p->dst4)));
	b = mem_binding(*index);
	if (!b)
		return NULL;
	*ctl = st_load(&b->ctl);
	addr6_copy(&x->dst6, &b->host6);
	if (ctl_state(*ctl) != CTL_ACTIVE || (st_load(&b->ctl) ^ *ctl) & CTL_LIFE)
		return NULL;
	return b;
}

static __always_inline bool quick4_dynamic(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, const struct n64_port *port, int *action)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	const struct n64_hops *h = hops_get();
	struct pkt p = QUICK_PKT(ctx, f, FAM_4);
	const struct n64_pair *pair;
	struct quick_ends ends;
	struct n64_pair *keep;
	struct pair_ask q = {};
	struct n64_binding *b;
	struct route rt = {};
	struct xlat x = {};
	__u32 fresh, until, index;
	__u64 ctl, delta;

	if (!h || !quick_port(port, PORT_4TO6) || !quick_parse4(ctx, f, proto, &p) ||
	    ttl_is_used_up(&p) || rule_proto(c, &p) || quick_begins(&p))
		return false;
	pair = pair_find4(c, h, &p, quick_slot(f), &q);
	b = pair ? quick_record_of(pair, &q) : NULL;
	if (likely(b)) {
		quick_ends_copy(&ends, &pair->src6, &pair->dst6);
		delta = pair->delta;
		rt.hop = &pair->hop;
		until = st_load32(&b->until4);
		if (!quick_lives(c, pair->ctl, until, &fresh) || len_4to6(&p) > rt.hop->mtu ||
		    !quick_in_one(c, &p))
			return false;
	} else {
		b = quick_leased4(&env, &p, &x, &index, &ctl);
		if (!b)
			return false;
		until = st_load32(&b->until4);
		if (!quick_lives(c, ctl, until, &fresh))
			return false;
		rt.hop = quick_hop(c, &p, FAM_6, hop_dst6(&x.dst6), len_4to6(&p), false);
		if (!rt.hop)
			return false;
		rfc6052_embed(&c->pref64[0], p.src4, &x.src6);
		delta = quick_delta_addrs4(&p, &x.src6, &x.dst6,
					   csum_addr6(&x.dst6), true);
		keep = pair_fill(c, h, &q, rt.hop,
				 !(x.dst_pol4 && x.dst_pol4->flags & POL_NOXLAT));
		if (keep) {
			pair_keep4(keep, &x, delta);
			keep->ctl = ctl;
			keep->place = index;
		}
		quick_ends_copy(&ends, &x.src6, &x.dst6);
	}
	if (until < fresh)
		st_store32(&b->until4, fresh);
	if (pkt_is_icmp(&p))
		delta = delta_echo_4to6(&p, &ends.src, &ends.dst);
	*action = quick_send4to6(ctx, f, c, quick_slot(f), &p, &x, &ends, &rt, delta);
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
