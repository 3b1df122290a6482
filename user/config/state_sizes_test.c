/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes of the tables of mode stateful, counted by hand for each row, and the memory
 * that they take. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "options.h"
#include "policy_int.h"

#define MIB(n) ((unsigned long long)(n) << 20)

struct setting {
	const char *key, *value;
};

struct row {
	const char *rule;
	struct setting set[6];
	__u32 addresses, rows;
	__u64 ports[N_ST_PROTOS];
	__u64 sessions;
	__u32 bib6_lines, session_lines, sub_lines, hold_chunks, reach_words;
};

static const struct row rows[] = {
	/* 64512 * 2 + 65536 = 194560 mappings, twice is 389120, a power of two 524288 */
	{ "PORT-10 one address", { { "pool4", "192.0.2.1" } }, 1, 3, { 64512, 64512, 65536 }, 80640,
	  262144, 131072, 1024, 2048 + 24320 + 10080, 32768 + 16384 + 128 },
	{ "PORT-10 sixteen", { { "pool4", "192.0.2.0/28" } }, 16, 48,
	  { 1032192, 1032192, 1048576 }, 1290240, 4194304, 2097152, 8192,
	  16384 + 389120 + 161280, 524288 + 262144 + 1024 },
	/* one protocol: 2 rows less; ICMP identifiers are all, whatever the range */
	{ "PORT-10 tcp", { { "pool4", "192.0.2.1:1-100:tcp" } }, 1, 1, { 100, 0, 0 }, 125,
	  128, 128, 1024, 2048 + 12 + 15, 16 + 16 + 128 },
	{ "PORT-10 icmp", { { "pool4", "192.0.2.1:1-100:icmp" } }, 1, 1, { 0, 0, 65536 }, 0,
	  65536, 64, 1024, 2048 + 8192, 8192 + 8 + 128 },
	{ "PORT-10 same address", { { "pool4", "192.0.2.1:1-10" }, { "pool4", "192.0.2.1:11-11" },
	  { "pool4", "192.0.2.0/31:12-13" } }, 2, 6, { 15, 15, 131072 }, 18,
	  262144, 64, 1024, 2048 + 16387 + 2, 32768 + 8 + 128 },
	/* a static entry alone: a row, no port to give, one mapping */
	{ "ST-04 alone", { { "static", "udp,192.0.2.1:53,[2001:db8::1]:53" } }, 1, 1, { 0 }, 0,
	  64, 64, 1024, 2048, 8 + 8 + 128 },
	{ "ST-04 one address", { { "static", "udp,192.0.2.1:53,[2001:db8::1]:53" },
	  { "static", "udp,192.0.2.1:54,[2001:db8::1]:54" } }, 1, 1, { 0 }, 0,
	  64, 64, 1024, 2048, 8 + 8 + 128 },
	{ "ST-04 in the pool", { { "pool4", "192.0.2.1:1-64:tcp" },
	  { "static", "udp,192.0.2.1:53,[2001:db8::1]:53" },
	  { "static", "tcp,192.0.2.1:53,[2001:db8::1]:53" } }, 1, 2, { 64, 0, 0 }, 80,
	  128, 128, 1024, 2048 + 8 + 10, 16 + 16 + 128 },
	{ "CGN-02 mappings", { { "pool4", "192.0.2.0/28" }, { "max-tcp-mappings", "1000" },
	  { "max-udp-mappings", "500" }, { "max-icmp-mappings", "100" } }, 16, 48,
	  { 1032192, 1032192, 1048576 }, 1250, 2048, 2048, 8192, 16384 + 200 + 156,
	  256 + 256 + 1024 },
	{ "CGN-02 more than ports", { { "pool4", "192.0.2.1:1-64:tcp" },
	  { "max-tcp-mappings", "1000" } }, 1, 1, { 64, 0, 0 }, 80, 64, 128, 1024, 2048 + 8 + 10,
	  8 + 16 + 128 },
	{ "CGN-02 sessions", { { "pool4", "192.0.2.1:1-64:tcp" }, { "max-sessions", "5000" } },
	  1, 1, { 64, 0, 0 }, 5000, 64, 8192, 1024, 2048 + 8 + 625, 8 + 1024 + 128 },
	{ "CGN-02 subscribers", { { "pool4", "192.0.2.1:1-64:tcp" },
	  { "max-subscribers", "5000" } }, 1, 1,
	  { 64, 0, 0 }, 80, 64, 128, 16384, 32768 + 8 + 10, 8 + 16 + 2048 },
	{ "ST-09 permissions", { { "pool4", "192.0.2.1:1-64" }, { "filtering-udp", "adf" },
	  { "max-icmp-mappings", "36" } }, 1, 3, { 64, 64, 65536 }, 80 + 64 + 36,
	  256, 256, 1024, 2048 + 20 + 22, 32 + 32 + 128 },
	{ "ST-09 tcp alone", { { "pool4", "192.0.2.1:1-64:tcp" }, { "filtering-tcp", "adf" } },
	  1, 1, { 64, 0, 0 }, 80, 64, 128, 1024, 2048 + 8 + 10, 8 + 16 + 128 },
};

static void make(struct config *c, const struct setting *set, size_t n)
{
	struct config_error err;

	config_init(c);
	c->opt.mode = MODE_STATEFUL;
	for (size_t i = 0; i < n && set[i].key; i++)
		if (config_set(c, set[i].key, set[i].value, "test", &err))
			fail_msg("%s", err.text);
}

