/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading how full the pool is (PORT-10), without touching it. */
#include "pool_use.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared.h"

static void read_address(const struct pool_maps *m, __u32 s, const struct n64_slot *slot,
			 struct pool_use *u, struct address_use *out)
{
	struct n64_row row;
	__u32 p;

	out->addr = slot->addr;
	out->draining = slot->flags & SLOT_DRAINING;
	for (p = 0; p < N_ST_PROTOS; p++) {
		if (pool_row_read(m, row_of(s, (enum st_proto)p), &row))
			continue;
		struct port_set allowed;

		memcpy(allowed.word, row.allowed, sizeof(allowed.word));
		out->protos |= 1u << p;
		out->used[p] = row.used;
		out->allowed[p] = port_set_count(&allowed);
		u->rows++;
	}
}

static int by_address(const void *a, const void *b)
{
	__u32 x = host32(((const struct address_use *)a)->addr);
	__u32 y = host32(((const struct address_use *)b)->addr);

	return x < y ? -1 : x > y;
}

static int read_all(const struct attachment *a, const struct pool_maps *m, struct n64_slot *slot,
		    struct pool_use *u)
{
	int rc = pool_slots_read(m, slot);
	__u32 s;

	if (!rc)
		rc = pool_state_read(m, &u->state);
	u->v = calloc(N64_MAX_SLOTS, sizeof(*u->v));
	if (!u->v)
		return -ENOMEM;
	for (s = 0; s < N64_MAX_SLOTS && !rc; s++) {
		if (!(slot[s].flags & SLOT_USED))
			continue;
		read_address(m, s, &slot[s], u, &u->v[u->n]);
		/* as it is now, not as it was at attach */
		u->v[u->n].shared = shared_is_local(&a->links, slot[s].addr);
		u->n++;
	}
	qsort(u->v, u->n, sizeof(*u->v), by_address);
	return rc;
}

int pool_use_read(const struct attachment *a, struct pool_use *u)
{
	struct n64_slot *slot;
	struct pool_maps m;
	char clock[160];
	int rc;

	memset(u, 0, sizeof(*u));
	if (!strcmp(state_str(&a->state, "mode"), "siit"))
		return 0;
	rc = pool_maps_open(&m, &a->state.path);
	if (rc)
		return rc;
	slot = calloc(N64_MAX_SLOTS, sizeof(*slot));
	rc = slot ? read_all(a, &m, slot, u) : -ENOMEM;
	free(slot);
	pool_maps_close(&m);
	snprintf(clock, sizeof(clock), "%s/test_clock", a->state.path.pin);
	u->test_clock = !access(clock, F_OK);
	u->known = !rc;
	return rc;
}

void pool_use_free(struct pool_use *u)
{
	free(u->v);
	u->v = NULL;
	u->n = 0;
}

void pool_use_tables(const struct pool_use *u, const struct n64_conf *conf,
		     struct table_use t[N_STATE_TABLES])
{
	const struct n64_state_conf *st = &conf->st;
	__u64 mappings = 0, lines = (__u64)st->bib6_lines + st->session_lines + st->sub_lines;
	int p;

	for (p = 0; p < N_ST_PROTOS; p++)
		mappings += u->state.count[p].n;
	t[0] = (struct table_use){ "bindings", (__u64)u->rows * N64_ROW_PORTS, mappings,
				   (__u64)u->rows * N64_ROW_PORTS * sizeof(struct n64_binding),
				   true };
	t[1] = (struct table_use){ "rows", u->rows, 0, u->rows * sizeof(struct n64_row), false };
	t[2] = (struct table_use){ "bib6", 2ull * st->bib6_lines, mappings,
				   2ull * st->bib6_lines * sizeof(struct n64_bib6), true };
	t[3] = (struct table_use){ "sessions", 2ull * st->session_lines, u->state.count[3].n,
				   2ull * st->session_lines * sizeof(struct n64_session), true };
	t[4] = (struct table_use){ "subs", st->sub_lines, u->state.subscribers,
				   st->sub_lines * sizeof(struct n64_subscriber), true };
	t[5] = (struct table_use){ "holds", st->hold_chunks, u->state.hold_fresh,
				   st->hold_chunks * sizeof(struct n64_hold), true };
	t[6] = (struct table_use){ "reach", lines, 0, lines, false };
}
