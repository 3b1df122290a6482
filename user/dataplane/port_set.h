/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of ports or ICMP identifiers: what a pool address may give out (PORT-05,
 * PORT-10), what the host keeps for itself (GEN-12). Pure. */
#ifndef N64_PORT_SET_H
#define N64_PORT_SET_H

#include "config/config.h"

/* As struct n64_row has them: bit n % 64 of word n / 64. */
struct port_set {
	__u64 word[ROW_WORDS];
};

struct port_run {
	__u32 first, last;
	bool on;
};

bool port_set_has(const struct port_set *s, __u32 port);
void port_set_add(struct port_set *s, __u32 first, __u32 last);
__u32 port_set_count(const struct port_set *s);

/* What the configuration lets `addr` give out. ICMP identifiers are not limited by the
 * ports of an entry; port 0 is never given out (PORT-05). Mode dynamic: addresses of a
 * block. */
void port_set_of(const struct config *c, __be32 addr, enum st_proto proto,
		 struct port_set *out);

/* The first run, from port `from` on, in which `have` has to be switched one way to
 * become `want`. False: there is none. */
bool port_set_next(const struct port_set *have, const struct port_set *want, __u32 from,
		   struct port_run *run);

/* The form of net.ipv4.ip_local_reserved_ports: "1,5-7". False: not of that form. */
bool port_set_parse(const char *text, struct port_set *out);
/* Ends with "..." where it is longer than the buffer. */
void port_set_text(const struct port_set *s, char *buf, size_t size);

#endif
