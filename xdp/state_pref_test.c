/* SPDX-License-Identifier: GPL-2.0-only */
/* The loaded program of mode stateful with several pref64 (ADR-08): an answer comes from the
 * prefix that the host used, in its session or else last on that mapping. */
#define _GNU_SOURCE
#include "state_run.h"

#define FIRST "64:ff9b:1::/96"
#define SECOND "2001:db8:64::/96"
#define SHORT "2001:db8:122:344::/64" /* comes behind the longer ones */
#define INSIDE "2001:db8:122:344:5::/96"
#define TWO OPTS("pref64=" FIRST, "pref64=" SECOND, "subscriber-rate=0")

/* The last packet came from the pref64 that begins so. */
static void from_pref(const char *rule, const char *prefix)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, &seen.p.src6, text, sizeof(text));
	if (strncmp(text, prefix, strlen(prefix)))
		fail_msg("%s: from %s", rule, text);
}

static void test_last_used(void **state)
{
	static const int protos[] = {P_UDP, P_ICMP6};
	__u16 t;

	(void)state;
	bed_open(TWO);
	for (size_t i = 0; i < 2; i++) {
		for (int n = 0; n < 3; n++) {
			knob.pref = n & 1;
			t = out6(protos[i], 0, C6, 5000, S4, 53);
			in4(protos[i], 0, Z4, 53, t, C6, 5000);
			from_pref("ADR-08, no session", n & 1 ? "2001:db8:64:" : "64:ff9b:");
		}
	}
	knob.pref = 0;
}

static void test_session(void **state)
{
	struct n64_call q = {.op = CALL_PROBE};
	__u16 t;

	(void)state;
	bed_open(TWO);
	t = out6(P_TCP, SYN, C6, 6000, S4, 80);
	knob.pref = 1;
	assert_int_equal(out6(P_TCP, SYN, C6, 6000, Z4, 80), t);
	knob.pref = 0;
	in4(P_TCP, SYNACK, S4, 80, t, C6, 6000);
	from_pref("ADR-08, session of the first", "64:ff9b:");
	in4(P_TCP, SYNACK, Z4, 80, t, C6, 6000);
	from_pref("ADR-08, session of the second", "2001:db8:64:");
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 6000);
	from_pref("ADR-08, session of the first", "64:ff9b:");
	out6(P_TCP, TCP_ACK, C6, 6000, S4, 80); /* and the one used last is the first */
	bed_wait(7200 + 1);
	q.session = (__u32)(bed_session(bed_index(ST_TCP, ip4(T4), t), Z4, 80, false) - bed.session);
	expect(bed_call(&q), R_GO_ON, "TCP-30");
	assert_int_equal(q.pref, 1);
}

/* An established session of the second prefix, refreshed from either side in another second by
 * packets that take the short way. */
static void test_established(void **state)
{
	const struct n64_session *e;
	__u16 t;

	(void)state;
	bed_open(TWO);
	knob.pref = 1;
	t = out6(P_TCP, SYN, C6, 6000, S4, 80);
	in4(P_TCP, SYNACK, S4, 80, t, C6, 6000);
	out6(P_TCP, TCP_ACK, C6, 6000, S4, 80);
	for (int n = 0; n < 4; n++) {
		bed_wait(2);
		if (n & 1)
			assert_int_equal(out6(P_TCP, TCP_ACK, C6, 6000, S4, 80), t);
		in4(P_TCP, TCP_ACK, S4, 80, t, C6, 6000);
		from_pref("ADR-08, established", "2001:db8:64:");
		e = bed_session(bed_index(ST_TCP, ip4(T4), t), S4, 80, false);
		assert_int_equal(e->tcp >> SESSION_PREF_SHIFT & 15, 1);
	}
	knob.pref = 0;
}

/* What makes a mapping, and what follows, by the short ways; the prefix is noted. */
static void test_short(void **state)
{
	static const int protos[] = {P_UDP, P_ICMP6, P_TCP};
	__u16 t;

	(void)state;
	if (!warm.on)
		return; /* nobody knows the next hop before the long way has asked */
	bed_open(TWO);
	no_long_way();
	for (int i = 0; i < 6; i++) {
		int proto = protos[i >> 1];

		knob.pref = i & 1;
		t = out6(proto, proto == P_TCP ? SYN : 0, C6, (__u16)(7000 + i), S4, 53);
		if (proto == P_TCP)
			continue; /* the answer changes the session, which is the long way's */
		assert_int_equal(out6(proto, 0, C6, (__u16)(7000 + i), S4, 53), t);
		in4(proto, 0, S4, 53, t, C6, (__u16)(7000 + i));
		from_pref("ADR-08, made on the short way", i & 1 ? "2001:db8:64:" : "64:ff9b:");
	}
	knob.pref = 1; /* another is noted on the long way */
	expect(from6(P_UDP, 0, C6, 7000, S4, 53), R_internal, "another prefix");
	knob.pref = 0;
	expect(from6(P_UDP, 0, C6, 7001, S4, 53), R_internal, "another prefix");
}

/* A mapping that the host has not used yet; and one whose pref64 a reload took away. */
static void test_first_configured(void **state)
{
	struct n64_call q = {.op = CALL_STATIC_ADD, .proto = ST_UDP, .port6 = be16(53),
			     .port4 = be16(5353), .addr4 = ip4(T4)};

	(void)state;
	bed_open(OPTS("pref64=" SHORT, "pref64=" FIRST));
	inet_pton(AF_INET6, X6, &q.host6);
	expect(bed_call(&q), R_GO_ON, "static mapping");
	in4(P_UDP, 0, S4, 53, 5353, X6, 53);
	from_pref("ADR-08, static", "2001:db8:122:");
	bed_reload(OPTS("pref64=" SECOND));
	in4(P_UDP, 0, S4, 53, 5353, X6, 53);
	from_pref("ADR-08, reload", "2001:db8:64:");
}

/* A reload that adds a longer prefix, and one that takes the first away: what was made
 * before is answered from the prefix that its host uses, mapping and session. */
static void test_reload_keeps(void **state)
{
	__u16 u, t;

	(void)state;
	bed_open(OPTS("pref64=" SHORT, "pref64=" INSIDE));
	u = out6(P_UDP, 0, C6, 5000, S4, 53); /* sorted: INSIDE, SHORT */
	t = out6(P_TCP, SYN, C6, 6000, S4, 80);
	bed_reload(OPTS("pref64=" FIRST, "pref64=" SHORT, "pref64=" INSIDE));
	in4(P_UDP, 0, S4, 53, u, C6, 5000);
	from_pref("ADR-08, mapping after a reload", "2001:db8:122:344:5:");
	in4(P_TCP, SYNACK, S4, 80, t, C6, 6000);
	from_pref("ADR-08, session after a reload", "2001:db8:122:344:5:");
	knob.pref = 1; /* SHORT */
	assert_int_equal(out6(P_UDP, 0, C6, 5000, Z4, 53), u);
	bed_reload(OPTS("pref64=" FIRST, "pref64=" SHORT));
	in4(P_UDP, 0, S4, 53, u, C6, 5000);
	from_pref("ADR-08, with a hole in front", "2001:db8:122:344:c6:");
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 6000);
	from_pref("ADR-08, the session's is gone", "64:ff9b:");
	knob.pref = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_used),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_established),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_first_configured),
		cmocka_unit_test(test_reload_keeps),
	};

	if (geteuid()) {
		puts("state_pref_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_also_tagged("xdp path, several pref64", tests, world_start, TAGS_PRIORITY);
}
