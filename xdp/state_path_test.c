/* SPDX-License-Identifier: GPL-2.0-only */
/* The loaded program of mode stateful, by BPF_PROG_TEST_RUN: the golden rows of config P
 * byte for byte, what makes no state (GEN-08), lists and reloads (GEN-11), addresses of the
 * host's own (GEN-05), prefixes, protocols. */
#define _GNU_SOURCE
#include "state_run.h"

static const char *const config_p[] = {"icmp-src4=203.0.113.8", NULL};

static void add_static(enum st_proto proto, const char *host, __u16 port6, const char *t,
		       __u16 port4)
{
	struct n64_call q = {.op = CALL_STATIC_ADD, .proto = proto, .port6 = be16(port6),
			     .port4 = be16(port4), .addr4 = ip4(t)};

	inet_pton(AF_INET6, host, &q.host6);
	expect(bed_call(&q), R_GO_ON, "static mapping");
}

static void golden_bib(json_t *config)
{
	static const char *const names[] = {"tcp", "udp", "icmp"};
	json_t *e;
	size_t i;

	json_array_foreach(json_object_get(config, "bib"), i, e) {
		const char *proto = json_string_value(json_array_get(e, 0));

		for (int p = 0; p < 3; p++)
			if (!strcmp(proto, names[p]))
				add_static(p, json_string_value(json_array_get(e, 1)),
					   (__u16)json_integer_value(json_array_get(e, 2)),
					   json_string_value(json_array_get(e, 3)),
					   (__u16)json_integer_value(json_array_get(e, 4)));
	}
}

/* ---- golden rows ------------------------------------------------------------------------- */

/* How rows leave that are not completed in XDP. */
static const struct {
	const char *id;
	enum reason reason;
} slow_rows[] = {
	{"G74", R_slow_udp_zero},    {"G77", R_slow_icmp_error},  {"G78", R_slow_icmp_error},
	{"G79b", R_src4_is_pool4}, /* from a wire (ADR-27) */
	{"G80", R_slow_udp_zero},    {"G81", R_slow_unsupported}, {"G82", R_slow_unsupported},
	{"G83", R_slow_no_port},
};

/* HP-04: both halves at once, so that the output of G79a is that of G79b. */
static json_t *row_named(json_t *root, const char *id)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(root, "vectors"), i, row)
		if (!strcmp(json_string_value(json_object_get(row, "id")), id))
			return row;
	return NULL;
}

static void golden_row(json_t *root, json_t *row)
{
	const char *id = json_string_value(json_object_get(row, "id"));
	static struct frame f;
	static _Alignas(4) __u8 want[2048];
	enum reason reason = R_GO_ON;
	bool v6;
	size_t n;

	n = unhex(json_string_value(json_object_get(row, "input")), f.bytes + ETH_LEN);
	v6 = f.bytes[ETH_LEN] >> 4 == 6;
	frame_eth(&f, v6 ? SLOT_V6 : SLOT_V4, v6);
	f.len = ETH_LEN + (__u32)n;
	for (size_t i = 0; i < sizeof(slow_rows) / sizeof(slow_rows[0]); i++)
		if (!strcmp(id, slow_rows[i].id))
			reason = slow_rows[i].reason;
	bed_run(&f);
	if (reason) {
		assert_reason(&got, id, reason);
		return;
	}
	if (!strcmp(id, "G79a")) {
		assert_reason(&got, id, R_fwd_hairpin);
		row = row_named(root, "G79b");
	} else {
		assert_reason(&got, id, v6 ? R_fwd_6to4 : R_fwd_4to6);
	}
	n = unhex(json_string_value(json_array_get(json_object_get(row, "output"), 0)), want);
	assert_golden(id, want, n, got.out + ETH_LEN, got.out_len - ETH_LEN);
}

static void test_golden(void **state)
{
	json_t *root = golden_open(), *row;
	json_t *config = json_object_get(json_object_get(root, "configs"), "P");
	size_t i, n = 0;

	(void)state;
	bed_open(config_p);
	golden_bib(config);
	json_array_foreach(json_object_get(root, "vectors"), i, row) {
		const char *id = json_string_value(json_object_get(row, "id"));

		if (strcmp(json_string_value(json_object_get(row, "config")), "P"))
			continue;
		if (!strcmp(id, "G83")) { /* the pool is exhausted: no TCP port at all */
			bed_open(OPTS("pool4={prefix: 203.0.113.8/32, protocols: [udp, icmp]}"));
		}
		golden_row(root, row);
		n++;
	}
	print_message("%zu golden rows of mode stateful\n", n);
	assert_int_equal(n, 14);
	json_decref(root);
}

