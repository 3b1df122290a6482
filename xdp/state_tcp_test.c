/* SPDX-License-Identifier: GPL-2.0-only */
/* The TCP state machine (requirements section 11, RFC 6146 3.5.2.2) by packets through the
 * loaded program, row by row: the session is read back from its map, the clock is the test
 * clock. And the scenarios S01 to S04, S18 and S21. */
#define _GNU_SOURCE
#include "state_run.h"

#define OPEN 240
#define EST 7200
#define TRANS 240

enum timer { KEEP, T_OPEN, T_EST, T_EST_TRANS, T_TRANS, GONE };

/* One packet of the connection: side 6 or 4, then S, SA, A, F, R (flags). "B": the mapping
 * exists by a connection to another host. */
static enum reason packet(const char *word, __u16 hport, __u16 *tport)
{
	int flags = 0;

	if (*word == 'B') {
		*tport = out6(P_TCP, SYN, C6, hport, Z4, 443);
		return R_fwd_6to4;
	}
	for (const char *p = word + 1; *p; p++)
		flags |= *p == 'S' ? TCP_SYN : *p == 'A' ? TCP_ACK : *p == 'F' ? TCP_FIN : TCP_RST;
	if (*word == '4')
		return from4(P_TCP, flags, S4, 80, T4, *tport);
	if (from6(P_TCP, flags, C6, hport, S4, 80) == R_fwd_6to4)
		*tport = seen.sport;
	return got.reason;
}

/* Words with spaces between; each is forwarded. */
static void packets(const char *words, __u16 hport, __u16 *tport)
{
	char word[8];

	while (*words) {
		int n = (int)strcspn(words, " ");
		enum reason r;

		snprintf(word, sizeof(word), "%.*s", n, words);
		words += n + (words[n] == ' ');
		r = packet(word, hport, tport);
		if (reason_kind(r) != KIND_FWD)
			fail_msg("%s: %s", word, reason_name(r));
	}
}

static const struct n64_session *session(__u16 tport)
{
	return bed_session(bed_index(ST_TCP, ip4(T4), tport), S4, 80, false);
}

static __u32 until_of(const struct n64_session *e)
{
	return (__u32)(e->tcp >> 32);
}

/* ---- the table ------------------------------------------------------------------------------ */

struct row {
	const char *rule, *before, *event;
	enum reason reason;
	enum tcp_state next;
	enum timer timer;
};

#define F6 R_fwd_6to4
#define F4 R_fwd_4to6
#define UP "6S 4SA 6A"		/* ESTABLISHED */
#define FIN4 "6S 4SA 6A 4F"	/* V4 FIN RCV */
#define FIN6 "6S 4SA 6A 6F"
#define BOTH "6S 4SA 6A 6F 4F"	/* V4+V6 FIN */
#define RST "6S 4SA 6A 4R"	/* TRANS */

