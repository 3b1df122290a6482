/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way of most packets: plain in every respect, of an established flow, to a next
 * hop that is remembered. It asks the same rules as the long way (path_siit.h,
 * path_stateful.h), of facts that are hardly ever in memory. It changes nothing but
 * deadlines, and whatever is not plain it leaves to the long way, which judges it
 * from the beginning: so this one knows no reasons, and no order of rules.
 *
 * What it gives up on costs twice. */
#ifndef N64_XDP_QUICK_H
#define N64_XDP_QUICK_H

#include "path.h"
#include "stateful.h"

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

/* What is remembered of a destination, NULL: nothing that holds. `plain`: no flags, and
 * the worker is there. */
static __always_inline const struct n64_hop *quick_known(const struct n64_conf *c,
							  const struct n64_hops *h, bool plain,
							  enum ip_family fam, struct hop_dst d,
							  __u64 flow)
{
	const struct n64_hop *e = NULL;
	__u32 place;
	int n;

	if (likely(plain))
		e = hop_plain(c, h, fam, d, flow, &place);
	if (likely(e && e->mtu))
		return e;
	n = quick_hop_other(flow, fam, d.a, d.b);
	return n < 0 ? NULL : hop_at(c, (__u32)n);
}

/* ADR-28: is it remembered that the source has a route? */
static __always_inline bool quick_urpf(const struct n64_conf *c, const struct n64_hops *h,
				       bool plain, const struct pkt *p)
{
	return c->opt.urpf6 == URPF_OFF ||
	       quick_known(c, h, plain, FAM_6, hop_dst6(&p->src6),
			   hop_flow(p->ifindex) | HOP_FLOW_URPF);
}

/* The remembered next hop that fits `len` bytes, NULL: the long way finds out. `urpf`: where the
 * source has a route that is remembered as well. */
static __always_inline const struct n64_hop *quick_hop(const struct n64_conf *c,
							const struct pkt *p,
							enum ip_family fam,
							struct hop_dst d, __u32 len, bool urpf)
{
	const struct n64_hops *h = hops_get();
	__u64 now = bpf_jiffies64();
	const struct n64_hop *e;
	bool plain;

