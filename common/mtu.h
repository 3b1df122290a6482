/* SPDX-License-Identifier: GPL-2.0-only */
/* MTU arithmetic (requirements section 5; RFC 7915 4.1, 4.2, 5.1, 5.2; RFC 1191
 * 7.1). All sizes are those of IP packets. */
#ifndef N64_MTU_H
#define N64_MTU_H

#include "abi.h"

#define MTU4_MIN 68
#define MTU6_MIN 1280
#define MTU_MAX 65535

n64_inline __u32 mtu_between(__u32 mtu, __u32 least, __u32 most)
{
	if (mtu < least)
		return least;
	return mtu > most ? most : mtu;
}

n64_inline __u32 mtu_min(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* MTU-64-04: what a served interface has at least; lo has more than a length
 * field can say. */
n64_inline __u32 mtu_of_link(enum ip_family fam, __u32 mtu)
{
	return mtu_between(mtu, fam == FAM_4 ? MTU4_MIN : MTU6_MIN, MTU_MAX);
}

/* ---- forwarding ------------------------------------------------------------------ */

/* MTU-46-03: the size that packets with DF=0 are cut to. */
n64_inline __u32 mtu_lim6(const struct n64_conf *conf, __u32 mtu6)
{
	return mtu_min(conf->opt.lowest_ipv6_mtu, mtu6);
}

/* MTU-46-03: payload of an IPv6 fragment behind 40 + 8 bytes of header. */
n64_inline __u32 mtu_frag6_payload(__u32 lim6)
{
	return (lim6 - 48) & ~7u;
}

/* MTU-64-02: payload of an IPv4 fragment. */
n64_inline __u32 mtu_frag4_payload(__u32 mtu4)
{
	return (mtu4 - 20) & ~7u;
}

/* MTU-46-02: what an IPv4 sender is told. */
n64_inline __u32 mtu_told4(__u32 mtu6, bool fragment)
{
	return mtu6 - (fragment ? 28 : 20);
}

/* MTU-64-01: what an IPv6 sender is told. */
n64_inline __u32 mtu_told6(__u32 mtu4)
{
	return mtu_between(mtu4 + 20, MTU6_MIN, MTU_MAX);
}

/* ---- path-MTU errors --------------------------------------------------------------- */

/* MTU-46-11: the largest plateau below the length of the quoted packet, 0: none. */
n64_inline __u32 mtu_plateau(const struct n64_conf *conf, __u32 quoted_len)
{
	for (__u32 i = 0; i < conf->n_plateaus && i < N64_MAX_PLATEAUS; i++)
		if (conf->plateaus[i] < quoted_len && conf->plateaus[i] >= MTU6_MIN)
			return conf->plateaus[i];
	return 0;
}

/* MTU-46-10/11/12: the MTU of a Packet Too Big that was a frag-needed. mtu4 and
 * mtu6 are those of the next hops of the packet and of the error. */
n64_inline __u32 mtu_4to6(const struct n64_conf *conf, __u16 told, __u32 quoted_len, __u32 mtu4,
			  __u32 mtu6)
{
	__u32 m = told < MTU4_MIN ? mtu_plateau(conf, quoted_len) : told;

	return mtu_between(mtu_min(m + 20, mtu_min(mtu6, mtu4 + 20)), MTU6_MIN, MTU_MAX);
}

/* MTU-64-10/11: the MTU of a frag-needed that was a Packet Too Big. */
n64_inline __u32 mtu_6to4(__u32 told, bool quoted_fh, __u32 mtu4, __u32 mtu6)
{
	__u32 a = quoted_fh ? 28 : 20;
	__u32 m = mtu_min(told, mtu6);

	return mtu_between(mtu_min(m > a ? m - a : 0, mtu4), MTU4_MIN, MTU_MAX);
}

#endif
