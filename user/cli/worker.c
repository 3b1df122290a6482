/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `worker`: runs the slow path of an attached instance. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "worker/worker.h"

/* An open descriptor, as --ready-fd names it; -1: the word is wrong. */
static int descriptor(const char *word)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(word, &end, 10);
	if (errno || *end || end == word || n < 0 || n > INT_MAX ||
	    fcntl((int)n, F_GETFD) < 0)
		return -1;
	/* no program that we start shall keep it open */
	fcntl((int)n, F_SETFD, FD_CLOEXEC);
	return (int)n;
}

int cmd_worker(int argc, char **argv)
{
	struct worker_opts o = { .ready_fd = -1 };
	const char *ready = NULL;
	const struct cli_opt extra[] = {
		{ .word = "user", .form = "USER",
		  .doc = "run as this user (default: nobody)", .value = &o.user },
		{ .word = "foreground", .doc = "stay on the terminal, messages on stderr",
		  .flag = &o.foreground },
		{ .word = "ready-fd", .form = "NUMBER",
		  .doc = "write one byte to this descriptor when packets are served",
		  .value = &ready },
		{ 0 },
	};
	struct config_error err = { "" };
	struct cli cli;
	int r = cli_parse(&cli, argc, argv, CLI_NAME, extra);

	if (r == CLI_GO_ON && ready) {
		o.ready_fd = descriptor(ready);
		if (o.ready_fd < 0) {
			cli_error(&cli, "--ready-fd: '%s' is not an open descriptor; use the "
				  "number of one, for example 3", ready);
			r = CLI_USAGE;
		}
	}
	if (r == CLI_GO_ON) {
		o.name = cli.name ? cli.name : N64_DEFAULT_NAME;
		r = worker_run(&o, &err) ? cli_fail(&cli, &err) : CLI_OK;
	}
	cli_free(&cli);
	return r;
}
