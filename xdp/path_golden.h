/* SPDX-License-Identifier: GPL-2.0-only */
/* One golden row through the loaded programs: either it comes out translated, or it
 * is handed to the worker with the reason that this table names. */
#ifndef N64_PATH_GOLDEN_H
#define N64_PATH_GOLDEN_H

#include "path_test.h"

/* How each golden row that is not completed in XDP leaves it. */
static const struct {
	const char *id;
	enum reason reason;
} slow_rows[] = {
	{"G04", R_slow_udp_zero},   {"G08", R_slow_too_big},	{"G09", R_slow_fragment},
	{"G11", R_slow_fragment},   {"G12", R_slow_frag4},	{"G13", R_slow_frag4},
	{"G14", R_slow_frag4},	    {"G15", R_slow_frag4},	{"G16", R_slow_frag4},
	{"G17", R_slow_opt4},	    {"G18", R_slow_opt4},	{"G19", R_slow_opt4},
	{"G20", R_slow_ttl},	    {"G22", R_slow_frag4},	{"G24", R_slow_icmp_error},
	{"G25", R_slow_icmp_error}, {"G26", R_slow_icmp_error}, {"G27", R_slow_icmp_error},
	{"G29", R_slow_icmp_error}, {"G30", R_slow_icmp_error}, {"G31", R_slow_icmp_error},
	{"G32", R_slow_icmp_error}, {"G33", R_slow_icmp_error}, {"G34", R_slow_icmp_error},
	{"G35", R_slow_icmp_error}, {"G36", R_slow_icmp_error}, {"G37", R_slow_icmp_error},
	{"G38", R_slow_icmp_error}, {"G39", R_icmp_untranslatable},
	{"G44", R_slow_frag6},	    {"G45", R_slow_frag6},	{"G46", R_slow_frag6},
	{"G47", R_slow_ext6},	    {"G48", R_slow_ext6},	{"G49", R_slow_ext6},
	{"G50", R_slow_ext6},	    {"G52", R_slow_icmp_error}, {"G54", R_slow_icmp_error},
	{"G55", R_slow_icmp_error}, {"G57", R_slow_icmp_error}, {"G58", R_slow_icmp_error},
	{"G60", R_slow_icmp_error}, {"G61", R_slow_icmp_error}, {"G62", R_slow_ttl},
	{"G63", R_slow_too_big},    {"G64", R_slow_fragment},	{"G65", R_slow_too_big},
	{"G66", R_slow_frag6},	    {"G68", R_slow_icmp_error},
};

static enum reason expected_reason(const char *id)
{
	for (size_t i = 0; i < sizeof(slow_rows) / sizeof(slow_rows[0]); i++)
		if (!strcmp(slow_rows[i].id, id))
			return slow_rows[i].reason;
	return R_GO_ON;
}

static void golden_row(json_t *configs, json_t *row)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	json_t *over = json_object_get(row, "override");
	json_t *out = json_object_get(row, "output");
	enum reason slow = expected_reason(id);
	_Alignas(4) __u8 in[2048], want[2048];
	size_t in_len, want_len;
	struct run r;

	world_load(configs, over);
	in_len = unhex(json_string_value(json_object_get(row, "input")), in);
	run_ip(&r, in[0] >> 4 == 6 ? SLOT_V6 : SLOT_V4, in, in_len);
	if (slow) {
		assert_reason(&r, id, slow);
		if (reason_kind(slow) == KIND_SLOW)
			assert_handed_over(&r, id, slow, in, in_len);
		else
			assert_int_equal(r.action, XDP_DROP);
	} else {
		assert_int_equal(r.action, XDP_REDIRECT);
		want_len = unhex(json_string_value(json_array_get(out, 0)), want);
		if (!strcmp(id, "G69")) /* groups go through the pair: TTL not yet decremented */
			pair_ttl(want);
		assert_golden(id, want, want_len, r.out + ETH_LEN, r.out_len - ETH_LEN);
	}
}

/* G70a/b show the two halves of a hairpin: the input of the first, the output of
 * the second. */
static inline void golden_hairpin(json_t *configs, json_t *a, json_t *b)
{
	_Alignas(4) __u8 in[2048], want[2048];
	size_t in_len = unhex(json_string_value(json_object_get(a, "input")), in), want_len;
	struct run r;

	world_load(configs, json_object_get(a, "override"));
	run_ip(&r, SLOT_V6, in, in_len);
	assert_reason(&r, "G70", R_fwd_hairpin);
	want_len = unhex(json_string_value(json_array_get(json_object_get(b, "output"), 0)), want);
	assert_golden("G70", want, want_len, r.out + ETH_LEN, r.out_len - ETH_LEN);
}

#endif
