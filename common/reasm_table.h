/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments in mode stateful: what is remembered of a datagram, where, and how much of
 * it there may be (FRG-03, FRG-04, FRG-05; RFC 6146 3.4).
 *
 * One piece of memory, given by the shell, holds it all; its size follows from the
 * options and it is touched only as far as it is used. Datagrams are found by a keyed
 * hash, counted exactly per source by another, and chained by age, so that neither an
 * arrival nor an expiry looks at a datagram that it is not about. */
#ifndef N64_REASM_TABLE_H
#define N64_REASM_TABLE_H

#include "slow.h"

/* Held bytes lie in chains of blocks. There are a quarter more of them than
 * frag-max-bytes needs, so that the limit is exact for fragments of 1 KiB and more on
 * average; shorter ones reach the end of the blocks first. */
#define REASM_BLOCK 256
/* Fragments remembered of all datagrams together, unless two for each are more. */
#define REASM_MOST_FRAGS (1u << 20)
/* Room for one packet put together: header and 65535 bytes, or one as received. */
#define REASM_LINEAR (IP6_LEN + 65535 + 1)
#define REASM_QUOTE 1280

/* What a shell answers. */
struct reasm_ops {
	void *ctx;
	/* What is emitted from here on comes of this packet. */
	void (*begin)(void *ctx, const struct slow_in *in);
	/* One fragment leaves, with its one reason (GEN-10). `bytes`: of the IP packet as
	 * received. */
	void (*done)(void *ctx, enum reason r, __u32 bytes);
};

enum reasm_state {
	REASM_WAITING,	/* for the fragment at offset 0 */
	REASM_KNOWN,	/* that was translated: the others follow at once */
	REASM_WHOLE,	/* all are held until they are complete (FRG-13) */
	REASM_REFUSED,	/* that was filtered or failed (FRG-11) */
	REASM_RETURNED,	/* that was not ours (GEN-05) */
	REASM_OVERLAP,	/* poisoned (FRG-06) */
};

/* FRG-03: addresses; then family, IPv4 protocol and ID in one word. */
struct reasm_key {
	__u64 w[5];
};

struct reasm_source_key {
	__u64 addr;	/* IPv4 address or IPv6 /64 */
	__u64 fam;
};

/* Places are numbered from 1; 0 is none. What a place is linked to next stands in its
 * slab. */
struct reasm_slab {
	__u32 *next;
	__u32 n, fresh, free, used;
};

struct reasm_source {
	struct reasm_source_key key;
	__u32 n;		/* datagrams */
};

/* A fragment that was seen; it is held while it has blocks. */
struct reasm_frag {
	__u32 block;
	__u32 ifindex;
	__u32 bytes;		/* of the IP packet */
	__u16 off;		/* in 8-byte units */
	__u16 len;		/* of the payload */
	__u16 l4_off;
	bool more : 1;
	bool from_pair : 1;
	bool to_kernel : 1;
};

struct reasm_dgram {
	struct reasm_key key;
	__u64 born;		/* ms */
	__u32 older, newer;
	__u32 source;
	__u32 first, last;	/* fragments by offset */
	__u32 n;
	__u32 got, total;	/* bytes of payload; total 0: end not seen */
	__u16 piece;		/* payload of the largest fragment */
	__u8 state;		/* enum reasm_state */
	__u8 proto;		/* of the fragment at offset 0 (RFC 8200 4.5) */
	bool ce;		/* a fragment carried CE (RFC 3168 5.3) */
	bool df;		/* or DF */
	bool has_id;		/* FRG-12 */
	__u32 id;
	struct n64_call call;	/* what the state answered to the first fragment */
};

struct reasm_limits {
	__u32 timeout;		/* ms */
	__u32 dgrams, frags, source;
	__u64 bytes;
};

struct reasm {
	struct reasm_limits limit;
	const struct reasm_ops *ops;
	__u64 key[2];
	/* FRG-15 */
	__u64 bytes, peak;	/* held now and at most, of IP packets as received */
	__u32 held;		/* fragments */
	/* the rest belongs to reasm_*.h */
	struct reasm_slab dgrams, sources, frags, blocks;
	struct reasm_dgram *dgram;
	struct reasm_source *source;
	struct reasm_frag *frag;
	__u8 *block;
	__u32 *dgram_bucket, *source_bucket;
	__u32 mask;		/* of both */
	__u32 oldest, newest;
	__u8 quote[REASM_QUOTE];
	__u8 linear[REASM_LINEAR] __attribute__((aligned(8)));
};

static inline __u32 reasm_slab_take(struct reasm_slab *s)
{
	__u32 i = s->free;

	if (i)
		s->free = s->next[i];
	else if (s->fresh < s->n)
		i = ++s->fresh;
	if (!i)
		return 0;
	s->next[i] = 0;
	s->used++;
	return i;
}

