/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of ports: what a pool address may give out (PORT-05, PORT-10), the differences
 * that a reload switches, and the text of ip_local_reserved_ports (GEN-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dataplane/port_set.h"

#define ALL (1u << ST_TCP | 1u << ST_UDP | 1u << ST_ICMP)

static const struct allowed_row {
	const char *rule;
	__u32 addr;		/* host order */
	enum st_proto proto;
	const char *want;
} allowed_rows[] = {
	{ "PORT-10: the ranges of an address add up", 0xcb007101, ST_TCP, "100-200,1024-65535" },
	{ "PORT-10: by protocol", 0xcb007101, ST_UDP, "1024-65535" },
	{ "PORT-05: never port 0", 0xcb007105, ST_TCP, "1-65535" },
	{ "ICMP identifiers are not ports", 0xcb007101, ST_ICMP, "0-65535" },
	{ "an entry without the protocol", 0xcb007105, ST_ICMP, "" },
	{ "ST-04: an address that has static entries only", 0xcb007109, ST_TCP, "" },
	{ "the address behind a prefix", 0xcb007104, ST_TCP, "" },
};

static struct pool4_entry pool[] = {
	{ { 0, 30 }, 1024, 65535, ALL },
	{ { 0, 32 }, 100, 200, 1u << ST_TCP },
	{ { 0, 32 }, 0, 65535, 1u << ST_TCP },
};

static void test_allowed(void **state)
{
	struct config c = { .pool4 = { pool, 3 } };
	struct port_set set;
	char text[64];
	size_t i;

	(void)state;
	pool[0].prefix.addr = be32(0xcb007100);
	pool[1].prefix.addr = be32(0xcb007101);
	pool[2].prefix.addr = be32(0xcb007105);
	for (i = 0; i < sizeof(allowed_rows) / sizeof(allowed_rows[0]); i++) {
		const struct allowed_row *r = &allowed_rows[i];

		print_message("%s\n", r->rule);
		port_set_of(&c, be32(r->addr), r->proto, &set);
		port_set_text(&set, text, sizeof(text));
		assert_string_equal(text, r->want);
	}
}

static const struct diff_row {
	const char *name, *have, *want;
	const char *on, *off;	/* what is switched */
} diff_rows[] = {
	{ "attach", "", "1024-65535", "1024-65535", "" },
	{ "draining", "1024-65535", "", "", "1024-65535" },
	{ "another range", "1000-2000", "1500-3000", "2001-3000", "1000-1499" },
	{ "within one word", "1-10", "3-5,12", "12", "1-2,6-10" },
	{ "words that are equal are passed over", "0-6399,7000", "0-6399,7001", "7001", "7000" },
	{ "the ends", "0", "65535", "65535", "0" },
	{ "nothing", "5,70-80", "5,70-80", "", "" },
	{ "on beside off", "64-127", "128-191", "128-191", "64-127" },
};

static void test_differences(void **state)
{
	struct port_set have, want, on, off;
	struct port_run run = { 0 };
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(diff_rows) / sizeof(diff_rows[0]); i++) {
		const struct diff_row *r = &diff_rows[i];
		__u32 from = 0;

		print_message("%s\n", r->name);
		memset(&on, 0, sizeof(on));
		memset(&off, 0, sizeof(off));
		assert_true(port_set_parse(r->have, &have));
		assert_true(port_set_parse(r->want, &want));
		for (; port_set_next(&have, &want, from, &run); from = run.last + 1)
			port_set_add(run.on ? &on : &off, run.first, run.last);
		port_set_text(&on, text, sizeof(text));
		assert_string_equal(text, r->on);
		port_set_text(&off, text, sizeof(text));
		assert_string_equal(text, r->off);
	}
}

/* A run is never longer than what has to be switched. */
static void test_runs_are_exact(void **state)
{
	struct port_set have, want;
	struct port_run run;

	(void)state;
	assert_true(port_set_parse("10", &have));
	assert_true(port_set_parse("8-12", &want));
	assert_true(port_set_next(&have, &want, 0, &run));
	assert_int_equal(run.first, 8);
	assert_int_equal(run.last, 9);
	assert_true(port_set_next(&have, &want, 10, &run));
	assert_int_equal(run.first, 11);
	assert_int_equal(run.last, 12);
	assert_false(port_set_next(&have, &want, 13, &run));
	assert_int_equal(port_set_count(&want), 5);
}

static const struct text_row {
	const char *text;
	bool ok;
	const char *again;
} text_rows[] = {
	{ "", true, "" },
	{ "\n", true, "" },
	{ "8080\n", true, "8080" },
	{ "1,2,3,10-20\n", true, "1-3,10-20" },
	{ "65536", false, NULL },
	{ "20-10", false, NULL },
	{ "7-", false, NULL },
	{ "x", false, NULL },
	{ "1 2", false, NULL },
};

static void test_text(void **state)
{
	struct port_set set;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++) {
		const struct text_row *r = &text_rows[i];

		print_message("'%s'\n", r->text);
		assert_int_equal(port_set_parse(r->text, &set), r->ok);
		if (!r->ok)
			continue;
		port_set_text(&set, text, sizeof(text));
		assert_string_equal(text, r->again);
	}
	assert_true(port_set_parse("1000,2000,3000,4000", &set));
	port_set_text(&set, text, 16);
	assert_string_equal(text, "1000,2000...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_runs_are_exact),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
