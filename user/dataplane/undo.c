/* SPDX-License-Identifier: GPL-2.0-only */
/* The other half of every step of attach. A record may be undone twice, or
 * without the step having been done: each looks before it acts, and restores
 * only what still is as attach left it. */
#include "journal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "ethtool.h"
#include "nl.h"
#include "pins.h"
#include "place.h"
#include "ports.h"
#include "sysctl.h"
#include "worker_process.h"

/* The present name of an interface of the journal; NULL: it is gone. */
static const char *present_name(const json_t *rec, char name[IF_NAMESIZE])
{
	unsigned int ifindex = (unsigned int)json_integer_value(json_object_get(rec, "ifindex"));

	return if_indextoname(ifindex, name);
}

static const char *field(const json_t *rec, const char *key)
{
	const char *v = json_string_value(json_object_get(rec, key));

	return v ? v : "";
}

struct heir {
	const struct state *from;
	const json_t *rec;
	__u32 ifindex;	/* only an instance with this port; 0: any */
	char name[N64_NAME_MAX + 1];
};

static bool has_port(const struct state *s, __u32 ifindex)
{
	struct ports p;
	__u32 i;

	ports_of_state(s, &p);
	for (i = 0; i < p.n; i++) {
		if (p.ifindex[i] == ifindex)
			return true;
	}
	return false;
}

/* The first other instance of this namespace that needs what `rec` says takes it
 * over, to be undone last. */
static int inherit(const char *name, void *ctx)
{
	struct heir *h = ctx;
	struct state s;

	if (!strcmp(name, state_str(h->from, "name")) || state_load(&s, name, NULL))
		return 0;
	if (state_u64(&s, "netns") == state_u64(h->from, "netns") && state_bool(&s, "complete") &&
	    (!h->ifindex || has_port(&s, h->ifindex)) &&
	    !json_array_insert_new(json_object_get(s.doc, "undo"), 0, json_deep_copy(h->rec)) &&
	    !state_save(&s))
		snprintf(h->name, sizeof(h->name), "%s", name);
	state_close(&s);
	return h->name[0] != '\0';
}

static void undo_sysctl(const struct state *s, const json_t *rec, say_fn say)
{
	struct heir heir = { .from = s, .rec = rec };
	const char *fam = field(rec, "family"), *key = field(rec, "key");
	const char *old = field(rec, "old"), *set = field(rec, "set");
	char name[IF_NAMESIZE], now[SYSCTL_VALUE];
	const char *dev = present_name(rec, name);
	int rc;

	if (!dev || sysctl_get(fam, dev, key, now) || !strcmp(now, old))
		return;
	if (strcmp(now, set)) {
		report_say(say,
			   "left net.%s.conf.%s.%s at %s: it was changed since attach set it to "
			   "%s",
			   fam, dev, key, now, set);
		return;
	}
	/* Of another instance's port only what that instance needs too was changed:
	 * router advertisements that outlive forwarding. */
	heir.ifindex = if_nametoindex(dev);
	if (place_instances(inherit, &heir)) {
		report_say(say,
			   "left net.%s.conf.%s.%s at %s for instance '%s', which will restore it",
			   fam, dev, key, now, heir.name);
		return;
	}
	rc = sysctl_set(fam, dev, key, old);
	if (rc)
		report_say(say, "could not restore net.%s.conf.%s.%s = %s: %s", fam, dev, key, old,
			   strerror(-rc));
	else
		report_say(say, "restored net.%s.conf.%s.%s = %s", fam, dev, key, old);
}

static void undo_forward6(const struct state *s, const json_t *rec, say_fn say)
{
	struct heir heir = { .from = s, .rec = rec };
	int rc;

	if (sysctl_int("ipv6", "all", "forwarding", 0) != 1)
		return;
	if (place_instances(inherit, &heir)) {
		report_say(say,
			   "left net.ipv6.conf.all.forwarding at 1 for instance '%s', which will "
			   "restore it",
			   heir.name);
		return;
	}
	rc = sysctl_forward6("0");
	if (rc)
		report_say(say,
			   "could not restore net.ipv6.conf.all.forwarding = 0: %s", strerror(-rc));
	else
		report_say(say, "restored net.ipv6.conf.all.forwarding = 0");
}

