/* SPDX-License-Identifier: GPL-2.0-only */
/* The folder of an instance in the BPF file system. */
#ifndef N64_PINS_H
#define N64_PINS_H

#include "report.h"

/* Removes the folder and all that is pinned in it; links are removed first, so
 * that no program runs over maps that lose their names. */
void pins_remove(const char *folder, say_fn say);

/* Calls `fn` with each pinned name that begins with `prefix` and an open
 * descriptor, which the walk closes. */
void pins_walk(const char *folder, const char *prefix,
	       void (*fn)(const char *name, int fd, void *ctx), void *ctx);

#endif
