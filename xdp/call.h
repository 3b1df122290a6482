/* SPDX-License-Identifier: GPL-2.0-only */
/* The program n64_state: the mapping state for user space (struct n64_call), so that
 * finding, making and ending a mapping exist once (design 2, principle 8). */
#ifndef N64_XDP_CALL_H
#define N64_XDP_CALL_H

#include "state_world.h"
#include "state_call.h"

#define N_CALL_ROOMS 64

/* A room that nobody is in, NULL: 64 others are at it. */
static __always_inline struct call_room *call_enter(void)
{
	/* two counters: the verifier loses sight of one whose address is taken */
	n64_no_unroll
	for (int i = 0; i < N_CALL_ROOMS; i++) {
		__u32 key = i;
		struct call_room *room = bpf_map_lookup_elem(&calls, &key);

		if (room && !__sync_val_compare_and_swap(&room->busy, 0, 1))
			return room;
	}
	return NULL;
}

static __always_inline int state_program(struct n64_call *call)
{
	struct call_room *room = call_enter();

	call->reason = R_state_busy;
	if (!room)
		return 0;
	state_begin(&room->w);
	room->w.q = *call;
	state_call(&room->w);
	*call = room->w.q;
	__sync_val_compare_and_swap(&room->busy, 1, 0);
	return 0;
}

#endif
