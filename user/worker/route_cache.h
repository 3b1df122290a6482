/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel said about a destination, remembered for at most one second
 * and forgotten at once when the kernel's tables change. Pure: the clock is an
 * argument. */
#ifndef N64_ROUTE_CACHE_H
#define N64_ROUTE_CACHE_H

#include "config/policy.h"
#include "slow_ops.h"

#define ROUTE_CACHE_SIZE 4096
#define ROUTE_CACHE_MS 1000

enum route_question { ASK_ROUTE, ASK_SOURCE };

/* What an answer depends on. Without policy routing that is the destination,
 * the ingress (its VRF) and the TOS; the rest is zero then. */
struct route_key {
	struct addr6 dst;
	struct addr6 src;
	__u32 ifindex;
	__u8 fam;
	__u8 question;	/* enum route_question */
	__u8 tos;
	__u8 proto;
	__be16 sport, dport;
};

struct route_value {
	__u32 reason;	/* ASK_ROUTE: enum reason; ASK_SOURCE: 0: there is none */
	__u32 mtu;	/* ASK_ROUTE */
	struct addr6 src;	/* ASK_SOURCE */
};

struct route_entry {
	struct route_key key;
	struct route_value val;
	__u32 stamp;	/* ms */
	__u32 gen;
};

struct route_cache {
	__u32 gen;	/* entries of another generation do not exist */
	struct route_entry entry[ROUTE_CACHE_SIZE];
};

/* Every bit of `key` counts: build it with route_key. */
void route_key(struct route_key *key, enum route_question question,
	       const struct route_query *q, bool policy_routing);

void route_cache_flush(struct route_cache *c);

/* NULL: not known, or too old. */
const struct route_value *route_cache_get(struct route_cache *c, const __u64 hash_key[2],
					  const struct route_key *key, __u32 now_ms);
void route_cache_put(struct route_cache *c, const __u64 hash_key[2],
		     const struct route_key *key, const struct route_value *val,
		     __u32 now_ms);

#endif
