/* SPDX-License-Identifier: GPL-2.0-only */
/* A million mappings through the loaded program: made, found, expired by the clock,
 * reclaimed, and made again. Prints what each costs; that depends on the machine, so only
 * the counts are asserted. */
#define _GNU_SOURCE
#include "state_audit.h"
#include "stream.h"

#define HOSTS 1000
#define PORTS 1000
#define MILLION (HOSTS * PORTS)

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec;
}

/* Checksums are not made anew: nobody looks at them (VAL-05). */
static void open_stream(struct stream_run *r, const struct frame *f, struct stream how)
{
	how.hosts = HOSTS;
	stream_open(r, bpf_program__fd(bed.skel->progs.n64_stateful),
		    bpf_map__fd(bed.owner->maps.test_clock), f, how);
}

/* A million mappings, in an order that no cache likes. */
#define SHUFFLED {.stride = 7919, .all = MILLION, .port = 2000}

/* All mappings once. */
static void run_all(const char *what, const struct frame *f)
{
	__u64 before[N_REASONS], after[N_REASONS];
	struct stream_run r;
	__u32 action, ns;

	bed_counters(before, BED_SLOT);
	open_stream(&r, f, (struct stream)SHUFFLED);
	action = stream_next(&r, ifindex_of("v6"), MILLION, &ns);
	stream_close(&r);
	bed_counters(after, BED_SLOT);
	if (action != XDP_REDIRECT || after[R_fwd_6to4] - before[R_fwd_6to4] != MILLION)
		fail_msg("%s: %llu of %u packets left, the last with action %u", what,
			 (unsigned long long)(after[R_fwd_6to4] - before[R_fwd_6to4]), MILLION,
			 action);
	print_message("%-24s %5u ns a packet\n", what, ns);
}

/* What a run takes that has nothing to do. */
static void print_empty(const struct frame *f)
{
	struct frame g = *f;
	struct stream_run r;
	__u32 ns;

	g.bytes[0] = 2;
	g.bytes[ETH_LEN + 24] = 0x3f; /* another destination than pref64 */
	open_stream(&r, &g, (struct stream)SHUFFLED);
	assert_int_equal(stream_next(&r, ifindex_of("v6"), 100000, &ns), XDP_PASS);
	stream_close(&r);
	print_message("%-24s %5u ns a packet\n", "not ours, to compare", ns);
}

static __u32 sweep_rows(void)
{
	__u32 swept = 0;

	for (__u32 row = 0; row < BED_ROWS; row++) {
		if (!bed.row[row].binding)
			continue;
		for (__u32 port = 0; port < N64_ROW_PORTS; port += 256) {
			struct n64_call q = {.op = CALL_SWEEP, .row = row, .n = 256,
					     .port4 = (__be16)port};

			bed_call(&q);
			swept += q.n;
		}
	}
	return swept;
}

static void test_million(void **state)
{
	static struct frame f;
	struct config_error err;
	struct state_sizes s;
	__u64 begin;
	__u32 swept;

	(void)state;
	bed_open(OPTS("pool4={prefix: 203.0.113.32/27, protocols: [udp]}", "subscriber-udp=0",
		      "subscriber-rate=0", "max-subscribers=4096", "urpf6=off",
		      "port-quarantine=0"));
	assert_int_equal(state_sizes(&bed.config, &s, &err), 0);
	frame_6(&f, P_UDP, 0, C6, 1, S4, 53);
	print_empty(&f);
	run_all("made", &f);
	assert_int_equal(bed.all->count[ST_UDP].n, MILLION);
	audit_all();
	run_all("found", &f);
	assert_int_equal(bed.all->count[ST_UDP].n, MILLION);
	print_message("memory: %llu MiB for %llu mappings and %llu sessions, %llu bytes a mapping\n",
		      (unsigned long long)(s.bytes >> 20), (unsigned long long)s.mappings[ST_UDP],
		      (unsigned long long)s.sessions,
		      (unsigned long long)(s.bytes / s.mappings[ST_UDP]));
	bed_wait(304);
	begin = now_ns();
	swept = sweep_rows();
	print_message("%-24s %5llu ns each, %u of them\n", "reclaimed",
		      (unsigned long long)((now_ns() - begin) / MILLION), swept);
	assert_int_equal(bed.all->count[ST_UDP].n, 0);
	audit_all();
	run_all("made again", &f);
	bed_wait(304);
	run_all("made where expired", &f); /* no worker has swept */
	assert_int_equal(bed.all->count[ST_UDP].n, MILLION);
	audit_all();
}

/* ---- ten minutes without a worker (ST-10) ---------------------------------------------- */

#define SECONDS 600
#define FLOWS_A_SECOND 10000

static __u32 free_ports(void)
{
	__u32 n = 0;

	for (__u32 row = 0; row < BED_ROWS; row++)
		for (__u32 i = 0; bed.row[row].row && i < ROW_WORDS; i++)
			n += (__u32)__builtin_popcountll(bed.row[row].row->free[i]);
	return n;
}

/* 10,000 new flows a second that send one packet each, and one flow that lives all the
 * time. Nobody sweeps: what expires is reclaimed by what is made. */
static void test_ten_minutes(void **state)
{
	__u64 before[N_REASONS], after[N_REASONS];
	struct stream_run flows, old;
	__u32 first, worst = 0, most = 0, ifindex = ifindex_of("v6");
	const __u64 second = 1ull << 32;
	static struct frame f;

	(void)state;
	bed_open(OPTS("pool4={prefix: 203.0.113.32/27, protocols: [udp]}", "udp-timeout=120",
		      "max-subscribers=4096", "urpf6=off", "port-quarantine=0"));
	first = free_ports();
	frame_6(&f, P_UDP, 0, C6, 1, S4, 53);
	open_stream(&flows, &f, (struct stream){.stride = 1, .all = SECONDS * FLOWS_A_SECOND,
						.port = 2000, .step = second / FLOWS_A_SECOND});
	open_stream(&old, &f, (struct stream){.all = 1, .port = 1});
	bed_counters(before, BED_SLOT);
	for (__u32 t = 0; t < SECONDS; t++) {
		assert_int_equal(stream_next(&flows, ifindex, FLOWS_A_SECOND, NULL), XDP_REDIRECT);
		most = bed.all->count[ST_UDP].n > most ? bed.all->count[ST_UDP].n : most;
		assert_int_equal(stream_next(&old, ifindex, 1, &worst), XDP_REDIRECT);
		assert_true(worst < 1000000); /* not held up for a millisecond */
		bed_wait(1);
		bed.clock[1] = 0;
	}
	stream_close(&old);
	stream_close(&flows);
	bed_counters(after, BED_SLOT);
	assert_int_equal(after[R_fwd_6to4] - before[R_fwd_6to4], SECONDS * (FLOWS_A_SECOND + 1));
	assert_int_equal(after[R_bib_created] - before[R_bib_created],
			 SECONDS * FLOWS_A_SECOND + 1);
	print_message("%u flows a second for %u s: %u mappings at most, 120 s of them are %u\n",
		      FLOWS_A_SECOND, SECONDS, most, 120 * FLOWS_A_SECOND);
	/* a tour of the rows behind at most */
	assert_true(most < 150 * FLOWS_A_SECOND);
	audit_all();
	bed_wait(125);
	sweep_rows();
	assert_int_equal(bed.all->count[ST_UDP].n, 0);
	assert_int_equal(free_ports(), first);
	audit_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_ten_minutes),
	};

	if (geteuid()) {
		puts("state_size_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return cmocka_run_group_tests_name("a million mappings", tests, world_start, NULL);
}
