/* SPDX-License-Identifier: GPL-2.0-only */
/* attach, detach, reload. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dataplane/instance.h"
#include "dataplane/place.h"

static void words_free(char **words)
{
	size_t i;

	for (i = 0; words && words[i]; i++)
		free(words[i]);
	free(words);
}

/* The words that build the same configuration again, for a reload without words:
 * the file by its full path, then the options. Ended by NULL; NULL: no memory. */
static char **words_of(const struct cli *cli)
{
	size_t i, n = 0, max = 2 + 2 * cli->n_set;
	char **words = calloc(max + 1, sizeof(*words));
	char path[PATH_MAX];
	bool ok = words;

	if (ok && cli->file) {
		words[n++] = strdup("-c");
		words[n++] = strdup(realpath(cli->file, path) ? path : cli->file);
		ok = words[0] && words[1];
	}
	for (i = 0; ok && i < cli->n_set; i++) {
		words[n] = strdup("--set");
		ok = words[n++] &&
		     asprintf(&words[n], "%s=%s", cli->set[i].key, cli->set[i].value) >= 0;
		if (!ok)
			words[n] = NULL;
		n++;
	}
	if (ok)
		return words;
	words_free(words);
	cli_warn("a reload will need the same options again: they could not be stored");
	return NULL;
}

static const struct cli_opt *attach_options(struct attach_opts *o, bool *native)
{
	static struct cli_opt extra[4];

	extra[0] = (struct cli_opt){ "native", 0, NULL,
		"native XDP, in the driver (default)", native, NULL };
	extra[1] = (struct cli_opt){ "skb", 0, NULL,
		"generic XDP: works everywhere, slower", &o->skb, NULL };
	extra[2] = (struct cli_opt){ "no-worker", 0, NULL,
		"do not start the worker", &o->no_worker, NULL };
	return extra;
}

int cmd_attach(int argc, char **argv)
{
	struct attach_opts o = { .say = cli_say };
	bool native = false;
	struct config_error err;
	char **words;
	struct config c;
	struct cli cli;
	int rc = cli_parse(&cli, argc, argv, CLI_CONFIG | CLI_NAME, attach_options(&o, &native));

	if (rc == CLI_GO_ON && native && o.skb) {
		cli_error(&cli, "--native and --skb exclude each other; write one of them");
		rc = CLI_USAGE;
	}
	if (rc == CLI_GO_ON) {
		rc = cli_config(&cli, &c);
		if (rc == CLI_GO_ON) {
			words = words_of(&cli);
			o.words = words;
			rc = instance_attach(&c, &o, &err) ? cli_fail(&cli, &err) : CLI_OK;
			words_free(words);
		}
		config_free(&c);
	}
	cli_free(&cli);
	return rc;
}

int cmd_detach(int argc, char **argv)
{
	struct config_error err;
	struct cli cli;
	int rc = cli_parse(&cli, argc, argv, CLI_NAME, NULL);

	if (rc == CLI_GO_ON)
		rc = instance_detach(cli.name, cli_say, &err) ? cli_fail(&cli, &err) : CLI_OK;
	cli_free(&cli);
	return rc;
}

static int reload_with(const struct cli *cli, struct reload_opts *o)
{
	struct config_error err;
	char **words;
	struct config c;
	int rc = cli_config(cli, &c);

	if (rc == CLI_GO_ON) {
		words = words_of(cli);
		o->words = words;
		rc = instance_reload(&c, o, &err) ? cli_fail(cli, &err) : CLI_OK;
		words_free(words);
	}
	config_free(&c);
	return rc;
}

/* Without words of its own a reload means those of attach (a changed file, or a
 * newer program). */
static int reload_as_attached(const struct cli *cli, json_t *words, struct reload_opts *o)
{
	size_t i, n = json_array_size(words);
	char **argv = calloc(n + 4, sizeof(*argv));
	struct cli again;
	int argc = 0, rc;

	if (!argv) {
		cli_error(cli, "not enough memory");
		return CLI_FAILED;
	}
	argv[argc++] = (char *)cli->cmd;
	argv[argc++] = (char *)"--name";
	argv[argc++] = (char *)cli->name;
	/* parsing writes into the words */
	for (i = 0; i < n; i++)
		argv[argc++] = strdup(json_string_value(json_array_get(words, i)));
	rc = cli_parse(&again, argc, argv, CLI_CONFIG | CLI_NAME, NULL);
	if (rc == CLI_GO_ON)
		rc = reload_with(&again, o);
	cli_free(&again);
	for (i = 0; i < n; i++)
		free(argv[argc - 1 - (int)i]);
	free(argv);
	return rc;
}

int cmd_reload(int argc, char **argv)
{
	struct reload_opts o = { .say = cli_say };
	const struct cli_opt extra[] = {
		{ "now", 0, NULL, "stateful: mappings of addresses and ports that are no longer in "
		  "pool4 end at once", &o.now, NULL },
		{ "force", 0, NULL, "stateful: a static mapping ends the other one that is in its "
		  "place", &o.force, NULL },
		{ 0 },
	};
	char name[N64_NAME_MAX + 1];
	struct config_error err;
	json_t *words = NULL;
	struct cli cli;
	int rc = cli_parse(&cli, argc, argv, CLI_CONFIG | CLI_NAME, extra);

	if (rc == CLI_GO_ON && place_choose(cli.name, name, &err))
		rc = cli_fail(&cli, &err);
	cli.name = name;
	if (rc == CLI_GO_ON && !cli.file && !cli.n_set)
		words = instance_words(name);
	if (rc == CLI_GO_ON)
		rc = json_array_size(words) ? reload_as_attached(&cli, words, &o) :
					      reload_with(&cli, &o);
	json_decref(words);
	cli_free(&cli);
	return rc;
}
