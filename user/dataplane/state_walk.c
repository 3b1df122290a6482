/* SPDX-License-Identifier: GPL-2.0-only */
/* Walking over mappings and sessions while the programs change them (RFC 6146 3.1, 3.2):
 * an entry is copied between two looks at its control word, and left out when its life
 * has changed meanwhile. */
#include <errno.h>

#include "dynamic.h"
#include "state_view.h"
#include "table_key.h"

/* The fields stand between two looks at the control word. */
static bool life_is(const __u64 *ctl, __u64 before)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !((__atomic_load_n(ctl, __ATOMIC_RELAXED) ^ before) & CTL_LIFE);
}

/* ---- deadlines ------------------------------------------------------------------------ */

static bool later(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

/* The deadline by packets 6->4 of the mapping that `b` is half of; `fallback` without its
 * other half, which is on its way to come or to go. */
static __u32 until6_of(const struct state_view *v, const struct n64_binding *b,
		       const struct mapping_info *m, __u32 row, __u32 fallback)
{
	struct st_key k = key_bib6(&v->conf, m->proto, &b->host6, b->port6);
	const struct n64_bib6 *all = v->bib6.mem;

	for (__u32 i = 0; i < 2 * TAB_REACH; i++) {
		__u32 place = tab_place(&v->conf, TAB_BIB6, &k, i / 2, i % 2);
		const struct n64_bib6 *e = all + place;
		__u64 ctl;
		__u32 until;

		if (place >= v->bib6.n)
			break;
		ctl = __atomic_load_n(&e->ctl, __ATOMIC_ACQUIRE);
		if (ctl_state(ctl) != CTL_ACTIVE || ctl_row(ctl) != row ||
		    e->port4 != be16(m->port4) || e->port6 != b->port6 ||
		    !addr6_equal(&e->host6, &b->host6))
			continue;
		until = __atomic_load_n(&e->until6, __ATOMIC_RELAXED);
		if (life_is(&e->ctl, ctl))
			return until;
	}
	return fallback;
}

/* ---- mappings ---------------------------------------------------------------------------- */

/* False: it changed while it was read, or is being made just now. */
static bool copy_binding(const struct n64_binding *from, struct n64_binding *b)
{
	b->ctl = __atomic_load_n(&from->ctl, __ATOMIC_ACQUIRE);
	b->host6 = from->host6;
	b->port6 = from->port6;
	b->until4 = __atomic_load_n(&from->until4, __ATOMIC_RELAXED);
	return ctl_state(b->ctl) != CTL_CLAIMED && life_is(&from->ctl, b->ctl);
}

/* `m` has addr4, port4 and proto. */
static bool read_binding(struct state_view *v, __u32 row, const struct n64_binding *all,
			 struct mapping_info *m)
{
	struct n64_binding b;

	if (!copy_binding(&all[m->port4], &b))
		return false;
	m->binding = binding_index(row, m->port4);
	m->ctl = b.ctl;
	m->host6 = b.host6;
	m->port6 = host16(b.port6);
	m->pref = ctl_row(b.ctl);
	m->until = b.until4;
	if (ctl_state(b.ctl) == CTL_ACTIVE && !(b.ctl & CTL_STATIC)) {
		__u32 until6 = until6_of(v, &b, m, row, b.until4);

		if (later(until6, m->until))
			m->until = until6;
	}
	mapping_age(&v->conf, m, v->now);
	return true;
}

/* Mode dynamic: what stood in the place of a port is half of the address. */
static void host_form(const struct state_view *v, struct mapping_info *m)
{
	if (!conf_is_dynamic(&v->conf))
		return;
	m->host = true;
	m->addr4 = host_addr(m->addr4, be16(m->port4));
	m->port4 = 0;
}

/* Could an address of the slot be meant, and what of it: ports, or lower halves? */
static bool wants_slot(const struct state_view *v, const struct state_filter *f, __be32 addr4,
		       enum st_proto proto, __u32 range[2])
{
	range[0] = f->port4[0];
	range[1] = f->port4[1];
	if (!conf_is_dynamic(&v->conf))
		return filter_wants_row(f, addr4, proto);
	if (f->addr4.len > 16) {
		range[0] = host32(f->addr4.addr) & HOST_LOW;
		range[1] = range[0] | (f->addr4.len < 32 ? ~0u >> f->addr4.len : 0);
		return host_block(f->addr4.addr) == addr4;
	}
	return filter_wants_row(f, addr4, proto);
}

static int walk_row(struct state_view *v, __u32 row, __be32 addr4, const struct state_filter *f,
		    mapping_fn fn, void *ctx)
{
	const struct n64_binding *all = state_row_is_empty(v, row) ? NULL : state_row(v, row);
	struct mapping_info m = { .proto = (enum st_proto)(row & 3) };
	__u32 range[2];
	int rc = 0;

	if (!wants_slot(v, f, addr4, m.proto, range))
		return 0;
	for (__u32 port = range[0]; all && !rc && port <= range[1]; port++) {
		/* most are free, and a free one is never meant here */
		if (ctl_state(__atomic_load_n(&all[port].ctl, __ATOMIC_RELAXED)) != CTL_ACTIVE)
			continue;
		m.addr4 = addr4;
		m.port4 = (__u16)port;
		if (!read_binding(v, row, all, &m))
			continue;
		host_form(v, &m);
		if (filter_wants_mapping(f, &m))
			rc = fn(&m, ctx);
	}
	return rc;
}

int state_mappings(struct state_view *v, const struct state_filter *f, mapping_fn fn, void *ctx)
{
	const struct n64_slot *slots = v->slots.mem;
	int rc = 0;

	for (__u32 slot = 0; slot < v->slots.n && !rc; slot++) {
		struct n64_slot s = slots[slot];

		for (int p = 0; p < N_ST_PROTOS && s.flags & SLOT_USED && !rc; p++) {
			enum st_proto proto = (enum st_proto)p;

			if (s.protos & 1u << p)
				rc = walk_row(v, row_of(slot, proto), s.addr, f, fn, ctx);
		}
	}
	return rc;
}

int state_slot(const struct state_view *v, __be32 addr4, enum st_proto proto)
{
	const struct n64_slot *slots = v->slots.mem;

	if (conf_is_dynamic(&v->conf))
		addr4 = host_block(addr4);
	for (__u32 slot = 0; slot < v->slots.n; slot++) {
		if (slots[slot].flags & SLOT_USED && slots[slot].addr == addr4 &&
		    (proto == N_ST_PROTOS || slots[slot].protos & 1u << proto))
			return (int)slot;
	}
	return -1;
}

bool state_mapping_at(struct state_view *v, enum st_proto proto, __be32 addr4, __u16 port,
		      struct mapping_info *m)
{
	int slot = state_slot(v, addr4, proto);
	const struct n64_binding *all;

	if (slot < 0)
		return false;
	all = state_row(v, row_of((__u32)slot, proto));
	*m = (struct mapping_info){ .proto = proto, .addr4 = addr4, .port4 = port };
	if (conf_is_dynamic(&v->conf)) {
		m->addr4 = host_block(addr4);
		m->port4 = host16(host_port(addr4));
	}
	if (!all || !read_binding(v, row_of((__u32)slot, proto), all, m))
		return false;
	host_form(v, m);
	return true;
}

/* ---- sessions ------------------------------------------------------------------------------ */

/* The mapping of a session; a life of it, not of whoever has the port now. */
static bool mapping_of_session(struct state_view *v, __u32 binding, __u32 gen,
			       struct mapping_info *m)
{
	const struct n64_slot *slots = v->slots.mem;
	__u32 row = binding >> 16, slot = row >> 2;
	const struct n64_binding *all;

	if (slot >= v->slots.n || !(slots[slot].flags & SLOT_USED) || (row & 3) >= N_ST_PROTOS)
		return false;
	*m = (struct mapping_info){
		.proto = (enum st_proto)(row & 3),
		.addr4 = slots[slot].addr,
		.port4 = (__u16)binding,
		.kind = MAPPING_FREE,
	};
	all = state_row(v, row);
	if (!all || !read_binding(v, row, all, m))
		return !gen; /* a stored SYN needs no mapping */
	if (!gen)
		return true;
	return m->kind != MAPPING_FREE && m->kind != MAPPING_EXPIRED && ctl_gen(m->ctl) == gen;
}

/* False: no session, or one that changed while it was read. */
static bool read_session(struct state_view *v, __u32 place, struct session_info *s)
{
	const struct n64_session *from = (const struct n64_session *)v->sessions.mem + place;
	__u64 ctl = __atomic_load_n(&from->ctl, __ATOMIC_ACQUIRE), word;
	__u32 binding;

	if (ctl_state(ctl) != CTL_ACTIVE)
		return false;
	word = __atomic_load_n(&from->tcp, __ATOMIC_RELAXED);
	binding = from->binding;
	*s = (struct session_info){
		.ctl = ctl,
		.place = place,
		.remote4 = from->remote4,
		.remote_port = host16(from->remote_port),
		.until = (__u32)(word >> 32),
	};
	/* a stored SYN that was used is CLOSED until it is cleared away */
	if ((word & 0xff) == TCP_CLOSED || !life_is(&from->ctl, ctl) ||
	    deadline_is_past(s->until, v->now) ||
	    !mapping_of_session(v, binding, ctl_gen(ctl), &s->map))
		return false;
	session_age(&v->conf, s, word, v->now);
	return !deadline_is_past(s->until, v->now);
}

int state_sessions(struct state_view *v, const struct state_filter *f, session_fn fn, void *ctx)
{
	struct session_info s;
	int rc = 0;

	for (__u32 place = 0; place < v->sessions.n && !rc; place++) {
		if (read_session(v, place, &s) && filter_wants_session(f, &s))
			rc = fn(&s, ctx);
	}
	return rc;
}
