/* SPDX-License-Identifier: GPL-2.0-only */
/* THE PATH of a packet in mode dynamic (section 15), top to bottom: header rules as in
 * path_siit.h, and the IPv6 host's address by its mapping, as in path_stateful.h.
 *
 *   ours? -> parse -> policy -> look -> route -> commit -> write -> send
 *
 * A mapping is made by what leaves, and by nothing else (DYN-02). */
#ifndef N64_XDP_PATH_DYNAMIC_H
#define N64_XDP_PATH_DYNAMIC_H

#include "path_stateful.h"

/* Is a new mapping allowed, or one that is there still (DYN-03, ADR-28, GEN-11)? */
static __attribute__((noinline)) int judge_host(struct xdp_md *ctx, const struct pkt *p,
						struct st_work *w)
{
	const struct n64_conf *c = conf_get();
	enum reason r = R_GO_ON;

	if (!w)
		return R_internal;
	if (!allows6(&p->src6))
		r = slow_for_error(dynamic_not_allowed(c));
	else if (c->opt.urpf6 != URPF_OFF && !p->from_pair &&
		 urpf_refuses(ctx, &p->src6, p->ifindex, c->opt.urpf6 == URPF_STRICT))
		r = R_urpf;
	return r;
}

/* The mapping, or the upper half of the address that a new one would have. */
static __always_inline enum reason look6_dynamic(struct xdp_md *ctx, const struct pkt *p,
						 struct st_work *w, bool *found)
{
	enum reason r;

	w->q.proto = ST_HOST;
	w->q.host6 = p->src6;
	*found = state_look6(w);
	if (likely(*found && !state_needs_judge(w)))
		return R_GO_ON;
	r = (enum reason)judge_host(ctx, p, w);
	if (*found) {
		if (r)
			binding_remove(w->q.binding, w->now);
		else
			state_judged(w);
		return r;
	}
	return r ? r : slow_for_error(state_would6(w));
}

/* What is dropped for another reason is judged by allow6 all the same, before its TTL and
 * protocol are (GEN-08). */
static __always_inline enum reason refuse6_dynamic(const struct n64_conf *c,
						   const struct pkt *p, enum reason r)
{
	return slow_for_error(allows6(&p->src6) ? r : dynamic_not_allowed(c));
}

/* Steps (7) to (9). */
static __always_inline enum reason judge_dynamic(const struct n64_conf *c, const struct pkt *p)
{
	return ttl_is_used_up(p) ? R_slow_ttl : rule_proto(c, p);
}

/* HP-06: the destination is one of the pool. Does the fast path do this one? The rest of
 * it is the worker's, which also answers what has no mapping. */
static __always_inline bool hairpin_dynamic(const struct n64_env *env, const struct pkt *p,
					    struct scene *s)
{
	struct st_work *in = &s->in;
	__u32 flags;
	int slot = pool_find(env, s->x.dst4, &flags);

	if (slot < 0 || (!df_6to4(p) && p->l3_len > env->conf->opt.lowest_ipv6_mtu))
		return false;
	state_begin(in);
	in->q.proto = ST_HOST;
	in->q.row = row_of((__u32)slot, ST_HOST);
	in->q.port4 = host_port(s->x.dst4);
	if (!hairpin_find(in))
		return false;
	s->x.dst6 = in->q.host6;
	s->x.hairpin = true;
	return !stateful_peer6(env, in->q.pref, s->x.src4, &s->x.src6);
}

/* The sender's mapping. */
static __always_inline enum reason commit6_dynamic(struct xdp_md *ctx, const struct pkt *p,
						   struct scene *s, bool found, struct route *rt)
{
	struct st_work *w = &s->w;
	enum reason r = found ? R_GO_ON : (enum reason)host_make(w);

	if (!r)
		r = state_commit6(w);
	if (r)
		return slow_for_error(r);
	if (likely(s->x.src4 == w->q.addr4))
		return R_GO_ON;
	s->x.src4 = w->q.addr4;
	/* a new one, of which the lower half was not known before */
	return (enum reason)route_again(ctx, p, s, rt);
}

static __always_inline enum reason leave6_dynamic(struct xdp_md *ctx, const struct n64_conf *c,
						  struct pkt *p, struct scene *s,
						  const struct route *rt, int *action)
{
	notice_partial_csum(p);
	if (unlikely(s->x.hairpin)) {
		if (hairpin_udp(&s->in) || !hairpin_write(ctx, p, &s->x, rt))
			return R_internal;
		*action = send(c, rt);
		return rt->hop ? R_fwd_hairpin : R_kern_hairpin;
	}
	if (!write_6to4(ctx, c, p, &s->x, rt))
		return R_internal;
	*action = send(c, rt);
	return rt->hop ? R_fwd_6to4 : R_kern_6to4;
}

