/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way of a packet 6->4 that makes a mapping, in mode stateful: one that is plain in
 * every other respect. A program of its own (WAY_NEW), which the short way calls where it has
 * found that there is no mapping and that its own rules let the packet pass. It asks what else
 * is asked of who has none, in the order of path_stateful.h; what is not plain it leaves to the
 * long way while nothing has been made, and what cannot be made is refused there
 * (FOUND_REFUSED). */
#ifndef N64_XDP_QUICK_NEW_H
#define N64_XDP_QUICK_NEW_H

#include "path_stateful.h"
#include "quick_stateful.h"
#include "tags.h"

/* May the source have a mapping? What refuses it says the long way. */
static __always_inline bool new_source6(const struct n64_env *env, const struct pkt *p)
{
	return !rule_source(p) && !stateful_source6(env, p) && !stateless_host(env, &p->src6) &&
	       (!have(env, HAVE_ALLOW6) || allows6(&p->src6));
}

/* The state's half of a scene; what becomes of the addresses is kept at hand here. */
static __always_inline struct st_work *new_work(void)
{
	struct scene *s = scene_get();

	if (!s)
		return NULL;
	state_begin(&s->w);
	return &s->w;
}

/* The packet's question, as far as it is plain (ask_state). */
static __always_inline void new_ask(const struct pkt *p, const struct xlat *x, int pref,
				    struct st_work *w)
{
	w->q.proto = stateful_table(p);
	w->q.tcp_flags = p->tcp_flags;
	addr6_copy(&w->q.host6, &p->src6);
	w->q.port6 = p->sport;
	w->q.remote_port = w->q.proto == ST_ICMP ? 0 : p->dport;
	w->q.remote4 = x->dst4;
	w->q.pref = (__u32)pref;
}

/* To the long way with what is known; it does not come back. */
static __always_inline int new_long(struct xdp_md *ctx, enum reason refused)
{
	struct n64_whence *w = whence_get();

	if (w && refused) {
		w->found = FOUND_REFUSED;
		w->action = refused;
	}
	return whence_long(ctx);
}

/* True: the packet has left, counted, by *action; false: it is the long way's, `*refused` where
 * that has been settled. */
static __always_inline bool quick6_new(struct xdp_md *ctx, struct quick *f,
				       __u8 proto, int *action, enum reason *refused)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	struct xlat x = {.ports = true};
	struct st_work *w = new_work();
	struct pkt *p = new_pkt();
	struct route rt = {};
	int pref = 0;
	__u64 sum = quick_sum_addr6(&quick_ip6(f)->src);

	if (!w || !p)
		return false;
	p->fam = FAM_6;
	p->l3_off = ETH_LEN;
	p->ifindex = whence_device(ctx);
	if (!quick_parse6(ctx, f, proto, p) ||
	    !quick_aims6(ctx, &env, &quick_ip6(f)->dst, c->n_pref64 > 1, &x, &pref))
		return false;
	if (micro_ends(MICRO_NEW_JUDGE))
		return false;
	if (!new_source6(&env, p) || clamps_mss(p, c->opt.clamp_mss6to4) ||
	    (proto == P_TCP && c->opt.tcp_rst_check))
		return false;
	new_ask(p, &x, pref, w);
	if (!absent6(w, true) || state_may_make6(w) || state_would6(w) ||
	    micro_ends(MICRO_NEW_LOOK))
		return false;
	rt.hop = quick_hop(c, p, FAM_4, hop_dst4(x.dst4), len_6to4(p), true);
	if (!rt.hop || micro_ends(MICRO_NEW_ROUTE))
		return false;
	/* it can leave */
	*refused = (enum reason)state_make6(w);
	if (!*refused)
		*refused = state_commit6(w);
	if (*refused || micro_ends(MICRO_NEW_MAKE))
		return false;
	x.src4 = w->q.addr4;
	x.sport = w->q.port4;
	notice_partial_csum(p);
	*action = quick_send6to4(ctx, f, c, role_slot(), p, &x, &rt,
				 quick_delta6(f, p, &x, sum, true),
				 ipid_pair(c->key, x.src4, x.dst4));
	return true;
}

#endif
