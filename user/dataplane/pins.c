/* SPDX-License-Identifier: GPL-2.0-only */
/* Pins: walking and removing them. */
#include "pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned int remove_matching(const char *folder, const char *prefix)
{
	struct dirent **list;
	int i, n = scandir(folder, &list, NULL, alphasort);
	unsigned int removed = 0;
	char path[512];

	for (i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (name[0] != '.' && !strncmp(name, prefix, strlen(prefix)) && !unlink(path))
			removed++;
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return removed;
}

void pins_remove(const char *folder, say_fn say)
{
	unsigned int links = remove_matching(folder, "link_");
	unsigned int n = links + remove_matching(folder, "");

	if (rmdir(folder) && errno != ENOENT)
		report_say(say, "could not remove %s: %s", folder, strerror(errno));
	else if (n)
		report_say(say, "detached %u programs, removed %s", links, folder);
}

void pins_walk(const char *folder, const char *prefix,
	       void (*fn)(const char *name, int fd, void *ctx), void *ctx)
{
	struct dirent **list;
	int i, n = scandir(folder, &list, NULL, alphasort), fd;
	char path[512];

	for (i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		fd = strncmp(name, prefix, strlen(prefix)) ? -1 : bpf_obj_get(path);
		if (fd >= 0) {
			fn(name, fd, ctx);
			close(fd);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}
