/* SPDX-License-Identifier: GPL-2.0-only */
/* The mapping state of a stateful NAT64 (RFC 6146 3.5), for a packet in two halves:
 *
 *   look    find the mapping and judge; nothing changes
 *   commit  make what is missing, move the TCP session, set the timers
 *
 * Between them the fast path asks for the route, so that a packet that cannot leave makes
 * no state (GEN-08). The answers for user space (struct n64_call) are made of the same
 * halves. A struct st_work carries the packet: state_begin, then w->q is filled in. */
#ifndef N64_STATE_H
#define N64_STATE_H

#include "alloc.h"

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
	return ctl & CTL_QUIET && until == state_full(c, now) && tcp_event(tcp_flags) == EV_OTHER;
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
	__u32 place = tab_place(c, TAB_BIB6, &k, 0, 0);

	if (likely(tab_match(TAB_BIB6, place, &k)))
		return (int)place;
	if (tab_match(TAB_BIB6, place + 1, &k))
		return (int)place + 1;
	return tab_reach(c, TAB_BIB6, &k) ? bib6_walk(w) : TAB_NONE;
}

/* Puts the packet's host into the table; w->put.claimed: a new claim. */
ST_FAR int bib6_put(struct st_work *w)
{
	if (!w)
		return TAB_BUSY;
	w->put.t = TAB_BIB6;
	w->put.now = w->now;
	w->put.k = key_bib6(st_conf(), (enum st_proto)w->q.proto, &w->q.host6, w->q.port6);
	return tab_put(&w->put);
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
	w->q.addr4 = slot->addr;
	return true;
}

/* The address that a new mapping would have, before it is made (GEN-08). R_GO_ON with
 * addr4, or R_no_port. */
ST_FAR int state_would6(struct st_work *w)
{
	const struct n64_subscriber *s;
	const struct n64_slot *slot;
	__u32 pair = 0;
	int n;

	if (!w)
		return R_state_busy;
	n = sub_find(w);
	s = n < 0 ? NULL : mem_sub((__u32)n);
	if (s)
		pair = sub_pair(s, w->q.proto);
	n = pair ? (int)pair - 1 : slot_choose(w);
	slot = n < 0 ? NULL : mem_slot((__u32)n);
	if (!slot)
		return R_no_port;
	w->q.addr4 = slot->addr;
	return R_GO_ON;
}

/* ---- 6 -> 4: commit ----------------------------------------------------------------------- */

/* The two entries of a new mapping whose record is claimed at `index`. */
n64_inline void state_publish(const struct n64_conf *c, struct st_work *w, __u32 index,
			      __u64 flags, __u32 until)
{
	struct n64_bib6 *e = w->place < 0 ? NULL : mem_bib6((__u32)w->place);
	const struct n64_slot *slot = mem_slot(index_slot(index));
	__u32 gen = ctl_gen(w->ctl);
	struct n64_row *r = mem_row(index >> 16);

	if (!e || !slot || !r)
		return;
	w->q.binding = index;
	w->q.row = index >> 16;
	w->q.addr4 = slot->addr;
	w->q.port4 = be16(index_port(index));
	w->until = until;
	w->fresh = 1;
	e->host6 = w->q.host6;
	e->port6 = w->q.port6;
	e->port4 = w->q.port4;
	e->until6 = until;
	st_add32(&r->used, 1);
	binding_open(c, index, &w->q, flags, gen, until);
	w->ctl = ctl_make(CTL_ACTIVE, flags, w->q.row, c->st.policy_gen, gen);
	st_store(&e->ctl, w->ctl);
	st_note(R_bib_created);
}

/* What a new mapping needs before it gets a port: a subscriber with quota and a token
 * (CGN-01, CGN-02). */
n64_inline enum reason state_admit(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s;

	w->sub = sub_get(w);
	s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);
	if (!s)
		return w->sub == TAB_FULL ? R_table_full : R_state_busy;
	if (!sub_token(c, s, w->ticks))
		return R_quota;
	return quota_enter(w, w->q.proto < N_ST_PROTOS ? w->q.proto : 0);
}

/* The gateway is at its limit: is there anything expired on the address that the packet
 * would use (PORT-09)? */
n64_inline bool state_make_room(struct st_work *w)
{
	int row = row_pick(w, 1);

	if (row < 0)
		row = row_pick(w, 0);
	return row >= 0 && row_sweep_next(w, (__u32)row, REFUSE_SWEEP);
}

/* Makes the mapping of the packet in hand, which state_look6 did not find. R_GO_ON with
 * addr4 and port4, or why not. When another CPU has made it meanwhile, that one is found. */
