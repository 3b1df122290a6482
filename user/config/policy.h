/* SPDX-License-Identifier: GPL-2.0-only */
/* The lists of a configuration compiled into one table per family (abi.h:
 * struct n64_pol4/6): filled into the LPM maps for the programs, looked up in
 * place by the worker and the tests. */
#ifndef N64_POLICY_H
#define N64_POLICY_H

#include "config.h"
#include "env.h"

struct policy_row4 {
	struct n64_pol4_key key;
	struct n64_pol4 val;
};

struct policy_row6 {
	struct n64_pol6_key key;
	struct n64_pol6 val;
};

/* Everything that the worker needs beside the maps; the content of
 * policy.bin. */
struct policy {
	struct n64_conf conf;
	struct policy_row4 *row4; /* sorted for policy_find4 */
	size_t n4;
	struct policy_row6 *row6;
	size_t n6;
	/* mode stateful: map pool, map dynamic, map slots; conf.st has their sizes */
	struct n64_pool_line *pool_line;
	struct n64_dynamic *dynamic;
	struct n64_slot *slot;	/* N64_MAX_SLOTS, or NULL in the other modes */
	/* RFC 6791 pools, kept as prefixes */
	struct prefix4 *pool4;
	size_t n_pool4;
	struct prefix6 *pool6;
	size_t n_pool6;
	/* lookup acceleration, made by policy_index */
	void *index;
};

/* Sizes of the tables of mode stateful that follow from the configuration, in entries
 * of their maps, and the kernel memory that they take together (ST; check, attach). */
struct state_sizes {
	__u32 addresses;	/* of pool4 and static */
	__u32 rows;		/* pool addresses x protocols, 2 MiB + 28 KiB each */
	__u32 proto_rows[N_ST_PROTOS]; /* of these, by protocol */
	__u64 ports[N_ST_PROTOS]; /* that may be given out; ICMP: identifiers */
	/* what the tables are made for: half full, then */
	__u64 mappings[N_ST_PROTOS];
	__u64 sessions, subscribers;
	__u32 bib6_lines, session_lines, sub_lines, hold_chunks;
	__u32 reach_words;	/* entries of map reach */
	__u32 pool_lines;	/* about: pool_slots and the seed decide */
	/* bytes of the inner maps of bindings, rows and blocks, and of everything */
	__u64 binding_bytes, row_bytes, block_bytes;
	__u64 bytes;
};

/* -E2BIG with *err: more than N64_MAX_SLOTS addresses, or more than a map can hold. */
int state_sizes(const struct config *c, struct state_sizes *out, struct config_error *err);

/* -ENOMEM with both numbers in *err: this host has less memory available than that. */
int state_memory_check(const struct state_sizes *s, struct config_error *err);

/* Gives every pool address a slot: one that has it in `before` keeps it (NULL: none),
 * one of `before` that is not in the configuration any more is SLOT_DRAINING. No slot of
 * `out` (N64_MAX_SLOTS of them) is SLOT_SHARED. 0, -ENOMEM or -E2BIG. */
int pool_slots(const struct config *c, const struct n64_slot *before, struct n64_slot *out);

/* Mode dynamic, DYN-05: which of the 65536 addresses of a block the prefix lets hosts
 * have, by their lower half. False: none. */
bool host_range(const struct prefix4 *p, __be32 block, __u32 *first, __u32 *last);

/* `bcast4`/`n_bcast`: directed broadcast addresses of attached subnets
 * (ADR-20), known to attach. conf is copied from `conf`. 0 or -ENOMEM/-E2BIG. */
int policy_compile(const struct config *c, const struct n64_conf *conf,
		   const __be32 *bcast4, size_t n_bcast, struct policy *p);
/* Mode stateful, after policy_compile: makes pool_line, dynamic and slot from `slots`
 * (pool_slots; SLOT_SHARED set by whoever knows the host) and sets the conf.st that goes
 * with them (pool_*, n_dynamic). 0 or -ENOMEM. */
int policy_pool_table(struct policy *p, const struct n64_slot *slots);
void policy_free(struct policy *p);

/* Longest match, NULL: in no list. No allocation, no syscalls. */
const struct n64_pol4 *policy_find4(const struct policy *p, __be32 addr);
const struct n64_pol6 *policy_find6(const struct policy *p, const struct addr6 *addr);

/* An address of the RFC 6791 pool for a hash (SRC-02, SRC-04); false: no pool. */
bool policy_pool4(const struct policy *p, __u64 hash, __be32 *out);
bool policy_pool6(const struct policy *p, __u64 hash, struct addr6 *out);

/* Writes to / reads from a file atomically (temporary name, fsync, rename);
 * a wrong magic, version, size or checksum is refused. 0 or -errno. */
int policy_save(const struct policy *p, const char *path);
int policy_load(struct policy *p, const char *path);

/* The shell's half of common/env.h. */
n64_inline const struct n64_pol4 *env_pol4(const struct n64_env *env, __be32 addr)
{
	return policy_find4((const struct policy *)env->policy, addr);
}

n64_inline const struct n64_pol6 *env_pol6(const struct n64_env *env,
					   const struct addr6 *addr)
{
	return policy_find6((const struct policy *)env->policy, addr);
}

n64_inline const struct n64_pool_line *env_pool_line(const struct n64_env *env, __u32 n)
{
	const struct policy *p = env->policy;

	return p->pool_line ? &p->pool_line[n] : NULL;
}

/* And that of common/icmp_write.h. */
n64_inline bool env_pool6791v4(const struct n64_env *env, __u64 hash, __be32 *out)
{
	return policy_pool4((const struct policy *)env->policy, hash, out);
}

n64_inline bool env_pool6791v6(const struct n64_env *env, __u64 hash, struct addr6 *out)
{
	return policy_pool6((const struct policy *)env->policy, hash, out);
}

#endif
