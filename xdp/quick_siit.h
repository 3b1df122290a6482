/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way in mode siit, and of stateless entries in mode stateful: both addresses are
 * translated, nothing is hairpinned. */
#ifndef N64_XDP_QUICK_SIIT_H
#define N64_XDP_QUICK_SIIT_H

#include "pair.h"
#include "quick.h"

/* Is it for the pref64 of the mode that is the only one, and in no list? Then nothing is to be
 * looked up. */
static __always_inline bool quick_pref64(const struct n64_env *env, const struct addr6 *dst)
{
	const struct n64_pref64 *own = &env->conf->pref64[0];

	return !env->entry && plain_get()->only && pref64_contains(own, dst);
}

/* Both addresses and the lists about them; whether the destination is plain in a pref64. What
 * is an explicit mapping, or in a list, is asked for as the long way does. */
static __always_inline bool quick_addrs6(const struct n64_env *env, const struct pkt *p,
					 struct xlat *x, bool *pref)
{
	const struct n64_pol6 *src;

	*pref = quick_pref64(env, &p->dst6);
	if (*pref) {
		x->dst4 = rfc6052_extract(env->conf->pref64[0].len, &p->dst6);
		if (!siit_suffix_ok(env, 0, &p->dst6))
			return false;
		*pref = quick_plain4(x->dst4);
	}
	if (likely(*pref)) {
		src = pol6_if(env, HAVE_EAM | HAVE_ALLOW6, &p->src6);
		return siit_allows6(env, src) && !siit_src_6to4(env, p, src, x) && !x->late;
	}
	return !siit_target6(env, p, x) && !siit_6to4(env, p, x) && !x->late && !x->hairpin &&
	       !addr4_is_multicast(x->dst4);
}

/* `own`: of the mode, not of a stateless entry; what a pair is translated to is remembered then. */
static __always_inline bool quick6_by_addr(struct xdp_md *ctx, struct quick *f,
					   __u8 proto, const struct n64_port *port,
					   const struct n64_env *env, bool own, __u32 slot,
					   int *action)
{
	const struct n64_conf *c = env->conf;
	const struct n64_hops *h = hops_get();
	struct pkt p = QUICK_PKT(ctx, f, FAM_6);
	const struct n64_pair *pair;
	struct pair_ask q = {};
	struct route rt = {};
	struct xlat x = {};
	struct n64_pair *e;
	__u64 sum, delta, id;
	bool pref, may;

	if (!h || !quick_port(port, PORT_6TO4) || !quick_parse6(ctx, f, proto, &p) ||
	    quick_begins(&p) || judge(c, &p, false, c->opt.clamp_mss6to4))
		return false;
	pair = own ? pair_find6(c, h, &p, slot, &q) : NULL;
	if (likely(pair)) {
		x.src4 = pair->src4;
		x.dst4 = pair->dst4;
		delta = pair->delta;
		id = pair->id;
		rt.hop = &pair->hop;
		if (len_6to4(&p) > rt.hop->mtu)
			return false;
	} else {
		if (rule_source(&p) || !quick_addrs6(env, &p, &x, &pref))
			return false;
		/* not where its ports matter (GEN-04) */
		may = st_unsure(!(x.dst_pol6 && x.dst_pol6->flags & POL_NOXLAT));
		/* the verifier need not go on with each answer by itself */
		pref = st_unsure(pref);
		rt.hop = quick_hop(c, &p, FAM_4, hop_dst4(x.dst4), len_6to4(&p), true);
		if (!rt.hop)
			return false;
		sum = quick_sum_addr6(&quick_ip6(f)->src);
		id = ipid_pair(c->key, x.src4, x.dst4);
		delta = quick_delta_addrs6(f, &x, sum, pref);
		e = own ? pair_fill(c, h, &q, rt.hop, may) : NULL;
		if (e)
			pair_keep6(e, &p, &x, delta, id);
	}
	if (pkt_is_icmp(&p))
		delta = delta_echo_6to4(&p);
	*action = quick_send6to4(ctx, f, c, slot, &p, &x, &rt, delta, id);
	return true;
}

