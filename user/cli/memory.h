/* SPDX-License-Identifier: GPL-2.0-only */
/* What the maps of an instance take. */
#ifndef N64_MEMORY_H
#define N64_MEMORY_H

#include <jansson.h>
#include <stddef.h>

#include "config/policy.h"

/* Adds the table "memory" with a row for each map, and "memory_mib", the sum;
 * n4 and n6 are the rows of the compiled policy, `state` the tables of mode stateful
 * (NULL in the other modes). 0 or -errno. */
int memory_show(json_t *root, size_t n4, size_t n6, const struct state_sizes *state);

#endif
