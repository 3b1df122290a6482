/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts of a shape that no configuration has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

static int read_as_file(struct config *c, const char *text, size_t len,
			struct config_error *err)
{
	char path[] = "/tmp/n64-shape-test-XXXXXX";
	int fd = mkstemp(path);
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	config_init(c);
	rc = config_read_file(c, path, err);
	unlink(path);
	return rc;
}

static const struct {
	const char *part, *want;
	size_t n;
} floods[] = {
	{ "[", "nested too deeply", 1 << 20 },
	{ "{", "nested too deeply", 1 << 20 },
	{ "- ", "nested too deeply", 1 << 20 },
	{ "? ", "nested too deeply", 1 << 20 },
	{ "- &a1 x\n", "more than 100 anchors", 1000 },
	{ "- a\n", "more than 2000000 parts", 2100000 },
	{ "#\n", "longer than 16 MiB", 9 << 20 },
	{ "a", "a single value is not a configuration", 1 << 20 },
};

/* Texts that cost libyaml quadratic time or gigabytes: refused at once. */
static void floods_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		size_t len = strlen(floods[i].part) * floods[i].n;
		char *text = malloc(len + 1);
		struct config_error err;
		struct config c;

		for (size_t at = 0; at < len; at++)
			text[at] = floods[i].part[at % strlen(floods[i].part)];
		alarm(20);
		assert_int_not_equal(read_as_file(&c, text, len, &err), 0);
		alarm(0);
		if (!strstr(err.text, floods[i].want))
			fail_msg("%s: '%s'", floods[i].part, err.text);
		config_free(&c);
		free(text);
	}
}

static void files_that_are_none(void **state)
{
	struct config_error err;
	struct config c;

	(void)state;
	config_init(&c);
	assert_int_not_equal(config_read_file(&c, "/nowhere/x.yaml", &err), 0);
	assert_non_null(strstr(err.text, "/nowhere/x.yaml: the file cannot be read (No such"));
	assert_int_not_equal(config_read_file(&c, "/", &err), 0);
	assert_non_null(strstr(err.text, "/: the file cannot be read (Is a directory)"));
	assert_int_not_equal(config_read_file(&c, "/dev/zero", &err), 0);
	assert_non_null(
		strstr(err.text, "/dev/zero: the file is not a configuration, it is longer"));
	config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(floods_end),
		cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
