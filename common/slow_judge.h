/* SPDX-License-Identifier: GPL-2.0-only */
/* The other path, steps (2) and (7) to (9) of GEN-08: what is judged by the packet
 * alone, the same in every mode (requirements 1.2, 3, 4, 6, 8b). */
#ifndef N64_SLOW_JUDGE_H
#define N64_SLOW_JUDGE_H

#include "fragment.h"
#include "opt4.h"

static inline void slow_parse_l4(struct slow_job *j)
{
	if (!j->p.frag_off && j->p.l4_off <= j->in->len)
		parse_l4(job_l4(j), j->in->ip + j->in->len, &j->p);
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

/* Step (9): VAL-04, X-4TO6-12, section 6, L4-03/04/05/06/09. */
static inline enum reason slow_proto(const struct slow_job *j)
{
	const struct n64_conf *conf = j->env->conf;
	bool stateful = is_stateful(j->env);
	const struct pkt *p = &j->p;
	enum reason r;

	if (p->frag_off)
		return proto_is_forbidden((enum ip_family)p->fam, p->proto) ? R_bad_proto :
									       R_GO_ON;
	r = stateful ? stateful_proto(conf, p, j->slot_flags) : rule_proto(conf, p);
	if (r != R_slow_udp_zero)
		return r;
	if (pkt_is_fragment(p))
		return R_udp_zero_frag;
	if (stateful)
		return R_GO_ON;
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

#endif
