// SPDX-License-Identifier: GPL-2.0-only
/* What the fast path may remember of the routing tables (common/hop.h, hops.h), against
 * the longest prefix match of a simple list of routes. */
#define _GNU_SOURCE
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "addr.h"
#include "dataplane/nl.h"
#include "worker/hops.h"

#define ROUTES 40
#define ROUNDS 300
#define PROBES 400

struct route {
	struct addr6 dst;
	__u32 len;
	bool neighbours;
};

static struct n64_hops map;
static struct route route[ROUTES];
static __u64 seed;

static __u32 roll(__u32 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (__u32)(seed >> 33) % n;
}

static __be32 mask(__u32 len)
{
	return mask4(len > 32 ? 32 : len);
}

/* An address of a small world, so that routes lie in each other. */
static struct addr6 any_address(enum ip_family fam)
{
	struct addr6 a = { 0 };
	__u32 last = roll(3) ? roll(4) : roll(256);

	if (fam == FAM_4) {
		a.w[0] = be32(198u << 24 | (18 + roll(2)) << 16 | roll(4) << 8 | last);
		return a;
	}
	a.w[0] = be32(0x20010db8);
	a.w[1] = be32(roll(3) << 16 | roll(3));
	a.w[3] = be32(roll(2) << 30 | last);
	return a;
}

static void any_route(enum ip_family fam, struct route *r)
{
	static const __u32 len4[] = { 0, 8, 15, 16, 17, 20, 24, 25, 28, 30, 31, 32, 32 };
	static const __u32 len6[] = { 0, 29, 32, 47, 48, 49, 56, 64, 65, 96, 112, 127, 128, 128 };

	r->dst = any_address(fam);
	r->len = fam == FAM_4 ? len4[roll(13)] : len6[roll(14)];
	r->neighbours = !roll(3);
	for (__u32 i = 0; i < 4; i++)
		r->dst.w[i] &= r->len > 32 * i ? mask(r->len - 32 * i) : 0;
}

static bool covers(enum ip_family fam, const struct route *r, const struct addr6 *a)
{
	return fam == FAM_4 ? prefix4_contains(r->dst.w[0], r->len, a->w[0])
			    : prefix6_contains(&r->dst, r->len, a);
}

/* Where `a` goes: its longest route, and which neighbour where there is no gateway. */
static int next_hop(enum ip_family fam, const struct addr6 *a, __u32 n)
{
	int best = -1;

	for (__u32 i = 0; i < n; i++)
		if (covers(fam, &route[i], a) && (best < 0 || route[i].len > route[best].len))
			best = (int)i;
	return best;
}

static struct hop_dst dst_of(enum ip_family fam, const struct addr6 *a)
{
	return fam == FAM_4 ? hop_dst4(a->w[0]) : hop_dst6(a);
}

static __u32 level_of(enum ip_family fam, struct hop_dst d)
{
	return hop_level(&map, fam, d, map.net[hop_family(fam)][hop_net(fam, d)]);
}

static bool same_block(enum ip_family fam, __u32 level, struct hop_dst x, struct hop_dst y)
{
	struct hop_dst a = hop_block(fam, level, x), b = hop_block(fam, level, y);

	return a.a == b.a && a.b == b.b;
}

/* All addresses that share a block have the same next hop. What has none of its own but is
 * reached as a neighbour, the programs find out themselves where a route is too short to be
 * marked. */
static void test_blocks(void **state)
{
	(void)state;
	for (__u32 round = 0; round < ROUNDS; round++) {
		enum ip_family fam = round % 2 ? FAM_6 : FAM_4;
		__u32 n = 1 + roll(ROUTES);

		seed = round * 7919 + 1;
		memset(&map, 0, sizeof(map));
		for (__u32 i = 0; i < n; i++) {
			any_route(fam, &route[i]);
			hops_mark(&map, fam, &route[i].dst, route[i].len, route[i].neighbours);
		}
		for (__u32 i = 0; i < PROBES; i++) {
			struct addr6 x = any_address(fam), y = any_address(fam);
			struct hop_dst dx = dst_of(fam, &x), dy = dst_of(fam, &y);
			__u32 level = level_of(fam, dx);
			int hop = next_hop(fam, &x, n);

			if (level != level_of(fam, dy) || !same_block(fam, level, dx, dy))
				continue;
			assert_int_equal(hop, next_hop(fam, &y, n));
			if (hop >= 0 && route[hop].neighbours &&
			    route[hop].len + 8 >= hop_len(fam, 1) && level < 2)
				fail_msg("round %u: neighbours share a block", round);
		}
	}
}

