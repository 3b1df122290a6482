/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of the session table (RFC 6146 3.2; ST-09): finding and making them, with the
 * quotas of CGN-01 and CGN-02; permissions under address-dependent filtering. What a TCP
 * packet does to its session is tcp_session.h's. */
#ifndef N64_SESSION_H
#define N64_SESSION_H

#include "hold.h"
#include "tcp.h"

n64_inline bool filters(const struct n64_conf *c, __u32 proto)
{
	return (proto == ST_TCP ? c->opt.filtering_tcp : c->opt.filtering_udp) == FILTERING_ADF;
}

/* CTL_QUIET of a control word, where a reload has not taken the ground from it: what filters by
 * address or looks at windows has no quiet mappings (session_changed). */
n64_inline bool ctl_is_quiet(const struct n64_conf *c, __u64 ctl)
{
	return ctl & CTL_QUIET && !filters(c, ST_TCP) && !c->opt.tcp_rst_check;
}

n64_inline __u32 work_gen(const struct st_work *w)
{
	return ctl_gen(w->ctl);
}

/* ---- finding ------------------------------------------------------------------------------- */

/* Place of the entry of (w->q.binding, its life `gen`, w->q.remote4, port), or TAB_NONE. */
ST_FAR int session_find(struct st_work *w, __u32 port, __u32 gen)
{
	struct tab_walk x = { .t = TAB_SESSION };

	if (!w)
		return TAB_NONE;
	x.k = key_session(st_conf(), w->q.binding, gen, w->q.remote4, (__be16)port);
	return tab_find(&x);
}

/* Puts it in; w->put.claimed: a new claim. */
ST_FAR int session_put(struct st_work *w, __u32 port, __u32 gen)
{
	int place;

	if (!w)
		return TAB_BUSY;
	w->put.now = w->now;
	w->put.k = key_session(st_conf(), w->q.binding, gen, w->q.remote4, (__be16)port);
	place = tab_put(&w->put, TAB_SESSION);
	session_left(w->put.was, w->now);
	return place;
}

/* The entry, if its time has not passed. */
n64_inline struct n64_session *session_alive(int place, __u32 now)
{
	struct n64_session *e = place < 0 ? NULL : mem_session((__u32)place);

	return e && (__u32)(st_load(&e->tcp) >> 32) >= now ? e : NULL;
}

/* ---- making -------------------------------------------------------------------------------- */

/* One attempt to count in; R_state_busy: the subscriber is not there any more. */
ST_FAR int quota_try(struct st_work *w, __u32 kind)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	enum reason r;

	if (!s)
		return R_state_busy;
	r = sub_enter(s, kind, sub_limit(c, kind));
	if (r)
		return r;
	if (all_enter(c, kind))
		return R_GO_ON;
	sub_leave(s, kind, w->now);
	return R_table_full;
}

/* Is it time to look for expired ones again? */
n64_inline bool quota_searched(struct st_work *w, __u32 kind)
{
	struct n64_subscriber *s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);

	return !s || was_refused(&s->refused[ST_MASK(kind, 3)], w->ticks);
}

n64_inline void quota_in_vain(struct st_work *w, __u32 kind)
{
	struct n64_subscriber *s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);

	if (s)
		note_refused(&s->refused[ST_MASK(kind, 3)], w->ticks);
}

struct sessions_ctx {
	__u32 from, now, found;
};

static long sessions_look(__u32 i, void *arg)
{
	struct sessions_ctx *x = arg;
	__u32 places = st_conf()->st.session_lines * 2, place = (x->from + i) & (places - 1);
	const struct n64_session *e = mem_session(place);

	if (i >= places)
		return 1;
	/* a stored SYN has no binding, and belongs to the worker */
	if (e && ctl_gen(st_load(&e->ctl)) && session_reclaim(place, x->now, RECLAIM_EXPIRED))
		x->found++;
	return 0;
}

/* Looks at sessions of anybody when the gateway is at its limit; how many were over. */
ST_FAR int sessions_walk(__u32 now)
{
	struct n64_state *all = mem_state();
	struct sessions_ctx x = { 0, now, 0 };

	if (!all)
		return 0;
	x.from = st_add32(&all->cursor, HOLD_SWEEP);
	st_loop(HOLD_SWEEP, sessions_look, &x);
	return (int)x.found;
}

