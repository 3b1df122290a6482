/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs are told of a configuration, where it follows from several settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"
#include "options.h"
#include "policy.h"

/* ADR-04: rules of the well-known prefix, where there is one. */
static const struct {
	const char *pref64, *strict;
	__u32 rules;
} wkp_rows[] = {
	{ "64:ff9b::/96", "on", 1 },
	{ "64:ff9b::/96", "off", 0 },
	{ "2001:db8:64::/96", "on", 0 },
	{ "[2001:db8:64::/96, 2001:db8:1::/48]", "on", 0 },
	{ "[2001:db8:64::/96, 64:ff9b::/96]", "on", 1 },
	{ "[2001:db8:64::/96, 64:ff9b:1::/96]", "on", 0 },
};

static void wkp_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wkp_rows) / sizeof(wkp_rows[0]); i++) {
		struct config_error err;
		struct n64_conf conf;
		struct config c;

		config_init(&c);
		assert_int_equal(config_set(&c, "pref64", wkp_rows[i].pref64, "test", &err), 0);
		assert_int_equal(config_set(&c, "wkp-strict", wkp_rows[i].strict, "test", &err), 0);
		config_to_conf(&c, &conf);
		if (conf.wkp_rules != wkp_rows[i].rules)
			fail_msg("%s, %s: %u", wkp_rows[i].pref64, wkp_rows[i].strict,
				 conf.wkp_rules);
		config_free(&c);
	}
}

/* Where a search for a port begins, if all addresses have the same (PORT-05). */
static const struct {
	const char *pool;
	__u32 tcp_first, tcp_n, udp_first, udp_n;
} same_rows[] = {
	{ "[192.0.2.0/31]", 1024, 64512, 1024, 64512 },
	{ "[192.0.2.0/31:1-2000]", 1024, 977, 1024, 977 },
	{ "[192.0.2.0/31:2000-2000]", 2000, 1, 2000, 1 },
	{ "[192.0.2.0/31:1-1023]", 0, 0, 0, 0 },
	{ "[192.0.2.0/31:1-1024]", 1024, 1, 1024, 1 },
	{ "[192.0.2.0/31:1-2000:tcp, 192.0.2.4:1-2000:tcp]", 1024, 977, 0, 0 },
	{ "[192.0.2.0/31, 192.0.2.9:1-80:tcp]", 0, 0, 1024, 64512 },
	{ "[192.0.2.0:2000-3000, 192.0.2.1:2000-3001]", 0, 0, 0, 0 },
	{ "[192.0.2.0:2000-3000, 192.0.2.1:2001-3000]", 0, 0, 0, 0 },
};

static void same_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(same_rows) / sizeof(same_rows[0]); i++) {
		struct config_error err;
		struct n64_conf conf;
		struct config c;

		config_init(&c);
		assert_int_equal(config_set(&c, "mode", "stateful", "test", &err), 0);
		assert_int_equal(config_set(&c, "pref64", "2001:db8:64::/96", "test", &err), 0);
		assert_int_equal(config_set(&c, "pool4", same_rows[i].pool, "test", &err), 0);
		config_to_conf(&c, &conf);
		if (conf.st.ports[ST_TCP].first != same_rows[i].tcp_first ||
		    conf.st.ports[ST_TCP].n != same_rows[i].tcp_n ||
		    conf.st.ports[ST_UDP].first != same_rows[i].udp_first ||
		    conf.st.ports[ST_UDP].n != same_rows[i].udp_n)
			fail_msg("%s: TCP %u and %u, UDP %u and %u", same_rows[i].pool,
				 conf.st.ports[ST_TCP].first, conf.st.ports[ST_TCP].n,
				 conf.st.ports[ST_UDP].first, conf.st.ports[ST_UDP].n);
		assert_int_equal(conf.st.ports[ST_ICMP].first, 0);
		assert_int_equal(conf.st.ports[ST_ICMP].n, 65536);
		config_free(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wkp_rules),
		cmocka_unit_test(same_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
