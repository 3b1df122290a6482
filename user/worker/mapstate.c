/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps and program of mode stateful. */
#define _GNU_SOURCE
#include "worker/mapstate.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/report.h"

static size_t session_bytes(const struct mapstate *s)
{
	return s->n_sessions * sizeof(struct n64_session);
}

static int map_pin(const struct instance_paths *p, const char *name, size_t size, int prot,
		   void **at, struct config_error *err)
{
	char path[sizeof(p->pin) + 32];
	int fd, rc = 0;
	void *m;

	snprintf(path, sizeof(path), "%s/%s", p->pin, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return report_error(err, -errno, "cannot open %s: %s; the instance may be "
				    "attached in another mode", path, strerror(errno));
	m = mmap(NULL, size, prot, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		rc = report_error(err, -errno, "cannot map '%s' into memory: %s", name,
				  strerror(errno));
	else
		*at = m;
	close(fd);
	return rc;
}

/* Newer programs are pinned while we have no privileges any more: the folder is kept
 * open, whoever knows it may pass, and reload gives the pin of n64_state to our user, as
 * it does with policy.bin. */
static int open_folder(struct mapstate *s, const struct instance_paths *p,
		       struct config_error *err)
{
	s->folder = open(p->pin, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0 || chmod(p->pin, 0711))
		return report_error(err, -errno, "cannot open %s: %s", p->pin, strerror(errno));
	return 0;
}

int mapstate_open(struct mapstate *s, const struct instance_paths *p,
		  const struct n64_conf *conf, struct config_error *err)
{
	int rc;

	*s = (struct mapstate){ .open = true, .folder = -1 };
	rc = pool_maps_open(&s->maps, p);
	if (rc)
		return report_error(err, rc, "cannot open the mapping state in %s: %s; run "
				    "'xdp-nat64 detach', then 'attach'", p->pin, strerror(-rc));
	s->n_sessions = conf->st.session_lines * 2;
	s->n_subs = conf->st.sub_lines;
	rc = open_folder(s, p, err);
	if (!rc)
		rc = map_pin(p, "slots", N64_MAX_SLOTS * sizeof(*s->slots), PROT_READ,
			     (void **)&s->slots, err);
	if (!rc)
		rc = map_pin(p, "sessions", session_bytes(s), PROT_READ,
			     (void **)&s->sessions, err);
	if (!rc)
		rc = map_pin(p, "state", sizeof(*s->shared), PROT_READ | PROT_WRITE,
			     (void **)&s->shared, err);
	return rc;
}

int mapstate_renew(struct mapstate *s)
{
	char path[64];
	int fd;

	/* not by name: the folders above are root's alone */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/prog_state", s->folder);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	close(s->maps.call);
	s->maps.call = fd;
	return 0;
}

void mapstate_close(struct mapstate *s)
{
	if (!s->open)
		return;
	if (s->slots)
		munmap((void *)(unsigned long)s->slots, N64_MAX_SLOTS * sizeof(*s->slots));
	if (s->sessions)
		munmap((void *)(unsigned long)s->sessions, session_bytes(s));
	if (s->shared)
		munmap(s->shared, sizeof(*s->shared));
	if (s->folder >= 0)
		close(s->folder);
	pool_maps_close(&s->maps);
	s->open = false;
}

int mapstate_ask(const struct mapstate *s, struct n64_call *call)
{
	return s->open ? pool_call(s->maps.call, call) : -ENXIO;
}
