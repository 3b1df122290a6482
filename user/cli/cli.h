/* SPDX-License-Identifier: GPL-2.0-only */
/* What every command shares: the table of commands, the reading of options, the
 * three exit codes, and the way messages are written (one sentence on stderr
 * that names the word, its place and the accepted form). */
#ifndef N64_CLI_H
#define N64_CLI_H

#include "config/options.h"

#define N64_VERSION "0.1.0"

enum cli_exit {
	CLI_GO_ON = -1,	/* of cli_parse and cli_config: not an exit code, carry on */
	CLI_OK = 0,
	CLI_FAILED = 1,	/* tried and failed */
	CLI_USAGE = 2,	/* wrong words or wrong file; nothing was changed */
};

/* ---- commands ------------------------------------------------------------- */

/* argv[0] is the word of the command. Returns enum cli_exit. */
int cmd_attach(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_addr(int argc, char **argv);
int cmd_mapping(int argc, char **argv);
int cmd_session(int argc, char **argv);
int cmd_run(int argc, char **argv);

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;	/* one line, for the list of commands */
	const char *usage;	/* the words behind the name */
	const char *help;	/* what it does, a few lines */
};

/* NULL: no such command. */
const struct command *command_find(const char *name);

/* ---- options ---------------------------------------------------------------- */

/* One option that a command has beside the common ones; the table ends with an
 * empty row. Help and usage messages are made from it. */
struct cli_opt {
	const char *word;	/* "no-worker", without the dashes */
	char letter;		/* one-letter form, 0: none */
	const char *form;	/* accepted form of its value ("USER"); NULL: a flag */
	const char *doc;	/* one line for --help */
	bool *flag;		/* set to true by a flag */
	const char **value;	/* set to the value of the last one given */
};

/* A word that sets an option of the configuration, in the order given. */
struct cli_set {
	const char *key;	/* key of option.def */
	const char *value;
	char where[48];		/* "word 3 (-6)" */
};

struct cli {
	const char *cmd;	/* the command, for messages */
	bool json;		/* --json */
	const char *name;	/* --name; NULL: not given */
	const char *file;	/* -c; NULL: not given */
	struct cli_set *set;	/* -i, -6, --eam, --xlat4, --mode, --set */
	size_t n_set;
	char **operand;		/* what is left, with CLI_OPERANDS */
	int n_operand;
};

enum cli_wants {
	CLI_CONFIG = 1 << 0,	/* -c FILE and all options that build a configuration */
	CLI_NAME = 1 << 1,	/* --name NAME, checked */
	CLI_JSON = 1 << 2,	/* --json */
	CLI_OPERANDS = 1 << 3,	/* words without a dash are wanted */
	CLI_PREF64 = 1 << 4,	/* of CLI_CONFIG only -6 */
};

/* Reads the words of a command; `extra` may be NULL. CLI_GO_ON, or the exit code
 * after --help was printed (CLI_OK) or a word was wrong (CLI_USAGE, said on
 * stderr). Free with cli_free in every case. */
int cli_parse(struct cli *cli, int argc, char **argv, unsigned int wants,
	      const struct cli_opt *extra);
void cli_free(struct cli *cli);

#define CLI_CONFIG_DIR "/etc/xdp-nat64"

/* The configuration that the words ask for: the file of -c, or without -c and
 * without any option CLI_CONFIG_DIR/NAME.yaml; then the options in the order
 * given (lists: appended; others: replaced); then config_check, with its
 * warnings on stderr. CLI_GO_ON, or CLI_USAGE when a word or the file is wrong,
 * which is said on stderr. `c` is set up in every case and freed with
 * config_free. */
int cli_config(const struct cli *cli, struct config *c);

/* ---- messages --------------------------------------------------------------- */

/* "xdp-nat64 CMD: TEXT" on stderr. */
void cli_error(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same, and returns CLI_FAILED: `return cli_fail(&cli, &err);` */
int cli_fail(const struct cli *cli, const struct config_error *err);
/* "xdp-nat64: warning: TEXT" on stderr. */
void cli_warn(const char *text);
/* TEXT on stdout: what was done, a line each (say_fn). */
void cli_say(const char *text);

#endif
