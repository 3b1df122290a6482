/* SPDX-License-Identifier: GPL-2.0-only */
/* What the loaded program of mode dynamic remembers of pairs of addresses (pair.h) is not worth
 * more than the mapping of its host, which is looked at each time. A frame that was sent by what
 * is remembered is known by a mark (warm.h). */
#define _GNU_SOURCE
#include "state_run.h"

#include "dynamic.h"

#define A6 "2001:db8:a::5"
#define B6 "2001:db8:b::6"

#define DYN(pool, ...) \
	OPTS("mode=dynamic", "allow6=2001:db8::/32", "dyn-timeout=100", "pool4=" pool, ##__VA_ARGS__)

static char address[INET_ADDRSTRLEN]; /* A6's */

static enum reason out(void)
{
	enum reason r = from6(P_UDP, 0, A6, 7000, S4, 53);

	if (r == R_fwd_6to4)
		inet_ntop(AF_INET, &seen.p.src4, address, sizeof(address));
	return r;
}

static enum reason in(void)
{
	return from4(P_UDP, 0, S4, 53, address, 7000);
}

static void mark(void)
{
	warm_pairs(bed_conf(), warm_mark);
}

/* The host has its mapping, and both directions are remembered. */
static void begin(void)
{
	char had[sizeof(address)];

	bed_open(DYN("10.0.1.0/30"));
	for (int i = 0; i < 2; i++) {
		expect(out(), R_fwd_6to4, "out");
		expect(in(), R_fwd_4to6, "in");
	}
	assert_int_equal(warm_pairs(bed_conf(), NULL), 2);
	memcpy(had, address, sizeof(had));
	mark();
	expect(out(), R_fwd_6to4, "out");
	assert_true(warm_is_marked(got.out));
	assert_string_equal(had, address);
	expect(in(), R_fwd_4to6, "in");
	assert_true(warm_is_marked(got.out));
	assert_int_equal(seen.dport, 7000);
}

static enum reason delete_host(void)
{
	struct n64_call q = {.op = CALL_PEEK_OUT, .proto = ST_HOST};

	inet_pton(AF_INET6, A6, &q.host6);
	expect(bed_call(&q), R_GO_ON, "the host's mapping");
	q.op = CALL_DEL;
	q.ctl = 0;
	return bed_call(&q);
}

/* DYN-04: each packet refreshes the mapping, whichever way it goes. */
static void test_refresh(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++) {
		begin();
		for (int i = 0; i < 4; i++) {
			bed_wait(90);
			mark();
			expect(six ? out() : in(), six ? R_fwd_6to4 : R_fwd_4to6, "in time");
			assert_true(warm_is_marked(got.out));
		}
		bed_wait(102);
		expect(in(), R_slow_refused, "DYN-04, expired");
	}
}

/* What a pair does not stand for is looked at in each packet. */
static void test_packets(void **state)
{
	static const struct {
		const char *name, *rule;
		bool six, ping, df;
		__u8 ttl;
		__u16 payload;
		enum reason reason; /* a translated one goes by the pair */
	} v[] = {
		{"echo 6", "ICMP-CK-02", true, true, false, 64, 16, R_fwd_6to4},
		{"echo 4", "ICMP-CK-01", false, true, false, 64, 16, R_fwd_4to6},
		{"hop limit 2", "GENERR-01", true, false, false, 2, 16, R_fwd_6to4},
		{"TTL 2", "GENERR-01", false, false, false, 2, 16, R_fwd_4to6},
		{"hop limit 1", "GENERR-01", true, false, false, 1, 16, R_slow_ttl},
		{"TTL 1", "GENERR-01", false, false, false, 1, 16, R_slow_ttl},
		{"it fits 6", "MTU-64-02", true, false, false, 64, 1472, R_fwd_6to4},
		{"too long 6", "MTU-64-02", true, false, false, 64, 1473, R_slow_too_big},
		{"it fits 4", "MTU-46-02", false, false, true, 64, 1452, R_fwd_4to6},
		{"too long 4", "MTU-46-02", false, false, true, 64, 1453, R_slow_too_big},
		{"in one piece 4", "MTU-46-03", false, false, false, 64, 1232, R_fwd_4to6},
		{"to be fragmented 4", "MTU-46-03", false, false, false, 64, 1233, R_slow_fragment},
	};

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int proto = !v[i].ping ? P_UDP : v[i].six ? P_ICMP6 : P_ICMP4;
		struct frame f;

		knob.ttl = v[i].ttl;
		knob.payload = v[i].payload;
		if (v[i].six)
			frame_6(&f, proto, 0, A6, 7000, S4, 53);
		else
			frame_4(&f, proto, 0, S4, 53, address, 7000);
		knob.ttl = 64;
		knob.payload = 16;
		if (v[i].df) {
			f.bytes[ETH_LEN + 6] = 0x40;
			frame_fix(&f);
		}
		mark();
		expect(bed_run(&f), v[i].reason, v[i].name);
		if (warm_is_marked(got.out) != (reason_kind(v[i].reason) == KIND_FWD))
			fail_msg("%s (%s): not by the way expected", v[i].name, v[i].rule);
	}
}

