// SPDX-License-Identifier: GPL-2.0-only
/* RFC 4884: where the parts of a message are, and the sizes that leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ext4884.h"

static void test_split(void **state)
{
	static const struct {
		const char *rule;
		enum ip_family fam;
		__u8 type;
		__u8 word[4];
		__u32 payload;
		enum reason r;
		__u32 quoted, ext;
	} rows[] = {
		{ "EXT-01", FAM_4, 3, { 0, 32, 0, 0 }, 140, R_GO_ON, 128, 12 },
		{ "EXT-01", FAM_4, 11, { 0, 32, 0, 0 }, 140, R_GO_ON, 128, 12 },
		{ "EXT-01", FAM_4, 12, { 8, 32, 0, 0 }, 140, R_GO_ON, 128, 12 },
		{ "EXT-01", FAM_6, 1, { 16, 0, 0, 0 }, 140, R_GO_ON, 128, 12 },
		{ "EXT-01", FAM_6, 3, { 16, 0, 0, 0 }, 140, R_GO_ON, 128, 12 },
		{ "EXT-01", FAM_6, 2, { 16, 0, 0, 0 }, 140, R_GO_ON, 140, 0 },
		{ "EXT-01", FAM_6, 4, { 16, 0, 0, 0 }, 140, R_GO_ON, 140, 0 },
		{ "EXT-02", FAM_4, 3, { 0, 0, 0, 0 }, 140, R_GO_ON, 140, 0 },
		{ "EXT-02", FAM_4, 3, { 0, 35, 0, 0 }, 140, R_GO_ON, 140, 0 },
		{ "EXT-03", FAM_4, 3, { 0, 36, 0, 0 }, 140, R_ext_bad, 0, 0 },
		{ "EXT-03", FAM_6, 1, { 1, 0, 0, 0 }, 7, R_ext_bad, 0, 0 },
		{ "EXT-03", FAM_4, 3, { 0, 255, 0, 0 }, 0, R_ext_bad, 0, 0 },
		{ "EXT-02", FAM_4, 3, { 0, 0, 0, 0 }, 0, R_GO_ON, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ext4884 e;
		enum reason r = ext4884_split(rows[i].fam, rows[i].type, rows[i].word,
					      rows[i].payload, &e);

		if (r != rows[i].r)
			fail_msg("%s: row %zu: reason %d", rows[i].rule, i, r);
		if (!r && (e.quoted != rows[i].quoted || e.ext != rows[i].ext))
			fail_msg("%s: row %zu: %u + %u", rows[i].rule, i, e.quoted, e.ext);
	}
}

static void test_fit(void **state)
{
	static const struct {
		const char *rule;
		enum ip_family fam;
		__u32 room, quoted, ext;
		__u32 want_quoted, want_ext;
		__u8 length;
	} rows[] = {
		{ "EXT-05", FAM_6, 1232, 148, 12, 152, 12, 19 },
		{ "EXT-05", FAM_4, 548, 108, 12, 128, 12, 32 },
		{ "EXT-05", FAM_6, 1232, 20, 12, 128, 12, 16 },
		{ "EXT-05", FAM_4, 548, 129, 12, 132, 12, 33 },
		{ "EXT-05", FAM_6, 1232, 1216, 16, 1216, 16, 152 },
		{ "EXT-06", FAM_6, 1232, 1217, 16, 1216, 16, 152 },
		{ "EXT-06", FAM_6, 1232, 1500, 300, 928, 300, 116 },
		{ "EXT-06", FAM_6, 1232, 1500, 301, 928, 301, 116 },
		{ "EXT-06", FAM_6, 1232, 148, 1104, 128, 1104, 16 },
		{ "EXT-06", FAM_6, 1232, 148, 1105, 148, 0, 0 },
		{ "EXT-06", FAM_4, 548, 800, 420, 128, 420, 32 },
		{ "EXT-06", FAM_4, 548, 800, 421, 548, 0, 0 },
		{ "EXT-06", FAM_4, 548, 500, 60000, 500, 0, 0 },
		{ "IN-13", FAM_6, 1232, 1480, 0, 1232, 0, 0 },
		{ "IN-13", FAM_4, 548, 49, 0, 49, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ext4884 e = { .quoted = rows[i].quoted, .ext = rows[i].ext };
		__u8 length = ext4884_fit(rows[i].fam, rows[i].room, &e);

		if (e.quoted != rows[i].want_quoted || e.ext != rows[i].want_ext ||
		    length != rows[i].length)
			fail_msg("%s: row %zu: %u + %u, length %u", rows[i].rule, i, e.quoted,
				 e.ext, length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
