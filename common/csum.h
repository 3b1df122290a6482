/* SPDX-License-Identifier: GPL-2.0-only */
/* Internet checksum arithmetic (RFC 1071, RFC 1624 eqn. 3).
 *
 * A running sum is a __u64 of 32-bit or 16-bit pieces as they stand in memory;
 * one's-complement sums do not depend on byte order, so nothing is swapped.
 * 2^32 pieces fit before it overflows. */
#ifndef N64_CSUM_H
#define N64_CSUM_H

#include "types.h"
#include "wire.h"

/* Folds a running sum to 16 bits, end-around carry. */
n64_inline __u16 csum_fold(__u64 sum)
{
	__u32 x;

	/* a number and its halves exchanged: the sum has the folded one in its upper half */
	sum += sum << 32 | sum >> 32;
	x = (__u32)(sum >> 32);
	x += x << 16 | x >> 16;
	return (__u16)(x >> 16);
}

/* Is a running sum, its checksum field included, one without a fault: does it fold to 0xffff?
 * That is, a multiple of 0xffff other than 0; a number is one if the product with the inverse of
 * 0xffff (mod 2^64) is what it is divided by that, and else a number beyond all quotients. */
n64_inline bool csum_is_good(__u64 sum)
{
	const __u64 quotients = ~0ull / 0xffff;

	return sum && sum * -quotients <= quotients;
}

/* The checksum field that goes with a running sum over everything else. */
n64_inline __be16 csum_finish(__u64 sum)
{
	return (__be16)~csum_fold(sum);
}

n64_inline __u64 csum_addr6(const struct addr6 *a)
{
	return (__u64)a->w[0] + a->w[1] + a->w[2] + a->w[3];
}

/* What an address leaves behind when it is taken out (~m of eqn. 3): the sum of the
 * complements of its four words. */
n64_inline __u64 csum_sub_addr6(const struct addr6 *a)
{
	return 4 * 0xffffffffull - csum_addr6(a);
}

n64_inline __u64 csum_sub32(__be32 x)
{
	return (__u32)~x;
}

n64_inline __u64 csum_sub16(__be16 x)
{
	return (__u16)~x;
}

/* HC' = ~(~HC + delta), delta = sum of ~m and m' (RFC 1624 eqn. 3). */
n64_inline __be16 csum_update(__be16 field, __u64 delta)
{
	return csum_finish((__u16)~field + delta);
}

/* L4-02: in UDP 0 means "no checksum", so a computed 0 is sent as 0xffff. */
n64_inline __be16 csum_udp_nonzero(__be16 field)
{
	return field ? field : (__be16)0xffff;
}

/* Pseudo-headers (RFC 9293 3.1, RFC 8200 8.1); `len` is that of the transport
 * header and payload, host order. */
n64_inline __u64 csum_pseudo4(__be32 src, __be32 dst, __u8 proto, __u32 len)
{
	return (__u64)src + dst + be16(proto) + be16(len);
}

n64_inline __u64 csum_pseudo6(const struct addr6 *src, const struct addr6 *dst,
			      __u8 proto, __u32 len)
{
	return csum_addr6(src) + csum_addr6(dst) + be32(len) + be32(proto);
}

n64_inline __u64 csum_words5(const struct ip4_words *h)
{
	return (__u64)h->w[0] + h->w[1] + h->w[2] + h->w[3] + h->w[4];
}

/* Header checksum of the 20 bytes at `ip`, whose own field counts as zero. */
n64_inline __be16 csum_ip4(const struct ip4_hdr *ip)
{
	const struct ip4_words *h = (const void *)ip;

	return csum_finish(csum_words5(h) - (h->w[2] & 0xffff0000));
}

#ifndef __bpf__
/* Running sum over any bytes; an odd last byte counts as if followed by zero.
 * `p` may stand anywhere. */
static inline __u64 csum_bytes(const void *p, __u32 len)
{
	const __u8 *b = p;
	__u64 sum = 0;

	for (; len >= 8; len -= 8, b += 8) {
		__u32 w[2];

		__builtin_memcpy(w, b, sizeof(w));
		sum += (__u64)w[0] + w[1];
	}
	for (; len >= 2; len -= 2, b += 2) {
		__u16 h;

		__builtin_memcpy(&h, b, sizeof(h));
		sum += h;
	}
	return len ? sum + *b : sum;
}
#endif

#endif
