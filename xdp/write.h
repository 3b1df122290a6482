/* SPDX-License-Identifier: GPL-2.0-only */
/* Rewriting a packet whose fate is decided, and sending it. Nothing here can
 * refuse a packet any more; what fails is R_internal. */
#ifndef N64_XDP_WRITE_H
#define N64_XDP_WRITE_H

#include "hdr.h"
#include "route.h"
#include "stateful.h"

/* VAL-03: what follows the IP packet in the frame (Ethernet padding) is cut. */
static __always_inline bool trim(struct xdp_md *ctx, const struct pkt *p)
{
	if (likely(p->avail == p->l3_len))
		return true;
	return !bpf_xdp_adjust_tail(ctx, (int)p->l3_len - (int)p->avail);
}

/* Length of the Ethernet header and tags of the frame that leaves. */
static __always_inline __u32 l2_len(const struct route *rt)
{
	__u32 tags = rt->hop ? rt->hop->n_tags : 0;

	if (likely(!tags))
		return ETH_LEN;
	return tags == 1 ? ETH_LEN + VLAN_LEN : ETH_LEN + 2 * VLAN_LEN;
}

/* Source address of a frame from nat64x to nat64 (design: the pair). */
static __always_inline void pair_macs(const struct pkt *p, __u8 flags, struct eth_hdr *eth)
{
	const __u8 dst[MAC_LEN] = N64_PAIR_DST;
	struct n64_pair_mac src = {
		.local = N64_PAIR_LOCAL,
		.flags = flags,
		.ifindex = be32(p->ifindex),
	};

	__builtin_memcpy(eth->dst, dst, MAC_LEN);
	__builtin_memcpy(eth->src, &src, MAC_LEN);
}

static __always_inline void write_macs(struct eth_hdr *eth, const struct n64_hop *hop)
{
	/* as addr6_copy: the places in the frame may be written whatever their alignment */
	__u64 *eight = __builtin_assume_aligned(eth->dst, 8);
	__u32 *four = __builtin_assume_aligned(eth->dst + 8, 4);
	const __u64 *from = __builtin_assume_aligned(hop->dmac, 8);

	*eight = from[0];
	*four = *(const __u32 *)&from[1];
}

/* MAC addresses, tags (only those of the egress device, L2-01) and EtherType at
 * the start of the frame. False: the frame is too short. */
static __always_inline bool write_l2(struct xdp_md *ctx, const struct pkt *p,
				     const struct route *rt, enum ethertype type)
{
	void *data = frame_start(ctx);
	struct eth_hdr *eth = data;
	struct vlan_hdr *tag = data + ETH_LEN;
	__be16 *next = &eth->type;

	if ((const void *)(eth + 1) > frame_end(ctx))
		return false;
	if (!rt->hop) {
		pair_macs(p, (p->from_pair ? PAIR_FROM_KERNEL : 0) |
				     (rt->confirm ? PAIR_KERNEL : 0), eth);
		eth->type = be16(type);
		return true;
	}
	write_macs(eth, rt->hop);
	for (__u32 i = 0; i < N64_MAX_TAGS; i++) {
		if (i >= rt->hop->n_tags)
			break;
		if ((const void *)(tag + 1) > frame_end(ctx))
			return false;
		*next = rt->hop->tag[i].type;
		tag->tci = rt->hop->tag[i].tci;
		next = &tag->type;
		tag++;
	}
	*next = be16(type);
	return true;
}

/* Which ports of a packet change; of an ICMP query the identifier does, whatever is said. */
enum port_change { PORT_SRC = 1, PORT_DST = 2, PORT_BOTH = 3 };

/* The transport header, which stands where it stood: its checksum takes the change of
 * addresses (L4-01/02) and ports, an echo its new type (section 6). x->ports: `ports` of them
 * change. Its first 8 bytes, which every header that is changed has, are in the frame. */
static __always_inline bool write_l4_at(void *l4, const void *end, const struct pkt *p,
					const struct xlat *x, __u64 delta, __u8 echo_type,
					enum port_change ports)
{
	struct tcp_hdr *tcp = l4;
	struct udp_hdr *udp = l4; /* ports stand in the same place of both */
	struct icmp_hdr *icmp = l4;

	if (pkt_is_icmp(p)) {
		if (x->ports) {
			delta += delta_port(icmp->echo.id, x->sport);
			icmp->echo.id = x->sport;
		}
		icmp->type = echo_type;
		icmp->csum = csum_update(icmp->csum, delta);
		return true;
	}
	if (p->proto != P_TCP && p->proto != P_UDP)
		return true;
	if (x->ports && ports & PORT_SRC) {
		delta += delta_port(udp->sport, x->sport);
		udp->sport = x->sport;
	}
	if (x->ports && ports & PORT_DST) {
		delta += delta_port(udp->dport, x->dport);
		udp->dport = x->dport;
	}
	if (p->proto == P_UDP) {
		if (udp->csum)
			udp->csum = csum_udp_nonzero(csum_update(udp->csum, delta));
		return true;
	}
	if ((const void *)(tcp + 1) > end)
		return false;
	tcp->csum = csum_update(tcp->csum, delta);
	return true;
}

static __always_inline bool write_l4(void *l4, const void *end, const struct pkt *p,
				     const struct xlat *x, __u64 delta, __u8 echo_type,
				     enum port_change ports)
{
	if (l4 + UDP_LEN > end)
		return p->proto != P_TCP && p->proto != P_UDP && !pkt_is_icmp(p);
	return write_l4_at(l4, end, p, x, delta, echo_type, ports);
}

