/* SPDX-License-Identifier: GPL-2.0-only */
/* SYNs from IPv4 that wait for a simultaneous open (RFC 6146 3.5.2.2, RFC 5382 REQ-4;
 * TCP-03, TCP-04, TCP-09, TCP-11, TCP-32, TCP-34, GENERR-15). A SYN that a worker held
 * which died is forgotten by the state after its time, and nobody answers it. */
#include "worker/parts.h"

#include <string.h>

#include "slow.h"

/* Does the packet have everything that its store needs to know? Then the question that
 * the state is asked about it. `*len`: without padding. */
static bool syn_call(const struct slow_in *in, enum call_op op, struct n64_call *call, __u32 *len)
{
	struct ip4_hdr ip;
	__be16 port[2];
	__u32 ihl;

	if (in->fam != FAM_4 || in->len < sizeof(ip))
		return false;
	memcpy(&ip, in->ip, sizeof(ip));
	ihl = (ip.ver_ihl & 15) * 4u;
	*len = host16(ip.len);
	if (*len > in->len || ihl + sizeof(port) > *len)
		return false;
	memcpy(port, in->ip + ihl, sizeof(port));
	*call = (struct n64_call){
		.op = op,
		.proto = ST_TCP,
		.tcp_flags = TCP_SYN,
		.addr4 = ip.dst,
		.port4 = port[1],
		.remote4 = ip.src,
		.remote_port = port[0],
	};
	return true;
}

/* It is not kept after all. */
static enum reason take_back(const struct worker *w, struct n64_call *call)
{
	call->op = CALL_SYN_TAKE;
	mapstate_ask(&w->state, call);
	return R_syn_store_full;
}

enum reason syn_keep(struct worker *w)
{
	const struct n64_opts *o = &w->world.policy.conf.opt;
	const struct syn_limits max = { o->max_stored_syn, o->max_stored_syn_net };
	struct slow_in in = w->now.in;
	struct n64_call call;

	if (in.reassembled || !syn_call(&w->now.in, CALL_SYN_STORE, &call, &in.len))
		return R_syn_store_full;
	if (mapstate_ask(&w->state, &call))
		return R_internal;
	if (call.reason != R_GO_ON) /* PASS: the address has left the pool meanwhile */
		return reason_kind(call.reason) == KIND_DROP ? (enum reason)call.reason : R_no_bib;
	if (!syn_store_room(&w->syns, &max, call.remote4, in.len) ||
	    syn_store_put(&w->syns, &in, call.remote4, w->now.slow.flags & SLOW_FROM_PAIR,
			  call.now + SYN_SECONDS))
		return take_back(w, &call);
	return R_syn_stored;
}

bool syn_step(struct worker *w)
{
	const struct stored_syn *e = syn_store_due(&w->syns, w->second);
	struct n64_call call;
	__u32 len;

	if (!e)
		return false;
	if (syn_call(&e->in, CALL_SYN_TAKE, &call, &len) && !mapstate_ask(&w->state, &call) &&
	    call.reason == R_GO_ON) {
		/* it was counted when it came (syn_stored) */
		world_count(&w->world, R_syn_timeout, 1, 0);
		packet_begin(w, &e->in, e->slow_flags);
		packet_log(w, slow_syn_timeout(&w->ops, &w->env, &e->in, 0, w->scratch));
	}
	syn_store_pop(&w->syns);
	return true;
}

/* The state counts what was stored and taken; a worker that begins holds none, whatever
 * the one before it held. */
void syn_tick(struct worker *w)
{
	__atomic_store_n(&w->state.shared->stored_syn, w->syns.n, __ATOMIC_RELAXED);
}
