/* SPDX-License-Identifier: GPL-2.0-only */
/* xlat4 0.0.0.0/0 (GEN-03): a CLAT (RFC 6877) does not know where its IPv4 hosts are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "policy.h"

/* All but what has no hosts. */
static void everything(void **state)
{
	static const struct {
		__be32 addr;
		__u32 flags;
	} row[] = {
		{ IP4(0, 0, 0, 1), 0 },		{ IP4(1, 0, 0, 0), POL_XLAT4 },
		{ IP4(127, 0, 0, 1), 0 },	{ IP4(169, 253, 0, 1), POL_XLAT4 },
		{ IP4(169, 254, 0, 1), 0 },	{ IP4(223, 255, 255, 255), POL_XLAT4 },
		{ IP4(224, 0, 0, 5), 0 },	{ IP4(255, 255, 255, 255), 0 },
		{ IP4(192, 0, 0, 1), POL_XLAT4 | POL_EAM },
	};
	struct eam_entry eam = { { IP4(192, 0, 0, 0), 29 }, { { { be32(0x20010db8) } }, 125 } };
	struct prefix4 all = { 0, 0 };
	struct config c = { .eam = { &eam, 1 }, .xlat4 = { &all, 1 } };
	struct n64_conf conf = { .abi = N64_ABI };
	struct policy p;

	(void)state;
	assert_int_equal(policy_compile(&c, &conf, NULL, 0, &p), 0);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct n64_pol4 *v = policy_find4(&p, row[i].addr);

		assert_int_equal(v ? v->flags : 0, row[i].flags);
	}
	policy_free(&p);
}

static int warnings;
static char last_warning[512];

static void note(const char *text)
{
	warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

/* On a port it would take the host's own packets: said, but not where only 6to4 is done. */
static void ports(void **state)
{
	static const struct {
		const char *port, *want;
	} row[] = {
		{ "eth0:6to4", NULL },
		{ "eth0:none", NULL },
		{ "eth0", "0.0.0.0/0 takes every IPv4 packet that comes in by eth0" },
		{ "eth0:4to6", "write eth0:6to4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct config_error err;
		struct config c;

		warnings = 0;
		config_init(&c);
		assert_int_equal(config_set(&c, "interfaces", row[i].port, "-i", &err), 0);
		assert_int_equal(config_set(&c, "interfaces", "b:6to4", "-i", &err), 0);
		assert_int_equal(config_set(&c, "pref64", "2001:db8:64::/96", "-6", &err), 0);
		assert_int_equal(config_set(&c, "eam", "192.0.0.0/29=2001:db8::/125", "", &err), 0);
		assert_int_equal(config_set(&c, "xlat4", "0.0.0.0/0", "--xlat4", &err), 0);
		if (config_check(&c, note, &err))
			fail_msg("%s: %s", row[i].port, err.text);
		if (row[i].want ? !strstr(last_warning, row[i].want) : warnings)
			fail_msg("%s: %s", row[i].port, last_warning);
		config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
