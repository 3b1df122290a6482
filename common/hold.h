/* SPDX-License-Identifier: GPL-2.0-only */
/* What a subscriber has or had, so that its expired entries are found when it comes for
 * more (PORT-09, ST-10): chunks of slots that are overwritten when they are stale. With
 * nobody sweeping, no expired entry counts against a quota. */
#ifndef N64_HOLD_H
#define N64_HOLD_H

#include "binding.h"

/* Slots that a new entry looks at before it takes a new chunk: more where the subscriber
 * has twice the slots that it needs, so that they do not become ever more. */
#define HOLD_TRIES 2
#define HOLD_TRIES_ROOMY 16

n64_inline bool hold_is_roomy(const struct n64_subscriber *s, __u32 kind)
{
	__u32 slots = st_load32(&s->chunks[ST_MASK(kind, 3)]) * (HOLD_SLOTS - 1);

	return slots > 2 * st_load32(&s->count[ST_MASK(kind, 3)]) + 30;
}

/* ---- sessions end ------------------------------------------------------------------------ */

/* The counts of a session that was in a slot with this control word. */
n64_inline void session_left(__u64 ctl, __u32 now)
{
	int sub = session_sub(ctl);
	struct n64_subscriber *s = sub < 0 ? NULL : mem_sub((__u32)sub);

	if (ctl_state(ctl) != CTL_ACTIVE || !s)
		return;
	sub_leave(s, KIND_SESSIONS, now);
	all_leave(KIND_SESSIONS);
}

n64_inline bool session_is_over(const struct n64_session *e, __u32 now)
{
	struct n64_binding *b;
	__u64 ctl;

	if ((__u32)(st_load(&e->tcp) >> 32) < now)
		return true;
	b = mem_binding(e->binding);
	ctl = b ? st_load(&b->ctl) : CTL_FREE;
	/* a mapping that has ended keeps its generation until the next one */
	return ctl_state(ctl) == CTL_FREE || ctl_gen(ctl) != ctl_gen(e->ctl);
}

/* Ends the session at `place`: one that is over, or (RECLAIM_FORCE) any. */
n64_inline bool session_reclaim(__u32 place, __u32 now, enum reclaim_how how)
{
	struct n64_session *e = mem_session(place);
	__u64 ctl;

	if (!e)
		return false;
	ctl = st_load(&e->ctl);
	if (ctl_state(ctl) != CTL_ACTIVE || (how != RECLAIM_FORCE && !session_is_over(e, now)))
		return false;
	if (!st_cas(&e->ctl, ctl, CTL_FREE))
		return false;
	session_left(ctl, now);
	return true;
}

/* ---- slots --------------------------------------------------------------------------------- */

/* Can the slot with `ref`, a session, be overwritten? Ends it if it is over. */
n64_inline bool hold_is_free_session(__u32 sub, __u32 ref, __u32 now)
{
	const struct n64_session *e = ref ? mem_session(ref - 1) : NULL;
	__u64 ctl;

	if (!e)
		return true;
	ctl = st_load(&e->ctl);
	return ctl_state(ctl) != CTL_ACTIVE || session_sub(ctl) != (int)sub ||
	       session_reclaim(ref - 1, now, RECLAIM_EXPIRED);
}

/* Where a subscriber's search begins: a cursor without HOLD_FRESH. By way of memory, as a
 * verifier that knew of the missing bit would follow each step of a walk. */
n64_inline __u32 hold_cursor(struct st_work *w, const struct n64_subscriber *s, __u32 kind)
{
	st_store32(&w->cursor, st_load32(&s->cursor[ST_MASK(kind, 3)]) & ~HOLD_FRESH);
	return st_load32(&w->cursor);
}

n64_inline __u32 *hold_slot(struct n64_hold *h, __u32 cursor)
{
	return &h->slot[ST_MASK(cursor, HOLD_SLOTS - 1)];
}

/* The slot behind a cursor (chunk << 4 | place from 1 on), around the ring of chunks. */
n64_inline __u32 hold_next(const struct n64_subscriber *s, __u32 kind, __u32 cursor)
{
	const struct n64_hold *h;
	__u32 chunk;

	if ((cursor & 15) + 1 < HOLD_SLOTS)
		return cursor + 1;
	h = mem_hold(cursor >> 4);
	chunk = h && h->slot[0] ? h->slot[0] : s->hold[ST_MASK(kind, 3)];
	return chunk ? chunk << 4 | 1 : 0;
}

/* A new chunk behind the one at which the cursor is, so that what comes next stays ahead of
 * it, or the first of the ring; 0: there are no more. */
