/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loaded programs of mode siit remember of pairs of addresses (pair.h): when they use
 * it and when they ask again. What is remembered is marked with a MAC address, by which a frame
 * that was sent by it is known; everything else of it is as without. */
#define _GNU_SOURCE
#include "pair_change.h"

/* ---- a table ------------------------------------------------------------------------------- */

static const struct pair_case {
	const char *name, *rule;
	int slot;
	const char *set[2];	/* an option */
	void (*before)(void);
	void (*first)(struct frame *f), (*then)(struct frame *f);
	void (*meanwhile)(void);
	enum reason reason;	/* of the second */
	bool used;		/* what the first left was */
} cases[] = {
	{"again 6", "DOC", SLOT_V6, {0}, NULL, nothing, nothing, NULL, R_fwd_6to4, true},
	{"again 4", "DOC", SLOT_V4, {0}, NULL, nothing, nothing, NULL, R_fwd_4to6, true},
	{"another port 6", "L4-01", SLOT_V6, {0}, NULL, nothing, other_port, NULL, R_fwd_6to4, true},
	{"another port 4", "L4-01", SLOT_V4, {0}, NULL, nothing, other_port, NULL, R_fwd_4to6, true},
	{"a ping 6", "ICMP-CK-02", SLOT_V6, {0}, NULL, nothing, ping, NULL, R_fwd_6to4, true},
	{"a ping 4", "ICMP-CK-01", SLOT_V4, {0}, NULL, nothing, ping, NULL, R_fwd_4to6, true},
	{"after a ping 6", "L4-01", SLOT_V6, {0}, NULL, ping, nothing, NULL, R_fwd_6to4, true},
	{"after a ping 4", "L4-01", SLOT_V4, {0}, NULL, ping, nothing, NULL, R_fwd_4to6, true},
	{"padding 6", "VAL-03", SLOT_V6, {0}, NULL, nothing, pad, NULL, R_fwd_6to4, true},
	{"padding 4", "VAL-03", SLOT_V4, {0}, NULL, nothing, pad, NULL, R_fwd_4to6, true},
	{"no checksum, passed", "L4-06", SLOT_V6, {"udp6-zero-csum", "pass"}, NULL, nothing, udp_zero, NULL, R_fwd_6to4, true},

	{"another source 6", "EAM-01", SLOT_V6, {0}, NULL, nothing, other_src, NULL, R_fwd_6to4, false},
	{"another source 4", "ADR-01", SLOT_V4, {0}, NULL, nothing, other_src, NULL, R_fwd_4to6, false},
	{"another destination 6", "ADR-01", SLOT_V6, {0}, NULL, nothing, other_dst, NULL, R_fwd_6to4, false},
	{"another destination 4", "EAM-01", SLOT_V4, {0}, NULL, nothing, other_dst, NULL, R_fwd_4to6, false},
	{"another in its place 6", "ADR-01", SLOT_V6, {0}, NULL, nothing, nothing, dst_differs, R_fwd_6to4, false},
	{"another prefix in its place", "ADR-01", SLOT_V6, {0}, NULL, nothing, nothing, net_differs, R_fwd_6to4, false},
	{"not in the prefix", "GEN-03", SLOT_V6, {0}, NULL, nothing, other_dst_high, NULL, R_not_target, false},
	{"hop limit 1", "GENERR-01", SLOT_V6, {0}, NULL, nothing, ttl_1, NULL, R_slow_ttl, false},
	{"TTL 1", "GENERR-01", SLOT_V4, {0}, NULL, nothing, ttl_1, NULL, R_slow_ttl, false},
	{"no checksum", "L4-06", SLOT_V6, {0}, NULL, nothing, udp_zero, NULL, R_udp6_zero, false},
	{"too long 6", "MTU-64-02", SLOT_V6, {0}, NULL, nothing, too_long, NULL, R_slow_too_big, false},
	{"too long 4", "MTU-46-02", SLOT_V4, {0}, NULL, nothing, too_long, NULL, R_slow_too_big, false},
	{"another protocol", "L4-07", SLOT_V6, {0}, NULL, nothing, esp, NULL, R_fwd_6to4, false},

	{"a route changed 6", "design 3", SLOT_V6, {0}, NULL, nothing, nothing, route_changes, R_fwd_6to4, false},
	{"a route changed 4", "design 3", SLOT_V4, {0}, NULL, nothing, nothing, route_changes, R_fwd_4to6, false},
	{"no word of the worker 6", "design 3", SLOT_V6, {0}, NULL, nothing, nothing, second_passes, R_fwd_6to4, false},
	{"no word of the worker 4", "design 3", SLOT_V4, {0}, NULL, nothing, nothing, second_passes, R_fwd_4to6, false},
	{"too many 6", "design 3", SLOT_V6, {0}, NULL, nothing, nothing, too_many6, R_fwd_6to4, false},
	{"too many 4", "design 3", SLOT_V4, {0}, NULL, nothing, nothing, too_many4, R_fwd_4to6, false},
	{"too many of the others 6", "design 3", SLOT_V6, {0}, NULL, nothing, nothing, too_many_others6, R_fwd_6to4, true},
	{"too many of the others 4", "design 3", SLOT_V4, {0}, NULL, nothing, nothing, too_many_others4, R_fwd_4to6, true},
	{"too many a second ago 6", "design 3", SLOT_V6, {0}, NULL, nothing, nothing, too_many_before, R_fwd_6to4, true},
	{"too many a second ago 4", "design 3", SLOT_V4, {0}, NULL, nothing, nothing, too_many_before, R_fwd_4to6, true},
	{"blocks unknown 6", "design 3", SLOT_V6, {0}, blocks_unknown, nothing, nothing, NULL, R_fwd_6to4, false},
	{"blocks unknown 4", "design 3", SLOT_V4, {0}, blocks_unknown, nothing, nothing, NULL, R_fwd_4to6, false},
	{"rules appear 6", "design 3", SLOT_V6, {0}, NULL, nothing, nothing, rules_appear, R_fwd_6to4, false},
	{"rules appear 4", "design 3", SLOT_V4, {0}, NULL, nothing, nothing, rules_appear, R_fwd_4to6, false},
	{"by another device 6", "L2-01", SLOT_V6, {0}, NULL, nothing, elsewhere, NULL, R_fwd_6to4, false},
	{"by another device 4", "L2-01", SLOT_V4, {0}, NULL, nothing, elsewhere, NULL, R_fwd_4to6, false},
	{"to be fragmented 4", "MTU-46-03", SLOT_V4, {0}, NULL, nothing, in_pieces, NULL, R_slow_fragment, false},
	{"a port is not for us 6", "GEN-04", SLOT_V6, {"no-translate", "{prefix: '2001:db8:64::/96', port: 53}"}, NULL, other_port, nothing, NULL, R_no_translate, false},
	{"nor is another remembered 6", "GEN-04", SLOT_V6, {"no-translate", "{prefix: '2001:db8:64::/96', port: 53}"}, NULL, other_port, other_port, NULL, R_fwd_6to4, false},
	{"of some allowed 6", "ADR-26", SLOT_V6, {"allow6", "2001:db8::/32"}, NULL, nothing, nothing, NULL, R_fwd_6to4, true},
	{"no list has the pref64 6", "ADR-26", SLOT_V6, {"allow6", "2001:db8:a::/48"}, NULL, nothing, nothing, NULL, R_fwd_6to4, true},
	{"one port is not for us", "GEN-04", SLOT_V4, {"no-translate", "{prefix: 192.0.2.0/24, port: 53}"}, NULL, other_port, nothing, NULL, R_no_translate, false},
	{"nor is another remembered", "GEN-04", SLOT_V4, {"no-translate", "{prefix: 192.0.2.0/24, port: 53}"}, NULL, other_port, other_port, NULL, R_fwd_4to6, false},
	{"of several pref64", "ADR-08", SLOT_V6, {"pref64", "2001:db8:65::/96"}, NULL, nothing, nothing, NULL, R_fwd_6to4, true},
	{"in another pref64", "ADR-08", SLOT_V6, {"pref64", "2001:db8:65::/96"}, NULL, nothing, other_dst_high, NULL, R_fwd_6to4, false},
	{"a loop of it", "HP-02", SLOT_V6, {"hairpin", "intrinsic"}, NULL, hairpinned, hairpinned, NULL, R_fwd_hairpin, false},
	{"EAM to EAM 6", "EAM-08", SLOT_V6, {0}, NULL, to_eam, to_eam, NULL, R_fwd_6to4, true},
	{"EAM to EAM 4", "EAM-01", SLOT_V4, {0}, NULL, to_eam, to_eam, NULL, R_fwd_4to6, true},
	{"denied", "ADR-25", SLOT_V6, {"denylist4", "198.51.100.0/24"}, NULL, nothing, nothing, NULL, R_slow_policy, false},
};

