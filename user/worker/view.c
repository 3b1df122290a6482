/* SPDX-License-Identifier: GPL-2.0-only */
/* rtnetlink: events, dumps and single questions. */
#include "worker/view.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <string.h>
#include <sys/socket.h>

#define EVENT_BYTES (1 << 20)
#define DUMP_TRIES 5 /* at once; later ones come with the timer */

static const int groups[] = {
	RTNLGRP_LINK,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH,	 RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
	RTNLGRP_NEXTHOP,    RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
};

int view_open(struct view *v, const struct topo_maps *maps, struct n64_hops *hops)
{
	int bytes = EVENT_BYTES, r = 0;

	memset(v, 0, sizeof(*v));
	v->maps = *maps;
	v->links_stale = v->rules_stale = true;
	if (hops)
		r = hops_open(&v->hops, hops);
	if (!r)
		r = nl_open(&v->ask);
	if (r)
		return r;
	/* events first, dumps afterwards: nothing falls between the two */
	v->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!v->events || mnl_socket_bind(v->events, 0, MNL_SOCKET_AUTOPID) < 0)
		goto failed;
	if (setsockopt(view_fd(v), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(view_fd(v), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(v->events, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) < 0)
			goto failed;
	}
	r = view_sync(v);
	if (!r) /* in vain: single addresses only, until view_tick tries again */
		hops_scan(&v->hops, &v->ask);
	return r;
failed:
	return -errno;
}

void view_close(struct view *v)
{
	if (v->events)
		mnl_socket_close(v->events);
	nl_close(&v->ask);
	links_free(&v->links);
	hops_close(&v->hops);
	memset(v, 0, sizeof(*v));
}

int view_fd(const struct view *v)
{
	return mnl_socket_get_fd(v->events);
}

/* ---- events ---------------------------------------------------------------- */

static void note_event(struct view *v, __u16 type)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		v->links_stale = true;
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		v->rules_stale = true;
		break;
	default:
		/* routes and neighbours: the answers are asked for again */
		break;
	}
}

bool view_events(struct view *v)
{
	static char buf[65536] __attribute__((aligned(8)));
	bool any = false;

	/* bounded: a router that learns a full table must not stop the packets */
	for (int i = 0; i < 64; i++) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
		ssize_t n = mnl_socket_recvfrom(v->events, buf, sizeof(buf));
		int len = (int)n;

		if (n < 0 && errno == ENOBUFS) {
			/* events were lost: everything may have changed */
			v->links_stale = v->rules_stale = any = true;
			hops_lost(&v->hops);
			continue;
		}
		if (n <= 0)
			break;
		for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
			note_event(v, h->nlmsg_type);
			hops_event(&v->hops, h);
			any = true;
		}
	}
	return any;
}

/* ---- dumps ----------------------------------------------------------------- */

/* Rules that the kernel makes itself: local, main, default, and VRF devices,
 * which look at the ingress alone. */
static int on_rule(const struct nlmsghdr *h, void *ctx)
{
	const struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(h);
	bool *policy = ctx;
	const struct nlattr *a;
	__u32 priority = 0;
	bool vrf = false;

	if (h->nlmsg_type != RTM_NEWRULE ||
	    (rule->family != AF_INET && rule->family != AF_INET6))
		return 0;
	mnl_attr_for_each(a, h, sizeof(*rule)) {
		if (mnl_attr_get_type(a) == FRA_PRIORITY)
			priority = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == FRA_L3MDEV)
			vrf = mnl_attr_get_u8(a);
	}
	if (priority && priority != 32766 && priority != 32767 && !vrf)
		*policy = true;
	return 0;
}

/* Something changed in the midst of a dump: rows may be missing. It is stale still,
 * and read again. */
static int dump_result(const struct view *v, int r)
{
	return r ? r : v->ask.interrupted ? -EINTR : 0;
}

static int sync_rules(struct view *v)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct fib_rule_hdr head = { .family = AF_UNSPEC };
	bool policy = false;
	int r;

	v->ask.interrupted = false;
	r = nl_talk(&v->ask, nl_request(buf, RTM_GETRULE, NLM_F_DUMP, &head, sizeof(head)),
		    on_rule, &policy);
	r = dump_result(v, r);
	if (!r) {
		v->policy_routing = policy;
		hops_changed(&v->hops, policy);
	}
	return r;
}

static int sync_links(struct view *v)
{
	struct links fresh;
	int r;

	v->ask.interrupted = false;
	r = links_read(&v->ask, &fresh);
	if (r)
		return r;
	r = dump_result(v, r);
	if (r) {
		links_free(&fresh);
		return r;
	}
	links_free(&v->links);
	v->links = fresh;
	v->links_new = true;
	if (v->maps.ports >= 0)
		r = topology_sync(&v->links, &v->maps, &v->n_vlans);
	hops_changed(&v->hops, v->policy_routing);
	return r;
}

static int sync_stale(struct view *v)
{
	int r = 0;

	if (v->rules_stale) {
		v->rules_stale = false;
		r = sync_rules(v);
		v->rules_stale |= r != 0;
	}
	if (!r && v->links_stale) {
		v->links_stale = false;
		r = sync_links(v);
		v->links_stale |= r != 0;
	}
	return r;
}

int view_sync(struct view *v)
{
	int r = sync_stale(v);

	for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++)
		r = sync_stale(v);
	return r;
}

void view_tick(struct view *v)
{
	if (hops_tick(&v->hops))
		hops_scan(&v->hops, &v->ask);
}

__u32 view_mtu(const struct view *v, __u32 ifindex)
{
	const struct link *l = link_by_index(&v->links, ifindex);

	if (!l)
		return 0;
	return l->mtu > 65535 ? 65535 : l->mtu; /* lo has 65536 */
}

/* ---- questions -------------------------------------------------------------- */

static int on_route(const struct nlmsghdr *h, void *ctx)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct view_route *r = ctx;
	const struct nlattr *a;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return 0;
	r->type = rt->rtm_type;
	mnl_attr_for_each(a, h, sizeof(*rt)) {
		if (mnl_attr_get_type(a) == RTA_OIF)
			r->oif = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == RTA_PREFSRC &&
			 mnl_attr_get_payload_len(a) <= sizeof(r->prefsrc))
			memcpy(&r->prefsrc, mnl_attr_get_payload(a),
			       mnl_attr_get_payload_len(a));
	}
	return 0;
}

/* The VRF device that a device belongs to, 0: none. */
static __u32 vrf_of(const struct view *v, __u32 ifindex)
{
	const struct link *l = link_by_index(&v->links, ifindex);

	return l && !strcmp(l->slave_kind, "vrf") ? l->master : 0;
}

void view_route(struct view *v, enum ip_family fam, const struct addr6 *dst,
		__u32 ifindex, struct view_route *r)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	size_t size = fam == FAM_4 ? 4 : 16;
	struct rtmsg head = {
		.rtm_family = fam == FAM_4 ? AF_INET : AF_INET6,
		.rtm_dst_len = size * 8,
	};
	struct nlmsghdr *h = nl_request(buf, RTM_GETROUTE, 0, &head, sizeof(head));
	__u32 vrf = vrf_of(v, ifindex);

	memset(r, 0, sizeof(*r));
	mnl_attr_put(h, RTA_DST, size, dst);
	if (vrf)
		mnl_attr_put_u32(h, RTA_OIF, vrf);
	r->error = nl_talk(&v->ask, h, on_route, r);
}
