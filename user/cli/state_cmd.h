/* SPDX-License-Identifier: GPL-2.0-only */
/* What `mapping` and `session` share: a verb, its options, and the rows of a listing,
 * which are written as they are read and never collected. */
#ifndef N64_CLI_STATE_CMD_H
#define N64_CLI_STATE_CMD_H

#include <stdio.h>

#include "cli.h"
#include "dataplane/state_view.h"
#include "filter.h"

struct state_cmd {
	struct cli cli;
	enum filter_of of;
	struct filter_words words;
	const char *limit_word;
	bool count, all, statics, force;
	const char *verb;
	char **operand;		/* behind the verb */
	int n_operand;
	const struct state_verb *does;
	struct state_filter filter;
	__u32 limit;		/* rows of a listing */
	struct state_view *view;
	char name[N64_NAME_MAX + 1];
};

/* Are the words those of mode dynamic, by their number? Known before the mode is. */
bool state_cmd_of_hosts(const struct state_cmd *c);

/* Options that a verb may have. */
enum verb_allows {
	VERB_FILTER = 1 << 0,
	VERB_LIST = 1 << 1,	/* --limit, --count */
	VERB_ALL = 1 << 2,
	VERB_STATIC = 1 << 3,
	VERB_FORCE = 1 << 4,
};

struct state_verb {
	const char *name;
	unsigned int allows;
	int operands;
	int hosts;		/* in mode dynamic, if that is another number; 0: it is not */
	const char *form;	/* of the whole command, for messages */
	/* enum cli_exit; may be NULL. Judges the words before anything is opened. */
	int (*judge)(struct state_cmd *c);
	int (*run)(struct state_cmd *c);	/* enum cli_exit */
};

/* Reads the words, finds the verb among `verbs` (ended by a row without a name), opens
 * the instance and runs it. Returns enum cli_exit. */
int state_cmd_run(struct state_cmd *c, int argc, char **argv, const struct cli_opt *words,
		  const struct state_verb *verbs);

/* ---- listings ---------------------------------------------------------------------- */

/* One row: text with its head in front of the first, or an element of one JSON array. */
struct listing {
	FILE *f;
	bool json, several;	/* several pref64: they are told apart */
	bool count;		/* count only */
	__u32 n, limit;
	const struct n64_conf *conf;
};

void listing_open(struct listing *l, const struct state_cmd *c, FILE *f);
/* state_mappings and state_sessions call these: 0, 1 at the limit, -EIO. */
int listing_mapping(const struct mapping_info *m, void *listing);
int listing_session(const struct session_info *s, void *listing);
/* 0, or -EIO when something could not be written. */
int listing_close(struct listing *l);

/* The prefix of a mapping, "" if there is none of this number. */
const char *pref64_text(const struct n64_conf *conf, __u32 pref, char buf[PREFIX_TEXT]);

/* {"KEY": n} or "KEY n NOUN(s)", with an s where n is not 1. */
int say_number(const struct state_cmd *c, const char *key, const char *noun, __u32 n);

#endif
