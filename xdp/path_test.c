/* SPDX-License-Identifier: GPL-2.0-only */
/* The loaded XDP programs, by BPF_PROG_TEST_RUN in a network namespace of the
 * test's own: every siit row of the golden packets either comes out translated
 * or is handed to the worker with the reason that the table below names; and
 * cases that only this shell has (MAC addresses, VLANs, neighbours, the pair).
 * After every run exactly one reason was counted (GEN-10).
 *
 *   v6 (slot 0) 2001:db8:ffff::1/64 ── gateway 2001:db8:ffff::2, routes to all of 2001:db8::/32
 *   v4 (slot 1) 203.0.113.1/24 ─────── gateway 203.0.113.2, default route
 *   nat64 ═══ nat64x                   the pair
 */
#define _GNU_SOURCE
#include <time.h>

#include "path_golden.h"

static void test_golden(void **state)
{
	json_t *root = golden_open(), *row, *half = NULL;
	json_t *config = json_object_get(json_object_get(root, "configs"), "S");
	size_t i, n = 0;

	(void)state;
	json_array_foreach(json_object_get(root, "vectors"), i, row) {
		const char *id = json_string_value(json_object_get(row, "id"));

		if (strcmp(json_string_value(json_object_get(row, "config")), "S"))
			continue;
		if (!strcmp(id, "G70a")) {
			half = row;
		} else if (!strcmp(id, "G70b")) {
			golden_hairpin(config, half, row);
		} else {
			golden_row(config, row);
		}
		n++;
	}
	print_message("%zu golden rows of mode siit\n", n);
	assert_true(n >= 60);
	json_decref(root);
}

/* ---- cases of this shell -------------------------------------------------------- */

struct path_case {
	const char *name, *rule;
	void (*change)(struct frame *f); /* applied to a plain UDP packet, below */
	int slot;
	const char *set[2];		 /* an option: key, value */
	enum reason reason;
};

static void to_other_mac(struct frame *f) { f->bytes[5] ^= 1; }
static void to_broadcast_mac(struct frame *f) { memset(f->bytes, 0xff, MAC_LEN); }
static void nothing(struct frame *f) { (void)f; }
static void cut_header(struct frame *f) { f->len = ETH_LEN + 12; }
static void cut_payload(struct frame *f) { f->len -= 1; }
static void pad(struct frame *f) { memset(f->bytes + f->len, 0xee, 7); f->len += 7; }
static void other_version(struct frame *f) { f->bytes[ETH_LEN] ^= 0x30; }
static void arp(struct frame *f) { f->bytes[12] = 8; f->bytes[13] = 6; }
static void bad_csum4(struct frame *f) { f->bytes[ETH_LEN + 10] ^= 1; }
static void tagged(struct frame *f) { frame_tag(f, 100); }
static void priority_tag(struct frame *f) { frame_tag(f, 0); }
static void dst_unknown(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 24 : 16)] ^= 0x40; frame_fix(f); }
static void src_loopback(struct frame *f) { frame_src(f, "127.0.0.1", "::1"); }
static void src_multicast(struct frame *f) { frame_src(f, "224.0.0.1", "ff02::1"); }
static void src_linklocal(struct frame *f) { frame_src(f, "169.254.1.1", "fe80::1"); }
static void src_unspecified(struct frame *f) { frame_src(f, "0.0.0.0", "::"); }
static void src_mapped(struct frame *f) { frame_src(f, "255.255.255.255", "::ffff:1.2.3.4"); }
static void src_untranslatable(struct frame *f) { frame_src(f, "198.51.100.10", "2001:db8:dead::1"); }
static void src_unrouted(struct frame *f) { frame_src(f, "198.51.100.10", "3fff::1"); }
static void ttl_1(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 7 : 8)] = 1; frame_fix(f); }
static void other_port(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 43 : 23)] ^= 1; frame_fix(f); }
static void first_fragment(struct frame *f) { f->bytes[ETH_LEN + 6] = 0x20; frame_fix(f); }
static void to_local4(struct frame *f) { frame_dst(f, NULL, "2001:db8:64::cb00:7101"); }
static void proto_44(struct frame *f) { f->bytes[ETH_LEN + 9] = 44; frame_fix(f); }
static void proto_icmp4(struct frame *f) { f->bytes[ETH_LEN + 6] = 1; }
static void proto_esp(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 6 : 9)] = 50; frame_fix(f); }
static void udp_zero(struct frame *f) { memset(f->bytes + ETH_LEN + (f->v6 ? 46 : 26), 0, 2); }
static void udp_len_7(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 45 : 25)] = 7; }
static void udp_len_long(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 44 : 24)] = 9; }
static void jumbogram(struct frame *f) { memset(f->bytes + ETH_LEN + 4, 0, 2); }
static void to_loopback4(struct frame *f) { frame_dst(f, "192.0.2.33", "2001:db8:64::7f00:1"); }
static void to_group4(struct frame *f) { frame_dst(f, "224.0.0.5", "2001:db8:64::e000:5"); }
static void to_group_global(struct frame *f) { frame_dst(f, "239.1.2.3", NULL); }
static void service_tag(struct frame *f) { frame_tag(f, 100); f->bytes[12] = 0x88; f->bytes[13] = 0xa8; }
static void to_quiet(struct frame *f) { frame_dst(f, "192.0.2.33", "2001:db8:64::cb00:7163"); }
static void to_blackhole(struct frame *f) { frame_dst(f, "192.0.2.33", "2001:db8:64::c612:1"); }
static void to_unreachable(struct frame *f) { frame_dst(f, "192.0.2.33", "2001:db8:64::c613:1"); }
static void native_to_eam(struct frame *f) { frame_src(f, NULL, "2001:db8:9::1"); frame_dst(f, NULL, "2001:db8:a::33"); }
static void eam_to_eam(struct frame *f) { frame_src(f, NULL, "2001:db8:b::34"); frame_dst(f, NULL, "2001:db8:a::33"); }

