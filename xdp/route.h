/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the translated packet goes: the kernel's FIB decides (L2-02), asked with
 * the translated addresses and length before the first byte is changed. */
#ifndef N64_XDP_ROUTE_H
#define N64_XDP_ROUTE_H

#include "hdr.h"
#include "nexthop.h"
#include "siit.h"
#include "world.h"

/* Less than any driver's buffer holds behind the Ethernet header. */
#define SURELY_ONE_PIECE 512

struct route {
	/* NULL: through the pair to the kernel */
	const struct n64_hop *hop;
	bool confirm;	/* ... which shall send the packet itself */
};

/* TOS of the translated packet. */
static __always_inline __u8 fib_tos(const struct n64_conf *c, const struct pkt *p,
				    const struct xlat *x, enum ip_family fam)
{
	if (role_kind() == ROLE_EXIT)
		return p->tos; /* translated already */
	if (fam == FAM_4)
		return tos_6to4(c, p);
	return tc_4to6(c, x->hairpin ? tos_6to4(c, p) : p->tos);
}

/* The device that the FIB is told the packet came in by. */
static __always_inline __u32 fib_ingress(const struct n64_conf *c, const struct n64_port *port,
					 const struct pkt *p, enum ip_family fam)
{
	return p->from_pair || (fam == FAM_6 && port->flags & PORT_NO_IP6) ? c->pair_kernel
									   : p->ifindex;
}

/* The question, from the addresses of `x`. len: of the translated packet. */
static __always_inline void fib_question(const struct n64_conf *c, const struct n64_port *port,
					 const struct pkt *p,
					 const struct xlat *x, enum ip_family fam, __u32 len,
					 struct bpf_fib_lookup *q)
{
	__u8 tos = fib_tos(c, p, x, fam);

	/* all as the packet will be, for rules that look at it */
	q->l4_protocol = fam == FAM_4 ? proto_6to4(p) : proto_4to6(p);
	q->sport = x->ports ? x->sport : p->sport;
	q->dport = x->ports ? x->dport : p->dport;
	q->tot_len = len > 0xffff ? 0xffff : len;
	q->ifindex = fib_ingress(c, port, p, fam);
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

/* Asks the FIB, and remembers what it says where that may be (`h`). */
static __always_inline enum reason route_ask(struct xdp_md *ctx, const struct n64_conf *c,
					     const struct n64_port *port, const struct pkt *p,
					     const struct xlat *x, enum ip_family fam, __u32 len,
					     struct hop_room *m, struct n64_hops *h)
{
	__u32 gen_host = h ? hop_gen_host(h, m->k.d) : 0;
	const struct n64_egress *out;
	bool direct = false;
	struct n64_hop *e;
	enum reason r;
	long rc;

