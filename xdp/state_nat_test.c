/* SPDX-License-Identifier: GPL-2.0-only */
/* UDP and ICMP queries in mode stateful through the loaded program (sections 10 and 12):
 * mapping and filtering, timers, which address and port a mapping gets, exhaustion, limits,
 * quarantine. */
#define _GNU_SOURCE
#include "state_run.h"

static void echo_in(__u16 id4, const char *host, __u16 id6)
{
	in4(P_ICMP4, 0, S4, 0, id4, host, id6);
}

static __u16 echo6(const char *host, __u16 id)
{
	return out6(P_ICMP6, 0, host, id, S4, 0);
}

/* Alive in the last second, gone in the second behind it. */
static void assert_dies_in(enum st_proto proto, const char *host, __u16 port, __u32 seconds)
{
	__u32 from = bed_now();

	bed_until(from + seconds - 2);
	assert_true(alive6(proto, host, port));
	bed_until(from + seconds + 1);
	assert_false(alive6(proto, host, port));
}

/* ---- mapping and filtering ------------------------------------------------------------------- */

/* EIM and EIF (S07, S08, S15, UDP-01, UDP-02, UDP-04, ICQ-01, ICQ-02). */
static void test_eim(void **state)
{
	__u16 t, u;

	(void)state;
	bed_open(OPTS("port-quarantine=0"));
	t = out6(P_UDP, 0, C6, 40002, S4, 53);
	assert_int_equal(out6(P_UDP, 0, C6, 40002, Z4, 5353), t); /* S08 */
	in4(P_UDP, 0, S4, 53, t, C6, 40002);
	in4(P_UDP, 0, "192.0.2.99", 1, t, C6, 40002);		  /* S07, eif */
	expect(from4(P_UDP, 0, S4, 53, T4, t ^ 2), R_no_bib, "UDP-02");
	expect(from4(P_UDP, 0, S4, 53, T4, 80), R_no_bib, "UDP-02, no such port in the pool");
	t = echo6(C6, 0x1234);
	u = echo6(X6, 0x1234); /* S15 */
	assert_int_not_equal(t, u);
	echo_in(t, C6, 0x1234);
	echo_in(u, X6, 0x1234);
	in4(P_ICMP4, ECHO_OTHER, Z4, 0, t, C6, 0x1234); /* a request from IPv4 */
	assert_int_equal(out6(P_ICMP6, ECHO_OTHER, C6, 0x1234, Z4, 0), t);
	expect(from4(P_ICMP4, 0, S4, 0, T4, (__u16)(t ^ u ^ 1)), R_no_bib, "ICQ-02");
	expect(from4(P_ICMP4, ECHO_OTHER, S4, 0, T4, (__u16)(t ^ u ^ 1)), R_no_bib, "ICQ-02");
	/* the three tables are apart (ST-01) */
	t = udp6(C6, 700);
	expect(from4(P_TCP, SYN, S4, 1, T4, t), R_slow_syn, "UDP port, TCP packet");
	bed_open(OPTS("error-no-bib=on"));
	expect(from4(P_UDP, 0, S4, 53, T4, 50000), R_slow_refused, "GENERR-13");
	expect(from4(P_ICMP4, 0, S4, 0, T4, 50000), R_slow_refused, "GENERR-13, echo");
}

/* S07, S26, UDP-03, ICQ-02: address-dependent filtering. */
static void test_adf(void **state)
{
	__u16 t, u;

	(void)state;
	bed_open(OPTS("filtering-udp=adf", "pool4=203.0.113.8/32:5000-5000", "port-quarantine=0"));
	t = udp6(C6, 5001);
	expect(from4(P_UDP, 0, Z4, 53, T4, t), R_adf, "S07");
	in4(P_UDP, 0, S4, 9999, t, C6, 5001);
	out6(P_UDP, 0, C6, 5001, Z4, 53);
	in4(P_UDP, 0, Z4, 53, t, C6, 5001);
	/* Z's permission has a time of its own */
	bed_wait(200);
	in4(P_UDP, 0, S4, 53, t, C6, 5001);
	bed_wait(102);
	expect(from4(P_UDP, 0, Z4, 53, T4, t), R_adf, "permission over");
	in4(P_UDP, 0, S4, 53, t, C6, 5001);
	/* S26: the next owner's port has no old permissions */
	out6(P_UDP, 0, C6, 5001, Z4, 53);
	bed_wait(310);
	u = out6(P_UDP, 0, X6, 7000, S4, 53);
	assert_int_equal(t, u);
	expect(from4(P_UDP, 0, Z4, 53, T4, t), R_adf, "S26");
	u = echo6(C6, 1);
	echo_in(u, C6, 1);
	expect(from4(P_ICMP4, 0, Z4, 0, T4, u), R_adf, "ICQ-02");
	bed_open(OPTS("filtering-udp=adf", "error-adf=on"));
	t = udp6(C6, 5001);
	expect(from4(P_UDP, 0, Z4, 53, T4, t), R_slow_refused, "GENERR-14");
}