static const struct path_case cases[] = {
	{"6to4", "RFC 7915 5", nothing, SLOT_V6, {0}, R_fwd_6to4},
	{"4to6", "RFC 7915 4", nothing, SLOT_V4, {0}, R_fwd_4to6},
	{"other MAC 6", "VAL-07", to_other_mac, SLOT_V6, {0}, R_other_mac},
	{"other MAC 4", "VAL-07", to_other_mac, SLOT_V4, {0}, R_other_mac},
	{"broadcast MAC 6", "VAL-06", to_broadcast_mac, SLOT_V6, {0}, R_l2_mcast},
	{"broadcast MAC 4", "VAL-06", to_broadcast_mac, SLOT_V4, {0}, R_l2_mcast},
	{"ARP", "GEN-05", arp, SLOT_V4, {0}, R_unreadable},
	{"header cut 6", "GEN-08", cut_header, SLOT_V6, {0}, R_unreadable},
	{"header cut 4", "GEN-08", cut_header, SLOT_V4, {0}, R_unreadable},
	{"other version 6", "VAL-01", other_version, SLOT_V6, {0}, R_unreadable},
	{"other version 4", "VAL-01", other_version, SLOT_V4, {0}, R_unreadable},
	{"longer than the frame 6", "VAL-02", cut_payload, SLOT_V6, {0}, R_bad_hdr6},
	{"longer than the frame 4", "VAL-01", cut_payload, SLOT_V4, {0}, R_bad_hdr4},
	{"jumbogram", "VAL-02", jumbogram, SLOT_V6, {0}, R_bad_hdr6},
	{"header checksum", "VAL-01", bad_csum4, SLOT_V4, {0}, R_bad_hdr4},
	{"padding 6", "VAL-03", pad, SLOT_V6, {0}, R_fwd_6to4},
	{"padding 4", "VAL-03", pad, SLOT_V4, {0}, R_fwd_4to6},
	{"tag without device", "L2-01", tagged, SLOT_V4, {0}, R_vlan_unknown},
	{"service tag without device", "L2-01", service_tag, SLOT_V4, {0}, R_vlan_unknown},
	{"priority tag", "L2-01", priority_tag, SLOT_V4, {0}, R_fwd_4to6},
	{"not a target 6", "GEN-03", dst_unknown, SLOT_V6, {0}, R_not_target},
	{"not a target 4", "GEN-03", dst_unknown, SLOT_V4, {0}, R_not_target},
	{"no-translate 4", "GEN-04", nothing, SLOT_V4, {"no-translate", "192.0.2.0/24"}, R_no_translate},
	{"no-translate 6", "GEN-04", nothing, SLOT_V6, {"no-translate", "2001:db8:64::/96"}, R_no_translate},
	{"no-translate port 53", "GEN-04", nothing, SLOT_V4, {"no-translate", "{prefix: 192.0.2.0/24, port: 53}"}, R_no_translate},
	{"another port", "GEN-04", other_port, SLOT_V4, {"no-translate", "{prefix: 192.0.2.0/24, port: 53}"}, R_fwd_4to6},
	{"a fragment of port 53", "GEN-04", first_fragment, SLOT_V4, {"no-translate", "{prefix: 192.0.2.0/24, port: 53}"}, R_slow_frag4},
	{"the gateway itself", "L2-02", to_local4, SLOT_V6, {0}, R_kern_6to4},
	{"loopback source 4", "ADR-20", src_loopback, SLOT_V4, {0}, R_src4_illegal},
	{"loopback source 6", "ADR-21", src_loopback, SLOT_V6, {0}, R_src6_illegal},
	{"multicast source 4", "ADR-20", src_multicast, SLOT_V4, {0}, R_src4_illegal},
	{"multicast source 6", "ADR-21", src_multicast, SLOT_V6, {0}, R_src6_illegal},
	{"link-local source 4", "ADR-20", src_linklocal, SLOT_V4, {0}, R_src4_illegal},
	{"link-local source 6", "ADR-21", src_linklocal, SLOT_V6, {0}, R_src6_illegal},
	{"unspecified source 4", "ADR-20", src_unspecified, SLOT_V4, {0}, R_src4_illegal},
	{"unspecified source 6", "ADR-21", src_unspecified, SLOT_V6, {0}, R_src6_illegal},
	{"broadcast source 4", "ADR-20", src_mapped, SLOT_V4, {0}, R_src4_illegal},
	{"mapped source 6", "ADR-21", src_mapped, SLOT_V6, {0}, R_src6_illegal},
	{"no way back to the source", "ADR-28", src_unrouted, SLOT_V6, {0}, R_urpf},
	{"the same, urpf6 off", "ADR-28", src_unrouted, SLOT_V6, {"urpf6", "off"}, R_slow_untranslatable},
	{"source without IPv4", "GENERR-05", src_untranslatable, SLOT_V6, {0}, R_slow_untranslatable},
	{"TTL 1", "GENERR-01", ttl_1, SLOT_V4, {0}, R_slow_ttl},
	{"hop limit 1", "GENERR-01", ttl_1, SLOT_V6, {0}, R_slow_ttl},
	{"TTL before addresses", "GEN-08", ttl_1, SLOT_V6, {"allow6", "2001:db8:c::/64"}, R_slow_policy},
	{"denied destination", "ADR-25", nothing, SLOT_V6, {"denylist4", "198.51.100.0/24"}, R_slow_policy},
	{"denied source", "ADR-25", nothing, SLOT_V6, {"denylist4", "192.0.2.33/32"}, R_slow_policy},
	{"denied source 4", "ADR-25", nothing, SLOT_V4, {"denylist4", "198.51.100.0/24"}, R_deny4},
	{"not in allow6", "ADR-26", nothing, SLOT_V6, {"allow6", "2001:db8:c::/64"}, R_slow_policy},
	{"in allow6", "ADR-26", nothing, SLOT_V6, {"allow6", "2001:db8:a::/64"}, R_fwd_6to4},
	{"protocol 44 from IPv4", "X-4TO6-12", proto_44, SLOT_V4, {0}, R_bad_proto},
	{"ICMPv4 from IPv6", "X-4TO6-12", proto_icmp4, SLOT_V6, {0}, R_bad_proto},
	{"ESP 6", "L4-07", proto_esp, SLOT_V6, {0}, R_fwd_6to4},
	{"ESP 4", "L4-07", proto_esp, SLOT_V4, {0}, R_fwd_4to6},
	{"UDP checksum 0 from IPv6", "L4-06", udp_zero, SLOT_V6, {0}, R_udp6_zero},
	{"the same, passed", "L4-06", udp_zero, SLOT_V6, {"udp6-zero-csum", "pass"}, R_fwd_6to4},
	{"UDP length 7", "VAL-04", udp_len_7, SLOT_V4, {0}, R_bad_l4},
	{"UDP longer than the packet", "VAL-04", udp_len_long, SLOT_V6, {0}, R_bad_l4},
	{"to 127.0.0.1", "ADR-24", to_loopback4, SLOT_V6, {0}, R_dst4_illegal},
	{"to 224.0.0.5", "ADR-24", to_group4, SLOT_V6, {0}, R_dst4_illegal},
	{"from IPv4 to 224.0.0.5", "MC-03", to_group4, SLOT_V4, {0}, R_not_target},
	{"a group", "MC-02", to_group_global, SLOT_V4, {"multicast", "embed"}, R_fwd_4to6},
	{"local group, embed", "MC-03", to_group4, SLOT_V6, {"multicast", "embed"}, R_mcast_scope},
	{"neighbour unknown", "L2-02", to_quiet, SLOT_V6, {0}, R_kern_6to4},
	{"blackhole route", "L2-02", to_blackhole, SLOT_V6, {0}, R_fib_blackhole},
	{"unreachable route", "GENERR-09", to_unreachable, SLOT_V6, {0}, R_slow_route},
	{"native IPv6 to an EAM host", "EAM-08", native_to_eam, SLOT_V6, {0}, R_not_target},
	{"EAM to EAM", "EAM-08", eam_to_eam, SLOT_V6, {0}, R_fwd_6to4},
	{"EAM to EAM, off", "EAM-08", eam_to_eam, SLOT_V6, {"eam-to-eam", "off"}, R_not_target},
	{"force-slow 6", "GEN-07", nothing, SLOT_V6, {"force-slow", "on"}, R_slow_forced},
	{"force-slow 4", "GEN-07", nothing, SLOT_V4, {"force-slow", "on"}, R_slow_forced},
};