	__builtin_memset(&m->q, 0, sizeof(m->q));
	fib_question(c, port, p, x, fam, len, &m->q);
	rc = bpf_fib_lookup(ctx, &m->q, sizeof(m->q), 0);
	count(R_fib_asked, 0);
	if (rc < 0)
		return R_internal;
	r = fib_verdict(rc, &direct);
	if (rc == BPF_FIB_LKUP_RET_NOT_FWDED && is_local(fam, x))
		return R_GO_ON;
	if (r)
		return r;
	if (len > 0xffff)
		return R_too_big;
	if (!direct || role_kind() == ROLE_XLAT || port->flags & PORT_STACK)
		return R_GO_ON;
	out = bpf_map_lookup_elem(&egress, &m->q.ifindex);
	if (!out)
		return R_GO_ON;
	if (h) {
		m->entry = (int)hop_remember(c, h, gen_host, &m->k, &m->q, out);
		return R_GO_ON;
	}
	e = hop_at(c, c->hop_slots);
	if (e) {
		hop_body(e, &m->q, out);
		m->entry = (int)c->hop_slots;
	}
	return R_GO_ON;
}

/* What else than the destination the answer depends on. */
static __always_inline __u64 route_flow(const struct n64_conf *c, const struct n64_hops *h,
					const struct n64_port *port, const struct pkt *p,
					const struct xlat *x, enum ip_family fam)
{
	__u32 in = fib_ingress(c, port, p, fam);

	if (likely(!(h->flags & HOP_FULL)))
		return hop_flow(in);
	return hop_flow_full(c->key, in, fam == FAM_4 ? hop_dst4(x->src4) : hop_dst6(&x->src6),
			     fib_tos(c, p, x, fam), p->proto, x->ports ? x->sport : p->sport,
			     x->ports ? x->dport : p->dport);
}

#define ROUTE_LEN_SHIFT 1

/* `what`: length of the translated packet, and in bit 0 whether it is IPv6. The reason why
 * it cannot leave, or R_GO_ON with the answer in m. */
N64_ONCE int route_find(struct xdp_md *ctx, const struct n64_port *port, const struct pkt *p,
			const struct xlat *x, __u32 what)
{
	enum ip_family fam = what & 1 ? FAM_6 : FAM_4;
	const struct n64_conf *c = conf_get();
	__u32 len = what >> ROUTE_LEN_SHIFT;
	struct hop_room *m = hop_room_get();
	struct n64_hops *h = hops_get();
	struct n64_hop *e;

	if (!port || !p || !x || !m || !h)
		return R_internal; /* cannot be */
	m->entry = -1;
	m->confirm = false;
	/* on nat64x and nat64 packets are few, and a port that delivers to the kernel does not
	 * want to know */
	if (role_kind() == ROLE_PORT && port->flags & PORT_STACK)
		m->confirm = true;
	if (role_kind() != ROLE_PORT || port->flags & PORT_STACK)
		return route_ask(ctx, c, port, p, x, fam, len, m, NULL);
	m->k.fam = fam;
	m->k.d = fam == FAM_4 ? hop_dst4(x->dst4) : hop_dst6(&x->dst6);
	m->k.flow = route_flow(c, h, port, p, x, fam);
	hop_key_of(c, h, &m->k);
	m->entry = hop_known(c, h, &m->k);
	e = m->entry < 0 ? NULL : hop_at(c, (__u32)m->entry);
	if (e && len <= e->mtu) {
		if (unlikely(hop_is_due(h, p, e, m->k.now))) {
			e->confirm = m->k.now;
			m->confirm = true;
			m->entry = -1;
		}
		return R_GO_ON;
	}
	m->entry = -1;
	return route_ask(ctx, c, port, p, x, fam, len, m, h);
}

/* Number of the entry that most packets find, -1: route_find is to be asked. */
N64_ONCE int route_ready(const struct n64_port *port, const struct pkt *p, const struct xlat *x,
			 __u32 what)
{
	const struct n64_conf *c = conf_get();
	__u32 len = what >> ROUTE_LEN_SHIFT;
	const struct n64_hops *h = hops_get();

	if (!port || !p || !x || !h || role_kind() != ROLE_PORT ||
	    port->flags & (PORT_STACK | PORT_NO_IP6))
		return -1;
	return what & 1 ? hop_ready(c, h, p, FAM_6, hop_dst6(&x->dst6), len)
			: hop_ready(c, h, p, FAM_4, hop_dst4(x->dst4), len);
}

/* A group leaves by the port that the operator says, or through the kernel. */
static __always_inline enum reason route_group(const struct n64_conf *c, enum ip_family fam,
					       const struct xlat *x, __u32 len,
					       struct route *rt)
{
	__u32 ifindex = c->group_out[fam == FAM_6].ifindex;
	__u32 slot = c->group_out[fam == FAM_6].slot;
	const struct n64_egress *out;
	const struct n64_port *port;
	struct n64_hop *e;