/* UDP-01, UDP-05, ICQ-01, section 10.2. */
static void test_timers(void **state)
{
	__u16 t;

	(void)state;
	bed_open(OPTS("udp-port-timeouts={port: 53, timeout: 20}"));
	out6(P_UDP, 0, C6, 1, S4, 123);
	assert_dies_in(ST_UDP, C6, 1, 300);
	t = out6(P_UDP, 0, C6, 2, S4, 123); /* each direction refreshes */
	bed_wait(250);
	in4(P_UDP, 0, S4, 123, t, C6, 2);
	bed_wait(250);
	assert_int_equal(out6(P_UDP, 0, C6, 2, S4, 123), t);
	bed_wait(250);
	in4(P_UDP, 0, S4, 123, t, C6, 2);
	assert_dies_in(ST_UDP, C6, 2, 300);
	expect(from4(P_UDP, 0, S4, 123, T4, t), R_no_bib, "expired");
	assert_int_equal(out6(P_UDP, 0, C6, 2, S4, 123), t); /* ST-10: its own port again */
	out6(P_UDP, 0, C6, 3, S4, 53);
	assert_dies_in(ST_UDP, C6, 3, 20);
	t = out6(P_UDP, 0, C6, 3, S4, 123); /* the latest of several (ST-09) */
	assert_int_equal(out6(P_UDP, 0, C6, 3, S4, 53), t);
	assert_dies_in(ST_UDP, C6, 3, 300);
	t = echo6(C6, 4);
	bed_wait(50);
	echo_in(t, C6, 4);
	assert_dies_in(ST_ICMP, C6, 4, 60);

	bed_open(OPTS("inbound-refresh=off", "icmp-timeout=100", "udp-timeout=120"));
	t = out6(P_UDP, 0, C6, 1, S4, 123);
	bed_wait(60);
	in4(P_UDP, 0, S4, 123, t, C6, 1);
	assert_dies_in(ST_UDP, C6, 1, 60);
	echo6(C6, 4);
	assert_dies_in(ST_ICMP, C6, 4, 100);
}

/* ---- ports ---------------------------------------------------------------------------------- */

/* S10, PORT-05 to PORT-07: ranges, parity, relaxation. */
static void test_ports(void **state)
{
	__u16 t, last = 0;
	int in_order = 0;

	(void)state;
	bed_open(OPTS("subscriber-rate=0", "pool4=203.0.113.8/32:512-65535"));
	for (__u16 i = 0; i < 400; i++) {
		t = udp6(C6, (__u16)(600 + i));
		assert_in_range(t, 512, 1023);
		assert_int_equal(t & 1, i & 1);
		in_order += t == last + 1;
		last = t;
	}
	assert_in_range(in_order, 0, 100); /* PORT-07: not one behind the other */
	for (__u16 i = 0; i < 400; i++) {
		t = udp6(C6, (__u16)(40000 + i));
		assert_in_range(t, 1024, 65535);
		assert_int_equal(t & 1, i & 1);
		t = out6(P_TCP, SYN, C6, (__u16)(1 + i), S4, 80);
		assert_in_range(t, 512, 1023);
	}
	/* the low ports run out: 512 of them */
	for (__u16 i = 0; i < 200; i++)
		last = udp6(X6, (__u16)(1 + i));
	assert_true(last >= 1024);
	/* parity goes first, then the range */
	bed_open(OPTS("pool4=203.0.113.8/32:1023-1025", "port-quarantine=0"));
	assert_int_equal(udp6(C6, 40001), 1025);
	assert_int_equal(udp6(C6, 40003), 1024);
	assert_int_equal(udp6(C6, 40005), 1023);
	bed_open(OPTS("port-parity=off", "port-preserve=on"));
	assert_int_equal(udp6(C6, 40001), 40001); /* PORT-08 */
	assert_int_not_equal(udp6(X6, 40001), 40001);
	assert_true(udp6(C6, 53) >= 1024);
}

/* S09, PORT-02, PORT-04: one address for a subscriber, several for many. */
static void test_pairing(void **state)
{
	char host[64];
	__u32 used = 0;
	__be32 pair;

	(void)state;
	bed_open(OPTS("pool4=203.0.113.8/30"));
	udp6(C6, 1);
	pair = seen.p.src4;
	out6(P_TCP, SYN, X6, 2, S4, 80);
	assert_int_equal(seen.p.src4, pair);
	echo6("2001:db8:c::77", 3);
	assert_int_equal(seen.p.src4, pair);
	for (int i = 0; i < 64; i++) {
		snprintf(host, sizeof(host), "2001:db8:%x::1", 0x100 + i);
		udp6(host, 1);
		used |= 1u << (host32(seen.p.src4) & 3);
	}
	assert_int_equal(used, 15);
	/* strict: an exhausted address has nothing for its subscribers, whatever others have */
	bed_open(OPTS("pool4=203.0.113.8/31:2000-2001"));
	udp6(C6, 1);
	pair = seen.p.src4;
	udp6(C6, 2);
	expect(from6(P_UDP, 0, C6, 3, S4, 53), R_slow_no_port, "PORT-02, strict");
	udp6(Y6, 1);
	bed_open(OPTS("pool4=203.0.113.8/31:2000-2001", "soft-app=on"));
	udp6(C6, 1);
	pair = seen.p.src4;
	udp6(C6, 2);
	assert_int_equal(seen.p.src4, pair);
	udp6(C6, 3);
	assert_int_not_equal(seen.p.src4, pair);
}

