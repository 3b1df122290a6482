/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful and dynamic: the worker, when it has nothing else to do after its start, touches
 * each page of the tables once, so that packets do not have to be the first (state_touch.h). */
#ifndef N64_WARM_H
#define N64_WARM_H

#include "types.h"

struct worker;

struct warm {
	__u32 table;		/* enum touch_table */
	__u32 page;		/* of it, next */
	__u32 pages;		/* in all, so far */
	__u64 begin;		/* ns */
	__u64 spent;		/* ns of this tick */
};

/* Some time has passed. */
void warm_tick(struct worker *w);
/* A few pages; true: there are more that may be touched in this tick. */
bool warm_slice(struct worker *w);

#endif
