/* SPDX-License-Identifier: GPL-2.0-only */
/* attach, top to bottom: judge -> host -> pair -> plan -> load -> routes ->
 * programs -> worker. Nothing is changed before everything was judged; whatever
 * is changed is in the journal first, and undone when a later step fails. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "instance.h"
#include "pins.h"
#include "place.h"
#include "plan.h"
#include "programs.h"
#include "routes.h"
#include "state_attach.h"
#include "touch.h"
#include "worker_process.h"

#define TOUCH_MS 1000	/* what is not touched by then the worker does */

static const char *const mode_words[] = { "siit", "stateful", "dynamic" };

/* The names of the interfaces of an instance, for messages. */
static void port_names(const struct state *s, char *buf, size_t size)
{
	struct ports p;
	size_t len = 0;
	__u32 i;

	ports_of_state(s, &p);
	buf[0] = '\0';
	for (i = 0; i < p.n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", p.v[i].name);
}

static int judge_instance(const char *name, struct config_error *err)
{
	struct instance_paths p;
	struct state s;
	char names[160];
	int rc;

	instance_paths(name, &p);
	rc = state_load(&s, name, err);
	if (rc == -ENOENT && access(p.pin, F_OK))
		return 0;
	if (rc == -ENOENT)
		return report_error(err, -EEXIST,
				    "%s is there, but not what attach wrote in %s; nothing was "
				    "changed; use: xdp-nat64 detach --name %s",
				    p.pin, p.state, name);
	if (rc)
		return rc;
	port_names(&s, names, sizeof(names));
	if (state_bool(&s, "complete"))
		rc = report_error(err, -EEXIST,
				  "instance '%s' is already attached on %s; nothing was changed; "
				  "use: xdp-nat64 reload --name %s (new configuration) or detach "
				  "--name %s",
				  name, names, name, name);
	else
		rc = report_error(err, -EEXIST,
				  "an attach of instance '%s' was interrupted; nothing was "
				  "changed now; use: xdp-nat64 detach --name %s, which undoes "
				  "what it had done",
				  name, name);
	state_close(&s);
	return rc;
}

static int begin_state(struct attachment *a, const struct config *c, const struct attach_opts *o,
		       struct config_error *err)
{
	int rc = state_new(&a->state, c->name);
	json_t *doc = a->state.doc;

	if (!rc)
		rc = ports_to_state(&a->state, &a->ports);
	if (!rc && (json_object_set_new(doc, "netns", json_integer((json_int_t)netns_cookie())) ||
		    json_object_set_new(doc, "mode", json_string(mode_words[c->opt.mode])) ||
		    json_object_set_new(doc, "xdp", json_string(o->skb ? "skb" : "native")) ||
		    json_object_set_new(doc, "worker", json_boolean(!o->no_worker)) ||
		    json_object_set_new(doc, "proxy_arp", json_integer(c->opt.proxy_arp))))
		rc = -ENOMEM;
	if (!rc)
		rc = instance_remember(&a->state, o->words);
	if (!rc)
		rc = state_save(&a->state);
	if (rc)
		report_error(err, rc, "cannot write %s: %s", a->state.path.state, strerror(-rc));
	return rc;
}

static int start_worker(struct attachment *a, const struct config *c, say_fn say,
			struct config_error *err)
{
	pid_t pid;
	int rc = state_push(&a->state, json_pack("{s:s}", "kind", "worker"));

	if (rc)
		return report_error(err, rc, "cannot write %s: %s", a->state.path.state,
				    strerror(-rc));
	rc = worker_start(c->name, &a->state.path, &pid, err);
	if (!rc)
		report_say(say, "worker started (pid %d)", pid);
	return rc;
}

/* The state as it begins: empty, but for static mappings. */
static int begin_tables(struct attachment *a, const struct programs *g, const struct config *c,
			const struct policy *pol, say_fn say, struct config_error *err)
{
	struct state_change sc;
	int rc;

	if (tables_start_control(programs_map(g, "control")) ||
	    tables_start_hops(programs_map(g, "hops"), pol->conf.hz) ||
	    tables_start_state(programs_map(g, "state")))
		return report_error(err, -EIO, "cannot start the control map");
	rc = state_begin(&sc, g, a, c, NULL, pol, false, err);
	if (!rc && sc.active)
		touch_tables(sc.maps.call, &pol->conf.st, pol->slot, TOUCH_MS);
	return rc ? rc : state_finish(&sc, false, NULL, say, err);
}

/* Programs and maps, pinned, and on their devices; the ports come last. */
static int put_programs(struct attachment *a, const struct config *c, const struct policy *pol,
			const struct attach_opts *o, struct config_error *err)
{
	const struct instance_paths *p = &a->state.path;
	struct programs g;
	int rc = programs_open(&g, pol, p, false, err);

	if (rc)
		return rc;
	rc = programs_load(&g, pol, &a->ports, err);
	if (!rc)
		rc = tables_fill(&g, &a->links, &a->pair, &a->ports, err);
	if (!rc)
		rc = begin_tables(a, &g, c, pol, o->say, err);
	if (!rc && state_push(&a->state, json_pack("{s:s}", "kind", "pins")))
		rc = report_error(err, -EIO, "cannot write %s", p->state);
	if (!rc)
		rc = programs_pin(&g, p, err);
	if (!rc)
		rc = programs_attach(&g, p, &a->pair, &a->ports, o->skb, &a->nl, err);
	programs_close(&g);
	return rc;
}

/* Everything that changes the host, each step in the journal before it is done. */
static int change_host(struct attachment *a, const struct config *c,
		       const struct attach_opts *o, struct config_error *err)
{
	const struct instance_paths *p = &a->state.path;
	struct policy pol = { 0 };
	/* Offloads first: the kernel switches LRO off where forwarding begins, and it
	 * would not be known that it was on. Undone in reverse, it comes back after
	 * forwarding has ended. */
	int rc = ports_change(&a->state, &a->links, &a->ports, o->say, err);

	if (!rc)
		rc = ports_prepare_host(&a->state, &a->links, &a->nl, &a->ports, o->say, err);
	if (!rc)
		rc = pair_make(&a->state, &a->nl, &a->pair, err);
	if (!rc)
		rc = attachment_look(a, err); /* now with the pair */
	if (!rc)
		rc = plan_make(c, &a->links, &a->ports, &a->pair, NULL, &pol, o->say, err);
	if (!rc)
		rc = plan_save(&pol, p, err);
	if (!rc)
		rc = put_programs(a, c, &pol, o, err);
	if (!rc)
		rc = pair_up(&a->state, &a->nl, &a->pair, err);
	if (!rc)
		report_say(o->say, "made the pair %s/%s with %u queues", p->kernel, p->xlat,
			   a->pair.queues);
	if (!rc)
		rc = routes_sync(a, c, pol.slot, o->say, err);
	if (!rc)
		rc = proxies_sync(a, c, pol.slot, o->say, err);
	policy_free(&pol);
	if (!rc && !o->no_worker)
		rc = start_worker(a, c, o->say, err);
	return rc;
}

static void say_attached(const struct attachment *a, const struct config *c,
			 const struct attach_opts *o)
{
	char names[160], text[PREFIX_TEXT];
	size_t i;

	port_names(&a->state, names, sizeof(names));
	report_say(o->say, "attached instance '%s' (%s, %s XDP) to %s", c->name,
		   mode_words[c->opt.mode], o->skb ? "skb" : "native", names);
	for (i = 0; i < c->pref64.n; i++)
		report_say(o->say, "translating %s", prefix6_text(&c->pref64.v[i], text));
	report_say(o->say, "next: xdp-nat64 status --name %s", c->name);
}

static int attach_locked(struct attachment *a, const struct config *c,
			 const struct attach_opts *o, struct config_error *err)
{
	int rc = judge_instance(c->name, err);

	if (!rc)
		rc = bpffs_check(o->say, err);
	if (!rc)
		rc = attachment_look(a, err);
	if (!rc)
		rc = ports_judge(c, &a->links, &a->ports, err);
	if (rc)
		return rc;
	rc = state_judge(c, &a->links, &a->ports, NULL, o->say, err);
	if (rc)
		return rc;
	ports_warn(&a->links, &a->ports, o->say);
	routes_warn(c, &a->links, &a->ports, o->say);
	rc = begin_state(a, c, o, err);
	if (!rc)
		rc = change_host(a, c, o, err);
	if (!rc && signals_waiting())
		rc = report_error(err, -EINTR, "interrupted; what was done is undone");
	if (!rc) {
		json_object_set_new(a->state.doc, "complete", json_true());
		rc = state_save(&a->state);
		if (rc)
			report_error(err, rc, "cannot write %s: %s", a->state.path.state,
				     strerror(-rc));
	}
	if (rc) {
		state_undo(&a->state, o->say);
		instance_forget(&a->state.path);
	}
	return rc;
}

int instance_attach(const struct config *c, const struct attach_opts *o,
		    struct config_error *err)
{
	struct attachment a;
	int lock, rc;

	if (geteuid())
		return report_error(err, -EPERM,
				    "attach changes interfaces and loads programs; run it as root");
	lock = place_lock(err);
	if (lock < 0)
		return lock;
	signals_hold();
	rc = attachment_open(&a, err);
	if (!rc)
		rc = attach_locked(&a, c, o, err);
	if (!rc)
		say_attached(&a, c, o);
	attachment_close(&a);
	place_unlock(lock);
	if (rc == -EINTR)
		signals_drop();
	signals_release();
	return rc;
}
