/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU remembers of the two addresses of a packet (map `pairs`), in the modes that look at
 * nothing else: what they are translated to, that no list refuses them, and the next hop. One look
 * then stands for one at each table. It holds while nothing that the worker knows of has changed
 * (n64_hops.any), and for a second; after that all is asked again. */
#ifndef N64_XDP_PAIR_H
#define N64_XDP_PAIR_H

#include "nexthop.h"

/* In hop.a, hop.b and hop.meta of an entry. */
struct pair_key {
	__u64 a, b, meta;
};

/* In `meta`, of 6to4. Nothing else is taken for an entry of the other direction. */
#define PAIR_6TO4 (1ull << 32)

/* How often a place is wanted, while the pair in it holds, before it is given away, so that pairs
 * do not displace each other with every packet. hop.confirm counts. */
#define PAIR_WANTED 8

/* Of PAIR_SAMPLE packets nothing was remembered. If they are one in PAIR_SHARE of all that the
 * device sent in this direction meanwhile, the rest is not worth it, and nobody asks on its
 * behalf, on any CPU, for 1 / PAIR_PAUSE second. */
#define PAIR_SAMPLE 1024
#define PAIR_SHARE 4
#define PAIR_PAUSE 4

_Static_assert(HOP_CROWDS == 2 * N64_SLOTS, "both directions of all devices");

/* A question, and where its answer is to be remembered; NULL: nowhere. */
struct pair_ask {
	struct pair_key k;
	struct n64_pair *at;
	__u32 any;
	__u32 crowd;		/* the device and direction, as n64_hops.crowded */
};

static __always_inline __u32 pair_crowd(__u32 slot, bool six)
{
	return n64_bound(slot * 2 + six, HOP_CROWDS - 1);
}

/* The destination is in n64_pair.dst6 (pair_find6). */
static __always_inline struct pair_key pair_key6(const struct addr6 *src, __u32 ifindex)
{
	return (struct pair_key){addr6_half(src, 0), addr6_half(src, 1), PAIR_6TO4 | ifindex};
}

static __always_inline struct pair_key pair_key4(__be32 src, __be32 dst, __u32 ifindex)
{
	return (struct pair_key){(__u64)dst << 32 | src, 0, ifindex};
}

static __always_inline bool pair_is(const struct n64_pair *e, const struct pair_key *k)
{
	return e->hop.a == k->a && e->hop.b == k->b && e->hop.meta == k->meta;
}

static __always_inline bool pair_holds(const struct n64_conf *c, const struct n64_pair *e,
				       __u32 any, __u32 now)
{
	return e->hop.gen == any && now - e->hop.asked <= c->hz;
}

/* What is remembered of the key and holds, NULL: nothing. `more`: what its place depends on
 * beside it. */
static __always_inline const struct n64_pair *pair_find(const struct n64_conf *c,
							const struct n64_hops *h,
							struct pair_ask *q, __u64 more)
{
	__u64 x = q->k.a ^ q->k.b * HOP_MUL_B ^ q->k.meta ^ c->key[0] ^ more;
	__u32 key, n = hop_near(c->hop_slots), now = (__u32)bpf_jiffies64();

	q->at = NULL;
	/* read before anything that is asked for: what changes meanwhile makes it an old one */
	q->any = *(const volatile __u32 *)&h->any;
	asm volatile("" ::: "memory");
	if (unlikely(h->flags || now - h->crowded[q->crowd] < c->hz / PAIR_PAUSE))
		return NULL;
	x ^= x >> 32; /* as in hop_line */
	key = bpf_get_smp_processor_id() * n + ((__u32)(x * HOP_MUL_A >> 50) & (n - 1));
	q->at = bpf_map_lookup_elem(&pairs, &key);
	return q->at && pair_is(q->at, &q->k) && pair_holds(c, q->at, q->any, now) ? q->at : NULL;
}

