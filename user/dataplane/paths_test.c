/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of an instance (design, section 3): the pair of the default instance is
 * nat64/nat64x, every other name fits IFNAMSIZ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane.h"

static const struct row {
	const char *name, *kernel, *xlat, *pin, *run;
} rows[] = {
	{ "default", "nat64", "nat64x", "/sys/fs/bpf/xdp-nat64/default", "/run/xdp-nat64/default" },
	{ "a", "n-a", "n-ax", "/sys/fs/bpf/xdp-nat64/a", "/run/xdp-nat64/a" },
	{ "elevenchars", "n-elevenchars", "n-elevencharsx", "/sys/fs/bpf/xdp-nat64/elevenchars",
	  "/run/xdp-nat64/elevenchars" },
};

static void test_names(void **state)
{
	struct instance_paths p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		instance_paths(rows[i].name, &p);
		assert_string_equal(p.kernel, rows[i].kernel);
		assert_string_equal(p.xlat, rows[i].xlat);
		assert_string_equal(p.pin, rows[i].pin);
		assert_string_equal(p.run, rows[i].run);
		assert_true(strlen(p.xlat) < 16); /* IFNAMSIZ */
		assert_string_equal(p.policy + strlen(p.run), "/policy.bin");
		assert_string_equal(p.state + strlen(p.run), "/state.json");
		assert_string_equal(p.lock + strlen(p.run), "/worker.lock");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names) };

	return cmocka_run_group_tests_name("paths", tests, NULL, NULL);
}