static void test_cases(void **state)
{
	json_t *root = golden_open();
	json_t *config = json_object_get(json_object_get(root, "configs"), "S");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct path_case *c = &cases[i];
		struct frame f, before;
		struct run r;

		world_load_set(config, c->set[0], c->set[1]);
		frame_udp(&f, c->slot);
		c->change(&f);
		before = f;
		run_frame(&r, c->slot, &f);
		if (r.reason != c->reason)
			fail_msg("%s (%s): %s instead of %s", c->name, c->rule,
				 reason_name(r.reason), reason_name(c->reason));
		if (reason_kind(r.reason) == KIND_PASS) {
			assert_int_equal(r.action, XDP_PASS);
			assert_int_equal(r.out_len, before.len);
			assert_memory_equal(r.out, before.bytes, before.len);
		}
		if (reason_kind(r.reason) == KIND_FWD)
			assert_valid_packet(c->name, r.out, r.out_len);
		}
	print_message("%zu cases\n", sizeof(cases) / sizeof(cases[0]));
	json_decref(root);
}

/* GEN-09: what a port sends itself has lost one hop; what goes through the pair
 * has not, and loses it on nat64 or in the kernel. */
static void test_ttl(void **state)
{
	json_t *root = golden_open();
	struct frame f;
	struct run r;
	bool on = warm.on;

	(void)state;
	warm.on = false; /* it is about next hops */
	world_load(json_object_get(json_object_get(root, "configs"), "S"), NULL);
	frame_udp(&f, SLOT_V6);
	run_frame(&r, SLOT_V6, &f);
	assert_int_equal(r.out[ETH_LEN + 8], 63);
	assert_memory_equal(r.out, mac_gw4, MAC_LEN);

	frame_udp(&f, SLOT_V6);
	to_quiet(&f);
	run_frame(&r, SLOT_V6, &f);
	assert_reason(&r, "neighbour unknown", R_kern_6to4);
	assert_int_equal(r.out[ETH_LEN + 8], 64);
	/* the same frame on nat64, while the neighbour is still unknown */
	frame_from(&f, &r);
	run_frame(&r, N64_SLOT_EXIT, &f);
	assert_reason(&r, "exit, neighbour unknown", R_exit_kernel);
	assert_int_equal(r.action, XDP_PASS);
	assert_int_equal(r.out[ETH_LEN + 8], 64);
	assert_memory_equal(r.out, mac_pair, MAC_LEN);
	/* and when it is known by then */
	sh("ip neigh replace 203.0.113.99 lladdr 02:00:00:00:04:99 dev v4 nud permanent");
	run_frame(&r, N64_SLOT_EXIT, &f);
	assert_reason(&r, "exit, neighbour known", R_exit_redirect);
	assert_int_equal(r.out[ETH_LEN + 8], 63);
	assert_valid_packet("exit", r.out, r.out_len);
	sh("ip neigh del 203.0.113.99 dev v4");
	/* what the kernel routed into the pair has lost its hop already (GEN-09) ... */
	frame_udp(&f, SLOT_V4);
	frame_mark(&f, PAIR_FROM_KERNEL);
	frame_dst(&f, "203.0.113.2", NULL);
	run_frame(&r, N64_SLOT_EXIT, &f);
	assert_reason(&r, "exit, from the kernel", R_exit_redirect);
	assert_int_equal(r.out[ETH_LEN + 8], 64);
	assert_valid_packet("exit, from the kernel", r.out, r.out_len);
	/* ... but an error about it carries one more than it shall have */
	frame_mark(&f, PAIR_FROM_KERNEL | PAIR_ORIGINATED);
	run_frame(&r, N64_SLOT_EXIT, &f);
	assert_int_equal(r.out[ETH_LEN + 8], 63);
	/* TTL 1 is the kernel's to answer */
	frame_udp(&f, SLOT_V4);
	ttl_1(&f);
	frame_mark(&f, 0);
	run_frame(&r, N64_SLOT_EXIT, &f);
	assert_reason(&r, "exit, TTL 1", R_exit_kernel);
	json_decref(root);
	warm.on = on;
}

