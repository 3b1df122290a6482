/* SPDX-License-Identifier: GPL-2.0-only */
/* How much of a round is due: tables are gone round evenly, a little at every tick, so
 * that each place is met once in a period whatever the size (ST-10). Pure: the clock is
 * an argument. */
#ifndef N64_PACE_H
#define N64_PACE_H

#include "types.h"

struct pace {
	__u32 size;	/* steps of a round; 0: there is nothing to go round */
	__u32 at;	/* the next step */
	__u64 credit;	/* steps that are due, in ms of a period each */
};

/* `ms` have passed of rounds of `period` ms. What was not done in a whole round is
 * forgotten: nobody can be later than late. */
void pace_flow(struct pace *p, __u32 ms, __u32 period);
/* Is a step due? */
bool pace_due(const struct pace *p, __u32 period);
/* The step to do, at most `most` of them at once: *n. */
__u32 pace_take(struct pace *p, __u32 period, __u32 most, __u32 *n);
/* A round of another size begins. */
void pace_resize(struct pace *p, __u32 size, __u32 period);

/* The time that a tick may take: `low` ns, and up to `high` while it is not enough. */
struct pace_budget {
	__u32 low, high;
	__u32 now;
};

/* After a tick: was all that was due done? */
void pace_adapt(struct pace_budget *b, bool done);

#endif
