/* SPDX-License-Identifier: GPL-2.0-only */
/* The interfaces of this network namespace as netlink tells them: what attach
 * judges, what the tables `ports`, `egress` and `vlans` are made from (L2-01,
 * L2-07, VAL-07), and what status looks at. */
#ifndef N64_LINKS_H
#define N64_LINKS_H

#include "abi.h"
#include "nl.h"

struct link {
	__u32 ifindex;
	char name[16];
	__u32 flags;		/* IFF_* */
	__u16 type;		/* ARPHRD_* */
	__u32 mtu;
	__u8 mac[MAC_LEN];
	__u32 master;
	__u32 lower;		/* IFLA_LINK: parent of a VLAN or macvlan, peer of a veth */
	bool lower_elsewhere;	/* in another network namespace */
	char kind[16];		/* "veth", "vlan", "bond", ...; "" for a NIC */
	char slave_kind[16];	/* "bond", "bridge", "vrf", ... of the master */
	__u16 vid;		/* of a VLAN device */
	__be16 tpid;
	__u8 xdp_mode;		/* XDP_ATTACHED_* */
	__u32 xdp_id;		/* id of the program on it, 0: none */
};

struct addr {
	__u32 ifindex;
	__u8 fam;		/* AF_INET, AF_INET6 */
	__u8 len;
	__u8 scope;
	__u32 flags;		/* IFA_F_* */
	struct addr6 local;	/* AF_INET: w[0] */
	struct addr6 prefix;	/* of the connected network, host bits zero */
};

struct links {
	struct link *v;
	size_t n;
	struct addr *addr;
	size_t n_addr;
};

int links_read(struct nl *nl, struct links *l);
void links_free(struct links *l);
const struct link *link_by_name(const struct links *l, const char *name);
const struct link *link_by_index(const struct links *l, __u32 ifindex);

/* The port (one of `port`, ifindexes) under a device: itself, or the parent of
 * a stack of VLAN devices. Fills tags outermost first. 0: none. */
__u32 link_port(const struct links *l, const struct link *dev, const __u32 *port,
		size_t n_port, struct vlan_hdr tag[N64_MAX_TAGS], __u32 *n_tags);

/* The unicast addresses that count on a port besides its own (VAL-07): macvlan
 * devices that are up, and VLAN devices with an address of their own. */
void link_unicast(const struct links *l, __u32 ifindex, struct n64_port *port);

#endif
