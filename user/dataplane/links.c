/* SPDX-License-Identifier: GPL-2.0-only */
/* Links and addresses of the namespace, and the VLAN and macvlan stacks on a
 * port. */
#include "links.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void *grow(void **v, size_t n, size_t size)
{
	void *p;

	if (n && (n & (n - 1)))
		return (char *)*v + n * size;
	p = realloc(*v, (n ? 2 * n : 1) * size);
	if (!p)
		return NULL;
	*v = p;
	p = (char *)p + n * size;
	memset(p, 0, size);
	return p;
}

static void read_vlan(struct link *l, const struct nlattr *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, data) {
		if (mnl_attr_get_type(attr) == IFLA_VLAN_ID)
			l->vid = mnl_attr_get_u16(attr);
		else if (mnl_attr_get_type(attr) == IFLA_VLAN_PROTOCOL)
			l->tpid = (__be16)mnl_attr_get_u16(attr);
	}
}

static void read_info(struct link *l, const struct nlattr *info)
{
	const struct nlattr *attr, *data = NULL;

	mnl_attr_for_each_nested(attr, info) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_INFO_KIND:
			snprintf(l->kind, sizeof(l->kind), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_INFO_SLAVE_KIND:
			snprintf(l->slave_kind, sizeof(l->slave_kind), "%s",
				 mnl_attr_get_str(attr));
			break;
		case IFLA_INFO_DATA:
			data = attr;
			break;
		default:
			break;
		}
	}
	if (data && !strcmp(l->kind, "vlan"))
		read_vlan(l, data);
}

static void read_xdp(struct link *l, const struct nlattr *xdp)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, xdp) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_XDP_ATTACHED:
			l->xdp_mode = mnl_attr_get_u8(attr);
			break;
		case IFLA_XDP_PROG_ID:
		case IFLA_XDP_DRV_PROG_ID:
		case IFLA_XDP_SKB_PROG_ID:
		case IFLA_XDP_HW_PROG_ID:
			l->xdp_id = mnl_attr_get_u32(attr);
			break;
		default:
			break;
		}
	}
}

static void read_link_attr(struct link *l, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		snprintf(l->name, sizeof(l->name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_MTU:
		l->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == MAC_LEN)
			memcpy(l->mac, mnl_attr_get_payload(attr), MAC_LEN);
		break;
	case IFLA_MASTER:
		l->master = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK:
		l->lower = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK_NETNSID:
		l->lower_elsewhere = true;
		break;
	case IFLA_LINKINFO:
		read_info(l, attr);
		break;
	case IFLA_XDP:
		read_xdp(l, attr);
		break;
	default:
		break;
	}
}

static int link_row(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct links *ls = ctx;
	const struct nlattr *attr;
	struct link *l;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	l = grow((void **)&ls->v, ls->n, sizeof(*l));
	if (!l)
		return -ENOMEM;
	memset(l, 0, sizeof(*l));
	ls->n++;
	l->ifindex = (__u32)ifi->ifi_index;
	l->flags = ifi->ifi_flags;
	l->type = ifi->ifi_type;
	mnl_attr_for_each(attr, h, sizeof(*ifi))
		read_link_attr(l, attr);
	return 0;
}

static void mask_prefix(struct addr6 *a, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		unsigned int left = len > 32 * i ? len - 32 * i : 0;

		if (left < 32)
			a->w[i] &= left ? be32(~0u << (32 - left)) : 0;
	}
}

static int addr_row(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct links *ls = ctx;
	const struct nlattr *attr;
	bool local = false;
	struct addr *a;

	if (h->nlmsg_type != RTM_NEWADDR ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return 0;
	a = grow((void **)&ls->addr, ls->n_addr, sizeof(*a));
	if (!a)
		return -ENOMEM;
	memset(a, 0, sizeof(*a));
	ls->n_addr++;
	a->ifindex = ifa->ifa_index;
	a->fam = ifa->ifa_family;
	a->len = ifa->ifa_prefixlen;
	a->scope = ifa->ifa_scope;
	a->flags = ifa->ifa_flags;
	mnl_attr_for_each(attr, h, sizeof(*ifa)) {
		__u16 type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

		if (type == IFA_FLAGS)
			a->flags = mnl_attr_get_u32(attr);
		if (len > sizeof(a->local))
			continue;
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !local))
			memcpy(&a->local, mnl_attr_get_payload(attr), len);
		if (type == IFA_LOCAL)
			local = true;
		if (type == IFA_ADDRESS)
			memcpy(&a->prefix, mnl_attr_get_payload(attr), len);
	}
	mask_prefix(&a->prefix, a->len);
	return 0;
}

