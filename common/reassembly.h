/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments in mode stateful (requirements section 9; RFC 6146 3.4 and 3.5, RFC 5722,
 * RFC 6946, RFC 1858): they come in any order, by any queue and port. Those that come
 * before the one at offset 0 are held until it has made or found the mapping, and then
 * translated each on its own; only what must be is put together (reasm_whole.h).
 *
 * Pure: the memory and the time are the shell's. Datagrams are forgotten as soon as all
 * of them was seen, so that their ID may be used again, except those with an overlap,
 * which are remembered until frag-timeout. */
#ifndef N64_REASSEMBLY_H
#define N64_REASSEMBLY_H

#include "reasm_whole.h"

/* Old datagrams that one arrival clears away, so that no burst of expiries delays it;
 * the timer of the shell takes the rest. */
#define REASM_EXPIRE_ON_ARRIVAL 4

/* ---- life --------------------------------------------------------------------------------- */

/* Bytes that reasm_init needs, aligned to 64. They need not be zero. */
static inline size_t reasm_size(const struct n64_conf *conf)
{
	return reasm_lay_out(conf, NULL, NULL);
}

/* `key` is random. `ops` stays the shell's. */
static inline void reasm_init(struct reasm *rs, const struct n64_conf *conf, __u64 key,
			      const struct reasm_ops *ops)
{
	const struct reasm_lengths n = reasm_lengths(conf);

	__builtin_memset(rs, 0, offsetof(struct reasm, quote));
	reasm_lay_out(conf, (__u8 *)rs, rs);
	__builtin_memset(rs->dgram_bucket, 0, n.buckets * sizeof(__u32));
	__builtin_memset(rs->source_bucket, 0, n.buckets * sizeof(__u32));
	rs->limit = reasm_limits_of(conf);
	rs->key[0] = key;
	rs->key[1] = reasm_mix(key ^ 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull) | 1;
	rs->ops = ops;
}

/* The limits of a configuration that was loaded again. False: they need more memory than
 * reasm_init was given; the shell calls reasm_flush, makes another and goes on with that. */
static inline bool reasm_limit(struct reasm *rs, const struct n64_conf *conf)
{
	const struct reasm_lengths n = reasm_lengths(conf);

	if (n.dgrams > rs->dgrams.n || n.frags > rs->frags.n || n.blocks > rs->blocks.n)
		return false;
	rs->limit = reasm_limits_of(conf);
	return true;
}

/* FRG-04: to be called often enough that nothing is held much longer than it may be; to
 * the millisecond a datagram is old for whatever arrives. */
static inline void reasm_expire(struct reasm *rs, __u64 now_ms)
{
	while (rs->oldest && reasm_is_old(rs, rs->oldest, now_ms))
		reasm_end(rs, rs->oldest, R_frag_timeout);
}

/* Forgets everything. */
static inline void reasm_flush(struct reasm *rs)
{
	while (rs->oldest)
		reasm_end(rs, rs->oldest, R_frag_timeout);
}

/* ---- one arrival --------------------------------------------------------------------------- */

struct reasm_work {
	struct reasm *rs;
	struct reasm_shell sh;
	const struct slow_in *in;
	struct slow_job j;	/* the fragment and its facts */
	__u32 place;		/* of its datagram */
	__u32 after;		/* fragment that it follows there */
	bool sound;		/* nothing before step (8) of GEN-08 refuses it */
};

static inline struct reasm_dgram *work_dgram(const struct reasm_work *w)
{
	return &w->rs->dgram[w->place];
}

static inline void work_done(const struct reasm_work *w, enum reason r)
{
	const struct pkt *p = &w->j.p;

	/* what could not even be read has the length of its frame */
	w->rs->ops->done(w->rs->ops->ctx, r, p->l3_len ? p->l3_len : w->in->true_len);
}

static inline bool work_is_shared(const struct reasm_work *w)
{
	return w->j.slot_flags & SLOT_SHARED;
}

