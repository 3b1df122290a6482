/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker, when it has nothing else to do after its start, touches the tables (touch.h). */
#ifndef N64_WARM_H
#define N64_WARM_H

#include "dataplane/touch.h"

struct worker;

struct warm {
	struct touch touch;
	bool done;
	__u64 begin;		/* ns */
	__u64 spent;		/* ns of this tick */
};

/* Some time has passed. */
void warm_tick(struct worker *w);
/* A few pages; true: there are more that may be touched in this tick. */
bool warm_slice(struct worker *w);

#endif
