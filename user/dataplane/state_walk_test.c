/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading mappings and sessions from memory as the programs leave it: both halves of a
 * mapping, entries that are being made, and sessions of an earlier life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "state_view.h"
#include "table_key.h"

#define NOW 5000u
#define LINES 64
#define SLOT 3
#define ADDR IP4(192, 0, 2, 9)
#define REMOTE IP4(198, 51, 100, 10)

struct world {
	struct state_view *v;
	struct n64_slot slots[8];
	struct n64_bib6 bib6[2 * LINES];
	struct n64_session sessions[8];
	struct n64_binding *udp, *tcp; /* of SLOT */
	struct mapping_info seen[8];
	struct session_info seen_session[8];
	int n;
};

static void lend(struct state_map *m, const void *mem, __u32 n)
{
	*m = (struct state_map){ .mem = mem, .n = n }; /* 0 bytes: not ours to unmap */
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->v = calloc(1, sizeof(*w->v));
	w->udp = calloc(N64_ROW_PORTS, sizeof(*w->udp));
	w->tcp = calloc(N64_ROW_PORTS, sizeof(*w->tcp));
	w->slots[SLOT] = (struct n64_slot){ ADDR, SLOT_USED, 1 << ST_TCP | 1 << ST_UDP };
	w->v->prog = w->v->bindings = w->v->rows = -1;
	w->v->now = NOW;
	w->v->conf.st.bib6_lines = LINES;
	w->v->conf.st.key[0] = 77;
	w->v->conf.opt.udp_timeout = 300;
	w->v->conf.opt.tcp_est_timeout = 7200;
	w->v->conf.opt.tcp_trans_timeout = 240;
	lend(&w->v->slots, w->slots, 8);
	lend(&w->v->bib6, w->bib6, 2 * LINES);
	lend(&w->v->sessions, w->sessions, 8);
	lend(&w->v->row[row_of(SLOT, ST_UDP)], w->udp, N64_ROW_PORTS);
	lend(&w->v->row[row_of(SLOT, ST_TCP)], w->tcp, N64_ROW_PORTS);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	state_view_close(w->v);
	free(w->udp);
	free(w->tcp);
	free(w);
	return 0;
}

static struct addr6 host(__u32 n)
{
	return (struct addr6){ { be32(0x20010db8), 0, 0, be32(n) } };
}

/* The mapping of host n: its binding, and its bib6 entry `far` lines behind its home. */
static void put(struct world *w, enum st_proto proto, __u16 port, __u32 n, __u32 until4,
		__u32 until6, __u32 far)
{
	struct n64_binding *b = proto == ST_UDP ? &w->udp[port] : &w->tcp[port];
	struct addr6 h = host(n);
	struct st_key k = key_bib6(&w->v->conf, proto, &h, be16(4000 + n));
	struct n64_bib6 *e = &w->bib6[tab_place(&w->v->conf, TAB_BIB6, &k, far, 1)];

	*b = (struct n64_binding){ .ctl = ctl_make(CTL_ACTIVE, 0, 2, 0, 5), .host6 = h,
				   .port6 = be16(4000 + n), .until4 = until4 };
	*e = (struct n64_bib6){ .ctl = ctl_make(CTL_ACTIVE, 0, row_of(SLOT, proto), 0, 9),
				.host6 = h, .port6 = be16(4000 + n), .port4 = be16(port),
				.until6 = until6 };
}

static int see(const struct mapping_info *m, void *ctx)
{
	struct world *w = ctx;

	w->seen[w->n++] = *m;
	return w->n == 8;
}

static int see_session(const struct session_info *s, void *ctx)
{
	struct world *w = ctx;

	w->seen_session[w->n++] = *s;
	return w->n == 8;
}

static int list(struct world *w, const struct state_filter *f)
{
	struct state_filter all;

	state_filter_init(&all);
	w->n = 0;
	return state_mappings(w->v, f ? f : &all, see, w);
}

/* ---- mappings ----------------------------------------------------------------------- */

static void test_all_fields(void **state)
{
	struct world *w = *state;
	struct addr6 h = host(1);

	put(w, ST_UDP, 65535, 1, NOW + 10, NOW + 100, 0);
	list(w, NULL);
	assert_int_equal(w->n, 1);
	assert_int_equal(w->seen[0].proto, ST_UDP);
	assert_int_equal(w->seen[0].addr4, ADDR);
	assert_int_equal(w->seen[0].port4, 65535);
	assert_memory_equal(&w->seen[0].host6, &h, sizeof(h));
	assert_int_equal(w->seen[0].port6, 4001);
	assert_int_equal(w->seen[0].pref, 2);
	assert_int_equal(w->seen[0].binding, binding_index(row_of(SLOT, ST_UDP), 65535));
	assert_int_equal(w->seen[0].ctl, w->udp[65535].ctl);
}

