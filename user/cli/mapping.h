/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs of `mapping` that are about one mapping or one host (mapping_one.c,
 * mapping_lookup.c), and those that keep all in a file (mapping_file.c). */
#ifndef N64_CLI_MAPPING_H
#define N64_CLI_MAPPING_H

#include "state_cmd.h"

int mapping_judge_add(struct state_cmd *c);
int mapping_add(struct state_cmd *c);
int mapping_judge_del(struct state_cmd *c);
int mapping_del(struct state_cmd *c);
int mapping_judge_lookup(struct state_cmd *c);
int mapping_lookup(struct state_cmd *c);
int mapping_save(struct state_cmd *c);
int mapping_restore(struct state_cmd *c);

/* Says that n64_state could not be asked; CLI_FAILED. */
int mapping_no_answer(const struct state_cmd *c, int rc);
/* "tcp 192.0.2.1:443 = [2001:db8::5]:443" */
#define MAPPING_TEXT 160
const char *mapping_text(const struct mapping_info *m, char buf[MAPPING_TEXT]);

#endif
