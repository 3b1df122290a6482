/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of the maps, before they exist: sizes from the program that is built
 * in, the kernel's overhead per entry as it is on 64-bit machines. */
#include "memory.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "abi.h"
#include "dataplane/map_sizes.h"
#include "hop.h"
#include "nat64.skel.h"
#include "output/output.h"

/* Kernel structures: bucket of a hash (16) and head of its element (48), node of
 * a trie (40) and the allocator's rounding. */
#define HASH_BUCKET 16
#define HASH_ELEM 48
#define TRIE_NODE 40

static size_t round8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static size_t power_of_two(size_t n)
{
	size_t p = 8;

	while (p < n)
		p *= 2;
	return p;
}

static size_t map_bytes(const struct bpf_map *m, size_t n, int cpus)
{
	size_t key = bpf_map__key_size(m), value = bpf_map__value_size(m);

	switch (bpf_map__type(m)) {
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return n * (8 + round8(value) * (size_t)cpus);
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return power_of_two(n) * HASH_BUCKET +
		       n * (HASH_ELEM + round8(key) + round8(value));
	case BPF_MAP_TYPE_LPM_TRIE:
		/* up to n - 1 nodes in between hold no value */
		return n * (power_of_two(TRIE_NODE + key - 4 + value) +
			    power_of_two(TRIE_NODE + key - 4));
	default:
		return n * round8(value);
	}
}

/* Entries of a map of mode stateful that the configuration decides; `n` of any other. */
static size_t state_entries(const struct nat64_bpf *skel, const struct bpf_map *m, size_t n,
			    const struct state_sizes *s)
{
	if (m == skel->maps.bib6)
		return (size_t)s->bib6_lines * 2;
	if (m == skel->maps.sessions)
		return (size_t)s->session_lines * 2;
	if (m == skel->maps.subs)
		return s->sub_lines;
	if (m == skel->maps.holds)
		return s->hold_chunks;
	if (m == skel->maps.reach)
		return s->reach_words;
	if (m == skel->maps.pool)
		return s->pool_lines;
	if (m == skel->maps.dynamic)
		return s->addresses;
	return n;
}

/* What lies behind an entry of an array of maps. */
static size_t inner_bytes(const struct nat64_bpf *skel, const struct bpf_map *m,
			  const struct state_sizes *s)
{
	if (m == skel->maps.bindings)
		return s->binding_bytes;
	if (m == skel->maps.rows)
		return s->row_bytes;
	return m == skel->maps.blocks ? s->block_bytes : 0;
}

int memory_show(json_t *root, const struct policy *pol, const struct state_sizes *state)
{
	struct nat64_bpf *skel = nat64_bpf__open();
	int cpus = libbpf_num_possible_cpus();
	__u32 ncpu = cpus > 0 ? (__u32)cpus : 1, rows;
	struct map_sizing size = map_sizing_of(pol);
	size_t total = 0;
	struct bpf_map *m;
	json_t *t;

	if (!skel)
		return errno ? -errno : -EINVAL;
	size.ncpu = ncpu;
	size.hop_slots = hop_slots_for(ncpu);
	out_real(root, "memory_mib", 0); /* its place, before the table */
	t = out_table(root, "memory");
	bpf_object__for_each_map(m, skel->obj) {
		const char *name = bpf_map__name(m);
		size_t n = bpf_map__max_entries(m), bytes;
		json_t *r;

		if (bpf_map__is_internal(m))
			continue;
		if (generation_entries(name, &size, &rows))
			n = rows;
		if (state)
			n = state_entries(skel, m, n, state);
		bytes = map_bytes(m, n, (int)ncpu);
		if (state)
			bytes += inner_bytes(skel, m, state);
		total += bytes;
		r = out_row(t);
		out_str(r, "map", "%s", name);
		out_int(r, "entries", (long long)n);
		out_real(r, "mib", (double)bytes / (1 << 20));
	}
	out_real(root, "memory_mib", (double)total / (1 << 20));
	nat64_bpf__destroy(skel);
	return 0;
}
