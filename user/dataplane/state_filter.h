/* SPDX-License-Identifier: GPL-2.0-only */
/* One mapping or session as a command shows it, and which of them are meant: what the
 * filters of `mapping` and `session` say. Pure: numbers in, an answer out. */
#ifndef N64_STATE_FILTER_H
#define N64_STATE_FILTER_H

#include "config/config.h"

enum mapping_kind { MAPPING_DYNAMIC, MAPPING_STATIC, MAPPING_EXPIRED, MAPPING_FREE };

#define AGE_UNKNOWN 0xffffffffu

/* Ports in host order; ICMP: identifiers. */
struct mapping_info {
	__u64 ctl;		/* of the binding, as it was read */
	__u32 binding;		/* index */
	enum st_proto proto;
	bool host;		/* mode dynamic: of a whole host; ports are 0 */
	__be32 addr4;
	__u16 port4, port6;
	struct addr6 host6;
	__u32 pref;		/* index of its pref64 */
	enum mapping_kind kind;
	__u32 until;		/* last second; MAPPING_FREE: since when */
	__u32 left;		/* seconds; 0 of a static or an expired one */
	__u32 idle;		/* seconds since its last packet, or AGE_UNKNOWN */
};

struct session_info {
	__u64 ctl;		/* of the session, as it was read */
	__u32 place;
	struct mapping_info map; /* a stored SYN may have none: MAPPING_FREE */
	enum tcp_state state;
	__be32 remote4;
	__u16 remote_port;	/* 0: a permission, for every port */
	__u32 until, left, idle;
};

/* Everything is meant where a field has its value of state_filter_init. */
struct state_filter {
	struct prefix4 addr4;
	struct prefix6 addr6;
	struct prefix4 remote4;
	__u32 protos;		/* 1 << st_proto */
	__u16 port4[2], port6[2], remote_port[2]; /* first and last */
	__u32 kinds;		/* 1 << mapping_kind */
	__u32 states;		/* 1 << tcp_state */
	__u32 idle_min;		/* idle for at least so long */
	__u32 left_max;		/* goes within so many seconds */
};

/* Everything but what has expired or is free. */
void state_filter_init(struct state_filter *f);

/* Could a mapping of this pool address and protocol be meant? Saves looking at its
 * ports. */
bool filter_wants_row(const struct state_filter *f, __be32 addr4, enum st_proto proto);
bool filter_wants_mapping(const struct state_filter *f, const struct mapping_info *m);
bool filter_wants_session(const struct state_filter *f, const struct session_info *s);

/* ---- time ------------------------------------------------------------------ */

/* A deadline is the last second in which an entry lives (state_abi.h). */
bool deadline_is_past(__u32 until, __u32 now);

/* Kind, left and idle of a mapping from ctl and until. How long nothing has come follows
 * from the deadline where one timer only can have set it; it is AGE_UNKNOWN of a TCP
 * mapping whose sessions are not all ESTABLISHED, and of a UDP mapping that one of
 * udp-port-timeouts may have set. */
void mapping_age(const struct n64_conf *conf, struct mapping_info *m, __u32 now);
/* State at `now`, left and idle of a session from its word. */
void session_age(const struct n64_conf *conf, struct session_info *s, __u64 word, __u32 now);

#endif
