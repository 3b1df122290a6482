/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of spans. */
#include <stdlib.h>

#include "span.h"

static int by_nesting(const void *pa, const void *pb)
{
	const struct span *a = pa, *b = pb;

	if (a->hi != b->hi)
		return a->hi < b->hi ? -1 : 1;
	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	return 0;
}

void span_sort(struct span *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), by_nesting);
}
