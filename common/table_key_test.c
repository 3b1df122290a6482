// SPDX-License-Identifier: GPL-2.0-only
/* Where the keys of bib6 are at home (table_key.h): the mappings of a host in few pages, and
 * none without a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "table_key.h"

#define LINES 65536u

static struct n64_conf conf;

static void begin(void)
{
	memset(&conf, 0, sizeof(conf));
	conf.st.bib6_lines = LINES;
	conf.st.key[0] = 0x0123456789abcdefull;
	conf.st.key[1] = 0xfedcba9876543210ull;
}

static struct st_key key_of(__u32 host, enum st_proto proto, __u16 port)
{
	struct addr6 a = { { be32(0x20010db8), be32(host), 0, be32(1) } };

	return key_bib6(&conf, proto, &a, be16(port));
}

/* Different pages, and lines, that the first looks of `n` ports from `first` on meet, `step`
 * apart. */
static void count_places(__u32 host, __u16 first, __u16 step, __u32 n, __u32 *pages, __u32 *lines)
{
	static __u8 page[LINES / TAB_PAGE], line[LINES];

	memset(page, 0, sizeof(page));
	memset(line, 0, sizeof(line));
	*pages = *lines = 0;
	for (__u32 i = 0; i < n; i++) {
		struct st_key k = key_of(host, ST_UDP, (__u16)(first + i * step));
		__u32 l = tab_line(&conf, TAB_BIB6, &k, 0);

		*pages += !page[l / TAB_PAGE]++;
		*lines += !line[l]++;
	}
}

static void test_neighbours(void **state)
{
	static const struct {
		const char *what;
		__u16 first, step;
		__u32 n, pages, lines;
	} rows[] = {
		{ "64 ports in a row: two a line", 1024, 1, 64, 1, 33 },
		{ "128 in a row fill a page", 8192, 1, 128, 1, 64 },
		{ "only even ones", 32768, 2, 64, 1, 64 },
		{ "over the whole range", 0, 512, 128, 16, 128 },
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u32 pages, lines;

		for (__u32 host = 0; host < 50; host++) {
			count_places(host, rows[i].first, rows[i].step, rows[i].n, &pages, &lines);
			if (pages > rows[i].pages || lines > rows[i].lines)
				fail_msg("%s, host %u: %u pages, %u lines", rows[i].what, host,
					 pages, lines);
		}
	}
}

/* A table that is half full of hosts with 64 ports each has a place for every key, and for
 * nearly all of them near home. */
static void test_half_full(void **state)
{
	static __u8 used[LINES];
	__u32 far = 0, longest = 0;

	(void)state;
	begin();
	memset(used, 0, sizeof(used));
	for (__u32 n = 0; n < LINES; n++) {
		struct st_key k = key_of(n / 64, ST_UDP, (__u16)(40000 + n % 64));
		__u32 d = 0;

		while (d < TAB_REACH && used[tab_line(&conf, TAB_BIB6, &k, d)] == 2)
			d++;
		assert_in_range(d, 0, TAB_REACH - 1);
		used[tab_line(&conf, TAB_BIB6, &k, d)]++;
		far += d >= TAB_NEAR;
		longest = d > longest ? d : longest;
	}
	assert_in_range(far, 0, LINES / 5);
	assert_in_range(longest, 0, 24);
}

/* Most mappings lie in the entry that is looked at first: neighbouring ports all do, of 64 chance
 * ports, half of the entries of their page, four of five: (1 - e^-0.5) / 0.5. */
static void test_first(void **state)
{
	__u32 first = 0, all = 0;

	(void)state;
	begin();
	for (__u32 host = 0; host < 200; host++) {
		__u8 used[2 * TAB_PAGE] = {};
		__u8 run[2 * TAB_PAGE] = {};

		for (__u32 i = 0; i < 64; i++) {
			struct st_key k = key_of(host, ST_UDP, (__u16)(8192 + key_mix(key_mix(host, i), 1) % 4096));
			__u32 at = tab_place(&conf, TAB_BIB6, &k, 0, 0) % (2 * TAB_PAGE);

			first += !used[at]++;
			all++;
			k = key_of(host, ST_UDP, (__u16)(40000 + i));
			at = tab_place(&conf, TAB_BIB6, &k, 0, 0) % (2 * TAB_PAGE);
			assert_int_equal(run[at]++, 0);
		}
	}
	assert_in_range(first * 100 / all, 75, 85);
}

/* Hosts and protocols are spread over the pages. */
static void test_spread(void **state)
{
	static __u8 page[LINES / TAB_PAGE];
	__u32 pages = 0;

	(void)state;
	begin();
	for (__u32 host = 0; host < 512; host++) {
		for (__u32 proto = 0; proto < 2; proto++) {
			struct st_key k = key_of(host, (enum st_proto)proto, 5000);

			pages += !page[tab_home(&conf, TAB_BIB6, &k) / TAB_PAGE]++;
		}
	}
	assert_in_range(pages, 600, 700); /* of 1,024 by chance: 647 */
}

/* The second look is half a page from the first, the others go far away and on from there, from
 * page to page. */
static void test_order(void **state)
{
	(void)state;
	begin();
	for (__u32 host = 0; host < 100; host++) {
		struct st_key k = key_of(host, ST_TCP, (__u16)(1024 + 7 * host));
		__u32 near = tab_home(&conf, TAB_BIB6, &k), far = (__u32)k.hash & (LINES - 1);
		__u32 first = tab_place(&conf, TAB_BIB6, &k, 0, 0);

		assert_int_equal(tab_line(&conf, TAB_BIB6, &k, 0), near);
		assert_int_equal(tab_line(&conf, TAB_BIB6, &k, 1) / TAB_PAGE, near / TAB_PAGE);
		assert_int_equal(tab_line(&conf, TAB_BIB6, &k, 1) ^ near, TAB_PAGE / 2);
		assert_int_equal(first / 2, near);
		assert_int_equal(tab_place(&conf, TAB_BIB6, &k, 0, 1), tab_beside(first));
		assert_int_equal(tab_place(&conf, TAB_BIB6, &k, 1, 0), first ^ TAB_PAGE);
		for (__u32 d = TAB_NEAR; d < TAB_REACH; d++)
			assert_int_equal(tab_line(&conf, TAB_BIB6, &k, d),
					 (far + (d - TAB_NEAR) * TAB_STRIDE) & (LINES - 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_half_full),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
