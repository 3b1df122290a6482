// SPDX-License-Identifier: GPL-2.0-only
/* The ICMP tables of requirements 6.1 to 6.3, every type and code both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "icmp.h"

struct expected {
	const char *rule;
	__u8 type, first, last;
	int to_type, to_code; /* to_code -1: the same */
	enum icmp_word word;
};

static const struct expected from4[] = {
	{ "ICMP-46-03", 3, 0, 1, 1, 0, WORD_UNUSED },
	{ "ICMP-46-04", 3, 2, 2, 4, 1, WORD_POINTER_NH },
	{ "ICMP-46-05", 3, 3, 3, 1, 4, WORD_UNUSED },
	{ "ICMP-46-06", 3, 4, 4, 2, 0, WORD_MTU },
	{ "ICMP-46-03", 3, 5, 8, 1, 0, WORD_UNUSED },
	{ "ICMP-46-07", 3, 9, 10, 1, 1, WORD_UNUSED },
	{ "ICMP-46-03", 3, 11, 12, 1, 0, WORD_UNUSED },
	{ "ICMP-46-07", 3, 13, 13, 1, 1, WORD_UNUSED },
	{ "ICMP-46-07", 3, 15, 15, 1, 1, WORD_UNUSED },
	{ "ICMP-46-09", 11, 0, 255, 3, -1, WORD_UNUSED },
	{ "ICMP-46-10", 12, 0, 0, 4, 0, WORD_POINTER },
	{ "ICMP-46-10", 12, 2, 2, 4, 0, WORD_POINTER },
};

static const struct expected from6[] = {
	{ "ICMP-64-03", 1, 0, 0, 3, 1, WORD_UNUSED },
	{ "ICMP-64-04", 1, 1, 1, 3, 10, WORD_UNUSED },
	{ "ICMP-64-03", 1, 2, 3, 3, 1, WORD_UNUSED },
	{ "ICMP-64-05", 1, 4, 4, 3, 3, WORD_UNUSED },
	{ "ICMP-64-07", 2, 0, 255, 3, 4, WORD_MTU },
	{ "ICMP-64-08", 3, 0, 255, 11, -1, WORD_UNUSED },
	{ "ICMP-64-09", 4, 0, 0, 12, 0, WORD_POINTER },
	{ "ICMP-64-10", 4, 1, 1, 3, 2, WORD_UNUSED },
};

static const struct expected *find(const struct expected *t, size_t n, int type, int code)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].type == type && code >= t[i].first && code <= t[i].last)
			return &t[i];
	return NULL;
}

/* Every one of the 65,536 pairs: what is in no row has no counterpart. */
static void check_family(enum ip_family fam, const struct expected *t, size_t n)
{
	for (int type = 0; type < 256; type++)
		for (int code = 0; code < 256; code++) {
			const struct expected *want = find(t, n, type, code);
			const struct icmp_rule *got = icmp_rule(fam, (__u8)type, (__u8)code);

			if (!want != !got)
				fail_msg("IPv%d %d/%d: %s", fam, type, code,
					 got ? "has a counterpart" : want->rule);
			if (!want)
				continue;
			if (got->to_type != want->to_type || got->word != want->word ||
			    icmp_to_code(got, (__u8)code) !=
				    (want->to_code < 0 ? code : want->to_code))
				fail_msg("%s: IPv%d %d/%d", want->rule, fam, type, code);
		}
}

static void test_4to6(void **state)
{
	(void)state;
	check_family(FAM_4, from4, sizeof(from4) / sizeof(from4[0]));
}

static void test_6to4(void **state)
{
	(void)state;
	check_family(FAM_6, from6, sizeof(from6) / sizeof(from6[0]));
}

/* 6.3: what each byte of one header is in the other, -1: nothing. */
static void test_pointers(void **state)
{
	static const int to6[20] = { 0, 1, 4, 4, -1, -1, -1, -1, 7, 6, -1, -1, 8, 8, 8, 8,
				     24, 24, 24, 24 };
	static const int to4[8] = { 0, 1, -1, -1, 2, 2, 9, 8 };

	(void)state;
	for (__u32 p = 0; p < 256; p++)
		assert_int_equal(icmp_pointer(FAM_4, p), p < 20 ? to6[p] : -1);
	for (__u32 p = 0; p < 1024; p++)
		assert_int_equal(icmp_pointer(FAM_6, p),
				 p < 8 ? to4[p] : p < 24 ? 12 : p < 40 ? 16 : -1);
	assert_int_equal(icmp_pointer(FAM_6, 0xffffffff), -1);
	assert_int_equal(icmp_pointer(FAM_6, 0x100), -1);
}

/* HP-02: whatever an ICMPv6 error becomes, it can come back. */
static void test_back(void **state)
{
	(void)state;
	for (int type = 0; type < 256; type++)
		for (int code = 0; code < 256; code++) {
			const struct icmp_rule *r = icmp_rule(FAM_6, (__u8)type, (__u8)code);

			if (r)
				assert_non_null(icmp_rule(FAM_4, r->to_type,
							  icmp_to_code(r, (__u8)code)));
		}
	for (__u32 p = 0; p < 40; p++)
		if (icmp_pointer(FAM_6, p) >= 0)
			assert_true(icmp_pointer(FAM_4, (__u32)icmp_pointer(FAM_6, p)) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_4to6),
		cmocka_unit_test(test_6to4),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
