/* SPDX-License-Identifier: GPL-2.0-only */
/* rtnetlink in a few calls: one socket, one request, one answer, and the
 * kernel's own words when it refuses (extended ACK). */
#ifndef N64_NL_H
#define N64_NL_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "types.h"

/* Our routes are marked with this protocol number: `ip route show proto 64`. */
#define N64_RTPROTO 64

struct nl {
	struct mnl_socket *sock;
	unsigned int seq;
	bool interrupted; /* a dump met a change and may lack rows; callers clear it */
	char why[160]; /* the kernel's reason for the last refusal, or "" */
};

#define NL_BUF 8192

int nl_open(struct nl *nl);
void nl_close(struct nl *nl);

typedef int (*nl_row_fn)(const struct nlmsghdr *h, void *ctx);

/* Sends one request and waits for its end: each row to `row` (may be NULL).
 * 0 or -errno; nl->why then has the kernel's text. */
int nl_talk(struct nl *nl, struct nlmsghdr *h, nl_row_fn row, void *ctx);

/* The beginning of a request in `buf`. */
struct nlmsghdr *nl_request(char buf[NL_BUF], int type, int flags, const void *head, size_t len);

/* ---- links and addresses ------------------------------------------------ */

int nl_veth_add(struct nl *nl, const char *name, const char *peer, const __u8 *mac,
		unsigned int queues, unsigned int mtu);
int nl_link_del(struct nl *nl, unsigned int ifindex);
int nl_link_flags(struct nl *nl, unsigned int ifindex, unsigned int flags, unsigned int mask);
/* IN6_ADDR_GEN_MODE_*: must be set before the link goes up. */
int nl_addrgenmode(struct nl *nl, unsigned int ifindex, __u8 mode);
int nl_addr4_add(struct nl *nl, unsigned int ifindex, __be32 addr, unsigned int len);
/* The old way to attach: used only to hear the driver's reason. */
int nl_xdp_try(struct nl *nl, unsigned int ifindex, int prog_fd, __u32 flags);

/* ---- routes and proxy neighbours ---------------------------------------- */

struct nl_route {
	__u8 fam;	/* AF_INET, AF_INET6 */
	__u8 len;
	__u8 proto;
	__u8 type;	/* RTN_* */
	__u32 table;
	__u32 oif;
	struct addr6 dst; /* AF_INET: w[0] */
};

int nl_route_add(struct nl *nl, const struct nl_route *r);
int nl_route_del(struct nl *nl, const struct nl_route *r);
/* Every route of the family; a non-zero return of `fn` ends the walk. */
typedef int (*nl_route_fn)(const struct nl_route *r, void *ctx);
int nl_routes(struct nl *nl, __u8 fam, nl_route_fn fn, void *ctx);

int nl_proxy4_add(struct nl *nl, unsigned int ifindex, __be32 addr);
int nl_proxy4_del(struct nl *nl, unsigned int ifindex, __be32 addr);
typedef int (*nl_proxy_fn)(unsigned int ifindex, __be32 addr, void *ctx);
int nl_proxies4(struct nl *nl, nl_proxy_fn fn, void *ctx);

/* ---- firewalls ----------------------------------------------------------- */

/* Has nf_tables a chain for IPv4 or IPv6 in the forward hook whose policy is to drop? False also
 * where it cannot be asked. */
bool nl_nft_drops_forwarded(void);

#endif
