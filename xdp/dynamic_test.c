// SPDX-License-Identifier: GPL-2.0-only
/* The loaded program of mode dynamic, by BPF_PROG_TEST_RUN: a row for each rule of section
 * 15, how hosts get addresses and keep them, and two CPUs at the same moment. Afterwards
 * every mapping is whole and every count right. */
#define _GNU_SOURCE
#include "state_run.h"

#include <pthread.h>

#include "dynamic.h"

#define POOL "10.0.1.0/24"
#define A6 "2001:db8:a::5"
#define B6 "2001:db8:b::6"
#define D6 "2001:db8:d::9"
#define P4 "10.0.1.77"	/* nobody's */

#define DYN(...) OPTS("mode=dynamic", "allow6=2001:db8::/32", "pool4=" POOL, ##__VA_ARGS__)

static enum reason ask_host(enum call_op op, const char *host, struct n64_call *q)
{
	*q = (struct n64_call){.op = op, .proto = ST_HOST};
	inet_pton(AF_INET6, host, &q->host6);
	return bed_call(q);
}

/* The host's address, 0: it has none. */
static __be32 address_of(const char *host)
{
	struct n64_call q;

	return ask_host(CALL_PEEK_OUT, host, &q) ? 0 : q.addr4;
}

static const char *text4(__be32 a)
{
	static char text[4][INET_ADDRSTRLEN];
	static int n;

	n = (n + 1) & 3;
	inet_ntop(AF_INET, &a, text[n], sizeof(text[n]));
	return text[n];
}

/* A host's packet that is translated; its address. */
static __be32 out(const char *host)
{
	expect(from6(P_UDP, 0, host, 7000, S4, 53), R_fwd_6to4, host);
	assert_int_equal(seen.sport, 7000);
	assert_int_equal(seen.p.src4, address_of(host));
	return seen.p.src4;
}

static void in(__be32 addr4, const char *host)
{
	struct addr6 a;

	inet_pton(AF_INET6, host, &a);
	expect(from4(P_UDP, 0, S4, 53, text4(addr4), 7000), R_fwd_4to6, host);
	assert_true(addr6_equal(&a, &seen.p.dst6));
	assert_int_equal(seen.dport, 7000);
}

/* Each mapping is two entries that point to each other, each host has one, and the counts
 * are those of a recount. */
static __u32 audit(void)
{
	__u32 n = 0, used = 0, entries = 0;

	for (__u32 row = 0; row < BED_ROWS; row++) {
		const struct bed_row *r = &bed.row[row];

		used = 0;
		for (__u32 low = 0; r->binding && low < N64_ROW_PORTS; low++) {
			const struct n64_binding *b = &r->binding[low];
			const struct n64_bib6 *e;
			char host[INET6_ADDRSTRLEN];

			if (ctl_state(b->ctl) == CTL_FREE)
				continue;
			assert_int_equal(ctl_state(b->ctl), CTL_ACTIVE);
			inet_ntop(AF_INET6, &b->host6, host, sizeof(host));
			e = bed_bib6(ST_HOST, host, 0);
			assert_non_null(e);
			assert_int_equal(ctl_row(e->ctl), row);
			assert_int_equal(host16(e->port4), low);
			assert_int_equal(ctl_gen(e->ctl), ctl_gen(b->ctl));
			used++;
			n += !(b->ctl & CTL_STATIC);
		}
		if (r->binding)
			assert_int_equal(r->row->used, used);
	}
	for (__u32 i = 0; i < 2 * bed_conf()->st.bib6_lines; i++) {
		assert_int_not_equal(ctl_state(bed.bib6[i].ctl), CTL_CLAIMED);
		entries += ctl_state(bed.bib6[i].ctl) == CTL_ACTIVE &&
			   !(bed.bib6[i].ctl & CTL_STATIC);
	}
	assert_int_equal(entries, n);
	assert_int_equal(bed.all->count[ST_HOST].n, n);
	return n;
}