/* Everything but MAC addresses, and an IPv4 header's identification and checksum. */
static void assert_same(const char *name, const struct run *a, const struct run *b)
{
	static struct run x, y;
	int at;

	x = *a;
	y = *b;
	memset(x.out, 0, 2 * MAC_LEN);
	memset(y.out, 0, 2 * MAC_LEN);
	at = a->out[12] == 0x81 ? ETH_LEN + VLAN_LEN : ETH_LEN;
	if (a->out[at] == 0x45) {
		memset(x.out + at + 4, 0, 2);
		memset(y.out + at + 4, 0, 2);
		memset(x.out + at + 10, 0, 2);
		memset(y.out + at + 10, 0, 2);
	}
	if (x.out_len != y.out_len || memcmp(x.out, y.out, x.out_len))
		fail_msg("%s: not the same packet as without", name);
}

static void run_one(struct run *r, const struct pair_case *c, void (*change)(struct frame *f))
{
	struct frame f;

	frame_udp(&f, c->slot);
	change(&f);
	run_frame(r, change == elsewhere ? SLOT_V6 + SLOT_V4 - c->slot : c->slot, &f);
	if (reason_kind(r->reason) == KIND_FWD)
		assert_valid_packet(c->name, r->out, r->out_len);
}

static void run_frame_of(struct run *r, const struct pair_case *c)
{
	struct frame f;

	frame_udp(&f, c->slot);
	run_frame(r, c->slot, &f);
}

