/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces by their cookie: an instance belongs to one, and a command
 * from another would see other interfaces under the same names. */
#define _GNU_SOURCE
#include "place.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

__u64 netns_cookie(void)
{
	__u64 cookie = 0;
	socklen_t len = sizeof(cookie);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(fd);
	return cookie;
}

static bool has_cookie(const char *path, __u64 cookie)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same;

	if (fd < 0)
		return false;
	same = !setns(fd, CLONE_NEWNET) && netns_cookie() == cookie;
	close(fd);
	return same;
}

static bool search(const char *folder, const char *suffix, bool digits, __u64 cookie,
		   char hint[NETNS_HINT])
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	bool found = false;
	char path[320];

	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || (digits && !isdigit((unsigned char)e->d_name[0])))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, e->d_name, suffix);
		found = has_cookie(path, cookie);
	}
	closedir(dir);
	if (found)
		snprintf(hint, NETNS_HINT, "nsenter --net=%.110s", path);
	return found;
}

bool netns_find(__u64 cookie, char hint[NETNS_HINT])
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	bool found;

	if (home < 0)
		return false;
	found = search("/run/netns", "", false, cookie, hint) ||
		search("/proc", "/ns/net", true, cookie, hint);
	if (setns(home, CLONE_NEWNET))
		found = false;
	close(home);
	return found;
}
