/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of mode stateful from user space: descriptors, reading, asking. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "map_read.h"
#include "pool.h"

#define BUSY_TRIES 1000

static int open_pin(const struct instance_paths *p, const char *name, int *fd)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", p->pin, name);
	*fd = bpf_obj_get(path);
	return *fd < 0 ? -errno : 0;
}

int pool_maps_open(struct pool_maps *m, const struct instance_paths *p)
{
	int rc;

	*m = (struct pool_maps){ -1, -1, -1, -1, -1, -1 };
	rc = open_pin(p, "bindings", &m->bindings);
	if (!rc)
		rc = open_pin(p, "rows", &m->rows);
	if (!rc)
		rc = open_pin(p, "blocks", &m->blocks);
	if (!rc)
		rc = open_pin(p, "slots", &m->slots);
	if (!rc)
		rc = open_pin(p, "state", &m->state);
	if (!rc)
		rc = open_pin(p, "prog_state", &m->call);
	if (rc)
		pool_maps_close(m);
	return rc;
}

void pool_maps_close(struct pool_maps *m)
{
	int *const fd[] = { &m->bindings, &m->rows, &m->blocks, &m->slots, &m->state, &m->call };
	size_t i;

	for (i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		if (*fd[i] >= 0)
			close(*fd[i]);
		*fd[i] = -1;
	}
}

/* Another CPU may be at the same entry: that does not last. */
int pool_call(int prog, struct n64_call *call)
{
	/* such a program answers in the memory of its context */
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = call, .ctx_size_in = sizeof(*call));
	const struct n64_call asked = *call;
	int tries;

	for (tries = 0; tries < BUSY_TRIES; tries++) {
		*call = asked;
		if (bpf_prog_test_run_opts(prog, &run))
			return -errno;
		if (call->reason != R_state_busy)
			break;
		sched_yield();
	}
	return 0;
}

/* An element of the inner map at `outer`[key]. */
static int read_inner(int outer, __u32 key, __u32 index, void *out)
{
	__u32 id;
	int fd, rc;

	if (bpf_map_lookup_elem(outer, &key, &id))
		return -errno;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	rc = bpf_map_lookup_elem(fd, &index, out) ? -errno : 0;
	close(fd);
	return rc;
}

int pool_row_read(const struct pool_maps *m, __u32 row, struct n64_row *out)
{
	return read_inner(m->rows, row, 0, out);
}

int pool_binding_read(const struct pool_maps *m, __u32 row, __u32 port,
		      struct n64_binding *out)
{
	return read_inner(m->bindings, row, port, out);
}

int pool_slots_read(const struct pool_maps *m, struct n64_slot slot[N64_MAX_SLOTS])
{
	return map_read(m->slots, 0, N64_MAX_SLOTS, slot);
}

int pool_state_read(const struct pool_maps *m, struct n64_state *out)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(m->state, &zero, out) ? -errno : 0;
}