/* Nothing is remembered, and no flag is set. */
static bool forget(struct n64_pair *e)
{
	memset(e, 0, sizeof(*e));
	return true;
}

/* What was missed of the packets of slot v6 that go 6to4. */
static void missed(__u64 packets, __u32 n, __u32 paused)
{
	int cpus = libbpf_num_possible_cpus();
	struct n64_crowd *w = calloc((size_t)cpus, sizeof(*w));
	__u32 key = SLOT_V6 * 2 + 1;

	for (int i = 0; i < cpus; i++)
		w[i] = (struct n64_crowd){.packets = packets, .missed = n, .paused = paused};
	map_put("crowds", &key, w);
	free(w);
}

static void begin(const struct pair_case *c)
{
	json_t *root = golden_open();

	world_load_set(json_object_get(json_object_get(root, "configs"), "S"), c->set[0], c->set[1]);
	json_decref(root);
	warm_beat();
	warm_pairs(&world.conf, forget);
	with_hops(no_flags);
	with_hops(crowd_was);
	missed(0, 0, 0);
}

static void test_cases(void **state)
{
	static struct run without, r;

	(void)state;
	stay_here();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pair_case *c = &cases[i];

		begin(c);
		run_one(&without, c, c->then); /* as nothing was remembered of it */
		begin(c);
		if (c->before)
			c->before();
		run_one(&r, c, c->first);
		run_one(&r, c, c->first); /* the short way, if the long one had to find out */
		warm_pairs(&world.conf, warm_mark);
		if (c->meanwhile)
			c->meanwhile();
		run_one(&r, c, c->then);
		if (r.reason != c->reason)
			fail_msg("%s (%s): %s instead of %s", c->name, c->rule,
				 reason_name(r.reason), reason_name(c->reason));
		if (warm_is_marked(r.out) != c->used)
			fail_msg("%s (%s): what was remembered was %sused", c->name, c->rule,
				 c->used ? "not " : "");
		if (reason_kind(r.reason) == KIND_FWD)
			assert_same(c->name, &without, &r);
	}
	print_message("%zu cases\n", sizeof(cases) / sizeof(cases[0]));
}

/* Of the packets of slot v6 that go 6to4, on this CPU. */
static struct n64_crowd crowd_of(void)
{
	int cpus = libbpf_num_possible_cpus();
	struct n64_crowd *w = calloc((size_t)cpus, sizeof(*w)), here;
	__u32 key = SLOT_V6 * 2 + 1;

	if (!w || bpf_map_lookup_elem(bpf_map__fd(map_named(world.first, "crowds")), &key, w))
		fail_msg("map crowds");
	here = w[sched_getcpu()];
	free(w);
	return here;
}

static __u32 device;

static bool of_device(struct n64_pair *e)
{
	assert_int_equal((__u32)e->hop.meta, device);
	return false;
}

