/* SPDX-License-Identifier: GPL-2.0-only */
/* Subscribers: IPv6 source prefixes with what they may have (RFC 6888 REQ-2, -4, -5;
 * PORT-02, PORT-03, CGN-01, CGN-02) and their blocks of ports (CGN-08). */
#ifndef N64_SUBSCRIBER_H
#define N64_SUBSCRIBER_H

#include "state_work.h"
#include "table.h"

#define SUB_KEEP 60		/* seconds that one without mappings is remembered */
#define KIND_SESSIONS N_ST_PROTOS /* of count, hold and limits, behind the protocols */

n64_inline __u32 sub_limit(const struct n64_conf *c, __u32 kind)
{
	return kind == ST_TCP ? c->opt.subscriber_tcp : kind == ST_UDP ? c->opt.subscriber_udp :
	       kind == ST_ICMP ? c->opt.subscriber_icmp : c->opt.subscriber_sessions;
}

n64_inline __u32 all_limit(const struct n64_conf *c, __u32 kind)
{
	switch (kind) {
	case ST_TCP:
		return c->st.max_mappings[ST_TCP];
	case ST_UDP:
		return c->st.max_mappings[ST_UDP];
	case ST_ICMP:
		return c->st.max_mappings[ST_ICMP];
	default:
		return c->st.max_sessions;
	}
}

/* ---- life ------------------------------------------------------------------------------ */

n64_inline bool sub_is_empty(const struct n64_subscriber *s)
{
	return !(st_load32(&s->count[0]) | st_load32(&s->count[1]) | st_load32(&s->count[2]) |
		 st_load32(&s->count[3]));
}

/* Removes a subscriber that has had nothing for SUB_KEEP seconds. Whoever counts himself
 * in looks at the control word afterwards, and we look at the counts after we have
 * changed it, so that one of the two notices. 1: removed. */
ST_FAR int sub_remove(__u32 place, __u32 now)
{
	struct n64_subscriber *s = mem_sub(place);
	struct n64_state *all = mem_state();
	__u64 ctl;

	if (!s || !all)
		return 0;
	ctl = st_load(&s->ctl);
	if (ctl_state(ctl) != CTL_ACTIVE || !sub_is_empty(s) ||
	    st_load32(&s->empty_since) + SUB_KEEP >= now)
		return 0;
	if (!st_cas(&s->ctl, ctl, (ctl & ~CTL_STATE) | CTL_DEAD))
		return 0;
	if (!sub_is_empty(s)) {
		st_store(&s->ctl, ctl);
		return 0;
	}
	st_store(&s->ctl, CTL_FREE);
	st_sub_one(&all->subscribers);
	return 1;
}

struct sub_room {
	struct st_key k;
	__u32 now, n;
};

static long sub_room_step(__u32 d, void *arg)
{
	struct sub_room *x = arg;

	x->n += (__u32)sub_remove(tab_place(st_conf(), TAB_SUB, &x->k, d, 0), x->now);
	return 0;
}

/* Room for a newcomer: the empty ones behind its home. */
ST_FAR int sub_make_room(struct st_work *w)
{
	struct sub_room x = {};

	if (!w)
		return 0;
	x.k = key_sub(st_conf(), &w->q.host6);
	x.now = w->now;
	st_loop(TAB_REACH, sub_room_step, &x);
	return (int)x.n;
}

/* Place of the subscriber of w->q.host6, or TAB_NONE. */
ST_FAR int sub_find(struct st_work *w)
{
	struct tab_walk x = { .t = TAB_SUB };

	if (!w)
		return TAB_NONE;
	x.k = key_sub(st_conf(), &w->q.host6);
	return tab_find(&x);
}

ST_FAR int sub_put(struct st_work *w)
{
	struct n64_subscriber *s;
	int place;

	if (!w)
		return TAB_BUSY;
	w->put.now = w->now;
	w->put.k = key_sub(st_conf(), &w->q.host6);
	place = tab_put(&w->put, TAB_SUB);
	s = place >= 0 && w->put.claimed ? mem_sub((__u32)place) : NULL;
	if (s)
		s->prefix = w->put.k.a;
	return place;
}

/* The same place, made when it is new; TAB_FULL, TAB_BUSY. */
ST_FAR int sub_get(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_state *all = mem_state();
	struct n64_subscriber *s;
	__u32 n;
	int place;

	if (!w || !all)
		return TAB_BUSY;
	place = sub_find(w);
	if (place >= 0)
		return place;
	place = sub_put(w);
	if (place == TAB_FULL && sub_make_room(w))
		place = sub_put(w);
	if (place < 0 || !w->put.claimed)
		return place;
	s = mem_sub((__u32)place);
	if (!s)
		return TAB_BUSY;
	/* the counts are zero, or somebody who came too late takes his back just now */
	n64_no_unroll
	for (int i = 0; i < 4; i++) {
		s->pair[i] = 0;
		s->refused[i] = 0;
	}
	s->rate = (__u64)w->ticks << 32 | (c->opt.subscriber_burst << 10);
	s->n_blocks = 0;
	s->empty_since = w->now;
	n = st_add32(&all->subscribers, 1);
	if (c->opt.max_subscribers && n >= c->opt.max_subscribers) {
		st_sub_one(&all->subscribers);
		st_store(&s->ctl, CTL_FREE);
		return TAB_FULL;
	}
	st_store(&s->ctl, ctl_make(CTL_ACTIVE, 0, 0, 0, w->now & ((1u << CTL_GEN_BITS) - 1)));
	return place;
}

