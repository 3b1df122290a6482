/* SPDX-License-Identifier: GPL-2.0-only */
/* Touching the tables. */
#include "worker/parts.h"

#include <syslog.h>
#include <time.h>

#define SLICE 8			/* pages, of some 10 us where it matters */
#define TICK_MOST_NS 200000000	/* of each tick: a fifth of a core is left to others */
#define PAGE 4096

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

static __u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec;
}

/* Pages of a table. Where a reload changes the list of rows meanwhile, some are left to the
 * packets. */
static __u32 pages_of(const struct worker *w, __u32 table)
{
	const struct n64_state_conf *st = &w->world.policy.conf.st;
	__u64 n = 0;

	switch (table) {
	case TOUCH_BINDINGS:
		return w->sweep.n_rows * (__u32)ROW_PAGES;
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

static __u32 first_of(const struct worker *w, __u32 table, __u32 page)
{
	if (table != TOUCH_BINDINGS)
		return page * per_page[table];
	return binding_index(w->sweep.row[page / ROW_PAGES],
			     (__u16)(page % ROW_PAGES * per_page[table]));
}

void warm_tick(struct worker *w)
{
	w->warm.spent = 0;
}

bool warm_slice(struct worker *w)
{
	struct warm *x = &w->warm;
	struct n64_call call = { .op = CALL_TOUCH, .proto = x->table, .n = SLICE };
	__u64 now = clock_ns();
	__u32 all;

	if (!worker_has_state(w) || x->table >= N_TOUCH_TABLES || x->spent > TICK_MOST_NS)
		return false;
	if (!x->begin)
		x->begin = now;
	all = pages_of(w, x->table);
	if (x->page < all) {
		call.binding = first_of(w, x->table, x->page);
		call.last = per_page[x->table];
		call.n = all - x->page < SLICE ? all - x->page : SLICE;
		mapstate_ask(&w->state, &call);
		x->page += call.n;
		x->pages += call.n;
		x->spent += clock_ns() - now;
		return true;
	}
	x->page = 0;
	if (++x->table < N_TOUCH_TABLES)
		return true;
	log_line(LOG_INFO, "the tables are touched, %u pages in %llu ms", x->pages,
		 (unsigned long long)(clock_ns() - x->begin) / 1000000);
	return false;
}
