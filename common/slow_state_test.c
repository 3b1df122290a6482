// SPDX-License-Identifier: GPL-2.0-only
/* The other path in mode stateful, what rows of packets cannot say: what it asks the
 * state and in which order (GEN-08), fragments of a known datagram (FRG-02), datagrams put
 * together (FRG-13), the probe (TCP-30), the answer to a stored SYN (GENERR-15). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet_text.h"

/* Route and state in the order in which they were asked. */
static char asked[256];

static enum reason watch_route(void *ctx, const struct route_query *q, struct route_answer *a)
{
	strcat(asked, q->fam == FAM_4 ? "route4 " : "route6 ");
	return fake_route(ctx, q, a);
}

static int watch_state(void *ctx, struct n64_call *c)
{
	static const char *const names[] = {
		[CALL_OUT] = "out ", [CALL_IN] = "in ", [CALL_PEEK_OUT] = "peek-out ",
		[CALL_PEEK_IN] = "peek-in ", [CALL_WOULD_OUT] = "would ",
	};
	struct fake *f = ctx;
	int rc = fake_bib_ask(&f->st, c);

	strcat(asked, names[c->op]);
	return rc;
}

static void begin(struct fake *f, const char *options)
{
	fake_init(f);
	if (*options == '!')
		options++;
	else
		fake_config_p(f);
	f->ops.route = watch_route;
	f->ops.state = watch_state;
	fake_set_all(f, options);
	fake_ready(f, NULL);
}

static enum reason run_in(struct fake *f, struct slow_in in, const char *text)
{
	static __u8 bytes[70000];

	in.fam = text[1] == '4' ? FAM_4 : FAM_6;
	in.ifindex = 7;
	*asked = 0;
	return fake_run(f, in, bytes, packet_from_text(text, bytes), 1);
}

static void expect_out(const struct fake *f, __u32 i, const char *text)
{
	static __u8 want[70000];
	__u32 n = packet_from_text(text, want);

	assert_true(i < f->n_out);
	if (f->out[i].len != n || memcmp(f->out[i].ip, want, n))
		fail_msg("packet %u is not \"%s\"", i, text);
}

/* ---- GEN-08: nothing is made for a packet that does not leave --------------------- */

#define UDP6 "v6 C6>D6 sport=40002 dport=53 udp=16"
#define UDP4 "v4 S4>T sport=53 dport=50002 udp=16"

