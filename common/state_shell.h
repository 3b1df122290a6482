/* SPDX-License-Identifier: GPL-2.0-only */
/* What the state engine (state.h) asks of a shell: where the tables lie, the clock, and
 * single steps on shared memory. The BPF programs answer in xdp/state_world.h over their
 * maps; tests in fake_state.h over plain memory, where they can stop between any two
 * steps to force an interleaving.
 *
 * x86 orders what these rules need ordered (a reader sees an entry's fields after its
 * control word); a port to a weaker machine has to add acquire loads here. */
#ifndef N64_STATE_SHELL_H
#define N64_STATE_SHELL_H

#include "env.h"

/* A function that BPF verifies once and calls, instead of inlining it everywhere. Its
 * arguments are numbers or a struct st_work. */
#ifdef __bpf__
#define ST_FAR __attribute__((noinline))
#else
#define ST_FAR static inline __attribute__((unused))
#endif

/* An index that the verifier must see masked: the compiler, which knows better, would
 * leave the mask out. */
#define ST_MASK(x, mask)                      \
	({                                    \
		__u64 n_ = (x) & (mask);      \
		__asm__ volatile("" : "+r"(n_)); \
		n_ & (mask);                  \
	})

n64_inline const struct n64_conf *st_conf(void);

/* NULL: there is none. */
n64_inline struct n64_binding *mem_binding(__u32 index);
n64_inline struct n64_row *mem_row(__u32 row);
n64_inline struct n64_blocks *mem_blocks(__u32 slot);
n64_inline struct n64_bib6 *mem_bib6(__u32 place);
n64_inline struct n64_session *mem_session(__u32 place);
n64_inline struct n64_subscriber *mem_sub(__u32 place);
n64_inline __u64 *mem_reach(__u32 word);
n64_inline struct n64_hold *mem_hold(__u32 chunk);
n64_inline struct n64_state *mem_state(void);
n64_inline const struct n64_dynamic *mem_dynamic(__u32 n);
n64_inline const struct n64_slot *mem_slot(__u32 slot);
/* Is this pool address one of the host's own (GEN-05)? */
n64_inline bool mem_is_local(__be32 addr);
/* Slot of a pool address, or -1. */
n64_inline int mem_pool(__be32 addr);

/* Counts something beside the packet's reason (kind NOTE). */
n64_inline void st_note(enum reason note);

/* The clock in seconds, and in 1/1024 s modulo 2^32. */
n64_inline __u32 st_now(void);
n64_inline __u32 st_ticks(void);

/* Calls fn(i, ctx) for i < n until it returns 1. Verifiers before 6.7 look at the first call
 * only, as if there were no other, and remove what it does not reach there or behind the
 * loop: what a later call finds changed in ctx begins as st_unsure(). */
n64_inline void st_loop(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx);

/* The same, quicker and dearer to load: for loops that a new mapping often comes by. With calls
 * in the place of those of the tables one took 40 (UDP) to 100 ns (SYN) more. */
n64_inline void st_loop_hot(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx);

/* This value, which the verifier does not know. */
n64_inline __u32 st_unsure(__u32 value);

/* A step on memory that others may be looking at. */
#ifndef ST_STEP
#define ST_STEP() ((void)0)
#endif

/* A moment, while another CPU does something. */
#ifndef ST_PAUSE
#define ST_PAUSE() ((void)0)
#endif

n64_inline __u64 st_load(const __u64 *p)
{
	ST_STEP();
	return *(const volatile __u64 *)p;
}

/* Asks for a line of memory that will be needed soon, and does not wait for it. Where some lie
 * far apart, asking for all before the first is used costs the time of one. */
n64_inline void st_touch(const void *p)
{
	if (p)
		(void)*(const volatile __u64 *)p;
}

n64_inline void st_store(__u64 *p, __u64 v)
{
	ST_STEP();
	*(volatile __u64 *)p = v;
}

n64_inline __u32 st_load32(const __u32 *p)
{
	ST_STEP();
	return *(const volatile __u32 *)p;
}

n64_inline void st_store32(__u32 *p, __u32 v)
{
	ST_STEP();
	*(volatile __u32 *)p = v;
}

/* True: it was `old` and is `new_` now. A full barrier. */
n64_inline bool st_cas(__u64 *p, __u64 old, __u64 new_)
{
	ST_STEP();
	return __sync_val_compare_and_swap(p, old, new_) == old;
}

n64_inline bool st_cas32(__u32 *p, __u32 old, __u32 new_)
{
	ST_STEP();
	return __sync_val_compare_and_swap(p, old, new_) == old;
}

/* Returns the value before. */
n64_inline __u32 st_add32(__u32 *p, __u32 n)
{
	ST_STEP();
	return __sync_fetch_and_add(p, n);
}

n64_inline void st_set_bits(__u64 *p, __u64 bits)
{
	ST_STEP();
	__sync_fetch_and_or(p, bits);
}

n64_inline void st_clear_bits(__u64 *p, __u64 bits)
{
	ST_STEP();
	__sync_fetch_and_and(p, ~bits);
}

/* Takes one off, never below 0: a count that was lost does not become four billion. */
n64_inline void st_sub_one(__u32 *p)
{
	n64_no_unroll
	for (int i = 0; i < 4; i++) {
		__u32 n = st_load32(p);

		if (!n || st_cas32(p, n, n - 1))
			return;
	}
}

#endif
