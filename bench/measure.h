/* SPDX-License-Identifier: GPL-2.0-only */
/* One measurement: sinks are attached, sources run for a time or a number of frames,
 * what arrived is counted. */
#ifndef N64_BENCH_MEASURE_H
#define N64_BENCH_MEASURE_H

#include <jansson.h>

/* Says what went wrong, in one sentence on stderr; 1. */
int fail(const char *what, const char *which, int error);

/* The result, to be released by the caller; NULL if there is none and why was said. */
json_t *measure(json_t *spec);

/* This thread enters a network namespace (a path). */
int enter(const char *netns);

json_int_t number_of(json_t *object, const char *key);
const char *text_of(json_t *object, const char *key);

#endif
