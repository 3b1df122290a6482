/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets as questions to the state, for its tests. */
#ifndef N64_FAKE_ASK_H
#define N64_FAKE_ASK_H

#include "fake_audit.h"

#define POOL_A "203.0.113.8"

/* Host `n` of subscriber `sub`: 2001:db8:SUB::N. */
static inline struct addr6 ask_host(__u32 sub, __u32 n)
{
	return (struct addr6){ { be32(0x20010db8), be32(sub << 16), 0, be32(n) } };
}

static inline __be32 ask_peer(__u32 n)
{
	return be32(0xc6336400u + n); /* 198.51.100.0/24 and what follows */
}

/* A packet of (host, port6) to remote:rport. */
static inline struct n64_call ask_out(enum st_proto proto, struct addr6 host, __u32 port6,
				      __u32 peer, __u32 rport, __u32 tcp_flags)
{
	return (struct n64_call){
		.op = CALL_OUT, .proto = proto, .host6 = host, .port6 = be16(port6),
		.remote4 = ask_peer(peer), .remote_port = proto == ST_ICMP ? 0 : be16(rport),
		.tcp_flags = tcp_flags,
	};
}

/* A packet of remote:rport to where `made`, an answered question, has its mapping. */
static inline struct n64_call ask_in(const struct n64_call *made, __u32 peer, __u32 rport,
				     __u32 tcp_flags)
{
	return (struct n64_call){
		.op = CALL_IN, .proto = made->proto, .addr4 = made->addr4, .port4 = made->port4,
		.remote4 = ask_peer(peer),
		.remote_port = made->proto == ST_ICMP ? 0 : be16(rport), .tcp_flags = tcp_flags,
	};
}

static inline struct n64_call ask_static(enum st_proto proto, const char *addr4, __u32 port4,
					 struct addr6 host, __u32 port6, bool force)
{
	return (struct n64_call){
		.op = CALL_STATIC_ADD, .proto = proto, .addr4 = fm_addr4(addr4),
		.port4 = be16(port4), .host6 = host, .port6 = be16(port6),
		.flags = force ? CALL_FORCE : 0,
	};
}

/* The whole of a row, as the worker sweeps it. */
static inline struct n64_call ask_sweep(__u32 row, __u32 from, __u32 n)
{
	struct n64_call q = { .op = CALL_SWEEP, .row = row, .n = n };

	q.port4 = (__be16)from; /* host order here */
	return q;
}

/* Asks, and gives the port or, negative, the reason why not. */
static inline int ask_port(struct n64_call *q)
{
	enum reason r = fm_call(q);

	return r ? -(int)r : (int)host16(q->port4);
}

/* The session of an answered question from `peer`, NULL: none, not even an expired one. */
static inline struct n64_session *ask_session(const struct n64_call *made, __u32 peer,
					      __u32 rport)
{
	const struct n64_binding *b = mem_binding(made->binding);
	struct tab_walk x = { .t = TAB_SESSION };
	int place;

	x.k = key_session(&fm.conf, made->binding, ctl_gen(b->ctl), ask_peer(peer), be16(rport));
	place = tab_find(&x);
	return place < 0 ? NULL : mem_session((__u32)place);
}

/* Deadline of a mapping: of its later half. */
static inline __u32 ask_until(__u32 index)
{
	const struct n64_binding *b = mem_binding(index);
	const struct n64_bib6 *e = bib6_of(binding_bib6(index), index);

	return e && e->until6 > b->until4 ? e->until6 : b->until4;
}

#endif
