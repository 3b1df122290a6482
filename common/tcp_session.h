/* SPDX-License-Identifier: GPL-2.0-only */
/* What a TCP packet does to its session (RFC 6146 3.5.2.2, section 11 of the requirements),
 * and what that does to the mapping: its deadline is that of its last session (ST-03). */
#ifndef N64_TCP_SESSION_H
#define N64_TCP_SESSION_H

#include "session.h"

/* ---- the mapping of a TCP session ----------------------------------------------------------- */

/* Changes flags of both entries of a mapping, for as long as it is this life of it. */
n64_inline void flags_change(__u64 *ctl, __u32 gen, __u64 clear, __u64 set)
{
	n64_no_unroll
	for (int i = 0; i < 8; i++) {
		__u64 old = st_load(ctl), now = (old & ~clear) | set;

		if (now & CTL_MULTI)
			now &= ~CTL_QUIET;
		if (ctl_state(old) != CTL_ACTIVE || ctl_gen(old) != gen || old == now ||
		    st_cas(ctl, old, now))
			return;
	}
}

n64_inline struct n64_bib6 *work_bib6(struct st_work *w)
{
	if (w->place < 0)
		w->place = binding_bib6(w->q.binding);
	return bib6_of(w->place, w->q.binding);
}

/* Flags and deadline of the mapping in hand. Flags go into both entries, and so does an
 * `exact` deadline; else only that of the side whose entry is at hand moves forward. */
ST_FAR int mapping_mark(struct st_work *w, __u64 clear, __u64 set, __u32 until, __u32 exact)
{
	struct n64_binding *b;
	struct n64_bib6 *e;

	if (!w)
		return 0;
	b = mem_binding(w->q.binding);
	if (!b)
		return 0;
	if (!(clear | set | exact) && w->place < 0) {
		if (st_load32(&b->until4) < until)
			st_store32(&b->until4, until);
		return 1;
	}
	e = work_bib6(w);
	if (!e)
		return 0;
	/* without TCP-36 the other side does the same for its own */
	if (!(clear | set | exact) && st_conf()->opt.inbound_refresh) {
		if (st_load32(&e->until6) < until)
			st_store32(&e->until6, until);
		return 1;
	}
	if (clear | set) {
		flags_change(&b->ctl, work_gen(w), clear, set);
		flags_change(&e->ctl, work_gen(w), clear, set);
	}
	if (exact || st_load32(&b->until4) < until)
		st_store32(&b->until4, until);
	if (exact || st_load32(&e->until6) < until)
		st_store32(&e->until6, until);
	return 1;
}

struct recount_ctx {
	__u32 sub, start, cursor, index, gen, now, until, permit_until, n;
	__u32 seen;	/* sessions of the subscriber, of this mapping or not */
	__u32 whole;	/* all of its slots were looked at */
	__be32 remote;
};

static long recount_step(__u32 i, void *arg)
{
	struct recount_ctx *x = arg;
	const struct n64_subscriber *s = mem_sub(x->sub);
	struct n64_hold *h = x->cursor >> 4 ? mem_hold(x->cursor >> 4) : NULL;
	const struct n64_session *e;
	__u32 ref, until;

	x->whole = i && x->cursor == x->start;
	if (!s || !h || x->whole)
		return 1;
	ref = st_load32(hold_slot(h, x->cursor));
	e = ref ? mem_session(ref - 1) : NULL;
	x->cursor = hold_next(s, KIND_SESSIONS, x->cursor);
	if (!e || ctl_state(st_load(&e->ctl)) != CTL_ACTIVE || session_sub(e->ctl) != (int)x->sub)
		return 0;
	x->seen++;
	if (ctl_gen(e->ctl) != x->gen || e->binding != x->index || !e->remote_port)
		return 0;
	until = (__u32)(st_load(&e->tcp) >> 32);
	if (until < x->now)
		return 0;
	x->n++;
	if (until > x->until)
		x->until = until;
	if (e->remote4 == x->remote && until > x->permit_until)
		x->permit_until = until;
	return 0;
}

#define RECOUNT_SLOTS 512

/* A session of a mapping with several has got less time: the mapping lives as long as the
 * one that lives longest (ST-03), the permission as long as a session with its address
 * does. Where we cannot look at all that the subscriber has or had, or some of its sessions
 * found no slot, the old deadlines stay: they are not too early, and pass by themselves.
 * 0: the mapping has no session any more. */
