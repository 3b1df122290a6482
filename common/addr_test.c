// SPDX-License-Identifier: GPL-2.0-only
/* RFC 6052 in all lengths (A01), EAM both ways (A02, A03), the classes of
 * addresses of requirements 2.1 and 2.4, and checksum arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "csum.h"
#include "hdr.h"
#include "pol_may.h"

static __be32 a4(const char *text)
{
	__be32 a = 0;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static struct addr6 a6(const char *text)
{
	struct addr6 a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

static void test_rfc6052(void **state)
{
	static const struct {
		const char *prefix;
		__u32 len;
		const char *addr;
	} rows[] = {
		{ "2001:db8::", 32, "2001:db8:c000:221::" },
		{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::" },
		{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::" },
		{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::" },
		{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::" },
		{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct n64_pref64 p = { a6(rows[i].prefix), rows[i].len };
		struct addr6 want = a6(rows[i].addr), got, odd;

		rfc6052_embed(&p, a4("192.0.2.33"), &got);
		if (!addr6_equal(&got, &want))
			fail_msg("A01: /%u", p.len);
		assert_int_equal(rfc6052_extract(p.len, &want), a4("192.0.2.33"));
		assert_true(pref64_contains(&p, &want) && rfc6052_suffix_zero(p.len, &want));
		for (__u32 k = 0; k < 128; k++) { /* by its own bits, and no other */
			odd = want;
			odd.w[k / 32] ^= be32(1u << (31 - k % 32));
			assert_int_equal(pref64_contains(&p, &odd), k >= p.len);
		}
		if (p.len == 96)
			continue;
		/* ADR-02: a suffix does not change the address, but is seen */
		odd = want;
		odd.w[3] |= be32(1);
		assert_int_equal(rfc6052_extract(p.len, &odd), a4("192.0.2.33"));
		assert_false(rfc6052_suffix_zero(p.len, &odd));
	}
}

/* Every address bit ends where table 2.1 says, and nowhere else. */
static void test_rfc6052_bits(void **state)
{
	static const __u32 lens[] = { 32, 40, 48, 56, 64, 96 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct n64_pref64 p = { { { 0 } }, lens[i] };

		for (__u32 bit = 0; bit < 32; bit++) {
			__u32 at = lens[i] + bit;
			struct addr6 got;

			if (lens[i] != 96 && at >= 64)
				at += 8; /* the u octet */
			rfc6052_embed(&p, be32(1u << (31 - bit)), &got);
			for (__u32 k = 0; k < 128; k++)
				assert_int_equal(host32(got.w[k / 32]) >> (31 - k % 32) & 1,
						 k == at);
			assert_int_equal(rfc6052_extract(p.len, &got), be32(1u << (31 - bit)));
		}
	}
}

