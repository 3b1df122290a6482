/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments in mode stateful: the fragments of one datagram, in order of offset, and the
 * bytes of those that are held (FRG-05, FRG-06, FRG-07, FRG-10; RFC 5722 4, RFC 8200
 * 4.5). */
#ifndef N64_REASM_HOLD_H
#define N64_REASM_HOLD_H

#include "reasm_table.h"

static inline __u32 reasm_frag_end(const struct reasm_frag *f)
{
	return f->off * 8u + f->len;
}

/* Does the fragment fit among those that were seen? R_frag_duplicate, R_frag_overlap, or
 * R_GO_ON with the one that it follows (0: it is the first). A second end, or anything
 * beyond the end, is an overlap. */
static inline enum reason reasm_fit(const struct reasm *rs, const struct reasm_dgram *d,
				    const struct pkt *p, __u32 *after)
{
	__u32 start = p->frag_off * 8u, end = start + p->l4_len, at = d->first;
	const struct reasm_frag *f = rs->frag;

	*after = 0;
	if (d->last && f[d->last].off < p->frag_off) {
		*after = d->last; /* in order: no walk */
		at = 0;
	}
	while (at && f[at].off < p->frag_off) {
		*after = at;
		at = rs->frags.next[at];
	}
	if (at && f[at].off == p->frag_off && f[at].len == p->l4_len && f[at].more == p->more)
		return R_frag_duplicate;
	if ((at && f[at].off * 8u < end) || (*after && reasm_frag_end(&f[*after]) > start))
		return R_frag_overlap;
	if (d->total ? end > d->total || !p->more :
		       !p->more && d->last && reasm_frag_end(&f[d->last]) > end)
		return R_frag_overlap;
	return R_GO_ON;
}

/* Remembers fragment `in`, of facts `p`, that fits behind `after`; 0: no room. */
static inline __u32 reasm_record(struct reasm *rs, struct reasm_dgram *d,
				 const struct slow_in *in, const struct pkt *p, __u32 after)
{
	__u32 i = d->n < rs->limit.frags ? reasm_slab_take(&rs->frags) : 0;
	__u32 *link = after ? &rs->frags.next[after] : &d->first;

	if (!i)
		return 0;
	rs->frag[i] = (struct reasm_frag){
		.ifindex = p->ifindex,
		.bytes = p->l3_len,
		.off = p->frag_off,
		.len = p->l4_len,
		.l4_off = p->l4_off,
		.more = p->more,
		.from_pair = in->from_pair,
		.to_kernel = in->to_kernel,
	};
	rs->frags.next[i] = *link;
	*link = i;
	if (d->last == after)
		d->last = i;
	d->n++;
	d->got += p->l4_len;
	if (!p->more)
		d->total = p->frag_off * 8u + p->l4_len;
	if (p->l4_len > d->piece)
		d->piece = p->l4_len;
	d->ce |= (p->tos & 3) == 3;
	d->df |= p->df;
	return i;
}

/* Takes back the record of a fragment for whose bytes there was no room. The largest piece,
 * CE and DF may stay: they say what was on the way. */
static inline void reasm_forget(struct reasm *rs, struct reasm_dgram *d, __u32 i, __u32 after)
{
	__u32 *link = after ? &rs->frags.next[after] : &d->first;

	*link = rs->frags.next[i];
	if (d->last == i)
		d->last = after;
	d->n--;
	d->got -= rs->frag[i].len;
	if (!rs->frag[i].more)
		d->total = 0;
	reasm_slab_give(&rs->frags, i);
}

/* All of it was seen. */
static inline bool reasm_is_complete(const struct reasm_dgram *d)
{
	return d->total && d->got == d->total;
}

/* ---- bytes ---------------------------------------------------------------------------- */

static inline void reasm_give_blocks(struct reasm *rs, __u32 block)
{
	while (block) {
		__u32 next = rs->blocks.next[block];

		reasm_slab_give(&rs->blocks, block);
		block = next;
	}
}

/* Copies the packet of fragment `i`; false: there is no room. */
static inline bool reasm_hold(struct reasm *rs, __u32 i, const __u8 *ip)
{
	struct reasm_frag *f = &rs->frag[i];
	__u32 first = 0, *link = &first;

	if (rs->bytes + f->bytes > rs->limit.bytes)
		return false;
	for (__u32 at = 0; at < f->bytes; at += REASM_BLOCK) {
		__u32 b = reasm_slab_take(&rs->blocks);

		*link = b;
		if (!b) {
			reasm_give_blocks(rs, first);
			return false;
		}
		__builtin_memcpy(rs->block + (size_t)b * REASM_BLOCK, ip + at,
				 mtu_min(REASM_BLOCK, f->bytes - at));
		link = &rs->blocks.next[b];
	}
	f->block = first;
	rs->held++;
	rs->bytes += f->bytes;
	if (rs->bytes > rs->peak)
		rs->peak = rs->bytes;
	return true;
}

/* Copies `n` bytes of a held packet from `from` on. */
static inline void reasm_read(const struct reasm *rs, const struct reasm_frag *f, __u32 from,
			      __u32 n, __u8 *to)
{
	__u32 b = f->block;

	for (; b && from >= REASM_BLOCK; from -= REASM_BLOCK)
		b = rs->blocks.next[b];
	while (b && n) {
		__u32 part = mtu_min(n, REASM_BLOCK - from);

		__builtin_memcpy(to, rs->block + (size_t)b * REASM_BLOCK + from, part);
		to += part;
		n -= part;
		from = 0;
		b = rs->blocks.next[b];
	}
}

/* The fragment leaves: its bytes are held no longer. */
static inline void reasm_leave(struct reasm *rs, __u32 i, enum reason r)
{
	struct reasm_frag *f = &rs->frag[i];

	reasm_give_blocks(rs, f->block);
	f->block = 0;
	rs->held--;
	rs->bytes -= f->bytes;
	rs->ops->done(rs->ops->ctx, r, f->bytes);
}

/* A held packet as it was received, in `linear`. */
static inline struct slow_in reasm_load(struct reasm *rs, const struct reasm_dgram *d,
					const struct reasm_frag *f)
{
	reasm_read(rs, f, 0, f->bytes, rs->linear);
	return (struct slow_in){
		.ip = rs->linear,
		.len = f->bytes,
		.true_len = f->bytes,
		.fam = (enum ip_family)(d->key.w[4] >> 56),
		.from_pair = f->from_pair,
		.to_kernel = f->to_kernel,
		.ifindex = f->ifindex,
	};
}

/* Forgets all fragments; those that are held leave with `r`. */
static inline void reasm_drop(struct reasm *rs, struct reasm_dgram *d, enum reason r)
{
	while (d->first) {
		__u32 i = d->first;

		if (rs->frag[i].block)
			reasm_leave(rs, i, r);
		d->first = rs->frags.next[i];
		reasm_slab_give(&rs->frags, i);
	}
	d->last = d->n = d->got = d->total = 0;
}

/* FRG-11: the held ones leave; that they were seen is remembered. */
static inline void reasm_refuse(struct reasm *rs, const struct reasm_dgram *d)
{
	for (__u32 i = d->first; i; i = rs->frags.next[i])
		if (rs->frag[i].block)
			reasm_leave(rs, i, R_frag_refused);
}

/* The end of a datagram. */
static inline void reasm_end(struct reasm *rs, __u32 i, enum reason r)
{
	reasm_drop(rs, &rs->dgram[i], r);
	reasm_close(rs, i);
}

#endif
