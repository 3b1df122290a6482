/* SPDX-License-Identifier: GPL-2.0-only */
/* The benchmark's hands, one word each:
 *	bench redirect DEV DEV   in this namespace, each hands its frames to the other
 *	bench program ID         sizes of a loaded BPF program
 *	bench measure            sinks and sources, one measurement
 *	bench externals          an array of external addresses, one for each flow
 *	bench steps              an array of flows in the order in which they are visited
 *	bench audit              do two flows share an external address?
 *	bench draw               the order of flows, to look at
 * All but the first two read their specification from stdin and write their result to
 * stdout, as JSON. bench/run is who calls them. */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/types.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "bench.skel.h"
#include "measure.h"
#include "order.h"
#include "report.h"

int fail(const char *what, const char *which, int error)
{
	fprintf(stderr, "bench: %s %s: %s\n", what, which, strerror(-error));
	return 1;
}

int enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return fail("entering the network namespace", netns, -errno);
	rc = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return rc ? fail("entering the network namespace", netns, rc) : 0;
}

static int attach_redirect(struct bench_bpf *b, const char *const dev[2])
{
	__u32 index[2] = { if_nametoindex(dev[0]), if_nametoindex(dev[1]) };
	int rc, program = bpf_program__fd(b->progs.redirect);

	for (int i = 0; i < 2; i++) {
		struct bpf_devmap_val out = { .ifindex = index[!i] };

		rc = bpf_map_update_elem(bpf_map__fd(b->maps.devices), &index[i], &out, BPF_ANY);
		if (!rc)
			rc = bpf_xdp_attach((int)index[i], program, XDP_FLAGS_DRV_MODE, NULL);
		if (rc)
			return fail("attaching to", dev[i], rc);
	}
	return 0;
}

static int run_redirect(const char *one, const char *two)
{
	const char *const dev[2] = { one, two };
	struct bench_bpf *b = bench_bpf__open();
	int rc;

	if (!b)
		return fail("opening the BPF object", "", -errno);
	bpf_program__set_autoload(b->progs.source, false);
	bpf_program__set_autoload(b->progs.sink, false);
	rc = bench_bpf__load(b);
	rc = rc ? fail("loading the program", "redirect", rc) : attach_redirect(b, dev);
	bench_bpf__destroy(b);
	return rc;
}

static const struct {
	const char *name;
	json_t *(*run)(json_t *spec);
} commands[] = {
	{ "measure", measure },	 { "externals", make_externals },
	{ "steps", make_steps }, { "audit", audit },
	{ "draw", draw },
};

static int run_command(json_t *(*run)(json_t *spec))
{
	json_error_t error;
	json_t *spec = json_loadf(stdin, 0, &error), *result;

	if (!spec) {
		fprintf(stderr, "bench: the specification, line %d: %s\n", error.line, error.text);
		return 2;
	}
	result = run(spec);
	json_decref(spec);
	if (!result)
		return 1;
	json_dumpf(result, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(result);
	return 0;
}

/* What the verifier says is for who changes the programs: BENCH_DEBUG=1. */
static int say(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG || !getenv("BENCH_DEBUG") ? 0 : vfprintf(stderr, format, args);
}

int main(int argc, char **argv)
{
	libbpf_set_print(say);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (argc == 4 && !strcmp(argv[1], "redirect"))
		return run_redirect(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "program"))
		return tell_program(argv[2]) ? fail("reading the program", argv[2], -errno) : 0;
	for (size_t i = 0; argc == 2 && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run_command(commands[i].run);
	fprintf(stderr,
		"usage: bench redirect DEV DEV | program ID | measure|externals|steps|audit|draw"
		" < SPECIFICATION\n");
	return 2;
}
