/* SPDX-License-Identifier: GPL-2.0-only */
/* attach and reload in modes with mappings (PORT-10, ST-04, GEN-12). */
#include "state_attach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared.h"

static bool has_state(const struct attachment *a)
{
	return strcmp(state_str(&a->state, "mode"), "siit") != 0;
}

static int judge_memory(const struct config *c, const struct n64_slot *before,
			struct config_error *err)
{
	struct state_sizes sizes;
	struct n64_slot *after;
	int rc;

	if (!before) {
		rc = state_sizes(c, &sizes, err);
		return rc ? rc : state_memory_check(&sizes, err);
	}
	after = calloc(N64_MAX_SLOTS, sizeof(*after));
	rc = after ? pool_slots(c, before, after) : -ENOMEM;
	if (!rc) {
		const struct pool_plan plan = { .c = c, .before = before, .after = after };

		rc = pool_memory_check(&plan, err);
	} else if (rc != -E2BIG) { /* that one is told by plan_make */
		report_error(err, rc, "not enough memory to plan pool4");
	}
	free(after);
	return rc == -E2BIG ? 0 : rc;
}

int state_judge(const struct config *c, const struct links *l, const struct ports *p,
		const struct n64_slot *before, say_fn say, struct config_error *err)
{
	int rc;

	if (c->opt.mode == MODE_SIIT)
		return 0;
	rc = judge_memory(c, before, err);
	if (!rc && c->opt.mode == MODE_STATEFUL)
		rc = shared_judge(c, l, say, err);
	if (!rc)
		pool_warn(c, l, p, say);
	return rc;
}

int state_slots(const struct attachment *a, struct n64_slot **slot, say_fn say,
		struct config_error *err)
{
	struct pool_maps m;
	int rc, n;

	*slot = NULL;
	if (!has_state(a))
		return 0;
	rc = pool_maps_open(&m, &a->state.path);
	if (rc)
		return report_error(err, rc,
				    "the pinned maps of the state in %s cannot be opened (%s); "
				    "use: xdp-nat64 detach, then attach",
				    a->state.path.pin, strerror(-rc));
	n = pool_collect(&m, N64_MAX_SLOTS);
	if (n)
		report_say(say, "freed %d pool addresses that have no mapping left", n);
	*slot = calloc(N64_MAX_SLOTS, sizeof(**slot));
	rc = *slot ? pool_slots_read(&m, *slot) : -ENOMEM;
	pool_maps_close(&m);
	if (!rc)
		return 0;
	free(*slot);
	*slot = NULL;
	return report_error(err, rc, "the slots of the pool cannot be read: %s", strerror(-rc));
}

/* ---- around the swap ---------------------------------------------------------- */

int state_begin(struct state_change *sc, const struct programs *g, struct attachment *a,
		const struct config *c, const struct n64_slot *before, const struct policy *pol,
		bool force, struct config_error *err)
{
	int rc;

	memset(sc, 0, sizeof(*sc));
	sc->active = c->opt.mode != MODE_SIIT;
	if (!sc->active)
		return 0;
	sc->maps = (struct pool_maps){ .bindings = programs_map(g, "bindings"),
				       .rows = programs_map(g, "rows"),
				       .blocks = programs_map(g, "blocks"),
				       .slots = programs_map(g, "slots"),
				       .state = programs_map(g, "state"),
				       .call = g->state };
	if (!before) {
		sc->none = calloc(N64_MAX_SLOTS, sizeof(*sc->none));
		if (!sc->none)
			return report_error(err, -ENOMEM, "not enough memory to plan pool4");
	}
	sc->plan = (struct pool_plan){ .c = c, .links = &a->links, .ports = &a->ports,
				       .before = before ? before : sc->none,
				       .after = pol->slot };
	rc = pool_prepare(&sc->maps, &sc->plan, err);
	if (!rc) {
		rc = statics_apply(&sc->maps, &a->state, c, force, &sc->statics, err);
		if (rc)
			pool_unprepare(&sc->maps, &sc->plan);
	}
	if (rc)
		free(sc->none);
	return rc;
}

void state_abort(struct state_change *sc)
{
	if (!sc->active)
		return;
	statics_revert(&sc->maps, &sc->statics);
	pool_unprepare(&sc->maps, &sc->plan);
	free(sc->none);
}

static void say_draining(const struct n64_slot *slot, say_fn say)
{
	unsigned int n = 0, s;

	for (s = 0; s < N64_MAX_SLOTS; s++) {
		if (slot[s].flags & SLOT_DRAINING)
			n++;
	}
	if (n)
		report_say(say,
			   "%u pool addresses drain: no new mappings, those that exist live out "
			   "their timers (reload --now ends them)", n);
}

static int finish(struct state_change *sc, bool now, struct n64_slot *slot, say_fn say,
		  struct config_error *err)
{
	int rc = pool_finish(&sc->maps, &sc->plan);
	long n = 0;

	if (rc)
		return report_error(err, rc, "the new policy is in force, but the ports of pool4 "
					     "could not be changed (%s); to repeat it: xdp-nat64 "
					     "reload",
				    strerror(-rc));
	if (now)
		n = pool_flush_removed(&sc->maps, &sc->plan);
	if (n < 0)
		return report_error(err, (int)n, "the new policy is in force, but the mappings "
						 "of removed addresses could not be ended: %s",
				    strerror((int)-n));
	if (now)
		report_say(say, "ended %ld mappings that are not in pool4 any more", n);
	n = pool_collect(&sc->maps, N64_MAX_SLOTS);
	if (n)
		report_say(say, "freed %ld pool addresses that have no mapping left", n);
	rc = pool_slots_read(&sc->maps, slot);
	if (rc)
		return report_error(err, rc, "the new policy is in force, but the slots of the "
					     "pool cannot be read: %s",
				    strerror(-rc));
	say_draining(slot, say);
	return 0;
}

int state_finish(struct state_change *sc, bool now, struct n64_slot *slot, say_fn say,
		 struct config_error *err)
{
	int rc = 0;

	if (!sc->active)
		return 0;
	if (sc->statics.n_added || sc->statics.n_removed)
		report_say(say, "static mappings: %zu added, %zu removed", sc->statics.n_added,
			   sc->statics.n_removed);
	if (slot) /* a reload */
		rc = finish(sc, now, slot, say, err);
	statics_free(&sc->statics);
	free(sc->none);
	return rc;
}
