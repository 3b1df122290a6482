/* SPDX-License-Identifier: GPL-2.0-only */
/* The program n64_state: the mapping state for user space (struct n64_call), so that
 * finding, making and ending a mapping exist once (design 2, principle 8). */
#ifndef N64_XDP_CALL_H
#define N64_XDP_CALL_H

#include "state_maps.h"
#include "world.h"

static __always_inline int state_answer(struct n64_call *call)
{
	__u32 zero = 0;
	void *inner = bpf_map_lookup_elem(&bindings, &zero);
	struct n64_binding *b = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
	struct n64_row *row;
	struct n64_blocks *own;

	call->reason = R_internal;
	if (b)
		call->until = b->until4;
	inner = bpf_map_lookup_elem(&rows, &zero);
	row = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
	if (row)
		call->n = row->used;
	inner = bpf_map_lookup_elem(&blocks, &zero);
	own = inner ? bpf_map_lookup_elem(inner, &zero) : NULL;
	if (own)
		call->n += (__u32)own->own[0];
	return 0;
}

#endif
