/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines that packets cause are few, whatever the packets do (L4-03). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "worker/log.h"

struct step {
	__u32 now_ms;
	unsigned int asked, written;
	__u32 hidden;	/* said with the first line written */
};

/* In time: rows see what the rows before have used up. */
static const struct step steps[] = {
	{ 10000, 100, LOG_BURST, 0 },	  { 10999, 100, 0, 0 },
	{ 11000, 100, 1, 195 },		  { 11000, 1, 0, 0 },
	{ 13000, 100, 2, 100 },		  { 100000, 100, LOG_BURST, 98 },
	{ 5, 100, LOG_BURST, 95 }, /* the clock wrapped */
};

static void test_limit(void **state)
{
	struct log_limit l = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned int written = 0;
		__u32 hidden = 0, first = 0;

		for (unsigned int n = 0; n < steps[i].asked; n++) {
			if (!log_allowed(&l, steps[i].now_ms, &hidden))
				continue;
			first = written++ ? first : hidden;
		}
		if (written != steps[i].written || (written && first != steps[i].hidden))
			fail_msg("row %zu: %u lines, %u hidden", i, written, first);
	}
}

/* Writes `lines` to stderr as it stands in a file of folder `of`; its size then. */
static off_t written(const char *folder, const char *of, unsigned int lines)
{
	char path[64];
	struct stat s = { 0 };
	int before = dup(STDERR_FILENO), fd;

	snprintf(path, sizeof(path), "%s/worker.log", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(before >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	log_open(false);
	log_bound(of);
	for (unsigned int i = 0; i < lines; i++)
		log_line(LOG_INFO, "line %u of many", i);
	fstat(fd, &s);
	dup2(before, STDERR_FILENO);
	close(before);
	close(fd);
	unlink(path);
	return s.st_size;
}

/* The worker's own file does not fill the memory that it lies in; a file that
 * somebody else had the lines written to is that person's. */
static void test_bound(void **state)
{
	char folder[] = "/tmp/n64-log-XXXXXX";
	off_t short_one, ours, theirs;

	(void)state;
	assert_non_null(mkdtemp(folder));
	short_one = written(folder, folder, 100);
	ours = written(folder, folder, 60000);
	theirs = written(folder, "/nonexistent", 60000);
	rmdir(folder);
	assert_in_range(short_one, 100 * 30, 100 * 60);
	assert_in_range(ours, 1, LOG_BYTES + 100);
	assert_in_range(theirs, 2 * LOG_BYTES, 4 * LOG_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
