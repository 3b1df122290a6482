/* SPDX-License-Identifier: GPL-2.0-only */
/* What a measurement has to say: counts of a sink, and where the cores' time went. */
#ifndef N64_BENCH_REPORT_H
#define N64_BENCH_REPORT_H

#include <jansson.h>

#include "bench.skel.h"

#define CPUS_MAX 256

struct cpu_times {
	int cpus;
	struct {
		unsigned long long idle, softirq, steal, all;
	} of[CPUS_MAX];
};

void sum_counts(const struct bench_bpf *b, struct sink_count *sum);
json_t *sink_result(const struct bench_bpf *b);
int tell_program(const char *id);
void read_cpu_times(struct cpu_times *t);
json_t *cpu_shares(const struct cpu_times *before, const struct cpu_times *after);

#endif
