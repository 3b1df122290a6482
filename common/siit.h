/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode siit: which packets are ours (GEN-03, EAM-08), which lists refuse them
 * (ADR-04, -24, -25, -26), and what the addresses of the outer header become
 * (RFC 6052, RFC 7757 3.3 and 4.2, ADR-08).
 *
 * Used by the XDP program and by the worker alike. Quoted packets have rules of
 * their own (embed.h), made of the same two primitives siit_addr_6to4 and
 * siit_addr_4to6. */
#ifndef N64_SIIT_H
#define N64_SIIT_H

#include "addr.h"
#include "env.h"
#include "pkt.h"
#include "rules.h"

/* How an address found its counterpart. */
enum addr_how {
	HOW_NONE,	/* it has none */
	HOW_EAM,
	HOW_6052,
};

/* What becomes of the addresses of a packet. */
struct xlat {
	struct addr6 src6, dst6;	/* 4->6 and hairpin */
	__be32 src4, dst4;		/* 6->4 */
	bool hairpin;			/* back to IPv6 at once (HP-02, HP-04) */
	bool ports;			/* sport and dport change too (mode stateful) */
	__be16 sport, dport;		/* as they leave; ICMP query: both the identifier */
	enum reason late;		/* not translatable: refused in step (10) of GEN-08 */
	/* what the target test already found out */
	const struct n64_pol6 *dst_pol6;
	const struct n64_pol4 *dst_pol4;
	int dst_pref;			/* index in conf->pref64, or -1 */
};

n64_inline bool have(const struct n64_env *env, __u32 features)
{
	return env->conf->have & features;
}

/* Is that flag set, by what the packet follows (MIX-01)? */
n64_inline bool pol_is(const struct n64_env *env, __u32 flags, __u32 flag)
{
	return (flags & (flag | POL_ENTRY_MASK)) == (flag | env->entry << POL_ENTRY_SHIFT);
}

/* The pref64 that IPv4 addresses are put into (ADR-08). */
n64_inline __u32 siit_first(const struct n64_env *env)
{
	return env->entry ? N64_MAX_PREF64 - 1 + env->entry : env->conf->first_pref64;
}

/* The pref64 of that index, which siit_pref or siit_first gave; an entry has one alone. Where
 * there are no entries, as in n64_port, it costs nothing. */
n64_inline const struct n64_pref64 *siit_at(const struct n64_env *env, __u32 pref)
{
	if (__builtin_constant_p(env->entry) && !env->entry)
		return &env->conf->pref64[n64_bound(pref, N64_MAX_PREF64 - 1)];
	pref = env->entry ? siit_first(env) : pref;
	return &env->conf->pref64[n64_bound(pref, N64_ALL_PREF64 - 1)];
}

/* Index of the pref64 that contains `a`, -1: none. */
n64_inline int siit_pref(const struct n64_env *env, const struct addr6 *a)
{
	const struct n64_pref64 *own;

	if (!env->entry)
		return pref64_find(env->conf, a);
	own = siit_at(env, 0);
	return own->len && pref64_contains(own, a) ? (int)siit_first(env) : -1;
}

/* Look-ups that a configuration without the lists does not make. */
n64_inline const struct n64_pol6 *pol6_if(const struct n64_env *env, __u32 features,
					  const struct addr6 *a)
{
	return have(env, features) ? env_pol6(env, a) : NULL;
}

n64_inline const struct n64_pol4 *pol4_if(const struct n64_env *env, __u32 features, __be32 a)
{
	return have(env, features) ? env_pol4(env, a) : NULL;
}

/* Is there a prefix that carries global addresses only (ADR-04)? */
n64_inline bool conf_wkp(const struct n64_conf *conf)
{
	return conf->wkp_rules;
}

/* May `pref` not carry `v4` (ADR-04)? */
n64_inline bool wkp_forbids(const struct n64_env *env, int pref, __be32 v4)
{
	return env->conf->wkp_strict && pref >= 0 && pref < N64_ALL_PREF64 &&
	       pref64_is_wkp(siit_at(env, pref)) && addr4_is_nonglobal(v4);
}

/* ADR-02, strict-suffix: is what follows the IPv4 address in `a` zero, or does it
 * not matter? */
n64_inline bool siit_suffix_ok(const struct n64_env *env, int pref, const struct addr6 *a)
{
	if (!env->conf->opt.strict_suffix || pref < 0 || pref >= N64_ALL_PREF64)
		return true;
	return pref64_suffix_zero(env->conf, siit_at(env, pref), a);
}

/* GEN-04. An entry with ports speaks only of whole packets: of a
 * fragmented one only the first piece could be told, and then nobody had it all. */
