// SPDX-License-Identifier: GPL-2.0-only
/* Counts, rates and latencies of the sinks, shares of the cores and sizes of programs,
 * as JSON. */
#include <linux/types.h>

#include "bench.h"
#include "report.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const causes[BAD_CAUSES] = {
	[BAD_LENGTH] = "length",   [BAD_FAMILY] = "family",	[BAD_ADDRESS] = "address",
	[BAD_PORT] = "port",	   [BAD_HEADER] = "header",	[BAD_PAYLOAD] = "payload",
	[BAD_MAPPING] = "mapping", [BAD_CHECKSUM] = "checksum",
};

/* The counts of every CPU; to be freed. */
static struct sink_count *counts_of(const struct bench_bpf *b, int *cpus)
{
	struct sink_count *c;
	__u32 zero = 0;

	*cpus = libbpf_num_possible_cpus();
	c = calloc((size_t)*cpus, sizeof(*c));
	if (c && bpf_map_lookup_elem(bpf_map__fd(b->maps.counts), &zero, c))
		memset(c, 0, (size_t)*cpus * sizeof(*c));
	return c;
}

static void add(struct sink_count *sum, const struct sink_count *one)
{
	sum->good += one->good;
	for (int i = 0; i < BAD_CAUSES; i++)
		sum->bad[i] += one->bad[i];
	sum->seen += one->seen - one->bad[CHATTER];
	sum->looked_up += one->looked_up;
	sum->summed += one->summed;
}

void sum_counts(const struct bench_bpf *b, struct sink_count *sum)
{
	int cpus;
	struct sink_count *c = counts_of(b, &cpus);

	memset(sum, 0, sizeof(*sum));
	for (int i = 0; c && i < cpus; i++)
		add(sum, &c[i]);
	free(c);
}

/* Frames per second between the first and the last sample of each CPU; 0 if there are
 * too few. */
static double rate_of(const struct sink_count *c, int cpus, __u32 every)
{
	double rate = 0;

	for (int i = 0; i < cpus; i++)
		if (c[i].n_last >= c[i].n_first + 8ull * every && c[i].t_first)
			rate += (double)(c[i].n_last - c[i].n_first) * 1e9 /
				(double)(c[i].t_last - c[i].t_first);
	return rate;
}

/* [[nanoseconds, frames], ...]; the upper edge of each bucket. */
static json_t *latency_of(const struct bench_bpf *b, int cpus)
{
	__u64 *n = calloc((size_t)cpus, sizeof(*n));
	json_t *list = json_array();

	for (__u32 i = 0; n && i < BUCKETS; i++) {
		__u32 shift = i < 2 * SUBS ? 0 : i / SUBS - 1;
		__u64 edge = (__u64)(i - shift * SUBS + 1) << shift, sum = 0;

		if (bpf_map_lookup_elem(bpf_map__fd(b->maps.latency), &i, n))
			break;
		for (int cpu = 0; cpu < cpus; cpu++)
			sum += n[cpu];
		if (sum)
			json_array_append_new(
				list, json_pack("[I, I]", (json_int_t)edge, (json_int_t)sum));
	}
	free(n);
	return list;
}

json_t *sink_result(const struct bench_bpf *b)
{
	int cpus;
	struct sink_count *c = counts_of(b, &cpus), sum = { 0 };
	json_t *bad = json_object(), *result;

	for (int i = 0; c && i < cpus; i++)
		add(&sum, &c[i]);
	for (int i = 0; i < BAD_CAUSES; i++)
		if (sum.bad[i])
			json_object_set_new(bad, causes[i], json_integer((json_int_t)sum.bad[i]));
	result = json_pack("{s:I, s:o, s:I, s:I, s:I, s:f}", "good", (json_int_t)sum.good, "bad",
			   bad, "seen", (json_int_t)sum.seen, "looked_up",
			   (json_int_t)sum.looked_up, "summed", (json_int_t)sum.summed, "rate",
			   c ? rate_of(c, cpus, b->rodata->to.time_every) : 0.0);
	if (b->rodata->to.off_time)
		json_object_set_new(result, "latency", latency_of(b, cpus));
	free(c);
	return result;
}

/* Sizes of a loaded program, which do not wobble with the machine. */
int tell_program(const char *word)
{
	int fd = bpf_prog_get_fd_by_id((__u32)strtoul(word, NULL, 10));
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return 1;
	printf("{\"verified_insns\": %u, \"xlated_len\": %u, \"jited_len\": %u}\n",
	       info.verified_insns, info.xlated_prog_len, info.jited_prog_len);
	return 0;
}

void read_cpu_times(struct cpu_times *t)
{
	unsigned long long v[8];
	char line[512];
	FILE *f = fopen("/proc/stat", "re");
	int cpu;

	memset(t, 0, sizeof(*t));
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, v, v + 1,
			   v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 9 ||
		    cpu < 0 || cpu >= CPUS_MAX)
			continue;
		t->cpus = cpu + 1;
		t->of[cpu].idle = v[3] + v[4];
		t->of[cpu].softirq = v[6];
		t->of[cpu].steal = v[7];
		for (int i = 0; i < 8; i++)
			t->of[cpu].all += v[i];
	}
	if (f)
		fclose(f);
}

/* [{busy, softirq, steal}] of each CPU, shares of 1. */
json_t *cpu_shares(const struct cpu_times *before, const struct cpu_times *after)
{
	json_t *list = json_array();

	for (int i = 0; i < after->cpus; i++) {
		double all = (double)(after->of[i].all - before->of[i].all);
		double idle = (double)(after->of[i].idle - before->of[i].idle);
		double softirq = (double)(after->of[i].softirq - before->of[i].softirq);

		double steal = (double)(after->of[i].steal - before->of[i].steal);

		json_array_append_new(list, json_pack("{s:f, s:f, s:f}", "busy",
						      all > 0 ? 1 - idle / all : 0.0, "softirq",
						      all > 0 ? softirq / all : 0.0, "steal",
						      all > 0 ? steal / all : 0.0));
	}
	return list;
}
