/* SPDX-License-Identifier: GPL-2.0-only */
/* RFC 6791 pools: one address out of all prefixes of a family, the same for the
 * same hash. */
#include "policy.h"

/* Addresses of an IPv6 prefix that are told apart; more than any hash can. */
static __u64 size6(const struct prefix6 *p)
{
	return p->len <= 65 ? 1ull << 63 : 1ull << (128 - p->len);
}

bool policy_pool4(const struct policy *p, __u64 hash, __be32 *out)
{
	__u64 total = 0;

	for (size_t i = 0; i < p->n_pool4; i++)
		total += 1ull << (32 - p->pool4[i].len);
	if (!total)
		return false;
	hash %= total;
	for (size_t i = 0; i < p->n_pool4; i++) {
		__u64 size = 1ull << (32 - p->pool4[i].len);

		if (hash < size) {
			*out = p->pool4[i].addr | be32((__u32)hash);
			return true;
		}
		hash -= size;
	}
	return false;
}

/* Prefixes of very different size count alike, else the largest would take all. */
bool policy_pool6(const struct policy *p, __u64 hash, struct addr6 *out)
{
	const struct prefix6 *prefix;
	__u64 host;

	if (!p->n_pool6)
		return false;
	prefix = &p->pool6[hash % p->n_pool6];
	host = hash / p->n_pool6 % size6(prefix);
	*out = prefix->addr;
	out->w[2] |= be32((__u32)(host >> 32));
	out->w[3] |= be32((__u32)host);
	return true;
}
