/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of a mapping and its life (RFC 6146 3.1, ST-10, CGN-03):
 *
 *   FREE -> CLAIMED (generation + 1) -> fields written -> ACTIVE -> bib6 entry ACTIVE
 *   bib6 ACTIVE -> DEAD (who wins this ends the mapping) -> record FREE -> bib6 FREE
 *
 * A packet 6->4 trusts its bib6 entry while that is fresh: the entry goes before its
 * record, and a record is taken by another host two seconds after its time at the
 * earliest (that it is FREE before does not matter). Whoever finds its own side expired
 * looks at the other one before it believes it. */
#ifndef N64_BINDING_H
#define N64_BINDING_H

#include "dynamic.h"
#include "ports.h"
#include "subscriber.h"

#define GRACE 2		/* seconds between the end of a mapping and another owner */

enum reclaim_how {
	RECLAIM_EXPIRED,	/* only what has expired */
	RECLAIM_FORCE,		/* by command; static ones too */
};

n64_inline enum st_proto binding_proto(__u32 index)
{
	return (enum st_proto)(index >> 16 & 3);
}

n64_inline __u32 index_port(__u32 index)
{
	return index & 0xffff;
}

n64_inline __u32 index_slot(__u32 index)
{
	return index >> 18;
}

/* ---- taking ---------------------------------------------------------------------------- */

/* CGN-03: seconds for which a freed port is kept from other subscribers. One in a port
 * block is its subscriber's anyway, and the block itself waits (block_new). */
n64_inline __u32 binding_wait(const struct n64_conf *c, __u32 index)
{
	return binding_proto(index) == ST_TCP || c->opt.port_block ? 0 : c->opt.port_quarantine;
}

/* May (host, port) take a record that is FREE? At once if it had it last, else after the
 * two seconds of ST-10, another subscriber after the quarantine (CGN-03). */
n64_inline bool binding_may_take(const struct n64_conf *c, __u32 index,
				 const struct n64_binding *b, const struct addr6 *host,
				 __be16 port, __u32 now)
{
	__u32 quarantine = binding_wait(c, index);

	if (!ctl_gen(b->ctl))
		return true; /* never used */
	if (b->port6 == port && addr6_equal(&b->host6, host))
		return true;
	if (now <= b->until4 + GRACE)
		return false;
	if (now > b->until4 + quarantine)
		return true;
	return sub_same(c, &b->host6, host);
}

/* And may anybody? */
n64_inline bool binding_is_open(const struct n64_conf *c, __u32 index,
				const struct n64_binding *b, __u32 now)
{
	__u32 wait = binding_wait(c, index);

	if (!ctl_gen(b->ctl))
		return true;
	return now > b->until4 + (wait > GRACE ? wait : GRACE);
}

/* The next life of a record. They begin with another number for each record, so that an
 * entry of bib6 in the same place is not taken for that of another record. */
n64_inline __u32 binding_next_gen(__u32 index, __u64 ctl)
{
	__u32 gen = ctl_gen(ctl) ? ctl_gen(ctl) : index * 0x9e3779b1u;

	gen = (gen + 1) & ((1u << CTL_GEN_BITS) - 1);
	return gen ? gen : 1;
}

/* FREE -> CLAIMED for (host, port); `b` is the record `index`. The new generation, 0: somebody
 * has it. */
n64_inline __u32 binding_claim(const struct n64_conf *c, __u32 index, struct n64_binding *b,
			       const struct addr6 *host, __be16 port, __u32 now)
{
	__u32 gen;
	__u64 ctl;

	if (!b)
		return 0;
	ctl = st_load(&b->ctl);
	if (ctl_state(ctl) != CTL_FREE && !ctl_is_stuck(ctl, now))
		return 0;
	if (ctl_state(ctl) == CTL_FREE && !binding_may_take(c, index, b, host, port, now))
		return 0;
	gen = binding_next_gen(index, ctl);
	return st_cas(&b->ctl, ctl, ctl_claim(now, gen)) ? gen : 0;
}

