/* SPDX-License-Identifier: GPL-2.0-only */
/* Next hops remembered: is there an answer of the FIB for this destination that still
 * holds, and remembering one (common/hop.h). Each CPU has entries of its own, so there is
 * nothing to lock. */
#ifndef N64_XDP_NEXTHOP_H
#define N64_XDP_NEXTHOP_H

#include "hop.h"
#include "hop_maps.h"
#include "siit.h"
#include "world.h"

static __always_inline struct n64_hops *hops_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&hops, &zero);
}

static __always_inline struct hop_room *hop_room_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&hoprooms, &zero);
}

/* The entries of this CPU that `n` is one of. */
static __always_inline struct hop_pair *hop_pair_at(const struct n64_conf *c, __u32 n)
{
	__u32 key = hop_pairs(bpf_get_smp_processor_id(), c->hop_slots) + n / HOP_WAYS;

	return bpf_map_lookup_elem(&hopcache, &key);
}

/* Entry `n` of this CPU. */
static __always_inline struct n64_hop *hop_at(const struct n64_conf *c, __u32 n)
{
	struct hop_pair *pair = hop_pair_at(c, n);

	return pair ? &pair->e[n % HOP_WAYS] : NULL;
}

/* The block that `k->d` is asked for with, and its generation, which is read first: what
 * changes meanwhile makes it an old one. */
static __always_inline void hop_key_of(const struct n64_conf *c, const struct n64_hops *h,
				       struct hop_key *k)
{
	enum ip_family fam = k->fam;
	const __u32 *gens = h->net[hop_family(fam)];
	__u32 net = *(const volatile __u32 *)&gens[n64_bound(hop_net(fam, k->d), HOP_GENS - 1)];
	__u64 now = bpf_jiffies64();

	k->now = (__u32)now;
	k->away = now - h->beat > c->hz;
	k->gen = hop_gen(h, net);
	asm volatile("" ::: "memory");
	k->level = unlikely(k->away || h->flags) ? 2 : hop_level(h, fam, k->d, net);
	if (k->level == 2)
		k->gen += hop_gen_host(h, k->d);
	k->block = hop_block(fam, k->level, k->d);
	k->meta = hop_meta(fam, k->level, k->flow);
}

/* From a block to one address in it. */
static __always_inline void hop_key_alone(__u32 gen_host, struct hop_key *k)
{
	k->level = 2;
	k->block = k->d;
	k->meta = hop_meta((enum ip_family)k->fam, 2, k->flow);
	k->gen += gen_host;
}

static __always_inline bool hop_is(const struct n64_hop *e, const struct hop_key *k)
{
	return e->meta == k->meta && e->a == k->block.a && e->b == k->block.b;
}

/* The same of a family that the compiler knows; IPv4 has no second half. */
static __always_inline bool hop_is_of(const struct n64_hop *e, const struct hop_key *k,
				      enum ip_family fam)
{
	return e->meta == k->meta && e->a == k->block.a &&
	       (fam == FAM_4 || e->b == k->block.b);
}

/* Level of the block that `d` is remembered with, but for an address that is alone in its block;
 * `net` is its word of h->net. */
static __always_inline __u32 hop_level_plain(const struct n64_hops *h, enum ip_family fam,
					     struct hop_dst d, __u32 net)
{
	if (!(net & HOP_CUT))
		return 0;
	return hop_bit(h->cut[hop_family(fam)], hop_place(fam, hop_block(fam, 1, d))) ? 2 : 1;
}

/* What most destinations are remembered with, if it holds, and its number. NULL: the whole
 * question is to be asked. Not for when the worker is away or HOP_EXACT or HOP_FULL is set. */
