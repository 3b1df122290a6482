/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a command: one table of options for getopt_long, for --help and
 * for the sentence about a word that is wrong. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- the options that build a configuration ----------------------------------- */

struct config_opt {
	const char *word;
	char letter;
	enum opt_id id;		/* N_OPTS: --set, which names its own */
	const char *form;
};

static const struct config_opt config_opts[] = {
	{ "interface", 'i', O_interfaces, "DEV[:both|6to4|4to6|none]" },
	{ "pref64", '6', O_pref64, "PREFIX" },
	{ "pool4", '4', O_pool4, "PREFIX[:PORTS]" },
	{ "allow6", 'a', O_allow6, "PREFIX" },
	{ "eam", 0, O_eam, "V4=V6" },
	{ "xlat4", 0, O_xlat4, "PREFIX" },
	{ "mode", 0, O_mode, "MODE" },
	{ "set", 0, N_OPTS, "KEY=VALUE" },
};

#define N_CONFIG_OPTS ((int)(sizeof(config_opts) / sizeof(config_opts[0])))

/* ---- one table for everything -------------------------------------------------- */

#define MAX_OPTS 48
#define LONG_ONLY 256	/* getopt's value of option i is LONG_ONLY + i */

struct parser {
	struct cli *cli;
	int argc;
	char **argv;
	unsigned int wants;
	struct cli_opt opt[MAX_OPTS];	/* common ones, then `extra`, then the configuration's */
	const struct config_opt *config[MAX_OPTS]; /* behind opt[i]; NULL: not one of these */
	int n;
	struct option longs[MAX_OPTS + 1];
	char shorts[2 * MAX_OPTS + 3];
	bool help;
};

static void add(struct parser *p, struct cli_opt o)
{
	if (p->n < MAX_OPTS)
		p->opt[p->n++] = o;
}

/* -c and the options of config_opts; with CLI_PREF64 only -6. */
static void gather_config(struct parser *p)
{
	if (p->wants & CLI_CONFIG)
		add(p, (struct cli_opt){ "config", 'c', "FILE", "YAML, read before the options "
					 "below; without any " CLI_CONFIG_DIR "/NAME.yaml",
					 NULL, &p->cli->file });
	for (int i = 0; i < N_CONFIG_OPTS; i++) {
		const struct config_opt *c = &config_opts[i];

		if (!(p->wants & CLI_CONFIG) && c->id != O_pref64)
			continue;
		p->config[p->n] = c;
		add(p, (struct cli_opt){ c->word, c->letter, c->form,
					 c->id < N_OPTS ? options[c->id].doc
							: "any option of xdp-nat64.yaml(5)",
					 NULL, NULL });
	}
}

static void gather(struct parser *p, const struct cli_opt *extra)
{
	struct cli *cli = p->cli;

	add(p, (struct cli_opt){ "help", 'h', NULL, "this text", &p->help, NULL });
	if (p->wants & CLI_JSON)
		add(p, (struct cli_opt){ "json", 0, NULL, "print JSON", &cli->json, NULL });
	if (p->wants & CLI_NAME)
		add(p, (struct cli_opt){ "name", 0, "NAME",
					 "name of the instance; not needed where there is one",
					 NULL,
					 &cli->name });
	for (; extra && extra->word; extra++)
		add(p, *extra);
	if (p->wants & (CLI_CONFIG | CLI_PREF64))
		gather_config(p);
}

/* "-" first: operands come in their place and nothing is reordered, so that the
 * number of a word stays true; ":" tells a missing value from a wrong option. */
static void make_getopt_tables(struct parser *p)
{
	char *s = p->shorts;

	*s++ = '-';
	*s++ = ':';
	for (int i = 0; i < p->n; i++) {
		const struct cli_opt *o = &p->opt[i];

		p->longs[i] = (struct option){ o->word, o->form ? required_argument : no_argument,
					       NULL, LONG_ONLY + i };
		if (!o->letter)
			continue;
		*s++ = o->letter;
		if (o->form)
			*s++ = ':';
	}
	*s = '\0';
}

/* ---- help ------------------------------------------------------------------------- */

