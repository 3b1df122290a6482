/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules around the state of mode stateful, through the loaded program: what makes no state
 * (GEN-08), lists and reloads (GEN-11), the host's own addresses (GEN-05), prefixes,
 * protocols. */
#define _GNU_SOURCE
#include "state_audit.h"

static void nothing_made(const char *what)
{
	audit_all();
	if (audit.mappings[0] | audit.mappings[1] | audit.mappings[2] | audit.sessions |
	    audit.subscribers)
		fail_msg("%s made state", what);
}

/* A packet of config P, one change of it, and how it leaves; nothing of it makes state. */
struct rule {
	const char *name, *opt;
	int from, proto, flags; /* from: 6 or 4 */
	const char *src, *dst;	/* NULL: C6, S4, T4 */
	__u8 ttl;
	__u16 payload;
	enum reason reason;
};

#define UDP P_UDP, 0
#define SCTP 132, 0

static const struct rule rules[] = {
	{"S16", NULL, 6, P_TCP, SYN, NULL, NULL, 1, 16, R_slow_ttl},
	{"S16, UDP", NULL, 6, UDP, NULL, NULL, 1, 16, R_slow_ttl},
	{"TTL from IPv4", NULL, 4, UDP, NULL, NULL, 1, 16, R_slow_ttl},
	{"GEN-08, too big", NULL, 6, UDP, NULL, "198.51.100.77", 64, 1440, R_slow_too_big},
	{"GEN-08, to be fragmented", NULL, 6, UDP, NULL, "198.51.100.77", 64, 1200, R_slow_fragment},
	{"no route", NULL, 6, UDP, NULL, "198.19.0.1", 64, 16, R_slow_route},
	{"blackhole", NULL, 6, UDP, NULL, "198.18.0.1", 64, 16, R_fib_blackhole},
	{"ADR-22", NULL, 6, UDP, "64:ff9b:1::c633:640a", NULL, 64, 16, R_src6_in_pref64},
	{"ADR-21", NULL, 6, UDP, "fe80::1", NULL, 64, 16, R_src6_illegal},
	{"ADR-23", NULL, 4, UDP, NULL, "203.0.113.9", 64, 16, R_not_target},
	{"ADR-24", NULL, 6, UDP, NULL, "127.0.0.1", 64, 16, R_dst4_illegal},
	{"ADR-24, multicast", NULL, 6, UDP, NULL, "224.0.0.5", 64, 16, R_dst4_illegal},
	{"ADR-20", NULL, 4, UDP, "127.0.0.1", NULL, 64, 16, R_src4_illegal},
	{"ADR-27", NULL, 4, UDP, T4, NULL, 64, 16, R_src4_is_pool4},
	{"ADR-28", NULL, 6, UDP, "3fff::1", NULL, 64, 16, R_urpf},
	{"L4-09, 6", NULL, 6, SCTP, NULL, NULL, 64, 16, R_slow_unsupported},
	{"L4-09, 4", NULL, 4, SCTP, NULL, NULL, 64, 16, R_slow_unsupported},
	{"ADR-25, 6", "denylist4=198.51.100.0/24", 6, UDP, NULL, NULL, 64, 16, R_slow_policy},
	{"ADR-25, 4", "denylist4=198.51.100.0/24", 4, UDP, NULL, NULL, 64, 16, R_deny4},
	{"ADR-26", "allow6=2001:db8:d::/48", 6, UDP, NULL, NULL, 64, 16, R_slow_policy},
	{"GEN-08, list before TTL", "allow6=2001:db8:d::/48", 6, UDP, NULL, NULL, 1, 16, R_slow_policy},
	{"GEN-08, list before protocol", "allow6=2001:db8:d::/48", 6, SCTP, NULL, NULL, 64, 16, R_slow_policy},
	{"ICQ-04", "drop-icmp6-info=on", 6, P_ICMP6, 0, NULL, NULL, 64, 16, R_icmp6_info},
	{"GEN-04, 6", "no-translate=64:ff9b:1::/96", 6, UDP, NULL, NULL, 64, 16, R_no_translate},
	{"GEN-04, 4", "no-translate=203.0.113.8/32", 4, UDP, NULL, NULL, 64, 16, R_no_translate},
	{"TCP-02", "drop-v4-initiated-tcp=on", 4, P_TCP, SYN, NULL, NULL, 64, 16, R_v4_tcp},
	{"GEN-07", "force-slow=on", 6, UDP, NULL, NULL, 64, 16, R_slow_forced},
	{"L4-11", "clamp-mss6to4=on", 6, P_TCP, SYN, NULL, NULL, 64, 16, R_slow_syn_mss},
	{"ADR-04", "pref64=64:ff9b::/96", 6, UDP, NULL, "10.0.0.1", 64, 16, R_slow_policy},
	{"ADR-04, 4", "pref64=64:ff9b::/96", 4, UDP, "10.0.0.1", NULL, 64, 16, R_wkp_nonglobal},
};

