/* SPDX-License-Identifier: GPL-2.0-only */
/* What the worker does in mode stateful without being asked by a packet: it goes round
 * the mappings, sessions and subscribers (ST-10, TCP-30, PORT-10), and answers stored
 * SYNs and fragments whose time is over. */
#ifndef N64_SWEEP_H
#define N64_SWEEP_H

#include "pace.h"
#include "state_abi.h"

struct worker;

struct sweep {
	struct pace rows, sessions, probes, subs;
	struct pace_budget budget;
	__u64 spent;		/* ns of this tick */
	bool active;		/* something of this tick is left to be done */
	__u32 tick_ms;		/* time of the last one */
	__u32 row[N64_MAX_ROWS]; /* that exist */
	__u32 n_rows;
	__u32 left;		/* mappings of the slot at which it is */
};

void sweep_open(struct worker *w);
/* Some time has passed. */
void sweep_tick(struct worker *w);
/* A little of what is due; true: there is more. */
bool sweep_slice(struct worker *w);

#endif
