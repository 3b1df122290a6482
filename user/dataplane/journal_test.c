/* SPDX-License-Identifier: GPL-2.0-only */
/* state.json: what is pushed is on disk before the step is done, comes back in
 * reverse, and a file that is not ours is refused with its reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal.h"
#include "ports.h"

/* A journal in a folder of its own instead of N64_RUN_ROOT. */
static int make(void **state)
{
	struct state *s = calloc(1, sizeof(*s));
	char folder[] = "/tmp/n64-journal-XXXXXX";

	assert_non_null(s);
	assert_non_null(mkdtemp(folder));
	snprintf(s->path.run, sizeof(s->path.run), "%s", folder);
	snprintf(s->path.state, sizeof(s->path.state), "%s/state.json", folder);
	s->doc = json_pack("{s:i, s:s, s:b, s:[], s:[]}", "version", STATE_VERSION, "name", "t",
			   "complete", 0, "interfaces", "undo");
	*state = s;
	return 0;
}

static int unmake(void **state)
{
	struct state *s = *state;

	unlink(s->path.state);
	rmdir(s->path.run);
	state_close(s);
	free(s);
	return 0;
}

/* The records on disk, as a reader after kill -9 would find them. */
static size_t on_disk(const struct state *s, const char *last)
{
	json_t *doc = json_load_file(s->path.state, 0, NULL);
	const json_t *undo = json_object_get(doc, "undo");
	size_t n = json_array_size(undo);

	assert_non_null(doc);
	if (n && last)
		assert_string_equal(json_string_value(json_object_get(
					    json_array_get(undo, n - 1), "kind")), last);
	json_decref(doc);
	return n;
}

static void test_push_is_on_disk(void **state)
{
	static const char *const kinds[] = { "sysctl", "pair", "pins" };
	struct state *s = *state;
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(state_push(s, json_pack("{s:s}", "kind", kinds[i])), 0);
		assert_int_equal(on_disk(s, kinds[i]), i + 1);
	}
	for (i = 3; i-- > 0;) {
		assert_string_equal(json_string_value(json_object_get(state_last(s), "kind")),
				    kinds[i]);
		assert_int_equal(state_pop(s), 0);
		assert_int_equal(on_disk(s, NULL), i);
	}
	assert_null(state_last(s));
}

static void test_push_without_memory(void **state)
{
	assert_int_equal(state_push(*state, NULL), -ENOMEM);
	assert_null(state_last(*state));
}

static void test_unwritable(void **state)
{
	struct state *s = *state;
	char path[sizeof(s->path.state)];

	memcpy(path, s->path.state, sizeof(path));
	snprintf(s->path.state, sizeof(s->path.state), "/proc/self/no-such-folder/state.json");
	assert_int_equal(state_push(s, json_pack("{s:s}", "kind", "pair")), -ENOENT);
	memcpy(s->path.state, path, sizeof(path));
}

static void test_ports_round_trip(void **state)
{
	struct ports in = { .n = 2 }, out;

	in.v[0] = (struct port){ .name = "eth0", .ifindex = 7, .flags = PORT_6TO4 | PORT_4TO6 };
	in.v[1] = (struct port){ .name = "eth1", .ifindex = 9, .flags = PORT_4TO6 | PORT_STACK };
	assert_int_equal(ports_to_state(*state, &in), 0);
	ports_of_state(*state, &out);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.v[1].name, "eth1");
	assert_int_equal(out.v[0].ifindex, 7);
	assert_int_equal(out.ifindex[1], 9);
	assert_int_equal(out.v[1].flags, PORT_4TO6 | PORT_STACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_push_is_on_disk, make, unmake),
		cmocka_unit_test_setup_teardown(test_push_without_memory, make, unmake),
		cmocka_unit_test_setup_teardown(test_unwritable, make, unmake),
		cmocka_unit_test_setup_teardown(test_ports_round_trip, make, unmake),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
