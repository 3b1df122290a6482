/* SPDX-License-Identifier: GPL-2.0-only */
/* Pool addresses that are also the host's own (GEN-05, GEN-12): what of the host would
 * get into their way. */
#ifndef N64_SHARED_H
#define N64_SHARED_H

#include "links.h"
#include "port_set.h"
#include "report.h"

/* Refuses ports that the host takes for its own connections, with the sysctl that
 * solves it; names each socket that listens inside the ports, a line each to `warn`.
 * 0 or -EADDRINUSE. */
int shared_judge(const struct config *c, const struct links *l, say_fn warn,
		 struct config_error *err);

bool shared_is_local(const struct links *l, __be32 addr);

/* ---- sockets ---------------------------------------------------------------- */

struct listener {
	bool ip6;
	bool any;	/* bound to no address */
	__be32 addr;	/* IPv4, also of a socket of IPv6 */
	__u16 port;
	bool listening;
};

/* A line of /proc/net/tcp, tcp6, udp or udp6. False: its heading, or damaged. */
bool listener_parse(const char *line, bool tcp, struct listener *out);

/* Each socket that would hear packets to `addr` in `ports`. */
void listeners_find(enum st_proto proto, __be32 addr, const struct port_set *ports,
		    void (*fn)(const struct listener *s, void *ctx), void *ctx);

#endif
