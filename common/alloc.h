/* SPDX-License-Identifier: GPL-2.0-only */
/* Which address and port a new mapping gets (RFC 6146 3.5.1.1; RFC 6056 3.3.3; RFC 4787
 * REQ-2, -3, -4; PORT-01 to PORT-09, ICQ-03, CGN-08). */
#ifndef N64_ALLOC_H
#define N64_ALLOC_H

#include "port_claim.h"

#define REFUSE_SWEEP 256 /* ports that a creation looks at before it is refused (PORT-09) */

/* ---- blocks (CGN-08) -------------------------------------------------------------------- */

struct block_ctx {
	__u32 row, slot, sub, start, words, now, quarantine;
	__u32 all;	/* only what every protocol of the address can use */
	int found;
};

/* Has the row ports in the block at `first`, or none anywhere? */
n64_inline bool block_serves(__u32 row, __u32 first)
{
	const struct n64_row *r = mem_row(row);

	return !r || !r->n_allowed || r->allowed[ST_MASK(first, ROW_WORDS - 1)];
}

static long block_step(__u32 i, void *arg)
{
	struct block_ctx *x = arg;
	struct n64_blocks *b = mem_blocks(x->slot);
	struct n64_row *r = mem_row(x->row);
	__u32 first = (x->start + i * x->words) & (ROW_WORDS - 1);
	__u64 old;

	if (!b || !r)
		return 1;
	if (!r->allowed[first])
		return 0;
	if (x->all && !(block_serves(x->slot << 2 | ST_TCP, first) &&
			block_serves(x->slot << 2 | ST_UDP, first)))
		return 0;
	old = st_load(&b->own[first]);
	if (old >> 32 || (old && x->now <= (__u32)old + x->quarantine))
		return 0;
	if (!st_cas(&b->own[first], old, (__u64)(x->sub + 1) << 32 | 1))
		return 0;
	x->found = (int)first;
	return 1;
}

/* A block that nobody has, for the packet's subscriber, with one mapping counted in. Its
 * first word, or -1. */
ST_FAR int block_new(struct st_work *w, __u32 row)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	const struct port_range all = { 0, ROW_WORDS - 1 };
	struct block_ctx x = {};
	__u32 first, n;

	if (!s || !block_words(c))
		return -1;
	port_bounds(c, row, all, &first, &n);
	x.row = row;
	x.slot = row >> 2;
	x.sub = (__u32)w->sub;
	x.words = block_words(c);
	x.start = block_of(c, port_start(c, key_hash_addr(c, &w->q.host6), work_key(w), row, first,
					 n, PARITY_ANY));
	x.now = w->now;
	x.quarantine = c->opt.port_quarantine > GRACE ? c->opt.port_quarantine : GRACE;
	x.found = -1;
	/* a ping shall not take one that is of no use to TCP and UDP */
	x.all = 1;
	st_loop(ROW_WORDS / x.words, block_step, &x);
	x.all = 0;
	if (x.found < 0)
		st_loop(ROW_WORDS / x.words, block_step, &x);
	return x.found;
}

/* Is entry `i` of the subscriber's list one of its blocks still? */
n64_inline bool block_is_own(const struct n64_subscriber *s, __u32 sub, __u32 i)
{
	__u32 first = s->block[i & (N64_MAX_BLOCKS - 1)].first & (ROW_WORDS - 1);
	struct n64_blocks *b = mem_blocks(s->block[i & (N64_MAX_BLOCKS - 1)].slot);

	return b && st_load(&b->own[first]) >> 32 == sub + 1;
}

/* Aims at the subscriber's `i`th block on this address, with the mapping counted in.
 * 1: it is one. */
ST_FAR int block_aim(struct st_work *w, __u32 row, __u32 i)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	struct n64_blocks *b = mem_blocks(row >> 2);
	__u32 first;

	if (!s || !b || i >= s->n_blocks)
		return 0;
	first = s->block[ST_MASK(i, N64_MAX_BLOCKS - 1)].first;
	if (s->block[ST_MASK(i, N64_MAX_BLOCKS - 1)].slot != row >> 2 ||
	    !block_enter(b, first, (__u32)w->sub))
		return 0;
	w->block = first + 1;
	port_aim(w, row, (struct port_range){ first, first + block_words(c) - 1 },
		 work_parity(w));
	return 1;
}

/* The same with a new block, if the subscriber may have one more. */
ST_FAR int block_grow(struct st_work *w, __u32 row)
{
	const struct n64_conf *c = st_conf();
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	__u32 have = 0, room = N64_MAX_BLOCKS;
	int first;

	if (!s)
		return 0;
	n64_no_unroll
	for (__u32 i = 0; i < N64_MAX_BLOCKS; i++) {
		if (i < s->n_blocks && block_is_own(s, (__u32)w->sub, i))
			have++;
		else if (room == N64_MAX_BLOCKS)
			room = i;
	}
	if (have >= c->opt.port_block_max || room >= N64_MAX_BLOCKS)
		return 0;
	first = block_new(w, row);
	if (first < 0)
		return 0;
	s->block[ST_MASK(room, N64_MAX_BLOCKS - 1)].slot = (__u16)(row >> 2);
	s->block[ST_MASK(room, N64_MAX_BLOCKS - 1)].first = (__u16)first;
	if (s->n_blocks <= room)
		s->n_blocks = (__u16)(room + 1);
	w->block = (__u32)first + 1;
	port_aim(w, row, (struct port_range){ (__u32)first, (__u32)first + block_words(c) - 1 },
		 work_parity(w));
	return 1;
}

