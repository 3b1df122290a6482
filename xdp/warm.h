/* SPDX-License-Identifier: GPL-2.0-only */
/* For the tests: next hops that are remembered before a frame is sent, so that the short way
 * has no other reason to leave a packet to the long one than its rules. A suite runs with and
 * without. */
#ifndef N64_WARM_H
#define N64_WARM_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdlib.h>

#include "hop.h"

/* What is warmed, and whose maps. */
struct warm {
	bool on;
	int query;	/* program n64_query, for the beat */
	int hops, cache, pairs; /* maps */
	struct n64_hops *copy;
};

static struct warm warm;

static inline void warm_ask(struct n64_fib_query *q)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = q, .data_size_in = sizeof(*q),
		    .data_out = q, .data_size_out = sizeof(*q));

	if (bpf_prog_test_run_opts(warm.query, &o))
		fail_msg("n64_query");
}

/* The worker's beat, and what the programs see of the routes. */
static inline void warm_beat(void)
{
	struct n64_fib_query beat = {.fam = FAM_NONE};
	__u32 zero = 0;

	warm_ask(&beat);
	if (!warm.copy)
		warm.copy = malloc(sizeof(*warm.copy));
	if (!warm.copy || bpf_map_lookup_elem(warm.hops, &zero, warm.copy))
		fail_msg("map hops");
}

/* Of every CPU: the block of `d`, if the FIB has a way for it. */
static inline void warm_one(const struct n64_conf *c, enum ip_family fam, struct addr6 dst,
			    __u32 in, __u64 flow)
{
	struct n64_fib_query q = {.fam = fam, .ifindex = in, .dst = dst, .tot_len = 1,
				  .proto = P_UDP};
	struct hop_dst d = fam == FAM_4 ? hop_dst4(dst.w[0]) : hop_dst6(&dst);
	struct hop_dst block = hop_block(fam, 0, d);
	__u64 meta = hop_meta(fam, 0, hop_flow(in) | flow);
	__u32 net = warm.copy->net[hop_family(fam)][hop_net(fam, block) % HOP_GENS];
	struct n64_hop pair[HOP_WAYS] = {}, e = {.a = block.a, .b = block.b, .meta = meta,
			    .confirm = (__u32)warm.copy->beat, .gen = hop_gen(warm.copy, net)};

	warm_ask(&q);
	if (flow && c->opt.urpf6 == URPF_STRICT && q.oif != in)
		return;
	e.mtu = (__u16)q.mtu;
	e.port = q.oif;
	pair[0] = e;
	for (__u32 cpu = 0; cpu < c->ncpu && !q.rc; cpu++) {
		__u32 n = hop_pairs(cpu, c->hop_slots) +
			  hop_line(c->key[0], fam, block, meta, c->hop_slots) / HOP_WAYS;

		if (bpf_map_update_elem(warm.cache, &n, pair, BPF_ANY))
			fail_msg("map hopcache");
	}
}

/* For a frame that comes in by device `in`: the IPv4 destination in each pref64 and the source
 * (ADR-28), or the IPv6 blocks that the tests have their hosts in. */
static inline void warm_frame(const struct n64_conf *c, bool v6, const __u8 *ip, __u32 in)
{
	struct addr6 dst, src;

	if (!warm.on)
		return;
	warm_beat();
	memcpy(&dst, ip + 24, sizeof(dst));
	for (__u32 i = 0; v6 && i < N64_ALL_PREF64; i++)
		if (c->pref64[i].len && pref64_contains(&c->pref64[i], &dst))
			warm_one(c, FAM_4,
				 (struct addr6){{rfc6052_extract(c->pref64[i].len, &dst)}}, in, 0);
	memcpy(&src, ip + 8, sizeof(src));
	if (v6)
		warm_one(c, FAM_6, src, in, HOP_FLOW_URPF);
	for (__u32 i = 0; !v6 && i < 16; i++)
		warm_one(c, FAM_6, (struct addr6){{be32(0x20010db8), be32(i << 16), 0, be32(16)}},
			 in, 0);
}

/* ---- what is remembered of pairs of addresses ---------------------------------------- */

/* Calls `change` with each, and keeps what it says true to. How many there are. */
static inline __u32 warm_pairs(const struct n64_conf *c, bool (*change)(struct n64_pair *e))
{
	__u32 n = 0;

	for (__u32 i = 0; i < c->ncpu * hop_near(c->hop_slots); i++) {
		struct n64_pair e;

		if (bpf_map_lookup_elem(warm.pairs, &i, &e))
			fail_msg("map pairs");
		if (!e.hop.meta)
			continue;
		n++;
		if (change && change(&e) && bpf_map_update_elem(warm.pairs, &i, &e, BPF_ANY))
			fail_msg("map pairs");
	}
	return n;
}

/* Marks them: a frame that is sent by one shows it. */
static inline bool warm_mark(struct n64_pair *e)
{
	memset(e->hop.dmac, 0x5a, MAC_LEN);
	return true;
}

static inline bool warm_is_marked(const __u8 *frame)
{
	static const __u8 mark[MAC_LEN] = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};

	return !memcmp(frame, mark, MAC_LEN);
}

/* Each CPU remembers next hops of its own. */
static inline void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The tests of a suite, and all of them again, warmed. */
#define run_cold_and_warm(name, tests, setup)                                                 \
	({                                                                                    \
		int bad_ = cmocka_run_group_tests_name(name, tests, setup, NULL);             \
                                                                                              \
		warm.on = true;                                                               \
		bad_ + cmocka_run_group_tests_name(name ", warmed", tests, NULL, NULL);       \
	})

/* And once more, each frame with these tags (frame_tags). */
#define run_also_tagged(name, tests, setup, tags)                                             \
	({                                                                                    \
		int bad_all_ = run_cold_and_warm(name, tests, setup);                         \
                                                                                              \
		frame_tags = (tags);                                                          \
		bad_all_ + cmocka_run_group_tests_name(name ", with tags", tests, NULL, NULL); \
	})

#endif
