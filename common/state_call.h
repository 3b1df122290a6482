/* SPDX-License-Identifier: GPL-2.0-only */
/* The answers of n64_state (struct n64_call): what user space may ask of the mapping state
 * and have done to it. */
#ifndef N64_STATE_CALL_H
#define N64_STATE_CALL_H

#include "state.h"
#include "state_touch.h"

/* ---- packets of the other path ------------------------------------------------------------ */

n64_inline enum reason call_out(struct st_work *w)
{
	enum reason r;

	if (!state_look6(w)) {
		r = state_may_make6(w);
		if (!r)
			r = (enum reason)(conf_is_dynamic(st_conf()) ? host_make(w) :
								       state_make6(w));
		if (r)
			return r;
	}
	return state_commit6(w);
}

/* Row and shared-ness of w->q.addr4. False: not in the pool. */
n64_inline bool call_slot(struct st_work *w)
{
	int slot = mem_pool(w->q.addr4);

	if (slot < 0)
		return false;
	w->q.row = row_of((__u32)slot, (enum st_proto)w->q.proto);
	if (conf_is_dynamic(st_conf()))
		w->q.port4 = host_port(w->q.addr4);
	w->shared = !(w->q.flags & CALL_HAIRPIN) && mem_is_local(w->q.addr4);
	return true;
}

n64_inline enum reason call_in(struct st_work *w)
{
	if (!call_slot(w))
		return R_not_target;
	return state_look4(w) ? state_commit4(w) : state_absent4(w);
}

n64_inline enum reason call_peek_in(struct st_work *w)
{
	if (!call_slot(w))
		return R_not_target;
	if (!state_look4(w))
		return w->shared ? R_shared : R_no_bib;
	return state_has_session(w) ? R_GO_ON : R_inner_no_session;
}

n64_inline enum reason call_peek_out(struct st_work *w)
{
	if (!state_look6(w))
		return R_no_bib;
	return state_has_session(w) ? R_GO_ON : R_inner_no_session;
}

n64_inline enum reason call_would_out(struct st_work *w)
{
	enum reason r;

	if (state_look6(w))
		return R_GO_ON;
	r = state_may_make6(w);
	return r ? r : (enum reason)state_would6(w);
}

/* ---- stored SYNs (TCP-03, TCP-04, TCP-11) --------------------------------------------------- */

n64_inline enum reason call_syn_store(struct st_work *w)
{
	struct n64_state *all = mem_state();
	struct n64_session *e;
	int place;

	if (!all || !call_slot(w))
		return R_not_target;
	w->q.binding = binding_index(w->q.row, host16(w->q.port4));
	if (stored_syn(w, 0))
		return R_syn_again;
	place = session_find(w, w->q.remote_port, 0);
	if (place >= 0)
		session_reclaim((__u32)place, w->now, RECLAIM_FORCE);
	place = session_put(w, w->q.remote_port, 0);
	e = place < 0 ? NULL : mem_session((__u32)place);
	if (!e)
		return R_syn_store_full;
	if (!w->put.claimed)
		return R_syn_again;
	e->tcp = session_word(TCP_V4_STORED, w->now + STORED_SECONDS + STORED_KEEP);
	e->binding = w->q.binding;
	e->remote4 = w->q.remote4;
	e->remote_port = w->q.remote_port;
	st_store(&e->ctl, session_ctl(-1, 0));
	st_add32(&all->stored_syn, 1);
	return R_GO_ON;
}

n64_inline enum reason call_syn_take(struct st_work *w)
{
	struct n64_state *all = mem_state();
	struct n64_session *e;
	__u32 state;
	int place;

	if (!all || !call_slot(w))
		return R_not_target;
	st_sub_one(&all->stored_syn);
	w->q.binding = binding_index(w->q.row, host16(w->q.port4));
	place = session_find(w, w->q.remote_port, 0);
	e = place < 0 ? NULL : mem_session((__u32)place);
	if (!e)
		return R_not_target;
	state = st_load(&e->tcp) & 0xff;
	session_reclaim((__u32)place, w->now, RECLAIM_FORCE);
	return state == TCP_V4_STORED ? R_GO_ON : R_not_target;
}

/* ---- the operator's mappings (ST-04) -------------------------------------------------------- */

