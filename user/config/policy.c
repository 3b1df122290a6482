/* SPDX-License-Identifier: GPL-2.0-only */
/* Compiles the lists into one table per family. For every distinct prefix of any
 * list the row says what the longest covering entry of each list says (RFC 7757
 * 3.3: longest match per table), so one longest-prefix lookup answers for all
 * lists at once. O(n log n): sort, then one pass with a stack of the prefixes
 * that the current one lies in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "policy_int.h"
#include "span.h"

enum kind { KIND_EAM, KIND_XLAT4, KIND_HOSTLESS, KIND_DENY, KIND_ALLOW, KIND_NOXLAT, KIND_BCAST,
	    KIND_HOSTS };

/* What is known about a prefix: its own entries over those of what it lies in. */
struct meaning {
	struct span span;
	__u32 flags;
	__u32 entry;			/* of `stateless`, with POL_EAM or POL_XLAT4 */
	__u32 eam;			/* index, with POL_EAM */
	__u16 port[N64_NOXLAT_PORTS];
	__u8 n_port;			/* 0 with POL_NOXLAT: every port */
};

struct compiler {
	const struct config *c;
	struct span *span;
	size_t n;
	struct meaning stack[SPAN_DEPTH];
	size_t depth;
	size_t too_many;
};

/* GEN-04: ports of all covering entries together; one entry for every port
 * covers them all, wherever in the nesting it stands. */
static int add_noxlat(struct meaning *m, __u16 port)
{
	bool had = m->flags & POL_NOXLAT;

	m->flags |= POL_NOXLAT;
	if (had && !m->n_port)
		return 0;
	if (!port) {
		m->n_port = 0;
		memset(m->port, 0, sizeof(m->port));
		return 0;
	}
	for (__u8 i = 0; i < m->n_port; i++)
		if (m->port[i] == port)
			return 0;
	if (m->n_port == N64_NOXLAT_PORTS)
		return -E2BIG;
	m->port[m->n_port++] = port;
	return 0;
}

static int add_entry(struct compiler *k, struct meaning *m, const struct span *s)
{
	int rc = 0;

	switch ((enum kind)s->kind) {
	case KIND_EAM:
		m->flags |= POL_EAM;
		m->eam = s->index;
		m->entry = config_entry_of_eam(k->c, s->index);
		break;
	case KIND_XLAT4:
		m->flags |= POL_XLAT4;
		m->entry = config_entry_of_xlat4(k->c, s->index);
		break;
	case KIND_HOSTLESS:
		m->flags &= ~(__u32)POL_XLAT4;
		break;
	case KIND_DENY:
		m->flags |= POL_DENY;
		break;
	case KIND_ALLOW:
		m->flags |= POL_ALLOW;
		break;
	case KIND_HOSTS:
		m->flags |= POL_HOSTS;
		break;
	case KIND_BCAST:
		m->flags |= POL_BCAST;
		break;
	case KIND_NOXLAT:
		rc = add_noxlat(m, k->c->no_translate.v[s->index].port);
		if (rc)
			k->too_many = s->index;
		break;
	}
	return rc;
}

static bool group_has_all_ports(const struct compiler *k, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (k->span[i].kind == KIND_NOXLAT &&
		    !k->c->no_translate.v[k->span[i].index].port)
			return true;
	return false;
}

/* The meaning of the prefix whose entries are span[from..to), on top of the
 * stack. */
static int combine(struct compiler *k, size_t from, size_t to)
{
	const struct span *s = &k->span[from];
	struct meaning *m;
	int rc = 0;

	while (k->depth && !span_covers(&k->stack[k->depth - 1].span, s))
		k->depth--;
	m = &k->stack[k->depth];
	if (k->depth)
		*m = k->stack[k->depth - 1];
	else
		memset(m, 0, sizeof(*m));
	m->span = *s;
	k->depth++;
	/* first, or its ports would be counted against the limit */
	if (group_has_all_ports(k, from, to))
		rc = add_noxlat(m, 0);
	for (size_t i = from; !rc && i < to; i++)
		rc = add_entry(k, m, &k->span[i]);
	return rc;
}

