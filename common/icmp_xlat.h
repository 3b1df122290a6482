/* SPDX-License-Identifier: GPL-2.0-only */
/* Translation of ICMP errors (requirements 6 and 7; RFC 7915 4.2, 4.3, 5.2, 5.3;
 * RFC 4884; RFC 6791; RFC 7757 4.2): the message, the packet that it quotes, the
 * extension behind that, and the addresses of both. */
#ifndef N64_ICMP_XLAT_H
#define N64_ICMP_XLAT_H

#include "embed.h"
#include "ext4884.h"
#include "icmp.h"
#include "icmp_write.h"

/* An ICMP error on its way through. */
struct icmp_job {
	struct icmp_hdr h;		/* as received */
	const struct icmp_rule *rule;	/* of the first half */
	struct ext4884 e;
	const __u8 *ext;
	struct quoted q;
	struct quoted_addr a;
	__be32 src4, dst4;		/* outer: as received or in between */
	struct addr6 src6, dst6;	/* outer: as it leaves */
	bool hairpin;
};

/* ---- reading ------------------------------------------------------------------------ */

/* The pointer of a parameter problem, as received. */
static inline __u32 icmp_told_pointer(enum ip_family fam, const struct icmp_hdr *h)
{
	return fam == FAM_4 ? h->b[0] : host32(h->word);
}

/* IN-01. */
static inline bool icmp_csum_ok(const struct slow_job *j)
{
	const struct pkt *p = &j->p;
	__u64 sum = csum_bytes(job_l4(j), p->l4_len);

	if (p->fam == FAM_6)
		sum += csum_pseudo6(&p->src6, &p->dst6, P_ICMP6, p->l4_len);
	return csum_fold(sum) == 0xffff;
}

/* From the ICMP header to the facts of the quoted packet. */
static inline enum reason icmp_read(const struct slow_job *j, struct icmp_job *m)
{
	const struct pkt *p = &j->p;
	enum ip_family fam = (enum ip_family)p->fam;
	enum reason r;

	if (job_is_cut(j))
		return R_sp_too_long;
	__builtin_memcpy(&m->h, job_l4(j), sizeof(m->h));
	m->rule = icmp_rule(fam, m->h.type, m->h.code);
	if (!m->rule)
		return R_icmp_untranslatable;
	if (m->rule->word == WORD_POINTER && icmp_pointer(fam, icmp_told_pointer(fam, &m->h)) < 0)
		return R_icmp_untranslatable;
	if (!icmp_csum_ok(j))
		return R_icmp_bad_csum;
	r = ext4884_split(fam, m->h.type, m->h.b, p->l4_len - ICMP_LEN, &m->e);
	if (r)
		return r;
	m->ext = job_l4(j) + ICMP_LEN + m->e.quoted;
	return quoted_read(j->env->conf, fam, job_l4(j) + ICMP_LEN, m->e.quoted, m->e.has_length,
			   &m->q);
}

/* ---- addresses -------------------------------------------------------------------- */

/* EAM-07: a quoted address 6->4. */
static inline enum addr_how quoted_addr_6to4(const struct n64_env *env, const struct addr6 *a,
					     __be32 *out)
{
	return siit_addr_6to4(env, a, siit_pref(env, a), pol6_if(env, HAVE_EAM, a), out);
}

/* SRC-04: may the outer source be seen in IPv6, and how? */
static inline bool icmp_source6(const struct slow_job *j, const struct icmp_job *m, bool eam,
				struct addr6 *out)
{
	const struct n64_env *env = j->env;
	const struct n64_pol4 *pol = pol4_if(env, HAVE_EAM | HAVE_BCAST4, m->src4);
	enum addr_how how;

	if (src4_is_illegal(m->src4) || (pol && pol->flags & POL_BCAST))
		return false;
	how = siit_addr_4to6(env, m->src4, pol, eam, out);
	return how == HOW_EAM ||
	       (how == HOW_6052 && !wkp_forbids(env, (int)siit_first(env), m->src4));
}

/* From the IPv4 addresses in *m to IPv6, outer and quoted. `hairpinned`: HP-01,
 * (2) the quoted destination and (3) an outer source that equals it never go
 * through the EAM. */
