/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful: what the other path asks the mapping state, and what a packet becomes by
 * the answer (RFC 6146 3.5; struct n64_call of state_abi.h). */
#ifndef N64_SLOW_ASK_H
#define N64_SLOW_ASK_H

#include "mss.h"
#include "slow_job.h"

/* The state's word on `c`. */
static inline enum reason slow_ask(const struct slow_job *j, struct n64_call *c)
{
	if (j->ops->state(j->ops->ctx, c))
		return R_internal;
	return (enum reason)c->reason;
}

/* ---- questions ------------------------------------------------------------------------ */

/* Mode dynamic: about the host, whatever the packet is. */
static inline void question_host(const struct slow_job *j, struct n64_call *c)
{
	if (!env_is_dynamic(j->env))
		return;
	c->proto = ST_HOST;
	c->port6 = c->port4 = c->remote_port = 0;
}

/* What section 11 looks at; the whole packet, where mappings are of hosts. */
static inline void question_tcp(const struct slow_job *j, struct n64_call *c)
{
	const struct pkt *p = &j->p;
	struct tcp_hdr tcp;
	__u32 n;

	question_host(j, c);
	if (env_is_dynamic(j->env) || p->proto != P_TCP || !p->has_l4)
		return;
	__builtin_memcpy(&tcp, job_l4(j), sizeof(tcp));
	c->tcp_flags = tcp.flags;
	c->tcp_seq = host32(tcp.seq);
	c->tcp_ack = host32(tcp.ack);
	c->tcp_window = host16(tcp.window);
	if (p->fam != FAM_6 || !(tcp.flags & TCP_SYN))
		return;
	n = j->in->len - p->l4_off;
	c->tcp_scale = tcp_scale(job_l4(j), n < p->l4_len ? n : p->l4_len);
}

/* About the IPv6 packet in hand; x->dst4 is known. */
static inline struct n64_call question_out(const struct slow_job *j, enum call_op op)
{
	const struct pkt *p = &j->p;
	struct n64_call c = {
		.op = op,
		.flags = p->from_pair ? CALL_FROM_PAIR : 0,
		.proto = stateful_table(p),
		.host6 = p->src6,
		.port6 = p->sport,
		.remote4 = j->x.dst4,
		.remote_port = pkt_is_icmp(p) ? 0 : p->dport,
		.pref = (__u32)j->x.dst_pref,
	};

	question_tcp(j, &c);
	return c;
}

/* About the IPv4 packet in hand. */
static inline struct n64_call question_in(const struct slow_job *j, enum call_op op)
{
	const struct pkt *p = &j->p;
	struct n64_call c = {
		.op = op,
		.flags = p->from_pair ? CALL_FROM_PAIR : 0,
		.proto = stateful_table(p),
		.addr4 = p->dst4,
		.port4 = p->dport,
		.remote4 = p->src4,
		.remote_port = pkt_is_icmp(p) ? 0 : p->sport,
	};

	question_tcp(j, &c);
	return c;
}

/* HP-04: about the IPv4 packet that the IPv6 packet in hand has become; x->src4 and the
 * source port or identifier `port` are those that the first half gave it. */
static inline struct n64_call question_hairpin(const struct slow_job *j, enum call_op op,
					       __be16 port)
{
	const struct pkt *p = &j->p;
	struct n64_call c = {
		.op = op,
		.flags = CALL_HAIRPIN | (p->from_pair ? CALL_FROM_PAIR : 0),
		.proto = stateful_table(p),
		.addr4 = j->x.dst4,
		.port4 = pkt_is_icmp(p) ? port : p->dport,
		.remote4 = j->x.src4,
		.remote_port = pkt_is_icmp(p) ? 0 : port,
	};

	question_tcp(j, &c);
	return c;
}

/* ---- answers -------------------------------------------------------------------------- */

static inline void answer_keep(const struct slow_job *j, const struct n64_call *c)
{
	if (j->in->call_out)
		*j->in->call_out = *c;
}

static inline void answer_out(struct slow_job *j, const struct n64_call *c)
{
	j->x.src4 = c->addr4;
	j->x.ports = !env_is_dynamic(j->env);
	j->x.sport = c->port4;
	j->x.dport = pkt_is_icmp(&j->p) ? c->port4 : j->p.dport;
}

/* ADR-08, ST-05: the peer is `peer` with port `sport`. */
static inline enum reason answer_in(struct slow_job *j, const struct n64_call *c, __be32 peer,
				    __be16 sport)
{
	bool icmp = pkt_is_icmp(&j->p);

	j->x.dst6 = c->host6;
	j->x.ports = !env_is_dynamic(j->env);
	j->x.sport = icmp ? c->port6 : sport;
	j->x.dport = c->port6;
	return stateful_peer6(j->env, c->pref, peer, &j->x.src6);
}

/* The mapping of a 6->4 packet that is sure to leave. */
static inline enum reason slow_ask_out(struct slow_job *j)
{
	struct n64_call c = question_out(j, CALL_OUT);
	enum reason r = slow_ask(j, &c);

	if (r)
		return r;
	answer_out(j, &c);
	answer_keep(j, &c);
	return R_GO_ON;
}

#endif
