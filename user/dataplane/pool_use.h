/* SPDX-License-Identifier: GPL-2.0-only */
/* How full the pool and the tables of mode stateful are, for status. */
#ifndef N64_POOL_USE_H
#define N64_POOL_USE_H

#include "instance.h"
#include "pool.h"

struct address_use {
	__be32 addr;
	bool draining, shared;
	__u32 protos;		/* 1 << enum st_proto: has a row */
	__u32 used[N_ST_PROTOS];
	__u32 allowed[N_ST_PROTOS];
};

struct pool_use {
	bool known;		/* mode stateful, and read */
	struct address_use *v;
	size_t n;
	struct n64_state state;
	__u32 rows;
	bool test_clock;	/* a test build runs */
};

/* 0, also in the other modes; -errno when it cannot be read. */
int pool_use_read(const struct attachment *a, struct pool_use *u);
void pool_use_free(struct pool_use *u);

/* A table of the state: what is in it, what it holds at most, what it takes. */
struct table_use {
	const char *name;
	__u64 entries, used, bytes;
	bool counted;		/* `used` is known */
};

#define N_STATE_TABLES 7
void pool_use_tables(const struct pool_use *u, const struct n64_conf *conf,
		     struct table_use t[N_STATE_TABLES]);

#endif
