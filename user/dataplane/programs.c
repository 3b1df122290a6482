/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading: one object per device, since rodata says which device it is, all over
 * the same maps. */
#include "programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dynamic.h"
#include "map_sizes.h"
#include "nat64.skel.h"

/* The last complaint of libbpf, for the one sentence. */
static char last_words[200];

static int keep_last_words(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[sizeof(last_words)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	/* The verifier's log comes last and is long; its first line will do. */
	if (!strncmp(line, "libbpf: ", 8))
		snprintf(last_words, sizeof(last_words), "%s", line + 8);
	return 0;
}

bool programs_owns_map(const char *name)
{
	static const char *const own[] = {
		"pol4", "pol6", "pol4v", "pol6v", "known4", "known6",
		"pool", "dynamic", "calls", "hopcache", "pairs", "crowds", "hoprooms", "ways",
		"whence",
	};
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (!strcmp(name, own[i]))
			return true;
	}
	return false;
}

/* ---- maps --------------------------------------------------------------- */

static int check_layout(const struct bpf_map *map, int fd, struct config_error *err)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return report_error(err, -errno, "cannot look at the pinned map %s: %s",
				    bpf_map__name(map), strerror(errno));
	if (info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	    info.value_size == bpf_map__value_size(map) &&
	    info.max_entries == bpf_map__max_entries(map))
		return 0;
	return report_error(err, -EPROTO,
			    "the pinned map %s has another layout than this program (version %d) "
			    "knows; nothing was changed; use: xdp-nat64 detach, then attach",
			    bpf_map__name(map), N64_ABI);
}

static int check_abi(int fd, struct config_error *err)
{
	struct n64_control c = { 0 };
	__u32 zero = 0;

	if (!bpf_map_lookup_elem(fd, &zero, &c) && c.abi == N64_ABI)
		return 0;
	return report_error(err, -EPROTO,
			    "the running instance has layout %u, this program has %d; nothing was "
			    "changed; use: xdp-nat64 detach, then attach",
			    c.abi, N64_ABI);
}

static int reuse_pinned(struct bpf_object *obj, const struct instance_paths *p,
			struct config_error *err)
{
	struct bpf_map *map;
	char path[256];
	int fd, rc;

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__is_internal(map) || programs_owns_map(bpf_map__name(map)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", p->pin, bpf_map__name(map));
		fd = bpf_obj_get(path);
		if (fd < 0)
			return report_error(err, -errno,
					    "the pinned map %s cannot be opened (%s); use: "
					    "xdp-nat64 detach, then attach",
					    path, strerror(errno));
		rc = strcmp(bpf_map__name(map), "control") ? 0 : check_abi(fd, err);
		if (!rc)
			rc = check_layout(map, fd, err);
		if (!rc && bpf_map__reuse_fd(map, fd))
			rc = report_error(err, -errno, "cannot use the pinned map %s: %s", path,
					  strerror(errno));
		close(fd);
		if (rc)
			return rc;
	}
	return 0;
}

static int reuse_base(struct bpf_object *obj, const struct bpf_object *base)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		const struct bpf_map *from;

		if (bpf_map__is_internal(map))
			continue;
		from = bpf_object__find_map_by_name(base, bpf_map__name(map));
		if (!from || bpf_map__reuse_fd(map, bpf_map__fd(from)))
			return -errno;
	}
	return 0;
}

/* `name`: NULL stands for none. */
static void only_programs(struct bpf_object *obj, const char *const *name, int n)
{
	struct bpf_program *prog;
	bool wanted;
	int i;

	bpf_object__for_each_program(prog, obj) {
		for (i = 0, wanted = false; i < n; i++)
			wanted |= name[i] && !strcmp(bpf_program__name(prog), name[i]);
		bpf_program__set_autoload(prog, wanted);
	}
}

/* By mode: the program of ports and nat64x, and the long way that they have in common. */
static const char *const device_program[] = { "n64_port", "n64_stateful", "n64_dynamic" };
static const char *const long_program[] = { "n64_port_long", "n64_stateful_long",
					    "n64_dynamic_long" };
/* Mode stateful: what makes a mapping; the short way of stateless entries. */
static const char new_program[] = "n64_stateful_new";
static const char entry_program[] = "n64_stateful_entry";
/* Where VLAN devices stand on ports: the short way of frames with tags. */
static const char *const tagged_program[] = { "n64_port_tagged", "n64_stateful_tagged",
					      "n64_dynamic_tagged" };

int programs_map(const struct programs *g, const char *name)
{
	return bpf_object__find_map_fd_by_name(g->base->obj, name);
}

