/* SPDX-License-Identifier: GPL-2.0-only */
/* The other path in modes stateful and dynamic: the steps of GEN-08 with the mapping state
 * in between (RFC 6146 3.4 to 3.8), for packets of either family, for what is hairpinned,
 * and for fragments of a datagram that is known. */
#ifndef N64_SLOW_STATE_H
#define N64_SLOW_STATE_H

#include "forward.h"
#include "icmp_state.h"
#include "slow_judge.h"

/* ---- facts -------------------------------------------------------------------------- */

/* What reassembly.h knows of the packet beyond its bytes (FRG-12, FRG-13): a datagram
 * put together counts as an IPv6 atomic fragment, or as an IPv4 packet that may be cut. */
static inline void state_frag_facts(struct slow_job *j)
{
	struct pkt *p = &j->p;

	if (j->in->reassembled) {
		p->df = false;
		p->has_fh = p->fam == FAM_6;
	}
	if (p->fam == FAM_6 && (j->in->reassembled || j->in->has_frag_id))
		p->frag_id = j->in->frag_id;
}

/* Steps (7) to (9), and what full reassembly adds to them (FRG-14, FRG-17). */
static inline enum reason state_judge(const struct slow_job *j)
{
	const struct pkt *p = &j->p;
	enum reason r;

	if (p->frag_off && !j->known && is_stateful(j->env))
		return R_internal; /* reassembly.h keeps it until the first has come */
	r = slow_judge(j, false);
	if (r || !j->in->reassembled)
		return r;
	if (p->fam == FAM_6 && len_6to4(p) > 65535)
		return R_frag_too_big;
	return pkt_is_icmp(p) && !job_is_cut(j) && !icmp_csum_ok(j) ? R_icmp_bad_csum : R_GO_ON;
}

/* ---- 6 -> 4 -------------------------------------------------------------------------- */

/* ADR-26, GEN-11: a static mapping is the operator's word and is not judged. */
static inline enum reason state_allow6(const struct slow_job *j)
{
	struct n64_call c;

	if (stateful_allows6(j->env, &j->p.src6))
		return R_GO_ON;
	if (is_stateful(j->env) && (!j->p.has_l4 || j->p.frag_off))
		return R_not_allowed6;
	c = question_out(j, CALL_WOULD_OUT);
	return !slow_ask(j, &c) && c.ctl & CTL_STATIC ? R_GO_ON : stateful_not_allowed(j->env);
}

/* GEN-11: a host that is not allowed any more has no mapping. What is static is not
 * judged. */
static inline enum reason state_host_allowed(const struct slow_job *j, const struct n64_call *c)
{
	if (c->ctl & CTL_STATIC || stateful_allows6(j->env, &c->host6))
		return R_GO_ON;
	if (j->slot_flags & SLOT_SHARED)
		return R_shared;
	return j->p.proto == P_TCP && is_stateful(j->env) ? R_tcp_no_state : R_no_bib;
}

/* HP-04: how the second half leaves when it is refused. It came as IPv6: nothing is
 * stored or answered, and the host itself is not reached this way. */
static inline enum reason state_hairpin_refused(const struct slow_job *j, enum reason r)
{
	if (env_is_dynamic(j->env) && (r == R_shared || r == R_no_bib))
		return R_no_host; /* HP-06 */
	if (r != R_shared && r != R_slow_syn)
		return r;
	return j->p.proto == P_TCP ? R_tcp_no_state : R_no_bib;
}

/* GEN-08: the size of a hairpinned packet is judged before there is any state for it, as
 * far as the host behind the second mapping is known by then. */
static inline enum reason state_hairpin_size(struct slow_job *j)
{
	struct n64_call c = question_hairpin(j, CALL_PEEK_IN, 0);
	const struct pkt between = forward_between(j);
	__u32 per;
	enum reason r = slow_ask(j, &c);

	if (r && r != R_inner_no_session) /* a mapping is enough; DYN-02: none for nothing */
		return env_is_dynamic(j->env) ? state_hairpin_refused(j, r) : R_GO_ON;
	r = answer_in(j, &c, j->x.src4, 0);
	if (!r)
		r = forward_hairpin_size(j, &between, &per);
	j->x.ports = false;
	return r;
}