n64_inline bool noxlat_hit(__u32 flags, __u8 n, const __u16 *port, const struct pkt *p)
{
	__u16 dport = host16(p->dport);

	if (!(flags & POL_NOXLAT))
		return false;
	if (!n)
		return true;
	if (!p->has_l4 || pkt_is_fragment(p) || (p->proto != P_TCP && p->proto != P_UDP))
		return false;
	n64_no_unroll
	for (__u32 i = 0; i < N64_NOXLAT_PORTS; i++)
		if (i < n && port[i] == dport)
			return true;
	return false;
}

n64_inline bool siit_has_pref(const struct n64_env *env)
{
	return env->entry ? siit_at(env, 0)->len : env->conf->n_pref64;
}

/* ---- the two primitives --------------------------------------------------------- */

/* One address 6->4: EAM before RFC 6052 (EAM-01). `pref` and `pol` are what was
 * found for it. */
n64_inline enum addr_how siit_addr_6to4(const struct n64_env *env, const struct addr6 *a,
					int pref, const struct n64_pol6 *pol, __be32 *out)
{
	if (pol && pol_is(env, pol->flags, POL_EAM)) {
		*out = eam_6to4(pol, a);
		return HOW_EAM;
	}
	if (pref < 0 || pref >= N64_ALL_PREF64)
		return HOW_NONE;
	*out = pref64_extract(env->conf, siit_at(env, pref), a);
	return HOW_6052;
}

/* One address 4->6; `eam` false leaves the EAM out (HP-01). */
n64_inline enum addr_how siit_addr_4to6(const struct n64_env *env, __be32 a,
					const struct n64_pol4 *pol, bool eam, struct addr6 *out)
{
	__u32 first = siit_first(env);

	if (eam && pol && pol_is(env, pol->flags, POL_EAM)) {
		eam_4to6(pol, a, out);
		return HOW_EAM;
	}
	if (!siit_has_pref(env) || first >= N64_ALL_PREF64)
		return HOW_NONE;
	rfc6052_embed(siit_at(env, first), a, out);
	return HOW_6052;
}

/* ---- 6 -> 4 ------------------------------------------------------------------------ */

/* Is an IPv6 address translatable as a source (EAM-08)? */
n64_inline bool siit_source_known(const struct n64_env *env, const struct addr6 *a)
{
	const struct n64_pol6 *pol;

	if (siit_pref(env, a) >= 0)
		return true;
	if (!env->conf->opt.eam_to_eam)
		return false;
	pol = pol6_if(env, HAVE_EAM, a);
	return pol && pol_is(env, pol->flags, POL_EAM);
}

/* GEN-03: R_GO_ON for a target. R_not_target with x->dst_pol6 an EAM may still
 * be an ICMPv6 error that is ours: ask siit_quoted_target. */
n64_inline enum reason siit_target6(const struct n64_env *env, const struct pkt *p,
				    struct xlat *x)
{
	const struct n64_pol6 *pol = pol6_if(env, HAVE_EAM | HAVE_NOXLAT6, &p->dst6);

	x->dst_pol6 = pol;
	x->dst_pref = siit_pref(env, &p->dst6);
	if (pol && noxlat_hit(pol->flags, pol->n_noxlat_port, pol->noxlat_port, p))
		return R_no_translate;
	if (x->dst_pref >= 0)
		return R_GO_ON;
	if (!pol || !pol_is(env, pol->flags, POL_EAM))
		return R_not_target;
	return siit_source_known(env, &p->src6) ? R_GO_ON : R_not_target;
}

/* EAM-08: an ICMPv6 error from an untranslatable router to an EAM host is ours if
 * the packet it quotes went to an EAM host or to an xlat4 host inside pref64. */
n64_inline bool siit_quoted_target(const struct n64_env *env, const struct addr6 *quoted_dst)
{
	const struct n64_pol6 *pol = pol6_if(env, HAVE_EAM, quoted_dst);
	const struct n64_pol4 *pol4;
	int pref;

	if (pol && pol_is(env, pol->flags, POL_EAM))
		return env->conf->opt.eam_to_eam;
	pref = siit_pref(env, quoted_dst);
	if (pref < 0 || pref >= N64_ALL_PREF64)
		return false;
	pol4 = pol4_if(env, HAVE_XLAT4,
		       pref64_extract(env->conf, siit_at(env, pref), quoted_dst));
	return pol4 && pol_is(env, pol4->flags, POL_XLAT4);
}

/* ADR-24, MC-01, MC-03. */
n64_inline enum reason siit_dst4(const struct n64_env *env, __be32 dst)
{
	if (dst4_is_illegal(dst))
		return R_dst4_illegal;
	if (!addr4_is_multicast(dst))
		return R_GO_ON;
	if (env->conf->opt.multicast != MULTICAST_EMBED)
		return R_dst4_illegal;
	return addr4_is_local_multicast(dst) ? R_mcast_scope : R_GO_ON;
}