/* Is a host one of the subscriber's? */
n64_inline bool sub_has(const struct n64_subscriber *s, const struct addr6 *host)
{
	return sub_same(st_conf(), &s->prefix, host);
}

/* Is the place w->sub, which was found before, that of the host's subscriber still? */
n64_inline bool sub_is_there(const struct st_work *w)
{
	const struct n64_subscriber *s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);

	return s && ctl_state(st_load(&s->ctl)) == CTL_ACTIVE && sub_has(s, &w->q.host6);
}

/* ---- counting ----------------------------------------------------------------------------- */

/* Counts one in, at most up to `limit` (0: any number). R_GO_ON, R_quota, or R_state_busy:
 * the subscriber was removed at this moment. */
n64_inline enum reason sub_enter(struct n64_subscriber *s, __u32 kind, __u32 limit)
{
	__u64 ctl = st_load(&s->ctl);
	__u32 n = st_add32(&s->count[ST_MASK(kind, 3)], 1);

	if (limit && n >= limit) {
		st_sub_one(&s->count[ST_MASK(kind, 3)]);
		return R_quota;
	}
	if (st_load(&s->ctl) == ctl && ctl_state(ctl) == CTL_ACTIVE)
		return R_GO_ON;
	st_sub_one(&s->count[ST_MASK(kind, 3)]);
	return R_state_busy;
}

n64_inline void sub_leave(struct n64_subscriber *s, __u32 kind, __u32 now)
{
	st_sub_one(&s->count[ST_MASK(kind, 3)]);
	if (sub_is_empty(s))
		st_store32(&s->empty_since, now);
}

/* The same for the whole gateway. */
n64_inline bool all_enter(const struct n64_conf *c, __u32 kind)
{
	struct n64_state *all = mem_state();
	__u32 n;

	if (!all)
		return false;
	n = st_add32(&all->count[ST_MASK(kind, 3)].n, 1);
	if (n < all_limit(c, kind))
		return true;
	st_sub_one(&all->count[ST_MASK(kind, 3)].n);
	return false;
}

n64_inline void all_leave(__u32 kind)
{
	struct n64_state *all = mem_state();

	if (all)
		st_sub_one(&all->count[ST_MASK(kind, 3)].n);
}

/* CGN-02: a token for a new mapping. Upper half the ticks of the last one, lower half
 * tokens * 1024; a tick of 1/1024 s brings `rate` of them. */
n64_inline bool sub_token(const struct n64_conf *c, struct n64_subscriber *s, __u32 ticks)
{
	__u64 most = (__u64)c->opt.subscriber_burst << 10;

	if (!c->opt.subscriber_rate)
		return true;
	n64_no_unroll
	for (int i = 0; i < 8; i++) {
		__u64 old = st_load(&s->rate);
		__u64 have = (__u32)old + (__u64)(__u32)(ticks - (__u32)(old >> 32)) *
					  c->opt.subscriber_rate;

		if (have > most)
			have = most;
		if (have < 1024)
			return false;
		if (st_cas(&s->rate, old, (__u64)ticks << 32 | (have - 1024)))
			return true;
	}
	return true;
}

/* A search that found nothing is not repeated for a tenth of a second (PORT-07). `at`
 * holds the ticks of it, 0: none. */
n64_inline bool was_refused(const __u32 *at, __u32 ticks)
{
	__u32 then = st_load32(at);

	return then && ticks - then < 102;
}

n64_inline void note_refused(__u32 *at, __u32 ticks)
{
	st_store32(at, ticks ? ticks : 1);
}

/* ---- port blocks ---------------------------------------------------------------------------- */

n64_inline __u32 block_words(const struct n64_conf *c)
{
	return c->opt.port_block / 64;
}

/* First word of the block that a port lies in. */
n64_inline __u32 block_of(const struct n64_conf *c, __u32 port)
{
	return port / 64 & ~(block_words(c) - 1) & (ROW_WORDS - 1);
}

/* Counts a mapping into a block. False: it is not this subscriber's any more. */
n64_inline bool block_enter(struct n64_blocks *b, __u32 first, __u32 sub)
{
	__u64 *own = &b->own[ST_MASK(first, ROW_WORDS - 1)];

	n64_no_unroll
	for (int i = 0; i < 16; i++) {
		__u64 old = st_load(own);

		if (old >> 32 != sub + 1)
			return false;
		if (st_cas(own, old, old + 1))
			return true;
	}
	return false;
}

/* The last mapping gives the block back. */
n64_inline void block_leave(struct n64_blocks *b, __u32 first, __u32 now)
{
	__u64 *own = &b->own[ST_MASK(first, ROW_WORDS - 1)];

	n64_no_unroll
	for (int i = 0; i < 16; i++) {
		__u64 old = st_load(own);

		if (!(old >> 32) || !(__u32)old)
			return;
		if (st_cas(own, old, (__u32)old == 1 ? now : old - 1))
			return;
	}
}

#endif
