/* SPDX-License-Identifier: GPL-2.0-only */
/* What attach changes on the host: forwarding, router advertisements, offloads.
 * Each change is recorded, done, said, and restored by detach. */
#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "ethtool.h"
#include "ports.h"
#include "sysctl.h"

/* Hardware that keeps tags or merges frames hides from XDP what the packet was
 * (L2-01). */
static const char *const port_offloads[] = {
	"rx-vlan-hw-parse", "rx-vlan-stag-hw-parse", "rx-lro", "rx-gro-hw",
};

static int change_sysctl(struct state *s, const char *family, const char *dev, const char *key,
			 const char *value, say_fn say, struct config_error *err)
{
	char old[SYSCTL_VALUE];
	int rc = sysctl_get(family, dev, key, old);

	if (rc == -ENOENT && !strcmp(family, "ipv6"))
		return 0; /* IPv6 is off on this interface */
	if (!rc && !strcmp(old, value))
		return 0;
	if (!rc)
		rc = state_push(s, json_pack("{s:s, s:s, s:I, s:s, s:s, s:s}", "kind", "sysctl",
					     "family", family, "ifindex",
					     (json_int_t)if_nametoindex(dev), "key", key, "old",
					     old, "set", value));
	if (!rc)
		rc = sysctl_set(family, dev, key, value);
	if (rc)
		return report_error(err, rc,
				    "cannot set net.%s.conf.%s.%s = %s: %s", family, dev, key,
				    value, strerror(-rc));
	report_say(say, "set net.%s.conf.%s.%s = %s (was %s)", family, dev, key, value, old);
	return 0;
}

/* ---- router advertisements ---------------------------------------------- */

struct ra {
	__u32 ifindex[64];
	size_t n;
};

static void ra_note(struct ra *ra, __u32 ifindex)
{
	size_t i;

	for (i = 0; i < ra->n; i++) {
		if (ra->ifindex[i] == ifindex)
			return;
	}
	if (ra->n < sizeof(ra->ifindex) / sizeof(ra->ifindex[0]))
		ra->ifindex[ra->n++] = ifindex;
}

static int ra_route(const struct nl_route *r, void *ctx)
{
	if (r->proto == RTPROT_RA && r->oif)
		ra_note(ctx, r->oif);
	return 0;
}

/* An interface that lives on router advertisements loses its default route and,
 * later, its addresses when it forwards with accept_ra = 1. A default route goes
 * as soon as *any* interface begins to forward, so all of them are looked at. */
static int keep_ra(struct state *s, const struct links *l, struct nl *nl, say_fn say,
		   struct config_error *err)
{
	struct ra ra = { .n = 0 };
	size_t i;
	int rc;