static size_t group_end(const struct compiler *k, size_t from)
{
	size_t to = from + 1;

	while (to < k->n && span_same(&k->span[from], &k->span[to]))
		to++;
	return to;
}

static void write_row4(const struct compiler *k, struct policy_row4 *r)
{
	const struct meaning *m = &k->stack[k->depth - 1];

	memset(r, 0, sizeof(*r));
	r->key.prefixlen = m->span.len;
	r->key.addr = be32(m->span.hi >> 32);
	r->val.flags = m->flags | m->entry << POL_ENTRY_SHIFT;
	r->val.n_noxlat_port = m->n_port;
	memcpy(r->val.noxlat_port, m->port, sizeof(m->port));
	if (m->flags & POL_EAM) {
		const struct eam_entry *e = &k->c->eam.v[m->eam];

		r->val.eam4_len = e->v4.len;
		r->val.eam6_len = e->v6.len;
		r->val.eam6 = e->v6.addr;
	}
}

static void write_row6(const struct compiler *k, struct policy_row6 *r)
{
	const struct meaning *m = &k->stack[k->depth - 1];

	memset(r, 0, sizeof(*r));
	r->key.prefixlen = m->span.len;
	r->key.addr.w[0] = be32(m->span.hi >> 32);
	r->key.addr.w[1] = be32(m->span.hi);
	r->key.addr.w[2] = be32(m->span.lo >> 32);
	r->key.addr.w[3] = be32(m->span.lo);
	r->val.flags = m->flags | m->entry << POL_ENTRY_SHIFT;
	r->val.n_noxlat_port = m->n_port;
	memcpy(r->val.noxlat_port, m->port, sizeof(m->port));
	if (m->flags & POL_EAM) {
		const struct eam_entry *e = &k->c->eam.v[m->eam];

		r->val.eam4_len = e->v4.len;
		r->val.eam6_len = e->v6.len;
		r->val.eam4 = e->v4.addr;
	}
}

/* xlat4 0.0.0.0/0: a CLAT does not know where its IPv4 hosts are. */
static bool has_everything(const struct config *c)
{
	for (size_t i = 0; i < c->xlat4.n; i++)
		if (!c->xlat4.v[i].len)
			return true;
	return false;
}

static void gather4(struct compiler *k, const __be32 *bcast4, size_t n_bcast)
{
	const struct config *c = k->c;
	size_t n = 0;

	for (size_t i = 0; i < c->eam.n; i++)
		k->span[n++] = span4(&c->eam.v[i].v4, KIND_EAM, i);
	for (size_t i = 0; i < c->xlat4.n; i++)
		k->span[n++] = span4(&c->xlat4.v[i], KIND_XLAT4, i);
	for (size_t i = 0; i < N_HOSTLESS4 && has_everything(c); i++)
		k->span[n++] = span4(&hostless4[i], KIND_HOSTLESS, i);
	for (size_t i = 0; i < c->denylist4.n; i++)
		k->span[n++] = span4(&c->denylist4.v[i], KIND_DENY, i);
	for (size_t i = 0; i < c->no_translate.n; i++)
		if (c->no_translate.v[i].fam == FAM_4)
			k->span[n++] = span4(&c->no_translate.v[i].v4, KIND_NOXLAT, i);
	for (size_t i = 0; i < n_bcast; i++) {
		struct prefix4 host = { bcast4[i], 32 };

		k->span[n++] = span4(&host, KIND_BCAST, i);
	}
	for (size_t i = 0; c->opt.mode == MODE_DYNAMIC && i < c->pool4.n; i++)
		k->span[n++] = span4(&c->pool4.v[i].prefix, KIND_HOSTS, i);
	for (size_t i = 0; c->opt.mode == MODE_DYNAMIC && i < c->statics.n; i++) {
		struct prefix4 host = { c->statics.v[i].addr4, 32 };

		k->span[n++] = span4(&host, KIND_HOSTS, i);
	}
	k->n = n;
}

