// SPDX-License-Identifier: GPL-2.0-only
/* One measurement. Frames are made by BPF_PROG_TEST_RUN with live frames (kernel 5.18):
 * they take the driver's path as if received and redirected, in the softirq of the
 * source's core, which then also runs the program under test and the sink. */
#define _GNU_SOURCE
#include "measure.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "bench.skel.h"
#include "load.h"
#include "report.h"

#define ENDS_MAX 64
#define FOREVER	 (1u << 30)

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

struct run {
	struct sending from[ENDS_MAX];
	struct sinking to[ENDS_MAX];
	size_t sources, sinks;
	pthread_barrier_t start;
};

static volatile int stop;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- sending ------------------------------------------------------------------------- */

static void open_counter(struct sending *s)
{
	struct perf_event_attr a = { .type = PERF_TYPE_HARDWARE,
				     .size = sizeof(a),
				     .config = PERF_COUNT_HW_INSTRUCTIONS };

	s->perf = (int)syscall(SYS_perf_event_open, &a, -1, s->cpu, -1, 0);
	s->perf_error = s->perf < 0 ? errno : 0;
}

static int send_frames(struct sending *s)
{
	struct xdp_md ctx = { .data_end = s->bytes };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = s->frame, .data_size_in = s->bytes,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .batch_size = s->batch,
		    .repeat = (int)(s->packets && !s->paced ? s->packets : FOREVER),
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int rc;

	do
		rc = bpf_prog_test_run_opts(bpf_program__fd(s->b->progs.source), &o);
	while (!rc && (s->paced || !s->packets) && !stop);
	return rc == -EINTR ? 0 : rc;
}

/* Seconds that this thread was ready to run and did not: other work on its core. */
static double waited(void)
{
	unsigned long long ran, ready = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "re");

	if (f && fscanf(f, "%llu %llu", &ran, &ready) != 2)
		ready = 0;
	if (f)
		fclose(f);
	return (double)ready / 1e9;
}

static void *sender(void *arg)
{
	struct run *r = ((void **)arg)[0];
	struct sending *s = ((void **)arg)[1];
	double begin;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(s->cpu, &set);
	s->rc = sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
	setpriority(PRIO_PROCESS, (id_t)gettid(), -20); /* this thread; others wait */
	if (!s->rc && enter(text_of(s->spec, "netns")))
		s->rc = -EINVAL;
	open_counter(s);
	pthread_barrier_wait(&r->start);
	s->waited = -waited();
	begin = now();
	if (!s->rc)
		s->rc = send_frames(s);
	s->seconds = now() - begin;
	s->waited += waited();
	if (s->perf >= 0) {
		if (read(s->perf, &s->insns, sizeof(s->insns)) != sizeof(s->insns))
			s->perf_error = EIO;
		close(s->perf);
	}
	s->done = 1;
	return NULL;
}

/* A signal ends BPF_PROG_TEST_RUN; one that comes just before it is lost, so that it
 * is repeated. */
static void stop_senders(struct run *r)
{
	int running = 1;

	stop = 1;
	while (running) {
		running = 0;
		for (size_t i = 0; i < r->sources; i++) {
			if (!r->from[i].started || r->from[i].done)
				continue;
			running = 1;
			pthread_kill(r->from[i].thread, SIGUSR1);
		}
		wait_ms(2);
	}
}

static __u64 seen(const struct run *r)
{
	__u64 sum = 0;

	for (size_t i = 0; i < r->sinks; i++) {
		struct sink_count c;

		sum_counts(r->to[i].b, &c);
		sum += c.seen;
	}
	return sum;
}

/* The last frames are still on their way when the source returns. */
static void wait_quiet(const struct run *r)
{
	__u64 last = seen(r), was = ~0ull;
	int same = 0;

	for (int i = 0; i < 200 && same < 2; i++) {
		was = last;
		wait_ms(5);
		last = seen(r);
		same = last == was ? same + 1 : 0;
	}
}

/* Has every paced source sent what it was to send? Others end by themselves. */
static int all_sent(const struct run *r)
{
	for (size_t i = 0; i < r->sources; i++)
		if (r->from[i].paced && r->from[i].packets && !r->from[i].rc &&
		    r->from[i].b->bss->sent < r->from[i].packets)
			return 0;
	return 1;
}

