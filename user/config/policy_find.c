/* SPDX-License-Identifier: GPL-2.0-only */
/* Longest-prefix match in user space. The rows nest like parentheses; flattened
 * they are disjoint ranges, and a binary search finds the one that holds an
 * address. Two lines of cache for the worker's usual tables. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_int.h"
#include "span.h"

static struct u128 value_of(const struct addr6 *a)
{
	return (struct u128){ (__u64)host32(a->w[0]) << 32 | host32(a->w[1]),
			      (__u64)host32(a->w[2]) << 32 | host32(a->w[3]) };
}

static bool not_above(const struct u128 *a, const struct u128 *b)
{
	return a->hi < b->hi || (a->hi == b->hi && a->lo <= b->lo);
}

/* First address behind the span; false: it ends the address space. */
static bool span_next(const struct span *s, struct u128 *next)
{
	if (!s->len)
		return false;
	*next = (struct u128){ s->hi, s->lo };
	if (s->len <= 64) {
		next->hi += 1ull << (64 - s->len);
		return next->hi != 0;
	}
	next->lo += 1ull << (128 - s->len);
	if (!next->lo)
		next->hi++;
	return next->hi || next->lo;
}

/* The ranges of both families come from here, in the form of ranges6. */
struct flat {
	struct u128 *start;
	__u32 *row;
	size_t n;
	const struct span *stack[SPAN_DEPTH];
	size_t depth;
};

/* Ranges may be empty: of those with the same start the search takes the last. */
static void flat_put(struct flat *f, const struct u128 *start, __u32 row)
{
	f->start[f->n] = *start;
	f->row[f->n] = row;
	f->n++;
}

/* Leaves the prefixes on the stack that do not cover `s` (NULL: all). */
static void flat_leave(struct flat *f, const struct span *s)
{
	while (f->depth && !(s && span_covers(f->stack[f->depth - 1], s))) {
		const struct span *inner = f->stack[--f->depth];
		struct u128 next;

		if (span_next(inner, &next))
			flat_put(f, &next, f->depth ? f->stack[f->depth - 1]->index : NO_ROW);
	}
}

static int flatten(struct flat *f, const struct span *rows, size_t n)
{
	static const struct u128 zero;

	memset(f, 0, sizeof(*f));
	f->start = calloc(2 * n + 1, sizeof(*f->start));
	f->row = calloc(2 * n + 1, sizeof(*f->row));
	if (!f->start || !f->row)
		return -ENOMEM;
	flat_put(f, &zero, NO_ROW);
	for (size_t i = 0; i < n; i++) {
		struct u128 start = { rows[i].hi, rows[i].lo };

		flat_leave(f, &rows[i]);
		flat_put(f, &start, rows[i].index);
		f->stack[f->depth++] = &rows[i];
	}
	flat_leave(f, NULL);
	return 0;
}

static void flat_free(struct flat *f)
{
	free(f->start);
	free(f->row);
}

static int index4(const struct policy *p, struct ranges4 *r, struct span *span)
{
	struct flat f;
	int rc;

	for (size_t i = 0; i < p->n4; i++) {
		struct prefix4 q = { p->row4[i].key.addr, (__u8)p->row4[i].key.prefixlen };

		span[i] = span4(&q, 0, i);
	}
	rc = flatten(&f, span, p->n4);
	r->start = rc ? NULL : calloc(f.n, sizeof(*r->start));
	if (!r->start) {
		flat_free(&f);
		return -ENOMEM;
	}
	for (size_t i = 0; i < f.n; i++)
		r->start[i] = (__u32)(f.start[i].hi >> 32);
	r->row = f.row;
	r->n = f.n;
	free(f.start);
	return 0;
}

static int index6(const struct policy *p, struct ranges6 *r, struct span *span)
{
	struct flat f;

	for (size_t i = 0; i < p->n6; i++) {
		struct prefix6 q = { p->row6[i].key.addr, (__u8)p->row6[i].key.prefixlen };

		span[i] = span6(&q, 0, i);
	}
	if (flatten(&f, span, p->n6)) {
		flat_free(&f);
		return -ENOMEM;
	}
	r->start = f.start;
	r->row = f.row;
	r->n = f.n;
	return 0;
}

int policy_index(struct policy *p)
{
	struct policy_ranges *r = calloc(1, sizeof(*r));
	struct span *span = calloc((p->n4 > p->n6 ? p->n4 : p->n6) + 1, sizeof(*span));
	int rc = -ENOMEM;

	p->index = r;
	if (r && span)
		rc = index4(p, &r->r4, span);
	if (!rc)
		rc = index6(p, &r->r6, span);
	free(span);
	return rc;
}

const struct n64_pol4 *policy_find4(const struct policy *p, __be32 addr)
{
	const struct ranges4 *r = &((const struct policy_ranges *)p->index)->r4;
	__u32 a = host32(addr);
	size_t at = 0, n = r->n;

	/* start[at] <= a always holds; no branch to guess wrong */
	while (n > 1) {
		size_t half = n / 2;

		at = r->start[at + half] <= a ? at + half : at;
		n -= half;
	}
	return r->row[at] == NO_ROW ? NULL : &p->row4[r->row[at]].val;
}

const struct n64_pol6 *policy_find6(const struct policy *p, const struct addr6 *addr)
{
	const struct ranges6 *r = &((const struct policy_ranges *)p->index)->r6;
	struct u128 a = value_of(addr);
	size_t at = 0, n = r->n;

	while (n > 1) {
		size_t half = n / 2;

		at = not_above(&r->start[at + half], &a) ? at + half : at;
		n -= half;
	}
	return r->row[at] == NO_ROW ? NULL : &p->row6[r->row[at]].val;
}

void policy_free(struct policy *p)
{
	struct policy_ranges *r = p->index;

	if (r) {
		free(r->r4.start);
		free(r->r4.row);
		free(r->r6.start);
		free(r->r6.row);
		free(r);
	}
	free(p->pool_line);
	free(p->dynamic);
	free(p->slot);
	free(p->row4);
	free(p->row6);
	free(p->pool4);
	free(p->pool6);
	memset(p, 0, sizeof(*p));
}