/* nat64x: what the kernel routes to us (TTL 1 is valid, HP-07, HP-08), and slow
 * frames on their way to a worker that is not there (GEN-02). */
static void test_pair(void **state)
{
	json_t *root = golden_open();
	struct frame f;
	struct run r;

	(void)state;
	world_load(json_object_get(json_object_get(root, "configs"), "S"), NULL);
	frame_udp(&f, SLOT_V6);
	ttl_1(&f);
	run_frame(&r, N64_SLOT_XLAT, &f);
	assert_reason(&r, "from the kernel", R_kern_6to4);
	assert_int_equal(r.action, XDP_TX);
	assert_int_equal(r.out[ETH_LEN + 8], 1);
	assert_int_equal(r.out[MAC_LEN + 1], PAIR_FROM_KERNEL);

	frame_udp(&f, SLOT_V6);
	dst_unknown(&f);
	run_frame(&r, N64_SLOT_XLAT, &f);
	assert_reason(&r, "HP-07", R_pair_not_target);
	assert_int_equal(r.action, XDP_DROP);

	frame_udp(&f, SLOT_V6);
	frame_dst(&f, NULL, "ff02::2");
	run_frame(&r, N64_SLOT_XLAT, &f);
	assert_reason(&r, "HP-07 noise", R_pair_noise);

	frame_udp(&f, SLOT_V6);
	eam_to_eam(&f);
	run_frame(&r, N64_SLOT_XLAT, &f);
	assert_reason(&r, "HP-08", R_hairpin_loop);

	frame_udp(&f, SLOT_V4);
	ttl_1(&f);
	run_frame(&r, SLOT_V4, &f);
	assert_reason(&r, "handed over", R_slow_ttl);
	frame_from(&f, &r);
	run_frame(&r, N64_SLOT_XLAT, &f);
	assert_reason(&r, "no worker", R_sp_overflow);
	assert_int_equal(r.action, XDP_DROP);

	frame_udp(&f, SLOT_V4);
	run_frame(&r, N64_SLOT_EXIT, &f);
	assert_reason(&r, "unmarked frame on nat64", R_pair_noise);
	json_decref(root);
}