static __u32 generation(enum ip_family fam, const struct addr6 *a)
{
	struct hop_dst d = dst_of(fam, a);
	__u32 net = map.net[hop_family(fam)][hop_net(fam, d)];
	__u32 gen = hop_gen(&map, net);

	return hop_level(&map, fam, d, net) == 2 ? gen + hop_gen_host(&map, d) : gen;
}

/* A changed route makes every answer old that may be of it. */
static void test_generations(void **state)
{
	(void)state;
	for (__u32 round = 0; round < ROUNDS; round++) {
		enum ip_family fam = round % 2 ? FAM_6 : FAM_4;
		struct addr6 a[PROBES];
		__u32 before[PROBES];
		struct route r;

		seed = round * 104729 + 5;
		memset(&map, 0, sizeof(map));
		any_route(fam, &r);
		hops_mark(&map, fam, &r.dst, r.len, r.neighbours);
		for (__u32 i = 0; i < PROBES; i++) {
			a[i] = any_address(fam);
			before[i] = generation(fam, &a[i]);
		}
		hops_raise(&map, fam, &r.dst, r.len);
		for (__u32 i = 0; i < PROBES; i++)
			if (covers(fam, &r, &a[i]) && generation(fam, &a[i]) == before[i])
				fail_msg("round %u: an answer of a changed route holds", round);
	}
}

/* A message about the neighbour `addr` on device 7, whose last byte of the MAC address is `mac`. */
static void neigh_event(struct hops *h, __u32 addr, __u8 mac)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(m, sizeof(*nd));
	const __u8 lladdr[MAC_LEN] = { 2, 0, 0, 0, 0, mac };

	m->nlmsg_type = RTM_NEWNEIGH;
	nd->ndm_family = AF_INET;
	nd->ndm_ifindex = 7;
	nd->ndm_state = NUD_REACHABLE;
	mnl_attr_put_u32(m, NDA_DST, be32(addr));
	mnl_attr_put(m, NDA_LLADDR, sizeof(lladdr), lladdr);
	hops_event(h, m);
}

static void plain_event(struct hops *h, int type)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);

	m->nlmsg_type = (__u16)type;
	hops_event(h, m);
}

static void neigh_of_block(struct hops *h) { neigh_event(h, 0xc6336405, 1); }
static void neigh_is_another(struct hops *h) { neigh_event(h, 0xc6336405, 2); }
static void gateway_is_another(struct hops *h) { neigh_event(h, 0xc6336406, 3); }
static void settings(struct hops *h) { plain_event(h, RTM_NEWNETCONF); }
static void nexthop(struct hops *h) { plain_event(h, RTM_DELNEXTHOP); }

static void all_gateways(struct hops *h)
{
	memset(map.gateway, 0xff, sizeof(map.gateway));
	gateway_is_another(h);
}

static void scan(struct hops *h)
{
	struct nl nl;

	unshare(CLONE_NEWNET); /* where that may be, of tables that are the same everywhere */
	assert_int_equal(nl_open(&nl), 0);
	assert_int_equal(hops_scan(h, &nl), 0);
	nl_close(&nl);
}

