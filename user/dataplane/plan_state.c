/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode stateful: what attach decides beside the configuration, and what a reload keeps
 * of the instance that runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "plan.h"
#include "shared.h"

/* Three quarters of the entries of bib6: beyond that new ones are refused now and then. */
static __u64 room_for_mappings(const struct n64_state_conf *st)
{
	return (__u64)st->bib6_lines * 2 * 3 / 4;
}

/* The tables keep their size for the life of the instance; more addresses than they
 * were made for share them. */
static void clamp_mappings(struct n64_state_conf *st, __u32 wanted_lines, say_fn say)
{
	__u64 room = room_for_mappings(st), all = 0;
	int i;

	if (wanted_lines <= st->bib6_lines)
		return;
	for (i = 0; i < N_ST_PROTOS; i++)
		all += st->max_mappings[i];
	for (i = 0; i < N_ST_PROTOS && all > room; i++)
		st->max_mappings[i] = (__u32)(st->max_mappings[i] * room / all);
	report_say(say,
		   "warning: pool4 asks for tables of %llu mappings, those of the running "
		   "instance hold %llu; to make them larger: xdp-nat64 detach, then attach",
		   (unsigned long long)wanted_lines * 2, (unsigned long long)room);
}

static void keep_running(const struct n64_state_conf *old, struct n64_state_conf *st, say_fn say)
{
	__u32 wanted = st->bib6_lines;

	st->policy_gen = (old->policy_gen + 1) & ((1u << CTL_POLICY_BITS) - 1);
	st->bib6_lines = old->bib6_lines;
	st->session_lines = old->session_lines;
	st->sub_lines = old->sub_lines;
	st->hold_chunks = old->hold_chunks;
	st->max_sessions = old->max_sessions;
	memcpy(st->key, old->key, sizeof(st->key));
	clamp_mappings(st, wanted, say);
}

int plan_state_conf(const struct n64_conf *before, struct n64_conf *conf, say_fn say,
		    struct config_error *err)
{
	struct n64_state_conf *st = &conf->st;

	if (before) {
		keep_running(&before->st, st, say);
		return 0;
	}
	if (getrandom(st->key, sizeof(st->key), 0) != sizeof(st->key))
		return report_error(err, -EIO, "no randomness for the port choice");
	return 0;
}

int plan_state_pool(const struct config *c, const struct links *l, const struct n64_slot *before,
		    struct policy *pol, struct config_error *err)
{
	struct n64_slot *slot = calloc(N64_MAX_SLOTS, sizeof(*slot));
	int rc = slot ? pool_slots(c, before, slot) : -ENOMEM;
	__u32 i;

	for (i = 0; i < N64_MAX_SLOTS && !rc; i++) {
		if (c->opt.mode == MODE_STATEFUL && slot[i].flags & SLOT_USED &&
		    shared_is_local(l, slot[i].addr))
			slot[i].flags |= SLOT_SHARED;
	}
	if (!rc)
		rc = policy_pool_table(pol, slot);
	free(slot);
	if (rc == -E2BIG)
		return report_error(err, rc,
				    "pool4: more than %d addresses, those that still drain "
				    "included; nothing was changed; take fewer, or end the old "
				    "mappings with reload --now",
				    N64_MAX_SLOTS);
	return rc ? report_error(err, rc, "cannot make the table of pool4: %s", strerror(-rc)) : 0;
}