static void confirm_after(__u32 seconds)
{
	struct n64_hops *h = malloc(sizeof(*h));
	int fd = bpf_map__fd(map_named(world.first, "hops"));
	__u32 zero = 0;

	if (!h || bpf_map_lookup_elem(fd, &zero, h))
		fail_msg("no map hops");
	h->confirm = seconds * world.conf.hz / 2;
	map_put("hops", &zero, h);
	free(h);
}

/* A neighbour that is remembered is confirmed by a packet that the kernel sends itself
 * (design 3): in time one goes into the pair, marked, and nat64 does not redirect it. */
static void test_confirm(void **state)
{
	static const enum reason after[] = {R_fwd_6to4, R_kern_6to4, R_fwd_6to4};
	json_t *root = golden_open();
	struct frame f;
	struct run r;
	bool on = warm.on;

	(void)state;
	warm.on = false; /* it is about next hops */
	if (world.first)
		world_drop();
	world_load(json_object_get(json_object_get(root, "configs"), "S"), NULL);
	stay_here();
	confirm_after(1);
	frame_udp(&f, SLOT_V6);
	run_frame(&r, SLOT_V6, &f);
	assert_reason(&r, "remembered", R_fwd_6to4);
	usleep(1200000); /* then the first one asks again: there is no worker */
	for (size_t i = 0; i < 3; i++) {
		frame_udp(&f, SLOT_V6);
		run_frame(&r, SLOT_V6, &f);
		assert_reason(&r, "a second later", after[i]);
		if (r.reason != R_kern_6to4)
			continue;
		assert_int_equal(r.out[MAC_LEN + 1] & PAIR_KERNEL, PAIR_KERNEL);
		frame_from(&f, &r);
		run_frame(&r, N64_SLOT_EXIT, &f);
		assert_reason(&r, "marked", R_exit_kernel);
	}
	world_drop();
	json_decref(root);
	warm.on = on;
}