/* ADR-28: nobody whose address has no route makes a mapping, on whichever path. */
static void test_urpf(void **state)
{
	static const char *const path[] = {"clamp-mss6to4=off", "clamp-mss6to4=on", "force-slow=on"};
	static const enum reason good[] = {R_fwd_6to4, R_slow_syn_mss, R_slow_forced};

	(void)state;
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		bed_open(OPTS("urpf6=loose", path[i]));
		expect(from6(P_TCP, SYN, "fd00:bad::1", 7000, S4, 80), R_urpf, path[i]);
		expect(from6(P_TCP, SYN, "fd00:bad::1", 7000, T4, 80), R_urpf, "HP-04");
		expect(from6(P_TCP, SYN, C6, 7000, S4, 80), good[i], path[i]);
	}
}

static const int protos[] = {P_UDP, P_ICMP6, P_TCP};
static const enum st_proto tables[] = {ST_UDP, ST_ICMP, ST_TCP};

/* ADR-08: a destination that is in the pref64 but for a bit of one of its three words. */
static void not_in_pref64(void)
{
	static struct frame f;
	struct addr6 src, dst;

	inet_pton(AF_INET6, C6, &src);
	for (int i = 0; i < 6; i++) {
		rfc6052_embed(&bed_conf()->pref64[0], ip4(S4), &dst);
		dst.w[i / 2] ^= be32(i % 2 ? 1u : 1u << 31);
		frame_packet(&f, true, P_UDP, 0, &src, 20000, &dst, 80);
		expect(bed_run(&f), R_internal, "not in the pref64");
	}
}

/* What is established goes by the short way, and what makes a mapping by that of n64_stateful_new,
 * with a tag and without: it leaves where there is no other. */
static void test_short(void **state)
{
	__u16 t[3];

	(void)state;
	if (!warm.on)
		return; /* nobody knows the next hop before the long way has asked */
	bed_open(OPTS("tcp-est-timeout=7200"));
	for (int i = 0; i < 3; i++) {
		t[i] = out6(protos[i], protos[i] == P_TCP ? SYN : 0, C6, 20000, S4, 80);
		if (protos[i] == P_TCP)
			in4(P_TCP, SYNACK, S4, 80, t[i], C6, 20000);
	}
	no_long_way();
	for (int i = 0; i < 3; i++) {
		int flags = protos[i] == P_TCP ? TCP_ACK : 0;

		assert_int_equal(out6(protos[i], flags, C6, 20000, S4, 80), t[i]);
		in4(protos[i] == P_ICMP6 ? P_ICMP4 : protos[i], flags, S4, 80, t[i], C6, 20000);
	}
	for (int i = 0; i < 3; i++) {
		t[i] = out6(protos[i], protos[i] == P_TCP ? SYN : 0, C6, 20001, S4, 80);
		assert_true(alive6(tables[i], C6, 20001));
	}
	assert_int_equal(out6(P_UDP, 0, C6, 20001, S4, 81), t[0]);
	not_in_pref64();
	knob.ttl = 1;
	expect(from6(P_UDP, 0, C6, 20000, S4, 80), R_internal, "nothing else");
	knob.ttl = 64;
}

static const char *host_of(int i)
{
	static char text[32];

	snprintf(text, sizeof(text), "2001:db8:0:%x::5", i);
	return text;
}

struct pool_case {
	const char *what;
	bool release; /* the first slot, with the reload, before it is used */
	__u32 addresses;
	const char *first[3], *then[3], *out[4];
};

enum { POOL_HOSTS = 64 };
static __be32 pool_addr[POOL_HOSTS];
static __u16 pool_port[POOL_HOSTS];

/* Hosts, half of them after the reload if there is one: their mappings use all addresses. */
static void pool_fill(const struct pool_case *c)
{
	__u32 used = 0, n;

	bed_open(c->first);
	if (c->release)
		bed.slot[0].flags = 0;
	for (int i = 0; i < POOL_HOSTS; i++) {
		if (c->then[0] && i == (c->release ? 0 : POOL_HOSTS / 2))
			bed_reload(c->then);
		pool_port[i] = udp6(host_of(i), 7000);
		pool_addr[i] = seen.p.src4;
		used |= 1u << (host32(pool_addr[i]) & 31);
	}
	n = (__u32)__builtin_popcount(used);
	if (n != c->addresses)
		fail_msg("%s: %u of %u addresses", c->what, n, c->addresses);
	for (int i = 0; i < 4 && c->out[i]; i++)
		expect(from4(P_UDP, 0, S4, 53, c->out[i], 7000), R_not_target, c->what);
	for (int i = 0; i < POOL_HOSTS; i++) /* judged again, where there was a reload */
		udp6(host_of(i), 7000);
}

