/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments in mode stateful: a complete datagram is put together and translated as one
 * packet (FRG-13, FRG-14, FRG-16, FRG-17; RFC 6146 3.4, RFC 8200 4.5, RFC 791). */
#ifndef N64_REASM_WHOLE_H
#define N64_REASM_WHOLE_H

#include "reasm_hold.h"

/* What slow.h is given with every fragment. */
struct reasm_shell {
	const struct slow_ops *ops;
	const struct n64_env *env;
	__u32 ttl_dec;
	__u8 *scratch;
};

/* Header of the whole in front of `total` bytes of payload at `at`; that of the first
 * fragment stands there already. */
static inline void reasm_header4(const struct reasm_dgram *d, __u8 *at)
{
	struct ip4_hdr ip;

	__builtin_memcpy(&ip, at, sizeof(ip));
	ip.ver_ihl = 0x45;
	ip.tos |= d->ce ? 3 : 0;
	ip.len = be16(IP4_LEN + d->total);
	ip.frag = 0;
	ip.csum = 0;
	ip.csum = csum_ip4(&ip);
	__builtin_memcpy(at, &ip, sizeof(ip));
}

static inline void reasm_header6(const struct reasm_dgram *d, __u8 *at)
{
	struct ip6_hdr ip;

	__builtin_memcpy(&ip, at, sizeof(ip));
	ip.ver_tc_flow |= be32(d->ce ? 3u << 20 : 0);
	ip.plen = be16(d->total);
	ip.nexthdr = d->proto;
	__builtin_memcpy(at, &ip, sizeof(ip));
}

/* The whole packet in `linear`, without options and extension headers, which nobody
 * translates. */
static inline struct slow_in reasm_join(struct reasm *rs, const struct reasm_dgram *d)
{
	const struct reasm_frag *first = &rs->frag[d->first];
	bool v4 = d->key.w[4] >> 56 == FAM_4;
	__u32 head = v4 ? IP4_LEN : IP6_LEN;
	struct slow_in in = {
		.ip = rs->linear,
		.len = head + d->total,
		.true_len = head + d->total,
		.fam = v4 ? FAM_4 : FAM_6,
		.from_pair = first->from_pair,
		.to_kernel = first->to_kernel,
		.ifindex = first->ifindex,
		.reassembled = true,
		.frag_id = d->has_id ? d->id : (__u32)d->key.w[4],
		.piece = d->piece,
		.piece_df = d->df,
		.quote = rs->quote,
		.quote_len = mtu_min(first->bytes, REASM_QUOTE),
	};

	reasm_read(rs, first, 0, head, rs->linear);
	reasm_read(rs, first, 0, in.quote_len, rs->quote);
	for (__u32 i = d->first; i; i = rs->frags.next[i]) {
		const struct reasm_frag *f = &rs->frag[i];

		reasm_read(rs, f, f->l4_off, f->len, rs->linear + head + f->off * 8u);
	}
	if (v4)
		reasm_header4(d, rs->linear);
	else
		reasm_header6(d, rs->linear);
	return in;
}

/* GEN-05, HP-07: a packet that is not ours goes back to the kernel as it came. */
static inline enum reason reasm_return(const struct reasm *rs, const struct slow_ops *ops,
				       const struct slow_in *in)
{
	if (in->from_pair)
		return R_pair_not_target;
	if (in->len < in->true_len)
		return R_sp_too_long;
	rs->ops->begin(rs->ops->ctx, in);
	ops->emit(ops->ctx, in->ip, in->len, EMIT_RETURNED);
	return R_sp_returned;
}

/* All that are held go back, in order of offset. */
static inline void reasm_return_held(struct reasm *rs, const struct slow_ops *ops,
				     const struct reasm_dgram *d)
{
	for (__u32 i = d->first; i; i = rs->frags.next[i]) {
		struct slow_in in;

		if (!rs->frag[i].block)
			continue;
		in = reasm_load(rs, d, &rs->frag[i]);
		reasm_leave(rs, i, reasm_return(rs, ops, &in));
	}
}

/* Translates a complete datagram. All its fragments leave: with the result if that was
 * sent, else the first one with the reason and the others with it (FRG-11). */
static inline void reasm_whole(struct reasm *rs, const struct reasm_shell *sh, __u32 place)
{
	struct reasm_dgram *d = &rs->dgram[place];
	enum reason r = R_frag_too_big, rest;

	if (IP4_LEN + d->total <= 65535) {
		struct slow_in in = reasm_join(rs, d);

		sh->ops->note(sh->ops->ctx, R_frags_reassembled, 1);
		rs->ops->begin(rs->ops->ctx, &in);
		r = slow_translate(sh->ops, sh->env, &in, sh->ttl_dec, sh->scratch);
	}
	if (r == R_sp_returned)
		reasm_return_held(rs, sh->ops, d);
	rest = reason_kind(r) == KIND_FWD ? r : R_frag_refused;
	if (d->first && rs->frag[d->first].block)
		reasm_leave(rs, d->first, reason_kind(r) == KIND_SLOW ? R_frag_refused : r);
	reasm_end(rs, place, rest);
}

#endif
