/* SPDX-License-Identifier: GPL-2.0-only */
/* MIX-01, MIX-03 on the other path: which stateless entry a packet belongs to, from its
 * bytes. Whoever hands packets to slow_translate or to reassembly.h asks first. */
#ifndef N64_SLOW_STATELESS_H
#define N64_SLOW_STATELESS_H

#include "slow.h"

/* An ICMPv6 error of a router without a translation belongs to the entry whose host the
 * packet that it quotes went to. */
static inline __u32 slow_quoted_entry(const struct n64_env *env, const struct slow_in *in)
{
	const struct ext_bytes bytes = { in->ip, in->len };
	struct pkt p = { .fam = FAM_6 };
	struct addr6 quoted;
	__u32 pointer, at, entry;

	if (!parse_ip6((const struct ip6_hdr *)in->ip, in->ip + in->len, &p) ||
	    ext6_walk(ext_load_bytes, &bytes, &p, &pointer) || p.proto != P_ICMP6 ||
	    pkt_is_fragment(&p))
		return 0;
	at = p.l4_off + ICMP_LEN;
	if (at + IP6_LEN > in->len)
		return 0;
	p.icmp_type = in->ip[p.l4_off];
	if (icmp_kind(&p) != ICMP_ERROR || in->ip[at] >> 4 != 6)
		return 0;
	__builtin_memcpy(&quoted, in->ip + at + offsetof(struct ip6_hdr, dst), sizeof(quoted));
	entry = stateless_host(env, &quoted);
	return entry && stateless_peer(env, entry, &p.dst6) ? entry : 0;
}

/* 0: the packet follows the mode. */
static inline __u32 slow_stateless(const struct n64_env *env, const struct slow_in *in)
{
	struct addr6 src, dst;
	__be32 dst4;
	__u32 entry;

	if (!env->conf->n_stateless)
		return 0;
	if (in->fam == FAM_4) {
		if (in->len < IP4_LEN)
			return 0;
		__builtin_memcpy(&dst4, in->ip + offsetof(struct ip4_hdr, dst), sizeof(dst4));
		return stateless_entry4(env, dst4);
	}
	if (in->len < IP6_LEN)
		return 0;
	__builtin_memcpy(&src, in->ip + offsetof(struct ip6_hdr, src), sizeof(src));
	__builtin_memcpy(&dst, in->ip + offsetof(struct ip6_hdr, dst), sizeof(dst));
	entry = stateless_entry6(env, &src, &dst);
	return entry ? entry : slow_quoted_entry(env, in);
}

#endif