/* Writes the fields of a claimed record and opens it to packets 4->6. `policy`: generation of
 * the lists that judged its host. */
n64_inline void binding_open(__u32 index, const struct n64_call *q, __u64 flags, __u32 policy,
			     __u32 gen, __u32 until)
{
	struct n64_binding *b = mem_binding(index);

	if (!b)
		return;
	b->host6 = q->host6;
	b->port6 = q->port6;
	b->until4 = until;
	st_store(&b->ctl, ctl_make(CTL_ACTIVE, flags, q->pref, policy, gen));
}

/* Offers a port whose record is FREE; taken meanwhile, it is not. */
n64_inline void port_offer(struct n64_row *r, const struct n64_binding *b, __u32 port)
{
	port_set_free(r, port);
	if (ctl_state(st_load(&b->ctl)) != CTL_FREE)
		port_set_used(r, port);
}

/* The port of a mapping that has ended: its row counts one less, and offers it if anybody
 * may take it already. */
ST_FAR int port_give_back(__u32 index, __u32 now)
{
	const struct n64_binding *b = mem_binding(index);
	struct n64_row *r = mem_row(index >> 16);

	if (!r || !b)
		return 0;
	st_sub_one(&r->used);
	if (binding_is_open(st_conf(), index, b, now))
		port_offer(r, b, index_port(index));
	return 1;
}

/* ---- ending ---------------------------------------------------------------------------- */

/* The subscriber of the host that has, or had, a record; TAB_NONE. */
ST_FAR int binding_sub(__u32 index)
{
	const struct n64_binding *b = mem_binding(index);
	struct tab_walk x = { .t = TAB_SUB };

	if (!b)
		return TAB_NONE;
	x.k = key_sub(st_conf(), &b->host6);
	return tab_find(&x);
}

/* Place of the bib6 entry that is the other half of a binding, or TAB_NONE. */
ST_FAR int binding_bib6(__u32 index)
{
	const struct n64_binding *b = mem_binding(index);
	struct tab_walk x = { .t = TAB_BIB6 };

	if (!b)
		return TAB_NONE;
	x.k = key_bib6(st_conf(), binding_proto(index), &b->host6, b->port6);
	return tab_find(&x);
}

/* The port and the counts of a mapping that has ended; `sub`: whose it was. The record may
 * be another's already. */
n64_inline int binding_gone(__u32 index, __u32 now, bool is_static, int sub)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s;
	struct n64_blocks *blocks;

	if (!port_give_back(index, now))
		return 0;
	st_note(R_bib_deleted);
	if (is_static)
		return 0;
	all_leave(binding_proto(index));
	s = sub < 0 ? NULL : mem_sub((__u32)sub);
	if (s)
		sub_leave(s, binding_proto(index), now);
	blocks = c->opt.port_block ? mem_blocks(index_slot(index)) : NULL;
	if (blocks)
		block_leave(blocks, block_of(c, index_port(index)), now);
	return 0;
}

/* Is the bib6 entry at `place` the other half of binding `index`? */
n64_inline struct n64_bib6 *bib6_of(int place, __u32 index)
{
	struct n64_bib6 *e = place < 0 ? NULL : mem_bib6((__u32)place);

	if (!e || ctl_row(st_load(&e->ctl)) != index >> 16 ||
	    host16(e->port4) != index_port(index))
		return NULL;
	return e;
}

/* Wins the right to end the mapping: its bib6 entry becomes DEAD. */
n64_inline bool bib6_kill(struct n64_bib6 *e, __u64 ctl)
{
	__u64 ectl = st_load(&e->ctl);

	return ctl_state(ectl) == CTL_ACTIVE && ctl_gen(ectl) == ctl_gen(ctl) &&
	       st_cas(&e->ctl, ectl, (ectl & ~CTL_STATE) | CTL_DEAD);
}

