/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that make, name and set up sockets, as the program sees them. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shim.h"

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

#define SHOWN __attribute__((visibility("default")))

/* ---- making ------------------------------------------------------------------------- */

static bool is_wanted(int family, int type, int protocol)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	return family == AF_INET &&
	       ((kind == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP)) ||
		(kind == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP)));
}

SHOWN int socket(int family, int type, int protocol)
{
	int keep = errno, fd;

	if (!is_wanted(family, type, protocol) || !shim_rules())
		return real()->socket(family, type, protocol);
	fd = real()->socket(AF_INET6, type, protocol);
	if (fd >= 0 && !shim_mark(fd))
		return fd;
	/* a kernel without IPv6 has only what the program asked for */
	if (fd >= 0)
		close(fd);
	errno = keep;
	return real()->socket(family, type, protocol);
}

SHOWN int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *len, int flags)
{
	struct sockaddr_in6 six;
	socklen_t six_len = sizeof(six);
	int got;

	if (!addr.__sockaddr__ || !len || !ours(fd))
		return real()->accept4(fd, addr.__sockaddr__, len, flags);
	got = real()->accept4(fd, (struct sockaddr *)&six, &six_len, flags);
	if (got >= 0)
		shim_give(&six, addr.__sockaddr__, len);
	return got;
}

SHOWN int accept(int fd, __SOCKADDR_ARG addr, socklen_t *len)
{
	return accept4(fd, addr, len, 0);
}

/* ---- connect and bind ------------------------------------------------------------------ */

struct connecting {
	int fd;
};

/* A UDP socket that is connected the other way would keep that way's source address. */
static void leave_other_way(int fd, const struct sockaddr_in6 *to)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer), type_len = sizeof(int);
	int type;

	if (real()->getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) || type != SOCK_DGRAM ||
	    real()->getpeername(fd, (struct sockaddr *)&peer, &len) ||
	    shim_is_mapped(&peer.sin6_addr) == shim_is_mapped(&to->sin6_addr))
		return;
	real()->connect(fd, &none, sizeof(none));
}

static ssize_t try_connect(void *ctx, const struct sockaddr_in6 *to)
{
	int fd = ((struct connecting *)ctx)->fd;

	leave_other_way(fd, to);
	return real()->connect(fd, (const struct sockaddr *)to, sizeof(*to));
}

/* The program's IPv4 address; 0, or -1 with the kernel's errno for what is none. */
static int take_address(const struct sockaddr *addr, socklen_t len, struct sockaddr_in *out)
{
	if (len < sizeof(*out)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(out, addr, sizeof(*out));
	if (out->sin_family == AF_INET)
		return 0;
	errno = EAFNOSUPPORT;
	return -1;
}

SHOWN int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const struct sockaddr *to = addr.__sockaddr__;
	struct connecting c = { fd };
	struct sockaddr_in four;

	if (!to || len < sizeof(to->sa_family) || to->sa_family == AF_UNSPEC || !ours(fd))
		return real()->connect(fd, to, len);
	if (take_address(to, len, &four))
		return -1;
	return (int)shim_try(&four, try_connect, &c);
}

/* 0.0.0.0 and the address that getsockname() shows of a translated connection: any. */
static bool is_any(const struct sockaddr_in *a)
{
	return !a->sin_addr.s_addr || prefix4_contains(IP4(192, 0, 0, 0), 29, a->sin_addr.s_addr);
}

SHOWN int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four;

	if (!addr.__sockaddr__ || !ours(fd))
		return real()->bind(fd, addr.__sockaddr__, len);
	if (take_address(addr.__sockaddr__, len, &four)) {
		/* Linux takes an AF_UNSPEC of all zeros for 0.0.0.0 */
		if (errno != EAFNOSUPPORT || four.sin_family != AF_UNSPEC || four.sin_addr.s_addr)
			return -1;
	}
	six.sin6_port = four.sin_port;
	if (!is_any(&four))
		six = shim_mapped(&four);
	else if (!real()->bind(fd, (struct sockaddr *)&six, sizeof(six)))
		return 0;
	else if (errno != EADDRINUSE || !four.sin_port)
		return -1;
	else /* a server has its IPv6 socket on this port already: IPv4 only, then */
		six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
	return real()->bind(fd, (struct sockaddr *)&six, sizeof(six));
}

/* ---- names -------------------------------------------------------------------------------- */

typedef int name_fn(int fd, struct sockaddr *addr, socklen_t *len);

static int name_of(name_fn *ask, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockaddr_in6 six;
	socklen_t six_len = sizeof(six);
	int rc;

	if (!addr || !len || !ours(fd))
		return ask(fd, addr, len);
	rc = ask(fd, (struct sockaddr *)&six, &six_len);
	if (!rc)
		shim_give(&six, addr, len);
	return rc;
}

