/* SPDX-License-Identifier: GPL-2.0-only */
/* The order in which flows are visited, and what the sink has learned of them. */
#ifndef N64_BENCH_ORDER_H
#define N64_BENCH_ORDER_H

#include <jansson.h>

json_t *make_externals(json_t *spec);
json_t *make_steps(json_t *spec);
json_t *audit(json_t *spec);
json_t *draw(json_t *spec);

#endif
