/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the translated packet goes: the kernel's FIB decides (L2-02), asked with
 * the translated addresses and length before the first byte is changed. */
#ifndef N64_XDP_ROUTE_H
#define N64_XDP_ROUTE_H

#include "hdr.h"
#include "siit.h"
#include "world.h"

/* Less than any driver's buffer holds behind the Ethernet header. */
#define SURELY_ONE_PIECE 512

struct route {
	/* NULL: through the pair to the kernel */
	const struct n64_egress *out;
	__u8 smac[MAC_LEN], dmac[MAC_LEN];
};

/* The question, from the addresses of `x`. len: of the translated packet. */
static __always_inline void fib_question(const struct n64_conf *c, const struct n64_port *port,
					 const struct pkt *p,
					 const struct xlat *x, enum ip_family fam, __u32 len,
					 struct bpf_fib_lookup *q)
{
	__u8 tos;

	/* all as the packet will be, for rules that look at it */
	q->l4_protocol = fam == FAM_4 ? proto_6to4(p) : proto_4to6(p);
	q->sport = x->ports ? x->sport : p->sport;
	q->dport = x->ports ? x->dport : p->dport;
	q->tot_len = len > 0xffff ? 0xffff : len;
	if (role.kind == ROLE_EXIT)
		tos = p->tos; /* translated already */
	else if (fam == FAM_4)
		tos = tos_6to4(c, p);
	else
		tos = tc_4to6(c, x->hairpin ? tos_6to4(c, p) : p->tos);
	q->ifindex = p->from_pair || (fam == FAM_6 && port->flags & PORT_NO_IP6)
			     ? c->pair_kernel : p->ifindex;
	if (fam == FAM_4) {
		q->family = N64_AF_INET;
		q->tos = tos;
		q->ipv4_src = x->src4;
		q->ipv4_dst = x->dst4;
	} else {
		q->family = N64_AF_INET6;
		q->flowinfo = be32((__u32)tos << 20);
		__builtin_memcpy(q->ipv6_src, &x->src6, sizeof(x->src6));
		__builtin_memcpy(q->ipv6_dst, &x->dst6, sizeof(x->dst6));
	}
}

/* What an answer of bpf_fib_lookup means; *direct is set when the next hop is
 * known and only the device is to be looked at. */
static __always_inline enum reason fib_verdict(long rc, bool *direct)
{
	switch (rc) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		*direct = true;
		return R_GO_ON;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return R_too_big;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return R_fib_blackhole;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_NOT_FWDED: /* the worker asks once more */
		return R_no_route;
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return R_fib_prohibit;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return R_fib_disabled;
	default:
		/* NO_NEIGH, lightweight tunnels and what newer kernels add: the
		 * kernel can do it. NO_NEIGH comes behind the check of the MTU. */
		return R_GO_ON;
	}
}

/* Is the translated destination the host itself? */
static __always_inline bool is_local(enum ip_family fam, const struct xlat *x)
{
	struct n64_local_key key = {.fam = fam};

	if (fam == FAM_4)
		key.addr.w[0] = x->dst4;
	else
		key.addr = x->dst6;
	return bpf_map_lookup_elem(&local, &key);
}

/* route, with the question in zeroed memory of the caller's. */
static __always_inline enum reason route_with(struct xdp_md *ctx, const struct n64_conf *c,
					      const struct n64_port *port, const struct pkt *p,
					      const struct xlat *x, enum ip_family fam, __u32 len,
					      struct route *rt, struct bpf_fib_lookup *q)
{
	bool direct = false;
	enum reason r;
	long rc;

	if (fam == FAM_4 && addr4_is_multicast(x->dst4))
		return R_GO_ON; /* the FIB never answers for groups (MC-01) */
	fib_question(c, port, p, x, fam, len, q);
	rc = bpf_fib_lookup(ctx, q, sizeof(*q), 0);
	if (rc < 0)
		return R_internal;
	r = fib_verdict(rc, &direct);
	if (rc == BPF_FIB_LKUP_RET_NOT_FWDED && is_local(fam, x))
		return R_GO_ON;
	if (r)
		return r;
	if (len > 0xffff)
		return R_too_big;
	if (!(c->have & HAVE_REDIRECT_SG) && p->l3_len > SURELY_ONE_PIECE && !in_one_piece(ctx))
		return R_redirect_pieces;
	if (!direct || role.kind == ROLE_XLAT || port->flags & PORT_STACK)
		return R_GO_ON;
	rt->out = bpf_map_lookup_elem(&egress, &q->ifindex);
	if (rt->out) {
		__builtin_memcpy(rt->smac, q->smac, MAC_LEN);
		__builtin_memcpy(rt->dmac, q->dmac, MAC_LEN);
	}
	return R_GO_ON;
}

/* R_GO_ON with *rt filled, or why not (R_too_big: over the MTU). */
static __always_inline enum reason route(struct xdp_md *ctx, const struct n64_conf *c,
					 const struct n64_port *port, const struct pkt *p,
					 const struct xlat *x, enum ip_family fam, __u32 len,
					 struct route *rt)
{
	struct bpf_fib_lookup q = {};

	return route_with(ctx, c, port, p, x, fam, len, rt, &q);
}

/* ADR-28, urpf6: the IPv6 source must have a route; strict: by the device it came
 * in by. One answer stands for about a second. */
static __attribute__((noinline)) int urpf_refuses(struct xdp_md *ctx, const struct addr6 *src,
						  __u32 ifindex, __u32 strict)
{
	/* 256 jiffies are about a second, and free where a clock costs 15 ns */
	__u32 now = (__u32)(bpf_jiffies64() >> 8) + 1;
	__u32 slot = (src->w[1] ^ src->w[3] ^ src->w[3] >> 16) & (N64_URPF_SLOTS - 1);
	struct n64_urpf *known = bpf_map_lookup_elem(&urpf, &slot);
	struct bpf_fib_lookup q = {
		.family = N64_AF_INET6,
		.ifindex = ifindex,
	};
	long rc;

	if (!known)
		return 0;
	if (known->second == now && known->ifindex == ifindex && addr6_equal(&known->src, src))
		return 0;
	__builtin_memcpy(q.ipv6_dst, src, sizeof(*src));
	rc = bpf_fib_lookup(ctx, &q, sizeof(q), 0);
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH &&
	    rc != BPF_FIB_LKUP_RET_FWD_DISABLED && rc != BPF_FIB_LKUP_RET_UNSUPP_LWT)
		return 1;
	if (strict && q.ifindex != ifindex)
		return 1;
	known->src = *src;
	known->ifindex = ifindex;
	known->second = now;
	return 0;
}

#endif
