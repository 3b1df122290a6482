// SPDX-License-Identifier: GPL-2.0-only
/* Entries of the maps that belong to one generation of programs. */
#include "map_sizes.h"

#include <bpf/libbpf.h>
#include <string.h>

#include "abi.h"
#include "hop.h"

struct map_sizing map_sizing_of(const struct policy *pol)
{
	return (struct map_sizing){
		.n4 = pol->n4,
		.n6 = pol->n6,
		.ncpu = pol->conf.ncpu,
		.hop_slots = pol->conf.hop_slots,
		.pairs = pol->conf.opt.mode != MODE_STATEFUL,
	};
}

bool generation_entries(const char *map, const struct map_sizing *s, __u32 *n)
{
	__u32 known = s->ncpu * N64_KNOWN_SLOTS;

	if (!strcmp(map, "pol4") || !strcmp(map, "pol4v"))
		*n = (__u32)s->n4;
	else if (!strcmp(map, "pol6") || !strcmp(map, "pol6v"))
		*n = (__u32)s->n6;
	else if (!strcmp(map, "known4"))
		*n = s->n4 ? known : 0;
	else if (!strcmp(map, "known6"))
		*n = s->n6 ? known : 0;
	else if (!strcmp(map, "hopcache"))
		*n = hop_pairs(s->ncpu, s->hop_slots);
	else if (!strcmp(map, "pairs"))
		*n = s->pairs ? s->ncpu * hop_near(s->hop_slots) : 0;
	else
		return false;
	return true;
}

int generation_size(struct bpf_object *obj, const struct policy *pol)
{
	const struct map_sizing s = map_sizing_of(pol);
	struct bpf_map *m;
	int rc = 0;
	__u32 n;

	bpf_object__for_each_map(m, obj) {
		if (!rc && generation_entries(bpf_map__name(m), &s, &n))
			rc = bpf_map__set_max_entries(m, n ? n : 1);
	}
	return rc;
}