/* A dynamic mapping becomes the operator's: it counts for nobody any more. */
n64_inline void static_adopt(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_blocks *blocks = c->opt.port_block ? mem_blocks(index_slot(w->q.binding)) : NULL;
	struct n64_subscriber *s;

	if (w->ctl & CTL_STATIC)
		return;
	mapping_mark(w, 0, CTL_STATIC, w->until, 0);
	w->sub = sub_get(w);
	s = w->sub < 0 ? NULL : mem_sub((__u32)w->sub);
	if (s)
		sub_leave(s, w->q.proto, w->now);
	all_leave(w->q.proto);
	if (blocks)
		block_leave(blocks, block_of(c, index_port(w->q.binding)), w->now);
}

/* The record for a static mapping, whoever had it before (no quarantine). Its new
 * generation, 0: it is not free. */
n64_inline __u32 static_claim(__u32 index, __u32 now)
{
	struct n64_binding *b = mem_binding(index);
	__u32 gen;
	__u64 ctl;

	if (!b)
		return 0;
	ctl = st_load(&b->ctl);
	if (ctl_state(ctl) != CTL_FREE && !ctl_is_stuck(ctl, now))
		return 0;
	gen = binding_next_gen(index, ctl);
	return st_cas(&b->ctl, ctl, ctl_claim(now, gen)) ? gen : 0;
}

/* Ends what stands in the way of a static mapping: what has expired, or (`force`) any.
 * R_static_conflict with that mapping in the answer. */
n64_inline enum reason static_evict(struct st_work *w, __u32 index, __u32 force)
{
	const struct n64_binding *b = mem_binding(index);
	const struct n64_slot *slot = mem_slot(index_slot(index));

	if (force ? binding_remove(index, w->now) : binding_reclaim(index, w->now))
		return R_GO_ON;
	if (!b || !slot || ctl_state(st_load(&b->ctl)) != CTL_ACTIVE)
		return R_GO_ON;
	w->q.port4 = be16(index_port(index));
	w->q.addr4 = state_addr4(slot, w->q.port4);
	w->q.host6 = b->host6;
	w->q.port6 = b->port6;
	return R_static_conflict;
}

ST_FAR int call_static_add(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	__u32 index, force, gen, live;
	struct n64_bib6 *e;
	struct n64_row *row;
	__be16 port4;
	enum reason r;

	if (!w || !call_slot(w))
		return R_not_target;
	row = mem_row(w->q.row);
	if (!row)
		return R_not_target;
	force = w->q.flags & CALL_FORCE;
	port4 = w->q.port4;
	index = binding_index(w->q.row, host16(port4));
	live = w->q.flags & CALL_RESTORE;
	if (state_look6(w) && w->q.binding == index) {
		if (!live)
			static_adopt(w);
		return R_GO_ON;
	}
	r = w->place >= 0 ? static_evict(w, w->q.binding, force) : R_GO_ON;
	if (!r)
		r = static_evict(w, index, force);
	if (r)
		return r;
	w->place = bib6_put(w);
	e = w->place < 0 ? NULL : mem_bib6((__u32)w->place);
	if (!e || !w->put.claimed)
		return w->place == TAB_FULL ? R_table_full : R_state_busy;
	gen = static_claim(index, w->now);
	if (!gen) {
		st_store(&e->ctl, CTL_FREE);
		return R_state_busy;
	}
	port_set_used(row, host16(port4));
	w->ctl = (__u64)gen << CTL_GEN_SHIFT;
	w->q.pref = c->first_pref64; /* until the host uses another */
	if (w->q.n > c->opt.dyn_timeout)
		w->q.n = c->opt.dyn_timeout;
	/* a host of the file is judged when it speaks: by no lists yet */
	state_publish(w, index, live ? 0 : CTL_STATIC, c->st.policy_gen - !!live,
		      live ? w->now + w->q.n : 0);
	return R_GO_ON;
}

/* DYN-06: as it was before a restart; it counts as what hosts have made. */
n64_inline enum reason call_restore(struct st_work *w)
{
	const struct n64_row *row = call_slot(w) ? mem_row(w->q.row) : NULL;
	__u32 port = host16(w->q.port4);
	enum reason r;

	if (!row || !(row->allowed[port_word(port)] & port_bit(port)))
		return R_not_target;
	if (!all_enter(st_conf(), w->q.proto))
		return R_table_full;
	r = (enum reason)call_static_add(w);
	if (r || !w->fresh)
		all_leave(w->q.proto);
	return r;
}