static __always_inline const struct n64_hop *hop_plain(const struct n64_conf *c,
						       const struct n64_hops *h,
						       enum ip_family fam, struct hop_dst d,
						       __u64 flow, __u32 *n)
{
	__u32 net = *(const volatile __u32 *)
			    &h->net[hop_family(fam)][n64_bound(hop_net(fam, d), HOP_GENS - 1)];
	__u32 level = hop_level_plain(h, fam, d, net), gen = hop_gen(h, net);
	struct hop_key k = {.block = hop_block(fam, level, d), .meta = hop_meta(fam, level, flow)};
	const struct hop_pair *pair;
	const struct n64_hop *e;

	if (level == 2)
		gen += hop_gen_host(h, d);
	asm volatile("" ::: "memory");
	*n = hop_line(c->key[0], fam, k.block, k.meta, c->hop_slots);
	pair = hop_pair_at(c, *n);
	if (!pair)
		return NULL;
	e = &pair->e[0];
	if (unlikely(!hop_is_of(e, &k, fam))) {
		++*n;
		e = &pair->e[1];
		if (!hop_is_of(e, &k, fam))
			return NULL;
	}
	asm volatile("" : "+r"(e)); /* one address of both from here on */
	return e->gen != gen || e->flags & HOP_INSIDE ? NULL : e;
}

/* Without a worker an answer holds for a second. */
static __always_inline bool hop_holds(const struct n64_conf *c, const struct n64_hop *e,
				      const struct hop_key *k)
{
	return e->gen == k->gen && likely(!k->away || k->now - e->asked < c->hz);
}

/* Number of the entry that has the key, -1: none has. */
static __always_inline int hop_find(const struct n64_conf *c, const struct hop_key *k)
{
	__u32 n = hop_line(c->key[0], (enum ip_family)k->fam, k->block, k->meta, c->hop_slots);
	const struct n64_hop *e = hop_at(c, n);

	if (e && likely(hop_is(e, k)))
		return (int)n;
	e = hop_at(c, n + 1);
	return e && hop_is(e, k) ? (int)n + 1 : -1;
}

/* Number of the entry whose answer still holds, -1: there is none. */
static __always_inline int hop_known(const struct n64_conf *c, const struct n64_hops *h,
				     struct hop_key *k)
{
	int n = hop_find(c, k);
	const struct n64_hop *e = n < 0 ? NULL : hop_at(c, (__u32)n);

	if (!e || !hop_holds(c, e, k))
		return -1;
	if (likely(e->mtu))
		return n;
	hop_key_alone(hop_gen_host(h, k->d), k);
	n = hop_find(c, k);
	e = n < 0 ? NULL : hop_at(c, (__u32)n);
	return e && hop_holds(c, e, k) ? n : -1;
}

/* Is it time that the kernel sends a packet itself and so confirms the neighbour? After
 * half the time a packet that begins something, which no other can overtake. */
static __always_inline bool hop_is_due(const struct n64_hops *h, const struct pkt *p,
				       const struct n64_hop *e, __u32 now)
{
	__u32 age = now - e->confirm, half = h->confirm;

	if (likely(age < half) || !half)
		return false;
	return age >= 2 * half || (p->proto == P_TCP ? p->tcp_flags & TCP_SYN : pkt_is_icmp(p));
}

/* Number of the entry by hop_plain, where it fits `len` bytes and nothing is due. -1: the whole
 * question is to be asked. */
static __always_inline int hop_ready(const struct n64_conf *c, const struct n64_hops *h,
				     const struct pkt *p, enum ip_family fam, struct hop_dst d,
				     __u32 len)
{
	__u64 now = bpf_jiffies64();
	const struct n64_hop *e;
	__u32 n;

	if (h->flags || now - h->beat > c->hz)
		return -1;
	e = hop_plain(c, h, fam, d, hop_flow(p->ifindex), &n);
	/* one that stands for many asked by themselves has an MTU of 0 */
	return e && len <= e->mtu && !hop_is_due(h, p, e, (__u32)now) ? (int)n : -1;
}

/* ---- remembering ------------------------------------------------------------------------ */

/* Number of the entry to write: the one that has the key, else of its line the one that holds
 * nothing, else the older one. */
