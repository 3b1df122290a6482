/* SPDX-License-Identifier: GPL-2.0-only */
/* The first access to the pages of the tables, before packets need them (CALL_TOUCH). In a
 * virtual machine whose host keeps shadow page tables, the kernel's own mapping of a page becomes
 * known to it by a fault of some 10 microseconds; elsewhere the walk costs a fraction of one. */
#ifndef N64_STATE_TOUCH_H
#define N64_STATE_TOUCH_H

#include "state_shell.h"
#include "state_work.h"

struct touch_ctx {
	__u32 table, from, step;
};

n64_inline void touch_element(__u32 table, __u32 n)
{
	switch (table) {
	case TOUCH_BINDINGS:
		st_touch(mem_binding(n));
		break;
	case TOUCH_BIB6:
		st_touch(mem_bib6(n));
		break;
	case TOUCH_SESSIONS:
		st_touch(mem_session(n));
		break;
	case TOUCH_SUBS:
		st_touch(mem_sub(n));
		break;
	case TOUCH_HOLDS:
		st_touch(mem_hold(n));
		break;
	case TOUCH_REACH:
		st_touch(mem_reach(n));
		break;
	}
}

static long touch_step(__u32 i, void *arg)
{
	const struct touch_ctx *x = arg;

	touch_element(x->table, x->from + i * x->step);
	return 0;
}

/* What lies behind the end of a table is not there, and no harm. */
n64_inline enum reason call_touch(const struct st_work *w)
{
	struct touch_ctx x = { w->q.proto, w->q.binding, w->q.last };

	if (x.table >= N_TOUCH_TABLES || w->q.n > TOUCH_MOST)
		return R_not_target;
	st_loop(w->q.n, touch_step, &x);
	return R_GO_ON;
}

#endif
