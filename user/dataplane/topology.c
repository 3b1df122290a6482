/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads links and addresses (RTM_GETLINK, RTM_GETADDR) into struct topology. */
#include "dataplane/topology.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Room for one more element; NULL when memory ran out. */
static void *grow(void **v, size_t *n, size_t *room, size_t size)
{
	if (*n == *room) {
		size_t more = *room ? *room * 2 : 16;
		void *p = reallocarray(*v, more, size);

		if (!p)
			return NULL;
		*v = p;
		*room = more;
	}
	return memset((char *)*v + (*n)++ * size, 0, size);
}

static void read_vlan(const struct nlattr *data, struct topo_link *l)
{
	const struct nlattr *a;

	l->tpid = be16(ET_VLAN);
	mnl_attr_for_each_nested(a, data) {
		if (mnl_attr_get_type(a) == IFLA_VLAN_ID)
			l->vid = mnl_attr_get_u16(a);
		else if (mnl_attr_get_type(a) == IFLA_VLAN_PROTOCOL)
			l->tpid = mnl_attr_get_u16(a);
	}
}

static void read_linkinfo(const struct nlattr *info, struct topo_link *l)
{
	const struct nlattr *a, *data = NULL;

	mnl_attr_for_each_nested(a, info) {
		if (mnl_attr_get_type(a) == IFLA_INFO_DATA)
			data = a;
		if (mnl_attr_get_type(a) != IFLA_INFO_KIND)
			continue;
		if (!strcmp(mnl_attr_get_str(a), "vlan"))
			l->kind = TOPO_VLAN;
		else if (!strcmp(mnl_attr_get_str(a), "macvlan"))
			l->kind = TOPO_MACVLAN;
		else if (!strcmp(mnl_attr_get_str(a), "vrf"))
			l->kind = TOPO_VRF;
	}
	if (data && l->kind == TOPO_VLAN)
		read_vlan(data, l);
}

static int on_link(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct topology *t = ctx;
	struct topo_link *l = grow((void **)&t->link, &t->n_link, &t->room_link,
				   sizeof(*l));
	const struct nlattr *a;
	bool elsewhere = false;

	if (!l)
		return MNL_CB_ERROR;
	l->ifindex = ifi->ifi_index;
	l->flags = ifi->ifi_flags;
	l->type = ifi->ifi_type;
	mnl_attr_for_each(a, h, sizeof(*ifi)) {
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			strncpy(l->name, mnl_attr_get_str(a), sizeof(l->name) - 1);
			break;
		case IFLA_MTU:
			l->mtu = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK:
			l->lower = mnl_attr_get_u32(a);
			break;
		case IFLA_MASTER:
			l->master = mnl_attr_get_u32(a);
			break;
		case IFLA_LINK_NETNSID:
			elsewhere = true;
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(a) == MAC_LEN)
				memcpy(l->mac, mnl_attr_get_payload(a), MAC_LEN);
			break;
		case IFLA_LINKINFO:
			read_linkinfo(a, l);
			break;
		}
	}
	if (elsewhere || l->lower == l->ifindex)
		l->lower = 0;
	return MNL_CB_OK;
}

static int on_addr(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const void *address = NULL, *local = NULL, *brd = NULL;
	struct topology *t = ctx;
	struct topo_addr *out;
	const struct nlattr *a;
	size_t size = ifa->ifa_family == AF_INET ? 4 : 16;
	__u32 flags = ifa->ifa_flags;

	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return MNL_CB_OK;
	mnl_attr_for_each(a, h, sizeof(*ifa)) {
		if (mnl_attr_get_type(a) == IFA_FLAGS)
			flags = mnl_attr_get_u32(a);
		if (mnl_attr_get_payload_len(a) != size)
			continue;
		if (mnl_attr_get_type(a) == IFA_ADDRESS)
			address = mnl_attr_get_payload(a);
		else if (mnl_attr_get_type(a) == IFA_LOCAL)
			local = mnl_attr_get_payload(a);
		else if (mnl_attr_get_type(a) == IFA_BROADCAST && size == 4)
			brd = mnl_attr_get_payload(a);
	}
	/* on a point-to-point link IFA_ADDRESS is the peer's */
	if (local)
		address = local;
	if (!address)
		return MNL_CB_OK;
	out = grow((void **)&t->addr, &t->n_addr, &t->room_addr, sizeof(*out));
	if (!out)
		return MNL_CB_ERROR;
	out->ifindex = ifa->ifa_index;
	out->flags = flags;
	out->fam = ifa->ifa_family == AF_INET ? FAM_4 : FAM_6;
	out->len = ifa->ifa_prefixlen;
	out->scope = ifa->ifa_scope;
	memcpy(&out->addr, address, size);
	if (brd)
		memcpy(&out->brd, brd, sizeof(out->brd));
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, __u16 type, mnl_cb_t cb, void *ctx)
{
	static __u32 seq;
	char buf[32768] __attribute__((aligned(8)));
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen;
	int r = 1;

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++seq ^ (__u32)time(NULL);
	/* long enough for every header that this request may want */
	gen = mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg));
	gen->rtgen_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	__u32 want = h->nlmsg_seq;

	while (r > 0) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (n < 0)
			return -errno;
		/* an answer to a question that was given up is not ours */
		if ((size_t)n >= sizeof(*h) && ((struct nlmsghdr *)buf)->nlmsg_seq != want)
			continue;
		errno = ENOMEM;
		r = mnl_cb_run(buf, n, want, mnl_socket_get_portid(nl), cb, ctx);
		if (r < 0)
			return -errno;
	}
	return 0;
}

int topology_read(struct mnl_socket *nl, struct topology *t)
{
	struct topology fresh = { 0 };
	int r = -EINTR;

	/* EINTR: the kernel's table changed during the dump */
	for (int tries = 0; tries < 8 && r == -EINTR; tries++) {
		fresh.n_link = fresh.n_addr = 0;
		r = dump(nl, RTM_GETLINK, on_link, &fresh);
		if (!r)
			r = dump(nl, RTM_GETADDR, on_addr, &fresh);
	}
	if (r) {
		topology_free(&fresh);
		return r;
	}
	topology_free(t);
	*t = fresh;
	return 0;
}

void topology_free(struct topology *t)
{
	free(t->link);
	free(t->addr);
	memset(t, 0, sizeof(*t));
}

const struct topo_link *topology_link(const struct topology *t, __u32 ifindex)
{
	for (size_t i = 0; i < t->n_link; i++) {
		if (t->link[i].ifindex == ifindex)
			return &t->link[i];
	}
	return NULL;
}
