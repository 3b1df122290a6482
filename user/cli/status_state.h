/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of status that is about mode stateful. */
#ifndef N64_STATUS_STATE_H
#define N64_STATUS_STATE_H

#include "dataplane/pool_use.h"
#include "output/output.h"

/* Use of the pool by address and protocol, mappings, sessions, subscribers, tables. */
void status_state(json_t *root, const struct pool_use *u, const struct n64_conf *conf);

#endif
