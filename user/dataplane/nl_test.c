/* SPDX-License-Identifier: GPL-2.0-only */
/* How the end of a dump is read. The kernel is this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "dataplane/nl.h"

struct row {
	const char *name;
	int rows;
	int done;	/* payload of DONE */
	int done_len;	/* of that payload */
	int intr;	/* index of the message with NLM_F_DUMP_INTR, -1: none */
	int want;
	bool interrupted;
};

static const struct row rows[] = {
	{ "whole", 2, 0, 4, -1, 0, false },
	{ "DONE without a payload", 2, 0, 0, -1, 0, false },
	{ "error underway", 2, -ENOBUFS, 4, -1, -ENOBUFS, false },
	{ "change seen by a row", 2, 0, 4, 0, 0, true },
	{ "change seen at the end", 2, 0, 4, 2, 0, true },
	{ "no rows, change seen at the end", 0, 0, 4, 0, 0, true },
};

static const struct row *now;
static unsigned int seq;

ssize_t mnl_socket_sendto(const struct mnl_socket *s, const void *buf, size_t n)
{
	(void)s;
	seq = ((const struct nlmsghdr *)buf)->nlmsg_seq;
	return (ssize_t)n;
}

static size_t put(char *at, int i, int type, const void *data, size_t n)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);

	h->nlmsg_type = (__u16)type;
	h->nlmsg_flags = (__u16)(NLM_F_MULTI | (i == now->intr ? NLM_F_DUMP_INTR : 0));
	h->nlmsg_seq = seq;
	if (n)
		memcpy(mnl_nlmsg_put_extra_header(h, n), data, n);
	return MNL_ALIGN(h->nlmsg_len);
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *s, void *buf, size_t size)
{
	struct ifinfomsg ifi = { 0 };
	size_t n = 0;
	int i;

	(void)s;
	(void)size;
	for (i = 0; i < now->rows; i++)
		n += put((char *)buf + n, i, RTM_NEWLINK, &ifi, sizeof(ifi));
	n += put((char *)buf + n, i, NLMSG_DONE, &now->done, (size_t)now->done_len);
	return (ssize_t)n;
}

static int count(const struct nlmsghdr *h, void *ctx)
{
	(void)h;
	++*(int *)ctx;
	return 0;
}

static void test_dump(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char buf[NL_BUF] __attribute__((aligned(8)));
		struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
		struct nl nl = { 0 };
		int seen = 0, r;

		now = &rows[i];
		r = nl_talk(&nl, nl_request(buf, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi)),
			    count, &seen);
		if (r != now->want || seen != now->rows || nl.interrupted != now->interrupted)
			fail_msg("%s: %d, %d rows, interrupted %d", now->name, r, seen,
				 nl.interrupted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_dump) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
