/* SPDX-License-Identifier: GPL-2.0-only */
/* HP-04: from one IPv6 host to another through their mappings, in one pass. The fast path
 * does what is plain: TCP or UDP, the second mapping is there, the packet fits. All else is
 * the worker's, by the same rules. */
#ifndef N64_XDP_HAIRPIN_H
#define N64_XDP_HAIRPIN_H

#include "path.h"
#include "state.h"
#include "stateful.h"

/* The mapping that the packet comes in by, its judgement included. 0: there is none that
 * is plain. */
ST_FAR int hairpin_find(struct st_work *in)
{
	return in && state_look4(in) && !state_needs_judge(in);
}

/* Does the fast path do this one? Then the addresses are those that leave: the sender is
 * its mapping, seen through the pref64 of the receiver. `slot`: of the pool address that
 * the packet goes to. */
static __always_inline bool hairpin_look(const struct n64_env *env, const struct pkt *p,
					 struct scene *s, int slot)
{
	struct st_work *in = &s->in;

	if (pkt_is_icmp(p) || (!df_6to4(p) && p->l3_len > env->conf->opt.lowest_ipv6_mtu))
		return false;
	state_begin(in);
	in->q.proto = s->w.q.proto;
	in->q.tcp_flags = s->w.q.tcp_flags;
	in->q.tcp_seq = s->w.q.tcp_seq;
	in->q.row = row_of((__u32)slot, (enum st_proto)in->q.proto);
	in->q.port4 = p->dport;
	in->q.remote4 = s->w.q.addr4;
	if (!hairpin_find(in))
		return false;
	s->x.dst6 = in->q.host6;
	s->x.dport = in->q.port6;
	s->x.hairpin = true;
	return !stateful_peer6(env, in->q.pref, s->w.q.addr4, &s->x.src6);
}

static __attribute__((noinline)) int hairpin_write(struct xdp_md *ctx, struct pkt *p,
						   const struct xlat *x, const struct route *rt)
{
	return write_hairpin(ctx, conf_get(), p, x, rt);
}

ST_FAR int hairpin_udp(struct st_work *in)
{
	return in ? state_commit4_query(in) : R_state_busy;
}

/* The second half of the state: the packet comes from the sender's mapping. What is
 * refused is not answered or stored: it came as IPv6, and the sender's own mapping stands.
 * Then write and send. */
static __always_inline enum reason hairpin_leave(struct xdp_md *ctx, struct pkt *p,
						 struct scene *s, const struct route *rt,
						 int *action)
{
	enum reason r;

	if (s->in.q.remote4 != s->w.q.addr4)
		return R_slow_hairpin; /* another address than expected */
	s->in.q.remote_port = s->w.q.port4;
	r = (enum reason)(s->in.q.proto == ST_TCP ? session_tcp(&s->in, SIDE_V4) :
						    hairpin_udp(&s->in));
	if (r)
		return r == R_slow_syn || r == R_syn_store_full ? R_tcp_no_state : r;
	if (!hairpin_write(ctx, p, &s->x, rt))
		return R_internal;
	*action = send(conf_get(), rt);
	return rt->hop ? R_fwd_hairpin : R_kern_hairpin;
}

#endif