/* Each direction writes its own deadline; the later one counts (design 4). */
static const struct until_row {
	const char *what;
	__u32 until4, until6, far;
	enum mapping_kind kind;
	__u32 left;
} untils[] = {
	{ "6->4 was later", NOW + 10, NOW + 100, 0, MAPPING_DYNAMIC, 100 },
	{ "4->6 was later", NOW + 100, NOW + 10, 0, MAPPING_DYNAMIC, 100 },
	{ "4->6 is past", NOW - 50, NOW + 10, 0, MAPPING_DYNAMIC, 10 },
	{ "both are past", NOW - 50, NOW - 1, 0, MAPPING_EXPIRED, 0 },
	{ "bib6 entry behind its home", NOW - 50, NOW + 10, 5, MAPPING_DYNAMIC, 10 },
	{ "bib6 entry as far as it can be", NOW - 50, NOW + 10, TAB_REACH - 1, MAPPING_DYNAMIC, 10 },
};

static void test_later_deadline_counts(void **state)
{
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(untils) / sizeof(untils[0]); i++) {
		const struct until_row *r = &untils[i];
		struct mapping_info m;

		memset(w->bib6, 0, sizeof(w->bib6));
		put(w, ST_UDP, 2000, 1, r->until4, r->until6, r->far);
		assert_true(state_mapping_at(w->v, ST_UDP, ADDR, 2000, &m));
		if (m.kind != r->kind || m.left != r->left)
			fail_msg("%s: kind %d, left %u", r->what, m.kind, m.left);
	}
}

/* A bib6 entry of the same host on another pool port is another life. */
static void test_deadline_of_another_life(void **state)
{
	struct world *w = *state;

	put(w, ST_UDP, 2000, 1, NOW - 1, NOW + 100, 0);
	for (int i = 0; i < 2 * LINES; i++)
		w->bib6[i].port4 = be16(2001);
	list(w, NULL);
	assert_int_equal(w->n, 0);
}

static void test_only_whole_entries(void **state)
{
	static const enum ctl_state not_there[] = { CTL_FREE, CTL_CLAIMED, CTL_DEAD };
	struct world *w = *state;

	for (int i = 0; i < 3; i++) {
		put(w, ST_UDP, 2000, 1, NOW + 10, NOW + 10, 0);
		w->udp[2000].ctl = ctl_make(not_there[i], 0, 0, 0, 5);
		list(w, NULL);
		assert_int_equal(w->n, 0);
	}
}

/* CGN-07: who had a port is known until the next one has it. */
static void test_who_had_it(void **state)
{
	struct world *w = *state;
	struct addr6 h = host(1);
	struct mapping_info m;

	put(w, ST_UDP, 2000, 1, NOW - 20, NOW - 20, 0);
	w->udp[2000].ctl = ctl_make(CTL_FREE, 0, 0, 0, 6);
	assert_true(state_mapping_at(w->v, ST_UDP, ADDR, 2000, &m));
	assert_int_equal(m.kind, MAPPING_FREE);
	assert_memory_equal(&m.host6, &h, sizeof(h));
	assert_int_equal(m.until, NOW - 20);
	w->udp[2000].ctl = ctl_make(CTL_CLAIMED, 0, 0, 0, 6);
	assert_false(state_mapping_at(w->v, ST_UDP, ADDR, 2000, &m));
	assert_false(state_mapping_at(w->v, ST_UDP, IP4(192, 0, 2, 8), 2000, &m));
	assert_false(state_mapping_at(w->v, ST_ICMP, ADDR, 2000, &m));
}

static void test_filter_and_end_of_the_walk(void **state)
{
	struct world *w = *state;
	struct state_filter f;

	for (__u16 i = 0; i < 10; i++)
		put(w, i & 1 ? ST_TCP : ST_UDP, (__u16)(2000 + i), i, NOW + 10, NOW + 10, 0);
	state_filter_init(&f);
	f.port4[0] = 2003;
	f.port4[1] = 2006;
	assert_int_equal(list(w, &f), 0);
	assert_int_equal(w->n, 4);
	f.protos = 1u << ST_TCP;
	list(w, &f);
	assert_int_equal(w->n, 2);
	assert_int_equal(w->seen[0].port4, 2003);
	assert_int_equal(list(w, NULL), 1); /* what the callback said */
	assert_int_equal(w->n, 8);
}

/* PORT-10: what drains is still there; a slot without an address is not. */
static void test_slots(void **state)
{
	struct world *w = *state;

	put(w, ST_UDP, 2000, 1, NOW + 10, NOW + 10, 0);
	w->slots[SLOT].flags = SLOT_USED | SLOT_DRAINING;
	list(w, NULL);
	assert_int_equal(w->n, 1);
	assert_int_equal(state_slot(w->v, ADDR, ST_UDP), SLOT);
	assert_int_equal(state_slot(w->v, ADDR, ST_ICMP), -1);
	assert_int_equal(state_slot(w->v, ADDR, N_ST_PROTOS), SLOT);
	w->slots[SLOT].flags = 0;
	list(w, NULL);
	assert_int_equal(w->n, 0);
	assert_int_equal(state_slot(w->v, ADDR, N_ST_PROTOS), -1);
}