static inline enum reason icmp_addr_4to6(const struct slow_job *j, struct icmp_job *m,
					 bool hairpinned)
{
	const struct n64_env *env = j->env;
	struct quoted_addr *a = &m->a;
	enum addr_how how;

	how = siit_addr_4to6(env, m->dst4, pol4_if(env, HAVE_EAM, m->dst4), true, &m->dst6);
	if (how == HOW_NONE)
		return R_eam_untranslatable;
	if (how == HOW_6052 && wkp_forbids(env, (int)siit_first(env), m->dst4))
		return R_wkp_nonglobal;
	if (!siit_addr_4to6(env, a->src4, pol4_if(env, HAVE_EAM, a->src4), true, &a->src6) ||
	    !siit_addr_4to6(env, a->dst4, pol4_if(env, HAVE_EAM, a->dst4), !hairpinned, &a->dst6))
		return R_inner_untranslatable;
	if (!icmp_source6(j, m, !hairpinned || m->src4 != a->dst4, &m->src6) &&
	    !icmp_stand_in6(j, m->src4, &m->dst6, &m->src6))
		return R_no_icmp_src;
	return R_GO_ON;
}

/* SRC-01, SRC-02: the outer source in IPv4. */
static inline enum reason icmp_source4(const struct slow_job *j, const struct n64_pol6 *pol,
				       struct icmp_job *m)
{
	const struct n64_env *env = j->env;
	int pref = siit_pref(env, &j->p.src6);
	enum addr_how how = siit_addr_6to4(env, &j->p.src6, pref, pol, &m->src4);
	const struct n64_pol4 *src4;

	if (how == HOW_6052 && !siit_suffix_ok(env, pref, &j->p.src6))
		return R_strict_suffix;
	if (how == HOW_NONE || src4_is_illegal(m->src4) ||
	    (how == HOW_6052 && wkp_forbids(env, pref, m->src4)))
		return icmp_stand_in4(j, m->dst4, &m->src4) ? R_GO_ON : R_no_icmp_src;
	src4 = pol4_if(env, HAVE_DENY4, m->src4);
	return src4 && src4->flags & POL_DENY ? R_deny6to4 : R_GO_ON;
}

/* The quoted addresses in IPv4. HP-02: the error comes back when the quoted
 * packet was one that had been hairpinned. */
static inline enum reason icmp_quoted_6to4(const struct slow_job *j, struct icmp_job *m)
{
	const struct n64_env *env = j->env;
	enum addr_how src = quoted_addr_6to4(env, &m->q.p.src6, &m->a.src4);
	const struct n64_pol4 *pol;

	if (!src || !quoted_addr_6to4(env, &m->q.p.dst6, &m->a.dst4))
		return R_inner_untranslatable;
	if (env->conf->opt.hairpin != HAIRPIN_INTRINSIC || src != HOW_6052)
		return R_GO_ON;
	pol = pol4_if(env, HAVE_EAM, m->a.src4);
	m->hairpin = pol && pol_is(env, pol->flags, POL_EAM);
	return R_GO_ON;
}

/* ---- the second word ---------------------------------------------------------------- */

/* MTU of the next hop, MTU_MAX: none is known. */
static inline enum reason icmp_route(const struct slow_job *j, enum ip_family fam,
				     const struct addr6 *src, const struct addr6 *dst, __u8 proto,
				     __u32 *mtu)
{
	const struct route_query q = {
		.fam = fam,
		.src = *src,
		.dst = *dst,
		.tos = j->p.tos,
		.proto = proto,
		.ifindex = j->in->ifindex,
		.from_pair = j->in->from_pair,
	};
	struct route_answer a = { 0 };
	enum reason r = j->ops->route(j->ops->ctx, &q, &a);

	*mtu = r ? MTU_MAX : mtu_of_link(fam, a.mtu);
	return r;
}

/* Section 5.3. `mtu` is that of the error's next hop; the quoted packet's is
 * asked for, its absence is no reason to lose the error. */
static inline __u32 icmp_mtu(const struct slow_job *j, const struct icmp_job *m,
			     enum ip_family fam, __u32 mtu)
{
	const struct n64_conf *conf = j->env->conf;
	const struct addr6 src4 = { { m->a.src4 } }, dst4 = { { m->a.dst4 } };
	const struct pkt *q = &m->q.p;
	__u32 other;

	if (m->hairpin) /* through IPv4 and back, where no link is */
		return mtu_4to6(conf,
				(__u16)mtu_6to4(host32(m->h.word), q->has_fh, MTU_MAX, MTU_MAX),
				len_6to4(q), MTU_MAX, mtu);
	if (fam == FAM_4) {
		(void)icmp_route(j, FAM_6, &q->src6, &q->dst6, q->proto, &other);
		return mtu_6to4(host32(m->h.word), q->has_fh, mtu, other);
	}
	(void)icmp_route(j, FAM_4, &src4, &dst4, q->proto, &other);
	return mtu_4to6(conf, host16(m->h.h[1]), q->l3_len, other, mtu);
}