#define DUMPS_MOST 5

static int read_once(struct nl *nl, struct links *l)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct ifaddrmsg ifa = { .ifa_family = AF_UNSPEC };
	int rc;

	memset(l, 0, sizeof(*l));
	rc = nl_talk(nl, nl_request(buf, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi)), link_row, l);
	if (!rc)
		rc = nl_talk(nl, nl_request(buf, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa)),
			     addr_row, l);
	if (rc)
		links_free(l);
	return rc;
}

/* A dump that met a change may lack rows, so it is read again; nl->interrupted
 * stays set where the links change faster than they can be read. */
int links_read(struct nl *nl, struct links *l)
{
	int i, rc;

	for (i = 1;; i++) {
		nl->interrupted = false;
		rc = read_once(nl, l);
		if (rc || !nl->interrupted || i == DUMPS_MOST)
			return rc;
		links_free(l);
	}
}

void links_free(struct links *l)
{
	free(l->v);
	free(l->addr);
	memset(l, 0, sizeof(*l));
}

const struct link *link_by_name(const struct links *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i].name, name))
			return &l->v[i];
	}
	return NULL;
}

const struct link *link_by_index(const struct links *l, __u32 ifindex)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->v[i].ifindex == ifindex)
			return &l->v[i];
	}
	return NULL;
}

static bool is_port(__u32 ifindex, const __u32 *port, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (port[i] == ifindex)
			return true;
	}
	return false;
}

__u32 link_port(const struct links *l, const struct link *dev, const __u32 *port,
		size_t n_port, struct vlan_hdr tag[N64_MAX_TAGS], __u32 *n_tags)
{
	struct vlan_hdr inner[N64_MAX_TAGS];
	__u32 n = 0, i;

	while (!is_port(dev->ifindex, port, n_port)) {
		if (strcmp(dev->kind, "vlan") || dev->lower_elsewhere || n == N64_MAX_TAGS)
			return 0;
		inner[n].tci = be16(dev->vid);
		inner[n].type = dev->tpid;
		n++;
		dev = link_by_index(l, dev->lower);
		if (!dev)
			return 0;
	}
	memset(tag, 0, N64_MAX_TAGS * sizeof(*tag));
	for (i = 0; i < n; i++)
		tag[i] = inner[n - 1 - i];
	*n_tags = n;
	return dev->ifindex;
}

/* Is `dev` stacked upon the port by VLAN and macvlan devices that are up? */
static bool stands_on(const struct links *l, const struct link *dev, __u32 port)
{
	int depth;

	for (depth = 0; dev && depth < 8; depth++) {
		if ((strcmp(dev->kind, "vlan") && strcmp(dev->kind, "macvlan")) ||
		    !(dev->flags & IFF_UP) || dev->lower_elsewhere)
			return false;
		if (dev->lower == port)
			return true;
		dev = link_by_index(l, dev->lower);
	}
	return false;
}

static bool knows_mac(const struct n64_port *port, const __u8 *mac)
{
	__u32 i;

	for (i = 0; i < port->n_unicast; i++) {
		if (!memcmp(port->unicast[i], mac, MAC_LEN))
			return true;
	}
	return !memcmp(port->mac, mac, MAC_LEN);
}

void link_unicast(const struct links *l, __u32 ifindex, struct n64_port *port)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct link *dev = &l->v[i];

		if (!stands_on(l, dev, ifindex) || knows_mac(port, dev->mac))
			continue;
		if (port->n_unicast == N64_UNICAST_MACS) {
			port->flags |= PORT_ANY_MAC;
			return;
		}
		memcpy(port->unicast[port->n_unicast++], dev->mac, MAC_LEN);
	}
}
