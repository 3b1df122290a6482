/* SPDX-License-Identifier: GPL-2.0-only */
/* Sending of what is not an ICMP error: the last two steps of GEN-08, addresses
 * without a translation and size, then header, transport checksum and pieces (RFC
 * 7915 4.1, 4.5, 5.1, 5.5; RFC 7757 4.2.2). */
#ifndef N64_FORWARD_H
#define N64_FORWARD_H

#include "fragment.h"
#include "slow_ask.h"

/* L2-02: the way of the translated packet and the MTU of its next hop. */
static inline enum reason forward_route(const struct slow_job *j, enum ip_family fam,
					const struct addr6 *src, const struct addr6 *dst, __u8 tos,
					__u32 *mtu)
{
	const struct pkt *p = &j->p;
	struct route_query q = {
		.fam = fam,
		.src = *src,
		.dst = *dst,
		.tos = tos,
		.proto = p->proto,
		.sport = j->x.ports ? j->x.sport : p->sport,
		.dport = j->x.ports ? j->x.dport : p->dport,
		.ifindex = j->in->ifindex,
		.from_pair = j->in->from_pair,
	};
	struct route_answer a = { 0 };
	enum reason r;

	if (pkt_is_icmp(p))
		q.proto = fam == FAM_4 ? P_ICMP4 : P_ICMP6;
	r = j->ops->route(j->ops->ctx, &q, &a);
	*mtu = r ? 0 : mtu_of_link(fam, a.mtu);
	return r;
}

/* The payload at `to`, with the transport header changed (L4-01: at offset 0
 * only). */
static inline void forward_payload(const struct slow_job *j, struct l4_change c, __u8 *to)
{
	const struct pkt *p = &j->p;

	if (j->x.ports)
		c = l4_change_ports(c, p, j->x.sport, j->x.dport);
	__builtin_memcpy(to, job_l4(j), p->l4_len);
	if (!p->frag_off)
		l4_apply(to, p->l4_len, p, c);
}

/* L4-11. */
static inline void forward_clamp(const struct slow_job *j, bool enabled, __u8 *tcp, __u32 most)
{
	const struct pkt *p = &j->p;

	if (enabled && p->proto == P_TCP && p->has_l4)
		mss_clamp(tcp, p->l4_len, most);
}

/* L4-03: the checksum that the sender of a whole UDP packet left out. */
static inline void forward_udp_zero(const struct pkt *p, const struct addr6 *src,
				    const struct addr6 *dst, __u8 *udp)
{
	__be16 csum = csum_udp_nonzero(csum_finish(
		csum_pseudo6(src, dst, P_UDP, p->udp_len) + csum_bytes(udp, p->udp_len)));

	__builtin_memcpy(udp + offsetof(struct udp_hdr, csum), &csum, sizeof(csum));
}

/* The size of what becomes IPv6 (MTU-46-02/03). `p`: IPv4 facts. R_too_big with
 * DF=1, else *per is what a piece may carry. What was put together here out of fragments
 * with DF=1 may be cut again, but not where one of them alone would have been refused. */
static inline enum reason forward_fit6(const struct slow_job *j, const struct pkt *p, __u32 mtu6,
				       __u32 *per)
{
	__u32 lim6 = mtu_lim6(j->env->conf, mtu6);

	*per = p->l4_len;
	if (j->in->piece_df && IP6_LEN + FRAGHDR_LEN + j->in->piece > mtu6)
		return R_too_big;
	if (p->df)
		return len_4to6(p) > mtu6 ? R_too_big : R_GO_ON;
	if (len_4to6(p) > lim6)
		*per = mtu_frag6_payload(lim6);
	return R_GO_ON;
}

static inline enum reason forward_4to6(struct slow_job *j)
{
	const struct n64_opts *opt = &j->env->conf->opt;
	const struct addr6 *src = &j->x.src6, *dst = &j->x.dst6;
	__u8 *payload = j->out + IP6_LEN + FRAGHDR_LEN;
	const struct pkt *p = &j->p;
	__u32 mtu6, per;
	enum reason r;

	if (j->x.late)
		return j->x.late;
	r = forward_route(j, FAM_6, src, dst, opt->zero_tc ? 0 : p->tos, &mtu6);
	if (!r)
		r = forward_fit6(j, p, mtu6, &per);
	if (r) {
		j->mtu = mtu_told4(mtu6, pkt_is_fragment(p) || j->in->reassembled);
		return r;
	}
	if (job_is_cut(j))
		return R_sp_too_long;
	forward_payload(j, l4_change_4to6(p, src, dst), payload);
	if (p->proto == P_UDP && p->has_l4 && !p->l4_csum)
		forward_udp_zero(p, src, dst, payload);
	forward_clamp(j, opt->clamp_mss4to6, payload, mtu6 - IP6_LEN - TCP_LEN);
	return fragments_sent(j, fragments_send6(j, p, src, dst, per), R_kern_4to6);
}