static inline void reasm_slab_give(struct reasm_slab *s, __u32 i)
{
	s->next[i] = s->free;
	s->free = i;
	s->used--;
}

/* ---- memory --------------------------------------------------------------------------- */

static inline struct reasm_limits reasm_limits_of(const struct n64_conf *conf)
{
	return (struct reasm_limits){
		.timeout = conf->opt.frag_timeout * 1000,
		.dgrams = conf->opt.frag_datagrams,
		.frags = conf->opt.frag_fragments,
		.source = conf->opt.frag_source,
		.bytes = conf->opt.frag_bytes,
	};
}

/* Lengths of the arrays. */
struct reasm_lengths {
	__u32 dgrams, frags, blocks, buckets;
};

static inline struct reasm_lengths reasm_lengths(const struct n64_conf *conf)
{
	struct reasm_limits l = reasm_limits_of(conf);
	__u64 most = 2ull * l.dgrams;
	struct reasm_lengths n = { .dgrams = l.dgrams, .buckets = 16 };

	if (most < REASM_MOST_FRAGS)
		most = REASM_MOST_FRAGS;
	n.frags = (__u32)most;
	if ((__u64)l.dgrams * l.frags < most)
		n.frags = l.dgrams * l.frags;
	n.blocks = (__u32)(l.bytes / REASM_BLOCK + l.bytes / (4 * REASM_BLOCK) + 1);
	while (n.buckets < l.dgrams)
		n.buckets *= 2;
	return n;
}

/* Takes room for `n` + 1 elements behind *at. */
static inline size_t reasm_room(size_t *at, __u32 n, size_t each)
{
	size_t here = *at;

	*at += ((n + (size_t)1) * each + 63) & ~(size_t)63;
	return here;
}

/* Lays the arrays out behind `base`; NULL: only counts. Returns the bytes of it all. */
static inline size_t reasm_lay_out(const struct n64_conf *conf, __u8 *base, struct reasm *rs)
{
	const struct reasm_lengths n = reasm_lengths(conf);
	size_t at = 0, part[10];

	reasm_room(&at, 0, sizeof(*rs));
	part[0] = reasm_room(&at, n.dgrams, sizeof(struct reasm_dgram));
	part[1] = reasm_room(&at, n.dgrams, sizeof(struct reasm_source));
	part[2] = reasm_room(&at, n.frags, sizeof(struct reasm_frag));
	part[3] = reasm_room(&at, n.blocks, REASM_BLOCK);
	part[4] = reasm_room(&at, n.dgrams, sizeof(__u32));
	part[5] = reasm_room(&at, n.dgrams, sizeof(__u32));
	part[6] = reasm_room(&at, n.frags, sizeof(__u32));
	part[7] = reasm_room(&at, n.blocks, sizeof(__u32));
	part[8] = reasm_room(&at, n.buckets, sizeof(__u32));
	part[9] = reasm_room(&at, n.buckets, sizeof(__u32));
	if (!base)
		return at;
	rs->dgram = (void *)(base + part[0]);
	rs->source = (void *)(base + part[1]);
	rs->frag = (void *)(base + part[2]);
	rs->block = base + part[3];
	rs->dgrams = (struct reasm_slab){ .next = (void *)(base + part[4]), .n = n.dgrams };
	rs->sources = (struct reasm_slab){ .next = (void *)(base + part[5]), .n = n.dgrams };
	rs->frags = (struct reasm_slab){ .next = (void *)(base + part[6]), .n = n.frags };
	rs->blocks = (struct reasm_slab){ .next = (void *)(base + part[7]), .n = n.blocks };
	rs->dgram_bucket = (void *)(base + part[8]);
	rs->source_bucket = (void *)(base + part[9]);
	rs->mask = n.buckets - 1;
	return at;
}

/* ---- keyed hash ------------------------------------------------------------------------- */

static inline __u64 reasm_mix(__u64 a, __u64 b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (__u64)m ^ (__u64)(m >> 64);
}

/* Nobody outside can choose who meets whom: every step multiplies by what he does not
 * know. */
static inline __u32 reasm_hash(const struct reasm *rs, const __u64 *w, __u32 n)
{
	__u64 h = rs->key[0];

	for (__u32 i = 0; i < n; i++)
		h = reasm_mix(h ^ w[i], rs->key[1] + 2 * i);
	return (__u32)(h ^ h >> 32) & rs->mask;
}

