/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker is found by its lock, not by its name: whoever holds the lock and
 * has the file open is the worker. */
#define _GNU_SOURCE
#include "worker_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_WAIT_MS 10000
#define STOP_WAIT_MS 5000
#define WORDS 400

/* Does the process have the lock file open? A pid of a dead worker may have
 * been given to somebody else. */
static bool has_open(pid_t pid, const char *path)
{
	char folder[64], link[320], target[320];
	const struct dirent *e;
	bool found = false;
	ssize_t n;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	dir = opendir(folder);
	if (!dir)
		return errno == EACCES; /* not ours to look at: the lock has to do */
	while (!found && (e = readdir(dir))) {
		snprintf(link, sizeof(link), "%s/%s", folder, e->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		found = !strcmp(target, path);
	}
	closedir(dir);
	return found;
}

pid_t worker_pid(const struct instance_paths *p)
{
	int fd = open(p->lock, O_RDONLY | O_CLOEXEC);
	char text[32];
	pid_t pid = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK) {
		n = read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		pid = (pid_t)atoi(text);
	}
	close(fd);
	return pid > 1 && has_open(pid, p->lock) ? pid : 0;
}

/* The last line that the worker wrote. */
static void worker_words(const char *log, char words[WORDS])
{
	char line[512];
	FILE *f = fopen(log, "re");

	words[0] = '\0';
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			snprintf(words, WORDS, "%.*s", WORDS - 1, line);
	}
	fclose(f);
}

static void worker_exec(const char *name, const char *log, int ready)
{
	char number[16], command[] = "xdp-nat64", word[] = "worker", opt_name[] = "--name",
	     opt_fd[] = "--ready-fd", opt_fg[] = "--foreground";
	char *argv[] = { command, word, opt_name, (char *)name, opt_fd, number, opt_fg, NULL };
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	/* attach holds signals back; the worker must hear them. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (chdir("/") || in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(1);
	/* A lock or a pipe of whoever called attach is not the worker's to hold. */
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	fcntl(ready, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", ready);
	execv("/proc/self/exe", argv);
	dprintf(2, "cannot start the worker: %s\n", strerror(errno));
	_exit(1);
}

/* 0 when the byte came, -ETIMEDOUT, or -ECHILD when the worker ended before. */
static int wait_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;
	int n;

	do {
		n = poll(&p, 1, READY_WAIT_MS);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return -ETIMEDOUT;
	return read(fd, &byte, 1) == 1 ? 0 : -ECHILD;
}

int worker_start(const char *name, const struct instance_paths *p, pid_t *pid,
		 struct config_error *err)
{
	char log[sizeof(p->run) + 16], words[WORDS];
	int ready[2], rc;

	snprintf(log, sizeof(log), "%s/worker.log", p->run);
	if (pipe2(ready, O_CLOEXEC))
		return report_error(err, -errno, "cannot start the worker: %s", strerror(errno));
	*pid = fork();
	if (!*pid)
		worker_exec(name, log, ready[1]);
	close(ready[1]);
	rc = *pid < 0 ? -errno : wait_ready(ready[0]);
	close(ready[0]);
	if (!rc)
		return 0;
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	worker_words(log, words);
	return report_error(err, rc, "the worker did not start: %s",
			    words[0] ? words :
			    rc == -ETIMEDOUT ? "it was not ready after 10 s" :
					       "it ended without a word");
}

void worker_stop(const struct instance_paths *p, say_fn say)
{
	pid_t pid = worker_pid(p);
	struct pollfd pfd = { .events = POLLIN };
	const char *how = "ended";

	if (!pid)
		return;
	pfd.fd = pidfd_open(pid, 0);
	if (pfd.fd < 0)
		return;
	/* Once more, now that the descriptor keeps the pid from being reused. */
	if (worker_pid(p) == pid) {
		pidfd_send_signal(pfd.fd, SIGTERM, NULL, 0);
		if (poll(&pfd, 1, STOP_WAIT_MS) == 0) {
			pidfd_send_signal(pfd.fd, SIGKILL, NULL, 0);
			poll(&pfd, 1, STOP_WAIT_MS);
			how = "killed (it did not end in 5 s)";
		}
		report_say(say, "worker (pid %d) %s", pid, how);
	}
	waitpid(pid, NULL, WNOHANG);
	close(pfd.fd);
}

bool worker_wake(const struct instance_paths *p)
{
	pid_t pid = worker_pid(p);

	return pid && !kill(pid, SIGHUP);
}
