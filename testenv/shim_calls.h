/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rows of shim_calls.c share. */
#ifndef SHIM_CALLS_H
#define SHIM_CALLS_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

extern struct sockaddr_in server;

#define SECONDS 10
#define must(what) ((what) ? (void)0 : give_up(#what, __LINE__))

static inline void give_up(const char *what, int line)
{
	printf("line %d: %s: %s\n", line, what, strerror(errno));
	exit(1);
}

static inline struct sockaddr *sa(void *a)
{
	return a;
}

/* A socket that never waits for ever. */
static inline int make(int type)
{
	struct timeval t = { SECONDS, 0 };
	int fd = socket(AF_INET, type, 0);

	must(fd >= 0);
	must(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	return fd;
}

static inline int connected(int type)
{
	int fd = make(type);

	must(!connect(fd, sa(&server), sizeof(server)));
	return fd;
}

static inline void echo(int fd, const char *text)
{
	char got[64] = "";

	must(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
	must(recv(fd, got, sizeof(got), 0) == (ssize_t)strlen(text));
	must(!strcmp(got, text));
}

static inline void is_server(const struct sockaddr_in *a, socklen_t len)
{
	must(len == sizeof(*a));
	must(a->sin_family == AF_INET);
	must(a->sin_port == server.sin_port);
	must(a->sin_addr.s_addr == server.sin_addr.s_addr);
}

void udp_connected(void);
void udp_unconnected(void);
void udp_msg(void);
void udp_tos(void);
void udp_mmsg(void);
void udp_reconnect(void);
void udp_error(void);

#endif
