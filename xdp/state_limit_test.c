/* SPDX-License-Identifier: GPL-2.0-only */
/* Limits of mode stateful through the loaded program (CGN-01, CGN-02, CGN-08), static
 * mappings (ST-04), and that all counts are right after each of them. */
#define _GNU_SOURCE
#include "state_audit.h"

enum { NEW_MAPPING, NEW_PEER };

/* An option that lets `most` in and refuses one more. */
static const struct limit {
	const char *rule, *opt;
	int proto, what;
	__u32 most;
	enum reason refused;
} limits[] = {
	{"CGN-01", "subscriber-tcp=5", P_TCP, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-01", "subscriber-udp=5", P_UDP, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-01", "subscriber-icmp=5", P_ICMP6, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-02", "subscriber-sessions=5", P_TCP, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-02", "subscriber-sessions=5", P_TCP, NEW_PEER, 5, R_slow_no_port},
	{"CGN-02", "subscriber-burst=5", P_UDP, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-02", "max-tcp-mappings=5", P_TCP, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-02", "max-udp-mappings=5", P_UDP, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-02", "max-icmp-mappings=5", P_ICMP6, NEW_MAPPING, 5, R_slow_no_port},
	{"CGN-02", "max-sessions=5", P_TCP, NEW_MAPPING, 5, R_slow_no_port},
};

static enum reason one_more(const struct limit *l, __u32 i)
{
	__u16 hport = (__u16)(2000 + (l->what == NEW_MAPPING ? i : 0));
	char peer[32];

	snprintf(peer, sizeof(peer), "198.51.100.%u", 1 + (l->what == NEW_PEER ? i : 0));
	return from6(l->proto, l->proto == P_TCP ? SYN : 0, C6, hport, peer, 80);
}

static void test_limits(void **state)
{
	bool is_rate, global;

	(void)state;
	for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
		const struct limit *l = &limits[k];

		is_rate = strstr(l->opt, "burst");
		global = !strncmp(l->opt, "max-", 4);
		bed_open(OPTS(l->opt, is_rate ? "subscriber-rate=1" : "urpf6=loose"));
		for (__u32 i = 0; i < l->most; i++)
			expect(one_more(l, i), R_fwd_6to4, l->opt);
		expect(one_more(l, l->most), l->refused, l->opt);
		audit_all();
		expect(one_more(l, 0), R_fwd_6to4, "what exists still works");
		expect(from6(l->proto, l->proto == P_TCP ? SYN : 0, Y6, 9, S4, 80),
		       global ? l->refused : R_fwd_6to4, "another subscriber");
		/* what has expired does not count (PORT-09); tokens come back */
		bed_wait(is_rate ? 6 : 310);
		for (__u32 i = 0; i < l->most - 1; i++)
			expect(one_more(l, 100 + i), R_fwd_6to4, l->opt);
		audit_all();
	}
}

/* The rate has no memory beyond its burst, and does not refuse what exists. */
static void test_rate(void **state)
{
	(void)state;
	bed_open(OPTS("subscriber-rate=2", "subscriber-burst=10"));
	for (int round = 0; round < 3; round++) {
		int n = 0;

		for (__u16 i = 0; i < 40; i++)
			n += from6(P_UDP, 0, C6, (__u16)(1000 + round * 100 + i), S4, 53) ==
			     R_fwd_6to4;
		assert_in_range(n, 10, 12);
		udp6(C6, 1000);
		bed_wait(100);
	}
	audit_all();
}

/* CGN-08: blocks of 64 ports, a second one when the first is full, at most two here. */
/* CGN-02: those who are there go on, and the hosts beside them. */
static void test_subscribers(void **state)
{
	(void)state;
	bed_open(OPTS("max-subscribers=1"));
	udp6(C6, 5000);
	expect(from6(P_UDP, 0, Y6, 5000, S4, 53), R_slow_no_port, "a second subscriber");
	udp6(X6, 5000);
	udp6(C6, 5001);
	assert_int_equal(bed.all->subscribers, 1);
	audit_all();
}

static void test_blocks(void **state)
{
	__u32 blocks[3] = {0};
	__u16 t;
	int n = 0;

	(void)state;
	bed_open(OPTS("port-block=64", "port-block-max=2", "port-quarantine=0"));
	for (__u16 i = 0; i < 128; i++) {
		t = udp6(C6, (__u16)(5000 + i));
		if (!n || blocks[n - 1] != t / 64u) {
			if (n == 2) /* the first again would be no block of its own */
				fail_msg("a third block with port %u of %u", t, i);
			assert_int_equal(i, n * 64);
			blocks[n++] = t / 64u;
		}
	}
	expect(from6(P_UDP, 0, C6, 6000, S4, 53), R_slow_no_port, "two blocks are full");
	t = udp6(Y6, 5000);
	assert_true(t / 64u != blocks[0] && t / 64u != blocks[1]);
	assert_int_equal(bed.blocks[0]->own[blocks[0]] & 0xffffffff, 64);
	audit_all();
	/* they come back when the last mapping has gone */
	bed_wait(310);
	for (__u16 i = 0; i < 128; i++)
		udp6(C6, (__u16)(7000 + i));
	audit_all();
	/* a ping takes one that TCP and UDP can use too */
	bed_open(OPTS("port-block=64", "port-block-max=1",
		      "pool4=203.0.113.8/32:20032-20095"));
	expect(from6(P_ICMP6, 0, C6, 7, S4, 0), R_fwd_6to4, "a ping first");
	assert_int_equal(udp6(C6, 5000) / 64, 20032 / 64);
	audit_all();
}

