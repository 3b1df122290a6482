/* SPDX-License-Identifier: GPL-2.0-only */
/* Touching the tables. */
#include "worker/parts.h"

#include <syslog.h>
#include <time.h>

#define SLICE 8			/* pages, of some 15 us where it matters */
#define TICK_MOST_NS 200000000	/* of each tick: a fifth of a core is left to others */

static __u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec;
}

void warm_tick(struct worker *w)
{
	w->warm.spent = 0;
}

bool warm_slice(struct worker *w)
{
	struct warm *x = &w->warm;
	__u64 now = clock_ns();
	struct n64_call call;

	if (!worker_has_state(w) || x->done || x->spent > TICK_MOST_NS)
		return false;
	if (!x->begin)
		x->begin = now;
	if (touch_next(&x->touch, &w->world.policy.conf.st, w->sweep.row, w->sweep.n_rows, SLICE,
		       &call)) {
		mapstate_ask(&w->state, &call);
		x->spent += clock_ns() - now;
		return true;
	}
	x->done = true;
	log_line(LOG_INFO, "the tables are touched, %u pages in %llu ms", x->touch.pages,
		 (unsigned long long)(clock_ns() - x->begin) / 1000000);
	return false;
}
