/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of pool addresses that are in the configuration no more and have no mapping
 * left (PORT-10). For each of their maps the kernel waits until no program can be using
 * it any more, some 10 ms: packets do not wait for that, so a thread does. */
#ifndef N64_DRAIN_H
#define N64_DRAIN_H

#include <pthread.h>

#include "mapstate.h"

struct drain {
	const struct mapstate *state;
	__u32 slot;
	pthread_t thread;
	bool started;
	bool done;	/* set by the thread */
};

/* Gives up an address that has drained, if nothing else is just being given up. */
void drain_slot(struct drain *d, const struct mapstate *state, __u32 slot);
/* Waits for what was begun. */
void drain_end(struct drain *d);

#endif