	if (!h)
		return NULL;
	plain = !h->flags && now - h->beat <= c->hz;
	if (unlikely(!plain && h->flags & HOP_FULL))
		return NULL;
	if (urpf && !quick_urpf(c, h, plain, p))
		return NULL;
	e = quick_known(c, h, plain, fam, d, hop_flow(p->ifindex));
	if (!e || len > e->mtu || unlikely(hop_is_due(h, p, e, (__u32)now)))
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

/* Most addresses have none near them that is not. */
static __always_inline bool quick_plain4(__be32 a)
{
	return likely(plain4_surely(plain_get(), a)) || quick_plain4_far(a);
}

/* ---- the way --------------------------------------------------------------------------- */

/* A frame, read once. */
struct quick {
	const void *at, *end;
	enum n64_found found; /* what the next program is to know of it */
	__s32 foreseen;	/* with FOUND_ABSENT: see n64_whence */
	__s32 place;	/* of the bib6 entry that was looked at last */
	__u32 device;	/* the L3 device, in a program that others call; 0, and known when this is
			 * compiled, in those of devices */
	__u32 slot;	/* with device: that of the packet's role */
};

static __always_inline struct quick quick_frame(struct xdp_md *ctx)
{
	return (struct quick){.at = frame_start(ctx), .end = frame_end(ctx)};
}

/* The L3 device that it came in by. */
static __always_inline __u32 quick_ingress(struct xdp_md *ctx, const struct quick *f)
{
	return f->device ? f->device : frame_ingress(ctx);
}

/* Whose counters. */
static __always_inline __u32 quick_slot(const struct quick *f)
{
	return f->device ? f->slot : role.slot;
}

/* Facts of a packet of this family, as far as they are known before its header. */
#define QUICK_PKT(ctx, f, family) \
	{.fam = (family), .l3_off = ETH_LEN, .ifindex = quick_ingress(ctx, f)}

/* What every packet has at least that takes this way: all transports begin with 8 bytes. */
#define QUICK_LEN4 (ETH_LEN + IP4_LEN + UDP_LEN)
#define QUICK_LEN6 (ETH_LEN + IP6_LEN + UDP_LEN)

/* Family of a frame for us without tags, FAM_NONE: not for this way. Of a port. */
static __always_inline enum ip_family quick_family_at(struct xdp_md *ctx, const struct quick *f,
						      const struct n64_port *port)
{
	const struct n64_conf *c = conf_get();
	const struct eth_hdr *eth = f->at;

	/* what only the long way knows about */
	if (c->opt.force_slow || f->at + QUICK_LEN4 > f->end)
		return FAM_NONE;
	/* kernels before 6.3 redirect no frames of several buffers */
	if (!(c->have & HAVE_REDIRECT_SG) && !in_one_piece(ctx))
		return FAM_NONE;
	if (unlikely(!mac_equal(eth->dst, port->mac)) &&
	    (!(port->flags & PORT_ANY_MAC) || eth->dst[0] & 1))
		return FAM_NONE;
	if (eth->type == be16(ET_IP6))
		return f->at + QUICK_LEN6 > f->end ? FAM_NONE : FAM_6;
	return eth->type == be16(ET_IP4) ? FAM_4 : FAM_NONE;
}

/* The same of a frame in the program of a device. */
static __always_inline enum ip_family quick_family(struct xdp_md *ctx, const struct quick *f,
						   const struct n64_port *port)
{
	return likely(f->device || role.kind == ROLE_PORT) ? quick_family_at(ctx, f, port)
							   : FAM_NONE;
}

static __always_inline const struct ip6_hdr *quick_ip6(const struct quick *f)
{
	return f->at + ETH_LEN;
}

static __always_inline const struct ip4_hdr *quick_ip4(const struct quick *f)
{
	return f->at + ETH_LEN;
}

/* The way of a family, way(ctx, f, proto, ...), is compiled for each transport by itself, of
 * which then nothing is asked twice. */
#define QUICK_WAY6(way, ctx, f, ...)                                                          \
	(quick_ip6(f)->nexthdr == P_UDP     ? way(ctx, f, P_UDP, __VA_ARGS__)                 \
	 : quick_ip6(f)->nexthdr == P_TCP   ? way(ctx, f, P_TCP, __VA_ARGS__)                 \
	 : quick_ip6(f)->nexthdr == P_ICMP6 ? way(ctx, f, P_ICMP6, __VA_ARGS__) : false)
#define QUICK_WAY4(way, ctx, f, ...)                                                          \
	(quick_ip4(f)->proto == P_UDP     ? way(ctx, f, P_UDP, __VA_ARGS__)                   \
	 : quick_ip4(f)->proto == P_TCP   ? way(ctx, f, P_TCP, __VA_ARGS__)                   \
	 : quick_ip4(f)->proto == P_ICMP4 ? way(ctx, f, P_ICMP4, __VA_ARGS__) : false)

/* Does the port translate in this direction, and send by itself? */
static __always_inline bool quick_port(const struct n64_port *port, enum n64_port_flags way)
{
	return (port->flags & (way | PORT_STACK | PORT_NO_IP6)) == (__u32)way;
}

/* Its first 8 bytes are there; asked at once: what a header lacks is not carried along. */
static __always_inline bool quick_l4(const void *l4, const void *end, struct pkt *p)
{
	p->has_l4 = true;
	if (p->proto == P_UDP)
		return read_udp(l4, p);
	if (p->proto == P_TCP)
		return l4 + TCP_LEN <= end && read_tcp(l4, p);
	return read_icmp(l4, p);
}

/* Ports; of an echo both are its identifier. */
static __always_inline const __be16 *quick_sport(const void *l4, __u8 proto)
{
	const struct icmp_hdr *icmp = l4;
	const struct udp_hdr *udp = l4;

	return proto == P_UDP || proto == P_TCP ? &udp->sport : &icmp->echo.id;
}

static __always_inline const __be16 *quick_dport(const void *l4, __u8 proto)
{
	const struct icmp_hdr *icmp = l4;
	const struct udp_hdr *udp = l4;

	return proto == P_UDP || proto == P_TCP ? &udp->dport : &icmp->echo.id;
}

/* csum_addr6 of an address in the frame: word by word, as clang would make them of the
 * halves. */
static __always_inline __u64 quick_sum_addr6(const struct addr6 *a)
{
	const volatile __be32 *w = a->w;

	__u64 sum = (__u64)w[0] + w[1] + w[2] + w[3];

	asm volatile("" : "+r"(sum)); /* now, and not with its parts kept until it is needed */
	return sum;
}

static __always_inline bool quick_parse6(struct xdp_md *ctx, const struct quick *f, __u8 proto,
					 struct pkt *p)
{
	const struct ip6_hdr *ip = quick_ip6(f);

