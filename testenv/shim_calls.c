/* SPDX-License-Identifier: GPL-2.0-only */
/* An IPv4-only program for the tests of `run`: shim_calls ROW ADDRESS PORT plays one row of
 * the table at the end against an echo server. Exit status 1 and a sentence: it failed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <net/if.h>

#include "shim_calls.h"

struct sockaddr_in server = { .sin_family = AF_INET };
static const char *self, *address, *port;

/* ---- TCP ---------------------------------------------------------------------------- */

static void tcp_blocking(void)
{
	echo(connected(SOCK_STREAM), "blocking");
}

static void wait_writable(int fd)
{
	int e = 0;
	socklen_t len = sizeof(e);

	must(!getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len));
	errno = e;
	must(!e);
	must(!fcntl(fd, F_SETFL, 0));
}

static void tcp_poll(void)
{
	int fd = make(SOCK_STREAM | SOCK_NONBLOCK);
	struct pollfd p = { fd, POLLOUT, 0 };

	must(connect(fd, sa(&server), sizeof(server)) == -1 && errno == EINPROGRESS);
	must(poll(&p, 1, SECONDS * 1000) == 1);
	wait_writable(fd);
	echo(fd, "poll");
}

/* The descriptor is in the set before the program says where it goes. */
static void tcp_epoll_first(void)
{
	int fd = make(SOCK_STREAM | SOCK_NONBLOCK), set = epoll_create1(0);
	struct epoll_event e = { EPOLLOUT | EPOLLET, { .fd = fd } };

	must(!epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
	while (epoll_wait(set, &e, 1, 0) > 0)
		continue; /* an unconnected socket is told as hung up, once */
	must(connect(fd, sa(&server), sizeof(server)) == -1 && errno == EINPROGRESS);
	must(epoll_wait(set, &e, 1, SECONDS * 1000) == 1 && e.data.fd == fd);
	wait_writable(fd);
	echo(fd, "epoll");
}

static void tcp_dup(void)
{
	int fd = make(SOCK_STREAM), other = dup(fd);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	must(!connect(other, sa(&server), sizeof(server)));
	close(other);
	echo(fd, "dup");
	other = fcntl(fd, F_DUPFD, 100);
	must(!getpeername(other, sa(&a), &len));
	is_server(&a, len);
}

static void tcp_fork(void)
{
	int fd = make(SOCK_STREAM), status;
	pid_t child = fork();

	if (!child) {
		must(!connect(fd, sa(&server), sizeof(server)));
		echo(fd, "child");
		exit(0);
	}
	must(waitpid(child, &status, 0) == child && !status);
	echo(fd, "parent"); /* the same socket */
	echo(connected(SOCK_STREAM), "another");
}

static void *one_thread(void *arg)
{
	for (int i = 0; i < 5; i++) {
		int fd = connected(arg ? SOCK_STREAM : SOCK_DGRAM);

		echo(fd, "thread");
		close(fd);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[8];

	for (long i = 0; i < 8; i++)
		must(!pthread_create(&t[i], NULL, one_thread, (void *)(i & 1)));
	for (int i = 0; i < 8; i++)
		must(!pthread_join(t[i], NULL));
}

static void tcp_names(void)
{
	int fd = make(SOCK_STREAM), domain = -1;
	struct sockaddr_in a;
	socklen_t len = sizeof(domain);

	must(!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_INET);
	len = sizeof(a);
	must(!getsockname(fd, sa(&a), &len) && len == sizeof(a));
	must(a.sin_family == AF_INET && !a.sin_addr.s_addr && !a.sin_port);
	must(getpeername(fd, sa(&a), &len) == -1 && errno == ENOTCONN);
	must(!connect(fd, sa(&server), sizeof(server)));
	must(!getpeername(fd, sa(&a), &len));
	is_server(&a, len);
	must(!getsockname(fd, sa(&a), &len) && len == sizeof(a));
	must(a.sin_family == AF_INET && a.sin_addr.s_addr && a.sin_port);
	/* what it was told can be bound to */
	a.sin_port = 0;
	must(!bind(make(SOCK_STREAM), sa(&a), sizeof(a)));
	len = 4; /* a short buffer gets the beginning, and the whole length */
	must(!getpeername(fd, sa(&a), &len) && len == sizeof(a));
}

static void tcp_inherited(void)
{
	int fd = make(SOCK_STREAM), status;
	pid_t child = fork();

	if (!child) {
		must(dup2(fd, 50) == 50);
		execl(self, self, "inherits", address, port, (char *)NULL);
		give_up("exec", __LINE__);
	}
	must(waitpid(child, &status, 0) == child && !status);
}

/* Not a row of its own: the program that tcp_inherited starts. */
static void inherits(void)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	must(!connect(50, sa(&server), sizeof(server)));
	must(!getpeername(50, sa(&a), &len));
	is_server(&a, len);
	echo(50, "inherited");
}

static void tcp_listen(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(0x7f000001) } };
	int fd = make(SOCK_STREAM), to = make(SOCK_STREAM), from;
	socklen_t len = sizeof(a);

	must(!bind(fd, sa(&a), sizeof(a)) && !listen(fd, 1));
	must(!getsockname(fd, sa(&a), &len) && a.sin_addr.s_addr == htonl(0x7f000001));
	must(!connect(to, sa(&a), sizeof(a)));
	memset(&a, 0, sizeof(a));
	from = accept(fd, sa(&a), &len);
	must(len == sizeof(a));
	must(from >= 0 && a.sin_family == AF_INET && a.sin_addr.s_addr == htonl(0x7f000001));
	memset(&a, 0, sizeof(a));
	must(!getsockname(from, sa(&a), &len) && a.sin_family == AF_INET);
	must(a.sin_addr.s_addr == htonl(0x7f000001));
}