static void test_rules(void **state)
{
	const char *loaded = "";

	(void)state;
	sh("ip route add 198.51.100.77 via 203.0.113.2 mtu lock 1200");
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		const char *dst = r->dst ? r->dst : r->from == 6 ? S4 : T4;

		if (!loaded || strcmp(loaded, r->opt ? r->opt : "-"))
			bed_open(OPTS(r->opt ? r->opt : "urpf6=loose"));
		loaded = r->opt ? r->opt : "-";
		knob.ttl = r->ttl;
		knob.payload = r->payload;
		if (r->from == 6)
			from6(r->proto, r->flags, r->src ? r->src : C6, 40000, dst, 53);
		else
			from4(r->proto, r->flags, r->src ? r->src : S4, 53, dst, 50000);
		expect(got.reason, r->reason, r->name);
		nothing_made(r->name);
	}
	knob.ttl = 64;
	knob.payload = 16;
	sh("ip route del 198.51.100.77");
	print_message("%zu rules\n", sizeof(rules) / sizeof(rules[0]));
}

/* ---- what a mapping does not excuse ------------------------------------------------------------ */

#define ELSEWHERE "192.0.2.5"	/* a peer that no row is about */
#define GLOBAL "9.9.9.9"	/* ... and that the well-known prefix may carry */

/* Of a packet whose host has a mapping: each is judged all the same. From IPv4 `addr` is the
 * source, else the destination. Warmed, the short way is asked. */
static const struct {
	const char *name, *opt;
	int from;
	const char *peer, *addr;
	__u16 port;
	__u8 ttl;
	enum reason reason;
} mapped[] = {
	{"plain, 6", "tos=off", 6, ELSEWHERE, S4, 53, 64, R_fwd_6to4},
	{"plain, 4", "tos=off", 4, ELSEWHERE, S4, 53, 64, R_fwd_4to6},
	{"S16", "tos=off", 6, ELSEWHERE, S4, 53, 1, R_slow_ttl},
	{"S16, 4", "tos=off", 4, ELSEWHERE, S4, 53, 1, R_slow_ttl},
	{"ADR-24, multicast", "tos=off", 6, ELSEWHERE, "224.0.0.5", 53, 64, R_dst4_illegal},
	{"ADR-24, loopback", "tos=off", 6, ELSEWHERE, "127.0.0.1", 53, 64, R_dst4_illegal},
	{"HP-01", "tos=off", 6, ELSEWHERE, T4, 53, 64, R_slow_hairpin},
	{"ADR-20", "tos=off", 4, ELSEWHERE, "127.0.0.1", 53, 64, R_src4_illegal},
	{"ADR-20, multicast", "tos=off", 4, ELSEWHERE, "224.0.0.5", 53, 64, R_src4_illegal},
	{"ADR-27", "tos=off", 4, ELSEWHERE, T4, 53, 64, R_src4_is_pool4},
	{"ADR-25, 6", "denylist4=198.51.100.0/24", 6, ELSEWHERE, S4, 53, 64, R_slow_policy},
	{"ADR-25, 4", "denylist4=198.51.100.0/24", 4, ELSEWHERE, S4, 53, 64, R_deny4},
	{"ADR-25, near", "denylist4=198.51.100.0/28", 6, ELSEWHERE, "198.51.100.77", 53, 64, R_fwd_6to4},
	{"ADR-04", "pref64=64:ff9b::/96", 6, GLOBAL, "10.0.0.1", 53, 64, R_slow_policy},
	{"ADR-04, 4", "pref64=64:ff9b::/96", 4, GLOBAL, "10.0.0.1", 53, 64, R_wkp_nonglobal},
	{"ADR-04, global", "pref64=64:ff9b::/96", 6, GLOBAL, "9.9.9.10", 53, 64, R_fwd_6to4},
	{"GEN-04, port", "no-translate={prefix: 64:ff9b:1::/96, port: 53}", 6, ELSEWHERE, S4, 53, 64,
	 R_no_translate},
	{"GEN-04, another", "no-translate={prefix: 64:ff9b:1::/96, port: 53}", 6, ELSEWHERE, S4, 54, 64,
	 R_fwd_6to4},
};

