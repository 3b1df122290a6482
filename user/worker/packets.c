/* SPDX-License-Identifier: GPL-2.0-only */
/* The other path: hand-over header -> core -> counters; what the core emits goes
 * back through the queue that it came from, so that a flow keeps its order
 * (GEN-06). What was held and leaves by itself goes through the first queue. */
#include "worker/parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "slow.h"
#include "slow_stateless.h"

/* Bulk comes in batches, between which the other classes are looked at (GEN-02). */
#define FIRST_BATCH 256
#define FIRST_ROUNDS 64
#define BULK_BATCH 64
#define BULK_TURN (4 * BULK_BATCH)

void packets_clock(struct worker *w)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	w->now_ms = (__u64)t.tv_sec * 1000 + (__u64)t.tv_nsec / 1000000;
	w->world.now_ms = (__u32)w->now_ms;
}

/* ---- lines that packets cause --------------------------------------------------- */

static bool may_log(struct worker *w, enum packet_log kind, __u32 *hidden)
{
	return log_allowed(&w->limit[kind], w->world.now_ms, hidden);
}

/* L4-03, L4-04: who sends UDP without a checksum. */
static void log_udp_zero(struct worker *w, const char *what)
{
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN];
	const struct slow_in *in = &w->now.in;
	__u32 hidden, ihl = (in->ip[0] & 15) * 4;
	struct ip4_hdr ip;
	__be16 port[2] = { 0 };

	if (in->len < ihl + sizeof(port) || ihl < sizeof(ip) ||
	    !may_log(w, LOG_UDP_ZERO, &hidden))
		return;
	memcpy(&ip, in->ip, sizeof(ip));
	memcpy(port, in->ip + ihl, sizeof(port));
	inet_ntop(AF_INET, &ip.src, src, sizeof(src));
	inet_ntop(AF_INET, &ip.dst, dst, sizeof(dst));
	log_line(LOG_INFO, "dropped %s without a checksum: %s port %u to %s port %u "
		 "(%u more not shown)", what, src, host16(port[0]), dst, host16(port[1]),
		 hidden);
}

/* X-6TO4-11: who hides a header behind the Fragment header. */
static void log_eh_after_frag(struct worker *w)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	struct ip6_hdr ip;
	__u32 hidden;

	if (w->now.in.len < sizeof(ip) || !may_log(w, LOG_EH, &hidden))
		return;
	memcpy(&ip, w->now.in.ip, sizeof(ip));
	inet_ntop(AF_INET6, &ip.src, src, sizeof(src));
	inet_ntop(AF_INET6, &ip.dst, dst, sizeof(dst));
	log_line(LOG_INFO, "dropped a packet with an extension header behind the Fragment header: "
		 "%s to %s (%u more not shown)", src, dst, hidden);
}

/* DYN-08: who found no address. */
static void log_pool_full(struct worker *w)
{
	char src[INET6_ADDRSTRLEN];
	struct ip6_hdr ip;
	__u32 hidden;

	if (w->now.in.len < sizeof(ip) || !may_log(w, LOG_POOL, &hidden))
		return;
	memcpy(&ip, w->now.in.ip, sizeof(ip));
	inet_ntop(AF_INET6, &ip.src, src, sizeof(src));
	log_line(LOG_WARNING, "no address of pool4 is left for the new host %s (%u more not "
		 "shown); add a prefix to pool4, or lower dyn-timeout", src, hidden);
}

void packet_log(struct worker *w, enum reason r)
{
	__u32 hidden;

	if (r == R_udp_zero)
		log_udp_zero(w, "UDP");
	else if (r == R_udp_zero_frag)
		log_udp_zero(w, "a UDP fragment");
	else if (r == R_eh_after_frag)
		log_eh_after_frag(w);
	else if (r == R_pool_full)
		log_pool_full(w);
	else if (r == R_no_icmp_src && may_log(w, LOG_NO_SOURCE, &hidden))
		log_line(LOG_WARNING, "no address to send an ICMPv6 error from; give an "
			 "interface a global IPv6 address or set icmp-src6");
	else if (r == R_tx_full && may_log(w, LOG_TX, &hidden))
		log_line(LOG_WARNING, "%s does not take frames, packets were dropped "
			 "(%u times before)", w->path.xlat, hidden);
}

/* ---- what the core asks ---------------------------------------------------------- */

static enum reason ask_route(void *ctx, const struct route_query *q, struct route_answer *a)
{
	return world_route(&((struct worker *)ctx)->world, q, a);
}

static bool ask_error_src(void *ctx, enum ip_family fam, const struct addr6 *dst,
			  __u32 ifindex, struct addr6 *src)
{
	return world_error_src(&((struct worker *)ctx)->world, fam, dst, ifindex, src);
}

