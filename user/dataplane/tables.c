/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling the maps that the programs read. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dynamic.h"
#include "hdr.h"
#include "hop.h"
#include "pol_may.h"
#include "programs.h"
#include "siit.h"
#include "topology.h"

/* Which interface a slot is and what was asked for. Everything else in the row
 * belongs to topology_sync and stays: on a reload the worker keeps it, and packets
 * are judged by it meanwhile. */
static int fill_port(int fd, __u32 slot, __u32 ifindex, __u32 flags)
{
	struct n64_port row;

	if (bpf_map_lookup_elem(fd, &slot, &row))
		return -errno;
	row.ifindex = ifindex;
	row.flags = (row.flags & (PORT_ANY_MAC | PORT_NO_IP6)) | flags;
	return bpf_map_update_elem(fd, &slot, &row, BPF_ANY) ? -errno : 0;
}

static int fill_ports(int fd, const struct pair *pair, const struct ports *ports)
{
	int rc = fill_port(fd, N64_SLOT_XLAT, pair->xlat, PORT_6TO4 | PORT_4TO6);
	__u32 i;

	if (!rc)
		rc = fill_port(fd, N64_SLOT_EXIT, pair->kernel, PORT_6TO4 | PORT_4TO6);
	for (i = 0; i < ports->n && !rc; i++)
		rc = fill_port(fd, i, ports->ifindex[i], ports->v[i].flags);
	return rc;
}

static int fill_devmap(int fd, const struct pair *pair, const struct ports *ports)
{
	__u32 key[N64_MAX_PORTS + 2], i;

	memcpy(key, ports->ifindex, ports->n * sizeof(key[0]));
	key[ports->n] = pair->kernel;
	key[ports->n + 1] = pair->xlat;
	for (i = 0; i < ports->n + 2; i++) {
		struct bpf_devmap_val val = { .ifindex = key[i], .bpf_prog.fd = -1 };

		if (bpf_map_update_elem(fd, &key[i], &val, BPF_ANY))
			return -errno;
	}
	return 0;
}

int tables_fill(const struct programs *g, const struct links *l, const struct pair *pair,
		const struct ports *ports, struct config_error *err)
{
	struct topo_maps maps = { .ports = programs_map(g, "ports"),
				  .egress = programs_map(g, "egress"),
				  .vlans = programs_map(g, "vlans"),
				  .local = programs_map(g, "local") };
	size_t n_vlans;
	int rc = fill_ports(maps.ports, pair, ports);

	if (!rc)
		rc = topology_sync(l, &maps, &n_vlans);
	if (!rc)
		rc = fill_devmap(programs_map(g, "devmap"), pair, ports);
	if (rc)
		return report_error(err, rc,
				    "cannot fill the maps of the ports: %s", strerror(-rc));
	return 0;
}

static int fill_rows4(const struct policy_maps *m, const struct policy *pol)
{
	for (__u32 i = 0; i < pol->n4; i++) {
		const struct policy_row4 *r = &pol->row4[i];

		if (bpf_map_update_elem(m->pol4v, &i, &r->val, BPF_ANY) ||
		    bpf_map_update_elem(m->pol4, &r->key, &i, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int fill_rows6(const struct policy_maps *m, const struct policy *pol)
{
	for (__u32 i = 0; i < pol->n6; i++) {
		const struct policy_row6 *r = &pol->row6[i];

		if (bpf_map_update_elem(m->pol6v, &i, &r->val, BPF_ANY) ||
		    bpf_map_update_elem(m->pol6, &r->key, &i, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Does a list have an address that is in a pref64? */
static bool lists_pref64(const struct policy *pol)
{
	for (__u32 i = 0; i < pol->conf.n_pref64 && i < N64_MAX_PREF64; i++) {
		const struct n64_pref64 *p = &pol->conf.pref64[i];

		for (__u32 r = 0; r < pol->n6; r++) {
			const struct n64_pol6_key *k = &pol->row6[r].key;
			__u32 len = p->len < k->prefixlen ? p->len : k->prefixlen;

			if (prefix6_contains(&p->prefix, len, &k->addr))
				return true;
		}
	}
	return false;
}

void tables_plain(const struct policy *pol, struct n64_plain *out)
{
	const struct n64_conf *c = &pol->conf;

	plain4_begin(out, conf_wkp(c));
	out->pref64 = !lists_pref64(pol);
	out->only = out->pref64 && pref64_is_single(c) && c->pref64[0].len;
	out->wide = c->n_pref64 == 1 && c->pref64[0].len == 96 ? csum_wide(&c->pref64[0]) : 0;
	for (__u32 i = 0; i < pol->n4; i++) {
		plain4_except(out, pol->row4[i].key.addr, pol->row4[i].key.prefixlen);
		pol_may_add4(&out->lists, pol->row4[i].key.addr, pol->row4[i].key.prefixlen);
	}
	for (__u32 i = 0; i < pol->n6; i++)
		pol_may_add6(&out->lists, &pol->row6[i].key.addr, pol->row6[i].key.prefixlen);
	for (__u32 i = 0; conf_has_state(c) && i < c->st.pool_lines; i++)
		for (__u32 w = 0; w < POOL_WAYS; w++)
			if (pol->pool_line[i].way[w].addr)
				plain4_except(out, pol->pool_line[i].way[w].addr, 32);
}

int tables_fill_policy(const struct policy_maps *m, const struct policy *pol)
{
	int rc = fill_rows4(m, pol);

	return rc ? rc : fill_rows6(m, pol);
}

int tables_fill_pool(int pool, int dynamic, const struct policy *pol)
{
	__u32 i;

	for (i = 0; i < pol->conf.st.pool_lines; i++) {
		if (bpf_map_update_elem(pool, &i, &pol->pool_line[i], BPF_ANY))
			return -errno;
	}
	for (i = 0; i < pol->conf.st.n_dynamic; i++) {
		if (bpf_map_update_elem(dynamic, &i, &pol->dynamic[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

int tables_start_state(int fd)
{
	struct n64_state s = { .abi = N64_ABI };
	__u32 zero = 0;

	return bpf_map_update_elem(fd, &zero, &s, BPF_ANY) ? -errno : 0;
}

int tables_start_control(int fd)
{
	struct n64_control c = { .abi = N64_ABI, .policy_gen = 1 };
	__u32 zero = 0;

	return bpf_map_update_elem(fd, &zero, &c, BPF_ANY) ? -errno : 0;
}

int tables_start_hops(int fd, __u32 hz)
{
	struct n64_hops *h = calloc(1, sizeof(*h));
	__u32 zero = 0;
	int rc;

	if (!h)
		return -ENOMEM;
	h->confirm = HOP_CONFIRM * hz / 2;
	rc = bpf_map_update_elem(fd, &zero, h, BPF_ANY) ? -errno : 0;
	free(h);
	return rc;
}

struct n64_control *tables_open_control(int fd)
{
	void *c = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);

	return c == MAP_FAILED ? NULL : c;
}

void tables_raise_generation(struct n64_control *c)
{
	__atomic_add_fetch(&c->policy_gen, 1, __ATOMIC_RELEASE);
}

void tables_close_control(struct n64_control *c)
{
	munmap(c, (size_t)sysconf(_SC_PAGESIZE));
}
