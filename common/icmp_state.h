/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors in modes stateful and dynamic (RFC 6146 3.5.1 to 3.6, RFC 5508 REQ-3 to REQ-5;
 * requirements 7): the mapping of the quoted packet, seen from its other end, says what
 * becomes of the addresses and ports of both packets. Errors find mappings and change
 * none (IN-11, ICQ-05). */
#ifndef N64_ICMP_STATE_H
#define N64_ICMP_STATE_H

#include "icmp_xlat.h"
#include "slow_ask.h"

/* IN-10: the question about the quoted packet, as if its answer had come. `op`:
 * CALL_PEEK_OUT or CALL_PEEK_IN. */
static inline struct n64_call question_quoted(const struct slow_job *j, const struct icmp_job *m,
					  enum call_op op)
{
	const struct pkt *q = &m->q.p;

	return (struct n64_call){
		.op = op,
		.flags = j->p.from_pair ? CALL_FROM_PAIR : 0,
		.proto = env_is_dynamic(j->env) ? ST_HOST : stateful_table(q),
		.remote_port = pkt_is_icmp(q) ? 0 : op == CALL_PEEK_OUT ? q->sport : q->dport,
	};
}

/* IN-11: without a mapping the error is lost, or the host's (GEN-05). */
static inline enum reason slow_ask_quoted(const struct slow_job *j, struct n64_call *c)
{
	enum reason r;

	question_host(j, c);
	r = slow_ask(j, c);

	if (!r || r == R_shared || r == R_internal)
		return r;
	return R_inner_no_session;
}

/* ---- 4 -> 6 -------------------------------------------------------------------------- */

/* SRC-04: the router itself, or a stand-in. */
static inline enum reason state_error_source6(const struct slow_job *j, struct icmp_job *m,
					      __u32 pref)
{
	if (!src4_is_illegal(m->src4) && !job_is_broadcast(j, m->src4) &&
	    !stateful_peer6(j->env, pref, m->src4, &m->src6))
		return R_GO_ON;
	return icmp_stand_in6(j, m->src4, &m->dst6, &m->src6) ? R_GO_ON : R_no_icmp_src;
}

/* Reads the error and finds the mapping of what it quotes, whose pref64 is *pref;
 * changes nothing. */
static inline enum reason state_quoted_4to6(const struct slow_job *j, struct icmp_job *m,
					    __u32 *pref)
{
	struct quoted_addr *a = &m->a;
	const struct pkt *q = &m->q.p;
	struct n64_call c;
	enum reason r = icmp_read(j, m);

	if (!r && j->p.dst4 != q->src4)
		r = R_inner_mismatch; /* IN-12 */
	if (!r && is_stateful(j->env)) /* IN-09 */
		r = quoted_ports(&m->q);
	if (r)
		return r;
	c = question_quoted(j, m, CALL_PEEK_IN);
	c.addr4 = q->src4;
	c.port4 = q->sport;
	c.remote4 = q->dst4;
	r = slow_ask_quoted(j, &c);
	if (r)
		return r;
	a->src4 = q->src4;
	a->dst4 = q->dst4;
	a->src6 = m->dst6 = c.host6; /* SRC-05 */
	a->ports = is_stateful(j->env);
	a->sport = c.port6;
	a->dport = q->dport;
	*pref = c.pref;
	return stateful_peer6(j->env, c.pref, q->dst4, &a->dst6) ? R_inner_untranslatable :
								   R_GO_ON;
}

/* `source_route`: R_source_route or R_GO_ON. */
static inline enum reason state_error_4to6(struct slow_job *j, enum reason source_route)
{
	const struct n64_env *env = j->env;
	const struct pkt *p = &j->p;
	struct icmp_job m = { .src4 = p->src4, .dst4 = p->dst4 };
	__u32 pref = 0;
	enum reason found = state_quoted_4to6(j, &m, &pref), r;

	if (found && j->slot_flags & SLOT_SHARED)
		return R_shared;
	r = source_route;
	if (!r)
		r = stateful_deny4(env, pol4_if(env, HAVE_DENY4, p->src4));
	if (!r && ttl_is_used_up(p))
		r = R_icmp_ttl; /* IN-14 */
	if (!r)
		r = found;
	if (!r)
		r = state_error_source6(j, &m, pref);
	return r ? r : icmp_leave6(j, &m);
}