/* A port in the block aimed at, or -1 and the mapping counted out. */
n64_inline int block_port(struct st_work *w, __u32 row)
{
	struct n64_blocks *b = mem_blocks(row >> 2);
	int port = port_in_range(w, row, work_parity(w));

	if (port < 0 && b && w->block)
		block_leave(b, w->block - 1, w->now);
	return port;
}

/* From the subscriber's blocks on this address, one after the other, then from a new
 * one. */
n64_inline int port_from_blocks(struct st_work *w, __u32 row)
{
	n64_no_unroll
	for (__u32 i = 0; i < N64_MAX_BLOCKS; i++) {
		int port = block_aim(w, row, i) ? block_port(w, row) : -1;

		if (port >= 0)
			return port;
	}
	return block_grow(w, row) ? block_port(w, row) : -1;
}

/* ---- one address ------------------------------------------------------------------------ */

/* Where the search for the packet's port begins on this row. */
ST_FAR int port_aim_range(struct st_work *w, __u32 row)
{
	if (w)
		port_aim(w, row, work_range(w), work_parity(w));
	return 0;
}

/* A port of this row for the packet's mapping, its record CLAIMED, or -1. */
ST_FAR int port_alloc(struct st_work *w, __u32 row)
{
	const struct n64_conf *c = st_conf();
	int port = -1;

	if (!w)
		return -1;
	if (c->opt.port_block)
		return port_from_blocks(w, row);
	if (c->opt.port_preserve)
		port = port_wish(w, row, host16(w->q.port6));
	if (port >= 0)
		return port;
	if (w->aimed != row + 1)
		port_aim_range(w, row);
	w->aimed = 0; /* a second search may change them */
	port = port_in_range(w, row, work_parity(w));
	if (port < 0 && w->q.proto != ST_ICMP) {
		w->range = range_arg((struct port_range){ 0, ROW_WORDS - 1 });
		port = port_search(w, row, PARITY_ANY);
	}
	return port;
}

/* Its mappings. */
n64_inline __u32 row_used(__u32 row)
{
	const struct n64_row *r = mem_row(row);

	return r ? r->used : 0;
}

/* Whether a search of this row is worth while: it was not in vain a tenth of a second
 * ago (PORT-07). */
n64_inline bool row_is_open(const struct st_work *w, __u32 row)
{
	const struct n64_row *r = mem_row(row);

	return r && r->n_allowed && !was_refused(&r->refused, w->ticks);
}

n64_inline void row_in_vain(const struct st_work *w, __u32 row)
{
	struct n64_row *r = mem_row(row);

	if (r && !w->tired && !st_conf()->opt.port_block)
		note_refused(&r->refused, w->ticks);
}

/* What port_alloc_or_sweep comes to where the search has been aimed and its first port is free,
 * by one look at row and record. -1: all of it is to be asked. */
ST_FAR int port_at_once(struct st_work *w, __u32 row)
{
	const struct n64_conf *c = st_conf();
	struct n64_row *r = mem_row(row);
	__u32 index = binding_index(row, w ? (__u16)w->start : 0);
	struct n64_binding *b = mem_binding(index);

	if (!w || !r || !b || w->aimed != row + 1 || w->expired || c->opt.port_preserve ||
	    !r->n_allowed || was_refused(&r->refused, w->ticks) ||
	    st_load32(&r->swept) != w->ticks ||
	    !(st_load(&r->free[port_word(w->start)]) & port_bit(w->start)))
		return -1;
	return port_claim_of(c, w, r, index, b);
}

/* The same as port_alloc, and where there is none, once more after a look for expired ones. */
n64_inline int port_alloc_or_sweep(struct st_work *w, __u32 row)
{
	int port = -1;

	if (!row_is_open(w, row))
		return -1;
	row_sweep_some(w, row);
	if (w->expired && (w->expired - 1) >> 16 == row && !st_conf()->opt.port_block)
		port = port_wish(w, row, index_port(w->expired - 1));
	if (port < 0)
		port = port_alloc(w, row);
	if (port < 0 && row_sweep_next(w, row, REFUSE_SWEEP))
		port = port_alloc(w, row);
	if (port < 0 && st_conf()->opt.port_block && /* its blocks lie anywhere in the row */
	    hold_reclaim(w, w->q.proto < N_ST_PROTOS ? w->q.proto : 0))
		port = port_alloc(w, row);
	if (port < 0)
		row_in_vain(w, row);
	return port;
}