static __always_inline enum reason path6_dynamic(struct xdp_md *ctx, const struct n64_env *env,
						 const struct n64_port *port, struct pkt *p,
						 struct scene *s, int *action)
{
	const struct n64_conf *c = env->conf;
	struct route rt = {};
	enum reason r;
	bool found;

	/* ours? valid? policy, protocol */
	r = begin6_stateful(ctx, env, port, p, &s->x);
	if (r)
		return r;
	r = judge_dynamic(c, p);
	if (r)
		return refuse6_dynamic(c, p, r);

	/* look */
	r = look6_dynamic(ctx, p, &s->w, &found);
	if (r)
		return r;
	if (clamps_mss(p, c->opt.clamp_mss6to4))
		return R_slow_syn_mss;
	if (c->opt.force_slow)
		return R_slow_forced;
	s->x.src4 = s->w.q.addr4;
	s->w.q.pref = s->x.dst_pref;
	if (unlikely(stateful_is_own(env, s->x.dst4)) && (!found || !hairpin_dynamic(env, p, s)))
		return R_slow_hairpin;

	/* route: MTU-64-01/02, with IPv6 lengths where it stays IPv6 */
	r = route(ctx, c, port, p, &s->x, s->x.hairpin ? FAM_6 : FAM_4,
		  s->x.hairpin ? p->l3_len : len_6to4(p), &rt);
	if (r)
		return refused_route6(p, s, r);

	/* commit, write, send */
	r = commit6_dynamic(ctx, p, s, found, &rt);
	return r ? r : leave6_dynamic(ctx, c, p, s, &rt, action);
}

/* ---- 4 -> 6 ---------------------------------------------------------------------------- */

/* Is the mapping of the destination there, and may it be still (GEN-11)? */
static __always_inline bool look4_dynamic(const struct pkt *p, struct st_work *w, int slot)
{
	w->q.proto = ST_HOST;
	w->q.row = row_of((__u32)slot, ST_HOST);
	w->q.addr4 = p->dst4;
	w->q.port4 = host_port(p->dst4);
	if (!state_look4(w))
		return false;
	if (likely(!state_needs_judge(w)))
		return true;
	if (allows6(&w->q.host6)) {
		state_judged(w);
		return true;
	}
	binding_remove(w->q.binding, w->now);
	return false;
}

/* GEN-03, GEN-04: the pool, static addresses, and such as were in the pool once. */
static __always_inline enum reason target4_dynamic(const struct n64_env *env,
						   const struct pkt *p, struct scene *s,
						   bool *found)
{
	__u32 flags;
	int slot;
	enum reason r = stateful_target4(env, p, &s->x, &slot, &flags);

	if (r)
		return r;
	*found = look4_dynamic(p, &s->w, slot);
	if (likely(*found))
		return R_GO_ON;
	if (!stateful_is_own(env, p->dst4))
		return R_not_target;
	return mem_is_local(p->dst4) ? R_shared : R_GO_ON; /* never given to anybody */
}

static __always_inline enum reason path4_dynamic(struct xdp_md *ctx, const struct n64_env *env,
						 const struct n64_port *port, struct pkt *p,
						 struct scene *s, int *action)
{
	const struct n64_conf *c = env->conf;
	struct route rt = {};
	enum reason r;
	bool found;

	/* ours? */
	if (!facts4(ctx, p))
		return R_unreadable;
	r = target4_dynamic(env, p, s, &found);
	if (r)
		return r;
	if (!(port->flags & PORT_4TO6))
		return R_direction_off;

	/* valid? An ICMP error is the worker's whatever its source (SRC-04). */
	r = rule_header(p);
	if (r)
		return r;
	r = beyond_fast_path4(p);
	if (r)
		return r;
	if (pkt_is_icmp(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR)
		return R_slow_icmp_error;

	/* policy, protocol */
	r = rule_source(p);
	if (!r)
		r = slow_for_error(stateful_4to6(env, p));
	if (!r)
		r = judge_dynamic(c, p);
	if (r)
		return r;
	if (!found)
		return slow_for_error(R_no_host);
	if (clamps_mss(p, c->opt.clamp_mss4to6))
		return R_slow_syn_mss;
	if (c->opt.force_slow)
		return R_slow_forced;
	r = stateful_peer6(env, s->w.q.pref, p->src4, &s->x.src6);
	if (r)
		return r;
	s->x.dst6 = s->w.q.host6;

	r = route4(ctx, c, port, p, &s->x, &rt);
	if (r)
		return r;

	/* commit, write, send */
	r = state_commit4_query(&s->w);
	if (r)
		return slow_for_error(R_no_host);
	return leave4(ctx, c, p, &s->x, &rt, action);
}

#endif
