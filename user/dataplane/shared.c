/* SPDX-License-Identifier: GPL-2.0-only */
/* GEN-12: a pool address that is the host's own must not give out ports that the
 * kernel gives to the host's connections. */
#include "shared.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PROC "/proc/sys/net/ipv4/"
#define SHOWN_SOCKETS 16

bool shared_is_local(const struct links *l, __be32 addr)
{
	size_t i;

	for (i = 0; i < l->n_addr; i++) {
		if (l->addr[i].fam == AF_INET && l->addr[i].local.w[0] == addr)
			return true;
	}
	return false;
}

static void port_sets_subtract(struct port_set *s, const struct port_set *other)
{
	__u32 i;

	for (i = 0; i < ROW_WORDS; i++)
		s->word[i] &= ~other->word[i];
}

/* ---- the host's own connections ------------------------------------------------ */

static bool read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, size, f);

	if (f)
		fclose(f);
	return ok;
}

/* ip_local_port_range and ip_local_reserved_ports. */
static void read_host(struct port_set *ephemeral, struct port_set *reserved)
{
	static char line[8192];
	unsigned int first, last;

	memset(ephemeral, 0, sizeof(*ephemeral));
	memset(reserved, 0, sizeof(*reserved));
	if (read_line(PROC "ip_local_port_range", line, sizeof(line)) &&
	    sscanf(line, "%u %u", &first, &last) == 2)
		port_set_add(ephemeral, first, last);
	if (read_line(PROC "ip_local_reserved_ports", line, sizeof(line)) &&
	    !port_set_parse(line, reserved))
		memset(reserved, 0, sizeof(*reserved));
}

static int judge_ephemeral(__be32 addr, const struct port_set *ports, struct config_error *err)
{
	struct port_set ephemeral, reserved, clash = { 0 };
	char text[PREFIX_TEXT], inside[80], all[240];
	__u32 i, left;

	read_host(&ephemeral, &reserved);
	port_sets_subtract(&ephemeral, &reserved);
	for (i = 0; i < ROW_WORDS; i++) {
		clash.word[i] = ports->word[i] & ephemeral.word[i];
		reserved.word[i] |= clash.word[i];
	}
	if (!port_set_count(&clash))
		return 0;
	port_sets_subtract(&ephemeral, &clash);
	left = port_set_count(&ephemeral);
	port_set_text(&clash, inside, sizeof(inside));
	port_set_text(&reserved, all, sizeof(all));
	return report_error(err, -EADDRINUSE,
			    "pool4: %s is also an address of this host, and the kernel gives its "
			    "ports %s to the host's own connections; use other ports for it in "
			    "pool4, or keep the kernel from these%s: sysctl -w "
			    "net.ipv4.ip_local_reserved_ports=%s",
			    addr4_text(addr, text), inside,
			    left ? "" : " (that leaves the host none: widen "
					"net.ipv4.ip_local_port_range before)",
			    all);
}

/* ---- sockets -------------------------------------------------------------------- */

struct found {
	__be32 addr;
	enum st_proto proto;
	say_fn warn;
	unsigned int n;
};

static void name_socket(const struct listener *s, void *ctx)
{
	char own[PREFIX_TEXT], bound[PREFIX_TEXT];
	struct found *f = ctx;

	if (++f->n > SHOWN_SOCKETS)
		return;
	addr4_text(s->addr, bound);
	report_say(f->warn,
		   "warning: a socket listens on %s %s:%u, inside the ports of the shared pool "
		   "address %s; a mapping may take its port; leave the port out of pool4",
		   st_proto_text(f->proto), !s->any ? bound : s->ip6 ? "[::]" : "0.0.0.0", s->port,
		   addr4_text(f->addr, own));
}

static void name_sockets(__be32 addr, enum st_proto proto, const struct port_set *ports,
			 say_fn warn)
{
	struct found f = { .addr = addr, .proto = proto, .warn = warn };
	char text[PREFIX_TEXT];

	listeners_find(proto, addr, ports, name_socket, &f);
	if (f.n > SHOWN_SOCKETS)
		report_say(warn, "warning: and %u more sockets on %s inside its ports",
			   f.n - SHOWN_SOCKETS, addr4_text(addr, text));
}

static int judge_address(const struct config *c, __be32 addr, say_fn warn,
			 struct config_error *err)
{
	struct port_set ports[2], both = { 0 };
	__u32 i;

	port_set_of(c, addr, ST_TCP, &ports[ST_TCP]);
	port_set_of(c, addr, ST_UDP, &ports[ST_UDP]);
	name_sockets(addr, ST_TCP, &ports[ST_TCP], warn);
	name_sockets(addr, ST_UDP, &ports[ST_UDP], warn);
	for (i = 0; i < ROW_WORDS; i++)
		both.word[i] = ports[ST_TCP].word[i] | ports[ST_UDP].word[i];
	return judge_ephemeral(addr, &both, err);
}

int shared_judge(const struct config *c, const struct links *l, say_fn warn,
		 struct config_error *err)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < l->n_addr && !rc; i++) {
		__be32 addr = l->addr[i].local.w[0];
		size_t k = 0;

		if (l->addr[i].fam != AF_INET)
			continue;
		while (l->addr[k].fam != AF_INET || l->addr[k].local.w[0] != addr)
			k++;
		if (k == i) /* not looked at yet */
			rc = judge_address(c, addr, warn, err);
	}
	return rc;
}
