/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for pool addresses: an inner map of bindings and one of free ports for each
 * address and protocol, one of block owners for each address (CGN-08). The maps go
 * into their places many at a time: the kernel waits for all running programs after
 * each call. */
#include "pool_rows.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

static bool has_place(int outer, __u32 key)
{
	__u32 id;

	return !bpf_map_lookup_elem(outer, &key, &id);
}

bool row_exists(const struct pool_maps *m, __u32 row)
{
	return has_place(m->rows, row) && has_place(m->bindings, row);
}

void row_batch_begin(struct row_batch *b, int outer, const char *name, __u32 value_size,
		     __u32 entries)
{
	b->outer = outer;
	b->name = name;
	b->value_size = value_size;
	b->entries = entries;
	b->n = 0;
}

static int put_one_by_one(const struct row_batch *b)
{
	__u32 i;

	for (i = 0; i < b->n; i++) {
		if (bpf_map_update_elem(b->outer, &b->key[i], &b->fd[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

int row_batch_flush(struct row_batch *b)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 n = b->n, i;
	int rc = 0;

	if (n && bpf_map_update_batch(b->outer, b->key, b->fd, &n, &opts))
		rc = put_one_by_one(b); /* older kernels know no batches here */
	for (i = 0; i < b->n; i++)
		close(b->fd[i]);
	b->n = 0;
	return rc;
}

int row_batch_add(struct row_batch *b, __u32 key)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd, rc = 0;

	if (has_place(b->outer, key))
		return 0;
	if (b->n == ROW_BATCH)
		rc = row_batch_flush(b);
	if (rc)
		return rc;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, b->name, sizeof(__u32), b->value_size, b->entries,
			    &opts);
	if (fd < 0)
		return -errno;
	b->key[b->n] = key;
	b->fd[b->n++] = fd;
	return 0;
}

/* All batches, whatever happened before: their descriptors are closed. */
static int flush_all(struct row_batch batch[3], int rc)
{
	int i, r;

	for (i = 0; i < 3; i++) {
		r = row_batch_flush(&batch[i]);
		if (!rc)
			rc = r;
	}
	return rc;
}

int rows_make(const struct pool_maps *m, const struct n64_slot *slot, bool with_blocks)
{
	struct row_batch batch[3];
	__u32 s, p;
	int rc = 0;

	row_batch_begin(&batch[0], m->bindings, "binding_row", sizeof(struct n64_binding),
			N64_ROW_PORTS);
	row_batch_begin(&batch[1], m->rows, "row_info", sizeof(struct n64_row), 1);
	row_batch_begin(&batch[2], m->blocks, "block_owners", sizeof(struct n64_blocks), 1);
	for (s = 0; s < N64_MAX_SLOTS && !rc; s++) {
		for (p = 0; p < N_ST_PROTOS && !rc; p++) {
			if (!(slot[s].flags & SLOT_USED) || !(slot[s].protos & 1u << p))
				continue;
			rc = row_batch_add(&batch[0], row_of(s, (enum st_proto)p));
			if (!rc)
				rc = row_batch_add(&batch[1], row_of(s, (enum st_proto)p));
		}
		if (!rc && with_blocks && slot[s].flags & SLOT_USED)
			rc = row_batch_add(&batch[2], s);
	}
	return flush_all(batch, rc);
}

void row_drop(const struct pool_maps *m, __u32 row)
{
	/* the row first: without it nothing finds a port any more. Each call waits for all
	 * running programs, so none is made for nothing. */
	if (has_place(m->rows, row))
		bpf_map_delete_elem(m->rows, &row);
	if (has_place(m->bindings, row))
		bpf_map_delete_elem(m->bindings, &row);
}

void slot_drop(const struct pool_maps *m, __u32 slot)
{
	static const struct n64_slot none;
	__u32 p;

	for (p = 0; p < N_ST_PROTOS; p++)
		row_drop(m, row_of(slot, (enum st_proto)p));
	if (has_place(m->blocks, slot))
		bpf_map_delete_elem(m->blocks, &slot);
	bpf_map_update_elem(m->slots, &slot, &none, BPF_ANY);
}

/* Memory that the rows of `after` take which `before` has not. */
__u64 rows_new_bytes(const struct n64_slot *before, const struct n64_slot *after)
{
	const __u64 row = N64_ROW_PORTS * sizeof(struct n64_binding) + sizeof(struct n64_row);
	__u64 n = 0;
	__u32 s;

	for (s = 0; s < N64_MAX_SLOTS; s++) {
		__u32 had = before[s].flags & SLOT_USED ? before[s].protos : 0;

		if (after[s].flags & SLOT_USED)
			n += (__u64)__builtin_popcount(after[s].protos & ~had);
	}
	return n * row;
}
