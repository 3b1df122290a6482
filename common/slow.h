/* SPDX-License-Identifier: GPL-2.0-only */
/* The other path: complete translation of any one packet in user space (RFC
 * 7915, 6052, 7757, 4884, 6791), and the ICMP errors that we originate.
 *
 * The steps and their order are those of xdp/nat64.bpf.c (GEN-08), and so is the
 * result for a packet that both can translate (GEN-07). Pure: what the rules
 * need to know of the world is asked through slow_ops. */
#ifndef N64_SLOW_H
#define N64_SLOW_H

#include "forward.h"
#include "icmp_error.h"
#include "icmp_xlat.h"
#include "opt4.h"

/* Step (9): VAL-04, X-4TO6-12, section 6, L4-03/04/06. */
static inline enum reason slow_proto(const struct slow_job *j)
{
	const struct n64_conf *conf = j->env->conf;
	const struct pkt *p = &j->p;
	enum reason r;

	if (p->frag_off)
		return proto_is_forbidden((enum ip_family)p->fam, p->proto) ? R_bad_proto :
									       R_GO_ON;
	r = rule_proto(conf, p);
	if (r != R_slow_udp_zero)
		return r;
	if (pkt_is_fragment(p))
		return R_udp_zero_frag;
	return conf->opt.udp_zero_csum == UDP_ZERO_DROP ? R_udp_zero : R_GO_ON;
}

/* Steps (7) to (9): TTL, fragments, protocol. */
static inline enum reason slow_judge(const struct slow_job *j, bool multicast)
{
	enum reason r;

	if (ttl_is_used_up(&j->p))
		return multicast ? R_mcast_scope : R_ttl_expired;
	r = rule_fragment(&j->p);
	return r ? r : slow_proto(j);
}

static inline void slow_parse_l4(struct slow_job *j)
{
	if (!j->p.frag_off && j->p.l4_off <= j->in->len)
		parse_l4(job_l4(j), j->in->ip + j->in->len, &j->p);
}

static inline enum reason slow_path6(struct slow_job *j)
{
	const struct ext_bytes bytes = { j->in->ip, j->in->len };
	const __u8 *end = j->in->ip + j->in->len;
	struct pkt *p = &j->p;
	enum reason r, walk;

	/* ours? */
	if (!parse_ip6((const struct ip6_hdr *)j->in->ip, end, p))
		return R_unreadable;
	walk = ext6_walk(ext_load_bytes, &bytes, p, &j->pointer);
	if (!walk)
		slow_parse_l4(j);
	r = siit_target6(j->env, p, &j->x);
	if (r == R_not_target && !walk && icmp_quotes_target(j))
		r = R_GO_ON;
	if (r)
		return r;

	/* valid? */
	r = rule_header(p);
	if (!r)
		r = walk;
	if (!r)
		r = rule_source(p);
	if (r)
		return r;
	if (job_is_icmp_error(p))
		return icmp_error_6to4(j);
	if (j->pointer)
		return R_source_route;

	/* policy, addresses, protocol */
	r = siit_6to4(j->env, p, &j->x);
	if (!r)
		r = slow_judge(j, addr4_is_multicast(j->x.dst4));
	if (r)
		return r;

	/* route, write, send */
	return j->x.hairpin ? forward_hairpin(j) : forward_6to4(j);
}

/* What rule_header leaves to us: options, and the checksum over them. */
static inline enum reason slow_options(const struct slow_job *j)
{
	const struct pkt *p = &j->p;

	if (p->ihl == IP4_LEN)
		return R_GO_ON;
	if (p->ihl > j->in->len || csum_fold(csum_bytes(j->in->ip, p->ihl)) != 0xffff)
		return R_bad_hdr4;
	return opt4_walk(j->in->ip + IP4_LEN, p->ihl - IP4_LEN);
}

static inline enum reason slow_path4(struct slow_job *j)
{
	const __u8 *end = j->in->ip + j->in->len;
	struct pkt *p = &j->p;
	enum reason r, opt;

	/* ours? */
	if (!parse_ip4((const struct ip4_hdr *)j->in->ip, end, p))
		return R_unreadable;
	slow_parse_l4(j);
	r = siit_target4(j->env, p, &j->x);
	if (r)
		return r;

	/* valid? An ICMP error may have any source (SRC-04). */
	r = rule_header(p);
	if (r)
		return r;
	opt = slow_options(j);
	if (opt && opt != R_source_route)
		return opt;
	if (job_is_icmp_error(p))
		return icmp_error_4to6(j, opt);
	r = rule_source(p);
	if (!r && job_is_broadcast(j, p->src4))
		r = R_src4_illegal;
	if (!r)
		r = opt;
	if (r)
		return r;

	/* policy, addresses, protocol */
	r = siit_4to6(j->env, p, &j->x);
	if (!r)
		r = slow_judge(j, addr4_is_multicast(p->dst4));
	if (r)
		return r;

	/* route, write, send */
	return forward_4to6(j);
}

/* Not ours: back to the kernel as it came, except on nat64x, where it came from
 * the kernel (HP-07). */
static inline enum reason slow_return(const struct slow_job *j)
{
	if (j->in->from_pair)
		return R_pair_not_target;
	if (j->in->len < j->in->true_len)
		return R_sp_too_long;
	j->ops->emit(j->ops->ctx, j->in->ip, j->in->len, EMIT_RETURNED);
	return R_sp_returned;
}

/* Judges and translates one packet in the order of GEN-08 and emits what
 * becomes of it: nothing, one packet, several fragments, an ICMP error, or the
 * packet itself (EMIT_RETURNED). Returns the one reason with which it leaves.
 *
 * `ttl_dec` is subtracted from TTL/hop limit of what is translated and 64 +
 * (1 - ttl_dec) is the TTL of what is originated: 0 in the worker, where the
 * stage behind it decrements (GEN-09); 1 shows packets as they reach the wire.
 * `scratch` holds SLOW_SCRATCH bytes, four-byte aligned. */
static inline enum reason slow_translate(const struct slow_ops *ops, const struct n64_env *env,
					 const struct slow_in *in, __u32 ttl_dec, __u8 *scratch)
{
	struct slow_job j = {
		.ops = ops,
		.env = env,
		.in = in,
		.ttl_dec = ttl_dec,
		.out = scratch,
		.p = {
			.ifindex = in->ifindex,
			.fam = (__u8)in->fam,
			.l2_mcast = in->l2_mcast,
			.from_pair = in->from_pair,
			.avail = in->true_len > in->len ? in->true_len : in->len,
		},
	};
	enum reason r = in->fam == FAM_6 ? slow_path6(&j) : slow_path4(&j);

	if (reason_kind(r) == KIND_PASS)
		return slow_return(&j);
	return reason_kind(r) == KIND_ERROR ? error_answer(&j, r) : r;
}

#endif
