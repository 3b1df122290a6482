/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fast path may remember of the routing tables (map `hops`, common/hop.h): the
 * worker marks where blocks of destinations end, and raises generations when routes,
 * neighbours or links change. One generation per block, so that the churn of a full BGP
 * table is felt by the destinations it concerns alone. */
#ifndef N64_HOPS_H
#define N64_HOPS_H

#include "dataplane/nl.h"
#include "hop.h"

struct hops_neigh {
	__u32 ifindex;
	__u8 fam;		/* enum ip_family; FAM_NONE: nothing here */
	bool valid;
	__u8 lladdr[8];
	struct addr6 addr;
};

#define HOPS_NEIGHS 16384	/* a power of two */

/* A route that looks at more than the destination; compared as it lies in memory. */
struct hops_special {
	struct addr6 dst;
	__u32 len, fam;		/* enum ip_family */
	__u32 table, priority, tos;
};

_Static_assert(sizeof(struct hops_special) == 36, "no padding");

#define HOPS_SPECIAL 16

struct hops {
	struct n64_hops *map;	/* shared memory; NULL: nobody is told */
	struct hops_neigh *neigh; /* by hash; a displaced one counts as changed */
	bool special;		/* a route that looks at more than the destination was seen */
	__u32 n_noted;		/* the first of these; when they are gone, it is seen to */
	struct hops_special noted[HOPS_SPECIAL];
	bool policy;		/* rules beside the kernel's own */
	bool stale;		/* the tables are to be read */
	__u32 quiet;		/* ticks since events were lost */
};

/* Until hops_scan the programs remember single addresses only. 0 or -ENOMEM. */
int hops_open(struct hops *h, struct n64_hops *map);
void hops_close(struct hops *h);

/* Reads routes and neighbours. 0 or -errno (stale still). */
int hops_scan(struct hops *h, struct nl *ask);

/* A message of rtnetlink: RTM_NEWROUTE and the like. Others are passed over. */
void hops_event(struct hops *h, const struct nlmsghdr *m);

/* Events were lost: nothing is known any more. */
void hops_lost(struct hops *h);

/* Links, addresses, nexthops or rules changed. */
void hops_changed(struct hops *h, bool policy_routing);

/* 250 ms have passed. True: it is time for hops_scan. */
bool hops_tick(struct hops *h);

/* ---- pure ------------------------------------------------------------------------- */

/* Marks a route to `dst`/`len` in `map`; no generation is raised. `neighbours`: it has no
 * gateway, so that every address in it is a next hop of its own. */
void hops_mark(struct n64_hops *map, enum ip_family fam, const struct addr6 *dst, __u32 len,
	       bool neighbours);

/* The route was added, changed or removed: answers that may be of it are old. */
void hops_raise(struct n64_hops *map, enum ip_family fam, const struct addr6 *dst, __u32 len);

/* Both, for a route that is new. The kernel has had it for a moment: what was asked meanwhile
 * for its address may be remembered for the block around it, so that the first route to a
 * single address makes the block old as well. */
void hops_add(struct n64_hops *map, enum ip_family fam, const struct addr6 *dst, __u32 len,
	      bool neighbours);

#endif
