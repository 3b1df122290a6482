/* SPDX-License-Identifier: GPL-2.0-only */
/* What state_step_test.c has done by several CPUs at once: scenes, each a state of the
 * tables, a question for each CPU, and a judgement of their answers. */
#ifndef N64_STATE_SCENES_H
#define N64_STATE_SCENES_H

#include "fake_ask.h"
#include "fake_steps.h"

/* What a scenario is made with. */
static struct {
	struct n64_call made;	/* a mapping that was there before */
	__u32 answers[ACTORS];
	const char *wrong;
} bed;

static struct n64_call *answer(__u32 i)
{
	return &cpus.actor[i].q;
}

static void want(bool ok, const char *text)
{
	if (!ok && !bed.wrong)
		bed.wrong = text;
}

static __u32 n_granted(void)
{
	__u32 n = 0;

	for (__u32 i = 0; i < cpus.n; i++)
		n += !answer(i)->reason;
	return n;
}

static void make(struct n64_call q)
{
	want(!fm_call(&q), "the scene cannot be set");
	bed.made = q;
}

static void ask(__u32 i, struct n64_call q)
{
	cpus.actor[i].q = q;
	cpus.actor[i].late = 0;
}

static struct addr6 host(__u32 n)
{
	return ask_host(n, 1);
}

/* ---- scenes: two packets ------------------------------------------------------------------- */

static void same_udp(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_out(ST_UDP, host(1), 40002, 1 + i, 53, 0));
}

static void same_tcp(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_out(ST_TCP, host(1), 40002, 1 + i, 80, TCP_SYN));
}

static void same_syn(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
}

/* Of three, one may wait for a claim that is given back, and drops its packet. */
static bool is_third(__u32 i)
{
	return cpus.n > 2 && answer(i)->reason == R_state_busy && n_granted() > 1;
}

static void want_one_mapping(void)
{
	__be16 port = 0;

	for (__u32 i = 0; i < cpus.n; i++)
		port = answer(i)->reason ? port : answer(i)->port4;
	for (__u32 i = 0; i < cpus.n; i++)
		want(answer(i)->reason ? is_third(i) : answer(i)->port4 == port,
		     "one flow, two answers");
	want(port, "nobody was granted");
	want(fm.state->count[answer(0)->proto].n == 1, "one flow, two mappings");
}

static void want_one_session(void)
{
	want_one_mapping();
	want(fm.state->count[KIND_SESSIONS].n == 1, "one flow, two sessions");
}

static void want_each_session(void)
{
	want_one_mapping();
	want(fm.state->count[KIND_SESSIONS].n == cpus.n, "a session is missing");
	want(mem_binding(answer(0)->binding)->ctl & CTL_MULTI, "several sessions, not MULTI");
}

/* ---- scenes: one port ---------------------------------------------------------------------- */

static void last_port(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_out(ST_UDP, host(1 + i), 40002, 1, 53, 0));
}

static void last_of_quota(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_out(ST_UDP, ask_host(1, 1 + i), 40002, 1, 53, 0));
}

static void want_one_granted(void)
{
	want(n_granted() == 1, "not exactly one was granted");
}

static void want_all_granted(void)
{
	want(n_granted() == cpus.n, "not all were granted");
}

/* The mapping of host 1 has passed three seconds ago, for anybody to take. */
static void expired(enum st_proto proto)
{
	make(ask_out(proto, host(1), 40002, 1, 80, TCP_SYN));
	fm_seconds(ask_until(bed.made.binding) - st_now() + 3);
}

static void create_or_sweep(void)
{
	expired(ST_TCP);
	ask(0, ask_out(ST_TCP, host(2), 40002, 1, 80, TCP_SYN));
	ask(1, ask_sweep(bed.made.row, 1024, 64));
	if (cpus.n > 2)
		ask(2, ask_sweep(bed.made.row, 1024, 64));
}

static void want_first_granted(void)
{
	want(!answer(0)->reason, "the creation was refused");
}

static void revive_or_sweep(void)
{
	expired(ST_UDP);
	ask(0, ask_out(ST_UDP, host(1), 40002, 2, 53, 0));
	ask(1, ask_sweep(bed.made.row, 1024, 64));
}

/* One port: its owner comes back at the moment in which another takes it. */
static void revive_or_take(void)
{
	expired(ST_TCP);
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(1, ask_out(ST_TCP, host(2), 40002, 1, 80, TCP_SYN));
}

static void two_sweeps(void)
{
	expired(ST_UDP);
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_sweep(bed.made.row, 1024, 64));
}

static void want_reclaimed_once(void)
{
	want(!fm.state->count[ST_UDP].n && fm.note[R_bib_deleted] == 1,
	     "not reclaimed exactly once");
}

/* The last packet of a second meets the first of the next, for which the mapping is over. */
static void refresh_or_revive(void)
{
	make(ask_out(ST_UDP, host(1), 40002, 1, 53, 0));
	fm_seconds(ask_until(bed.made.binding) - st_now() + 1);
	ask(0, ask_in(&bed.made, 1, 53, 0));
	cpus.actor[0].late = 1;
	ask(1, ask_out(ST_UDP, host(1), 40002, 1, 53, 0));
}

static void want_revived(void)
{
	want(!answer(1)->reason && fm.state->count[ST_UDP].n == 1, "not one mapping");
	want(ask_until(answer(1)->binding) >= st_now() + 300, "the new deadline is lost");
}

/* ---- scenes: commands ---------------------------------------------------------------------- */

static void delete_or_create(void)
{
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(1, (struct n64_call){ .op = CALL_DEL, .binding = binding_index(ST_TCP, 1024) });
	if (cpus.n > 2)
		ask(2, ask_out(ST_TCP, host(2), 40002, 1, 80, TCP_SYN));
}