ST_FAR int session_recount(struct st_work *w)
{
	struct recount_ctx x = {};
	struct n64_subscriber *s;
	struct n64_session *e;
	int permit;

	if (!w)
		return 1;
	if (w->sub < 0)
		w->sub = sub_get(w);
	s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);
	if (!s || st_load32(&s->count[KIND_SESSIONS]) > RECOUNT_SLOTS / 2)
		return 1;
	x.sub = (__u32)w->sub;
	x.start = x.cursor = s->hold[KIND_SESSIONS] << 4 | 1;
	x.index = w->q.binding;
	x.gen = work_gen(w);
	x.now = w->now;
	x.remote = w->q.remote4;
	x.until = x.permit_until = x.n = x.seen = st_unsure(0);
	st_loop(RECOUNT_SLOTS, recount_step, &x);
	if (!x.whole || x.seen < st_load32(&s->count[KIND_SESSIONS]))
		return 1;
	if (!x.n)
		return 0;
	mapping_mark(w, 0, 0, x.until, 1);
	permit = filters(st_conf(), ST_TCP) ? permit_find(w) : 0;
	e = permit ? mem_session((__u32)permit - 1) : NULL;
	if (e)
		session_extend(e, x.permit_until > x.now ? x.permit_until : x.now, true);
	return 1;
}

/* ---- TCP ------------------------------------------------------------------------------------ */

/* TCP-35: does an RST lie in the window that the v6 side announced last? */
n64_inline bool rst_in_window(const struct n64_session *e, const struct n64_call *q)
{
	__u32 scale = (__u32)st_load(&e->tcp) >> SESSION_SCALE_SHIFT & 15;
	__u32 window = (__u32)e->window << scale;

	if (!e->ack && !window)
		return true; /* nothing announced yet */
	return q->tcp_seq - e->ack <= window;
}

/* ADR-08: the word of a session with the pref64 that the packet in hand uses. */
n64_inline __u32 word_with_pref(__u32 word, const struct n64_call *q)
{
	return (word & ~(15u << SESSION_PREF_SHIFT)) | (q->pref & 15) << SESSION_PREF_SHIFT;
}

n64_inline __u32 word_pref(__u64 word)
{
	return (__u32)word >> SESSION_PREF_SHIFT & 15;
}

/* What the v6 side announces. A SYN's own window is never scaled. */
n64_inline __u32 note_window(struct n64_session *e, const struct n64_call *q, __u32 word)
{
	if (!(q->tcp_flags & TCP_RST)) {
		if (q->tcp_flags & TCP_ACK)
			e->ack = q->tcp_ack;
		e->window = (__u16)q->tcp_window;
	}
	if (q->tcp_scale)
		word = (word & ~(15u << SESSION_SCALE_SHIFT)) |
		       ((q->tcp_scale - 1) & 15) << SESSION_SCALE_SHIFT;
	return word;
}

/* The permission that goes with a session that has got less time. */
ST_FAR int permit_shorten(struct st_work *w, __u32 until)
{
	int permit = w ? permit_find(w) : 0;
	struct n64_session *e = permit ? mem_session((__u32)permit - 1) : NULL;

	if (e)
		session_extend(e, until, true);
	return 0;
}

n64_inline bool mapping_is_multi(__u32 index)
{
	const struct n64_binding *b = mem_binding(index);

	return b && st_load(&b->ctl) & CTL_MULTI;
}

/* What the session's new word (w->old, w->new_) means for its mapping. */
ST_FAR int session_changed(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	bool adf = filters(c, ST_TCP), less;
	__u32 until;
	__u64 flag;

	if (!w)
		return 0;
	until = (__u32)(w->new_ >> 32);
	less = until < (__u32)(w->old >> 32);
	flag = (w->new_ & 0xff) == TCP_ESTABLISHED && !adf && !c->opt.tcp_rst_check ? CTL_QUIET : 0;
	if (adf && !less)
		permit_write(w, until);
	if (w->ctl & CTL_MULTI) {
		/* another CPU may have thought that there was one only */
		mapping_mark(w, w->ctl & CTL_QUIET, 0, until, 0);
		if (less)
			session_recount(w);
		return 0;
	}
	if (adf && less)
		permit_shorten(w, until);
	mapping_mark(w, (w->ctl & CTL_QUIET) & ~flag, flag & ~w->ctl, until, less);
	w->ctl = (w->ctl & ~CTL_QUIET) | flag;
	if (!less || !mapping_is_multi(w->q.binding))
		return 0;
	/* another session has begun meanwhile */
	w->ctl |= CTL_MULTI;
	mapping_mark(w, CTL_QUIET, 0, (__u32)(w->old >> 32), 0);
	session_recount(w);
	return 0;
}