/* ADR-23: which addresses are the pool's, on the short way, whether they are one behind the other
 * or not, and have their slots in this order or not. */
static void test_pools(void **state)
{
	static const struct pool_case rows[] = {
		{"one prefix", false, 4, {"pool4=203.0.113.8/30"}, {},
		 {"203.0.113.7", "203.0.113.12"}},
		{"two", false, 4, {"pool4=203.0.113.8/31", "pool4=203.0.113.14/31"}, {},
		 {"203.0.113.7", "203.0.113.10", "203.0.113.13", "203.0.113.16"}},
		{"two, one behind the other", false, 3,
		 {"pool4=203.0.113.9/32", "pool4=203.0.113.10/31"}, {},
		 {"203.0.113.8", "203.0.113.12"}},
		{"one more at the end", false, 2, {"pool4=203.0.113.8/32"},
		 {"pool4=203.0.113.8/31"}, {"203.0.113.7", "203.0.113.10"}},
		{"one more before", false, 2, {"pool4=203.0.113.9/32"},
		 {"pool4=203.0.113.8/31"}, {"203.0.113.7", "203.0.113.10"}},
		{"one that is draining", false, 2, {"pool4=203.0.113.8/31"},
		 {"pool4=203.0.113.9/32"}, {"203.0.113.7", "203.0.113.10"}},
		{"the first has gone", true, 3, {"pool4=203.0.113.8/30"},
		 {"pool4=203.0.113.9/32", "pool4=203.0.113.10/31"},
		 {"203.0.113.8", "203.0.113.12"}},
	};
	char t[INET_ADDRSTRLEN];

	(void)state;
	if (!warm.on)
		return;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		pool_fill(&rows[r]);
		no_long_way();
		for (int i = 0; i < POOL_HOSTS; i++) {
			assert_int_equal(udp6(host_of(i), 7000), pool_port[i]);
			assert_int_equal(seen.p.src4, pool_addr[i]);
			inet_ntop(AF_INET, &pool_addr[i], t, sizeof(t));
			expect(from4(P_UDP, 0, S4, 53, t, pool_port[i]), R_fwd_4to6,
			       rows[r].what);
			assert_int_equal(seen.dport, 7000);
			assert_int_equal(seen.p.dst6.w[1], be32((__u32)i));
		}
	}
}

/* L2-01: what is established leaves by VLANs, both ways, on the short way. */
static void test_to_vlans(void **state)
{
	__u16 t[3];

	(void)state;
	if (!warm.on)
		return;
	warm.on = false; /* what the long way remembers has the tags */
	stay_here();
	bed_open(OPTS("tcp-est-timeout=7200"));
	for (int six = 0; six < 2; six++) {
		__u32 dev = ifindex_of(six ? "v6" : "v4");
		struct n64_egress out = {.port = dev, .mtu = 1500, .n_tags = 1 + (__u32)six,
					 .tag = {{be16(7), be16(ET_VLAN)}, {be16(8), be16(ET_VLAN)}}};

		bed_put(bed.owner->maps.egress, &dev, &out);
	}
	for (int turn = 0; turn < 2; turn++) {
		if (turn)
			no_long_way();
		for (int i = 0; i < 3; i++) {
			int flags = protos[i] != P_TCP ? 0 : turn ? TCP_ACK : SYN;

			warm_beat();
			t[i] = out6(protos[i], flags, C6, 20000, S4, 80);
			assert_int_equal(seen.p.n_tags, 1);
			assert_int_equal(seen.p.vid[0], 7);
			assert_int_equal(seen.p.src4, ip4(T4));
			warm_beat();
			in4(protos[i], turn ? flags : flags ? SYNACK : 0, S4, 80, t[i], C6, 20000);
			assert_int_equal(seen.p.n_tags, 2);
			assert_int_equal(seen.p.vid[1], 8);
			assert_int_equal(rfc6052_extract(96, &seen.p.src6), ip4(S4));
			assert_true(pref64_contains(&bed_conf()->pref64[0], &seen.p.src6));
		}
	}
	warm.on = true;
}

/* After half the time in which the kernel confirms a neighbour it does so with a packet that begins
 * something, which no other can overtake; after all of it with any (design 3). */