/* L2-06: a sender with checksum offload on a veth leaves the pseudo-header sum in
 * place of the checksum; ping passes and TCP fails. Looked at where it is cheap:
 * once a connection. */
static __always_inline void notice_partial_csum(const struct pkt *p)
{
	__u64 sum;

	if (p->proto != P_TCP || !(p->tcp_flags & TCP_SYN))
		return;
	sum = p->fam == FAM_4 ? csum_pseudo4(p->src4, p->dst4, P_TCP, p->l4_len)
			      : csum_pseudo6(&p->src6, &p->dst6, P_TCP, p->l4_len);
	if (csum_fold(sum) == p->l4_csum)
		count(R_partial_csum, p->l3_len);
}

/* GEN-09: who redirects decrements; a packet for the pair keeps its TTL. */
static __always_inline __u8 ttl_after(const struct pkt *p, const struct route *rt)
{
	return rt->hop ? p->ttl - 1 : p->ttl;
}

/* `delta`: what the change of addresses and of the type of an echo adds to the checksum. */
static __always_inline bool write_6to4_sum(struct xdp_md *ctx, const struct n64_conf *c,
					   const struct pkt *p, const struct xlat *x,
					   const struct route *rt, __u64 delta)
{
	__u32 off = l2_len(rt);
	struct ip4_hdr *ip;

	if (!trim(ctx, p) ||
	    bpf_xdp_adjust_head(ctx, (int)(p->l3_off + IP6_LEN) - (int)(off + IP4_LEN)))
		return false;
	if (!write_l2(ctx, p, rt, ET_IP4))
		return false;
	ip = l3_at(ctx, off);
	if ((const void *)(ip + 1) > frame_end(ctx))
		return false;
	hdr_6to4(c, p, x->src4, x->dst4,
		 fresh_id(c, ipid_pair(c->key, x->src4, x->dst4), proto_6to4(p), df_6to4(p)),
		 ttl_after(p, rt), ip);
	return write_l4(ip + 1, frame_end(ctx), p, x, delta, echo_6to4(p->icmp_type),
			PORT_SRC);
}

static __always_inline bool write_6to4(struct xdp_md *ctx, const struct n64_conf *c,
				       const struct pkt *p, const struct xlat *x,
				       const struct route *rt)
{
	return write_6to4_sum(ctx, c, p, x, rt,
			      pkt_is_icmp(p) ? delta_echo_6to4(p)
					     : delta_6to4(p, x->src4, x->dst4));
}

static __always_inline bool write_4to6_sum(struct xdp_md *ctx, const struct n64_conf *c,
					   const struct pkt *p, const struct xlat *x,
					   const struct route *rt, __u64 delta)
{
	__u32 off = l2_len(rt);
	struct ip6_hdr *ip;

	if (!trim(ctx, p) ||
	    bpf_xdp_adjust_head(ctx, (int)(p->l3_off + IP4_LEN) - (int)(off + IP6_LEN)))
		return false;
	if (!write_l2(ctx, p, rt, ET_IP6))
		return false;
	ip = l3_at(ctx, off);
	if ((const void *)(ip + 1) > frame_end(ctx))
		return false;
	hdr_4to6(c, p, &x->src6, &x->dst6, ttl_after(p, rt), ip);
	return write_l4(ip + 1, frame_end(ctx), p, x, delta, echo_4to6(p->icmp_type),
			PORT_DST);
}

static __always_inline bool write_4to6(struct xdp_md *ctx, const struct n64_conf *c,
				       const struct pkt *p, const struct xlat *x,
				       const struct route *rt)
{
	return write_4to6_sum(ctx, c, p, x, rt,
			      pkt_is_icmp(p) ? delta_echo_4to6(p, &x->src6, &x->dst6)
					     : delta_4to6(p, &x->src6, &x->dst6));
}

/* HP-02: both halves in one. The addresses change, and the traffic class where
 * `tos` or `zero-tc` would have changed it on the way. */
static __always_inline bool write_hairpin(struct xdp_md *ctx, const struct n64_conf *c,
					  struct pkt *p, const struct xlat *x,
					  const struct route *rt)
{
	__u32 off = l2_len(rt);
	__u64 delta = csum_sub_addr6(&p->src6) + csum_sub_addr6(&p->dst6) +
		      csum_addr6(&x->src6) + csum_addr6(&x->dst6);
	struct ip6_hdr *ip;

	p->tos = tos_6to4(c, p);
	if (!trim(ctx, p))
		return false;
	if (p->l3_off != off && bpf_xdp_adjust_head(ctx, (int)p->l3_off - (int)off))
		return false;
	if (!write_l2(ctx, p, rt, ET_IP6))
		return false;
	ip = l3_at(ctx, off);
	if ((const void *)(ip + 1) > frame_end(ctx))
		return false;
	hdr_4to6(c, p, &x->src6, &x->dst6, ttl_after(p, rt), ip);
	return write_l4(ip + 1, frame_end(ctx), p, x, delta, p->icmp_type, PORT_BOTH);
}

/* Out of a port; or to nat64: from a NIC through the devmap, from nat64x itself
 * by XDP_TX. */
static __always_inline int send(const struct n64_conf *c, const struct route *rt)
{
	if (rt->hop)
		return bpf_redirect_map(&devmap, rt->hop->port, XDP_ABORTED);
	if (role_kind() == ROLE_XLAT)
		return XDP_TX;
	return bpf_redirect_map(&devmap, c->pair_xlat, XDP_ABORTED);
}

#endif
