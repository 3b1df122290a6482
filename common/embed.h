/* SPDX-License-Identifier: GPL-2.0-only */
/* The packet that an ICMP error quotes (requirements 7.1; RFC 7915 4.3 and 5.3):
 * its facts, from its own length fields and not from the bytes that are there
 * (IN-04), and its header in the other family. */
#ifndef N64_EMBED_H
#define N64_EMBED_H

#include "fragment.h"

struct quoted {
	const __u8 *ip;
	__u32 len;	/* bytes that are there */
	struct pkt p;
};

/* ---- reading ------------------------------------------------------------------------ */

/* IN-05: options are skipped. IN-02: the checksum is looked at only if wanted. */
static inline enum reason quoted_read4(const struct n64_conf *conf, struct quoted *q)
{
	if (!parse_ip4((const struct ip4_hdr *)q->ip, q->ip + q->len, &q->p))
		return R_inner_short;
	if (q->p.ihl < IP4_LEN || q->p.ihl > q->len)
		return R_inner_short;
	if (conf->opt.inner_csum == INNER_CSUM_DROP &&
	    csum_fold(csum_bytes(q->ip, q->p.ihl)) != 0xffff)
		return R_inner_bad_csum;
	return R_GO_ON;
}

/* IN-05: extension headers are skipped, an unfinished routing header is not. */
static inline enum reason quoted_read6(struct quoted *q)
{
	const struct ext_bytes bytes = { q->ip, q->len };
	__u32 pointer;
	enum reason r;

	if (!parse_ip6((const struct ip6_hdr *)q->ip, q->ip + q->len, &q->p))
		return R_inner_short;
	r = ext6_walk(ext_load_bytes, &bytes, &q->p, &pointer);
	if (r)
		return r == R_bad_hdr6 ? R_inner_short : r;
	if (pointer)
		return R_inner_routing;
	if (q->p.has_fh && ext6_is_header(q->p.proto))
		return R_eh_after_frag;
	/* more than an IPv4 length can say: never a packet of ours */
	return len_6to4(&q->p) > 65535 ? R_inner_untranslatable : R_GO_ON;
}

/* IN-08: of ICMP only echo. A type that is not there, in a later fragment or cut
 * off, cannot be asked (IN-09). */
static inline enum reason quoted_icmp(struct quoted *q)
{
	const __u8 *l4 = q->ip + q->p.l4_off;
	__u32 n = q->len - q->p.l4_off;

	if (!pkt_is_icmp(&q->p) || q->p.frag_off || !n)
		return R_GO_ON;
	q->p.icmp_type = l4[0];
	q->p.icmp_code = n > 1 ? l4[1] : 0;
	return icmp_kind(&q->p) == ICMP_QUERY ? R_GO_ON : R_inner_icmp_error;
}

/* IN-09, IN-10: the ports or the identifier of a quoted packet, without which no mapping
 * can be found (mode stateful). */
static inline enum reason quoted_ports(struct quoted *q)
{
	bool icmp = pkt_is_icmp(&q->p);
	const __u8 *l4 = q->ip + q->p.l4_off;

	if (q->p.frag_off)
		return R_inner_frag;
	if (!icmp && q->p.proto != P_TCP && q->p.proto != P_UDP)
		return R_inner_no_session;
	if (q->len - q->p.l4_off < (icmp ? ICMP_LEN : 4))
		return R_inner_short;
	__builtin_memcpy(&q->p.sport, l4 + (icmp ? offsetof(struct icmp_hdr, echo.id) : 0), 2);
	__builtin_memcpy(&q->p.dport, l4 + (icmp ? offsetof(struct icmp_hdr, echo.id) : 2), 2);
	return R_GO_ON;
}

/* Facts of the quoted packet in the `len` bytes at `ip`, four-byte aligned.
 * `padded`: what lies beyond its own length is padding (EXT-04). */
static inline enum reason quoted_read(const struct n64_conf *conf, enum ip_family fam,
				      const __u8 *ip, __u32 len, bool padded,
				      struct quoted *q)
{
	enum reason r;

	*q = (struct quoted){ .ip = ip, .len = len, .p = { .fam = (__u8)fam } };
	r = fam == FAM_4 ? quoted_read4(conf, q) : quoted_read6(q);
	if (r)
		return r;
	if (padded && q->p.l3_len < q->len)
		q->len = q->p.l3_len;
	if (q->len < q->p.l4_off)
		return R_inner_short;
	if (proto_is_forbidden(fam, q->p.proto))
		return R_bad_proto;
	return quoted_icmp(q);
}

/* ---- writing ------------------------------------------------------------------------ */

/* What becomes of the addresses of a quoted packet: IPv4 in between, when it is
 * hairpinned. */
struct quoted_addr {
	__be32 src4, dst4;
	struct addr6 src6, dst6;
	bool ports;		/* mode stateful: they change too (IN-06, IN-07) */
	__be16 sport, dport;
};

/* The inner IPv4 header (IN-03: TTL as it is; ID-03: ID 0); returns its length. */
static inline __u32 quoted_write4(const struct n64_conf *conf, const struct quoted *q,
				  const struct quoted_addr *a, __u8 *at)
{
	struct ip4_hdr ip;

	hdr_6to4(conf, &q->p, a->src4, a->dst4, 0, q->p.ttl, &ip);
	__builtin_memcpy(at, &ip, sizeof(ip));
	return IP4_LEN;
}

/* The inner IPv6 header; of a quoted IPv6 packet when it is hairpinned. */
static inline __u32 quoted_write6(const struct n64_conf *conf, const struct quoted *q,
				  const struct quoted_addr *a, __u8 *at)
{
	struct pkt p = q->p;

	if (p.fam == FAM_6)
		p = pkt_as_ip4(conf, &q->p, a->src4, a->dst4);
	return hdr6_write(conf, &p, &a->src6, &a->dst6, p.ttl, at);
}

/* IN-06, IN-07. `fam`: of what leaves. */
static inline struct l4_change quoted_change(enum ip_family fam, const struct quoted *q,
					     const struct quoted_addr *a)
{
	struct l4_change c;

	if (fam == FAM_4)
		c = l4_change_6to4(&q->p, a->src4, a->dst4);
	else if (q->p.fam == FAM_4)
		c = l4_change_4to6(&q->p, &a->src6, &a->dst6);
	else
		c = l4_change_hairpin(&q->p, &a->src6, &a->dst6);
	return a->ports ? l4_change_ports(c, &q->p, a->sport, a->dport) : c;
}

#endif
