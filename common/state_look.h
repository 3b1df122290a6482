/* SPDX-License-Identifier: GPL-2.0-only */
/* The first half of a packet's way through the mapping state, 6->4 (state.h): finding,
 * and the two entries of a new mapping. */
#ifndef N64_STATE_LOOK_H
#define N64_STATE_LOOK_H

#include "alloc.h"
#include "session.h"

n64_inline void state_begin(struct st_work *w)
{
	__builtin_memset(w, 0, offsetof(struct st_work, found));
	w->block = 0;
	w->place = TAB_NONE;
	w->sub = TAB_NONE;
	w->now = st_now();
	w->ticks = st_ticks();
}

/* Seconds that a UDP or ICMP packet keeps its mapping (10.2; RFC 4787 REQ-5). */
n64_inline __u32 state_timer(const struct n64_conf *c, __u32 proto, __be16 remote_port)
{
	__u32 port = host16(remote_port);

	if (proto == ST_ICMP)
		return c->opt.icmp_timeout;
	if (c->st.n_udp_port && port < 1024) {
		n64_no_unroll
		for (__u32 i = 0; i < N64_MAX_UDP_PORTS; i++)
			if (i < c->st.n_udp_port && c->st.udp_port[i].port == port)
				return c->st.udp_port[i].seconds;
	}
	return c->opt.udp_timeout;
}

/* The deadline of a TCP session that has just had a packet in ESTABLISHED. */
n64_inline __u32 state_full(const struct n64_conf *c, __u32 now)
{
	return now + c->opt.tcp_est_timeout + c->opt.tcp_trans_timeout;
}

/* May a TCP packet of this mapping leave its session alone? Only one that changes nothing,
 * whose session was refreshed within this second. */
n64_inline bool state_is_quiet(const struct n64_conf *c, __u64 ctl, __u32 until, __u32 now,
			       __u32 tcp_flags)
{
	return ctl_is_quiet(c, ctl) && until == state_full(c, now) &&
	       tcp_event(tcp_flags) == EV_OTHER;
}

/* ---- 6 -> 4: look ------------------------------------------------------------------------- */

ST_FAR int bib6_walk(struct st_work *w)
{
	struct tab_walk x = { .t = TAB_BIB6 };

	if (!w)
		return TAB_NONE;
	x.k = key_bib6(st_conf(), (enum st_proto)w->q.proto, &w->q.host6, w->q.port6);
	return tab_find(&x);
}

/* Most keys lie in their home line: no call for them. */
n64_inline int bib6_find(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct st_key k = key_bib6(c, (enum st_proto)w->q.proto, &w->q.host6, w->q.port6);
	int place = tab_find_at(TAB_BIB6, &k, 0);

	if (likely(place != TAB_NONE))
		return place;
	return tab_reach(c, TAB_BIB6, &k) ? bib6_walk(w) : TAB_NONE;
}

/* Puts the packet's host into the table; w->put.claimed: a new claim. */
ST_FAR int bib6_put(struct st_work *w)
{
	if (!w)
		return TAB_BUSY;
	w->put.now = w->now;
	w->put.k = key_bib6(st_conf(), (enum st_proto)w->q.proto, &w->q.host6, w->q.port6);
	return tab_put(&w->put, TAB_BIB6);
}

/* Whether the other side of a mapping keeps it alive. 0: it does not. */
ST_FAR int state_other4(struct st_work *w)
{
	const struct n64_binding *b = w ? mem_binding(w->q.binding) : NULL;
	__u64 ctl = b ? st_load(&b->ctl) : 0;

	if (!b || ctl_state(ctl) != CTL_ACTIVE || ctl_gen(ctl) != ctl_gen(w->ctl) ||
	    st_load32(&b->until4) < w->now)
		return 0;
	w->until = st_load32(&b->until4);
	return 1;
}

/* The pool address of a mapping with this port. */
n64_inline __be32 state_addr4(const struct n64_slot *slot, __be16 port4)
{
	return conf_is_dynamic(st_conf()) ? host_addr(slot->addr, port4) : slot->addr;
}

/* There is none left for a new mapping. */
n64_inline enum reason state_exhausted(void)
{
	return conf_is_dynamic(st_conf()) ? R_pool_full : R_no_port;
}

/* The mapping of (w->q.proto, host6, port6). True: found; addr4, port4, binding and
 * w->ctl are its own. False: there is none, or none any more. */
