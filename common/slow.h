/* SPDX-License-Identifier: GPL-2.0-only */
/* The other path: complete translation of any one packet in user space (RFC
 * 7915, 6052, 7757, 4884, 6791; 6146: slow_state.h), and the ICMP errors that we
 * originate.
 *
 * The steps and their order are those of xdp/nat64.bpf.c (GEN-08), and so is the
 * result for a packet that both can translate (GEN-07). Pure: what the rules
 * need to know of the world is asked through slow_ops. */
#ifndef N64_SLOW_H
#define N64_SLOW_H

#include "forward.h"
#include "icmp_error.h"
#include "icmp_xlat.h"
#include "slow_judge.h"
#include "slow_state.h"

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

/* ---- all modes ------------------------------------------------------------------------ */

/* Not ours: back to the kernel as it came, except on nat64x, where it came from
 * the kernel (HP-07). */
static inline enum reason slow_return(const struct slow_job *j)
{
	if (j->in->from_pair)
		return R_pair_not_target;
	if (j->in->len < j->in->true_len)
		return R_sp_too_long;
	if (j->in->reassembled)
		return R_sp_returned; /* reassembly.h has the fragments as they came */
	j->ops->emit(j->ops->ctx, j->in->ip, j->in->len, EMIT_RETURNED);
	return R_sp_returned;
}

/* The end of every way through: the error of section 8, if one is due. */
static inline enum reason slow_leave(const struct slow_job *j, enum reason r)
{
	if (reason_kind(r) == KIND_PASS)
		return slow_return(j);
	return reason_kind(r) == KIND_ERROR ? error_answer(j, r) : r;
}

static inline struct slow_job slow_job_of(const struct slow_ops *ops, const struct n64_env *env,
					  const struct slow_in *in, __u32 ttl_dec, __u8 *scratch)
{
	return (struct slow_job){
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
}

/* Judges and translates one packet in the order of GEN-08 and emits what
 * becomes of it: nothing, one packet, several fragments, an ICMP error, or the
 * packet itself (EMIT_RETURNED). Returns the one reason with which it leaves.
 * In mode stateful that may be R_slow_syn: the packet, unchanged, is to be stored
 * (TCP-03, TCP-04); later fragments come through slow_fragment_known instead.
 *
 * `ttl_dec` is subtracted from TTL/hop limit of what is translated and 64 +
 * (1 - ttl_dec) is the TTL of what is originated: 0 in the worker, where the
 * stage behind it decrements (GEN-09); 1 shows packets as they reach the wire.
 * `scratch` holds SLOW_SCRATCH bytes, four-byte aligned. */
static inline enum reason slow_translate(const struct slow_ops *ops, const struct n64_env *env,
					 const struct slow_in *in, __u32 ttl_dec, __u8 *scratch)
{
	struct slow_job j = slow_job_of(ops, env, in, ttl_dec, scratch);
	enum reason r;

	if (env_has_state(env))
		r = in->fam == FAM_6 ? state_path6(&j) : state_path4(&j);
	else
		r = in->fam == FAM_6 ? slow_path6(&j) : slow_path4(&j);
	return slow_leave(&j, r);
}

/* Mode stateful: a fragment of a datagram whose first one was translated; `call` is what
 * that left in call_out (FRG-02, FRG-11). The state is not asked again. */
static inline enum reason slow_fragment_known(const struct slow_ops *ops,
					      const struct n64_env *env,
					      const struct slow_in *in,
					      const struct n64_call *call, __u32 ttl_dec,
					      __u8 *scratch)
{
	struct slow_job j = slow_job_of(ops, env, in, ttl_dec, scratch);

	return slow_leave(&j, state_path_known(&j, call));
}

/* GENERR-15, TCP-11: the answer to a SYN that was stored and waited in vain; `in` as it
 * was handed to slow_translate. R_syn_timeout, or R_no_icmp_src. */
static inline enum reason slow_syn_timeout(const struct slow_ops *ops, const struct n64_env *env,
					   const struct slow_in *in, __u32 ttl_dec,
					   __u8 *scratch)
{
	struct slow_job j = slow_job_of(ops, env, in, ttl_dec, scratch);
	__u32 flags;

	if (!parse_ip4((const struct ip4_hdr *)in->ip, in->ip + in->len, &j.p))
		return R_internal;
	slow_parse_l4(&j);
	if (pool_find(env, j.p.dst4, &flags) >= 0 && flags & SLOT_SHARED) {
		ops->note(ops->ctx, R_icmp_silent, 1); /* GEN-05 */
		return R_syn_timeout;
	}
	return error_answer(&j, R_syn_timeout);
}

#endif