static void expect_row(const struct row *r, const struct state_sizes *s)
{
	const __u64 want[] = { r->addresses, r->rows, r->ports[0], r->ports[1], r->ports[2],
			       r->sessions, r->bib6_lines, r->session_lines, r->sub_lines,
			       r->hold_chunks, r->reach_words };
	const __u64 got[] = { s->addresses, s->rows, s->ports[0], s->ports[1], s->ports[2],
			      s->sessions, s->bib6_lines, s->session_lines, s->sub_lines,
			      s->hold_chunks, s->reach_words };

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (want[i] != got[i])
			fail_msg("%s: number %zu is %llu, wanted %llu", r->rule, i,
				 (unsigned long long)got[i], (unsigned long long)want[i]);
}

static void sizes_follow(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_error err;
		struct state_sizes s;
		struct config c;

		make(&c, rows[i].set, 6);
		assert_int_equal(state_sizes(&c, &s, &err), 0);
		config_free(&c);
		expect_row(&rows[i], &s);
	}
}

/* Bytes as the kernel tells them of such maps (bpftool map show: memlock). */
static void memory_is_counted(void **state)
{
	static const struct setting one[] = { { "pool4", "192.0.2.1" }, { "port-block", "64" } };
	const unsigned long long fixed = 2 * 135168 + 36864 + 8192 + 4096 + 32768 + 12288 + 4096;
	struct config_error err;
	struct state_sizes s;
	struct config c;

	(void)state;
	make(&c, one, 2);
	assert_int_equal(state_sizes(&c, &s, &err), 0);
	assert_int_equal(s.binding_bytes, 3 * 2101248);
	assert_int_equal(s.row_bytes, 3 * 24576);
	assert_int_equal(s.block_bytes, 12288);
	assert_int_equal(s.bytes, s.binding_bytes + s.row_bytes + s.block_bytes + fixed +
				  MIB(16) + 4096 + MIB(8) + 4096 + 196608 + 4096 +
				  2334720 + 4096 + 397312);
	c.opt.port_block = 0;
	assert_int_equal(state_sizes(&c, &s, &err), 0);
	assert_int_equal(s.block_bytes, 0);
	config_free(&c);
}

/* The largest pool is still a table of 2^30 lines; an address more is refused with its
 * number, and so are tables that no index can reach. */
static void what_is_too_much(void **state)
{
	static const struct setting all[] = { { "pool4", "10.0.0.0/20" } };
	static const struct setting more[] = { { "pool4", "10.0.0.0/20" },
					       { "pool4", "11.0.0.1" } };
	static const struct setting world[] = { { "pool4", "0.0.0.0/0" },
						{ "pool4", "11.0.0.1" } };
	struct config_error err;
	struct state_sizes s;
	struct config c;

	(void)state;
	make(&c, all, 1);
	assert_int_equal(state_sizes(&c, &s, &err), 0);
	assert_int_equal(s.rows, 3 * 4096);
	assert_int_equal(s.bib6_lines, 1u << 30);
	assert_int_equal(s.sub_lines, 1u << 20); /* not more by itself */
	c.opt.max_sessions = 0x60000000;
	assert_int_equal(state_sizes(&c, &s, &err), -E2BIG);
	assert_non_null(strstr(err.text, "max-sessions: entries of the table of sessions: "
					 "4294967296 are not possible, the limit is 2147483648"));
	config_free(&c);
	make(&c, more, 2);
	assert_int_equal(state_sizes(&c, &s, &err), -E2BIG);
	assert_non_null(strstr(err.text, "4097 are not possible, the limit is 4096"));
	config_free(&c);
	make(&c, world, 2);
	assert_int_equal(state_sizes(&c, &s, &err), -E2BIG);
	assert_non_null(strstr(err.text, "4294967296 are not possible"));
	config_free(&c);
}

/* Refused with both numbers, and only when it is more. */
static void memory_is_judged(void **state)
{
	struct state_sizes s = { .bytes = MIB(300) };
	const unsigned long long page = (unsigned long long)sysconf(_SC_PAGESIZE);
	struct config_error err = { "" };
	unsigned long long has;

	(void)state;
	assert_int_equal(state_memory_judge(&s, MIB(300), &err), 0);
	assert_int_equal(state_memory_judge(&s, MIB(300) - 1, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "need 300 MiB of kernel memory, this host has 299 MiB"));
	s.bytes = MIB(1) + 1;
	assert_int_equal(state_memory_judge(&s, 0, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "need 2 MiB of kernel memory, this host has 0 MiB"));
	/* no host has so much, and every host has a megabyte */
	s.bytes = 1ull << 60;
	assert_int_equal(state_memory_check(&s, &err), -ENOMEM);
	assert_int_equal(sscanf(strstr(err.text, "this host has"), "this host has %llu", &has), 1);
	assert_true(MIB(has) > page * (unsigned long long)sysconf(_SC_AVPHYS_PAGES) / 4);
	assert_true(MIB(has) <= page * (unsigned long long)sysconf(_SC_PHYS_PAGES));
	s.bytes = MIB(1);
	assert_int_equal(state_memory_check(&s, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_follow),
		cmocka_unit_test(memory_is_counted),
		cmocka_unit_test(what_is_too_much),
		cmocka_unit_test(memory_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
