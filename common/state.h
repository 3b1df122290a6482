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

#include "host.h"

/* ---- 6 -> 4: commit ----------------------------------------------------------------------- */

/* What a new mapping needs before it gets a port: a subscriber with quota and a token
 * (CGN-01, CGN-02). */
n64_inline enum reason state_admit(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s;

	if (!sub_is_there(w)) {
		w->sub = sub_get(w);
		w->pair = 0;
	}
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
	state_publish(w, (__u32)index, 0, c->st.policy_gen, until);
	held = hold_put(w, w->q.proto, (__u32)index, 0);
	work_reclaim(w); /* what had expired in the slots that were looked at */
	if (!held)
		hold_put(w, w->q.proto, (__u32)index, 1);
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

/* Was its host judged by the lists in force, or is it the operator's (GEN-11)? */
n64_inline bool ctl_is_judged(const struct n64_conf *c, __u64 ctl)
{
	return ctl & CTL_STATIC ||
	       ctl_policy(ctl) == (c->st.policy_gen & ((1u << CTL_POLICY_BITS) - 1));
}

n64_inline bool state_needs_judge(const struct st_work *w)
{
	return !ctl_is_judged(st_conf(), w->ctl);
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
	if (ctl_is_quiet(c, w->ctl) && tcp_event(w->q.tcp_flags) == EV_OTHER &&
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
