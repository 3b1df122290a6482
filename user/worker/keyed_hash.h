/* SPDX-License-Identifier: GPL-2.0-only */
/* SipHash-1-3 over a few 64-bit words: which bucket or cache line an address
 * falls into must not be chosen by whoever sends it (GERR-25). */
#ifndef N64_KEYED_HASH_H
#define N64_KEYED_HASH_H

#include "types.h"

static inline __u64 rotate_left(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void sip_round(__u64 v[4])
{
	v[0] += v[1];
	v[1] = rotate_left(v[1], 13) ^ v[0];
	v[0] = rotate_left(v[0], 32);
	v[2] += v[3];
	v[3] = rotate_left(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate_left(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate_left(v[1], 17) ^ v[2];
	v[2] = rotate_left(v[2], 32);
}

static inline __u64 keyed_hash(const __u64 key[2], const __u64 *word, __u32 n)
{
	__u64 v[4] = {
		key[0] ^ 0x736f6d6570736575ull,
		key[1] ^ 0x646f72616e646f6dull,
		key[0] ^ 0x6c7967656e657261ull,
		key[1] ^ 0x7465646279746573ull,
	};

	for (__u32 i = 0; i <= n; i++) {
		/* the last block is the length in bytes */
		__u64 m = i < n ? word[i] : (__u64)n * 8 << 56;

		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
