/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF file system, the lock of the commands, and the list of instances. */
#include "place.h"
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"
#define LOCK_WAIT_S 30

static bool is_bpffs(void)
{
	struct statfs fs;

	return !statfs(BPFFS, &fs) && (__u32)fs.f_type == (__u32)BPF_FS_MAGIC;
}

static bool same_mount_namespace(void)
{
	struct stat own, init;

	if (stat("/proc/self/ns/mnt", &own) || stat("/proc/1/ns/mnt", &init))
		return false;
	return own.st_ino == init.st_ino && own.st_dev == init.st_dev;
}

int bpffs_check(say_fn say, struct config_error *err)
{
	char hint[NETNS_HINT];

	if (is_bpffs())
		return 0;
	if (!same_mount_namespace()) {
		if (!netns_find(netns_cookie(), hint))
			snprintf(hint, sizeof(hint), "nsenter --net=/run/netns/NAME");
		return report_error(err, -ENOENT,
				    "%s is not the host's BPF file system here (`ip netns exec` "
				    "hides it), where programs and maps live; use: %s xdp-nat64 "
				    "...",
				    BPFFS, hint);
	}
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return report_error(err, -errno,
				    "no BPF file system on %s and mounting it failed (%s); use: "
				    "mount -t bpf bpf %s",
				    BPFFS, strerror(errno), BPFFS);
	report_say(say, "mounted the BPF file system on %s (it stays mounted)", BPFFS);
	return 0;
}

/* The folder may have been removed by the command that held the lock. */
static bool still_there(int fd)
{
	struct stat own, now;

	return !fstat(fd, &own) && !stat(N64_RUN_ROOT, &now) && own.st_ino == now.st_ino &&
	       own.st_dev == now.st_dev;
}

static int try_lock(void)
{
	int fd;

	if (!mkdir(N64_RUN_ROOT, 0755))
		chmod(N64_RUN_ROOT, 0755); /* whatever the umask: the worker is another user */
	else if (errno != EEXIST)
		return -errno;
	fd = open(N64_RUN_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB) && still_there(fd))
		return fd;
	close(fd);
	return -EAGAIN;
}

int place_lock(struct config_error *err)
{
	struct timespec tick = { .tv_nsec = 20 * 1000 * 1000 };
	int i, fd = -EAGAIN;

	for (i = 0; i < LOCK_WAIT_S * 50 && fd == -EAGAIN; i++) {
		if (i)
			nanosleep(&tick, NULL);
		fd = try_lock();
	}
	if (fd == -EAGAIN)
		return report_error(err, -EBUSY,
				    "another xdp-nat64 command has been at work for %d s and "
				    "holds %s; wait for it or end it",
				    LOCK_WAIT_S, N64_RUN_ROOT);
	if (fd < 0)
		return report_error(err, fd, "cannot use %s: %s; run as root", N64_RUN_ROOT,
				    strerror(-fd));
	return fd;
}

void place_unlock(int fd)
{
	/* Only an empty folder goes. */
	rmdir(N64_PIN_ROOT);
	rmdir(N64_RUN_ROOT);
	close(fd);
}

static int walk_folder(const char *root, const char *skip_if, int (*fn)(const char *, void *),
		       void *ctx)
{
	struct dirent **list;
	int i, n = scandir(root, &list, NULL, alphasort), rc = 0;
	char path[sizeof(struct instance_paths)];

	for (i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", skip_if ? skip_if : "", name);
		if (!rc && name[0] != '.' && strlen(name) <= N64_NAME_MAX &&
		    (!skip_if || access(path, F_OK)))
			rc = fn(name, ctx);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return rc;
}

int place_instances(int (*fn)(const char *name, void *ctx), void *ctx)
{
	int rc = walk_folder(N64_RUN_ROOT, NULL, fn, ctx);

	/* Pins whose run folder is lost still have to be found by detach. */
	return rc ? rc : walk_folder(N64_PIN_ROOT, N64_RUN_ROOT, fn, ctx);
}

struct choice {
	char only[N64_NAME_MAX + 1], here[N64_NAME_MAX + 1];
	char all[256];
	unsigned int n, n_here; /* in all, in this network namespace */
};

static int count_instance(const char *name, void *ctx)
{
	struct choice *c = ctx;
	size_t len = strlen(c->all);
	struct state s;

	if (!c->n++)
		snprintf(c->only, sizeof(c->only), "%.*s", N64_NAME_MAX, name);
	snprintf(c->all + len, sizeof(c->all) - len, "%s%s", len ? ", " : "", name);
	if (state_load(&s, name, NULL))
		return 0;
	if (state_u64(&s, "netns") == netns_cookie() && !c->n_here++)
		snprintf(c->here, sizeof(c->here), "%.*s", N64_NAME_MAX, name);
	state_close(&s);
	return 0;
}

static int name_matches(const char *name, void *ctx)
{
	return !strcmp(name, ctx);
}

int place_choose(const char *name, char chosen[N64_NAME_MAX + 1], struct config_error *err)
{
	struct choice c = { .n = 0 };

	if (name) {
		if (strlen(name) > N64_NAME_MAX || strchr(name, '/') || name[0] == '.' ||
		    !place_instances(name_matches, (void *)name))
			return report_error(err, -ENOENT, "no instance '%.32s' is attached", name);
		snprintf(chosen, N64_NAME_MAX + 1, "%s", name);
		return 0;
	}
	place_instances(count_instance, &c);
	if (!c.n)
		return report_error(err, -ENOENT,
				    "no instance is attached; `xdp-nat64 attach` makes one");
	if (c.n_here == 1) {
		snprintf(chosen, N64_NAME_MAX + 1, "%s", c.here);
		return 0;
	}
	if (c.n > 1)
		return report_error(err, -EINVAL,
				    "%u instances are attached: %s; say which with --name",
				    c.n, c.all);
	snprintf(chosen, N64_NAME_MAX + 1, "%s", c.only);
	return 0;
}