static __always_inline bool quick6_siit(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, const struct n64_port *port, int *action)
{
	const struct n64_env env = {.conf = conf_get()};

	return quick6_by_addr(ctx, f, proto, port, &env, true, quick_slot(f), action);
}

/* Both addresses and the lists about them; whether the source is plain, as most are. */
static __always_inline bool quick_addrs4(const struct n64_env *env, const struct pkt *p,
					 struct xlat *x, bool *plain4)
{
	*plain4 = quick_plain4(p->src4);
	if (likely(*plain4))
		return !siit_4to6_from(env, p, NULL, x) && !x->late;
	return !rule_source(p) && !siit_4to6(env, p, x) && !x->late;
}

static __always_inline bool quick4_by_addr(struct xdp_md *ctx, struct quick *f,
					   __u8 proto, const struct n64_port *port,
					   const struct n64_env *env, bool own, __u32 slot,
					   int *action)
{
	const struct n64_conf *c = env->conf;
	const struct n64_hops *h = hops_get();
	struct pkt p = QUICK_PKT(ctx, f, FAM_4);
	const struct n64_pair *pair;
	struct quick_ends ends;
	struct pair_ask q = {};
	struct route rt = {};
	struct xlat x = {};
	struct n64_pair *e;
	__u64 delta;
	bool plain4, may;

	if (!h || !quick_port(port, PORT_4TO6) || !quick_parse4(ctx, f, proto, &p) ||
	    quick_begins(&p) || judge(c, &p, false, c->opt.clamp_mss4to6) ||
	    !quick_in_one(c, &p))
		return false;
	pair = own ? pair_find4(c, h, &p, slot, &q) : NULL;
	if (likely(pair)) {
		quick_ends_copy(&ends, &pair->src6, &pair->dst6);
		delta = pair->delta;
		rt.hop = &pair->hop;
		if (len_4to6(&p) > rt.hop->mtu)
			return false;
	} else {
		if (addr4_is_multicast(p.dst4) || siit_target4(env, &p, &x) ||
		    !quick_addrs4(env, &p, &x, &plain4))
			return false;
		may = st_unsure(!(x.dst_pol4 && x.dst_pol4->flags & POL_NOXLAT)); /* as there */
		plain4 = st_unsure(plain4);
		rt.hop = quick_hop(c, &p, FAM_6, hop_dst6(&x.dst6), len_4to6(&p), false);
		if (!rt.hop)
			return false;
		delta = quick_delta_addrs4(&p, &x.src6, &x.dst6,
					   csum_addr6(&x.dst6), plain4 && own);
		e = own ? pair_fill(c, h, &q, rt.hop, may) : NULL;
		if (e)
			pair_keep4(e, &x, delta);
		quick_ends_copy(&ends, &x.src6, &x.dst6);
	}
	if (pkt_is_icmp(&p))
		delta = delta_echo_4to6(&p, &ends.src, &ends.dst);
	*action = quick_send4to6(ctx, f, c, slot, &p, &x, &ends, &rt, delta);
	return true;
}

static __always_inline bool quick4_siit(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, const struct n64_port *port, int *action)
{
	const struct n64_env env = {.conf = conf_get()};

	return quick4_by_addr(ctx, f, proto, port, &env, true, quick_slot(f), action);
}

/* True: the packet has left, counted, by *action; false: it was not touched. */
static __always_inline bool quick_siit(struct xdp_md *ctx, struct quick *f,
					   const struct n64_port *port, int *action)
{
	enum ip_family fam = quick_family(ctx, f, port);

	if (fam == FAM_NONE)
		return false;
	return fam == FAM_6 ? QUICK_WAY6(quick6_siit, ctx, f, port, action)
			    : QUICK_WAY4(quick4_siit, ctx, f, port, action);
}

#endif
