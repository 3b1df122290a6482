/* SPDX-License-Identifier: GPL-2.0-only */
/* Links and addresses of the host as rtnetlink tells them, and what they mean
 * for the maps `ports`, `egress` and `vlans` (L2-01, VAL-07). Attach fills the
 * maps with these functions and the worker keeps them up to date with the same
 * ones. */
#ifndef N64_TOPOLOGY_H
#define N64_TOPOLOGY_H

#include "abi.h"

struct mnl_socket;

enum topo_kind { TOPO_OTHER, TOPO_VLAN, TOPO_MACVLAN, TOPO_VRF };

struct topo_link {
	__u32 ifindex;
	__u32 lower;	/* device below (IFLA_LINK), 0: none or in another namespace */
	__u32 master;
	__u32 mtu;
	__u32 flags;	/* IFF_* */
	__u16 type;	/* ARPHRD_* */
	__u16 vid;	/* of a VLAN device */
	__be16 tpid;
	__u8 kind;	/* enum topo_kind */
	__u8 mac[MAC_LEN];
	char name[16];
};

struct topo_addr {
	__u32 ifindex;
	__u32 flags;	/* IFA_F_* */
	__u8 fam;	/* enum ip_family */
	__u8 len;
	__u8 scope;	/* RT_SCOPE_* */
	struct addr6 addr;	/* FAM_4: in w[0] */
	__be32 brd;	/* directed broadcast address, 0: none */
};

struct topology {
	struct topo_link *link;
	size_t n_link, room_link;
	struct topo_addr *addr;
	size_t n_addr, room_addr;
};

/* Asks the kernel for everything; what `t` held before is replaced, on error it
 * is kept. `nl` is a NETLINK_ROUTE socket without groups. 0 or -errno. */
int topology_read(struct mnl_socket *nl, struct topology *t);
void topology_free(struct topology *t);

const struct topo_link *topology_link(const struct topology *t, __u32 ifindex);

/* The port that `l` is stacked upon by VLAN devices, and its tags outermost
 * first. False: it is no port, nor on one, or behind more than N64_MAX_TAGS
 * tags. `is_port` tells which devices are ports. */
typedef bool (*is_port_fn)(const void *ctx, __u32 ifindex);
bool topology_egress(const struct topology *t, const struct topo_link *l,
		     is_port_fn is_port, const void *ctx, struct n64_egress *out);

/* MAC and unicast list of the port in `row->ifindex`; flags but for
 * PORT_ANY_MAC are left as they are (VAL-07). False: the device is gone. */
bool topology_port(const struct topology *t, struct n64_port *row);

/* File descriptors of the maps. */
struct topo_maps {
	int ports, egress, vlans;
};

/* Brings the three maps in line with `t`, writing only what differs. The ports
 * are those that stand in `ports` (ifindex != 0), which attach has put there.
 * *n_vlans: VLAN devices on ports (HAVE_VLAN). 0 or -errno. */
int topology_sync(const struct topology *t, const struct topo_maps *m, size_t *n_vlans);

#endif