/* Type, code and second word of what leaves, whose family is `fam`. */
static inline void icmp_words(const struct slow_job *j, const struct icmp_job *m,
			      enum ip_family fam, __u32 mtu, struct icmp_message *out)
{
	enum ip_family was = (enum ip_family)j->p.fam;
	const struct icmp_rule *rule = m->rule;
	__u8 code = icmp_to_code(rule, m->h.code);
	struct icmp_hdr h = { 0 };
	__u32 pointer = 0;

	if (rule->word == WORD_POINTER)
		pointer = (__u32)icmp_pointer(was, icmp_told_pointer(was, &m->h));
	if (m->hairpin) { /* every type of a first half has a second */
		const struct icmp_rule *back = icmp_rule(FAM_4, rule->to_type, code);

		if (back->word == WORD_POINTER)
			pointer = (__u32)icmp_pointer(FAM_4, pointer);
		code = icmp_to_code(back, code);
		rule = back;
	}
	if (rule->word == WORD_MTU && fam == FAM_4)
		h.h[1] = be16(icmp_mtu(j, m, fam, mtu));
	else if (rule->word == WORD_MTU)
		h.word = be32(icmp_mtu(j, m, fam, mtu));
	else if (rule->word == WORD_POINTER_NH)
		h.word = be32(offsetof(struct ip6_hdr, nexthdr));
	else if (fam == FAM_4)
		h.b[0] = (__u8)pointer;
	else
		h.word = be32(pointer);
	out->type = rule->to_type;
	out->code = code;
	__builtin_memcpy(out->word, h.b, sizeof(out->word));
}

/* ---- writing ------------------------------------------------------------------------ */

/* Quoted packet and extension in their place (IN-13, EXT-02/05/06/07). */
static inline void icmp_fill(const struct slow_job *j, struct icmp_job *m, enum ip_family fam,
			     struct icmp_message *out)
{
	const struct n64_conf *conf = j->env->conf;
	const struct quoted *q = &m->q;
	__u8 *at = icmp_payload(j, fam);
	int attr = ext4884_at(fam, out->type);
	__u32 header, n = q->len - q->p.l4_off;
	__u8 length;

	header = fam == FAM_4 ? quoted_write4(conf, q, &m->a, at) :
				quoted_write6(conf, q, &m->a, at);
	if (attr < 0)
		m->e.ext = 0;
	m->e.quoted = header + n;
	length = ext4884_fit(fam, fam == FAM_4 ? ICMP4_ROOM : ICMP6_ROOM, &m->e);
	n = mtu_min(n, m->e.quoted - header);
	__builtin_memcpy(at + header, q->ip + q->p.l4_off, n);
	if (!q->p.frag_off)
		l4_apply(at + header, n, &q->p, quoted_change(fam, q, &m->a));
	__builtin_memset(at + header + n, 0, m->e.quoted - header - n);
	__builtin_memcpy(at + m->e.quoted, m->ext, m->e.ext);
	if (attr >= 0 && length)
		out->word[attr] = length;
	out->payload = m->e.quoted + m->e.ext;
}

static inline enum reason icmp_leave4(const struct slow_job *j, struct icmp_job *m)
{
	const struct addr6 src = { { m->src4 } }, dst = { { m->dst4 } };
	const struct n64_opts *opt = &j->env->conf->opt;
	struct icmp_message out = {
		.tos = opt->tos == OPT_IS_OFF ? j->p.tos : (__u8)opt->tos,
		.ttl = job_ttl(j),
	};
	enum reason r;
	__u32 mtu;

	r = icmp_route(j, FAM_4, &src, &dst, P_ICMP4, &mtu);
	if (r)
		return r;
	icmp_words(j, m, FAM_4, mtu, &out);
	icmp_fill(j, m, FAM_4, &out);
	icmp_send4(j, &out, m->src4, m->dst4);
	return R_kern_6to4;
}

static inline enum reason icmp_leave6(const struct slow_job *j, struct icmp_job *m)
{
	const struct n64_opts *opt = &j->env->conf->opt;
	struct icmp_message out = { .tos = j->p.tos, .ttl = job_ttl(j) };
	enum reason r;
	__u32 mtu;

	if (m->hairpin && opt->tos != OPT_IS_OFF)
		out.tos = (__u8)opt->tos;
	if (opt->zero_tc)
		out.tos = 0;
	r = icmp_route(j, FAM_6, &m->src6, &m->dst6, P_ICMP6, &mtu);
	if (r)
		return r;
	icmp_words(j, m, FAM_6, mtu, &out);
	icmp_fill(j, m, FAM_6, &out);
	icmp_send6(j, &out, &m->src6, &m->dst6);
	return m->hairpin ? R_kern_hairpin : R_kern_4to6;
}

