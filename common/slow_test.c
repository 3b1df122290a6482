// SPDX-License-Identifier: GPL-2.0-only
/* The slow path, a row a rule: configuration, packet, reason, what leaves. Packets
 * are written as packet_text.h says; config "S" unless a row begins with "!". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "packet_text.h"

struct row {
	const char *rule;
	const char *config;	/* options beside "S"; "!": without it, "@": "P" instead */
	const char *in;		/* "pair", "mcast", "whole=N" (GEN-13) in front */
	enum reason reason;
	const char *out;	/* packets, "|" between them; "=": as it came */
};

#include "slow_rows.h"

/* ---- one row --------------------------------------------------------------------- */

static void begin(struct fake *f, const struct row *row)
{
	const char *config = row->config ? row->config : "";
	const __be32 bcast = fake_addr4("198.51.100.255");

	fake_init(f);
	if (*config == '@')
		fake_config_p(f);
	else if (*config != '!')
		fake_config_s(f);
	if (*config == '@' || *config == '!')
		config++;
	if (!strcmp(config, "no-source"))
		f->no_source = true;
	else if (!strcmp(config, "limited"))
		f->limited = true;
	else if (!strcmp(config, "no-route"))
		f->route4 = f->route6 = R_no_route;
	else if (!strcmp(config, "prohibit"))
		f->route4 = f->route6 = R_fib_prohibit;
	else if (!strcmp(config, "blackhole"))
		f->route4 = f->route6 = R_fib_blackhole;
	else
		fake_set_all(f, config);
	fake_ready(f, &bcast);
}

/* Words in front of the packet. */
static const char *read_how(const char *text, struct slow_in *in)
{
	int n = 0;

	for (;; text += n) {
		if (sscanf(text, "whole=%u %n", &in->true_len, &n) == 1)
			continue;
		if (!strncmp(text, "pair ", 5)) {
			in->from_pair = true;
			n = 5;
		} else if (!strncmp(text, "mcast ", 6)) {
			in->l2_mcast = true;
			n = 6;
		} else {
			return text;
		}
	}
}

static void dump(const char *what, const __u8 *p, __u32 n)
{
	print_message("%s %u:", what, n);
	for (__u32 i = 0; i < n && i < 200; i++)
		print_message("%s%02x", i % 4 ? "" : " ", p[i]);
	print_message("\n");
}

static void compare(const struct row *row, const struct fake_out *o, const __u8 *want, __u32 n)
{
	if (o->len == n && !memcmp(o->ip, want, n))
		return;
	dump("got ", o->ip, o->len);
	dump("want", want, n);
	fail_msg("%s: \"%s\": another packet than expected", row->rule, row->in);
}

static void check_out(const struct row *row, const struct fake *f, const __u8 *in, __u32 len)
{
	static __u8 want[70000];
	char *copy = strdup(row->out ? row->out : ""), *save = NULL;
	__u32 i = 0;

	for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save), i++) {
		if (i >= f->n_out)
			fail_msg("%s: \"%s\": only %u packets left", row->rule, row->in, i);
		if (*w == '=') {
			compare(row, &f->out[i], in, len);
			assert_int_equal(f->out[i].flags, EMIT_RETURNED);
			continue;
		}
		compare(row, &f->out[i], want, packet_from_text(w, want));
		assert_int_equal(f->out[i].flags,
				 reason_kind(row->reason) == KIND_ERROR ? EMIT_ORIGINATED : 0);
	}
	free(copy);
	if (i != f->n_out) {
		dump("got ", f->out[i].ip, f->out[i].len);
		fail_msg("%s: \"%s\": %u packets left, not %u", row->rule, row->in, f->n_out, i);
	}
}

static void check_row(const struct row *row)
{
	struct slow_in in = { .ifindex = 7 };
	static __u8 bytes[70000];
	enum reason r;
	struct fake f;
	const char *text = read_how(row->in, &in);
	__u32 len;

	begin(&f, row);
	len = packet_from_text(text, bytes);
	in.fam = text[1] == '4' ? FAM_4 : FAM_6;
	r = fake_run(&f, in, bytes, len, in.from_pair ? 0 : 1);
	if (r != row->reason)
		fail_msg("%s: \"%s\": %s, not %s", row->rule, row->in, reason_word(r),
			 reason_word(row->reason));
	check_out(row, &f, bytes, len);
	if (reason_kind(r) == KIND_ERROR)
		assert_int_equal(f.note[R_icmp_sent] + f.note[R_icmp_silent] +
				 f.note[R_icmp_ratelimited], 1);
	assert_int_equal(f.note[R_frags_created], r == R_sp_frags ? f.n_out : 0);
	fake_free(&f);
}

