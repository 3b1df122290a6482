/* SPDX-License-Identifier: GPL-2.0-only */
/* Loads each program of the data plane by itself, as attach would configure it on this
 * kernel, and prints what the verifier says of it:
 *
 *   PROGRAM CONFIGURATION INSTRUCTIONS STATES STACK MILLISECONDS
 *
 * The limits are 1,000,000 instructions processed and 512 bytes of stack. STACK is that of the
 * deepest calls where the kernel tells (7.2), else the largest of a function; calls add up, which
 * testenv/bpf_stack.py does. Exit status 1 if a program does not load. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "config/policy.h"
#include "dataplane/map_sizes.h"
#include "dataplane/programs.h"
#include "hop.h"
#include "nat64.skel.h"

#define LOG_STATS 4 /* BPF_LOG_STATS */
#define LOG_SIZE (16u << 20)

struct variation {
	const char *program, *name;
	const char *set[12]; /* option, value, option, value, ... */
};

/* one of each length of RFC 6052 2.2, beside the /96 that each configuration has */
#define PREFIXES                                                                           \
	{ "pref64", "2001:db8:3200::/40",      "pref64", "2001:db8:4800::/48",              \
	  "pref64", "2001:db8:5600:5600::/56", "pref64", "2001:db8:6400:6400::/64", "pref64", \
	  "2001:db9::/32" }

static const struct variation variations[] = {
	{ "n64_port", "siit", { "mode", "siit" } },
	{ "n64_port", "siit-prefixes",
	  PREFIXES },
	{ "n64_port_long", "siit", { "mode", "siit" } },
	{ "n64_port_long", "siit-prefixes",
	  PREFIXES },
	{ "n64_exit", "siit", { "mode", "siit" } },
	{ "n64_query", "siit", { "mode", "siit" } },
	{ "n64_exit", "stateful", { "mode", "stateful" } },
	{ "n64_query", "stateful", { "mode", "stateful" } },
	{ "n64_stateful", "default", { "mode", "stateful" } },
	{ "n64_stateful", "stateless",
	  { "stateless", "64:ff9b:1::/96,192.0.2.33=2001:db8:1::2,198.51.100.0/24" } },
	{ "n64_stateful", "prefixes", PREFIXES },
	{ "n64_stateful", "adf", { "filtering-tcp", "adf", "filtering-udp", "adf" } },
	{ "n64_stateful_new", "default", { "mode", "stateful" } },
	{ "n64_stateful_new", "port-block", { "port-block", "256" } },
	{ "n64_stateful_new", "adf", { "filtering-tcp", "adf", "filtering-udp", "adf" } },
	{ "n64_stateful_new", "soft-app", { "soft-app", "on", "port-preserve", "on" } },
	{ "n64_stateful_new", "prefixes", PREFIXES },
	{ "n64_stateful_entry", "stateless",
	  { "stateless", "64:ff9b:1::/96,192.0.2.33=2001:db8:1::2,198.51.100.0/24" } },
	{ "n64_stateful_long", "default", { "mode", "stateful" } },
	{ "n64_stateful_long", "port-block", { "port-block", "256" } },
	{ "n64_stateful_long", "adf", { "filtering-tcp", "adf", "filtering-udp", "adf" } },
	{ "n64_stateful_long", "tcp-rst-check", { "tcp-rst-check", "on" } },
	{ "n64_stateful_long", "soft-app", { "soft-app", "on", "port-preserve", "on" } },
	{ "n64_stateful_long", "stateless",
	  { "stateless", "64:ff9b:1::/96,192.0.2.33=2001:db8:1::2,198.51.100.0/24" } },
	{ "n64_stateful_long", "prefixes",
	  PREFIXES },
	{ "n64_port_tagged", "siit", { "mode", "siit" } },
	{ "n64_port_tagged", "siit-prefixes", PREFIXES },
	{ "n64_stateful_tagged", "default", { "mode", "stateful" } },
	{ "n64_stateful_tagged", "prefixes", PREFIXES },
	{ "n64_dynamic_tagged", "dynamic", { "mode", "dynamic" } },
	{ "n64_state", "default", { "mode", "stateful" } },
	{ "n64_dynamic", "dynamic", { "mode", "dynamic" } },
	{ "n64_dynamic_long", "dynamic", { "mode", "dynamic" } },
	{ "n64_state", "dynamic", { "mode", "dynamic" } },
	{ "n64_exit", "dynamic", { "mode", "dynamic" } },
	{ "n64_state", "port-block", { "port-block", "256" } },
	{ "n64_state", "adf", { "filtering-tcp", "adf", "filtering-udp", "adf" } },
};

