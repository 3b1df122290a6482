/* SPDX-License-Identifier: GPL-2.0-only */
/* net.ipv4.conf.DEV.KEY and its like, by their files under /proc/sys/net: these
 * follow the network namespace of the process, whatever is mounted on /sys. */
#ifndef N64_SYSCTL_H
#define N64_SYSCTL_H

#include <stddef.h>

#define SYSCTL_VALUE 32

/* fam: "ipv4" or "ipv6"; dev: an interface, "all" or "default". 0 or -errno. */
int sysctl_get(const char *fam, const char *dev, const char *key, char value[SYSCTL_VALUE]);
int sysctl_set(const char *fam, const char *dev, const char *key, const char *value);
/* As a number; `missing` when it cannot be read. */
int sysctl_int(const char *fam, const char *dev, const char *key, int missing);

/* net.ipv6.conf.all.forwarding, without what writing it does besides: the
 * kernel would overwrite the value of every interface and of `default`, and a
 * host interface would no longer listen to router advertisements. They are put
 * back as they were. 0 or -errno. */
int sysctl_forward6(const char *value);

#endif
