/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments in the stateless modes (requirements sections 3, 4, 5.1, 5.2, 9; RFC
 * 7915 4.1, 5.1.1): judged and translated each on its own, cut again where the
 * next hop takes less. A whole packet is a packet of one piece. */
#ifndef N64_FRAGMENT_H
#define N64_FRAGMENT_H

#include "slow_job.h"

/* VAL-04, X-6TO4-15: bytes of the minimum transport header. */
static inline __u32 l4_least(__u8 proto)
{
	switch (proto) {
	case P_TCP:
		return TCP_LEN;
	case P_UDP:
		return UDP_LEN;
	case P_ICMP4:
	case P_ICMP6:
		return ICMP_LEN;
	default:
		return 0;
	}
}

/* Step (8) of GEN-08. */
static inline enum reason rule_fragment(const struct pkt *p)
{
	if (p->fam == FAM_6 && p->has_fh && ext6_is_header(p->proto))
		return R_eh_after_frag;
	if (!pkt_is_fragment(p))
		return R_GO_ON;
	if ((p->more && p->l4_len & 7) || p->frag_off * 8u + p->l4_len > 65535)
		return R_bad_frag; /* X-6TO4-16, FRG-10 */
	if (pkt_is_icmp(p))
		return R_frag_icmp;
	if (p->proto == P_TCP && p->frag_off == 1)
		return R_frag_tiny; /* FRG-08 */
	if (p->fam == FAM_6 && !p->frag_off && p->l4_len < l4_least(p->proto))
		return R_frag_hdr_incomplete;
	return R_GO_ON;
}

/* Length of the IPv6 header that hdr6_write makes. */
static inline __u32 hdr6_len(const struct pkt *p)
{
	return IP6_LEN + (pkt_is_fragment(p) ? FRAGHDR_LEN : 0);
}

/* The IPv6 header of IPv4 facts, with a Fragment header where they are those of
 * a fragment (X-4TO6-09); returns its length. */
static inline __u32 hdr6_write(const struct n64_conf *conf, const struct pkt *p,
			       const struct addr6 *src, const struct addr6 *dst, __u8 ttl,
			       __u8 *at)
{
	struct frag_hdr fh;
	struct ip6_hdr ip;

	hdr_4to6(conf, p, src, dst, ttl, &ip);
	__builtin_memcpy(at, &ip, sizeof(ip));
	if (pkt_is_fragment(p)) {
		hdr_frag(p->proto, p->frag_off, p->more, p->frag_id, &fh);
		__builtin_memcpy(at + IP6_LEN, &fh, sizeof(fh));
	}
	return hdr6_len(p);
}

/* The facts of the piece at `off` of a packet cut to `per` bytes (MTU-46-04/05,
 * MTU-64-02): the last piece keeps the M of the original. */
static inline struct pkt fragment_piece(const struct pkt *p, __u32 off, __u32 per)
{
	__u32 left = p->l4_len - off;
	struct pkt q = *p;

	q.l4_len = (__u16)mtu_min(per, left);
	q.frag_off = (__u16)(p->frag_off + off / 8);
	q.more = left > per || p->more;
	return q;
}

/* How the packet leaves that was sent in `n` pieces. */
static inline enum reason fragments_sent(const struct slow_job *j, __u32 n, enum reason whole)
{
	if (n <= 1)
		return whole;
	j->ops->note(j->ops->ctx, R_frags_created, n);
	return R_sp_frags;
}

/* Sends the payload at j->out + 48 in pieces of `per` bytes as IPv6. A piece's
 * header is written over the end of the piece before it, which has left
 * (MTU-46-06). `p`: IPv4 facts of the whole. Returns the number of pieces. */
static inline __u32 fragments_send6(const struct slow_job *j, const struct pkt *p,
				    const struct addr6 *src, const struct addr6 *dst, __u32 per)
{
	__u32 n = 0, off = 0;

	do {
		struct pkt q = fragment_piece(p, off, per);
		__u8 *start = j->out + IP6_LEN + FRAGHDR_LEN + off - hdr6_len(&q);
		__u32 len = hdr6_write(j->env->conf, &q, src, dst, job_ttl(j), start);

		j->ops->emit(j->ops->ctx, start, len + q.l4_len, 0);
		off += per;
		n++;
	} while (off < p->l4_len);
	return n;
}

/* The same as IPv4, payload at j->out + 20. `p`: IPv6 facts of the whole, `id`
 * for a packet without Fragment header. */
static inline __u32 fragments_send4(const struct slow_job *j, const struct pkt *p, __be32 src,
				    __be32 dst, __be16 id, __u32 per)
{
	bool cut = p->l4_len > per;
	__u32 n = 0, off = 0;

	do {
		struct pkt q = fragment_piece(p, off, per);
		__u8 *start = j->out + off;
		struct ip4_hdr ip;

		if (cut && !p->has_fh) {
			q.has_fh = true; /* DF=0, offset and ID as for a fragment */
			q.frag_id = host16(id);
		}
		hdr_6to4(j->env->conf, &q, src, dst, id, job_ttl(j), &ip);
		__builtin_memcpy(start, &ip, sizeof(ip));
		j->ops->emit(j->ops->ctx, start, IP4_LEN + q.l4_len, 0);
		off += per;
		n++;
	} while (off < p->l4_len);
	return n;
}

#endif
