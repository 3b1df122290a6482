/* SPDX-License-Identifier: GPL-2.0-only */
/* Limits and times of stored SYNs with a clock of our own (TCP-32, GENERR-15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/syn_store.h"

static const __u64 key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static const struct syn_limits product = { 1000, 32 };

static __be32 host(__u32 net, __u32 n)
{
	return be32(0xc6336400 + (net << 8) + n);
}

/* Stores as the worker does: 1 if there was room. */
static __u32 store(struct syn_store *s, const struct syn_limits *max, __be32 src, __u32 len,
		   __u32 now)
{
	__u8 packet[SYN_LONGEST + 1] __attribute__((aligned(4))) = { 0x45 };
	struct slow_in in = { .ip = packet, .len = len, .true_len = len, .fam = FAM_4 };

	if (!syn_store_room(s, max, src, len))
		return 0;
	assert_int_equal(syn_store_put(s, &in, src, 0, now + SYN_SECONDS), 0);
	return 1;
}

struct step {
	const char *rule;
	__u32 now;
	__u32 net, nets;	/* SYNs come from `nets` networks in turn, from `net` on */
	__u32 asked, len;
	__u32 stored;
	__u32 left;		/* 6 s later than others: what has left before this step */
};

/* One table, in time: rows see what the rows before have stored. */
static const struct step steps[] = {
	{ "TCP-32 32 of one /24 (S17)", 100, 0, 1, 5000, 60, 32, 0 },
	{ "TCP-32 the next /24 has its own 32", 101, 1, 1, 100, 60, 32, 0 },
	{ "TCP-32 1000 of many networks (S17)", 102, 2, 200, 5000, 60, 936, 0 },
	{ "TCP-32 longer than a packet", 103, 500, 1, 1, 1501, 0, 0 },
	{ "GENERR-15 the sixth second belongs to the SYN", 106, 500, 1, 5, 60, 0, 0 },
	{ "GENERR-15 32 leave when it is over", 107, 500, 1, 50, 60, 32, 32 },
	{ "TCP-32 a packet of 1500 bytes", 108, 600, 1, 1, 1500, 1, 32 },
	{ "TCP-32 the first /24 has room again", 109, 0, 1, 50, 60, 32, 936 },
};

static void test_limits(void **state)
{
	struct syn_store s;

	(void)state;
	assert_int_equal(syn_store_open(&s, key), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *t = &steps[i];
		__u32 left = 0, stored = 0;

		for (; syn_store_due(&s, t->now); left++)
			syn_store_pop(&s);
		for (__u32 n = 0; n < t->asked; n++)
			stored += store(&s, &product, host(t->net + n % t->nets, n / t->nets % 256),
					t->len, t->now);
		if (left != t->left || stored != t->stored)
			fail_msg("%s: %u left, %u stored, not %u and %u", t->rule, left, stored,
				 t->left, t->stored);
	}
	syn_store_close(&s);
}

/* The copy is the packet as it came, whole and with what the error needs. */
static void test_copy(void **state)
{
	__u8 packet[64] __attribute__((aligned(4)));
	struct slow_in in = { .ip = packet, .len = 40, .true_len = 64, .fam = FAM_4,
			      .ifindex = 7, .from_pair = true };
	const struct stored_syn *e;
	struct syn_store s;

	(void)state;
	memset(packet, 0xa5, sizeof(packet));
	assert_int_equal(syn_store_open(&s, key), 0);
	assert_int_equal(syn_store_put(&s, &in, host(0, 1), SLOW_FROM_PAIR, 10), 0);
	memset(packet, 0, sizeof(packet));
	assert_null(syn_store_due(&s, 10));
	e = syn_store_due(&s, 11);
	assert_non_null(e);
	assert_int_equal(e->in.len, 40);
	assert_int_equal(e->in.true_len, 40);
	assert_int_equal(e->in.ifindex, 7);
	assert_true(e->in.from_pair);
	assert_int_equal(e->slow_flags, SLOW_FROM_PAIR);
	for (__u32 i = 0; i < 40; i++)
		assert_int_equal(e->in.ip[i], 0xa5);
	syn_store_close(&s);
}

/* max-stored-syn: 0 stores none; a lowered limit keeps what is there. */
static void test_changed_limits(void **state)
{
	struct syn_limits max = { 0, 32 };
	struct syn_store s;

	(void)state;
	assert_int_equal(syn_store_open(&s, key), 0);
	assert_int_equal(store(&s, &max, host(0, 1), 60, 0), 0);
	max.whole = 3;
	for (__u32 i = 0; i < 5; i++)
		store(&s, &max, host(i, 1), 60, 0);
	assert_int_equal(s.n, 3);
	max.whole = 1;
	assert_int_equal(store(&s, &max, host(9, 1), 60, 0), 0);
	assert_int_equal(s.n, 3);
	syn_store_close(&s);
}

/* Networks that share a bucket do not share a limit. */
static void test_shared_buckets(void **state)
{
	const struct syn_limits max = { SYN_MOST, 1 };
	struct syn_store s;

	(void)state;
	assert_int_equal(syn_store_open(&s, key), 0);
	for (__u32 net = 0; net < 4000; net++)
		assert_int_equal(store(&s, &max, host(net, 1), 20, 0), 1);
	for (__u32 net = 0; net < 4000; net++)
		assert_int_equal(store(&s, &max, host(net, 2), 20, 0), 0);
	syn_store_close(&s);
}

/* The ring and its buckets after many rounds; nets come and go at random, and a
 * trivial model counts along. */
static void test_rounds(void **state)
{
	const struct syn_limits max = { SYN_MOST, 5 };
	__u32 count[64] = { 0 }, from[8][256], n_from[8] = { 0 };
	struct syn_store s;

	(void)state;
	assert_int_equal(syn_store_open(&s, key), 0);
	srand(64);
	for (__u32 now = 1; now < 2000; now++) {
		__u32 old = (now + 1) % 8; /* seven seconds ago: the sixth was the last */

		while (syn_store_due(&s, now))
			syn_store_pop(&s);
		for (__u32 i = 0; i < n_from[old]; i++)
			count[from[old][i]]--;
		n_from[old] = 0;
		for (__u32 i = 0; i < 200; i++) {
			__u32 net = (__u32)rand() % 64;
			__u32 want = count[net] < 5;

			if (store(&s, &max, host(net, i % 256), 40, now) != want)
				fail_msg("second %u: net %u with %u", now, net, count[net]);
			if (want) {
				count[net]++;
				from[now % 8][n_from[now % 8]++] = net;
			}
		}
	}
	syn_store_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_changed_limits),
		cmocka_unit_test(test_shared_buckets),
		cmocka_unit_test(test_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
