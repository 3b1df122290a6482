/* SPDX-License-Identifier: GPL-2.0-only */
/* The fast path's half of common/env.h, counting, and the ID generator. */
#ifndef N64_XDP_WORLD_H
#define N64_XDP_WORLD_H

#include "env.h"
#include "ipid.h"
#include "maps.h"
#include "state_maps.h"

n64_inline const struct n64_pol4 *env_pol4(const struct n64_env *env, __be32 addr)
{
	struct n64_pol4_key key = {.prefixlen = 32, .addr = addr};

	(void)env;
	return bpf_map_lookup_elem(&pol4, &key);
}

n64_inline const struct n64_pol6 *env_pol6(const struct n64_env *env, const struct addr6 *addr)
{
	struct n64_pol6_key key = {.prefixlen = 128, .addr = *addr};

	(void)env;
	return bpf_map_lookup_elem(&pol6, &key);
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

static __always_inline void count(enum reason r, __u64 bytes)
{
	__u32 key = role.slot * N_REASONS + r;
	struct n64_count *c = bpf_map_lookup_elem(&counters, &key);

	if (c) {
		c->packets++;
		c->bytes += bytes;
	}
}

/* ID-01: CPUs are writers 0 to ncpu - 1, the worker is writer ncpu. */
static __always_inline __be16 fresh_id(const struct n64_conf *c, __be32 src, __be32 dst,
				       __u8 proto, bool df)
{
	__u32 zero = 0;
	struct n64_ids *own;

	if (df && c->opt.id_when_df == ID_ZERO)
		return 0;
	own = bpf_map_lookup_elem(&ids, &zero);
	if (!own)
		return 0;
	return ipid_next(own, c->key, src, dst, proto, df, bpf_get_smp_processor_id(),
			 c->ncpu + 1);
}

#endif