/* Another CPU may have moved the session on before we marked its mapping: whoever marks
 * last does so by the last word. */
n64_inline void session_settle(struct st_work *w, __u32 place)
{
	const struct n64_session *e = mem_session(place);

	session_changed(w);
	n64_no_unroll
	for (int i = 0; i < 3; i++) {
		__u64 word = e ? st_load(&e->tcp) : w->new_;

		if (likely(word == w->new_))
			return;
		w->old = w->new_;
		w->new_ = word;
		session_changed(w);
	}
}

/* Is a SYN of this (T,t) and remote endpoint stored? `use`: the session of a V6 SYN takes
 * it, so that it will be neither sent nor answered (TCP-08). */
ST_FAR int stored_syn(struct st_work *w, __u32 use)
{
	const struct n64_state *all = mem_state();
	struct n64_session *e;
	__u64 word;

	if (!w || !all || !st_load32(&all->stored_syn))
		return 0;
	e = session_alive(session_find(w, w->q.remote_port, 0), w->now);
	if (!e)
		return 0;
	word = st_load(&e->tcp);
	if ((word & 0xff) != TCP_V4_STORED || w->now + STORED_KEEP > (__u32)(word >> 32))
		return 0;
	return !use || st_cas(&e->tcp, word, (word & ~0xffull) | TCP_CLOSED);
}

/* A V4 SYN that is to wait for 6 s, if there is room (TCP-03, TCP-04, TCP-32). */
n64_inline enum reason syn_to_store(const struct n64_conf *c)
{
	const struct n64_state *all = mem_state();

	if (c->opt.drop_v4_tcp)
		return R_v4_tcp;
	return all && st_load32(&all->stored_syn) < c->opt.max_stored_syn ? R_slow_syn :
									    R_syn_store_full;
}

/* State CLOSED (TCP-01 to TCP-07) of an existing mapping: R_GO_ON with the first word of
 * a session to be made in w->new_, or 0: none. */
ST_FAR int session_closed(struct st_work *w, __u32 side, __u32 ev)
{
	const struct n64_conf *c = st_conf();
	struct tcp_step s = { side == SIDE_V6 ? TCP_V6_INIT : TCP_V4_INIT, TIMER_OPEN };

	if (!w)
		return R_state_busy;
	w->old = w->new_ = 0;
	if (side == SIDE_V4 && filters(c, ST_TCP) && !permit_find(w))
		return ev == EV_SYN ? syn_to_store(c) : R_adf;
	if (side == SIDE_V4 && ev != EV_SYN && stored_syn(w, 0))
		return R_tcp_no_state; /* TCP-10 */
	if (ev != EV_SYN)
		return R_GO_ON; /* TCP-06 */
	if (side == SIDE_V4 && c->opt.drop_v4_tcp)
		return R_v4_tcp;
	if (side == SIDE_V4 && stored_syn(w, 0))
		return R_syn_again;
	if (side == SIDE_V6 && stored_syn(w, 1))
		s = (struct tcp_step){ TCP_ESTABLISHED, TIMER_EST };
	w->new_ = session_word(word_with_pref(s.next, &w->q),
			       tcp_until(&c->opt, 0, TCP_CLOSED, s, w->now));
	return R_GO_ON;
}

/* The session that session_closed wants: its place, or minus the reason why there is
 * none. */