n64_inline __u32 hold_grow(const struct n64_conf *c, struct n64_subscriber *s, __u32 kind)
{
	struct n64_state *all = mem_state();
	__u32 cursor = st_load32(&s->cursor[ST_MASK(kind, 3)]) & ~HOLD_FRESH;
	struct n64_hold *h, *at = mem_hold(cursor >> 4);
	__u32 chunk, next, *link = &s->hold[ST_MASK(kind, 3)];

	if (st_load32(link) && at)
		link = &at->slot[0];
	if (!all || st_load32(&all->hold_fresh) + 1 >= c->st.hold_chunks)
		return 0;
	chunk = st_add32(&all->hold_fresh, 1) + 1;
	h = chunk < c->st.hold_chunks ? mem_hold(chunk) : NULL;
	if (!h)
		return 0;
	n64_no_unroll
	for (int i = 0; i < 8; i++) {
		next = st_load32(link);
		h->slot[0] = next;
		if (st_cas32(link, next, chunk))
			return chunk;
	}
	return 0;
}

/* Puts `ref` into a slot of a new chunk. False: there are no more. */
n64_inline bool hold_put_new(struct n64_subscriber *s, __u32 kind, __u32 ref)
{
	__u32 chunk = hold_grow(st_conf(), s, kind);
	struct n64_hold *h = chunk ? mem_hold(chunk) : NULL;

	if (!h)
		return false;
	st_add32(&s->chunks[ST_MASK(kind, 3)], 1);
	st_store32(&h->slot[1], ref + 1);
	st_store32(&s->cursor[ST_MASK(kind, 3)], HOLD_FRESH | chunk << 4 | 2);
	return true;
}

/* Puts `ref` into a slot that was never used, whose line of memory so nobody waits for. False:
 * the cursor is at none. (A walk of another CPU around the ring may have reached the chunk when
 * it was just linked and put something there as well, of which one is lost: that is found by the
 * worker's rounds and by the sweep of its row.) */
n64_inline bool hold_put_fresh(struct n64_subscriber *s, __u32 kind, __u32 ref)
{
	__u32 *at = &s->cursor[ST_MASK(kind, 3)], cursor = st_load32(at), next;
	struct n64_hold *h;

	if (!(cursor & HOLD_FRESH))
		return false;
	h = mem_hold((cursor & ~HOLD_FRESH) >> 4);
	if (!h)
		return false;
	next = (cursor & 15) + 1 < HOLD_SLOTS ? cursor + 1 :
						hold_next(s, kind, cursor & ~HOLD_FRESH);
	if (!st_cas32(at, cursor, next))
		return false;
	st_store32(hold_slot(h, cursor), ref + 1);
	return true;
}

/* Did the slots that come next hold what lives, a moment ago, of a subscriber that has not many
 * more than it needs? Then they still do, and a new entry takes a new chunk. */
n64_inline bool hold_is_full(const struct n64_subscriber *s, __u32 kind, __u32 ticks)
{
	return was_refused(&s->looked[ST_MASK(kind, 3)], ticks) && !hold_is_roomy(s, kind);
}

/* What a slot says about a mapping. */
enum hold_is { HOLD_STALE, HOLD_EXPIRED, HOLD_LIVE };

n64_inline enum hold_is hold_mapping(const struct n64_subscriber *s, __u32 ref, __u32 now)
{
	const struct n64_binding *b = ref ? mem_binding(ref - 1) : NULL;

	if (!b || ctl_state(st_load(&b->ctl)) != CTL_ACTIVE || !sub_has(s, &b->host6))
		return HOLD_STALE;
	return now > st_load32(&b->until4) ? HOLD_EXPIRED : HOLD_LIVE;
}

/* A search for a slot that a new entry can have. */
struct hold_search {
	struct st_work *w;
	__u32 sub, kind, cursor, ref;
	__u32 done;
};

/* The slot at the cursor: ours now, if what it held is no more. */
static long hold_put_step(__u32 i, void *arg)
{
	struct hold_search *x = arg;
	struct n64_subscriber *s = mem_sub(x->sub);
	struct n64_hold *h = x->cursor >> 4 ? mem_hold(x->cursor >> 4) : NULL;
	enum hold_is is;
	__u32 *slot, old;

	(void)i;
	if (!s || !h)
		return 1;
	slot = hold_slot(h, x->cursor);
	old = st_load32(slot);
	x->cursor = hold_next(s, x->kind, x->cursor);
	if (x->kind == KIND_SESSIONS)
		is = hold_is_free_session(x->sub, old, x->w->now) ? HOLD_STALE : HOLD_LIVE;
	else
		is = hold_mapping(s, old, x->w->now);
	if (is == HOLD_EXPIRED)
		work_found(x->w, old - 1);
	if (is != HOLD_STALE || !st_cas32(slot, old, x->ref + 1))
		return 0;
	x->done = 1;
	return 1;
}