static void option_form(const struct cli_opt *o, char *buf, size_t size)
{
	char letter[8] = "";

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(buf, size, "%s--%s%s%s", letter, o->word, o->form ? " " : "",
		 o->form ? o->form : "");
}

/* A doc of option.def may begin with its mode, and tells the form in the file behind the
 * next ": ". */
static size_t doc_mode(const char *doc)
{
	static const char *const modes[] = { "stateful: ", "dynamic: " };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strncmp(doc, modes[i], strlen(modes[i])))
			return strlen(modes[i]);
	return 0;
}

static int doc_length(const struct parser *p, int i)
{
	const char *doc = p->opt[i].doc;
	const char *form = p->config[i] ? strstr(doc + doc_mode(doc), ": ") : NULL;

	return form ? (int)(form - doc) : (int)strlen(doc);
}

static void print_help(const struct parser *p)
{
	const struct command *c = command_find(p->cli->cmd);
	char form[80];

	printf("Usage: xdp-nat64 %s %s\n\n%s\n\nOptions\n", c->name, c->usage, c->help);
	for (int i = 0; i < p->n; i++) {
		const struct cli_opt *o = &p->opt[i];
		int doc = doc_length(p, i);

		option_form(o, form, sizeof(form));
		if (strlen(form) < 26)
			printf("  %-26s %.*s\n", form, doc, o->doc);
		else
			printf("  %s\n  %-26s %.*s\n", form, "", doc, o->doc);
	}
}

/* ---- messages ------------------------------------------------------------------------ */

void cli_error(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "xdp-nat64 %s: ", cli->cmd);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
}

int cli_fail(const struct cli *cli, const struct config_error *err)
{
	cli_error(cli, "%s", err->text);
	return CLI_FAILED;
}

void cli_warn(const char *text)
{
	fprintf(stderr, "xdp-nat64: warning: %s\n", text);
}

void cli_say(const char *text)
{
	puts(text);
}

/* ---- reading --------------------------------------------------------------------------- */

/* Words are counted as the operator sees them: the command is word 1. */
static int wrong_option(const struct parser *p, int at)
{
	const char *words[MAX_OPTS];
	const char *word = p->argv[at];
	const char *near;
	char bare[40];

	for (int i = 0; i < p->n; i++)
		words[i] = p->opt[i].word;
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
		 word + strspn(word, "-"));
	near = nearest_word(bare, words, (size_t)p->n);
	if (near && word[1] == '-' && !strcmp(near, bare))
		cli_error(p->cli, "word %d '%s' is not right, --%s takes no value; write --%s",
			  at + 1, word, near, near);
	else if (near && word[1] == '-')
		cli_error(p->cli, "word %d '%s' is not an option of %s; write --%s", at + 1, word,
			  p->cli->cmd, near);
	else
		cli_error(p->cli, "word %d '%s' is not an option of %s; write one of those that "
			  "xdp-nat64 %s --help lists", at + 1, word, p->cli->cmd, p->cli->cmd);
	return CLI_USAGE;
}

static const struct cli_opt *opt_of(const struct parser *p, int code)
{
	if (code >= LONG_ONLY)
		return &p->opt[code - LONG_ONLY];
	for (int i = 0; i < p->n; i++)
		if (p->opt[i].letter == code)
			return &p->opt[i];
	return NULL;
}

static int missing_value(const struct parser *p, int at)
{
	const struct cli_opt *o = opt_of(p, optopt);
	char form[80] = "a value";

	if (o)
		option_form(o, form, sizeof(form));
	cli_error(p->cli, "word %d '%s' is not complete, its value is missing; write %s", at + 1,
		  p->argv[at], form);
	return CLI_USAGE;
}

static int take_operand(struct parser *p, int at)
{
	if (!(p->wants & CLI_OPERANDS)) {
		cli_error(p->cli, "word %d '%s' is not expected here; write only options "
			  "(xdp-nat64 %s --help)", at + 1, p->argv[at], p->cli->cmd);
		return CLI_USAGE;
	}
	p->cli->operand[p->cli->n_operand++] = p->argv[at];
	return CLI_GO_ON;
}

