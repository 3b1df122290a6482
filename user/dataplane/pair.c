/* SPDX-License-Identifier: GPL-2.0-only */
/* nat64 and nat64x: made, with the settings under which every packet that the
 * translator puts on nat64 is forwarded and none is answered, filtered by its
 * source or left with an unfinished checksum. */
#include "pair.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ethtool.h"
#include "sysctl.h"

/* RFC 7600: an address that belongs to no host. The kernel needs one on nat64
 * to forward there with rp_filter and to answer with errors. */
#define DUMMY_ADDR4 be32(0xc0000008)

struct setting {
	const char *family, *key, *value;
	bool optional; /* not on every kernel */
};

static const struct setting kernel_end[] = {
	{ "ipv4", "accept_local", "1", false },
	{ "ipv4", "rp_filter", "0", false },
	{ "ipv4", "send_redirects", "0", false },
	{ "ipv4", "accept_redirects", "0", false },
	{ "ipv4", "forwarding", "1", false },
	{ "ipv6", "accept_ra", "0", false },
	{ "ipv6", "accept_redirects", "0", false },
	{ "ipv6", "router_solicitations", "0", false },
	/* NOARP: nobody can claim its link-local address. */
	{ "ipv6", "accept_dad", "0", false },
	{ "ipv6", "forwarding", "1", false },
};

/* The kernel has nothing to say on the translator's end. */
static const struct setting xlat_end[] = {
	{ "ipv6", "accept_ra", "0", false },
	{ "ipv6", "router_solicitations", "0", false },
	{ "ipv6", "disable_ipv6", "1", false },
};

/* XDP sees what the stack sends before an offload has finished it (L2-06). */
static const char *const offloads[] = {
	"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation",
	"tx-tcp-mangleid-segmentation", "tx-udp-segmentation", "tx-gso-list",
	"tx-sctp-segmentation", "tx-gre-segmentation", "tx-gre-csum-segmentation",
	"tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation",
	"tx-ipxip4-segmentation", "tx-ipxip6-segmentation", "tx-generic-segmentation",
	"tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-checksum-sctp",
	"rx-gro", "rx-gro-list", "rx-udp-gro-forwarding",
	"rx-vlan-hw-parse", "tx-vlan-hw-insert", "rx-vlan-stag-hw-parse", "tx-vlan-stag-hw-insert",
};

static int settle(const char *dev, const struct setting *list, size_t n,
		  struct config_error *err)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = sysctl_set(list[i].family, dev, list[i].key, list[i].value);
		if (rc && !list[i].optional)
			return report_error(err, rc, "cannot set net.%s.conf.%s.%s = %s: %s",
					    list[i].family, dev, list[i].key, list[i].value,
					    strerror(-rc));
	}
	return 0;
}

static int switch_offloads_off(const char *dev, struct config_error *err)
{
	const struct feature *now;
	struct features f;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		rc = features_get(dev, &f);
		if (rc)
			return report_error(err, rc, "cannot read the offloads of %s: %s", dev,
					    strerror(-rc));
		now = feature_find(&f, offloads[i]);
		if (!now || !now->on || !now->changeable)
			continue;
		rc = feature_set(dev, offloads[i], false);
		if (rc)
			return report_error(err, rc, "cannot switch %s of %s off: %s", offloads[i],
					    dev, strerror(-rc));
	}
	return 0;
}

static int no_address(struct nl *nl, __u32 ifindex)
{
	int rc = nl_addrgenmode(nl, ifindex, IN6_ADDR_GEN_MODE_NONE);

	/* A kernel that starts interfaces without IPv6 has nothing to switch off. */
	return rc == -EAFNOSUPPORT ? 0 : rc;
}

static __u32 queue_count(void)
{
	int n = libbpf_num_possible_cpus();

	return n < 1 ? 1 : n > PAIR_MAX_QUEUES ? PAIR_MAX_QUEUES : (__u32)n;
}

static int create(struct state *s, struct nl *nl, struct pair *pair, struct config_error *err)
{
	/* The address that frames from nat64x are sent to: what the worker sends
	 * reaches nat64 as an skb, which the kernel marks as another host's before
	 * our program could write the right address, and then drops. */
	static const __u8 mac[MAC_LEN] = N64_PAIR_DST;
	const struct instance_paths *p = &s->path;
	int rc;

	if (if_nametoindex(p->kernel) || if_nametoindex(p->xlat))
		return report_error(err, -EEXIST,
				    "an interface %s exists already and is not of this instance; "
				    "remove it (ip link del %s) or choose another --name",
				    if_nametoindex(p->kernel) ? p->kernel : p->xlat,
				    if_nametoindex(p->kernel) ? p->kernel : p->xlat);
	pair->queues = queue_count();
	rc = state_push(s, json_pack("{s:s, s:s, s:s}", "kind", "pair", "kernel", p->kernel, "xlat",
				     p->xlat));
	if (rc)
		return report_error(err, rc, "cannot write %s: %s", p->state, strerror(-rc));
	rc = nl_veth_add(nl, p->kernel, p->xlat, mac, pair->queues, PAIR_MTU);
	if (rc)
		return report_error(err, rc,
				    "cannot make the pair %s/%s: %s%s%s", p->kernel, p->xlat,
				    strerror(-rc), nl->why[0] ? ": " : "", nl->why);
	pair->kernel = if_nametoindex(p->kernel);
	pair->xlat = if_nametoindex(p->xlat);
	/* detach finds it by this when it was renamed */
	rc = json_object_set_new(state_last(s), "ifindex", json_integer(pair->kernel));
	rc = rc ? -ENOMEM : state_save(s);
	return rc ? report_error(err, rc, "cannot write %s: %s", p->state, strerror(-rc)) : 0;
}

int pair_make(struct state *s, struct nl *nl, struct pair *pair, struct config_error *err)
{
	const struct instance_paths *p = &s->path;
	int rc = create(s, nl, pair, err);

	if (!rc)
		rc = switch_offloads_off(p->kernel, err);
	if (!rc)
		rc = switch_offloads_off(p->xlat, err);
	if (!rc)
		rc = settle(p->kernel, kernel_end, sizeof(kernel_end) / sizeof(kernel_end[0]), err);
	if (!rc)
		rc = settle(p->xlat, xlat_end, sizeof(xlat_end) / sizeof(xlat_end[0]), err);
	if (rc)
		return rc;
	rc = no_address(nl, pair->xlat);
	if (!rc)
		rc = nl_link_flags(nl, pair->kernel, IFF_NOARP, IFF_NOARP);
	if (!rc)
		rc = nl_addr4_add(nl, pair->kernel, DUMMY_ADDR4, 32);
	if (rc)
		return report_error(err, rc, "cannot settle %s: %s%s%s", p->kernel, strerror(-rc),
				    nl->why[0] ? ": " : "", nl->why);
	return 0;
}

int pair_up(const struct state *s, struct nl *nl, const struct pair *pair,
	    struct config_error *err)
{
	int rc = nl_link_flags(nl, pair->xlat, IFF_UP, IFF_UP);

	if (!rc)
		rc = nl_link_flags(nl, pair->kernel, IFF_UP, IFF_UP);
	if (rc)
		return report_error(err, rc, "cannot bring %s up: %s%s%s", s->path.kernel,
				    strerror(-rc), nl->why[0] ? ": " : "", nl->why);
	return 0;
}
