/* SPDX-License-Identifier: GPL-2.0-only */
/* Rate limits of ICMP errors with a clock of our own (GERR-25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/bucket.h"
#include "worker/keyed_hash.h"

static const __u64 key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static const struct error_rates product = { { 1000, 2000 }, { 20, 50 } };

/* How many of `n` errors to one destination pass at one instant. */
static unsigned int burst(struct error_limits *l, const struct error_rates *r,
			  enum ip_family fam, struct addr6 dst, bool too_big, __u32 now,
			  unsigned int n)
{
	unsigned int passed = 0;

	while (n--)
		passed += error_limit_take(l, r, key, fam, &dst, too_big, now);
	return passed;
}

struct step {
	const char *rule;
	__u32 now_ms;
	__u32 dst;	/* last word of an IPv4 address */
	bool too_big;
	unsigned int asked, passed;
};

/* One table, in time: rows see what the rows before have used up. */
static const struct step steps[] = {
	{ "GERR-25 burst 50 per destination", 1000, 1, false, 80, 50 },
	{ "GERR-25 nothing flows in within 49 ms", 1049, 1, false, 5, 0 },
	{ "GERR-25 20/s: one token after 50 ms", 1050, 1, false, 5, 1 },
	{ "GERR-25 another destination is untouched", 1050, 2, false, 80, 50 },
	{ "GERR-25 too-big errors have their own buckets", 1050, 1, true, 80, 50 },
	{ "GERR-25 20 more after a second", 2050, 1, false, 80, 20 },
	{ "GERR-25 never more than the burst", 1000000, 1, false, 80, 50 },
	{ "GERR-25 the clock wraps after 49 days", 999999, 3, false, 80, 50 },
};

static void test_destination(void **state)
{
	struct error_limits *l = calloc(1, sizeof(*l));

	(void)state;
	assert_non_null(l);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *s = &steps[i];
		struct addr6 dst = { { s->dst } };
		unsigned int got = burst(l, &product, FAM_4, dst, s->too_big, s->now_ms,
					 s->asked);

		if (got != s->passed)
			fail_msg("%s: %u passed, not %u", s->rule, got, s->passed);
	}
	free(l);
}

/* GERR-25: 2000 at once over many destinations, then 1000 per second. */
static void test_whole_gateway(void **state)
{
	struct error_limits *l = calloc(1, sizeof(*l));
	unsigned int passed = 0;

	(void)state;
	assert_non_null(l);
	for (__u32 i = 0; i < 5000; i++)
		passed += burst(l, &product, FAM_4, (struct addr6){ { i } }, false, 7, 1);
	assert_int_equal(passed, 2000);
	passed = 0;
	for (__u32 i = 10000; i < 15000; i++)
		passed += burst(l, &product, FAM_4, (struct addr6){ { i } }, false, 507, 1);
	assert_int_equal(passed, 500);
	/* too big is not starved by the others */
	assert_int_equal(burst(l, &product, FAM_4, (struct addr6){ { 1 } }, true, 507, 80), 50);
	free(l);
}

/* GERR-25: hosts of one /64 share a bucket, another /64 has its own. */
static void test_prefix64(void **state)
{
	struct error_limits *l = calloc(1, sizeof(*l));
	struct addr6 a = { { 1, 2, 3, 4 } }, same = { { 1, 2, 5, 6 } },
		     other = { { 1, 3, 3, 4 } };

	(void)state;
	assert_non_null(l);
	assert_int_equal(burst(l, &product, FAM_6, a, false, 0, 80), 50);
	assert_int_equal(burst(l, &product, FAM_6, same, false, 0, 80), 0);
	assert_int_equal(burst(l, &product, FAM_6, other, false, 0, 80), 50);
	free(l);
}

/* A refusal by the whole gateway costs the destination nothing. */
static void test_all_or_none(void **state)
{
	struct error_rates tight = { { 1, 1 }, { 1, 10 } };
	struct error_limits *l = calloc(1, sizeof(*l));
	struct addr6 a = { { 1 } }, b = { { 2 } };

	(void)state;
	assert_non_null(l);
	assert_int_equal(burst(l, &tight, FAM_4, a, false, 0, 1), 1);
	assert_int_equal(burst(l, &tight, FAM_4, b, false, 0, 100), 0);
	/* a wide gateway now: destination b still has all its ten */
	tight.whole.burst = 1000;
	assert_int_equal(burst(l, &tight, FAM_4, b, false, 0, 100), 10);
	free(l);
}

/* Rates at their bounds do not overflow. */
static void test_bounds(void **state)
{
	struct bucket_rate most = { 1000000, 1000000 };
	struct bucket b = { 0 };
	unsigned int n = 0;

	(void)state;
	while (bucket_ready(&b, &most, 5)) {
		bucket_spend(&b);
		n++;
	}
	assert_int_equal(n, 1000000);
	assert_true(bucket_ready(&b, &most, 6));
}

/* Reference values of SipHash-1-3 for the key 00..0f and words 00..07, 08..0f,
 * computed with an independent implementation. */
static void test_keyed_hash(void **state)
{
	static const __u64 w[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

	(void)state;
	assert_true(keyed_hash(key, w, 1) == 0x369095118d299a8eull);
	assert_true(keyed_hash(key, w, 2) == 0xcc4fdd1a7d908b66ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_destination), cmocka_unit_test(test_whole_gateway),
		cmocka_unit_test(test_prefix64),    cmocka_unit_test(test_all_or_none),
		cmocka_unit_test(test_bounds),	    cmocka_unit_test(test_keyed_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
