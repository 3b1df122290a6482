/* SPDX-License-Identifier: GPL-2.0-only */
/* reload: the programs are loaded anew over the pinned maps, with the new lists
 * in policy maps of their own, and swapped in device by device. What fails before
 * the swap changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "place.h"
#include "plan.h"
#include "programs.h"
#include "routes.h"
#include "state_attach.h"
#include "worker_process.h"

static int refuse(struct config_error *err, const char *what)
{
	return report_error(err, -EINVAL,
			    "%s cannot change while the instance is attached; nothing was "
			    "changed; use: xdp-nat64 detach, then attach",
			    what);
}

/* Options that need detach and attach (RESTART in option.def), by name. */
static int judge_options(const struct config *c, const struct n64_opts *running,
			 struct config_error *err)
{
	int id;

	for (id = 0; id < N_OPTS; id++) {
		size_t at = options[id].offset - offsetof(struct config, opt);

		if (options[id].type == OPT_TYPE_LIST || !options[id].restart)
			continue;
		if (memcmp((const char *)&c->opt + at, (const char *)running + at, sizeof(__u32)))
			return refuse(err, options[id].key);
	}
	return 0;
}

static int judge_change(const struct attachment *a, const struct config *c,
			struct config_error *err)
{
	char what[160];
	__u32 i;

	if (!state_bool(&a->state, "complete"))
		return report_error(err, -EINVAL,
				    "the attach of this instance was interrupted; use: xdp-nat64 "
				    "detach, then attach");
	if (c->interfaces.n != a->ports.n)
		return refuse(err, "the list of interfaces");
	for (i = 0; i < a->ports.n; i++) {
		const struct iface_entry *e = &c->interfaces.v[i];
		__u32 flags = (e->flags & (PORT_6TO4 | PORT_4TO6)) |
			      (e->deliver == DELIVER_STACK ? PORT_STACK : 0);

		if (strcmp(e->name, a->ports.v[i].name))
			return refuse(err, "the list of interfaces (or their order)");
		snprintf(what, sizeof(what), "translate or deliver of %s", e->name);
		if (flags != a->ports.v[i].flags)
			return refuse(err, what);
		if (!link_by_index(&a->links, a->ports.ifindex[i]))
			return report_error(err, -ENODEV,
					    "%s is gone; nothing was changed; use: xdp-nat64 "
					    "detach, then attach",
					    e->name);
	}
	if (!a->pair.kernel || !a->pair.xlat)
		return report_error(err, -ENODEV,
				    "the pair %s/%s is gone; nothing was changed; use: xdp-nat64 "
				    "detach, then attach",
				    a->state.path.kernel, a->state.path.xlat);
	return 0;
}

/* The swap, with policy.bin, n64_query and the generation that the worker looks
 * at. Whatever may fail is made ready before it; after it only names change. */
static int swap_in(struct attachment *a, const struct programs *g, const struct policy *old,
		   const struct policy *pol, struct n64_control *control, say_fn say,
		   struct config_error *err)
{
	const struct instance_paths *p = &a->state.path;
	struct config_error why;
	int rc = programs_stage(g, p, err);

	if (!rc)
		rc = plan_save(pol, p, err);
	if (!rc) {
		rc = programs_swap(g, p, &a->ports, err);
		if (rc)
			plan_save(old, p, NULL);
	}
	if (rc) {
		programs_unstage(p);
		return rc;
	}
	if (programs_adopt(g, p, &why))
		report_say(say, "warning: %s; the worker asks the old program", why.text);
	tables_raise_generation(control);
	return 0;
}

/* What the parts of a reload share. */
struct reload {
	struct attachment *a;
	const struct config *c;
	const struct reload_opts *o;
	struct policy old, pol;
	struct n64_slot *slot;	/* those that run, later as well; NULL: not in this mode */
};

/* The swap between the two halves of a change of the state. */
static int swap_state(struct reload *r, struct programs *g, struct n64_control *control,
		      struct config_error *err)
{
	struct state_change sc;
	int rc = state_begin(&sc, g, r->a, r->c, r->slot, &r->pol, r->o->force, err);

	if (rc)
		return rc;
	rc = swap_in(r->a, g, &r->old, &r->pol, control, r->o->say, err);
	if (rc) {
		state_abort(&sc);
		return rc;
	}
	return state_finish(&sc, r->o->now, r->slot, r->o->say, err);
}