/* L2-01: tags of the ingress device go, tags of the egress device come. */
static void test_vlan(void **state)
{
	json_t *root = golden_open();
	struct n64_vlan_key key = {.vid = {100, 0}};
	struct n64_egress out = {.n_tags = 2, .tag = {{be16(7), be16(ET_QINQ)}, {be16(8), be16(ET_VLAN)}}};
	__u32 v4 = ifindex_of("v4");
	const __u8 tags[] = {0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0};
	struct frame f;
	struct run r;

	(void)state;
	if (world.first)
		world_drop(); /* and with it the next hops that are remembered */
	world_load(json_object_get(json_object_get(root, "configs"), "S"), NULL);
	key.port = ifindex_of("v6");
	out.port = v4;
	map_put("vlans", &key, &key.port);
	map_put("egress", &v4, &out);
	frame_udp(&f, SLOT_V6);
	frame_tag(&f, 100);
	run_frame(&r, SLOT_V6, &f);
	assert_reason(&r, "VLAN 100", R_fwd_6to4);
	assert_memory_equal(r.out + 2 * MAC_LEN, tags, sizeof(tags));
	assert_int_equal(r.out[ETH_LEN + 2 * VLAN_LEN], 0x45);
	/* 802.1ad with the same number is another VLAN */
	frame_udp(&f, SLOT_V6);
	service_tag(&f);
	run_frame(&r, SLOT_V6, &f);
	assert_reason(&r, "service VLAN 100", R_vlan_unknown);
	world_drop();
	json_decref(root);
}

