/* SPDX-License-Identifier: GPL-2.0-only */
/* From the words of a specification (JSON) to what the programs are loaded with. */
#ifndef N64_BENCH_SPEC_H
#define N64_BENCH_SPEC_H

#include <jansson.h>
#include <linux/types.h>

#include "bench.h"

/* Bytes written in hexadecimal; how many, 0 if it is not that or too long. */
__u32 bytes_of(json_t *object, const char *key, __u8 *bytes, __u32 max);

int source_conf_of(json_t *spec, struct source_conf *c);
int sink_conf_of(json_t *spec, struct sink_conf *c);

#endif