static void test_order(void **state)
{
	static const struct {
		const char *rule, *options, *in, *asked;
	} rows[] = {
		{ "GEN-08", "", UDP6, "would route4 out " },
		{ "GEN-08", "mtu4=1400", "v6 C6>D6 sport=40002 udp=1460", "would route4 " },
		{ "GEN-08", "", "v6 C6>D6 sport=999 udp=16", "would " },
		{ "GEN-08", "", "v6 C6>D6 ttl=1 sport=40002 udp=16", "" },
		{ "GEN-08", "denylist4=198.51.100.0/24", UDP6, "" },
		{ "GEN-08", "allow6=2001:db8:d::/48", UDP6, "would " },
		{ "L4-09", "", "v6 C6>D6 raw=47:16", "" },
		{ "ADR-23", "", "v6 C6>2001:db8:77::1 udp=16", "" },
		{ "GEN-08", "", UDP4, "in route6 " },
		{ "GEN-08", "", "v4 S4>T ttl=1 sport=53 dport=50002 udp=16", "" },
		{ "GEN-05", "shared=1", "v4 S4>T ttl=1 sport=53 dport=50002 udp=16", "peek-in " },
		{ "GEN-05", "shared=1", "v4 S4>T ttl=1 raw=89:40", "" },
		{ "HP-04", "", "v6 C6>TD6 sport=40002 dport=50010 udp=16",
		  "would peek-in route6 out in route6 " },
		{ "HP-04", "mtu6=1400", "v6 C6>TD6 sport=40002 dport=50010 udp=1400",
		  "would peek-in route6 " },
		{ "HP-04", "mtu6=1400;no-session=1",
		  "v6 C6>TD6 sport=40002 dport=50010 udp=1400", "would peek-in route6 " },
		/* both sides of a hairpin may begin at once: the first half is made anyway */
		{ "TCP-33", "", "v6 C6>TD6 sport=40000 dport=9 syn=1440", "would peek-in out in " },
		/* ICQ-05, IN-11: errors look and touch nothing */
		{ "ICQ-05", "", "v4 S4>T icmp=3:3:0:36 [ v4 T>S4 sport=50002 dport=53 udp=16 ]",
		  "peek-in route6 " },
		{ "ICQ-05", "", "v6 C6>D6 icmp=1:4:0:56 [ v6 D6>C6 sport=53 dport=40002 udp=16 ]",
		  "peek-out route4 " },
		{ "ICQ-05", "", "v6 X6>TD6 icmp=1:4:0:56 [ v6 TD6>X6 sport=50002 dport=7000 udp=16 ]",
		  "peek-out peek-in route6 " },
		{ "ADR-04", "!mode=stateful;pool4=203.0.113.8;pref64=64:ff9b::/96",
		  "v4 10.0.0.1>T sport=53 dport=900 udp=16", "" },
		/* ADR-04: with several pref64 the mapping says which; refused, it is not fed */
		{ "ADR-04", "!mode=stateful;pool4=203.0.113.8;pref64=64:ff9b::/96;"
		  "pref64=2001:db8:1::/48;map=u,2001:db8:c::5,9,203.0.113.8,900,0,0",
		  "v4 10.0.0.1>T sport=53 dport=900 udp=16", "peek-in " },
		{ "ADR-04", "!mode=stateful;pool4=203.0.113.8;pref64=64:ff9b::/96;no-session=1;"
		  "pref64=2001:db8:1::/48;map=u,2001:db8:c::5,9,203.0.113.8,900,0,0",
		  "v4 10.0.0.1>T sport=53 dport=900 udp=16", "peek-in " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake f;

		begin(&f, rows[i].options);
		run_in(&f, (struct slow_in){ 0 }, rows[i].in);
		if (strcmp(asked, rows[i].asked))
			fail_msg("%s: \"%s\": asked %s, not %s", rows[i].rule, rows[i].in, asked,
				 rows[i].asked);
		fake_free(&f);
	}
}

/* The address that a new mapping got may be another than the one first thought of: the
 * route is asked about the one that counts. */
static void test_other_address(void **state)
{
	struct fake f;

	(void)state;
	begin(&f, "");
	f.st.would = fake_addr4("203.0.113.99");
	assert_int_equal(run_in(&f, (struct slow_in){ 0 }, UDP6), R_kern_6to4);
	assert_string_equal(asked, "would route4 out route4 ");
	assert_int_equal(f.last_route.src.w[0], fake_addr4("203.0.113.8"));
	assert_int_equal(host16(f.last_route.sport), 50002);
	expect_out(&f, 0, "v4 T>S4 ttl=63 sport=50002 dport=53 udp=16");
	fake_free(&f);
}

/* GEN-03, GEN-04: the two ways of not being ours are counted apart by the programs. */
static void test_targets(void **state)
{
	struct pkt p = { .fam = FAM_6, .dst6 = fake_addr6("64:ff9b:1::198.51.100.10") };
	struct xlat x;
	struct fake f;
	__u32 flags;
	int slot;

	(void)state;
	begin(&f, "no-translate=64:ff9b:1::198.51.100.10/128;no-translate=203.0.113.8/32;"
	      "pool4=203.0.113.9;shared=1");
	assert_int_equal(stateful_target6(&f.env, &p, &x), R_no_translate);
	p.dst6 = fake_addr6("64:ff9b:1::198.51.100.11");
	assert_int_equal(stateful_target6(&f.env, &p, &x), R_GO_ON);
	assert_int_equal(x.dst_pref, 0);
	p.dst6 = fake_addr6("2001:db8::1");
	assert_int_equal(stateful_target6(&f.env, &p, &x), R_not_target);
	p = (struct pkt){ .fam = FAM_4, .dst4 = fake_addr4("203.0.113.8") };
	assert_int_equal(stateful_target4(&f.env, &p, &x, &slot, &flags), R_no_translate);
	p.dst4 = fake_addr4("203.0.113.9");
	assert_int_equal(stateful_target4(&f.env, &p, &x, &slot, &flags), R_GO_ON);
	assert_int_equal(flags & SLOT_SHARED, SLOT_SHARED);
	assert_true(slot >= 0);
	p.dst4 = fake_addr4("203.0.113.10");
	assert_int_equal(stateful_target4(&f.env, &p, &x, &slot, &flags), R_not_target);
	assert_int_equal(flags, 0);
	fake_free(&f);
}

/* ---- what is asked --------------------- */

static void test_question_out(void **state)
{
	const struct addr6 c6 = fake_addr6("2001:db8:c::5");
	static __u8 bytes[200];
	struct slow_in in = { .fam = FAM_6, .from_pair = true };
	const struct n64_call *c;
	struct fake f;
	__u32 len;

	(void)state;
	begin(&f, "pref64=2001:db8:1::/48");
	len = packet_from_text("v6 C6>2001:db8:1:c633:64:a00:: sport=40000 dport=80 syn=1440",
			       bytes);
	/* TCP-35: sequence, window, scale 7 in place of the MSS */
	memcpy(bytes + 40 + 4, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	memcpy(bytes + 40 + 20, "\x01\x03\x03\x07", 4);
	*asked = 0;
	assert_int_equal(fake_run(&f, in, bytes, len, 0), R_kern_6to4);
	c = &f.st.call[1];
	assert_int_equal(c->op, CALL_OUT);
	assert_int_equal(c->flags, CALL_FROM_PAIR);
	assert_int_equal(c->proto, ST_TCP);
	assert_memory_equal(&c->host6, &c6, sizeof(c6));
	assert_int_equal(host16(c->port6), 40000);
	assert_int_equal(c->remote4, fake_addr4("198.51.100.10"));
	assert_int_equal(host16(c->remote_port), 80);
	assert_int_equal(c->pref, 1);
	assert_int_equal(c->tcp_flags, TCP_SYN);
	assert_int_equal(c->tcp_seq, 0x01020304);
	assert_int_equal(c->tcp_ack, 0x05060708);
	assert_int_equal(c->tcp_window, 8192);
	assert_int_equal(c->tcp_scale, 8);
	/* ICQ-01: the identifier is the host's port, the peer has none */
	run_in(&f, (struct slow_in){ 0 }, "v6 C6>D6 echo=16");
	c = &f.st.call[1];
	assert_int_equal(c->proto, ST_ICMP);
	assert_int_equal(host16(c->port6), 0x1234);
	assert_int_equal(c->remote_port, 0);
	assert_int_equal(c->flags | c->tcp_flags | c->tcp_scale, 0);
	fake_free(&f);
}

static void test_question_in(void **state)
{
	const struct n64_call *c;
	struct fake f;

	(void)state;
	begin(&f, "");
	run_in(&f, (struct slow_in){ 0 }, "v4 S4>T sport=80 dport=50000 flags=12 syn=1460");
	c = &f.st.call[0];
	assert_int_equal(c->op, CALL_IN);
	assert_int_equal(c->addr4, fake_addr4("203.0.113.8"));
	assert_int_equal(host16(c->port4), 50000);
	assert_int_equal(c->remote4, fake_addr4("198.51.100.10"));
	assert_int_equal(host16(c->remote_port), 80);
	assert_int_equal(c->tcp_flags, TCP_SYN | TCP_ACK);
	assert_int_equal(c->tcp_scale, 0);
	run_in(&f, (struct slow_in){ 0 }, "v4 S4>T eid=8001 reply=16");
	c = &f.st.call[0];
	assert_int_equal(host16(c->port4), 0x8001);
	assert_int_equal(c->remote_port, 0);
	/* HP-04: the outgoing tuple is the incoming one */
	run_in(&f, (struct slow_in){ 0 }, "v6 C6>TD6 sport=40002 dport=50010 udp=16");
	c = &f.st.call[3];
	assert_int_equal(c->op, CALL_IN);
	assert_int_equal(c->flags, CALL_HAIRPIN);
	assert_int_equal(c->addr4, fake_addr4("203.0.113.8"));
	assert_int_equal(host16(c->port4), 50010);
	assert_int_equal(c->remote4, fake_addr4("203.0.113.8"));
	assert_int_equal(host16(c->remote_port), 50002);
	/* IN-10: source and destination of the quoted packet swapped */
	run_in(&f, (struct slow_in){ 0 },
	       "v4 R4>T icmp=3:3:0:36 [ v4 T>S4 sport=50002 dport=53 udp=16 ]");
	c = &f.st.call[0];
	assert_int_equal(c->op, CALL_PEEK_IN);
	assert_int_equal(host16(c->port4), 50002);
	assert_int_equal(c->remote4, fake_addr4("198.51.100.10"));
	assert_int_equal(host16(c->remote_port), 53);
	fake_free(&f);
}

/* ---- fragments of a known datagram (FRG-02, FRG-11, HP-04) --------------------- */

static void test_known(void **state)
{
	static const struct {
		const char *rule, *first, *later, *out;
		enum reason reason;
	} rows[] = {
		{ "FRG-02", "v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40",
		  "v6 C6>D6 fh=2:0:7 data=17:8:24", "v4 T>S4 ttl=63 id=7 off=2 data=17:8:24",
		  R_kern_6to4 },
		{ "FRG-02", "v4 S4>T id=7 mf sport=53 dport=50002 udp=16/40",
		  "v4 S4>T id=7 off=2 data=17:8:24", "v6 D6>C6 ttl=63 fh=2:0:7 data=17:8:24",
		  R_kern_4to6 },
		{ "HP-04", "v6 C6>TD6 fh=0:1:7 sport=40002 dport=50010 udp=16/40",
		  "v6 C6>TD6 fh=2:0:7 data=17:8:24", "v6 TD6>X6 ttl=63 fh=2:0:7 data=17:8:24",
		  R_kern_hairpin },
		/* a first fragment again: the ports stand in it */
		{ "FRG-02", "v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40",
		  "v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40",
		  "v4 T>S4 ttl=63 id=7 mf sport=50002 dport=53 udp=16/40", R_kern_6to4 },
		{ "HP-04", "v6 C6>TD6 fh=0:1:7 sport=40002 dport=50010 udp=16/40",
		  "v6 C6>TD6 fh=0:1:7 sport=40002 dport=50010 udp=16/40",
		  "v6 TD6>X6 ttl=63 fh=0:1:7 sport=50002 dport=7000 udp=16/40", R_kern_hairpin },
		/* each is judged by what it is itself */
		{ "GENERR-01", "v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40",
		  "v6 C6>D6 ttl=1 fh=2:0:7 data=17:8:24",
		  "v6 GW6>C6 icmp=3:0:0:72 [ v6 C6>D6 ttl=1 fh=2:0:7 data=17:8:24 ]",
		  R_ttl_expired },
		{ "FRG-08", "v4 S4>T id=7 mf sport=80 dport=50000 tcp=24/40",
		  "v4 S4>T id=7 off=1 data=6:8:24", NULL, R_frag_tiny },
	};
	static __u8 bytes[70000] __attribute__((aligned(4)));

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct n64_call call = { .op = N_CALL_OPS };
		struct slow_in in = { .call_out = &call };
		struct fake f;
		enum reason r;

		begin(&f, "");
		assert_int_equal(reason_kind(run_in(&f, in, rows[i].first)), KIND_FWD);
		assert_true(call.op == CALL_OUT || call.op == CALL_IN);
		fake_forget(&f);
		in = (struct slow_in){ .ip = bytes, .ifindex = 7 };
		in.fam = rows[i].later[1] == '4' ? FAM_4 : FAM_6;
		in.len = in.true_len = packet_from_text(rows[i].later, bytes);
		r = slow_fragment_known(&f.ops, &f.env, &in, &call, 1, f.scratch);
		if (r != rows[i].reason)
			fail_msg("%s: \"%s\": %s", rows[i].rule, rows[i].later, reason_word(r));
		assert_int_equal(f.st.n_calls, 0);
		assert_int_equal(f.n_out, rows[i].out ? 1 : 0);
		if (rows[i].out)
			expect_out(&f, 0, rows[i].out);
		fake_free(&f);
	}
}

/* What refuses a first fragment leaves no answer behind. */
static void test_no_answer(void **state)
{
	struct n64_call call = { .op = N_CALL_OPS };
	struct slow_in in = { .call_out = &call };
	struct fake f;

	(void)state;
	begin(&f, "");
	run_in(&f, in, "v4 S4>T id=7 mf dport=50003 udp=16/40");
	run_in(&f, in, "v6 C6>TD6 fh=0:1:7 sport=40002 dport=53 udp=16/40");
	run_in(&f, in, "v6 C6>D6 fh=0:1:7 sport=9 dport=53 udp=16/40");
	assert_int_equal(call.op, N_CALL_OPS);
	fake_free(&f);
}

/* ---- datagrams put together (FRG-12, FRG-13, FRG-14, FRG-17) --------------------- */

static void test_reassembled(void **state)
{
	static const struct {
		const char *rule, *in;
		enum reason reason;
		const char *first, *second;
	} rows[] = {
		/* FRG-13: ID of the Fragment header, DF=0 */
		{ "FRG-13", "v6 C6>D6 echo=1300", R_kern_6to4,
		  "v4 T>S4 ttl=63 id=0x4567 eid=8001 echo=1300", NULL },
		{ "FRG-13", "v6 C6>D6 sport=40002 dport=53 udp=1600", R_sp_frags,
		  "v4 T>S4 ttl=63 id=0x4567 mf sport=50002 dport=53 udp=1480/1600",
		  "v4 T>S4 ttl=63 id=0x4567 off=185 data=17:1472:120" },
		{ "L4-05", "v4 S4>T id=0x99 df sport=53 dport=50002 udp0=1300", R_sp_frags,
		  "v6 D6>C6 ttl=63 fh=0:1:99 sport=53 dport=40002 udp=1232/1300",
		  "v6 D6>C6 ttl=63 fh=154:0:99 data=17:1224:68" },
		{ "HP-04", "v6 C6>TD6 sport=40002 dport=50010 udp=1300", R_sp_frags,
		  "v6 TD6>X6 ttl=63 fh=0:1:4567 sport=50002 dport=7000 udp=1232/1300",
		  "v6 TD6>X6 ttl=63 fh=154:0:4567 data=17:1224:68" },
		{ "FRG-14", "v6 C6>D6 echo=1300 ck", R_icmp_bad_csum, NULL, NULL },
		{ "FRG-14", "v4 S4>T eid=8001 echo=1300 ck", R_icmp_bad_csum, NULL, NULL },
		{ "FRG-17", "v6 C6>D6 sport=40002 dport=53 udp=65530", R_frag_too_big, NULL, NULL },
	};
	struct slow_in in = { .reassembled = true, .frag_id = 0x01234567 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake f;
		enum reason r;

		begin(&f, "");
		r = run_in(&f, in, rows[i].in);
		if (r != rows[i].reason)
			fail_msg("%s: \"%s\": %s", rows[i].rule, rows[i].in, reason_word(r));
		assert_int_equal(f.n_out, (rows[i].first ? 1 : 0) + (rows[i].second ? 1 : 0));
		if (rows[i].first)
			expect_out(&f, 0, rows[i].first);
		if (rows[i].second)
			expect_out(&f, 1, rows[i].second);
		fake_free(&f);
	}
}

/* FRG-12: the identification that was drawn for the datagram. */
static void test_own_id(void **state)
{
	struct slow_in in = { .has_frag_id = true, .frag_id = 0x4567 };
	struct fake f;

	(void)state;
	begin(&f, "");
	assert_int_equal(run_in(&f, in, "v6 C6>D6 fh=0:1:7 sport=40002 dport=53 udp=16/40"),
			 R_kern_6to4);
	expect_out(&f, 0, "v4 T>S4 ttl=63 id=0x4567 mf sport=50002 dport=53 udp=16/40");
	fake_free(&f);
}

/* ---- the probe (TCP-30), a stored SYN (GENERR-15) --------------------- */

static void test_probe(void **state)
{
	struct n64_call call = {
		.host6 = fake_addr6("2001:db8:c::5"),
		.port6 = be16(40000),
		.remote4 = fake_addr4("198.51.100.10"),
		.remote_port = be16(80),
	};
	static const char *const ttl[] = {
		"v6 D6>C6 ttl=65 sport=80 dport=40000 tcp=20",
		"v6 D6>C6 ttl=64 sport=80 dport=40000 tcp=20",
	};
	static __u8 want[200];
	__u8 out[PROBE_LEN];
	struct fake f;

	(void)state;
	begin(&f, "");
	for (__u32 dec = 0; dec < 2; dec++) {
		packet_from_text(ttl[dec], want);
		assert_int_equal(slow_probe(&f.env, &call, dec, out), PROBE_LEN);
		/* the words of packet_text.h have window 8192, here it is 0 */
		memset(want + 40 + 14, 0, 2);
		csum_field_update(want + 40 + 16, csum_sub16(be16(8192)), false);
		assert_memory_equal(out, want, PROBE_LEN);
	}
	call.pref = 1; /* removed by a reload */
	assert_int_equal(slow_probe(&f.env, &call, 0, out), 0);
	fake_free(&f);
}

static void test_syn_timeout(void **state)
{
	static __u8 bytes[200] __attribute__((aligned(4)));
	static const char text[] = "v4 S4>T dport=50999 syn=1460";
	struct slow_in in = { .ip = bytes, .fam = FAM_4, .ifindex = 7 };
	struct fake f;

	(void)state;
	in.len = in.true_len = packet_from_text(text, bytes);
	begin(&f, "");
	assert_int_equal(slow_syn_timeout(&f.ops, &f.env, &in, 1, f.scratch), R_syn_timeout);
	assert_int_equal(f.n_out, 1);
	assert_int_equal(f.out[0].flags, EMIT_ORIGINATED);
	expect_out(&f, 0, "v4 T>S4 icmp=3:3:0:44 [ v4 S4>T dport=50999 syn=1460 ]");
	/* GERR-25: its receiver may be spoofed */
	fake_forget(&f);
	f.limited = true;
	assert_int_equal(slow_syn_timeout(&f.ops, &f.env, &in, 1, f.scratch), R_syn_timeout);
	assert_int_equal(f.n_out, 0);
	assert_int_equal(f.note[R_icmp_ratelimited], 1);
	fake_free(&f);
	/* GEN-05: never for the host's own address */
	begin(&f, "shared=1");
	assert_int_equal(slow_syn_timeout(&f.ops, &f.env, &in, 1, f.scratch), R_syn_timeout);
	assert_int_equal(f.n_out, 0);
	assert_int_equal(f.note[R_icmp_silent], 1);
	fake_free(&f);
}

/* ---- what the XDP program hands over --------------------- */

static void test_hand_over(void **state)
{
	static const struct {
		enum reason r, slow;
	} rows[] = {
		{ R_no_port, R_slow_no_port }, { R_quota, R_slow_no_port },
		{ R_table_full, R_slow_no_port }, { R_unsupported_proto, R_slow_unsupported },
		{ R_no_bib_error, R_slow_refused }, { R_adf_error, R_slow_refused },
		{ R_no_bib, R_no_bib }, { R_shared, R_shared },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(slow_for_error(rows[i].r), rows[i].slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_other_address),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_question_out),
		cmocka_unit_test(test_question_in),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_reassembled),
		cmocka_unit_test(test_own_id),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_syn_timeout),
		cmocka_unit_test(test_hand_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
