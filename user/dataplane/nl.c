/* SPDX-License-Identifier: GPL-2.0-only */
/* rtnetlink: the conversation itself, links and addresses. */
#include "nl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "abi.h"

int nl_open(struct nl *nl)
{
	int one = 1;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int rc = -errno;

		nl_close(nl);
		return rc;
	}
	/* Without these the kernel refuses without a word; both are optional. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(nl->sock, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	nl->seq = (unsigned int)time(NULL);
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

struct nlmsghdr *nl_request(char buf[NL_BUF], int type, int flags, const void *head, size_t len)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = (__u16)type;
	h->nlmsg_flags = (__u16)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(h, len), head, len);
	return h;
}

/* The answer to our request: 0 and the text in nl->why when there is one. */
static int read_error(struct nl *nl, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
	const struct nlattr *attr;
	size_t skip = sizeof(*e);

	nl->why[0] = '\0';
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return e->error;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	mnl_attr_for_each(attr, h, skip) {
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(nl->why, sizeof(nl->why), "%s", mnl_attr_get_str(attr));
	}
	return e->error;
}

/* How a dump ended: the kernel says in DONE what went wrong underway. */
static int read_done(const struct nlmsghdr *h)
{
	int rc = 0;

	if (mnl_nlmsg_get_payload_len(h) >= sizeof(rc))
		memcpy(&rc, mnl_nlmsg_get_payload(h), sizeof(rc));
	return rc < 0 ? rc : 0;
}

/* One datagram of answers. 1: more to come, 0: finished, -errno. */
static int read_rows(struct nl *nl, const char *buf, ssize_t n, nl_row_fn row, void *ctx)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	int len = (int)n, rc;

	for (; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
		if (h->nlmsg_seq != nl->seq)
			continue;
		nl->interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (h->nlmsg_type == NLMSG_DONE)
			return read_done(h);
		if (h->nlmsg_type == NLMSG_ERROR)
			return read_error(nl, h);
		rc = row ? row(h, ctx) : 0;
		if (rc)
			return rc;
		if (!(h->nlmsg_flags & NLM_F_MULTI))
			return 0;
	}
	return 1;
}

int nl_talk(struct nl *nl, struct nlmsghdr *h, nl_row_fn row, void *ctx)
{
	static char buf[65536] __attribute__((aligned(8)));
	ssize_t n;
	int rc = 1;

	h->nlmsg_seq = ++nl->seq;
	nl->why[0] = '\0';
	if (mnl_socket_sendto(nl->sock, h, h->nlmsg_len) < 0)
		return -errno;
	while (rc > 0) {
		n = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		rc = read_rows(nl, buf, n, row, ctx);
	}
	return rc;
}

static struct nlmsghdr *link_request(char buf[NL_BUF], int type, int flags, unsigned int ifindex)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	return nl_request(buf, type, flags | NLM_F_ACK, &ifi, sizeof(ifi));
}

int nl_veth_add(struct nl *nl, const char *name, const char *peer, const __u8 *mac,
		unsigned int queues, unsigned int mtu)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct nlmsghdr *h = link_request(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info, *data, *end;

	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put(h, IFLA_ADDRESS, MAC_LEN, mac);
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, queues);
	mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, queues);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	end = mnl_attr_nest_start(h, VETH_INFO_PEER);
	memset(mnl_nlmsg_get_payload_tail(h), 0, sizeof(struct ifinfomsg));
	h->nlmsg_len += MNL_ALIGN(sizeof(struct ifinfomsg));
	mnl_attr_put_strz(h, IFLA_IFNAME, peer);
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	mnl_attr_put_u32(h, IFLA_NUM_TX_QUEUES, queues);
	mnl_attr_put_u32(h, IFLA_NUM_RX_QUEUES, queues);
	mnl_attr_nest_end(h, end);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_del(struct nl *nl, unsigned int ifindex)
{
	char buf[NL_BUF] __attribute__((aligned(8)));

	return nl_talk(nl, link_request(buf, RTM_DELLINK, 0, ifindex), NULL, NULL);
}

int nl_link_flags(struct nl *nl, unsigned int ifindex, unsigned int flags, unsigned int mask)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct nlmsghdr *h = link_request(buf, RTM_NEWLINK, 0, ifindex);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);

	ifi->ifi_flags = flags;
	ifi->ifi_change = mask;
	return nl_talk(nl, h, NULL, NULL);
}

int nl_addrgenmode(struct nl *nl, unsigned int ifindex, __u8 mode)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct nlmsghdr *h = link_request(buf, RTM_NEWLINK, 0, ifindex);
	struct nlattr *spec = mnl_attr_nest_start(h, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(h, AF_INET6);

	mnl_attr_put_u8(h, IFLA_INET6_ADDR_GEN_MODE, mode);
	mnl_attr_nest_end(h, inet6);
	mnl_attr_nest_end(h, spec);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_addr4_add(struct nl *nl, unsigned int ifindex, __be32 addr, unsigned int len)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct ifaddrmsg ifa = { .ifa_family = AF_INET,
				 .ifa_prefixlen = (__u8)len,
				 .ifa_scope = RT_SCOPE_UNIVERSE,
				 .ifa_index = ifindex };
	struct nlmsghdr *h = nl_request(buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK,
					&ifa, sizeof(ifa));

	mnl_attr_put_u32(h, IFA_LOCAL, addr);
	mnl_attr_put_u32(h, IFA_ADDRESS, addr);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_xdp_try(struct nl *nl, unsigned int ifindex, int prog_fd, __u32 flags)
{
	char buf[NL_BUF] __attribute__((aligned(8)));
	struct nlmsghdr *h = link_request(buf, RTM_SETLINK, 0, ifindex);
	struct nlattr *xdp = mnl_attr_nest_start(h, IFLA_XDP);

	mnl_attr_put_u32(h, IFLA_XDP_FD, (__u32)prog_fd);
	mnl_attr_put_u32(h, IFLA_XDP_FLAGS, flags);
	mnl_attr_nest_end(h, xdp);
	return nl_talk(nl, h, NULL, NULL);
}
