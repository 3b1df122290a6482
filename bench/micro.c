// SPDX-License-Identifier: GPL-2.0-only
/* Nanoseconds of each step of the fast path (mode stateful, an established UDP flow), by
 * BPF_PROG_TEST_RUN of a build that ends after a chosen step. What a step costs is the
 * difference to the one before; the last one writes the frame, counts and asks for the
 * redirect, and puts the head of the frame back for the next turn.
 *
 *	bench/micro [--json]
 *
 * In an emulated machine whose clock counts instructions (make bench-insns) the same
 * program prints instructions. */
#define _GNU_SOURCE
#define BED_PRODUCT
#define BED_MICRO
#include "../xdp/state_run.h"

#include "hop.h"
#include "micro_step.h"

#define TURNS 100000	/* of one run; less than a second, in which next hops hold */
#define ROUNDS 9
#define NEW_TURNS 65536
#define NEW_ROUNDS 3
#define HOST "2001:db8:1::10"
#define PEER "192.0.2.5"

static const char *const step_name[] = {"baseline", "parse", "policy", "lookup", "route", "write"};
#define STEPS (sizeof(step_name) / sizeof(step_name[0]))
static const char *const new_name[] = {"baseline", "short", "judge", "look", "route", "make",
				       "write"};
#define NEW_STEPS (sizeof(new_name) / sizeof(new_name[0]))

static struct nat64_bpf *micro;

/* The worker's beat: next hops hold for blocks. */
static void beat(void)
{
	struct n64_fib_query q = {.fam = FAM_NONE}, out;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = &q, .data_size_in = sizeof(q),
		    .data_out = &out, .data_size_out = sizeof(out));

	if (bpf_prog_test_run_opts(bpf_program__fd(micro->progs.n64_query), &o))
		fail_msg("n64_query: %s", strerror(errno));
}

static __u32 run_program(const struct bpf_program *program, const struct frame *f,
			 unsigned int turns, int want)
{
	__u32 in = ifindex_of(f->v6 ? "v6" : "v4");
	struct xdp_md ctx = {.data_end = f->len, .ingress_ifindex = in};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->bytes, .data_size_in = f->len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)turns);

	beat();
	if (bpf_prog_test_run_opts(bpf_program__fd(program), &o))
		fail_msg("test run: %s", strerror(errno));
	if ((int)o.retval != want)
		fail_msg("action %d instead of %d", (int)o.retval, want);
	return o.duration;
}

static int by_size(const void *a, const void *b)
{
	return *(const __u32 *)a < *(const __u32 *)b ? -1 : *(const __u32 *)a > *(const __u32 *)b;
}

static __u32 run(const struct frame *f, unsigned int turns, int want)
{
	return run_program(micro->progs.n64_micro, f, turns, want);
}

/* ns[steps][rounds] -> median[steps]. */
static void medians(__u32 *ns, __u32 steps, __u32 rounds, __u32 *median)
{
	for (__u32 s = 0; s < steps; s++, ns += rounds) {
		qsort(ns, rounds, sizeof(*ns), by_size);
		median[s] = ns[rounds / 2];
	}
}

/* Medians of a packet that makes a mapping: ports 1, 2, 3 ... of many hosts. */
static void measure_new(const struct frame *f, __u32 median[NEW_STEPS])
{
	__u32 ns[NEW_STEPS][NEW_ROUNDS];

	memcpy(micro->bss->micro_frame, f->bytes, sizeof(micro->bss->micro_frame));
	micro->bss->micro_len = f->len;
	micro->bss->micro_turn = 1;
	for (int r = 0; r < NEW_ROUNDS; r++) {
		for (__u32 s = 0; s < NEW_STEPS; s++) {
			micro->data->micro_stop = MICRO_NEW_NOTHING + s;
			ns[s][r] = run_program(micro->progs.n64_stateful, f, NEW_TURNS,
					       s + 1 < NEW_STEPS ? XDP_DROP : XDP_REDIRECT);
		}
	}
	medians(&ns[0][0], NEW_STEPS, NEW_ROUNDS, median);
}

/* Medians of rounds in which every step takes its turn. */
static void measure(const struct frame *f, __u32 median[STEPS])
{
	__u32 ns[STEPS][ROUNDS];

	memcpy(micro->bss->micro_frame, f->bytes, sizeof(micro->bss->micro_frame));
	micro->bss->micro_len = f->len;
	for (int r = 0; r < ROUNDS; r++) {
		for (__u32 s = 0; s < STEPS; s++) {
			micro->data->micro_stop = s;
			ns[s][r] = run(f, TURNS, s == 0 ? XDP_DROP
						 : s + 1 < STEPS ? -1 : XDP_REDIRECT);
		}
	}
	medians(&ns[0][0], STEPS, ROUNDS, median);
}

/* What was measured, as the differences of its steps. */
struct way {
	const char *title;
	const char *const *name;
	const __u32 *ns;
	__u32 steps;
};

static void print_text(const struct way *w)
{
	printf("%s\n  %-10s %6s %8s\n", w->title, "step", "ns", "so far");
	for (__u32 s = 1; s < w->steps; s++)
		printf("  %-10s %6d %8d\n", w->name[s], (int)(w->ns[s] - w->ns[s - 1]),
		       (int)(w->ns[s] - w->ns[0]));
}

static void print_json(const struct way *w, bool first)
{
	printf("%s{\"title\": \"%s\", \"steps\": [", first ? "[" : ",\n ", w->title);
	for (__u32 s = 1; s < w->steps; s++)
		printf("%s{\"name\": \"%s\", \"ns\": %d}", s > 1 ? ", " : "", w->name[s],
		       (int)(w->ns[s] - w->ns[s - 1]));
	printf("]}");
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	static struct frame six, four;
	__u32 ns6[STEPS], ns4[STEPS], ns_new[NEW_STEPS];
	const struct way ways[] = {
		{"stateful 6to4, established", step_name, ns6, STEPS},
		{"stateful 4to6, established", step_name, ns4, STEPS},
		{"stateful 6to4, new UDP mapping", new_name, ns_new, NEW_STEPS},
	};
	__u16 port;

	if (argc > 1 && !json) {
		fprintf(stderr, "usage: bench/micro [--json]\n");
		return 2;
	}
	if (!getenv("MICRO_LOG"))
		libbpf_set_print(NULL);
	stay_here();
	if (world_start(NULL)) {
		fprintf(stderr, "bench/micro: needs root, for a network namespace and BPF\n");
		return 1;
	}
	bed_open(OPTS("pref64=64:ff9b:1::/96"));
	micro = bed.skel;
	beat();
	port = out6(P_UDP, 0, HOST, 5000, PEER, 53); /* the mapping, and the next hops */
	from4(P_UDP, 0, PEER, 53, "203.0.113.8", port);
	frame_6(&six, P_UDP, 0, HOST, 5000, PEER, 53);
	frame_4(&four, P_UDP, 0, PEER, 53, "203.0.113.8", port);
	measure(&six, ns6);
	measure(&four, ns4);
	bed_close();
	bed_open(OPTS("pref64=64:ff9b:1::/96", "pool4=203.0.113.8/29", "urpf6=off",
		      "max-subscribers=131072"));
	micro = bed.skel;
	out6(P_UDP, 0, HOST, 5000, PEER, 53); /* the next hop */
	measure_new(&six, ns_new);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (json)
			print_json(&ways[i], i == 0);
		else
			print_text(&ways[i]);
	}
	if (json)
		puts("]");
	bed_close();
	return 0;
}