/* ---- rules ----------------------------------------------------------------------------- */

/* A packet from `src` to `dst`, which of them is IPv6 says the direction. */
static const struct row {
	const char *rule, *opt, *src, *dst;
	int proto;
	__u8 ttl;
	enum reason want;
	__u32 hosts; /* mappings afterwards, beside A6's, which was made before */
} rows[] = {
	{"DYN-01 UDP", "tos=off", B6, S4, P_UDP, 64, R_fwd_6to4, 1},
	{"DYN-01 TCP, no SYN", "tos=off", B6, S4, P_TCP, 64, R_fwd_6to4, 1},
	{"DYN-01 ping", "tos=off", B6, S4, P_ICMP6, 64, R_fwd_6to4, 1},
	{"DYN-01, L4-07 SCTP", "tos=off", B6, S4, 132, 64, R_fwd_6to4, 1},
	{"DYN-01, L4-07 GRE", "tos=off", B6, S4, 47, 64, R_fwd_6to4, 1},
	{"DYN-02 IPv4 makes none", "tos=off", S4, P4, P_UDP, 64, R_slow_refused, 0},
	{"DYN-02 TTL", "tos=off", B6, S4, P_UDP, 1, R_slow_ttl, 0},
	{"DYN-02, GEN-08 no route", "tos=off", B6, "198.19.0.1", P_UDP, 64, R_slow_route, 0},
	{"DYN-02, GEN-08 blackhole", "tos=off", B6, "198.18.0.1", P_UDP, 64, R_fib_blackhole, 0},
	{"DYN-02, X-6TO4-12 protocol", "tos=off", B6, S4, 2, 64, R_bad_proto, 0},
	{"DYN-02, ADR-25", "denylist4=198.51.100.0/24", B6, S4, P_UDP, 64, R_slow_policy, 0},
	{"DYN-02, ADR-24", "tos=off", B6, "224.0.0.1", P_UDP, 64, R_dst4_illegal, 0},
	{"DYN-02, ADR-28", "urpf6=loose", "2001:db9::5", S4, P_UDP, 64, R_slow_policy, 0},
	{"DYN-02, GEN-07 worker", "force-slow=on", B6, S4, P_UDP, 64, R_slow_forced, 0},
	{"DYN-03 reject", "tos=off", "2001:db9::5", S4, P_UDP, 64, R_slow_policy, 0},
	{"DYN-03 drop", "dyn-others=drop", "2001:db9::5", S4, P_UDP, 64, R_others_drop, 0},
	{"DYN-03 pass", "dyn-others=pass", "2001:db9::5", S4, P_UDP, 64, R_others_pass, 0},
	{"DYN-03 reject before TTL", "tos=off", "2001:db9::5", S4, P_UDP, 1, R_slow_policy, 0},
	{"DYN-03 no host", "tos=off", S4, P4, P_TCP, 64, R_slow_refused, 0},
	{"DYN-03 network address", "tos=off", S4, "10.0.1.0", P_TCP, 64, R_slow_refused, 0},
	{"DYN-03, GEN-04", "no-translate=10.0.1.64/26", S4, P4, P_TCP, 64, R_no_translate, 0},
	{"GEN-03 beside the pool", "tos=off", S4, "10.0.2.77", P_TCP, 64, R_not_target, 0},
	{"GEN-03 IPv6 elsewhere", "pref64=64:ff9b:1:fffe::/96", B6, S4, P_UDP, 64, R_fwd_6to4, 1},
	{"HP-06 mapped", "tos=off", A6, "@", P_UDP, 64, R_fwd_hairpin, 0},
	{"HP-06 new host", "tos=off", B6, "@", P_UDP, 64, R_slow_hairpin, 0},
	{"HP-06 nobody", "tos=off", A6, P4, P_UDP, 64, R_slow_hairpin, 0},
	{"ADR-20", "tos=off", "127.0.0.1", "@", P_UDP, 64, R_src4_illegal, 0},
	{"ADR-22", "tos=off", "64:ff9b:1::1", S4, P_UDP, 64, R_src6_in_pref64, 0},
	{"ADR-27", "tos=off", P4, "@", P_UDP, 64, R_src4_is_pool4, 0},
	{"GEN-09, from IPv4", "tos=off", S4, "@", P_UDP, 2, R_fwd_4to6, 0},
	{"GENERR-01, from IPv4", "tos=off", S4, "@", P_UDP, 1, R_slow_ttl, 0},
};

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		const char *dst = r->dst;
		__u32 before;

		bed_open(DYN(r->opt));
		if (strcmp(r->opt, "force-slow=on") && strncmp(r->opt, "denylist4", 9))
			out(A6);
		before = audit();
		if (!strcmp(dst, "@"))
			dst = text4(address_of(A6));
		knob.ttl = r->ttl;
		expect(strchr(r->src, ':') ? from6(r->proto, 0, r->src, 7000, dst, 53) :
					     from4(r->proto == P_ICMP6 ? P_ICMP4 : r->proto, 0,
						   r->src, 53, dst, 7000),
		       r->want, r->rule);
		knob.ttl = 64;
		if (audit() != before + r->hosts)
			fail_msg("%s: %u mappings", r->rule, audit() - before);
	}
}

