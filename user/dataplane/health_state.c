/* SPDX-License-Identifier: GPL-2.0-only */
/* Health of mode stateful: what is about to run out (PORT-09, CGN-02). */
#include "health.h"

#include <stdio.h>
#include <string.h>

#include "dynamic.h"

static bool nearly(__u64 used, __u64 most)
{
	return most && used * 100 >= most * 95;
}

static void check_addresses(const struct pool_use *u, struct health *h)
{
	char text[PREFIX_TEXT];
	size_t i;
	__u32 p;

	for (i = 0; i < u->n; i++) {
		const struct address_use *a = &u->v[i];

		for (p = 0; p < N_ST_PROTOS; p++) {
			if (a->draining || !nearly(a->used[p], a->allowed[p]))
				continue;
			health_add(h, false,
				   "add addresses to pool4 and reload, or lower the limits of a "
				   "subscriber",
				   "%s has %u of its %u %s %s in use", addr4_text(a->addr, text),
				   a->used[p], a->allowed[p], st_proto_text(p),
				   p == ST_ICMP ? "identifiers" : "ports");
		}
	}
}

/* DYN-08: a full pool refuses new hosts. */
static void check_hosts(const struct pool_use *u, struct health *h)
{
	__u64 used = 0, all = 0;
	size_t i;

	for (i = 0; i < u->n; i++) {
		used += u->v[i].draining ? 0 : u->v[i].used[ST_HOST];
		all += u->v[i].allowed[ST_HOST];
	}
	if (nearly(used, all))
		health_add(h, false, "add a prefix to pool4 and reload, or lower dyn-timeout",
			   "%llu of the %llu addresses of pool4 are in use",
			   (unsigned long long)used, (unsigned long long)all);
}

static void check_limits(const struct pool_use *u, const struct n64_conf *conf, struct health *h)
{
	char remedy[96];
	__u32 p;

	for (p = 0; p < N_ST_PROTOS; p++) {
		snprintf(remedy, sizeof(remedy), "raise max-%s-mappings and reload",
			 st_proto_text(p));
		if (nearly(u->state.count[p].n, conf->st.max_mappings[p]))
			health_add(h, false, remedy, "%u of at most %u %s mappings exist",
				   u->state.count[p].n, conf->st.max_mappings[p],
				   st_proto_text(p));
	}
	if (nearly(u->state.count[3].n, conf->st.max_sessions))
		health_add(h, false, "raise max-sessions (detach and attach)",
			   "%u of at most %u sessions exist", u->state.count[3].n,
			   conf->st.max_sessions);
}

/* Tables of hashed lines are full in practice before they are in theory. */
static void check_tables(const struct pool_use *u, const struct n64_conf *conf, struct health *h)
{
	static const char *const hashed[] = { "bib6", "sessions", "subs" };
	struct table_use t[N_STATE_TABLES];
	size_t i, k;

	pool_use_tables(u, conf, t);
	for (i = 0; i < N_STATE_TABLES; i++) {
		for (k = 0; k < sizeof(hashed) / sizeof(hashed[0]); k++) {
			if (strcmp(t[i].name, hashed[k]))
				continue;
			if (nearly(t[i].used, t[i].entries * 3 / 4))
				health_add(h, false, "detach and attach: the tables get the size "
						     "that pool4 and the limits ask for now",
					   "the table %s holds %llu entries and is made for %llu",
					   t[i].name, (unsigned long long)t[i].used,
					   (unsigned long long)(t[i].entries * 3 / 4));
		}
	}
}

void health_state(const struct pool_use *u, const struct n64_conf *conf, struct health *h)
{
	if (!u->known || !conf)
		return;
	if (u->test_clock)
		health_add(h, false, "detach with it, and attach with the product",
			   "a test build runs, whose clock can be put forward");
	if (conf_is_dynamic(conf)) {
		check_hosts(u, h);
	} else {
		check_addresses(u, h);
		check_limits(u, conf, h);
	}
	check_tables(u, conf, h);
}
