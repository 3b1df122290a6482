/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of ports (PORT-05, PORT-10). */
#include "port_set.h"

#include "config/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool port_set_has(const struct port_set *s, __u32 port)
{
	return s->word[port / 64] >> port % 64 & 1;
}

void port_set_add(struct port_set *s, __u32 first, __u32 last)
{
	__u32 port;

	for (port = first; port <= last && port < N64_ROW_PORTS; port++)
		s->word[port / 64] |= 1ull << port % 64;
}

__u32 port_set_count(const struct port_set *s)
{
	__u32 n = 0, i;

	for (i = 0; i < ROW_WORDS; i++)
		n += (__u32)__builtin_popcountll(s->word[i]);
	return n;
}

static bool entry_has(const struct pool4_entry *e, __be32 addr, enum st_proto proto)
{
	__be32 mask = e->prefix.len ? be32(~0u << (32 - e->prefix.len)) : 0;

	return e->protos & 1u << proto && (addr & mask) == e->prefix.addr;
}

void port_set_of(const struct config *c, __be32 addr, enum st_proto proto,
		 struct port_set *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < c->pool4.n; i++) {
		const struct pool4_entry *e = &c->pool4.v[i];
		__u32 first, last;

		if (c->opt.mode == MODE_DYNAMIC) {
			if (host_range(&e->prefix, addr, &first, &last))
				port_set_add(out, first, last);
			continue;
		}
		if (!entry_has(e, addr, proto))
			continue;
		if (proto == ST_ICMP)
			port_set_add(out, 0, N64_ROW_PORTS - 1);
		else
			port_set_add(out, e->first ? e->first : 1, e->last);
	}
}

bool port_set_next(const struct port_set *have, const struct port_set *want, __u32 from,
		   struct port_run *run)
{
	__u32 port = from;

	while (port < N64_ROW_PORTS && port_set_has(have, port) == port_set_has(want, port)) {
		bool same = have->word[port / 64] == want->word[port / 64];

		port = same ? (port / 64 + 1) * 64 : port + 1;
	}
	if (port >= N64_ROW_PORTS)
		return false;
	run->first = run->last = port;
	run->on = port_set_has(want, port);
	while (++port < N64_ROW_PORTS && port_set_has(want, port) == run->on &&
	       port_set_has(have, port) != run->on)
		run->last = port;
	return true;
}

bool port_set_parse(const char *text, struct port_set *out)
{
	memset(out, 0, sizeof(*out));
	while (*text && *text != '\n') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return false;
		text = end;
		if (*text == '-') {
			last = strtoul(text + 1, &end, 10);
			if (end == text + 1)
				return false;
			text = end;
		}
		if (first > last || last >= N64_ROW_PORTS)
			return false;
		port_set_add(out, (__u32)first, (__u32)last);
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return false;
	}
	return true;
}

void port_set_text(const struct port_set *s, char *buf, size_t size)
{
	static const struct port_set none;
	struct port_run r = { .last = 0 };
	char one[16];
	size_t len = 0;
	__u32 from = 0;

	buf[0] = '\0';
	for (; port_set_next(&none, s, from, &r); from = r.last + 1) {
		if (r.first == r.last)
			snprintf(one, sizeof(one), "%s%u", len ? "," : "", r.first);
		else
			snprintf(one, sizeof(one), "%s%u-%u", len ? "," : "", r.first, r.last);
		if (len + strlen(one) + sizeof("...") > size) {
			snprintf(buf + len, size - len, "...");
			return;
		}
		len += (size_t)snprintf(buf + len, size - len, "%s", one);
	}
}
