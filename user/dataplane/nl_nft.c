/* SPDX-License-Identifier: GPL-2.0-only */
/* What nf_tables has in the forward hook. */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nl.h"

/* The nested attribute `type` of `in`, or NULL. */
static const struct nlattr *nested(const struct nlattr *in, __u16 type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, in) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static __u32 number(const struct nlattr *attr)
{
	return ntohl(mnl_attr_get_u32(attr));
}

static int look_at_chain(const struct nlmsghdr *h, void *ctx)
{
	const struct nfgenmsg *nf = mnl_nlmsg_get_payload(h);
	bool forward = false, drop = false;
	const struct nlattr *attr, *hook;

	if (nf->nfgen_family != NFPROTO_INET && nf->nfgen_family != NFPROTO_IPV4 &&
	    nf->nfgen_family != NFPROTO_IPV6)
		return 0;
	mnl_attr_for_each(attr, h, sizeof(*nf)) {
		if (mnl_attr_get_type(attr) == NFTA_CHAIN_HOOK) {
			hook = nested(attr, NFTA_HOOK_HOOKNUM);
			forward = hook && number(hook) == NF_INET_FORWARD;
		} else if (mnl_attr_get_type(attr) == NFTA_CHAIN_POLICY) {
			drop = number(attr) == NF_DROP;
		}
	}
	if (forward && drop)
		*(bool *)ctx = true;
	return 0;
}

bool nl_nft_drops_forwarded(void)
{
	const struct nfgenmsg all = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
	char buf[NL_BUF] __attribute__((aligned(8)));
	bool drops = false;
	struct nl nl;

	memset(&nl, 0, sizeof(nl));
	nl.sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nl.sock)
		return false;
	if (!mnl_socket_bind(nl.sock, 0, MNL_SOCKET_AUTOPID))
		nl_talk(&nl, nl_request(buf, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
					NLM_F_DUMP, &all, sizeof(all)), look_at_chain, &drops);
	nl_close(&nl);
	return drops;
}
