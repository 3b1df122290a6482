/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way of most packets: plain in every respect, of an established flow, to a next
 * hop that is remembered. It asks the same rules as the long way (path_siit.h,
 * path_stateful.h), in the same order, of facts that never leave the registers. It changes
 * nothing but the deadline of a mapping, and whatever is not plain it leaves to the long
 * way, which judges it from the beginning: so this one knows no reasons.
 *
 * What it gives up on costs twice. */
#ifndef N64_XDP_QUICK_H
#define N64_XDP_QUICK_H

#include "path.h"
#include "stateful.h"

#define QUICK_NOT (-1)

/* ---- the next hop ------------------------------------------------------------------- */

/* Of a destination that hop_plain has no answer for. */
N64_ONCE int quick_hop_other(__u64 flow, __u32 fam, __u64 a, __u64 b)
{
	const struct n64_conf *c = conf_get();
	struct hop_room *m = hop_room_get();
	struct n64_hops *h = hops_get();

	if (!m || !h)
		return -1; /* cannot be */
	m->k.fam = fam == FAM_6 ? FAM_6 : FAM_4;
	m->k.d = (struct hop_dst){a, b};
	m->k.flow = flow;
	hop_key_of(c, h, &m->k);
	return hop_known(c, h, &m->k);
}

/* What is remembered of a destination, NULL: nothing that holds. */
static __always_inline const struct n64_hop *quick_known(const struct n64_conf *c,
							  const struct n64_hops *h,
							  enum ip_family fam, struct hop_dst d,
							  __u64 flow, __u64 now)
{
	const struct n64_hop *e = NULL;
	int n;

	if (likely(!h->flags && now - h->beat <= c->hz))
		e = hop_plain(c, h, fam, d, flow);
	if (likely(e && e->mtu))
		return e;
	n = quick_hop_other(flow, fam, d.a, d.b);
	return n < 0 ? NULL : hop_at(c, (__u32)n);
}

/* The remembered next hop that fits `len` bytes, NULL: the long way finds out. */
static __always_inline const struct n64_hop *quick_hop(const struct n64_conf *c,
							const struct n64_port *port,
							const struct pkt *p,
							enum ip_family fam,
							struct hop_dst d, __u32 len)
{
	const struct n64_hops *h = hops_get();
	__u64 now = bpf_jiffies64();
	const struct n64_hop *e;

	if (!h || h->flags & HOP_FULL || port->flags & (PORT_STACK | PORT_NO_IP6))
		return NULL;
	e = quick_known(c, h, fam, d, hop_flow(p->ifindex), now);
	if (!e || len > e->mtu || unlikely(hop_is_due(c, h, p, e, (__u32)now)))
		return NULL;
	return e;
}

/* ---- addresses -------------------------------------------------------------------------- */

/* Is it an IPv4 address that no rule and no list speaks of (addr4_is_plain)? */
N64_ONCE int quick_plain4_far(__be32 a)
{
	const struct n64_env env = {.conf = conf_get()};

	return addr4_is_plain(&env, a);
}

static __always_inline bool quick_plain4(__be32 a)
{
	const struct n64_plain4 *surely = (const struct n64_plain4 *)&plain4;

	asm volatile("" : "+r"(surely)); /* as in conf_get */
	return likely(plain4_surely(surely, a)) || quick_plain4_far(a);
}

/* ---- the way --------------------------------------------------------------------------- */

/* Facts of a packet of this family, as far as they are known before its header. */
#define QUICK_PKT(ctx, family) \
	{.fam = (family), .l3_off = ETH_LEN, .ifindex = frame_ingress(ctx)}

/* The IP header; the caller has seen that the Ethernet header is there. */
static __always_inline const void *quick_ip(const struct xdp_md *ctx)
{
	return frame_start(ctx) + ETH_LEN;
}

/* The transport of a packet of that family, 0: none that has a short way. */
static __always_inline __u8 quick_proto(const struct xdp_md *ctx, enum ip_family fam)
{
	const struct ip6_hdr *ip6 = quick_ip(ctx);
	const struct ip4_hdr *ip4 = quick_ip(ctx);

	if (fam == FAM_6)
		return (const void *)(ip6 + 1) > frame_end(ctx) ? 0 : ip6->nexthdr;
	return (const void *)(ip4 + 1) > frame_end(ctx) ? 0 : ip4->proto;
}

