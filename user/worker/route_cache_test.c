/* SPDX-License-Identifier: GPL-2.0-only */
/* The cache of routes: what is found, when, and when no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/route_cache.h"

static const __u64 hash_key[2] = { 1, 2 };

static const struct route_query base = {
	.fam = FAM_6, .src = { { 1 } }, .dst = { { 5 } },
	.tos = 9, .proto = 17, .sport = 10, .dport = 11, .ifindex = 12,
};

struct row {
	const char *name;
	void (*change)(struct route_query *q);
	bool same, same_with_policy; /* is it the same question? */
};

static void fam(struct route_query *q) { q->fam = FAM_4; }
static void dst(struct route_query *q) { q->dst.w[3]++; }
static void ingress(struct route_query *q) { q->ifindex++; }
static void tos(struct route_query *q) { q->tos++; }
static void src(struct route_query *q) { q->src.w[2]++; }
static void port(struct route_query *q) { q->sport++; }
static void proto(struct route_query *q) { q->proto++; }
static void pair(struct route_query *q) { q->from_pair = true; }

static const struct row rows[] = {
	{ "family", fam, false, false },	 { "destination", dst, false, false },
	{ "ingress", ingress, false, false },	 { "tos", tos, false, false },
	{ "source", src, true, false },		 { "port", port, true, false },
	{ "protocol", proto, true, false },	 { "way in", pair, true, true },
};

static void test_key(void **state)
{
	struct route_cache *c = calloc(1, sizeof(*c));
	struct route_value v = { .reason = R_GO_ON, .mtu = 1400 };

	(void)state;
	assert_non_null(c);
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i / 2];
		bool policy = i & 1, found;
		struct route_query q = base;
		struct route_key key;

		route_key(&key, ASK_ROUTE, &q, policy);
		route_cache_put(c, hash_key, &key, &v, 0);
		r->change(&q);
		route_key(&key, ASK_ROUTE, &q, policy);
		found = route_cache_get(c, hash_key, &key, 0);
		if (found != (policy ? r->same_with_policy : r->same))
			fail_msg("%s (policy %d): found %d", r->name, policy, found);
		route_key(&key, ASK_SOURCE, &base, policy);
		assert_null(route_cache_get(c, hash_key, &key, 0));
		route_cache_flush(c);
	}
	free(c);
}

static void test_time(void **state)
{
	struct route_cache *c = calloc(1, sizeof(*c));
	struct route_value v = { .reason = R_no_route, .mtu = 7 };
	const struct route_value *got;
	struct route_key key;

	(void)state;
	assert_non_null(c);
	route_key(&key, ASK_ROUTE, &base, false);
	assert_null(route_cache_get(c, hash_key, &key, 0));
	route_cache_put(c, hash_key, &key, &v, 0xffffff00);
	got = route_cache_get(c, hash_key, &key, 0xffffff00 + 999);
	assert_non_null(got);
	assert_int_equal(got->reason, R_no_route);
	assert_int_equal(got->mtu, 7);
	assert_null(route_cache_get(c, hash_key, &key, 0xffffff00 + 1000));
	route_cache_put(c, hash_key, &key, &v, 0);
	route_cache_flush(c);
	assert_null(route_cache_get(c, hash_key, &key, 0));
	/* the number of generations wraps: entries of old must not come back */
	route_cache_put(c, hash_key, &key, &v, 0);
	c->entry[0].gen = 0;
	c->gen = ~0u;
	route_cache_flush(c);
	assert_int_not_equal(c->gen, 0);
	assert_null(route_cache_get(c, hash_key, &key, 0));
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