struct map_size {
	struct bpf_map *map;
	__u32 n;
};

static int set_sizes(const struct map_size *v, size_t n)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && !rc; i++)
		rc = bpf_map__set_max_entries(v[i].map, v[i].n ? v[i].n : 1);
	return rc;
}

/* The maps of mode stateful: their size is that of the configuration, for the life of
 * the instance; in the other modes they take nothing. */
static int size_state(struct nat64_bpf *skel, const struct n64_conf *conf)
{
	const struct n64_state_conf *st = &conf->st;
	const struct map_size full[] = {
		{ skel->maps.bib6, 2 * st->bib6_lines },
		{ skel->maps.sessions, 2 * st->session_lines },
		{ skel->maps.subs, st->sub_lines },
		{ skel->maps.holds, st->hold_chunks },
		{ skel->maps.reach, (st->bib6_lines + 7) / 8 + (st->session_lines + 7) / 8 +
					    (st->sub_lines + 7) / 8 },
		{ skel->maps.pool, st->pool_lines },
		{ skel->maps.dynamic, st->n_dynamic },
	};
	const struct map_size none[] = {
		{ skel->maps.bindings, 1 },
		{ skel->maps.rows, 1 },
		{ skel->maps.blocks, 1 },
		{ skel->maps.slots, 1 },
	};

	return conf_has_state(conf) ? set_sizes(full, sizeof(full) / sizeof(full[0])) :
				      set_sizes(none, sizeof(none) / sizeof(none[0]));
}

static int open_base(struct programs *g, const struct policy *pol, struct config_error *err)
{
	const char *const used[] = { "n64_query", long_program[pol->conf.opt.mode],
				     conf_has_state(&pol->conf) ? "n64_state" : NULL,
				     pol->conf.opt.mode == MODE_STATEFUL ? new_program : NULL,
				     pol->conf.n_stateless ? entry_program : NULL,
				     pol->conf.have & HAVE_VLAN
					     ? tagged_program[pol->conf.opt.mode] : NULL };
	unsigned int i;
	int rc;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < N64_SLOTS; i++)
		g->prog[i] = -1;
	g->query = g->state = g->ways = -1;
	last_words[0] = '\0';
	libbpf_set_print(keep_last_words);
	g->base = nat64_bpf__open();
	if (!g->base)
		return report_error(err, -errno, "cannot open the programs: %s", strerror(errno));
	memcpy((void *)&g->base->rodata->conf, &pol->conf, sizeof(pol->conf));
	tables_plain(pol, (struct n64_plain *)&g->base->rodata->plain);
	((struct n64_role *)&g->base->rodata->role)->kind = ROLE_LONG;
	only_programs(g->base->obj, used, sizeof(used) / sizeof(used[0]));
	rc = generation_size(g->base->obj, pol);
	if (!rc)
		rc = size_state(g->base, &pol->conf);
	return rc ? report_error(err, rc, "cannot size the maps: %s", strerror(-rc)) : 0;
}

/* What the kernel could not give, with the number where it is a matter of memory. */
static int refuse_load(int rc, const struct n64_conf *conf, struct config_error *err)
{
	const struct n64_state_conf *st = &conf->st;
	__u64 bytes = (__u64)st->bib6_lines * 2 * sizeof(struct n64_bib6) +
		      (__u64)st->session_lines * 2 * sizeof(struct n64_session) +
		      (__u64)st->sub_lines * sizeof(struct n64_subscriber) +
		      (__u64)st->hold_chunks * sizeof(struct n64_hold);

	/* -E2BIG of a map that cannot be made, and not of the verifier */
	if (conf_has_state(conf) &&
	    (rc == -ENOMEM || (rc == -E2BIG && strstr(last_words, "create map"))))
		return report_error(err, rc,
				    "the kernel has no memory for the tables of mappings, "
				    "which need %llu MiB without the pool addresses; use a smaller "
				    "pool4, or lower max-tcp-mappings, max-udp-mappings, "
				    "max-icmp-mappings, max-sessions or max-subscribers",
				    (unsigned long long)(bytes >> 20));
	return report_error(err, rc, "the kernel did not take the maps and programs: %s%s%s",
			    strerror(-rc), last_words[0] ? ": " : "", last_words);
}

/* A program that is loaded once into its place. */
static int put_way(const struct programs *g, __u32 way, const char *name,
		   struct config_error *err)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(g->base->obj, name));

	if (bpf_map_update_elem(g->ways, &way, &fd, BPF_ANY))
		return report_error(err, -errno, "cannot put %s into map ways: %s", name,
				    strerror(errno));
	return 0;
}