ST_FAR int state_make6(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_bib6 *e;
	__u32 until;
	enum reason r;
	int index, held;

	if (!w)
		return R_state_busy;
	if (w->expired)
		binding_reclaim(w->expired - 1, w->now);
	r = state_admit(w);
	if (r == R_table_full && state_make_room(w))
		r = (enum reason)quota_try(w, w->q.proto);
	if (r)
		return r;
	w->place = bib6_put(w);
	if (w->place < 0 || !w->put.claimed) {
		quota_leave(w, w->q.proto);
		if (w->place >= 0)
			return state_look6(w) ? R_GO_ON : R_state_busy;
		return w->place == TAB_FULL ? R_table_full : R_state_busy;
	}
	index = binding_alloc(w);
	if (index < 0) {
		e = mem_bib6((__u32)w->place);
		if (e)
			st_store(&e->ctl, CTL_FREE);
		quota_leave(w, w->q.proto);
		return R_no_port;
	}
	until = w->now + (w->q.proto == ST_TCP ? c->opt.tcp_open_timeout
					       : state_timer(c, w->q.proto, w->q.remote_port));
	state_publish(c, w, (__u32)index, 0, until);
	held = hold_put_mapping(w, (__u32)index, 0);
	work_reclaim(w); /* what had expired in the slots that were looked at */
	if (!held)
		hold_put_mapping(w, (__u32)index, 1);
	return R_GO_ON;
}

/* ADR-08: what has no session comes back from the pref64 that the host used last. */
ST_FAR int state_note_pref(struct st_work *w)
{
	const __u64 mask = (__u64)((1u << CTL_ROW_BITS) - 1) << CTL_ROW_SHIFT;
	struct n64_binding *b = w ? mem_binding(w->q.binding) : NULL;

	if (b && ctl_row(st_load(&b->ctl)) != w->q.pref)
		flags_change(&b->ctl, work_gen(w), mask,
			     (__u64)w->q.pref << CTL_ROW_SHIFT & mask);
	return 0;
}

/* Timers and session of a packet 6->4 whose mapping is in hand (UDP-01, ICQ-01, section
 * 11). */
n64_inline enum reason state_commit6(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_bib6 *e = w->place < 0 ? NULL : mem_bib6((__u32)w->place);
	enum reason r;
	__u32 until;

	if (!e)
		return R_state_busy;
	if (c->n_pref64 > 1 && !w->fresh)
		state_note_pref(w);
	if (w->q.proto == ST_TCP) {
		if (state_is_quiet(c, w->ctl, w->until, w->now, w->q.tcp_flags))
			return R_GO_ON;
		r = (enum reason)session_tcp(w, SIDE_V6);
		if (unlikely(r) && w->fresh)
			binding_remove(w->q.binding, w->now);
		return r;
	}
	until = w->now + state_timer(c, w->q.proto, w->q.remote_port);
	if (w->until < until || w->fresh) {
		if (st_load32(&e->until6) < until)
			st_store32(&e->until6, until);
	}
	if (filters(c, w->q.proto)) {
		r = (enum reason)permit_write(w, until);
		if (unlikely(r) && w->fresh)
			binding_remove(w->q.binding, w->now);
		return r;
	}
	return R_GO_ON;
}

/* TCP-07: may this packet make a mapping? */
n64_inline enum reason state_may_make6(const struct st_work *w)
{
	if (w->q.proto == ST_TCP && tcp_event(w->q.tcp_flags) != EV_SYN)
		return R_tcp_no_state;
	return R_GO_ON;
}

/* GEN-11: the mapping was judged again by the lists in force. */
n64_inline void state_judged(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	const __u64 mask = (__u64)((1u << CTL_POLICY_BITS) - 1) << CTL_POLICY_SHIFT;
	const __u64 gen = (__u64)c->st.policy_gen << CTL_POLICY_SHIFT & mask;
	struct n64_binding *b = mem_binding(w->q.binding);
	struct n64_bib6 *e = work_bib6(w);

	if (b)
		flags_change(&b->ctl, work_gen(w), mask, gen);
	if (e)
		flags_change(&e->ctl, work_gen(w), mask, gen);
}

n64_inline bool state_needs_judge(const struct st_work *w)
{
	return ctl_policy(w->ctl) != (st_conf()->st.policy_gen & ((1u << CTL_POLICY_BITS) - 1)) &&
	       !(w->ctl & CTL_STATIC);
}