n64_inline int session_open(struct st_work *w, enum tcp_side side)
{
	const struct n64_conf *c = st_conf();
	struct n64_session *e;
	__u64 word;
	int place;

	if (w->sub < 0)
		w->sub = sub_get(w);
	place = session_make(w, w->q.remote_port, w->new_);
	if (place < 0 || !w->put.claimed)
		return place;
	e = mem_session((__u32)place);
	if (e && c->opt.tcp_rst_check && side == SIDE_V6) {
		word = session_word(note_window(e, &w->q, (__u32)w->new_),
				    (__u32)(w->new_ >> 32));
		if (st_cas(&e->tcp, w->new_, word))
			w->new_ = word;
	}
	/* a mapping that lived before this packet has another session */
	if (!w->fresh && w->until >= w->now) {
		mapping_mark(w, CTL_QUIET, CTL_MULTI, (__u32)(w->new_ >> 32), 0);
		w->ctl |= CTL_MULTI;
	}
	return place;
}

enum move { MOVE_NONE, MOVE_DONE, MOVE_AGAIN };

/* One try of session_move; MOVE_AGAIN: another CPU was faster. */
ST_FAR int session_try(struct st_work *w, __u32 place, __u32 from)
{
	const struct n64_conf *c = st_conf();
	enum tcp_side side = (enum tcp_side)from;
	struct n64_session *e = mem_session(place);
	enum tcp_state state;
	enum tcp_event ev;
	struct tcp_step s;
	__u32 word;

	if (!w || !e)
		return MOVE_NONE;
	ev = tcp_event(w->q.tcp_flags);
	w->old = st_load(&e->tcp);
	state = tcp_now(&c->opt, w->old, w->now);
	s = tcp_step(&c->opt, state, side, ev);
	word = (__u32)w->old & ~0xffu;
	if (c->opt.tcp_rst_check && side == SIDE_V4 && ev == EV_RST && !rst_in_window(e, &w->q))
		return MOVE_NONE;
	if (tcp_no_refresh(&c->opt, state, side, s))
		return MOVE_NONE;
	if (s.timer == TIMER_EST)
		word &= ~SESSION_PROBED;
	if (c->opt.tcp_rst_check && side == SIDE_V6)
		word = note_window(e, &w->q, word);
	if (side == SIDE_V6)
		word = word_with_pref(word, &w->q);
	w->new_ = session_word(word | s.next, tcp_until(&c->opt, w->old, state, s, w->now));
	if (w->new_ == w->old)
		return MOVE_NONE;
	return st_cas(&e->tcp, w->old, w->new_) ? MOVE_DONE : MOVE_AGAIN;
}

/* Moves the session at `place` by a packet from `side` (section 11). True: its word is
 * another now (w->old, w->new_). */
n64_inline bool session_move(struct st_work *w, __u32 place, __u32 side)
{
	int done = MOVE_AGAIN;

	n64_no_unroll
	for (int i = 0; i < 4 && done == MOVE_AGAIN; i++)
		done = session_try(w, place, side);
	return done == MOVE_DONE;
}

/* One TCP packet of the mapping in hand, from `side`: finds or makes its session and
 * moves it (section 11). R_GO_ON: forward. */
ST_FAR int session_tcp(struct st_work *w, __u32 side)
{
	enum reason r;
	int place;

	if (!w)
		return R_state_busy;
	/* a mapping that this packet has made has none, or session_make finds it */
	place = w->fresh ? TAB_NONE : session_find(w, w->q.remote_port, work_gen(w));
	/* the look may have found the other side's entry; what is marked is this one's */
	if (side == SIDE_V4)
		w->place = TAB_NONE;
	if (session_alive(place, w->now)) {
		if (!session_move(w, (__u32)place, side)) {
			if (!(w->ctl & CTL_QUIET))
				return R_GO_ON;
			w->new_ = w->old; /* refreshed by the other side, whose entry was marked */
		}
		session_settle(w, (__u32)place);
		return R_GO_ON;
	}
	r = (enum reason)session_closed(w, side, tcp_event(w->q.tcp_flags));
	if (r || !w->new_)
		return r;
	place = session_open(w, (enum tcp_side)side);
	if (place < 0 && w->fresh) { /* another CPU may have made it with the last of the quota */
		r = (enum reason)-place;
		place = session_find(w, w->q.remote_port, work_gen(w));
		w->put.claimed = 0;
		if (!session_alive(place, w->now))
			return r;
	}
	if (place < 0)
		return -place;
	/* where another CPU has made it meanwhile, this packet is its next one */
	if (w->put.claimed || session_move(w, (__u32)place, side))
		session_settle(w, (__u32)place);
	return R_GO_ON;
}

#endif