static void check_rows(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(&row[i]);
	print_message("%zu rows\n", n);
}

/* ---- what rows cannot say ------------------------------------------------------------ */

/* The packet in `text` through config "S" and `options`; *f is to be freed. */
static enum reason run_text(struct fake *f, const char *options, const char *text)
{
	struct slow_in in = { .ifindex = 7, .fam = text[1] == '4' ? FAM_4 : FAM_6 };
	static __u8 bytes[70000];

	fake_init(f);
	fake_config_s(f);
	fake_set_all(f, options);
	f->id = be16(0x4242);
	fake_ready(f, NULL);
	return fake_run(f, in, bytes, packet_from_text(text, bytes), 1);
}

static __u32 out_id(const struct fake *f, __u32 i)
{
	return (__u32)f->out[i].ip[4] << 8 | f->out[i].ip[5];
}

/* ID-01, ID-02, ID-03: where the identification comes from, and from which
 * counter. */
static void test_ids(void **state)
{
	static const struct {
		const char *rule, *options, *in;
		__u32 id;
		bool df;
	} rows[] = {
		{ "ID-01", "", "v6 H6>S6 udp=16", 0x4242, false },
		{ "ID-01", "", "v6 H6>S6 udp=1241", 0x4242, true },
		{ "ID-01", "mtu4=1000", "v6 H6>S6 udp=1240", 0x4242, false },
		{ "ID-02", "id-when-df=zero", "v6 H6>S6 udp=1241", 0, true },
		{ "ID-02", "id-when-df=zero", "v6 H6>S6 udp=16", 0x4242, false },
		{ "X-6TO4-05", "", "v6 H6>S6 fh=0:0:1234 udp=16", 0x1234, false },
		{ "ID-03", "", "v4 S4>H4 ttl=1 udp=16", 0x4242, false },
		{ "ID-03", "", "v6 H6>S6 icmp=1:4:0:48 [ v6 S6>H6 udp=16 ]", 0x4242, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fake f;

		run_text(&f, rows[i].options, rows[i].in);
		for (__u32 k = 0; k < f.n_out; k++)
			if (out_id(&f, k) != rows[i].id)
				fail_msg("%s: \"%s\": ID %04x", rows[i].rule, rows[i].in,
					 out_id(&f, k));
		if (rows[i].id == 0x4242 && f.id_df != rows[i].df)
			fail_msg("%s: \"%s\": the other counter", rows[i].rule, rows[i].in);
		fake_free(&f);
	}
}

/* L4-02, ICMP-CK-04: an echo and a SYN are given the data that makes the
 * translated checksum 0, which only UDP replaces (G05). */
static void test_zero_csum(void **state)
{
	static const struct {
		const char *in;
		__u32 data, at; /* in the input; in the output */
	} rows[] = {
		{ "v4 S4>H4 echo=16", 20 + 8, 40 + 2 },
		{ "v4 S4>H4 tcp=24", 20 + 20, 40 + 16 },
		{ "v6 H6>S6 echo=16", 40 + 8, 20 + 2 },
		{ "v6 H6>S6 tcp=24", 40 + 20, 20 + 16 },
	};
	static __u8 bytes[70000];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool v4 = rows[i].in[1] == '4';
		struct slow_in in = { .fam = v4 ? FAM_4 : FAM_6 };
		__u32 len = packet_from_text(rows[i].in, bytes);
		__u32 at = v4 ? rows[i].at - 20 : rows[i].at + 20;
		__be16 old, csum, zero;
		struct fake f;

		/* the output's checksum says how much the data must grow */
		run_text(&f, "", rows[i].in);
		memcpy(&csum, f.out[0].ip + rows[i].at, 2);
		memcpy(&old, bytes + rows[i].data, 2);
		zero = csum_fold((__u64)old + csum);
		memcpy(bytes + rows[i].data, &zero, 2);
		csum_field_update(bytes + at, csum_sub16(old) + zero, false);
		assert_int_equal(reason_kind(fake_run(&f, in, bytes, len, 1)), KIND_FWD);
		memcpy(&csum, f.out[0].ip + rows[i].at, 2);
		assert_int_equal(csum, 0);
		fake_free(&f);
	}
}

