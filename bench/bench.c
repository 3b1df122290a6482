/* SPDX-License-Identifier: GPL-2.0-only */
/* The benchmark's hands, one word each, run inside a network namespace:
 *	bench sink DEV              every frame that arrives is dropped
 *	bench redirect DEV DEV      each hands its frames to the other
 *	bench source DEV HEX MS CPU sends the frame as fast as one core can
 * Frames are made by BPF_PROG_TEST_RUN with live frames (kernel 5.18): they take
 * the driver's path as if received and redirected, in the softirq of this core,
 * which then also runs the program under test and the sink. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.skel.h"

#define FRAME_MAX 128
#define REPEAT (1 << 17) /* frames of one call; each call costs some ms of its own */
#define BATCH 64

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

static int fail(const char *what, int rc)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(rc < 0 ? -rc : errno));
	return 1;
}

static int attach(const struct bpf_program *prog, __u32 ifindex, const char *dev)
{
	int rc = bpf_xdp_attach((int)ifindex, bpf_program__fd(prog), XDP_FLAGS_DRV_MODE, NULL);

	return rc ? fail(dev, rc) : 0;
}

static int run_sink(struct bench_bpf *b, const char *dev)
{
	return attach(b->progs.sink, if_nametoindex(dev), dev);
}

static int run_redirect(struct bench_bpf *b, const char *one, const char *two)
{
	__u32 index[2] = { if_nametoindex(one), if_nametoindex(two) };
	int i, rc, map = bpf_map__fd(b->maps.devices);

	for (i = 0; i < 2; i++) {
		struct bpf_devmap_val out = { .ifindex = index[!i] };

		rc = bpf_map_update_elem(map, &index[i], &out, BPF_ANY);
		if (rc)
			return fail("devmap", rc);
	}
	return attach(b->progs.redirect, index[0], one) || attach(b->progs.redirect, index[1], two);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_source(const struct bench_bpf *b, const __u8 *frame, __u32 len, double seconds)
{
	struct xdp_md ctx = { .data_end = len };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = len, .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = REPEAT, .batch_size = BATCH,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	unsigned long long sent = 0;
	double begin = now(), took;
	int rc;

	do {
		rc = bpf_prog_test_run_opts(bpf_program__fd(b->progs.source), &o);
		if (rc)
			return fail("BPF_PROG_TEST_RUN with live frames", rc);
		sent += REPEAT;
		took = now() - begin;
	} while (took < seconds);
	printf("%llu %.9f\n", sent, took);
	return 0;
}

static int from_hex(const char *hex, __u8 *frame, __u32 *len)
{
	unsigned int byte;
	__u32 n;

	for (n = 0; hex[2 * n]; n++) {
		if (n == FRAME_MAX || sscanf(hex + (size_t)n * 2, "%2x", &byte) != 1)
			return -EINVAL;
		frame[n] = (__u8)byte;
	}
	*len = n;
	return n >= 60 && n % 4 == 0 ? 0 : -EINVAL;
}

static int pin_to_cpu(const char *word)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(word), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv)
{
	__u8 frame[FRAME_MAX] = { 0 };
	struct bench_bpf *b;
	__u32 len = 0;
	int rc = 2;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	b = bench_bpf__open();
	if (!b)
		return fail("the BPF object", -errno);
	if (argc == 6 && !strcmp(argv[1], "source")) {
		if (from_hex(argv[3], frame, &len))
			return fail("the frame", -EINVAL);
		memcpy((void *)(unsigned long)b->rodata->frame, frame, sizeof(frame));
		*(__u32 *)(unsigned long)&b->rodata->out_ifindex = if_nametoindex(argv[2]);
		if (pin_to_cpu(argv[5]))
			return fail("the CPU", -errno);
	}
	if (bench_bpf__load(b))
		return fail("loading the programs", -errno);
	if (argc == 3 && !strcmp(argv[1], "sink"))
		rc = run_sink(b, argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "redirect"))
		rc = run_redirect(b, argv[2], argv[3]);
	else if (argc == 6 && !strcmp(argv[1], "source"))
		rc = run_source(b, frame, len, atof(argv[4]) / 1000);
	else
		fprintf(stderr,
			"usage: bench sink DEV | redirect DEV DEV | source DEV HEX MS CPU\n");
	bench_bpf__destroy(b);
	return rc;
}
