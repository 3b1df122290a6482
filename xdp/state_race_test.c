/* SPDX-License-Identifier: GPL-2.0-only */
/* Two CPUs at the state of mode stateful at the same moment: the same first packet twice,
 * creating against sweeping, deleting and the other direction. Afterwards every mapping is
 * whole and every count right (state_audit.h). */
#define _GNU_SOURCE
#include "state_audit.h"

#include <pthread.h>

#define TRIES 4000
#define HAMMER_NS 1000000000ull

/* One CPU's part. */
struct side {
	int cpu;
	void (*work)(struct side *s);
	unsigned int seed;
	struct frame f;
	__u8 out[512];
	enum reason reason; /* R_GO_ON: translated, R_slow_busy, R_slow_no_port, R_internal: dropped */
	__u16 port;
	__u64 n, dropped;
	__u16 *ports; /* of TRIES packets */
};

static struct {
	int fd;
	int proto; /* of the packets */
	__u32 turn, arrived;
	volatile int stop;
} race;

/* Waits until the other CPU is here too, without sleeping. */
static void meet(void)
{
	__u32 turn = __atomic_load_n(&race.turn, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&race.arrived, 1, __ATOMIC_ACQ_REL) == 2) {
		__atomic_store_n(&race.arrived, 0, __ATOMIC_RELEASE);
		__atomic_add_fetch(&race.turn, 1, __ATOMIC_ACQ_REL);
		return;
	}
	while (__atomic_load_n(&race.turn, __ATOMIC_ACQUIRE) == turn)
		;
}

/* Only what a CPU may look at for itself: the action and the packet. */
static void run_raw(struct side *s)
{
	static __thread struct xdp_md ctx;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = s->f.bytes, .data_size_in = s->f.len,
		    .data_out = s->out, .data_size_out = sizeof(s->out), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));
	__u32 hlen = s->f.v6 ? IP4_LEN : IP6_LEN;

	memset(&ctx, 0, sizeof(ctx));
	ctx.data_end = s->f.len;
	ctx.ingress_ifindex = race.proto >= 0 && s->f.v6 ? ifindex_of("v6") : ifindex_of("v4");
	if (bpf_prog_test_run_opts(race.fd, &o)) {
		race.stop = -1;
		return;
	}
	s->reason = R_internal;
	if (o.retval == XDP_REDIRECT)
		s->reason = *(__u32 *)s->out == N64_SLOW_MAGIC ?
				    (enum reason)((struct n64_slow *)s->out)->reason : R_GO_ON;
	s->port = (__u16)(s->out[ETH_LEN + hlen] << 8 | s->out[ETH_LEN + hlen + 1]);
	if (race.proto == P_ICMP6)
		s->port = (__u16)(s->out[ETH_LEN + hlen + 4] << 8 | s->out[ETH_LEN + hlen + 5]);
}

static void *side_main(void *arg)
{
	struct side *s = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)s->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	s->work(s);
	return NULL;
}