static void undo_feature(const json_t *rec, say_fn say)
{
	const char *feature = field(rec, "feature");
	char name[IF_NAMESIZE];
	const char *dev = present_name(rec, name);
	const struct feature *now;
	struct features f;
	int rc;

	if (!dev || features_get(dev, &f))
		return;
	now = feature_find(&f, feature);
	if (!now || now->on)
		return;
	rc = feature_set(dev, feature, true);
	if (rc)
		report_say(say,
			   "could not switch %s of %s on again: %s", feature, dev, strerror(-rc));
	else
		report_say(say, "restored %s of %s = on", feature, dev);
}

/* The end of the pair that is to be deleted: by its index, whatever its name is
 * now; by its name when attach was killed before it could note the index. */
static const struct link *pair_end(const json_t *rec, const struct links *l)
{
	__u32 ifindex = (__u32)json_integer_value(json_object_get(rec, "ifindex"));
	const struct link *d = link_by_index(l, ifindex);

	if (d && !strcmp(d->kind, "veth"))
		return d;
	return ifindex ? NULL : link_by_name(l, field(rec, "kernel"));
}

/* Deleting one end deletes both, with their addresses, routes and settings. */
static void undo_pair(const json_t *rec, say_fn say)
{
	const struct link *d = NULL;
	struct links l = { 0 };
	struct nl nl;
	int rc = nl_open(&nl);

	if (!rc) {
		rc = links_read(&nl, &l);
		if (!rc)
			d = pair_end(rec, &l);
		if (d)
			rc = nl_link_del(&nl, d->ifindex);
		nl_close(&nl);
	}
	if (rc)
		report_say(say, "could not remove %s: %s", d ? d->name : field(rec, "kernel"),
			   strerror(-rc));
	else if (d)
		report_say(say, "removed %s and %s with their routes", d->name, field(rec, "xlat"));
	links_free(&l);
}

static void undo_proxy(const json_t *rec, say_fn say)
{
	const json_t *list = json_object_get(rec, "addresses"), *a;
	char name[IF_NAMESIZE];
	const char *dev = present_name(rec, name);
	size_t i, n = 0;
	struct nl nl;
	__be32 addr;

	if (!dev || nl_open(&nl))
		return;
	json_array_foreach(list, i, a) {
		if (inet_pton(AF_INET, json_string_value(a), &addr) == 1 &&
		    !nl_proxy4_del(&nl, if_nametoindex(dev), addr))
			n++;
	}
	nl_close(&nl);
	if (n)
		report_say(say, "removed %zu proxy ARP entries from %s", n, dev);
}

static void undo_one(struct state *s, const json_t *rec, say_fn say)
{
	const char *kind = field(rec, "kind");

	if (!strcmp(kind, "sysctl"))
		undo_sysctl(s, rec, say);
	else if (!strcmp(kind, "forward6"))
		undo_forward6(s, rec, say);
	else if (!strcmp(kind, "feature"))
		undo_feature(rec, say);
	else if (!strcmp(kind, "pair"))
		undo_pair(rec, say);
	else if (!strcmp(kind, "proxy"))
		undo_proxy(rec, say);
	else if (!strcmp(kind, "pins"))
		pins_remove(s->path.pin, say);
	else if (!strcmp(kind, "worker"))
		worker_stop(&s->path, say);
	else
		report_say(say, "unknown step '%s' in %s: left as it is", kind, s->path.state);
}

void state_undo(struct state *s, say_fn say)
{
	json_t *rec;

	while ((rec = state_last(s))) {
		undo_one(s, rec, say);
		/* Not saved is undone again: every step may be. */
		state_pop(s);
	}
}
