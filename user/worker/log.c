/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the worker. */
#include "worker/log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static bool use_syslog, bounded;

void log_open(bool to_syslog)
{
	use_syslog = to_syslog;
	if (to_syslog)
		openlog("xdp-nat64", LOG_PID, LOG_DAEMON);
}

void log_bound(const char *folder)
{
	char path[PATH_MAX];
	struct stat ours, its;

	snprintf(path, sizeof(path), "%s/worker.log", folder);
	bounded = !fstat(STDERR_FILENO, &ours) && !stat(path, &its) &&
		  S_ISREG(ours.st_mode) && ours.st_dev == its.st_dev &&
		  ours.st_ino == its.st_ino;
}

/* The descriptor appends, so that the next line is the first again. */
static void keep_short(void)
{
	struct stat s;

	if (bounded && !fstat(STDERR_FILENO, &s) && s.st_size >= LOG_BYTES &&
	    !ftruncate(STDERR_FILENO, 0))
		fprintf(stderr, "xdp-nat64 worker: earlier lines were removed\n");
}

void log_line(int prio, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (use_syslog) {
		syslog(prio, "worker: %s", text);
		return;
	}
	keep_short();
	fprintf(stderr, "xdp-nat64 worker: %s\n", text);
}

bool log_allowed(struct log_limit *l, __u32 now_ms, __u32 *hidden)
{
	__u32 flown = now_ms - l->stamp;

	l->stamp = now_ms;
	l->used_ms = flown >= l->used_ms ? 0 : l->used_ms - flown;
	if (l->used_ms + 1000 > LOG_BURST * 1000) {
		l->hidden++;
		return false;
	}
	l->used_ms += 1000;
	*hidden = l->hidden;
	l->hidden = 0;
	return true;
}
