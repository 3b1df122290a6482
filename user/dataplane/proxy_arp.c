/* SPDX-License-Identifier: GPL-2.0-only */
/* PORT-11: a translated IPv4 prefix inside a connected one is asked for by ARP,
 * and the gateway answers for it, address by address up to a /24. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routes.h"
#include "shared.h"

#define PROXY_MIN_LEN 24

enum { PROXY_ARP_AUTO, PROXY_ARP_OFF }; /* words of proxy-arp in option.def */

struct proxy {
	__u32 dev;
	__be32 addr;
};

struct proxy_set {
	struct proxy *v;
	size_t n, room;
};

static int set_add(struct proxy_set *s, __u32 dev, __be32 addr)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		void *p = reallocarray(s->v, room, sizeof(*s->v));

		if (!p)
			return -ENOMEM;
		s->v = p;
		s->room = room;
	}
	s->v[s->n].dev = dev;
	s->v[s->n++].addr = addr;
	return 0;
}

static bool set_has(const struct proxy_set *s, __u32 dev, __be32 addr)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].dev == dev && s->v[i].addr == addr)
			return true;
	}
	return false;
}

static int collect_present(unsigned int dev, __be32 addr, void *ctx)
{
	return set_add(ctx, dev, addr);
}

/* Every address of `p` but the network and broadcast address of the subnet `a`,
 * and those of the host itself. */
static int want_prefix(struct proxy_set *want, const struct links *l, const struct addr *a,
		       const struct prefix4 *p)
{
	__u32 first = host32(p->addr), n = 1u << (32 - p->len), i;
	__u32 net = host32(a->prefix.w[0]), bcast = net | (a->len ? ~0u >> a->len : ~0u);
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		__u32 addr = first + i;

		if (a->len < 31 && (addr == net || addr == bcast))
			continue;
		if (!shared_is_local(l, be32(addr)) && !set_has(want, a->ifindex, be32(addr)))
			rc = set_add(want, a->ifindex, be32(addr));
	}
	return rc;
}

static int want_all(struct proxy_set *want, const struct config *c, const struct attachment *at,
		    const struct n64_slot *slot, say_fn say)
{
	const struct links *l = &at->links;
	const struct ports *p = &at->ports;
	struct vlan_hdr tag[N64_MAX_TAGS];
	struct prefix4 *p4;
	char text[PREFIX_TEXT];
	size_t n4, i, k;
	__u32 n_tags;
	int rc = translated4(c, l, slot, &p4, &n4);

	for (i = 0; i < l->n_addr && !rc; i++) {
		const struct addr *a = &l->addr[i];
		const struct link *dev = link_by_index(l, a->ifindex);
		struct prefix4 net = { a->prefix.w[0], a->len };

		if (a->fam != AF_INET || !dev || !link_port(l, dev, p->ifindex, p->n, tag, &n_tags))
			continue;
		for (k = 0; k < n4 && !rc; k++) {
			/* Equal or wider: hosts live there, it is not ours to answer. */
			if (p4[k].len <= net.len || !prefix4_covers(&net, p4[k].addr, p4[k].len))
				continue;
			if (p4[k].len >= PROXY_MIN_LEN)
				rc = want_prefix(want, l, a, &p4[k]);
			else
				report_say(say,
					   "warning: %s lies inside the connected prefix of %s "
					   "and is too large for proxy ARP (/%d at most); route "
					   "it to this gateway on the neighbouring routers",
					   prefix4_text(&p4[k], text), dev->name, PROXY_MIN_LEN);
		}
	}
	free(p4);
	return rc;
}

/* The entries that this instance made on one device, from the journal. */
static json_t *record_of(const struct state *s, __u32 dev)
{
	json_t *rec;
	size_t i;

	json_array_foreach(json_object_get(s->doc, "undo"), i, rec) {
		const char *kind = json_string_value(json_object_get(rec, "kind"));

		if (kind && !strcmp(kind, "proxy") &&
		    (__u32)json_integer_value(json_object_get(rec, "ifindex")) == dev)
			return rec;
	}
	return NULL;
}

static size_t place_in(const json_t *list, const char *text)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		if (!strcmp(json_string_value(v), text))
			break;
	}
	return i;
}

static int add_on(struct state *s, struct nl *nl, const struct proxy_set *want,
		  const struct proxy_set *have, __u32 dev, size_t *added)
{
	json_t *rec = record_of(s, dev), *list;
	char text[PREFIX_TEXT];
	size_t i;
	int rc = 0;

	*added = 0;
	if (!rec) {
		rc = state_push(s, json_pack("{s:s, s:I, s:[]}", "kind", "proxy", "ifindex",
					     (json_int_t)dev, "addresses"));
		rec = state_last(s);
	}
	if (rc)
		return rc;
	list = json_object_get(rec, "addresses");
	for (i = 0; i < want->n; i++) {
		/* An entry that somebody else made is theirs. */
		if (want->v[i].dev != dev || set_has(have, dev, want->v[i].addr))
			continue;
		/* one that stands in the journal went when its link was down */
		addr4_text(want->v[i].addr, text);
		if (place_in(list, text) >= json_array_size(list))
			json_array_append_new(list, json_string(text));
	}
	rc = state_save(s);
	for (i = 0; i < want->n && !rc; i++) {
		if (want->v[i].dev != dev || set_has(have, dev, want->v[i].addr))
			continue;
		rc = nl_proxy4_add(nl, dev, want->v[i].addr);
		(*added)++;
	}
	return rc;
}