	rc = nl_routes(nl, AF_INET6, ra_route, &ra);
	if (rc)
		return report_error(err, rc, "cannot read the IPv6 routes: %s", strerror(-rc));
	for (i = 0; i < l->n_addr; i++) {
		if (l->addr[i].fam == AF_INET6 && l->addr[i].scope == RT_SCOPE_UNIVERSE &&
		    !(l->addr[i].flags & IFA_F_PERMANENT))
			ra_note(&ra, l->addr[i].ifindex);
	}
	for (i = 0; i < ra.n; i++) {
		const struct link *d = link_by_index(l, ra.ifindex[i]);

		if (!d || sysctl_int("ipv6", d->name, "accept_ra", 0) != 1)
			continue;
		rc = change_sysctl(s, "ipv6", d->name, "accept_ra", "2", say, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The kernel forwards IPv6 only with the global switch on; its side effects on
 * other interfaces are taken back at once (sysctl_forward6). IPv4 forwards by
 * interface and needs no global switch. */
static int forward6(struct state *s, say_fn say, struct config_error *err)
{
	int rc;

	if (sysctl_int("ipv6", "all", "forwarding", 1) != 0)
		return 0;
	rc = state_push(s, json_pack("{s:s}", "kind", "forward6"));
	if (!rc)
		rc = sysctl_forward6("1");
	if (rc)
		return report_error(err, rc, "cannot set net.ipv6.conf.all.forwarding = 1: %s",
				    strerror(-rc));
	report_say(say,
		   "set net.ipv6.conf.all.forwarding = 1 (was 0; other interfaces keep their own "
		   "value)");
	return 0;
}

int ports_prepare_host(struct state *s, const struct links *l, struct nl *nl,
		       const struct ports *p, say_fn say, struct config_error *err)
{
	int rc = keep_ra(s, l, nl, say, err);
	__u32 i;

	if (!rc)
		rc = forward6(s, say, err);
	for (i = 0; i < p->n && !rc; i++) {
		rc = change_sysctl(s, "ipv4", p->v[i].name, "forwarding", "1", say, err);
		if (!rc)
			rc = change_sysctl(s, "ipv6", p->v[i].name, "forwarding", "1", say, err);
	}
	return rc;
}

/* ---- offloads ----------------------------------------------------------- */

static bool has_vlan_devices(const struct links *l, __u32 ifindex)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (!strcmp(l->v[i].kind, "vlan") && l->v[i].lower == ifindex &&
		    !l->v[i].lower_elsewhere)
			return true;
	}
	return false;
}

static int offload_off(struct state *s, const struct links *l, const struct port *p,
		       const char *name, say_fn say, struct config_error *err)
{
	const struct feature *now;
	struct features f;
	int rc = features_get(p->name, &f);

	if (rc)
		return report_error(err, rc, "cannot read the offloads of %s: %s", p->name,
				    strerror(-rc));
	now = feature_find(&f, name);
	if (!now || !now->on)
		return 0;
	rc = -EOPNOTSUPP;
	if (now->changeable) {
		rc = state_push(s, json_pack("{s:s, s:I, s:s}", "kind", "feature", "ifindex",
					     (json_int_t)p->ifindex, "feature", name));
		if (!rc)
			rc = feature_set(p->name, name, false);
	}
	if (!rc) {
		report_say(say, "switched %s of %s off", name, p->name);
		return 0;
	}
	if (!strncmp(name, "rx-vlan", 7) && !has_vlan_devices(l, p->ifindex)) {
		report_say(say,
			   "warning: %s of %s cannot be switched off; VLAN devices on it cannot "
			   "be served",
			   name, p->name);
		return 0;
	}
	return report_error(err, rc, "%s of %s is on and cannot be switched off (%s); XDP cannot "
				     "work with it",
			    name, p->name, strerror(-rc));
}

int ports_change(struct state *s, const struct links *l, const struct ports *p, say_fn say,
		 struct config_error *err)
{
	size_t k;
	__u32 i;
	int rc;

	for (i = 0; i < p->n; i++) {
		for (k = 0; k < sizeof(port_offloads) / sizeof(port_offloads[0]); k++) {
			rc = offload_off(s, l, &p->v[i], port_offloads[k], say, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

void ports_warn(const struct links *l, const struct ports *p, say_fn say)
{
	const struct feature *csum;
	bool told = false;
	struct features f;
	__u32 i;

	for (i = 0; i < p->n; i++) {
		const struct link *d = link_by_index(l, p->v[i].ifindex);
		const struct link *peer;

		/* a veth drops what is redirected to it, and counts it nowhere in sight */
		if (d && !strcmp(d->kind, "veth") && !told) {
			report_say(say, "note: %s is a veth; packets leave by one only while its "
				   "other end has an XDP program or GRO on (ethtool -K PEER gro "
				   "on), and only with tx off there TCP works", d->name);
			told = true;
		}

		if (!d || strcmp(d->kind, "veth") || d->lower_elsewhere)
			continue;
		peer = link_by_index(l, d->lower);
		if (!peer || features_get(peer->name, &f))
			continue;
		csum = feature_find(&f, "tx-checksum-ip-generic");
		if (csum && csum->on)
			report_say(say,
				   "warning: %s, the other end of %s, leaves checksums "
				   "unfinished and TCP will fail; use: ethtool -K %s tx off",
				   peer->name, d->name, peer->name);
	}
}
