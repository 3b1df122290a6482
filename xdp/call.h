/* SPDX-License-Identifier: GPL-2.0-only */
/* The program n64_state: the mapping state for user space (struct n64_call), so that
 * finding, making and ending a mapping exist once (design 2, principle 8). */
#ifndef N64_XDP_CALL_H
#define N64_XDP_CALL_H

#include "world.h"

static __always_inline int state_answer(struct n64_call *call)
{
	call->reason = R_internal;
	return 0;
}

#endif