static void test_eam(void **state)
{
	static const struct {
		const char *v4;
		__u8 len4;
		const char *v6;
		__u8 len6;
		const char *a4, *a6;
	} rows[] = {
		{ "192.0.2.1", 32, "2001:db8:aaaa::", 128, "192.0.2.1", "2001:db8:aaaa::" },
		{ "192.0.2.16", 28, "2001:db8:cccc::", 124, "192.0.2.24", "2001:db8:cccc::8" },
		{ "192.0.2.128", 26, "2001:db8:dddd::", 64, "192.0.2.152",
		  "2001:db8:dddd:0:6000::" },
		{ "192.0.2.128", 26, "2001:db8:dddd::", 64, "192.0.2.183",
		  "2001:db8:dddd:0:dc00::" },
		{ "192.0.2.192", 29, "2001:db8:eeee:8::", 62, "192.0.2.195",
		  "2001:db8:eeee:9:8000::" },
		{ "192.0.2.224", 31, "64:ff9b::", 127, "192.0.2.225", "64:ff9b::1" },
		{ "0.0.0.0", 0, "2001:db8::", 96, "192.0.2.33", "2001:db8::192.0.2.33" },
		{ "0.0.0.0", 0, "::", 0, "192.0.2.33", "c000:221::" },
		{ "10.0.0.0", 8, "2001:db8:0:10::", 60, "10.1.2.3", "2001:db8:0:10:1020:3000::" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct n64_pol4 p4 = { .eam4_len = rows[i].len4, .eam6_len = rows[i].len6,
				       .eam6 = a6(rows[i].v6) };
		struct n64_pol6 p6 = { .eam4_len = rows[i].len4, .eam6_len = rows[i].len6,
				       .eam4 = a4(rows[i].v4) };
		struct addr6 want = a6(rows[i].a6), got;

		eam_4to6(&p4, a4(rows[i].a4), &got);
		if (!addr6_equal(&got, &want))
			fail_msg("EAM-03: row %zu", i);
		if (eam_6to4(&p6, &got) != a4(rows[i].a4))
			fail_msg("EAM-04: row %zu", i);
		if (rows[i].len6 + 32 - rows[i].len4 < 128) { /* A03: what follows is discarded */
			got.w[3] |= be32(1);
			assert_int_equal(eam_6to4(&p6, &got), a4(rows[i].a4));
		}
	}
}

static void test_classes(void **state)
{
	static const struct {
		const char *addr;
		bool src, dst, nonglobal;
	} v4[] = {
		{ "0.0.0.0", 1, 1, 1 }, { "0.255.255.255", 1, 1, 1 }, { "1.0.0.0", 0, 0, 0 },
		{ "10.0.0.1", 0, 0, 1 }, { "11.0.0.0", 0, 0, 0 }, { "100.63.255.255", 0, 0, 0 },
		{ "100.64.0.0", 0, 0, 1 }, { "100.127.255.255", 0, 0, 1 },
		{ "100.128.0.0", 0, 0, 0 }, { "127.0.0.1", 1, 1, 1 }, { "169.253.0.1", 0, 0, 0 },
		{ "169.254.0.1", 1, 0, 1 }, { "172.15.255.255", 0, 0, 0 },
		{ "172.16.0.0", 0, 0, 1 }, { "172.31.255.255", 0, 0, 1 },
		{ "172.32.0.0", 0, 0, 0 }, { "192.0.0.8", 0, 0, 1 }, { "192.0.0.9", 0, 0, 0 },
		{ "192.0.0.10", 0, 0, 0 }, { "192.0.0.11", 0, 0, 1 }, { "192.0.1.1", 0, 0, 0 },
		{ "192.0.2.1", 0, 0, 1 }, { "192.88.99.1", 0, 0, 1 }, { "192.88.98.1", 0, 0, 0 },
		{ "192.168.1.1", 0, 0, 1 }, { "198.17.255.255", 0, 0, 0 },
		{ "198.18.0.0", 0, 0, 1 }, { "198.19.255.255", 0, 0, 1 },
		{ "198.20.0.0", 0, 0, 0 }, { "198.51.100.1", 0, 0, 1 },
		{ "203.0.113.1", 0, 0, 1 }, { "203.0.114.1", 0, 0, 0 },
		{ "223.255.255.255", 0, 0, 0 }, { "224.0.0.1", 1, 0, 1 },
		{ "239.255.255.255", 1, 0, 1 }, { "240.0.0.1", 1, 1, 1 },
		{ "255.255.255.255", 1, 1, 1 },
	};
	static const struct {
		const char *addr;
		bool src;
	} v6[] = {
		{ "::", 1 }, { "::1", 1 }, { "::2", 0 }, { "fe80::1", 1 }, { "febf::1", 1 },
		{ "fec0::1", 0 }, { "fe7f::1", 0 }, { "ff02::1", 1 }, { "::ffff:1.2.3.4", 1 },
		{ "::fffe:1.2.3.4", 0 }, { "2001:db8::1", 0 }, { "64:ff9b::1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		__be32 a = a4(v4[i].addr);

		if (src4_is_illegal(a) != v4[i].src || dst4_is_illegal(a) != v4[i].dst ||
		    addr4_is_nonglobal(a) != v4[i].nonglobal)
			fail_msg("ADR-20, ADR-24 or ADR-04: %s", v4[i].addr);
	}
	for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
		struct addr6 a = a6(v6[i].addr);

		if (src6_is_illegal(&a) != v6[i].src)
			fail_msg("ADR-21: %s", v6[i].addr);
	}
}

/* csum_bytes against the loop of RFC 1071 4.1, every length and alignment;
 * csum_update against a sum from scratch (L4-01). */
static void test_csum(void **state)
{
	__u8 b[80];

	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		__u32 at = (__u32)rand() % 8, n = (__u32)rand() % 64, sum = 0;
		__be16 before, old, new;

		for (size_t i = 0; i < sizeof(b); i++)
			b[i] = round % 3 ? (__u8)rand() : 0xff;
		for (__u32 i = 0; i < n; i++)
			sum += i % 2 ? (__u32)b[at + i] : (__u32)b[at + i] << 8;
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		assert_int_equal(host16(csum_fold(csum_bytes(b + at, n))), sum);

		before = csum_finish(csum_bytes(b, 40));
		memcpy(&old, b + 8, 2);
		new = (__be16)rand();
		memcpy(b + 8, &new, 2);
		assert_int_equal((csum_update(before, csum_sub16(old) + new) ^
				  csum_finish(csum_bytes(b, 40))) % 0xffff, 0);
	}
}

/* ADR-04, ADR-20, ADR-24, MC-01: a block that plain4_begin leaves alone holds no address that a
 * rule speaks of; and most blocks are such. */
