/* SPDX-License-Identifier: GPL-2.0-only */
/* Going round evenly (ST-10). */
#include "worker/pace.h"

void pace_flow(struct pace *p, __u32 ms, __u32 period)
{
	__u64 most = (__u64)p->size * period;

	p->credit += (__u64)p->size * ms;
	if (p->credit > most)
		p->credit = most;
}

bool pace_due(const struct pace *p, __u32 period)
{
	return p->size && p->credit >= period;
}

__u32 pace_take(struct pace *p, __u32 period, __u32 most, __u32 *n)
{
	__u32 at = p->at;
	__u64 due = p->credit / period;

	*n = p->size - at;
	if (*n > most)
		*n = most;
	if (*n > due)
		*n = (__u32)due;
	p->credit -= (__u64)*n * period;
	p->at = at + *n == p->size ? 0 : at + *n;
	return at;
}

void pace_resize(struct pace *p, __u32 size, __u32 period)
{
	if (p->size == size)
		return;
	p->size = size;
	p->at = 0;
	pace_flow(p, 0, period);
}

void pace_adapt(struct pace_budget *b, bool done)
{
	if (!done)
		b->now = b->now > b->high / 2 ? b->high : b->now * 2;
	else
		b->now = b->now / 2 < b->low ? b->low : b->now / 2;
}