/* The question to the FIB is about the translated packet (L2-02). */
static void test_route_query(void **state)
{
	const struct addr6 s6 = packet_addr(FAM_6, "S6"), h6 = packet_addr(FAM_6, "H6");
	struct fake f;

	(void)state;
	run_text(&f, "", "v4 S4>H4 tos=9 echo=16");
	assert_int_equal(f.asked_routes, 1);
	assert_int_equal(f.last_route.fam, FAM_6);
	assert_memory_equal(&f.last_route.src, &s6, sizeof(s6));
	assert_memory_equal(&f.last_route.dst, &h6, sizeof(h6));
	assert_int_equal(f.last_route.proto, P_ICMP6);
	assert_int_equal(f.last_route.tos, 9);
	assert_int_equal(f.last_route.ifindex, 7);
	fake_free(&f);
	run_text(&f, "tos=3", "v6 H6>S6 tos=9 udp=16");
	assert_int_equal(f.last_route.fam, FAM_4);
	assert_int_equal(f.last_route.src.w[0], fake_addr4("192.0.2.33"));
	assert_int_equal(f.last_route.dst.w[0], fake_addr4("198.51.100.10"));
	assert_int_equal(f.last_route.tos, 3);
	assert_int_equal(host16(f.last_route.sport), 53);
	assert_int_equal(host16(f.last_route.dport), 40001);
	fake_free(&f);
	/* nothing is asked about what is refused before */
	run_text(&f, "denylist4=198.51.100.0/24", "v6 H6>S6 udp=16");
	assert_int_equal(f.asked_routes, 0);
	fake_free(&f);
}

/* SRC-02: one address for a router, always the same; many routers, many
 * addresses; none outside the pool. */
static void test_pool(void **state)
{
	__u32 seen[8] = { 0 }, n_seen = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		char text[128];
		__be32 first = 0, src;

		snprintf(text, sizeof(text),
			 "v6 2001:db8:dead::%x>S6 icmp=3:0:0:48 [ v6 S6>H6 udp=16 ]", i / 2);
		for (int twice = 0; twice < 2; twice++) {
			struct fake f;

			/* with 203.0.113.1/32 of config "S" */
			run_text(&f, "pool6791v4=192.88.0.0/30;pool6791v4=192.89.0.8/31", text);
			memcpy(&src, f.out[0].ip + 12, 4);
			assert_true(src == fake_addr4("203.0.113.1") ||
				    prefix4_contains(fake_addr4("192.88.0.0"), 30, src) ||
				    prefix4_contains(fake_addr4("192.89.0.8"), 31, src));
			assert_true(!twice || src == first);
			first = src;
			fake_free(&f);
		}
		for (__u32 k = 0; k <= n_seen; k++) {
			if (k == n_seen)
				seen[n_seen++] = src;
			if (seen[k] == src)
				break;
		}
	}
	assert_int_equal(n_seen, 7);
}

#define TEST(table)                                                         \
	static void test_##table(void **state)                              \
	{                                                                   \
		(void)state;                                                \
		check_rows(table, sizeof(table) / sizeof((table)[0]));      \
	}

TEST(targets)
TEST(headers)
TEST(addresses)
TEST(hairpins)
TEST(groups)
TEST(headers_4to6)
TEST(headers_6to4)
TEST(sizes)
TEST(fragments)
TEST(transports)
TEST(quotes)
TEST(extensions)
TEST(sources)
TEST(errors)
TEST(st_targets)
TEST(st_entries)
TEST(st_rules)
TEST(st_shared)
TEST(st_sizes)
TEST(st_hairpins)
TEST(st_quotes)
TEST(st_errors)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_hairpins),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_headers_4to6),
		cmocka_unit_test(test_headers_6to4),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_transports),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_st_targets),
		cmocka_unit_test(test_st_entries),
		cmocka_unit_test(test_st_rules),
		cmocka_unit_test(test_st_shared),
		cmocka_unit_test(test_st_sizes),
		cmocka_unit_test(test_st_hairpins),
		cmocka_unit_test(test_st_quotes),
		cmocka_unit_test(test_st_errors),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_zero_csum),
		cmocka_unit_test(test_route_query),
		cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