static __always_inline __u32 hop_victim(const struct n64_conf *c, const struct hop_key *k)
{
	__u32 n = hop_line(c->key[0], (enum ip_family)k->fam, k->block, k->meta, c->hop_slots);
	const struct n64_hop *one = hop_at(c, n), *two = hop_at(c, n + 1);

	if (!one || !two || hop_is(one, k))
		return n;
	if (hop_is(two, k))
		return n + 1;
	return one->meta && (!two->meta || (__s32)(two->asked - one->asked) < 0) ? n + 1 : n;
}

static __always_inline void hop_head(struct n64_hop *e, const struct hop_key *k)
{
	if (!hop_is(e, k)) {
		e->confirm = k->now;
		e->a = k->block.a;
		e->b = k->block.b;
		e->meta = k->meta;
	}
	e->gen = k->gen;
	e->asked = k->now;
	e->flags = 0;
}

/* The answer q, to leave by `out`. */
static __always_inline void hop_body(struct n64_hop *e, const struct bpf_fib_lookup *q,
				     const struct n64_egress *out)
{
	e->mtu = q->mtu_result;
	e->n_tags = (__u8)out->n_tags;
	e->port = out->port;
	e->tag[0] = out->tag[0];
	e->tag[1] = out->tag[1];
	__builtin_memcpy(e->smac, q->smac, MAC_LEN);
	__builtin_memcpy(e->dmac, q->dmac, MAC_LEN);
}

/* Is there an address in the block of which this answer says nothing? */
static __always_inline void hop_inside(struct n64_hop *e, const struct n64_hops *h,
				       const struct hop_key *k)
{
	if (k->level == 1 &&
	    hop_bit(h->inside[hop_family((enum ip_family)k->fam)],
		    hop_place((enum ip_family)k->fam, k->block)))
		e->flags = HOP_INSIDE;
}

/* Does the answer go to a gateway? Then the worker is told that this one matters. */
static __always_inline bool hop_by_gateway(struct n64_hops *h, const struct hop_key *k,
					   const struct bpf_fib_lookup *q)
{
	enum ip_family fam = q->family == N64_AF_INET ? FAM_4 : FAM_6;
	struct hop_dst gw = hop_dst4(q->ipv4_dst);
	struct addr6 six;
	__u32 place;

	if (fam == FAM_6) {
		__builtin_memcpy(&six, q->ipv6_dst, sizeof(six));
		gw = hop_dst6(&six);
	}
	if (fam == k->fam && gw.a == k->d.a && gw.b == k->d.b)
		return false;
	place = hop_gateway(q->ifindex, fam, gw) % HOP_BITS;
	if (!hop_bit(h->gateway, place))
		__sync_fetch_and_or(&h->gateway[n64_bound(place / 64, HOP_BITS / 64 - 1)],
				    1ull << place % 64);
	return true;
}

/* Remembers the answer q for k->d; k and gen_host are of before the FIB was asked. The
 * number of the entry. A neighbour itself, and a route with an MTU of its own, stand for one
 * address only: the kernel's MTU may be that of a single destination. */
static __always_inline __u32 hop_remember(const struct n64_conf *c, struct n64_hops *h,
					  __u32 gen_host, struct hop_key *k,
					  const struct bpf_fib_lookup *q,
					  const struct n64_egress *out)
{
	bool alone = !hop_by_gateway(h, k, q) || q->mtu_result != out->mtu;
	__u32 n = hop_victim(c, k);
	struct n64_hop *e;

	if (alone && k->level != 2) {
		e = hop_at(c, n);
		if (e) {
			hop_head(e, k);
			e->mtu = 0;
		}
		hop_key_alone(gen_host, k);
		n = hop_victim(c, k);
	}
	e = hop_at(c, n);
	if (e) {
		hop_head(e, k);
		hop_body(e, q, out);
		hop_inside(e, h, k);
	}
	return n;
}

#endif
