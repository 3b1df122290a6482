/* SPDX-License-Identifier: GPL-2.0-only */
/* May an address be in any list at all, or does any rule speak of it? A few bits answer, so
 * that a packet pays for the entries that it meets and not for those that the operator has.
 * Pure: user space fills the bits, the programs ask. */
#ifndef N64_POL_MAY_H
#define N64_POL_MAY_H

#include "addr.h"

n64_inline __u32 may_hash(__u64 x)
{
	return (__u32)(x * 0x9e3779b97f4a7c15ull >> 48);
}

n64_inline __u32 may_net6(const struct addr6 *a)
{
	return may_hash((__u64)(a->w[1] & be32(0xffff0000)) << 32 | a->w[0]);
}

n64_inline __u32 may_wide6(const struct addr6 *a)
{
	return may_hash(a->w[0]);
}

/* Bit `n`, of which the lower 16 bits count. */
n64_inline bool may_bit(const __u64 *map, __u32 n)
{
	return map[n64_bound(n / 64, MAY_BITS / 64 - 1)] >> n % 64 & 1;
}

n64_inline bool pol_may4(const struct n64_pol_may *m, __be32 a)
{
	return may_bit(m->net4, a);
}

n64_inline bool pol_may6(const struct n64_pol_may *m, const struct addr6 *a)
{
	return may_bit(m->net6, may_net6(a)) || may_bit(m->wide6, may_wide6(a));
}

/* What of an address the lists look at: all that have the same are the same to them, and are
 * remembered as one. */
n64_inline __be32 pol_block4(const struct n64_pol_may *m, __be32 a)
{
	return may_bit(m->fine4, a) ? a : a & be32(0xffffff00);
}

n64_inline void pol_block6(const struct n64_pol_may *m, const struct addr6 *a, struct addr6 *block)
{
	__u64 hi = addr6_half(a, 0) & m->mask6[0], lo = addr6_half(a, 1) & m->mask6[1];

	*block = (struct addr6){{(__u32)hi, hi >> 32, (__u32)lo, lo >> 32}};
}

n64_inline bool plain4_surely(const struct n64_plain *m, __be32 a)
{
	return likely(may_bit(m->net4, a)) ||
	       (may_bit(m->few4, a) && may_bit(m->single4, may_hash(a)));
}

#ifndef __bpf__
static inline void may_set(__u64 *map, __u32 n)
{
	map[n % MAY_BITS / 64] |= 1ull << n % 64;
}

static inline void pol_may_add4(struct n64_pol_may *m, __be32 a, __u32 len)
{
	__u32 n = len < 16 ? 1u << (16 - len) : 1;

	for (__u32 i = 0; i < n; i++)
		may_set(m->net4, (a | be32(i << 16)) & 0xffff);
	if (len > 24)
		may_set(m->fine4, a & 0xffff);
}

static inline void pol_may_add6(struct n64_pol_may *m, const struct addr6 *a, __u32 len)
{
	if (len >= 48)
		may_set(m->net6, may_net6(a));
	else if (len >= 32)
		may_set(m->wide6, may_wide6(a));
	else
		__builtin_memset(m->wide6, 0xff, sizeof(m->wide6));
	for (__u32 i = 0; i < len; i++)
		((__u8 *)m->mask6)[i / 8] |= 0x80 >> i % 8;
}

static inline void may_clear(__u64 *map, __u32 n)
{
	map[n % MAY_BITS / 64] &= ~(1ull << n % 64);
}

/* Addresses in the prefix are not plain. */
static inline void plain4_except(struct n64_plain *m, __be32 a, __u32 len)
{
	__u32 n = len < 16 ? 1u << (16 - len) : 1;

	for (__u32 i = 0; i < n; i++) {
		may_clear(m->net4, (a | be32(i << 16)) & 0xffff);
		if (len <= 24)
			may_clear(m->few4, (a | be32(i << 16)) & 0xffff);
	}
	for (__u32 i = 0; len > 24 && i < 1u << (32 - len); i++)
		may_clear(m->single4, may_hash(a | be32(i)));
}

/* All are, but where the rules themselves speak of addresses (addr4_is_ruled); `wkp`: those
 * about the well-known prefix too. */
static inline void plain4_begin(struct n64_plain *m, bool wkp)
{
	static const struct {
		__be32 addr;
		__u32 len;
		bool wkp;
	} block[] = {
		{ IP4(0, 0, 0, 0), 8, false },	    { IP4(127, 0, 0, 0), 8, false },
		{ IP4(169, 254, 0, 0), 16, false }, { IP4(224, 0, 0, 0), 3, false },
		{ IP4(10, 0, 0, 0), 8, true },	    { IP4(100, 64, 0, 0), 10, true },
		{ IP4(172, 16, 0, 0), 12, true },   { IP4(192, 0, 0, 0), 16, true },
		{ IP4(192, 88, 0, 0), 16, true },   { IP4(192, 168, 0, 0), 16, true },
		{ IP4(198, 18, 0, 0), 15, true },   { IP4(198, 51, 0, 0), 16, true },
		{ IP4(203, 0, 0, 0), 16, true },
	};

	__builtin_memset(m->net4, 0xff, sizeof(m->net4));
	__builtin_memset(m->few4, 0xff, sizeof(m->few4));
	__builtin_memset(m->single4, 0xff, sizeof(m->single4));
	for (__u32 i = 0; i < sizeof(block) / sizeof(*block); i++)
		if (wkp || !block[i].wkp)
			plain4_except(m, block[i].addr, block[i].len);
}
#endif

#endif