/* ---- static mappings (ST-04) ------------------------------------------------------------------- */

static struct n64_call static_q(const char *host, __u16 port6, __u16 port4, __u32 flags)
{
	struct n64_call q = {.op = CALL_STATIC_ADD, .proto = ST_UDP, .port6 = be16(port6),
			     .port4 = be16(port4), .addr4 = ip4(T4), .flags = flags};

	inet_pton(AF_INET6, host, &q.host6);
	return q;
}

static void test_static(void **state)
{
	struct n64_call q;
	__u16 t;

	(void)state;
	bed_open(OPTS("subscriber-udp=2"));
	q = static_q(C6, 5000, 7000, 0);
	expect(bed_call(&q), R_GO_ON, "added");
	q = static_q(C6, 5000, 7000, 0);
	expect(bed_call(&q), R_GO_ON, "added again");
	in4(P_UDP, 0, S4, 53, 7000, C6, 5000);
	bed_wait(100000);
	in4(P_UDP, 0, S4, 53, 7000, C6, 5000);
	assert_int_equal(udp6(C6, 5000), 7000);
	audit_all();
	assert_int_equal(audit.statics, 1);
	/* it does not count for the quota; the port is not given out */
	udp6(C6, 1);
	t = udp6(C6, 2);
	expect(from6(P_UDP, 0, C6, 3, S4, 53), R_slow_no_port, "quota");
	q = static_q(X6, 9, t, 0);
	expect(bed_call(&q), R_static_conflict, "another's port");
	q = static_q(C6, 2, 7002, 0);
	expect(bed_call(&q), R_static_conflict, "a host that has another port");
	assert_int_equal(host16(q.port4), t);
	q = static_q(C6, 2, 7002, CALL_FORCE);
	expect(bed_call(&q), R_GO_ON, "by force");
	in4(P_UDP, 0, S4, 53, 7002, C6, 2);
	expect(from4(P_UDP, 0, S4, 53, T4, t), R_no_bib, "its former port");
	audit_all();
	/* a dynamic one is adopted where it is; outside of the ranges works too */
	t = udp6(C6, 1);
	q = static_q(C6, 1, t, 0);
	expect(bed_call(&q), R_GO_ON, "adopted");
	q = static_q(X6, 80, 80, 0);
	expect(bed_call(&q), R_GO_ON, "port 80");
	in4(P_UDP, 0, S4, 53, 80, X6, 80);
	bed_wait(400);
	in4(P_UDP, 0, S4, 53, t, C6, 1);
	audit_all();
	/* and by command it ends */
	q = (struct n64_call){.op = CALL_DEL, .binding = bed_index(ST_UDP, ip4(T4), 80)};
	bed_call(&q);
	assert_int_equal(q.n, 1);
	expect(from4(P_UDP, 0, S4, 53, T4, 80), R_no_bib, "deleted");
	audit_all();
}

/* Touching takes any place, reads and changes nothing, and takes no other table and no endless
 * walk. */
static void test_touch(void **state)
{
	static const struct {
		__u32 table, from, step, n;
		enum reason want;
	} v[] = {
		{TOUCH_REACH, 0, 512, 4, R_GO_ON},
		{TOUCH_SUBS, 0, 21, TOUCH_MOST, R_GO_ON},
		{TOUCH_BIB6, 0, 128, TOUCH_MOST, R_GO_ON},
		{TOUCH_BINDINGS, 0, 128, 512, R_GO_ON},
		{TOUCH_BINDINGS, ~0u, 128, 512, R_GO_ON},
		{TOUCH_SESSIONS, ~0u - 5, 128, 8, R_GO_ON},
		{TOUCH_HOLDS, 1u << 31, 64, 8, R_GO_ON},
		{N_TOUCH_TABLES, 0, 1, 1, R_not_target},
		{TOUCH_BIB6, 0, 1, TOUCH_MOST + 1, R_not_target},
	};
	__u16 t;

	(void)state;
	bed_open(OPTS(NULL));
	t = udp6(C6, 1);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct n64_call q = {.op = CALL_TOUCH, .proto = v[i].table, .binding = v[i].from,
				     .last = (__u16)v[i].step, .n = v[i].n};

		expect(bed_call(&q), v[i].want, "touch");
	}
	in4(P_UDP, 0, S4, 53, t, C6, 1);
	audit_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits), cmocka_unit_test(test_rate),
		cmocka_unit_test(test_subscribers), cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_static), cmocka_unit_test(test_touch),
	};

	if (geteuid()) {
		puts("state_limit_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_cold_and_warm("xdp path, limits", tests, world_start);
}
