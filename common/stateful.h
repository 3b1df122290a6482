/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful: the rules that need no state (GEN-08 steps 1, 4, 6 and 9; RFC 6146
 * 3.4 and 3.5). Which packets are ours (GEN-03, ADR-23), which the lists refuse
 * (ADR-02, -04, -22, -24, -25, -27), which protocols have ports (L4-09, ICQ-04), and
 * what is different for a pool address that is also the host's own (GEN-05).
 *
 * Used by the XDP program and by the worker alike, as siit.h is. */
#ifndef N64_STATEFUL_H
#define N64_STATEFUL_H

#include "csum.h"
#include "pool.h"
#include "siit.h"
#include "stateless.h"

n64_inline bool is_stateful(const struct n64_env *env)
{
	return env->conf->opt.mode == MODE_STATEFUL && !env->entry;
}

/* Do mappings decide? Not about what belongs to a stateless entry (MIX-01). */
n64_inline bool env_has_state(const struct n64_env *env)
{
	return conf_has_state(env->conf) && !env->entry;
}

n64_inline bool env_is_dynamic(const struct n64_env *env)
{
	return conf_is_dynamic(env->conf);
}

/* Is it one of the pool? */
n64_inline bool stateful_is_own(const struct n64_env *env, __be32 a)
{
	const struct n64_pol4 *pol;
	__u32 flags;

	if (env_is_dynamic(env)) {
		pol = pol4_if(env, HAVE_HOSTS4, a);
		return pol && pol->flags & POL_HOSTS;
	}
	return pool_find(env, a, &flags) >= 0;
}

/* Is it an address that no rule and no list speaks of, as a peer in either direction, and not
 * one of the pool? Of most peers a bit says it (plain4_surely). */
n64_inline bool addr4_is_plain(const struct n64_env *env, __be32 a)
{
	__u32 flags;

	if (addr4_is_ruled(a, conf_wkp(env->conf)) || env_pol4(env, a))
		return false;
	return !env_has_state(env) || pool_find(env, a, &flags) < 0;
}

/* ---- ours? ------------------------------------------------------------------------ */

/* GEN-03, GEN-04: R_GO_ON for an IPv6 destination in a pref64, x->dst_pref. */
n64_inline enum reason stateful_target6(const struct n64_env *env, const struct pkt *p,
					struct xlat *x)
{
	const struct n64_pol6 *pol = pol6_if(env, HAVE_NOXLAT6, &p->dst6);

	x->dst_pol6 = pol;
	x->dst_pref = pref64_find(env->conf, &p->dst6);
	if (pol && noxlat_hit(pol->flags, pol->n_noxlat_port, pol->noxlat_port, p))
		return R_no_translate;
	return x->dst_pref >= 0 ? R_GO_ON : R_not_target;
}

/* The same for an IPv4 destination in the pool; *slot and *flags (enum slot_flags; may be NULL)
 * are those of the pool address. */
n64_inline enum reason stateful_target4(const struct n64_env *env, const struct pkt *p,
					struct xlat *x, int *slot, __u32 *flags)
{
	const struct n64_pol4 *pol = pol4_if(env, HAVE_NOXLAT4, p->dst4);

	x->dst_pol4 = pol;
	if (flags)
		*flags = 0;
	if (pol && noxlat_hit(pol->flags, pol->n_noxlat_port, pol->noxlat_port, p))
		return R_no_translate;
	*slot = pool_find(env, p->dst4, flags);
	return *slot >= 0 ? R_GO_ON : R_not_target;
}

/* ---- 6 -> 4 -------------------------------------------------------------------------- */

/* ADR-22: nobody sends from inside a pref64. Step (4), of ICMP errors too. */
n64_inline enum reason stateful_source6(const struct n64_env *env, const struct pkt *p)
{
	return pref64_find(env->conf, &p->src6) >= 0 || in_stateless_pref64(env->conf, &p->src6)
		       ? R_src6_in_pref64 : R_GO_ON;
}

/* Step (6), of ICMP errors too: x->dst4, the address of the peer, and the lists about
 * it (ADR-02, ADR-04, ADR-24, ADR-25). A pool address may be reached through the
 * well-known prefix although it is private (A13): that is a hairpin. */
n64_inline enum reason stateful_dst_6to4(const struct n64_env *env, const struct pkt *p,
					 struct xlat *x)
{
	const struct n64_pref64 *own;
	const struct n64_pol4 *pol;
	int pref = x->dst_pref;

	if (pref < 0 || pref >= N64_MAX_PREF64)
		return R_internal;
	own = &env->conf->pref64[n64_bound((__u32)pref, N64_MAX_PREF64 - 1)];
	x->dst4 = pref64_extract(env->conf, own, &p->dst6);
	if (!siit_suffix_ok(env, pref, &p->dst6))
		return R_strict_suffix;
	if (wkp_forbids(env, pref, x->dst4) && !stateful_is_own(env, x->dst4))
		return R_wkp_forbidden;
	if (dst4_is_illegal(x->dst4) || addr4_is_multicast(x->dst4))
		return R_dst4_illegal;
	pol = pol4_if(env, HAVE_DENY4, x->dst4);
	return pol && pol->flags & POL_DENY ? R_deny6to4 : R_GO_ON;
}

/* Steps (4) and (6) for a 6->4 target. allow6 and urpf6 are judged with the mapping
 * (GEN-11). */
