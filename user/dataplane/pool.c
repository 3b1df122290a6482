/* SPDX-License-Identifier: GPL-2.0-only */
/* A change of the pool in two halves around the swap of the programs (PORT-10). */
#include "pool.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dynamic.h"
#include "pool_rows.h"

bool pool_is_subnet_edge(const struct links *l, const struct ports *p, __be32 addr)
{
	struct vlan_hdr tag[N64_MAX_TAGS];
	__u32 n_tags;
	size_t i;

	for (i = 0; i < l->n_addr; i++) {
		const struct addr *a = &l->addr[i];
		const struct link *dev = link_by_index(l, a->ifindex);
		__be32 net = a->prefix.w[0];

		if (a->fam != AF_INET || !a->len || a->len > 30 || !dev ||
		    !link_port(l, dev, p->ifindex, p->n, tag, &n_tags))
			continue;
		if (addr == net || addr == (net | be32(~0u >> a->len)))
			return true;
	}
	return false;
}

/* ---- ports ---------------------------------------------------------------- */

static int set_range(const struct pool_maps *m, __u32 row, const struct port_run *r)
{
	struct n64_call call = { .op = CALL_RANGE, .row = row, .n = r->on };
	int rc;

	call.port4 = (__be16)r->first; /* host order here */
	call.last = (__u16)r->last;
	rc = pool_call(m->call, &call);
	if (!rc && call.reason != R_GO_ON)
		rc = -EIO;
	return rc;
}

static void leave_out(struct port_set *s, __be32 block, __be32 addr)
{
	if (host_block(addr) == block)
		s->word[(host32(addr) & HOST_LOW) / 64] &= ~(1ull << host32(addr) % 64);
}

/* Mode dynamic, DYN-05: what no host may have of a block: addresses of this host and of
 * subnets on its ports as such, and those that speak for others. */
static void leave_out_taken(const struct pool_plan *plan, __be32 block, struct port_set *s)
{
	const struct links *l = plan->links;
	const struct config *c = plan->c;
	size_t i;
	__u32 k;

	for (i = 0; i < l->n_addr; i++) {
		const struct addr *a = &l->addr[i];
		__be32 net = a->prefix.w[0];

		if (a->fam != AF_INET)
			continue;
		leave_out(s, block, a->local.w[0]);
		if (a->len && pool_is_subnet_edge(l, plan->ports, net)) {
			leave_out(s, block, net);
			leave_out(s, block, net | be32(~0u >> a->len));
		}
	}
	leave_out(s, block, c->opt.icmp_src4);
	for (i = 0; i < c->pool6791v4.n; i++) {
		const struct prefix4 *p = &c->pool6791v4.v[i];

		for (k = 0; p->len > 15 && k < 1u << (32 - p->len); k++)
			leave_out(s, block, be32(host32(p->addr) + k));
	}
}

/* Switches the ports of one row to what the configuration says. */
static int set_row(const struct pool_maps *m, const struct pool_plan *plan, __u32 s,
		   enum st_proto proto)
{
	const struct n64_slot *slot = &plan->after[s];
	struct port_set have, want = { 0 };
	struct port_run run;
	struct n64_row row;
	__u32 from = 0;
	int rc = pool_row_read(m, row_of(s, proto), &row);

	if (rc)
		return rc;
	memcpy(have.word, row.allowed, sizeof(have.word));
	if (!(slot->flags & SLOT_DRAINING) &&
	    !pool_is_subnet_edge(plan->links, plan->ports, slot->addr))
		port_set_of(plan->c, slot->addr, proto, &want);
	if (plan->c->opt.mode == MODE_DYNAMIC)
		leave_out_taken(plan, slot->addr, &want);
	for (; !rc && port_set_next(&have, &want, from, &run); from = run.last + 1)
		rc = set_range(m, row_of(s, proto), &run);
	return rc;
}

static int set_slot(const struct pool_maps *m, const struct pool_plan *plan, __u32 s,
		    __u32 protos)
{
	__u32 p;
	int rc = 0;

	for (p = 0; p < N_ST_PROTOS && !rc; p++) {
		if (protos & 1u << p)
			rc = set_row(m, plan, s, (enum st_proto)p);
	}
	return rc;
}

/* ---- two halves ------------------------------------------------------------- */

/* A slot with all of its rows; a slot that stays may get rows of more protocols. */
static bool is_new(const struct pool_plan *plan, __u32 s)
{
	return plan->after[s].flags & SLOT_USED && !(plan->before[s].flags & SLOT_USED);
}

/* Drained until now: the worker must not free it any more. */
static bool comes_back(const struct pool_plan *plan, __u32 s)
{
	return plan->before[s].flags & SLOT_DRAINING && !(plan->after[s].flags & SLOT_DRAINING);
}

