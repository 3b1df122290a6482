/* SPDX-License-Identifier: GPL-2.0-only */
/* VLAN and macvlan stacks (L2-01, VAL-07) on made-up interfaces, and what lies
 * inside which prefix (PORT-11). */
#include <arpa/inet.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "links.h"
#include "routes.h"

#define MAC(last) { 2, 0, 0, 0, 0, last }

static struct link host[] = {
	{ .ifindex = 2, .name = "eth0", .flags = IFF_UP, .mac = MAC(2) },
	{ .ifindex = 3, .name = "eth1", .flags = IFF_UP, .mac = MAC(3) },
	{ .ifindex = 4, .name = "eth0.5", .flags = IFF_UP, .mac = MAC(2), .kind = "vlan",
	  .lower = 2, .vid = 5, .tpid = be16(ET_VLAN) },
	{ .ifindex = 5, .name = "eth0.5.6", .flags = IFF_UP, .mac = MAC(5), .kind = "vlan",
	  .lower = 4, .vid = 6, .tpid = be16(ET_VLAN) },
	{ .ifindex = 6, .name = "third", .flags = IFF_UP, .mac = MAC(6), .kind = "vlan", .lower = 5,
	  .vid = 7, .tpid = be16(ET_VLAN) },
	{ .ifindex = 7, .name = "q", .flags = IFF_UP, .mac = MAC(7), .kind = "vlan", .lower = 3,
	  .vid = 100, .tpid = be16(ET_QINQ) },
	{ .ifindex = 8, .name = "vrrp", .flags = IFF_UP, .mac = MAC(8), .kind = "macvlan",
	  .lower = 4 },
	{ .ifindex = 9, .name = "backup", .flags = 0, .mac = MAC(9), .kind =
		"macvlan", .lower = 2 },
	{ .ifindex = 10, .name = "far", .flags = IFF_UP, .mac = MAC(10), .kind = "vlan", .lower = 2,
	  .lower_elsewhere = true, .vid = 9, .tpid = be16(ET_VLAN) },
};

static const struct links links = { .v = host, .n = sizeof(host) / sizeof(host[0]) };

static const struct stack_row {
	const char *rule, *dev;
	__u32 port, n_tags;
	__u16 outer, inner;
} stacks[] = {
	{ "L2-01 the port itself", "eth0", 2, 0, 0, 0 },
	{ "L2-01 one tag", "eth0.5", 2, 1, 5, 0 },
	{ "L2-01 two tags, outermost first", "eth0.5.6", 2, 2, 5, 6 },
	{ "L2-01 three tags are too many", "third", 0, 0, 0, 0 },
	{ "L2-01 not a port of ours", "q", 0, 0, 0, 0 },
	{ "L2-01 a macvlan is no way out", "vrrp", 0, 0, 0, 0 },
	{ "L2-01 parent in another namespace", "far", 0, 0, 0, 0 },
};

static void test_stacks(void **state)
{
	const __u32 port[] = { 2 };
	struct vlan_hdr tag[N64_MAX_TAGS];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		const struct stack_row *r = &stacks[i];
		__u32 n = 0;

		print_message("  %s\n", r->rule);
		assert_int_equal(link_port(&links, link_by_name(&links, r->dev), port, 1, tag, &n),
				 r->port);
		assert_int_equal(n, r->n_tags);
		if (n > 0)
			assert_int_equal(host16(tag[0].tci), r->outer);
		if (n > 1)
			assert_int_equal(host16(tag[1].tci), r->inner);
	}
}

static void test_unicast(void **state)
{
	struct n64_port port = { .ifindex = 2, .mac = MAC(2) };
	struct link many[N64_UNICAST_MACS + 2] = { { .ifindex = 2, .flags = IFF_UP } };
	const struct links crowd = { .v = many, .n = N64_UNICAST_MACS + 2 };
	const __u8 inner[MAC_LEN] = MAC(5), vrrp[MAC_LEN] = MAC(8);
	__u32 i;

	(void)state;
	/* VAL-07: VLAN devices with an address of their own, macvlans that are up;
	 * not the backup's, not twice the port's own. */
	link_unicast(&links, 2, &port);
	assert_int_equal(port.n_unicast, 3);
	assert_memory_equal(port.unicast[0], inner, MAC_LEN);
	assert_memory_equal(port.unicast[2], vrrp, MAC_LEN);
	assert_false(port.flags & PORT_ANY_MAC);
	/* One more than the list holds. */
	for (i = 1; i < crowd.n; i++)
		many[i] = (struct link){ .ifindex = 20 + i, .flags = IFF_UP, .kind = "macvlan",
					 .lower = 2, .mac = MAC((__u8)(20 + i)) };
	port = (struct n64_port){ .ifindex = 2 };
	link_unicast(&crowd, 2, &port);
	assert_int_equal(port.n_unicast, N64_UNICAST_MACS);
	assert_true(port.flags & PORT_ANY_MAC);
}

static const struct cover_row {
	int fam;
	const char *outer;
	__u8 outer_len;
	const char *inner;
	__u8 inner_len;
	bool covers;
} covers[] = {
	{ AF_INET, "192.0.2.0", 24, "192.0.2.128", 25, true },
	{ AF_INET, "192.0.2.0", 24, "192.0.2.0", 24, true },
	{ AF_INET, "192.0.2.0", 24, "192.0.2.0", 23, false },
	{ AF_INET, "192.0.2.0", 24, "192.0.3.1", 32, false },
	{ AF_INET, "0.0.0.0", 0, "203.0.113.9", 32, true },
	{ AF_INET, "203.0.113.9", 32, "203.0.113.9", 32, true },
	{ AF_INET6, "2001:db8::", 64, "2001:db8::64:0:0", 96, true },
	{ AF_INET6, "2001:db8::", 64, "2001:db8:0:1::", 96, false },
	{ AF_INET6, "2001:db8::", 64, "2001:db8::", 63, false },
	{ AF_INET6, "::", 0, "64:ff9b::", 96, true },
	{ AF_INET6, "2001:db8:80::", 41, "2001:db8:ff::", 48, true },
	{ AF_INET6, "2001:db8:80::", 41, "2001:db8:7f::", 48, false },
};

static void test_covers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(covers) / sizeof(covers[0]); i++) {
		const struct cover_row *r = &covers[i];
		struct prefix6 outer = { .len = r->outer_len };
		struct prefix4 outer4 = { .len = r->outer_len };
		struct addr6 inner;
		bool got;

		print_message("  %s/%u %s/%u\n", r->outer, r->outer_len, r->inner, r->inner_len);
		assert_int_equal(inet_pton(r->fam, r->inner, &inner), 1);
		assert_int_equal(inet_pton(r->fam, r->outer, &outer.addr), 1);
		outer4.addr = outer.addr.w[0];
		got = r->fam == AF_INET ? prefix4_covers(&outer4, inner.w[0], r->inner_len) :
					  prefix6_covers(&outer, &inner, r->inner_len);
		assert_int_equal(got, r->covers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_unicast),
		cmocka_unit_test(test_covers),
	};

	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
