/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the compiled policy share. */
#ifndef N64_POLICY_INT_H
#define N64_POLICY_INT_H

#include "policy.h"

/* The nesting of the rows flattened into disjoint ranges: range i begins at
 * start[i], ends where the next begins, and belongs to row[i]. */
#define NO_ROW 0xffffffffu

struct ranges4 {
	__u32 *start;
	__u32 *row;
	size_t n;
};

struct u128 {
	__u64 hi, lo;
};

struct ranges6 {
	struct u128 *start;
	__u32 *row;
	size_t n;
};

struct policy_ranges {
	struct ranges4 r4;
	struct ranges6 r6;
};

/* Makes p->index from the sorted rows. 0 or -ENOMEM. */
int policy_index(struct policy *p);

/* Where no host is: 0.0.0.0/0 as xlat4 is all the rest. */
#define N_HOSTLESS4 4
extern const struct prefix4 hostless4[N_HOSTLESS4];

/* -E2BIG of policy_compile, by name: the first no-translate entry behind which
 * more than N64_NOXLAT_PORTS ports meet. */
int policy_compile_at(const struct config *c, const struct n64_conf *conf,
		      const __be32 *bcast4, size_t n_bcast, struct policy *p,
		      size_t *too_many);

/* An address of pool4 or of a static entry. Bits are 1 << enum st_proto. */
struct pool_addr {
	__be32 addr;
	__u8 dynamic;		/* has ports that may be given out */
	__u8 fixed;		/* has a static entry */
	bool has_slot;
	__u32 ports[N_ST_PROTOS]; /* that may be given out; ICMP: identifiers */
};

/* Each address once, ascending. 0 with *out to be freed, -ENOMEM, or -E2BIG: *n is more
 * than N64_MAX_SLOTS. */
int pool_addresses(const struct config *c, struct pool_addr **out, __u64 *n);

/* Mode dynamic: the same of blocks of 65536 addresses, *n at most N64_MAX_SLOTS. */
int host_blocks(const struct config *c, struct pool_addr **out, __u64 *n);

/* Makes p->dynamic, slots still unknown. 0, -ENOMEM or -E2BIG. */
int policy_dynamic(const struct config *c, struct policy *p);

/* The judgement of state_memory_check, without the host. */
int state_memory_judge(const struct state_sizes *s, __u64 available, struct config_error *err);

#endif