/* Forgets the datagram when all of it was seen, or nothing. */
static inline void work_settle(const struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);

	if (d->state != REASM_OVERLAP && (reasm_is_complete(d) || !d->n))
		reasm_end(w->rs, w->place, R_frag_refused);
}

/* Source routes and the lists. Of a shared address they speak only once the datagram is
 * known to be ours (GEN-05). */
static inline bool work_is_sound(struct reasm_work *w)
{
	struct slow_job *j = &w->j;
	const struct pkt *p = &j->p;

	if (w->in->fam == FAM_6)
		return !j->pointer && !stateful_dst_6to4(j->env, p, &j->x);
	if (slow_options(j))
		return false;
	return work_is_shared(w) || (!rule_source(p) && !stateful_4to6(j->env, p));
}

/* Is it a fragment for the table? Everything else slow_translate judges by itself: whole
 * packets, atomic fragments (FRG-09), what has no valid header, is no target, or is
 * refused by the lists without being the one that speaks for its datagram. */
static inline bool work_is_fragment(struct reasm_work *w)
{
	struct slow_job *j = &w->j;

	if (w->in->fam == FAM_6 ? state_enter6(j) : state_enter4(j))
		return false;
	w->sound = work_is_sound(w);
	return pkt_is_fragment(&j->p) && (w->sound || !j->p.frag_off);
}

/* What is wrong with a fragment whatever its datagram is (FRG-08, FRG-10, X-6TO4-11,
 * X-6TO4-16): it is dropped alone. */
static inline enum reason work_judge(const struct reasm_work *w, enum reasm_state state)
{
	const struct pkt *p = &w->j.p;
	__u8 proto = state == REASM_KNOWN ? work_dgram(w)->proto : p->proto;

	if (p->fam == FAM_6 && ext6_is_header(p->proto))
		return R_eh_after_frag;
	if ((p->more && p->l4_len & 7) || p->frag_off * 8u + p->l4_len > 65535 ||
	    (p->frag_off && !p->l4_len))
		return R_bad_frag;
	if (proto == P_TCP && p->frag_off == 1 && (!work_is_shared(w) || state == REASM_KNOWN))
		return R_frag_tiny;
	return R_GO_ON;
}

/* Keeps a copy of the fragment. False: there is no room, it has left (FRG-05). */
static inline bool work_hold(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	enum reason r = R_frag_limit;
	__u32 i = 0;

	if (job_is_cut(&w->j))
		r = R_sp_too_long;
	else
		i = reasm_record(w->rs, d, w->in, &w->j.p, w->after);
	if (i && reasm_hold(w->rs, i, w->in->ip)) {
		w->sh.ops->note(w->sh.ops->ctx, R_frags_held, 1);
		return true;
	}
	if (i)
		reasm_forget(w->rs, d, i, w->after);
	work_done(w, r);
	return false;
}

/* Translates a fragment of a known datagram. Its protocol is that of the first (RFC 8200
 * 4.5): `bytes`, where it can be put right; NULL: in a copy. */
static inline enum reason work_known(const struct reasm_work *w, struct slow_in in, __u8 *bytes,
				     __u32 l4_off)
{
	const struct reasm_dgram *d = work_dgram(w);
	struct reasm *rs = w->rs;

	in.has_frag_id = d->has_id;
	in.frag_id = d->id;
	if (in.fam == FAM_6 && in.ip[l4_off - FRAGHDR_LEN] != d->proto &&
	    in.len <= sizeof(rs->linear)) {
		if (!bytes) {
			__builtin_memcpy(rs->linear, in.ip, in.len);
			in.ip = bytes = rs->linear;
		}
		bytes[l4_off - FRAGHDR_LEN] = d->proto;
	}
	rs->ops->begin(rs->ops->ctx, &in);
	return slow_fragment_known(w->sh.ops, w->sh.env, &in, &d->call, w->sh.ttl_dec,
				   w->sh.scratch);
}