static void gather6(struct compiler *k)
{
	const struct config *c = k->c;
	size_t n = 0;

	for (size_t i = 0; i < c->eam.n; i++)
		k->span[n++] = span6(&c->eam.v[i].v6, KIND_EAM, i);
	for (size_t i = 0; i < c->allow6.n; i++)
		k->span[n++] = span6(&c->allow6.v[i], KIND_ALLOW, i);
	for (size_t i = 0; i < c->no_translate.n; i++)
		if (c->no_translate.v[i].fam == FAM_6)
			k->span[n++] = span6(&c->no_translate.v[i].v6, KIND_NOXLAT, i);
	k->n = n;
}

static int compile_rows(struct compiler *k, struct policy *p, bool v4)
{
	void *rows = calloc(k->n + 1, v4 ? sizeof(*p->row4) : sizeof(*p->row6));
	int rc = rows ? 0 : -ENOMEM;
	size_t n = 0;

	if (v4)
		p->row4 = rows;
	else
		p->row6 = rows;
	span_sort(k->span, k->n);
	k->depth = 0;
	for (size_t i = 0, to; !rc && i < k->n; i = to) {
		to = group_end(k, i);
		rc = combine(k, i, to);
		if (rc)
			break;
		if (v4)
			write_row4(k, &p->row4[n++]);
		else
			write_row6(k, &p->row6[n++]);
	}
	if (v4)
		p->n4 = n;
	else
		p->n6 = n;
	return rc;
}

/* +1: malloc(0) may be NULL */
static void *copy_list(const void *v, size_t n, size_t size)
{
	void *copy = malloc(n * size + 1);

	if (copy && n)
		memcpy(copy, v, n * size);
	return copy;
}

static int copy_pools(const struct config *c, struct policy *p)
{
	p->pool4 = copy_list(c->pool6791v4.v, c->pool6791v4.n, sizeof(*p->pool4));
	p->pool6 = copy_list(c->pool6791v6.v, c->pool6791v6.n, sizeof(*p->pool6));
	if (!p->pool4 || !p->pool6)
		return -ENOMEM;
	p->n_pool4 = c->pool6791v4.n;
	p->n_pool6 = c->pool6791v6.n;
	return 0;
}

int policy_compile_at(const struct config *c, const struct n64_conf *conf,
		      const __be32 *bcast4, size_t n_bcast, struct policy *p, size_t *too_many)
{
	struct compiler *k = calloc(1, sizeof(*k));
	size_t most = c->eam.n + c->xlat4.n + N_HOSTLESS4 + c->denylist4.n + c->allow6.n +
		      c->no_translate.n + c->pool4.n + c->statics.n + n_bcast;
	int rc = -ENOMEM;

	memset(p, 0, sizeof(*p));
	p->conf = *conf;
	if (n_bcast)
		p->conf.have |= HAVE_BCAST4;
	if (!k)
		return -ENOMEM;
	k->c = c;
	k->span = calloc(most + 1, sizeof(*k->span));
	if (!k->span)
		goto out;
	gather4(k, bcast4, n_bcast);
	rc = compile_rows(k, p, true);
	if (rc)
		goto out;
	gather6(k);
	rc = compile_rows(k, p, false);
	if (!rc)
		rc = copy_pools(c, p);
	if (!rc && c->opt.mode != MODE_SIIT)
		rc = policy_dynamic(c, p);
	if (!rc)
		rc = policy_index(p);
out:
	if (rc == -E2BIG && too_many)
		*too_many = k->too_many;
	free(k->span);
	free(k);
	if (rc)
		policy_free(p);
	return rc;
}

int policy_compile(const struct config *c, const struct n64_conf *conf, const __be32 *bcast4,
		   size_t n_bcast, struct policy *p)
{
	return policy_compile_at(c, conf, bcast4, n_bcast, p, NULL);
}
