/* SPDX-License-Identifier: GPL-2.0-only */
/* From bytes to facts (struct pkt). The parser owns every bounds check: it
 * takes the place of a header and the end of what may be read, which in XDP are
 * packet pointers that the verifier follows.
 *
 * Parsing judges nothing: "ours first, valid second" (GEN-08). What is wrong
 * with a header is said by rules.h. */
#ifndef N64_PARSE_H
#define N64_PARSE_H

#include "abi.h"
#include "csum.h"
#include "pkt.h"

/* Ethernet with up to two VLAN tags. False: too short to know the EtherType, or
 * neither IPv4 nor IPv6 (p->fam is FAM_NONE). */
n64_inline bool parse_eth(const void *data, const void *end, struct pkt *p)
{
	const struct eth_hdr *eth = data;
	const struct vlan_hdr *tag = (const void *)(eth + 1);
	__be16 type;

	if ((const void *)(eth + 1) > end)
		return false;
	p->l2_mcast = eth->dst[0] & 1;
	type = eth->type;
	p->l3_off = ETH_LEN;
	if (unlikely(type == be16(ET_VLAN) || type == be16(ET_QINQ))) {
		if ((const void *)(tag + 1) > end)
			return false;
		p->vid[0] = (host16(tag->tci) & 0xfff) |
			    (type == be16(ET_QINQ) ? VID_SERVICE : 0);
		type = tag->type;
		p->n_tags = 1;
		p->l3_off = ETH_LEN + VLAN_LEN;
		tag++;
		if (type == be16(ET_VLAN)) {
			if ((const void *)(tag + 1) > end)
				return false;
			p->vid[1] = host16(tag->tci) & 0xfff;
			type = tag->type;
			p->n_tags = 2;
			p->l3_off = ETH_LEN + 2 * VLAN_LEN;
		}
	}
	if (type == be16(ET_IP6))
		p->fam = FAM_6;
	else if (type == be16(ET_IP4))
		p->fam = FAM_4;
	return p->fam != FAM_NONE;
}

/* The fixed IPv4 header, which is there, of a packet whose header is `ihl` bytes long. Lengths
 * are as written, believed by nobody yet. */
n64_inline void read_ip4_rest(const struct ip4_hdr *ip, __u32 ihl, struct pkt *p)
{
	const struct ip4_words *w = (const void *)ip;
	__u16 frag;

	p->hdr_csum_ok = csum_is_good(csum_words5(w));
	p->ihl = ihl;
	p->tos = ip->tos;
	p->ttl = ip->ttl;
	p->proto = ip->proto;
	p->l3_len = host16(ip->len);
	p->l4_off = p->ihl;
	p->l4_len = p->l3_len > p->ihl ? p->l3_len - p->ihl : 0;
	frag = host16(ip->frag);
	p->frag_off = frag & IP4_OFFSET;
	p->more = frag & IP4_MF;
	p->df = frag & IP4_DF;
	p->frag_id = host16(ip->id);
	p->src4 = ip->src;
	p->dst4 = ip->dst;
}

/* False: another version than the EtherType says. */
n64_inline bool read_ip4(const struct ip4_hdr *ip, struct pkt *p)
{
	if (ip->ver_ihl >> 4 != 4)
		return false;
	read_ip4_rest(ip, (ip->ver_ihl & 0xf) * 4, p);
	return true;
}

/* False: less than 20 bytes, or as read_ip4 says. */
n64_inline bool parse_ip4(const struct ip4_hdr *ip, const void *end, struct pkt *p)
{
	return (const void *)(ip + 1) <= end && read_ip4(ip, p);
}

/* The fixed IPv6 header, which is there; p->proto is the first next header, whatever it is
 * (ext6.h walks on). False: another version. */
n64_inline bool read_ip6(const struct ip6_hdr *ip, struct pkt *p)
{
	__u32 vtf = host32(ip->ver_tc_flow);

	if (vtf >> 28 != 6)
		return false;
	p->tos = (__u8)(vtf >> 20);
	p->ttl = ip->hlim;
	p->proto = ip->nexthdr;
	p->l4_off = IP6_LEN;
	p->l4_len = host16(ip->plen);
	p->l3_len = IP6_LEN + p->l4_len;
	addr6_copy(&p->src6, &ip->src);
	addr6_copy(&p->dst6, &ip->dst);
	return true;
}

/* False: less than 40 bytes, or as read_ip6 says. */
n64_inline bool parse_ip6(const struct ip6_hdr *ip, const void *end, struct pkt *p)
{
	return (const void *)(ip + 1) <= end && read_ip6(ip, p);
}

/* Transport headers that are there. False: they lack what VAL-04 asks for. */
n64_inline bool read_tcp(const struct tcp_hdr *tcp, struct pkt *p)
{
	if (p->l4_len < TCP_LEN || tcp->doff < 5 << 4)
		return false;
	p->sport = tcp->sport;
	p->dport = tcp->dport;
	p->tcp_flags = tcp->flags;
	p->l4_csum = tcp->csum;
	return true;
}

n64_inline bool read_udp(const struct udp_hdr *udp, struct pkt *p)
{
	if (p->l4_len < UDP_LEN)
		return false;
	p->udp_len = host16(udp->len);
	if (p->udp_len < UDP_LEN || (p->udp_len > p->l4_len && !p->more))
		return false;
	p->sport = udp->sport;
	p->dport = udp->dport;
	p->l4_csum = udp->csum;
	return true;
}

n64_inline bool read_icmp(const struct icmp_hdr *icmp, struct pkt *p)
{
	if (p->l4_len < ICMP_LEN)
		return false;
	p->icmp_type = icmp->type;
	p->icmp_code = icmp->code;
	p->l4_csum = icmp->csum;
	p->sport = p->dport = icmp->echo.id;
	return true;
}

/* The transport header at `l4` of a packet or first fragment, by p->proto. Sets
 * has_l4 when the minimum header of VAL-04 is there (in the packet, not only in
 * the frame); protocols other than TCP, UDP and ICMP have none to ask for. */
n64_inline void parse_l4(const void *l4, const void *end, struct pkt *p)
{
	const struct tcp_hdr *tcp = l4;
	const struct udp_hdr *udp = l4;
	const struct icmp_hdr *icmp = l4;

	switch (p->proto) {
	case P_TCP:
		if ((const void *)(tcp + 1) > end || !read_tcp(tcp, p))
			return;
		break;
	case P_UDP:
		if ((const void *)(udp + 1) > end || !read_udp(udp, p))
			return;
		break;
	case P_ICMP4:
	case P_ICMP6:
		if (p->proto != (p->fam == FAM_4 ? P_ICMP4 : P_ICMP6))
			break;
		if ((const void *)(icmp + 1) > end || !read_icmp(icmp, p))
			return;
		break;
	default:
		break;
	}
	p->has_l4 = true;
}

#endif
