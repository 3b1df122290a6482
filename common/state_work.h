/* SPDX-License-Identifier: GPL-2.0-only */
/* What the state engine knows of the packet in hand (state.h). */
#ifndef N64_STATE_WORK_H
#define N64_STATE_WORK_H

#include "table_key.h"

/* A key on its way into a table (table.h). It lies here and not on the stack, where the
 * verifier follows each number, does not see that the walk comes to an end, and gives up
 * after a million steps. */
struct st_put {
	struct st_key k;
	__u64 was;		/* control word of what was in the claimed entry */
	__u32 t;		/* enum st_table */
	__u32 now;
	__u32 mine;		/* place of our claim, and its distance from home */
	__u32 dist;
	__u32 passed;		/* our claim lies behind us */
	__u32 claimed;		/* the result is a new claim of ours */
	__s32 found;		/* the result */
	__s32 yield;		/* place of a claim that lies nearer */
};

#define FOUND_MAX 16

/* A packet on its way through the state. */
struct st_work {
	struct n64_call q;	/* the question, and its answer */
	__u64 ctl;		/* control word of the binding or bib6 entry that was found */
	__s32 place;		/* of the bib6 entry, TAB_NONE */
	__s32 sub;		/* place of the subscriber, TAB_NONE: not asked yet, or none */
	__u32 now, ticks;
	__u32 until;		/* deadline that was found: until6 or until4 */
	__u32 fresh;		/* the mapping was made by this packet */
	__u32 expired;		/* an expired mapping of this host: index + 1 */
	__u32 shared;		/* the pool address is the host's own too */
	__u32 tired;		/* the search for a port gave up before the ports did */
	__u32 pair;		/* the address that the subscriber has, as was found when its
				 * place was: slot + 1 */
	__u32 aimed;		/* row + 1 for which range and start have been set */
	__u32 n_found;		/* expired mappings that a walk has found, to be reclaimed */
	/* from here on written before it is read: not cleared for each packet */
	__u32 found[FOUND_MAX];
	__u32 resume;		/* where the walk stopped */
	__u32 cursor;		/* where one begins (hold_cursor) */
	__u32 range;		/* words in which a port is looked for: last << 16 | first */
	__u32 start;		/* and the port at which the search begins */
	__u32 block;		/* first word of the block + 1 that a mapping was counted into */
	__u64 old, new_;	/* word of the TCP session before and after this packet */
	struct st_put put;
};

#endif
