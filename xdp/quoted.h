/* SPDX-License-Identifier: GPL-2.0-only */
/* EAM-08: native IPv6 to an EAM host is not ours, but an ICMPv6 error about one
 * of our packets is. Only then the fast path looks into a quoted packet. */
#ifndef N64_XDP_QUOTED_H
#define N64_XDP_QUOTED_H

#include "ext6.h"
#include "rules.h"
#include "siit.h"
#include "world.h"

/* The bytes of a frame for ext6_walk. */
struct frame_bytes {
	struct xdp_md *ctx;
	__u32 l3_off;
};

static __always_inline int load_frame(const void *frame, __u32 off, void *to, __u32 len)
{
	const struct frame_bytes *f = frame;

	return (int)bpf_xdp_load_bytes(f->ctx, f->l3_off + off, to, len);
}

/* Offset in the frame of the packet that an ICMPv6 error quotes, extension headers
 * in front of the ICMPv6 header or not; walks *p on to it. 0: no ICMPv6 error. */
static __attribute__((noinline)) __u32 quoted_offset(struct xdp_md *ctx, struct pkt *p)
{
	struct frame_bytes f = {ctx, p->l3_off};
	__u32 pointer;

	if (ext6_walk(load_frame, &f, p, &pointer) || p->proto != P_ICMP6 || pkt_is_fragment(p) ||
	    load_frame(&f, p->l4_off, &p->icmp_type, sizeof(p->icmp_type)) ||
	    icmp_kind(p) != ICMP_ERROR)
		return 0;
	return p->l3_off + p->l4_off + ICMP_LEN;
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
static __always_inline bool quoted_makes_target(struct xdp_md *ctx, struct pkt *p)
{
	__u32 off = quoted_offset(ctx, p);

	return off && quoted_dst_is_ours(ctx, off);
}

#endif