/* ---- both ways ------------------------------------------------------------------------ */

/* EAM-08: is an ICMPv6 error to an EAM host, from a router without a translation,
 * about a packet of ours? */
static inline bool icmp_quotes_target(const struct slow_job *j)
{
	const struct ext_bytes bytes = { j->in->ip, mtu_min(j->in->len, j->p.l3_len) };
	struct ip6_hdr quoted;

	if (!j->x.dst_pol6 || !pol_is(j->env, j->x.dst_pol6->flags, POL_EAM) ||
	    !job_is_icmp_error(&j->p))
		return false;
	if (ext_load_bytes(&bytes, j->p.l4_off + ICMP_LEN, &quoted, sizeof(quoted)) ||
	    host32(quoted.ver_tc_flow) >> 28 != 6)
		return false;
	return siit_quoted_target(j->env, &quoted.dst);
}

/* ADR-26 judges who uses the translator. An error may come from a router on the
 * way to him: then he is the destination of the quoted packet. Judged by the
 * router alone, allow6 would be a black hole for path MTU discovery. */
static inline bool icmp_allowed6(const struct n64_env *env, const struct n64_pol6 *src,
				 const struct addr6 *quoted_dst)
{
	const struct n64_pol6 *user;

	if (!have(env, HAVE_ALLOW6) || (src && src->flags & POL_ALLOW))
		return true;
	user = env_pol6(env, quoted_dst);
	return user && user->flags & POL_ALLOW;
}

/* Steps (5) to (11) of GEN-08 for an ICMPv6 error. An ERROR reason is never
 * answered, because it is about an error (GERR-20). */
static inline enum reason icmp_error_6to4(struct slow_job *j)
{
	const struct n64_env *env = j->env;
	const struct pkt *p = &j->p;
	const struct n64_pol6 *src = pol6_if(env, HAVE_EAM | HAVE_ALLOW6, &p->src6);
	const struct n64_pol4 *dst4 = NULL;
	struct icmp_job m = { 0 };
	enum addr_how how;
	enum reason r;

	if (j->pointer)
		return R_source_route;
	r = siit_dst_6to4(env, p, &j->x, &how, &dst4);
	if (r)
		return r;
	m.dst4 = j->x.dst4;
	r = icmp_source4(j, src, &m);
	if (r)
		return r;
	if (ttl_is_used_up(p))
		return R_icmp_ttl; /* IN-14 */
	r = icmp_read(j, &m);
	if (r)
		return r;
	if (!p->from_pair && !addr6_equal(&p->dst6, &m.q.p.src6))
		return R_inner_mismatch; /* IN-12 */
	if (!icmp_allowed6(env, src, &m.q.p.dst6))
		return R_not_allowed6;
	r = icmp_quoted_6to4(j, &m);
	if (r)
		return r;
	if (!m.hairpin)
		return siit_comes_back(env, p, dst4) ? R_hairpin_loop : icmp_leave4(j, &m);
	r = icmp_addr_4to6(j, &m, true);
	return r ? r : icmp_leave6(j, &m);
}

/* The same for an ICMPv4 error, whose source may be anything (SRC-04). */
static inline enum reason icmp_error_4to6(struct slow_job *j, enum reason source_route)
{
	const struct n64_env *env = j->env;
	const struct pkt *p = &j->p;
	struct icmp_job m = { .src4 = p->src4, .dst4 = p->dst4 };
	enum reason r;

	if (source_route)
		return source_route;
	r = siit_policy4(env, &j->x, pol4_if(env, HAVE_DENY4, p->src4));
	if (r)
		return r;
	if (ttl_is_used_up(p))
		return R_icmp_ttl;
	r = icmp_read(j, &m);
	if (r)
		return r;
	if (!p->from_pair && p->dst4 != m.q.p.src4)
		return R_inner_mismatch;
	m.a.src4 = m.q.p.src4;
	m.a.dst4 = m.q.p.dst4;
	r = icmp_addr_4to6(j, &m, env->conf->opt.hairpin == HAIRPIN_SIMPLE);
	return r ? r : icmp_leave6(j, &m);
}

#endif
