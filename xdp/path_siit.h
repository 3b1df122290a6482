/* SPDX-License-Identifier: GPL-2.0-only */
/* THE PATH of a packet in mode siit (RFC 7915, 6052, 7757), top to bottom:
 *
 *   ours? -> parse -> policy -> lookup -> translate -> route -> write -> send
 *
 * Every step returns R_GO_ON or the reason with which the packet leaves; nothing is
 * written before everything is decided. Order of checks: GEN-08. */
#ifndef N64_XDP_PATH_SIIT_H
#define N64_XDP_PATH_SIIT_H

#include "path.h"

/* Ours? R_slow_icmp_error: an error from a router without a translation (EAM-08). Of a
 * stateless entry it is by then (MIX-03), and the worker looks closer. */
static __always_inline enum reason target6(struct xdp_md *ctx, const struct n64_env *env,
					   struct pkt *p, struct xlat *x)
{
	enum reason r = siit_target6(env, p, x);

	if (r != R_not_target || !(env->conf->have & HAVE_EAM) || !x->dst_pol6 ||
	    !(x->dst_pol6->flags & POL_EAM))
		return r;
	if (env->entry)
		return pkt_is_icmp(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR ?
			       R_slow_icmp_error : r;
	return quoted_makes_target(ctx, p) ? R_slow_icmp_error : r;
}

/* Valid, from a source that may be, and for the fast path at all? */
static __always_inline enum reason valid6(struct xdp_md *ctx, const struct n64_conf *c,
					  const struct pkt *p)
{
	enum reason r = rule_header(p);

	if (!r)
		r = rule_source(p);
	if (r)
		return r;
	/* an error makes no mapping, and its router may well be numbered from
	 * addresses without a route (RFC 6791) */
	if (pkt_is_icmp(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR)
		return R_slow_icmp_error;
	if (c->opt.urpf6 != URPF_OFF && !p->from_pair &&
	    urpf_refuses(ctx, &p->src6, p->ifindex, c->opt.urpf6 == URPF_STRICT))
		return R_urpf;
	return beyond_fast_path6(p);
}

/* Steps (1) to (10): R_GO_ON with *x filled. */
static __always_inline enum reason judge6_siit(struct xdp_md *ctx, const struct n64_env *env,
					       const struct n64_port *port, struct pkt *p,
					       struct xlat *x)
{
	const struct n64_conf *c = env->conf;
	const struct ip6_hdr *ip = ip_of(ctx, p);
	enum reason r, ours;

	/* ours? */
	if (!parse_ip6(ip, frame_end(ctx), p))
		return R_unreadable;
	see_all(ctx, p);
	parse_l4(ip + 1, frame_end(ctx), p);
	ours = target6(ctx, env, p, x);
	if (ours && ours != R_slow_icmp_error)
		return ours;
	if (!(port->flags & PORT_6TO4))
		return R_direction_off;

	/* valid? */
	r = valid6(ctx, c, p);
	if (r || ours)
		return r ? r : ours;

	/* policy, addresses, protocol */
	r = siit_6to4(env, p, x);
	if (r)
		return slow_for_error(r);
	r = judge(c, p, addr4_is_multicast(x->dst4), c->opt.clamp_mss6to4);
	if (r)
		return r;
	return x->late ? slow_for_error(x->late) : R_GO_ON;
}

static __always_inline enum reason send6_siit(struct xdp_md *ctx, const struct n64_port *port,
					      struct pkt *p, const struct xlat *x, int *action)
{
	const struct n64_conf *c = conf_get();
	struct route rt = {};
	enum reason r;
	__u32 len;

	/* route: MTU-64-01/02, with IPv6 lengths where it stays IPv6 (HP-02) */
	len = x->hairpin ? p->l3_len : len_6to4(p);
	r = route(ctx, c, port, p, x, x->hairpin ? FAM_6 : FAM_4, len, &rt);
	if (r == R_too_big && !x->hairpin && p->l3_len <= 1280)
		return R_slow_fragment;
	if (r)
		return slow_for_error(r);

	/* write, send */
	notice_partial_csum(p);
	if (x->hairpin ? !write_hairpin(ctx, c, p, x, &rt) : !write_6to4(ctx, c, p, x, &rt))
		return R_internal;
	*action = send(c, &rt);
	if (x->hairpin)
		return rt.hop ? R_fwd_hairpin : R_kern_hairpin;
	return rt.hop ? R_fwd_6to4 : R_kern_6to4;
}

static __attribute__((noinline)) int path6(struct xdp_md *ctx, const struct n64_port *port,
					    struct pkt *p, int *action)
{
	const struct n64_env env = {.conf = conf_get()};
	struct xlat x = {};
	enum reason r = judge6_siit(ctx, &env, port, p, &x);

	return r ? r : send6_siit(ctx, port, p, &x, action);
}

static __always_inline enum reason judge4_siit(struct xdp_md *ctx, const struct n64_env *env,
					       const struct n64_port *port, struct pkt *p,
					       struct xlat *x)
{
	const struct n64_conf *c = env->conf;
	const struct ip4_hdr *ip = ip_of(ctx, p);
	enum reason r;

	/* ours? */
	if (!parse_ip4(ip, frame_end(ctx), p))
		return R_unreadable;
	see_all(ctx, p);
	if (p->ihl == IP4_LEN && !p->frag_off)
		parse_l4(ip + 1, frame_end(ctx), p);
	r = siit_target4(env, p, x);
	if (r)
		return r;
	if (!(port->flags & PORT_4TO6))
		return R_direction_off;

	/* valid? An ICMP error is the worker's whatever its source (SRC-04). */
	r = rule_header(p);
	if (r)
		return r;
	r = beyond_fast_path4(p);
	if (!r && pkt_is_icmp(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR)
		r = R_slow_icmp_error;
	if (r && pkt_is_icmp(p))
		return r;
	if (rule_source(p))
		return rule_source(p);
	if (r)
		return r;

	/* policy, addresses, protocol */
	r = siit_4to6(env, p, x);
	if (r)
		return slow_for_error(r);
	r = judge(c, p, addr4_is_multicast(p->dst4), c->opt.clamp_mss4to6);
	if (r)
		return r;
	return x->late ? slow_for_error(x->late) : R_GO_ON;
}

static __always_inline enum reason send4_siit(struct xdp_md *ctx, const struct n64_port *port,
					      struct pkt *p, const struct xlat *x, int *action)
{
	const struct n64_conf *c = conf_get();
	struct route rt = {};
	enum reason r;

	/* route: MTU-46-02/03 */
	if (!p->df && len_4to6(p) > c->opt.lowest_ipv6_mtu)
		return R_slow_fragment;
	r = route(ctx, c, port, p, x, FAM_6, len_4to6(p), &rt);
	if (r == R_too_big && !p->df)
		return R_slow_fragment;
	if (r)
		return slow_for_error(r);

	/* write, send */
	notice_partial_csum(p);
	if (!write_4to6(ctx, c, p, x, &rt))
		return R_internal;
	*action = send(c, &rt);
	return rt.hop ? R_fwd_4to6 : R_kern_4to6;
}

static __attribute__((noinline)) int path4(struct xdp_md *ctx, const struct n64_port *port,
					    struct pkt *p, int *action)
{
	const struct n64_env env = {.conf = conf_get()};
	struct xlat x = {};
	enum reason r = judge4_siit(ctx, &env, port, p, &x);

	return r ? r : send4_siit(ctx, port, p, &x, action);
}

#endif
