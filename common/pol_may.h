/* SPDX-License-Identifier: GPL-2.0-only */
/* May an address be in any list at all? A few bits answer, so that a packet pays for the
 * entries that it meets and not for those that the operator has. Pure: user space fills the
 * bits, the programs ask. */
#ifndef N64_POL_MAY_H
#define N64_POL_MAY_H

#include "types.h"

#define MAY_BITS 65536

/* Map `polmay`: one; of a program generation. */
struct n64_pol_may {
	__u64 net4[MAY_BITS / 64];	/* by the first 16 bits, exact */
	__u64 net6[MAY_BITS / 64];	/* entries of 48 bits and more, by hash of the first 48 */
	__u64 wide6[MAY_BITS / 64];	/* entries of 32 to 47 bits, by hash of the first 32 */
};

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

n64_inline bool may_bit(const __u64 *map, __u32 n)
{
	return map[n64_bound(n / 64, MAY_BITS / 64 - 1)] >> n % 64 & 1;
}

n64_inline bool pol_may4(const struct n64_pol_may *m, __be32 a)
{
	return may_bit(m->net4, a & 0xffff);
}

n64_inline bool pol_may6(const struct n64_pol_may *m, const struct addr6 *a)
{
	return may_bit(m->net6, may_net6(a)) || may_bit(m->wide6, may_wide6(a));
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
}

static inline void pol_may_add6(struct n64_pol_may *m, const struct addr6 *a, __u32 len)
{
	if (len >= 48)
		may_set(m->net6, may_net6(a));
	else if (len >= 32)
		may_set(m->wide6, may_wide6(a));
	else
		__builtin_memset(m->wide6, 0xff, sizeof(m->wide6));
}
#endif

#endif
