/* SPDX-License-Identifier: GPL-2.0-only */
/* Judging interfaces (L2-05, L2-07, MTU-64-04), before anything is changed. */
#include "ports.h"

#include <linux/if_link.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "place.h"

#define MIN_MTU4 68	/* RFC 791 */
#define MIN_MTU6 1280	/* RFC 8200 5 */

const char *prog_text(__u32 id, char buf[PROG_TEXT])
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		info.name[0] = '\0';
	if (fd >= 0)
		close(fd);
	snprintf(buf, PROG_TEXT, "%.16s (id %u)", info.name[0] ? info.name : "unnamed", id);
	return buf;
}

/* What kind of device it is: the first reason why XDP there cannot work. */
static int judge_kind(const struct links *l, const struct link *d, struct config_error *err)
{
	const struct link *master = link_by_index(l, d->master);
	const char *m = master ? master->name : "its master";

	if (d->type != ARPHRD_ETHER)
		return report_error(err, -EOPNOTSUPP,
				    "%s has no Ethernet headers, so XDP cannot translate on it; "
				    "leave it out: the kernel routes its packets into nat64 and "
				    "they are translated there",
				    d->name);
	if (!strcmp(d->slave_kind, "bond"))
		return report_error(err, -EINVAL,
				    "%s is a slave of the bond %s; attach %s instead", d->name,
				    m, m);
	if (!strcmp(d->slave_kind, "bridge") || !strcmp(d->slave_kind, "team"))
		return report_error(err, -EINVAL,
				    "%s belongs to the %s %s, whose traffic it carries; leave it "
				    "out: the kernel routes packets of %s into nat64 and they are "
				    "translated there",
				    d->name, d->slave_kind, m, m);
	if (!strcmp(d->kind, "vlan")) {
		const struct link *under = link_by_index(l, d->lower);

		return report_error(err, -EINVAL,
				    "%s is a VLAN device; attach %s under it, which serves all "
				    "its VLANs",
				    d->name, under && !d->lower_elsewhere ? under->name :
					    "the port");
	}
	if (!strcmp(d->kind, "bridge"))
		return report_error(err, -EOPNOTSUPP,
				    "%s is a bridge, which has no XDP of its own; leave it out: "
				    "the kernel routes its packets into nat64 and they are "
				    "translated there",
				    d->name);
	return 0;
}

/* MTU-64-04. Below 1280 the kernel takes IPv6 off a device, so that a port for
 * both directions serves IPv4 there and may be smaller. */
static int judge_state(const struct iface_entry *want, const struct link *d,
		       struct config_error *err)
{
	bool only6 = (want->flags & (PORT_6TO4 | PORT_4TO6)) == PORT_6TO4;
	__u32 least = only6 ? MIN_MTU6 : MIN_MTU4;
	char prog[PROG_TEXT];

	if (!(d->flags & IFF_UP))
		return report_error(err, -ENETDOWN, "%s is down; use: ip link set %s up", d->name,
				    d->name);
	if (d->mtu < least)
		return report_error(err, -EINVAL,
				    "%s has an MTU of %u, %s needs %u; use: ip link set %s mtu %u",
				    d->name, d->mtu, only6 ? "IPv6 (RFC 8200)" : "IPv4 (RFC 791)",
				    least, d->name, least);
	if (d->xdp_id)
		return report_error(err, -EBUSY,
				    "%s already runs the XDP program %s, which is left alone; "
				    "remove it first if it is yours to remove: ip link set %s %s "
				    "off",
				    d->name, prog_text(d->xdp_id, prog), d->name,
				    d->xdp_mode == XDP_ATTACHED_SKB ? "xdpgeneric" : "xdp");
	return 0;
}

struct owner {
	__u32 ifindex;
	__u64 cookie;
	char name[N64_NAME_MAX + 1];
};

static int owns(const char *name, void *ctx)
{
	struct owner *o = ctx;
	struct state s;
	struct ports p;
	__u32 i;

	if (state_load(&s, name, NULL))
		return 0;
	ports_of_state(&s, &p);
	for (i = 0; i < p.n; i++) {
		if (p.ifindex[i] == o->ifindex && state_u64(&s, "netns") == o->cookie)
			snprintf(o->name, sizeof(o->name), "%s", name);
	}
	state_close(&s);
	return 0;
}

static int judge_owner(const struct link *d, struct config_error *err)
{
	struct owner o = { .ifindex = d->ifindex, .cookie = netns_cookie() };

	place_instances(owns, &o);
	if (!o.name[0])
		return 0;
	return report_error(err, -EBUSY,
			    "%s belongs to the instance '%s'; an interface serves one "
			    "instance", d->name,
			    o.name);
}

static int judge(const struct iface_entry *want, const struct links *l, struct port *out,
		 struct config_error *err)
{
	const struct link *d = link_by_name(l, want->name);
	int rc;

	if (!d)
		return report_error(err, -ENODEV,
				    "there is no interface '%s' in this network namespace (see: "
				    "ip link)",
				    want->name);
	rc = judge_kind(l, d, err);
	if (!rc)
		rc = judge_owner(d, err);
	if (!rc)
		rc = judge_state(want, d, err);
	if (rc)
		return rc;
	memcpy(out->name, d->name, sizeof(out->name));
	out->ifindex = d->ifindex;
	out->mtu = d->mtu;
	out->flags = want->flags & (PORT_6TO4 | PORT_4TO6);
	if (want->deliver == DELIVER_STACK)
		out->flags |= PORT_STACK;
	memcpy(out->mac, d->mac, MAC_LEN);
	return 0;
}

int ports_judge(const struct config *c, const struct links *l, struct ports *out,
		struct config_error *err)
{
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!c->interfaces.n)
		return report_error(err, -EINVAL,
				    "no interface is given; use -i DEV or interfaces:");
	if (c->interfaces.n > N64_MAX_PORTS)
		return report_error(err, -E2BIG, "%zu interfaces are given, one instance takes %d",
				    c->interfaces.n, N64_MAX_PORTS);
	for (i = 0; i < c->interfaces.n; i++) {
		rc = judge(&c->interfaces.v[i], l, &out->v[i], err);
		if (rc)
			return rc;
		out->ifindex[i] = out->v[i].ifindex;
		out->n++;
	}
	return 0;
}

int ports_to_state(struct state *s, const struct ports *p)
{
	json_t *list = json_object_get(s->doc, "interfaces");
	__u32 i;

	for (i = 0; i < p->n; i++) {
		if (json_array_append_new(list,
					  json_pack("{s:s, s:I, s:I, s:I}", "name", p->v[i].name,
						    "ifindex", (json_int_t)p->v[i].ifindex, "slot",
						    (json_int_t)i, "flags",
						    (json_int_t)p->v[i].flags)))
			return -ENOMEM;
	}
	return 0;
}

void ports_of_state(const struct state *s, struct ports *out)
{
	const json_t *list = json_object_get(s->doc, "interfaces"), *row;
	size_t i;

	memset(out, 0, sizeof(*out));
	json_array_foreach(list, i, row) {
		struct port *p = &out->v[out->n];
		const char *name = json_string_value(json_object_get(row, "name"));

		if (out->n == N64_MAX_PORTS)
			return;
		snprintf(p->name, sizeof(p->name), "%s", name ? name : "");
		p->ifindex = (__u32)json_integer_value(json_object_get(row, "ifindex"));
		p->flags = (__u32)json_integer_value(json_object_get(row, "flags"));
		out->ifindex[out->n++] = p->ifindex;
	}
}