/* ---- both ------------------------------------------------------------------------------- */

static void options_first(void)
{
	static const struct {
		int option, value;
	} some[] = { { IP_TOS, 0x10 }, { IP_TTL, 33 }, { IP_RECVERR, 1 }, { IP_MTU_DISCOVER, 2 } };
	int fd = make(SOCK_STREAM), value;
	socklen_t len = sizeof(value);

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		must(!setsockopt(fd, IPPROTO_IP, some[i].option, &some[i].value, sizeof(int)));
		value = -1;
		must(!getsockopt(fd, IPPROTO_IP, some[i].option, &value, &len));
		must(value == some[i].value);
	}
	must(!connect(fd, sa(&server), sizeof(server)));
	must(!getsockopt(fd, IPPROTO_IP, IP_MTU, &value, &len) && value == 1480);
	must(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &len) == -1);
	echo(fd, "options");
}

/* A number that was ours, and then is not: nothing of it is remembered. */
static void number_again(void)
{
	int fd = connected(SOCK_STREAM), six, domain = -1;
	struct sockaddr_in6 a;
	socklen_t len = sizeof(a);

	echo(fd, "first");
	close(fd);
	six = socket(AF_INET6, SOCK_STREAM, 0);
	must(six == fd);
	must(!getsockname(six, sa(&a), &len) && len == sizeof(a) && a.sin6_family == AF_INET6);
	len = sizeof(domain);
	must(!getsockopt(six, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_INET6);
	close(six);
	must(connected(SOCK_STREAM) == fd);
}

/* Sockets of other families, and IPv6 ones that look a little like ours. */
static void others_alone(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), off = 0, on = 1, pair[2], value;
	struct sockaddr_storage name;
	socklen_t len = sizeof(a);

	must(!setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)));
	must(!setsockopt(fd, IPPROTO_IPV6, 33 /* IPV6_FLOWINFO_SEND */, &on, sizeof(on)));
	must(!bind(fd, sa(&a), sizeof(a)) && !getsockname(fd, sa(&a), &len));
	must(a.sin6_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.sin6_addr));
	must(!connect(fd, sa(&a), sizeof(a)));
	echo(fd, "myself");
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	len = sizeof(name);
	must(!getsockname(pair[0], sa(&name), &len) && name.ss_family == AF_UNIX);
	must(write(pair[0], "x", 1) == 1 && read(pair[1], &name, 1) == 1);
	fd = socket(AF_NETLINK, SOCK_RAW, 0);
	len = sizeof(value);
	must(!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) && value == AF_NETLINK);
}

