/* SPDX-License-Identifier: GPL-2.0-only */
/* What a shell lends to the core: its configuration and the answer to "what do
 * the lists say about this address". A shell defines the two functions below
 * before it includes the rules (siit.h and what builds on it): the BPF programs
 * in xdp/env.h over LPM tries, user space in user/config/policy.h over its own
 * table. */
#ifndef N64_ENV_H
#define N64_ENV_H

#include "abi.h"

struct n64_env {
	const struct n64_conf *conf;
	const void *policy; /* user space: struct policy; BPF: unused */
	__u32 entry; /* 0: the packet follows the mode of conf, n: stateless entry n (MIX-01) */
};

/* Line `n` of the table of pool addresses (pool.h), NULL: no pool. */
n64_inline const struct n64_pool_line *env_pool_line(const struct n64_env *env, __u32 n);

/* The compiled policy entry of an address (longest prefix), NULL: in no list. */
n64_inline const struct n64_pol4 *env_pol4(const struct n64_env *env, __be32 addr);
n64_inline const struct n64_pol6 *env_pol6(const struct n64_env *env,
					   const struct addr6 *addr);

#endif
