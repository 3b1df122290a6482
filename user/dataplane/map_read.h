/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading array maps. */
#ifndef N64_MAP_READ_H
#define N64_MAP_READ_H

#include "types.h"

/* The values with the indexes `from` to `from` + `n` - 1, one behind the other as a look-up writes
 * them (per-CPU maps: those of all possible CPUs), by one call of the kernel and not one for each:
 * `status` asks for 5,000. 0, -ENOENT where the map ends before, or -errno. */
int map_read(int fd, __u32 from, __u32 n, void *out);

#endif