/* The short way is taken where the long way was, once its answers are known. */
static void test_both_ways(void **state)
{
	__be32 a;

	(void)state;
	bed_open(DYN("dyn-timeout=100"));
	a = out(A6);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(out(A6), a);
		in(a, A6);
		bed_wait(90); /* DYN-04: each refreshes */
	}
	bed_wait(11);
	assert_int_equal(address_of(A6), 0);
	expect(from4(P_UDP, 0, S4, 53, text4(a), 7000), R_slow_refused, "expired");
	assert_int_equal(out(A6), a);
	assert_int_equal(audit(), 1);
}

/* ---- addresses ------------------------------------------------------------------------- */

static const char *host_n(unsigned int n)
{
	static char text[4][INET6_ADDRSTRLEN];
	static int at;

	at = (at + 1) & 3;
	snprintf(text[at], sizeof(text[at]), "2001:db8:%x::%x", n & 0xff, n >> 8);
	return text[at];
}

/* DYN-05, DYN-06, DYN-08: every address once and no other, by n64_state and by packets; then
 * nobody is evicted, and an expired one is the next newcomer's after the two seconds of
 * ST-10, with no sweep. */
static void test_pool(void **state)
{
	static const struct {
		const char *pool, *first, *last;
	} v[] = {
		{"pool4=10.0.1.0/28", "10.0.1.1", "10.0.1.14"},
		{"pool4=10.0.1.4/31", "10.0.1.4", "10.0.1.5"},
		{"pool4=10.0.1.7/32", "10.0.1.7", "10.0.1.7"},
		{"pool4=10.3.0.0/31", "10.3.0.0", "10.3.0.1"},
		{"pool4=10.3.255.0/24", "10.3.255.1", "10.3.255.254"},
		{"pool4=10.4.0.0/20", "10.4.0.1", "10.4.15.254"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		__u32 first = host32(ip4(v[i].first)), n = host32(ip4(v[i].last)) - first + 1;

		bed_open(OPTS("mode=dynamic", "allow6=2001:db8::/32", v[i].pool, "dyn-timeout=100"));
		for (__u32 k = 0; k < n; k++) {
			struct n64_call q;
			__u32 a;

			expect(ask_host(CALL_OUT, host_n(k), &q), R_GO_ON, "CALL_OUT");
			a = host32(q.addr4);
			assert_in_range(a, first, first + n - 1);
		}
		assert_int_equal(audit(), n);
		expect(from6(P_UDP, 0, host_n(n), 7000, S4, 53), R_slow_no_port, v[i].pool);
		bed_wait(60);
		out(host_n(0)); /* is not one of those that expire */
		bed_wait(45);
		if (n > 1) {
			out(host_n(n));
			assert_int_not_equal(address_of(host_n(0)), 0);
			audit();
		}
	}
}

/* What the worker does every few seconds. */
static void sweep(__u32 slot)
{
	struct n64_call q = {.op = CALL_SWEEP, .row = row_of(slot, ST_HOST), .n = N64_ROW_PORTS};

	bed_call(&q);
}

/* DYN-04: when all have gone and come back in another order, each has what it had; also who
 * found its own block of addresses full. */
static void test_comes_back(void **state)
{
	static const struct {
		const char *one, *two;
		unsigned int hosts;
	} v[] = {
		{"pool4=" POOL, "tos=off", 254},
		{"pool4=10.0.1.0/29", "pool4=10.9.0.0/29", 12},
	};
	static __be32 had[254];

	(void)state;
	for (size_t k = 0; k < sizeof(v) / sizeof(v[0]); k++) {
		bed_open(OPTS("mode=dynamic", "allow6=2001:db8::/32", v[k].one, v[k].two,
			      "dyn-timeout=100"));
		for (unsigned int i = 0; i < v[k].hosts; i++)
			had[i] = out(host_n(i));
		bed_wait(110);
		sweep(0);
		if (k)
			sweep(1);
		assert_int_equal(audit(), 0);
		for (unsigned int i = v[k].hosts; i-- > 0;)
			assert_int_equal(out(host_n(i)), had[i]);
		assert_int_equal(audit(), v[k].hosts);
	}
}

/* DYN-06: a mapping of before a restart; what stands in its way is left. */
static void test_restore(void **state)
{
	static const struct {
		const char *host, *addr4;
		enum reason want;
	} v[] = {
		{A6, "10.0.1.9", R_GO_ON},
		{A6, "10.0.1.9", R_GO_ON},		/* once more */
		{A6, "10.0.1.10", R_static_conflict},	/* the host has one */
		{B6, "10.0.1.9", R_static_conflict},	/* the address is another's */
		{B6, "10.0.1.255", R_not_target},	/* not one of the pool */
		{B6, "10.0.2.1", R_not_target},
		{B6, "10.9.0.1", R_not_target},
		{B6, "10.0.1.10", R_GO_ON},
		{"64:ff9b:1::5", "10.0.1.11", R_GO_ON}, /* judged when it speaks */
		{"2001:db9::5", "10.0.1.12", R_GO_ON},
	};

	(void)state;
	bed_open(DYN("dyn-timeout=100"));
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct n64_call q = {.op = CALL_STATIC_ADD, .flags = CALL_RESTORE,
				     .proto = ST_HOST, .addr4 = ip4(v[i].addr4), .n = 50};

		inet_pton(AF_INET6, v[i].host, &q.host6);
		expect(bed_call(&q), v[i].want, v[i].addr4);
		audit();
	}
	assert_int_equal(audit(), 4);
	expect(from6(P_UDP, 0, "64:ff9b:1::5", 7000, S4, 53), R_src6_in_pref64, "ADR-22");
	expect(from6(P_UDP, 0, "2001:db9::5", 7000, S4, 53), R_slow_policy, "GEN-11");
	bed_wait(49);
	assert_int_equal(out(A6), ip4("10.0.1.9"));
	bed_wait(2);
	assert_int_equal(address_of(B6), 0);
	assert_int_equal(address_of(A6), ip4("10.0.1.9"));
}

