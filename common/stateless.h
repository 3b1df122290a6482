/* SPDX-License-Identifier: GPL-2.0-only */
/* Stateless entries beside mode stateful (MIX-01, MIX-03): which of them a packet belongs
 * to. What belongs to one is handled by the rules of siit.h, with n64_env.entry, everything
 * else by those of stateful.h. 0 is "none". */
#ifndef N64_STATELESS_H
#define N64_STATELESS_H

#include "siit.h"

n64_inline __u32 pol_entry(__u32 flags)
{
	return (flags & POL_ENTRY_MASK) >> POL_ENTRY_SHIFT;
}

n64_inline const struct n64_pref64 *stateless_pref(const struct n64_conf *conf, __u32 entry)
{
	__u32 at = N64_MAX_PREF64 - 1 + entry;

	return entry && at < N64_ALL_PREF64 ? &conf->pref64[n64_bound(at, N64_ALL_PREF64 - 1)] :
					      NULL;
}

/* The longest pref64 of an entry that contains `a`, NULL: none (ADR-08). */
n64_inline const struct n64_pref64 *stateless_holds(const struct n64_conf *conf,
						    const struct addr6 *a)
{
	const struct n64_pref64 *best = NULL;

	n64_no_unroll
	for (__u32 i = N64_MAX_PREF64; i < N64_ALL_PREF64; i++) {
		const struct n64_pref64 *p = &conf->pref64[i];

		if (i >= N64_MAX_PREF64 + conf->n_stateless)
			break;
		if (p->len && (!best || p->len > best->len) && pref64_contains(p, a))
			best = p;
	}
	return best;
}

/* ADR-22: nobody sends from inside a pref64 but the hosts of its entry. */
n64_inline bool in_stateless_pref64(const struct n64_conf *conf, const struct addr6 *a)
{
	return conf->n_stateless && stateless_holds(conf, a);
}

/* The entry that `a` is a host of: in its EAM, or in its pref64 with an IPv4 address of its
 * xlat4. */
n64_inline __u32 stateless_host(const struct n64_env *env, const struct addr6 *a)
{
	const struct n64_pol6 *pol = pol6_if(env, HAVE_EAM, a);
	const struct n64_pref64 *held, *own;
	const struct n64_pol4 *pol4;
	__u32 entry;

	if (!env->conf->n_stateless)
		return 0;
	if (pol && pol->flags & POL_EAM)
		return pol_entry(pol->flags);
	held = stateless_holds(env->conf, a);
	if (!held)
		return 0;
	pol4 = pol4_if(env, HAVE_XLAT4, pref64_extract(env->conf, held, a));
	if (!pol4 || !(pol4->flags & POL_XLAT4))
		return 0;
	/* several entries may have the same pref64: the host decides */
	entry = pol_entry(pol4->flags);
	own = stateless_pref(env->conf, entry);
	return own && own->len == held->len && pref64_contains(own, a) ? entry : 0;
}

/* Is it an address that hosts of the entry reach through the translator? */
n64_inline bool stateless_peer(const struct n64_env *env, __u32 entry, const struct addr6 *a)
{
	const struct n64_pref64 *own = stateless_pref(env->conf, entry);
	const struct n64_pol6 *pol;

	if (own && own->len && pref64_contains(own, a))
		return true;
	pol = pol6_if(env, HAVE_EAM, a);
	return pol && pol->flags & POL_EAM && pol_entry(pol->flags) == entry;
}

n64_inline __u32 stateless_entry6(const struct n64_env *env, const struct addr6 *src,
				  const struct addr6 *dst)
{
	__u32 entry = stateless_host(env, src);

	return entry && stateless_peer(env, entry, dst) ? entry : 0;
}

n64_inline __u32 stateless_entry4(const struct n64_env *env, __be32 dst)
{
	const struct n64_pol4 *pol = pol4_if(env, HAVE_EAM | HAVE_XLAT4, dst);

	return pol && pol->flags & (POL_EAM | POL_XLAT4) ? pol_entry(pol->flags) : 0;
}

#endif