/* S11, S28 of it, PORT-07, PORT-09, GENERR-12: a pool of 4 ports. */
static void test_exhaustion(void **state)
{
	static const __u8 protos[] = {P_UDP, P_TCP};
	__u16 t[4];

	(void)state;
	for (int k = 0; k < 2; k++) {
		int p = protos[k];

		bed_open(OPTS("pool4=203.0.113.8/32:3000-3003"));
		for (__u16 i = 0; i < 4; i++) {
			t[i] = out6(p, SYN, C6, (__u16)(100 + i), S4, 53);
			assert_in_range(t[i], 3000, 3003);
			for (__u16 j = 0; j < i; j++)
				assert_int_not_equal(t[i], t[j]); /* PORT-01 */
		}
		expect(from6(p, SYN, C6, 104, S4, 53), R_slow_no_port, "S11");
		expect(from6(p, SYN, Y6, 104, S4, 53), R_slow_no_port, "S11, another");
		assert_null(bed_bib6(p == P_TCP ? ST_TCP : ST_UDP, C6, 104));
		for (__u16 i = 0; i < 4; i++) {
			assert_int_equal(out6(p, SYN, C6, (__u16)(100 + i), S4, 53), t[i]);
			in4(p, SYNACK, S4, 53, t[i], C6, (__u16)(100 + i));
		}
		/* without a worker they come back when their time has passed (PORT-09) */
		bed_wait(7200 + 240 + 4);
		for (__u16 i = 0; i < 4; i++)
			out6(p, SYN, X6, (__u16)(100 + i), S4, 53);
		expect(from6(p, SYN, X6, 104, S4, 53), R_slow_no_port, "again full");
	}
}

/* S19, CGN-03: a freed UDP port waits for other subscribers, a TCP port 2 s. */
static void test_quarantine(void **state)
{
	(void)state;
	bed_open(OPTS("pool4=203.0.113.8/32:3000-3000", "max-sessions=100"));
	udp6(C6, 100);
	bed_wait(303);
	expect(from6(P_UDP, 0, Y6, 100, S4, 53), R_slow_no_port, "S19");
	bed_wait(100);
	expect(from6(P_UDP, 0, Y6, 100, S4, 53), R_slow_no_port, "S19, 103 s");
	bed_wait(25);
	assert_int_equal(udp6(Y6, 100), 3000);
	/* its own host and port take it up at once */
	bed_wait(301);
	assert_int_equal(udp6(Y6, 100), 3000);
	/* and what is its own subscriber's after 2 s (CGN-03) */
	bed_wait(302);
	expect(from6(P_UDP, 0, Y6, 101, S4, 53), R_slow_no_port, "ST-10: 2 s");
	bed_wait(3);
	assert_int_equal(udp6(Y6, 101), 3000);
	out6(P_TCP, SYN, C6, 100, S4, 80);
	bed_wait(241);
	expect(from6(P_TCP, SYN, Y6, 100, S4, 80), R_slow_no_port, "ST-10: 2 s");
	bed_wait(3);
	assert_int_equal(out6(P_TCP, SYN, Y6, 100, S4, 80), 3000);
}

/* S23: no worker; what has expired does not count. */
static void test_no_worker(void **state)
{
	(void)state;
	bed_open(OPTS("subscriber-burst=5000"));
	for (__u32 i = 0; i < 4096; i++)
		udp6(C6, (__u16)(1024 + i));
	expect(from6(P_UDP, 0, C6, 1, S4, 53), R_slow_no_port, "CGN-01");
	bed_wait(304);
	for (__u32 i = 0; i < 4096; i++)
		udp6(X6, (__u16)(1024 + i));
	expect(from6(P_UDP, 0, X6, 1, S4, 53), R_slow_no_port, "CGN-01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eim),	   cmocka_unit_test(test_adf),
		cmocka_unit_test(test_timers),	   cmocka_unit_test(test_ports),
		cmocka_unit_test(test_pairing),	   cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_quarantine), cmocka_unit_test(test_no_worker),
	};

	if (geteuid()) {
		puts("state_nat_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_cold_and_warm("xdp path, UDP and ICMP", tests, world_start);
}
