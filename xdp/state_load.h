/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs of a test bed (state_bed.h), in the roles that they have in the product: that of a
 * port, and those that others call. */
#ifndef N64_STATE_LOAD_H
#define N64_STATE_LOAD_H

static inline bool bed_keeps(const char *map)
{
	return !strstr(map, ".rodata") && !programs_owns_map(map);
}

static inline void bed_sizes(struct nat64_bpf *s)
{
	const struct n64_state_conf *st = &bed_conf()->st;

	generation_size(s->obj, &bed.policy);
	bpf_map__set_max_entries(s->maps.bib6, 2 * st->bib6_lines);
	bpf_map__set_max_entries(s->maps.sessions, 2 * st->session_lines);
	bpf_map__set_max_entries(s->maps.subs, st->sub_lines);
	bpf_map__set_max_entries(s->maps.holds, st->hold_chunks);
	bpf_map__set_max_entries(s->maps.reach, (st->bib6_lines + 7) / 8 +
				 (st->session_lines + 7) / 8 + (st->sub_lines + 7) / 8);
	bpf_map__set_max_entries(s->maps.pool, st->pool_lines);
	bpf_map__set_max_entries(s->maps.dynamic, st->n_dynamic ? st->n_dynamic : 1);
}

/* Others than those of the mode. */
static inline bool bed_wants(const struct bpf_program *p)
{
#ifdef BED_MICRO
	return !strcmp(bpf_program__name(p), "n64_micro");
#else
	(void)p;
	return false;
#endif
}

/* The program of the ports. */
static inline struct bpf_program *bed_path(const struct nat64_bpf *s)
{
	return bed_conf()->opt.mode == MODE_DYNAMIC ? s->progs.n64_dynamic :
						      s->progs.n64_stateful;
}

/* And its long way. */
static inline struct bpf_program *bed_long(const struct nat64_bpf *s)
{
	return bed_conf()->opt.mode == MODE_DYNAMIC ? s->progs.n64_dynamic_long :
						      s->progs.n64_stateful_long;
}

/* And the short way of frames with tags. */
static inline struct bpf_program *bed_tagged(const struct nat64_bpf *s)
{
	return bed_conf()->opt.mode == MODE_DYNAMIC ? s->progs.n64_dynamic_tagged :
						      s->progs.n64_stateful_tagged;
}

/* Is it one of those that are loaded once for all devices, and called by theirs? */
static inline bool bed_calls(const struct nat64_bpf *s, const struct bpf_program *p)
{
	return p == bed_long(s) || (frame_tags && p == bed_tagged(s)) ||
	       (bed_conf()->opt.mode == MODE_STATEFUL && p == s->progs.n64_stateful_new) ||
	       (bed_conf()->n_stateless && p == s->progs.n64_stateful_entry);
}

/* Is it one that user space calls? */
static inline bool bed_asks(const struct nat64_bpf *s, const struct bpf_program *p)
{
	return p == s->progs.n64_state || p == s->progs.n64_query;
}

/* The programs of a role with the configuration written into them, not loaded yet. */
static inline struct nat64_bpf *bed_program(int kind)
{
	struct nat64_bpf *s = nat64_bpf__open();
	struct bpf_program *p;

	assert_non_null(s);
	memcpy((void *)&s->rodata->conf, bed_conf(), sizeof(struct n64_conf));
	tables_plain(&bed.policy, (struct n64_plain *)&s->rodata->plain);
	((struct n64_role *)&s->rodata->role)->kind = kind;
	((struct n64_role *)&s->rodata->role)->slot = kind == ROLE_XLAT ? N64_SLOT_XLAT :
						      kind == ROLE_PORT ? BED_SLOT : 0;
	bpf_object__for_each_program(p, s->obj)
		bpf_program__set_autoload(p, kind == ROLE_LONG ? bed_calls(s, p) :
							 p == bed_path(s) || bed_wants(p) ||
							 (kind == ROLE_PORT && bed_asks(s, p)));
	bed_sizes(s);
	return s;
}

/* Loads them, over the maps of `from` of which `keeps` says so. */
static inline struct nat64_bpf *bed_load_role(int kind, const struct nat64_bpf *from,
					      bool (*keeps)(const char *map))
{
	struct nat64_bpf *s = bed_program(kind);
	struct bpf_map *m;

	if (from)
		bpf_object__for_each_map(m, s->obj)
			if (keeps(bpf_map__name(m)))
				bpf_map__reuse_fd(m, bpf_object__find_map_fd_by_name(
							     from->obj, bpf_map__name(m)));
	if (nat64_bpf__load(s))
		fail_msg("the programs do not load");
	return s;
}

static inline bool bed_is_no_rodata(const char *map)
{
	return !strstr(map, ".rodata");
}

static inline void bed_way(__u32 way, const struct bpf_program *p)
{
	int fd = bpf_program__fd(p);

	if (bpf_map_update_elem(bpf_map__fd(bed.skel->maps.ways), &way, &fd, 0))
		fail_msg("map ways: %s", strerror(errno));
}

/* Puts new programs into force, over the maps that a reload keeps where there is an owner. */
static inline void bed_load(void)
{
	struct nat64_bpf *c;

	bed.skel = bed_load_role(ROLE_PORT, bed.owner, bed_keeps);
	bed.called = c = bed_load_role(ROLE_LONG, bed.skel, bed_is_no_rodata);
	bed_way(WAY_LONG, bed_long(c));
	if (bed_conf()->opt.mode == MODE_STATEFUL)
		bed_way(WAY_NEW, c->progs.n64_stateful_new);
	if (bed_conf()->n_stateless)
		bed_way(WAY_ENTRY, c->progs.n64_stateful_entry);
	if (frame_tags)
		bed_way(WAY_TAGGED, bed_tagged(c));
	warm.query = bpf_program__fd(bed.skel->progs.n64_query);
	warm.hops = bpf_map__fd(bed.skel->maps.hops);
	warm.cache = bpf_map__fd(bed.skel->maps.hopcache);
	warm.pairs = bpf_map__fd(bed.skel->maps.pairs);
}

#endif