static int take_config(struct parser *p, const struct config_opt *c, int at)
{
	struct cli_set *s = &p->cli->set[p->cli->n_set];
	char *equals;

	snprintf(s->where, sizeof(s->where), "word %d (%.20s)", at + 1, p->argv[at]);
	s->where[strcspn(s->where, "=")] = '\0';
	if (!strchr(s->where, ')'))
		strcat(s->where, ")");
	s->key = c->id < N_OPTS ? options[c->id].key : optarg;
	s->value = optarg;
	if (c->id == N_OPTS) {
		equals = strchr(optarg, '=');
		if (!equals || equals == optarg) {
			cli_error(p->cli, "word %d '%s' is not complete; write --set KEY=VALUE",
				  optind, optarg);
			return CLI_USAGE;
		}
		*equals = '\0'; /* argv is ours to write */
		s->value = equals + 1;
	}
	p->cli->n_set++;
	return CLI_GO_ON;
}

static int take_option(struct parser *p, int code, int at)
{
	const struct cli_opt *o;

	if (code == 1)
		return take_operand(p, at);
	if (code == ':')
		return missing_value(p, at);
	o = code == '?' ? NULL : opt_of(p, code);
	if (!o)
		return wrong_option(p, at);
	if (p->config[o - p->opt])
		return take_config(p, p->config[o - p->opt], at);
	if (o->flag)
		*o->flag = true;
	if (o->value)
		*o->value = optarg;
	return CLI_GO_ON;
}

static int read_words(struct parser *p)
{
	int rc = CLI_GO_ON;

	opterr = 0;
	optind = 0; /* glibc: start afresh */
	while (rc == CLI_GO_ON) {
		/* a cluster like -hi stays in its word until it is used up */
		int at = optind ? optind : 1;
		int code = getopt_long(p->argc, p->argv, p->shorts, p->longs, NULL);

		if (code == -1)
			break;
		rc = take_option(p, code, at);
	}
	for (int i = optind; rc == CLI_GO_ON && i < p->argc; i++)
		rc = take_operand(p, i); /* behind "--" */
	return rc;
}

int cli_parse(struct cli *cli, int argc, char **argv, unsigned int wants,
	      const struct cli_opt *extra)
{
	struct parser p = { .cli = cli, .argc = argc, .argv = argv, .wants = wants };
	struct config_error err;
	int rc;

	memset(cli, 0, sizeof(*cli));
	cli->cmd = argv[0];
	cli->set = calloc((size_t)argc, sizeof(*cli->set));
	cli->operand = calloc((size_t)argc, sizeof(*cli->operand));
	if (!cli->set || !cli->operand) {
		cli_error(cli, "not enough memory to read the words");
		return CLI_FAILED;
	}
	gather(&p, extra);
	make_getopt_tables(&p);
	rc = read_words(&p);
	if (rc == CLI_GO_ON && p.help) {
		print_help(&p);
		return CLI_OK;
	}
	if (rc == CLI_GO_ON && cli->name && config_name_check(cli->name, &err)) {
		cli_error(cli, "%s", err.text);
		return CLI_USAGE;
	}
	return rc;
}

void cli_free(struct cli *cli)
{
	free(cli->set);
	free(cli->operand);
	cli->set = NULL;
	cli->operand = NULL;
}

/* ---- the configuration ------------------------------------------------------------------- */

static int build(const struct cli *cli, struct config *c, struct config_error *err)
{
	char standard[96];
	const char *file = cli->file;
	int rc = 0;

	if (cli->name)
		snprintf(c->name, sizeof(c->name), "%s", cli->name);
	snprintf(standard, sizeof(standard), CLI_CONFIG_DIR "/%s.yaml", c->name);
	if (!file && !cli->n_set)
		file = standard;
	if (file)
		rc = config_read_file(c, file, err);
	for (size_t i = 0; !rc && i < cli->n_set; i++)
		rc = config_set(c, cli->set[i].key, cli->set[i].value, cli->set[i].where, err);
	return rc ? rc : config_check(c, cli_warn, err);
}

int cli_config(const struct cli *cli, struct config *c)
{
	struct config_error err = { "" };

	config_init(c);
	if (!build(cli, c, &err))
		return CLI_GO_ON;
	cli_error(cli, "%s", err.text);
	return CLI_USAGE;
}
