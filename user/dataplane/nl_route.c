/* SPDX-License-Identifier: GPL-2.0-only */
/* rtnetlink: routes to the pair and proxy neighbours (PORT-11). */
#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "nl.h"

static size_t addr_len(__u8 fam)
{
	return fam == AF_INET ? 4 : 16;
}

static int route_change(struct nl *nl, const struct nl_route *r, int type, int flags)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct rtmsg rt = { .rtm_family = r->fam,
			    .rtm_dst_len = r->len,
			    .rtm_table = RT_TABLE_MAIN,
			    .rtm_protocol = N64_RTPROTO,
			    .rtm_scope = r->fam == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
			    .rtm_type = RTN_UNICAST };
	struct nlmsghdr *h = nl_request(buf, type, flags | NLM_F_ACK, &rt, sizeof(rt));

	mnl_attr_put(h, RTA_DST, addr_len(r->fam), &r->dst);
	mnl_attr_put_u32(h, RTA_OIF, r->oif);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_route_add(struct nl *nl, const struct nl_route *r)
{
	return route_change(nl, r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
}

int nl_route_del(struct nl *nl, const struct nl_route *r)
{
	return route_change(nl, r, RTM_DELROUTE, 0);
}

struct route_walk {
	nl_route_fn fn;
	void *ctx;
};

static int route_row(const struct nlmsghdr *h, void *ctx)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	const struct route_walk *w = ctx;
	const struct nlattr *attr;
	struct nl_route r;

	if (h->nlmsg_type != RTM_NEWROUTE || (rt->rtm_flags & RTM_F_CLONED))
		return 0;
	memset(&r, 0, sizeof(r));
	r.fam = rt->rtm_family;
	r.len = rt->rtm_dst_len;
	r.proto = rt->rtm_protocol;
	r.type = rt->rtm_type;
	r.table = rt->rtm_table;
	mnl_attr_for_each(attr, h, sizeof(*rt)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			if (mnl_attr_get_payload_len(attr) <= sizeof(r.dst))
				memcpy(&r.dst, mnl_attr_get_payload(attr),
				       mnl_attr_get_payload_len(attr));
			break;
		case RTA_OIF:
			r.oif = mnl_attr_get_u32(attr);
			break;
		case RTA_TABLE:
			r.table = mnl_attr_get_u32(attr);
			break;
		default:
			break;
		}
	}
	return w->fn(&r, w->ctx);
}

int nl_routes(struct nl *nl, __u8 fam, nl_route_fn fn, void *ctx)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct rtmsg rt = { .rtm_family = fam };
	struct route_walk w = { fn, ctx };

	return nl_talk(nl, nl_request(buf, RTM_GETROUTE, NLM_F_DUMP, &rt, sizeof(rt)),
		       route_row, &w);
}

static int proxy_change(struct nl *nl, unsigned int ifindex, __be32 addr, int type, int flags)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct ndmsg nd = { .ndm_family = AF_INET,
			    .ndm_ifindex = (__s32)ifindex,
			    .ndm_flags = NTF_PROXY };
	struct nlmsghdr *h = nl_request(buf, type, flags | NLM_F_ACK, &nd, sizeof(nd));

	mnl_attr_put_u32(h, NDA_DST, addr);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_proxy4_add(struct nl *nl, unsigned int ifindex, __be32 addr)
{
	return proxy_change(nl, ifindex, addr, RTM_NEWNEIGH, NLM_F_CREATE);
}

int nl_proxy4_del(struct nl *nl, unsigned int ifindex, __be32 addr)
{
	return proxy_change(nl, ifindex, addr, RTM_DELNEIGH, 0);
}

struct proxy_walk {
	nl_proxy_fn fn;
	void *ctx;
};

static int proxy_row(const struct nlmsghdr *h, void *ctx)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	const struct proxy_walk *w = ctx;
	const struct nlattr *attr;

	if (h->nlmsg_type != RTM_NEWNEIGH || nd->ndm_family != AF_INET ||
	    !(nd->ndm_flags & NTF_PROXY))
		return 0;
	mnl_attr_for_each(attr, h, sizeof(*nd)) {
		if (mnl_attr_get_type(attr) == NDA_DST)
			return w->fn((unsigned int)nd->ndm_ifindex, mnl_attr_get_u32(attr),
				     w->ctx);
	}
	return 0;
}

int nl_proxies4(struct nl *nl, nl_proxy_fn fn, void *ctx)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct ndmsg nd = { .ndm_family = AF_INET, .ndm_flags = NTF_PROXY };
	struct proxy_walk w = { fn, ctx };

	return nl_talk(nl, nl_request(buf, RTM_GETNEIGH, NLM_F_DUMP, &nd, sizeof(nd)),
		       proxy_row, &w);
}
