// SPDX-License-Identifier: GPL-2.0-only
/* Entries of the maps that belong to one generation of programs. */
#include "map_sizes.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "abi.h"
#include "hop.h"

static __u32 at_least_one(size_t n)
{
	return n ? (__u32)n : 1;
}

__u32 generation_entries(const char *map, const struct map_sizing *s)
{
	__u32 known = s->ncpu * N64_KNOWN_SLOTS;

	if (!strcmp(map, "pol4") || !strcmp(map, "pol4v"))
		return at_least_one(s->n4);
	if (!strcmp(map, "pol6") || !strcmp(map, "pol6v"))
		return at_least_one(s->n6);
	if (!strcmp(map, "known4"))
		return s->n4 ? known : 1;
	if (!strcmp(map, "known6"))
		return s->n6 ? known : 1;
	if (!strcmp(map, "hopcache"))
		return hop_entries(s->ncpu, s->hop_slots);
	return 0;
}

int generation_size(struct bpf_object *obj, const struct map_sizing *s)
{
	struct bpf_map *m;
	int rc = 0;

	bpf_object__for_each_map(m, obj) {
		__u32 n = generation_entries(bpf_map__name(m), s);

		if (n && !rc)
			rc = bpf_map__set_max_entries(m, n);
	}
	return rc;
}