static void test_mapped(void **state)
{
	const char *loaded = "";
	__u16 port, host;

	(void)state;
	sh("ip route add 9.0.0.0/8 via 203.0.113.2");
	sh("ip route add 10.0.0.0/8 via 203.0.113.2");
	for (size_t i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++) {
		if (strcmp(loaded, mapped[i].opt))
			bed_open(OPTS(mapped[i].opt));
		loaded = mapped[i].opt;
		host = (__u16)(5000 + i);
		port = out6(P_UDP, 0, C6, host, mapped[i].peer, 80);
		out6(P_UDP, 0, C6, host, mapped[i].peer, 80);
		knob.ttl = mapped[i].ttl;
		if (mapped[i].from == 6)
			from6(P_UDP, 0, C6, host, mapped[i].addr, mapped[i].port);
		else
			from4(P_UDP, 0, mapped[i].addr, mapped[i].port, T4, port);
		expect(got.reason, mapped[i].reason, mapped[i].name);
		knob.ttl = 64;
	}
	sh("ip route del 9.0.0.0/8");
	sh("ip route del 10.0.0.0/8");
	print_message("%zu packets of a host that has a mapping\n",
		      sizeof(mapped) / sizeof(mapped[0]));
}

/* ---- lists and reloads --------------------------------------------------------------------------- */

/* S27, GEN-11: a mapping is judged again by the lists of the programs in force. */
static void test_reload(void **state)
{
	__u16 c, y;

	(void)state;
	bed_open(OPTS("pool4=203.0.113.8/32"));
	c = udp6(C6, 40000);
	y = udp6(Y6, 40000);
	bed_reload(OPTS("pool4=203.0.113.8/32", "allow6=2001:db8:d::/48"));
	assert_int_equal(udp6(Y6, 40000), y);
	expect(from6(P_UDP, 0, C6, 40000, S4, 53), R_slow_policy, "S27");
	assert_null(bed_bib6(ST_UDP, C6, 40000));
	audit_all();
	assert_int_equal(audit.mappings[ST_UDP], 1);
	expect(from6(P_UDP, 0, C6, 40000, S4, 53), R_slow_policy, "S27, once more");
	/* from the other side, and urpf6 */
	bed_reload(OPTS("pool4=203.0.113.8/32"));
	c = udp6(X6, 40000);
	bed_reload(OPTS("pool4=203.0.113.8/32", "allow6=2001:db8:d::/48"));
	expect(from4(P_UDP, 0, S4, 53, T4, c), R_no_bib, "S27, from IPv4");
	assert_null(bed_bib6(ST_UDP, X6, 40000));
	bed_reload(OPTS("pool4=203.0.113.8/32"));
	assert_int_equal(udp6(Y6, 40000), y);
	sh("ip route del 2001:db8::/32");
	for (__u16 i = 0; i < 300; i++) { /* an answer of the FIB stands for a second */
		if (from6(P_UDP, 0, Y6, (__u16)(50000 + i), S4, 53) == R_urpf)
			break;
		usleep(10000);
	}
	assert_int_equal(udp6(Y6, 40000), y); /* what was judged stays */
	bed_reload(OPTS("pool4=203.0.113.8/32"));
	from6(P_UDP, 0, Y6, 40000, S4, 53);
	sh("ip route add 2001:db8::/32 via 2001:db8:ffff::2");
	expect(got.reason, R_urpf, "ADR-28 after a reload");
	assert_null(bed_bib6(ST_UDP, Y6, 40000));
	/* lists about the peer hold for each packet */
	bed_open(OPTS("denylist4=198.51.100.20/32"));
	c = udp6(C6, 40000);
	expect(from6(P_UDP, 0, C6, 40000, Z4, 53), R_slow_policy, "ADR-25");
	expect(from4(P_UDP, 0, Z4, 53, T4, c), R_deny4, "ADR-25");
	in4(P_UDP, 0, S4, 53, c, C6, 40000);
}

/* S28, PORT-10: a removed address drains. */
static void test_drain(void **state)
{
	__be32 first;

	(void)state;
	bed_open(OPTS("pool4=203.0.113.8/32"));
	udp6(C6, 40000);
	first = seen.p.src4;
	bed_reload(OPTS("pool4=203.0.113.9/32"));
	udp6(C6, 40000);
	assert_int_equal(seen.p.src4, first);
	udp6(C6, 40001);
	assert_int_equal(seen.p.src4, ip4("203.0.113.9"));
	udp6(Y6, 1);
	assert_int_equal(seen.p.src4, ip4("203.0.113.9"));
	bed_wait(304);
	udp6(C6, 40000);
	assert_int_equal(seen.p.src4, ip4("203.0.113.9"));
	audit_all();
}