/* Remembers an entry of `kind` for the subscriber w->sub: in one of the next few slots, or in
 * a new chunk if it may `grow`. 0: it may not, and w->found has the mappings that expired
 * meanwhile. One that finds no room at all is found by the sweep of its row alone. */
ST_FAR int hold_put(struct st_work *w, __u32 kind, __u32 ref, __u32 grow)
{
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	struct hold_search x = { w, 0, ST_MASK(kind, 3), 0, ref, 0 };

	if (!s || hold_put_fresh(s, kind, ref))
		return 1;
	if (hold_is_full(s, kind, w->ticks) && hold_put_new(s, kind, ref))
		return 1;
	x.sub = (__u32)w->sub;
	x.cursor = hold_cursor(w, s, kind);
	/* mostly the first will do: how many there may be stands in another line of memory */
	if (unlikely(!hold_put_step(0, &x)))
		st_loop((hold_is_roomy(s, kind) ? HOLD_TRIES_ROOMY : HOLD_TRIES) - 1,
			hold_put_step, &x);
	if (!x.done && w->n_found && !grow)
		return 0;
	st_store32(&s->cursor[ST_MASK(kind, 3)], x.cursor);
	if (x.done)
		return 1;
	if (hold_put_new(s, kind, ref) && !w->n_found)
		note_refused(&s->looked[ST_MASK(kind, 3)], w->ticks);
	return 1;
}

#define HOLD_SWEEP 256	/* slots that a refusal looks at (PORT-09) */

struct hold_ctx {
	struct st_work *w;
	__u32 sub, kind, cursor, stale;
	__u32 first;	/* cursor at the first expired one that was found */
};

/* One slot of mappings: notes the expired ones, empties the stale ones. */
static long hold_mapping_step(__u32 i, void *arg)
{
	struct hold_ctx *x = arg;
	struct n64_subscriber *s = mem_sub(x->sub);
	struct n64_hold *h = x->cursor >> 4 ? mem_hold(x->cursor >> 4) : NULL;
	enum hold_is is;
	__u32 old;

	(void)i;
	if (!s || !h)
		return 1;
	old = st_load32(hold_slot(h, x->cursor));
	is = hold_mapping(s, old, x->w->now);
	if (is == HOLD_STALE && old)
		st_cas32(hold_slot(h, x->cursor), old, 0);
	if (is == HOLD_EXPIRED && !work_found(x->w, old - 1))
		return 1;
	if (is == HOLD_EXPIRED && !x->first)
		x->first = x->cursor;
	x->cursor = hold_next(s, x->kind, x->cursor);
	return 0;
}

static long hold_session_step(__u32 i, void *arg)
{
	struct hold_ctx *x = arg;
	struct n64_subscriber *s = mem_sub(x->sub);
	struct n64_hold *h = x->cursor >> 4 ? mem_hold(x->cursor >> 4) : NULL;
	__u32 old;

	(void)i;
	if (!s || !h)
		return 1;
	old = st_load32(hold_slot(h, x->cursor));
	if (old && hold_is_free_session(x->sub, old, x->w->now)) {
		st_cas32(hold_slot(h, x->cursor), old, 0);
		x->stale++;
	}
	x->cursor = hold_next(s, KIND_SESSIONS, x->cursor);
	return 0;
}

ST_FAR int hold_walk_mappings(struct st_work *w, __u32 kind)
{
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	struct hold_ctx x = { w, 0, kind, 0, 0, 0 };

	if (!s)
		return 0;
	x.sub = (__u32)w->sub;
	x.cursor = hold_cursor(w, s, kind);
	x.first = st_unsure(0);
	st_loop(HOLD_SWEEP, hold_mapping_step, &x);
	/* what was found is in the next slots to be used */
	st_store32(&s->cursor[ST_MASK(kind, 3)], x.first ? x.first : x.cursor);
	if (x.first)
		st_store32(&s->looked[ST_MASK(kind, 3)], 0);
	return 0;
}

ST_FAR int hold_walk_sessions(struct st_work *w)
{
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	struct hold_ctx x = { w, 0, KIND_SESSIONS, 0, 0, 0 };

	if (!s)
		return 0;
	x.sub = (__u32)w->sub;
	x.cursor = hold_cursor(w, s, KIND_SESSIONS);
	st_loop(HOLD_SWEEP, hold_session_step, &x);
	if (!x.stale)
		st_store32(&s->cursor[KIND_SESSIONS], x.cursor);
	else
		st_store32(&s->looked[KIND_SESSIONS], 0);
	return (int)x.stale;
}

/* Reclaims for a subscriber that is at its limit. How many there were. */
n64_inline int hold_reclaim(struct st_work *w, __u32 kind)
{
	if (kind == KIND_SESSIONS)
		return hold_walk_sessions(w);
	hold_walk_mappings(w, kind);
	return work_reclaim(w);
}

#endif
