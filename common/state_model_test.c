/* SPDX-License-Identifier: GPL-2.0-only */
/* The state engine against a model that is too simple to be wrong: lists, and the table of
 * section 11 as it is written. Random packets of a few hosts and peers, and a clock that
 * likes to stop at deadlines; both must give the same answers, states and deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_ask.h"

#define STEPS 1500	/* a subscriber that has had more sessions than session_recount looks
			 * at may keep a deadline that is too late */
#define ROUNDS 14
#define MAPS 64
#define SESSIONS 24

enum timer { KEEP, OPEN, EST, TRANS };

/* Section 11, states from V4 INIT to TRANS: by side and event (other, SYN, FIN, RST). */
static const struct rule {
	enum tcp_state next;
	enum timer timer;
} table[8][2][4] = {
	[TCP_V4_INIT] = {
		[SIDE_V6] = { { TCP_V4_INIT, KEEP }, { TCP_ESTABLISHED, EST },
			      { TCP_V4_INIT, KEEP }, { TCP_V4_INIT, KEEP } },
		[SIDE_V4] = { { TCP_V4_INIT, KEEP }, { TCP_V4_INIT, KEEP },
			      { TCP_V4_INIT, KEEP }, { TCP_V4_INIT, KEEP } } },
	[TCP_V6_INIT] = {
		[SIDE_V6] = { { TCP_V6_INIT, KEEP }, { TCP_V6_INIT, OPEN },
			      { TCP_V6_INIT, KEEP }, { TCP_V6_INIT, KEEP } },
		[SIDE_V4] = { { TCP_V6_INIT, KEEP }, { TCP_ESTABLISHED, EST },
			      { TCP_V6_INIT, KEEP }, { TCP_V6_INIT, KEEP } } },
	[TCP_ESTABLISHED] = {
		[SIDE_V6] = { { TCP_ESTABLISHED, EST }, { TCP_ESTABLISHED, EST },
			      { TCP_V6_FIN_RCV, KEEP }, { TCP_TRANS, TRANS } },
		[SIDE_V4] = { { TCP_ESTABLISHED, EST }, { TCP_ESTABLISHED, EST },
			      { TCP_V4_FIN_RCV, KEEP }, { TCP_TRANS, TRANS } } },
	[TCP_V4_FIN_RCV] = {
		[SIDE_V6] = { { TCP_V4_FIN_RCV, EST }, { TCP_V4_FIN_RCV, EST },
			      { TCP_V4_V6_FIN, TRANS }, { TCP_V4_FIN_RCV, EST } },
		[SIDE_V4] = { { TCP_V4_FIN_RCV, EST }, { TCP_V4_FIN_RCV, EST },
			      { TCP_V4_FIN_RCV, EST }, { TCP_V4_FIN_RCV, EST } } },
	[TCP_V6_FIN_RCV] = {
		[SIDE_V6] = { { TCP_V6_FIN_RCV, EST }, { TCP_V6_FIN_RCV, EST },
			      { TCP_V6_FIN_RCV, EST }, { TCP_V6_FIN_RCV, EST } },
		[SIDE_V4] = { { TCP_V6_FIN_RCV, EST }, { TCP_V6_FIN_RCV, EST },
			      { TCP_V4_V6_FIN, TRANS }, { TCP_V6_FIN_RCV, EST } } },
	[TCP_V4_V6_FIN] = {
		[SIDE_V6] = { { TCP_V4_V6_FIN, KEEP }, { TCP_V6_INIT, OPEN },
			      { TCP_V4_V6_FIN, KEEP }, { TCP_V4_V6_FIN, KEEP } },
		[SIDE_V4] = { { TCP_V4_V6_FIN, KEEP }, { TCP_V4_V6_FIN, KEEP },
			      { TCP_V4_V6_FIN, KEEP }, { TCP_V4_V6_FIN, KEEP } } },
	[TCP_TRANS] = {
		[SIDE_V6] = { { TCP_ESTABLISHED, EST }, { TCP_ESTABLISHED, EST },
			      { TCP_ESTABLISHED, EST }, { TCP_TRANS, KEEP } },
		[SIDE_V4] = { { TCP_ESTABLISHED, EST }, { TCP_ESTABLISHED, EST },
			      { TCP_ESTABLISHED, EST }, { TCP_TRANS, KEEP } } },
};

struct session {
	__u32 peer, rport, until;
	enum tcp_state state;
};

struct map {
	bool used;
	enum st_proto proto;
	__u32 host, port6, until;
	__u32 permit[4];	/* by peer: deadline of its permission */
	struct n64_call made;
	struct session s[SESSIONS];
	__u32 n;
};

static struct map maps[MAPS];
static __u32 visited[8][2][4];	/* rows of the table that were tried */
static __u64 seed;
static const char *const words[] = {
	"", "filtering-udp=adf", "filtering-tcp=adf", "inbound-refresh=false",
	"filtering-udp=adf;inbound-refresh=false", "filtering-tcp=adf;tcp-open-timeout=300",
};

