/* SPDX-License-Identifier: GPL-2.0-only */
/* Elements of the lists of mode stateful: a range of ports of pool addresses (PORT-10,
 * RFC 6146 3.5.1.1), a static mapping (ST-04, RFC 6146 3.1), a UDP timer of a
 * well-known port (RFC 4787 REQ-5). */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "word.h"

static const char *const proto_words[N_ST_PROTOS] = {
	[ST_TCP] = "tcp", [ST_UDP] = "udp", [ST_ICMP] = "icmp",
};


const char *st_proto_text(__u32 proto)
{
	return proto_words[proto];
}

/* Digits only, no leading zero; false: no number, or greater than `max`. */
static bool read_port(const char *s, size_t len, __u32 max, __u32 *out)
{
	__u32 v = 0;

	if (!len || len > 5 || (s[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (__u32)(s[i] - '0');
	}
	*out = v;
	return v <= max;
}

/* A-B, or one port. Port 0 is nobody's (PORT-05). */
static int read_ports(const struct word *w, struct pool4_entry *e)
{
	const char *dash = strchr(w->value, '-');
	size_t len = dash ? (size_t)(dash - w->value) : strlen(w->value);
	__u32 first, last;

	if (!read_port(w->value, len, POOL_LAST_PORT, &first))
		goto bad;
	last = first;
	if (dash && !read_port(dash + 1, strlen(dash + 1), POOL_LAST_PORT, &last))
		goto bad;
	if (!first || last < first)
		goto bad;
	e->first = (__u16)first;
	e->last = (__u16)last;
	return 0;
bad:
	return word_bad(w, "is not a range of ports from 1 to 65535 (PORT-05); "
			   "write one like 1024-65535");
}

/* "tcp,udp": which of the three. */
static int read_protos(const struct word *w, __u32 *out)
{
	const char *p = w->value;

	*out = 0;
	for (;;) {
		size_t len = strcspn(p, ",");
		__u32 i = 0;

		while (i < N_ST_PROTOS && (strlen(proto_words[i]) != len ||
					   memcmp(proto_words[i], p, len)))
			i++;
		if (i == N_ST_PROTOS)
			return word_bad(w, "is not a list of protocols; "
					   "write some of [tcp, udp, icmp]");
		if (*out & 1u << i)
			return word_bad(w, "is not allowed, it names %s twice; write each once",
					proto_words[i]);
		*out |= 1u << i;
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

int build_pool4(const struct word *val, void *elem)
{
	struct pool4_entry *e = elem;
	int rc = word_prefix4(&val[0], &e->prefix);

	e->first = POOL_FIRST_PORT;
	e->last = POOL_LAST_PORT;
	e->protos = POOL_ALL_PROTOS;
	if (!rc && val[1].value)
		rc = read_ports(&val[1], e);
	if (!rc && val[2].value)
		rc = read_protos(&val[2], &e->protos);
	return rc;
}

/* The port behind the last ':' of ADDRESS:PORT; *len is the length of the address. A
 * port is never 0, an ICMP identifier may be. */
static bool split_port(const char *s, bool icmp, size_t *len, __u16 *port)
{
	const char *colon = strrchr(s, ':');
	__u32 v;

	if (!colon || !read_port(colon + 1, strlen(colon + 1), POOL_LAST_PORT, &v) || (!v && !icmp))
		return false;
	*len = (size_t)(colon - s);
	*port = (__u16)v;
	return true;
}

static bool read_end4(const char *s, bool icmp, struct static_entry *e)
{
	char addr[INET_ADDRSTRLEN];
	size_t len;

	if (!split_port(s, icmp, &len, &e->port4) || len >= sizeof(addr))
		return false;
	memcpy(addr, s, len);
	addr[len] = '\0';
	return inet_pton(AF_INET, addr, &e->addr4) == 1;
}

/* [ADDRESS]:PORT */
static bool read_end6(const char *s, bool icmp, struct static_entry *e)
{
	char addr[INET6_ADDRSTRLEN];
	size_t len;

	if (!split_port(s, icmp, &len, &e->port6) || len < 2 || len - 2 >= sizeof(addr) ||
	    s[0] != '[' || s[len - 1] != ']')
		return false;
	memcpy(addr, s + 1, len - 2);
	addr[len - 2] = '\0';
	return inet_pton(AF_INET6, addr, &e->addr6) == 1;
}

int build_static(const struct word *val, void *elem)
{
	struct static_entry *e = elem;
	int rc = word_enum(&val[0], "tcp|udp|icmp", &e->proto);
	bool icmp = e->proto == ST_ICMP;

	if (rc)
		return rc;
	if (!read_end4(val[1].value, icmp, e))
		return word_bad(&val[1], "is not an IPv4 address and %s; write A:%s, "
					 "like 203.0.113.1:443",
				icmp ? "an ICMP identifier" : "a port from 1 to 65535",
				icmp ? "IDENTIFIER" : "PORT");
	if (!read_end6(val[2].value, icmp, e))
		return word_bad(&val[2], "is not an IPv6 address and %s; write [A]:%s, "
					 "like \"[2001:db8::5]:443\"",
				icmp ? "an ICMP identifier" : "a port from 1 to 65535",
				icmp ? "IDENTIFIER" : "PORT");
	return 0;
}

int build_host(const struct word *val, void *elem)
{
	struct host_entry *e = elem;
	int rc = word_addr4(&val[0], &e->addr4);

	return rc ? rc : word_addr6(&val[1], &e->addr6);
}

int build_port_time(const struct word *val, void *elem)
{
	struct port_time *e = elem;
	__u32 port, seconds;
	int rc;

	rc = word_u32(&val[0], 0, 1023, "RFC 4787 REQ-5, well-known ports", &port);
	if (!rc)
		rc = word_u32(&val[1], 1, 65535, "seconds", &seconds);
	if (rc)
		return rc;
	e->port = (__u16)port;
	e->seconds = (__u16)seconds;
	return 0;
}

static void protos_text(__u32 protos, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (__u32 i = 0; i < N_ST_PROTOS && n < size; i++)
		if (protos & 1u << i)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? "," : "",
					      proto_words[i]);
}

void pool4_text(const struct pool4_entry *e, bool bare, char *buf, size_t size)
{
	char prefix[PREFIX_TEXT], protos[16];

	prefix4_text(&e->prefix, prefix);
	if (bare && e->first == POOL_FIRST_PORT && e->last == POOL_LAST_PORT &&
	    e->protos == POOL_ALL_PROTOS) {
		snprintf(buf, size, "%s", prefix);
		return;
	}
	protos_text(e->protos, protos, sizeof(protos));
	snprintf(buf, size, "%s:%u-%u%s%s", prefix, e->first, e->last,
		 e->protos == POOL_ALL_PROTOS ? "" : ":",
		 e->protos == POOL_ALL_PROTOS ? "" : protos);
}

void static_text(const struct static_entry *e, char *buf, size_t size)
{
	char a4[INET_ADDRSTRLEN], a6[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &e->addr4, a4, sizeof(a4));
	inet_ntop(AF_INET6, &e->addr6, a6, sizeof(a6));
	snprintf(buf, size, "%s,%s:%u,[%s]:%u", proto_words[e->proto], a4, e->port4, a6,
		 e->port6);
}

void host_text(const struct host_entry *e, char *buf, size_t size)
{
	char a4[INET_ADDRSTRLEN], a6[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET, &e->addr4, a4, sizeof(a4));
	inet_ntop(AF_INET6, &e->addr6, a6, sizeof(a6));
	snprintf(buf, size, "%s=%s", a4, a6);
}

void port_time_text(const struct port_time *e, char *buf, size_t size)
{
	snprintf(buf, size, "%u=%u", e->port, e->seconds);
}
