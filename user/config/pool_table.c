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

/* A free way of a line, NULL: there is none. */
static struct n64_pool_way *free_way(struct n64_pool_line *line)
{
	for (int i = 0; i < POOL_WAYS; i++)
		if (!line->way[i].addr)
			return &line->way[i];
	return NULL;
}

static struct n64_pool_way slot_way(const struct n64_slot *slot, __u16 n)
{
	return (struct n64_pool_way){ slot[n].addr, n, slot[n].flags };
}

static bool is_used(const struct n64_slot *slot)
{
	return slot->flags & SLOT_USED;
}

/* Places the addresses that find their own way free, then the others. How many are displaced;
 * -1: a line would have more than its ways. */
static int fill_lines(struct n64_pool_line *line, __u32 lines, __u32 seed,
		      const struct n64_slot *slot)
{
	int displaced = 0;

	memset(line, 0, lines * sizeof(*line));
	for (__u16 i = 0; i < N64_MAX_SLOTS; i++) {
		__u64 hash = pool_hash(slot[i].addr, seed);
		struct n64_pool_way *home = &line[pool_line(hash, lines)].way[pool_way(hash)];

		if (is_used(&slot[i]) && !home->addr)
			*home = slot_way(slot, i);
	}
	for (__u16 i = 0; i < N64_MAX_SLOTS; i++) {
		__u64 hash = pool_hash(slot[i].addr, seed);
		struct n64_pool_line *l = &line[pool_line(hash, lines)];
		struct n64_pool_way *home = &l->way[pool_way(hash)], *way;

		if (!is_used(&slot[i]) || home->addr == slot[i].addr)
			continue;
		way = free_way(l);
		if (!way)
			return -1;
		*way = slot_way(slot, i);
		home->flags |= SLOT_DISPLACES;
		displaced++;
	}
	return displaced;
}

/* The seed with the fewest displaced addresses, none if it can be. False: no seed will do. */
static bool choose_seed(struct policy *p)
{
	struct n64_state_conf *st = &p->conf.st;
	int best = -1;

	for (__u32 i = 0; i < SEEDS && best; i++) {
		__u32 seed = i * 0x9e3779b9u;
		int n = fill_lines(p->pool_line, st->pool_lines, seed, p->slot);

		if (n < 0 || (best >= 0 && n >= best))
			continue;
		best = n;
		st->pool_seed = seed;
	}
	return best >= 0 && fill_lines(p->pool_line, st->pool_lines, st->pool_seed, p->slot) >= 0;
}

/* At least a line, of eight ways, for each address: more than eight in one are hardly ever seen,
 * one address of sixteen to thirty is displaced, and of few none with one of the seeds. */
static int make_lines(struct policy *p)
{
	struct n64_state_conf *st = &p->conf.st;
	__u32 lines = POOL_LINES_LEAST, used = 0;

	for (__u32 i = 0; i < N64_MAX_SLOTS; i++)
		used += is_used(&p->slot[i]) ? 1 : 0;
	while (lines < used)
		lines *= 2;
	for (; lines <= MOST_LINES; lines *= 2) {
		free(p->pool_line);
		p->pool_line = calloc(lines, sizeof(*p->pool_line));
		if (!p->pool_line)
			return -ENOMEM;
		st->pool_lines = lines;
		if (choose_seed(p))
			return 0;
	}
	return -E2BIG; /* 4096 addresses in a million lines of eight: not with any pool */
}

/* n64_state_conf.pool_run. */
static void find_run(struct policy *p)
{
	struct n64_state_conf *st = &p->conf.st;
	__u32 n = 0, first = 0, slot = 0;

	memset(&st->pool_run, 0, sizeof(st->pool_run));
	for (__u32 i = 0; i < N64_MAX_SLOTS; i++) {
		__u32 addr = host32(p->slot[i].addr);

		if (!is_used(&p->slot[i]))
			continue;
		if (!n) {
			first = addr;
			slot = i;
		}
		if (i - slot != n || addr - first != n)
			return;
		n++;
	}
	st->pool_run.first = first;
	st->pool_run.slot = slot;
	st->pool_run.n = n;
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
	if (!conf_is_dynamic(&p->conf)) /* where a slot is a block of addresses */
		find_run(p);
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