	if (!read_ip6(ip, p))
		return false;
	p->proto = proto;
	p->avail = f->end - (const void *)ip;
	see_all(ctx, p);
	return p->l3_len <= p->avail && quick_l4(ip + 1, f->end, p);
}

static __always_inline bool quick_parse4(struct xdp_md *ctx, const struct quick *f, __u8 proto,
					 struct pkt *p)
{
	const struct ip4_hdr *ip = quick_ip4(f);

	if (ip->ver_ihl != (4 << 4 | IP4_LEN / 4))
		return false;
	/* the length, in the word that the sum reads: what follows from this is asked no more */
	if (host16(((const struct ip4_words *)ip)->w[0] >> 16) < IP4_LEN + UDP_LEN)
		return false;
	read_ip4_rest(ip, IP4_LEN, p);
	if (pkt_is_fragment(p))
		return false;
	p->proto = proto;
	p->more = false;
	p->frag_off = 0;
	p->avail = f->end - (const void *)ip;
	see_all(ctx, p);
	return !rule_header(p) && quick_l4(ip + 1, f->end, p);
}

/* What a checksum of TCP or UDP gains by addresses, which it reads in the frame if need be.
 * `pref`: the peer is in a pref64, which cancels if it is the only one and has 96 bits
 * (n64_plain.wide); `host`: csum_addr6 of the other. */
static __always_inline __u64 quick_delta_addrs6(const struct quick *f, const struct xlat *x,
						__u64 host, bool pref)
{
	__u64 wide = plain_get()->wide;

	if (likely(pref) && wide)
		return delta_6to4_wide(wide, host, x->src4);
	return delta_addrs(&quick_ip6(f)->src, &quick_ip6(f)->dst, x->src4, x->dst4);
}

static __always_inline __u64 quick_delta_addrs4(const struct pkt *p, const struct addr6 *src,
						const struct addr6 *dst, __u64 host, bool pref)
{
	__u64 wide = plain_get()->wide;

	if (likely(pref) && wide)
		return delta_4to6_wide(wide, host, p->dst4);
	return delta_4to6(p, src, dst);
}

/* The IPv6 addresses of a packet 4to6. Read and written by halves only, not by words as those
 * of struct xlat: so the compiler keeps a half in one piece. */
struct quick_ends {
	struct addr6 src, dst;
};

static __always_inline void quick_ends_copy(struct quick_ends *to, const struct addr6 *src,
					    const struct addr6 *dst)
{
	addr6_copy(&to->src, src);
	addr6_copy(&to->dst, dst);
}

/* The same of any packet: an echo has its type and the pseudo-header. */
static __always_inline __u64 quick_delta6(const struct quick *f, const struct pkt *p,
					  const struct xlat *x, __u64 host, bool pref)
{
	return pkt_is_icmp(p) ? delta_echo_6to4(p) : quick_delta_addrs6(f, x, host, pref);
}

static __always_inline __u64 quick_delta4(const struct pkt *p, const struct quick_ends *e,
					  __u64 host, bool pref)
{
	return pkt_is_icmp(p) ? delta_echo_4to6(p, &e->src, &e->dst)
			      : quick_delta_addrs4(p, &e->src, &e->dst, host, pref);
}

/* MTU-46-03: may it be as long as it is without a fragment header? */
static __always_inline bool quick_in_one(const struct n64_conf *c, const struct pkt *p)
{
	return p->df || len_4to6(p) <= c->opt.lowest_ipv6_mtu;
}

/* The first packet of a TCP connection is looked at more closely (L2-06, L4-11). */
static __always_inline bool quick_begins(const struct pkt *p)
{
	return p->proto == P_TCP && p->tcp_flags & TCP_SYN;
}

/* A frame that leaves without tags, which most do, has everything at its place. It is written
 * where it will be before its beginning is moved there, inside the IPv6 header: so nothing needs
 * to be kept, and no place to be checked again, beyond that call. */
static __always_inline bool quick_write6to4(struct xdp_md *ctx, const struct quick *f,
					    const struct n64_conf *c, const struct pkt *p,
					    const struct xlat *x, const struct n64_hop *hop,
					    __u64 delta, __u64 id)
{
	struct eth_hdr *eth = (void *)f->at + (IP6_LEN - IP4_LEN);
	void *ip = eth + 1;

	if (!write_l4_at(ip + IP4_LEN, f->end, p, x, delta, echo_6to4(p->icmp_type), PORT_SRC))
		return false;
	hdr_6to4(c, p, x->src4, x->dst4,
		 fresh_id(c, id, proto_6to4(p), df_6to4(p)), p->ttl - 1, ip);
	write_macs(eth, hop);
	eth->type = be16(ET_IP4);
	return trim(ctx, p) && !bpf_xdp_adjust_head(ctx, IP6_LEN - IP4_LEN);
}

/* The transport header stays where it is and is written first; the rest has no room before the
 * frame has grown. */
static __always_inline bool quick_write4to6(struct xdp_md *ctx, const struct quick *f,
					    const struct n64_conf *c, const struct pkt *p,
					    const struct xlat *x, const struct quick_ends *e,
					    const struct n64_hop *hop, __u64 delta)
{
	struct eth_hdr *eth;
	void *ip;

	if (!write_l4_at((void *)quick_ip4(f) + IP4_LEN, f->end, p, x, delta,
			 echo_4to6(p->icmp_type), PORT_DST) ||
	    !trim(ctx, p) || bpf_xdp_adjust_head(ctx, IP4_LEN - IP6_LEN))
		return false;
	eth = frame_start(ctx);
	ip = eth + 1;
	if (ip + IP6_LEN > frame_end(ctx))
		return false;
	write_macs(eth, hop);
	eth->type = be16(ET_IP6);
	hdr_4to6(c, p, &e->src, &e->dst, p->ttl - 1, ip);
	return true;
}

/* A frame that could not be written, which cannot be. */
N64_ONCE int quick_lost(__u32 len)
{
	count(R_internal, len);
	return XDP_DROP;
}

/* `slot`, here and below: whose counters (role.slot; role_slot() where that is not known). */
static __always_inline int quick_leave(const struct n64_conf *c, __u32 slot, const struct pkt *p,
				       const struct route *rt, bool written, enum reason r)
{
	if (unlikely(!written))
		return quick_lost(p->l3_len);
	count_of(slot, r, p->l3_len);
	return send(c, rt);
}

/* `id`: ipid_pair of the addresses. */
static __always_inline int quick_send6to4(struct xdp_md *ctx, const struct quick *f,
					  const struct n64_conf *c, __u32 slot,
					  const struct pkt *p, const struct xlat *x,
					  const struct route *rt, __u64 delta, __u64 id)
{
	bool written = likely(!rt->hop->n_tags)
			       ? quick_write6to4(ctx, f, c, p, x, rt->hop, delta, id)
			       : write_6to4_sum(ctx, c, p, x, rt, delta);

	return quick_leave(c, slot, p, rt, written, R_fwd_6to4);
}

/* Not by x->src6 and x->dst6, but by `e`. */
static __always_inline int quick_send4to6(struct xdp_md *ctx, const struct quick *f,
					  const struct n64_conf *c, __u32 slot,
					  const struct pkt *p, struct xlat *x,
					  const struct quick_ends *e, const struct route *rt,
					  __u64 delta)
{
	bool written;

	if (likely(!rt->hop->n_tags)) {
		written = quick_write4to6(ctx, f, c, p, x, e, rt->hop, delta);
	} else {
		addr6_copy(&x->src6, &e->src);
		addr6_copy(&x->dst6, &e->dst);
		written = write_4to6_sum(ctx, c, p, x, rt, delta);
	}
	return quick_leave(c, slot, p, rt, written, R_fwd_4to6);
}

#endif
