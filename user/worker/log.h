/* SPDX-License-Identifier: GPL-2.0-only */
/* What the worker says: lines on stderr in the foreground, else syslog. */
#ifndef N64_WORKER_LOG_H
#define N64_WORKER_LOG_H

#include "types.h"

/* `prio` as in syslog(3). */
void log_open(bool to_syslog);
/* When stderr is the file worker.log in `folder`, it is emptied as it reaches
 * LOG_BYTES: it may lie in memory. Files of anybody else are left alone. */
void log_bound(const char *folder);
#define LOG_BYTES (1 << 20)
void log_line(int prio, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One kind of line that packets can cause: at most LOG_BURST at once and one a
 * second. */
#define LOG_BURST 5

struct log_limit {
	__u32 used_ms;	/* tokens taken, in ms of a second each */
	__u32 stamp;	/* ms */
	__u32 hidden;	/* lines not written since the last one */
};

/* May a line be written at `now_ms`? If so, *hidden is the number of lines before
 * it that were not. */
bool log_allowed(struct log_limit *l, __u32 now_ms, __u32 *hidden);

#endif