/* VAL-01, VAL-02: the length of a frame is that of all its buffers. */
static void test_pieces(void **state)
{
	static const __u32 linear[] = {100, 514, 1014};
	json_t *root = golden_open();
	struct frame f;
	struct run r;

	(void)state;
	world_load(json_object_get(json_object_get(root, "configs"), "S"), NULL);
	for (int i = 0; i < 3; i++) {
		for (int slot = SLOT_V6; slot <= SLOT_V4; slot++) {
			frame_udp_len(&f, slot, 1200);
			run_pieces(&r, slot, &f, linear[i]);
			assert_reason(&r, "several buffers", slot == SLOT_V6 ? R_fwd_6to4 : R_fwd_4to6);
			assert_valid_packet("several buffers", r.out, r.out_len);
			pad(&f);
			run_pieces(&r, slot, &f, linear[i]);
			assert_reason(&r, "and padding", slot == SLOT_V6 ? R_fwd_6to4 : R_fwd_4to6);
			assert_valid_packet("and padding", r.out, r.out_len);
		}
	}
	json_decref(root);
}

/* ADR-28 is about mappings: an ICMPv6 error from a router without a route back is
 * translated (SRC-02). */
static void test_urpf_errors(void **state)
{
	json_t *root = golden_open(), *row;
	_Alignas(4) __u8 in[2048];
	struct run r;
	size_t i;

	(void)state;
	world_load(json_object_get(json_object_get(root, "configs"), "S"), NULL);
	json_array_foreach(json_object_get(root, "vectors"), i, row) {
		size_t n;

		if (strcmp(json_string_value(json_object_get(row, "id")), "G52"))
			continue;
		n = unhex(json_string_value(json_object_get(row, "input")), in);
		inet_pton(AF_INET6, "3fff::1", in + 8);
		run_ip(&r, SLOT_V6, in, n);
		assert_reason(&r, "PTB from 3fff::1", R_slow_icmp_error);
		in[6] = P_UDP;
		run_ip(&r, SLOT_V6, in, n);
		assert_reason(&r, "UDP from 3fff::1", R_urpf);
	}
	json_decref(root);
}

/* GEN-02: a class that is over its rate is dropped by name; bulk has no limit, and
 * packets too big have a bucket of their own (GERR-25). */
static void test_rate(void **state)
{
	json_t *root = golden_open();
	int handed = 0, dropped = 0;
	struct timespec begin, end;
	struct frame f;
	struct run r;

	(void)state;
	world_load_set(json_object_get(json_object_get(root, "configs"), "S"), "slow-rate-error", "100");
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 200; i++) {
		frame_udp(&f, SLOT_V4);
		ttl_1(&f);
		run_frame(&r, SLOT_V4, &f);
		handed += r.reason == R_slow_ttl;
		dropped += r.reason == R_sp_rate_error;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(handed + dropped, 200);
	/* An emulated machine takes seconds for this. */
	assert_in_range(handed, 5, 60 + 100 * (end.tv_sec - begin.tv_sec) +
				   (end.tv_nsec - begin.tv_nsec) / 10000000);
	sh("ip link set v6 mtu 1280");
	frame_udp(&f, SLOT_V4);
	f.len += 1300;
	f.bytes[ETH_LEN + 2] = (f.len - ETH_LEN) >> 8;
	f.bytes[ETH_LEN + 3] = f.len - ETH_LEN;
	f.bytes[ETH_LEN + 6] = 0x40;
	frame_fix(&f);
	run_frame(&r, SLOT_V4, &f);
	assert_reason(&r, "too big, while other errors are over their rate", R_slow_too_big);
	sh("ip link set v6 mtu 1500");
	for (int i = 0; i < 200; i++) {
		frame_udp(&f, SLOT_V4);
		udp_zero(&f);
		run_frame(&r, SLOT_V4, &f);
		assert_reason(&r, "bulk", R_slow_udp_zero);
	}
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_cases),
		cmocka_unit_test(test_ttl),    cmocka_unit_test(test_pair),
		cmocka_unit_test(test_vlan),   cmocka_unit_test(test_confirm),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_urpf_errors), cmocka_unit_test(test_pieces),
	};

	if (geteuid()) {
		puts("path_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_cold_and_warm("xdp path", tests, world_start);
}
