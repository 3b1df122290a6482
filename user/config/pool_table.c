/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables by which the programs know a pool address (ADR-23, common/pool.h) and
 * choose one for a new subscriber (PORT-04). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_int.h"
#include "pool.h"

#define SEEDS 64	/* tried before the table is doubled */
#define MOST_LINES (1u << 20)

int policy_dynamic(const struct config *c, struct policy *p)
{
	struct pool_addr *v;
	__u64 n, at = 0;
	int rc = pool_addresses(c, &v, &n);

	if (rc)
		return rc;
	p->dynamic = calloc(n + 1, sizeof(*p->dynamic));
	for (__u64 i = 0; p->dynamic && i < n; i++)
		if (v[i].dynamic)
			p->dynamic[at++] = (struct n64_dynamic){ v[i].addr, 0, v[i].dynamic };
	p->conf.st.n_dynamic = (__u32)at;
	p->conf.st.pool_lines = 0; /* until there is a table */
	free(v);
	return p->dynamic ? 0 : -ENOMEM;
}

/* False: a line would have more than its ways. */
static bool fill_lines(struct n64_pool_line *line, __u32 lines, __u32 seed,
		       const struct n64_slot *slot)
{
	memset(line, 0, lines * sizeof(*line));
	for (__u16 i = 0; i < N64_MAX_SLOTS; i++) {
		struct n64_pool_line *l;
		int way = 0;

		if (!(slot[i].flags & SLOT_USED))
			continue;
		l = &line[pool_line(slot[i].addr, seed, lines)];
		while (way < POOL_WAYS && l->way[way].addr)
			way++;
		if (way == POOL_WAYS)
			return false;
		l->way[way].addr = slot[i].addr;
		l->way[way].slot = i;
		l->way[way].flags = slot[i].flags;
	}
	return true;
}

/* Half full lines are nearly always possible with one of the seeds: a line has more
 * than eight of an average of four in one case of fifty, of two in one of four thousand. */
static int make_lines(struct policy *p)
{
	struct n64_state_conf *st = &p->conf.st;
	__u32 lines = 1, used = 0;

	for (__u32 i = 0; i < N64_MAX_SLOTS; i++)
		used += p->slot[i].flags & SLOT_USED ? 1 : 0;
	while (lines * 4 < used)
		lines *= 2;
	for (; lines <= MOST_LINES; lines *= 2) {
		free(p->pool_line);
		p->pool_line = calloc(lines, sizeof(*p->pool_line));
		if (!p->pool_line)
			return -ENOMEM;
		for (__u32 i = 0; i < SEEDS; i++) {
			st->pool_lines = lines;
			st->pool_seed = i * 0x9e3779b9u;
			if (fill_lines(p->pool_line, lines, st->pool_seed, p->slot))
				return 0;
		}
	}
	return -E2BIG; /* 4096 addresses in a million lines of eight: not with any pool */
}

int policy_pool_table(struct policy *p, const struct n64_slot *slots)
{
	const struct n64_env env = { .conf = &p->conf, .policy = p };
	__u32 kept = 0;
	int rc;

	free(p->slot);
	p->slot = malloc(N64_MAX_SLOTS * sizeof(*p->slot));
	if (!p->slot)
		return -ENOMEM;
	memcpy(p->slot, slots, N64_MAX_SLOTS * sizeof(*p->slot));
	rc = make_lines(p);
	if (rc)
		return rc;
	for (__u32 i = 0; i < p->conf.st.n_dynamic; i++) {
		struct n64_dynamic d = p->dynamic[i];
		__u32 flags = SLOT_DRAINING;
		int slot = pool_find(&env, d.addr, &flags);

		if (slot < 0 || flags & SLOT_DRAINING)
			continue;
		d.slot = (__u16)slot;
		p->dynamic[kept++] = d;
	}
	p->conf.st.n_dynamic = kept;
	return 0;
}