/* MTU-64-01: is a packet that the next hop does not take one to be refused? What was put
 * together here out of fragments is cut again instead (FRG-13), unless one of them alone
 * was too big: then its sender can do better. */
static inline bool forward_is_long(const struct slow_job *j, __u32 mtu4)
{
	const struct slow_in *in = j->in;

	if (!in->reassembled)
		return j->p.l3_len > MTU6_MIN;
	return IP4_LEN + in->piece > mtu4 && IP6_LEN + FRAGHDR_LEN + in->piece > MTU6_MIN;
}

/* Where a 6->4 packet goes and what a piece of it may carry (MTU-64-01/02); *whole: it
 * need not be cut. */
static inline enum reason forward_size4(struct slow_job *j, __u32 *mtu4, __u32 *per, bool *whole)
{
	const struct addr6 src = { { j->x.src4 } }, dst = { { j->x.dst4 } };
	const struct pkt *p = &j->p;
	enum reason r = forward_route(j, FAM_4, &src, &dst, tos_6to4(j->env->conf, p), mtu4);

	if (r)
		return r;
	*per = p->l4_len;
	*whole = len_6to4(p) <= *mtu4;
	if (!*whole) {
		j->mtu = mtu_told6(*mtu4);
		if (forward_is_long(j, *mtu4))
			return R_too_big;
		*per = mtu_frag4_payload(*mtu4);
	}
	return job_is_cut(j) ? R_sp_too_long : R_GO_ON;
}

static inline enum reason forward_6to4(struct slow_job *j)
{
	const struct n64_opts *opt = &j->env->conf->opt;
	const __be32 would = j->x.src4;
	const struct pkt *p = &j->p;
	__u8 *payload = j->out + IP4_LEN;
	__u32 mtu4, per;
	bool whole;
	__be16 id = 0;
	enum reason r;

	if (j->x.late)
		return j->x.late;
	r = forward_size4(j, &mtu4, &per, &whole);
	if (!r && env_has_state(j->env) && !j->known) {
		/* GEN-08: state only for what leaves */
		r = slow_ask_out(j);
		if (!r && j->x.src4 != would)
			r = forward_size4(j, &mtu4, &per, &whole);
	}
	if (r)
		return r;
	forward_payload(j, l4_change_6to4(p, j->x.src4, j->x.dst4), payload);
	forward_clamp(j, opt->clamp_mss6to4, payload, mtu4 - IP4_LEN - TCP_LEN);
	if (!p->has_fh)
		id = job_ip_id(j, j->x.src4, j->x.dst4, proto_6to4(p), whole && df_6to4(p));
	return fragments_sent(j, fragments_send4(j, p, j->x.src4, j->x.dst4, id, per),
			      R_kern_6to4);
}

/* HP-02, HP-04: 6->4 and back at once. What it would have been as IPv4 decides between
 * cutting and Packet Too Big, which tells the MTU of the real next hop. */
static inline enum reason forward_hairpin_size(struct slow_job *j, const struct pkt *between,
					       __u32 *per)
{
	__u8 tos = tc_4to6(j->env->conf, between->tos);
	enum reason r = forward_route(j, FAM_6, &j->x.src6, &j->x.dst6, tos, &j->mtu);

	if (!r)
		r = forward_fit6(j, between, j->mtu, per);
	return !r && job_is_cut(j) ? R_sp_too_long : r;
}

static inline struct pkt forward_between(const struct slow_job *j)
{
	return pkt_as_ip4(j->env->conf, &j->p, j->x.src4, j->x.dst4);
}

static inline enum reason forward_hairpin(struct slow_job *j)
{
	const struct n64_opts *opt = &j->env->conf->opt;
	const struct addr6 *src = &j->x.src6, *dst = &j->x.dst6;
	const struct pkt between = forward_between(j);
	__u8 *payload = j->out + IP6_LEN + FRAGHDR_LEN;
	__u32 per;
	enum reason r = forward_hairpin_size(j, &between, &per);

	if (r)
		return r;
	forward_payload(j, l4_change_hairpin(&j->p, src, dst), payload);
	forward_clamp(j, opt->clamp_mss6to4, payload, j->mtu - IP6_LEN - TCP_LEN);
	return fragments_sent(j, fragments_send6(j, &between, src, dst, per), R_kern_hairpin);
}

#endif
