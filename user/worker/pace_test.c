/* SPDX-License-Identifier: GPL-2.0-only */
/* Rounds with a clock of our own (ST-10): every step once in a period. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/pace.h"

#define PERIOD 7000
#define TICK 250

struct row {
	const char *name;
	__u32 size;
	__u32 most;	/* steps at once */
	__u32 per_tick;	/* more than this is never done in a tick */
};

static const struct row rows[] = {
	{ "ST-10 one row", 1, 1, 1 },
	{ "ST-10 fewer steps than ticks", 5, 1, 1 },
	{ "ST-10 as many steps as ticks", 28, 1, 1 },
	{ "ST-10 three rows of 32 steps", 96, 1, 4 },
	{ "ST-10 a million sessions", 1 << 20, 512, 37450 },
	{ "ST-10 a size that divides nothing", 9973, 100, 357 },
};

/* In any period that begins at a tick each step is done at least once, at most twice,
 * and no tick does much more than its share. */
static void test_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		__u32 *last = calloc(r->size, sizeof(*last));
		struct pace p = { .size = r->size };

		assert_non_null(last);
		for (__u32 t = TICK; t < 5 * PERIOD; t += TICK) {
			__u32 done = 0, n;

			pace_flow(&p, TICK, PERIOD);
			while (pace_due(&p, PERIOD)) {
				__u32 at = pace_take(&p, PERIOD, r->most, &n);

				assert_true(n && n <= r->most && at + n <= r->size);
				done += n;
				while (n--) {
					if (last[at + n] && t - last[at + n] > PERIOD + TICK)
						fail_msg("%s: step %u after %u ms", r->name, at + n,
							 t - last[at + n]);
					last[at + n] = t;
				}
			}
			if (done > r->per_tick)
				fail_msg("%s: %u steps in a tick", r->name, done);
		}
		for (__u32 s = 0; s < r->size; s++)
			if (5 * PERIOD - last[s] > PERIOD + TICK)
				fail_msg("%s: step %u was last done at %u ms", r->name, s, last[s]);
		free(last);
	}
}

/* A worker that was stopped for an hour does one round, not five hundred. */
static void test_late(void **state)
{
	struct pace p = { .size = 100 };
	__u32 done = 0, n;

	(void)state;
	pace_flow(&p, 3600 * 1000, PERIOD);
	while (pace_due(&p, PERIOD)) {
		pace_take(&p, PERIOD, 7, &n);
		done += n;
	}
	assert_int_equal(done, 100);
}

static void test_resize(void **state)
{
	struct pace p = { 0 };
	__u32 n;

	(void)state;
	pace_flow(&p, 60000, PERIOD);
	assert_false(pace_due(&p, PERIOD));
	pace_resize(&p, 10, PERIOD);
	assert_false(pace_due(&p, PERIOD));
	pace_flow(&p, PERIOD, PERIOD);
	assert_int_equal(pace_take(&p, PERIOD, 8, &n), 0);
	assert_int_equal(n, 8);
	/* the same size goes on, another begins anew and owes no more than a round */
	pace_resize(&p, 10, PERIOD);
	assert_int_equal(p.at, 8);
	pace_flow(&p, PERIOD, PERIOD);
	pace_resize(&p, 3, PERIOD);
	assert_int_equal(pace_take(&p, PERIOD, 8, &n), 0);
	assert_int_equal(n, 3);
	assert_false(pace_due(&p, PERIOD));
	pace_resize(&p, 0, PERIOD);
	assert_false(pace_due(&p, PERIOD));
}

static void test_budget(void **state)
{
	struct pace_budget b = { 2000, 20000, 2000 };
	static const struct {
		bool done;
		__u32 now;
	} step[] = {
		{ true, 2000 }, { false, 4000 }, { false, 8000 }, { false, 16000 },
		{ false, 20000 }, { false, 20000 }, { true, 10000 }, { true, 5000 },
		{ true, 2500 }, { true, 2000 }, { false, 4000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		pace_adapt(&b, step[i].done);
		assert_int_equal(b.now, step[i].now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