/* DYN-07: a static mapping does not expire, whoever remembers it. */
static void test_static(void **state)
{
	struct n64_call q = {.op = CALL_STATIC_ADD, .proto = ST_HOST};

	(void)state;
	bed_open(DYN("10.0.1.0/30"));
	inet_pton(AF_INET6, A6, &q.host6);
	inet_pton(AF_INET, "10.0.1.2", &q.addr4);
	expect(bed_call(&q), R_GO_ON, "static");
	strcpy(address, "10.0.1.2");
	for (int i = 0; i < 3; i++) {
		expect(out(), R_fwd_6to4, "out");
		assert_string_equal(address, "10.0.1.2");
		expect(in(), R_fwd_4to6, "in");
		mark();
		bed_wait(500);
		expect(out(), R_fwd_6to4, "out");
		assert_true(warm_is_marked(got.out));
		expect(in(), R_fwd_4to6, "in");
		assert_true(warm_is_marked(got.out));
	}
}

/* A mapping that has gone is gone for what is remembered of it; another one is asked for. */
static void test_gone(void **state)
{
	(void)state;
	begin();
	delete_host();
	expect(in(), R_slow_refused, "deleted");
	begin();
	delete_host();
	mark();
	expect(out(), R_fwd_6to4, "deleted, a new one");
	assert_false(warm_is_marked(got.out));
	/* which is remembered at once: the place of the old one is free */
	expect(out(), R_fwd_6to4, "the new one");
	mark();
	expect(out(), R_fwd_6to4, "the new one");
	assert_true(warm_is_marked(got.out));
	expect(in(), R_fwd_4to6, "to the same address");
	assert_false(warm_is_marked(got.out));
	mark();
	expect(in(), R_fwd_4to6, "to the same address");
	assert_true(warm_is_marked(got.out));
	begin();
	bed_wait(102);
	mark();
	expect(out(), R_fwd_6to4, "expired, a new one");
	assert_false(warm_is_marked(got.out));
}

/* The address is another host's now: nobody gets what was for the first (ST-10, DYN-05). */
static void test_next_owner(void **state)
{
	struct addr6 b;

	(void)state;
	inet_pton(AF_INET6, B6, &b);
	begin();
	bed_wait(110);
	/* of two addresses B6 may get the one that was never used: both are */
	expect(from6(P_UDP, 0, B6, 7000, S4, 53), R_fwd_6to4, "B6");
	expect(from6(P_UDP, 0, "2001:db8:c::7", 7000, S4, 53), R_fwd_6to4, "a third");
	mark();
	expect(in(), R_fwd_4to6, "to the address that A6 had");
	assert_false(warm_is_marked(got.out));
	assert_int_not_equal(seen.p.dst6.w[1] & be32(0xffff0000), be32(0x000a0000));
	expect(out(), R_slow_no_port, "A6 has none any more");
}

/* GEN-04: where a port of an address is not for us, packets to another one leave nothing that the
 * first could be sent by. */
static void test_one_port(void **state)
{
	(void)state;
	bed_open(DYN("10.0.1.0/30", "no-translate={prefix: 10.0.1.0/30, port: 7001}",
		     "no-translate={prefix: '64:ff9b:1::/96', port: 54}"));
	for (int i = 0; i < 3; i++) {
		expect(out(), R_fwd_6to4, "another port");
		expect(in(), R_fwd_4to6, "another port");
		expect(from6(P_UDP, 0, A6, 7000, S4, 54), R_no_translate, "6to4");
		expect(from4(P_UDP, 0, S4, 53, address, 7001), R_no_translate, "4to6");
	}
}

/* GEN-11: of other lists, programs remember nothing. */
static void test_reload(void **state)
{
	(void)state;
	begin();
	bed_reload(OPTS("mode=dynamic", "allow6=2001:db8:b::/48", "pool4=10.0.1.0/30"));
	expect(out(), R_slow_policy, "not allowed any more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refresh),	   cmocka_unit_test(test_packets),
		cmocka_unit_test(test_static),	   cmocka_unit_test(test_gone),
		cmocka_unit_test(test_next_owner), cmocka_unit_test(test_one_port),
		cmocka_unit_test(test_reload),
	};

	int bad;

	if (geteuid()) {
		puts("dynamic_pair_test: skipped, loading BPF programs needs root");
		return 0;
	}
	warm.on = true;
	stay_here();
	bad = cmocka_run_group_tests_name("xdp pairs, dynamic", tests, world_start, NULL);
	frame_tags = TAGS_QINQ;
	return bad + cmocka_run_group_tests_name("xdp pairs, dynamic, frames with tags", tests, NULL,
						 NULL);
}
