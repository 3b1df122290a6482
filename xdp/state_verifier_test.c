/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs of mode stateful, as they are installed, are taken by this kernel's verifier
 * in every kind of configuration, which cuts other code out of them; and what it has to do
 * for it (it stops at a million instructions, and at 512 bytes of stack). */
#define _GNU_SOURCE
#define BED_PRODUCT
#include "state_run.h"

#define LOG_BYTES (1 << 16)
#define LOG_STATS 4

/* Of a program that was loaded: "processed N insns (limit ...". */
static long insns(const char *log)
{
	const char *at = strstr(log, "processed ");

	assert_non_null(at);
	return strtol(at + strlen("processed "), NULL, 10);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static void load_kind(const char *name, const char *const *opts, int kind)
{
	static char log[2][LOG_BYTES];
	struct bpf_program *p, *most;
	struct nat64_bpf *s;
	int rc;

	bed_configure(opts);
	bed_compile(NULL, NULL);
	s = bed_program(kind);
	most = kind == ROLE_LONG ? s->progs.n64_stateful_long :
	       kind == ROLE_PORT ? s->progs.n64_state : s->progs.n64_stateful;
	bpf_object__for_each_program(p, s->obj) {
		bpf_program__set_log_level(p, LOG_STATS);
		bpf_program__set_log_buf(p, log[p == most], LOG_BYTES);
	}
	rc = nat64_bpf__load(s);
	if (rc)
		print_message("%s: %s%s", name, log[0], log[1]);
	else
		print_message("%-16s on %s: %s %7ld insns\n", name,
			      kind == ROLE_XLAT ? "nat64x" : kind == ROLE_PORT ? "a port" : "all",
			      bpf_program__name(most), insns(log[1]));
	nat64_bpf__destroy(s);
	policy_free(&bed.policy);
	config_free(&bed.config);
	assert_int_equal(rc, 0);
}

static void test_load(void **state)
{
	const struct {
		const char *name;
		const char *const *opts;
	} kinds[] = {
		{"defaults", OPTS(NULL)},
		{"port-block", OPTS("port-block=64")},
		{"adf", OPTS("filtering-tcp=adf", "filtering-udp=adf")},
		{"adf, TCP", OPTS("filtering-tcp=adf")},
		{"adf, UDP", OPTS("filtering-udp=adf")},
		{"tcp-rst-check", OPTS("tcp-rst-check=on")},
		{"nearly everything",
		 OPTS("tcp-rst-check=on", "filtering-tcp=adf", "filtering-udp=adf", "port-block=256",
		      "port-preserve=on", "soft-app=on", "denylist4=10.0.0.0/8",
		      "allow6=2001:db8::/32", "no-translate=192.0.2.0/24", "inbound-refresh=off",
		      "error-no-bib=on", "error-adf=on", "clamp-mss6to4=on", "clamp-mss4to6=on",
		      "urpf6=strict", "pref64=2001:db8:64::/96", "pref64=64:ff9b::/96",
		      "drop-v4-initiated-tcp=on")},
		{"nearly nothing",
		 OPTS("subscriber-tcp=0", "subscriber-udp=0", "subscriber-icmp=0", "urpf6=off",
		      "subscriber-sessions=0", "subscriber-rate=0", "port-quarantine=0",
		      "port-parity=off", "inbound-refresh=off", "max-stored-syn=0")},
		{"force-slow", OPTS("force-slow=on")},
		{"stateless", OPTS("stateless=64:ff9b:1::/96,192.0.2.33=2001:db8:a::33")},
		{"stateless, prefixes",
		 OPTS("stateless=64:ff9b:1::/96,192.0.2.33=2001:db8:a::33",
		      "pref64=2001:db8:122:344::/64", "pref64=2001:db8:4800::/48")},
	};

	(void)state;
	libbpf_set_print(quiet);
	frame_tags = TAGS_VLAN; /* with what takes them off */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		load_kind(kinds[i].name, kinds[i].opts, ROLE_PORT);
		load_kind(kinds[i].name, kinds[i].opts, ROLE_XLAT);
		load_kind(kinds[i].name, kinds[i].opts, ROLE_LONG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
	};

	if (geteuid()) {
		puts("state_verifier_test: skipped, loading BPF programs needs root");
		return 0;
	}
	return cmocka_run_group_tests_name("verifier, stateful", tests, world_start, NULL);
}
