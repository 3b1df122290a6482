/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps `ports`, `egress`, `vlans` and `local` from links (L2-01, VAL-07): the rows
 * are computed from struct links alone, and only differences are written, so
 * that a program which reads a row meanwhile sees no change that is none. */
#include "topology.h"
#include "mtu.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX sizeof(struct n64_local_key)

struct row {
	__u8 key[KEY_MAX];
	__u8 val[sizeof(struct n64_egress)];
};

/* The rows that a map shall hold. */
struct table {
	int fd;
	size_t key_len, val_len;
	struct row *row;
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	return memcmp(((const struct row *)a)->key, ((const struct row *)b)->key,
		      sizeof(((const struct row *)a)->key));
}

static void want(struct table *t, const void *key, const void *val)
{
	struct row *r = &t->row[t->n++];

	memset(r, 0, sizeof(*r));
	memcpy(r->key, key, t->key_len);
	memcpy(r->val, val, t->val_len);
}

static bool wanted(const struct table *t, const void *key)
{
	struct row r = { 0 };

	memcpy(r.key, key, t->key_len);
	return bsearch(&r, t->row, t->n, sizeof(r), by_key);
}

/* Takes out the rows that are not wanted any more. */
static int delete_others(const struct table *t)
{
	__u8 key[KEY_MAX] = { 0 }, next[KEY_MAX] = { 0 };
	bool begin = true;

	while (!bpf_map_get_next_key(t->fd, begin ? NULL : key, next)) {
		if (wanted(t, next)) {
			memcpy(key, next, sizeof(key));
			begin = false;
			continue;
		}
		if (bpf_map_delete_elem(t->fd, next) && errno != ENOENT)
			return -errno;
		/* `key` is still there and the walk goes on behind it */
	}
	return 0;
}

static int write_table(struct table *t)
{
	__u8 val[sizeof(struct n64_egress)];
	int r;

	qsort(t->row, t->n, sizeof(*t->row), by_key);
	r = delete_others(t);
	for (size_t i = 0; !r && i < t->n; i++) {
		const struct row *w = &t->row[i];

		if (!bpf_map_lookup_elem(t->fd, w->key, val) &&
		    !memcmp(val, w->val, t->val_len))
			continue;
		if (bpf_map_update_elem(t->fd, w->key, w->val, BPF_ANY))
			r = -errno;
	}
	return r;
}

static void port_row(const struct links *l, const struct link *dev, struct n64_port *row)
{
	memcpy(row->mac, dev->mac, MAC_LEN);
	row->n_unicast = 0;
	memset(row->unicast, 0, sizeof(row->unicast));
	row->flags &= ~(__u32)(PORT_ANY_MAC | PORT_NO_IP6);
	if (dev->mtu < MTU6_MIN)
		row->flags |= PORT_NO_IP6;
	link_unicast(l, dev->ifindex, row);
}

/* Rows of the ports; collects which they are. */
static int sync_ports(const struct links *l, int fd, __u32 *port, size_t *n)
{
	*n = 0;
	for (__u32 slot = 0; slot < N64_SLOTS; slot++) {
		const struct link *dev;
		struct n64_port row, old;

		if (bpf_map_lookup_elem(fd, &slot, &row))
			return -errno;
		dev = row.ifindex ? link_by_index(l, row.ifindex) : NULL;
		if (!dev)
			continue;
		if (slot < N64_MAX_PORTS) /* the others are the pair */
			port[(*n)++] = row.ifindex;
		old = row;
		port_row(l, dev, &row);
		if (memcmp(&row, &old, sizeof(row)) &&
		    bpf_map_update_elem(fd, &slot, &row, BPF_EXIST))
			return -errno;
	}
	return 0;
}

/* What a device adds to the two tables, when it is a port or stands on one. */
static void add_device(const struct links *l, const struct link *dev, const __u32 *port,
		       size_t n_port, struct table *egress, struct table *vlans)
{
	struct n64_vlan_key key = { 0 };
	struct n64_egress e = { 0 };
	__u32 n_tags;

	e.port = link_port(l, dev, port, n_port, e.tag, &n_tags);
	if (!e.port)
		return;
	e.n_tags = (__u16)n_tags;
	e.mtu = dev->mtu > 65535 ? 65535 : (__u16)dev->mtu;
	want(egress, &dev->ifindex, &e);
	/* frames of a VLAN device that is down are the kernel's to drop */
	if (!e.n_tags || !(dev->flags & IFF_UP))
		return;
	key.port = e.port;
	for (__u32 i = 0; i < e.n_tags; i++)
		key.vid[i] = (host16(e.tag[i].tci) & 0xfff) |
			     (e.tag[i].type == be16(ET_QINQ) ? VID_SERVICE : 0);
	want(vlans, &key, &dev->ifindex);
}

/* The addresses that the host answers to (L2-02). */
static int sync_local(const struct links *l, int fd)
{
	struct table t = { .fd = fd, .key_len = sizeof(struct n64_local_key),
			   .val_len = sizeof(__u32) };
	const __u32 one = 1;
	int r;

	t.row = calloc(l->n_addr + 1, sizeof(*t.row));
	if (!t.row)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_addr; i++) {
		struct n64_local_key key = { .fam = l->addr[i].fam == AF_INET ? FAM_4 : FAM_6,
					     .addr = l->addr[i].local };

		want(&t, &key, &one);
	}
	r = write_table(&t);
	free(t.row);
	return r == -E2BIG ? 0 : r; /* the others take the way of the worker */
}

int topology_sync(const struct links *l, const struct topo_maps *m, size_t *n_vlans)
{
	struct table egress = { .fd = m->egress, .key_len = sizeof(__u32),
				.val_len = sizeof(struct n64_egress) };
	struct table vlans = { .fd = m->vlans, .key_len = sizeof(struct n64_vlan_key),
			       .val_len = sizeof(__u32) };
	__u32 port[N64_MAX_PORTS];
	size_t n_port = 0;
	int r = -ENOMEM;

	egress.row = calloc(l->n + 1, sizeof(*egress.row));
	vlans.row = calloc(l->n + 1, sizeof(*vlans.row));
	if (egress.row && vlans.row)
		r = sync_ports(l, m->ports, port, &n_port);
	for (size_t i = 0; !r && i < l->n; i++)
		add_device(l, &l->v[i], port, n_port, &egress, &vlans);
	if (!r)
		r = write_table(&egress);
	if (!r)
		r = write_table(&vlans);
	if (!r)
		r = sync_local(l, m->local);
	*n_vlans = vlans.n;
	free(egress.row);
	free(vlans.row);
	return r;
}
