/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of the three hash tables of the state and where they are at home: the pure half
 * of table.h, which user space needs as well to read the tables. */
#ifndef N64_TABLE_KEY_H
#define N64_TABLE_KEY_H

#include "addr.h"

enum st_table { TAB_BIB6, TAB_SESSION, TAB_SUB };

#define TAB_REACH 64		/* lines that a key may lie behind its home */

struct st_key {
	struct addr6 a;		/* host, prefix; session: binding and remote address */
	__u32 b;		/* bib6: port | proto << 16; session: remote port */
	__u32 gen;		/* session: generation of the binding */
	__u64 hash;		/* low half: home line, upper 28 bits: tag */
};

n64_inline __u64 key_mix(__u64 h, __u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

/* Keyed, so that nobody outside can choose who meets whom. */
n64_inline __u64 key_hash(const struct n64_conf *c, const struct addr6 *a, __u32 b)
{
	__u64 h = key_mix(c->st.key[0], (__u64)a->w[0] << 32 | a->w[1]);

	h = key_mix(h, (__u64)a->w[2] << 32 | a->w[3]);
	h = key_mix(h + c->st.key[1], b);
	return h ^ h >> 29;
}

n64_inline struct st_key key_bib6(const struct n64_conf *c, enum st_proto proto,
				  const struct addr6 *host, __be16 port)
{
	struct st_key k = { .a = *host, .b = (__u32)proto << 16 | port };

	k.hash = key_hash(c, &k.a, k.b);
	return k;
}

n64_inline struct st_key key_session(const struct n64_conf *c, __u32 binding, __u32 gen,
				     __be32 remote, __be16 port)
{
	struct st_key k = { .a = { { binding, remote } }, .b = port, .gen = gen };

	k.hash = key_hash(c, &k.a, k.b);
	return k;
}

/* The subscriber of a host (PORT-03). */
n64_inline struct st_key key_sub(const struct n64_conf *c, const struct addr6 *host)
{
	__u32 len = c->opt.subscriber_prefix_len;
	struct st_key k = { .a = *host };

	/* 48 to 128 */
	if (len < 128)
		k.a.w[3] &= len > 96 ? mask4(len - 96) : 0;
	if (len < 96)
		k.a.w[2] &= len > 64 ? mask4(len - 64) : 0;
	if (len < 64)
		k.a.w[1] &= mask4(len - 32);
	k.hash = key_hash(c, &k.a, 0);
	return k;
}

n64_inline __u32 key_tag(const struct st_key *k)
{
	return (__u32)(k->hash >> CTL_GEN_SHIFT);
}

n64_inline __u32 tab_lines(const struct n64_conf *c, enum st_table t)
{
	return t == TAB_BIB6 ? c->st.bib6_lines :
	       t == TAB_SESSION ? c->st.session_lines : c->st.sub_lines;
}

n64_inline __u32 tab_ways(enum st_table t)
{
	return t == TAB_SUB ? 1 : 2;
}

n64_inline __u32 tab_home(const struct n64_conf *c, enum st_table t, const struct st_key *k)
{
	return (__u32)k->hash & (tab_lines(c, t) - 1);
}

/* Place of way `n` of the line `d` behind the home. */
n64_inline __u32 tab_place(const struct n64_conf *c, enum st_table t, const struct st_key *k,
			   __u32 d, __u32 n)
{
	return ((tab_home(c, t, k) + d) & (tab_lines(c, t) - 1)) * tab_ways(t) + n;
}

#endif
