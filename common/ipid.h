/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 identification (ID-01; RFC 6864 4.3, RFC 7739's advice on guessing).
 *
 * Every writer (a CPU, or the worker as one more) owns the values that are
 * congruent to its number modulo the number of writers, so that no two writers
 * ever send the same value for a pair of hosts; a keyed hash of the pair is
 * added, so that one host cannot tell the value of another. */
#ifndef N64_IPID_H
#define N64_IPID_H

#include "abi.h"

/* Cheap keyed mixing of a pair of addresses (a multiply-xorshift finaliser over key and
 * addresses); the upper half of the result is the good one. */
n64_inline __u64 ipid_pair(const __u64 key[2], __be32 src, __be32 dst)
{
	__u64 h = ((__u64)src << 32 | dst) ^ key[0];

	h *= 0x9e3779b97f4a7c15ull;
	h ^= h >> 32;
	h += key[1];
	return h * 0xd6e8feb86659fd93ull;
}

/* The same of one of their protocols: who sees both knows the pair. */
n64_inline __u64 ipid_mix(__u64 pair, __u8 proto)
{
	return pair + proto * 0x9e3779b97f4a7c15ull;
}

n64_inline __u64 ipid_hash(const __u64 key[2], __be32 a, __be32 b)
{
	__u64 h = ipid_pair(key, a, b);

	return h ^ h >> 32;
}

#define ID_SHIFT (64 - 10)
_Static_assert(1ull << (64 - ID_SHIFT) == N64_ID_SLOTS, "as many bits as there are slots");

/* The next value of writer `writer` out of `writers`. Results with DF=0 draw
 * from one of 1024 counters by hash, the others share one (RFC 6864 4.1: atomic
 * datagrams). `h`: ipid_mix. A value repeats after 65536 / writers draws of a counter. */
n64_inline __be16 ipid_next(struct n64_ids *ids, __u64 h, bool df, __u32 writer, __u32 writers)
{
	__u16 *counter = df ? &ids->df : &ids->slot[h >> ID_SHIFT];
	__u32 n = *counter; /* a multiple of `writers` */

	/* wraps where the last whole round of values ends */
	*counter = n + 2 * writers > 65536 ? 0 : n + writers;
	return be16((__u16)(n + writer + (h >> 32)));
}

#endif
