/* SPDX-License-Identifier: GPL-2.0-only */
/* Is an IPv4 address one of the pool (ADR-23)? One line of a small table answers, whatever the
 * number of addresses, and nearly always by one comparison, in the way of the line that the hash
 * says: user space makes the table so large, and picks the seed so, that few lie elsewhere in
 * their line, none if the pool is small. To search the line would be a guess of the processor for
 * each packet, where the packets of one address follow those of another. */
#ifndef N64_POOL_H
#define N64_POOL_H

#include "dynamic.h"
#include "env.h"

n64_inline __u64 pool_hash(__be32 addr, __u32 seed)
{
	return ((__u64)addr << 32 | (addr ^ seed)) * 0x9e3779b97f4a7c15ull;
}

n64_inline __u32 pool_line(__u64 hash, __u32 lines)
{
	return (__u32)(hash >> 40) & (lines - 1);
}

/* The way of its line in which an address is at home. */
n64_inline __u32 pool_way(__u64 hash)
{
	return (__u32)(hash >> 36) & (POOL_WAYS - 1);
}

/* The address in another way of the line than its own: NULL, or where. */
n64_inline const struct n64_pool_way *pool_displaced(const struct n64_pool_line *line, __be32 addr)
{
	n64_no_unroll
	for (__u32 i = 0; i < POOL_WAYS; i++)
		if (line->way[i].addr == addr)
			return &line->way[i];
	return NULL;
}

/* Slot of `addr` with its flags (enum slot_flags), or -1. Mode dynamic: of the 65536
 * addresses that it is one of, some of which may not be in the pool. `flags` NULL: where they do
 * not matter, and a pool of one prefix need not be looked at. */
n64_inline int pool_find(const struct n64_env *env, __be32 addr, __u32 *flags)
{
	const struct n64_state_conf *st = &env->conf->st;
	const struct n64_pool_line *line;
	const struct n64_pool_way *way;
	__u64 hash;
	__u32 n;

	if (!flags && st->pool_run.n) {
		n = host32(addr) - st->pool_run.first;
		return n < st->pool_run.n ? (int)(st->pool_run.slot + n) : -1;
	}
	if (conf_is_dynamic(env->conf))
		addr = host_block(addr);
	hash = pool_hash(addr, st->pool_seed);
	line = env_pool_line(env, pool_line(hash, st->pool_lines));
	if (!line || !addr)
		return -1;
	way = &line->way[pool_way(hash)];
	if (unlikely(way->addr != addr)) {
		way = way->flags & SLOT_DISPLACES ? pool_displaced(line, addr) : NULL;
		if (!way)
			return -1;
	}
	if (flags)
		*flags = way->flags;
	return way->slot;
}

/* The reverse, where there is a run: the address that has a slot. False: none has. */
n64_inline bool pool_run_addr(const struct n64_state_conf *st, __u32 slot, __be32 *addr)
{
	__u32 n = slot - st->pool_run.slot;

	*addr = be32(st->pool_run.first + n);
	return n < st->pool_run.n;
}

#endif