/* What is remembered of pairs of addresses (n64_hops.any) is old with whatever changes. */
static void test_any(void **state)
{
	static const struct {
		enum ip_family fam;
		__u32 len;
	} v[] = {{FAM_4, 0}, {FAM_4, 12}, {FAM_4, 16}, {FAM_4, 24}, {FAM_4, 32}, {FAM_6, 0},
		 {FAM_6, 32}, {FAM_6, 48}, {FAM_6, 64}, {FAM_6, 128}};
	const struct addr6 dst = { { be32(0x20010db8), 0, 0, 1 } };
	static const struct {
		const char *what;
		void (*happens)(struct hops *h);
		bool changes;
	} events[] = {{"a neighbour", neigh_of_block, true},
		      {"the same again", neigh_of_block, false},
		      {"another MAC address", neigh_is_another, true},
		      {"a gateway's neighbour", all_gateways, true},
		      {"a setting", settings, true},
		      {"a nexthop", nexthop, true},
		      {"the tables read", scan, true}};
	struct hops h;
	__u32 before;

	(void)state;
	memset(&map, 0, sizeof(map));
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		before = map.any;
		hops_raise(&map, v[i].fam, &dst, v[i].len);
		assert_int_not_equal(map.any, before);
		before = map.any;
		hops_add(&map, v[i].fam, &dst, v[i].len, false);
		assert_int_not_equal(map.any, before);
	}
	before = map.any;
	assert_int_equal(hops_open(&h, &map), 0); /* a worker that begins */
	assert_int_not_equal(map.any, before);
	before = map.any;
	hops_changed(&h, false); /* links, rules */
	assert_int_not_equal(map.any, before);
	before = map.any;
	hops_lost(&h);
	assert_int_not_equal(map.any, before);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		before = map.any;
		events[i].happens(&h);
		if ((map.any != before) != events[i].changes)
			fail_msg("%s: pairs are %s", events[i].what,
				 events[i].changes ? "not asked again" : "asked again");
	}
	hops_close(&h);
}

/* BGP churn: of a route of the first length or longer, other destinations feel nothing. */
static void test_churn(void **state)
{
	const struct addr6 quiet = { { be32(0xc6336401) } }, churn = { { be32(0xcb007100) } };
	__u32 before;

	(void)state;
	memset(&map, 0, sizeof(map));
	before = generation(FAM_4, &quiet);
	for (int i = 0; i < 1000; i++)
		hops_raise(&map, FAM_4, &churn, 24);
	assert_int_equal(generation(FAM_4, &quiet), before);
	assert_int_not_equal(generation(FAM_4, &churn), before);
}

/* A route to a single address, which the kernel has had before we hear of it: what was
 * remembered meanwhile for the block around it is old, once. */
static void test_single(void **state)
{
	const struct addr6 other = { { be32(0xc6336401) } }, alone = { { be32(0xc6336477) } };
	__u32 before, after;

	(void)state;
	memset(&map, 0, sizeof(map));
	hops_add(&map, FAM_4, &(struct addr6){ { be32(0xc6336400) } }, 24, false);
	before = generation(FAM_4, &other);
	hops_add(&map, FAM_4, &alone, 32, false);
	after = generation(FAM_4, &other);
	assert_int_not_equal(after, before);
	hops_add(&map, FAM_4, &alone, 32, false);
	assert_int_equal(generation(FAM_4, &other), after);
}

/* An answer for a block does not stand for the addresses in there that have routes of their
 * own: the programs are told by a bit of the block, also where the bit of the address was set
 * by another one. */
static void test_inside(void **state)
{
	const struct addr6 alone = { { be32(0xc6336477) } };
	const struct hop_dst d = hop_dst4(alone.w[0]), block = hop_block(FAM_4, 1, d);
	__u32 before;

	(void)state;
	memset(&map, 0, sizeof(map));
	assert_false(hop_bit(map.inside[0], hop_place(FAM_4, block)));
	map.single[0][hop_place(FAM_4, d) / 64] |= 1ull << hop_place(FAM_4, d) % 64;
	before = generation(FAM_4, &alone);
	hops_add(&map, FAM_4, &alone, 32, false);
	assert_true(hop_bit(map.inside[0], hop_place(FAM_4, block)));
	assert_int_not_equal(map.net[0][hop_net(FAM_4, d)] & ~HOP_CUT, 0);
	assert_int_not_equal(generation(FAM_4, &alone), before);
}

/* Subscribers differ in two bytes of their prefix alone: their places must not meet. */
static void test_spread(void **state)
{
	static __u8 line[HOP_SLOTS_MAX], place[HOP_GENS];
	__u32 lines = 0, places = 0;

	(void)state;
	for (__u32 n = 0; n < 1024; n++) {
		struct addr6 a = { { be32(0x20010db8), be32(0x10000000 | n), 0, be32(1) } };
		struct hop_dst d = hop_dst6(&a);

		lines += !line[hop_line(1, FAM_6, d, hop_meta(FAM_6, 2, 7), HOP_SLOTS_MAX)]++;
		places += !place[hop_host(d) % HOP_GENS]++;
	}
	/* of 8,192 lines and 4,096 places that 1,024 hit by chance: 962 and 906 */
	assert_in_range(lines, 920, 1024);
	assert_in_range(places, 860, 1024);
}

