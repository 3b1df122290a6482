/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of `mapping` and `session` that say which entries are meant. */
#ifndef N64_CLI_FILTER_H
#define N64_CLI_FILTER_H

#include "dataplane/state_filter.h"

/* Values of the options of the same name; NULL: not given. */
struct filter_words {
	const char *address, *prefix, *protocol, *port, *port6, *state, *older, *expires;
	const char *remote, *remote_port;	/* of sessions */
};

enum filter_of { FILTER_MAPPINGS, FILTER_SESSIONS };

/* `verb` names the place in messages. 0, or -EINVAL with *err. */
int filter_read(const struct filter_words *w, enum filter_of of, const char *verb,
		struct state_filter *f, struct config_error *err);
/* No word was given: everything would be meant. */
bool filter_is_empty(const struct filter_words *w);

/* A number behind an option. */
int filter_number(const char *verb, const char *key, const char *value, __u32 *out,
		  struct config_error *err);
/* "tcp", "udp", "icmp". */
int proto_read(const char *verb, const char *value, enum st_proto *out, struct config_error *err);

/* 192.0.2.1, 192.0.2.1:443, 2001:db8::5 or [2001:db8::5]:443. */
struct endpoint {
	enum ip_family fam;
	__be32 addr4;
	struct addr6 addr6;
	bool has_port;
	__u16 port;		/* host order; or ICMP identifier */
};

/* `key` says what is read, `form` how it is written. */
int endpoint_read(const char *verb, const char *key, const char *form, const char *value,
		  struct endpoint *e, struct config_error *err);

#define ENDPOINT_TEXT 64
const char *endpoint4_text(__be32 addr, __u16 port, char buf[ENDPOINT_TEXT]);
const char *endpoint6_text(const struct addr6 *addr, __u16 port, char buf[ENDPOINT_TEXT]);

/* Words for output, the same that filters take. */
const char *proto_text(enum st_proto proto);
const char *mapping_kind_text(enum mapping_kind kind);
const char *tcp_state_text(enum tcp_state state);

#endif
