// SPDX-License-Identifier: GPL-2.0-only
/* THE PATH of a packet through the fast path, top to bottom:
 *
 *   ours? -> parse -> policy -> lookup -> translate -> route -> write -> send
 *
 * One program for both directions, on every port (n64_port) and on nat64x, where
 * the kernel routes packets to us. n64_exit is the kernel's end of the pair.
 * Every step returns R_GO_ON or the reason with which the packet leaves; nothing
 * is written before everything is decided. Order of checks: GEN-08. */

#include "bpf.h"
#include "call.h"
#include "exit.h"
#include "ours.h"
#include "parse.h"
#include "query.h"
#include "quoted.h"
#include "siit.h"
#include "to_slow.h"
#include "write.h"

char LICENSE[] SEC("license") = "GPL";

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

/* Ours? R_slow_icmp_error: an error from a router without a translation (EAM-08). */
static __always_inline enum reason target6(struct xdp_md *ctx, const struct n64_env *env,
					   struct pkt *p, struct xlat *x)
{
	enum reason r = siit_target6(env, p, x);

	if (r == R_not_target && env->conf->have & HAVE_EAM && x->dst_pol6 &&
	    x->dst_pol6->flags & POL_EAM && quoted_makes_target(ctx, p))
		return R_slow_icmp_error;
	return r;
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

static __always_inline enum reason path6(struct xdp_md *ctx, const struct n64_env *env,
					 const struct n64_port *port, struct pkt *p, int *action)
{
	const struct n64_conf *c = env->conf;
	const struct ip6_hdr *ip = ip_of(ctx, p);
	struct route rt = {};
	struct xlat x = {};
	enum reason r, ours;
	__u32 len;

	/* ours? */
	if (!parse_ip6(ip, frame_end(ctx), p))
		return R_unreadable;
	see_all(ctx, p);
	parse_l4(ip + 1, frame_end(ctx), p);
	ours = target6(ctx, env, p, &x);
	if (ours && ours != R_slow_icmp_error)
		return ours;
	if (!(port->flags & PORT_6TO4))
		return R_direction_off;

	/* valid? */
	r = valid6(ctx, c, p);
	if (r || ours)
		return r ? r : ours;

	/* policy, addresses, protocol */
	r = siit_6to4(env, p, &x);
	if (r)
		return slow_for_error(r);
	r = judge(c, p, addr4_is_multicast(x.dst4), c->opt.clamp_mss6to4);
	if (r)
		return r;
	if (x.late)
		return slow_for_error(x.late);

	/* route: MTU-64-01/02, with IPv6 lengths where it stays IPv6 (HP-02) */
	len = x.hairpin ? p->l3_len : len_6to4(p);
	r = route(ctx, c, port, p, &x, x.hairpin ? FAM_6 : FAM_4, len, &rt);
	if (r == R_too_big && !x.hairpin && p->l3_len <= 1280)
		return R_slow_fragment;
	if (r)
		return slow_for_error(r);

	/* write, send */
	notice_partial_csum(p);
	if (x.hairpin ? !write_hairpin(ctx, c, p, &x, &rt) : !write_6to4(ctx, c, p, &x, &rt))
		return R_internal;
	*action = send(c, &rt);
	if (x.hairpin)
		return rt.out ? R_fwd_hairpin : R_kern_hairpin;
	return rt.out ? R_fwd_6to4 : R_kern_6to4;
}

static __always_inline enum reason path4(struct xdp_md *ctx, const struct n64_env *env,
					 const struct n64_port *port, struct pkt *p, int *action)
{
	const struct n64_conf *c = env->conf;
	const struct ip4_hdr *ip = ip_of(ctx, p);
	struct route rt = {};
	struct xlat x = {};
	enum reason r;

	/* ours? */
	if (!parse_ip4(ip, frame_end(ctx), p))
		return R_unreadable;
	see_all(ctx, p);
	if (p->ihl == IP4_LEN && !p->frag_off)
		parse_l4(ip + 1, frame_end(ctx), p);
	r = siit_target4(env, p, &x);
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
	r = siit_4to6(env, p, &x);
	if (r)
		return slow_for_error(r);
	r = judge(c, p, addr4_is_multicast(p->dst4), c->opt.clamp_mss4to6);
	if (r)
		return r;
	if (x.late)
		return slow_for_error(x.late);

	/* route: MTU-46-02/03 */
	if (!p->df && len_4to6(p) > c->opt.lowest_ipv6_mtu)
		return R_slow_fragment;
	r = route(ctx, c, port, p, &x, FAM_6, len_4to6(p), &rt);
	if (r == R_too_big && !p->df)
		return R_slow_fragment;
	if (r)
		return slow_for_error(r);

	/* write, send */
	notice_partial_csum(p);
	if (!write_4to6(ctx, c, p, &x, &rt))
		return R_internal;
	*action = send(c, &rt);
	return rt.out ? R_fwd_4to6 : R_kern_4to6;
}

/* Ethernet: for us, in this VLAN, and an IP packet at all? */
static __always_inline enum reason enter(struct xdp_md *ctx, const struct n64_conf *c,
					 const struct n64_port *port, struct pkt *p)
{
	const struct eth_hdr *eth = frame_start(ctx);
	const void *end = frame_end(ctx);
	enum reason r;

	p->ifindex = ctx->ingress_ifindex;
	p->from_pair = role.kind == ROLE_XLAT;
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

SEC("xdp.frags")
int n64_port(struct xdp_md *ctx)
{
	const struct n64_conf *c = conf_get();
	struct n64_env env = {.conf = c};
	const struct n64_port *port;
	__u32 slot = role.slot;
	struct pkt *p = new_pkt();
	enum reason r;
	int action = XDP_DROP;

	if (role.kind == ROLE_XLAT && is_slow_frame(ctx, &r, &action)) {
		count(r, frame_end(ctx) - frame_start(ctx));
		return action;
	}
	port = bpf_map_lookup_elem(&ports, &slot);
	if (!port || !p)
		return XDP_PASS; /* cannot be: slots are checked at load */
	r = enter(ctx, c, port, p);
	if (!r)
		r = p->fam == FAM_6 ? path6(ctx, &env, port, p, &action)
				   : path4(ctx, &env, port, p, &action);
	if (reason_kind(r) == KIND_SLOW) {
		action = to_slow(ctx, p, &r);
	} else if (reason_kind(r) == KIND_PASS) {
		action = XDP_PASS;
		if (role.kind == ROLE_XLAT) {
			r = pair_refusal(p);
			action = XDP_DROP;
		}
	} else if (reason_kind(r) == KIND_FWD && unlikely(action == XDP_ABORTED)) {
		r = R_internal; /* a device of ours that is not in the devmap */
		action = XDP_DROP;
	}
	count(r, p->l3_len);
	return action;
}

SEC("xdp.frags")
int n64_exit(struct xdp_md *ctx)
{
	return exit_path(ctx);
}

SEC("xdp")
int n64_query(struct xdp_md *ctx)
{
	return fib_query(ctx);
}

SEC("syscall")
int n64_state(struct n64_call *call)
{
	return state_program(call);
}
