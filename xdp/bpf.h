/* SPDX-License-Identifier: GPL-2.0-only */
/* What every header of the fast path builds on: helpers, and the few constants
 * that the kernel headers of Debian 12 do not have yet. */
#ifndef N64_XDP_BPF_H
#define N64_XDP_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "micro_step.h"
#include "pkt.h"
#include "pol_may.h"

#define N64_AF_INET 2
#define N64_AF_INET6 10

/* bpf_fib_lookup flag of 6.3, in 6.1 by a stable backport. */
#define N64_FIB_SKIP_NEIGH (1u << 2)

/* Rodata for shape: set before load, so that the verifier removes what a
 * configuration does not use. */
const volatile struct n64_conf conf = {};
const volatile struct n64_role role = {};
/* Not for shape. */
const volatile struct n64_plain plain = {};

/* The compiler must not fold the zeros above, the verifier may fold what user
 * space wrote: hide the address from the first only. */
static __always_inline const struct n64_conf *conf_get(void)
{
	const struct n64_conf *c = (const struct n64_conf *)&conf;

	asm volatile("" : "+r"(c));
	return c;
}

static __always_inline const struct n64_plain *plain_get(void)
{
	const struct n64_plain *p = (const struct n64_plain *)&plain;

	asm volatile("" : "+r"(p)); /* as in conf_get */
	return p;
}

/* A global function: verified once and by itself, for all arguments; whoever calls it knows
 * nothing of what it returns. Pointers may be NULL. */
#define N64_ONCE __attribute__((noinline))

/* Where a build for bench/micro ends; in the others this is nothing. */
#ifdef N64_MICRO
__u32 micro_stop = MICRO_ALL;

static __always_inline bool micro_ends(enum micro_step step)
{
	return *(volatile __u32 *)&micro_stop == (__u32)step;
}

/* Somewhere between the short way and the end of a packet that makes a mapping? */
static __always_inline bool micro_ends_new(void)
{
	__u32 stop = *(volatile __u32 *)&micro_stop;

	return stop > MICRO_NEW_SHORT && stop < MICRO_NEW_ALL;
}
#else
static __always_inline bool micro_ends(enum micro_step step)
{
	(void)step;
	return false;
}

static __always_inline bool micro_ends_new(void)
{
	return false;
}
#endif

/* A field of the context. By an instruction of our own: clang would keep the address of a field
 * that is often read, which the verifier does not allow, and add to data, which it takes for
 * 32 bits wide, in 32 bits. */
#define CTX_FIELD(ctx, field)                                                                 \
	({                                                                                    \
		__u64 v_;                                                                     \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                         \
			     : "=r"(v_)                                                       \
			     : "r"(ctx), "i"(offsetof(struct xdp_md, field)));                \
		v_;                                                                           \
	})

static __always_inline void *frame_start(const struct xdp_md *ctx)
{
	return (void *)CTX_FIELD(ctx, data);
}

static __always_inline const void *frame_end(const struct xdp_md *ctx)
{
	return (const void *)CTX_FIELD(ctx, data_end);
}

/* The device by which the frame came in. As 32 bits, not by CTX_FIELD, whose upper half would be
 * cleared once more wherever it is used. */
static __always_inline __u32 frame_ingress(const struct xdp_md *ctx)
{
	__u32 v;

	asm volatile("%0 = *(u32 *)(%1 + %2)"
		     : "=r"(v)
		     : "r"(ctx), "i"(offsetof(struct xdp_md, ingress_ifindex)));
	return v;
}

/* Does the frame lie in one buffer? */
static __always_inline bool in_one_piece(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx) == (__u64)(frame_end(ctx) - frame_start(ctx));
}

/* The place at `off` in the frame; the mask is for the verifier: Ethernet with
 * tags is 14, 18 or 22 bytes long. */
static __always_inline void *l3_at(const struct xdp_md *ctx, __u32 off)
{
	off &= 0x1f;
	asm volatile("" : "+r"(off));
	return frame_start(ctx) + off;
}

static __always_inline void *ip_of(const struct xdp_md *ctx, const struct pkt *p)
{
	return l3_at(ctx, p->l3_off);
}

#endif
