/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of the maps that belong to one generation of programs. */
#ifndef N64_MAP_SIZES_H
#define N64_MAP_SIZES_H

#include <stddef.h>

#include "config/policy.h"
#include "types.h"

/* What decides. */
struct map_sizing {
	size_t n4, n6;		/* rows of the compiled lists */
	__u32 ncpu;		/* possible CPUs */
	__u32 hop_slots;	/* of struct n64_conf */
	bool pairs;		/* pairs of addresses are remembered: not in mode stateful */
};

struct map_sizing map_sizing_of(const struct policy *pol);

/* Entries that the map of that name needs. False: it is not one of these. */
bool generation_entries(const char *map, const struct map_sizing *s, __u32 *n);

struct bpf_object;
/* Sets them all in an object that is not loaded yet, to one at least. 0 or -errno. */
int generation_size(struct bpf_object *obj, const struct policy *pol);

#endif
