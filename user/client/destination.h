/* SPDX-License-Identifier: GPL-2.0-only */
/* Which NAT64 prefix leads to an IPv4 destination: the rule file of the client shim.
 *
 *	# the first line that fits a destination is used
 *	local    10.0.0.0/8                               reached directly
 *	path     203.0.113.0/24:80,8000-8999  2001:db8:1::/48
 *	path     203.0.113.0/24               2001:db8:2::/96
 *	default  discover                                 or PREFIX, or none
 *
 * Without a default: discover (RFC 7050), then 64:ff9b::/96. Read by the library that is
 * put into other programs, which is why it is not YAML: libyaml stays out of them. */
#ifndef N64_DESTINATION_H
#define N64_DESTINATION_H

#include "addr.h"

#define DEST_RULES 256
#define DEST_PORTS 8
#define DEST_ERROR 320

struct dest_ports {
	__u16 from, to;
};

struct dest_rule {
	__be32 net;
	__u8 len;
	bool local;
	unsigned int n_ports;	/* 0: all */
	struct dest_ports ports[DEST_PORTS];
	struct n64_pref64 pref;
	unsigned int line;
};

enum dest_default { DEST_DISCOVER, DEST_PREFIX, DEST_NONE };

struct dest_rules {
	struct dest_rule rule[DEST_RULES];
	unsigned int n;
	enum dest_default otherwise;
	struct n64_pref64 pref;		/* of DEST_PREFIX */
	unsigned int line;		/* of the default; 0: not from the file */
};

/* Why a destination is reached as it is. */
enum dest_why {
	DEST_HOST,		/* loopback, link-local, multicast, broadcast */
	DEST_LOCAL,		/* a line `local` */
	DEST_PATH,		/* a line `path` */
	DEST_DEFAULT,		/* the line `default`, or XDP_NAT64_PREF64 */
	DEST_DISCOVERED,	/* RFC 7050 */
	DEST_WELL_KNOWN,	/* 64:ff9b::/96, nothing better being known */
	DEST_NO_PREFIX,		/* default none */
	DEST_NONGLOBAL,		/* 64:ff9b::/96 may not carry it (RFC 6052 3.1) */
};

struct dest_choice {
	enum dest_why why;
	unsigned int line;
	bool translated;	/* there is a prefix */
	struct n64_pref64 pref;
};

/* The prefix of RFC 7050; false: none found. Asked at most when it is needed. */
typedef bool dest_discover_fn(struct n64_pref64 *out);

void dest_init(struct dest_rules *r);
/* Reads the text of a file; 0, or -1 with the sentence in `err`. */
int dest_read(struct dest_rules *r, const char *file, const char *text, char err[DEST_ERROR]);
/* PREFIX with a length of RFC 6052; 0 or -1. */
int dest_pref64(const char *word, struct n64_pref64 *out);
struct dest_choice dest_choose(const struct dest_rules *r, __be32 addr, __u16 port,
			       dest_discover_fn *discover);
/* The IPv4 address that an IPv6 address of one of the prefixes stands for. */
bool dest_extract(const struct dest_rules *r, const struct addr6 *a,
		  dest_discover_fn *discover, __be32 *out);

#endif
