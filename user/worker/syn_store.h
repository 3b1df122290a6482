/* SPDX-License-Identifier: GPL-2.0-only */
/* SYNs from IPv4 that wait 6 s for a simultaneous open (RFC 6146 3.5.2.2 and 5.3;
 * TCP-03, TCP-04, TCP-32). Pure: the clock is an argument; whether a SYN still waits is
 * known to the state (CALL_SYN_STORE, CALL_SYN_TAKE). */
#ifndef N64_SYN_STORE_H
#define N64_SYN_STORE_H

#include "config/policy.h"
#include "slow_ops.h"

#define SYN_SECONDS 6
#define SYN_LONGEST 1500	/* bytes of a packet that is stored */
#define SYN_MOST 65536		/* the highest max-stored-syn */

struct stored_syn {
	struct slow_in in;	/* the packet; .ip is a copy of its own */
	__u16 slow_flags;	/* of its hand-over header */
	__u32 until;		/* the last second in which it waits */
	__u32 net;		/* source /24, host order */
	__u32 next;		/* younger one of its bucket: place + 1, 0: none */
};

struct syn_bucket {
	__u32 oldest, youngest;	/* place + 1, 0: none */
};

/* All wait equally long, so they leave in the order in which they came: a ring. The
 * buckets count those of a network. Both are large and only touched as far as used. */
struct syn_store {
	struct stored_syn *ring;
	struct syn_bucket *bucket;
	__u32 first, n;
	__u64 key[2];		/* nobody outside chooses who shares a bucket */
};

struct syn_limits {
	__u32 whole, net;
};

/* 0 or -ENOMEM. */
int syn_store_open(struct syn_store *s, const __u64 key[2]);
void syn_store_close(struct syn_store *s);

/* Is there room for a packet of `len` bytes from `src`? */
bool syn_store_room(const struct syn_store *s, const struct syn_limits *max, __be32 src,
		    __u32 len);
/* Keeps a copy of the first in->len bytes, for which there is room. 0 or -ENOMEM. */
int syn_store_put(struct syn_store *s, const struct slow_in *in, __be32 src, __u16 slow_flags,
		  __u32 until);
/* The oldest one if its time has passed, else NULL. */
const struct stored_syn *syn_store_due(const struct syn_store *s, __u32 now);
/* Forgets the oldest one. */
void syn_store_pop(struct syn_store *s);

#endif
