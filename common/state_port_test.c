/* SPDX-License-Identifier: GPL-2.0-only */
/* Which address and port a new mapping gets, and who gets none: requirements section 12
 * (RFC 6146 3.5.1.1, RFC 4787, RFC 6056, RFC 6888), against the engine itself. Nobody
 * sweeps: what has expired is found by those who need it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_ask.h"

#define GRANTED 0

static void whole(void)
{
	const char *wrong = fm_audit();

	if (wrong)
		fail_msg("%s", wrong);
}

static int port_of(enum st_proto proto, struct addr6 host, __u32 port6)
{
	struct n64_call q = ask_out(proto, host, port6, 1, 53, TCP_SYN);

	return ask_port(&q);
}

static int udp(__u32 sub, __u32 n, __u32 port6)
{
	return port_of(ST_UDP, ask_host(sub, n), port6);
}

static __be32 addr_of(enum st_proto proto, struct addr6 host, __u32 port6)
{
	struct n64_call q = ask_out(proto, host, port6, 1, 53, TCP_SYN);

	return fm_call(&q) ? 0 : q.addr4;
}

/* ---- PORT-05, PORT-06 --------------------------------------------------------------- */

static const struct port_row {
	const char *rule, *pool;
	enum st_proto proto;
	__u32 x, first, last;
	int parity;	/* -1: any */
} port_rows[] = {
	{ "S10: low and odd", "1-65535", ST_UDP, 999, 1, 1023, 1 },
	{ "S10: low and even", "1-65535", ST_UDP, 998, 1, 1023, 0 },
	{ "S10: high and odd", "1-65535", ST_UDP, 40001, 1024, 65535, 1 },
	{ "S10: high and even", "1-65535", ST_UDP, 40002, 1024, 65535, 0 },
	{ "PORT-05: TCP low", "1-65535", ST_TCP, 80, 1, 1023, -1 },
	{ "PORT-05: TCP high", "1-65535", ST_TCP, 1024, 1024, 65535, -1 },
	{ "S10: no low ports", "1024-65535", ST_UDP, 999, 1024, 65535, -1 },
	{ "PORT-05: no high ports", "512-1023", ST_UDP, 40001, 512, 1023, -1 },
	{ "PORT-06: no such parity", "2000-2000", ST_UDP, 40001, 2000, 2000, 0 },
	{ "PORT-06: parity goes first", "1022-1022;pool4=" POOL_A ":3001-3001", ST_UDP, 41002,
	  3001, 3001, 1 },
	{ "PORT-05: the last port", "65535-65535", ST_UDP, 41002, 65535, 65535, 1 },
};

static void test_ranges(void **state)
{
	char words[100];

	(void)state;
	for (size_t i = 0; i < sizeof(port_rows) / sizeof(port_rows[0]); i++) {
		const struct port_row *r = &port_rows[i];
		int port;

		snprintf(words, sizeof(words), "pool4=" POOL_A ":%s", r->pool);
		fm_begin(words, NULL);
		port = port_of(r->proto, ask_host(1, 1), r->x);
		if (port < (int)r->first || port > (int)r->last ||
		    (r->parity >= 0 && port % 2 != r->parity))
			fail_msg("%s: %d", r->rule, port);
		whole();
		fm_end();
	}
}

/* What is foreseen of a packet before any table was looked at is where its mapping comes to be
 * while the pool has room, and it is the same whether the ports of the pool are known or each
 * row is asked (PORT-04, PORT-05, PORT-06). */
static const struct {
	const char *words;
	bool told;	/* with ports from 1024 on */
} foreseen_rows[] = {
	{ "pool4=" POOL_A, true },
	{ "pool4=203.0.113.0/30:5000-6000", true },
	{ "pool4=203.0.113.0/31:1-2000;pool4=203.0.113.8/31:1-2000", true },
	{ "pool4=203.0.113.0/30;subscriber-prefix-len=48", true },
	{ "pool4=203.0.113.0/30;subscriber-prefix-len=128", true },
	{ "pool4=203.0.113.0/31:1-2000;pool4=203.0.113.8/31:3000-4000", false },
	{ "pool4=203.0.113.0/30:1-1023", false },
	{ "pool4=203.0.113.0/30;port-block=64", false },
};

