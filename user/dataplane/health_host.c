/* SPDX-License-Identifier: GPL-2.0-only */
/* Health: what the host around the instance must be like: forwarding, offloads,
 * MTUs, routes, firewalls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ethtool.h"
#include "health.h"
#include "nl.h"
#include "routes.h"
#include "sysctl.h"

static void want_sysctl(struct health *h, const char *fam, const char *dev, const char *key,
			const char *value, const char *why)
{
	char now[SYSCTL_VALUE], remedy[160];

	if (sysctl_get(fam, dev, key, now) || !strcmp(now, value))
		return;
	snprintf(remedy, sizeof(remedy), "sysctl -w net/%s/conf/%s/%s=%s", fam, dev, key, value);
	health_add(h, true, remedy, "net.%s.conf.%s.%s is %s: %s", fam, dev, key, now, why);
}

static void check_forwarding(const struct attachment *a, struct health *h)
{
	const char *k = a->state.path.kernel;
	__u32 i;

	for (i = 0; i < a->ports.n; i++) {
		const char *name = attachment_port_name(a, i);

		/* the FIB is asked for the translated packet, as if it came in there */
		if (a->ports.v[i].flags & PORT_6TO4)
			want_sysctl(h, "ipv4", name, "forwarding", "1", "packets that arrive there "
				    "and become IPv4 are dropped (fib_disabled)");
		if (a->ports.v[i].flags & PORT_4TO6)
			want_sysctl(h, "ipv6", name, "forwarding", "1", "packets that arrive there "
				    "and become IPv6 are dropped (fib_disabled)");
	}
	want_sysctl(h, "ipv6", "all", "forwarding", "1", "the kernel forwards no IPv6");
	want_sysctl(h, "ipv4", k, "forwarding", "1", "the kernel's way is closed");
	want_sysctl(h, "ipv6", k, "forwarding", "1", "the kernel's way is closed");
	want_sysctl(h, "ipv4", k, "accept_local", "1", "errors from the host itself are dropped");
}

static bool feature_on(const char *dev, const char *name)
{
	const struct feature *f;
	struct features all;

	if (features_get(dev, &all))
		return false;
	f = feature_find(&all, name);
	return f && f->on;
}

static void check_offload(struct health *h, const char *dev, const char *name, const char *why)
{
	char remedy[96];

	if (!feature_on(dev, name))
		return;
	snprintf(remedy, sizeof(remedy), "ethtool -K %s %s off", dev, name);
	health_add(h, true, remedy, "%s of %s is on: %s", name, dev, why);
}

static void check_port(const struct attachment *a, const struct port *p, struct health *h)
{
	const struct link *d = link_by_index(&a->links, p->ifindex), *peer;
	char remedy[96];

	if (!d)
		return;
	check_offload(h, d->name, "rx-lro", "XDP sees merged frames");
	check_offload(h, d->name, "rx-gro-hw", "XDP sees merged frames");
	if (d->mtu < 1280 && p->flags & PORT_6TO4) {
		bool only6 = !(p->flags & PORT_4TO6);

		snprintf(remedy, sizeof(remedy), "ip link set %s mtu 1280", d->name);
		health_add(h, only6, remedy, "%s has an MTU of %u, and IPv6 needs 1280%s", d->name,
			   d->mtu, only6 ? "" : ": it serves IPv4 only");
	}
	peer = !strcmp(d->kind, "veth") && !d->lower_elsewhere ?
		       link_by_index(&a->links, d->lower) : NULL;
	if (peer)
		check_offload(h, peer->name, "tx-checksum-ip-generic",
			      "it is the other end of a port and leaves checksums unfinished, so "
			      "TCP and UDP fail");
}

/* ---- routes ------------------------------------------------------------- */

struct route_check {
	const struct attachment *a;
	const struct n64_conf *conf;
	bool found[N64_ALL_PREF64];
};

static int see_route(const struct nl_route *r, void *ctx)
{
	struct route_check *c = ctx;
	__u32 i;

	for (i = 0; i < N64_ALL_PREF64; i++) { /* those of stateless entries, too */
		if (r->oif == c->a->pair.kernel && r->len == c->conf->pref64[i].len &&
		    !memcmp(&r->dst, &c->conf->pref64[i].prefix, sizeof(r->dst)))
			c->found[i] = true;
	}
	return 0;
}

static int count_proxy(unsigned int ifindex, __be32 addr, void *ctx)
{
	(void)ifindex;
	(void)addr;
	++*(unsigned int *)ctx;
	return 0;
}

