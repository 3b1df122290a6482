/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful and dynamic: the first access to each page of the tables, so that no packet has
 * to make it (why: common/state_touch.h). attach does so for a second at most, before packets
 * come; what is left then the worker does when it has nothing else to do. */
#ifndef N64_TOUCH_H
#define N64_TOUCH_H

#include "abi.h"

/* How far it is; zero: at the beginning. */
struct touch {
	__u32 table;		/* enum touch_table */
	__u32 page;		/* of it, next */
	__u32 pages;		/* in all, so far */
};

/* The rows that there are, into `row` (N64_MAX_ROWS): how many. */
__u32 touch_rows(const struct n64_slot *slot, __u32 *row);

/* The next pages, at most `most` (up to TOUCH_MOST), as a question for n64_state. False: there
 * are none. `row`, `n_rows` as of touch_rows; those that come later are left to packets. */
bool touch_next(struct touch *t, const struct n64_state_conf *st, const __u32 *row, __u32 n_rows,
		__u32 most, struct n64_call *call);

/* All tables by the program `call` (n64_state), for `ms` milliseconds at most. */
void touch_tables(int call, const struct n64_state_conf *st, const struct n64_slot *slot,
		  __u32 ms);

#endif