static int put_generation(struct reload *r, struct config_error *err)
{
	struct n64_control *control = NULL;
	struct attachment *a = r->a;
	struct programs g;
	int rc = programs_open(&g, &r->pol, &a->state.path, true, err);

	if (rc)
		return rc;
	rc = programs_load(&g, &r->pol, &a->ports, err);
	if (!rc) {
		control = tables_open_control(programs_map(&g, "control"));
		if (!control)
			rc = report_error(err, -errno, "cannot map 'control' into memory: %s",
					  strerror(errno));
	}
	/* Loading takes long: the worker has seen newer links meanwhile. */
	if (!rc)
		rc = attachment_look(a, err);
	if (!rc)
		rc = tables_fill(&g, &a->links, &a->pair, &a->ports, err);
	if (!rc)
		rc = swap_state(r, &g, control, err);
	if (control)
		tables_close_control(control);
	programs_close(&g);
	return rc;
}

/* The new generation is in force: what is left concerns the kernel alone. */
static int follow_up(struct reload *r, struct config_error *err)
{
	struct attachment *a = r->a;
	const struct instance_paths *p = &a->state.path;
	struct config_error why;
	say_fn say = r->o->say;
	int rc;

	if (instance_remember(&a->state, r->o->words) || state_save(&a->state))
		report_say(say, "warning: a reload will need the same options again: they could "
				"not be stored");
	report_say(say, "swapped in the new programs on %u interfaces and the pair", a->ports.n);
	if (worker_wake(p))
		report_say(say, "told the worker (pid %d)", worker_pid(p));
	else if (state_bool(&a->state, "worker"))
		report_say(say, "warning: no worker runs; use: xdp-nat64 worker --name %s",
			   r->c->name);
	rc = routes_sync(a, r->c, r->slot, say, &why);
	if (!rc)
		rc = proxies_sync(a, r->c, r->slot, say, &why);
	if (rc)
		return report_error(err, rc, "the new policy is in force, but not all around it: "
					     "%s; to repeat it: xdp-nat64 reload --name %s",
				    why.text, r->c->name);
	report_say(say, "reloaded instance '%s'", r->c->name);
	return 0;
}

static int reload_policy(struct reload *r, struct config_error *err)
{
	struct attachment *a = r->a;
	struct plan_before before = { .conf = &r->old.conf };
	int rc = state_slots(a, &r->slot, r->o->say, err);

	if (rc)
		return rc;
	before.slot = r->slot;
	a->pair.queues = r->old.conf.xsk_queues;
	rc = state_judge(r->c, &a->links, &a->ports, r->slot, r->o->say, err);
	if (rc)
		return rc;
	routes_warn(r->c, &a->links, &a->ports, r->o->say);
	rc = plan_make(r->c, &a->links, &a->ports, &a->pair, &before, &r->pol, r->o->say, err);
	if (!rc)
		rc = put_generation(r, err);
	return rc ? rc : follow_up(r, err);
}

static int reload_locked(struct attachment *a, const struct config *c,
			 const struct reload_opts *o, struct config_error *err)
{
	struct reload r = { .a = a, .c = c, .o = o };
	int rc = judge_change(a, c, err);

	if (rc)
		return rc;
	rc = policy_load(&r.old, a->state.path.policy);
	if (rc)
		return report_error(err, rc,
				    "%s cannot be read (%s); use: xdp-nat64 detach, then attach",
				    a->state.path.policy, strerror(-rc));
	rc = judge_options(c, &r.old.conf.opt, err);
	if (!rc)
		rc = reload_policy(&r, err);
	free(r.slot);
	policy_free(&r.old);
	policy_free(&r.pol);
	return rc;
}

int instance_reload(const struct config *c, const struct reload_opts *o,
		    struct config_error *err)
{
	struct attachment a;
	int lock, rc;

	if (geteuid())
		return report_error(err, -EPERM, "reload loads programs; run it as root");
	lock = place_lock(err);
	if (lock < 0)
		return lock;
	signals_hold();
	rc = bpffs_check(NULL, err);
	memset(&a, 0, sizeof(a));
	if (!rc)
		rc = attachment_load(&a, c->name, "reload", err);
	if (!rc)
		rc = reload_locked(&a, c, o, err);
	attachment_close(&a);
	place_unlock(lock);
	signals_release();
	return rc;
}
