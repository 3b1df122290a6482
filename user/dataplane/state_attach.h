/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful in attach and reload: the pool, its ports and the static mappings
 * around the swap of the programs. Does nothing in the other modes. */
#ifndef N64_STATE_ATTACH_H
#define N64_STATE_ATTACH_H

#include "instance.h"
#include "plan.h"
#include "pool.h"
#include "programs.h"
#include "statics.h"

/* What a change of the state needs to be finished or taken back. */
struct state_change {
	bool active;			/* mode stateful */
	struct pool_maps maps;
	struct pool_plan plan;
	struct statics_change statics;
	struct n64_slot *none;		/* `before` of attach */
};

/* Before anything is changed: memory (with the number), the host's own ports, what is
 * worth knowing. `before`: slots of the running instance; NULL at attach. */
int state_judge(const struct config *c, const struct links *l, const struct ports *p,
		const struct n64_slot *before, say_fn say, struct config_error *err);

/* Loaded, not yet on any device: memory, ports and static mappings of what is new. On
 * error nothing is left of it. */
int state_begin(struct state_change *sc, const struct programs *g, struct attachment *a,
		const struct config *c, const struct n64_slot *before, const struct policy *pol,
		bool force, struct config_error *err);
/* After state_begin, when the swap failed. */
void state_abort(struct state_change *sc);
/* After the swap. `now`: what is not in the pool any more ends at once. `slot` (as at
 * state_begin, NULL at attach) becomes what there is now. */
int state_finish(struct state_change *sc, bool now, struct n64_slot *slot, say_fn say,
		 struct config_error *err);

/* The slots of a running instance, after freeing those that have drained. The caller
 * frees *slot; NULL in the other modes. */
int state_slots(const struct attachment *a, struct n64_slot **slot, say_fn say,
		struct config_error *err);

#endif
