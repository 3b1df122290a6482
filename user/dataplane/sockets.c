/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets of this network namespace that listen, from /proc/net (GEN-12). */
#include <stdio.h>
#include <string.h>

#include "shared.h"

#define TCP_LISTENS 0x0a
#define UDP_UNCONNECTED 0x07

/* Words of an address are printed as the machine reads them. */
static bool parse_addr(const char *hex, struct listener *s)
{
	__u32 w[4] = { 0 };
	size_t len = strcspn(hex, ":"), i;

	if (len != 8 && len != 32)
		return false;
	for (i = 0; i < len / 8; i++) {
		if (sscanf(hex + 8 * i, "%8x", &w[i]) != 1)
			return false;
	}
	s->ip6 = len == 32;
	s->addr = s->ip6 ? w[3] : w[0];
	s->any = !(w[0] | w[1] | w[2] | w[3]);
	/* an IPv6 socket hears IPv4 when it is bound to nothing or to a mapped address */
	return !s->ip6 || s->any || (!w[0] && !w[1] && w[2] == be32(0xffff));
}

bool listener_parse(const char *line, bool tcp, struct listener *out)
{
	char local[64];
	unsigned int port, state;

	memset(out, 0, sizeof(*out));
	if (sscanf(line, " %*u: %63s %*s %x", local, &state) != 2 ||
	    sscanf(local, "%*[0-9A-Fa-f]:%x", &port) != 1 || !parse_addr(local, out))
		return false;
	out->port = (__u16)port;
	out->listening = state == (tcp ? TCP_LISTENS : UDP_UNCONNECTED);
	return true;
}

static void read_file(const char *path, bool tcp, __be32 addr, const struct port_set *ports,
		      void (*fn)(const struct listener *s, void *ctx), void *ctx)
{
	FILE *f = fopen(path, "re");
	struct listener s;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (listener_parse(line, tcp, &s) && s.listening && port_set_has(ports, s.port) &&
		    (s.any || s.addr == addr))
			fn(&s, ctx);
	}
	if (f)
		fclose(f);
}

void listeners_find(enum st_proto proto, __be32 addr, const struct port_set *ports,
		    void (*fn)(const struct listener *s, void *ctx), void *ctx)
{
	bool tcp = proto == ST_TCP;

	read_file(tcp ? "/proc/net/tcp" : "/proc/net/udp", tcp, addr, ports, fn, ctx);
	read_file(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", tcp, addr, ports, fn, ctx);
}
