/* SPDX-License-Identifier: GPL-2.0-only */
/* `addr`: IPv4 addresses to IPv6 and back (RFC 6052 2.2), by the same functions
 * that translate packets. What a rule says about an address goes to stderr. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "cli.h"
#include "output/output.h"

static const __u32 lengths[] = { 32, 40, 48, 56, 64, 96 };
#define N_LENGTHS 6

struct job {
	struct cli cli;
	bool all;
	struct config conf;	/* its pref64 list */
	json_t *results;
};

/* The prefix cut or stretched to another length (bits 64 to 71 zero). */
static struct n64_pref64 with_length(const struct addr6 *a, __u32 len)
{
	struct n64_pref64 p = { { { 0 } }, len };

	for (__u32 i = 0; i < 3 && len > 32 * i; i++)
		p.prefix.w[i] = a->w[i] & mask4(len - 32 * i > 32 ? 32 : len - 32 * i);
	p.prefix.w[2] &= be32(0x00ffffff);
	return p;
}

/* /96: the last four octets in decimal, as people write it (RFC 5952 5). */
static void mixed_text(const struct addr6 *a, char *buf, size_t size)
{
	char head[INET6_ADDRSTRLEN], v4[INET_ADDRSTRLEN];
	struct addr6 cut = *a, again;

	cut.w[3] = 0;
	inet_ntop(AF_INET6, &cut, head, sizeof(head));
	inet_ntop(AF_INET, &a->w[3], v4, sizeof(v4));
	snprintf(buf, size, "%s%s", head, v4);
	if (inet_pton(AF_INET6, buf, &again) == 1 && addr6_equal(&again, a))
		return;
	/* the run of zeros stands elsewhere, or there is none */
	snprintf(buf, size, "%x:%x:%x:%x:%x:%x:%s", host32(a->w[0]) >> 16, host32(a->w[0]) & 0xffff,
		 host32(a->w[1]) >> 16, host32(a->w[1]) & 0xffff, host32(a->w[2]) >> 16,
		 host32(a->w[2]) & 0xffff, v4);
}

static void note(const struct job *j, json_t *row, const char *text)
{
	if (j->cli.json)
		out_str(row, "note", "%s", text);
	else
		cli_error(&j->cli, "note: %s", text);
}

static void add_result(const struct job *j, const struct n64_pref64 *p, __be32 v4,
		       const struct addr6 *v6, bool to6)
{
	struct prefix6 prefix = { p->prefix, (__u8)p->len };
	char text4[INET_ADDRSTRLEN], text6[INET6_ADDRSTRLEN], text[256], ptext[PREFIX_TEXT];
	json_t *row = out_row(j->results);

	inet_ntop(AF_INET, &v4, text4, sizeof(text4));
	inet_ntop(AF_INET6, v6, text6, sizeof(text6));
	prefix6_text(&prefix, ptext);
	out_str(row, "input", "%s", to6 ? text4 : text6);
	out_str(row, "prefix", "%s", ptext);
	out_str(row, "result", "%s", to6 ? text6 : text4);
	if (p->len == 96) {
		mixed_text(v6, text, sizeof(text));
		out_str(row, "written", "%s", text);
	}
	if (!to6 && !rfc6052_suffix_zero(p->len, v6)) {
		snprintf(text, sizeof(text),
			 "%s has bits behind the IPv4 address or in the u octet "
			 "(bits 64 to 71); they are ignored, strict-suffix drops it (ADR-02)",
			 text6);
		note(j, row, text);
	} else if (pref64_is_wkp(p) && addr4_is_nonglobal(v4)) {
		snprintf(text, sizeof(text), "%s is not global, so 64:ff9b::/96 does not carry it "
			 "(RFC 6052 3.1); one inside 64:ff9b:1::/48 (RFC 8215) does, or wkp-strict "
			 "off (ADR-04)", text4);
		note(j, row, text);
	}
}

static void embed_in(const struct job *j, const struct n64_pref64 *p, __be32 v4)
{
	struct addr6 v6;

	rfc6052_embed(p, v4, &v6);
	add_result(j, p, v4, &v6, true);
}