/* ---- an address that is also the host's (GEN-05, S22) ---------------------------------------------- */

/* An ICMPv4 error about something of T's, quoting a UDP packet from T. */
static enum reason icmp_error(void)
{
	static struct frame f, in;
	__u8 *icmp = f.bytes + ETH_LEN + IP4_LEN;
	__be16 sum;

	frame_4(&in, P_UDP, 0, T4, 50000, S4, 53);
	frame_4(&f, P_ICMP4, 0, S4, 0, T4, 0);
	f.len = ETH_LEN + IP4_LEN + 8 + IP4_LEN + 8;
	f.bytes[ETH_LEN + 3] = (__u8)(f.len - ETH_LEN);
	((struct ip4_hdr *)(f.bytes + ETH_LEN))->csum = csum_ip4((void *)(f.bytes + ETH_LEN));
	memset(icmp, 0, 8);
	icmp[0] = 3;
	memcpy(icmp + 8, in.bytes + ETH_LEN, IP4_LEN + 8);
	sum = csum_finish(csum_bytes(icmp, 8 + IP4_LEN + 8));
	memcpy(icmp + 2, &sum, 2);
	return bed_run(&f);
}

static void worker_beats(__u64 ns_ago)
{
	struct n64_control c = {.abi = N64_ABI};
	struct timespec t;
	__u32 zero = 0;

	clock_gettime(CLOCK_MONOTONIC, &t);
	c.beat = (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec - ns_ago;
	bed_put(bed.owner->maps.control, &zero, &c);
}

static void test_shared(void **state)
{
	static const int unknown[][2] = {{P_TCP, SYN}, {P_TCP, TCP_ACK}, {P_UDP, 0},
					 {P_ICMP4, ECHO_OTHER}, {P_ICMP4, 0}, {47, 0}, {132, 0}};
	__u16 t;

	(void)state;
	bed_open(OPTS("error-no-bib=on", "denylist4=198.51.100.20/32"));
	expect(icmp_error(), R_slow_icmp_error, "an error, not shared");
	bed_local(T4);
	t = udp6(C6, 40000);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		expect(from4(unknown[i][0], unknown[i][1], S4, 53, T4, 22), R_shared, "S22");
		knob.ttl = 1;
		expect(from4(unknown[i][0], unknown[i][1], S4, 53, T4, 22), R_shared, "S22, TTL 1");
		knob.ttl = 64;
		expect(from4(unknown[i][0], unknown[i][1], Z4, 53, T4, 22), R_shared, "S22, denied");
	}
	in4(P_UDP, 0, S4, 53, t, C6, 40000); /* the last of S22 */
	knob.ttl = 1;
	expect(from4(P_UDP, 0, S4, 53, T4, t), R_slow_ttl, "a mapped port is ours");
	knob.ttl = 64;
	expect(from4(P_UDP, 0, Z4, 53, T4, t), R_deny4, "a mapped port is ours");
	worker_beats(3000000000ull);
	expect(icmp_error(), R_shared, "an error, no worker");
	worker_beats(0);
	expect(icmp_error(), R_slow_icmp_error, "an error, the worker judges");
}

/* GEN-02: the class of ICMP errors is over its rate; those about a shared address are the
 * host's then (GEN-05), others are dropped by name. */
static void test_error_rate(void **state)
{
	int dropped = 0, handed = 0, other = 0;

	(void)state;
	bed_open(OPTS("slow-rate-icmp=100"));
	for (int i = 0; i < 100; i++) {
		enum reason r = icmp_error();

		dropped += r == R_sp_rate_icmp;
		handed += r == R_slow_icmp_error;
	}
	assert_int_equal(dropped + handed, 100);
	assert_in_range(handed, 1, 60);
	bed_local(T4);
	worker_beats(0);
	dropped = handed = 0;
	for (int i = 0; i < 100; i++) {
		enum reason r = icmp_error();

		dropped += r == R_sp_rate_icmp;
		handed += r == R_slow_icmp_error;
		other += r == R_shared;
	}
	if (dropped)
		fail_msg("%d of 100 ICMP errors about a shared address were dropped", dropped);
	assert_int_equal(handed + other, 100);
}