static void check_proxies(const struct attachment *a, struct nl *nl, struct health *h)
{
	char remedy[96];
	size_t i;

	snprintf(remedy, sizeof(remedy), "xdp-nat64 reload --name %s",
		 state_str(&a->state, "name"));
	nl_proxies4(nl, count_proxy, &h->n_proxy);
	/* on VLAN devices of the ports too */
	for (i = 0; i < a->links.n; i++) {
		unsigned int n = proxies_missing(&a->state, nl, a->links.v[i].ifindex);

		if (n)
			health_add(h, true, remedy,
				   "%u translated addresses on %s are not answered by ARP any more "
				   "(their proxy entries went; a link that goes down loses them)",
				   n, a->links.v[i].name);
	}
}

static void check_routes(const struct attachment *a, const struct n64_conf *conf,
			 struct health *h)
{
	struct route_check c = { .a = a, .conf = conf };
	char text[PREFIX_TEXT];
	struct nl nl;
	__u32 i;

	if (nl_open(&nl))
		return;
	if (nl_routes(&nl, AF_INET6, see_route, &c))
		memset(c.found, 1, sizeof(c.found));
	check_proxies(a, &nl, h);
	nl_close(&nl);
	for (i = 0; i < N64_ALL_PREF64; i++) {
		struct prefix6 p = { conf->pref64[i].prefix, (__u8)conf->pref64[i].len };

		if (p.len && !c.found[i])
			health_add(h, false, "xdp-nat64 reload",
				   "%s is not routed to %s: packets of this host and of devices "
				   "without XDP are not translated",
				   prefix6_text(&p, text), a->state.path.kernel);
	}
}

static void check_vlans(const struct attachment *a, const struct n64_conf *conf,
			struct health *h)
{
	struct vlan_hdr tag[N64_MAX_TAGS];
	__u32 n_tags;
	size_t i;

	if (conf->have & HAVE_VLAN)
		return;
	for (i = 0; i < a->links.n; i++) {
		n_tags = 0;
		if (link_port(&a->links, &a->links.v[i], a->ports.ifindex, a->ports.n, tag,
			      &n_tags) && n_tags)
			health_add(h, true, "xdp-nat64 reload",
				   "%s was made after attach, and the programs do not look at "
				   "VLAN tags",
				   a->links.v[i].name);
	}
}

void health_host(const struct attachment *a, const struct n64_conf *conf, struct health *h)
{
	__u32 i;

	check_forwarding(a, h);
	for (i = 0; i < a->ports.n; i++)
		check_port(a, &a->ports.v[i], h);
	if (!conf) {
		health_add(h, true, "xdp-nat64 detach, then attach", "%s cannot be read",
			   a->state.path.policy);
		return;
	}
	check_routes(a, conf, h);
	check_vlans(a, conf, h);
}

/* ---- firewalls ---------------------------------------------------------- */

/* A chain that drops by default in the forward hook takes what goes the kernel's
 * way; what XDP redirects it never sees. */
static void add_firewall(struct health *h, const char *what)
{
	health_add(h, false,
		   "accept there what comes in from and goes out to nat64 (meta iifname/oifname)",
		   "%s drops forwarded packets by default: what takes the kernel's way "
		   "(unresolved neighbours, tunnels, own traffic) may be lost", what);
}

/* Best effort: looked at as text. */
static void scan_rules(struct health *h, const char *command, const char *word1,
		       const char *word2, const char *what)
{
	FILE *f = popen(command, "re");
	char line[512];
	bool found = false;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, word1) && strstr(line, word2))
			found = true;
	}
	pclose(f);
	if (found)
		add_firewall(h, what);
}

static bool has_legacy_tables(const char *file)
{
	FILE *f = fopen(file, "re");
	bool any = f && fgetc(f) != EOF;

	if (f)
		fclose(f);
	return any;
}

void health_firewall(struct health *h)
{
	if (nl_nft_drops_forwarded())
		add_firewall(h, "nftables");
	if (has_legacy_tables("/proc/net/ip_tables_names"))
		scan_rules(h, "PATH=$PATH:/usr/sbin:/sbin iptables-legacy -S FORWARD 2>/dev/null",
			   "-P FORWARD", "DROP", "iptables");
	if (has_legacy_tables("/proc/net/ip6_tables_names"))
		scan_rules(h, "PATH=$PATH:/usr/sbin:/sbin ip6tables-legacy -S FORWARD 2>/dev/null",
			   "-P FORWARD", "DROP", "ip6tables");
}
