/* SPDX-License-Identifier: GPL-2.0-only */
/* The three hash tables of the state: bib6, sessions, subscribers. Open addressing in
 * cache lines: a key has a home line and lies there or in one of those that come next
 * (table_key.h), `reach` of the home line says how far at most. So a packet of a known flow
 * reads one line.
 *
 * Two CPUs that put the same key in at the same time end with one entry:
 *   1. claim a free entry: FREE -> CLAIMED with a tag of the key, raise the reach
 *   2. look at everything within reach again. Another claim with this tag that lies
 *      nearer to home: give ours back and wait for it; one that lies farther: wait until
 *      it is given back or has become active. An active entry with the key: give ours
 *      back and use it.
 *   3. write the fields, then CLAIMED -> ACTIVE.
 * Of two claims at least one sees the other, as each is visible before its owner looks
 * again; if both do, only the nearer goes on; if only the nearer one does, it waits and
 * finds the other active. */
#ifndef N64_TABLE_H
#define N64_TABLE_H

#include "state_shell.h"
#include "state_work.h"

#define TAB_STUCK 60		/* seconds after which a claim was abandoned */
#define TAB_WAIT 256		/* looks at another CPU's claim before we give up */

/* Place of an entry: line * entries of a line + n. */
#define TAB_NONE (-1)
#define TAB_FULL (-2)
#define TAB_BUSY (-3)

n64_inline __u64 *tab_ctl(enum st_table t, __u32 place)
{
	if (t == TAB_BIB6) {
		struct n64_bib6 *e = mem_bib6(place);

		return e ? &e->ctl : NULL;
	}
	if (t == TAB_SESSION) {
		struct n64_session *e = mem_session(place);

		return e ? &e->ctl : NULL;
	}
	struct n64_subscriber *e = mem_sub(place);

	return e ? &e->ctl : NULL;
}

/* ---- reach ---------------------------------------------------------------------------- */

n64_inline __u64 *tab_reach_word(const struct n64_conf *c, enum st_table t, __u32 home)
{
	__u32 word = home / 8;

	if (t != TAB_BIB6)
		word += (c->st.bib6_lines + 7) / 8;
	if (t == TAB_SUB)
		word += (c->st.session_lines + 7) / 8;
	return mem_reach(word);
}

n64_inline __u32 tab_reach_byte(__u64 word, __u32 home)
{
	return word >> home % 8 * 8 & (TAB_REACH - 1);
}

n64_inline __u32 tab_reach(const struct n64_conf *c, enum st_table t, const struct st_key *k)
{
	__u32 home = tab_home(c, t, k);
	__u64 *w = tab_reach_word(c, t, home);

	return w ? tab_reach_byte(st_load(w), home) : 0;
}

/* 0: too many others raised it at the same time. */
ST_FAR int tab_raise(__u32 table, __u32 home, __u32 d)
{
	__u64 *w = tab_reach_word(st_conf(), (enum st_table)table, home);
	__u32 shift = home % 8 * 8;

	if (!w)
		return 0;
	n64_no_unroll
	for (int i = 0; i < 16; i++) {
		__u64 old = st_load(w);

		if ((old >> shift & 0xff) >= d ||
		    st_cas(w, old, (old & ~(0xffull << shift)) | (__u64)d << shift))
			return 1;
	}
	return 0;
}

/* ---- finding ---------------------------------------------------------------------------- */

/* Is the entry of bib6, whose control word is `ctl`, active and that of the port of the host?
 * One branch and not one for each: what else lies in a line no processor can foresee, and
 * behind a wrong guess it would wait for the line. */
n64_inline bool bib6_is(const struct n64_bib6 *e, __u64 ctl, enum st_proto proto,
			const struct addr6 *host, __be16 port)
{
	const __u64 mask = CTL_STATE | 3ull << CTL_ROW_SHIFT;
	__u64 differ = (ctl & mask) ^ (CTL_ACTIVE | (__u64)proto << CTL_ROW_SHIFT);

	differ |= e->port6 ^ port;
	differ |= addr6_half(&e->host6, 0) ^ addr6_half(host, 0);
	return !(differ | (addr6_half(&e->host6, 1) ^ addr6_half(host, 1)));
}

n64_inline bool bib6_has(const struct n64_bib6 *e, __u64 ctl, const struct st_key *k)
{
	return bib6_is(e, ctl, (enum st_proto)(k->b >> 16), &k->a, (__be16)k->b);
}

/* Does the entry hold the key? Its fields are compared between two looks at the
 * control word. */
