/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading and writing net.ipv4.conf and net.ipv6.conf. */
#include "sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSCTL_PATH 160

static void sysctl_path(char path[SYSCTL_PATH], const char *fam, const char *dev,
			const char *key)
{
	snprintf(path, SYSCTL_PATH, "/proc/sys/net/%s/conf/%s/%s", fam, dev, key);
}

int sysctl_get(const char *fam, const char *dev, const char *key, char value[SYSCTL_VALUE])
{
	char path[SYSCTL_PATH];
	ssize_t n;
	int fd;

	sysctl_path(path, fam, dev, key);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, value, SYSCTL_VALUE - 1);
	close(fd);
	if (n < 0)
		return -errno;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int sysctl_set(const char *fam, const char *dev, const char *key, const char *value)
{
	char path[SYSCTL_PATH];
	ssize_t n, len = (ssize_t)strlen(value);
	int fd, rc;

	sysctl_path(path, fam, dev, key);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, value, (size_t)len);
	rc = n == len ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return rc;
}

int sysctl_int(const char *fam, const char *dev, const char *key, int missing)
{
	char value[SYSCTL_VALUE];

	if (sysctl_get(fam, dev, key, value))
		return missing;
	return atoi(value);
}

struct dev_value {
	char dev[32];
	char value[SYSCTL_VALUE];
	struct dev_value *next;
};

static int forward6_snapshot(struct dev_value **list)
{
	DIR *dir = opendir("/proc/sys/net/ipv6/conf");
	const struct dirent *e;
	struct dev_value *v;

	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "all") ||
		    strlen(e->d_name) >= sizeof(v->dev))
			continue;
		v = calloc(1, sizeof(*v));
		if (!v)
			break;
		strcpy(v->dev, e->d_name);
		if (sysctl_get("ipv6", v->dev, "forwarding", v->value)) {
			free(v);
			continue;
		}
		v->next = *list;
		*list = v;
	}
	closedir(dir);
	return 0;
}

int sysctl_forward6(const char *value)
{
	struct dev_value *list = NULL, *v;
	char now[SYSCTL_VALUE];
	int rc;

	rc = forward6_snapshot(&list);
	if (!rc)
		rc = sysctl_set("ipv6", "all", "forwarding", value);
	while ((v = list)) {
		list = v->next;
		if (!rc && !sysctl_get("ipv6", v->dev, "forwarding", now) && strcmp(now, v->value))
			sysctl_set("ipv6", v->dev, "forwarding", v->value);
		free(v);
	}
	return rc;
}
