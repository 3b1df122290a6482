/* SPDX-License-Identifier: GPL-2.0-only */
/* What the worker knows of the host: links and addresses, kept up to date from
 * rtnetlink, and questions to the routing tables. Works without privileges. */
#ifndef N64_VIEW_H
#define N64_VIEW_H

#include "dataplane/topology.h"
#include "worker/hops.h"

struct view {
	struct nl ask;			/* questions and their answers */
	struct mnl_socket *events;
	struct links links;
	struct topo_maps maps;
	struct hops hops;		/* what the fast path may remember of the tables */
	bool policy_routing;		/* rules beside the kernel's own exist */
	bool links_stale, rules_stale;
	bool links_new;			/* `links` was read again; whoever follows clears it */
	size_t n_vlans;			/* VLAN devices on ports */
};

/* Maps are those of the data plane, -1 and NULL for none (tests). 0 or -errno. */
int view_open(struct view *v, const struct topo_maps *maps, struct n64_hops *hops);
void view_close(struct view *v);
int view_fd(const struct view *v);

/* Reads what the kernel has to tell; true: some answer may have changed. */
bool view_events(struct view *v);

/* Brings links, rules and the maps up to date where events made them stale. */
int view_sync(struct view *v);

/* Every 250 ms: what can wait. */
void view_tick(struct view *v);

/* MTU of a device, 0: unknown. */
__u32 view_mtu(const struct view *v, __u32 ifindex);

struct view_route {
	int error;		/* -errno of the kernel, 0: there is a route */
	__u8 type;		/* RTN_* */
	__u32 oif;
	struct addr6 prefsrc;	/* zero: none */
};

/* The kernel's own way to `dst` (RTM_GETROUTE), in the VRF of `ifindex`. */
void view_route(struct view *v, enum ip_family fam, const struct addr6 *dst,
		__u32 ifindex, struct view_route *r);

#endif