/* ACTIVE -> FREE; flags may change meanwhile. */
n64_inline bool binding_free(struct n64_binding *b, __u64 *was)
{
	n64_no_unroll
	for (int i = 0; i < 8; i++) {
		*was = st_load(&b->ctl);
		if (ctl_state(*was) != CTL_ACTIVE)
			return false;
		if (st_cas(&b->ctl, *was, ctl_make(CTL_FREE, 0, 0, 0, ctl_gen(*was))))
			return true;
	}
	return false;
}

/* The other half of a record that is ACTIVE. One that is not found is being made at this
 * moment, or is DEAD; `tries`: looks at it. */
n64_inline struct n64_bib6 *binding_other(__u32 index, __u32 tries)
{
	struct n64_bib6 *e = NULL;

	n64_no_unroll
	for (__u32 i = 0; i < tries && !e; i++)
		e = bib6_of(binding_bib6(index), index);
	return e;
}

#define FORCE_TRIES 64

/* Ends the mapping at `index` if `how` allows it. 1: it is ended, by this call. */
n64_inline int binding_end(__u32 index, __u32 now, enum reclaim_how how)
{
	struct n64_binding *b = mem_binding(index);
	__u32 until;
	struct n64_bib6 *e;
	__u64 ctl;
	bool freed;
	int sub;

	if (!b)
		return 0;
	ctl = st_load(&b->ctl);
	if (ctl_state(ctl) != CTL_ACTIVE || (ctl & CTL_STATIC && how != RECLAIM_FORCE))
		return 0;
	until = st_load32(&b->until4);
	if (how != RECLAIM_FORCE && now <= until)
		return 0;
	e = binding_other(index, how == RECLAIM_FORCE ? FORCE_TRIES : 1);
	if (e && st_load32(&e->until6) > until)
		until = st_load32(&e->until6);
	if (how != RECLAIM_FORCE && now <= until) {
		st_store32(&b->until4, until); /* no need to look again before that */
		return 0;
	}
	if (e ? !bib6_kill(e, ctl) : now <= until + TAB_STUCK)
		return 0; /* somebody else ends it, or its bib6 entry is being made */
	/* ours alone from here on, but for flags; a subscriber with mappings stays */
	sub = binding_sub(index);
	st_store32(&b->until4, until < now ? until : now);
	freed = binding_free(b, &ctl);
	if (freed)
		binding_gone(index, now, ctl & CTL_STATIC, sub);
	if (e) /* mode dynamic: the host may come back (DYN-04) */
		st_store(&e->ctl, ctl_make(CTL_FREE, 0, conf_is_dynamic(st_conf()) ? index >> 16 :
						       0, 0, 0));
	return freed;
}

ST_FAR int binding_reclaim(__u32 index, __u32 now)
{
	return binding_end(index, now, RECLAIM_EXPIRED);
}

/* By command, or of a mapping that was not wanted in the end. */
ST_FAR int binding_remove(__u32 index, __u32 now)
{
	return binding_end(index, now, RECLAIM_FORCE);
}

/* ---- sweeping ---------------------------------------------------------------------------- */

/* Walks and reclaiming are apart, because the verifier adds up the stacks of nested
 * functions: a walk notes what has expired in w->found. False: no more room there. */
n64_inline bool work_found(struct st_work *w, __u32 index)
{
	__u32 n = w->n_found;

	if (n >= FOUND_MAX)
		return false;
	w->found[ST_MASK(n, FOUND_MAX - 1)] = index;
	w->n_found = n + 1;
	return true;
}

ST_FAR int work_reclaim_found(struct st_work *w)
{
	int n = 0;

	if (!w)
		return 0;
	n64_no_unroll
	for (__u32 i = 0; i < FOUND_MAX; i++)
		if (i < w->n_found)
			n += binding_reclaim(w->found[i], w->now);
	w->n_found = 0;
	return n;
}

/* Reclaims what a walk has found. How many there were. */
n64_inline int work_reclaim(struct st_work *w)
{
	return unlikely(w->n_found) ? work_reclaim_found(w) : 0;
}

struct sweep_ctx {
	struct st_work *w;
	__u32 row, from, offered;
	__u32 skip;	/* steps that have nothing to look at */
};

