/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls that send to an address and receive from one. Calls without an address, and
 * read and write, are not looked at: they cost nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define SHOWN __attribute__((visibility("default")))
#define STACK_CONTROL 2048	/* longer control messages take memory */

/* ---- sending ------------------------------------------------------------------------ */

struct sending {
	int fd, flags;
	const void *data;
	size_t len;
	const struct msghdr *msg;
};

static ssize_t try_sendto(void *ctx, const struct sockaddr_in6 *to)
{
	const struct sending *s = ctx;

	return real()->sendto(s->fd, s->data, s->len, s->flags, (const struct sockaddr *)to,
			      sizeof(*to));
}

/* 0, or -1 with errno. Also the kernel takes AF_UNSPEC for AF_INET here. */
static int take_name(const void *name, socklen_t len, struct sockaddr_in *four)
{
	if (len < sizeof(*four)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(four, name, sizeof(*four));
	if (four->sin_family == AF_UNSPEC)
		four->sin_family = AF_INET;
	if (four->sin_family == AF_INET)
		return 0;
	errno = EAFNOSUPPORT;
	return -1;
}

SHOWN ssize_t sendto(int fd, const void *data, size_t len, int flags, __CONST_SOCKADDR_ARG addr,
		     socklen_t addr_len)
{
	struct sending s = { fd, flags, data, len, NULL };
	struct sockaddr_in four;

	if (!addr.__sockaddr__ || !ours(fd))
		return real()->sendto(fd, data, len, flags, addr.__sockaddr__, addr_len);
	if (take_name(addr.__sockaddr__, addr_len, &four))
		return -1;
	return shim_try(&four, try_sendto, &s);
}

/* A message to an IPv6 address (NULL: the one connected to), control messages and all. */
static ssize_t send_translated(const struct sending *s, const struct sockaddr_in6 *to)
{
	char stack[SHIM_CONTROL(STACK_CONTROL)], *room = stack;
	struct msghdr m = *s->msg;
	size_t size = SHIM_CONTROL(m.msg_controllen);
	ssize_t rc;

	if (to) {
		m.msg_name = (void *)(unsigned long)to;
		m.msg_namelen = sizeof(*to);
	}
	if (!m.msg_control || !m.msg_controllen)
		return real()->sendmsg(s->fd, &m, s->flags);
	if (size > sizeof(stack)) {
		room = malloc(size);
		if (!room) {
			errno = ENOBUFS;
			return -1;
		}
	}
	rc = control_to6(s->msg, room, size);
	if (rc < 0) {
		errno = EINVAL; /* the kernel's answer to such */
	} else {
		m.msg_controllen = (size_t)rc;
		m.msg_control = rc ? room : NULL;
		rc = real()->sendmsg(s->fd, &m, s->flags);
	}
	if (room != stack) {
		int e = errno;

		free(room);
		errno = e;
	}
	return rc;
}

static ssize_t try_sendmsg(void *ctx, const struct sockaddr_in6 *to)
{
	const struct sending *s = ctx;
	struct msghdr m = *s->msg;

	if (!shim_is_mapped(&to->sin6_addr))
		return send_translated(s, to);
	m.msg_name = (void *)(unsigned long)to;
	m.msg_namelen = sizeof(*to);
	return real()->sendmsg(s->fd, &m, s->flags);
}

/* Without a name, but with control messages: to whom is the socket connected? */
static ssize_t send_connected(const struct sending *s)
{
	struct sockaddr_in6 peer;
	socklen_t len = sizeof(peer);

	if (real()->getpeername(s->fd, (struct sockaddr *)&peer, &len) ||
	    shim_is_mapped(&peer.sin6_addr))
		return real()->sendmsg(s->fd, s->msg, s->flags);
	return send_translated(s, NULL);
}

static bool is_plain(const struct msghdr *m)
{
	return !m->msg_name && (!m->msg_control || !m->msg_controllen);
}

SHOWN ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct sending s = { fd, flags, NULL, 0, msg };
	struct sockaddr_in four;

	if (!msg || is_plain(msg) || !ours(fd))
		return real()->sendmsg(fd, msg, flags);
	if (!msg->msg_name)
		return send_connected(&s);
	if (take_name(msg->msg_name, msg->msg_namelen, &four))
		return -1;
	return shim_try(&four, try_sendmsg, &s);
}

/* Each message has a way of its own; as the kernel does, the first error ends it and is
 * told only if nothing was sent. */
SHOWN int sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
	bool plain = true;
	int sent = 0;

	for (unsigned int i = 0; msgs && i < n && plain; i++)
		plain = is_plain(&msgs[i].msg_hdr);
	if (!msgs || plain || !ours(fd))
		return real()->sendmmsg(fd, msgs, n, flags);
	for (unsigned int i = 0; i < n && i < 1024; i++) {
		ssize_t len = sendmsg(fd, &msgs[i].msg_hdr, flags);

		if (len < 0)
			return sent ? sent : -1;
		msgs[i].msg_len = (unsigned int)len;
		sent++;
	}
	return sent;
}

