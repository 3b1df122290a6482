/* SPDX-License-Identifier: GPL-2.0-only */
/* One packet in the hands of the other path: what came in, what is known about
 * it, and where the result is built. */
#ifndef N64_SLOW_JOB_H
#define N64_SLOW_JOB_H

#include "ext6.h"
#include "hdr.h"
#include "mtu.h"
#include "parse.h"
#include "slow_ops.h"
#include "stateful.h"

struct slow_job {
	const struct slow_ops *ops;
	const struct n64_env *env;
	const struct slow_in *in;
	__u32 ttl_dec;
	__u8 *out;	/* scratch: room for a header and a payload of any length */
	struct pkt p;	/* the packet as received */
	struct xlat x;
	__u32 pointer;	/* of a Segments Left that is not 0 (X-6TO4-10) */
	__u32 mtu;	/* for the error of R_too_big */
	/* mode stateful */
	__u32 slot_flags;	/* of the pool address a 4->6 packet goes to */
	bool known;		/* the tuple is known (slow_fragment_known): nothing to ask */
};

/* GEN-13: bytes of the packet that were cut off on the way here? */
static inline bool job_is_cut(const struct slow_job *j)
{
	return j->p.l3_len > j->in->len;
}

static inline const __u8 *job_l4(const struct slow_job *j)
{
	return j->in->ip + j->p.l4_off;
}

/* TTL or hop limit of what is translated (GEN-09). */
static inline __u8 job_ttl(const struct slow_job *j)
{
	return j->p.ttl - (__u8)j->ttl_dec;
}

/* TTL or hop limit of what is originated (GERR-24). */
static inline __u8 job_own_ttl(const struct slow_job *j)
{
	return (__u8)(64 + 1 - j->ttl_dec);
}

/* A directed broadcast address of an attached subnet (ADR-20). */
static inline bool job_is_broadcast(const struct slow_job *j, __be32 a)
{
	const struct n64_pol4 *pol = pol4_if(j->env, HAVE_BCAST4, a);

	return pol && pol->flags & POL_BCAST;
}

/* An ICMP error whose header can be seen whole. */
static inline bool job_is_icmp_error(const struct pkt *p)
{
	return pkt_is_icmp(p) && !pkt_is_fragment(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR;
}

/* X-6TO4-04, ID-02. */
static inline __be16 job_ip_id(const struct slow_job *j, __be32 src, __be32 dst, __u8 proto,
			       bool df)
{
	if (df && j->env->conf->opt.id_when_df == ID_ZERO)
		return 0;
	return j->ops->ip_id(j->ops->ctx, src, dst, proto, df);
}

/* ---- facts ---------------------------------------------------------------------------- */

/* The facts of an IPv6 packet as if it had become IPv4 (HP-02: the first half of
 * a packet that never leaves as IPv4). Offsets, ports and checksum stay those of
 * the bytes at hand. */
static inline struct pkt pkt_as_ip4(const struct n64_conf *conf, const struct pkt *p,
				    __be32 src, __be32 dst)
{
	struct pkt q = *p;

	q.fam = FAM_4;
	q.df = df_6to4(p);
	q.has_fh = false;
	q.frag_id = p->frag_id & 0xffff;
	q.src4 = src;
	q.dst4 = dst;
	if (p->proto == P_ICMP6)
		q.proto = P_ICMP4;
	if (conf->opt.tos != OPT_IS_OFF)
		q.tos = (__u8)conf->opt.tos;
	return q;
}

/* What a hairpinned packet's transport checksum gains (L4-01). */
static inline __u64 delta_hairpin(const struct pkt *p, const struct addr6 *src,
				  const struct addr6 *dst)
{
	return csum_sub_addr6(&p->src6) + csum_sub_addr6(&p->dst6) + csum_addr6(src) +
	       csum_addr6(dst);
}

/* ---- transport ------------------------------------------------------------------------ */

/* The change of a transport header that goes with a change of addresses. */
struct l4_change {
	__u64 delta;	/* of the checksum */
	__u8 icmp_type;	/* of an echo */
	bool ports;	/* they change too; of an echo the identifier, as sport */
	__be16 sport, dport;
};

static inline struct l4_change l4_change_6to4(const struct pkt *p, __be32 src, __be32 dst)
{
	if (pkt_is_icmp(p))
		return (struct l4_change){ .delta = delta_echo_6to4(p),
					   .icmp_type = echo_6to4(p->icmp_type) };
	return (struct l4_change){ .delta = delta_6to4(p, src, dst) };
}

static inline struct l4_change l4_change_4to6(const struct pkt *p, const struct addr6 *src,
					      const struct addr6 *dst)
{
	if (pkt_is_icmp(p))
		return (struct l4_change){ .delta = delta_echo_4to6(p, src, dst),
					   .icmp_type = echo_4to6(p->icmp_type) };
	return (struct l4_change){ .delta = delta_4to6(p, src, dst) };
}

/* From IPv6 to IPv6: nothing but addresses. */
static inline struct l4_change l4_change_hairpin(const struct pkt *p, const struct addr6 *src,
						 const struct addr6 *dst)
{
	return (struct l4_change){ .delta = delta_hairpin(p, src, dst),
				   .icmp_type = p->icmp_type };
}

/* L4-01 in mode stateful: with the ports or the identifier of the other side. */
static inline struct l4_change l4_change_ports(struct l4_change c, const struct pkt *p,
					       __be16 sport, __be16 dport)
{
	c.ports = true;
	c.sport = sport;
	c.dport = dport;
	c.delta += delta_port(p->sport, sport);
	if (!pkt_is_icmp(p))
		c.delta += delta_port(p->dport, dport);
	return c;
}

static inline void csum_field_update(__u8 *at, __u64 delta, bool udp)
{
	__be16 field;

	__builtin_memcpy(&field, at, sizeof(field));
	if (udp && !field)
		return; /* none was sent: IN-06, L4-06 */
	field = csum_update(field, delta);
	if (udp)
		field = csum_udp_nonzero(field);
	__builtin_memcpy(at, &field, sizeof(field));
}

/* A port or identifier at `at` of the first `n` bytes. */
static inline void port_replace(__u8 *l4, __u32 n, __u32 at, __be16 port)
{
	if (n >= at + sizeof(port))
		__builtin_memcpy(l4 + at, &port, sizeof(port));
}

/* Applies the change to the first `n` bytes of a transport header at offset 0;
 * what is not there is left alone (IN-06). */
static inline void l4_apply(__u8 *l4, __u32 n, const struct pkt *p, struct l4_change c)
{
	if (c.ports && pkt_is_icmp(p)) {
		port_replace(l4, n, offsetof(struct icmp_hdr, echo.id), c.sport);
	} else if (c.ports) {
		port_replace(l4, n, offsetof(struct tcp_hdr, sport), c.sport);
		port_replace(l4, n, offsetof(struct tcp_hdr, dport), c.dport);
	}
	if (p->proto == P_TCP) {
		if (n >= offsetof(struct tcp_hdr, csum) + 2)
			csum_field_update(l4 + offsetof(struct tcp_hdr, csum), c.delta, false);
	} else if (p->proto == P_UDP) {
		if (n >= UDP_LEN)
			csum_field_update(l4 + offsetof(struct udp_hdr, csum), c.delta, true);
	} else if (pkt_is_icmp(p) && n) {
		l4[0] = c.icmp_type;
		if (n >= offsetof(struct icmp_hdr, csum) + 2)
			csum_field_update(l4 + offsetof(struct icmp_hdr, csum), c.delta, false);
	}
}

#endif