static void embed(const struct job *j, __be32 v4)
{
	for (size_t i = 0; i < j->conf.pref64.n; i++) {
		const struct prefix6 *q = &j->conf.pref64.v[i];
		struct n64_pref64 p = { q->addr, q->len };

		for (int l = 0; j->all && l < N_LENGTHS; l++) {
			p = with_length(&q->addr, lengths[l]);
			embed_in(j, &p, v4);
		}
		if (!j->all)
			embed_in(j, &p, v4);
	}
}

static int extract(const struct job *j, const struct addr6 *v6, const char *word)
{
	struct n64_conf conf;
	int which;

	for (int l = 0; j->all && l < N_LENGTHS; l++) {
		struct n64_pref64 p = with_length(v6, lengths[l]);

		add_result(j, &p, rfc6052_extract(p.len, v6), v6, false);
	}
	if (j->all)
		return CLI_OK;
	config_to_conf(&j->conf, &conf);
	which = pref64_find(&conf, v6);
	if (which < 0) {
		cli_error(&j->cli, "'%s' is not inside %s; write -6 PREFIX with the prefix that "
			  "holds it", word, j->cli.n_set ? "any of the prefixes" : "64:ff9b::/96");
		return CLI_USAGE;
	}
	add_result(j, &conf.pref64[which], rfc6052_extract(conf.pref64[which].len, v6), v6, false);
	return CLI_OK;
}

static int convert(const struct job *j, int i)
{
	const char *word = j->cli.operand[i];
	struct addr6 v6;
	__be32 v4;

	if (inet_pton(AF_INET, word, &v4) == 1) {
		embed(j, v4);
		return CLI_OK;
	}
	if (inet_pton(AF_INET6, word, &v6) == 1)
		return extract(j, &v6, word);
	cli_error(&j->cli, "address %d '%s' is not an address; write one like 192.0.2.33 or "
			   "64:ff9b::192.0.2.33", i + 1, word);
	return CLI_USAGE;
}

static int read_prefixes(struct job *j)
{
	struct config_error err;

	for (size_t i = 0; i < j->cli.n_set; i++) {
		const struct cli_set *s = &j->cli.set[i];

		if (config_set(&j->conf, s->key, s->value, s->where, &err)) {
			cli_error(&j->cli, "%s", err.text);
			return CLI_USAGE;
		}
	}
	if (!j->cli.n_set && config_set(&j->conf, options[O_pref64].key, "64:ff9b::/96",
					"default", &err))
		return CLI_FAILED;
	if (j->conf.pref64.n <= N64_MAX_PREF64)
		return CLI_GO_ON;
	cli_error(&j->cli, "%s: %zu prefixes are not possible at once; write at most %d",
		  j->cli.set[N64_MAX_PREF64].where, j->conf.pref64.n, N64_MAX_PREF64);
	return CLI_USAGE;
}

/* One result is its bare address, for scripts; several are a table. */
static int show(const struct job *j, const json_t *root)
{
	json_t *only = json_array_get(j->results, 0);

	if (!j->cli.json && json_array_size(j->results) == 1)
		return puts(json_string_value(json_object_get(only, "result"))) < 0;
	return output_print(root, j->cli.json, stdout);
}

static int run_job(struct job *j)
{
	json_t *root = json_object();
	int rc;

	j->results = out_table(root, "results");
	rc = read_prefixes(j);
	if (rc == CLI_GO_ON && !j->cli.n_operand) {
		cli_error(&j->cli, "no address is given; write one like 192.0.2.33 or "
				   "64:ff9b::192.0.2.33");
		rc = CLI_USAGE;
	}
	if (rc == CLI_GO_ON)
		rc = CLI_OK;
	for (int i = 0; rc == CLI_OK && i < j->cli.n_operand; i++)
		rc = convert(j, i);
	if (rc == CLI_OK && show(j, root))
		rc = CLI_FAILED;
	json_decref(root);
	return rc;
}

int cmd_addr(int argc, char **argv)
{
	struct job j = { .all = false };
	const struct cli_opt extra[] = {
		{ "all", 'a', NULL, "all six lengths of RFC 6052", &j.all, NULL },
		{ NULL, 0, NULL, NULL, NULL, NULL },
	};
	int rc;

	config_init(&j.conf);
	rc = cli_parse(&j.cli, argc, argv, CLI_JSON | CLI_PREF64 | CLI_OPERANDS, extra);
	if (rc == CLI_GO_ON)
		rc = run_job(&j);
	config_free(&j.conf);
	cli_free(&j.cli);
	return rc;
}