static __always_inline const struct n64_pair *pair_find6(const struct n64_conf *c,
							 const struct n64_hops *h,
							 const struct pkt *p, __u32 slot,
							 struct pair_ask *q)
{
	const struct n64_pair *e;

	q->crowd = pair_crowd(slot, true);
	q->k = pair_key6(&p->src6, p->ifindex);
	e = pair_find(c, h, q, addr6_half(&p->dst6, 0) ^ addr6_half(&p->dst6, 1) * HOP_MUL_A);
	return e && addr6_equal(&e->dst6, &p->dst6) ? e : NULL;
}

static __always_inline const struct n64_pair *pair_find4(const struct n64_conf *c,
							 const struct n64_hops *h,
							 const struct pkt *p, __u32 slot,
							 struct pair_ask *q)
{
	q->crowd = pair_crowd(slot, false);
	q->k = pair_key4(p->src4, p->dst4, p->ifindex);
	return pair_find(c, h, q, 0);
}

/* Of a packet nothing was remembered. Are they too many? */
N64_ONCE int pair_missed(__u32 crowd)
{
	__u32 key = crowd / 2 * N_REASONS + (crowd & 1 ? R_fwd_6to4 : R_fwd_4to6), *paused;
	struct n64_crowd *w = bpf_map_lookup_elem(&crowds, &crowd);
	struct n64_hops *h = hops_get();
	const struct n64_count *sent;

	if (!w || !h || (w->missed++ && w->missed < PAIR_SAMPLE))
		return 0;
	paused = &h->crowded[n64_bound(crowd, HOP_CROWDS - 1)];
	sent = bpf_map_lookup_elem(&counters, &key);
	if (!sent)
		return 0; /* cannot be */
	if (w->missed == 1) {
		w->packets = sent->packets;
		w->paused = *paused;
		return 0;
	}
	/* another CPU's pause is not of the sample */
	if (w->paused == *paused && sent->packets - w->packets < PAIR_SHARE * PAIR_SAMPLE)
		*paused = (__u32)bpf_jiffies64();
	w->missed = 0;
	return 0;
}

/* Remembers `hop`, the answer to a question that pair_find had none for, if it may be; the caller
 * adds what it is of the addresses. NULL: it is not remembered; nor is what was asked for without
 * a worker. */
static __always_inline struct n64_pair *pair_fill(const struct n64_conf *c,
						  const struct n64_hops *h,
						  const struct pair_ask *q,
						  const struct n64_hop *hop, bool may)
{
	__u64 beat = *(const volatile __u64 *)&h->beat, now = bpf_jiffies64();
	struct n64_pair *e = q->at;

	if (!e)
		return NULL;
	pair_missed(q->crowd);
	if (!may || now - beat > c->hz)
		return NULL;
	if (e->hop.meta && pair_holds(c, e, q->any, (__u32)now) && e->hop.confirm++ < PAIR_WANTED)
		return NULL;
	e->hop = *hop;
	e->hop.a = q->k.a;
	e->hop.b = q->k.b;
	e->hop.meta = q->k.meta;
	e->hop.gen = q->any;
	e->hop.asked = (__u32)beat;
	e->hop.confirm = 0;
	return e;
}

/* It was found, but what it says of a mapping has gone: its place is free for the next one. */
static __always_inline void pair_forget(const struct pair_ask *q)
{
	if (q->at)
		q->at->hop.meta = 0;
}

/* What the addresses are translated to. */
static __always_inline void pair_keep6(struct n64_pair *e, const struct pkt *p,
				       const struct xlat *x, __u64 delta, __u64 id)
{
	e->id = id;
	e->dst6 = p->dst6;
	e->src4 = x->src4;
	e->dst4 = x->dst4;
	e->delta = delta;
}

static __always_inline void pair_keep4(struct n64_pair *e, const struct xlat *x, __u64 delta)
{
	e->src6 = x->src6;
	e->dst6 = x->dst6;
	e->delta = delta;
}

#endif
