/* SPDX-License-Identifier: GPL-2.0-only */
/* A port of a row for a new mapping: where the search begins, and taking it (RFC 6056 3.3.3;
 * PORT-05 to PORT-07). Which row it is, alloc.h says. */
#ifndef N64_PORT_CLAIM_H
#define N64_PORT_CLAIM_H

#include "tcp_session.h"

#define PORT_TRIES 16	/* free bits that turn out to be taken or in quarantine */
#define ROW_HIGH (N64_PORT_HIGH / 64) /* first word of the high ports */

/* Words `first` to `last` in which a port is looked for. */
struct port_range {
	__u32 first, last;
};

n64_inline __u32 range_arg(struct port_range r)
{
	return r.last << 16 | r.first;
}

/* PORT-06: UDP keeps odd and even. Without a branch, which nobody could foresee. */
n64_inline enum port_parity port_parity(const struct n64_conf *c, enum st_proto proto,
					__be16 port6)
{
	if (proto != ST_UDP || !c->opt.port_parity)
		return PARITY_ANY;
	return (enum port_parity)(PARITY_EVEN + (host16(port6) & 1));
}

n64_inline enum port_parity work_parity(const struct st_work *w)
{
	return port_parity(st_conf(), (enum st_proto)w->q.proto, w->q.port6);
}

/* The range that goes with the host's port (PORT-05). */
n64_inline struct port_range port_range(const struct n64_conf *c, enum st_proto proto,
					__be16 port6)
{
	if (proto == ST_ICMP || conf_is_dynamic(c))
		return (struct port_range){ 0, ROW_WORDS - 1 };
	return host16(port6) < N64_PORT_HIGH ? (struct port_range){ 0, ROW_HIGH - 1 } :
				      (struct port_range){ ROW_HIGH, ROW_WORDS - 1 };
}

n64_inline struct port_range work_range(const struct st_work *w)
{
	return port_range(st_conf(), (enum st_proto)w->q.proto, w->q.port6);
}

/* The host's protocol and port, for hashes. */
n64_inline __u32 work_key(const struct st_work *w)
{
	return w->q.proto << 16 | w->q.port6;
}

/* The ports of a row among which the search of a range begins: those of the pool, as what lies
 * beyond them would all begin at the first. */
n64_inline void port_bounds(const struct n64_conf *c, __u32 row, struct port_range r,
			    __u32 *first, __u32 *n)
{
	const struct n64_row *x;
	__u32 last = r.last * 64 + 63;

	*first = c->st.ports[row & 3].first;
	*n = c->st.ports[row & 3].n;
	if (*n && (r.first == ROW_HIGH || (row & 3) == ST_ICMP))
		return;
	x = mem_row(row);
	*first = r.first * 64;
	if (x && x->first <= last && x->last >= *first) {
		*first = x->first > *first ? x->first : *first;
		last = x->last < last ? x->last : last;
	}
	*n = last - *first + 1;
}

/* The keyed start of the search (RFC 6056 algorithm 3): one of the `n` ports from `first` on, of
 * the parity. `hash` of the host's address (key_hash_addr); `key`: enum st_proto << 16 | its
 * port. */
n64_inline __u32 port_start(const struct n64_conf *c, __u64 hash, __u32 key, __u32 row,
			    __u32 first, __u32 n, enum port_parity par)
{
	__u64 h = key_mix(key_hash_rest(c, hash, key), row);
	__u32 port = first + (__u32)((h >> 32) * n >> 32);

	return par == PARITY_ANY ? port : (port & ~1u) | (par == PARITY_ODD);
}

/* Claims the port of record `b`, whose index and row are these, for the packet's host. Its
 * number, or -1. */
n64_inline int port_claim_of(const struct n64_conf *c, struct st_work *w, struct n64_row *r,
			     __u32 index, struct n64_binding *b)
{
	__u32 gen = binding_claim(c, index, b, &w->q.host6, w->q.port6, w->now);

	port_set_used(r, index_port(index));
	if (!gen)
		return -1;
	w->ctl = (__u64)gen << CTL_GEN_SHIFT;
	return (int)index_port(index);
}

/* Claims a port for the packet's host. Its number, or -1. */
n64_inline int port_claim(const struct n64_conf *c, struct st_work *w, __u32 row, __u32 port)
{
	__u32 index = binding_index(row, (__u16)port);
	struct n64_row *r = mem_row(row);

	return r ? port_claim_of(c, w, r, index, mem_binding(index)) : -1;
}

ST_FAR int port_next_far(__u32 row, __u32 start, __u32 range, __u32 parity)
{
	return port_next(row, start, range, parity);
}

ST_FAR int port_claim_far(struct st_work *w, __u32 row, __u32 port)
{
	return w ? port_claim(st_conf(), w, row, port & 0xffff) : -1;
}

/* A port that is free at or behind w->start, in w->range and of the parity, or -1. */
ST_FAR int port_search(struct st_work *w, __u32 row, __u32 parity)
{
	__u32 first, last, start;

	if (!w)
		return -1;
	first = (w->range & (ROW_WORDS - 1)) * 64;
	last = (w->range >> 16 & (ROW_WORDS - 1)) * 64 + 63;
	start = w->start;
	n64_no_unroll
	for (int i = 0; i < PORT_TRIES; i++) {
		int port = port_next_far(row, start, w->range, parity);

		if (port < 0)
			return -1;
		if (port_claim_far(w, row, (__u32)port) >= 0)
			return port;
		start = (__u32)port < last ? (__u32)port + 1 : first;
	}
	w->tired = 1; /* bits that are wrong, as after a range came back (PORT-10) */
	return -1;
}

/* One number that is wished for, if it may be given out at all: the host's own
 * (port-preserve), or the one that it had (ST-10: it may take that up again at once,
 * whatever its bit says). */
ST_FAR int port_wish(struct st_work *w, __u32 row, __u32 port)
{
	struct n64_row *r = mem_row(row);

	if (!w || !r || !(r->allowed[port_word(port)] & port_bit(port)))
		return -1;
	return port_claim_far(w, row, port);
}

/* Sets range and start of the search (RFC 6056 algorithm 3: the start is a keyed hash). */
n64_inline void port_aim(struct st_work *w, __u32 row, struct port_range r,
			 enum port_parity par)
{
	const struct n64_conf *c = st_conf();
	__u32 first, n;

	w->range = range_arg(r);
	port_bounds(c, row, r, &first, &n);
	w->start = port_start(c, key_hash_addr(c, &w->q.host6), work_key(w), row, first, n, par);
}

/* Did this host have the record last? */
n64_inline bool binding_was_own(const struct n64_binding *b, const struct st_work *w)
{
	return ctl_gen(b->ctl) && b->port6 == w->q.port6 &&
	       addr6_equal(&b->host6, &w->q.host6);
}

/* Did this host have the port at which the search begins? */
n64_inline bool port_was_own(const struct st_work *w, __u32 row)
{
	const struct n64_binding *b = mem_binding(binding_index(row, (__u16)w->start));

	return b && binding_was_own(b, w);
}

/* In w->range from w->start on, parity first (PORT-06). */
ST_FAR int port_in_range(struct st_work *w, __u32 row, __u32 parity)
{
	int port = -1;

	if (!w)
		return -1;
	if (port_was_own(w, row))
		port = port_wish(w, row, w->start);
	if (port < 0)
		port = port_search(w, row, parity);
	if (port < 0 && parity != PARITY_ANY)
		port = port_search(w, row, PARITY_ANY);
	return port;
}

#endif
