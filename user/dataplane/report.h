/* SPDX-License-Identifier: GPL-2.0-only */
/* How the data plane speaks: an errno goes down, one sentence goes up. */
#ifndef N64_REPORT_H
#define N64_REPORT_H

#include "config/options.h"
#include "dataplane.h"

/* Formats the one sentence of an error and returns `rc`, so that a failing step
 * reads `return report_error(err, -EBUSY, "...")`. */
int report_error(struct config_error *err, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One line to the operator; nothing when `say` is NULL. */
void report_say(say_fn say, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *addr4_text(__be32 addr, char buf[PREFIX_TEXT]);

#endif
