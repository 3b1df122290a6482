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
	const char *config;	/* options beside "S"; "!": without it */
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
	if (*config == '!')
		config++;
	else
		fake_config_s(f);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
