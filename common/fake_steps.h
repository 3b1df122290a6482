/* SPDX-License-Identifier: GPL-2.0-only */
/* Several CPUs on one memory, one step at a time: each actor is a coroutine that can be
 * stopped in front of any step on shared memory. A schedule says who goes how many steps;
 * behind its end the actors take turns, long enough for each to finish, and short enough
 * that one who waits for another does not wait in vain. */
#ifndef N64_FAKE_STEPS_H
#define N64_FAKE_STEPS_H

#include <ucontext.h>

#include "fake_audit.h"

#define ACTORS 3
#define ACTOR_STACK (128 << 10)
#define TURN 100	/* steps; tab_wait gives up after TAB_WAIT */
#define MAX_SWITCHES 8

struct actor {
	ucontext_t ctx;
	char *stack;
	struct n64_call q;	/* what it asks, and its answer */
	__u32 late;		/* seconds by which its clock is behind */
	__u32 steps;		/* that it took in all */
	bool done;
};

struct schedule {
	__u32 first;		/* actor that begins */
	__u32 n;
	__u32 run[MAX_SWITCHES]; /* steps before the next one goes on */
};

static struct {
	struct actor actor[ACTORS];
	__u32 n, now;
	__u32 left;		/* steps of this turn */
	ucontext_t main;
} cpus;

/* In front of each step. */
static inline void actor_step(void)
{
	struct actor *a = &cpus.actor[cpus.now];

	if (!cpus.left)
		swapcontext(&a->ctx, &cpus.main);
	cpus.left--;
	a->steps++;
}

static inline void actor_main(void)
{
	struct actor *a = &cpus.actor[cpus.now];
	struct st_work w;

	state_begin(&w);
	w.now -= a->late;
	w.ticks -= a->late << 10;
	w.q = a->q;
	state_call(&w);
	a->q = w.q;
	a->done = true;
	swapcontext(&a->ctx, &cpus.main);
}

static inline void actor_turn(__u32 who, __u32 steps)
{
	if (cpus.actor[who].done)
		return;
	cpus.now = who;
	cpus.left = steps;
	swapcontext(&cpus.main, &cpus.actor[who].ctx);
}

static inline void cpus_begin(__u32 n)
{
	memset(&cpus, 0, sizeof(cpus));
	cpus.n = n;
	for (__u32 i = 0; i < n; i++)
		cpus.actor[i].stack = malloc(ACTOR_STACK);
}

static inline void cpus_end(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		free(cpus.actor[i].stack);
}

static inline void actor_begin(struct actor *a)
{
	getcontext(&a->ctx);
	a->ctx.uc_stack.ss_sp = a->stack;
	a->ctx.uc_stack.ss_size = ACTOR_STACK;
	a->ctx.uc_link = NULL;
	a->done = false;
	a->steps = 0;
	makecontext(&a->ctx, actor_main, 0);
}

static inline bool cpus_done(void)
{
	for (__u32 i = 0; i < cpus.n; i++)
		if (!cpus.actor[i].done)
			return false;
	return true;
}

/* Runs the actors, whose questions are set, through a schedule to their end. */
static inline void cpus_run(const struct schedule *s)
{
	__u32 who = s->first;

	fm.step = actor_step;
	for (__u32 i = 0; i < cpus.n; i++)
		actor_begin(&cpus.actor[i]);
	for (__u32 i = 0; i < s->n; i++, who = (who + 1) % cpus.n)
		actor_turn(who, s->run[i]);
	for (; !cpus_done(); who = (who + 1) % cpus.n)
		actor_turn(who, TURN);
	fm.step = NULL;
}

#endif
