// SPDX-License-Identifier: GPL-2.0-only
/* MTU arithmetic: the worked numbers of requirements section 5 and the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mtu.h"

static struct n64_conf conf = {
	.n_plateaus = 7,
	.plateaus = { 65535, 32000, 17914, 8166, 4352, 2002, 1492 },
	.opt = { .lowest_ipv6_mtu = 1280 },
};

static void test_fn_to_ptb(void **state)
{
	static const struct {
		const char *rule;
		__u16 told;
		__u32 quoted, mtu4, mtu6, want;
	} rows[] = {
		{ "MTU-46-10", 1400, 1500, 1500, 1500, 1420 },
		{ "MTU-46-10", 576, 1500, 1500, 1500, 1280 },
		{ "MTU-46-10", 1480, 1500, 1500, 1500, 1500 },
		{ "MTU-46-10", 9000, 1500, 1500, 1500, 1500 },
		{ "MTU-46-10", 9000, 9000, 1400, 9000, 1420 },
		{ "MTU-46-10", 9000, 9000, 9000, 1300, 1300 },
		{ "MTU-46-10", 65535, 65535, 65535, 65535, 65535 },
		{ "MTU-46-11", 0, 1500, 1500, 1500, 1500 },
		{ "MTU-46-11", 0, 1400, 1500, 1500, 1280 },
		{ "MTU-46-11", 0, 1492, 1500, 1500, 1280 },
		{ "MTU-46-11", 0, 1493, 1500, 1500, 1500 },
		{ "MTU-46-11", 0, 8166, 9000, 9000, 4372 },
		{ "MTU-46-11", 0, 8167, 9000, 9000, 8186 },
		{ "MTU-46-12", 67, 1500, 9000, 9000, 1512 },
		{ "MTU-46-12", 68, 1500, 9000, 9000, 1280 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u32 got = mtu_4to6(&conf, rows[i].told, rows[i].quoted, rows[i].mtu4,
				     rows[i].mtu6);

		if (got != rows[i].want)
			fail_msg("%s: FN %u, quoted %u: %u, not %u", rows[i].rule, rows[i].told,
				 rows[i].quoted, got, rows[i].want);
	}
}

static void test_ptb_to_fn(void **state)
{
	static const struct {
		const char *rule;
		__u32 told;
		bool fh;
		__u32 mtu4, mtu6, want;
	} rows[] = {
		{ "MTU-64-10", 1280, false, 1500, 1500, 1260 },
		{ "MTU-64-10", 1400, false, 1500, 1500, 1380 },
		{ "MTU-64-10", 1400, true, 1500, 1500, 1372 },
		{ "MTU-64-10", 9000, false, 1500, 1500, 1480 },
		{ "MTU-64-10", 1500, true, 1500, 1500, 1472 },
		{ "MTU-64-10", 9000, false, 1000, 1500, 1000 },
		{ "MTU-64-11", 1000, false, 1500, 1500, 980 },
		{ "MTU-64-11", 0, false, 1500, 1500, 68 },
		{ "MTU-64-11", 10, true, 1500, 1500, 68 },
		{ "MTU-64-11", 0xffffffff, false, 65535, 65535, 65515 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u32 got = mtu_6to4(rows[i].told, rows[i].fh, rows[i].mtu4, rows[i].mtu6);

		if (got != rows[i].want)
			fail_msg("%s: PTB %u: %u, not %u", rows[i].rule, rows[i].told, got,
				 rows[i].want);
	}
}

static void test_forwarding(void **state)
{
	(void)state;
	/* MTU-46-03 */
	assert_int_equal(mtu_frag6_payload(1280), 1232);
	assert_int_equal(mtu_frag6_payload(1500), 1448);
	assert_int_equal(mtu_frag6_payload(1287), 1232);
	assert_int_equal(mtu_lim6(&conf, 1500), 1280);
	conf.opt.lowest_ipv6_mtu = 9000;
	assert_int_equal(mtu_lim6(&conf, 1500), 1500);
	conf.opt.lowest_ipv6_mtu = 1280;
	/* MTU-64-02 */
	assert_int_equal(mtu_frag4_payload(1000), 976);
	assert_int_equal(mtu_frag4_payload(68), 48);
	/* MTU-46-11: plateaus below 1280 do not count, 1280 does */
	conf.plateaus[6] = 1280;
	assert_int_equal(mtu_plateau(&conf, 1281), 1280);
	assert_int_equal(mtu_plateau(&conf, 1280), 0);
	conf.plateaus[6] = 1279;
	assert_int_equal(mtu_plateau(&conf, 1500), 0);
	conf.plateaus[6] = 1492;
	/* MTU-46-02, MTU-64-01 */
	assert_int_equal(mtu_told4(1500, false), 1480);
	assert_int_equal(mtu_told4(1500, true), 1472);
	assert_int_equal(mtu_told6(1400), 1420);
	assert_int_equal(mtu_told6(1000), 1280);
	assert_int_equal(mtu_told6(65535), 65535);
	/* MTU-64-04; lo has an MTU of 65536 */
	assert_int_equal(mtu_of_link(FAM_4, 65536), 65535);
	assert_int_equal(mtu_of_link(FAM_4, 0), 68);
	assert_int_equal(mtu_of_link(FAM_6, 1000), 1280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fn_to_ptb),
		cmocka_unit_test(test_ptb_to_fn),
		cmocka_unit_test(test_forwarding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
