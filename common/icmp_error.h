/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors that the gateway originates (requirements section 8; RFC 7915 1.4,
 * 4.1, 4.4, 5.1, 5.4; RFC 1812 4.3.2; RFC 4443 2.4): which message a reason is
 * answered with, when silence is due, and what the message quotes. */
#ifndef N64_ICMP_ERROR_H
#define N64_ICMP_ERROR_H

#include "icmp_write.h"

#define NO_ERROR 0xff

/* Type and code for what arrived as IPv4 and as IPv6. */
struct error_rule {
	enum reason reason;
	__u8 type4, code4;
	__u8 type6, code6;
	bool policy; /* GERR-21: never an answer to ICMPv6 */
};

static const struct error_rule error_rules[] = {
	{ R_ttl_expired, ICMP4_TIME_EXCEEDED, 0, ICMP6_TIME_EXCEEDED, 0, false }, /* GENERR-01 */
	{ R_too_big, ICMP4_UNREACH, 4, ICMP6_TOO_BIG, 0, false }, /* GENERR-02 */
	{ R_source_route, ICMP4_UNREACH, 5, ICMP6_PARAM, 0, false }, /* GENERR-03 */
	{ R_deny6to4, NO_ERROR, 0, ICMP6_UNREACH, 1, true }, /* GENERR-04 */
	{ R_not_allowed6, NO_ERROR, 0, ICMP6_UNREACH, 1, true }, /* GENERR-04 */
	{ R_wkp_forbidden, NO_ERROR, 0, ICMP6_UNREACH, 1, true }, /* GENERR-04 */
	{ R_src6_untranslatable, NO_ERROR, 0, ICMP6_UNREACH, 1, true }, /* GENERR-05 */
	{ R_eam_untranslatable, ICMP4_UNREACH, 13, ICMP6_UNREACH, 1, true }, /* GENERR-06 */
	{ R_no_host, ICMP4_UNREACH, 1, ICMP6_UNREACH, 3, false }, /* GENERR-07 */
	{ R_pool_full, NO_ERROR, 0, ICMP6_UNREACH, 3, false }, /* GENERR-07 */
	{ R_deny4to6, ICMP4_UNREACH, 13, NO_ERROR, 0, false }, /* GENERR-08 */
	{ R_no_route, ICMP4_UNREACH, 1, ICMP6_UNREACH, 0, false }, /* GENERR-09 */
	{ R_fib_prohibit, ICMP4_UNREACH, 13, ICMP6_UNREACH, 1, false }, /* GENERR-10 */
	{ R_unsupported_proto, ICMP4_UNREACH, 2, ICMP6_UNREACH, 4, false }, /* GENERR-11 */
	{ R_no_port, NO_ERROR, 0, ICMP6_UNREACH, 3, false }, /* GENERR-12 */
	{ R_quota, NO_ERROR, 0, ICMP6_UNREACH, 3, false }, /* GENERR-12 */
	{ R_table_full, NO_ERROR, 0, ICMP6_UNREACH, 3, false }, /* GENERR-12 */
	{ R_no_bib_error, ICMP4_UNREACH, 3, NO_ERROR, 0, false }, /* GENERR-13 */
	{ R_adf_error, ICMP4_UNREACH, 13, NO_ERROR, 0, false }, /* GENERR-14 */
	{ R_syn_timeout, ICMP4_UNREACH, 3, NO_ERROR, 0, false }, /* GENERR-15 */
};

static inline const struct error_rule *error_rule(enum reason r)
{
	for (size_t i = 0; i < sizeof(error_rules) / sizeof(error_rules[0]); i++)
		if (error_rules[i].reason == r)
			return &error_rules[i];
	return NULL;
}

/* GERR-20: ICMP errors and redirects, and what may be one: ICMPv6 whose type
 * cannot be seen. */
static inline bool error_about_error(const struct pkt *p)
{
	if (p->fam == FAM_4)
		return p->has_l4 && (icmp_kind(p) == ICMP_ERROR || p->icmp_type == 4 ||
				     p->icmp_type == 5);
	return p->frag_off || !p->has_l4 || p->icmp_type < 128 ||
	       p->icmp_type == ICMP6_REDIRECT;
}

/* GERR-20: is the transport header that the packet claims not there? */
static inline bool error_unparseable(const struct pkt *p)
{
	if (p->fam == FAM_6 && p->has_fh && ext6_is_header(p->proto))
		return true;
	return !p->frag_off && !p->has_l4;
}

