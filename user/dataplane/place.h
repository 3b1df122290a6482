/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a command stands: the network namespace, the BPF file system, the other
 * instances, and the lock that lets one command at a time change the host. */
#ifndef N64_PLACE_H
#define N64_PLACE_H

#include "report.h"

/* SO_NETNS_COOKIE of the namespace of this process; 0 when the kernel cannot say. */
__u64 netns_cookie(void);

/* How to enter a namespace, for a message: "nsenter --net=PATH". False: no
 * living namespace has this cookie. */
#define NETNS_HINT 128
bool netns_find(__u64 cookie, char hint[NETNS_HINT]);

/* bpffs is mounted and the host's. Mounts it where nobody has (and says so); a
 * mount namespace that hides it is refused with the line that works. */
int bpffs_check(say_fn say, struct config_error *err);

/* One command at a time: a lock on N64_RUN_ROOT, made when it is missing.
 * Returns a descriptor, or -errno with *err. */
int place_lock(struct config_error *err);
/* Removes N64_RUN_ROOT and N64_PIN_ROOT when they are empty, and unlocks. */
void place_unlock(int fd);

/* The names of all instances, complete or not. Each call of `fn` gets one; a
 * non-zero return ends the walk and is returned. */
int place_instances(int (*fn)(const char *name, void *ctx), void *ctx);

/* The instance that is meant: `name`, or the only one. 0, -ENOENT when there is
 * none, -EINVAL with a list of them in *err. */
int place_choose(const char *name, char chosen[N64_NAME_MAX + 1], struct config_error *err);

#endif