static void test_confirm(void **state)
{
	static const struct {
		__u32 half; /* in hundredths of what has passed */
		enum reason goes_on, begins;
	} rows[] = {
		{200, R_fwd_6to4, R_fwd_6to4},
		{75, R_fwd_6to4, R_kern_6to4},
		{40, R_kern_6to4, R_fwd_6to4}, /* confirmed by the first */
		{0, R_fwd_6to4, R_fwd_6to4},
	};
	struct n64_hops *h = malloc(sizeof(*h));
	struct timespec was, now;
	__u32 zero = 0, ms;

	(void)state;
	if (!warm.on)
		return;
	warm.on = false;
	stay_here();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bed_open(OPTS(NULL));
		warm_beat();
		clock_gettime(CLOCK_MONOTONIC, &was);
		udp6(C6, 20000);
		usleep(800000);
		warm_beat();
		if (!h || bpf_map_lookup_elem(bpf_map__fd(bed.owner->maps.hops), &zero, h))
			fail_msg("map hops");
		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (__u32)((now.tv_sec - was.tv_sec) * 1000 +
			     (now.tv_nsec - was.tv_nsec) / 1000000);
		h->confirm = ms * bed_conf()->hz / 1000 * rows[i].half / 100;
		bed_put(bed.owner->maps.hops, &zero, h);
		expect(from6(P_UDP, 0, C6, 20000, S4, 53), rows[i].goes_on, "goes on");
		expect(from6(P_ICMP6, 0, C6, 20000, S4, 0), rows[i].begins, "begins");
		expect(from6(P_ICMP6, 0, C6, 20000, S4, 0), R_fwd_6to4, "confirmed");
	}
	free(h);
	warm.on = true;
}

/* MIX-01: the packets of a stateless entry by their short way, with a tag and without, and what
 * makes a mapping beside them. */
static void test_short_entry(void **state)
{
	static const char host6[] = "2001:db8:a::33", host4[] = "192.0.2.33";
	struct addr6 a;
	__u16 t;

	(void)state;
	if (!warm.on)
		return;
	bed_open(OPTS("stateless=64:ff9b:1::/96,192.0.2.33=2001:db8:a::33"));
	no_long_way();
	for (int i = 0; i < 2; i++) { /* what begins a TCP connection is looked at more closely */
		assert_int_equal(out6(protos[i], 0, host6, 20000, S4, 80), 20000);
		assert_int_equal(seen.p.src4, ip4(host4));
		expect(from4(protos[i] == P_ICMP6 ? P_ICMP4 : protos[i], 0, S4, 80, host4, 20000),
		       R_fwd_4to6, "to the host of an entry");
		assert_int_equal(seen.dport, 20000);
		inet_pton(AF_INET6, host6, &a);
		assert_true(addr6_equal(&seen.p.dst6, &a));
	}
	for (int i = 0; i < 3; i++) {
		t = out6(protos[i], protos[i] == P_TCP ? SYN : 0, C6, 20000, S4, 80);
		assert_int_equal(seen.p.src4, ip4(T4));
		if (protos[i] == P_UDP)
			in4(P_UDP, 0, S4, 80, t, C6, 20000);
	}
	expect(from6(P_TCP, SYN, host6, 20000, S4, 80), R_internal, "the long way's");
}

/* What is known of a frame's tags does not stay for the next, which has none: what goes on to the
 * long way gets back what it had, and nothing else. By way of the programs for new mappings and for
 * stateless entries. */
static void test_tags_end(void **state)
{
	static const struct {
		const char *what, *opts[3];
		int proto, flags;
		__u8 ttl;
		enum reason reason;
	} rows[] = {
		{"new", {"pool4={prefix: 203.0.113.8/32, protocols: [udp, icmp]}"}, P_TCP, SYN, 64,
		 R_slow_no_port},
		{"new behind an entry", {"pool4={prefix: 203.0.113.8/32, protocols: [udp, icmp]}",
		  "stateless=64:ff9b:1::/96,192.0.2.33=2001:db8:a::33"}, P_TCP, SYN, 64,
		 R_slow_no_port},
		{"an entry", {"stateless=64:ff9b:1::/96,192.0.2.33=2001:db8:a::33"}, P_UDP, 0, 1,
		 R_slow_ttl},
	};
	const int tags = frame_tags;

	(void)state;
	stay_here();
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		bed_open(rows[r].opts);
		knob.ttl = rows[r].ttl;
		for (int i = 0; i < 2; i++) {
			frame_tags = i ? TAGS_NONE : tags;
			expect(from6(rows[r].proto, rows[r].flags, C6, 20000, S4, 80),
			       rows[r].reason, rows[r].what);
		}
		knob.ttl = 64;
		frame_tags = tags;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_urpf),	cmocka_unit_test(test_short),
		cmocka_unit_test(test_pools),	cmocka_unit_test(test_to_vlans), cmocka_unit_test(test_confirm),
		cmocka_unit_test(test_short_entry),
		cmocka_unit_test(test_tags_end),
	};

	if (geteuid()) {
		puts("state_path_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_also_tagged("xdp path, stateful", tests, world_start, TAGS_QINQ);
}
