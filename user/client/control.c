/* SPDX-License-Identifier: GPL-2.0-only */
/* Control messages: what an IPv4 program asks for and says (IP_PKTINFO, IP_TTL, IP_TOS,
 * IP_RECVERR) in the words of IPv6 and back. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/errqueue.h>

#include "shim.h"

/* One message behind the others; false: no room. */
struct writer {
	char *at;
	size_t used, size;
};

static bool put(struct writer *w, int level, int type, const void *data, size_t len)
{
	struct cmsghdr h = { .cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type };

	if (w->used + CMSG_LEN(len) > w->size)
		return false;
	memcpy(w->at + w->used, &h, sizeof(h));
	memcpy(w->at + w->used + CMSG_LEN(0), data, len);
	w->used += CMSG_SPACE(len);
	if (w->used > w->size)
		w->used = w->size;
	return true;
}

/* ---- to the program ------------------------------------------------------------------- */

static struct sockaddr_in6 as_socket(const struct in6_addr *a)
{
	return (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = *a };
}

static bool put_pktinfo(struct writer *w, const unsigned char *data)
{
	struct in6_pktinfo six;
	struct in_pktinfo four;
	struct sockaddr_in6 a;

	memcpy(&six, data, sizeof(six));
	a = as_socket(&six.ipi6_addr);
	four.ipi_ifindex = (int)six.ipi6_ifindex;
	four.ipi_addr = four.ipi_spec_dst = shim_seen(&a).sin_addr;
	return put(w, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four));
}

/* ICMPv6 as an IPv4 host would have heard it (RFC 7915 5.2). */
static void icmp_of(struct sock_extended_err *e)
{
	static const __u8 unreachable[] = { 1, 10, 1, 1, 3 };

	if (e->ee_origin != SO_EE_ORIGIN_ICMP6)
		return;
	e->ee_origin = SO_EE_ORIGIN_ICMP;
	if (e->ee_type == 1) {
		e->ee_type = 3;
		e->ee_code = e->ee_code < sizeof(unreachable) ? unreachable[e->ee_code] : 10;
	} else if (e->ee_type == 2) {
		e->ee_type = 3;
		e->ee_code = 4;
		e->ee_info = e->ee_info > 20 ? e->ee_info - 20 : e->ee_info;
	} else if (e->ee_type == 3) {
		e->ee_type = 11;
	} else if (e->ee_type == 4) {
		e->ee_type = 12;
	}
}

static bool put_error(struct writer *w, const unsigned char *data, size_t len)
{
	struct {
		struct sock_extended_err error;
		struct sockaddr_in offender;
	} four = { .offender = { .sin_family = AF_UNSPEC } };
	struct sockaddr_in6 six;

	if (len < sizeof(four.error))
		return true;
	memcpy(&four.error, data, sizeof(four.error));
	icmp_of(&four.error);
	if (len >= sizeof(four.error) + sizeof(six)) {
		memcpy(&six, data + sizeof(four.error), sizeof(six));
		if (six.sin6_family == AF_INET6)
			four.offender = shim_seen(&six);
	}
	return put(w, IPPROTO_IP, IP_RECVERR, &four, sizeof(four));
}

static bool put_for4(struct writer *w, const struct cmsghdr *c)
{
	const unsigned char *data = CMSG_DATA(c);
	size_t len = c->cmsg_len - CMSG_LEN(0);
	int value = 0;

	if (c->cmsg_level != IPPROTO_IPV6)
		return put(w, c->cmsg_level, c->cmsg_type, data, len);
	memcpy(&value, data, len < sizeof(value) ? len : sizeof(value));
	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
		return len < sizeof(struct in6_pktinfo) || put_pktinfo(w, data);
	case IPV6_HOPLIMIT:
		return put(w, IPPROTO_IP, IP_TTL, &value, sizeof(value));
	case IPV6_TCLASS:
		return put(w, IPPROTO_IP, IP_TOS, &(__u8){ (__u8)value }, 1);
	case IPV6_RECVERR:
		return put_error(w, data, len);
	default:
		return true; /* nothing that an IPv4 program knows */
	}
}

/* A packet of IPv4 brings the message of both families, IPv4's first. */
static bool has_twin(const struct msghdr *from, const struct cmsghdr *c)
{
	if (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_PKTINFO)
		return false;
	for (struct cmsghdr *o = CMSG_FIRSTHDR(from); o;
	     o = CMSG_NXTHDR((struct msghdr *)(unsigned long)from, o))
		if (o->cmsg_level == IPPROTO_IP && o->cmsg_type == IP_PKTINFO)
			return true;
	return false;
}

void control_to4(const struct msghdr *from, struct msghdr *to)
{
	struct writer w = { to->msg_control, 0, to->msg_controllen };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c;
	     c = CMSG_NXTHDR((struct msghdr *)(unsigned long)from, c)) {
		if (has_twin(from, c) || put_for4(&w, c))
			continue;
		to->msg_flags |= MSG_CTRUNC;
		break;
	}
	to->msg_controllen = w.used;
}

/* ---- from the program ------------------------------------------------------------------- */

static bool put_for6(struct writer *w, const struct cmsghdr *c)
{
	size_t len = c->cmsg_len - CMSG_LEN(0);
	struct in6_pktinfo six = { .ipi6_ifindex = 0 };
	struct in_pktinfo four;
	int value = 0;

	if (c->cmsg_level != IPPROTO_IP)
		return put(w, c->cmsg_level, c->cmsg_type, CMSG_DATA(c), len);
	memcpy(&value, CMSG_DATA(c), len < sizeof(value) ? len : sizeof(value));
	switch (c->cmsg_type) {
	case IP_PKTINFO:
		if (len < sizeof(four))
			return true;
		/* an IPv4 source means nothing to IPv6: the kernel chooses */
		memcpy(&four, CMSG_DATA(c), sizeof(four));
		six.ipi6_ifindex = (unsigned int)four.ipi_ifindex;
		return put(w, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
	case IP_TTL:
		return put(w, IPPROTO_IPV6, IPV6_HOPLIMIT, &value, sizeof(value));
	case IP_TOS:
		return put(w, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	default:
		return true;
	}
}

ssize_t control_to6(const struct msghdr *from, void *out, size_t size)
{
	struct writer w = { out, 0, size };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(from); c;
	     c = CMSG_NXTHDR((struct msghdr *)(unsigned long)from, c)) {
		if (c->cmsg_len < CMSG_LEN(0) ||
		    c->cmsg_len > from->msg_controllen - (size_t)((char *)c -
								  (char *)from->msg_control) ||
		    !put_for6(&w, c))
			return -1;
	}
	return (ssize_t)w.used;
}
