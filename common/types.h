/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed-width and wire-order types, and the few words in which the BPF build
 * and the host build of common/ differ.
 *
 * common/ is the functional core: no maps, no clock, no randomness, no sockets.
 * The same text is compiled by clang for BPF and by gcc and clang for the
 * worker, the unit tests and the fuzzers. */
#ifndef N64_TYPES_H
#define N64_TYPES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Without N64_CALLS also where the compiler would rather not. Tests with it are built in a third
 * of the time, and their stack traces have the functions. */
#ifdef N64_CALLS
#define n64_inline static inline __attribute__((unused))
#else
#define n64_inline static inline __attribute__((always_inline, unused))
#endif
/* Rarely needed, or large: one copy, which the verifier sees once for each call. */
#define n64_far static __attribute__((noinline, unused))
/* The same as a global function of the BPF programs: verified once and by itself, for all
 * arguments; whoever calls it knows nothing of what it returns. Pointers may be NULL. */
#ifdef __bpf__
#define n64_once __attribute__((noinline))
#else
#define n64_once static __attribute__((noinline, unused))
#endif
#define n64_must_check __attribute__((warn_unused_result))
/* In front of a loop that ends early: unrolled it only costs code and stack. */
#ifdef __clang__
#define n64_no_unroll _Pragma("clang loop unroll(disable)")
#else
#define n64_no_unroll
#endif
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "xdp-nat64 is built for little-endian machines"
#endif

/* An index, bounded where it is used: the compiler, which knows that it is, would leave the
 * mask out, and the verifier (before 6.3 or so) forgets the bounds of what was spilled. */
n64_inline __u64 n64_bound(__u64 n, __u64 mask)
{
	__asm__ volatile("" : "+r"(n));
	return n & mask;
}

/* Wire order to host order and back; constant expressions for constants. */
#define be16(x) ((__be16)__builtin_bswap16((__u16)(x)))
#define be32(x) ((__be32)__builtin_bswap32((__u32)(x)))
#define be64(x) __builtin_bswap64((__u64)(x))
#define host16(x) __builtin_bswap16((__u16)(x))
#define host32(x) __builtin_bswap32((__u32)(x))

/* An IPv6 address as it stands in a packet. Four-byte aligned, as every IP
 * header in a frame that starts at 2 mod 4 is. */
struct addr6 {
	__be32 w[4];
};

/* Half 0 or 1 of an address as it stands in memory. One load on machines that load from any
 * place, which are those that XDP is for; the host build does not take it for granted. */
n64_inline __u64 addr6_half(const struct addr6 *a, __u32 n)
{
#ifdef __bpf__
	return *(const __u64 *)__builtin_assume_aligned(&a->w[2 * n], 8);
#else
	return (__u64)a->w[2 * n + 1] << 32 | a->w[2 * n];
#endif
}

n64_inline void addr6_copy(struct addr6 *to, const struct addr6 *from)
{
#ifdef __bpf__
	__u64 *half = __builtin_assume_aligned(to, 8);

	half[0] = addr6_half(from, 0);
	half[1] = addr6_half(from, 1);
#else
	*to = *from;
#endif
}

/* An address of its halves, which so may stay in registers. */
n64_inline void addr6_join(__u64 lo, __u64 hi, struct addr6 *to)
{
#ifdef __bpf__
	__u64 *half = __builtin_assume_aligned(to, 8);

	half[0] = lo;
	half[1] = hi;
#else
	*to = (struct addr6){ { (__u32)lo, lo >> 32, (__u32)hi, hi >> 32 } };
#endif
}

enum ip_family {
	FAM_NONE = 0,
	FAM_4 = 4,
	FAM_6 = 6,
};

#endif