static __u32 new_protos(const struct pool_plan *plan, __u32 s)
{
	__u32 had = plan->before[s].flags & SLOT_USED ? plan->before[s].protos : 0;

	return plan->after[s].flags & SLOT_USED ? plan->after[s].protos & ~had : 0;
}

int pool_memory_check(const struct pool_plan *plan, struct config_error *err)
{
	struct state_sizes s = { .bytes = rows_new_bytes(plan->before, plan->after) };

	return state_memory_check(&s, err);
}

int pool_prepare(const struct pool_maps *m, const struct pool_plan *plan,
		 struct config_error *err)
{
	__u64 bytes = rows_new_bytes(plan->before, plan->after);
	int rc = rows_make(m, plan->after, plan->c->opt.port_block != 0);
	__u32 s;

	for (s = 0; s < N64_MAX_SLOTS && !rc; s++) {
		if ((is_new(plan, s) || comes_back(plan, s)) &&
		    bpf_map_update_elem(m->slots, &s, &plan->after[s], BPF_ANY))
			rc = -errno;
		if (!rc)
			rc = set_slot(m, plan, s, new_protos(plan, s));
	}
	if (!rc)
		return 0;
	pool_unprepare(m, plan);
	if (rc == -ENOMEM || rc == -E2BIG)
		return report_error(err, rc,
				    "the kernel has no memory for the pool addresses, which need "
				    "%llu MiB; nothing was changed; use fewer addresses or "
				    "protocols in pool4",
				    (unsigned long long)(bytes >> 20));
	return report_error(err, rc, "cannot set up the pool addresses: %s", strerror(-rc));
}

void pool_unprepare(const struct pool_maps *m, const struct pool_plan *plan)
{
	__u32 s, p;

	for (s = 0; s < N64_MAX_SLOTS; s++) {
		if (is_new(plan, s)) {
			slot_drop(m, s);
			continue;
		}
		if (comes_back(plan, s))
			bpf_map_update_elem(m->slots, &s, &plan->before[s], BPF_ANY);
		for (p = 0; p < N_ST_PROTOS; p++) {
			if (new_protos(plan, s) & 1u << p)
				row_drop(m, row_of(s, (enum st_proto)p));
		}
	}
}

int pool_finish(const struct pool_maps *m, const struct pool_plan *plan)
{
	/* The worker may have freed a slot as drained that has come back just then. */
	int rc = rows_make(m, plan->after, plan->c->opt.port_block != 0);
	__u32 s;

	for (s = 0; s < N64_MAX_SLOTS && !rc; s++) {
		const struct n64_slot *slot = &plan->after[s];

		if (!(slot->flags & SLOT_USED))
			continue;
		rc = set_slot(m, plan, s, slot->protos);
		if (!rc && bpf_map_update_elem(m->slots, &s, slot, BPF_ANY))
			rc = -errno;
	}
	return rc;
}

/* ---- words ---------------------------------------------------------------- */

static bool in_pool(const struct config *c, __be32 addr)
{
	size_t i;

	for (i = 0; i < c->pool4.n; i++) {
		const struct prefix4 *p = &c->pool4.v[i].prefix;

		if ((addr & (p->len ? be32(~0u << (32 - p->len)) : 0)) == p->addr)
			return true;
	}
	return false;
}

static bool said_before(const struct links *l, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++) {
		if (l->addr[k].fam == AF_INET && l->addr[k].local.w[0] == l->addr[i].local.w[0])
			return true;
	}
	return false;
}

static void warn_edges(const struct config *c, const struct addr *a, say_fn say)
{
	__be32 edge[2] = { a->prefix.w[0], a->prefix.w[0] | be32(~0u >> a->len) };
	char text[PREFIX_TEXT];
	int i;

	for (i = 0; i < 2; i++) {
		if (in_pool(c, edge[i]))
			report_say(say,
				   "warning: %s is the %s address of a subnet on a port, so it is "
				   "not given to anybody; leave it out of pool4",
				   addr4_text(edge[i], text), i ? "broadcast" : "network");
	}
}

void pool_warn(const struct config *c, const struct links *l, const struct ports *p, say_fn say)
{
	struct vlan_hdr tag[N64_MAX_TAGS];
	char text[PREFIX_TEXT];
	__u32 n_tags;
	size_t i;

	for (i = 0; i < l->n_addr; i++) {
		const struct addr *a = &l->addr[i];
		const struct link *dev = link_by_index(l, a->ifindex);

		if (a->fam != AF_INET || !dev || said_before(l, i))
			continue;
		if (in_pool(c, a->local.w[0]) && c->opt.mode == MODE_STATEFUL)
			report_say(say,
				   "note: the pool address %s is also an address of this host: "
				   "what no mapping knows goes to the host (GEN-05)",
				   addr4_text(a->local.w[0], text));
		if (a->len && a->len <= 30 &&
		    link_port(l, dev, p->ifindex, p->n, tag, &n_tags))
			warn_edges(c, a, say);
	}
}
