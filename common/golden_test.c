// SPDX-License-Identifier: GPL-2.0-only
/* Every row of golden-packets.json, byte by byte through the slow path (requirements
 * Appendix A), those of mode stateful with the mappings of their configuration. The generator of the fake shell answers
 * what the row shows, so that even the ID is compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "fake_shell.h"

#define GOLDEN "testenv/golden-packets.json"

static const char *text_of(json_t *over, json_t *config, const char *key)
{
	json_t *v = json_object_get(over, key);

	return json_string_value(v ? v : json_object_get(config, key));
}

static const char *text_at(json_t *array, size_t i)
{
	return json_string_value(json_array_get(array, i));
}

static int number_at(json_t *array, size_t i)
{
	return (int)json_integer_value(json_array_get(array, i));
}

/* Config "P": pool and BIB. */
static void configure_state(struct fake *f, json_t *config)
{
	json_t *e;
	size_t i;

	fake_set(f, "mode", "stateful");
	json_array_foreach(json_object_get(config, "pool4"), i, e)
		fake_set(f, "pool4", json_string_value(e));
	json_array_foreach(json_object_get(config, "bib"), i, e)
		fake_map(&f->st, *text_at(e, 0) == 't' ? ST_TCP :
				 *text_at(e, 0) == 'u' ? ST_UDP : ST_ICMP,
			 text_at(e, 1), number_at(e, 2), text_at(e, 3), number_at(e, 4));
}

static void configure(struct fake *f, json_t *config, json_t *over)
{
	json_t *v, *e;
	size_t i;

	fake_init(f);
	if (json_object_get(config, "bib"))
		configure_state(f, config);
	fake_set(f, "pref64", text_of(over, config, "pref64"));
	v = json_object_get(over, "eam");
	json_array_foreach(v ? v : json_object_get(config, "eam"), i, e) {
		char text[128];

		snprintf(text, sizeof(text), "%s=%s", json_string_value(json_array_get(e, 0)),
			 json_string_value(json_array_get(e, 1)));
		fake_set(f, "eam", text);
	}
	json_array_foreach(json_object_get(config, "pool6791v4"), i, e)
		fake_set(f, "pool6791v4", json_string_value(e));
	json_array_foreach(json_object_get(over, "xlat4"), i, e)
		fake_set(f, "xlat4", json_string_value(e));
	if (json_object_get(over, "multicast"))
		fake_set(f, "multicast", text_of(over, config, "multicast"));
	if (json_object_get(over, "hairpin"))
		fake_set(f, "hairpin", text_of(over, config, "hairpin"));
	v = json_object_get(over, "mtu4");
	f->mtu4 = (__u32)json_integer_value(v ? v : json_object_get(config, "mtu4"));
	f->mtu6 = (__u32)json_integer_value(json_object_get(config, "mtu6"));
	f->id = be16(json_integer_value(json_object_get(over, "ipv4_id")));
	f->gw4 = fake_addr4(text_of(over, config, "gw4"));
	f->gw6 = fake_addr6(text_of(over, config, "gw6"));
	fake_ready(f, NULL);
}

static __u32 unhex(const char *text, __u8 *out)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++)
		sscanf(text + 2 * i, "%2hhx", &out[i]);
	return (__u32)n;
}

/* What a verdict says of the reason. */
static bool reason_fits(const char *verdict, enum reason r)
{
	if (!strcmp(verdict, "pkt"))
		return reason_kind(r) == KIND_FWD;
	return reason_kind(r) == (!strcmp(verdict, "drop") ? KIND_DROP : KIND_ERROR);
}

/* G70, G79: two passes, only the result of the second leaves (HP-02, HP-04). The second
 * alone arrives from outside, where no rule of a hairpin holds. */
static bool is_pass(const char *id, char which)
{
	return id[strlen(id) - 1] == which;
}

static json_t *output_of(json_t *row, json_t *rows, const char *id)
{
	json_t *next;
	size_t i;

	if (!is_pass(id, 'a'))
		return json_object_get(row, "output");
	json_array_foreach(rows, i, next) {
		const char *other = json_string_value(json_object_get(next, "id"));

		if (!strncmp(id, other, strlen(id) - 1) && is_pass(other, 'b'))
			return json_object_get(next, "output");
	}
	fail_msg("the second pass of %s is missing", id);
	return NULL;
}

static void run_row(json_t *row, json_t *rows, json_t *configs, __u32 pad)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	const char *verdict = json_string_value(json_object_get(row, "verdict"));
	json_t *want = output_of(row, rows, id);
	static __u8 bytes[65536], expected[65536];
	struct slow_in in = { .ifindex = 7 };
	struct fake f;
	enum reason r;
	__u32 len;

	configure(&f, json_object_get(configs, json_string_value(json_object_get(row, "config"))),
		  json_object_get(row, "override"));
	if (!strcmp(id, "G83")) { /* nothing is left */
		f.st.n = 0;
		f.st.refuses = R_no_port;
	}
	len = unhex(json_string_value(json_object_get(row, "input")), bytes);
	in.fam = bytes[0] >> 4 == 4 ? FAM_4 : FAM_6;
	memset(bytes + len, 0xa5, pad);
	r = fake_run(&f, in, bytes, len + pad, 1);
	if (!reason_fits(verdict, r) || f.n_out != json_array_size(want))
		fail_msg("%s: reason %s, %u packets", id, reason_word(r), f.n_out);
	for (__u32 i = 0; i < f.n_out; i++) {
		__u32 n = unhex(json_string_value(json_array_get(want, i)), expected);

		if (f.out[i].len != n)
			fail_msg("%s: packet %u has %u bytes, not %u", id, i, f.out[i].len, n);
		for (__u32 k = 0; k < n; k++)
			if (f.out[i].ip[k] != expected[k])
				fail_msg("%s: packet %u differs at byte %u: %02x, not %02x", id, i,
					 k, f.out[i].ip[k], expected[k]);
		assert_int_equal(f.out[i].flags,
				 reason_kind(r) == KIND_ERROR ? EMIT_ORIGINATED : 0);
	}
	fake_free(&f);
}

static void run_all(__u32 pad)
{
	json_error_t e;
	json_t *all = json_load_file(GOLDEN, 0, &e), *row, *rows;
	size_t i, done = 0;

	if (!all)
		fail_msg("%s: %s (run from the top of the source)", GOLDEN, e.text);
	rows = json_object_get(all, "vectors");
	json_array_foreach(rows, i, row) {
		if (is_pass(json_string_value(json_object_get(row, "id")), 'b'))
			continue;
		run_row(row, rows, json_object_get(all, "configs"), pad);
		done++;
	}
	print_message("%zu rows\n", done);
	assert_true(done >= 79);
	json_decref(all);
}

static void test_golden(void **state)
{
	(void)state;
	run_all(0);
}

/* VAL-03: the same in a padded frame. */
static void test_golden_padded(void **state)
{
	(void)state;
	run_all(14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_padded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
