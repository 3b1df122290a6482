/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines that packets cause are few, whatever the packets do (L4-03). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/log.h"

struct step {
	__u32 now_ms;
	unsigned int asked, written;
	__u32 hidden;	/* said with the first line written */
};

/* In time: rows see what the rows before have used up. */
static const struct step steps[] = {
	{ 10000, 100, LOG_BURST, 0 },	  { 10999, 100, 0, 0 },
	{ 11000, 100, 1, 195 },		  { 11000, 1, 0, 0 },
	{ 13000, 100, 2, 100 },		  { 100000, 100, LOG_BURST, 98 },
	{ 5, 100, LOG_BURST, 95 }, /* the clock wrapped */
};

static void test_limit(void **state)
{
	struct log_limit l = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned int written = 0;
		__u32 hidden = 0, first = 0;

		for (unsigned int n = 0; n < steps[i].asked; n++) {
			if (!log_allowed(&l, steps[i].now_ms, &hidden))
				continue;
			first = written++ ? first : hidden;
		}
		if (written != steps[i].written || (written && first != steps[i].hidden))
			fail_msg("row %zu: %u lines, %u hidden", i, written, first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_limit) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
