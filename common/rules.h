/* SPDX-License-Identifier: GPL-2.0-only */
/* Judgement of one packet by its facts alone, the steps of GEN-08 that no list
 * and no mode changes: headers, sources, TTL, protocol. R_GO_ON or the reason. */
#ifndef N64_RULES_H
#define N64_RULES_H

#include "addr.h"
#include "pkt.h"
#include "reason.h"

enum icmp4_type { ICMP4_ECHO_REPLY = 0, ICMP4_UNREACH = 3, ICMP4_ECHO = 8,
		  ICMP4_TIME_EXCEEDED = 11, ICMP4_PARAM = 12 };
enum icmp6_type { ICMP6_UNREACH = 1, ICMP6_TOO_BIG = 2, ICMP6_TIME_EXCEEDED = 3,
		  ICMP6_PARAM = 4, ICMP6_ECHO = 128, ICMP6_ECHO_REPLY = 129,
		  ICMP6_REDIRECT = 137 };

/* What an ICMP message is to a translator. */
enum icmp_kind { ICMP_QUERY, ICMP_ERROR, ICMP_OTHER };

n64_inline enum icmp_kind icmp_kind(const struct pkt *p)
{
	if (p->fam == FAM_4) {
		if (p->icmp_type == ICMP4_ECHO || p->icmp_type == ICMP4_ECHO_REPLY)
			return ICMP_QUERY;
		if (p->icmp_type == ICMP4_UNREACH || p->icmp_type == ICMP4_TIME_EXCEEDED ||
		    p->icmp_type == ICMP4_PARAM)
			return ICMP_ERROR;
		return ICMP_OTHER;
	}
	if (p->icmp_type == ICMP6_ECHO || p->icmp_type == ICMP6_ECHO_REPLY)
		return ICMP_QUERY;
	if (p->icmp_type >= ICMP6_UNREACH && p->icmp_type <= ICMP6_PARAM)
		return ICMP_ERROR;
	return ICMP_OTHER;
}

n64_inline bool pkt_is_icmp(const struct pkt *p)
{
	return p->proto == (p->fam == FAM_4 ? P_ICMP4 : P_ICMP6);
}

/* VAL-06, VAL-01/02: only of translation targets. */
n64_inline enum reason rule_header(const struct pkt *p)
{
	if (p->fam == FAM_4) {
		if (unlikely(p->l2_mcast && !addr4_is_multicast(p->dst4)))
			return R_l2_mcast;
		if (p->ihl < IP4_LEN || p->l3_len < p->ihl || p->l3_len > p->avail)
			return R_bad_hdr4;
		if (p->ihl == IP4_LEN && !p->hdr_csum_ok)
			return R_bad_hdr4;
		return R_GO_ON;
	}
	if (unlikely(p->l2_mcast && !addr6_is_multicast(&p->dst6)))
		return R_l2_mcast;
	if (p->l3_len > p->avail || p->l3_len == IP6_LEN)
		return R_bad_hdr6;
	return R_GO_ON;
}

/* ADR-20 (without directed broadcasts, which are in the lists), ADR-21. */
n64_inline enum reason rule_source(const struct pkt *p)
{
	if (p->fam == FAM_4)
		return src4_is_illegal(p->src4) ? R_src4_illegal : R_GO_ON;
	return src6_is_illegal(&p->src6) ? R_src6_illegal : R_GO_ON;
}

/* GENERR-01: has the packet a hop left for us (GEN-09)? */
n64_inline bool ttl_is_used_up(const struct pkt *p)
{
	return p->ttl <= (p->from_pair ? 0 : 1);
}

/* X-4TO6-12: numbers that would turn into extension headers or ICMP of the other
 * family. MC-05: IGMP speaks of its own link only. `proto` is the transport behind
 * all extension headers. */
n64_inline bool proto_is_forbidden(enum ip_family fam, __u8 proto)
{
	if (proto == P_IGMP)
		return true;
	if (fam == FAM_6)
		return proto == P_ICMP4;
	return proto == P_HOPOPT || proto == P_ROUTING || proto == P_FRAGMENT ||
	       proto == P_ICMP6 || proto == P_DSTOPT;
}

/* Protocol rules of a whole packet or first fragment (VAL-04, section 6, L4-06).
 * ICMP errors are R_slow_icmp_error, for whoever does not translate them
 * itself. */
n64_inline enum reason rule_proto(const struct n64_conf *conf, const struct pkt *p)
{
	if (proto_is_forbidden(p->fam, p->proto))
		return R_bad_proto;
	if (!p->has_l4)
		return R_bad_l4;
	if (pkt_is_icmp(p)) {
		enum icmp_kind kind = icmp_kind(p);

		if (kind == ICMP_OTHER)
			return R_icmp_untranslatable;
		return kind == ICMP_ERROR ? R_slow_icmp_error : R_GO_ON;
	}
	if (p->proto == P_UDP && !p->l4_csum) {
		if (p->fam == FAM_4)
			return R_slow_udp_zero;
		if (conf->opt.udp6_zero_csum == UDP6_ZERO_DROP)
			return R_udp6_zero;
	}
	return R_GO_ON;
}

#endif
