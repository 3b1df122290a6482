/* SPDX-License-Identifier: GPL-2.0-only */
/* What all calls of the shim share: the C library's own calls, the rules, the mark on a
 * socket, and the ways to a destination. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif

/* ---- setting up ---------------------------------------------------------------------- */

static struct real_calls calls;
static struct dest_rules rules;
static bool rules_good;

static void find_calls(void)
{
#define X(type, name, args) *(void **)&calls.name = dlsym(RTLD_NEXT, #name);
	SHIM_CALLS(X)
#undef X
}

const struct real_calls *real(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_calls);
	return &calls;
}

static void read_rules(void)
{
	char err[DEST_ERROR];

	rules_good = !settings_read(&rules, err);
	if (!rules_good)
		shim_say(false, "%s. Nothing is translated", err);
}

const struct dest_rules *shim_rules(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_rules);
	return rules_good ? &rules : NULL;
}

/* The log is opened for each line: a descriptor that we kept would be closed by programs
 * that close all, and its number used for something else; and stderr may be such a number.
 * -1: nowhere. A pipe as log is not waited for. */
static int log_open(bool more, bool *opened)
{
	const char *file = secure_getenv(CLIENT_ENV_LOG);
	int domain, fd = -1;
	socklen_t len = sizeof(domain);

	if (file && *file)
		fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	*opened = fd >= 0;
	if (*opened || (file && *file && more))
		return fd;
	if (!real()->getsockopt(STDERR_FILENO, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	    domain != AF_UNIX)
		return -1;
	return STDERR_FILENO;
}

/* What cannot be written is lost, and the program goes on: no SIGPIPE. */
static void write_line(int fd, const char *line, size_t n)
{
	static const struct timespec at_once;
	sigset_t broken, before, waiting;

	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	sigpending(&waiting);
	pthread_sigmask(SIG_BLOCK, &broken, &before);
	if (write(fd, line, n) < 0 && errno == EPIPE && !sigismember(&waiting, SIGPIPE))
		sigtimedwait(&broken, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void shim_say(bool more, const char *fmt, ...)
{
	const char *verbose = secure_getenv(CLIENT_ENV_VERBOSE);
	int keep = errno, fd, n;
	char line[512];
	bool opened;
	va_list ap;

	if (more && (!verbose || !*verbose || !strcmp(verbose, "0")))
		return;
	n = snprintf(line, sizeof(line), "xdp-nat64 run: [%d] ", (int)getpid());
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n = (int)strlen(line);
	line[n++] = '\n';
	fd = log_open(more, &opened);
	if (fd >= 0)
		write_line(fd, line, (size_t)n);
	if (opened)
		close(fd);
	errno = keep;
}

/* ---- the mark -------------------------------------------------------------------------
 * Two options that change nothing as we use them and that no program sets together on a
 * socket that also speaks IPv4: a flow label taken from the address (ours is 0: the
 * kernel's choice) and a least hop limit of 1. Both are inherited by accept(). */

static bool has_option(int fd, int option, int value)
{
	int is = -1;
	socklen_t len = sizeof(is);

	return !real()->getsockopt(fd, IPPROTO_IPV6, option, &is, &len) && is == value;
}

bool ours(int fd)
{
	int keep = errno;
	bool yes = has_option(fd, IPV6_MINHOPCOUNT, 1) && has_option(fd, IPV6_FLOWINFO_SEND, 1) &&
		   has_option(fd, IPV6_V6ONLY, 0);

	errno = keep;
	return yes;
}

int shim_mark(int fd)
{
	static const int on = 1, off = 0;

	if (real()->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    real()->setsockopt(fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, &on, sizeof(on)))
		return -1;
	return real()->setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &on, sizeof(on));
}

/* ---- addresses -------------------------------------------------------------------------- */

struct sockaddr_in6 shim_mapped(const struct sockaddr_in *a)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = a->sin_port };

	six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
	memcpy(six.sin6_addr.s6_addr + 12, &a->sin_addr, 4);
	return six;
}

bool shim_is_mapped(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

struct sockaddr_in shim_seen(const struct sockaddr_in6 *a)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = a->sin6_port };
	const struct in6_addr *at = &a->sin6_addr;
	const struct dest_rules *r = shim_rules();
	struct addr6 six;
	__be32 v4 = SHIM_LOCAL4;

	memcpy(&six, at, sizeof(six));
	if (IN6_IS_ADDR_UNSPECIFIED(at))
		v4 = 0;
	else if (IN6_IS_ADDR_LOOPBACK(at))
		v4 = IP4(127, 0, 0, 1);
	else if (IN6_IS_ADDR_V4MAPPED(at))
		v4 = six.w[3];
	else if (r)
		dest_extract(r, &six, settings_discover, &v4);
	four.sin_addr.s_addr = v4;
	return four;
}

