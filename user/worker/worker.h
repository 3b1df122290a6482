/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker: AF_XDP sockets on nat64x, the slow path, netlink, the beat. */
#ifndef N64_WORKER_H
#define N64_WORKER_H

#include "dataplane/dataplane.h"

struct worker_opts {
	const char *name;	/* instance */
	const char *user;	/* drop to this user; NULL: "nobody" */
	bool foreground;	/* do not detach from the terminal */
	int ready_fd;		/* >= 0: one byte is written when packets are served */
};

/* Opens everything, takes the lock (-EBUSY: another worker runs; its pid is in
 * *err), drops privileges, serves until SIGTERM/SIGINT; SIGHUP reads policy.bin
 * again. 0 or -errno with *err. */
int worker_run(const struct worker_opts *o, struct config_error *err);

#endif