static bool ask_error_allowed(void *ctx, enum ip_family fam, const struct addr6 *dst,
			      bool too_big)
{
	return world_error_allowed(&((struct worker *)ctx)->world, fam, dst, too_big);
}

static __be16 ask_ip_id(void *ctx, __be32 src, __be32 dst, __u8 proto, bool df)
{
	return world_ip_id(&((struct worker *)ctx)->world, src, dst, proto, df);
}

static void emit(void *ctx, const __u8 *ip, __u32 len, __u32 flags)
{
	struct worker *w = ctx;
	struct packet *p = &w->now;
	struct eth_hdr eth;
	int r;

	frame_eth(&eth, ip[0] >> 4 == 4 ? FAM_4 : FAM_6, p->in.ifindex,
		  frame_pair_flags(p->slow.flags, flags));
	r = queue_send(p->q, &eth, ip, len);
	if (r) {
		p->tx_failed = true;
		p->tx_reason = r == -EMSGSIZE ? R_sp_too_long : R_tx_full;
	}
}

static int ask_mappings(void *ctx, struct n64_call *call)
{
	return mapstate_ask(&((struct worker *)ctx)->state, call);
}

static void note(void *ctx, enum reason what, __u32 n)
{
	world_count(&((struct worker *)ctx)->world, what, n, 0);
}

void packets_init(struct worker *w)
{
	w->env = (struct n64_env){
		.conf = &w->world.policy.conf,
		.policy = &w->world.policy,
	};
	w->ops = (struct slow_ops){
		.ctx = w,
		.route = ask_route,
		.error_src = ask_error_src,
		.error_allowed = ask_error_allowed,
		.ip_id = ask_ip_id,
		.emit = emit,
		.state = ask_mappings,
		.note = note,
	};
	packets_clock(w);
}

/* ---- one packet, and all of them ---------------------------------------------------- */

void packet_begin(struct worker *w, const struct slow_in *in, __u16 slow_flags)
{
	w->now.in = *in;
	w->now.slow.flags = slow_flags;
	w->now.tx_failed = false;
}

void packet_done(struct worker *w, enum reason r, __u32 bytes)
{
	if (r == R_slow_syn)
		r = syn_keep(w);
	if (w->now.tx_failed && reason_kind(r) == KIND_FWD)
		r = w->now.tx_reason;
	world_count(&w->world, r, 1, bytes);
	packet_log(w, r);
}

static void serve_one(void *ctx, struct queue *q, const __u8 *frame, __u32 len)
{
	struct worker *w = ctx;
	struct packet *p = &w->now;
	enum reason r;

	p->q = q;
	p->tx_failed = false;
	w->received++;
	r = frame_open(frame, len, &p->slow, &p->in);
	if (r) {
		world_count(&w->world, r, 1, len);
		return;
	}
	w->env.entry = slow_stateless(&w->env, &p->in);
	if (worker_is_stateful(w) && !w->env.entry) {
		fragments_take(w);
		return;
	}
	r = slow_translate(&w->ops, &w->env, &p->in, 0, w->scratch);
	w->env.entry = 0;
	packet_done(w, r, frame_ip_bytes(&p->in));
}

static void serve_first(struct worker *w, struct queue *q)
{
	for (int round = 0; round < FIRST_ROUNDS; round++) {
		if (!queue_receive(q, RING_FIRST, FIRST_BATCH, serve_one, w))
			break;
		queue_kick(q);
	}
}

/* A batch of each bulk ring in turn, until one turn's share is done. */
static bool serve_bulk(struct worker *w)
{
	__u32 done = 0;

	for (__u32 i = 0; i < w->n_queues && done < BULK_TURN; i++) {
		struct queue *q = &w->queue[w->next_bulk];
		__u32 n = queue_receive(q, RING_BULK, BULK_BATCH, serve_one, w);

		if (n)
			queue_kick(q);
		done += n;
		w->next_bulk = (w->next_bulk + 1) % w->n_queues;
	}
	return done;
}

bool packets_serve(struct worker *w)
{
	bool more;

	packets_clock(w);
	for (__u32 i = 0; i < w->n_queues; i++)
		serve_first(w, &w->queue[i]);
	more = serve_bulk(w);
	/* what the kernel did not take does not wait for the next packet */
	for (__u32 i = 0; i < w->n_queues; i++)
		more |= w->queue[i].queued && queue_kick(&w->queue[i]);
	__atomic_store_n(&w->control->xsk_rx_received, w->received, __ATOMIC_RELAXED);
	__atomic_store_n(&w->control->held, fragments_held(w), __ATOMIC_RELAXED);
	return more;
}
