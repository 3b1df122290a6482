/* SPDX-License-Identifier: GPL-2.0-only */
/* The indexes of pref64 over reloads (ADR-08), and the search in what they leave. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "config.h"
#include "options.h"

#define A "64:ff9b:1::/96 "
#define B "2001:db8:64::/96 "
#define C "2001:db8:65::/48 "
#define D "2001:db8:65:1::/64 " /* inside C */

/* The prefixes before and after each reload, in the order written; after the last one,
 * "-" stands for a hole and "*" is behind the first configured. */
struct keep_row {
	const char *rule, *words[4], *want;
};

static const struct keep_row keep_rows[] = {
	{ "ADR-08: one that comes in front", { C, C A }, C "*" A },
	{ "ADR-08: and is written in front", { C, A C }, C A "*" },
	{ "ADR-08: another order", { A B, B A }, A B "*" },
	{ "ADR-08: the first leaves a hole", { A B, B }, "- " B "*" },
	{ "ADR-08: the last leaves a hole too", { A B, A }, A "*- " },
	{ "ADR-08: a hole is taken first", { A B, B, B C }, C B "*" },
	{ "ADR-08: what was away has no claim", { A B, B, B C A }, A B "*" C },
	{ "ADR-08: one for another", { A, B }, B "*" },
	{ "ADR-08: all of them", { A B, C D, A }, A "*- " },
	{ "ADR-08: nothing changed", { C D A B, C D A B }, A B D C "*" },
};

static void read_conf(const char *words, struct n64_conf *conf)
{
	struct config_error err;
	char text[256], *save, *word;
	struct config c;

	config_init(&c);
	assert_true(strlen(words) < sizeof(text));
	strcpy(text, words);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (config_set(&c, "pref64", word, "test", &err))
			fail_msg("%s", err.text);
	config_to_conf(&c, conf);
	config_free(&c);
}

static void show_conf(const struct n64_conf *conf, char *out, size_t size)
{
	char text[PREFIX_TEXT];
	size_t at = 0;

	out[0] = '\0';
	for (__u32 i = 0; i < conf->n_pref64; i++) {
		struct prefix6 p = { conf->pref64[i].prefix, (__u8)conf->pref64[i].len };

		at += (size_t)snprintf(out + at, size - at, "%s %s",
				       p.len ? prefix6_text(&p, text) : "-",
				       i == conf->first_pref64 ? "*" : "");
	}
}

static void indexes_are_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(keep_rows) / sizeof(keep_rows[0]); i++) {
		const struct keep_row *row = &keep_rows[i];
		struct n64_conf before, conf;
		char got[256];

		read_conf(row->words[0], &conf);
		for (size_t j = 1; j < 4 && row->words[j]; j++) {
			before = conf;
			read_conf(row->words[j], &conf);
			conf_keep_pref64(&before, &conf);
		}
		show_conf(&conf, got, sizeof(got));
		if (strcmp(got, row->want))
			fail_msg("%s: '%s' instead of '%s'", row->rule, got, row->want);
	}
}

/* All sixteen, each replaced at once. */
static void as_many_as_there_are(void **state)
{
	struct n64_conf before = { .n_pref64 = N64_MAX_PREF64 }, conf = before;

	(void)state;
	for (__u32 i = 0; i < N64_MAX_PREF64; i++) {
		before.pref64[i] = (struct n64_pref64){ { { be32(0x20010db8), be32(i) } }, 96 };
		conf.pref64[i] = (struct n64_pref64){ { { be32(0x20010db8), be32(15 + i) } }, 96 };
	}
	conf.first_pref64 = 1;
	conf_keep_pref64(&before, &conf);
	assert_int_equal(conf.n_pref64, N64_MAX_PREF64);
	assert_int_equal(conf.pref64[15].prefix.w[1], be32(15)); /* in both */
	assert_int_equal(conf.pref64[14].prefix.w[1], be32(30));
	assert_int_equal(conf.first_pref64, 0);
	assert_int_equal(conf.pref64[0].prefix.w[1], be32(16));
}

struct find_row {
	const char *rule, *words[3], *addr;
	int want;
};

static const struct find_row find_rows[] = {
	{ "ADR-08: one", { A }, "64:ff9b:1::1.2.3.4", 0 },
	{ "ADR-08: not one", { A }, "64:ff9b:2::1.2.3.4", -1 },
	{ "ADR-08: the longer one is second", { C, C D }, "2001:db8:65:1::1", 1 },
	{ "ADR-08: the shorter one", { C, C D }, "2001:db8:65:2::1", 0 },
	{ "ADR-08: the longer one is first", { D, C D }, "2001:db8:65:1::1", 0 },
	{ "ADR-08: behind a hole", { A B, B }, "2001:db8:64::1.2.3.4", 1 },
	{ "ADR-08: a hole holds nothing", { A B, B }, "::1.2.3.4", -1 },
	{ "ADR-08: nor one at the end", { A B, A }, "2001:db8:64::1.2.3.4", -1 },
};

static void longest_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(find_rows) / sizeof(find_rows[0]); i++) {
		const struct find_row *row = &find_rows[i];
		struct n64_conf before, conf;
		struct addr6 a;

		read_conf(row->words[0], &conf);
		if (row->words[1]) {
			before = conf;
			read_conf(row->words[1], &conf);
			conf_keep_pref64(&before, &conf);
		}
		assert_int_equal(inet_pton(AF_INET6, row->addr, &a), 1);
		if (pref64_find(&conf, &a) != row->want)
			fail_msg("%s: %d", row->rule, pref64_find(&conf, &a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(indexes_are_kept),
		cmocka_unit_test(as_many_as_there_are),
		cmocka_unit_test(longest_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
