/* SPDX-License-Identifier: GPL-2.0-only */
/* The hand-over to the worker (GEN-02): a token of the reason's class, the
 * hand-over header in front of the untouched frame, and the way to nat64x. */
#ifndef N64_XDP_TO_SLOW_H
#define N64_XDP_TO_SLOW_H

#include "world.h"

#define CLASS_BURST_NS 100000000ull /* a class may burst a tenth of its rate */

static __always_inline __u32 class_rate(const struct n64_conf *c, enum slow_class class)
{
	switch (class) {
	case CLASS_syn:
		return c->opt.slow_rate_syn;
	case CLASS_error:
	case CLASS_mtu:
		return c->opt.slow_rate_error;
	case CLASS_header:
		return c->opt.slow_rate_header;
	case CLASS_icmp:
		return c->opt.slow_rate_icmp;
	default:
		return 0; /* no limit */
	}
}

static __always_inline enum reason class_drop(enum slow_class class)
{
	switch (class) {
	case CLASS_syn:
		return R_sp_rate_syn;
	case CLASS_error:
		return R_sp_rate_error;
	case CLASS_mtu:
		return R_sp_rate_mtu;
	case CLASS_header:
		return R_sp_rate_header;
	default:
		return R_sp_rate_icmp;
	}
}

/* R_GO_ON, or the reason of a class that is over its rate. */
static __always_inline enum reason take_token(const struct n64_conf *c, enum slow_class class)
{
	__u32 rate = class_rate(c, class), key = class;
	struct n64_bucket *b;
	__u64 now, cost, most;

	if (!rate)
		return R_GO_ON;
	b = bpf_map_lookup_elem(&buckets, &key);
	if (!b)
		return R_GO_ON;
	now = bpf_ktime_get_coarse_ns();
	cost = 1000000000ull / rate;
	most = cost > CLASS_BURST_NS ? cost : CLASS_BURST_NS;
	b->credit += now - b->ns;
	b->ns = now;
	if (b->credit > most)
		b->credit = most;
	if (b->credit < cost)
		return class_drop(class);
	b->credit -= cost;
	return R_GO_ON;
}

/* GEN-13: the longest frame that one 4096-byte buffer of the worker holds beside
 * the kernel's headroom, two bytes for alignment, and the hand-over header. */
#define ONE_BUFFER (4096 - 256 - 2 - (int)sizeof(struct n64_slow))
#define CUT_IP_LEN 1280

/* Makes a frame short enough for the worker, or says that it cannot be. */
static __always_inline enum reason fit(struct xdp_md *ctx, const struct n64_conf *c,
				       const struct pkt *p, enum slow_class class, __u32 frame_len)
{
	if (c->have & HAVE_XSK_SG || (frame_len <= ONE_BUFFER && in_one_piece(ctx)))
		return R_GO_ON;
	if ((class != CLASS_error && class != CLASS_mtu) ||
	    frame_len <= p->l3_off + CUT_IP_LEN ||
	    bpf_xdp_adjust_tail(ctx, p->l3_off + CUT_IP_LEN - (int)frame_len))
		return R_sp_too_long;
	return in_one_piece(ctx) ? R_GO_ON : R_sp_too_long;
}

static __always_inline bool write_slow(struct xdp_md *ctx, const struct pkt *p, enum reason why,
				       __u32 frame_len, bool cut)
{
	__u32 slot = role_slot();
	const struct n64_port *port = bpf_map_lookup_elem(&ports, &slot);
	struct n64_slow *s;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*s)))
		return false;
	s = frame_start(ctx);
	if ((const void *)(s + 1) > frame_end(ctx))
		return false;
	s->magic = N64_SLOW_MAGIC;
	s->abi = N64_ABI;
	s->reason = why;
	s->ifindex = p->ifindex;
	s->vid[0] = p->vid[0];
	s->vid[1] = p->vid[1];
	s->frame_len = frame_len;
	s->l3_off = p->l3_off;
	s->flags = (p->from_pair ? SLOW_FROM_PAIR : 0) | (cut ? SLOW_CUT : 0) |
		   (port && port->flags & PORT_STACK ? SLOW_STACK : 0);
	s->fam = p->fam;
	s->slot = role_slot();
	s->pad = 0;
	s->pad2 = 0;
	return true;
}

/* Returns the XDP action; *why becomes the drop reason when it failed. */
static __attribute__((noinline)) int to_slow(struct xdp_md *ctx, const struct pkt *p,
					     enum reason *why)
{
	const struct n64_conf *c = conf_get();
	enum slow_class class = reason_class(*why);
	__u32 frame_len = bpf_xdp_get_buff_len(ctx);
	enum reason r = take_token(c, class);
	int action;

	if (!r)
		r = fit(ctx, c, p, class, frame_len);
	if (!r && !write_slow(ctx, p, *why, frame_len, bpf_xdp_get_buff_len(ctx) < frame_len))
		r = R_internal;
	if (r) {
		*why = r;
		return XDP_DROP;
	}
	if (role_kind() == ROLE_XLAT)
		action = bpf_redirect_map(&xskmap, ctx->rx_queue_index * 2 + (class == CLASS_bulk),
					  XDP_DROP);
	else
		action = bpf_redirect_map(&devmap, c->pair_kernel, XDP_DROP);
	if (action != XDP_REDIRECT)
		*why = R_sp_overflow;
	return action;
}

/* On nat64x: a frame that a port handed over goes to the worker's socket. False:
 * it is none. */
static __always_inline bool is_slow_frame(struct xdp_md *ctx, enum reason *why, int *action)
{
	const struct n64_slow *s = frame_start(ctx);
	bool bulk;

	if ((const void *)(s + 1) > frame_end(ctx) || s->magic != N64_SLOW_MAGIC)
		return false;
	bulk = reason_class(s->reason) == CLASS_bulk;
	*action = bpf_redirect_map(&xskmap, ctx->rx_queue_index * 2 + bulk, XDP_DROP);
	*why = *action == XDP_REDIRECT ? R_to_worker : R_sp_overflow;
	return true;
}

#endif
