/* SPDX-License-Identifier: GPL-2.0-only */
/* Routes into the pair. */
#include "routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared.h"

bool prefix4_covers(const struct prefix4 *outer, __be32 addr, unsigned int len)
{
	__be32 mask = outer->len ? be32(~0u << (32 - outer->len)) : 0;

	return len >= outer->len && (addr & mask) == outer->addr;
}

bool prefix6_covers(const struct prefix6 *outer, const struct addr6 *addr, unsigned int len)
{
	unsigned int i, bits;

	if (len < outer->len)
		return false;
	for (i = 0; i < 4; i++) {
		bits = outer->len > 32 * i ? outer->len - 32 * i : 0;
		if (!bits)
			break;
		if ((addr->w[i] ^ outer->addr.w[i]) & (bits < 32 ? be32(~0u << (32 - bits)) : ~0u))
			return false;
	}
	return true;
}

static int by_prefix4(const void *a, const void *b)
{
	const struct prefix4 *x = a, *y = b;
	__u32 p = host32(x->addr), q = host32(y->addr);

	if (p != q)
		return p < q ? -1 : 1;
	return (int)x->len - (int)y->len;
}

/* Whose packets come to the pool: pool4, static addresses, what drains. */
static size_t pool_prefixes(const struct config *c, const struct n64_slot *slot,
			    struct prefix4 *p)
{
	size_t i, n = 0;

	for (i = 0; i < c->pool4.n; i++)
		p[n++] = c->pool4.v[i].prefix;
	for (i = 0; i < c->statics.n; i++)
		p[n++] = (struct prefix4){ c->statics.v[i].addr4, 32 };
	for (i = 0; slot && i < N64_MAX_SLOTS; i++) {
		/* mode dynamic: a slot is no address, and a removed prefix has no route */
		if (slot[i].flags & SLOT_DRAINING && c->opt.mode == MODE_STATEFUL)
			p[n++] = (struct prefix4){ slot[i].addr, 32 };
	}
	return n;
}

/* A prefix of the pool goes to nat64 unless it is an address of the host, or lies in
 * one that goes there anyway. */
static bool is_routed_pool(const struct prefix4 *p, const struct prefix4 *pool, size_t n,
			   const struct links *l)
{
	size_t i;

	if (p->len == 32 && shared_is_local(l, p->addr))
		return false;
	for (i = 0; i < n; i++) {
		if (pool[i].len < p->len && prefix4_covers(&pool[i], p->addr, p->len))
			return false;
	}
	return true;
}

int translated4(const struct config *c, const struct links *l, const struct n64_slot *slot,
		struct prefix4 **v, size_t *n)
{
	size_t i, n_pool, all = c->eam.n + c->xlat4.n, kept = 0;
	size_t most = c->pool4.n + c->statics.n + N64_MAX_SLOTS;
	struct prefix4 *pool = calloc(most, sizeof(*pool));
	struct prefix4 *p = calloc(all + most, sizeof(*p));

	if (!p || !pool) {
		free(p);
		free(pool);
		return -ENOMEM;
	}
	for (i = 0; i < c->eam.n; i++)
		p[i] = c->eam.v[i].v4;
	for (i = 0; i < c->xlat4.n; i++)
		p[c->eam.n + i] = c->xlat4.v[i];
	n_pool = pool_prefixes(c, slot, pool);
	for (i = 0; i < n_pool; i++) {
		if (is_routed_pool(&pool[i], pool, n_pool, l))
			p[all++] = pool[i];
	}
	free(pool);
	qsort(p, all, sizeof(*p), by_prefix4);
	for (i = 0; i < all; i++) {
		if (!kept || by_prefix4(&p[kept - 1], &p[i]))
			p[kept++] = p[i];
	}
	*v = p;
	*n = kept;
	return 0;
}

/* ---- what is wanted and what is there ----------------------------------- */

struct wanted {
	struct nl_route r;
	bool present;	/* ours already */
	bool elsewhere;	/* the host routes exactly this prefix another way */
};

struct table {
	struct wanted *v;
	size_t n;
	__u32 dev;
	struct nl_route *stale; /* ours, no longer wanted */
	size_t n_stale, room;
	int rc;
};

static int by_route(const void *a, const void *b)
{
	const struct nl_route *x = &((const struct wanted *)a)->r;
	const struct nl_route *y = &((const struct wanted *)b)->r;

	if (x->fam != y->fam)
		return (int)x->fam - (int)y->fam;
	if (x->len != y->len)
		return (int)x->len - (int)y->len;
	return memcmp(&x->dst, &y->dst, sizeof(x->dst));
}

static struct wanted *find(struct table *t, const struct nl_route *r)
{
	struct wanted key = { .r = *r };

	return bsearch(&key, t->v, t->n, sizeof(*t->v), by_route);
}

