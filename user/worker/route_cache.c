/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct-mapped cache of the kernel's answers. */
#include "worker/route_cache.h"

#include <string.h>

#include "worker/keyed_hash.h"

_Static_assert(sizeof(struct route_key) == 44, "no padding: keys are compared as bytes");

void route_key(struct route_key *key, enum route_question question,
	       const struct route_query *q, bool policy_routing)
{
	memset(key, 0, sizeof(*key));
	key->dst.w[0] = q->dst.w[0];
	if (q->fam == FAM_6)
		key->dst = q->dst;
	key->ifindex = q->ifindex;
	key->fam = q->fam;
	key->question = question;
	key->tos = q->tos;
	if (!policy_routing)
		return;
	key->src.w[0] = q->src.w[0];
	if (q->fam == FAM_6)
		key->src = q->src;
	key->proto = q->proto;
	key->sport = q->sport;
	key->dport = q->dport;
}

void route_cache_flush(struct route_cache *c)
{
	/* entries of zeros belong to generation 0, which is never current */
	if (!++c->gen) {
		memset(c->entry, 0, sizeof(c->entry));
		c->gen = 1;
	}
}

static struct route_entry *slot(struct route_cache *c, const __u64 hash_key[2],
				const struct route_key *key)
{
	__u64 word[(sizeof(*key) + 7) / 8] = { 0 };

	memcpy(word, key, sizeof(*key));
	return &c->entry[keyed_hash(hash_key, word, sizeof(word) / sizeof(word[0])) %
			 ROUTE_CACHE_SIZE];
}

const struct route_value *route_cache_get(struct route_cache *c, const __u64 hash_key[2],
					  const struct route_key *key, __u32 now_ms)
{
	struct route_entry *e = slot(c, hash_key, key);

	if (e->gen != c->gen || now_ms - e->stamp >= ROUTE_CACHE_MS ||
	    memcmp(&e->key, key, sizeof(*key)))
		return NULL;
	return &e->val;
}

void route_cache_put(struct route_cache *c, const __u64 hash_key[2],
		     const struct route_key *key, const struct route_value *val,
		     __u32 now_ms)
{
	struct route_entry *e = slot(c, hash_key, key);

	if (!c->gen)
		c->gen = 1;
	e->key = *key;
	e->val = *val;
	e->stamp = now_ms;
	e->gen = c->gen;
}
