/* SPDX-License-Identifier: GPL-2.0-only */
/* What the maps of an instance take. */
#ifndef N64_MEMORY_H
#define N64_MEMORY_H

#include <jansson.h>
#include <stddef.h>

#include "config/policy.h"

/* Adds the table "memory" with a row for each map, and "memory_mib", the sum: of `pol` on this
 * machine. `state`: the tables of modes stateful and dynamic, NULL in mode siit. 0 or -errno. */
int memory_show(json_t *root, const struct policy *pol, const struct state_sizes *state);

#endif