/* FRG-02: the held ones follow the first, in order of offset. */
static inline void work_release(const struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	struct reasm *rs = w->rs;

	for (__u32 i = d->first; i; i = rs->frags.next[i]) {
		struct reasm_frag *f = &rs->frag[i];
		struct slow_in in;

		if (!f->block)
			continue;
		in = reasm_load(rs, d, f);
		reasm_leave(rs, i, work_known(w, in, rs->linear, f->l4_off));
	}
}

/* ---- the fragment at offset 0 ------------------------------------------------------------- */

/* FRG-12: one generated identification for the datagram, of the pair that it is going to
 * have on the IPv4 side. */
static inline void work_make_id(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	struct slow_job *j = &w->j;
	struct n64_call c;

	if (j->p.fam != FAM_6 || j->env->conf->opt.frag_id4 != FRAG_ID4_GENERATE ||
	    !j->p.has_l4 || !w->sound)
		return;
	c = question_out(j, CALL_WOULD_OUT);
	if (slow_ask(j, &c))
		return; /* it is going to be refused */
	d->id = host16(j->ops->ip_id(j->ops->ctx, c.addr4, j->x.dst4, proto_6to4(&j->p), false));
	d->has_id = true;
}

/* FRG-13: must the datagram be put together? One that lacks its transport header is
 * refused as it is. */
static inline bool work_needs_whole(const struct reasm_work *w)
{
	const struct pkt *p = &w->j.p;

	if (!p->has_l4 || !w->sound)
		return false;
	if (pkt_is_icmp(p))
		return true;
	if (p->proto != P_UDP && p->proto != P_TCP)
		return false;
	return w->j.env->conf->opt.frag == FRAG_REASSEMBLE ||
	       (p->fam == FAM_4 && p->proto == P_UDP && !p->l4_csum);
}

/* Fragmented ICMP that does not even show its type (X-6TO4-15, VAL-04). */
static inline enum reason work_first_icmp(const struct reasm_work *w)
{
	if (w->j.p.fam == FAM_6)
		return R_frag_hdr_incomplete;
	return work_is_shared(w) ? reasm_return(w->rs, w->sh.ops, w->in) : R_bad_l4;
}

/* FRG-11: this one asks the state, for all of them. */
static inline enum reason work_first_known(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	struct slow_in in = *w->in;
	enum reason r;

	if (pkt_is_icmp(&w->j.p) && w->sound)
		return work_first_icmp(w);
	in.has_frag_id = d->has_id;
	in.frag_id = d->id;
	in.call_out = &d->call;
	w->rs->ops->begin(w->rs->ops->ctx, &in);
	r = slow_translate(w->sh.ops, w->sh.env, &in, w->sh.ttl_dec, w->sh.scratch);
	return reason_kind(r) == KIND_SLOW ? R_frag_refused : r;
}

static inline void work_first(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	enum reason r;

	d->proto = w->j.p.proto;
	work_make_id(w);
	if (work_needs_whole(w)) {
		if (work_hold(w))
			d->state = REASM_WHOLE;
		return;
	}
	if (!reasm_record(w->rs, d, w->in, &w->j.p, w->after)) {
		work_done(w, R_frag_limit);
		return;
	}
	r = work_first_known(w);
	work_done(w, r);
	if (r == R_sp_returned) {
		d->state = REASM_RETURNED;
		reasm_return_held(w->rs, w->sh.ops, d);
	} else if (reason_kind(r) == KIND_FWD) {
		d->state = REASM_KNOWN;
		work_release(w);
	} else {
		d->state = REASM_REFUSED;
		reasm_refuse(w->rs, d);
	}
}

/* ---- the others ---------------------------------------------------------------------------- */