static __u32 dice(__u32 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (__u32)((seed >> 32) % n);
}

/* ---- the model -------------------------------------------------------------------------- */

static bool is_adf(enum st_proto proto)
{
	return proto == ST_TCP ? fm.conf.opt.filtering_tcp : fm.conf.opt.filtering_udp;
}

/* ESTABLISHED carries the time in TRANS that follows it (ST-10). */
static enum tcp_state state_of(const struct session *s)
{
	return s->state == TCP_ESTABLISHED && st_now() + 240 > s->until ? TCP_TRANS : s->state;
}

static void set_until(struct session *s, enum tcp_state before, const struct rule *r)
{
	if (r->timer == OPEN)
		s->until = st_now() + fm.conf.opt.tcp_open_timeout;
	if (r->timer == TRANS)
		s->until = st_now() + 240;
	if (r->timer == EST)
		s->until = st_now() + 7200 + (r->next == TCP_ESTABLISHED ? 240 : 0);
	if (r->timer == KEEP && before == TCP_ESTABLISHED && r->next != TCP_ESTABLISHED)
		s->until -= 240;
	s->state = r->next;
}

static struct session *session_of(struct map *m, __u32 peer, __u32 rport)
{
	for (__u32 i = 0; i < m->n; i++)
		if (m->s[i].peer == peer && m->s[i].rport == rport && m->s[i].until >= st_now())
			return &m->s[i];
	return NULL;
}

/* Forgets what is over; a TCP mapping lives as long as its last session. */
static void forget(struct map *m)
{
	__u32 n = 0;

	for (__u32 i = 0; i < m->n; i++)
		if (m->s[i].until >= st_now())
			m->s[n++] = m->s[i];
	m->n = n;
	if (m->proto == ST_TCP) {
		m->until = 0;
		for (__u32 i = 0; i < n; i++)
			m->until = m->s[i].until > m->until ? m->s[i].until : m->until;
	}
	m->used = m->used && m->until >= st_now();
}

static bool permitted(const struct map *m, __u32 peer)
{
	if (!is_adf(m->proto))
		return true;
	for (__u32 i = 0; i < m->n; i++)
		if (m->s[i].peer == peer)
			return true;
	return m->proto != ST_TCP && m->permit[peer] >= st_now();
}

static enum reason model_tcp(struct map *m, enum tcp_side side, __u32 peer, __u32 rport,
			     enum tcp_event ev)
{
	struct session *s = session_of(m, peer, rport);

	if (s) {
		enum tcp_state before = state_of(s);
		const struct rule *r = &table[before][side][ev];

		visited[before][side][ev]++;
		if (side == SIDE_V4 && !fm.conf.opt.inbound_refresh && r->next == before &&
		    r->timer == EST)
			return R_GO_ON; /* TCP-36 */
		set_until(s, before, r);
		return R_GO_ON;
	}
	if (side == SIDE_V4 && !permitted(m, peer))
		return ev == EV_SYN ? R_slow_syn : R_adf;
	if (ev != EV_SYN)
		return R_GO_ON;
	m->s[m->n++] = (struct session){
		peer, rport, st_now() + fm.conf.opt.tcp_open_timeout,
		side == SIDE_V6 ? TCP_V6_INIT : TCP_V4_INIT,
	};
	return R_GO_ON;
}

static enum reason model_other(struct map *m, enum tcp_side side, __u32 peer)
{
	__u32 until = st_now() + (m->proto == ST_UDP ? 300 : 60);

	if (side == SIDE_V4 && !permitted(m, peer))
		return R_adf;
	if (side == SIDE_V4 && !fm.conf.opt.inbound_refresh)
		return R_GO_ON;
	m->until = until > m->until ? until : m->until;
	m->permit[peer] = until;
	return R_GO_ON;
}

static enum reason model(struct map *m, enum tcp_side side, __u32 peer, __u32 rport,
			 enum tcp_event ev)
{
	return m->proto == ST_TCP ? model_tcp(m, side, peer, rport, ev) :
				    model_other(m, side, peer);
}

/* ---- both ------------------------------------------------------------------------------- */

static const __u32 flags_of[4] = { TCP_ACK, TCP_SYN, TCP_FIN | TCP_ACK, TCP_RST };

static void same(struct map *m, const struct n64_call *q, enum reason want, __u32 step)
{
	if (q->reason != want)
		fail_msg("step %u: reason %u, the model says %u", step, q->reason, want);
	if (want || !m->used)
		return;
	if (ask_until(m->made.binding) != m->until)
		fail_msg("step %u: proto %u deadline %u, the model says %u", step, m->proto,
			 ask_until(m->made.binding), m->until);
	for (__u32 i = 0; i < m->n; i++) {
		const struct n64_session *e = ask_session(&m->made, m->s[i].peer, m->s[i].rport);

		if (!e || (e->tcp & 0xff) != m->s[i].state || e->tcp >> 32 != m->s[i].until)
			fail_msg("step %u: session %u until %u, the model says %u until %u", step,
				 e ? (__u32)(e->tcp & 0xff) : 0, e ? (__u32)(e->tcp >> 32) : 0,
				 m->s[i].state, m->s[i].until);
	}
}

