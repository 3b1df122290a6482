/* SPDX-License-Identifier: GPL-2.0-only */
/* GEN-10 on a busy gateway: what is between two counters is told from what is
 * lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counters.h"

/* GEN-10 */
static const struct row {
	const char *what;
	struct handover first, now;
	bool arrived;
} rows[] = {
	{ "all of the first look has arrived, more is on its way",
	  { .handed_over = 100, .received = 90, .worker_in = 88 },
	  { .handed_over = 300, .received = 280, .worker_in = 279, .missing = 20 }, true },
	{ "what the rings dropped has arrived too",
	  { .handed_over = 100, .received = 90, .worker_in = 90 },
	  { .handed_over = 110, .received = 95, .worker_in = 95, .ring_drops = 5, .missing = 10 },
	  true },
	{ "nothing moves: a gap is a loss",
	  { .handed_over = 100, .received = 90, .worker_in = 90, .missing = 10 },
	  { .handed_over = 100, .received = 90, .worker_in = 90, .missing = 10 }, false },
	{ "less has arrived than had been handed over",
	  { .handed_over = 100, .received = 50, .worker_in = 50, .missing = 50 },
	  { .handed_over = 120, .received = 99, .worker_in = 99, .missing = 21 }, false },
	{ "the worker took packets that have not left it",
	  { .handed_over = 100, .received = 100, .worker_in = 60 },
	  { .handed_over = 200, .received = 190, .worker_in = 90, .missing = 10 }, false },
	{ "more was received than was ever handed over",
	  { .handed_over = 100, .received = 90, .worker_in = 90 },
	  { .handed_over = 100, .received = 110, .worker_in = 100, .missing = -10 }, false },
	{ "more left the worker than was ever handed over",
	  { .handed_over = 100, .received = 90, .worker_in = 90 },
	  { .handed_over = 110, .received = 105, .worker_in = 120, .missing = 5 }, false },
};

static void test_arrived(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (handover_arrived(&rows[i].first, &rows[i].now) != rows[i].arrived)
			fail_msg("%s", rows[i].what);
	}
}

/* A packet that the worker holds has neither left it nor is it lost. */
static void test_held(void **state)
{
	static struct counters c; /* zero, and large */
	struct handover h;

	(void)state;
	c.n = 2;
	c.v[0].kind = STAGE_PORT;
	c.v[0].by[R_slow_frag4].packets = 10;
	c.v[1].kind = STAGE_WORKER;
	c.v[1].in.packets = 7;
	c.control.xsk_rx_received = 10;
	counters_handover(&c, &h);
	assert_false(h.holds);
	c.control.held = 3;
	counters_handover(&c, &h);
	assert_true(h.holds);
	assert_int_equal(h.held, 3);
	assert_int_equal(h.missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrived),
		cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