/* ---- sweeps, probes, ranges ---------------------------------------------------------------- */

n64_inline enum reason call_probe(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_session *e = mem_session(w->q.session);
	const struct n64_binding *b;
	const struct n64_slot *slot;
	__u64 word, ctl;

	if (!e || ctl_state(st_load(&e->ctl)) != CTL_ACTIVE)
		return R_not_target;
	word = st_load(&e->tcp);
	b = mem_binding(e->binding);
	slot = mem_slot(index_slot(e->binding));
	if (!b || !slot || (word & 0xff) != TCP_ESTABLISHED || word & SESSION_PROBED ||
	    (__u32)(word >> 32) < w->now || tcp_now(&c->opt, word, w->now) != TCP_TRANS)
		return R_not_target;
	ctl = st_load(&b->ctl);
	if (ctl_state(ctl) != CTL_ACTIVE || ctl_gen(ctl) != ctl_gen(e->ctl) ||
	    !st_cas(&e->tcp, word, word | SESSION_PROBED))
		return R_not_target;
	w->q.binding = e->binding;
	w->q.proto = ST_TCP;
	w->q.host6 = b->host6;
	w->q.port6 = b->port6;
	w->q.addr4 = slot->addr;
	w->q.port4 = be16(index_port(e->binding));
	w->q.remote4 = e->remote4;
	w->q.remote_port = e->remote_port;
	w->q.pref = word_pref(word);
	return R_GO_ON;
}

struct range_ctx {
	__u32 row, first, last, on;
};

/* One word of the range: newly allowed ports are offered, which their records judge. */
static long range_step(__u32 i, void *arg)
{
	const struct range_ctx *x = arg;
	__u32 word = (__u32)ST_MASK(x->first / 64 + i, ROW_WORDS - 1);
	struct n64_row *r = mem_row(x->row);
	__u64 mask = ~0ull, change;
	__u32 last = i == x->last / 64 - x->first / 64;

	if (!r)
		return 1;
	if (!i)
		mask &= ~0ull << (x->first & 63);
	if (last)
		mask &= ~0ull >> (63 - (x->last & 63));
	change = mask & (x->on ? ~r->allowed[word] : r->allowed[word]);
	if (x->on) {
		st_set_bits(&r->allowed[word], change);
		st_set_bits(&r->free[word], change);
		r->n_allowed += bits_set(change);
	} else {
		st_clear_bits(&r->allowed[word], change);
		st_clear_bits(&r->free[word], change);
		r->n_allowed -= bits_set(change);
	}
	port_summarize(r, word);
	return 0;
}

n64_inline enum reason call_range(struct st_work *w)
{
	struct range_ctx x = { w->q.row, (__u16)w->q.port4, w->q.last, w->q.n };
	struct n64_row *r = mem_row(w->q.row);
	__u32 none;

	if (!r || x.last < x.first)
		return R_not_target;
	none = !r->n_allowed;
	st_loop(x.last / 64 - x.first / 64 + 1, range_step, &x);
	if (x.on) {
		r->first = none || x.first < r->first ? x.first : r->first;
		r->last = none || x.last > r->last ? x.last : r->last;
	}
	r->refused = 0;
	return R_GO_ON;
}

struct rows_ctx {
	struct st_work *w;
	__u32 row, from, end, found;
};

static long rows_step(__u32 i, void *arg)
{
	struct rows_ctx *x = arg;
	__u32 from = x->from + i * SWEEP_PASS;

	if (from >= x->end)
		return 1;
	x->found += (__u32)row_sweep(x->w, x->row, from, x->end - from < SWEEP_PASS ?
							      x->end - from : SWEEP_PASS);
	return 0;
}

n64_inline __u32 call_sweep(struct st_work *w)
{
	__u32 from = (__u16)w->q.port4, n = w->q.n > ROW_WORDS * 64 ? ROW_WORDS * 64 : w->q.n;
	struct rows_ctx x = { w, w->q.row, from, from + n, 0 };

	st_loop(n / SWEEP_PASS + 1, rows_step, &x);
	return x.found;
}

struct subs_ctx {
	__u32 from, now, n;
};

static long subs_step(__u32 i, void *arg)
{
	struct subs_ctx *x = arg;

	x->n += (__u32)sub_remove(x->from + i, x->now);
	return 0;
}