/* The way of a family is compiled for each transport by itself, of which then nothing is
 * asked twice. */
#define QUICK_CALL(way6, way4, ctx, port, fam, proto)                                         \
	((fam) == FAM_6 ? (proto) == P_UDP   ? way6(ctx, port, P_UDP)                         \
			  : (proto) == P_TCP ? way6(ctx, port, P_TCP)                         \
			  : (proto) == P_ICMP6 ? way6(ctx, port, P_ICMP6) : QUICK_NOT         \
	 : (proto) == P_UDP   ? way4(ctx, port, P_UDP)                                        \
	 : (proto) == P_TCP   ? way4(ctx, port, P_TCP)                                        \
	 : (proto) == P_ICMP4 ? way4(ctx, port, P_ICMP4) : QUICK_NOT)

/* `sum`: csum_sub_addr6 of the source. */
static __always_inline bool quick_parse6(struct xdp_md *ctx, __u8 proto, struct pkt *p,
					 __u64 *sum)
{
	const struct ip6_hdr *ip = quick_ip(ctx);

	if (!parse_ip6(ip, frame_end(ctx), p) || p->proto != proto)
		return false;
	p->proto = proto;
	*sum = csum_sub_addr6(&ip->src);
	p->avail = frame_end(ctx) - (const void *)ip;
	see_all(ctx, p);
	parse_l4(ip + 1, frame_end(ctx), p);
	return p->has_l4; /* asked at once: what a header lacks is not carried along */
}

static __always_inline bool quick_parse4(struct xdp_md *ctx, __u8 proto, struct pkt *p)
{
	const struct ip4_hdr *ip = quick_ip(ctx);

	if (!parse_ip4(ip, frame_end(ctx), p) || p->ihl != IP4_LEN || p->proto != proto ||
	    pkt_is_fragment(p))
		return false;
	p->ihl = p->l4_off = IP4_LEN;
	p->proto = proto;
	p->more = false;
	p->frag_off = 0;
	p->avail = frame_end(ctx) - (const void *)ip;
	see_all(ctx, p);
	parse_l4(ip + 1, frame_end(ctx), p);
	return p->has_l4;
}

/* The first packet of a TCP connection is looked at more closely (L2-06, L4-11). */
static __always_inline bool quick_begins(const struct pkt *p)
{
	return p->proto == P_TCP && p->tcp_flags & TCP_SYN;
}

static __always_inline int quick_send6to4(struct xdp_md *ctx, const struct n64_conf *c,
					  const struct pkt *p, const struct xlat *x,
					  const struct route *rt, __u64 delta)
{
	if (!write_6to4_sum(ctx, c, p, x, rt, delta)) {
		count(R_internal, p->l3_len);
		return XDP_DROP;
	}
	count(R_fwd_6to4, p->l3_len);
	return send(c, rt);
}

static __always_inline int quick_send4to6(struct xdp_md *ctx, const struct n64_conf *c,
					  const struct pkt *p, const struct xlat *x,
					  const struct route *rt, __u64 delta)
{
	if (!write_4to6_sum(ctx, c, p, x, rt, delta)) {
		count(R_internal, p->l3_len);
		return XDP_DROP;
	}
	count(R_fwd_4to6, p->l3_len);
	return send(c, rt);
}

/* Family of a frame for us without tags, FAM_NONE: not for this way. */
static __always_inline enum ip_family quick_family(struct xdp_md *ctx,
						   const struct n64_conf *c,
						   const struct n64_port *port)
{
	const struct eth_hdr *eth = frame_start(ctx);

	/* what only the long way knows about */
	if (role.kind != ROLE_PORT || c->opt.force_slow)
		return FAM_NONE;
	if ((const void *)(eth + 1) > frame_end(ctx))
		return FAM_NONE;
	/* kernels before 6.3 redirect no frames of several buffers */
	if (!(c->have & HAVE_REDIRECT_SG) && !in_one_piece(ctx))
		return FAM_NONE;
	if (unlikely(!mac_equal(eth->dst, port->mac)) &&
	    (!(port->flags & PORT_ANY_MAC) || eth->dst[0] & 1))
		return FAM_NONE;
	if (eth->type == be16(ET_IP6))
		return FAM_6;
	return eth->type == be16(ET_IP4) ? FAM_4 : FAM_NONE;
}

#endif
