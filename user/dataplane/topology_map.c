/* SPDX-License-Identifier: GPL-2.0-only */
/* What links mean for the maps `ports`, `egress` and `vlans` (L2-01, VAL-07):
 * the rows are computed from struct topology alone, and only differences are
 * written. */
#include "dataplane/topology.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

bool topology_egress(const struct topology *t, const struct topo_link *l,
		     is_port_fn is_port, const void *ctx, struct n64_egress *out)
{
	struct vlan_hdr inner[N64_MAX_TAGS];
	__u32 n = 0;

	memset(out, 0, sizeof(*out));
	while (l && !is_port(ctx, l->ifindex)) {
		if (l->kind != TOPO_VLAN || n == N64_MAX_TAGS)
			return false;
		inner[n].tci = be16(l->vid);
		inner[n++].type = l->tpid;
		l = l->lower ? topology_link(t, l->lower) : NULL;
	}
	if (!l)
		return false;
	out->port = l->ifindex;
	out->n_tags = n;
	for (__u32 i = 0; i < n; i++)
		out->tag[i] = inner[n - 1 - i];
	return true;
}

/* Is `l` stacked upon `port` by VLAN and macvlan devices that are up? */
static bool stands_on(const struct topology *t, const struct topo_link *l, __u32 port)
{
	for (int depth = 0; l && depth < 8; depth++) {
		if (l->kind != TOPO_VLAN && l->kind != TOPO_MACVLAN)
			return false;
		if (!(l->flags & IFF_UP))
			return false;
		if (l->lower == port)
			return true;
		l = l->lower ? topology_link(t, l->lower) : NULL;
	}
	return false;
}

static bool has_mac(const struct n64_port *row, const __u8 *mac)
{
	if (!memcmp(row->mac, mac, MAC_LEN))
		return true;
	for (__u32 i = 0; i < row->n_unicast; i++) {
		if (!memcmp(row->unicast[i], mac, MAC_LEN))
			return true;
	}
	return false;
}

bool topology_port(const struct topology *t, struct n64_port *row)
{
	const struct topo_link *port = topology_link(t, row->ifindex);

	if (!port)
		return false;
	memcpy(row->mac, port->mac, MAC_LEN);
	row->n_unicast = 0;
	memset(row->unicast, 0, sizeof(row->unicast));
	row->flags &= ~(__u32)PORT_ANY_MAC;
	for (size_t i = 0; i < t->n_link; i++) {
		const struct topo_link *l = &t->link[i];

		if (!stands_on(t, l, row->ifindex) || has_mac(row, l->mac))
			continue;
		if (row->n_unicast == N64_UNICAST_MACS) {
			row->flags |= PORT_ANY_MAC;
			break;
		}
		memcpy(row->unicast[row->n_unicast++], l->mac, MAC_LEN);
	}
	return true;
}

/* ---- rows that are wanted ------------------------------------------------- */

struct row {
	__u8 key[8];
	__u8 val[sizeof(struct n64_egress)];
};

struct table {
	int fd;
	size_t key_len, val_len;
	struct row *row;
	size_t n;
};

struct port_set {
	__u32 n;
	struct {
		__u32 ifindex, flags;
	} port[N64_SLOTS];
};

static bool in_port_set(const void *ctx, __u32 ifindex)
{
	const struct port_set *s = ctx;

	for (__u32 i = 0; i < s->n; i++) {
		if (s->port[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* deliver: stack means that what leaves by this port goes through the kernel */
static bool leaves_by_stack(const struct port_set *s, __u32 ifindex)
{
	for (__u32 i = 0; i < s->n; i++) {
		if (s->port[i].ifindex == ifindex)
			return s->port[i].flags & PORT_STACK;
	}
	return true;
}

static void want(struct table *t, const void *key, const void *val)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!memcmp(t->row[i].key, key, t->key_len))
			return;
	}
	memcpy(t->row[t->n].key, key, t->key_len);
	memcpy(t->row[t->n++].val, val, t->val_len);
}

static const struct row *wanted(const struct table *t, const void *key)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!memcmp(t->row[i].key, key, t->key_len))
			return &t->row[i];
	}
	return NULL;
}

/* A row that went first, then rows that came or changed. */
static int write_differences(const struct table *t)
{
	__u8 key[8], next[8], val[sizeof(struct n64_egress)];
	bool first = true;

	while (!bpf_map_get_next_key(t->fd, first ? NULL : key, next)) {
		if (!wanted(t, next)) {
			if (bpf_map_delete_elem(t->fd, next) && errno != ENOENT)
				return -errno;
			first = true; /* begin again: the cursor is gone */
			continue;
		}
		memcpy(key, next, sizeof(key));
		first = false;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct row *r = &t->row[i];

		if (!bpf_map_lookup_elem(t->fd, r->key, val) &&
		    !memcmp(val, r->val, t->val_len))
			continue;
		if (bpf_map_update_elem(t->fd, r->key, r->val, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int sync_ports(const struct topology *t, int fd, struct port_set *s)
{
	s->n = 0;
	for (__u32 slot = 0; slot < N64_MAX_PORTS; slot++) {
		struct n64_port row, old;

		if (bpf_map_lookup_elem(fd, &slot, &row)) {
			if (errno == ENOENT)
				break; /* a map of fewer slots */
			return -errno;
		}
		if (!row.ifindex)
			continue;
		old = row;
		s->port[s->n].ifindex = row.ifindex;
		s->port[s->n++].flags = row.flags;
		if (!topology_port(t, &row) || !memcmp(&row, &old, sizeof(row)))
			continue;
		if (bpf_map_update_elem(fd, &slot, &row, BPF_EXIST))
			return -errno;
	}
	return 0;
}

int topology_sync(const struct topology *t, const struct topo_maps *m, size_t *n_vlans)
{
	struct table egress = { .fd = m->egress, .key_len = sizeof(__u32),
				.val_len = sizeof(struct n64_egress) };
	struct table vlans = { .fd = m->vlans, .key_len = sizeof(struct n64_vlan_key),
			       .val_len = sizeof(__u32) };
	struct port_set ports;
	int r;

	*n_vlans = 0;
	egress.row = calloc(t->n_link + 1, sizeof(*egress.row));
	vlans.row = calloc(t->n_link + 1, sizeof(*vlans.row));
	r = egress.row && vlans.row ? sync_ports(t, m->ports, &ports) : -ENOMEM;
	for (size_t i = 0; !r && i < t->n_link; i++) {
		const struct topo_link *l = &t->link[i];
		struct n64_vlan_key key = { 0 };
		struct n64_egress e;

		if (!topology_egress(t, l, in_port_set, &ports, &e))
			continue;
		if (!leaves_by_stack(&ports, e.port))
			want(&egress, &l->ifindex, &e);
		/* frames of a VLAN device that is down are the kernel's to drop */
		if (!e.n_tags || !(l->flags & IFF_UP))
			continue;
		key.port = e.port;
		for (__u32 n = 0; n < e.n_tags; n++)
			key.vid[n] = host16(e.tag[n].tci) & 0xfff;
		want(&vlans, &key, &l->ifindex);
	}
	if (!r)
		r = write_differences(&egress);
	if (!r)
		r = write_differences(&vlans);
	*n_vlans = vlans.n;
	free(egress.row);
	free(vlans.row);
	return r;
}