static int put_ways(const struct programs *g, const struct n64_conf *conf,
		    struct config_error *err)
{
	int rc = put_way(g, WAY_LONG, long_program[conf->opt.mode], err);

	if (!rc && conf->opt.mode == MODE_STATEFUL)
		rc = put_way(g, WAY_NEW, new_program, err);
	if (!rc && conf->n_stateless)
		rc = put_way(g, WAY_ENTRY, entry_program, err);
	if (!rc && conf->have & HAVE_VLAN)
		rc = put_way(g, WAY_TAGGED, tagged_program[conf->opt.mode], err);
	return rc;
}

static int fill_generation(struct programs *g, const struct policy *pol,
			   struct config_error *err)
{
	const struct policy_maps maps = {
		.pol4 = programs_map(g, "pol4"), .pol6 = programs_map(g, "pol6"),
		.pol4v = programs_map(g, "pol4v"), .pol6v = programs_map(g, "pol6v"),
	};
	int rc = tables_fill_policy(&maps, pol);

	if (rc)
		return report_error(err, rc, "cannot fill the policy maps (%zu and %zu rows): %s",
				    pol->n4, pol->n6, strerror(-rc));
	if (conf_has_state(&pol->conf))
		rc = tables_fill_pool(programs_map(g, "pool"), programs_map(g, "dynamic"), pol);
	return rc ? report_error(err, rc, "cannot fill the maps of pool4: %s", strerror(-rc)) : 0;
}

int programs_open(struct programs *g, const struct policy *pol, const struct instance_paths *p,
		  bool pinned, struct config_error *err)
{
	int rc = open_base(g, pol, err);

	if (!rc && pinned)
		rc = reuse_pinned(g->base->obj, p, err);
	if (!rc) {
		rc = nat64_bpf__load(g->base);
		if (rc)
			refuse_load(rc, &pol->conf, err);
	}
	if (!rc) {
		g->query = bpf_program__fd(g->base->progs.n64_query);
		g->ways = programs_map(g, "ways");
		if (conf_has_state(&pol->conf))
			g->state = bpf_program__fd(g->base->progs.n64_state);
		rc = fill_generation(g, pol, err);
	}
	if (!rc)
		rc = put_ways(g, &pol->conf, err);
	if (rc)
		programs_close(g);
	return rc;
}

/* ---- programs ----------------------------------------------------------- */

static int load_role(struct programs *g, const struct policy *pol, __u32 kind, __u32 slot)
{
	const char *name = kind == ROLE_EXIT ? "n64_exit" : device_program[pol->conf.opt.mode];
	const char *const used[] = { name, NULL };
	struct nat64_bpf *skel = nat64_bpf__open();
	struct bpf_program *prog;
	int rc;

	if (!skel)
		return -errno;
	memcpy((void *)&skel->rodata->conf, &pol->conf, sizeof(pol->conf));
	tables_plain(pol, (struct n64_plain *)&skel->rodata->plain);
	memcpy((void *)&skel->rodata->role, &(struct n64_role){ kind, slot },
	       sizeof(struct n64_role));
	only_programs(skel->obj, used, sizeof(used) / sizeof(used[0]));
	rc = reuse_base(skel->obj, g->base->obj);
	if (!rc)
		rc = nat64_bpf__load(skel);
	if (!rc) {
		prog = bpf_object__find_program_by_name(skel->obj, name);
		g->prog[slot] = fcntl(bpf_program__fd(prog), F_DUPFD_CLOEXEC, 3);
		rc = g->prog[slot] < 0 ? -errno : 0;
	}
	nat64_bpf__destroy(skel);
	return rc;
}

int programs_load(struct programs *g, const struct policy *pol, const struct ports *ports,
		  struct config_error *err)
{
	int rc = load_role(g, pol, ROLE_XLAT, N64_SLOT_XLAT);
	__u32 i;

	if (!rc)
		rc = load_role(g, pol, ROLE_EXIT, N64_SLOT_EXIT);
	for (i = 0; i < ports->n && !rc; i++)
		rc = load_role(g, pol, ROLE_PORT, i);
	if (rc)
		return report_error(err, rc, "the kernel did not take the program: %s%s%s",
				    strerror(-rc), last_words[0] ? ": " : "", last_words);
	return 0;
}

void programs_close(struct programs *g)
{
	unsigned int i;

	for (i = 0; i < N64_SLOTS; i++) {
		if (g->prog[i] >= 0)
			close(g->prog[i]);
		g->prog[i] = -1;
	}
	nat64_bpf__destroy(g->base);
	g->base = NULL;
}
