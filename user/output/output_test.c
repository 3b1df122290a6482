/* SPDX-License-Identifier: GPL-2.0-only */
/* One tree, both renderers, letter by letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "output.h"

static json_t *tree(void)
{
	json_t *root = json_object(), *s, *t, *r;

	out_str(root, "instance", "%s", "default");
	out_bool(root, "all_well", true);
	s = out_section(root, "worker");
	out_int(s, "pid", 4711);
	out_bool(s, "alive", false);
	out_null(s, "last_beat");
	out_real(s, "load", 0.5);
	t = out_table(root, "ports");
	r = out_row(t);
	out_str(r, "name", "eth0");
	out_int(r, "packets", 7);
	out_str(r, "mode", "native");
	r = out_row(t);
	out_str(r, "name", "long-name");
	out_int(r, "packets", 12345);
	t = out_list(root, "words");
	out_item(t, "%d", 1);
	out_item(t, "two");
	out_table(root, "problems");
	return root;
}

static char *render(const json_t *root, bool json)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_int_equal(output_print(root, json, f), 0);
	fclose(f);
	return text;
}

static void as_text(void **state)
{
	json_t *root = tree();
	char *text = render(root, false);

	(void)state;
	assert_string_equal(text, "instance  default\n"
				  "all well  yes\n"
				  "\n"
				  "worker\n"
				  "  pid        4711\n"
				  "  alive      no\n"
				  "  last beat  -\n"
				  "  load       0.50\n"
				  "\n"
				  "ports\n"
				  "  name       packets  mode\n"
				  "  eth0             7  native\n"
				  "  long-name    12345  -\n"
				  "words     1, two\n"
				  "problems  none\n");
	free(text);
	json_decref(root);
}

static void no_empty_line_first(void **state)
{
	json_t *root = json_object();
	char *text;

	(void)state;
	out_int(out_section(root, "worker"), "pid", 1);
	text = render(root, false);
	assert_string_equal(text, "worker\n  pid  1\n");
	free(text);
	json_decref(root);
}

static void as_json(void **state)
{
	json_t *root = tree(), *again;
	char *text = render(root, true);

	(void)state;
	again = json_loads(text, 0, NULL);
	assert_non_null(again);
	assert_true(json_equal(root, again));
	assert_int_equal(text[strlen(text) - 1], '\n');
	json_decref(again);
	free(text);
	json_decref(root);
}

static void strange_bytes(void **state)
{
	json_t *root = json_object();
	char *text;

	(void)state;
	out_str(root, "name", "a\xff\"b");
	text = render(root, true);
	assert_non_null(strstr(text, "\"a?\\\"b\""));
	free(text);
	json_decref(root);
}

static void full_disk(void **state)
{
	json_t *root = tree();
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_true(output_print(root, false, f) < 0);
	fclose(f);
	f = fopen("/dev/full", "w");
	assert_true(output_print(root, true, f) < 0);
	fclose(f);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(no_empty_line_first),
		cmocka_unit_test(as_json),
		cmocka_unit_test(strange_bytes),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
