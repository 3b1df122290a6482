/* SPDX-License-Identifier: GPL-2.0-only */
/* Offloads of an interface by their kernel names (`ethtool -k` without the
 * legacy words), through the ethtool ioctl. */
#ifndef N64_ETHTOOL_H
#define N64_ETHTOOL_H

#include <stdbool.h>

#define ETHTOOL_NAME 32
#define ETHTOOL_MAX_FEATURES 128

struct features {
	unsigned int n;
	struct feature {
		char name[ETHTOOL_NAME];
		bool on;
		bool changeable;
	} f[ETHTOOL_MAX_FEATURES];
};

/* 0 or -errno; a device without ethtool has none: 0 and n = 0. */
int features_get(const char *dev, struct features *f);
/* NULL: the kernel has no feature of that name. */
const struct feature *feature_find(const struct features *f, const char *name);
/* 0, -EOPNOTSUPP when the driver keeps it as it is, or -errno. */
int feature_set(const char *dev, const char *name, bool on);

#endif