static int foreseen(enum st_proto proto, struct addr6 host, __u32 port6)
{
	__u64 lo = addr6_half(&host, 0), hi = addr6_half(&host, 1);
	__u64 hash = key_hash_addr(&fm.conf, &host);

	sub_halves(&fm.conf, &lo, &hi);
	return mapping_foreseen(&fm.conf, key_hash_halves(&fm.conf, lo, hi), hash, proto,
				be16(port6));
}

static void test_foreseen(void **state)
{
	static const __u32 ports[] = { 40000, 1024, 65535, 1023, 80 };

	(void)state;
	for (size_t i = 0; i < sizeof(foreseen_rows) / sizeof(foreseen_rows[0]); i++) {
		struct n64_state_conf st;

		fm_begin(foreseen_rows[i].words, NULL);
		st = fm.conf.st;
		for (__u32 n = 0; n < 30; n++) {
			enum st_proto proto = (enum st_proto)(n % 2); /* TCP, UDP */
			__u32 port6 = ports[n % 5];
			struct addr6 host = ask_host(n, n);
			struct n64_call q = ask_out(proto, host, port6, 1, 53, TCP_SYN), r = q;
			int index;

			fm.conf.st = st;
			fm_reset();
			index = foreseen(proto, host, port6);
			if ((index >= 0) != (foreseen_rows[i].told && port6 >= 1024))
				fail_msg("%s, port %u: foreseen %d", foreseen_rows[i].words, port6,
					 index);
			assert_int_equal(fm_call(&q), GRANTED);
			if (index >= 0 && (__u32)index != q.binding)
				fail_msg("%s, port %u: %d, foreseen %x, is %x",
					 foreseen_rows[i].words, port6, (int)proto, index, q.binding);
			fm_reset();
			memset(fm.conf.st.ports, 0, sizeof(fm.conf.st.ports));
			assert_int_equal(fm_call(&r), GRANTED);
			if (r.binding != q.binding)
				fail_msg("%s: by row %x, known %x", foreseen_rows[i].words,
					 r.binding, q.binding);
		}
		fm_end();
	}
}

/* PORT-07: where the port at which the search begins is used, and the one behind it, the next that
 * is free is foreseen, unless it is that of another word of the bitmap. */
static void test_foreseen_free(void **state)
{
	__u32 other = 0;

	(void)state;
	fm_begin("pool4=" POOL_A, NULL);
	for (__u32 n = 0; n < 200; n++) {
		enum st_proto proto = (enum st_proto)(n % 2); /* TCP, UDP */
		enum port_parity par = port_parity(&fm.conf, proto, be16(40000));
		__u32 step = par == PARITY_ANY ? 1 : 2, start, is;
		struct addr6 host = ask_host(n, n);
		struct n64_call q = ask_out(proto, host, 40000, 1, 53, TCP_SYN);
		struct n64_row *r;
		int index;

		fm_reset();
		index = foreseen(proto, host, 40000);
		assert_true(index >= 0);
		assert_int_equal(mapping_free((__u32)index, par), index);
		r = mem_row((__u32)index >> 16);
		start = index_port((__u32)index);
		port_set_used(r, start);
		if (port_word(start + step) == port_word(start))
			port_set_used(r, start + step);
		is = mapping_free((__u32)index, par);
		assert_int_equal(fm_call(&q), GRANTED);
		assert_int_not_equal(q.binding, index);
		assert_true(is == q.binding || is == (__u32)index);
		other += is != q.binding;
	}
	fm_end();
	assert_in_range(other, 0, 30); /* about 3 of 64 */
}

/* Ports of as many hosts do not follow each other, in narrow ranges either, and depend on
 * the key. */
static void test_no_sequence(void **state)
{
	static const char *const pools[] = { "1024-65535", "1024-2047", "1200-1455" };
	char words[100];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		int port[2][60], near = 0, same = 0;

		snprintf(words, sizeof(words), "pool4=" POOL_A ":%s", pools[i]);
		fm_begin(words, NULL);
		for (int k = 0; k < 2; k++) {
			fm.conf.st.key[0] += (__u64)k;
			for (__u32 n = 0; n < 60; n++)
				port[k][n] = port_of(ST_TCP, ask_host(1 + n, 1), 40000);
			fm_reset();
		}
		for (int n = 1; n < 60; n++) {
			near += abs(port[0][n] - port[0][n - 1]) <= 2;
			same += port[0][n] == port[1][n];
		}
		if (near > 8 || same > 8)
			fail_msg("PORT-07: %s: %d follow the one before, %d without the key",
				 pools[i], near, same);
		fm_end();
	}
}

