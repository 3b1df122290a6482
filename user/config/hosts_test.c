/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration of mode dynamic (section 15): what is refused, what is only said, and
 * which addresses of which blocks hosts may get (DYN-05). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "dynamic.h"
#include "options.h"
#include "policy_int.h"

#define HEAD "mode: dynamic\ninterfaces: [a]\n"
#define POOL HEAD "pool4: [10.0.1.0/24]\nallow6: [fc00::/8]\n"

static char last_warning[600];

static void keep_warning(const char *text)
{
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static int judge(struct config *c, const char *text, struct config_error *err)
{
	char path[] = "/tmp/n64-hosts-test-XXXXXX";
	int fd = mkstemp(path);
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	last_warning[0] = '\0';
	config_init(c);
	memset(err, 0, sizeof(*err));
	rc = config_read_file(c, path, err);
	if (!rc)
		rc = config_check(c, keep_warning, err);
	unlink(path);
	return rc;
}

struct row {
	const char *rule, *text;
	const char *want;	/* part of the sentence, or of the last warning; NULL: none */
};

static const struct row bad[] = {
	{ "no pool", HEAD "allow6: [fc00::/8]\n", "pool4: mode dynamic needs one" },
	{ "ADR-26", HEAD "pool4: [10.0.1.0/24]\n", "allow6: mode dynamic needs to know" },
	{ "DYN-01 ports", HEAD "allow6: [fc00::/8]\npool4: [10.0.1.0/24:1-9]\n",
	  ":4: pool4: '10.0.1.0/24:1-9' is not possible in mode dynamic" },
	{ "DYN-01 protocols", HEAD "allow6: [fc00::/8]\npool4: [{prefix: 10.0.1.0/24, "
	  "protocols: [tcp]}]\n", ":4: pool4: '10.0.1.0/24:1024-65535:tcp' is not possible" },
	{ "DYN-07 overlap", HEAD "allow6: [fc00::/8]\npool4: [10.0.0.0/16, 10.0.1.0/24]\n",
	  ":4: pool4: '10.0.1.0/24' is not allowed, it has addresses and ports of 10.0.0.0/16" },
	{ "ADR-20", HEAD "allow6: [fc00::/8]\npool4: [224.0.1.0/24]\n", "'224.0.1.0/24' is not" },
	{ "static", POOL "static: [\"tcp,10.0.1.5:1,[fc00::5]:1\"]\n",
	  ":5: static: 'tcp,10.0.1.5:1,[fc00::5]:1' is not possible in mode dynamic" },
	{ "eam", POOL "eam: [192.0.2.1=2001:db8::1]\n", ":5: eam: '192.0.2.1/32=2001:db8::1/128' is" },
	{ "xlat4", POOL "xlat4: [192.0.2.0/24]\n", ":5: xlat4: '192.0.2.0/24' is not possible" },
	{ "DYN-07 form", POOL "static-hosts: [10.0.1.5]\n", "10.0.1.5" },
	{ "DYN-07 prefix", POOL "static-hosts: [10.0.1.0/24=fc00::5]\n", ":5: static-hosts.ipv4" },
	{ "DYN-07 twice, IPv4", POOL "static-hosts: [10.0.1.5=fc00::5, 10.0.1.5=fc00::6]\n",
	  "static-hosts: '10.0.1.5=fc00::6' is not allowed" },
	{ "DYN-07 twice, IPv6", POOL "static-hosts: [10.0.1.5=fc00::5, 10.0.1.6=fc00::5]\n",
	  "static-hosts: '10.0.1.6=fc00::5' is not allowed" },
	{ "ADR-22", POOL "static-hosts: [10.0.1.5=64:ff9b::5]\n", "lies in pref64 64:ff9b::/96" },
	{ "ADR-20 host", POOL "static-hosts: [127.0.0.1=fc00::5]\n", "static-hosts: '127.0.0.1" },
	{ "DYN-04", POOL "dyn-timeout: 1\n", ":5: dyn-timeout: '1' is not between 2 and" },
	{ "DYN-03", POOL "dyn-others: ignore\n", ":5: dyn-others: 'ignore' is not one of" },
	{ "size", HEAD "allow6: [fc00::/8]\npool4: [128.0.0.0/3]\n",
	  "pool4: blocks of 65536 addresses that share their upper half: 8192 are not possible" },
	{ "siit", "interfaces: [a]\npref64: 2001:db8::/96\npool4: [10.0.1.0/24]\n",
	  ":3: pool4: '10.0.1.0/24:1024-65535' is not possible in mode siit" },
	{ "siit hosts", "interfaces: [a]\npref64: 2001:db8::/96\nstatic-hosts: [10.0.1.5=fc00::5]\n",
	  ":3: static-hosts: '10.0.1.5=fc00::5' is not possible in mode siit" },
};

static const struct row good[] = {
	{ "ADR-03", POOL, NULL },
	{ "DYN-07", POOL "static-hosts: [192.0.2.7=2001:db8::1, {ipv4: 10.0.1.5, ipv6: fc00::5}]\n",
	  NULL },
	{ "static alone", HEAD "allow6: [fc00::/8]\nstatic-hosts: [10.0.1.5=fc00::5]\n", NULL },
	{ "large", HEAD "allow6: [fc00::/8]\npool4: [10.0.0.0/8]\n", NULL },
	{ "no effect", POOL "udp-timeout: 200\n", "udp-timeout: it has no effect in mode dynamic" },
	{ "no effect", POOL "hairpin: simple\n", "hairpin: it has no effect in mode dynamic" },
	{ "no effect", "mode: stateful\ninterfaces: [a]\npref64: 2001:db8::/96\npool4: [10.0.1.1]\n"
	  "dyn-timeout: 60\n", "dyn-timeout: it has no effect in mode stateful" },
	{ "no effect", "interfaces: [a]\npref64: 2001:db8::/96\neam: [192.0.2.1=2001:db9::1]\n"
	  "dyn-others: pass\n", "dyn-others: it has no effect in mode siit" },
};

static void bad_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config_error err;
		struct config c;
		int rc = judge(&c, bad[i].text, &err);

		config_free(&c);
		if (rc >= 0 || !strstr(err.text, bad[i].want) || strchr(err.text, '\n'))
			fail_msg("%s: rc %d '%s' wanted '%s'", bad[i].rule, rc, err.text, bad[i].want);
	}
}