static int note_stale(struct table *t, const struct nl_route *r)
{
	if (t->n_stale == t->room) {
		size_t room = t->room ? 2 * t->room : 16;
		void *p = reallocarray(t->stale, room, sizeof(*t->stale));

		if (!p)
			return -ENOMEM;
		t->stale = p;
		t->room = room;
	}
	t->stale[t->n_stale++] = *r;
	return 0;
}

static int compare_row(const struct nl_route *r, void *ctx)
{
	struct table *t = ctx;
	struct wanted *w;

	if (r->table != RT_TABLE_MAIN)
		return 0;
	w = find(t, r);
	if (r->oif == t->dev && r->proto == N64_RTPROTO) {
		if (w)
			w->present = true;
		return w ? 0 : note_stale(t, r);
	}
	if (w)
		w->elsewhere = true;
	return 0;
}

/* The pref64 of a stateless entry may be that of another, or of the mode. */
static void want_pref64(struct table *t, const struct prefix6 *p)
{
	struct nl_route *r = &t->v[t->n].r;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].r.len == p->len && !memcmp(&t->v[i].r.dst, &p->addr, sizeof(p->addr)))
			return;
	if (!p->len)
		return;
	r->fam = AF_INET6;
	r->len = p->len;
	r->dst = p->addr;
	r->oif = t->dev;
	t->n++;
}

static int wanted_fill(struct table *t, const struct config *c, const struct links *l,
		       const struct n64_slot *slot)
{
	struct prefix4 *p4;
	size_t n4, i;
	int rc = translated4(c, l, slot, &p4, &n4);

	if (rc)
		return rc;
	t->v = calloc(c->pref64.n + c->stateless.n + n4 + 1, sizeof(*t->v));
	for (i = 0; t->v && i < c->pref64.n; i++)
		want_pref64(t, &c->pref64.v[i]);
	for (i = 0; t->v && i < c->stateless.n; i++)
		want_pref64(t, &c->stateless.v[i].pref64);
	for (i = 0; t->v && i < n4; i++) {
		struct nl_route *r = &t->v[t->n++].r;

		r->fam = AF_INET;
		r->len = p4[i].len;
		r->dst.w[0] = p4[i].addr;
		r->oif = t->dev;
	}
	free(p4);
	if (!t->v)
		return -ENOMEM;
	qsort(t->v, t->n, sizeof(*t->v), by_route);
	return 0;
}

static const char *route_text(const struct nl_route *r, char buf[PREFIX_TEXT])
{
	struct prefix4 p4 = { r->dst.w[0], r->len };
	struct prefix6 p6 = { r->dst, r->len };

	return r->fam == AF_INET ? prefix4_text(&p4, buf) : prefix6_text(&p6, buf);
}

static int write_routes(struct nl *nl, struct table *t, const char *name, say_fn say,
			struct config_error *err)
{
	char text[PREFIX_TEXT];
	size_t i, added = 0;
	int rc;

	for (i = 0; i < t->n; i++) {
		const struct wanted *w = &t->v[i];

		if (w->present)
			continue;
		if (w->elsewhere) {
			report_say(say,
				   "warning: %s is routed elsewhere on this host; that route is "
				   "left, so packets of the kernel's own and of devices without "
				   "XDP for it are not translated",
				   route_text(&w->r, text));
			continue;
		}
		rc = nl_route_add(nl, &w->r);
		if (rc)
			return report_error(err, rc, "cannot route %s to %s: %s%s%s",
					    route_text(&w->r, text), name, strerror(-rc),
					    nl->why[0] ? ": " : "", nl->why);
		if (++added <= 8)
			report_say(say, "routed %s to %s", route_text(&w->r, text), name);
	}
	if (added > 8)
		report_say(say, "routed %zu more prefixes to %s", added - 8, name);
	for (i = 0; i < t->n_stale; i++) {
		rc = nl_route_del(nl, &t->stale[i]);
		report_say(say, "%s the route of %s to %s", rc ? "could not remove" : "removed",
			   route_text(&t->stale[i], text), name);
	}
	return 0;
}

int routes_sync(struct attachment *a, const struct config *c, const struct n64_slot *slot,
		say_fn say, struct config_error *err)
{
	struct table t = { .dev = a->pair.kernel };
	int rc = wanted_fill(&t, c, &a->links, slot);

	if (!rc)
		rc = nl_routes(&a->nl, AF_INET, compare_row, &t);
	if (!rc)
		rc = nl_routes(&a->nl, AF_INET6, compare_row, &t);
	if (rc)
		report_error(err, rc, "cannot read the routes of this host: %s", strerror(-rc));
	else
		rc = write_routes(&a->nl, &t, a->state.path.kernel, say, err);
	free(t.v);
	free(t.stale);
	return rc;
}
