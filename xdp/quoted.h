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

/* Offset in the frame of the packet that an ICMPv6 error quotes, extension headers
 * in front of the ICMPv6 header or not. 0: no ICMPv6 error. */
static __attribute__((noinline)) __u32 quoted_offset(struct xdp_md *ctx, const struct pkt *p)
{
	__u32 off = p->l3_off + IP6_LEN;
	__u8 next = p->proto, eh[2], type;

	for (int i = 0; i < QUOTED_MAX_EH && is_skippable(next); i++) {
		if (bpf_xdp_load_bytes(ctx, off, eh, sizeof(eh)))
			return 0;
		next = eh[0];
		off += (eh[1] + 1) * 8;
	}
	if (next != P_ICMP6 || bpf_xdp_load_bytes(ctx, off, &type, sizeof(type)))
		return 0;
	if (type < ICMP6_UNREACH || type > ICMP6_PARAM)
		return 0;
	return off + ICMP_LEN;
}

/* Did the quoted packet go to a host that we translate for? Apart from the walk,
 * because the verifier adds up the stacks of nested functions. */
static __attribute__((noinline)) int quoted_dst_is_ours(struct xdp_md *ctx, __u32 quoted)
{
	struct n64_env env = {.conf = conf_get()};
	struct addr6 dst;
	__u8 version;

	if (bpf_xdp_load_bytes(ctx, quoted, &version, sizeof(version)) || version >> 4 != 6)
		return 0;
	if (bpf_xdp_load_bytes(ctx, quoted + offsetof(struct ip6_hdr, dst), &dst, sizeof(dst)))
		return 0;
	return siit_quoted_target(&env, &dst);
}

/* Does the error, whose source has no translation, quote a packet of ours? */
static __always_inline bool quoted_makes_target(struct xdp_md *ctx, const struct pkt *p)
{
	__u32 off = quoted_offset(ctx, p);

	return off && quoted_dst_is_ours(ctx, off);
}

#endif
