/* SPDX-License-Identifier: GPL-2.0-only */
/* Prefixes of both families in one form, sorted so that a prefix stands before
 * all that lie inside it: what nests in what is then found with one stack. */
#ifndef N64_SPAN_H
#define N64_SPAN_H

#include "config.h"

struct span {
	__u64 hi, lo;	/* address, host order; IPv4 in the upper half of hi */
	__u32 index;	/* whatever the owner wants to find again */
	__u16 kind;
	__u8 len;
};

/* Deepest nesting of distinct prefixes: lengths 0 to 128. */
#define SPAN_DEPTH 129

n64_inline struct span span4(const struct prefix4 *p, __u16 kind, size_t index)
{
	return (struct span){ (__u64)host32(p->addr) << 32, 0, (__u32)index, kind, p->len };
}

n64_inline struct span span6(const struct prefix6 *p, __u16 kind, size_t index)
{
	return (struct span){ (__u64)host32(p->addr.w[0]) << 32 | host32(p->addr.w[1]),
			      (__u64)host32(p->addr.w[2]) << 32 | host32(p->addr.w[3]),
			      (__u32)index, kind, p->len };
}

n64_inline bool span_same(const struct span *a, const struct span *b)
{
	return a->hi == b->hi && a->lo == b->lo && a->len == b->len;
}

n64_inline bool span_covers(const struct span *outer, const struct span *inner)
{
	__u64 hi = outer->hi ^ inner->hi, lo = outer->lo ^ inner->lo;

	if (outer->len > inner->len)
		return false;
	if (!outer->len)
		return true;
	if (outer->len <= 64)
		return !(hi >> (64 - outer->len));
	return !hi && !(lo >> (128 - outer->len));
}

/* By address, length, kind, index. */
void span_sort(struct span *v, size_t n);

#endif