n64_inline bool tab_match(enum st_table t, __u32 place, const struct st_key *k)
{
	__u64 *at = tab_ctl(t, place);
	__u64 ctl;
	bool same;

	if (!at)
		return false;
	ctl = st_load(at);
	if (ctl_state(ctl) != CTL_ACTIVE)
		return false;
	if (t == TAB_BIB6) {
		same = bib6_has((const void *)at, ctl, k);
	} else if (t == TAB_SESSION) {
		const struct n64_session *e = (const void *)at;

		same = ctl_gen(ctl) == k->gen && e->binding == k->a.w[0] &&
		       e->remote4 == k->a.w[1] && e->remote_port == (__be16)k->b;
	} else {
		same = addr6_equal(&((const struct n64_subscriber *)at)->prefix, &k->a);
	}
	return same && !((st_load(at) ^ ctl) & CTL_LIFE);
}

/* A walk along the lines behind a home, in search of a key. */
struct tab_walk {
	struct st_key k;
	__u32 t;		/* enum st_table */
	int found;
};

/* Place of the key in the line that is `d` behind its home, or TAB_NONE. */
n64_inline int tab_find_at(enum st_table t, const struct st_key *k, __u32 d)
{
	__u32 place = tab_place(st_conf(), t, k, d, 0);

	if (tab_match(t, place, k))
		return (int)place;
	if (t != TAB_SUB && tab_match(t, tab_beside(place), k))
		return (int)tab_beside(place);
	return TAB_NONE;
}

/* What is handed to a step has to lie on the stack of who calls. */
struct tab_find_ctx {
	struct tab_walk *x;
};

static long tab_find_step(__u32 d, void *arg)
{
	struct tab_walk *x = ((struct tab_find_ctx *)arg)->x;

	x->found = tab_find_at((enum st_table)x->t, &x->k, 1 + d);
	return x->found != TAB_NONE;
}

/* Not at home. */
ST_FAR int tab_find_far(struct tab_walk *x)
{
	struct tab_find_ctx ctx = { x };
	__u32 reach;

	if (!x)
		return TAB_NONE; /* cannot be */
	reach = tab_reach(st_conf(), (enum st_table)x->t, &x->k);
	if (reach)
		st_loop_hot(reach, tab_find_step, &ctx);
	return x->found;
}

/* Place of the key x->k, or TAB_NONE. */
n64_inline int tab_find(struct tab_walk *x)
{
	/* most lie at home, and the reach is a line of memory as well */
	x->found = tab_find_at((enum st_table)x->t, &x->k, 0);
	return likely(x->found != TAB_NONE) ? x->found : tab_find_far(x);
}

/* ---- putting in ---------------------------------------------------------------------------- */

n64_inline bool ctl_is_stuck(__u64 ctl, __u32 now)
{
	return ctl_state(ctl) == CTL_CLAIMED &&
	       ((now - ctl_second(ctl)) & ((1u << CTL_SECOND_BITS) - 1)) > TAB_STUCK;
}

/* May the entry be claimed? Sessions end by themselves; what was in the slot is told to
 * `session_taken`, subscribers that are empty are removed by subscriber.h. */
n64_inline bool tab_is_free(enum st_table t, __u32 place, __u64 ctl, __u32 now)
{
	if (ctl_state(ctl) == CTL_FREE || ctl_is_stuck(ctl, now))
		return true;
	if (t == TAB_SESSION && ctl_state(ctl) == CTL_ACTIVE) {
		struct n64_session *e = mem_session(place);

		return e && (__u32)(st_load(&e->tcp) >> 32) < now;
	}
	return false;
}

struct tab_put_ctx {
	struct st_put *p;
};

/* Claims the entry if it is free. `t`, here and below, is x->t: where the compiler knows which
 * table it is, it asks for nothing that is another's. */
n64_inline bool tab_take(struct st_put *x, enum st_table t, __u32 place)
{
	__u64 *at = tab_ctl(t, place);
	__u64 ctl;

	if (!at)
		return false;
	ctl = st_load(at);
	if (!tab_is_free(t, place, ctl, x->now) ||
	    !st_cas(at, ctl, ctl_claim(x->now, key_tag(&x->k))))
		return false;
	x->was = ctl;
	x->found = (int)place;
	return true;
}

/* One in the line that is `d` behind the home of the key. */
n64_inline bool tab_take_at(struct st_put *x, enum st_table t, __u32 d)
{
	__u32 place = tab_place(st_conf(), t, &x->k, d, 0);

	x->dist = d;
	return tab_take(x, t, place) || (t != TAB_SUB && tab_take(x, t, tab_beside(place)));
}

static long tab_take_step(__u32 d, void *arg)
{
	struct st_put *x = ((struct tab_put_ctx *)arg)->p;

	return tab_take_at(x, (enum st_table)x->t, 1 + d);
}