	if (!ifindex || role_kind() == ROLE_XLAT)
		return R_GO_ON;
	out = bpf_map_lookup_elem(&egress, &ifindex);
	port = bpf_map_lookup_elem(&ports, &slot);
	e = hop_at(c, c->hop_slots);
	if (!out || !port || !e)
		return R_GO_ON;
	if (len > out->mtu)
		return R_too_big;
	e->mtu = out->mtu;
	e->n_tags = 0;
	e->port = out->port;
	__builtin_memcpy(e->smac, port->mac, MAC_LEN);
	if (fam == FAM_4)
		group_mac4(x->dst4, e->dmac);
	else
		group_mac6(&x->dst6, e->dmac);
	rt->hop = e;
	return R_GO_ON;
}

/* R_GO_ON with *rt filled, or why not (R_too_big: over the MTU). */
static __always_inline enum reason route(struct xdp_md *ctx, const struct n64_conf *c,
					 const struct n64_port *port, const struct pkt *p,
					 const struct xlat *x, enum ip_family fam, __u32 len,
					 struct route *rt)
{
	const struct hop_room *m = hop_room_get();
	enum reason r;
	int entry;

	rt->hop = NULL;
	rt->confirm = false;
	/* the FIB never answers for groups (MC-01, MC-02) */
	if (fam == FAM_4 && addr4_is_multicast(x->dst4))
		return route_group(c, fam, x, len, rt);
	if (fam == FAM_6 && c->have & HAVE_MPREF64 && addr6_is_multicast(&x->dst6))
		return route_group(c, fam, x, len, rt);
	entry = route_ready(port, p, x, len << ROUTE_LEN_SHIFT | (fam == FAM_6));
	if (unlikely(entry < 0)) {
		r = (enum reason)route_find(ctx, port, p, x,
					    len << ROUTE_LEN_SHIFT | (fam == FAM_6));
		if (r)
			return r;
		if (!m)
			return R_internal;
		rt->confirm = m->confirm;
		entry = m->entry;
	}
	if (!(c->have & HAVE_REDIRECT_SG) && p->l3_len > SURELY_ONE_PIECE && !in_one_piece(ctx))
		return R_redirect_pieces;
	if (entry >= 0)
		rt->hop = hop_at(c, (__u32)entry);
	return R_GO_ON;
}

/* ---- ADR-28, urpf6: the IPv6 source must have a route --------------------------------------- */

/* strict: the route by the device that the packet came in by. */
N64_ONCE int urpf_refuses(struct xdp_md *ctx, const struct addr6 *src, __u32 ifindex,
			  __u32 strict)
{
	const struct n64_conf *c = conf_get();
	struct hop_room *m = hop_room_get();
	struct n64_hops *h = hops_get();
	struct n64_hop *e;
	long rc;

	if (!src || !m || !h)
		return 0; /* cannot be */
	m->k.fam = FAM_6;
	m->k.d = hop_dst6(src);
	m->k.flow = hop_flow(ifindex) | HOP_FLOW_URPF;
	hop_key_of(c, h, &m->k);
	if (hop_known(c, h, &m->k) >= 0)
		return 0;
	__builtin_memset(&m->q, 0, sizeof(m->q));
	m->q.family = N64_AF_INET6;
	m->q.ifindex = ifindex;
	__builtin_memcpy(m->q.ipv6_dst, src, sizeof(*src));
	rc = bpf_fib_lookup(ctx, &m->q, sizeof(m->q), 0);
	count(R_fib_asked, 0);
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH &&
	    rc != BPF_FIB_LKUP_RET_FWD_DISABLED && rc != BPF_FIB_LKUP_RET_UNSUPP_LWT)
		return 1;
	if (strict && m->q.ifindex != ifindex)
		return 1;
	e = hop_at(c, hop_victim(c, &m->k));
	if (e) {
		hop_head(e, &m->k);
		e->mtu = 0xffff; /* nobody is sent by it */
		hop_inside(e, h, &m->k);
	}
	return 0;
}

#endif