static char verifier_log[LOG_SIZE];

static int set(struct config *c, const char *key, const char *value)
{
	struct config_error err;

	if (!config_set(c, key, value, "load", &err))
		return 0;
	fprintf(stderr, "load: %s=%s: %s\n", key, value, err.text);
	return -1;
}

static int configure(struct config *c, const struct variation *v)
{
	const bool dynamic = !strcmp(v->name, "dynamic");
	struct config_error err;

	config_init(c);
	if (strncmp(v->name, "siit", 4) && set(c, "mode", dynamic ? "dynamic" : "stateful"))
		return -1;
	if (dynamic && set(c, "allow6", "fc00::/8"))
		return -1;
	if (set(c, "interfaces", "lo") || set(c, "pref64", "64:ff9b:1::/96"))
		return -1;
	if (strncmp(v->name, "siit", 4) ? set(c, "pool4", "203.0.113.8/31")
				    : set(c, "eam", "192.0.2.33=2001:db8:1::2"))
		return -1;
	for (int i = 0; i < 12 && v->set[i]; i += 2)
		if (strcmp(v->set[i], "mode") && set(c, v->set[i], v->set[i + 1]))
			return -1;
	if (!config_check(c, NULL, &err))
		return 0;
	fprintf(stderr, "load: %s\n", err.text);
	return -1;
}

static int compile(const struct config *c, struct policy *pol)
{
	static struct n64_slot before[N64_MAX_SLOTS], slot[N64_MAX_SLOTS];
	struct n64_conf conf;
	struct timespec res;

	memset(slot, 0, sizeof(slot));
	config_to_conf(c, &conf);
	clock_getres(CLOCK_MONOTONIC_COARSE, &res);
	conf.ncpu = (__u32)libbpf_num_possible_cpus();
	conf.hop_slots = hop_slots_for(conf.ncpu);
	conf.xsk_queues = 1;
	conf.pair_kernel = conf.pair_xlat = 1;
	conf.key[0] = 1;
	conf.have |= HAVE_VLAN | probe_have();
	conf.hz = (__u32)(1000000000 / res.tv_nsec);
	conf.st.hz_mul = (__u32)((1ull << 32) / (__u64)(1000000000 / res.tv_nsec));
	if (policy_compile(c, &conf, NULL, 0, pol))
		return -1;
	if (conf.opt.mode == MODE_SIIT)
		return 0;
	return pool_slots(c, before, slot) || policy_pool_table(pol, slot) ? -1 : 0;
}

static void size_maps(struct nat64_bpf *s, const struct policy *pol)
{
	const struct n64_state_conf *st = &pol->conf.st;

	generation_size(s->obj, pol);
	if (pol->conf.opt.mode == MODE_SIIT)
		return;
	bpf_map__set_max_entries(s->maps.bib6, 2 * st->bib6_lines);
	bpf_map__set_max_entries(s->maps.sessions, 2 * st->session_lines);
	bpf_map__set_max_entries(s->maps.subs, st->sub_lines);
	bpf_map__set_max_entries(s->maps.holds, st->hold_chunks);
	bpf_map__set_max_entries(s->maps.reach, (st->bib6_lines + 7) / 8 +
						(st->session_lines + 7) / 8 +
						(st->sub_lines + 7) / 8);
	bpf_map__set_max_entries(s->maps.pool, st->pool_lines);
	bpf_map__set_max_entries(s->maps.dynamic, st->n_dynamic ? st->n_dynamic : 1);
}