SHOWN int getsockname(int fd, __SOCKADDR_ARG addr, socklen_t *len)
{
	return name_of(real()->getsockname, fd, addr.__sockaddr__, len);
}

SHOWN int getpeername(int fd, __SOCKADDR_ARG addr, socklen_t *len)
{
	return name_of(real()->getpeername, fd, addr.__sockaddr__, len);
}

/* ---- options -------------------------------------------------------------------------------
 * An IPv6 socket takes IPv4's options too, for what it sends as IPv4; what is translated
 * needs the twin. */

static const struct {
	int four, six;
} twins[] = {
	{ IP_TOS, IPV6_TCLASS },
	{ IP_TTL, IPV6_UNICAST_HOPS },
	{ IP_PKTINFO, IPV6_RECVPKTINFO },
	{ IP_RECVTTL, IPV6_RECVHOPLIMIT },
	{ IP_RECVTOS, IPV6_RECVTCLASS },
	{ IP_RECVERR, IPV6_RECVERR },
	{ IP_MTU_DISCOVER, IPV6_MTU_DISCOVER },
	{ IP_FREEBIND, IPV6_FREEBIND },
	{ IP_TRANSPARENT, IPV6_TRANSPARENT },
};

static int set_twin(int fd, int option, const void *value, socklen_t len)
{
	int number = 0;

	if (len >= sizeof(number))
		memcpy(&number, value, sizeof(number));
	else if (len)
		number = *(const unsigned char *)value;
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++)
		if (twins[i].four == option)
			return real()->setsockopt(fd, IPPROTO_IPV6, twins[i].six, &number,
						  sizeof(number));
	return 0;
}

SHOWN int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	int rc;

	if ((level != IPPROTO_IP && level != IPPROTO_IPV6) || !ours(fd))
		return real()->setsockopt(fd, level, option, value, len);
	if (level == IPPROTO_IPV6) {
		errno = ENOPROTOOPT; /* as on an IPv4 socket */
		return -1;
	}
	rc = real()->setsockopt(fd, level, option, value, len);
	return rc ? rc : set_twin(fd, option, value, len);
}

/* IP_MTU of a translated connection: an IPv4 header is 20 bytes shorter. */
static int mtu_of(int fd, void *value, socklen_t *len)
{
	struct sockaddr_in6 peer;
	socklen_t peer_len = sizeof(peer);
	int rc = real()->getsockopt(fd, IPPROTO_IP, IP_MTU, value, len), mtu;

	if (rc || *len < sizeof(mtu))
		return rc;
	if (real()->getpeername(fd, (struct sockaddr *)&peer, &peer_len) ||
	    shim_is_mapped(&peer.sin6_addr))
		return 0;
	memcpy(&mtu, value, sizeof(mtu));
	mtu -= 20;
	memcpy(value, &mtu, sizeof(mtu));
	return 0;
}

SHOWN int getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	static const int family = AF_INET;
	int rc;

	if (level == IPPROTO_IP && option == IP_MTU && value && len && ours(fd))
		return mtu_of(fd, value, len);
	if (level == IPPROTO_IPV6 && ours(fd)) {
		errno = EOPNOTSUPP; /* as on an IPv4 socket */
		return -1;
	}
	rc = real()->getsockopt(fd, level, option, value, len);
	if (!rc && level == SOL_SOCKET && option == SO_DOMAIN && ours(fd))
		memcpy(value, &family, *len < sizeof(family) ? *len : sizeof(family));
	return rc;
}

/* ---- what is asked of IPv4 sockets ---------------------------------------------------- */

/* Addresses of interfaces, routes, ARP: an IPv6 socket answers none of these. */
static bool is_about_ipv4(unsigned long request)
{
	return request == 0x890b || request == 0x890c || (request >= 0x8910 && request <= 0x895f);
}

SHOWN int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;
	int four, rc, e;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!is_about_ipv4(request) || !ours(fd))
		return real()->ioctl(fd, request, arg);
	four = real()->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (four < 0)
		return real()->ioctl(fd, request, arg);
	rc = real()->ioctl(four, request, arg);
	e = errno;
	close(four);
	errno = e;
	return rc;
}

/* AI_ADDRCONFIG hides IPv4 addresses on a host that has none; ours are good all the same. */
SHOWN int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		      struct addrinfo **out)
{
	struct addrinfo more;

	if (!hints || hints->ai_family != AF_INET || !(hints->ai_flags & AI_ADDRCONFIG) ||
	    !shim_rules())
		return real()->getaddrinfo(node, service, hints, out);
	more = *hints;
	more.ai_flags &= ~AI_ADDRCONFIG;
	return real()->getaddrinfo(node, service, &more, out);
}