/* ---- sessions ------------------------------------------------------------------------ */

static const struct session_row {
	const char *what;
	enum ctl_state state;
	__u32 gen;		/* that of the binding is 5 */
	__u32 binding;
	enum tcp_state tcp;
	__u32 until;
	bool seen;
} session_rows[] = {
	{ "of this life", CTL_ACTIVE, 5, (SLOT << 2 | ST_TCP) << 16 | 2000, TCP_ESTABLISHED, NOW + 9, true },
	{ "ST-09: of an earlier life of the port", CTL_ACTIVE, 4, (SLOT << 2 | ST_TCP) << 16 | 2000, TCP_ESTABLISHED, NOW + 9, false },
	{ "of a free port", CTL_ACTIVE, 5, (SLOT << 2 | ST_TCP) << 16 | 2001, TCP_ESTABLISHED, NOW + 9, false },
	{ "past", CTL_ACTIVE, 5, (SLOT << 2 | ST_TCP) << 16 | 2000, TCP_ESTABLISHED, NOW - 1, false },
	{ "being made", CTL_CLAIMED, 5, (SLOT << 2 | ST_TCP) << 16 | 2000, TCP_ESTABLISHED, NOW + 9, false },
	{ "TCP-03: a SYN for a mapping", CTL_ACTIVE, 0, (SLOT << 2 | ST_TCP) << 16 | 2000, TCP_V4_STORED, NOW + 10, true },
	{ "TCP-03: a SYN for no mapping", CTL_ACTIVE, 0, (SLOT << 2 | ST_TCP) << 16 | 2001, TCP_V4_STORED, NOW + 10, true },
	{ "TCP-34: a SYN whose time is over", CTL_ACTIVE, 0, (SLOT << 2 | ST_TCP) << 16 | 2001, TCP_V4_STORED, NOW + 3, false },
	{ "TCP-08: a SYN that was used", CTL_ACTIVE, 0, (SLOT << 2 | ST_TCP) << 16 | 2001, TCP_CLOSED, NOW + 6, false },
	{ "of a slot without an address", CTL_ACTIVE, 0, (1 << 2 | ST_TCP) << 16 | 2000, TCP_V4_STORED, NOW + 10, false },
	{ "of a slot that cannot be", CTL_ACTIVE, 5, ~0u, TCP_ESTABLISHED, NOW + 6, false },
};

static void test_sessions(void **state)
{
	struct world *w = *state;
	struct state_filter f;

	put(w, ST_TCP, 2000, 1, NOW + 100, NOW + 100, 0);
	w->tcp[2001].ctl = ctl_make(CTL_FREE, 0, 0, 0, 5); /* keeps its generation */
	state_filter_init(&f);
	for (size_t i = 0; i < sizeof(session_rows) / sizeof(session_rows[0]); i++) {
		const struct session_row *r = &session_rows[i];

		w->sessions[6] = (struct n64_session){
			.ctl = ctl_make(r->state, 0, 0, 0, r->gen),
			.tcp = session_word(r->tcp, r->until),
			.binding = r->binding,
			.remote4 = REMOTE,
			.remote_port = be16(80),
		};
		w->n = 0;
		state_sessions(w->v, &f, see_session, w);
		if (w->n != r->seen)
			fail_msg("%s", r->what);
	}
}

static void test_session_fields(void **state)
{
	struct world *w = *state;
	struct state_filter f;

	put(w, ST_TCP, 2000, 1, NOW + 100, NOW + 100, 0);
	w->sessions[6] = (struct n64_session){
		.ctl = ctl_make(CTL_ACTIVE, 0, 0, 0, 5),
		.tcp = session_word(TCP_V6_FIN_RCV, NOW + 9),
		.binding = binding_index(row_of(SLOT, ST_TCP), 2000),
		.remote4 = REMOTE,
		.remote_port = be16(80),
	};
	state_filter_init(&f);
	state_sessions(w->v, &f, see_session, w);
	assert_int_equal(w->n, 1);
	assert_int_equal(w->seen_session[0].place, 6);
	assert_int_equal(w->seen_session[0].ctl, w->sessions[6].ctl);
	assert_int_equal(w->seen_session[0].remote4, REMOTE);
	assert_int_equal(w->seen_session[0].remote_port, 80);
	assert_int_equal(w->seen_session[0].state, TCP_V6_FIN_RCV);
	assert_int_equal(w->seen_session[0].left, 9);
	assert_int_equal(w->seen_session[0].map.addr4, ADDR);
	assert_int_equal(w->seen_session[0].map.port4, 2000);
	assert_int_equal(w->seen_session[0].map.port6, 4001);
}

#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_all_fields),
		ROW(test_later_deadline_counts),
		ROW(test_deadline_of_another_life),
		ROW(test_only_whole_entries),
		ROW(test_who_had_it),
		ROW(test_filter_and_end_of_the_walk),
		ROW(test_slots),
		ROW(test_sessions),
		ROW(test_session_fields),
	};

	return cmocka_run_group_tests_name("state_walk", tests, NULL, NULL);
}