/* HP-04: the outgoing tuple becomes the incoming one, once (HP-05). */
static inline enum reason state_hairpin(struct slow_job *j)
{
	struct n64_call out, in;
	enum reason r = state_hairpin_size(j);

	if (!r && job_is_cut(j))
		r = R_sp_too_long;
	if (r)
		return r;
	out = question_out(j, CALL_OUT);
	r = slow_ask(j, &out);
	if (r)
		return r;
	answer_out(j, &out);
	in = question_hairpin(j, CALL_IN, out.port4);
	r = slow_ask(j, &in);
	if (!r)
		r = state_host_allowed(j, &in);
	if (r)
		return state_hairpin_refused(j, r);
	r = answer_in(j, &in, j->x.src4, out.port4);
	if (r)
		return r;
	answer_keep(j, &in);
	return forward_hairpin(j);
}

static inline enum reason state_forward6(struct slow_job *j)
{
	struct n64_call c = question_out(j, CALL_WOULD_OUT);
	enum reason r = slow_ask(j, &c);

	if (r)
		return r;
	j->x.src4 = c.addr4;
	return stateful_is_own(j->env, j->x.dst4) ? state_hairpin(j) : forward_6to4(j);
}

/* From bytes to a valid target of ours; R_GO_ON. */
static inline enum reason state_enter6(struct slow_job *j)
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
	state_frag_facts(j);
	r = stateful_target6(j->env, p, &j->x);
	if (r)
		return r;

	/* valid? */
	r = rule_header(p);
	if (!r)
		r = walk;
	if (!r)
		r = rule_source(p);
	return r ? r : stateful_source6(j->env, p);
}

static inline enum reason state_path6(struct slow_job *j)
{
	enum reason r = state_enter6(j), listed;

	if (r)
		return r;
	if (job_is_icmp_error(&j->p))
		return state_error_6to4(j);
	if (j->pointer)
		return R_source_route;

	/* policy, protocol */
	listed = stateful_dst_6to4(j->env, &j->p, &j->x);
	r = state_allow6(j);
	if (!r)
		r = listed;
	if (!r)
		r = state_judge(j);

	/* route, state, write, send */
	return r ? r : state_forward6(j);
}

/* ---- 4 -> 6 -------------------------------------------------------------------------- */

/* GEN-03: beside the pool there are static addresses, and such as were in it once. */
static inline enum reason state_dynamic4(const struct slow_job *j)
{
	struct n64_call c;

	if (stateful_is_own(j->env, j->p.dst4))
		return R_GO_ON;
	c = question_in(j, CALL_PEEK_IN);
	return slow_ask(j, &c) ? R_not_target : R_GO_ON;
}

static inline enum reason state_enter4(struct slow_job *j)
{
	const __u8 *end = j->in->ip + j->in->len;
	struct pkt *p = &j->p;
	enum reason r;
	int slot;

	/* ours? */
	if (!parse_ip4((const struct ip4_hdr *)j->in->ip, end, p))
		return R_unreadable;
	slow_parse_l4(j);
	state_frag_facts(j);
	r = stateful_target4(j->env, p, &j->x, &slot, &j->slot_flags);
	if (!r && env_is_dynamic(j->env))
		r = state_dynamic4(j);
	return r ? r : rule_header(p);
}

/* Steps (4) to (9) for what is not an ICMP error. */
static inline enum reason state_judge4(const struct slow_job *j, enum reason opt)
{
	enum reason r = rule_source(&j->p);

	if (!r && job_is_broadcast(j, j->p.src4))
		r = R_src4_illegal;
	if (!r)
		r = opt;
	if (!r)
		r = stateful_4to6(j->env, &j->p);
	return r ? r : state_judge(j);
}

/* GEN-05: is a packet that the rules refuse not ours at all? */
static inline enum reason state_or_hosts(const struct slow_job *j, enum reason r)
{
	const struct pkt *p = &j->p;
	struct n64_call c;

	if (!stateful_may_be_hosts(j->slot_flags, r))
		return r;
	if (p->frag_off || stateful_proto(j->env->conf, p, j->slot_flags) == R_shared)
		return R_shared;
	c = question_in(j, CALL_PEEK_IN);
	return slow_ask(j, &c) == R_shared ? R_shared : r;
}

/* ADR-04 with several pref64: the one of the mapping decides, before the packet
 * refreshes anything. */