/* GEN-11, PORT-10: a reload that takes the prefix of a host, or its address out of the
 * pool. */
static void test_reload(void **state)
{
	__be32 a, b;

	(void)state;
	bed_open(OPTS("mode=dynamic", "allow6=2001:db8::/32", "pool4=10.0.1.0/24"));
	a = out(A6);
	b = out(B6);
	bed_reload(OPTS("mode=dynamic", "allow6=2001:db8:b::/48", "allow6=2001:db8:d::/48",
			"pool4=10.0.2.0/24"));
	expect(from4(P_UDP, 0, S4, 53, text4(a), 7000), R_not_target, "not allowed, not in the pool");
	expect(from6(P_UDP, 0, A6, 7000, S4, 53), R_slow_policy, "not allowed any more");
	in(b, B6); /* what exists lives on where it is */
	assert_int_equal(out(B6), b);
	assert_int_equal(host32(out(D6)) >> 8, host32(ip4("10.0.2.0")) >> 8);
	assert_int_equal(audit(), 2);
}

/* ---- two CPUs --------------------------------------------------------------------------- */

#define TRIES 3000

struct side {
	int cpu;
	bool same;	/* both have the same hosts */
	__be32 got[TRIES];	/* 0: handed to the worker */
};

static struct {
	int fd;
	__u32 turn, arrived;
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

static void *side_main(void *arg)
{
	static __thread struct frame f;
	static __thread __u8 to[512];
	struct side *s = arg;
	__u32 ingress = ifindex_of("v6");
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)s->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (unsigned int i = 0; i < TRIES; i++) {
		struct xdp_md ctx = {.ingress_ifindex = ingress};
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f.bytes, .data_out = to,
			    .data_size_out = sizeof(to), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
		char host[64];

		snprintf(host, sizeof(host), "2001:db8:%x::%x", i, s->same ? 1 : s->cpu + 1);
		frame_6(&f, P_UDP, 0, host, 7000, S4, 53);
		ctx.data_end = o.data_size_in = f.len;
		meet();
		if (!bpf_prog_test_run_opts(race.fd, &o) && o.retval == XDP_REDIRECT &&
		    to[ETH_LEN] == 0x45)
			memcpy(&s->got[i], to + ETH_LEN + 12, 4);
	}
	return NULL;
}

