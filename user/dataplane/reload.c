/* SPDX-License-Identifier: GPL-2.0-only */
/* reload: the programs are loaded anew over the pinned maps, with the new lists
 * in policy maps of their own, and swapped in device by device. What fails before
 * the swap changes nothing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "place.h"
#include "plan.h"
#include "programs.h"
#include "routes.h"
#include "worker_process.h"

static int refuse(struct config_error *err, const char *what)
{
	return report_error(err, -EINVAL,
			    "%s cannot change while the instance is attached; nothing was "
			    "changed; use: xdp-nat64 detach, then attach",
			    what);
}

/* Options that need detach and attach (RESTART in option.def), by name. */
static int judge_change(const struct attachment *a, const struct config *c,
			struct config_error *err)
{
	static const char *const modes[] = { "siit", "stateful", "dynamic" };
	char what[160];
	__u32 i;

	if (!state_bool(&a->state, "complete"))
		return report_error(err, -EINVAL,
				    "the attach of this instance was interrupted; use: xdp-nat64 "
				    "detach, then attach");
	if (strcmp(modes[c->opt.mode], state_str(&a->state, "mode")))
		return refuse(err, "mode");
	if (c->opt.proxy_arp != state_u64(&a->state, "proxy_arp"))
		return refuse(err, "proxy-arp");
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
	int rc = programs_stage_query(g, p, err);

	if (!rc)
		rc = plan_save(pol, p, err);
	if (!rc) {
		rc = programs_swap(g, p, &a->ports, err);
		if (rc)
			plan_save(old, p, NULL);
	}
	if (rc) {
		programs_unstage_query(p);
		return rc;
	}
	if (programs_adopt_query(p, &why))
		report_say(say, "warning: %s; the worker asks the old program for routes",
			   why.text);
	tables_raise_generation(control);
	return 0;
}

static int put_generation(struct attachment *a, const struct policy *old,
			  const struct policy *pol, say_fn say, struct config_error *err)
{
	struct n64_control *control = NULL;
	struct programs g;
	int rc = programs_open(&g, pol, &a->state.path, true, err);

	if (rc)
		return rc;
	rc = programs_load(&g, &pol->conf, &a->ports, err);
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
		rc = swap_in(a, &g, old, pol, control, say, err);
	if (control)
		tables_close_control(control);
	programs_close(&g);
	return rc;
}

/* The new generation is in force: what is left concerns the kernel alone. */
static int follow_up(struct attachment *a, const struct config *c, char *const *words, say_fn say,
		     struct config_error *err)
{
	const struct instance_paths *p = &a->state.path;
	struct config_error why;
	int rc;

	if (instance_remember(&a->state, words) || state_save(&a->state))
		report_say(say, "warning: a reload will need the same options again: they could "
				"not be stored");
	report_say(say, "swapped in the new programs on %u interfaces and the pair", a->ports.n);
	if (worker_wake(p))
		report_say(say, "told the worker (pid %d)", worker_pid(p));
	else if (state_bool(&a->state, "worker"))
		report_say(say,
			   "warning: no worker runs; use: xdp-nat64 worker --name %s", c->name);
	rc = routes_sync(&a->nl, c, a->pair.kernel, p->kernel, say, &why);
	if (!rc)
		rc = proxies_sync(&a->state, &a->nl, c, &a->links, &a->ports, say, &why);
	if (rc)
		return report_error(err, rc, "the new policy is in force, but not all around it: "
					     "%s; to repeat it: xdp-nat64 reload --name %s",
				    why.text, c->name);
	report_say(say, "reloaded instance '%s'", c->name);
	return 0;
}

static int reload_locked(struct attachment *a, const struct config *c, char *const *words,
			 say_fn say, struct config_error *err)
{
	const struct instance_paths *p = &a->state.path;
	struct policy old = { 0 }, pol = { 0 };
	int rc = judge_change(a, c, err);

	if (rc)
		return rc;
	rc = policy_load(&old, p->policy);
	if (rc)
		return report_error(err, rc,
				    "%s cannot be read (%s); use: xdp-nat64 detach, then attach",
				    p->policy, strerror(-rc));
	a->pair.queues = old.conf.xsk_queues;
	routes_warn(c, &a->links, &a->ports, say);
	rc = plan_make(c, &a->links, &a->ports, &a->pair, &old.conf, &pol, err);
	if (!rc)
		rc = put_generation(a, &old, &pol, say, err);
	policy_free(&old);
	policy_free(&pol);
	return rc ? rc : follow_up(a, c, words, say, err);
}

int instance_reload(const struct config *c, char *const *words, say_fn say,
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
		rc = reload_locked(&a, c, words, say, err);
	attachment_close(&a);
	place_unlock(lock);
	signals_release();
	return rc;
}
