/* SPDX-License-Identifier: GPL-2.0-only */
/* Each page of each table is asked for once, in whatever steps (touch.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "touch.h"

static const struct {
	__u32 bib6_lines, session_lines, sub_lines, hold_chunks, addresses;
	__u32 pages[N_TOUCH_TABLES];	/* reach, subs, bib6, bindings, sessions, holds */
} rows[] = {
	{ 64, 64, 1024, 64, 1, { 1, 49, 1, 3 * 512, 1, 1 } },
	{ 262144, 131072, 1024, 100000, 2, { 97, 49, 4096, 6 * 512, 2048, 1563 } },
	{ 65, 1, 21, 65, 0, { 1, 1, 2, 0, 1, 2 } },
};

static void test_all_once(void **state)
{
	static struct n64_slot slot[N64_MAX_SLOTS];
	static const __u32 steps[] = { 1, 8, 64, TOUCH_MOST };
	static __u32 row[N64_MAX_ROWS];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 4; i++) {
		__u32 want = 0, seen[N_TOUCH_TABLES] = { 0 }, next[N_TOUCH_TABLES] = { 0 };
		struct n64_state_conf st = { .bib6_lines = rows[i / 4].bib6_lines,
					     .session_lines = rows[i / 4].session_lines,
					     .sub_lines = rows[i / 4].sub_lines,
					     .hold_chunks = rows[i / 4].hold_chunks };
		struct touch t = { 0 };
		struct n64_call c;
		__u32 n;

		memset(slot, 0, sizeof(slot));
		for (__u32 a = 0; a < rows[i / 4].addresses; a++) {
			slot[3 * a].addr = 1 + a;
			slot[3 * a].protos = 7;
		}
		n = touch_rows(slot, row);
		assert_int_equal(n, 3 * rows[i / 4].addresses);
		while (touch_next(&t, &st, row, n, steps[i % 4], &c)) {
			__u32 at = c.binding;

			assert_int_equal(c.op, CALL_TOUCH);
			assert_in_range(c.n, 1, steps[i % 4]);
			assert_in_range(c.proto, 0, N_TOUCH_TABLES - 1);
			if (c.proto == TOUCH_BINDINGS) { /* row and port, one row after the other */
				at = seen[c.proto] / 512;
				assert_int_equal(c.binding >> 16, row[at]);
				at = (c.binding & 0xffff) + (at << 16);
			}
			assert_int_equal(at, next[c.proto]);
			next[c.proto] += c.n * c.last;
			seen[c.proto] += c.n;
		}
		for (__u32 k = 0; k < N_TOUCH_TABLES; k++) {
			if (seen[k] != rows[i / 4].pages[k])
				fail_msg("row %zu, table %u: %u pages, not %u", i / 4, k, seen[k],
					 rows[i / 4].pages[k]);
			want += seen[k];
		}
		assert_int_equal(t.pages, want);
		assert_false(touch_next(&t, &st, row, n, 8, &c));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_once) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