/* Behind its home, within reach: x->found. */
ST_FAR int tab_take_far(struct st_put *x)
{
	struct tab_put_ctx ctx = { x };

	if (!x)
		return TAB_NONE; /* cannot be */
	st_loop_hot(TAB_REACH - 1, tab_take_step, &ctx);
	return x->found;
}

/* Waits until the claim at `place` with our tag is no more. 0: it still is. */
ST_FAR int tab_wait(__u32 t, __u32 place, __u32 tag)
{
	__u64 *at = tab_ctl((enum st_table)t, place);

	if (!at)
		return 1;
	n64_no_unroll
	for (__u32 i = 0; i < TAB_WAIT; i++) {
		__u64 ctl = st_load(at);

		if (ctl_state(ctl) != CTL_CLAIMED || ctl_gen(ctl) != tag)
			return 1;
		ST_PAUSE();
	}
	return 0;
}

/* Is there a rival of our claim at `place`, or the key itself? True: the walk is over. */
n64_inline bool tab_rival(struct st_put *x, enum st_table t, __u32 place)
{
	__u64 *at = tab_ctl(t, place);
	__u64 ctl;

	if (!at)
		return false;
	if (place == x->mine) {
		x->passed = 1;
		return false;
	}
	ctl = st_load(at);
	if (ctl_state(ctl) == CTL_CLAIMED && ctl_gen(ctl) == key_tag(&x->k) &&
	    !ctl_is_stuck(ctl, x->now)) {
		if (!x->passed)
			x->yield = (int)place;
		if (!x->passed || !tab_wait(t, place, key_tag(&x->k))) {
			x->found = TAB_BUSY;
			return true;
		}
	}
	/* a subscriber that is being removed may yet be left in place (sub_remove) */
	if (t == TAB_SUB && ctl_state(ctl) == CTL_DEAD &&
	    addr6_equal(&((const struct n64_subscriber *)at)->prefix, &x->k.a)) {
		x->found = TAB_BUSY;
		return true;
	}
	if (!tab_match(t, place, &x->k))
		return false;
	x->found = (int)place;
	return true;
}

n64_inline bool tab_rival_at(struct st_put *x, enum st_table t, __u32 d)
{
	__u32 place = tab_place(st_conf(), t, &x->k, d, 0);

	return tab_rival(x, t, place) || (t != TAB_SUB && tab_rival(x, t, tab_beside(place)));
}

static long tab_rival_step(__u32 d, void *arg)
{
	struct st_put *x = ((struct tab_put_ctx *)arg)->p;

	return tab_rival_at(x, (enum st_table)x->t, d);
}

/* Nothing claimed yet. */
n64_inline void tab_put_begin(struct st_put *x)
{
	x->found = TAB_NONE;
	x->yield = TAB_NONE;
	x->was = 0;
	x->passed = 0;
	x->claimed = 0;
}

/* The claim at x->found, which lies x->dist lines behind its home, stands against others
 * of the same key (steps 2 and 3), or is given back. */
n64_inline int tab_put_settle(struct st_put *x, enum st_table t)
{
	const struct n64_conf *c = st_conf();
	struct tab_put_ctx ctx = { x };
	__u32 reach;
	__u64 *at;

	at = x->found < 0 ? NULL : tab_ctl(t, (__u32)x->found);
	if (!at)
		return TAB_FULL;
	x->mine = (__u32)x->found;
	x->found = TAB_BUSY;
	if (!x->dist || tab_raise(t, tab_home(c, t, &x->k), x->dist)) {
		x->found = TAB_NONE;
		reach = tab_reach(c, t, &x->k);
		reach = reach > x->dist ? reach : x->dist;
		if (likely(!reach))
			tab_rival_at(x, t, 0);
		else
			st_loop_hot(reach + 1, tab_rival_step, &ctx);
	}
	if (x->found == TAB_NONE) {
		x->claimed = 1;
		return (int)x->mine;
	}
	st_store(at, CTL_FREE);
	if (x->yield >= 0 && tab_wait(t, (__u32)x->yield, key_tag(&x->k)) &&
	    tab_match(t, (__u32)x->yield, &x->k))
		return x->yield;
	return x->found;
}

/* Puts the key x->k in; x->k and now are set. The place of a fresh claim, x->claimed
 * set: the caller writes the fields and stores an ACTIVE control word, or CTL_FREE to give
 * it back. Or that of an entry which another CPU has made meanwhile; TAB_FULL; TAB_BUSY. */
n64_inline int tab_put(struct st_put *x, enum st_table t)
{
	tab_put_begin(x);
	x->t = t;
	/* what another CPU has just taken at home is not tried again */
	if (unlikely(!tab_take_at(x, t, 0)))
		tab_take_far(x);
	return tab_put_settle(x, t);
}

#endif
