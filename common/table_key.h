/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys of the three hash tables of the state and where they are at home: the pure half
 * of table.h, which user space needs as well to read the tables.
 *
 * A key of sessions or subscribers is at home in the line that its hash says, and else in
 * one of the next. One of bib6 has two homes: the near one is in a page that the host has
 * for itself and its neighbours by hash, so that the mappings of a host lie in few pages
 * and neighbouring ports in one line; whoever finds that full goes to the far one, which
 * its hash says.
 *
 * A key says as well which of the two entries of a line it looks at first: most are found by one
 * comparison. Behind a guess between two that no processor can foresee it would begin again. */
#ifndef N64_TABLE_KEY_H
#define N64_TABLE_KEY_H

#include "addr.h"

enum st_table { TAB_BIB6, TAB_SESSION, TAB_SUB };

#define TAB_REACH 64		/* lines that a key may lie behind its home */
#define TAB_NEAR 2		/* ... of which so many are in the near page (bib6) */
#define TAB_PAGE 64		/* lines of a page: 4 KiB */
#define TAB_STRIDE (TAB_PAGE + 3) /* from a far line to the next: into another page, as pages
				 * may be full as a whole */
#define TAB_PAGE_PORTS 4096	/* ports of a host that share a near page */

struct st_key {
	struct addr6 a;		/* host, prefix; session: binding and remote address */
	__u32 b;		/* bib6: port | proto << 16; session: remote port */
	__u32 gen;		/* session: generation of the binding; bib6: near place */
	__u64 hash;		/* low half: home line (bib6: far), upper 28 bits: tag */
};

n64_inline __u64 key_mix(__u64 h, __u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

/* Keyed, so that nobody outside can choose who meets whom. */
n64_inline __u64 key_hash_halves(const struct n64_conf *c, __u64 lo, __u64 hi)
{
	return key_mix(key_mix(c->st.key[0], lo), hi);
}

n64_inline __u64 key_hash_addr(const struct n64_conf *c, const struct addr6 *a)
{
	return key_hash_halves(c, addr6_half(a, 0), addr6_half(a, 1));
}

n64_inline __u64 key_hash_rest(const struct n64_conf *c, __u64 h, __u32 b)
{
	h = key_mix(h + c->st.key[1], b);
	return h ^ h >> 29;
}

n64_inline __u64 key_hash(const struct n64_conf *c, const struct addr6 *a, __u32 b)
{
	return key_hash_rest(c, key_hash_addr(c, a), b);
}

/* Near place of a port of the host whose address has the hash `h`: twice the line, and in bit 0
 * the entry that is looked at first. */
n64_inline __u32 key_near(__u64 h, enum st_proto proto, __be16 port)
{
	__u32 group = (__u32)proto << 16 | (host16(port) & ~(TAB_PAGE_PORTS - 1u));
	__u32 n = (__u32)((h ^ group) * 0xd6e8feb86659fd93ull >> 32);

	return (n & ~(2 * TAB_PAGE - 1u)) | ((n + host16(port)) & (2 * TAB_PAGE - 1));
}

n64_inline struct st_key key_bib6(const struct n64_conf *c, enum st_proto proto,
				  const struct addr6 *host, __be16 port)
{
	struct st_key k = { .a = *host, .b = (__u32)proto << 16 | port };
	__u64 h = key_hash_addr(c, &k.a);

	k.gen = key_near(h, proto, port);
	k.hash = key_hash_rest(c, h, k.b);
	return k;
}

n64_inline struct st_key key_session(const struct n64_conf *c, __u32 binding, __u32 gen,
				     __be32 remote, __be16 port)
{
	struct st_key k = { .a = { { binding, remote } }, .b = port, .gen = gen };

	/* not of `gen`: so the line can be asked for before that is known (state_foresee) */
	k.hash = key_hash(c, &k.a, k.b);
	return k;
}

/* The part of a host's address that is its subscriber (PORT-03): the halves of the address as
 * they lie in memory. */
n64_inline void sub_halves(const struct n64_conf *c, __u64 *lo, __u64 *hi)
{
	*lo &= c->st.sub_mask[0];
	*hi &= c->st.sub_mask[1];
}

/* Are two addresses of one subscriber? */
n64_inline bool sub_same(const struct n64_conf *c, const struct addr6 *a, const struct addr6 *b)
{
	return !(((addr6_half(a, 0) ^ addr6_half(b, 0)) & c->st.sub_mask[0]) |
		 ((addr6_half(a, 1) ^ addr6_half(b, 1)) & c->st.sub_mask[1]));
}

n64_inline __u64 sub_hash(const struct n64_conf *c, __u64 hash_addr)
{
	return key_hash_rest(c, hash_addr, 0);
}

n64_inline struct st_key key_sub(const struct n64_conf *c, const struct addr6 *host)
{
	__u64 lo = addr6_half(host, 0), hi = addr6_half(host, 1);
	struct st_key k = { .b = 0 };

	sub_halves(c, &lo, &hi);
	addr6_join(lo, hi, &k.a);
	k.hash = sub_hash(c, key_hash_halves(c, lo, hi));
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

/* The line that is looked at first. */
n64_inline __u32 tab_home(const struct n64_conf *c, enum st_table t, const struct st_key *k)
{
	return (t == TAB_BIB6 ? k->gen >> 1 : (__u32)k->hash) & (tab_lines(c, t) - 1);
}

/* Which entry of a line is looked at first. */
n64_inline __u32 tab_first(enum st_table t, const struct st_key *k)
{
	return t == TAB_BIB6 ? k->gen & 1 : t == TAB_SESSION ? (__u32)(k->hash >> 32) & 1 : 0;
}

/* The near place of a host's port in line `d` below TAB_NEAR of its page. The second is half a page
 * away: two runs of 64 ports that meet in a page then fill it exactly. */
n64_inline __u32 tab_near_place(__u32 near, __u32 d)
{
	return near ^ d * TAB_PAGE;
}

/* The line that is looked at after `d` others. */
n64_inline __u32 tab_line(const struct n64_conf *c, enum st_table t, const struct st_key *k,
			  __u32 d)
{
	__u32 mask = tab_lines(c, t) - 1;

	if (t != TAB_BIB6)
		return (tab_home(c, t, k) + d) & mask;
	if (d < TAB_NEAR)
		return tab_near_place(k->gen, d) >> 1 & mask;
	return ((__u32)k->hash + (d - TAB_NEAR) * TAB_STRIDE) & mask;
}

/* Place of the entry of that line that is looked at after `n` others of it. */
n64_inline __u32 tab_place(const struct n64_conf *c, enum st_table t, const struct st_key *k,
			   __u32 d, __u32 n)
{
	return tab_line(c, t, k, d) * tab_ways(t) + (n ^ tab_first(t, k));
}

/* Of a line of two, the place beside this one. */
n64_inline __u32 tab_beside(__u32 place)
{
	return place ^ 1;
}

#endif
