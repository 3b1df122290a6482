/* SPDX-License-Identifier: GPL-2.0-only */
/* Rate limits of the ICMP errors that the gateway originates (GERR-25; RFC 4443
 * 2.4(f), RFC 1812 4.3.2.8): token buckets for the whole gateway and per
 * destination. Pure: the clock is an argument. */
#ifndef N64_BUCKET_H
#define N64_BUCKET_H

#include "types.h"

/* In thousandths of a packet, so that one millisecond is worth `rate`. What is
 * kept is what is *used*: a bucket of zeros is full. */
struct bucket {
	__u32 used;
	__u32 stamp; /* ms */
};

struct bucket_rate {
	__u32 rate;  /* per second */
	__u32 burst;
};

/* Destinations that meet in one bucket share it: no allocation, whatever the
 * number of senders. */
#define N64_DEST_BUCKETS 65536

struct bucket_set {
	struct bucket whole;
	struct bucket dest[N64_DEST_BUCKETS];
};

/* Errors "too big" have a set of their own, so that they are never starved. */
struct error_limits {
	struct bucket_set other, too_big;
};

struct error_rates {
	struct bucket_rate whole, dest;
};

/* Lets tokens flow in; true: one packet's worth is there. */
bool bucket_ready(struct bucket *b, const struct bucket_rate *r, __u32 now_ms);
void bucket_spend(struct bucket *b);

/* May one more error go to `dst` (/32, or /64 of IPv6) at `now_ms`? Takes a
 * token of both buckets, or of none. */
bool error_limit_take(struct error_limits *l, const struct error_rates *r,
		      const __u64 key[2], enum ip_family fam, const struct addr6 *dst,
		      bool too_big, __u32 now_ms);

#endif
