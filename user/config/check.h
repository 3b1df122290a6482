/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of config_check share. */
#ifndef N64_CHECK_H
#define N64_CHECK_H

#include "options.h"

struct check {
	struct config *c;
	void (*warn)(const char *text);
	struct config_error *err;
};

/* "PLACE: KEY: TEXT" about element i of an option. */
int check_fail(const struct check *k, enum opt_id id, size_t i, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void check_warn(const struct check *k, enum opt_id id, size_t i, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

int check_lists(const struct check *k);

#endif