/* ---- quiet TCP mappings ------------------------------------------------------------------------ */

#define TCP_LIFE (7200 + 240)

/* Both entries of the mapping of port 20000 were refreshed at `from` or later. */
static void assert_refreshed(const char *what, __u16 t, __u32 from)
{
	const struct n64_bib6 *e = bed_bib6(ST_TCP, C6, 20000);
	__u32 until4 = bed_binding(ST_TCP, ip4(T4), t)->until4, until6 = e ? e->until6 : 0;

	if (until6 < from + TCP_LIFE || until4 < from + TCP_LIFE)
		fail_msg("%s: until6 %d s, until4 %d s too early", what,
			 (int)(from + TCP_LIFE - until6), (int)(from + TCP_LIFE - until4));
}

/* TCP-18, ST-03: a packet of either side moves the deadline in its own entry, whoever was the first
 * in this second. A reload to address-dependent filtering ends what only the flag would let
 * through (TCP-06). */
static void test_quiet(void **state)
{
	__u32 from;
	__u16 t;

	(void)state;
	bed_open(OPTS("subscriber-rate=0"));
	t = out6(P_TCP, SYN, C6, 20000, S4, 80);
	in4(P_TCP, SYNACK, S4, 80, t, C6, 20000);
	bed_wait(50);
	from = bed_now();
	out6(P_TCP, TCP_ACK, C6, 20000, S4, 80);
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 20000);
	assert_refreshed("6, 4", t, from);
	bed_wait(50);
	from = bed_now();
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 20000);
	out6(P_TCP, TCP_ACK, C6, 20000, S4, 80);
	assert_refreshed("4, 6", t, from);
	/* its own deadline has passed, the other side's has not */
	bed_wait(7300);
	out6(P_TCP, TCP_ACK, C6, 20000, S4, 80);
	bed_wait(200);
	from = bed_now();
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 20000);
	out6(P_TCP, TCP_ACK, C6, 20000, S4, 80);
	assert_refreshed("4 after its deadline, 6", t, from);

	bed_reload(OPTS("subscriber-rate=0", "filtering-tcp=adf"));
	for (int i = 0; i < 3; i++)
		expect(from4(P_TCP, TCP_ACK, Z4, 81, T4, t), R_adf, "a stranger after the reload");
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 20000);
	out6(P_TCP, TCP_ACK, C6, 20000, S4, 80);
}

/* ---- prefixes (ADR-01, ADR-08) ------------------------------------------------------------------------ */

static void test_prefixes(void **state)
{
	static const char *const prefix[] = {"2001:db8::/32", "2001:db8:100::/40",
		"2001:db8:122::/48", "2001:db8:122:300::/56", "2001:db8:122:344::/64",
		"2001:db8:122:344::/96"};
	const struct n64_pref64 *p;
	struct addr6 want;
	char opt[64];
	__u16 t;

	(void)state;
	sh("ip route add 2001:dba::/32 via 2001:db8:ffff::2");
	for (int i = 0; i < 6; i++) {
		snprintf(opt, sizeof(opt), "pref64=%s", prefix[i]);
		bed_open(OPTS(opt));
		p = &bed_conf()->pref64[0];
		t = out6(P_UDP, 0, "2001:dba::1", 7, S4, 53);
		assert_int_equal(seen.p.dst4, ip4(S4));
		in4(P_UDP, 0, S4, 53, t, "2001:dba::1", 7);
		rfc6052_embed(p, ip4(S4), &want);
		assert_memory_equal(&seen.p.src6, &want, 16);
	}
	/* two: the answer comes from the one that the host used */
	bed_open(OPTS("pref64=2001:db8:122:344::/96", "pref64=64:ff9b:1::/96"));
	for (int i = 0; i < 2; i++) {
		knob.pref = i;
		t = out6(P_UDP, 0, "2001:dba::1", (__u16)(10 + i), S4, 53);
		in4(P_UDP, 0, S4, 53, t, "2001:dba::1", (__u16)(10 + i));
		rfc6052_embed(&bed_conf()->pref64[i], ip4(S4), &want);
		assert_memory_equal(&seen.p.src6, &want, 16);
	}
	knob.pref = 0;
	sh("ip route del 2001:dba::/32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),	   cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_drain),	   cmocka_unit_test(test_shared),
		cmocka_unit_test(test_error_rate), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_quiet),
	};

	if (geteuid()) {
		puts("state_rules_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_cold_and_warm("xdp path, rules around the state", tests, world_start);
}