static inline void reasm_keys(const struct pkt *p, struct reasm_key *k,
			      struct reasm_source_key *s)
{
	*k = (struct reasm_key){ { 0 } };
	*s = (struct reasm_source_key){ .fam = p->fam };
	k->w[4] = (__u64)p->fam << 56 | p->frag_id;
	if (p->fam == FAM_4) {
		k->w[0] = (__u64)p->src4 << 32 | p->dst4;
		k->w[4] |= (__u64)p->proto << 48;
		s->addr = p->src4;
		return;
	}
	__builtin_memcpy(&k->w[0], &p->src6, sizeof(p->src6));
	__builtin_memcpy(&k->w[2], &p->dst6, sizeof(p->dst6));
	s->addr = k->w[0];
}

static inline __u32 *reasm_dgram_bucket(struct reasm *rs, const struct reasm_key *k)
{
	return &rs->dgram_bucket[reasm_hash(rs, k->w, 5)];
}

static inline __u32 *reasm_source_bucket(struct reasm *rs, const struct reasm_source_key *k)
{
	const __u64 w[2] = { k->addr, k->fam };

	return &rs->source_bucket[reasm_hash(rs, w, 2)];
}

/* Takes place `i` out of the chain of its bucket. */
static inline void reasm_unchain(struct reasm_slab *s, __u32 *bucket, __u32 i)
{
	while (*bucket != i)
		bucket = &s->next[*bucket];
	*bucket = s->next[i];
}

/* ---- sources ------------------------------------------------------------------------------ */

/* The counter of a source, made if it has none; 0: it has as many datagrams as it may. */
static inline __u32 reasm_source_take(struct reasm *rs, const struct reasm_source_key *k)
{
	__u32 *bucket = reasm_source_bucket(rs, k), i = *bucket;

	while (i && (rs->source[i].key.addr != k->addr || rs->source[i].key.fam != k->fam))
		i = rs->sources.next[i];
	if (i && rs->source[i].n >= rs->limit.source)
		return 0;
	if (!i) {
		i = reasm_slab_take(&rs->sources);
		if (!i)
			return 0;
		rs->source[i] = (struct reasm_source){ .key = *k };
		rs->sources.next[i] = *bucket;
		*bucket = i;
	}
	rs->source[i].n++;
	return i;
}

static inline void reasm_source_give(struct reasm *rs, __u32 i)
{
	if (--rs->source[i].n)
		return;
	reasm_unchain(&rs->sources, reasm_source_bucket(rs, &rs->source[i].key), i);
	reasm_slab_give(&rs->sources, i);
}

/* ---- datagrams ------------------------------------------------------------------------------ */

static inline __u32 reasm_find(struct reasm *rs, const struct reasm_key *k)
{
	__u32 i = *reasm_dgram_bucket(rs, k);

	while (i && __builtin_memcmp(&rs->dgram[i].key, k, sizeof(*k)))
		i = rs->dgrams.next[i];
	return i;
}

/* A new datagram; 0: there is no room for it (FRG-05). */
static inline __u32 reasm_open(struct reasm *rs, const struct reasm_key *k,
			       const struct reasm_source_key *src, __u64 now)
{
	__u32 *bucket = reasm_dgram_bucket(rs, k), source, i;

	if (rs->dgrams.used >= rs->limit.dgrams)
		return 0;
	source = reasm_source_take(rs, src);
	if (!source)
		return 0;
	i = reasm_slab_take(&rs->dgrams);
	if (!i) {
		reasm_source_give(rs, source);
		return 0;
	}
	rs->dgram[i] = (struct reasm_dgram){
		.key = *k,
		.born = now,
		.older = rs->newest,
		.source = source,
		.state = REASM_WAITING,
	};
	rs->dgrams.next[i] = *bucket;
	*bucket = i;
	if (rs->newest)
		rs->dgram[rs->newest].newer = i;
	else
		rs->oldest = i;
	rs->newest = i;
	return i;
}

/* Forgets a datagram that has no fragments any more. */
static inline void reasm_close(struct reasm *rs, __u32 i)
{
	struct reasm_dgram *d = &rs->dgram[i];

	reasm_unchain(&rs->dgrams, reasm_dgram_bucket(rs, &d->key), i);
	reasm_source_give(rs, d->source);
	*(d->older ? &rs->dgram[d->older].newer : &rs->oldest) = d->newer;
	*(d->newer ? &rs->dgram[d->newer].older : &rs->newest) = d->older;
	reasm_slab_give(&rs->dgrams, i);
}

/* FRG-04: counted from the first fragment seen. A clock that went back makes nothing
 * older. */
static inline bool reasm_is_old(const struct reasm *rs, __u32 i, __u64 now)
{
	return now >= rs->dgram[i].born && now - rs->dgram[i].born >= rs->limit.timeout;
}

#endif