static void on_two_cpus(struct side s[2], bool same)
{
	pthread_t id[2];

	race.fd = bpf_program__fd(bed_path(bed.skel));
	race.turn = race.arrived = 0;
	for (int i = 0; i < 2; i++) {
		memset(s[i].got, 0, sizeof(s[i].got));
		s[i].cpu = i;
		s[i].same = same;
		assert_int_equal(pthread_create(&id[i], NULL, side_main, &s[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(id[i], NULL);
}

/* The first two packets of a host at the same time: one address. */
static void test_same_host(void **state)
{
	static struct side s[2];
	unsigned int busy = 0;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		print_message("not run: this machine has one CPU\n");
		return;
	}
	bed_open(OPTS("mode=dynamic", "allow6=2001:db8::/32", "pool4=10.4.0.0/20"));
	on_two_cpus(s, true);
	for (int i = 0; i < TRIES; i++) {
		busy += !s[0].got[i] + !s[1].got[i];
		if (s[0].got[i] && s[1].got[i] && s[0].got[i] != s[1].got[i])
			fail_msg("host %d: %s and %s", i, text4(s[0].got[i]), text4(s[1].got[i]));
	}
	assert_int_equal(audit(), TRIES);
	assert_true(busy < TRIES / 20);
}

/* Other hosts, fewer addresses than hosts: each address once, and all of them. */
static void test_last_address(void **state)
{
	static struct side s[2];
	unsigned int n = 0;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	bed_open(OPTS("mode=dynamic", "allow6=2001:db8::/32", "pool4=10.4.0.0/21"));
	on_two_cpus(s, false);
	for (int i = 0; i < TRIES; i++)
		n += !!s[0].got[i] + !!s[1].got[i];
	assert_int_equal(audit(), 2046);
	assert_int_equal(n, 2046);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),	      cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_pool),	      cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_restore),	      cmocka_unit_test(test_reload),
		cmocka_unit_test(test_same_host),     cmocka_unit_test(test_last_address),
	};

	if (geteuid()) {
		puts("dynamic_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return run_cold_and_warm("xdp path, dynamic", tests, world_start);
}