/* L2-01: the key has the L3 device, which for a frame with tags is that of its VLAN. */
static void test_device(void **state)
{
	struct frame f;
	struct run r;

	(void)state;
	stay_here();
	for (size_t i = 0; i < 2; i++) {
		begin(&cases[i]);
		run_one(&r, &cases[i], nothing);
		run_one(&r, &cases[i], nothing);
		device = frame_device(cases[i].slot == SLOT_V6);
		assert_int_equal(warm_pairs(&world.conf, of_device), 1);
		frame_udp_len(&f, cases[i].slot, 1000); /* in two buffers */
		warm_pairs(&world.conf, warm_mark);
		run_pieces(&r, cases[i].slot, &f, 114);
		assert_reason(&r, cases[i].name, cases[i].reason);
		assert_true(warm_is_marked(r.out));
		assert_valid_packet(cases[i].name, r.out, r.out_len);
	}
	if (frame_tags != TAGS_VLAN)
		return;
	begin(&cases[0]); /* the same VLAN with another one in it */
	frame_udp(&f, SLOT_V6);
	frame_tag(&f, VID_INNER);
	run_frame(&r, SLOT_V6, &f);
	assert_reason(&r, "VLAN without a device", R_vlan_unknown);
}

/* What is found without a worker holds by a rule of its own. */
static void test_without_worker(void **state)
{
	struct run r;

	(void)state;
	stay_here();
	begin(&cases[0]);
	with_hops(no_worker);
	warm.on = false;
	for (int i = 0; i < 3; i++)
		run_one(&r, &cases[0], nothing);
	assert_reason(&r, "without a worker", R_fwd_6to4);
	warm.on = true;
	assert_int_equal(warm_pairs(&world.conf, NULL), 0);
}

static __u16 id_of(void (*change)(struct frame *f))
{
	struct run r;

	run_one(&r, &cases[0], change);
	assert_reason(&r, "identification", R_fwd_6to4);
	return (__u16)(r.out[ETH_LEN + 4] << 8 | r.out[ETH_LEN + 5]);
}

/* ID-01: with DF=0 the packets of another pair, and those of another protocol, use up other
 * identifications. */
static void test_ids(void **state)
{
	static void (*const other[])(struct frame *f) = {other_dst, other_src, ping};
	__u16 writers = (__u16)(libbpf_num_possible_cpus() + 1), id;

	(void)state;
	stay_here();
	begin(&cases[0]);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		for (int k = 0; k < 2; k++) { /* and what has been remembered */
			id_of(nothing);
			id_of(other[i]);
		}
		id = id_of(nothing);
		for (int k = 0; k < 5; k++)
			id_of(other[i]);
		assert_int_equal((__u16)(id_of(nothing) - id), writers);
	}
}

/* L2-01: to a VLAN. */
static void test_tags(void **state)
{
	struct n64_egress out = {.n_tags = 1, .tag = {{be16(7), be16(ET_VLAN)}}, .mtu = 1500};
	struct run r, again;
	__u32 to;

	(void)state;
	stay_here();
	for (int i = 0; i < 2; i++) { /* 6to4 and 4to6 */
		begin(&cases[i]);
		to = ifindex_of(cases[i].slot == SLOT_V6 ? "v4" : "v6");
		out.port = to;
		map_put("egress", &to, &out);
		with_hops(everything);
		warm_beat();
		warm.on = false;
		for (int k = 0; k < 3; k++)
			run_one(&r, &cases[i], nothing);
		assert_int_equal(r.out[13], 0); /* 802.1Q, 7 */
		assert_int_equal(r.out[15], 7);
		assert_int_equal(warm_pairs(&world.conf, warm_mark), 1);
		run_one(&again, &cases[i], nothing);
		warm.on = true;
		assert_true(warm_is_marked(again.out));
		assert_int_equal(again.out[15], 7);
		assert_same("to a VLAN", &r, &again);
		world_drop();
	}
	assert_int_equal(cases[0].slot + cases[1].slot, SLOT_V6 + SLOT_V4);
}

static void confirm_each_second(struct n64_hops *h) { h->confirm = world.conf.hz / 2; }
static void confirm_never(struct n64_hops *h) { h->confirm = 0; }

/* A flow that goes by a pair has its neighbour confirmed by the kernel all the same: with the
 * next question, a second later at most. */
static void test_confirmed(void **state)
{
	struct hop_pair {
		struct n64_hop e[HOP_WAYS];
	} line;
	struct run r;

	(void)state;
	stay_here();
	begin(&cases[0]);
	run_one(&r, &cases[0], nothing);
	run_one(&r, &cases[0], nothing);
	warm_pairs(&world.conf, warm_mark);
	for (__u32 i = 0; i < hop_pairs(world.conf.ncpu, world.conf.hop_slots); i++) {
		if (bpf_map_lookup_elem(warm.cache, &i, &line))
			fail_msg("map hopcache");
		for (int way = 0; way < HOP_WAYS; way++)
			line.e[way].confirm -= 2 * world.conf.hz;
		if (bpf_map_update_elem(warm.cache, &i, &line, BPF_ANY))
			fail_msg("map hopcache");
	}
	with_hops(confirm_each_second);
	warm.on = false;
	run_one(&r, &cases[0], nothing);
	assert_true(warm_is_marked(r.out));
	second_passes();
	run_frame_of(&r, &cases[0]);
	warm.on = true;
	with_hops(confirm_never);
	assert_reason(&r, "due", R_kern_6to4);
}

