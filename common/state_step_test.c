/* SPDX-License-Identifier: GPL-2.0-only */
/* The protocol of a record (design section 4), its interleavings forced step by step: two
 * or three CPUs do what competes, stopped at every step on shared memory. Schedules with one
 * and two switches are enumerated, and random ones have more; after each the tables must be
 * whole (fake_audit.h) and the answers those of one of the orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "state_scenes.h"

#define RANDOM_RUNS 1000

static const struct fm_sizes small = { .bib6 = 64, .sessions = 64, .subs = 64, .chunks = 64 };

static const struct scene {
	const char *name;	/* and what it shows */
	const char *config;
	__u32 actors;
	void (*set)(void), (*judge)(void);
} scenes[] = {
	{ "ST-01: two CPUs, one UDP flow", "", 2, same_udp, want_one_mapping },
	{ "ST-01: three CPUs, one UDP flow", "", 3, same_udp, want_one_mapping },
	{ "ST-06: two SYNs of one host and port", "", 2, same_tcp, want_each_session },
	{ "ST-02: the same SYN twice", "", 2, same_syn, want_one_session },
	{ "ST-02: the same SYN three times", "", 3, same_syn, want_one_session },
	{ "PORT-01: the last port", "one", 2, last_port, want_one_granted },
	{ "PORT-01: the last port, three hosts", "one", 3, last_port, want_one_granted },
	{ "CGN-01: the last of the quota", "subscriber-udp=1", 2, last_of_quota,
	  want_one_granted },
	{ "PORT-03: two hosts of a new subscriber", "", 2, last_of_quota, want_all_granted },
	{ "ST-10: taken while it is swept", "one", 2, create_or_sweep, nothing_more },
	{ "ST-10: taken while two sweep", "one", 3, create_or_sweep, nothing_more },
	{ "ST-10: another port, while one is swept", "", 2, create_or_sweep, want_first_granted },
	{ "ST-10: revived while it is swept", "", 2, revive_or_sweep, want_first_granted },
	{ "ST-10: revived while another takes it", "one", 2, revive_or_take, nothing_more },
	{ "ST-03: two sweep", "", 2, two_sweeps, want_reclaimed_once },
	{ "ST-03: three sweep", "", 3, two_sweeps, want_reclaimed_once },
	{ "ST-10: refreshed and revived", "", 2, refresh_or_revive, want_revived },
	{ "ST-04: deleted while it is made", "one", 2, delete_or_create, nothing_more },
	{ "ST-04: deleted, made, and taken", "one", 3, delete_or_create, nothing_more },
	{ "ST-04: deleted while it is used", "", 2, delete_or_refresh, nothing_more },
	{ "ST-04: deleted, used, revived", "", 3, delete_or_refresh, nothing_more },
	{ "ST-04: static, and another host", "one", 2, static_or_create, want_static },
	{ "ST-04: static, and the same host", "", 2, static_or_own, want_static },
	{ "PORT-10: range off, and a new flow", "", 2, range_or_create, nothing_more },
	{ "PORT-10: range off, and a sweep", "", 2, range_or_sweep, nothing_more },
	{ "PORT-03: removed and come back", "", 2, subscriber_or_create, nothing_more },
	{ "PORT-03: removed and come back twice", "", 3, subscriber_or_create, nothing_more },
	{ "TCP-08, -12: SYNs of both sides", "", 2, syn_and_syn, want_established },
	{ "TCP-20, -22: FINs of both sides", "", 2, fin_and_fin, want_both_fins },
	{ "TCP-21: FINs of both sides and data", "", 3, fin_and_fin, want_both_fins },
	{ "TCP-17, -27: RST and data", "", 2, rst_and_data, want_in_order },
	{ "TCP-38: a second session, the first completed", "", 2, second_session, want_multi },
	{ "TCP-38: a second session, the first reset", "tcp-open-timeout=300", 2,
	  second_and_rst, want_multi },
	{ "ST-09: one permission", "filtering-udp=adf", 2, one_peer, want_permitted },
	{ "CGN-08: two ports of a new subscriber", "port-block=64", 2, last_of_quota,
	  want_all_granted },
};

/* ---- schedules ------------------------------------------------------------------------------- */

static bool run(const struct scene *s, const struct schedule *plan)
{
	const char *wrong;

	fm_reset();
	bed.wrong = NULL;
	s->set();
	cpus_run(plan);
	s->judge();
	wrong = bed.wrong ? bed.wrong : fm_audit();
	if (!wrong)
		return true;
	print_error("%s: %s\n  actor %u first, turns", s->name, wrong, plan->first);
	for (__u32 i = 0; i < plan->n; i++)
		print_error(" %u", plan->run[i]);
	for (__u32 i = 0; i < cpus.n; i++)
		print_error("; reason %u, port %u", answer(i)->reason,
			    host16(answer(i)->port4));
	print_error("\n");
	return false;
}

/* All schedules in which one actor is interrupted once, and of those in which two are a
 * part that differs with the first switch; N64_ALL_STEPS in the environment: all. */
static bool run_all(const struct scene *s)
{
	__u32 stride = getenv("N64_ALL_STEPS") ? 1 : cpus.n > 2 ? 19 : 5;

	for (__u32 first = 0; first < cpus.n; first++) {
		struct schedule plan = { .first = first, .n = 2 };
		__u32 most = 4 * TURN;

		for (plan.run[0] = 0; plan.run[0] < most; plan.run[0]++) {
			__u32 second = TURN;

			plan.run[1] = 1 + plan.run[0] % stride;
			for (; plan.run[1] < second; plan.run[1] += stride) {
				if (!run(s, &plan))
					return false;
				/* the turn was longer than what was left to do */
				if (cpus.actor[(first + 1) % cpus.n].steps < plan.run[1])
					second = 0;
			}
			if (cpus.actor[first].steps < plan.run[0])
				most = 0;
		}
	}
	return true;
}

static __u64 seed = 0x853c49e6748fea9bull;

static __u32 dice(__u32 n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (__u32)((seed >> 32) % n);
}

static bool run_some(const struct scene *s)
{
	for (__u32 i = 0; i < RANDOM_RUNS; i++) {
		struct schedule plan = { .first = dice(cpus.n), .n = 3 + dice(MAX_SWITCHES - 2) };

		for (__u32 k = 0; k < plan.n; k++)
			plan.run[k] = 1 + dice(dice(2) ? 12 : 30);
		if (!run(s, &plan))
			return false;
	}
	return true;
}

static void configure(const struct scene *s)
{
	char words[200];
	bool one = !strcmp(s->config, "one");

	snprintf(words, sizeof(words), "pool4=" POOL_A ":1024-%s;%s", one ? "1024" : "1087",
		 one ? "" : s->config);
	fm_begin(words, &small);
}

static void test_schedules(void **state)
{
	bool ok = true;

	(void)state;
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		const struct scene *s = &scenes[i];

		configure(s);
		cpus_begin(s->actors);
		ok &= run_all(s) && run_some(s);
		cpus_end();
		fm_end();
	}
	assert_true(ok);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
