/* SPDX-License-Identifier: GPL-2.0-only */
/* The two kinds of ends of a measurement. */
#ifndef N64_BENCH_LOAD_H
#define N64_BENCH_LOAD_H

#include <jansson.h>
#include <linux/types.h>
#include <pthread.h>

#include "bench.h"
#include "bench.skel.h"

#define FRAME_MAX 1536

struct sending {
	struct bench_bpf *b;
	json_t *spec;
	pthread_t thread;
	__u8 frame[FRAME_MAX];
	__u32 bytes, batch, packets;
	int cpu, perf, perf_error, started, paced;
	volatile int done;
	int rc;
	double seconds, waited;
	__u64 insns;
};

struct sinking {
	struct bench_bpf *b;
};

/* The sink of a specification is attached when this returns. */
int load_sink(struct sinking *s, json_t *spec);
int load_source(struct sending *s, json_t *spec);

#endif
