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

/* -E2BIG of policy_compile, by name: the first no-translate entry behind which
 * more than N64_NOXLAT_PORTS ports meet. */
int policy_compile_at(const struct config *c, const struct n64_conf *conf,
		      const __be32 *bcast4, size_t n_bcast, struct policy *p,
		      size_t *too_many);

#endif