static void passed_on(void)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec v = { (char[1]){ 0 }, 1 };
	struct msghdr m = { NULL, 0, &v, 1, &c, sizeof(c), 0 };
	int pair[2], fd = make(SOCK_STREAM), got;
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	must(!socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	must(sendmsg(pair[0], &m, 0) == 1);
	close(fd);
	must(open("/dev/null", O_RDONLY) == fd); /* another number, then */
	must(recvmsg(pair[1], &m, 0) == 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(got));
	must(!connect(got, sa(&server), sizeof(server)) && !getpeername(got, sa(&a), &len));
	is_server(&a, len);
	echo(got, "passed");
}

static void wrong_addresses(void)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = make(SOCK_STREAM);

	must(connect(fd, sa(&six), sizeof(six)) == -1 && errno == EAFNOSUPPORT);
	must(bind(fd, sa(&six), sizeof(six)) == -1 && errno == EAFNOSUPPORT);
	must(connect(fd, sa(&server), 8) == -1 && errno == EINVAL);
	must(bind(fd, sa(&server), sizeof(server)) == -1 && errno == EADDRNOTAVAIL);
	must(connect(-1, sa(&server), sizeof(server)) == -1 && errno == EBADF);
	must(connect(0, sa(&server), sizeof(server)) == -1 && errno == ENOTSOCK);
}

static void interface_calls(void)
{
	struct ifreq r = { .ifr_name = "lo" };

	must(!ioctl(make(SOCK_DGRAM), SIOCGIFADDR, &r));
	must(((struct sockaddr_in *)(void *)&r.ifr_addr)->sin_addr.s_addr == htonl(0x7f000001));
}

static void no_network(void)
{
	must(connect(make(SOCK_STREAM), sa(&server), sizeof(server)) == -1);
	must(errno == ENETUNREACH);
	must(sendto(make(SOCK_DGRAM), "x", 1, 0, sa(&server), sizeof(server)) == -1);
	must(errno == ENETUNREACH);
}

static const struct {
	const char *name;
	void (*play)(void);
} rows[] = {
	{ "tcp_blocking", tcp_blocking },
	{ "tcp_poll", tcp_poll },
	{ "tcp_epoll_first", tcp_epoll_first },
	{ "tcp_dup", tcp_dup },
	{ "tcp_fork", tcp_fork },
	{ "tcp_names", tcp_names },
	{ "tcp_inherited", tcp_inherited },
	{ "tcp_listen", tcp_listen },
	{ "threads", threads },
	{ "udp_connected", udp_connected },
	{ "udp_unconnected", udp_unconnected },
	{ "udp_msg", udp_msg },
	{ "udp_tos", udp_tos },
	{ "udp_mmsg", udp_mmsg },
	{ "udp_reconnect", udp_reconnect },
	{ "udp_error", udp_error },
	{ "options_first", options_first },
	{ "number_again", number_again },
	{ "others_alone", others_alone },
	{ "passed_on", passed_on },
	{ "wrong_addresses", wrong_addresses },
	{ "interface_calls", interface_calls },
	/* played by themselves */
	{ "inherits", inherits },
	{ "no_network", no_network },
};

int main(int argc, char **argv)
{
	if (argc != 4 || inet_pton(AF_INET, argv[2], &server.sin_addr) != 1)
		return 2;
	self = argv[0];
	address = argv[2];
	port = argv[3];
	server.sin_port = htons((unsigned short)atoi(port));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].name, argv[1]))
			continue;
		rows[i].play();
		return 0;
	}
	return 2;
}
