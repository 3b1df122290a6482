/* SPDX-License-Identifier: GPL-2.0-only */
/* Is an IPv4 address one of the pool (ADR-23)? One line of a small table answers,
 * whatever the number of addresses: user space makes it so large, and picks the seed
 * so, that no line has more than POOL_WAYS addresses. */
#ifndef N64_POOL_H
#define N64_POOL_H

#include "dynamic.h"
#include "env.h"

n64_inline __u32 pool_line(__be32 addr, __u32 seed, __u32 lines)
{
	__u64 h = ((__u64)addr << 32 | (addr ^ seed)) * 0x9e3779b97f4a7c15ull;

	return (__u32)(h >> 40) & (lines - 1);
}

/* Slot of `addr` with its flags (enum slot_flags), or -1. Mode dynamic: of the 65536
 * addresses that it is one of, some of which may not be in the pool. */
n64_inline int pool_find(const struct n64_env *env, __be32 addr, __u32 *flags)
{
	const struct n64_state_conf *st = &env->conf->st;
	const struct n64_pool_line *line;

	if (conf_is_dynamic(env->conf))
		addr = host_block(addr);
	line = env_pool_line(env, pool_line(addr, st->pool_seed, st->pool_lines));
	if (!line || !addr)
		return -1;
	/* filled from the first way on: most addresses meet an empty line */
	n64_no_unroll
	for (__u32 i = 0; i < POOL_WAYS && line->way[i].addr; i++) {
		if (line->way[i].addr == addr) {
			*flags = line->way[i].flags;
			return line->way[i].slot;
		}
	}
	return -1;
}

#endif