/* Quota of the subscriber and of the gateway for one more of `kind`, and after a look at
 * what has expired at hand once more (PORT-09). */
n64_inline enum reason quota_enter(struct st_work *w, __u32 kind)
{
	enum reason r = (enum reason)quota_try(w, kind);
	int found;

	if (!r || r == R_state_busy || quota_searched(w, kind))
		return r;
	found = hold_reclaim(w, kind);
	if (r == R_table_full && kind == KIND_SESSIONS) /* stale slots make no room there */
		found += sessions_walk(w->now);
	if (found)
		return (enum reason)quota_try(w, kind);
	quota_in_vain(w, kind);
	return r;
}

n64_inline void quota_leave(const struct st_work *w, __u32 kind)
{
	struct n64_subscriber *s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);

	if (s)
		sub_leave(s, kind, w->now);
	all_leave(kind);
}

/* One that is over, of the same ends, lies there still: it begins anew. */
n64_inline bool session_again(struct n64_session *e, __u64 word, __u32 now)
{
	__u64 old = st_load(&e->tcp);

	if ((__u32)(old >> 32) >= now || !st_cas(&e->tcp, old, word))
		return false;
	e->window = 0;
	e->ack = 0;
	return true;
}

/* A new session of the mapping in hand with (w->q.remote4, port), for the subscriber
 * w->sub: its place, or minus the reason why there is none. One that another CPU has just
 * made is as good. */
ST_FAR int session_make(struct st_work *w, __u32 port, __u64 word)
{
	struct n64_session *e;
	int place;

	if (!w)
		return -R_state_busy;
	if (w->sub < 0)
		return w->sub == TAB_FULL ? -R_table_full : -R_state_busy;
	place = (int)quota_enter(w, KIND_SESSIONS);
	if (place)
		return -place;
	place = session_put(w, port, work_gen(w));
	e = place < 0 ? NULL : mem_session((__u32)place);
	if (!e || !w->put.claimed) {
		quota_leave(w, KIND_SESSIONS);
		w->put.claimed = e && session_again(e, word, w->now);
		return place >= 0 ? place : place == TAB_FULL ? -R_table_full : -R_state_busy;
	}
	e->tcp = word;
	e->binding = w->q.binding;
	e->remote4 = w->q.remote4;
	e->remote_port = (__be16)port;
	e->window = 0;
	e->ack = 0;
	st_store(&e->ctl, session_ctl(w->sub, work_gen(w)));
	hold_put(w, KIND_SESSIONS, (__u32)place, 1);
	st_note(R_session_created);
	return place;
}

/* ---- permissions (ST-09, UDP-03) ------------------------------------------------------------- */

/* Place + 1 of the permission of the mapping in hand for w->q.remote4, 0: none. */
ST_FAR int permit_find(struct st_work *w)
{
	int place;

	if (!w)
		return 0;
	place = session_find(w, 0, work_gen(w));
	return session_alive(place, w->now) ? place + 1 : 0;
}

/* Moves a deadline forward (or, `exact`, to where it belongs). */
n64_inline void session_extend(struct n64_session *e, __u32 until, bool exact)
{
	n64_no_unroll
	for (int i = 0; i < 4; i++) {
		__u64 old = st_load(&e->tcp);
		__u32 had = (__u32)(old >> 32);

		if (had == until || (!exact && had > until) ||
		    st_cas(&e->tcp, old, session_word((__u32)old, until)))
			return;
	}
}

/* Gives w->q.remote4 the permission to send until `until`. R_GO_ON or why not. */
ST_FAR int permit_write(struct st_work *w, __u32 until)
{
	struct n64_session *e;
	int place;

	if (!w)
		return R_state_busy;
	place = permit_find(w) - 1;
	if (place < 0 && w->sub < 0)
		w->sub = sub_get(w);
	if (place < 0)
		place = session_make(w, 0, session_word(TCP_PERMIT, until));
	if (place < 0)
		return -place;
	e = mem_session((__u32)place);
	if (e)
		session_extend(e, until, false);
	return R_GO_ON;
}

#endif