void shim_give(const struct sockaddr_in6 *a, struct sockaddr *to, socklen_t *len)
{
	struct sockaddr_in four = shim_seen(a);

	memcpy(to, &four, *len < sizeof(four) ? *len : sizeof(four));
	*len = sizeof(four);
}

/* ---- the ways to a destination ------------------------------------------------------------ */

/* The IPv4-mapped address worked where the NAT64 address did not: it is tried first. */
static atomic_bool mapped_first;

static bool is_unreachable(int e)
{
	/* EAFNOSUPPORT, EINVAL: the socket is bound to an address of the other family */
	return e == ENETUNREACH || e == EHOSTUNREACH || e == EADDRNOTAVAIL || e == ENETDOWN ||
	       e == EACCES || e == EPERM || e == EAFNOSUPPORT || e == EINVAL;
}

static void say_choice(const struct sockaddr_in *to, const struct sockaddr_in6 *way, int e)
{
	char four[INET_ADDRSTRLEN], six[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &to->sin_addr, four, sizeof(four));
	inet_ntop(AF_INET6, &way->sin6_addr, six, sizeof(six));
	shim_say(true, "%s port %d by %s: %s", four, ntohs(to->sin_port), six,
		 e ? strerror(e) : "sent");
}

static void say_no_prefix(const struct sockaddr_in *to, const struct dest_choice *c)
{
	static atomic_bool said;
	char four[INET_ADDRSTRLEN];

	if (c->why != DEST_NO_PREFIX && c->why != DEST_NONGLOBAL)
		return;
	inet_ntop(AF_INET, &to->sin_addr, four, sizeof(four));
	shim_say(atomic_exchange(&said, true), "no NAT64 prefix for %s%s; write a line path into "
		 "the rule file, or local where it is reached directly", four,
		 c->why == DEST_NONGLOBAL
		 ? " (64:ff9b::/96 does not carry an address that is not global)" : "");
}

/* In the order to try them; their number. */
static int ways_to(const struct sockaddr_in *to, struct sockaddr_in6 way[2])
{
	const struct dest_rules *r = shim_rules();
	struct dest_choice c = { .translated = false };
	struct addr6 six;
	bool second = false;

	if (r)
		c = dest_choose(r, to->sin_addr.s_addr, ntohs(to->sin_port), settings_discover);
	way[0] = shim_mapped(to);
	if (!c.translated) {
		say_no_prefix(to, &c);
		return 1;
	}
	second = atomic_load(&mapped_first);
	way[!second] = shim_mapped(to);
	way[second] = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = to->sin_port };
	rfc6052_embed(&c.pref, to->sin_addr.s_addr, &six);
	memcpy(&way[second].sin6_addr, &six, sizeof(six));
	return 2;
}

/* Of two failures the one that says more: that there is no way says least. */
static int telling(int first, int second)
{
	bool first_says_little = first == ENETUNREACH || first == EADDRNOTAVAIL ||
				 first == EAFNOSUPPORT;
	bool second_is_ours = second == EAFNOSUPPORT || second == EINVAL;

	if (!first)
		return second;
	return first_says_little && !second_is_ours ? second : first;
}

ssize_t shim_try(const struct sockaddr_in *to, shim_try_fn *attempt, void *ctx)
{
	struct sockaddr_in6 way[2];
	int n = ways_to(to, way), e = 0, last = 0;
	ssize_t rc = -1;

	for (int i = 0; i < n; i++) {
		rc = attempt(ctx, &way[i]);
		say_choice(to, &way[i], rc < 0 ? errno : 0);
		if (rc >= 0 || !is_unreachable(errno)) {
			/* remembered, unless only this socket was in the way */
			if (i && last != EAFNOSUPPORT && last != EINVAL)
				atomic_store(&mapped_first, shim_is_mapped(&way[i].sin6_addr));
			return rc;
		}
		last = errno;
		e = telling(e, last);
	}
	if (n == 2)
		atomic_store(&mapped_first, false);
	errno = e;
	return rc;
}
