// SPDX-License-Identifier: GPL-2.0-only
/* The walks over IPv4 options (opt4.h), IPv6 extension headers (ext6.h) and TCP
 * options (mss.h), each against every way in which a length can lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ext6.h"
#include "mss.h"
#include "opt4.h"

static __u32 unhex(const char *hex, __u8 *out)
{
	__u32 n = 0;

	for (; hex[0]; hex += 2) {
		char two[3] = { hex[0], hex[1], 0 };

		out[n++] = (__u8)strtoul(two, NULL, 16);
	}
	return n;
}

/* A copy of just these bytes, so that the sanitizer sees a step beyond. */
static __u8 *exactly(const __u8 *p, __u32 n)
{
	return memcpy(malloc(n ? n : 1), p, n);
}

static void test_opt4(void **state)
{
	static const struct {
		const char *rule, *hex;
		enum reason r;
	} rows[] = {
		{ "X-4TO6-07", "", R_GO_ON },
		{ "X-4TO6-07", "01010100", R_GO_ON },
		{ "X-4TO6-07", "94040000", R_GO_ON },
		{ "X-4TO6-07", "9402", R_GO_ON },
		{ "X-4TO6-07", "00830304", R_GO_ON },
		{ "X-4TO6-07", "94000000", R_bad_opt4 },
		{ "X-4TO6-07", "94010000", R_bad_opt4 },
		{ "X-4TO6-07", "94050000", R_bad_opt4 },
		{ "X-4TO6-07", "01010194", R_bad_opt4 },
		{ "X-4TO6-07", "9402ff", R_bad_opt4 },
		{ "X-4TO6-07", "01019403", R_bad_opt4 },
		{ "X-4TO6-08", "83070400000000", R_source_route },
		{ "X-4TO6-08", "89070700000000", R_source_route },
		{ "X-4TO6-08", "83070800000000", R_GO_ON },
		{ "X-4TO6-08", "830300", R_source_route },
		{ "X-4TO6-08", "8302", R_bad_opt4 },
		{ "X-4TO6-08", "8307040000000094", R_bad_opt4 },
		{ "X-4TO6-08", "0183070800000000890704000000000000", R_source_route },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u8 b[40], *p;
		__u32 n = unhex(rows[i].hex, b);

		p = exactly(b, n);
		if (opt4_walk(p, n) != rows[i].r)
			fail_msg("%s: %s", rows[i].rule, rows[i].hex);
		free(p);
	}
}

