/* SPDX-License-Identifier: GPL-2.0-only */
/* The library that programs are started with (LD_PRELOAD): IPv4 sockets that speak IPv6.
 *
 * Every IPv4 TCP or UDP socket is made an IPv6 one that also speaks IPv4 (IPV6_V6ONLY 0)
 * from the beginning. So the descriptor that the program has is the socket that is used:
 * what it did with it before connect (epoll, dup, options, fork, passing it on) holds.
 * Which sockets are ours is written on the socket itself, not in a table of numbers: it
 * follows the socket through dup, fork, exec, accept and SCM_RIGHTS, and a number that is
 * used again means nothing. */
#ifndef N64_SHIM_H
#define N64_SHIM_H

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "settings.h"

/* What the shim stands in front of. */
#define SHIM_CALLS(X) \
	X(int, socket, (int, int, int)) \
	X(int, connect, (int, const struct sockaddr *, socklen_t)) \
	X(int, bind, (int, const struct sockaddr *, socklen_t)) \
	X(int, accept4, (int, struct sockaddr *, socklen_t *, int)) \
	X(int, getsockname, (int, struct sockaddr *, socklen_t *)) \
	X(int, getpeername, (int, struct sockaddr *, socklen_t *)) \
	X(int, getsockopt, (int, int, int, void *, socklen_t *)) \
	X(int, setsockopt, (int, int, int, const void *, socklen_t)) \
	X(int, ioctl, (int, unsigned long, void *)) \
	X(ssize_t, sendto, (int, const void *, size_t, int, const struct sockaddr *, socklen_t)) \
	X(ssize_t, sendmsg, (int, const struct msghdr *, int)) \
	X(int, sendmmsg, (int, struct mmsghdr *, unsigned int, int)) \
	X(ssize_t, recvfrom, (int, void *, size_t, int, struct sockaddr *, socklen_t *)) \
	X(ssize_t, recvmsg, (int, struct msghdr *, int)) \
	X(int, recvmmsg, (int, struct mmsghdr *, unsigned int, int, struct timespec *)) \
	X(int, getaddrinfo, (const char *, const char *, const struct addrinfo *, \
			     struct addrinfo **))

struct real_calls {
#define X(type, name, args) type (*name) args;
	SHIM_CALLS(X)
#undef X
};

/* The C library's own. */
const struct real_calls *real(void);
/* The rules; NULL: they are wrong (which was said), the shim stays out of the way. */
const struct dest_rules *shim_rules(void);

/* Made by us. errno is kept. */
bool ours(int fd);
/* Marks a new socket; 0 or -1. */
int shim_mark(int fd);

/* One line to the log; `more`: only with XDP_NAT64_VERBOSE. errno is kept. */
void shim_say(bool more, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- addresses ------------------------------------------------------------------- */

/* Local address of a connection that is translated: an IPv4 host behind a translator has
 * one of 192.0.0.0/29 (RFC 7335), and bind() takes it for any. */
#define SHIM_LOCAL4 IP4(192, 0, 0, 2)

struct sockaddr_in6 shim_mapped(const struct sockaddr_in *a);
bool shim_is_mapped(const struct in6_addr *a);
/* What the program sees of an IPv6 address. */
struct sockaddr_in shim_seen(const struct sockaddr_in6 *a);
/* Gives `a` to the program, cut to its buffer as the kernel does. */
void shim_give(const struct sockaddr_in6 *a, struct sockaddr *to, socklen_t *len);

/* ---- the ways to a destination ------------------------------------------------------ */

typedef ssize_t shim_try_fn(void *ctx, const struct sockaddr_in6 *to);

/* Tries the NAT64 address, then the mapped one (or the one that worked last), as long as
 * the network is unreachable that way. */
ssize_t shim_try(const struct sockaddr_in *to, shim_try_fn *attempt, void *ctx);

/* ---- control messages --------------------------------------------------------------- */

/* Room that the kernel may need for `len` bytes of IPv4's messages; more than any socket of
 * ours has to say is not asked for. */
#define SHIM_CONTROL(len) (2 * ((len) < 65536 ? (len) : 65536) + 256)

/* From the kernel's to the program's; sets msg_controllen and MSG_CTRUNC of `to`. */
void control_to4(const struct msghdr *from, struct msghdr *to);
/* The program's, for a destination that is translated; the length, -1: broken or too long. */
ssize_t control_to6(const struct msghdr *from, void *out, size_t size);

#endif