/* ---- receiving --------------------------------------------------------------------------- */

SHOWN ssize_t recvfrom(int fd, void *data, size_t size, int flags, __SOCKADDR_ARG addr,
		       socklen_t *len)
{
	struct sockaddr_in6 six;
	socklen_t six_len = sizeof(six);
	ssize_t got;

	if (!addr.__sockaddr__ || !len || !ours(fd))
		return real()->recvfrom(fd, data, size, flags, addr.__sockaddr__, len);
	got = real()->recvfrom(fd, data, size, flags, (struct sockaddr *)&six, &six_len);
	if (got < 0)
		return got;
	if (six_len) /* TCP tells no address */
		shim_give(&six, addr.__sockaddr__, len);
	else
		*len = 0;
	return got;
}

/* What programs that are built with _FORTIFY_SOURCE call. */
ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags,
		       __SOCKADDR_ARG addr, socklen_t *len);
SHOWN ssize_t __recvfrom_chk(int fd, void *data, size_t size, size_t room, int flags,
			     __SOCKADDR_ARG addr, socklen_t *len)
{
	if (size > room)
		abort();
	return recvfrom(fd, data, size, flags, addr, len);
}

/* The kernel's message with room for IPv6, made of the program's. */
static void make_room(const struct msghdr *from, struct msghdr *m, struct sockaddr_in6 *six,
		      void *control)
{
	*m = *from;
	if (from->msg_name) {
		m->msg_name = six;
		m->msg_namelen = sizeof(*six);
	}
	if (from->msg_control) {
		m->msg_control = control;
		m->msg_controllen = SHIM_CONTROL(from->msg_controllen);
	}
}

static void hand_over(const struct msghdr *m, struct msghdr *to)
{
	to->msg_flags = m->msg_flags;
	if (to->msg_name && m->msg_namelen)
		shim_give(m->msg_name, to->msg_name, &to->msg_namelen);
	else
		to->msg_namelen = 0;
	if (to->msg_control)
		control_to4(m, to);
	else
		to->msg_controllen = 0;
}

SHOWN ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	char stack[SHIM_CONTROL(STACK_CONTROL)], *room = stack;
	struct sockaddr_in6 six;
	struct msghdr m;
	ssize_t got;

	if (!msg || (!msg->msg_name && !msg->msg_control) || !ours(fd))
		return real()->recvmsg(fd, msg, flags);
	if (msg->msg_controllen > STACK_CONTROL) {
		room = malloc(SHIM_CONTROL(msg->msg_controllen));
		if (!room) {
			errno = ENOMEM;
			return -1;
		}
	}
	make_room(msg, &m, &six, room);
	got = real()->recvmsg(fd, &m, flags);
	if (got >= 0)
		hand_over(&m, msg);
	if (room != stack) {
		int e = errno;

		free(room);
		errno = e;
	}
	return got;
}

/* One piece of memory for the kernel's messages, their addresses and their control. */
static struct mmsghdr *make_rooms(struct mmsghdr *msgs, unsigned int n)
{
	size_t control = 0;
	struct mmsghdr *m;
	struct sockaddr_in6 *six;
	char *room;

	for (unsigned int i = 0; i < n; i++)
		if (msgs[i].msg_hdr.msg_control)
			control += (SHIM_CONTROL(msgs[i].msg_hdr.msg_controllen) + 15) & ~15ul;
	m = calloc(1, n * (sizeof(*m) + sizeof(*six)) + 16 + control);
	if (!m)
		return NULL;
	six = (struct sockaddr_in6 *)(m + n);
	room = (char *)(((unsigned long)(six + n) + 15) & ~15ul);
	for (unsigned int i = 0; i < n; i++) {
		make_room(&msgs[i].msg_hdr, &m[i].msg_hdr, &six[i], room);
		if (msgs[i].msg_hdr.msg_control)
			room += (SHIM_CONTROL(msgs[i].msg_hdr.msg_controllen) + 15) & ~15ul;
	}
	return m;
}

SHOWN int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags,
		   struct timespec *timeout)
{
	bool plain = true;
	struct mmsghdr *m;
	int got, e;

	for (unsigned int i = 0; msgs && i < n && plain; i++)
		plain = !msgs[i].msg_hdr.msg_name && !msgs[i].msg_hdr.msg_control;
	if (!msgs || plain || !ours(fd))
		return real()->recvmmsg(fd, msgs, n, flags, timeout);
	n = n < 1024 ? n : 1024; /* the kernel's own limit (UIO_MAXIOV) */
	m = make_rooms(msgs, n);
	if (!m) {
		errno = ENOMEM;
		return -1;
	}
	got = real()->recvmmsg(fd, m, n, flags, timeout);
	e = errno;
	for (int i = 0; i < got; i++) {
		msgs[i].msg_len = m[i].msg_len;
		hand_over(&m[i].msg_hdr, &msgs[i].msg_hdr);
	}
	free(m);
	errno = e;
	return got;
}