/* The same of IPv4 destinations one behind the other: hosts, /24 and /16. */
static void test_spread4(void **state)
{
	static const int shift[] = { 0, 8, 16 };
	static __u8 line[HOP_SLOTS_MAX], place[HOP_BITS];

	(void)state;
	for (int i = 0; i < 3; i++) {
		__u32 lines = 0, places = 0;

		memset(line, 0, sizeof(line));
		memset(place, 0, sizeof(place));
		for (__u32 n = 0; n < 1024; n++) {
			struct hop_dst d = hop_dst4(be32(0x0a000000 + (n << shift[i])));
			__u64 meta = hop_meta(FAM_4, 2, 7);

			lines += !line[hop_line(1, FAM_4, d, meta, HOP_SLOTS_MAX)]++;
			places += !place[hop_place(FAM_4, d)]++;
		}
		assert_in_range(lines, 920, 1024);
		assert_in_range(places, 1000, 1024); /* of 65,536 */
	}
}

/* A message about the route to dst/24; `hops`: two are more than the destination decides. */
static void route_event(struct hops *h, int type, __u32 dst, int hops, __u32 priority)
{
	char buf[256] __attribute__((aligned(8)));
	struct nlmsghdr *m = mnl_nlmsg_put_header(buf);
	struct rtmsg *rt = mnl_nlmsg_put_extra_header(m, sizeof(*rt));
	struct rtnexthop way[2] = { { .rtnh_len = sizeof(way[0]), .rtnh_ifindex = 1 },
				    { .rtnh_len = sizeof(way[0]), .rtnh_ifindex = 2 } };

	m->nlmsg_type = (__u16)type;
	rt->rtm_family = AF_INET;
	rt->rtm_dst_len = 24;
	rt->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(m, RTA_DST, be32(dst));
	mnl_attr_put_u32(m, RTA_PRIORITY, priority);
	if (hops > 1)
		mnl_attr_put(m, RTA_MULTIPATH, sizeof(way), way);
	else
		mnl_attr_put_u32(m, RTA_OIF, 1);
	hops_event(h, m);
}

/* Are the tables to be read within two seconds? */
static bool reads_again(struct hops *h)
{
	for (int i = 0; i < 8; i++)
		if (hops_tick(h))
			return true;
	return false;
}

/* With the last route that looks at more than the destination the tables are read again, to see
 * whether the fast path may look at less; not at once, so that a route that comes and goes
 * costs little. */
static void test_special(void **state)
{
	static const struct { const char *what; int type, hops; } ends[] = {
		{ "removed", RTM_DELROUTE, 2 }, { "replaced", RTM_NEWROUTE, 1 },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hops h = { 0 };

		memset(&map, 0, sizeof(map));
		assert_int_equal(hops_open(&h, &map), 0);
		h.stale = false;
		route_event(&h, RTM_NEWROUTE, 0xc6336400, 1, 5);
		assert_false(map.flags & HOP_FULL);
		route_event(&h, RTM_NEWROUTE, 0xc6336400, 2, 5);
		route_event(&h, RTM_NEWROUTE, 0xc6336400, 2, 5);
		route_event(&h, RTM_NEWROUTE, 0xcb007100, 2, 5);
		assert_true(map.flags & HOP_FULL);
		route_event(&h, ends[i].type, 0xc6336400, ends[i].hops, 5);
		if (reads_again(&h))
			fail_msg("%s: one is left", ends[i].what);
		route_event(&h, ends[i].type, 0xcb007100, ends[i].hops, 6);
		if (reads_again(&h))
			fail_msg("%s: it was another route", ends[i].what);
		route_event(&h, ends[i].type, 0xcb007100, ends[i].hops, 5);
		assert_false(hops_tick(&h));
		if (!reads_again(&h))
			fail_msg("%s: nobody looks", ends[i].what);
		assert_true(map.flags & HOP_FULL); /* until then */
		h.stale = false;
		hops_changed(&h, false); /* a link went, and a route with it */
		assert_true(reads_again(&h));
		hops_close(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_spread), cmocka_unit_test(test_spread4),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