static void test_plain4(void **state)
{
	static const __u8 last[] = { 0, 9, 10, 255 };
	static struct n64_plain m;
	__u32 others = 0;

	(void)state;
	for (int wkp = 0; wkp < 2; wkp++) {
		__u32 plain = 0;

		plain4_begin(&m, wkp);
		for (__u32 i = 0; i < 65536u * 256 * sizeof(last); i++) {
			__be32 a = be32(i / sizeof(last) << 8 | last[i % sizeof(last)]);

			if (plain4_surely(&m, a) && addr4_is_ruled(a, wkp))
				fail_msg("%08x is ruled, wkp %d", host32(a), wkp);
		}
		for (__u32 i = 0; i < 65536; i++)
			plain += plain4_surely(&m, i);
		assert_in_range(plain, 56000, 65536 - 2 * 256);
	}
	plain4_begin(&m, false);
	plain4_except(&m, a4("198.51.100.7"), 32);
	plain4_except(&m, a4("100.64.0.0"), 10);
	plain4_except(&m, a4("198.51.7.64"), 26);
	plain4_except(&m, a4("192.0.2.0"), 24);
	for (__u32 i = 0; i < 65536; i++) {
		__be32 a = be32(0xc6330000 | i);
		bool own = i == (100 << 8 | 7) || (i >= (7 << 8 | 64) && i < (7 << 8 | 128));

		if (own && plain4_surely(&m, a))
			fail_msg("%08x was excepted", host32(a));
		others += !own && plain4_surely(&m, a);
	}
	assert_in_range(others, 64500, 65535); /* but for who has the hash of one */
	assert_true(plain4_surely(&m, a4("198.52.100.7")));
	assert_false(plain4_surely(&m, a4("192.0.7.1")));
	assert_false(plain4_surely(&m, a4("100.127.255.255")));
	assert_true(plain4_surely(&m, a4("100.128.0.0")));
}

/* The lists say the same of an address as of the block that it is remembered with. */
static void test_list_blocks(void **state)
{
	static struct n64_pol_may m;
	static const __u32 len4[] = { 0, 8, 15, 16, 20, 24, 25, 30, 32 };
	static const __u32 len6[] = { 0, 3, 32, 47, 48, 56, 64, 65, 96, 128 };
	__u32 alone = 0;

	(void)state;
	srand(3);
	for (__u32 round = 0; round < 2000; round++) {
		__u32 l4 = len4[round % 9], l6 = len6[round % 10];
		struct addr6 net6, block6;
		__be32 net4 = be32(0x0a000000 | rand() % 4 << 16 | rand() % 4 << 8 | rand() % 4);

		for (int i = 0; i < 4; i++)
			net6.w[i] = be32((__u32)rand() << 30 | rand() % 4 << 16 | rand() % 4);
		memset(&m, 0, sizeof(m));
		pol_may_add4(&m, net4, l4);
		pol_may_add4(&m, be32(0x0a000000), 24);
		pol_may_add6(&m, &net6, l6);
		pol_may_add6(&m, &net6, l6 / 2);
		for (int n = 0; n < 200; n++) {
			__be32 a4 = net4 ^ be32(1u << rand() % 32);
			struct addr6 a6 = net6;

			a6.w[rand() % 4] ^= be32(1u << rand() % 32);
			assert_int_equal(!((a4 ^ net4) & mask4(l4)),
					 !((pol_block4(&m, a4) ^ net4) & mask4(l4)));
			pol_block6(&m, &a6, &block6);
			assert_int_equal(prefix6_contains(&net6, l6, &a6),
					 prefix6_contains(&net6, l6, &block6));
			alone += !addr6_equal(&a6, &block6) + (a4 != pol_block4(&m, a4));
		}
	}
	assert_in_range(alone, 100000, 800000); /* and often it is another one */
}

/* L4-01: what is said of a peer in a pref64 of 96 bits is what is said of any. */
static void test_delta_wide(void **state)
{
	(void)state;
	srand(2);
	for (int round = 0; round < 5000; round++) {
		struct n64_pref64 pref = { .len = 96 };
		struct pkt p = { .proto = P_UDP };
		struct addr6 host, peer;
		__be32 v4 = (__be32)rand() * 3u, own = (__be32)rand() * 5u;

		for (int i = 0; i < 4; i++)
			host.w[i] = round % 3 ? (__be32)rand() * 3u : 0xffffffff;
		for (int i = 0; i < 3; i++)
			pref.prefix.w[i] = (__be32)rand() * 3u;
		rfc6052_embed(&pref, v4, &peer);
		p.src6 = host;
		p.dst6 = peer;
		assert_int_equal((csum_fold(delta_6to4(&p, own, v4)) ^
				  csum_fold(delta_6to4_wide(csum_wide(&pref), csum_addr6(&host), own))) %
					 0xffff, 0);
		p.src4 = v4;
		p.dst4 = own;
		assert_int_equal((csum_fold(delta_4to6(&p, &peer, &host)) ^
				  csum_fold(delta_4to6_wide(csum_wide(&pref), csum_addr6(&host), own))) %
					 0xffff, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc6052), cmocka_unit_test(test_rfc6052_bits),
		cmocka_unit_test(test_eam),	cmocka_unit_test(test_classes),
		cmocka_unit_test(test_csum),	cmocka_unit_test(test_plain4),
		cmocka_unit_test(test_list_blocks),
		cmocka_unit_test(test_delta_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
