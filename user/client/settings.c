/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of the client shim. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

#define FILE_MAX_BYTES 65536

/* Read with plain calls: no stdio buffers inside a program that is not ours; and no waiting,
 * as a pipe would. The file's length, or -1 with errno. */
static ssize_t slurp(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), e = 0;
	struct stat is;
	size_t n = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -1;
	if (fstat(fd, &is))
		e = errno;
	else if (!S_ISREG(is.st_mode))
		e = S_ISDIR(is.st_mode) ? EISDIR : EINVAL;
	while (!e && n < size && (got = read(fd, text + n, size - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		e = errno;
	close(fd);
	errno = e;
	return e ? -1 : (ssize_t)n;
}

const char *settings_file(void)
{
	const char *named = secure_getenv(CLIENT_ENV_CONFIG);

	if (named && *named)
		return named;
	return access(CLIENT_FILE, F_OK) ? NULL : CLIENT_FILE;
}

static int read_file(struct dest_rules *r, const char *file, char err[DEST_ERROR])
{
	char *text = malloc(FILE_MAX_BYTES + 1);
	ssize_t n;
	int rc = -1;

	n = text ? slurp(file, text, FILE_MAX_BYTES + 1) : -1;
	if (n < 0) {
		snprintf(err, DEST_ERROR, "the rule file %.200s cannot be read: %s", file,
			 errno == EINVAL ? "not a regular file" : strerror(errno));
	} else if (!n) { /* what a full disk leaves behind, not what somebody meant */
		snprintf(err, DEST_ERROR, "the rule file %.200s is empty; write a line like "
			 "default discover, or remove it", file);
	} else if (n > FILE_MAX_BYTES || memchr(text, '\0', (size_t)n)) {
		snprintf(err, DEST_ERROR, "%.200s is no rule file: longer than 64 KiB, or not "
			 "text", file);
	} else {
		text[n] = '\0';
		rc = dest_read(r, file, text, err);
	}
	free(text);
	return rc;
}

int settings_read(struct dest_rules *r, char err[DEST_ERROR])
{
	const char *file = settings_file(), *word = secure_getenv(CLIENT_ENV_PREF64);

	dest_init(r);
	if (file && read_file(r, file, err))
		return -1;
	if (!word || !*word)
		return 0;
	r->otherwise = DEST_PREFIX;
	r->line = 0;
	if (!dest_pref64(word, &r->pref))
		return 0;
	snprintf(err, DEST_ERROR, "'%.60s' (" CLIENT_ENV_PREF64 ", -6) is not a NAT64 prefix; "
		 "write one of length 32, 40, 48, 56, 64 or 96 with nothing behind it, like "
		 "64:ff9b::/96", word);
	return -1;
}