/* ---- S11, PORT-07, PORT-09 ------------------------------------------------------------ */

/* A pool of a few ports: exactly so many mappings, they still work, and when they are
 * over exactly so many again. */
static void test_exhaustion(void **state)
{
	char words[100];

	(void)state;
	for (__u32 size = 1; size <= 9; size++) {
		snprintf(words, sizeof(words), "pool4=" POOL_A ":1030-%u", 1029 + size);
		fm_begin(words, NULL);
		for (__u32 round = 0; round < 3; round++) {
			for (__u32 n = 0; n < 2 * size; n++) {
				int port = port_of(ST_TCP, ask_host(n % size, round), 40000);

				if (port < 0)
					fail_msg("S11: %u ports, round %u, mapping %u: %d", size,
						 round, n, port);
			}
			assert_int_equal(port_of(ST_TCP, ask_host(99, 1), 40000), -R_no_port);
			whole();
			fm_seconds(fm.conf.opt.tcp_open_timeout + 3);
		}
		fm_end();
	}
}

static const struct reuse_row {
	const char *rule, *words;
	enum st_proto proto;
	__u32 after;		/* seconds behind the deadline */
	__u32 sub, n, port6;	/* who asks for the only port */
	int reason;
} reuse_rows[] = {
	{ "ST-10: its own, at once", "", ST_UDP, 1, 1, 1, 40000, GRANTED },
	{ "CGN-03: another port of the host", "", ST_UDP, 2, 1, 1, 40001, -R_no_port },
	{ "S19: another subscriber", "", ST_UDP, 120, 2, 1, 40000, -R_no_port },
	{ "S19: after that", "", ST_UDP, 121, 2, 1, 40000, GRANTED },
	{ "ST-10: TCP, two seconds", "", ST_TCP, 2, 2, 1, 40000, -R_no_port },
	{ "CGN-03: TCP is exempt", "", ST_TCP, 3, 2, 1, 40000, GRANTED },
	{ "CGN-03: settable", "port-quarantine=10", ST_UDP, 10, 2, 1, 40000, -R_no_port },
	{ "CGN-03: and over", "port-quarantine=10", ST_UDP, 11, 2, 1, 40000, GRANTED },
	{ "CGN-03: off", "port-quarantine=0", ST_UDP, 3, 2, 1, 40000, GRANTED },
	{ "ST-10: the deadline itself", "", ST_UDP, 0, 2, 1, 40000, -R_no_port },
};

static void test_reuse(void **state)
{
	char words[100];

	(void)state;
	for (size_t i = 0; i < sizeof(reuse_rows) / sizeof(reuse_rows[0]); i++) {
		const struct reuse_row *r = &reuse_rows[i];
		struct n64_call q = ask_out(r->proto, ask_host(1, 1), 40000, 1, 53, TCP_SYN);
		int got;

		snprintf(words, sizeof(words), "pool4=" POOL_A ":1030-1030;%s", r->words);
		fm_begin(words, NULL);
		assert_int_equal(fm_call(&q), GRANTED);
		fm_seconds(ask_until(q.binding) - st_now() + r->after);
		got = port_of(r->proto, ask_host(r->sub, r->n), r->port6);
		if ((got > 0 ? GRANTED : got) != r->reason)
			fail_msg("%s: %d", r->rule, got);
		whole();
		fm_end();
	}
}

/* ---- PORT-02, PORT-03, PORT-04, PORT-08, PORT-10 ------------------------------------------ */

