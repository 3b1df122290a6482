/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker as a process: starting it, finding it, ending it. */
#ifndef N64_WORKER_PROCESS_H
#define N64_WORKER_PROCESS_H

#include <sys/types.h>

#include "report.h"

/* The pid of the running worker, 0: none. The lock tells: its holder is alive. */
pid_t worker_pid(const struct instance_paths *p);

/* Starts `xdp-nat64 worker` in a session of its own and waits until it serves.
 * 0 with its pid, or -errno with the worker's own words in *err. */
int worker_start(const char *name, const struct instance_paths *p, pid_t *pid,
		 struct config_error *err);

/* SIGTERM, after 5 s SIGKILL. Returns when it is gone. */
void worker_stop(const struct instance_paths *p, say_fn say);

/* SIGHUP: read policy.bin again. False: no worker runs. */
bool worker_wake(const struct instance_paths *p);

#endif