static void on_two_cpus(struct side s[2])
{
	pthread_t id[2];

	race.fd = bpf_program__fd(bed_path(bed.skel));
	race.turn = race.arrived = 0;
	race.stop = 0;
	for (int i = 0; i < 2; i++) {
		s[i].cpu = i;
		s[i].seed = (unsigned int)i + 1;
		s[i].n = s[i].dropped = 0;
		assert_int_equal(pthread_create(&id[i], NULL, side_main, &s[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
	assert_true(race.stop >= 0);
}

static bool two_cpus(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) >= 2)
		return true;
	print_message("not run: this machine has one CPU\n");
	return false;
}

/* ---- the same new flow ------------------------------------------------------------------------ */

static void same_flow(struct side *s)
{
	for (int i = 0; i < TRIES; i++) {
		frame_6(&s->f, race.proto, race.proto == P_TCP ? SYN : 0, C6, (__u16)(1024 + i), S4,
			80);
		meet();
		run_raw(s);
		s->ports[i] = s->reason == R_GO_ON ? s->port : 0;
		s->dropped += s->reason != R_GO_ON;
	}
}

static void test_same_flow(void **state)
{
	static const int protos[] = {P_UDP, P_TCP, P_ICMP6};
	static __u16 ports[2][TRIES];
	static struct side s[2];
	__u64 before[N_REASONS], after[N_REASONS];

	(void)state;
	if (!two_cpus())
		return;
	for (int k = 0; k < 3; k++) {
		int both = 0; /* a CPU that is taken away from us for a moment */

		race.proto = protos[k];
		bed_open(OPTS("subscriber-rate=0", "subscriber-icmp=0", "subscriber-udp=0",
			      "subscriber-tcp=0"));
		for (int i = 0; i < 2; i++) {
			s[i].work = same_flow;
			s[i].ports = ports[i];
		}
		bed_counters(before, BED_SLOT);
		on_two_cpus(s);
		bed_counters(after, BED_SLOT);
		for (int i = 0; i < TRIES; i++) {
			both += !ports[0][i] && !ports[1][i];
			if (ports[0][i] && ports[1][i] && ports[0][i] != ports[1][i])
				fail_msg("try %d: ports %u and %u", i, ports[0][i], ports[1][i]);
		}
		audit_all();
		assert_int_equal(bed.all->count[k == 0 ? ST_UDP : k == 1 ? ST_TCP : ST_ICMP].n, TRIES);
		assert_int_equal(audit.sessions, race.proto == P_TCP ? TRIES : 0);
		assert_int_equal(after[R_slow_busy] - before[R_slow_busy],
				 s[0].dropped + s[1].dropped);
		print_message("protocol %2d: %d flows twice, %llu packets slow_busy, %d times both\n",
			      race.proto, TRIES, (unsigned long long)(s[0].dropped + s[1].dropped),
			      both);
		assert_true(s[0].dropped + s[1].dropped < TRIES / 20);
	}
}

/* ---- other flows, the same ports --------------------------------------------------------------- */

static void other_flows(struct side *s)
{
	for (int i = 0; i < 520; i++) {
		frame_6(&s->f, race.proto, SYN, s->cpu ? Y6 : C6, (__u16)(1024 + i), S4, 80);
		meet();
		run_raw(s);
		s->n += s->reason == R_GO_ON;
		if (s->reason == R_slow_busy)
			s->dropped++;
	}
}

/* 1000 ports for 1040 flows: each port once, and all of them. */
static void test_exhaustion(void **state)
{
	static struct side s[2];

	(void)state;
	if (!two_cpus())
		return;
	for (int k = 0; k < 2; k++) {
		race.proto = k ? P_TCP : P_UDP;
		s[0].work = s[1].work = other_flows;
		bed_open(OPTS("pool4=203.0.113.8/32:2000-2999", "subscriber-rate=0",
			      "max-sessions=100000"));
		on_two_cpus(s);
		audit_all();
		assert_int_equal(audit.mappings[k ? ST_TCP : ST_UDP], s[0].n + s[1].n);
		assert_int_equal(s[0].n + s[1].n, 1000);
	}
}

/* ---- hammering ---------------------------------------------------------------------------------- */

static __u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (__u64)t.tv_sec * 1000000000ull + (__u64)t.tv_nsec;
}

#define FLOWS 256

/* Packets of a few flows, new and old ones, to a few peers. */
static void hammer_6(struct side *s)
{
	static const int flags[] = {TCP_SYN, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, TCP_ACK};
	__u64 end = now_ns() + HAMMER_NS;
	char peer[32], host[64];

	while (now_ns() < end) {
		int r = rand_r(&s->seed), flow = r % FLOWS;

		snprintf(peer, sizeof(peer), "198.51.100.%d", 10 + r / FLOWS % 3);
		snprintf(host, sizeof(host), "2001:db8:%x::1", flow % 8);
		frame_6(&s->f, race.proto, flags[r / 4096 % 6], host, (__u16)(1000 + flow), peer, 80);
		run_raw(s);
		s->n++;
	}
	race.stop = race.stop ? race.stop : 1;
}

static enum st_proto table_of(void)
{
	return race.proto == P_TCP ? ST_TCP : race.proto == P_UDP ? ST_UDP : ST_ICMP;
}

/* Lets time pass and sweeps as the worker does. */
static void hammer_sweep(struct side *s)
{
	__u32 row = row_of((__u32)bed_slot(ip4(T4)), table_of());

	while (!race.stop) {
		struct n64_call q = {.op = CALL_SWEEP, .row = row, .n = 256,
				     .port4 = (__be16)(2000 + s->n % 8 * 256)};

		pool_call(bed.maps.call, &q);
		if (s->n % 64 == 0)
			*bed.clock += 40;
		if (s->n % 8 == 0) {
			q = (struct n64_call){.op = CALL_SWEEP_SESSIONS, .n = 4096};
			pool_call(bed.maps.call, &q);
			q = (struct n64_call){.op = CALL_SWEEP_SUBS, .n = 4096};
			pool_call(bed.maps.call, &q);
		}
		s->n++;
	}
}

/* Ends mappings by command wherever there are any. */
static void hammer_delete(struct side *s)
{
	__u32 row = row_of((__u32)bed_slot(ip4(T4)), table_of());

	while (!race.stop) {
		__u32 port = 2000 + (__u32)rand_r(&s->seed) % 2048;
		struct n64_call q = {.op = CALL_DEL, .binding = binding_index(row, (__u16)port)};

		if (ctl_state(bed.row[row].binding[port].ctl) == CTL_FREE)
			continue;
		pool_call(bed.maps.call, &q);
		s->n += q.n;
		if (s->n % 64 == 0) /* what was deleted comes back (ST-10) */
			*bed.clock += 3;
	}
}

/* Packets from IPv4 to whatever is mapped. */
static void hammer_4(struct side *s)
{
	static const int flags[] = {TCP_SYN, TCP_ACK, TCP_FIN, TCP_RST};
	__u32 row = row_of((__u32)bed_slot(ip4(T4)), table_of());
	char peer[32];

	while (!race.stop) {
		__u32 r = (__u32)rand_r(&s->seed), port = 2000 + r % 2048;

		if (ctl_state(bed.row[row].binding[port].ctl) == CTL_FREE)
			continue;
		snprintf(peer, sizeof(peer), "198.51.100.%u", 10 + r / 2048 % 3);
		frame_4(&s->f, race.proto, flags[r / 8192 % 4], peer, 80, T4, (__u16)port);
		run_raw(s);
		s->n++;
		if (s->n % 512 == 0)
			*bed.clock += 40;
	}
}

static void test_hammer(void **state)
{
	const struct {
		const char *what;
		int proto;
		void (*other)(struct side *s);
		const char *opt;
	} v[] = {
		{"sweeping, UDP", P_UDP, hammer_sweep, "port-quarantine=0"},
		{"sweeping, TCP", P_TCP, hammer_sweep, "filtering-tcp=adf"},
		{"sweeping, blocks", P_UDP, hammer_sweep, "port-block=64"},
		{"deleting, UDP", P_UDP, hammer_delete, "port-quarantine=0"},
		{"deleting, TCP", P_TCP, hammer_delete, "filtering-tcp=eif"},
		{"the same, TCP", P_TCP, hammer_6, "port-quarantine=0"},
		{"the same, UDP", P_UDP, hammer_6, "port-quarantine=0"},
		{"IPv4, TCP", P_TCP, hammer_4, "filtering-tcp=adf"},
	};
	static struct side s[2];
	__u64 n[N_REASONS];

	(void)state;
	if (!two_cpus())
		return;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		race.proto = v[i].proto;
		s[0].work = hammer_6;
		s[1].work = v[i].other;
		bed_open(OPTS("pool4=203.0.113.8/32:2000-4047", "subscriber-rate=0",
			      "udp-timeout=120", v[i].opt));
		on_two_cpus(s);
		bed_counters(n, BED_SLOT);
		print_message("%-16s %7llu packets against %7llu: %llu mappings, %llu slow_busy\n",
			      v[i].what, (unsigned long long)s[0].n, (unsigned long long)s[1].n,
			      (unsigned long long)n[R_bib_created],
			      (unsigned long long)n[R_slow_busy]);
		assert_true(s[0].n > 1000 && s[1].n > 100);
		audit_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_flow),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_hammer),
	};

	if (geteuid()) {
		puts("state_race_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return cmocka_run_group_tests_name("two CPUs, stateful", tests, world_start, NULL);
}