/* GERR-20: nobody can be answered there. An IPv6 source may hide an IPv4 one. */
static inline bool error_source_illegal(const struct slow_job *j)
{
	const struct pkt *p = &j->p;
	int pref;

	if (rule_source(p))
		return true;
	if (p->fam == FAM_4)
		return job_is_broadcast(j, p->src4);
	pref = siit_pref(j->env, &p->src6);
	return pref >= 0 && pref < N64_ALL_PREF64 &&
	       src4_is_illegal(rfc6052_extract(j->env->conf->pref64[pref].len, &p->src6));
}

/* GERR-20, GERR-21, MC-04. Packet Too Big about IPv6 multicast would be the one
 * exception; no multicast IPv6 destination is a target. */
static inline bool error_is_forbidden(const struct slow_job *j, const struct error_rule *rule)
{
	const struct pkt *p = &j->p;

	if (p->l2_mcast || error_source_illegal(j) || error_unparseable(p) ||
	    job_is_broadcast(j, p->fam == FAM_4 ? p->dst4 : j->x.dst4))
		return true;
	if (p->fam == FAM_4 ? addr4_is_multicast(p->dst4) || p->frag_off :
			      addr6_is_multicast(&p->dst6) || addr4_is_multicast(j->x.dst4))
		return true;
	if (!pkt_is_icmp(p))
		return false;
	return error_about_error(p) || (p->fam == FAM_6 && rule->policy);
}

/* GENERR-13: a query has no port that could be unreachable. */
static inline __u8 error_code4(const struct slow_job *j, const struct error_rule *rule)
{
	return rule->reason == R_no_bib_error && pkt_is_icmp(&j->p) ? 1 : rule->code4;
}

/* GENERR-02, GENERR-03: the second word. */
static inline void error_word(const struct slow_job *j, enum reason r, __u8 word[4])
{
	__u32 v = 0;

	if (r == R_too_big)
		v = j->mtu;
	else if (r == R_source_route && j->p.fam == FAM_6)
		v = j->pointer;
	v = be32(v);
	__builtin_memcpy(word, &v, sizeof(v));
}

/* GERR-22, FRG-16: as much of the packet as received as fits. */
static inline __u32 error_quote(const struct slow_job *j)
{
	__u32 n = j->in->quote ? j->in->quote_len : mtu_min(j->p.l3_len, j->in->len);

	n = mtu_min(n, j->p.fam == FAM_4 ? ICMP4_ROOM : ICMP6_ROOM);
	__builtin_memcpy(icmp_payload(j, (enum ip_family)j->p.fam),
			 j->in->quote ? j->in->quote : j->in->ip, n);
	return n;
}

/* Answers a packet that leaves with reason `r` of kind ERROR, if it may be
 * answered. Returns the reason with which the packet leaves. */
static inline enum reason error_answer(const struct slow_job *j, enum reason r)
{
	const struct n64_opts *opt = &j->env->conf->opt;
	const struct error_rule *rule = error_rule(r);
	const struct slow_ops *ops = j->ops;
	const struct pkt *p = &j->p;
	bool v4 = p->fam == FAM_4;
	struct addr6 src, dst = v4 ? (struct addr6){ { p->src4 } } : p->src6;
	struct icmp_message m = {
		.tos = p->tos & 0xfc,	/* GERR-24 */
		.ttl = job_own_ttl(j),
		.emit_flags = EMIT_ORIGINATED,
	};

	if (!rule || (v4 ? rule->type4 : rule->type6) == NO_ERROR ||
	    error_is_forbidden(j, rule) ||
	    (v4 ? opt->icmp_errors4 : opt->icmp_errors6) == ICMP_ERRORS_OFF) {
		ops->note(ops->ctx, R_icmp_silent, 1);
		return r;
	}
	if (!ops->error_allowed(ops->ctx, (enum ip_family)p->fam, &dst, r == R_too_big)) {
		ops->note(ops->ctx, R_icmp_ratelimited, 1);
		return r;
	}
	if (!ops->error_src(ops->ctx, (enum ip_family)p->fam, &dst, j->in->ifindex, &src))
		return R_no_icmp_src;
	m.type = v4 ? rule->type4 : rule->type6;
	m.code = v4 ? error_code4(j, rule) : rule->code6;
	m.payload = error_quote(j);
	error_word(j, r, m.word);
	if (v4)
		icmp_send4(j, &m, src.w[0], dst.w[0]);
	else
		icmp_send6(j, &m, &src, &dst);
	ops->note(ops->ctx, R_icmp_sent, 1);
	return r;
}

#endif