/* ---- which address ------------------------------------------------------------------------ */

n64_inline bool slot_serves(__u32 slot, __u32 proto)
{
	const struct n64_slot *s = mem_slot(slot);
	const struct n64_row *r = mem_row(row_of(slot, (enum st_proto)proto));

	return s && r && s->flags & SLOT_USED && !(s->flags & SLOT_DRAINING) && r->n_allowed;
}

/* PORT-02: the address that the subscriber has, for this protocol or, where that serves
 * it, for another one. Slot + 1, 0: none yet. */
n64_inline __u32 sub_pair(const struct n64_subscriber *s, __u32 proto)
{
	__u32 pair = s->pair[ST_MASK(proto, 3)];
	bool bound = s->count[0] | s->count[1] | s->count[2];

	if (pair && bound && slot_serves(pair - 1, proto))
		return pair;
	n64_no_unroll
	for (__u32 i = 0; i < N_ST_PROTOS; i++) {
		pair = s->pair[i];
		if (pair && s->count[i] && slot_serves(pair - 1, proto))
			return pair;
	}
	return 0;
}

/* Has the subscriber a mapping beside the one that is being made and counted already? */
n64_inline bool sub_is_bound(const struct n64_subscriber *s)
{
	return s->count[0] + s->count[1] + s->count[2] > 1;
}

struct choose_ctx {
	__u32 start, n, proto, ticks;
	int found;
};

static long choose_step(__u32 i, void *arg)
{
	struct choose_ctx *x = arg;
	const struct n64_dynamic *d = x->n ? mem_dynamic((x->start + i) % x->n) : NULL;
	const struct n64_row *r;

	if (!d)
		return 1;
	if (!(d->protos >> (x->proto & 3) & 1))
		return 0;
	r = mem_row(row_of(d->slot, (enum st_proto)x->proto));
	if (!r || !r->n_allowed || was_refused(&r->refused, x->ticks))
		return 0;
	if (x->found < 0)
		x->found = d->slot;
	if (st_load32(&r->used) >= r->n_allowed)
		return 0; /* only if there is no better one */
	x->found = d->slot;
	return 1;
}

/* Where in the list of addresses the search of a new subscriber begins. `hash` of its prefix
 * (key_hash_halves). */
n64_inline __u32 sub_slot_first(const struct n64_conf *c, __u64 hash)
{
	return (__u32)((hash >> 32) * c->st.n_dynamic >> 32);
}

/* PORT-04: the slot that a new subscriber gets: by keyed hash, or the next one that is not
 * known to be full; -1: all are. */
ST_FAR int slot_choose(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct choose_ctx x = {};
	__u64 lo, hi;

	if (!w)
		return -1;
	lo = addr6_half(&w->q.host6, 0);
	hi = addr6_half(&w->q.host6, 1);
	sub_halves(c, &lo, &hi);
	x.n = c->st.n_dynamic;
	x.start = x.n ? sub_slot_first(c, key_hash_halves(c, lo, hi)) : 0;
	x.proto = w->q.proto;
	x.ticks = w->ticks;
	x.found = (int)st_unsure((__u32)-1);
	st_loop(x.n, choose_step, &x);
	return x.found;
}

/* Row of the address that the subscriber has, or of one that is chosen for it: there
 * *paired is false. -1: none. */
ST_FAR int row_pick(struct st_work *w, __u32 use_pair)
{
	struct n64_subscriber *s = w && w->sub >= 0 ? mem_sub((__u32)w->sub) : NULL;
	__u32 pair;
	int slot;

	if (!s)
		return -1;
	pair = use_pair ? sub_pair(s, w->q.proto) : 0;
	slot = use_pair ? (int)pair - 1 : slot_choose(w);
	return slot < 0 ? -1 : (int)row_of((__u32)slot, (enum st_proto)w->q.proto);
}

/* Claims a port for a new mapping: on the subscriber's address, strictly unless soft-app,
 * or on one that is chosen for it. Index of the binding, or -1. */
n64_inline int binding_alloc(struct st_work *w)
{
	struct n64_subscriber *s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);
	int port = -1, row;

	row = w->pair ? (int)row_of(w->pair - 1, (enum st_proto)w->q.proto) : row_pick(w, 1);
	if (!s)
		return -1;
	if (row >= 0)
		port = port_at_once(w, (__u32)row);
	if (row >= 0 && port < 0)
		port = port_alloc_or_sweep(w, (__u32)row);
	if (row >= 0 && port < 0 && !st_conf()->opt.soft_app && sub_is_bound(s))
		return -1;
	n64_no_unroll
	for (int i = 0; i < 4 && port < 0; i++) {
		row = row_pick(w, 0);
		if (row < 0)
			return -1;
		port = port_alloc_or_sweep(w, (__u32)row);
	}
	if (port < 0)
		return -1;
	s->pair[ST_MASK(w->q.proto, 3)] = (__u16)((row >> 2) + 1);
	return (int)binding_index((__u32)row, (__u16)port);
}

#endif