/* "stack depth 120+0+64", each function's, or "stack depth 120+0+64 max 184", or the last alone */
static unsigned long stack_depth(void)
{
	const char *at = strstr(verifier_log, "stack depth");
	unsigned long most = 0, n = 0;

	for (; at && *at && *at != '\n'; at++) {
		n = *at >= '0' && *at <= '9' ? n * 10 + (unsigned long)(*at - '0') : 0;
		if (n > most)
			most = n;
	}
	return most;
}

/* "processed 132000 insns (limit 1000000) max_states_per_insn 4 total_states 7 ..." */
static void report(const struct variation *v, double ms)
{
	const char *line = strstr(verifier_log, "\nprocessed ");
	const char *states = line ? strstr(line, "total_states ") : NULL;

	printf("%-18s %-14s %7lu %6lu %5lu %6.0f\n", v->program, v->name,
	       line ? strtoul(line + 11, NULL, 10) : 0,
	       states ? strtoul(states + 13, NULL, 10) : 0, stack_depth(), ms);
	fflush(stdout);
}

/* The end of the verifier's log says why. */
static void refused(const struct variation *v, int rc)
{
	size_t len = strlen(verifier_log), tail = len > 1500 ? 1500 : len;

	printf("%-18s %-14s FAILED: %s\n%s\n", v->program, v->name, strerror(-rc),
	       verifier_log + len - tail);
	fflush(stdout);
}

static __u32 kind_of(const char *program)
{
	static const char *const device[] = { "n64_port", "n64_stateful", "n64_dynamic" };

	for (size_t i = 0; i < sizeof(device) / sizeof(device[0]); i++)
		if (!strcmp(program, device[i]))
			return ROLE_PORT;
	return strcmp(program, "n64_exit") ? ROLE_LONG : ROLE_EXIT;
}

static int load(const struct variation *v, const struct policy *pol)
{
	struct nat64_bpf *s = nat64_bpf__open();
	struct n64_role role = { .kind = kind_of(v->program) };
	struct timespec begin, end;
	struct bpf_program *p;
	int rc;

	if (!s)
		return -errno;
	memcpy((void *)&s->rodata->conf, &pol->conf, sizeof(pol->conf));
	tables_plain(pol, (struct n64_plain *)&s->rodata->plain); /* else its branches are dead */
	memcpy((void *)&s->rodata->role, &role, sizeof(role));
	size_maps(s, pol);
	bpf_object__for_each_program(p, s->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), v->program));
	p = bpf_object__find_program_by_name(s->obj, v->program);
	verifier_log[0] = '\0';
	bpf_program__set_log_level(p, LOG_STATS);
	bpf_program__set_log_buf(p, verifier_log, sizeof(verifier_log));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	rc = nat64_bpf__load(s);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (rc)
		refused(v, rc);
	else
		report(v, (double)(end.tv_sec - begin.tv_sec) * 1e3 +
			  (double)(end.tv_nsec - begin.tv_nsec) / 1e6);
	nat64_bpf__destroy(s);
	return rc;
}

int main(void)
{
	int bad = 0;

	libbpf_set_print(NULL); /* the verifier's words are printed below */
	printf("%-18s %-14s %7s %6s %5s %6s\n", "program", "configuration", "insns", "states",
	       "stack", "ms");
	for (size_t i = 0; i < sizeof(variations) / sizeof(variations[0]); i++) {
		const struct variation *v = &variations[i];
		struct policy pol;
		struct config c;

		if (configure(&c, v) || compile(&c, &pol)) {
			printf("%s %s: not configured\n", v->program, v->name);
			return 1;
		}
		bad |= load(v, &pol) != 0;
		policy_free(&pol);
		config_free(&c);
	}
	return bad;
}
