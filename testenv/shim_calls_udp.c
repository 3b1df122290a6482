/* SPDX-License-Identifier: GPL-2.0-only */
/* The rows of shim_calls.c that are about UDP. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/uio.h>
#include <time.h>

#include <linux/errqueue.h>

#include "shim_calls.h"

void udp_connected(void)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	int fd = connected(SOCK_DGRAM);

	echo(fd, "datagram");
	must(!getpeername(fd, sa(&a), &len));
	is_server(&a, len);
}

static void ask(int fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	char got[16];

	must(sendto(fd, "ping", 4, 0, sa(&server), sizeof(server)) == 4);
	must(recvfrom(fd, got, sizeof(got), 0, sa(&a), &len) == 4);
	is_server(&a, len);
}

void udp_unconnected(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = make(SOCK_DGRAM);

	ask(fd);
	fd = make(SOCK_DGRAM);
	must(!bind(fd, sa(&any), sizeof(any)));
	ask(fd);
}

void udp_msg(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(4) + CMSG_SPACE(4)];
	} c = { .h = { CMSG_LEN(4), IPPROTO_IP, IP_TOS } };
	struct sockaddr_in a = server;
	struct iovec v = { (char[16]){ "message" }, 7 };
	struct msghdr m = { &a, sizeof(a), &v, 1, &c, CMSG_SPACE(4), 0 };
	int fd = make(SOCK_DGRAM), on = 1, seen = 0;

	memcpy(CMSG_DATA(&c.h), &(int){ 0x20 }, 4);
	must(!setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)));
	must(!setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)));
	must(!setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)));
	must(sendmsg(fd, &m, 0) == 7);
	memset(&a, 0, sizeof(a));
	m.msg_controllen = sizeof(c);
	must(recvmsg(fd, &m, 0) == 7);
	is_server(&a, m.msg_namelen);
	must(!(m.msg_flags & MSG_CTRUNC));
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		must(h->cmsg_level == IPPROTO_IP);
		if (h->cmsg_type == IP_PKTINFO)
			seen |= h->cmsg_len == CMSG_LEN(sizeof(struct in_pktinfo)) ? 1 : 8;
		if (h->cmsg_type == IP_TTL)
			seen |= *(int *)(void *)CMSG_DATA(h) > 1 ? 2 : 8;
		seen |= h->cmsg_type == IP_TOS ? 4 : 0;
	}
	must(seen == 7);
}

/* What the server sees of a message's own TOS (to a name, and connected) and the socket's. */
void udp_tos(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(4)];
	} c = { .h = { CMSG_LEN(4), IPPROTO_IP, IP_TOS } };
	struct iovec v = { (char[8]){ "tos?" }, 4 };
	struct msghdr m = { &server, sizeof(server), &v, 1, &c, sizeof(c), 0 };
	int fd = make(SOCK_DGRAM), tos = 0x48;
	char got[16] = "";

	memcpy(CMSG_DATA(&c.h), &(int){ 0x28 }, 4);
	must(sendmsg(fd, &m, 0) == 4);
	must(recv(fd, got, sizeof(got), 0) > 0 && atoi(got) == 0x28);
	must(!connect(fd, sa(&server), sizeof(server)));
	m.msg_name = NULL;
	m.msg_namelen = 0;
	must(sendmsg(fd, &m, 0) == 4);
	must(recv(fd, got, sizeof(got), 0) > 0 && atoi(got) == 0x28);
	must(!setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)));
	must(send(fd, "tos?", 4, 0) == 4);
	must(recv(fd, got, sizeof(got), 0) > 0 && atoi(got) == 0x48);
	for (size_t len = 4; len < 2000; len += 1000) { /* broken, as the kernel says */
		c.h.cmsg_len = len;
		must(sendmsg(fd, &m, 0) == -1 && errno == EINVAL);
	}
}

#define MANY 5

void udp_mmsg(void)
{
	struct mmsghdr m[MANY];
	struct iovec v[MANY];
	struct sockaddr_in a[MANY];
	char text[MANY][8];
	int fd = make(SOCK_DGRAM), got = 0;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < MANY; i++) {
		a[i] = server;
		v[i] = (struct iovec){ text[i], (size_t)snprintf(text[i], 8, "m%d", i) };
		m[i].msg_hdr = (struct msghdr){ &a[i], sizeof(a[i]), &v[i], 1, NULL, 0, 0 };
	}
	must(sendmmsg(fd, m, MANY, 0) == MANY && m[MANY - 1].msg_len == 2);
	while (got < MANY) {
		int n;

		memset(a, 0, sizeof(a));
		n = recvmmsg(fd, m, MANY, MSG_WAITFORONE, NULL);
		must(n > 0);
		for (int i = 0; i < n; i++) {
			is_server(&a[i], m[i].msg_hdr.msg_namelen);
			must(m[i].msg_len == 2 && text[i][0] == 'm');
		}
		got += n;
	}
}

/* Between a translated destination and this host, with one socket. */
void udp_reconnect(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f000001) } }, a;
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int fd = make(SOCK_DGRAM), other = make(SOCK_DGRAM);
	socklen_t len = sizeof(here);
	char got[8];

	must(!bind(other, sa(&here), sizeof(here)) && !getsockname(other, sa(&here), &len));
	for (int i = 0; i < 2; i++) {
		must(!connect(fd, sa(&server), sizeof(server)));
		echo(fd, "there");
		must(!connect(fd, sa(&here), sizeof(here)));
		must(send(fd, "here", 4, 0) == 4);
		must(recvfrom(other, got, sizeof(got), 0, sa(&a), &len) == 4);
		must(a.sin_addr.s_addr == here.sin_addr.s_addr);
		must(!getsockname(fd, sa(&a), &len) && a.sin_addr.s_addr == here.sin_addr.s_addr);
	}
	must(!connect(fd, &none, sizeof(none)));
	must(getpeername(fd, sa(&here), &len) == -1 && errno == ENOTCONN);
}

/* The error of a port that nobody listens on, as an IPv4 program reads it. */
void udp_error(void)
{
	char room[512] __attribute__((aligned(8)));
	struct sockaddr_in closed = server, a;
	struct iovec v = { (char[16]){ 0 }, 16 };
	struct msghdr m = { &a, sizeof(a), &v, 1, room, sizeof(room), 0 };
	int fd = make(SOCK_DGRAM), on = 1;
	struct pollfd p = { fd, 0, 0 };
	struct sock_extended_err *e;
	struct cmsghdr *h;

	closed.sin_port = htons(9);
	must(!setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
	must(sendto(fd, "x", 1, 0, sa(&closed), sizeof(closed)) == 1);
	must(poll(&p, 1, SECONDS * 1000) == 1);
	must(recvmsg(fd, &m, MSG_ERRQUEUE) == 1 && a.sin_family == AF_INET);
	must(a.sin_addr.s_addr == server.sin_addr.s_addr && a.sin_port == closed.sin_port);
	h = CMSG_FIRSTHDR(&m);
	must(h && h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_RECVERR);
	e = (void *)CMSG_DATA(h);
	must(e->ee_errno == ECONNREFUSED && e->ee_origin == SO_EE_ORIGIN_ICMP);
	must(e->ee_type == 3 && e->ee_code == 3);
	must(SO_EE_OFFENDER(e)->sa_family == AF_INET);
	must(((struct sockaddr_in *)(void *)SO_EE_OFFENDER(e))->sin_addr.s_addr ==
	     server.sin_addr.s_addr);
}