/* One port of a row: notes what has expired, and offers what may be taken again. */
static long sweep_step(__u32 i, void *arg)
{
	struct sweep_ctx *s = arg;
	const struct n64_conf *c = st_conf();
	__u32 port = (s->from + i) & 0xffff, index = binding_index(s->row, (__u16)port);
	struct n64_binding *b;
	struct n64_row *r;
	__u64 ctl;

	if (i < s->skip)
		return 0;
	r = mem_row(s->row);
	b = mem_binding(index);
	if (!r || !b)
		return 1;
	if (!(port & 63) && !~st_load(&r->free[port_word(port)])) {
		s->skip = i + 64; /* all 64 are free */
		return 0;
	}
	ctl = st_load(&b->ctl);
	if (ctl_state(ctl) == CTL_ACTIVE) {
		if (ctl & CTL_STATIC || s->w->now <= st_load32(&b->until4))
			return 0;
		if (work_found(s->w, index))
			return 0;
		s->w->resume = port;
		return 1;
	}
	if (!(r->allowed[port_word(port)] & ~r->free[port_word(port)] & port_bit(port)))
		return 0;
	/* what is kept from others may be the subscriber's own (CGN-03) */
	if (ctl_state(ctl) == CTL_FREE &&
	    binding_may_take(c, index, b, &s->w->q.host6, s->w->q.port6, s->w->now)) {
		port_offer(r, b, port);
		s->offered++;
	} else if (ctl_is_stuck(ctl, s->w->now)) {
		port_set_free(r, port);
		s->offered++;
	}
	return 0;
}

/* Walks over `n` ports of a row from `from` on; how many are offered again. w->resume:
 * the port behind, or where there was no more room. */
ST_FAR int row_walk(struct st_work *w, __u32 row, __u32 from, __u32 n)
{
	struct sweep_ctx s = { w, row, from, 0, 0 };

	if (!w)
		return 0;
	w->resume = from + n;
	s.skip = st_unsure(0);
	st_loop(n, sweep_step, &s);
	return (int)s.offered;
}

#define SWEEP_PASS 256	/* ports of a row that one call looks at */

/* At most SWEEP_PASS ports of a row; how many were reclaimed or offered again. */
ST_FAR int row_sweep(struct st_work *w, __u32 row, __u32 from, __u32 n)
{
	int found = 0, offered;
	__u32 end = from + n;

	if (!w)
		return 0;
	n64_no_unroll
	for (int i = 0; i <= SWEEP_PASS / FOUND_MAX; i++) {
		if (from >= end)
			break;
		offered = row_walk(w, row, from, end - from);
		from = w->resume;
		/* ports that a reclaim sets free need no second look */
		found += offered + work_reclaim(w);
	}
	return found;
}

/* The next `n` ports of a row that may be given out, from where the last one stopped. */
n64_inline int row_sweep_next(struct st_work *w, __u32 row, __u32 n)
{
	struct n64_row *r = mem_row(row);
	__u32 span, from, head;
	int found;

	if (!r || r->last < r->first)
		return 0;
	span = r->last - r->first + 1;
	n = n < span ? n : span;
	from = st_add32(&r->cursor, n) % span;
	head = n < span - from ? n : span - from;
	found = row_sweep(w, row, r->first + from, head);
	return head < n ? found + row_sweep(w, row, r->first, n - head) : found;
}

#define CREATE_SWEEP 8	/* ports that a creation looks at */

/* A creation looks for expired ones if none did on this address in this 1/1024 s: the whole
 * row is looked at within 8 s where mappings come so fast, and each look is a line of memory
 * that the creation would not touch. */
n64_inline void row_sweep_some(struct st_work *w, __u32 row)
{
	struct n64_row *r = mem_row(row);

	if (!r || st_load32(&r->swept) == w->ticks)
		return;
	st_store32(&r->swept, w->ticks);
	row_sweep_next(w, row, CREATE_SWEEP);
}

#endif
