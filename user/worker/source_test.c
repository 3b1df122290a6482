/* SPDX-License-Identifier: GPL-2.0-only */
/* Which address an ICMP error comes from: the rows of GERR-23. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "worker/source.h"

#define PAIR 99

/* One address of the host in words. */
struct host_addr {
	__u32 ifindex;
	const char *addr;
	__u8 len;
	__u8 scope;
	__u32 flags;
};

#define UNI RT_SCOPE_UNIVERSE
#define N_ADDRS 5

struct row {
	const char *name;	/* rule and case */
	enum ip_family fam;
	struct host_addr host[N_ADDRS];
	__u32 oif;
	const char *hint;	/* "" : none */
	const char *icmp_src4, *icmp_src6;
	const char *want;	/* NULL: there is none */
};

static const struct row rows[] = {
	{ "GERR-23 v4: icmp-src4 before everything", FAM_4,
	  { { 1, "203.0.113.1", 24, UNI, 0 } }, 1, "", "192.0.2.77", NULL, "192.0.2.77" },
	{ "GERR-23 v4: interface towards the sender", FAM_4,
	  { { 2, "192.0.2.2", 24, UNI, 0 }, { 1, "203.0.113.1", 24, UNI, 0 } },
	  1, "", NULL, NULL, "203.0.113.1" },
	{ "GERR-23 v4: the kernel's choice", FAM_4,
	  { { 1, "203.0.113.1", 24, UNI, 0 }, { 1, "203.0.113.2", 24, UNI, 0 } },
	  1, "203.0.113.2", NULL, NULL, "203.0.113.2" },
	{ "GERR-23 v4: never the pair's, even if the kernel would", FAM_4,
	  { { PAIR, "192.0.0.8", 32, UNI, 0 }, { 1, "203.0.113.1", 24, UNI, 0 } },
	  PAIR, "192.0.0.8", NULL, NULL, "203.0.113.1" },
	{ "GERR-23 v4: the subnet of the sender", FAM_4,
	  { { 1, "192.0.2.9", 24, UNI, 0 }, { 1, "198.51.100.9", 24, UNI, 0 } },
	  1, "", NULL, NULL, "198.51.100.9" },
	{ "GERR-23 v4: primary before secondary", FAM_4,
	  { { 1, "192.0.2.9", 25, UNI, IFA_F_SECONDARY }, { 1, "192.0.2.8", 24, UNI, 0 } },
	  1, "", NULL, NULL, "192.0.2.8" },
	{ "GERR-23 v4: any other interface", FAM_4,
	  { { 3, "169.254.1.1", 16, RT_SCOPE_LINK, 0 }, { 2, "192.0.2.2", 24, UNI, 0 } },
	  1, "", NULL, NULL, "192.0.2.2" },
	{ "GERR-23 v4: not one that the operator keeps to the host", FAM_4,
	  { { 1, "203.0.113.9", 32, RT_SCOPE_HOST, 0 }, { 2, "192.0.2.2", 24, UNI, 0 } },
	  1, "203.0.113.9", NULL, NULL, "192.0.2.2" },
	{ "GERR-23 v4: no address at all (RFC 7600)", FAM_4,
	  { { 1, "2001:db8::1", 64, UNI, 0 }, { 4, "127.0.0.1", 8, RT_SCOPE_HOST, 0 } },
	  1, "", NULL, NULL, "192.0.0.8" },
	{ "GERR-23 v6: icmp-src6 before everything", FAM_6,
	  { { 1, "2001:db8::1", 64, UNI, 0 } }, 1, "", NULL, "2001:db8::77", "2001:db8::77" },
	{ "GERR-23 v6: interface towards the sender", FAM_6,
	  { { 2, "2001:db8:2::2", 64, UNI, 0 }, { 1, "2001:db8:1::1", 64, UNI, 0 } },
	  1, "", NULL, NULL, "2001:db8:1::1" },
	{ "GERR-23 v6: global, not link-local", FAM_6,
	  { { 1, "fe80::1", 64, RT_SCOPE_LINK, 0 }, { 2, "2001:db8:2::2", 64, UNI, 0 } },
	  1, "fe80::1", NULL, NULL, "2001:db8:2::2" },
	{ "GERR-23 v6: not one that is still being probed", FAM_6,
	  { { 1, "2001:db8::1", 64, UNI, IFA_F_TENTATIVE },
	    { 1, "2001:db8::2", 64, UNI, IFA_F_DADFAILED },
	    { 2, "2001:db8:2::2", 64, UNI, 0 } }, 1, "", NULL, NULL, "2001:db8:2::2" },
	{ "GERR-23 v6: deprecated last", FAM_6,
	  { { 1, "2001:db8::1", 64, UNI, IFA_F_DEPRECATED }, { 1, "2001:db8::2", 64, UNI, 0 } },
	  1, "", NULL, NULL, "2001:db8::2" },
	{ "GERR-23 v6: pref64 + icmp-src4", FAM_6,
	  { { 1, "fe80::1", 64, RT_SCOPE_LINK, 0 }, { 1, "192.0.2.1", 24, UNI, 0 } },
	  1, "", "192.0.2.77", NULL, "2001:db8:64::192.0.2.77" },
	{ "GERR-23 v6: none", FAM_6,
	  { { 1, "fe80::1", 64, RT_SCOPE_LINK, 0 }, { 1, "192.0.2.1", 24, UNI, 0 } },
	  1, "", NULL, NULL, NULL },
};

static void read_addr(const char *text, struct addr6 *a)
{
	memset(a, 0, sizeof(*a));
	if (text && *text)
		assert_int_equal(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, a), 1);
}

static void fill_links(const struct row *r, struct links *l)
{
	for (size_t i = 0; i < N_ADDRS && r->host[i].addr; i++) {
		const struct host_addr *h = &r->host[i];
		struct addr *a = &l->addr[l->n_addr++];

		*a = (struct addr){ .ifindex = h->ifindex, .len = h->len, .scope = h->scope,
				    .flags = h->flags,
				    .fam = strchr(h->addr, ':') ? AF_INET6 : AF_INET };
		read_addr(h->addr, &a->local);
		/* source_pick compares only the first `len` bits */
		a->prefix = a->local;
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct n64_conf conf = { .pair_kernel = PAIR, .n_pref64 = 1,
					 .pref64 = { { .len = 96 } } };
		struct addr store[N_ADDRS], *addr = store;
		struct links l = { .addr = addr };
		struct addr6 dst, hint, want, src4, got = { { 0 } };
		bool found;

		read_addr("2001:db8:64::", &conf.pref64[0].prefix);
		read_addr(r->icmp_src4, &src4);
		conf.opt.icmp_src4 = src4.w[0];
		read_addr(r->icmp_src6, &conf.opt.icmp_src6);
		read_addr(r->fam == FAM_4 ? "198.51.100.1" : "2001:db8:ffff::1", &dst);
		read_addr(r->hint, &hint);
		read_addr(r->want, &want);
		fill_links(r, &l);
		found = source_pick(&conf, &l, r->fam, &dst, r->oif, &hint, &got);
		if (found != !!r->want)
			fail_msg("%s: found %d", r->name, found);
		if (found && memcmp(&got, &want, r->fam == FAM_4 ? 4 : 16)) {
			char text[INET6_ADDRSTRLEN];

			inet_ntop(r->fam == FAM_4 ? AF_INET : AF_INET6, &got, text,
				  sizeof(text));
			fail_msg("%s: %s, not %s", r->name, text, r->want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
