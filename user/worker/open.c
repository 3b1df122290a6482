/* SPDX-License-Identifier: GPL-2.0-only */
/* What the worker opens as root and keeps: lock, maps, program, sockets. */
#include "worker/parts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "dataplane/journal.h"
#include "dataplane/place.h"
#include "dataplane/report.h"
#include "dynamic.h"

#define LOCK_TRIES 20
#define LOCK_WAIT_US 25000

/* ---- is this the place? -------------------------------------------------------- */

static int check_place(const char *name, struct config_error *err)
{
	struct state s;
	char hint[NETNS_HINT] = "another network namespace";
	__u64 here = netns_cookie(), there;
	int r = state_load(&s, name, err);

	if (r == -ENOENT)
		return report_error(err, r, "instance '%s' is not attached; attach it first "
				    "with 'xdp-nat64 attach --name %s'", name, name);
	if (r)
		return r;
	there = state_u64(&s, "netns");
	state_close(&s);
	if (!there || !here || there == here)
		return 0;
	netns_find(there, hint);
	return report_error(err, -EXDEV, "instance '%s' lives in another network namespace; "
			    "run the worker there: %s", name, hint);
}

static int take_lock(struct worker *w, struct config_error *err)
{
	char pid[32] = "?";
	ssize_t n;
	int i = 0;

	w->lock = open(w->path.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (w->lock < 0)
		return report_error(err, -errno, "cannot open %s: %s", w->path.lock,
				    strerror(errno));
	/* `status` looks at the lock for a moment; a worker holds it */
	while (flock(w->lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return report_error(err, -errno, "cannot lock %s: %s", w->path.lock,
					    strerror(errno));
		if (++i < LOCK_TRIES) {
			usleep(LOCK_WAIT_US);
			continue;
		}
		n = pread(w->lock, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? n : 0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		return report_error(err, -EBUSY, "another worker runs already (pid %s); one "
				    "instance has exactly one", pid);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", getpid());
	if (ftruncate(w->lock, 0) || pwrite(w->lock, pid, n, 0) != n)
		return report_error(err, -errno, "cannot write %s: %s", w->path.lock,
				    strerror(errno));
	return 0;
}

/* ---- maps ---------------------------------------------------------------------- */

static int open_pin(const struct worker *w, const char *name, int *fd,
		    struct config_error *err)
{
	char path[sizeof(w->path.pin) + 32];

	snprintf(path, sizeof(path), "%s/%s", w->path.pin, name);
	*fd = bpf_obj_get(path);
	if (*fd < 0)
		return report_error(err, -errno, "cannot open %s: %s; bpffs may be hidden "
				    "here, or the instance is not attached", path,
				    strerror(errno));
	return 0;
}

static int map_memory(const struct worker *w, const char *name, size_t size, void **at,
		      struct config_error *err)
{
	int fd, r = open_pin(w, name, &fd, err);

	if (r)
		return r;
	*at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*at == MAP_FAILED) {
		*at = NULL;
		r = report_error(err, -errno, "cannot map '%s' into memory: %s", name,
				 strerror(errno));
	}
	close(fd);
	return r;
}

#define COUNT_BYTES (N_REASONS * sizeof(struct n64_count))

static int open_maps(struct worker *w, struct topo_maps *maps, struct config_error *err)
{
	int r = map_memory(w, "control", sizeof(*w->control), (void **)&w->control, err);

	if (!r && w->control->abi != N64_ABI)
		r = report_error(err, -EPROTO, "the programs of instance '%s' are of another "
				 "version (%u, not %u); run 'xdp-nat64 reload' or start "
				 "their own worker", strrchr(w->path.pin, '/') + 1,
				 w->control->abi, N64_ABI);
	if (!r)
		r = map_memory(w, "wcounters", COUNT_BYTES, (void **)&w->world.count, err);
	if (!r)
		r = map_memory(w, "hops", sizeof(*w->hops), (void **)&w->hops, err);
	if (!r)
		r = open_pin(w, "ports", &maps->ports, err);
	if (!r)
		r = open_pin(w, "egress", &maps->egress, err);
	if (!r)
		r = open_pin(w, "vlans", &maps->vlans, err);
	if (!r)
		r = open_pin(w, "local", &maps->local, err);
	if (!r)
		r = open_pin(w, "xskmap", &w->xskmap, err);
	if (!r)
		r = open_pin(w, "prog_query", &w->world.query_fd, err);
	return r;
}

/* ---- sockets ------------------------------------------------------------------- */

static int open_sockets(struct worker *w, struct config_error *err)
{
	const struct n64_conf *c = &w->world.policy.conf;
	bool sg = c->have & HAVE_XSK_SG;
	__u32 buffers = queue_buffers(c->xsk_queues);
	/* kernels account buffers to the user and not to a control group */
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &all);
	w->queue = calloc(c->xsk_queues, sizeof(*w->queue));
	if (!w->queue)
		return report_error(err, -ENOMEM, "not enough memory for %u queues",
				    c->xsk_queues);
	for (__u32 i = 0; i < c->xsk_queues; i++) {
		int r = queue_open(&w->queue[i], w->path.xlat, i, buffers, sg);

		if (r)
			return report_error(err, r, "cannot open AF_XDP sockets on queue %u "
					    "of %s: %s", i, w->path.xlat, strerror(-r));
		w->n_queues = i + 1;
	}
	if (sg && !w->queue[0].sg)
		log_line(LOG_WARNING, "this kernel's AF_XDP takes one buffer per frame; longer "
			 "frames are lost until the next 'xdp-nat64 reload'");
	return 0;
}

static int plug_sockets(struct worker *w, struct config_error *err)
{
	for (__u32 i = 0; i < w->n_queues * N_RINGS; i++) {
		int fd = xsk_socket__fd(w->queue[i / N_RINGS].xsk[i % N_RINGS]);

		if (bpf_map_update_elem(w->xskmap, &i, &fd, BPF_ANY))
			return report_error(err, -errno, "cannot put socket %u into xskmap: %s",
					    i, strerror(errno));
	}
	return 0;
}

void worker_unplug(struct worker *w)
{
	for (__u32 i = 0; i < w->n_queues * N_RINGS; i++)
		bpf_map_delete_elem(w->xskmap, &i);
}

/* ---- policy ---------------------------------------------------------------------- */

static void reload_state(struct worker *w)
{
	int r = mapstate_renew(&w->state);

	if (r)
		log_line(LOG_WARNING, "cannot open the new program for mappings (%s); mappings "
			 "that need the worker follow the old policy until it is started again",
			 strerror(-r));
	if (worker_is_stateful(w))
		fragments_reload(w);
}

void worker_reload(struct worker *w, bool asked)
{
	/* before the file is read: a change meanwhile is seen the next time */
	__u64 gen = __atomic_load_n(&w->control->policy_gen, __ATOMIC_ACQUIRE);
	struct policy fresh = { 0 };
	int r = policy_load(&fresh, w->path.policy);

	w->world.view.links_stale = w->world.view.rules_stale = true;
	if (!r && fresh.conf.abi != N64_ABI)
		r = -EPROTO;
	if (r) {
		policy_free(&fresh);
		if (asked || gen != w->refused_gen)
			log_line(LOG_ERR, "cannot read %s (%s); the policy in force stays",
				 w->path.policy, strerror(-r));
		w->refused_gen = gen;
		return;
	}
	w->policy_gen = gen;
	policy_free(&w->world.policy);
	w->world.policy = fresh;
	world_share_pool(&w->world);
	if (worker_has_state(w))
		reload_state(w);
	route_cache_flush(&w->world.cache);
	log_line(LOG_INFO, "policy %llu is in force", (unsigned long long)gen);
}

/* ---- mode stateful --------------------------------------------------------------------- */

bool worker_is_stateful(const struct worker *w)
{
	return w->world.policy.conf.opt.mode == MODE_STATEFUL;
}

bool worker_has_state(const struct worker *w)
{
	return conf_has_state(&w->world.policy.conf);
}

static int open_state(struct worker *w, struct config_error *err)
{
	const struct n64_conf *c = &w->world.policy.conf;
	int r;

	if (!worker_has_state(w))
		return 0;
	r = mapstate_open(&w->state, &w->path, c, err);
	if (r)
		return r;
	sweep_open(w);
	if (!worker_is_stateful(w)) /* every fragment is translated by itself (FRG-01) */
		return 0;
	if (syn_store_open(&w->syns, c->key) || fragments_open(w))
		return report_error(err, -ENOMEM, "not enough memory for %u MiB of fragments",
				    c->opt.frag_bytes >> 20);
	syn_tick(w);
	return 0;
}

/* ---- counters -------------------------------------------------------------------- */

static int count_on(struct worker *w, struct config_error *err)
{
	int fd, r = open_pin(w, "counters", &fd, err);

	if (r)
		return r;
	r = worker_resume(w, fd);
	close(fd);
	return r ? report_error(err, r, "cannot read the counters of instance '%s': %s",
				strrchr(w->path.pin, '/') + 1, strerror(-r)) : 0;
}

/* ---- all of it --------------------------------------------------------------------- */

int worker_open(struct worker *w, const char *name, struct config_error *err)
{
	struct topo_maps maps = { -1, -1, -1, -1 };
	int r;

	instance_paths(name, &w->path);
	w->lock = w->xskmap = w->world.query_fd = -1;
	r = check_place(name, err);
	if (!r)
		r = take_lock(w, err);
	if (!r)
		r = open_maps(w, &maps, err);
	if (r)
		return r;
	w->policy_gen = __atomic_load_n(&w->control->policy_gen, __ATOMIC_ACQUIRE);
	r = policy_load(&w->world.policy, w->path.policy);
	if (r)
		return report_error(err, r, "cannot read %s: %s; run 'xdp-nat64 reload'",
				    w->path.policy, strerror(-r));
	w->scratch = aligned_alloc(64, (SLOW_SCRATCH + 63) / 64 * 64);
	if (!w->scratch || world_init_ids(&w->world))
		return report_error(err, -ENOMEM, "not enough memory or randomness");
	r = view_open(&w->world.view, &maps, w->hops);
	if (r)
		return report_error(err, r, "cannot read links and addresses: %s",
				    strerror(-r));
	world_share_pool(&w->world);
	packets_init(w);
	r = open_state(w, err);
	if (!r)
		r = count_on(w, err);
	if (!r)
		r = open_sockets(w, err);
	return r ? r : plug_sockets(w, err);
}

void worker_close(struct worker *w)
{
	if (w->world.count)
		fragments_close(w);
	if (w->syns.ring)
		syn_store_close(&w->syns);
	drain_end(&w->drain);
	mapstate_close(&w->state);
	for (__u32 i = 0; i < w->n_queues; i++)
		queue_close(&w->queue[i]);
	free(w->queue);
	free(w->scratch);
	if (w->world.view.events)
		view_close(&w->world.view);
	policy_free(&w->world.policy);
	if (w->world.count)
		munmap(w->world.count, COUNT_BYTES);
	if (w->hops)
		munmap(w->hops, sizeof(*w->hops));
	if (w->control)
		munmap(w->control, sizeof(*w->control));
	if (w->lock >= 0)
		close(w->lock);
}