/* Extension headers from the first, the first Next Header, the Payload Length. */
static void test_ext6(void **state)
{
	static const struct {
		const char *rule;
		__u8 first;
		const char *hex;
		__u32 plen;
		enum reason r;
		__u8 proto;
		__u16 off;
		__u32 pointer;
	} rows[] = {
		{ "X-6TO4-07", 17, "", 8, R_GO_ON, 17, 40, 0 },
		{ "X-6TO4-09", 0, "1100010400000000", 16, R_GO_ON, 17, 48, 0 },
		{ "X-6TO4-09", 60, "1101010c000000000000000000000000", 16, R_GO_ON, 17, 56, 0 },
		{ "X-6TO4-10", 43, "1100000100000000", 16, R_GO_ON, 17, 48, 43 },
		{ "X-6TO4-10", 60, "2b000104000000001100000200000000", 24, R_GO_ON, 17, 56, 51 },
		{ "X-6TO4-10", 43, "2b0000010000000011000002000000ff", 24, R_GO_ON, 17, 56, 43 },
		{ "X-6TO4-12", 51, "1104000000000000", 24, R_GO_ON, 51, 40, 0 },
		{ "X-6TO4-13", 0, "1100010400000000", 7, R_bad_hdr6, 0, 0, 0 },
		{ "X-6TO4-13", 0, "11000104", 16, R_bad_hdr6, 0, 0, 0 },
		{ "X-6TO4-13", 0, "1101010400000000", 15, R_bad_hdr6, 0, 0, 0 },
		{ "X-6TO4-13", 60, "3c000104000000003cff010400000000", 2200, R_eh_limit, 0, 0, 0 },
		{ "X-6TO4-05", 44, "1100beef00001234", 8, R_GO_ON, 17, 48, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pkt p = {
			.fam = FAM_6,
			.proto = rows[i].first,
			.l3_len = IP6_LEN + rows[i].plen,
			.l4_off = IP6_LEN,
			.l4_len = (__u16)rows[i].plen,
		};
		__u8 b[128] = { 0 };
		__u32 n = IP6_LEN + unhex(rows[i].hex, b + IP6_LEN), pointer;
		struct ext_bytes bytes = { exactly(b, n), n };
		enum reason r = ext6_walk(ext_load_bytes, &bytes, &p, &pointer);

		free((void *)bytes.p);
		if (r != rows[i].r)
			fail_msg("%s: row %zu: reason %d", rows[i].rule, i, r);
		if (r)
			continue;
		if (p.proto != rows[i].proto || p.l4_off != rows[i].off ||
		    pointer != rows[i].pointer || p.l4_len != p.l3_len - p.l4_off)
			fail_msg("%s: row %zu: %u at %u, pointer %u", rows[i].rule, i, p.proto,
				 p.l4_off, pointer);
		if (rows[i].first == P_FRAGMENT) {
			assert_true(p.has_fh && p.more);
			assert_int_equal(p.frag_off, 0xbeef >> 3);
			assert_int_equal(p.frag_id, 0x1234);
		}
	}
}

/* X-6TO4-13: n headers of 8 bytes in front of UDP. */
static void test_ext6_limit(void **state)
{
	(void)state;
	for (__u32 n = 0; n < 12; n++) {
		__u32 len = IP6_LEN + 8 * n, pointer;
		struct pkt p = { .proto = n ? P_DSTOPT : P_UDP, .l3_len = len + 8 };
		__u8 *b = calloc(1, len);
		struct ext_bytes bytes = { b, len };

		for (__u32 i = 0; i < n; i++)
			b[IP6_LEN + 8 * i] = i + 1 == n ? P_UDP : P_DSTOPT;
		assert_int_equal(ext6_walk(ext_load_bytes, &bytes, &p, &pointer),
				 n > 8 ? R_eh_limit : R_GO_ON);
		free(b);
	}
}

static void test_mss(void **state)
{
	static const struct {
		const char *hex; /* options, padded to words */
		__u32 most;
		const char *want;
	} rows[] = {
		{ "020405b4", 1440, "020405a0" },
		{ "020405b4", 1460, "020405b4" },
		{ "020405b4", 1461, "020405b4" },
		{ "01020405b4000000", 1440, "01020405a0000000" },
		{ "04020101020405b4", 1220, "04020101020404c4" },
		{ "0101010101010204", 100, "0101010101010204" },
		{ "020305b4", 100, "020305b4" },
		{ "00020405b4000000", 100, "00020405b4000000" },
		{ "0200000002040fff", 100, "0200000002040fff" },
		{ "0801020405b40000", 100, "0801020405b40000" },
		{ "01010108", 100, "01010108" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u8 b[60] = { 0 }, want[40], *p;
		__u32 n = unhex(rows[i].hex, b + TCP_LEN);
		__be16 csum;

		unhex(rows[i].want, want);
		b[12] = (__u8)((TCP_LEN + n) / 4 << 4);
		b[13] = TCP_SYN;
		csum = csum_finish(csum_bytes(b, TCP_LEN + n));
		memcpy(b + 16, &csum, 2);
		p = exactly(b, TCP_LEN + n);
		mss_clamp(p, TCP_LEN + n, rows[i].most);
		if (memcmp(p + TCP_LEN, want, n))
			fail_msg("L4-11: %s", rows[i].hex);
		assert_int_equal(csum_fold(csum_bytes(p, TCP_LEN + n)), 0xffff);
		/* only a SYN has one */
		p[13] = TCP_ACK;
		memcpy(p + TCP_LEN, b + TCP_LEN, n);
		mss_clamp(p, TCP_LEN + n, 1);
		assert_memory_equal(p + TCP_LEN, b + TCP_LEN, n);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opt4),
		cmocka_unit_test(test_ext6),
		cmocka_unit_test(test_ext6_limit),
		cmocka_unit_test(test_mss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
