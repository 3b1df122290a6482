/* SPDX-License-Identifier: GPL-2.0-only */
/* The rounds of ST-10 and what hangs on them: reclaiming, probes (TCP-30), the end of
 * addresses that drain (PORT-10). In slices between packets, so that none waits long. */
#include "worker/parts.h"

#include <time.h>

#include "slow.h"

/* Reclaiming is due 10 s after an entry ended, and nobody may take it in the first two. */
#define ROUND_MS 7000
#define TICK_NS 2000000		/* of each tick, while that is enough */
#define TICK_MOST_NS 20000000
#define SLICE_NS 500000

/* Steps of a round, and how many of them are done at once. */
#define ROW_STEP 2048		/* ports */
#define ROW_STEPS (N64_ROW_PORTS / ROW_STEP)
#define SESSION_STEP 1024	/* places */
#define PROBE_STEP 256	/* each may cost a packet */
#define SUB_STEP 1024

static __u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec;
}

/* ---- rows ------------------------------------------------------------------------ */

/* Addresses come and go by reload. */
static void list_rows(struct worker *w)
{
	struct sweep *s = &w->sweep;

	s->n_rows = touch_rows(w->state.slots, s->row);
	pace_resize(&s->rows, s->n_rows * ROW_STEPS, ROUND_MS);
}

static void row_is_round(struct worker *w, __u32 n, __u32 used)
{
	struct sweep *s = &w->sweep;
	__u32 slot = s->row[n] >> 2;

	if (!n || s->row[n - 1] >> 2 != slot)
		s->left = 0;
	s->left += used;
	if (n + 1 < s->n_rows && s->row[n + 1] >> 2 == slot)
		return;
	if (!s->left && w->state.slots[slot].flags & SLOT_DRAINING)
		drain_slot(&w->drain, &w->state, slot); /* PORT-10 */
}

static void sweep_rows(struct worker *w)
{
	struct sweep *s = &w->sweep;
	struct n64_call call = { .op = CALL_SWEEP, .n = ROW_STEP };
	__u32 n, at;

	if (!s->rows.at)
		list_rows(w);
	if (!pace_due(&s->rows, ROUND_MS))
		return;
	at = pace_take(&s->rows, ROUND_MS, 1, &n);
	call.row = s->row[at / ROW_STEPS];
	call.port4 = (__be16)(at % ROW_STEPS * ROW_STEP); /* host order here */
	if (!mapstate_ask(&w->state, &call) && at % ROW_STEPS == ROW_STEPS - 1)
		row_is_round(w, at / ROW_STEPS, call.until);
}

/* ---- sessions and subscribers ------------------------------------------------------ */

static void sweep_places(struct worker *w, struct pace *p, enum call_op op, __u32 step)
{
	struct n64_call call = { .op = op };

	call.session = pace_take(p, ROUND_MS, step, &call.n);
	mapstate_ask(&w->state, &call);
}

/* TCP-30: the kernel's end of the pair is its ingress, as for what the gateway sends. */
static void probe(struct worker *w, __u32 place)
{
	struct n64_call call = { .op = CALL_PROBE, .session = place };
	const struct slow_in in = {
		.fam = FAM_6,
		.from_pair = true,
		.ifindex = w->world.policy.conf.pair_kernel,
	};
	__u32 len;

	if (mapstate_ask(&w->state, &call) || call.reason != R_GO_ON)
		return;
	len = slow_probe(&w->env, &call, 0, w->scratch);
	if (!len)
		return;
	packet_begin(w, &in, SLOW_FROM_PAIR);
	w->ops.emit(w, w->scratch, len, EMIT_ORIGINATED);
	if (!w->now.tx_failed)
		world_count(&w->world, R_tcp_probes, 1, 0);
}

/* Past its tcp-est-timeout, and not probed? CALL_PROBE has the last word. */
static bool is_idle(const struct n64_session *e, __u32 now, __u32 trans)
{
	__u64 word = __atomic_load_n(&e->tcp, __ATOMIC_RELAXED);
	__u32 until = (__u32)(word >> 32);

	return (word & 0xff) == TCP_ESTABLISHED && !(word & SESSION_PROBED) && now <= until &&
	       until - now < trans;
}

static void look_for_idle(struct worker *w)
{
	const struct n64_opts *o = &w->world.policy.conf.opt;
	__u32 n, at = pace_take(&w->sweep.probes, ROUND_MS, PROBE_STEP, &n);

	for (__u32 i = at; i < at + n; i++)
		if (is_idle(&w->state.sessions[i], w->second, o->tcp_trans_timeout))
			probe(w, i);
}

/* ---- ticks and slices ---------------------------------------------------------------- */

void sweep_open(struct worker *w)
{
	struct sweep *s = &w->sweep;

	s->budget = (struct pace_budget){ TICK_NS, TICK_MOST_NS, TICK_NS };
	s->tick_ms = w->world.now_ms;
	pace_resize(&s->sessions, w->state.n_sessions, ROUND_MS);
	pace_resize(&s->probes, w->state.n_sessions, ROUND_MS);
	pace_resize(&s->subs, w->state.n_subs, ROUND_MS);
	list_rows(w);
}

void sweep_tick(struct worker *w)
{
	struct n64_call call = { .op = CALL_NOW };
	struct sweep *s = &w->sweep;
	__u32 ms = w->world.now_ms - s->tick_ms;

	if (mapstate_ask(&w->state, &call))
		return;
	w->second = call.now;
	s->tick_ms = w->world.now_ms;
	if (!s->n_rows)
		list_rows(w);
	pace_adapt(&s->budget, !s->active);
	pace_flow(&s->rows, ms, ROUND_MS);
	pace_flow(&s->sessions, ms, ROUND_MS);
	pace_flow(&s->subs, ms, ROUND_MS);
	if (w->world.policy.conf.opt.tcp_probe)
		pace_flow(&s->probes, ms, ROUND_MS);
	s->spent = 0;
	s->active = true;
}

/* One step of each thing that is due; false: nothing was. */
static bool step(struct worker *w)
{
	struct sweep *s = &w->sweep;
	bool any = syn_step(w);

	if (pace_due(&s->rows, ROUND_MS)) {
		sweep_rows(w);
		any = true;
	}
	if (pace_due(&s->sessions, ROUND_MS)) {
		sweep_places(w, &s->sessions, CALL_SWEEP_SESSIONS, SESSION_STEP);
		any = true;
	}
	if (pace_due(&s->subs, ROUND_MS)) {
		sweep_places(w, &s->subs, CALL_SWEEP_SUBS, SUB_STEP);
		any = true;
	}
	if (pace_due(&s->probes, ROUND_MS)) {
		look_for_idle(w);
		any = true;
	}
	return any;
}

bool sweep_slice(struct worker *w)
{
	struct sweep *s = &w->sweep;
	__u64 begin, spent;
	bool more = true;

	if (!s->active || s->spent >= s->budget.now)
		return false;
	begin = clock_ns();
	do {
		more = step(w);
		spent = clock_ns() - begin;
	} while (more && spent < SLICE_NS);
	s->spent += spent;
	s->active = more;
	return more && s->spent < s->budget.now;
}
