/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of status that is about stateless entries. */
#ifndef N64_STATUS_STATELESS_H
#define N64_STATUS_STATELESS_H

#include "config/policy.h"
#include "output/output.h"

/* A table of their hosts; nothing where there is no entry. `all`: however many. */
void status_stateless(json_t *root, const struct policy *p, bool all);

#endif
