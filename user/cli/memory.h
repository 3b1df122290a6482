/* SPDX-License-Identifier: GPL-2.0-only */
/* What the maps of an instance take. */
#ifndef N64_MEMORY_H
#define N64_MEMORY_H

#include <jansson.h>
#include <stddef.h>

/* Adds the table "memory" with a row for each map, and "memory_mib", the sum;
 * n4 and n6 are the rows of the compiled policy. 0 or -errno. */
int memory_show(json_t *root, size_t n4, size_t n6);

#endif
