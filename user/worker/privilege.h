/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up what only the start needs. */
#ifndef N64_PRIVILEGE_H
#define N64_PRIVILEGE_H

#include "config/config.h"

/* Becomes `user` for good: no other groups, no capabilities, nothing to gain by
 * exec. The files `own`, ended by NULL, are given to that user before. 0 or -errno
 * with *err. */
int privilege_drop(const char *user, const char *const *own, struct config_error *err);

#endif