static int send_all(struct run *r, long ms)
{
	void *arg[ENDS_MAX][2];
	double end;

	if (pthread_barrier_init(&r->start, NULL, (unsigned int)r->sources + 1))
		return fail("starting", "the sources", -errno);
	for (size_t i = 0; i < r->sources; i++) {
		arg[i][0] = r;
		arg[i][1] = &r->from[i];
		if (pthread_create(&r->from[i].thread, NULL, sender, arg[i]))
			return fail("starting", "the sources", -EAGAIN);
		r->from[i].started = 1;
	}
	pthread_barrier_wait(&r->start);
	for (end = now() + (double)ms / 1000; now() < end;)
		wait_ms(ms < 20 ? 1 : 5);
	while (!all_sent(r))
		wait_ms(1);
	if (ms || r->from[0].paced)
		stop_senders(r);
	for (size_t i = 0; i < r->sources; i++)
		pthread_join(r->from[i].thread, NULL);
	wait_quiet(r);
	for (size_t i = 0; i < r->sources; i++)
		if (r->from[i].rc)
			return fail("BPF_PROG_TEST_RUN with live frames (kernel 5.18 and later) on",
				    text_of(r->from[i].spec, "dev"), r->from[i].rc);
	return 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

static void nothing(int sig)
{
	(void)sig;
}

/* Frames per second that left the source; 0 if they were too few to tell. */
static double offered(const struct bench_bpf *b)
{
	if (b->bss->n_last <= b->bss->n_first)
		return 0;
	return (double)(b->bss->n_last - b->bss->n_first) * 1e9 /
	       (double)(b->bss->t_last - b->bss->t_first);
}

static json_t *told(const struct run *r, json_t *cpus)
{
	json_t *sources = json_array(), *sinks = json_array();

	for (size_t i = 0; i < r->sources; i++) {
		const struct sending *s = &r->from[i];
		json_t *one = json_pack(
			"{s:I, s:f, s:f, s:f, s:i}", "sent", (json_int_t)s->b->bss->sent, "seconds",
			s->seconds, "waited", s->waited, "offered", offered(s->b), "cpu", s->cpu);

		json_object_set_new(one, "insns",
				    s->perf_error ? json_null()
						  : json_integer((json_int_t)s->insns));
		if (s->perf_error)
			json_object_set_new(one, "no_insns", json_string(strerror(s->perf_error)));
		json_array_append_new(sources, one);
	}
	for (size_t i = 0; i < r->sinks; i++)
		json_array_append_new(sinks, sink_result(r->to[i].b));
	return json_pack("{s:o, s:o, s:o}", "sources", sources, "sinks", sinks, "cpus", cpus);
}

json_t *measure(json_t *spec)
{
	json_t *sinks = json_object_get(spec, "sinks"), *one, *result = NULL;
	json_t *sources = json_object_get(spec, "sources");
	struct sigaction action = { .sa_handler = nothing };
	struct run *r = calloc(1, sizeof(*r));
	struct cpu_times before, after;
	size_t i;

	if (!r || json_array_size(sinks) > ENDS_MAX || json_array_size(sources) > ENDS_MAX) {
		fail("the measurement", "has too many ends", -E2BIG);
		free(r);
		return NULL;
	}
	json_array_foreach(sinks, i, one)
	{
		r->sinks = i + 1;
		if (load_sink(&r->to[i], one))
			goto out;
	}
	json_array_foreach(sources, i, one)
	{
		r->sources = i + 1;
		if (load_source(&r->from[i], one))
			goto out;
	}
	sigaction(SIGUSR1, &action, NULL);
	read_cpu_times(&before);
	if (send_all(r, (long)number_of(spec, "ms")))
		goto out;
	read_cpu_times(&after);
	result = told(r, cpu_shares(&before, &after));
out:
	for (i = 0; i < r->sinks; i++)
		bench_bpf__destroy(r->to[i].b);
	for (i = 0; i < r->sources; i++)
		bench_bpf__destroy(r->from[i].b);
	free(r);
	return result;
}
