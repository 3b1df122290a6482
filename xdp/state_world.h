/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF programs' half of common/state_shell.h: the state lies in maps. */
#ifndef N64_XDP_STATE_WORLD_H
#define N64_XDP_STATE_WORLD_H

/* Some 20 ns: 256 of them are longer than it takes to make a mapping. */
#define ST_PAUSE() ((void)bpf_ktime_get_ns())

#include "pool.h"
#include "state_maps.h"
#include "state_shell.h"
#include "world.h"

n64_inline const struct n64_conf *st_conf(void)
{
	return conf_get();
}

/* Room for the packet in hand. */
static __always_inline struct scene *scene_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scenes, &zero);
}

n64_inline struct n64_binding *mem_binding(__u32 index)
{
	__u32 row = index >> 16, port = index & 0xffff;
	void *inner = bpf_map_lookup_elem(&bindings, &row);

	return inner ? bpf_map_lookup_elem(inner, &port) : NULL;
}

n64_inline struct n64_row *mem_row(__u32 row)
{
	void *inner = bpf_map_lookup_elem(&rows, &row);
	__u32 zero = 0;

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

n64_inline struct n64_blocks *mem_blocks(__u32 slot)
{
	void *inner = bpf_map_lookup_elem(&blocks, &slot);
	__u32 zero = 0;

	return inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
}

n64_inline struct n64_bib6 *mem_bib6(__u32 place)
{
	return bpf_map_lookup_elem(&bib6, &place);
}

n64_inline struct n64_session *mem_session(__u32 place)
{
	return bpf_map_lookup_elem(&sessions, &place);
}

n64_inline struct n64_subscriber *mem_sub(__u32 place)
{
	return bpf_map_lookup_elem(&subs, &place);
}

n64_inline __u64 *mem_reach(__u32 word)
{
	return bpf_map_lookup_elem(&reach, &word);
}

n64_inline struct n64_hold *mem_hold(__u32 chunk)
{
	return bpf_map_lookup_elem(&holds, &chunk);
}

n64_inline struct n64_state *mem_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&state, &zero);
}

n64_inline const struct n64_dynamic *mem_dynamic(__u32 n)
{
	return bpf_map_lookup_elem(&dynamic, &n);
}

n64_inline const struct n64_slot *mem_slot(__u32 slot)
{
	return bpf_map_lookup_elem(&slots, &slot);
}

n64_inline bool mem_is_local(__be32 addr)
{
	struct n64_local_key key = {.fam = FAM_4, .addr = {{addr}}};

	return bpf_map_lookup_elem(&local, &key);
}

n64_inline int mem_pool(__be32 addr)
{
	struct n64_env env = {.conf = conf_get()};
	__u32 flags;

	return pool_find(&env, addr, &flags);
}

n64_inline void st_note(enum reason note)
{
	count(note, 0);
}

/* jiffies * 2^32 / HZ: seconds in the upper half. */
static __always_inline __u64 clock_fraction(void)
{
	__u64 now = bpf_jiffies64() * conf_get()->st.hz_mul;
#ifdef N64_TEST_CLOCK
	__u32 zero = 0;
	const struct test_clock *ahead = bpf_map_lookup_elem(&test_clock, &zero);

	if (ahead)
		now += ((__u64)ahead->seconds << 32) + ahead->fraction;
#endif
	return now;
}

n64_inline __u32 st_now(void)
{
	return (__u32)(clock_fraction() >> 32);
}

n64_inline __u32 st_ticks(void)
{
	return (__u32)(clock_fraction() >> 22);
}

n64_inline __u32 st_unsure(__u32 value)
{
	__u32 zero = bpf_get_smp_processor_id();

	/* for the verifier two unknown numbers */
	asm volatile("%0 ^= %0" : "+r"(zero));
	return value + zero;
}

n64_inline void st_loop_hot(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx)
{
	bpf_loop(n, fn, ctx, 0);
}

/* Flags that the verifier knows to be 0 make it put the loop in place of the call, for which a
 * kernel copies what it knows of all instructions: 6.18 takes 3 ms for each. */
n64_inline void st_loop(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx)
{
	bpf_loop(n, fn, ctx, st_unsure(0));
}

#endif