static void test_pairing(void **state)
{
	__be32 t;

	(void)state;
	fm_begin("pool4=203.0.113.8/30", NULL);
	for (__u32 sub = 0; sub < 20; sub++) {
		t = addr_of(ST_TCP, ask_host(sub, 1), 40000);
		assert_true(t);
		assert_int_equal(addr_of(ST_UDP, ask_host(sub, 2), 5000), t); /* S09 */
		assert_int_equal(addr_of(ST_ICMP, ask_host(sub, 1), 7), t);
		assert_int_equal(addr_of(ST_TCP, ask_host(sub, 2), 40001), t);
	}
	whole();
	/* S28, PORT-10: a draining address keeps what it has and gets nothing new */
	t = addr_of(ST_TCP, ask_host(1, 1), 40000);
	for (__u32 slot = 0; slot < FM_SLOTS; slot++)
		if (fm.slots[slot].addr == t) {
			fm.slots[slot].flags |= SLOT_DRAINING;
			fm_range(row_of(slot, ST_TCP), 0, 65535, false);
		}
	assert_int_equal(addr_of(ST_TCP, ask_host(1, 1), 40000), t);
	assert_int_not_equal(addr_of(ST_TCP, ask_host(1, 1), 40009), t);
	assert_int_equal(addr_of(ST_TCP, ask_host(1, 2), 40010),
			 addr_of(ST_TCP, ask_host(1, 1), 40009));
	whole();
	fm_end();
}

/* One port on each of seven addresses: seven subscribers, whatever the order. */
static void test_next_address(void **state)
{
	(void)state;
	fm_begin("pool4=203.0.113.8/30:2000;pool4=203.0.113.16/31:2000;pool4=203.0.113.20:2000",
		 NULL);
	for (__u32 key = 0; key < 10; key++) {
		fm_reset();
		fm.conf.st.key[0] += key;
		for (__u32 sub = 0; sub < 7; sub++, fm_seconds(1))
			if (port_of(ST_TCP, ask_host(sub, 1), 40000) != 2000)
				fail_msg("PORT-04: subscriber %u is refused", sub);
	}
	assert_int_equal(port_of(ST_TCP, ask_host(9, 1), 40000), -R_no_port);
	/* PORT-02: paired with an address that is full */
	assert_int_equal(port_of(ST_TCP, ask_host(1, 1), 40001), -R_no_port);
	whole();
	fm_end();
}

/* A subscriber without a mapping is bound to no address: it is remembered with the one it
 * had, which others have filled meanwhile. */
static void test_unbound(void **state)
{
	struct n64_call q = ask_out(ST_TCP, ask_host(1, 1), 40000, 1, 80, TCP_SYN);
	__u32 sub = 2;

	(void)state;
	fm_begin("pool4=203.0.113.8/31:2000", NULL);
	assert_int_equal(fm_call(&q), GRANTED);
	assert_int_equal(fm_call(&(struct n64_call){ .op = CALL_DEL, .binding = q.binding }),
			 GRANTED);
	fm_seconds(3);
	for (; !fm.rows[q.row]->used && sub < 30; sub++) {
		struct n64_call r = ask_out(ST_TCP, ask_host(sub, 1), 40000, 1, 80, TCP_SYN);

		assert_int_equal(fm_call(&r), GRANTED);
		if (r.row != q.row)
			fm_call(&(struct n64_call){ .op = CALL_DEL, .binding = r.binding });
		fm_seconds(3);
	}
	if (port_of(ST_TCP, ask_host(1, 1), 40000) < 0)
		fail_msg("PORT-02: bound without a mapping");
	whole();
	fm_end();
}

static void test_options(void **state)
{
	(void)state;
	fm_begin("pool4=203.0.113.8/31:2000-2003;soft-app=true", NULL);
	for (__u32 n = 0; n < 8; n++, fm_seconds(1)) /* PORT-02, RFC 7857 4 */
		assert_true(udp(1, 1, 40000 + n) > 0);
	assert_int_equal(udp(1, 1, 41000), -R_no_port);
	whole();
	fm_end();
	fm_begin("pool4=" POOL_A ";port-preserve=true", NULL); /* PORT-08 */
	assert_int_equal(udp(1, 1, 41000), 41000);
	assert_int_not_equal(udp(1, 2, 41000), 41000);
	whole();
	fm_end();
	fm_begin("pool4=" POOL_A, NULL); /* S15, ICQ-03 */
	assert_int_not_equal(port_of(ST_ICMP, ask_host(1, 1), 0x1234),
			     port_of(ST_ICMP, ask_host(1, 2), 0x1234));
	whole();
	fm_end();
}