static void delete_or_refresh(void)
{
	make(ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(0, ask_in(&bed.made, 1, 80, TCP_SYN | TCP_ACK));
	ask(1, (struct n64_call){ .op = CALL_DEL, .binding = bed.made.binding });
	if (cpus.n > 2)
		ask(2, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
}

static void nothing_more(void)
{
}

static void static_or_create(void)
{
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(1, ask_static(ST_TCP, POOL_A, 1024, host(2), 22, false));
}

static void static_or_own(void)
{
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(1, ask_static(ST_TCP, POOL_A, 5000, host(1), 40002, true));
}

static void want_static(void)
{
	__u64 ctl = mem_binding(binding_index(ST_TCP, host16(answer(1)->port4)))->ctl;

	if (!answer(1)->reason)
		want(ctl_state(ctl) == CTL_ACTIVE && ctl & CTL_STATIC,
		     "the static one is not there");
	else
		want(answer(1)->reason == R_static_conflict || answer(1)->reason == R_state_busy,
		     "a strange reason");
}

static void range_or_create(void)
{
	ask(0, ask_out(ST_UDP, host(1), 40002, 1, 53, 0));
	ask(1, (struct n64_call){ .op = CALL_RANGE, .row = ST_UDP, .last = 1087, .n = 0 });
	cpus.actor[1].q.port4 = (__be16)1024;
}

static void range_or_sweep(void)
{
	expired(ST_TCP);
	ask(0, ask_sweep(bed.made.row, 1024, 64));
	ask(1, (struct n64_call){ .op = CALL_RANGE, .row = ST_TCP, .last = 1087, .n = 0 });
	cpus.actor[1].q.port4 = (__be16)1024;
}

static void subscriber_or_create(void)
{
	expired(ST_UDP);
	want(!fm_call(&(struct n64_call){ .op = CALL_SWEEP, .row = ST_UDP, .port4 = (__be16)1024,
					  .n = 64 }), "no sweep");
	fm_seconds(SUB_KEEP + 1);
	ask(0, (struct n64_call){ .op = CALL_SWEEP_SUBS, .n = 64 });
	for (__u32 i = 1; i < cpus.n; i++)
		ask(i, ask_out(ST_UDP, ask_host(1, i), 40002, 1, 53, 0));
}

/* ---- scenes: one TCP session --------------------------------------------------------------- */

static void established(void)
{
	struct n64_call q;

	make(ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	q = ask_in(&bed.made, 1, 80, TCP_SYN | TCP_ACK);
	want(!fm_call(&q), "no SYN+ACK");
	fm_seconds(10);
}

static void syn_and_syn(void)
{
	make(ask_static(ST_TCP, POOL_A, 1024, host(1), 40002, false));
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(1, ask_in(&bed.made, 1, 80, TCP_SYN));
}

static void fin_and_fin(void)
{
	established();
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_FIN | TCP_ACK));
	ask(1, ask_in(&bed.made, 1, 80, TCP_FIN | TCP_ACK));
	if (cpus.n > 2)
		ask(2, ask_in(&bed.made, 1, 80, TCP_ACK));
}

static void rst_and_data(void)
{
	established();
	ask(0, ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_ACK));
	ask(1, ask_in(&bed.made, 1, 80, TCP_RST));
}

/* A second session begins while the first is completed. */
static void second_session(void)
{
	make(ask_out(ST_TCP, host(1), 40002, 1, 80, TCP_SYN));
	ask(0, ask_in(&bed.made, 1, 80, TCP_SYN | TCP_ACK));
	ask(1, ask_out(ST_TCP, host(1), 40002, 2, 80, TCP_SYN));
}

/* And while the first one is reset. */
static void second_and_rst(void)
{
	established();
	ask(0, ask_in(&bed.made, 1, 80, TCP_RST));
	ask(1, ask_out(ST_TCP, host(1), 40002, 2, 80, TCP_SYN));
}

static __u64 word_of(__u32 peer)
{
	const struct n64_session *e = ask_session(&bed.made, peer, 80);

	return e ? e->tcp : 0;
}

/* The deadline of the mapping is that of its last session (ST-03). */
static void want_deadline(void)
{
	__u32 one = (__u32)(word_of(1) >> 32), two = (__u32)(word_of(2) >> 32);

	want(ask_until(bed.made.binding) == (one > two ? one : two),
	     "the mapping does not end with its last session");
}

static void want_established(void)
{
	want(n_granted() == cpus.n && (word_of(1) & 0xff) == TCP_ESTABLISHED, "not ESTABLISHED");
}

static void want_both_fins(void)
{
	want((word_of(1) & 0xff) == TCP_V4_V6_FIN, "not V4+V6 FIN");
	want_deadline();
}

static void want_in_order(void)
{
	__u32 state = word_of(1) & 0xff, until = (__u32)(word_of(1) >> 32);

	want((state == TCP_TRANS && until == st_now() + 240) ||
	     (state == TCP_ESTABLISHED && until == st_now() + 7440), "of none of the orders");
	want_deadline();
}

static void want_multi(void)
{
	want(n_granted() == cpus.n && mem_binding(bed.made.binding)->ctl & CTL_MULTI,
	     "not MULTI");
	want(ask_until(bed.made.binding) >= (word_of(1) >> 32) &&
	     ask_until(bed.made.binding) >= (word_of(2) >> 32), "a session outlives its mapping");
}

/* ---- scenes: filters, blocks --------------------------------------------------------------- */

static void want_permitted(void)
{
	struct n64_call q = ask_in(answer(0), 1, 53, 0);

	want_all_granted();
	want(!fm_call(&q), "no permission");
}

static void one_peer(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		ask(i, ask_out(ST_UDP, host(1), 40002, 1, 53, 0));
}

#endif