static const struct row rows[] = {
	{"TCP-01", "", "6S", F6, TCP_V6_INIT, T_OPEN},
	{"TCP-01, mapping exists", "B", "6S", F6, TCP_V6_INIT, T_OPEN},
	{"TCP-01, SYN+ACK", "", "6SA", F6, TCP_V6_INIT, T_OPEN},
	{"TCP-05", "B", "4S", F4, TCP_V4_INIT, T_OPEN},
	{"TCP-06, 4", "B", "4A", F4, TCP_CLOSED, GONE},
	{"TCP-06, 6", "B", "6A", F6, TCP_CLOSED, GONE},
	{"TCP-06, RST", "B", "4R", F4, TCP_CLOSED, GONE},
	{"TCP-06, FIN", "B", "6F", F6, TCP_CLOSED, GONE},
	{"TCP-07, S18", "", "6A", R_tcp_no_state, TCP_CLOSED, GONE},
	{"TCP-07, FIN", "", "6F", R_tcp_no_state, TCP_CLOSED, GONE},
	{"TCP-07, RST", "", "6R", R_tcp_no_state, TCP_CLOSED, GONE},
	{"TCP-08, forwarded", "B 4S", "6S", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-08, SYN+ACK", "B 4S", "6SA", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-09, forwarded", "B 4S", "4S", F4, TCP_V4_INIT, KEEP},
	{"TCP-10, 4", "B 4S", "4A", F4, TCP_V4_INIT, KEEP},
	{"TCP-10, 6", "B 4S", "6A", F6, TCP_V4_INIT, KEEP},
	{"TCP-10, RST", "B 4S", "6R", F6, TCP_V4_INIT, KEEP},
	{"TCP-12", "6S", "4SA", F4, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-12, TCP-33", "6S", "4S", F4, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-13", "6S", "6S", F6, TCP_V6_INIT, T_OPEN},
	{"TCP-14, RST", "6S", "4R", F4, TCP_V6_INIT, KEEP},
	{"TCP-14, FIN", "6S", "6F", F6, TCP_V6_INIT, KEEP},
	{"TCP-14, data", "6S", "6A", F6, TCP_V6_INIT, KEEP},
	{"TCP-16, 4", UP, "4F", F4, TCP_V4_FIN_RCV, KEEP},
	{"TCP-16, 6", UP, "6FA", F6, TCP_V6_FIN_RCV, KEEP},
	{"TCP-17, 4", UP, "4R", F4, TCP_TRANS, T_TRANS},
	{"TCP-17, 6", UP, "6RA", F6, TCP_TRANS, T_TRANS},
	{"TCP-18, 6", UP, "6A", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-18, 4", UP, "4A", F4, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-18, SYN", UP, "6S", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-20", FIN4, "6F", F6, TCP_V4_V6_FIN, T_TRANS},
	{"TCP-21, 4 FIN", FIN4, "4F", F4, TCP_V4_FIN_RCV, T_EST},
	{"TCP-21, 6", FIN4, "6A", F6, TCP_V4_FIN_RCV, T_EST},
	{"TCP-21, RST", FIN4, "6R", F6, TCP_V4_FIN_RCV, T_EST},
	{"TCP-22", FIN6, "4F", F4, TCP_V4_V6_FIN, T_TRANS},
	{"TCP-23, 6 FIN", FIN6, "6F", F6, TCP_V6_FIN_RCV, T_EST},
	{"TCP-23, 4", FIN6, "4A", F4, TCP_V6_FIN_RCV, T_EST},
	{"TCP-25, 4", BOTH, "4A", F4, TCP_V4_V6_FIN, KEEP},
	{"TCP-25, 6", BOTH, "6A", F6, TCP_V4_V6_FIN, KEEP},
	{"TCP-25, RST", BOTH, "4R", F4, TCP_V4_V6_FIN, KEEP},
	{"TCP-25, 4 SYN", BOTH, "4S", F4, TCP_V4_V6_FIN, KEEP},
	{"TCP-27, 6", RST, "6A", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-27, 4", RST, "4A", F4, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-27, FIN", RST, "6F", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-27, SYN", RST, "6S", F6, TCP_ESTABLISHED, T_EST_TRANS},
	{"TCP-28, 4", RST, "4R", F4, TCP_TRANS, KEEP},
	{"TCP-28, 6", RST, "6R", F6, TCP_TRANS, KEEP},
	{"TCP-31", BOTH, "6S", F6, TCP_V6_INIT, T_OPEN},
};

/* The deadline of what was just set lies `seconds` ahead. */
static void assert_timer(const char *rule, __u32 until, __u32 seconds, __u32 earliest)
{
	__u32 now = bed_now();

	if (until < earliest + seconds || until > now + seconds)
		fail_msg("%s: deadline in %d s instead of %u", rule, (int)(until - now), seconds);
}

/* The mapping lives as long as its last session (ST-03). */
static void assert_mapping(const char *rule, __u16 hport, __u16 tport, __u32 until)
{
	const struct n64_binding *b = bed_binding(ST_TCP, ip4(T4), tport);
	const struct n64_bib6 *e = bed_bib6(ST_TCP, C6, hport);
	__u32 most;

	if (!e)
		fail_msg("%s: no bib6 entry", rule);
	most = e->until6 > b->until4 ? e->until6 : b->until4;
	if (most != until)
		fail_msg("%s: mapping until %u, session until %u", rule, most, until);
}

static void run_row(const struct row *r, __u16 hport, const struct n64_opts *opt)
{
	static const __u32 seconds[] = {[T_OPEN] = OPEN, [T_EST] = EST, [T_TRANS] = TRANS};
	const struct n64_session *e;
	__u32 before = 0, now;
	bool was_up = false;
	__u16 tport = 0;

	packets(r->before, hport, &tport);
	e = session(tport);
	if (e) {
		before = until_of(e);
		was_up = (e->tcp & 0xff) == TCP_ESTABLISHED;
	}
	bed_wait(50);
	now = bed_now();
	expect(packet(r->event, hport, &tport), r->reason, r->rule);
	e = tport ? session(tport) : NULL;
	if (!!e != (r->timer != GONE))
		fail_msg("%s: %s session", r->rule, e ? "a" : "no");
	if (!e)
		return;
	if ((e->tcp & 0xff) != r->next)
		fail_msg("%s: state %d instead of %d", r->rule, (int)(e->tcp & 0xff), r->next);
	if (r->timer == KEEP)
		assert_int_equal(until_of(e), before - (was_up && r->next != TCP_ESTABLISHED ?
							opt->tcp_trans_timeout : 0));
	else
		assert_timer(r->rule, until_of(e), r->timer == T_EST_TRANS ? EST + TRANS :
			     seconds[r->timer], now);
	if (r->before[0] != 'B')
		assert_mapping(r->rule, hport, tport, until_of(e));
}

static void test_table(void **state)
{
	(void)state;
	bed_open(OPTS("subscriber-rate=0"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i], (__u16)(20000 + i), &bed_conf()->opt);
	print_message("%zu rows\n", sizeof(rows) / sizeof(rows[0]));
	/* and the same where each packet goes through the long way (no CTL_QUIET) */
	bed_open(OPTS("subscriber-rate=0", "tcp-rst-check=on"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i], (__u16)(20000 + i), &bed_conf()->opt);
}

/* TCP-02, TCP-03, TCP-07 and TCP-31 without their mapping or with options. */
static void test_options(void **state)
{
	static const struct row off[] = {
		{"TCP-31 off", BOTH, "6S", F6, TCP_V4_V6_FIN, KEEP},
		{"TCP-02", "B", "4S", R_v4_tcp, TCP_CLOSED, GONE},
		{"TCP-36, TCP-18", UP, "4A", F4, TCP_ESTABLISHED, KEEP},
		{"TCP-36, TCP-18, 6", UP, "6A", F6, TCP_ESTABLISHED, T_EST_TRANS},
		{"TCP-36, TCP-23", FIN6, "4A", F4, TCP_V6_FIN_RCV, KEEP},
		{"TCP-36, TCP-16", UP, "4F", F4, TCP_V4_FIN_RCV, KEEP},
		{"TCP-36, TCP-17", UP, "4R", F4, TCP_TRANS, T_TRANS},
	};
	__u16 t = 0;

	(void)state;
	bed_open(OPTS("subscriber-rate=0"));
	expect(from4(P_TCP, SYN, S4, 80, T4, 50999), R_slow_syn, "TCP-03");
	expect(from4(P_TCP, TCP_ACK, S4, 80, T4, 50999), R_tcp_no_state, "TCP-07");
	bed_open(OPTS("subscriber-rate=0", "tcp-reuse-close=off", "drop-v4-initiated-tcp=on",
		      "inbound-refresh=off"));
	expect(from4(P_TCP, SYN, S4, 80, T4, 50999), R_v4_tcp, "TCP-02");
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		run_row(&off[i], (__u16)(20000 + i), &bed_conf()->opt);
	packets(UP, 21000, &t); /* TCP-27, TCP-36: a change of state counts */
	bed_wait(EST + 100);
	packets("4A", 21000, &t);
	assert_true(until_of(session(t)) + 5 > bed_now() + EST + TRANS);
	bed_open(OPTS("max-stored-syn=0"));
	expect(from4(P_TCP, SYN, S4, 80, T4, 50999), R_syn_store_full, "TCP-32");
}

/* TCP-04: address-dependent filtering; a session gives its peer the permission. */
static void test_adf(void **state)
{
	__u16 t;

	(void)state;
	bed_open(OPTS("filtering-tcp=adf"));
	t = out6(P_TCP, SYN, C6, 20000, S4, 80);
	expect(from4(P_TCP, SYN, Z4, 80, T4, t), R_slow_syn, "TCP-04");
	expect(from4(P_TCP, TCP_ACK, Z4, 80, T4, t), R_adf, "TCP-06 under adf");
	expect(from4(P_TCP, SYN, S4, 81, T4, t), R_fwd_4to6, "TCP-05, permission");
	expect(from4(P_TCP, TCP_ACK, S4, 82, T4, t), R_fwd_4to6, "TCP-06, permission");
	in4(P_TCP, SYNACK, S4, 80, t, C6, 20000);
	/* the permission ends with the last session of that peer */
	out6(P_TCP, TCP_FIN, C6, 20000, S4, 80);
	in4(P_TCP, TCP_FIN, S4, 80, t, C6, 20000);
	out6(P_TCP, SYN, C6, 20000, Z4, 443);
	in4(P_TCP, SYNACK, Z4, 443, t, C6, 20000);
	bed_wait(OPEN + 2);
	expect(from4(P_TCP, SYN, S4, 83, T4, t), R_slow_syn, "ST-09, permission gone");
	in4(P_TCP, TCP_ACK, Z4, 443, t, C6, 20000);
}

/* TCP-08, TCP-09, TCP-11, S06: a stored SYN, which the worker notes. */
static void test_stored(void **state)
{
	struct n64_call q = {.addr4 = ip4(T4), .remote4 = ip4(S4), .remote_port = be16(80)};
	const struct n64_session *e;
	__u16 t;

	(void)state;
	bed_open(OPTS("filtering-tcp=adf"));
	t = out6(P_TCP, SYN, C6, 20000, Z4, 443);
	expect(from4(P_TCP, SYN, S4, 80, T4, t), R_slow_syn, "TCP-04");
	q.port4 = be16(t);
	q.op = CALL_SYN_STORE;
	expect(bed_call(&q), R_GO_ON, "stored");
	assert_int_equal(bed.all->stored_syn, 1);
	q.op = CALL_SYN_STORE;
	expect(bed_call(&q), R_syn_again, "TCP-09 by the worker");
	bed_wait(3);
	assert_int_equal(out6(P_TCP, SYN, C6, 20000, S4, 80), t); /* TCP-08 */
	e = session(t);
	assert_non_null(e);
	assert_int_equal(e->tcp & 0xff, TCP_ESTABLISHED);
	assert_timer("S06", until_of(e), EST + TRANS, bed_now() - 1);
	q.op = CALL_SYN_TAKE;
	expect(bed_call(&q), R_not_target, "never sent, never answered");
	assert_int_equal(bed.all->stored_syn, 0);
	/* under eif the mapping lets it in: no store */
	bed_open(OPTS("subscriber-rate=0"));
	t = out6(P_TCP, SYN, C6, 20000, Z4, 443);
	q.op = CALL_SYN_STORE;
	q.port4 = be16(t);
	expect(bed_call(&q), R_GO_ON, "stored");
	expect(from4(P_TCP, SYN, S4, 80, T4, t), R_syn_again, "TCP-09, stored");
	bed_wait(STORED_SECONDS + 2);
	q.op = CALL_SYN_TAKE;
	expect(bed_call(&q), R_GO_ON, "TCP-11: to be answered");
	expect(from4(P_TCP, SYN, S4, 80, T4, t), R_fwd_4to6, "after that");
}

/* TCP-32: the store is full. */
static void test_store_full(void **state)
{
	struct n64_call q = {.addr4 = ip4(T4), .remote4 = ip4(S4)};

	(void)state;
	bed_open(OPTS("max-stored-syn=3"));
	for (__u16 i = 0; i < 3; i++) {
		expect(from4(P_TCP, SYN, S4, i, T4, 50000), R_slow_syn, "room");
		q.op = CALL_SYN_STORE;
		q.port4 = be16(50000);
		q.remote_port = be16(i);
		expect(bed_call(&q), R_GO_ON, "stored");
	}
	expect(from4(P_TCP, SYN, S4, 7, T4, 50000), R_syn_store_full, "TCP-32");
	q.op = CALL_SYN_TAKE;
	expect(bed_call(&q), R_GO_ON, "one goes");
	expect(from4(P_TCP, SYN, S4, 7, T4, 50000), R_slow_syn, "room again");
}

/* ---- scenarios ------------------------------------------------------------------------------- */

static void assert_state(__u16 t, enum tcp_state want)
{
	const struct n64_session *e = session(t);

	assert_non_null(e);
	assert_int_equal(e->tcp & 0xff, want);
}

/* Alive in the last second of `seconds` from now, gone in the second behind it. */
static void assert_dies_in(__u16 hport, __u32 seconds)
{
	__u32 from = bed_now();

	bed_until(from + seconds - 2);
	assert_true(alive6(ST_TCP, C6, hport));
	bed_until(from + seconds + 1);
	assert_false(alive6(ST_TCP, C6, hport));
}

static void test_scenarios(void **state)
{
	struct n64_call q = {.op = CALL_PROBE};
	__u16 t = 0;

	(void)state;
	bed_open(OPTS("subscriber-rate=0"));
	packets("6S", 20000, &t); /* S01, S02 */
	assert_state(t, TCP_V6_INIT);
	packets("4SA 6A", 20000, &t);
	assert_state(t, TCP_ESTABLISHED);
	packets("6F", 20000, &t);
	assert_state(t, TCP_V6_FIN_RCV);
	packets("4F", 20000, &t);
	assert_state(t, TCP_V4_V6_FIN);
	assert_dies_in(20000, TRANS);
	expect(from4(P_TCP, TCP_ACK, S4, 80, T4, t), R_tcp_no_state, "S02, after the end");
	expect(from6(P_TCP, TCP_ACK, C6, 20000, S4, 80), R_tcp_no_state, "S02, after the end");

	packets(UP " 4R", 20001, &t); /* S03 */
	assert_dies_in(20001, TRANS);
	packets(UP " 4R", 20002, &t);
	bed_wait(100);
	packets("6A", 20002, &t);
	assert_state(t, TCP_ESTABLISHED);

	packets(UP, 20003, &t); /* S04, TCP-19, TCP-29 */
	q.session = (__u32)(session(t) - bed.session);
	expect(bed_call(&q), R_not_target, "no probe is due");
	bed_wait(EST + 1);
	q.op = CALL_PROBE;
	expect(bed_call(&q), R_GO_ON, "probe at 7200 s");
	assert_int_equal(q.port6, be16(20003));
	assert_int_equal(q.remote_port, be16(80));
	q.op = CALL_PROBE;
	expect(bed_call(&q), R_not_target, "one probe");
	assert_dies_in(20003, TRANS - 1);
	packets(UP, 20004, &t); /* without a worker: TRANS, and back (ST-10, TCP-27) */
	bed_wait(EST + 100);
	packets("4A", 20004, &t);
	assert_dies_in(20004, EST + TRANS);
	expect(from4(P_TCP, TCP_ACK, S4, 80, T4, t), R_tcp_no_state, "ST-10, its time has passed");
	expect(from6(P_TCP, TCP_ACK, C6, 20004, S4, 80), R_tcp_no_state, "ST-10, and from IPv6");

	packets("6S", 20005, &t); /* TCP-15 */
	assert_dies_in(20005, OPEN);
	packets(FIN4, 20006, &t); /* TCP-24 */
	assert_dies_in(20006, EST);
}

/* S21, TCP-38: sessions of one mapping do not keep each other alive. */
static void test_sessions(void **state)
{
	__u16 t;

	(void)state;
	bed_open(OPTS("subscriber-rate=0"));
	t = out6(P_TCP, SYN, C6, 20000, S4, 80);
	in4(P_TCP, SYNACK, S4, 80, t, C6, 20000);
	assert_int_equal(out6(P_TCP, SYN, C6, 20000, Z4, 80), t);
	in4(P_TCP, SYNACK, Z4, 80, t, C6, 20000);
	out6(P_TCP, TCP_FIN, C6, 20000, S4, 80);
	in4(P_TCP, TCP_FIN, S4, 80, t, C6, 20000);
	bed_wait(TRANS - 10);
	in4(P_TCP, TCP_ACK, Z4, 80, t, C6, 20000); /* Z's data flows */
	out6(P_TCP, TCP_ACK, C6, 20000, Z4, 80);
	bed_wait(12);
	assert_true(until_of(session(t)) < bed_now()); /* S4's is gone */
	in4(P_TCP, TCP_ACK, Z4, 80, t, C6, 20000);
	bed_wait(EST - 10);
	in4(P_TCP, TCP_ACK, "198.51.100.30", 80, t, C6, 20000); /* a stray one refreshes nothing */
	out6(P_TCP, TCP_ACK, C6, 20000, "198.51.100.30", 80);
	assert_dies_in(20000, TRANS + 10);
}

/* ST-03, S21: what the subscriber has or had is too much to be looked at. No session ends
 * because another one of its mapping did. */
static void test_many_sessions(void **state)
{
	struct n64_call q = {.op = CALL_SESSION_DEL};
	__u16 t;

	(void)state;
	bed_open(OPTS("subscriber-rate=0"));
	t = out6(P_TCP, SYN, C6, 20000, S4, 80);
	in4(P_TCP, SYNACK, S4, 80, t, C6, 20000);
	for (__u16 i = 1; i < 700; i++)
		out6(P_TCP, SYN, C6, 20000 + i, S4, 80);
	out6(P_TCP, SYN, C6, 20000, Z4, 80);
	q.session = (__u32)(bed_session(bed_index(ST_TCP, ip4(T4), t), Z4, 80, false) - bed.session);
	assert_int_equal(bed_call(&q), R_GO_ON);
	assert_int_equal(q.n, 1);
	assert_non_null(session(t));
	assert_true(alive6(ST_TCP, C6, 20000));

	bed_wait(OPEN + 10);
	q = (struct n64_call){.op = CALL_SWEEP_SESSIONS, .n = 2 * bed_conf()->st.session_lines};
	bed_call(&q);
	assert_int_equal(bed.all->count[N_ST_PROTOS].n, 1);
	out6(P_TCP, SYN, C6, 20000, Z4, 80);
	in4(P_TCP, SYNACK, Z4, 80, t, C6, 20000);
	in4(P_TCP, TCP_RST, Z4, 80, t, C6, 20000);
	bed_wait(TRANS + 10);
	in4(P_TCP, TCP_ACK, S4, 80, t, C6, 20000);
}

/* TCP-35: an RST outside the window that the v6 side announced changes nothing. */
static void test_rst_check(void **state)
{
	__u16 t;

	(void)state;
	bed_open(OPTS("tcp-rst-check=on"));
	knob.scale = 7 + 1;
	knob.window = 64240;
	t = out6(P_TCP, SYN, C6, 20000, S4, 80);
	knob.scale = 0;
	in4(P_TCP, SYNACK, S4, 80, t, C6, 20000);
	knob.ack = 1000;
	knob.window = 10; /* << 7 = 1280 */
	out6(P_TCP, TCP_ACK, C6, 20000, S4, 80);
	knob.seq = 1000 + 1281;
	in4(P_TCP, TCP_RST, S4, 80, t, C6, 20000);
	assert_state(t, TCP_ESTABLISHED);
	knob.seq = 999;
	in4(P_TCP, TCP_RST, S4, 80, t, C6, 20000);
	assert_state(t, TCP_ESTABLISHED);
	knob.seq = 1000 + 1280;
	in4(P_TCP, TCP_RST, S4, 80, t, C6, 20000);
	assert_state(t, TCP_TRANS);
	knob.seq = knob.ack = 0;
	knob.window = 8192;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	  cmocka_unit_test(test_options),
		cmocka_unit_test(test_adf),	  cmocka_unit_test(test_stored),
		cmocka_unit_test(test_store_full), cmocka_unit_test(test_scenarios),
		cmocka_unit_test(test_sessions),  cmocka_unit_test(test_many_sessions),
		cmocka_unit_test(test_rst_check),
	};

	if (geteuid()) {
		puts("state_tcp_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_also_tagged("xdp path, TCP", tests, world_start, TAGS_VLAN);
}
