/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker's answers to the core (struct slow_ops): routes, sources of ICMP
 * errors, rate limits, IPv4 identifications; and its counters. */
#ifndef N64_WORLD_H
#define N64_WORLD_H

#include "bucket.h"
#include "route_cache.h"
#include "view.h"

struct world {
	struct policy policy;
	struct view view;
	int query_fd;		/* program n64_query, -1: none (tests) */
	struct n64_count *count;	/* wcounters */
	struct route_cache cache;
	struct error_limits limits;
	struct n64_ids ids;
	__u32 now_ms;		/* coarse clock, read once a batch */
};

/* Fills in all of `ops` but ctx, emit and note, with a struct world as ctx of
 * each: call them as world_*(w, ...). */
enum reason world_route(struct world *w, const struct route_query *q,
			struct route_answer *a);
bool world_error_src(struct world *w, enum ip_family fam, const struct addr6 *dst,
		     __u32 ifindex, struct addr6 *src);
bool world_error_allowed(struct world *w, enum ip_family fam, const struct addr6 *dst,
			 bool too_big);
__be16 world_ip_id(struct world *w, __be32 src, __be32 dst, __u8 proto, bool df);

/* GEN-05: the pool addresses that are the host's own by what the view knows now; as the
 * programs, which read map `local`. After every change of the view or the policy. */
void world_share_pool(struct world *w);

/* Tells the programs that changes of routes and neighbours are still being watched. */
void world_beat(const struct world *w);

/* Random start of the ID counters (ID-01). */
int world_init_ids(struct world *w);

void world_count(struct world *w, enum reason r, __u64 packets, __u64 bytes);

#endif