/* A fragment that came in time to be sent at once: known, refused or returned. */
static inline void work_later(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	bool room = reasm_record(w->rs, d, w->in, &w->j.p, w->after);

	if (d->state == REASM_RETURNED)
		work_done(w, reasm_return(w->rs, w->sh.ops, w->in));
	else if (d->state == REASM_REFUSED)
		work_done(w, R_frag_refused);
	else if (!room)
		work_done(w, R_frag_limit);
	else
		work_done(w, work_known(w, *w->in, NULL, w->j.p.l4_off));
}

/* FRG-06, FRG-07: the datagram is lost, and with it all that comes until its time is
 * over. */
static inline void work_overlap(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);

	reasm_drop(w->rs, d, R_frag_overlap);
	d->state = REASM_OVERLAP;
	work_done(w, R_frag_overlap);
}

static inline void work_fits(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);

	if (d->state == REASM_WAITING && !w->j.p.frag_off)
		work_first(w);
	else if (d->state == REASM_WAITING || d->state == REASM_WHOLE)
		work_hold(w);
	else
		work_later(w);
	if (d->state == REASM_WHOLE && reasm_is_complete(d))
		reasm_whole(w->rs, &w->sh, w->place);
	else
		work_settle(w);
}

/* A fragment that is right in itself, in its datagram. */
static inline void work_serve(struct reasm_work *w)
{
	struct reasm_dgram *d = work_dgram(w);
	enum reason r = reasm_fit(w->rs, d, &w->j.p, &w->after);

	if (d->state == REASM_OVERLAP)
		work_done(w, R_frag_overlap);
	else if (r && d->state == REASM_RETURNED)
		work_done(w, reasm_return(w->rs, w->sh.ops, w->in));
	else if (r == R_frag_duplicate)
		work_done(w, r);
	else if (r)
		work_overlap(w);
	else
		work_fits(w);
}

/* The place of the fragment's datagram, 0: it has none yet. */
static inline __u32 work_find(const struct reasm_work *w, const struct reasm_key *k, __u64 now)
{
	struct reasm *rs = w->rs;
	__u32 i;

	for (int n = 0; n < REASM_EXPIRE_ON_ARRIVAL && rs->oldest; n++) {
		if (!reasm_is_old(rs, rs->oldest, now))
			break;
		reasm_end(rs, rs->oldest, R_frag_timeout);
	}
	i = reasm_find(rs, k);
	if (i && reasm_is_old(rs, i, now)) {
		reasm_end(rs, i, R_frag_timeout);
		return 0;
	}
	return i;
}

/* One packet of mode stateful that may be a fragment: whatever becomes of it, `done` is
 * called once for it, now or later, and in between for others that it sets free. The
 * arguments are those of slow_translate; `now_ms` is any clock that does not go back. */
static inline void reasm_take(struct reasm *rs, const struct slow_ops *ops,
			      const struct n64_env *env, const struct slow_in *in, __u32 ttl_dec,
			      __u8 *scratch, __u64 now_ms)
{
	struct reasm_work w = {
		.rs = rs,
		.sh = { ops, env, ttl_dec, scratch },
		.in = in,
		.j = slow_job_of(ops, env, in, ttl_dec, scratch),
	};
	struct reasm_source_key source;
	struct reasm_key key;
	enum reason r;

	if (!work_is_fragment(&w)) {
		rs->ops->begin(rs->ops->ctx, in);
		r = slow_translate(ops, env, in, ttl_dec, scratch);
		work_done(&w, r);
		return;
	}
	reasm_keys(&w.j.p, &key, &source);
	w.place = work_find(&w, &key, now_ms);
	r = work_judge(&w, w.place ? (enum reasm_state)work_dgram(&w)->state : REASM_WAITING);
	if (!r && !w.place) {
		w.place = reasm_open(rs, &key, &source, now_ms);
		r = w.place ? R_GO_ON : R_frag_limit;
	}
	if (r)
		work_done(&w, r);
	else
		work_serve(&w);
}

#endif