/* ---- 6 -> 4 -------------------------------------------------------------------------- */

/* HP-04: the packet that is quoted came from a host behind a mapping, too; the error goes
 * to him. `port`: of the mapping of the first half. */
static inline enum reason state_quoted_hairpin(const struct slow_job *j, struct icmp_job *m,
					       __be16 port)
{
	struct quoted_addr *a = &m->a;
	const struct pkt *q = &m->q.p;
	struct n64_call c = question_quoted(j, m, CALL_PEEK_IN);
	enum reason r;

	c.flags |= CALL_HAIRPIN;
	c.addr4 = a->src4;
	c.port4 = pkt_is_icmp(q) ? port : q->sport;
	c.remote4 = a->dst4;
	c.remote_port = pkt_is_icmp(q) ? 0 : port;
	r = slow_ask_quoted(j, &c);
	if (r)
		return r == R_shared ? R_inner_no_session : r;
	a->sport = c.port6;
	a->dport = port;
	a->src6 = m->dst6 = c.host6;
	if (stateful_peer6(j->env, c.pref, a->dst4, &a->dst6))
		return R_inner_untranslatable;
	m->src6 = a->dst6; /* SRC-03 */
	m->hairpin = true;
	return R_GO_ON;
}

/* ADR-26 as icmp_allowed6, but what is static is not judged (GEN-11). */
static inline bool state_error_allowed6(const struct slow_job *j, const struct n64_call *c)
{
	return stateful_allows6(j->env, &j->p.src6) || stateful_allows6(j->env, &c->host6) ||
	       c->ctl & CTL_STATIC;
}

/* SRC-01, SRC-02 in mode dynamic: a router that is a host of ours, or a stand-in for it;
 * without one the error seems to come from the host that it is about. */
static inline void state_router4(const struct slow_job *j, struct icmp_job *m)
{
	struct n64_call c = { .op = CALL_PEEK_OUT, .host6 = j->p.src6 };

	if (!slow_ask_quoted(j, &c))
		m->src4 = c.addr4;
	else
		icmp_stand_in4(j, m->dst4, &m->src4);
}

/* Finds the mapping of what the error quotes, and of its other end if that has one. */
static inline enum reason state_quoted_6to4(const struct slow_job *j, struct icmp_job *m)
{
	struct quoted_addr *a = &m->a;
	const struct pkt *q = &m->q.p;
	struct n64_call c = question_quoted(j, m, CALL_PEEK_OUT);
	enum reason r;

	a->src4 = j->x.dst4;
	c.host6 = q->dst6;
	c.port6 = q->dport;
	c.remote4 = a->src4;
	c.pref = (__u32)j->x.dst_pref;
	r = slow_ask_quoted(j, &c);
	if (r)
		return r == R_shared ? R_inner_no_session : r;
	if (!state_error_allowed6(j, &c))
		return R_not_allowed6;
	a->dst4 = c.addr4;
	a->ports = is_stateful(j->env);
	a->sport = pkt_is_icmp(q) ? c.port4 : q->sport;
	a->dport = c.port4;
	m->src4 = c.addr4; /* SRC-03 */
	m->dst4 = a->src4;
	if (env_is_dynamic(j->env) && !addr6_equal(&j->p.src6, &q->dst6))
		state_router4(j, m);
	return stateful_is_own(j->env, a->src4) ? state_quoted_hairpin(j, m, c.port4) : R_GO_ON;
}

static inline enum reason state_error_6to4(struct slow_job *j)
{
	const struct pkt *p = &j->p;
	struct icmp_job m = { 0 };
	enum reason r;

	if (j->pointer)
		return R_source_route;
	r = stateful_dst_6to4(j->env, p, &j->x);
	if (r)
		return r;
	if (ttl_is_used_up(p))
		return R_icmp_ttl; /* IN-14 */
	r = icmp_read(j, &m);
	if (!r && !addr6_equal(&p->dst6, &m.q.p.src6))
		r = R_inner_mismatch; /* IN-12 */
	if (!r && is_stateful(j->env))
		r = quoted_ports(&m.q);
	if (!r)
		r = state_quoted_6to4(j, &m);
	if (r)
		return r;
	return m.hairpin ? icmp_leave6(j, &m) : icmp_leave4(j, &m);
}

#endif
