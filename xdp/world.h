/* SPDX-License-Identifier: GPL-2.0-only */
/* The fast path's half of common/env.h, counting, and the ID generator. */
#ifndef N64_XDP_WORLD_H
#define N64_XDP_WORLD_H

#include "env.h"
#include "ipid.h"
#include "maps.h"
#include "state_maps.h"

#define ROLE_KIND_SHIFT 16

static __always_inline struct n64_whence *whence_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&whence, &zero);
}

/* The role of the packet in hand, for the long way: kind << ROLE_KIND_SHIFT | slot. */
N64_ONCE __u32 role_of_packet(void)
{
	const struct n64_whence *w = whence_get();

	return w ? w->role.kind << ROLE_KIND_SHIFT | (w->role.slot & (N64_SLOTS - 1)) : 0;
}

/* What the short way has found out about the packet that the long way has in hand. */
static __always_inline bool whence_is(enum n64_found found)
{
	const struct n64_whence *w = whence_get();

	return w && w->found == (__u32)found;
}

static __always_inline __u32 role_kind(void)
{
	return role.kind == ROLE_LONG ? role_of_packet() >> ROLE_KIND_SHIFT : role.kind;
}

static __always_inline __u32 role_slot(void)
{
	return role.kind == ROLE_LONG ? role_of_packet() & (N64_SLOTS - 1) : role.slot;
}

/* What the program is to return for a packet that the short way has written. */
static __always_inline int whence_action(void)
{
	const struct n64_whence *w = whence_get();

	return w ? (int)w->action : XDP_DROP;
}

/* With FOUND_REFUSED: why. */
static __always_inline enum reason whence_reason(void)
{
	const struct n64_whence *w = whence_get();

	return w ? (enum reason)w->action : R_internal;
}

/* The place at which this CPU remembers what the lists say of an address. */
static __always_inline __u32 known_slot(__u32 hash)
{
	return bpf_get_smp_processor_id() * N64_KNOWN_SLOTS + (hash & (N64_KNOWN_SLOTS - 1));
}

static __always_inline const struct n64_pol4 *pol4_row(__u32 row)
{
	row -= 2;
	return bpf_map_lookup_elem(&pol4v, &row);
}

static __always_inline const struct n64_pol6 *pol6_row(__u32 row)
{
	row -= 2;
	return bpf_map_lookup_elem(&pol6v, &row);
}

N64_ONCE int pref64_search_own(__u64 lo, __u64 hi)
{
	return pref64_search(conf_get(), lo, hi);
}

/* Longest prefix match of the lists: row + 2, or 1. */
static __always_inline __u32 pol4_search(__be32 addr)
{
	struct n64_pol4_key key = {.prefixlen = 32, .addr = addr};
	const __u32 *row = bpf_map_lookup_elem(&pol4, &key);
	__u32 slot = known_slot(may_hash(addr) >> 4);
	struct n64_known4 *k = bpf_map_lookup_elem(&known4, &slot);
	__u32 n = row ? *row + 2 : 1;

	if (k) {
		k->addr = addr;
		k->row = n;
	}
	return n;
}

static __always_inline __u32 known6_hash(const struct addr6 *a)
{
	return may_hash(addr6_half(a, 0) ^ addr6_half(a, 1) * 0xd6e8feb86659fd93ull) >> 4;
}

static __always_inline __u32 pol6_search(const struct addr6 *addr)
{
	struct n64_pol6_key key = {.prefixlen = 128, .addr = *addr};
	const __u32 *row = bpf_map_lookup_elem(&pol6, &key);
	__u32 slot = known_slot(known6_hash(addr));
	struct n64_known6 *k = bpf_map_lookup_elem(&known6, &slot);
	__u32 n = row ? *row + 2 : 1;

	if (k) {
		k->addr = *addr;
		k->row = n;
	}
	return n;
}

/* What the lists say of an address: row + 2, or 1. */
N64_ONCE __u32 pol4_find(__be32 addr)
{
	const struct n64_pol_may *may = &plain_get()->lists;
	const struct n64_known4 *k;
	__u32 slot;

	if (likely(!pol_may4(may, addr)))
		return 1;
	addr = pol_block4(may, addr);
	slot = known_slot(may_hash(addr) >> 4);
	k = bpf_map_lookup_elem(&known4, &slot);
	if (k && likely(k->addr == addr && k->row))
		return k->row;
	return pol4_search(addr);
}

/* Is that remembered of its block? 0: no. */
static __always_inline __u32 pol6_known(const struct addr6 *block)
{
	__u32 slot = known_slot(known6_hash(block));
	const struct n64_known6 *k = bpf_map_lookup_elem(&known6, &slot);

	return k && likely(addr6_equal(&k->addr, block)) ? k->row : 0;
}

/* `a`, `b`: the halves of the address, which so may stay in registers. Most that are asked for
 * have been before: that goes before the question whether a list may have them at all. */
N64_ONCE __u32 pol6_find(__u64 a, __u64 b)
{
	struct addr6 addr = {.w = {(__u32)a, a >> 32, (__u32)b, b >> 32}}, block;
	const struct n64_pol_may *may = &plain_get()->lists;
	__u32 row;

	pol_block6(may, &addr, &block);
	row = pol6_known(&block);
	if (likely(row))
		return row;
	return pol_may6(may, &addr) ? pol6_search(&block) : 1;
}

n64_inline const struct n64_pol4 *env_pol4(const struct n64_env *env, __be32 addr)
{
	__u32 row = pol4_find(addr);

	(void)env;
	return row == 1 ? NULL : pol4_row(row);
}

n64_inline const struct n64_pol6 *env_pol6(const struct n64_env *env, const struct addr6 *addr)
{
	__u32 row = pol6_find(addr6_half(addr, 0), addr6_half(addr, 1));

	(void)env;
	return row == 1 ? NULL : pol6_row(row);
}

n64_inline const struct n64_pool_line *env_pool_line(const struct n64_env *env, __u32 n)
{
	(void)env;
	return bpf_map_lookup_elem(&pool, &n);
}

/* The facts of a new packet, all zero. Never NULL in practice. */
static __always_inline struct pkt *new_pkt(void)
{
	__u32 zero = 0;
	struct pkt *p = bpf_map_lookup_elem(&facts, &zero);

	if (p)
		__builtin_memset(p, 0, sizeof(*p));
	return p;
}

static __always_inline void count_of(__u32 slot, enum reason r, __u64 bytes)
{
	__u32 key = slot * N_REASONS + r;
	struct n64_count *c = bpf_map_lookup_elem(&counters, &key);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
}

static __always_inline void count(enum reason r, __u64 bytes)
{
	count_of(role_slot(), r, bytes);
}

/* ID-01: CPUs are writers 0 to ncpu - 1, the worker is writer ncpu. `pair`: ipid_pair. */
static __always_inline __be16 fresh_id(const struct n64_conf *c, __u64 pair, __u8 proto, bool df)
{
	__u32 zero = 0;
	struct n64_ids *own;

	if (df && c->opt.id_when_df == ID_ZERO)
		return 0;
	own = bpf_map_lookup_elem(&ids, &zero);
	if (!own)
		return 0;
	return ipid_next(own, ipid_mix(pair, proto), df, bpf_get_smp_processor_id(), c->ncpu + 1);
}

#endif