/* A stored SYN has no binding: its time alone ends it. */
static long sessions_step(__u32 i, void *arg)
{
	struct subs_ctx *x = arg;
	const struct n64_session *e = mem_session(x->from + i);

	if (e && (ctl_gen(st_load(&e->ctl)) || (__u32)(st_load(&e->tcp) >> 32) < x->now))
		x->n += (__u32)session_reclaim(x->from + i, x->now, RECLAIM_EXPIRED);
	return 0;
}

n64_inline __u32 call_del(const struct st_work *w)
{
	const struct n64_binding *b = mem_binding(w->q.binding);

	if (!b || (w->q.ctl && (st_load(&b->ctl) ^ w->q.ctl) & CTL_LIFE))
		return 0;
	return (__u32)binding_remove(w->q.binding, w->now);
}

/* A session by command. Its mapping ends with it if it was the last one (ST-03), else its
 * deadline is that of those that are left. */
n64_inline __u32 call_session_del(struct st_work *w)
{
	const struct n64_session *e = mem_session(w->q.session);
	const struct n64_binding *b;

	if (!e || (w->q.ctl && (st_load(&e->ctl) ^ w->q.ctl) & CTL_LIFE))
		return 0;
	w->q.binding = e->binding;
	w->q.proto = binding_proto(e->binding);
	w->q.remote4 = e->remote4;
	b = mem_binding(e->binding);
	w->ctl = b ? st_load(&b->ctl) : 0;
	if (ctl_gen(w->ctl) != ctl_gen(e->ctl) || !e->remote_port)
		w->ctl = 0;
	if (b)
		w->q.host6 = b->host6;
	if (!session_reclaim(w->q.session, w->now, RECLAIM_FORCE))
		return 0;
	if (ctl_state(w->ctl) == CTL_ACTIVE && w->q.proto == ST_TCP && !(w->ctl & CTL_STATIC) &&
	    (!(w->ctl & CTL_MULTI) || !session_recount(w)))
		binding_remove(w->q.binding, w->now);
	return 1;
}

/* ---- all of them ---------------------------------------------------------------------------- */

n64_inline enum reason call_packet(struct st_work *w)
{
	switch (w->q.op) {
	case CALL_OUT:
		return call_out(w);
	case CALL_IN:
		return call_in(w);
	case CALL_PEEK_OUT:
		return call_peek_out(w);
	case CALL_PEEK_IN:
		return call_peek_in(w);
	default:
		return call_would_out(w);
	}
}

/* Answers w->q; `w` is otherwise as state_begin left it. */
n64_inline void state_call(struct st_work *w)
{
	struct subs_ctx subs = { w->q.session, w->now, 0 };
	enum reason r = R_GO_ON;

	w->q.now = w->now;
	switch (w->q.op) {
	case CALL_OUT:
	case CALL_IN:
	case CALL_PEEK_OUT:
	case CALL_PEEK_IN:
	case CALL_WOULD_OUT:
		r = w->q.proto < N_ST_PROTOS ? call_packet(w) : R_internal;
		break;
	case CALL_SYN_STORE:
		r = call_syn_store(w);
		break;
	case CALL_SYN_TAKE:
		r = call_syn_take(w);
		break;
	case CALL_STATIC_ADD:
		r = w->q.proto >= N_ST_PROTOS ? R_internal :
		    w->q.flags & CALL_RESTORE ? call_restore(w) :
						(enum reason)call_static_add(w);
		break;
	case CALL_DEL:
		w->q.n = call_del(w);
		break;
	case CALL_SESSION_DEL:
		w->q.n = call_session_del(w);
		break;
	case CALL_SWEEP:
		w->q.n = call_sweep(w);
		w->until = row_used(w->q.row);
		break;
	case CALL_SWEEP_SUBS:
		st_loop(w->q.n, subs_step, &subs);
		w->q.n = subs.n;
		break;
	case CALL_SWEEP_SESSIONS:
		st_loop(w->q.n, sessions_step, &subs);
		w->q.n = subs.n;
		break;
	case CALL_PROBE:
		r = call_probe(w);
		break;
	case CALL_RANGE:
		r = call_range(w);
		break;
	case CALL_TOUCH:
		r = call_touch(w);
		break;
	case CALL_NOW:
		break;
	default:
		r = R_internal;
	}
	w->q.ctl = w->ctl;
	w->q.until = w->until;
	w->q.reason = r;
}

#endif
