/* SPDX-License-Identifier: GPL-2.0-only */
/* IP headers of the other family, from facts (RFC 7915 4.1 and 5.1), and what
 * the change of addresses does to a transport checksum (4.5, 5.5). */
#ifndef N64_HDR_H
#define N64_HDR_H

#include "abi.h"
#include "csum.h"
#include "pkt.h"
#include "rules.h"

/* X-6TO4-03/04/05, MTU-64-03: sizes and flags that follow from the facts. */
n64_inline __u32 len_6to4(const struct pkt *p)
{
	return IP4_LEN + p->l4_len;
}

/* X-4TO6-03, MTU-46-01: 8 more where a Fragment header goes along. */
n64_inline __u32 len_4to6(const struct pkt *p)
{
	return IP6_LEN + p->l4_len + (pkt_is_fragment(p) ? FRAGHDR_LEN : 0);
}

/* X-6TO4-07. */
n64_inline __u8 proto_6to4(const struct pkt *p)
{
	return p->proto == P_ICMP6 ? P_ICMP4 : p->proto;
}

/* X-4TO6-04. */
n64_inline __u8 proto_4to6(const struct pkt *p)
{
	return p->proto == P_ICMP4 ? P_ICMP6 : p->proto;
}

/* X-6TO4-02, X-4TO6-02. */
n64_inline __u8 tos_6to4(const struct n64_conf *conf, const struct pkt *p)
{
	return conf->opt.tos == OPT_IS_OFF ? p->tos : (__u8)conf->opt.tos;
}

n64_inline __u8 tc_4to6(const struct n64_conf *conf, __u8 tos)
{
	return conf->opt.zero_tc ? 0 : tos;
}

/* X-6TO4-04: DF=1 from 1261 bytes on; never behind a Fragment header. */
n64_inline bool df_6to4(const struct pkt *p)
{
	return !p->has_fh && len_6to4(p) > 1260;
}

/* The IPv4 header of a 6->4 packet. `id` is used where there is no Fragment
 * header (X-6TO4-04/05); `ttl` is what shall stand there (GEN-09). */
n64_inline void hdr_6to4(const struct n64_conf *conf, const struct pkt *p, __be32 src,
			 __be32 dst, __be16 id, __u8 ttl, struct ip4_hdr *ip)
{
	__u16 frag = df_6to4(p) ? IP4_DF : 0;
	__u32 w[5];

	if (p->has_fh) {
		frag = p->frag_off | (p->more ? IP4_MF : 0);
		id = be16(p->frag_id);
	}
	/* word by word, as they stand in memory: a checksum over bytes that were just stored
	 * one by one would wait for them */
	w[0] = 0x45 | tos_6to4(conf, p) << 8 | (__u32)be16(len_6to4(p)) << 16;
	w[1] = id | (__u32)be16(frag) << 16;
	w[2] = ttl | proto_6to4(p) << 8;
	w[2] |= (__u32)csum_finish((__u64)w[0] + w[1] + w[2] + src + dst) << 16;
	w[3] = src;
	w[4] = dst;
	__builtin_memcpy(ip, w, sizeof(w));
}

/* The IPv6 header of a 4->6 packet; a fragment's points to a Fragment header,
 * which hdr_frag fills. */
n64_inline void hdr_4to6(const struct n64_conf *conf, const struct pkt *p,
			 const struct addr6 *src, const struct addr6 *dst, __u8 ttl,
			 struct ip6_hdr *ip)
{
	ip->ver_tc_flow = be32(6u << 28 | (__u32)tc_4to6(conf, p->tos) << 20);
	ip->plen = be16(len_4to6(p) - IP6_LEN);
	ip->nexthdr = proto_4to6(p);
	if (pkt_is_fragment(p))
		ip->nexthdr = P_FRAGMENT;
	ip->hlim = ttl;
	addr6_copy(&ip->src, src);
	addr6_copy(&ip->dst, dst);
}

/* X-4TO6-09. `off` in 8-byte units. */
n64_inline void hdr_frag(__u8 proto4, __u16 off, bool more, __u32 id, struct frag_hdr *fh)
{
	fh->nexthdr = proto4 == P_ICMP4 ? P_ICMP6 : proto4;
	fh->reserved = 0;
	fh->off_m = be16(off << 3 | (more ? 1 : 0));
	fh->id = be32(id);
}

/* ---- transport checksums ------------------------------------------------------ */

/* ICMP types of echo in the other family (ICMP-46-01/02, ICMP-64-01/02). */
n64_inline __u8 echo_4to6(__u8 type)
{
	return type == ICMP4_ECHO ? ICMP6_ECHO : ICMP6_ECHO_REPLY;
}

n64_inline __u8 echo_6to4(__u8 type)
{
	return type == ICMP6_ECHO ? ICMP4_ECHO : ICMP4_ECHO_REPLY;
}

/* L4-01: what TCP, UDP and every other checksum over the pseudo-header gains by
 * the change of addresses. */
n64_inline __u64 delta_addrs(const struct addr6 *src6, const struct addr6 *dst6, __be32 src,
			     __be32 dst)
{
	return csum_sub_addr6(src6) + csum_sub_addr6(dst6) + src + dst;
}

n64_inline __u64 delta_6to4(const struct pkt *p, __be32 src, __be32 dst)
{
	return delta_addrs(&p->src6, &p->dst6, src, dst);
}

n64_inline __u64 delta_4to6(const struct pkt *p, const struct addr6 *src,
			    const struct addr6 *dst)
{
	return csum_sub32(p->src4) + csum_sub32(p->dst4) + csum_addr6(src) + csum_addr6(dst);
}

/* Sum of a pref64 of 96 bits. */
n64_inline __u64 csum_wide(const struct n64_pref64 *pref)
{
	return (__u64)pref->prefix.w[0] + pref->prefix.w[1] + pref->prefix.w[2];
}

/* The same for a peer in such a pref64, whose sum is `wide`: the four bytes of its address stand
 * in both sums, and what is left is a constant and the host. `host`: csum_addr6 of its IPv6
 * address. */
n64_inline __u64 delta_6to4_wide(__u64 wide, __u64 host, __be32 src)
{
	return 7 * 0xffffffffull - wide - host + src;
}

n64_inline __u64 delta_4to6_wide(__u64 wide, __u64 host, __be32 dst)
{
	return wide + host + csum_sub32(dst);
}

/* The word {type, code} of an ICMP header in memory order. */
n64_inline __u16 icmp_word(__u8 type, __u8 code)
{
	return (__u16)(type | code << 8);
}

/* ICMP-CK-01: type changes, the pseudo-header comes in. */
n64_inline __u64 delta_echo_4to6(const struct pkt *p, const struct addr6 *src,
				 const struct addr6 *dst)
{
	return csum_sub16(icmp_word(p->icmp_type, p->icmp_code)) +
	       icmp_word(echo_4to6(p->icmp_type), p->icmp_code) +
	       csum_pseudo6(src, dst, P_ICMP6, p->l4_len);
}

/* ICMP-CK-02: the reverse. */
n64_inline __u64 delta_echo_6to4(const struct pkt *p)
{
	return csum_sub16(icmp_word(p->icmp_type, p->icmp_code)) +
	       icmp_word(echo_6to4(p->icmp_type), p->icmp_code) + csum_sub_addr6(&p->src6) +
	       csum_sub_addr6(&p->dst6) + csum_sub32(be32(p->l4_len)) +
	       csum_sub32(be32(P_ICMP6));
}

#endif
