/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames for path_test.c: a plain UDP packet, and changes of it. */
#ifndef N64_PATH_FRAMES_H
#define N64_PATH_FRAMES_H

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include "csum.h"
#include "reason.h"

enum { SLOT_V6 = 0, SLOT_V4 = 1 };

static const __u8 mac_v6[] = {2, 0, 0, 0, 6, 1}, mac_v4[] = {2, 0, 0, 0, 4, 1};
static const __u8 mac_gw4[] = {2, 0, 0, 0, 4, 2}, mac_pair[] = {0x0e, 0, 0, 0, 1, 1};

struct frame {
	__u8 pad[2]; /* frames start at 2 mod 4, so that the IP header is aligned */
	__u8 bytes[4094];
	__u32 len;
	bool v6;
} __attribute__((aligned(4)));

static inline __u32 ifindex_of(const char *dev)
{
	__u32 i = if_nametoindex(dev);

	if (!i)
		fail_msg("no device %s", dev);
	return i;
}

/* ---- frames --------------------------------------------------------------------------- */

static inline void frame_eth(struct frame *f, int slot, bool v6)
{
	struct eth_hdr *eth = (void *)f->bytes;

	memcpy(eth->dst, slot == SLOT_V6 ? mac_v6 : slot == SLOT_V4 ? mac_v4 : mac_pair, MAC_LEN);
	memset(eth->src, 0, MAC_LEN);
	eth->src[0] = 2;
	eth->src[5] = 0x77;
	eth->type = be16(v6 ? ET_IP6 : ET_IP4);
	f->v6 = v6;
}

/* Checksums of a plain UDP frame after a change. */
static inline void frame_fix(struct frame *f)
{
	__u8 *ip = f->bytes + ETH_LEN;
	__u32 hlen = f->v6 ? IP6_LEN : IP4_LEN, l4 = f->len - ETH_LEN - hlen;
	struct udp_hdr *udp = (void *)(ip + hlen);
	__u64 sum;

	if (!f->v6)
		((struct ip4_hdr *)ip)->csum = csum_ip4((void *)ip);
	if (ip[f->v6 ? 6 : 9] != P_UDP)
		return;
	sum = f->v6 ? csum_pseudo6(&((struct ip6_hdr *)ip)->src, &((struct ip6_hdr *)ip)->dst,
				   P_UDP, l4)
		    : csum_pseudo4(((struct ip4_hdr *)ip)->src, ((struct ip4_hdr *)ip)->dst,
				   P_UDP, l4);
	udp->csum = 0;
	udp->csum = csum_udp_nonzero(csum_finish(sum + csum_bytes(udp, l4)));
}

static inline void put_addr(struct frame *f, int off4, int off6, const char *a4, const char *a6)
{
	if (f->v6 && a6)
		inet_pton(AF_INET6, a6, f->bytes + ETH_LEN + off6);
	if (!f->v6 && a4)
		inet_pton(AF_INET, a4, f->bytes + ETH_LEN + off4);
	frame_fix(f);
}

static inline void frame_src(struct frame *f, const char *a4, const char *a6)
{
	put_addr(f, 12, 8, a4, a6);
}

static inline void frame_dst(struct frame *f, const char *a4, const char *a6)
{
	put_addr(f, 16, 24, a4, a6);
}

/* A plain UDP packet H6 -> S6 (from slot v6 or the pair) or S4 -> H4 (slot v4),
 * TTL 64, `n` bytes of payload. */
static inline void frame_udp_len(struct frame *f, int slot, __u32 n)
{
	bool v6 = slot != SLOT_V4 && slot != N64_SLOT_EXIT;
	__u32 hlen = v6 ? IP6_LEN : IP4_LEN, l4 = UDP_LEN + n;
	__u8 *ip = f->bytes + ETH_LEN;
	struct udp_hdr *udp = (void *)(ip + hlen);

	memset(f, 0, sizeof(*f));
	frame_eth(f, slot, v6);
	f->len = ETH_LEN + hlen + l4;
	ip[0] = v6 ? 0x60 : 0x45;
	ip[v6 ? 7 : 8] = 64;
	ip[v6 ? 6 : 9] = P_UDP;
	*(__be16 *)(ip + (v6 ? 4 : 2)) = be16(v6 ? l4 : hlen + l4);
	udp->sport = be16(40001);
	udp->dport = be16(53);
	udp->len = be16(l4);
	memset(udp + 1, 'x', n);
	frame_src(f, "198.51.100.10", "2001:db8:a::33");
	frame_dst(f, "192.0.2.33", "2001:db8:64::c633:640a");
}

static inline void frame_udp(struct frame *f, int slot)
{
	frame_udp_len(f, slot, 16);
}

static inline void frame_tag(struct frame *f, __u16 vid)
{
	memmove(f->bytes + 16, f->bytes + 12, f->len - 12);
	f->bytes[12] = 0x81;
	f->bytes[13] = 0;
	f->bytes[14] = vid >> 8;
	f->bytes[15] = vid;
	f->len += VLAN_LEN;
}

/* With which tags each frame is sent that is made without. */
static enum { TAGS_NONE, TAGS_VLAN, TAGS_QINQ, TAGS_PRIORITY, TAGS_ENDS } frame_tags;

#define VID_OUTER 100
#define VID_INNER 200

/* The frame with these tags; without, it itself. */
static inline const struct frame *frame_tagged(const struct frame *f)
{
	static struct frame copy;

	if (!frame_tags)
		return f;
	copy = *f;
	if (frame_tags == TAGS_QINQ)
		frame_tag(&copy, VID_INNER);
	frame_tag(&copy, frame_tags == TAGS_PRIORITY ? 7 << 13 : VID_OUTER);
	if (frame_tags == TAGS_QINQ) {
		copy.bytes[12] = ET_QINQ >> 8;
		copy.bytes[13] = ET_QINQ & 0xff;
	}
	return &copy;
}

/* What map `vlans` has for them on a port. */
static inline struct n64_vlan_key frame_vlan(__u32 port)
{
	if (frame_tags == TAGS_QINQ)
		return (struct n64_vlan_key){port, {VID_OUTER | VID_SERVICE, VID_INNER}};
	return (struct n64_vlan_key){port, {VID_OUTER, 0}};
}

static inline __u32 frame_l3_off(void)
{
	return ETH_LEN + (!frame_tags ? 0 : frame_tags == TAGS_QINQ ? 2 : 1) * VLAN_LEN;
}

/* The L3 device of what comes in by a port: of a VLAN another one, which stands for it. */
static inline __u32 frame_device(bool v6)
{
	if (frame_tags == TAGS_NONE || frame_tags == TAGS_PRIORITY)
		return ifindex_of(v6 ? "v6" : "v4");
	return ifindex_of(v6 ? "v6p" : "v4p");
}

/* As it comes out of nat64x. */
static inline void frame_mark(struct frame *f, __u8 flags)
{
	const __u8 dst[] = N64_PAIR_DST;
	struct n64_pair_mac src = {N64_PAIR_LOCAL, flags, be32(ifindex_of("v4"))};

	memcpy(f->bytes, dst, MAC_LEN);
	memcpy(f->bytes + MAC_LEN, &src, MAC_LEN);
}

#endif