static inline enum reason state_wkp4(const struct slow_job *j)
{
	struct n64_call c;
	struct addr6 peer;
	enum reason r;

	if (j->env->conf->n_pref64 < 2 || !j->env->conf->wkp_strict ||
	    !addr4_is_nonglobal(j->p.src4))
		return R_GO_ON;
	c = question_in(j, CALL_PEEK_IN);
	r = slow_ask(j, &c);
	if (r && r != R_inner_no_session)
		return R_GO_ON; /* the packet itself will hear why */
	return stateful_peer6(j->env, c.pref, j->p.src4, &peer);
}

static inline enum reason state_forward4(struct slow_job *j)
{
	struct n64_call c = question_in(j, CALL_IN);
	enum reason r = state_wkp4(j);

	if (r)
		return r;
	r = slow_ask(j, &c);
	if (!r)
		r = state_host_allowed(j, &c);
	if (!r)
		r = answer_in(j, &c, j->p.src4, j->p.sport);
	if (r)
		return stateful_refused4(j->env->conf, r);
	answer_keep(j, &c);
	return forward_4to6(j);
}

static inline enum reason state_path4(struct slow_job *j)
{
	enum reason r = state_enter4(j), opt;

	if (r)
		return r;
	opt = slow_options(j);
	if (opt && opt != R_source_route)
		return opt;
	if (job_is_icmp_error(&j->p))
		return state_error_4to6(j, opt);

	/* policy, protocol */
	r = state_judge4(j, opt);

	/* state, route, write, send */
	return r ? state_or_hosts(j, r) : state_forward4(j);
}

/* ---- fragments of a known datagram ------------------------------------------------------ */

static inline enum reason state_known6(struct slow_job *j, const struct n64_call *call)
{
	enum reason r = state_enter6(j);

	if (!r && j->pointer)
		r = R_source_route;
	if (!r)
		r = stateful_dst_6to4(j->env, &j->p, &j->x);
	if (!r)
		r = state_judge(j);
	if (r)
		return r;
	if (!(call->flags & CALL_HAIRPIN)) {
		answer_out(j, call);
		j->x.dport = call->remote_port;
		return forward_6to4(j);
	}
	j->x.src4 = call->remote4;
	r = answer_in(j, call, call->remote4, call->remote_port);
	return r ? r : forward_hairpin(j);
}

static inline enum reason state_known4(struct slow_job *j, const struct n64_call *call)
{
	enum reason r = state_enter4(j);

	if (!r)
		r = slow_options(j);
	if (!r)
		r = state_judge4(j, R_GO_ON);
	if (!r)
		r = answer_in(j, call, j->p.src4, call->remote_port);
	return r ? r : forward_4to6(j);
}

/* FRG-02: translated with the answer that the first fragment got. */
static inline enum reason state_path_known(struct slow_job *j, const struct n64_call *call)
{
	j->known = true;
	return j->in->fam == FAM_6 ? state_known6(j, call) : state_known4(j, call);
}

/* ---- the probe ---------------------------------------------------------------------------- */

#define PROBE_LEN (IP6_LEN + TCP_LEN)

/* TCP-30: the segment that asks an idle IPv6 host whether its connection lives, from an
 * answered CALL_PROBE; `out` holds PROBE_LEN bytes. Returns its length, 0: the mapping's
 * pref64 is gone, or may not carry the peer. TTL as slow_translate originates. */
static inline __u32 slow_probe(const struct n64_env *env, const struct n64_call *call,
			       __u32 ttl_dec, __u8 *out)
{
	struct ip6_hdr ip = {
		.ver_tc_flow = be32(6u << 28),
		.plen = be16(TCP_LEN),
		.nexthdr = P_TCP,
		.hlim = (__u8)(64 + 1 - ttl_dec),
		.dst = call->host6,
	};
	struct tcp_hdr tcp = {
		.sport = call->remote_port,
		.dport = call->port6,
		.doff = TCP_LEN / 4 << 4,
		.flags = TCP_ACK,
	};

	if (!pref64_exists(env->conf, call->pref) ||
	    stateful_peer6(env, call->pref, call->remote4, &ip.src))
		return 0;
	tcp.csum = csum_finish(csum_pseudo6(&ip.src, &ip.dst, P_TCP, TCP_LEN) +
			       csum_bytes(&tcp, TCP_LEN));
	__builtin_memcpy(out, &ip, sizeof(ip));
	__builtin_memcpy(out + IP6_LEN, &tcp, sizeof(tcp));
	return PROBE_LEN;
}

#endif