n64_inline enum reason stateful_6to4(const struct n64_env *env, const struct pkt *p,
				     struct xlat *x)
{
	enum reason r = stateful_source6(env, p);

	return r ? r : stateful_dst_6to4(env, p, x);
}

/* ADR-26, where it is judged for each packet. */
n64_inline bool stateful_allows6(const struct n64_env *env, const struct addr6 *src)
{
	const struct n64_pol6 *pol;

	if (!have(env, HAVE_ALLOW6))
		return true;
	pol = env_pol6(env, src);
	return pol && pol->flags & POL_ALLOW;
}

/* How one leaves that is refused by it. */
n64_inline enum reason stateful_not_allowed(const struct n64_env *env)
{
	return env_is_dynamic(env) ? dynamic_not_allowed(env->conf) : R_not_allowed6;
}

/* ---- 4 -> 6 -------------------------------------------------------------------------- */

/* The peer as the IPv6 host sees it (ST-05, ADR-08): in the pref64 of its mapping.
 * R_wkp_nonglobal: which may not carry it (ADR-04). */
n64_inline enum reason stateful_peer6(const struct n64_env *env, __u32 pref, __be32 peer,
				      struct addr6 *out)
{
	if (!pref64_exists(env->conf, pref))
		pref = env->conf->first_pref64; /* it left with a reload */
	if (pref >= N64_MAX_PREF64)
		return R_internal;
	if (wkp_forbids(env, (int)pref, peer) && !stateful_is_own(env, peer))
		return R_wkp_nonglobal;
	rfc6052_embed(&env->conf->pref64[n64_bound(pref, N64_MAX_PREF64 - 1)], peer, out);
	return R_GO_ON;
}

/* ADR-25 for 4->6, of ICMP errors too. */
n64_inline enum reason stateful_deny4(const struct n64_env *env, const struct n64_pol4 *src)
{
	if (!src || !(src->flags & POL_DENY))
		return R_GO_ON;
	return env->conf->opt.error_deny4to6 ? R_deny4to6 : R_deny4;
}

/* Steps (4) and (6) for a 4->6 target that is not an ICMP error. With several pref64
 * only the mapping knows which one would carry the source: stateful_peer6. */
n64_inline enum reason stateful_4to6(const struct n64_env *env, const struct pkt *p)
{
	const struct n64_pol4 *src = pol4_if(env, HAVE_DENY4 | HAVE_BCAST4, p->src4);
	enum reason r;

	if (src && src->flags & POL_BCAST)
		return R_src4_illegal; /* ADR-20, directed broadcast */
	if (!p->from_pair && stateful_is_own(env, p->src4))
		return R_src4_is_pool4; /* ADR-27 */
	r = stateful_deny4(env, src);
	if (r)
		return r;
	if (env->conf->n_pref64 == 1 && wkp_forbids(env, 0, p->src4) &&
	    !stateful_is_own(env, p->src4))
		return R_wkp_nonglobal;
	return R_GO_ON;
}

/* GEN-05: a refusal that is the translator's word on its own packets. Of a shared
 * address it holds only where the tuple has a mapping; else the packet is the host's. */
n64_inline bool stateful_may_be_hosts(__u32 flags, enum reason r)
{
	if (!(flags & SLOT_SHARED))
		return false;
	return r == R_ttl_expired || r == R_slow_ttl || r == R_src4_illegal ||
	       r == R_deny4 || r == R_deny4to6 || r == R_wkp_nonglobal || r == R_source_route;
}

/* ---- both ------------------------------------------------------------------------------ */

/* Step (9), instead of rule_proto: VAL-04, section 6, L4-06, L4-09, ICQ-04. `flags`:
 * of the pool address a 4->6 packet goes to; what a translator cannot read or has no
 * tables for is the host's if the address is the host's (GEN-05). */
n64_inline enum reason stateful_proto(const struct n64_conf *conf, const struct pkt *p,
				      __u32 flags)
{
	enum reason r = rule_proto(conf, p);

	if (!r && p->proto != P_TCP && p->proto != P_UDP && !pkt_is_icmp(p))
		r = R_unsupported_proto;
	if (!r && p->fam == FAM_6 && pkt_is_icmp(p) && conf->opt.drop_icmp6_info)
		r = R_icmp6_info;
	if (flags & SLOT_SHARED && (r == R_bad_proto || r == R_bad_l4 ||
				    r == R_icmp_untranslatable || r == R_unsupported_proto))
		return R_shared;
	return r;
}

n64_inline enum st_proto proto_table(__u8 proto)
{
	if (proto == P_TCP)
		return ST_TCP;
	return proto == P_UDP ? ST_UDP : ST_ICMP;
}

n64_inline enum st_proto stateful_table(const struct pkt *p)
{
	return proto_table(p->proto);
}

/* GENERR-13, GENERR-14: what a refused packet that came as IPv4 leaves with, when
 * the operator wants it answered. */
n64_inline enum reason stateful_refused4(const struct n64_conf *conf, enum reason r)
{
	if (r == R_no_bib && conf_is_dynamic(conf))
		return R_no_host; /* GENERR-07 */
	if (r == R_no_bib && conf->opt.error_no_bib)
		return R_no_bib_error;
	if (r == R_adf && conf->opt.error_adf)
		return R_adf_error;
	return r;
}

/* L4-01, ICMP-CK-01/02: what a checksum gains by the change of a port or identifier. */
n64_inline __u64 delta_port(__be16 from, __be16 to)
{
	return csum_sub16(from) + to;
}

#endif