/* HP-02: takes the result of the first half back to IPv6. HP-01: the source goes
 * through RFC 6052, never through the EAM. */
n64_inline enum reason siit_hairpin(const struct n64_env *env, struct xlat *x,
				    const struct n64_pol4 *dst)
{
	int first = (int)siit_first(env);

	if (siit_addr_4to6(env, x->src4, NULL, false, &x->src6) == HOW_NONE)
		return R_GO_ON;
	if (wkp_forbids(env, first, x->src4))
		return R_wkp_nonglobal;
	eam_4to6(dst, x->dst4, &x->dst6);
	x->hairpin = true;
	return R_GO_ON;
}

/* The destination of a 6->4 packet: its address and the lists about it (ADR-02,
 * ADR-04, ADR-24, ADR-25). *pol is the entry of the result. */
n64_inline enum reason siit_dst_6to4(const struct n64_env *env, const struct pkt *p,
				     struct xlat *x, enum addr_how *how,
				     const struct n64_pol4 **pol)
{
	enum reason r;

	*how = siit_addr_6to4(env, &p->dst6, x->dst_pref, x->dst_pol6, &x->dst4);
	if (*how == HOW_6052 && !siit_suffix_ok(env, x->dst_pref, &p->dst6))
		return R_strict_suffix;
	if (*how == HOW_6052 && wkp_forbids(env, x->dst_pref, x->dst4))
		return R_wkp_forbidden;
	r = siit_dst4(env, x->dst4);
	if (r)
		return r;
	*pol = pol4_if(env, HAVE_EAM | HAVE_XLAT4 | HAVE_DENY4, x->dst4);
	return *pol && (*pol)->flags & POL_DENY ? R_deny6to4 : R_GO_ON;
}

/* HP-08: would the result, which is not hairpinned, come straight back? `dst` is
 * the entry of its destination. */
n64_inline bool siit_comes_back(const struct n64_env *env, const struct pkt *p,
				const struct n64_pol4 *dst)
{
	if (!p->from_pair || !dst)
		return false;
	if (pol_is(env, dst->flags, POL_EAM))
		return env->conf->opt.hairpin != HAIRPIN_SIMPLE;
	return pol_is(env, dst->flags, POL_XLAT4);
}

/* The source of a 6->4 packet, whose entry is `src`: its address and the lists about it; x->late
 * set when it has none. */
n64_inline enum reason siit_src_6to4(const struct n64_env *env, const struct pkt *p,
				     const struct n64_pol6 *src, struct xlat *x)
{
	bool eam = src && pol_is(env, src->flags, POL_EAM); /* goes before (EAM-01) */
	int pref = eam ? -1 : siit_pref(env, &p->src6);
	enum addr_how how = siit_addr_6to4(env, &p->src6, pref, src, &x->src4);

	if (how == HOW_NONE) {
		x->late = R_src6_untranslatable;
		return R_GO_ON;
	}
	if (how == HOW_6052 && !siit_suffix_ok(env, pref, &p->src6))
		return R_strict_suffix;
	if (how == HOW_6052 && wkp_forbids(env, pref, x->src4))
		return R_wkp_forbidden;
	if (have(env, HAVE_DENY4)) {
		const struct n64_pol4 *src4 = env_pol4(env, x->src4);

		if (src4 && src4->flags & POL_DENY)
			return R_deny6to4;
	}
	return src4_is_illegal(x->src4) ? R_src4_illegal : R_GO_ON;
}

/* ADR-26, where lists are all that is asked. */
n64_inline bool siit_allows6(const struct n64_env *env, const struct n64_pol6 *src)
{
	return !have(env, HAVE_ALLOW6) || (src && src->flags & POL_ALLOW);
}

/* Steps (6) and (10) of GEN-08 for a 6->4 target that is not an ICMP error:
 * lists, then addresses. A drop or ERROR reason, or R_GO_ON with *x filled and
 * x->late set when the source has no IPv4 address. */
n64_inline enum reason siit_6to4(const struct n64_env *env, const struct pkt *p, struct xlat *x)
{
	const struct n64_pol6 *src = pol6_if(env, HAVE_EAM | HAVE_ALLOW6, &p->src6);
	const struct n64_pol4 *dst4 = NULL;
	enum addr_how dst_how;
	enum reason r;

	if (!siit_allows6(env, src))
		return R_not_allowed6;
	r = siit_dst_6to4(env, p, x, &dst_how, &dst4);
	if (!r)
		r = siit_src_6to4(env, p, src, x);
	if (r || x->late)
		return r;
	if (dst4 && pol_is(env, dst4->flags, POL_EAM) && dst_how == HOW_6052 &&
	    env->conf->opt.hairpin == HAIRPIN_INTRINSIC)
		return siit_hairpin(env, x, dst4);
	return siit_comes_back(env, p, dst4) ? R_hairpin_loop : R_GO_ON;
}

