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

/* " in PLACE" of element i, "" where it is not known: for another entry in a sentence. */
void check_place(const struct check *k, enum opt_id id, size_t i, char *buf, size_t size);
/* Refuses the later of two elements: '...' is not allowed, WHAT as entry N. */
int check_twice(const struct check *k, enum opt_id id, size_t first, size_t second,
		const char *what);
/* Refuses a prefix that holds addresses of no host (ADR-20, ADR-21). */
int check_hosts4(const struct check *k, enum opt_id id, size_t i, const struct prefix4 *p);
int check_hosts6(const struct check *k, enum opt_id id, size_t i, const struct prefix6 *p);

int check_lists(const struct check *k);
int check_state(const struct check *k);
/* Mode dynamic; *k->c becomes what the tables are told. */
int check_dynamic(const struct check *k);
/* pool4: addresses of hosts, none of them twice. */
int check_pool(const struct check *k);
/* After all lists were judged. */
int check_compile(const struct check *k);

#endif
