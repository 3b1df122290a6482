/* SPDX-License-Identifier: GPL-2.0-only */
/* A stand-in for the mapping state in tests of the other path: static mappings, exact
 * lookups, no timers, and a record of what was asked in which order. */
#ifndef N64_FAKE_BIB_H
#define N64_FAKE_BIB_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"
#include "addr.h"

#define FAKE_MAX_MAPPINGS 16
#define FAKE_MAX_CALLS 16

struct fake_mapping {
	enum st_proto proto;
	struct addr6 host6;
	__be32 addr4;
	__be16 port6, port4;
	__u32 pref;
	__u64 ctl;
};

struct fake_bib {
	struct fake_mapping map[FAKE_MAX_MAPPINGS];
	__u32 n;
	enum reason refuses;	/* what a new mapping is answered with */
	enum reason filter;	/* what every packet from IPv4 is answered with, 0: EIF */
	bool shared;		/* the pool is the host's own (GEN-05) */
	bool no_session;	/* mappings have none (IN-11) */
	bool broken;		/* the state cannot be asked */
	__be32 would;		/* what CALL_WOULD_OUT says, 0: the truth */
	struct n64_call call[FAKE_MAX_CALLS]; /* as asked */
	__u32 n_calls;
};

static inline struct fake_mapping *fake_map(struct fake_bib *s, enum st_proto proto,
					    const char *host6, int port6, const char *addr4,
					    int port4)
{
	struct fake_mapping *m = &s->map[s->n++];

	if (s->n > FAKE_MAX_MAPPINGS)
		abort();
	*m = (struct fake_mapping){ .proto = proto, .port6 = be16(port6), .port4 = be16(port4) };
	if (inet_pton(AF_INET6, host6, &m->host6) != 1 || inet_pton(AF_INET, addr4, &m->addr4) != 1)
		abort();
	return m;
}

/* "PROTO,HOST6,PORT6,ADDR4,PORT4,PREF,STATIC"; PROTO t, u or i. */
static inline void fake_map_text(struct fake_bib *s, const char *text)
{
	char proto, host6[64], addr4[32];
	int port6, port4, pref, fixed;
	struct fake_mapping *m;

	if (sscanf(text, "%c,%63[^,],%d,%31[^,],%d,%d,%d", &proto, host6, &port6, addr4, &port4,
		   &pref, &fixed) != 7)
		abort();
	m = fake_map(s, proto == 't' ? ST_TCP : proto == 'u' ? ST_UDP : ST_ICMP, host6, port6,
		     addr4, port4);
	m->pref = (__u32)pref;
	m->ctl = ctl_make(CTL_ACTIVE, fixed ? CTL_STATIC : 0, 0, 0, 1);
}

static inline const struct fake_mapping *fake_map_out(const struct fake_bib *s,
						      const struct n64_call *c)
{
	for (__u32 i = 0; i < s->n; i++)
		if (s->map[i].proto == c->proto && s->map[i].port6 == c->port6 &&
		    addr6_equal(&s->map[i].host6, &c->host6))
			return &s->map[i];
	return NULL;
}

static inline const struct fake_mapping *fake_map_in(const struct fake_bib *s,
						     const struct n64_call *c)
{
	for (__u32 i = 0; i < s->n; i++)
		if (s->map[i].proto == c->proto && s->map[i].port4 == c->port4 &&
		    s->map[i].addr4 == c->addr4)
			return &s->map[i];
	return NULL;
}

/* TCP-03, TCP-07, UDP-02, GEN-05: a packet from IPv4 without a mapping. */
static inline enum reason fake_no_mapping(const struct fake_bib *s, const struct n64_call *c)
{
	if (s->shared)
		return R_shared;
	if (c->proto != ST_TCP)
		return R_no_bib;
	return c->tcp_flags & TCP_SYN ? R_slow_syn : R_tcp_no_state;
}

static inline enum reason fake_out_call(struct fake_bib *s, struct n64_call *c)
{
	const struct fake_mapping *m = fake_map_out(s, c);

	if (!m)
		return c->op == CALL_PEEK_OUT ? R_no_bib : s->refuses;
	if (c->op == CALL_PEEK_OUT && s->no_session)
		return R_inner_no_session;
	c->addr4 = c->op == CALL_WOULD_OUT && s->would ? s->would : m->addr4;
	c->port4 = m->port4;
	c->ctl = m->ctl;
	return R_GO_ON;
}

static inline enum reason fake_in_call(struct fake_bib *s, struct n64_call *c)
{
	const struct fake_mapping *m = fake_map_in(s, c);

	if (!m)
		return fake_no_mapping(s, c);
	if (c->op == CALL_IN && s->filter)
		return s->filter;
	c->host6 = m->host6;
	c->port6 = m->port6;
	c->pref = m->pref;
	c->ctl = m->ctl;
	return c->op == CALL_PEEK_IN && s->no_session ? R_inner_no_session : R_GO_ON;
}

static inline int fake_bib_ask(struct fake_bib *s, struct n64_call *c)
{
	if (s->n_calls >= FAKE_MAX_CALLS)
		abort();
	s->call[s->n_calls++] = *c;
	if (s->broken)
		return -EAGAIN;
	switch (c->op) {
	case CALL_OUT:
	case CALL_PEEK_OUT:
	case CALL_WOULD_OUT:
		c->reason = fake_out_call(s, c);
		return 0;
	case CALL_IN:
	case CALL_PEEK_IN:
		c->reason = fake_in_call(s, c);
		return 0;
	default:
		abort();
	}
}

#endif