/* ---- 4 -> 6 -------------------------------------------------------------------------- */

n64_inline enum reason siit_target4(const struct n64_env *env, const struct pkt *p,
				    struct xlat *x)
{
	bool group = addr4_is_multicast(p->dst4);
	const struct n64_pol4 *pol = pol4_if(env, HAVE_EAM | HAVE_XLAT4 | HAVE_NOXLAT4 |
					     (group ? HAVE_DENY4 : 0), p->dst4);

	x->dst_pol4 = pol;
	if (pol && noxlat_hit(pol->flags, pol->n_noxlat_port, pol->noxlat_port, p))
		return R_no_translate;
	if (group)	/* MC-02, MC-03, MC-05 */
		return env->conf->opt.multicast == MULTICAST_EMBED && env->conf->n_pref64 &&
				       !addr4_is_local_multicast(p->dst4) && p->proto != P_IGMP
			       ? R_GO_ON : R_not_target;
	if (!pol)
		return R_not_target;
	return pol_is(env, pol->flags, POL_EAM) || pol_is(env, pol->flags, POL_XLAT4)
		       ? R_GO_ON : R_not_target;
}

/* Lists of a 4->6 packet, ICMP errors included (ADR-25). */
n64_inline enum reason siit_policy4(const struct n64_env *env, const struct xlat *x,
				    const struct n64_pol4 *src)
{
	if ((src && src->flags & POL_DENY) || (x->dst_pol4 && x->dst_pol4->flags & POL_DENY))
		return env->conf->opt.error_deny4to6 ? R_deny4to6 : R_deny4;
	return R_GO_ON;
}

/* Groups never go through the EAM (MC-02). */
n64_inline enum addr_how siit_dst_4to6(const struct n64_env *env, const struct pkt *p,
				       struct xlat *x)
{
	bool group = addr4_is_multicast(p->dst4);

	if (group && have(env, HAVE_MPREF64)) {
		x->dst6 = env->conf->mpref64;
		x->dst6.w[3] = p->dst4;
		return HOW_EAM;
	}
	return siit_addr_4to6(env, p->dst4, x->dst_pol4, !group, &x->dst6);
}

/* Steps (6) and (10) for a 4->6 target that is not an ICMP error; `src`: the entry of its
 * source. */
n64_inline enum reason siit_4to6_from(const struct n64_env *env, const struct pkt *p,
				      const struct n64_pol4 *src, struct xlat *x)
{
	int first = (int)siit_first(env);
	enum addr_how how;
	enum reason r;

	if (src && src->flags & POL_BCAST)
		return R_src4_illegal; /* ADR-20, directed broadcast */
	r = siit_policy4(env, x, src);
	if (r)
		return r;
	how = siit_dst_4to6(env, p, x);
	if (how == HOW_NONE)
		x->late = R_eam_untranslatable;
	else if (how == HOW_6052 && wkp_forbids(env, first, p->dst4))
		return R_wkp_nonglobal;
	/* HP-02 `simple`: HP-01 holds for all that comes as IPv4. */
	how = siit_addr_4to6(env, p->src4, src, env->conf->opt.hairpin != HAIRPIN_SIMPLE,
			     &x->src6);
	if (how == HOW_NONE)
		x->late = R_eam_untranslatable;
	else if (how == HOW_6052 && wkp_forbids(env, first, p->src4))
		return R_wkp_nonglobal;
	return R_GO_ON;
}

n64_inline enum reason siit_4to6(const struct n64_env *env, const struct pkt *p, struct xlat *x)
{
	return siit_4to6_from(env, p, pol4_if(env, HAVE_EAM | HAVE_DENY4 | HAVE_BCAST4, p->src4),
			      x);
}

/* ---- both ------------------------------------------------------------------------------ */

/* Who cannot answer with an ICMP error himself hands the packet over. */
n64_inline enum reason slow_for_error(enum reason r)
{
	switch (r) {
	case R_ttl_expired:
		return R_slow_ttl;
	case R_too_big:
		return R_slow_too_big;
	case R_deny6to4:
	case R_not_allowed6:
	case R_wkp_forbidden:
	case R_deny4to6:
		return R_slow_policy;
	case R_src6_untranslatable:
	case R_eam_untranslatable:
		return R_slow_untranslatable;
	case R_no_route:
	case R_fib_prohibit:
		return R_slow_route;
	case R_no_port:
	case R_pool_full:
	case R_quota:
	case R_table_full:
		return R_slow_no_port;
	case R_state_busy: /* by then the other CPU has finished */
		return R_slow_busy;
	case R_unsupported_proto:
		return R_slow_unsupported;
	case R_no_bib_error:
	case R_no_host:
	case R_adf_error:
		return R_slow_refused;
	default:
		return r;
	}
}

#endif
