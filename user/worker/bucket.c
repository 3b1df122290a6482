/* SPDX-License-Identifier: GPL-2.0-only */
/* Token buckets for ICMP errors (GERR-25). */
#include "worker/bucket.h"

#include "worker/keyed_hash.h"

#define MILLI 1000u

bool bucket_ready(struct bucket *b, const struct bucket_rate *r, __u32 now_ms)
{
	__u64 flown = (__u64)(now_ms - b->stamp) * r->rate;

	b->stamp = now_ms;
	b->used = flown >= b->used ? 0 : b->used - (__u32)flown;
	/* rate and burst may have been lowered since; both are at most 10^6 */
	return (__u64)b->used + MILLI <= (__u64)r->burst * MILLI;
}

void bucket_spend(struct bucket *b)
{
	b->used += MILLI;
}

bool error_limit_take(struct error_limits *l, const struct error_rates *r,
		      const __u64 key[2], enum ip_family fam, const struct addr6 *dst,
		      bool too_big, __u32 now_ms)
{
	struct bucket_set *set = too_big ? &l->too_big : &l->other;
	__u64 who = fam == FAM_4 ? dst->w[0] : (__u64)dst->w[0] << 32 | dst->w[1];
	__u64 word[2] = { who, fam };
	struct bucket *dest = &set->dest[keyed_hash(key, word, 2) % N64_DEST_BUCKETS];

	/* both are asked, so that time flows in both */
	bool dest_ready = bucket_ready(dest, &r->dest, now_ms);
	bool whole_ready = bucket_ready(&set->whole, &r->whole, now_ms);

	if (!dest_ready || !whole_ready)
		return false;
	bucket_spend(dest);
	bucket_spend(&set->whole);
	return true;
}
