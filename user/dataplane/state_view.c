/* SPDX-License-Identifier: GPL-2.0-only */
/* Opening the maps of an instance for reading, and asking its program n64_state. */
#include "state_view.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/policy.h"
#include "dynamic.h"
#include "journal.h"
#include "place.h"
#include "pool.h"

/* ---- maps in memory -------------------------------------------------------------- */

/* An array map with BPF_F_MMAPABLE; the memory stays when `fd` is closed. */
static int map_memory(int fd, size_t value_size, struct state_map *m)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes;
	void *mem;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.value_size % value_size)
		return -EPROTO; /* of another layout */
	bytes = (size_t)info.max_entries * ((info.value_size + 7) & ~7u);
	bytes = (bytes + page - 1) & ~(page - 1);
	mem = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	m->mem = mem;
	m->bytes = bytes;
	m->n = info.max_entries * (info.value_size / (__u32)value_size);
	return 0;
}

/* The array behind one entry of an outer map, -ENOENT: none. */
static int inner_memory(int outer, __u32 key, size_t value_size, struct state_map *m)
{
	__u32 id = 0;
	int fd, rc;

	if (bpf_map_lookup_elem(outer, &key, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	rc = map_memory(fd, value_size, m);
	close(fd);
	return rc;
}

static void unmap(struct state_map *m)
{
	if (m->bytes)
		munmap((void *)m->mem, m->bytes);
	memset(m, 0, sizeof(*m));
}

const struct n64_binding *state_row(struct state_view *v, __u32 row)
{
	struct state_map *m = &v->row[row];

	if (!m->mem && v->bindings >= 0 &&
	    inner_memory(v->bindings, row, sizeof(struct n64_binding), m))
		return NULL;
	return m->n == N64_ROW_PORTS ? m->mem : NULL;
}

bool state_row_is_empty(const struct state_view *v, __u32 row)
{
	struct state_map m = { 0 };
	bool empty;

	if (v->rows < 0 || inner_memory(v->rows, row, sizeof(struct n64_row), &m))
		return false;
	empty = !__atomic_load_n(&((const struct n64_row *)m.mem)->used, __ATOMIC_RELAXED);
	unmap(&m);
	return empty;
}

int state_host_free(const struct state_view *v, __be32 addr4, bool *may)
{
	int slot = state_slot(v, addr4, ST_HOST), rc;
	__u32 low = host32(addr4) & HOST_LOW;
	struct state_map m = { 0 };

	*may = false;
	if (slot < 0)
		return 0;
	rc = inner_memory(v->rows, row_of((__u32)slot, ST_HOST), sizeof(struct n64_row), &m);
	if (!rc)
		*may = ((const struct n64_row *)m.mem)->allowed[low / 64] >> low % 64 & 1;
	unmap(&m);
	return rc;
}

/* ---- asking ------------------------------------------------------------------------ */

int state_ask(const struct state_view *v, struct n64_call *call)
{
	return pool_call(v->prog, call);
}

static int ask_end(const struct state_view *v, struct n64_call *call)
{
	int rc = state_ask(v, call);

	return rc ? rc : call->n != 0;
}

int state_mapping_end(const struct state_view *v, const struct mapping_info *m)
{
	struct n64_call call = { .op = CALL_DEL, .binding = m->binding, .ctl = m->ctl };

	return ask_end(v, &call);
}

int state_session_end(const struct state_view *v, const struct session_info *s)
{
	struct n64_call call = { .op = CALL_SESSION_DEL, .session = s->place, .ctl = s->ctl };

	return ask_end(v, &call);
}

/* ---- opening ----------------------------------------------------------------------- */

static int open_pin(const struct instance_paths *p, const char *name, int *fd,
		    struct config_error *err)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", p->pin, name);
	*fd = bpf_obj_get(path);
	if (*fd >= 0)
		return 0;
	return report_error(err, -errno, "cannot open %s: %s", path, strerror(errno));
}

static int open_map(const struct instance_paths *p, const char *name, size_t value_size,
		    struct state_map *m, struct config_error *err)
{
	int fd, rc = open_pin(p, name, &fd, err);

	if (rc)
		return rc;
	rc = map_memory(fd, value_size, m);
	close(fd);
	if (rc)
		report_error(err, rc, "cannot read the map %s/%s: %s", p->pin, name,
			     strerror(-rc));
	return rc;
}

static int open_maps(struct state_view *v, const struct instance_paths *p,
		     struct config_error *err)
{
	int rc = open_pin(p, "prog_state", &v->prog, err);

	if (!rc)
		rc = open_pin(p, "bindings", &v->bindings, err);
	if (!rc)
		rc = open_pin(p, "rows", &v->rows, err);
	if (!rc)
		rc = open_map(p, "slots", sizeof(struct n64_slot), &v->slots, err);
	if (!rc)
		rc = open_map(p, "bib6", sizeof(struct n64_bib6), &v->bib6, err);
	if (!rc)
		rc = open_map(p, "sessions", sizeof(struct n64_session), &v->sessions, err);
	return rc;
}

static int read_conf(struct state_view *v, const struct instance_paths *p,
		     struct config_error *err)
{
	struct policy pol;
	int rc = policy_load(&pol, p->policy);

	if (rc)
		return report_error(err, rc, "cannot read %s: %s; use: xdp-nat64 reload", p->policy,
				    strerror(-rc));
	v->conf = pol.conf;
	policy_free(&pol);
	return 0;
}

static int read_clock(struct state_view *v, struct config_error *err)
{
	struct n64_call call = { .op = CALL_NOW };
	int rc = state_ask(v, &call);

	v->now = call.now;
	return rc ? report_error(err, rc, "the program n64_state does not answer: %s",
				 strerror(-rc)) : 0;
}

static int open_instance(struct state_view *v, const char *name, struct config_error *err)
{
	struct state s;
	int rc = state_load(&s, name, err);

	if (rc)
		return rc;
	if (!strcmp(state_str(&s, "mode"), "siit"))
		rc = report_error(err, -ENOTSUP, "instance '%s' is in mode %s, which keeps no "
				  "mappings and sessions: every packet is translated by itself",
				  name, state_str(&s, "mode"));
	if (!rc)
		rc = read_conf(v, &s.path, err);
	if (!rc)
		rc = open_maps(v, &s.path, err);
	if (!rc)
		rc = read_clock(v, err);
	state_close(&s);
	return rc;
}

int state_view_open(struct state_view **out, const char *name, char chosen[N64_NAME_MAX + 1],
		    struct config_error *err)
{
	struct state_view *v = calloc(1, sizeof(*v));
	int rc;

	*out = v;
	if (!v)
		return report_error(err, -ENOMEM, "not enough memory");
	v->prog = v->bindings = v->rows = -1;
	rc = place_choose(name, chosen, err);
	if (!rc)
		rc = bpffs_check(NULL, err);
	return rc ? rc : open_instance(v, chosen, err);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void state_view_close(struct state_view *v)
{
	if (!v)
		return;
	for (__u32 i = 0; i < N64_MAX_ROWS; i++)
		unmap(&v->row[i]);
	unmap(&v->slots);
	unmap(&v->bib6);
	unmap(&v->sessions);
	close_fd(v->prog);
	close_fd(v->bindings);
	close_fd(v->rows);
	free(v);
}
