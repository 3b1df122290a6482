/* SPDX-License-Identifier: GPL-2.0-only */
/* The addresses that pool4 and the static entries name, each once, with what it is
 * used for (PORT-10, ST-04), and the slot that each has for its life. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_int.h"
#include "span.h"

static int by_address(const void *pa, const void *pb)
{
	const struct pool_addr *a = pa, *b = pb;
	__u32 ha = host32(a->addr), hb = host32(b->addr);

	return ha < hb ? -1 : ha > hb;
}

static struct pool_addr *find(struct pool_addr *v, size_t n, __be32 addr)
{
	struct pool_addr key = { .addr = addr };

	return n ? bsearch(&key, v, n, sizeof(*v), by_address) : NULL;
}

/* Keeps the outermost of the sorted spans; how many addresses they hold. */
static __u64 outermost(struct span *v, size_t *n)
{
	__u64 total = 0;
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		if (kept && span_covers(&v[kept - 1], &v[i]))
			continue;
		v[kept++] = v[i];
		total += 1ull << (32 - v[i].len);
	}
	*n = kept;
	return total;
}

/* Every address of pool4 once, ascending. */
static int expand_pool(const struct config *c, struct pool_addr **out, __u64 *n)
{
	struct span *span = calloc(c->pool4.n + 1, sizeof(*span));
	size_t n_span = c->pool4.n, at = 0;
	int rc = 0;

	if (!span)
		return -ENOMEM;
	for (size_t i = 0; i < n_span; i++)
		span[i] = span4(&c->pool4.v[i].prefix, 0, i);
	span_sort(span, n_span);
	*n = outermost(span, &n_span);
	if (*n > N64_MAX_SLOTS) {
		rc = -E2BIG;
		goto out;
	}
	*out = calloc(*n + c->statics.n + 1, sizeof(**out));
	if (!*out) {
		rc = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < n_span; i++)
		for (__u32 j = 0; j < 1u << (32 - span[i].len); j++)
			(*out)[at++].addr = be32((__u32)(span[i].hi >> 32) + j);
out:
	free(span);
	return rc;
}

/* ST-04: the address of a static entry that is not in pool4 is added. */
static __u64 add_statics(const struct config *c, struct pool_addr *v, __u64 n_pool)
{
	__u64 n = n_pool, kept = 0;

	for (size_t i = 0; i < c->statics.n; i++)
		if (!find(v, n_pool, c->statics.v[i].addr4))
			v[n++].addr = c->statics.v[i].addr4;
	qsort(v, n, sizeof(*v), by_address);
	for (__u64 i = 0; i < n; i++)
		if (!kept || v[kept - 1].addr != v[i].addr)
			v[kept++] = v[i];
	return kept;
}

/* What the entries say about the addresses, which are all there. */
static void fill_use(const struct config *c, struct pool_addr *v, size_t n)
{
	for (size_t i = 0; i < c->pool4.n; i++) {
		const struct pool4_entry *e = &c->pool4.v[i];
		struct pool_addr *a = find(v, n, e->prefix.addr);

		for (__u32 j = 0; j < 1u << (32 - e->prefix.len); j++, a++) {
			a->dynamic |= (__u8)e->protos;
			for (__u32 proto = 0; proto < ST_ICMP; proto++)
				if (e->protos & 1u << proto)
					a->ports[proto] += (__u32)e->last - e->first + 1;
			if (e->protos & 1u << ST_ICMP)
				a->ports[ST_ICMP] = N64_ROW_PORTS;
		}
	}
	for (size_t i = 0; i < c->statics.n; i++)
		find(v, n, c->statics.v[i].addr4)->fixed |= (__u8)(1u << c->statics.v[i].proto);
}

int pool_addresses(const struct config *c, struct pool_addr **out, __u64 *n)
{
	int rc;

	*out = NULL;
	if (c->opt.mode == MODE_DYNAMIC)
		return host_blocks(c, out, n);
	rc = expand_pool(c, out, n);
	if (rc)
		return rc;
	*n = add_statics(c, *out, *n);
	if (*n > N64_MAX_SLOTS) {
		free(*out);
		*out = NULL;
		return -E2BIG;
	}
	fill_use(c, *out, *n);
	return 0;
}

/* What was there before keeps its place; until the configuration names it again it
 * drains. */
static void keep_before(const struct n64_slot *before, struct n64_slot *out)
{
	memset(out, 0, N64_MAX_SLOTS * sizeof(*out));
	for (__u32 i = 0; before && i < N64_MAX_SLOTS; i++) {
		if (!(before[i].flags & SLOT_USED))
			continue;
		out[i].addr = before[i].addr;
		out[i].flags = SLOT_USED | SLOT_DRAINING;
		out[i].protos = before[i].protos;
	}
}

int pool_slots(const struct config *c, const struct n64_slot *before, struct n64_slot *out)
{
	struct pool_addr *v;
	__u32 free_slot = 0;
	__u64 n;
	int rc = pool_addresses(c, &v, &n);

	if (rc)
		return rc;
	keep_before(before, out);
	for (__u32 i = 0; i < N64_MAX_SLOTS; i++) {
		struct pool_addr *a = out[i].flags ? find(v, n, out[i].addr) : NULL;

		if (!a)
			continue;
		out[i].flags = SLOT_USED;
		out[i].protos |= a->dynamic | a->fixed; /* a row lives as long as the slot */
		a->has_slot = true;
	}
	for (__u64 i = 0; !rc && i < n; i++) {
		if (v[i].has_slot)
			continue;
		while (free_slot < N64_MAX_SLOTS && out[free_slot].flags)
			free_slot++;
		if (free_slot == N64_MAX_SLOTS)
			rc = -E2BIG;
		else
			out[free_slot] = (struct n64_slot){ v[i].addr, SLOT_USED,
							    v[i].dynamic | v[i].fixed };
	}
	free(v);
	return rc;
}
