/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames on nat64x. */
#include "worker/frame.h"

#include <string.h>

static bool slow_header_ok(const struct n64_slow *h, __u32 follows)
{
	if (h->magic != N64_SLOW_MAGIC || h->abi != N64_ABI)
		return false;
	if (reason_kind(h->reason) != KIND_SLOW) /* numbers beyond the list are KIND_DROP */
		return false;
	if (h->fam != FAM_4 && h->fam != FAM_6)
		return false;
	/* Ethernet and its tags keep the IP header four-byte aligned */
	if (h->l3_off < ETH_LEN || h->l3_off > ETH_LEN + N64_MAX_TAGS * VLAN_LEN ||
	    (h->l3_off - ETH_LEN) % VLAN_LEN)
		return false;
	if (follows <= h->l3_off || h->frame_len - h->l3_off > SLOW_SCRATCH)
		return false;
	if (h->flags & SLOW_CUT)
		return follows <= h->frame_len;
	return follows == h->frame_len;
}

enum reason frame_open(const __u8 *frame, __u32 len, struct n64_slow *h,
		       struct slow_in *in)
{
	const __u8 *eth = frame + sizeof(*h);

	if (len < sizeof(*h))
		return R_sp_bad;
	memcpy(h, frame, sizeof(*h));
	if (!slow_header_ok(h, len - sizeof(*h)))
		return R_sp_bad;
	*in = (struct slow_in){
		.ip = eth + h->l3_off,
		.len = len - (__u32)sizeof(*h) - h->l3_off,
		.true_len = h->frame_len - h->l3_off,
		.fam = h->fam,
		.from_pair = h->flags & SLOW_FROM_PAIR,
		.to_kernel = h->flags & SLOW_STACK,
		.ifindex = h->ifindex,
		.l2_mcast = eth[0] & 1,
	};
	return R_GO_ON;
}

__u32 frame_ip_bytes(const struct slow_in *in)
{
	__be16 be;

	if (in->fam == FAM_4 && in->len >= IP4_LEN) {
		memcpy(&be, in->ip + offsetof(struct ip4_hdr, len), sizeof(be));
		return host16(be);
	}
	if (in->fam == FAM_6 && in->len >= IP6_LEN) {
		memcpy(&be, in->ip + offsetof(struct ip6_hdr, plen), sizeof(be));
		return IP6_LEN + host16(be);
	}
	return in->true_len;
}

__u8 frame_pair_flags(__u16 slow_flags, __u32 emit_flags)
{
	__u8 flags = 0;

	if (slow_flags & SLOW_FROM_PAIR)
		flags |= PAIR_FROM_KERNEL;
	if (emit_flags & EMIT_ORIGINATED)
		flags |= PAIR_ORIGINATED;
	if (emit_flags & EMIT_RETURNED)
		flags |= PAIR_RETURNED;
	if (slow_flags & SLOW_STACK && !emit_flags)
		flags |= PAIR_KERNEL;
	return flags;
}

void frame_eth(struct eth_hdr *eth, enum ip_family fam, __u32 ifindex, __u8 flags)
{
	static const __u8 dst[MAC_LEN] = N64_PAIR_DST;
	const struct n64_pair_mac src = {
		.local = N64_PAIR_LOCAL,
		.flags = flags,
		.ifindex = be32(ifindex),
	};

	memcpy(eth->dst, dst, sizeof(dst));
	memcpy(eth->src, &src, sizeof(src));
	eth->type = fam == FAM_4 ? be16(ET_IP4) : be16(ET_IP6);
}
