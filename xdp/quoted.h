/* SPDX-License-Identifier: GPL-2.0-only */
/* EAM-08: native IPv6 to an EAM host is not ours, but an ICMPv6 error about one
 * of our packets is. Only then the fast path looks into a quoted packet. */
#ifndef N64_XDP_QUOTED_H
#define N64_XDP_QUOTED_H

#include "rules.h"
#include "siit.h"
#include "world.h"

#define QUOTED_MAX_EH 8

static __always_inline bool is_skippable(__u8 nexthdr)
{
	return nexthdr == P_HOPOPT || nexthdr == P_ROUTING || nexthdr == P_DSTOPT;
}

/* Offset of the ICMPv6 header in the frame behind extension headers, 0: another
 * transport, a fragment, or too many headers. */
static __always_inline __u32 find_icmp6(struct xdp_md *ctx, const struct pkt *p)
{
	__u32 off = p->l3_off + IP6_LEN;
	__u8 next = p->proto, eh[2];

	for (int i = 0; i < QUOTED_MAX_EH && is_skippable(next); i++) {
		if (bpf_xdp_load_bytes(ctx, off, eh, sizeof(eh)))
			return 0;
		next = eh[0];
		off += (eh[1] + 1) * 8;
	}
	return next == P_ICMP6 ? off : 0;
}

/* Does the error, whose source has no translation, quote a packet to a host that
 * we translate for? */
static __attribute__((noinline)) int quoted_makes_target(struct xdp_md *ctx,
							 const struct pkt *p)
{
	struct n64_env env = {.conf = conf_get()};
	struct ip6_hdr quoted;
	struct icmp_hdr icmp;
	__u32 off = find_icmp6(ctx, p);

	if (!off || bpf_xdp_load_bytes(ctx, off, &icmp, sizeof(icmp)) ||
	    icmp.type < ICMP6_UNREACH || icmp.type > ICMP6_PARAM)
		return 0;
	if (bpf_xdp_load_bytes(ctx, off + ICMP_LEN, &quoted, sizeof(quoted)) ||
	    host32(quoted.ver_tc_flow) >> 28 != 6)
		return 0;
	return siit_quoted_target(&env, &quoted.dst);
}

#endif
