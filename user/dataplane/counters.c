/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the pinned counter maps. */
#include "counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "map_read.h"

/* Longer than a beat, after which the worker has told what its rings dropped. */
#define SETTLE_MS 20
#define SETTLE_TRIES 60

static const struct {
	const char *name, *text;
} reasons[N_REASONS] = {
	[R_GO_ON] = { "none", "no reason was given (a fault of the program)" },
#define REASON(name, kind, class, text, rule) [R_##name] = { #name, text },
#include "reason.def"
#undef REASON
};

const char *reason_name(enum reason r)
{
	return (unsigned int)r < N_REASONS ? reasons[r].name : "?";
}

const char *reason_text(enum reason r)
{
	return (unsigned int)r < N_REASONS ? reasons[r].text : "?";
}

const char *reason_kind_name(enum reason_kind k)
{
	static const char *const names[] = {
		[KIND_PASS] = "pass", [KIND_FWD] = "forward", [KIND_SLOW] = "to_worker",
		[KIND_DROP] = "drop", [KIND_ERROR] = "error", [KIND_NOTE] = "note",
	};

	return names[k];
}

static int open_pin(const struct state *s, const char *map)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", s->path.pin, map);
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static void add_up(struct stage *s)
{
	unsigned int r;

	for (r = 0; r < N_REASONS; r++) {
		if (reason_kind((enum reason)r) == KIND_NOTE)
			continue;
		s->in.packets += s->by[r].packets;
		s->in.bytes += s->by[r].bytes;
	}
}

static struct stage *stage_add(struct counters *c, enum stage_kind kind, const char *name)
{
	struct stage *s = &c->v[c->n++];

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

/* `cpu`: room for all reasons of all CPUs. */
static int read_slot(int fd, __u32 slot, int ncpu, struct n64_count *cpu, struct stage *s)
{
	int rc = map_read(fd, slot * N_REASONS, N_REASONS, cpu);
	__u32 r;
	int i;

	if (rc)
		return rc;
	for (r = 0; r < N_REASONS; r++) {
		for (i = 0; i < ncpu; i++, cpu++) {
			s->by[r].packets += cpu->packets;
			s->by[r].bytes += cpu->bytes;
		}
	}
	add_up(s);
	return 0;
}

static int read_programs(const struct state *s, const struct ports *p, struct counters *c)
{
	int ncpu = libbpf_num_possible_cpus(), fd = open_pin(s, "counters"), rc = 0;
	struct n64_count *cpu;
	__u32 i;

	if (fd < 0)
		return fd;
	cpu = calloc((size_t)(ncpu > 0 ? ncpu : 1) * N_REASONS, sizeof(*cpu));
	if (!cpu || ncpu <= 0)
		rc = -ENOMEM;
	for (i = 0; i < p->n && !rc; i++)
		rc = read_slot(fd, i, ncpu, cpu, stage_add(c, STAGE_PORT, p->v[i].name));
	if (!rc)
		rc = read_slot(fd, N64_SLOT_XLAT, ncpu, cpu,
			       stage_add(c, STAGE_XLAT, s->path.xlat));
	if (!rc)
		rc = read_slot(fd, N64_SLOT_EXIT, ncpu, cpu,
			       stage_add(c, STAGE_EXIT, s->path.kernel));
	free(cpu);
	close(fd);
	return rc;
}

static int read_worker(const struct state *s, struct counters *c)
{
	struct stage *w = stage_add(c, STAGE_WORKER, "worker");
	int fd = open_pin(s, "wcounters"), rc;

	if (fd < 0)
		return fd;
	rc = map_read(fd, 0, N_REASONS, w->by);
	close(fd);
	add_up(w);
	return rc;
}

int counters_read(const struct state *s, const struct ports *p, struct counters *c)
{
	struct stage worker;
	__u32 zero = 0;
	int rc, fd;

	memset(c, 0, sizeof(*c));
	/* Downstream first: what is on its way counts as handed over, never as
	 * received before it was sent. */
	rc = read_worker(s, c);
	worker = c->v[--c->n];
	if (rc)
		return rc;
	fd = open_pin(s, "control");
	if (fd < 0)
		return fd;
	rc = bpf_map_lookup_elem(fd, &zero, &c->control) ? -errno : 0;
	close(fd);
	if (!rc)
		rc = read_programs(s, p, c);
	c->v[c->n++] = worker;
	return rc;
}

__u64 stage_kind_sum(const struct stage *s, enum reason_kind kind)
{
	__u64 sum = 0;
	unsigned int r;

	for (r = 0; r < N_REASONS; r++) {
		if (reason_kind((enum reason)r) == kind)
			sum += s->by[r].packets;
	}
	return sum;
}

__u64 counters_total(const struct counters *c, enum reason r)
{
	__u64 sum = 0;
	__u32 i;

	for (i = 0; i < c->n; i++)
		sum += c->v[i].by[r].packets;
	return sum;
}

void counters_handover(const struct counters *c, struct handover *h)
{
	__u32 i;

	memset(h, 0, sizeof(*h));
	for (i = 0; i < c->n; i++) {
		const struct stage *s = &c->v[i];

		if (s->kind == STAGE_WORKER) {
			h->worker_in = s->in.packets;
			continue;
		}
		h->handed_over += stage_kind_sum(s, KIND_SLOW);
		if (s->kind == STAGE_XLAT)
			h->overflow = s->by[R_sp_overflow].packets;
	}
	h->ring_drops = c->control.xsk_rx_dropped;
	h->received = c->control.xsk_rx_received;
	h->held = c->control.held;
	h->worker_in += h->held;
	h->missing = (long long)(h->handed_over - h->ring_drops - h->received);
	/* On nat64x overflow holds packets of both kinds: handed over before, and
	 * its own, which never counted as handed over. */
	h->holds = h->missing >= 0 && (__u64)h->missing <= h->overflow &&
		   h->worker_in == h->received;
}

bool handover_arrived(const struct handover *first, const struct handover *now)
{
	return now->missing >= 0 && now->worker_in <= now->handed_over &&
	       now->received > first->received && now->worker_in >= first->received &&
	       now->received + now->ring_drops + now->overflow >= first->handed_over;
}

int counters_settle(const struct state *s, const struct ports *p, struct counters *c,
		    struct handover *h)
{
	const struct timespec tick = { .tv_nsec = SETTLE_MS * 1000000 };
	struct handover first;
	int i, rc = counters_read(s, p, c);

	counters_handover(c, h);
	first = *h;
	for (i = 0; i < SETTLE_TRIES && !rc && !h->holds; i++) {
		nanosleep(&tick, NULL);
		rc = counters_read(s, p, c);
		counters_handover(c, h);
		if (h->holds || !handover_arrived(&first, h))
			continue;
		h->holds = true;
		if ((__u64)h->missing > h->overflow)
			h->in_flight += (__u64)h->missing - h->overflow;
		if (h->received > h->worker_in)
			h->in_flight += h->received - h->worker_in;
	}
	return rc;
}