/* A pair that holds keeps its place until others have wanted it a few times. */
static void test_place(void **state)
{
	struct run r;
	int n = 0;

	(void)state;
	stay_here();
	begin(&cases[0]);
	run_one(&r, &cases[0], nothing);
	assert_int_equal(warm_pairs(&world.conf, of_another), 1);
	warm_pairs(&world.conf, warm_mark);
	for (;; n++) {
		run_one(&r, &cases[0], nothing);
		assert_false(warm_is_marked(r.out)); /* it is another's */
		warm_pairs(&world.conf, warm_mark);
		run_one(&r, &cases[0], nothing);
		if (warm_is_marked(r.out))
			break;
		assert_in_range(n, 0, 20);
	}
	assert_in_range(n, 2, 8);
}

/* Too many of which nothing is remembered, of so many packets that were sent: then nobody asks
 * any more for a moment; not if they are few beside the others. */
static void test_crowd(void **state)
{
	static const struct {
		__u32 sent, paused;
		bool used;
	} v[] = {{3000, 0, false}, {8000, 0, true}, {3000, 1, true}};
	struct run r;

	(void)state;
	stay_here();
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		begin(&cases[0]);
		run_one(&r, &cases[0], nothing);
		/* on this CPU all that were ever sent; the last time others paused meanwhile */
		missed(counted(SLOT_V6, R_fwd_6to4) - v[i].sent, 1023,
		       warm.copy->crowded[SLOT_V6 * 2 + 1] - v[i].paused);
		run_one(&r, &cases[0], other_dst);
		warm_pairs(&world.conf, warm_mark);
		run_one(&r, &cases[0], nothing);
		if (warm_is_marked(r.out) != v[i].used)
			fail_msg("of %u packets 1024: %s", v[i].sent,
				 v[i].used ? "nothing is asked for any more" : "it goes on");
		assert_int_equal(crowd_of().missed, 0);
		/* what is sent until the next that is missed is not of its sample */
		run_one(&r, &cases[0], nothing);
		with_hops(crowd_was);
		run_one(&r, &cases[0], other_src);
		assert_int_equal(crowd_of().missed, 1);
		assert_int_equal(crowd_of().packets, counted(SLOT_V6, R_fwd_6to4) - 1);
	}
	/* what may not be remembered was looked for all the same */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, "nor is another remembered 6"))
			continue;
		begin(&cases[i]);
		run_one(&r, &cases[i], other_port);
		run_one(&r, &cases[i], other_port);
		assert_in_range(crowd_of().missed, 1, 2);
	}
}

/* Every golden row once more, when the first has left what it could. */
static void test_golden(void **state)
{
	json_t *root = golden_open(), *row;
	json_t *config = json_object_get(json_object_get(root, "configs"), "S");
	size_t i, n = 0;

	(void)state;
	stay_here();
	json_array_foreach(json_object_get(root, "vectors"), i, row) {
		if (strcmp(json_string_value(json_object_get(row, "config")), "S") ||
		    !strncmp(json_string_value(json_object_get(row, "id")), "G70", 3))
			continue;
		golden_row(config, row);
		golden_row(config, row);
		n += warm_pairs(&world.conf, NULL) > 0;
	}
	assert_in_range(n, 10, 200); /* otherwise this has shown nothing */
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases), cmocka_unit_test(test_ids), cmocka_unit_test(test_place), cmocka_unit_test(test_device),
		cmocka_unit_test(test_without_worker), cmocka_unit_test(test_tags), cmocka_unit_test(test_confirmed),
		cmocka_unit_test(test_crowd), cmocka_unit_test(test_golden),
	};

	int bad;

	if (geteuid()) {
		puts("pair_test: skipped, loading BPF programs needs root");
		return 0;
	}
	warm.on = true;
	world.hz = 2500; /* what holds for a second does so for two or ten, however slow this is */
	bad = cmocka_run_group_tests_name("xdp pairs", tests, world_start, NULL);
	for (frame_tags = TAGS_VLAN; frame_tags < TAGS_ENDS; frame_tags++) {
		world_drop();
		bad += cmocka_run_group_tests_name("xdp pairs, frames with tags", tests, NULL, NULL);
	}
	return bad;
}