static void step_out(struct map *m, __u32 peer, __u32 rport, enum tcp_event ev, __u32 step)
{
	struct n64_call q = ask_out(m->proto, ask_host(m->host, 1), m->port6, peer, rport,
				    flags_of[ev]);
	enum reason want = R_GO_ON;

	fm_call(&q);
	if (!m->used && m->proto == ST_TCP && ev != EV_SYN) {
		same(m, &q, R_tcp_no_state, step);
		return;
	}
	if (!m->used) {
		m->used = true;
		m->until = 0;
		m->n = 0;
		memset(m->permit, 0, sizeof(m->permit));
		for (__u32 i = 0; i < MAPS; i++) /* PORT-01 */
			if (&maps[i] != m && maps[i].used && maps[i].made.binding == q.binding)
				fail_msg("step %u: a port of two", step);
		m->made = q;
	} else if (m->made.port4 != q.port4 || m->made.addr4 != q.addr4) { /* ST-06 */
		fail_msg("step %u: another port", step);
	}
	want = model(m, SIDE_V6, peer, rport, ev);
	forget(m);
	same(m, &q, want, step);
}

static void step_in(struct map *m, __u32 peer, __u32 rport, enum tcp_event ev, __u32 step)
{
	struct n64_call q = ask_in(&m->made, peer, rport, flags_of[ev]);
	enum reason want;

	if (!m->made.addr4)
		return;
	for (__u32 i = 0; i < MAPS && !m->used; i++)
		if (maps[i].used && maps[i].made.binding == m->made.binding)
			return; /* another's by now */
	fm_call(&q);
	if (m->used)
		want = model(m, SIDE_V4, peer, rport, ev);
	else if (m->proto != ST_TCP)
		want = R_no_bib;
	else
		want = ev == EV_SYN ? R_slow_syn : R_tcp_no_state;
	forget(m);
	same(m, &q, want, step);
}

/* Seconds to the next packet: often to a deadline, or one beyond. */
static __u32 pause_for(const struct map *m)
{
	static const __u32 some[] = { 0, 0, 0, 1, 2, 59, 60, 61, 200, 239, 240, 241, 300, 301 };

	if (m->used && !dice(6))
		return m->until - st_now() + dice(2);
	if (m->used && m->n && !dice(8))
		return m->s[0].until - st_now() + dice(2);
	if (m->n && m->s[0].state == TCP_ESTABLISHED && !dice(8) &&
	    m->s[0].until >= st_now() + 240)
		return m->s[0].until - 240 - st_now() + dice(2); /* TCP-19 */
	return dice(3) ? dice(2) : some[dice(14)];
}

static void run(void)
{
	fm_reset();
	memset(maps, 0, sizeof(maps));
	for (__u32 i = 0; i < MAPS; i++)
		maps[i] = (struct map){ .proto = (enum st_proto)(i % 3), .host = i / 12,
					.port6 = 40000 + i / 3 % 4 };
	for (__u32 i = 0; i < STEPS; i++) {
		struct map *m = &maps[dice(4) ? 3 * dice(2) : dice(MAPS)];
		__u32 peer = dice(3) ? 0 : dice(4), rport = 80 + !dice(5);
		const char *wrong = i % 100 ? NULL : fm_audit();

		if (wrong)
			fail_msg("step %u: %s", i, wrong);
		fm_seconds(pause_for(m));
		for (__u32 k = 0; k < MAPS; k++)
			forget(&maps[k]);
		if (dice(2))
			step_out(m, peer, rport, (enum tcp_event)dice(4), i);
		else
			step_in(m, peer, rport, (enum tcp_event)dice(4), i);
	}
}

static void test_model(void **state)
{
	(void)state;
	for (size_t c = 0; c < sizeof(words) / sizeof(words[0]); c++) {
		char config[120];

		snprintf(config, sizeof(config),
			 "pool4=203.0.113.8/31:1024-1151;subscriber-rate=0;%s", words[c]);
		fm_begin(config, NULL);
		seed = 0x2545f4914f6cdd1dull + c;
		for (__u32 i = 0; i < ROUNDS; i++)
			run();
		fm_end();
	}
	for (__u32 i = TCP_V4_INIT; i <= TCP_TRANS; i++)
		for (__u32 k = 0; k < 8; k++)
			if (!visited[i][k / 4][k % 4])
				fail_msg("state %u, side %u, event %u was never tried", i, k / 4,
					 k % 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