static void good_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct config_error err;
		struct config c;
		int rc = judge(&c, good[i].text, &err);

		if (rc)
			fail_msg("%s: %s", good[i].rule, err.text);
		if (good[i].want ? !strstr(last_warning, good[i].want) : last_warning[0] != '\0')
			fail_msg("%s: warning '%s'", good[i].rule, last_warning);
		if (c.opt.mode == MODE_DYNAMIC) { /* looked at again, nothing changes */
			assert_int_equal(config_check(&c, NULL, &err), 0);
			assert_int_equal(c.statics.n, c.static_hosts.n);
			assert_true(c.pref64.n == 1 && prefix6_is_wkp(&c.pref64.v[0]));
		}
		config_free(&c);
	}
}

/* DYN-05: by prefix and block, the lower halves that hosts may get. */
static void ranges(void **state)
{
	static const struct {
		struct prefix4 p;
		__be32 block;
		bool any;
		__u32 first, last;
	} v[] = {
		{ { IP4(10, 0, 1, 0), 24 }, IP4(10, 0, 0, 0), true, 257, 510 },
		{ { IP4(10, 0, 1, 0), 24 }, IP4(10, 1, 0, 0), false, 0, 0 },
		{ { IP4(10, 0, 0, 0), 30 }, IP4(10, 0, 0, 0), true, 1, 2 },
		{ { IP4(10, 0, 0, 0), 31 }, IP4(10, 0, 0, 0), true, 0, 1 },
		{ { IP4(10, 0, 255, 255), 32 }, IP4(10, 0, 0, 0), true, 65535, 65535 },
		{ { IP4(10, 0, 0, 0), 16 }, IP4(10, 0, 0, 0), true, 1, 65534 },
		{ { IP4(10, 0, 0, 0), 15 }, IP4(10, 0, 0, 0), true, 1, 65535 },
		{ { IP4(10, 0, 0, 0), 15 }, IP4(10, 1, 0, 0), true, 0, 65534 },
		{ { IP4(10, 0, 0, 0), 8 }, IP4(10, 77, 0, 0), true, 0, 65535 },
		{ { IP4(10, 0, 0, 0), 8 }, IP4(11, 0, 0, 0), false, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		__u32 first = 0, last = 0;

		assert_int_equal(host_range(&v[i].p, v[i].block, &first, &last), v[i].any);
		if (v[i].any && (first != v[i].first || last != v[i].last))
			fail_msg("row %zu: %u-%u", i, first, last);
	}
}

/* Entries of one block share a slot; the table and the list know the pool. */
static void blocks(void **state)
{
	static const char text[] = HEAD "allow6: [fc00::/8]\n"
		"pool4: [10.0.1.0/24, 10.0.9.0/30, 10.2.0.0/15, 192.0.2.7/32]\n"
		"static-hosts: [10.0.200.1=fc00::5, 198.51.100.1=fc00::6]\n";
	static const __be32 want[] = { IP4(10, 0, 0, 0), IP4(10, 2, 0, 0), IP4(10, 3, 0, 0),
				       IP4(192, 0, 0, 0), IP4(198, 51, 0, 0) };
	struct n64_slot *slot = calloc(N64_MAX_SLOTS, sizeof(*slot));
	const struct n64_pol4 *pol;
	struct state_sizes sizes;
	struct config_error err;
	struct n64_conf conf;
	struct policy p;
	struct config c;

	(void)state;
	assert_int_equal(judge(&c, text, &err), 0);
	assert_int_equal(state_sizes(&c, &sizes, &err), 0);
	assert_int_equal(sizes.rows, 5);
	assert_int_equal(sizes.ports[ST_HOST], 254 + 2 + 131070 + 1);
	assert_int_equal(pool_slots(&c, NULL, slot), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(slot[i].addr, want[i]);
		assert_int_equal(slot[i].protos, 1 << ST_HOST);
	}
	assert_int_equal(slot[5].flags, 0);
	config_to_conf(&c, &conf);
	assert_int_equal(policy_compile(&c, &conf, NULL, 0, &p), 0);
	pol = policy_find4(&p, IP4(10, 0, 1, 0));
	assert_true(pol && pol->flags & POL_HOSTS);
	pol = policy_find4(&p, IP4(10, 0, 200, 1));
	assert_true(pol && pol->flags & POL_HOSTS);
	assert_null(policy_find4(&p, IP4(10, 0, 2, 1)));
	policy_free(&p);
	config_free(&c);
	free(slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_files),
		cmocka_unit_test(good_files),
		cmocka_unit_test(ranges),
		cmocka_unit_test(blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