n64_inline bool state_look6(struct st_work *w)
{
	const struct n64_slot *slot;
	struct n64_bib6 *e;

	w->place = bib6_find(w);
	e = w->place < 0 ? NULL : mem_bib6((__u32)w->place);
	if (!e)
		return false;
	w->ctl = st_load(&e->ctl);
	w->q.row = ctl_row(w->ctl);
	w->q.port4 = e->port4;
	w->until = st_load32(&e->until6);
	w->q.binding = binding_index(w->q.row, host16(w->q.port4));
	if (ctl_state(w->ctl) != CTL_ACTIVE || (st_load(&e->ctl) ^ w->ctl) & CTL_LIFE)
		return false;
	if (unlikely(w->until < w->now) && !(w->ctl & CTL_STATIC) && !state_other4(w)) {
		w->expired = w->q.binding + 1;
		return false;
	}
	slot = mem_slot(w->q.row >> 2);
	if (!slot)
		return false;
	w->q.addr4 = state_addr4(slot, w->q.port4);
	return true;
}

/* ---- lines of memory that a new mapping will need ------------------------------------------- */

/* Asks for the home of the session that the mapping has with a peer. */
n64_inline void touch_session(__u32 index, __be32 remote4, __be16 remote_port)
{
	struct st_key k = key_session(st_conf(), index, 0, remote4, remote_port);

	st_touch(mem_session(tab_place(st_conf(), TAB_SESSION, &k, 0, 0)));
	st_touch(tab_reach_word(st_conf(), TAB_SESSION, tab_home(st_conf(), TAB_SESSION, &k)));
}

/* The same of bib6. `hash`: key_hash_addr. */
n64_inline void touch_bib6(const struct n64_conf *c, __u64 hash, enum st_proto proto, __be16 port6)
{
	__u32 place = key_near(hash, proto, port6) & (2 * tab_lines(c, TAB_BIB6) - 1);

	st_touch(mem_bib6(place));
	st_touch(tab_reach_word(c, TAB_BIB6, place >> 1));
}

/* Asks for the word that says whether the port of that binding is free. */
n64_inline void touch_row(__u32 index)
{
	struct n64_row *r = mem_row(index >> 16);

	if (r)
		st_touch(&r->free[port_word(index_port(index))]);
}

/* The mapping that a search from `index` on comes to, if that is said by the word of the bitmap in
 * which it begins; else `index`. */
n64_inline __u32 mapping_free(__u32 index, enum port_parity par)
{
	__u32 start = index_port(index);
	struct n64_row *r = mem_row(index >> 16);
	__u64 free;
	int port;

	if (!r)
		return index;
	free = st_load(&r->free[port_word(start)]) & parity_mask(par);
	if (likely(free & port_bit(start))) /* the rest takes many instructions */
		return index;
	port = port_in_word(free, start);
	return port < 0 ? index : binding_index(index >> 16, (__u16)port);
}

/* Index of the mapping that the packet of a host will have on the address that its subscriber
 * has got if that was not full (slot_choose), or -1: that cannot be told so easily. `sub`, `hash`:
 * key_hash_halves and key_hash_addr. */
n64_inline int mapping_foreseen(const struct n64_conf *c, __u64 sub, __u64 hash,
				enum st_proto proto, __be16 port6)
{
	const struct n64_dynamic *d;
	__u32 row;

	/* with blocks it is not known which one the subscriber has */
	if (c->opt.port_block || !c->st.n_dynamic || !c->st.ports[proto].n ||
	    (proto != ST_ICMP && host16(port6) < N64_PORT_HIGH))
		return -1;
	d = mem_dynamic(sub_slot_first(c, sub));
	if (!d)
		return -1;
	row = row_of(d->slot, proto);
	return (int)binding_index(row, (__u16)port_start(c, hash, (__u32)proto << 16 | port6, row,
							 c->st.ports[proto].first,
							 c->st.ports[proto].n,
							 port_parity(c, proto, port6)));
}

/* Asks for the slot of a holding that a new entry will have. */
n64_inline void touch_hold(const struct n64_subscriber *s, __u32 kind)
{
	st_touch(mem_hold((st_load32(&s->cursor[ST_MASK(kind, 3)]) & ~HOLD_FRESH) >> 4));
}

/* Asks for the lines of a mapping that is not there, before anything is known but the packet:
 * what is farthest first, and all within the 200 instructions or so that a processor begins
 * while it waits for the line of bib6. The mapping's index, or -1. The peer: of TCP alone. */
