/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory is counted before it is taken: what mode stateful asks for against what this
 * host has. */
#include <errno.h>
#include <stdio.h>

#include "policy_int.h"

/* MemAvailable in bytes; -errno where the kernel does not tell. */
static int host_available(__u64 *bytes)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib;
	char line[128];
	int rc = -ENOENT;

	if (!f)
		return -errno;
	while (rc && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "MemAvailable: %llu kB", &kib) != 1)
			continue;
		*bytes = kib << 10;
		rc = 0;
	}
	fclose(f);
	return rc;
}

int state_memory_judge(const struct state_sizes *s, __u64 available, struct config_error *err)
{
	if (s->bytes <= available)
		return 0;
	snprintf(err->text, sizeof(err->text),
		 "pool4: the tables of mode stateful need %llu MiB of kernel memory, this host has "
		 "%llu MiB available; write a smaller pool4, or limits like max-tcp-mappings and "
		 "max-sessions", (unsigned long long)((s->bytes + (1 << 20) - 1) >> 20),
		 (unsigned long long)(available >> 20));
	return -ENOMEM;
}

int state_memory_check(const struct state_sizes *s, struct config_error *err)
{
	__u64 available = 0;

	err->text[0] = '\0';
	if (host_available(&available))
		return 0; /* then the kernel says it when a map cannot be made */
	return state_memory_judge(s, available, err);
}