/* ---- 4 -> 6 --------------------------------------------------------------------------------- */

ST_FAR int state_other6(struct st_work *w)
{
	const struct n64_bib6 *e = w ? work_bib6(w) : NULL;
	__u64 ctl = e ? st_load(&e->ctl) : 0;

	if (!e || ctl_state(ctl) != CTL_ACTIVE || ctl_gen(ctl) != ctl_gen(w->ctl) ||
	    st_load32(&e->until6) < w->now)
		return 0;
	w->until = st_load32(&e->until6);
	return 1;
}

/* ADR-08: a TCP session has a pref64 of its own. */
ST_FAR int state_session_pref(struct st_work *w)
{
	const struct n64_session *e;

	if (!w || !w->q.remote_port)
		return 0;
	e = session_alive(session_find(w, w->q.remote_port, work_gen(w)), w->now);
	if (e)
		w->q.pref = word_pref(st_load(&e->tcp));
	return 0;
}

/* The mapping of (w->q.proto, row, port4). True: found; host6, port6, pref, binding and
 * w->ctl are its own. */
n64_inline bool state_look4(struct st_work *w)
{
	const struct n64_binding *b;

	w->q.binding = binding_index(w->q.row, host16(w->q.port4));
	b = mem_binding(w->q.binding);
	if (!b)
		return false;
	w->ctl = st_load(&b->ctl);
	if (ctl_state(w->ctl) != CTL_ACTIVE)
		return false;
	w->q.host6 = b->host6;
	w->q.port6 = b->port6;
	w->until = st_load32(&b->until4);
	w->q.pref = ctl_row(w->ctl);
	if ((st_load(&b->ctl) ^ w->ctl) & CTL_LIFE)
		return false;
	if (st_conf()->n_pref64 > 1 && w->q.proto == ST_TCP)
		state_session_pref(w);
	return likely(w->until >= w->now) || w->ctl & CTL_STATIC || state_other6(w);
}

/* How a packet leaves that has no mapping (UDP-02, ICQ-02, TCP-02, TCP-03, TCP-07,
 * GEN-05). */
n64_inline enum reason state_absent4(const struct st_work *w)
{
	if (w->shared)
		return R_shared;
	if (w->q.proto != ST_TCP)
		return R_no_bib;
	return tcp_event(w->q.tcp_flags) == EV_SYN ? syn_to_store(st_conf()) : R_tcp_no_state;
}

/* Filter and timer of a UDP or ICMP packet 4->6 whose mapping is in hand (UDP-03 to UDP-05,
 * ICQ-02). */
n64_inline enum reason state_commit4_query(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_binding *b = mem_binding(w->q.binding);
	struct n64_session *e;
	__u32 until;
	int permit = 0;

	if (!b)
		return R_no_bib;
	if (filters(c, w->q.proto)) {
		permit = permit_find(w);
		if (!permit)
			return R_adf;
	}
	if (!c->opt.inbound_refresh)
		return R_GO_ON;
	until = w->now + state_timer(c, w->q.proto, w->q.remote_port);
	if (w->until < until && st_load32(&b->until4) < until)
		st_store32(&b->until4, until);
	e = permit ? mem_session((__u32)permit - 1) : NULL;
	if (e)
		session_extend(e, until, false);
	return R_GO_ON;
}

/* The same with the session of a TCP packet (section 11). */
n64_inline enum reason state_commit4(struct st_work *w)
{
	const struct n64_conf *c = st_conf();

	if (w->q.proto != ST_TCP)
		return state_commit4_query(w);
	if (state_is_quiet(c, w->ctl, w->until, w->now, w->q.tcp_flags))
		return R_GO_ON;
	if (w->ctl & CTL_QUIET && tcp_event(w->q.tcp_flags) == EV_OTHER &&
	    !c->opt.inbound_refresh && w->until >= w->now + c->opt.tcp_trans_timeout)
		return R_GO_ON; /* nothing refreshes (TCP-36) */
	return (enum reason)session_tcp(w, SIDE_V4);
}

/* ---- ICMP errors (IN-11) -------------------------------------------------------------------- */

/* Has the mapping in hand a session for the quoted packet? Under endpoint-independent
 * filtering a UDP or ICMP mapping is its own session (ST-09). */
ST_FAR int state_has_session(struct st_work *w)
{
	if (!w)
		return 0;
	if (w->q.proto != ST_TCP)
		return !filters(st_conf(), w->q.proto) || permit_find(w);
	return session_alive(session_find(w, w->q.remote_port, work_gen(w)), w->now) != NULL;
}

#endif