n64_inline int state_foresee(enum st_proto proto, const struct addr6 *host, __be16 port6,
			     __be32 remote4, __be16 remote_port)
{
	__u64 lo = addr6_half(host, 0), hi = addr6_half(host, 1), hash, sub;
	const struct n64_conf *c = st_conf();
	const struct n64_subscriber *s;
	struct st_key k = {};
	__u32 free;
	int index;

	hash = key_hash_halves(c, lo, hi);
	sub_halves(c, &lo, &hi);
	sub = key_hash_halves(c, lo, hi);
	index = mapping_foreseen(c, sub, hash, proto, port6);
	if (index >= 0)
		st_touch(mem_binding((__u32)index));
	if (proto == ST_TCP) /* of the others it is on its way */
		touch_bib6(c, hash, proto, port6);
	k.hash = sub_hash(c, sub);
	s = mem_sub(tab_place(c, TAB_SUB, &k, 0, 0));
	st_touch(s);
	if (index >= 0 && proto == ST_TCP) {
		free = mapping_free((__u32)index, port_parity(c, proto, port6));
		if (free != (__u32)index)
			st_touch(mem_binding(free));
		touch_session(free, remote4, remote_port);
	} else if (index >= 0) { /* the same would be more than a processor begins */
		touch_row((__u32)index);
	}
	/* behind the subscriber, if it is that one */
	if (s)
		touch_hold(s, proto);
	if (s && proto == ST_TCP)
		touch_hold(s, KIND_SESSIONS);
	return index;
}

/* The search for a port begins at `index`, which is foreseen. */
n64_inline void state_aim_at(struct st_work *w, __u32 index)
{
	w->aimed = (index >> 16) + 1;
	w->start = index_port(index);
	w->range = range_arg(work_range(w));
}

/* Asks for what could not be foreseen of a mapping on `slot`: the holdings of the subscriber.
 * Also a slot that is written unread: the next compare-and-swap would wait for it. */
ST_FAR int state_touch(struct st_work *w, __u32 slot)
{
	const struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	__u32 row, index;

	if (!w)
		return 0;
	if (s) {
		touch_hold(s, w->q.proto);
		if (w->q.proto == ST_TCP)
			touch_hold(s, KIND_SESSIONS);
	}
	row = row_of(slot, (enum st_proto)(w->q.proto & 3));
	if (st_conf()->opt.port_block || w->aimed == row + 1)
		return 0;
	port_aim_range(w, row);
	w->aimed = row + 1;
	index = binding_index(row, (__u16)w->start);
	st_touch(mem_binding(index));
	if (w->q.proto == ST_TCP)
		touch_session(index, w->q.remote4, w->q.remote_port);
	return 0;
}

/* The address that a new mapping would have, before it is made (GEN-08). R_GO_ON with
 * addr4, or R_no_port. Mode dynamic: only its upper half. */
ST_FAR int state_would6(struct st_work *w)
{
	const struct n64_subscriber *s;
	const struct n64_slot *slot;
	int n;

	if (!w)
		return R_state_busy;
	w->sub = sub_find(w);
	s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);
	if (s)
		w->pair = sub_pair(s, w->q.proto);
	n = w->pair ? (int)w->pair - 1 : slot_choose(w);
	slot = n < 0 ? NULL : mem_slot((__u32)n);
	if (!slot)
		return state_exhausted();
	w->q.addr4 = slot->addr;
	state_touch(w, (__u32)n);
	return R_GO_ON;
}

/* ---- making -------------------------------------------------------------------------------- */

/* The two entries of a new mapping whose record is claimed at `index`; `policy`: generation of
 * the lists that judged its host (GEN-11). */
n64_inline void state_publish(struct st_work *w, __u32 index, __u64 flags, __u32 policy,
			      __u32 until)
{
	struct n64_bib6 *e = w->place < 0 ? NULL : mem_bib6((__u32)w->place);
	const struct n64_slot *slot = mem_slot(index_slot(index));
	__u32 gen = ctl_gen(w->ctl);
	struct n64_row *r = mem_row(index >> 16);

	if (!e || !slot || !r)
		return;
	w->q.binding = index;
	w->q.row = index >> 16;
	w->q.port4 = be16(index_port(index));
	w->q.addr4 = state_addr4(slot, w->q.port4);
	w->until = until;
	w->fresh = 1;
	e->host6 = w->q.host6;
	e->port6 = w->q.port6;
	e->port4 = w->q.port4;
	e->until6 = until;
	st_add32(&r->used, 1);
	binding_open(index, &w->q, flags, policy, gen, until);
	w->ctl = ctl_make(CTL_ACTIVE, flags, w->q.row, policy, gen);
	st_store(&e->ctl, w->ctl);
	st_note(R_bib_created);
}

#endif
