/* SPDX-License-Identifier: GPL-2.0-only */
#include "map_read.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

int map_read(int fd, __u32 from, __u32 n, void *out)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 before = from - 1, next, got = n;
	__u32 *keys = calloc(n, sizeof(*keys));
	int rc;

	if (!keys)
		return -ENOMEM;
	rc = bpf_map_lookup_batch(fd, from ? &before : NULL, &next, keys, out, &got, &opts);
	free(keys);
	/* -ENOENT: the map ends there, whether all were read or not */
	if (rc && rc != -ENOENT)
		return rc;
	return got == n ? 0 : -ENOENT;
}
