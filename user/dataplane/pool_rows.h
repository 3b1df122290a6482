/* SPDX-License-Identifier: GPL-2.0-only */
/* Inner maps of the pool addresses; parts of pool.h. */
#ifndef N64_POOL_ROWS_H
#define N64_POOL_ROWS_H

#include "pool.h"

#define ROW_BATCH 128

/* Inner maps on their way into an outer one. */
struct row_batch {
	int outer;
	const char *name;
	__u32 value_size, entries;
	__u32 n;
	__u32 key[ROW_BATCH];
	int fd[ROW_BATCH];
};

void row_batch_begin(struct row_batch *b, int outer, const char *name, __u32 value_size,
		     __u32 entries);
/* Makes the inner map of `key` where there is none. */
int row_batch_add(struct row_batch *b, __u32 key);
int row_batch_flush(struct row_batch *b);

/* The inner maps that `slot` (N64_MAX_SLOTS) needs and that are not there. */
int rows_make(const struct pool_maps *m, const struct n64_slot *slot, bool with_blocks);
bool row_exists(const struct pool_maps *m, __u32 row);
void row_drop(const struct pool_maps *m, __u32 row);
/* All of a slot, and its entry in the map of slots. */
void slot_drop(const struct pool_maps *m, __u32 slot);
__u64 rows_new_bytes(const struct n64_slot *before, const struct n64_slot *after);

#endif
