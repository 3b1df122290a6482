/* SPDX-License-Identifier: GPL-2.0-only */
/* What the links of the host mean for the maps `ports`, `egress`, `vlans` and
 * `local` (L2-01, L2-02, VAL-07). Attach fills the maps with topology_sync and the worker keeps
 * them up to date with the same function. */
#ifndef N64_TOPOLOGY_H
#define N64_TOPOLOGY_H

#include "links.h"

/* File descriptors of the maps. */
struct topo_maps {
	int ports, egress, vlans, local;
};

/* Brings the four maps in line with `l`, writing only what differs. The ports
 * are those that stand in `ports` (ifindex != 0), which attach has put there;
 * of their rows only the addresses and PORT_ANY_MAC are written. *n_vlans: VLAN
 * devices on ports (HAVE_VLAN). 0 or -errno. */
int topology_sync(const struct links *l, const struct topo_maps *m, size_t *n_vlans);

#endif
