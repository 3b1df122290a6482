/* SPDX-License-Identifier: GPL-2.0-only */
/* The way from the words of `mapping` and `session` to the verb that does it. */
#include "state_cmd.h"

#include <string.h>

#include "dynamic.h"
#include "output/output.h"

#define MAX_VERBS 12

static int unknown_verb(const struct state_cmd *c, const struct state_verb *verbs)
{
	const char *names[MAX_VERBS], *near;
	size_t n = 0;

	for (; n < MAX_VERBS && verbs[n].name; n++)
		names[n] = verbs[n].name;
	near = c->verb ? nearest_word(c->verb, names, n) : NULL;
	if (!c->verb)
		cli_error(&c->cli, "it is not said what to do; write %s, or see "
			  "xdp-nat64 %s --help", verbs[0].form, c->cli.cmd);
	else if (near)
		cli_error(&c->cli, "'%s' is nothing that %s does; write %s", c->verb, c->cli.cmd,
			  near);
	else
		cli_error(&c->cli, "'%s' is nothing that %s does; write one of those that "
			  "xdp-nat64 %s --help lists", c->verb, c->cli.cmd, c->cli.cmd);
	return CLI_USAGE;
}

static const struct state_verb *find_verb(struct state_cmd *c, const struct state_verb *verbs)
{
	c->verb = c->cli.n_operand ? c->cli.operand[0] : NULL;
	c->operand = c->cli.operand + 1;
	c->n_operand = c->cli.n_operand - 1;
	for (; c->verb && verbs->name; verbs++) {
		if (!strcmp(verbs->name, c->verb))
			return verbs;
	}
	return NULL;
}

/* An option that means nothing here is a misunderstanding, not noise. */
static int judge_options(const struct state_cmd *c, const struct state_verb *verb)
{
	const struct {
		const char *word;
		bool given;
		unsigned int allowed;
	} rows[] = {
		{ "--limit", c->limit_word, VERB_LIST },
		{ "--count", c->count, VERB_LIST },
		{ "--all", c->all, VERB_ALL },
		{ "--static", c->statics, VERB_STATIC },
		{ "--force", c->force, VERB_FORCE },
		{ "a filter", !filter_is_empty(&c->words), VERB_FILTER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].given || verb->allows & rows[i].allowed)
			continue;
		cli_error(&c->cli, "%s: %s means nothing here; leave it out (%s)", verb->name,
			  rows[i].word, verb->form);
		return CLI_USAGE;
	}
	if (c->n_operand == verb->operands || (verb->hosts && c->n_operand == verb->hosts))
		return CLI_GO_ON;
	if (c->n_operand > verb->operands)
		cli_error(&c->cli, "%s: '%s' is a word too many; write %s", verb->name,
			  c->operand[verb->operands], verb->form);
	else
		cli_error(&c->cli, "%s: a word is missing; write %s", verb->name, verb->form);
	return CLI_USAGE;
}

static int read_words(struct state_cmd *c, const struct state_verb *verb)
{
	struct config_error err;
	int rc = judge_options(c, verb);

	if (rc != CLI_GO_ON)
		return rc;
	c->limit = ~0u;
	if (filter_read(&c->words, c->of, verb->name, &c->filter, &err) ||
	    (c->limit_word &&
	     filter_number(verb->name, "--limit", c->limit_word, &c->limit, &err))) {
		cli_error(&c->cli, "%s", err.text);
		return CLI_USAGE;
	}
	return verb->judge ? verb->judge(c) : CLI_GO_ON;
}

bool state_cmd_of_hosts(const struct state_cmd *c)
{
	return c->does->hosts && c->n_operand == c->does->hosts;
}

/* What only the mode of the instance can tell. */
static int judge_mode(const struct state_cmd *c)
{
	const bool dynamic = conf_is_dynamic(&c->view->conf);
	const struct filter_words *w = &c->words;

	if (dynamic && c->of == FILTER_SESSIONS) {
		cli_error(&c->cli, "instance '%s' is in mode dynamic, which keeps no sessions; "
			  "see: xdp-nat64 mapping list", c->name);
		return CLI_FAILED;
	}
	if (dynamic && (w->protocol || w->port || w->port6)) {
		cli_error(&c->cli, "%s: in mode dynamic a mapping is a whole host, without "
			  "protocol and ports; leave --protocol, --port and --port6 out", c->verb);
		return CLI_USAGE;
	}
	if (!c->does->hosts || dynamic == state_cmd_of_hosts(c))
		return CLI_GO_ON;
	cli_error(&c->cli, dynamic ? "%s: in mode dynamic a mapping is of two addresses, without "
				     "protocol and ports; see: xdp-nat64 %s --help" :
				     "%s: in mode stateful a mapping has a protocol and ports; "
				     "see: xdp-nat64 %s --help", c->verb, c->cli.cmd);
	return CLI_USAGE;
}

int state_cmd_run(struct state_cmd *c, int argc, char **argv, const struct cli_opt *words,
		  const struct state_verb *verbs)
{
	const struct state_verb *verb;
	struct config_error err;
	int rc = cli_parse(&c->cli, argc, argv, CLI_NAME | CLI_JSON | CLI_OPERANDS, words);

	if (rc == CLI_GO_ON) {
		verb = find_verb(c, verbs);
		c->does = verb;
		rc = verb ? read_words(c, verb) : unknown_verb(c, verbs);
	}
	if (rc == CLI_GO_ON && state_view_open(&c->view, c->cli.name, c->name, &err))
		rc = cli_fail(&c->cli, &err);
	if (rc == CLI_GO_ON)
		rc = judge_mode(c);
	if (rc == CLI_GO_ON)
		rc = verb->run(c);
	state_view_close(c->view);
	cli_free(&c->cli);
	return rc;
}

int say_number(const struct state_cmd *c, const char *key, const char *noun, __u32 n)
{
	json_t *root;
	int rc;

	if (!c->cli.json)
		return printf("%s %u %s%s\n", key, n, noun, n == 1 ? "" : "s") < 0;
	root = json_object();
	out_int(root, key, n);
	rc = output_print(root, true, stdout);
	json_decref(root);
	return rc;
}