/* Takes out of one record what is not wanted any more, also what the kernel has
 * dropped already (it does when a link goes down). Returns how many entries went. */
static size_t remove_from(json_t *rec, struct nl *nl, const struct proxy_set *want,
			  const struct proxy_set *have, bool *changed)
{
	json_t *list = json_object_get(rec, "addresses");
	__u32 dev = (__u32)json_integer_value(json_object_get(rec, "ifindex"));
	size_t i, n = 0;
	__be32 addr;

	for (i = json_array_size(list); i-- > 0;) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || inet_pton(AF_INET, text, &addr) != 1 || set_has(want, dev, addr))
			continue;
		if (set_has(have, dev, addr) && !nl_proxy4_del(nl, dev, addr))
			n++;
		json_array_remove(list, i);
		*changed = true;
	}
	return n;
}

static size_t remove_stale(struct state *s, struct nl *nl, const struct proxy_set *want,
			   const struct proxy_set *have)
{
	bool changed = false;
	size_t i, n = 0;
	json_t *rec;

	json_array_foreach(json_object_get(s->doc, "undo"), i, rec) {
		const char *kind = json_string_value(json_object_get(rec, "kind"));

		if (kind && !strcmp(kind, "proxy"))
			n += remove_from(rec, nl, want, have, &changed);
	}
	if (changed)
		state_save(s);
	return n;
}

static int sync_sets(struct state *s, struct nl *nl, const struct links *l,
		     const struct proxy_set *want, const struct proxy_set *have, say_fn say)
{
	size_t i, n = remove_stale(s, nl, want, have);
	int rc = 0;

	if (n)
		report_say(say, "removed %zu proxy ARP entries", n);
	for (i = 0; i < want->n && !rc; i++) {
		__u32 dev = want->v[i].dev;
		const struct link *d = link_by_index(l, dev);
		size_t k;

		for (k = 0; k < i && want->v[k].dev != dev; k++)
			;
		if (k < i)
			continue; /* this device is done */
		rc = add_on(s, nl, want, have, dev, &n);
		if (n)
			report_say(say, "answering ARP for %zu translated addresses on %s", n,
				   d ? d->name : "?");
	}
	return rc;
}

int proxies_sync(struct attachment *a, const struct config *c, const struct n64_slot *slot,
		 say_fn say, struct config_error *err)
{
	struct proxy_set want = { 0 }, have = { 0 };
	int rc = 0;

	if (c->opt.proxy_arp == PROXY_ARP_AUTO)
		rc = want_all(&want, c, a, slot, say);
	if (!rc)
		rc = nl_proxies4(&a->nl, collect_present, &have);
	if (!rc)
		rc = sync_sets(&a->state, &a->nl, &a->links, &want, &have, say);
	if (rc)
		report_error(err, rc, "cannot make the proxy ARP entries: %s%s%s", strerror(-rc),
			     a->nl.why[0] ? ": " : "", a->nl.why);
	free(want.v);
	free(have.v);
	return rc;
}

unsigned int proxies_missing(const struct state *s, struct nl *nl, __u32 dev)
{
	const json_t *list = json_object_get(record_of(s, dev), "addresses"), *a;
	struct proxy_set have = { 0 };
	unsigned int n = 0;
	size_t i;
	__be32 addr;

	if (json_array_size(list) && !nl_proxies4(nl, collect_present, &have)) {
		json_array_foreach(list, i, a) {
			if (inet_pton(AF_INET, json_string_value(a), &addr) == 1 &&
			    !set_has(&have, dev, addr))
				n++;
		}
	}
	free(have.v);
	return n;
}

/* ---- warnings ----------------------------------------------------------- */

static void warn_address(const struct config *c, const struct links *l, const struct addr *a,
			 const struct ports *p, say_fn say)
{
	const struct link *dev = link_by_index(l, a->ifindex);
	struct prefix6 net = { a->prefix, a->len };
	struct vlan_hdr tag[N64_MAX_TAGS];
	char text[PREFIX_TEXT];
	__u32 n_tags;
	size_t i;

	if (!dev || !link_port(l, dev, p->ifindex, p->n, tag, &n_tags))
		return;
	for (i = 0; a->fam == AF_INET6 && i < c->pref64.n; i++) {
		if (prefix6_covers(&net, &c->pref64.v[i].addr, c->pref64.v[i].len))
			report_say(say,
				   "warning: pref64 %s lies inside the connected prefix of %s, "
				   "whose hosts ask for its addresses by neighbour discovery and "
				   "get no answer; route it to this gateway",
				   prefix6_text(&c->pref64.v[i], text), dev->name);
	}
}

void routes_warn(const struct config *c, const struct links *l, const struct ports *p,
		 say_fn say)
{
	char text[PREFIX_TEXT], host[PREFIX_TEXT];
	struct prefix4 *p4;
	size_t n4, i, k;

	if (translated4(c, l, NULL, &p4, &n4))
		return;
	for (i = 0; i < l->n_addr; i++) {
		const struct addr *a = &l->addr[i];

		warn_address(c, l, a, p, say);
		/* of pool4 it is shared with the host (GEN-05), which is said elsewhere */
		for (k = 0; a->fam == AF_INET && c->opt.mode == MODE_SIIT && k < n4; k++) {
			if (prefix4_covers(&p4[k], a->local.w[0], 32))
				report_say(say,
					   "warning: %s is an address of this host and lies in "
					   "the translated prefix %s; packets to it that arrive "
					   "on a port are translated, not delivered",
					   addr4_text(a->local.w[0], host),
					   prefix4_text(&p4[k], text));
		}
	}
	free(p4);
}
