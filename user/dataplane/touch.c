/* SPDX-License-Identifier: GPL-2.0-only */
/* Touching the tables. */
#include "touch.h"

#include <stdlib.h>
#include <time.h>

#include "pool.h"

#define PAGE 4096
#define AT_ONCE 64	/* pages, of 15 us where it matters */

/* Elements of a page, by enum touch_table. */
static const __u16 per_page[N_TOUCH_TABLES] = {
	[TOUCH_BINDINGS] = PAGE / sizeof(struct n64_binding),
	[TOUCH_BIB6] = PAGE / sizeof(struct n64_bib6),
	[TOUCH_SESSIONS] = PAGE / sizeof(struct n64_session),
	[TOUCH_SUBS] = PAGE / sizeof(struct n64_subscriber),
	[TOUCH_HOLDS] = PAGE / sizeof(struct n64_hold),
	[TOUCH_REACH] = PAGE / sizeof(__u64),
};

#define ROW_PAGES (N64_ROW_PORTS / (PAGE / sizeof(struct n64_binding)))

__u32 touch_rows(const struct n64_slot *slot, __u32 *row)
{
	__u32 n = 0;

	for (__u32 i = 0; i < N64_MAX_SLOTS; i++)
		for (__u32 p = 0; p < N_ST_PROTOS; p++)
			if (slot[i].addr && slot[i].protos & 1u << p)
				row[n++] = row_of(i, (enum st_proto)p);
	return n;
}

static __u32 pages_of(const struct n64_state_conf *st, __u32 table, __u32 n_rows)
{
	__u64 n = 0;

	switch (table) {
	case TOUCH_BINDINGS:
		return n_rows * (__u32)ROW_PAGES;
	case TOUCH_BIB6:
		n = (__u64)st->bib6_lines * 2;
		break;
	case TOUCH_SESSIONS:
		n = (__u64)st->session_lines * 2;
		break;
	case TOUCH_SUBS:
		n = st->sub_lines;
		break;
	case TOUCH_HOLDS:
		n = st->hold_chunks;
		break;
	case TOUCH_REACH:
		n = ((__u64)st->bib6_lines + st->session_lines + st->sub_lines) / 8 + 3;
		break;
	}
	return (__u32)((n + per_page[table] - 1) / per_page[table]);
}

bool touch_next(struct touch *t, const struct n64_state_conf *st, const __u32 *row, __u32 n_rows,
		__u32 most, struct n64_call *call)
{
	__u32 all, n;

	for (; t->table < N_TOUCH_TABLES; t->table++, t->page = 0) {
		all = pages_of(st, t->table, n_rows);
		if (t->page < all)
			break;
	}
	if (t->table >= N_TOUCH_TABLES)
		return false;
	n = all - t->page < most ? all - t->page : most;
	if (t->table == TOUCH_BINDINGS && n > ROW_PAGES - t->page % ROW_PAGES)
		n = (__u32)(ROW_PAGES - t->page % ROW_PAGES); /* one row after the other */
	*call = (struct n64_call){ .op = CALL_TOUCH, .proto = t->table, .n = n,
				   .last = per_page[t->table],
				   .binding = t->page * per_page[t->table] };
	if (t->table == TOUCH_BINDINGS)
		call->binding = binding_index(row[t->page / ROW_PAGES],
					      (__u16)(t->page % ROW_PAGES * per_page[t->table]));
	t->page += n;
	t->pages += n;
	return true;
}

void touch_tables(int call, const struct n64_state_conf *st, const struct n64_slot *slot,
		  __u32 ms)
{
	__u32 *row = malloc(N64_MAX_ROWS * sizeof(*row)), n_rows;
	struct timespec begin, now;
	struct touch t = { 0 };
	struct n64_call c;

	if (!row)
		return;
	n_rows = touch_rows(slot, row);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (touch_next(&t, st, row, n_rows, AT_ONCE, &c) && !pool_call(call, &c)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 >=
		    (long)ms)
			break;
	}
	free(row);
}