/* ---- CGN-01, CGN-02 ---------------------------------------------------------------------- */

static void test_quota(void **state)
{
	(void)state;
	fm_begin("pool4=" POOL_A ";subscriber-udp=3", NULL);
	for (__u32 n = 0; n < 3; n++)
		assert_true(udp(1, n, 40000) > 0);
	assert_int_equal(udp(1, 9, 40000), -R_quota);
	assert_true(udp(2, 9, 40000) > 0);
	assert_true(port_of(ST_TCP, ask_host(1, 9), 40000) > 0);
	fm_seconds(300); /* alive in the second of the deadline */
	assert_int_equal(udp(1, 9, 40000), -R_quota);
	fm_seconds(1); /* and only entries whose time has not passed count */
	for (__u32 n = 0; n < 3; n++)
		if (udp(1, 10 + n, 40000) < 0)
			fail_msg("CGN-01: an expired mapping counts");
	assert_int_equal(udp(1, 9, 40001), -R_quota);
	whole();
	fm_end();
	fm_begin("pool4=" POOL_A ";subscriber-rate=2;subscriber-burst=5", NULL);
	for (__u32 n = 0; n < 5; n++)
		assert_true(udp(1, n, 40000) > 0);
	assert_int_equal(udp(1, 9, 40000), -R_quota);
	assert_true(udp(1, 1, 40000) > 0); /* not a new one */
	fm_seconds(1);
	assert_true(udp(1, 9, 40000) > 0);
	assert_true(udp(1, 10, 40000) > 0);
	assert_int_equal(udp(1, 11, 40000), -R_quota);
	whole();
	fm_end();
}

/* S23: everything that a subscriber may have expires, and it makes as much again. */
static void test_s23(void **state)
{
	static const char *const words[] = { "", ";subscriber-udp=64", ";subscriber-udp=200" };
	static const __u32 n[] = { 4096, 64, 200 };
	char config[100];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(config, sizeof(config), "pool4=" POOL_A ";subscriber-rate=0%s", words[i]);
		fm_begin(config, NULL);
		for (__u32 round = 0; round < 2; round++) {
			for (__u32 k = 0; k < n[i]; k++)
				if (udp(1, round, 1024 + k) < 0)
					fail_msg("S23: mapping %u of round %u: %d", k, round,
						 udp(1, round, 1024 + k));
			assert_int_equal(udp(1, round, 60000), -R_quota);
			whole();
			fm_seconds(303);
		}
		fm_end();
	}
}

/* The limits of the gateway hold, and what has expired of others does not count. */
static void test_global(void **state)
{
	const struct fm_sizes few = { .max_sessions = 4 };

	(void)state;
	fm_begin("pool4=203.0.113.8/31;max-udp-mappings=4", NULL);
	for (__u32 n = 0; n < 4; n++)
		assert_true(udp(n, 1, 40000) > 0);
	assert_int_equal(udp(9, 1, 40000), -R_table_full);
	fm_seconds(304);
	for (__u32 n = 0; n < 600 && udp(20, 1, 40000) < 0; n++)
		fm_seconds(1);
	assert_true(udp(20, 1, 40000) > 0);
	whole();
	fm_end();
	fm_begin("pool4=203.0.113.8/31", &few);
	for (__u32 n = 0; n < 4; n++)
		assert_true(port_of(ST_TCP, ask_host(n, 1), 40000) > 0);
	assert_int_equal(port_of(ST_TCP, ask_host(9, 1), 40000), -R_table_full);
	whole();
	fm_seconds(244);
	for (__u32 n = 0; n < 2000 && port_of(ST_TCP, ask_host(20, 1), 40000) < 0; n++)
		fm_seconds(1);
	assert_true(port_of(ST_TCP, ask_host(20, 1), 40000) > 0);
	whole();
	fm_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),	    cmocka_unit_test(test_foreseen),
		cmocka_unit_test(test_foreseen_free),
		cmocka_unit_test(test_no_sequence),
		cmocka_unit_test(test_exhaustion),  cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_pairing),	    cmocka_unit_test(test_next_address),
		cmocka_unit_test(test_unbound),	    cmocka_unit_test(test_options),
		cmocka_unit_test(test_quota),	    cmocka_unit_test(test_s23),
		cmocka_unit_test(test_global),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
