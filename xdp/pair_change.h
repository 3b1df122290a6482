/* SPDX-License-Identifier: GPL-2.0-only */
/* For pair_test.c: what changes between two packets, in the maps or in the second. */
#ifndef N64_PAIR_CHANGE_H
#define N64_PAIR_CHANGE_H

#include "path_golden.h"

/* ---- what changes between two packets --------------------------------------------------- */

static void with_hops(void (*change)(struct n64_hops *h))
{
	struct n64_hops *h = malloc(sizeof(*h));
	__u32 zero = 0;

	if (!h || bpf_map_lookup_elem(warm.hops, &zero, h))
		fail_msg("no map hops");
	change(h);
	map_put("hops", &zero, h);
	free(h);
}

static void any(struct n64_hops *h) { h->any++; }

static void crowd(struct n64_hops *h, int slot, bool six)
{
	h->crowded[slot * 2 + six] = (__u32)h->beat;
}

static void crowd6(struct n64_hops *h) { crowd(h, SLOT_V6, true); }
static void crowd4(struct n64_hops *h) { crowd(h, SLOT_V4, false); }
static void crowd_others6(struct n64_hops *h) { crowd(h, SLOT_V6, false); crowd(h, SLOT_V4, true); }
static void crowd_others4(struct n64_hops *h) { crowd(h, SLOT_V4, true); crowd(h, SLOT_V6, false); }
static void exact(struct n64_hops *h) { h->flags = HOP_EXACT; }
static void full(struct n64_hops *h) { h->flags = HOP_FULL; }

static void crowd_was(struct n64_hops *h)
{
	for (int i = 0; i < HOP_CROWDS; i++)
		h->crowded[i] = (__u32)h->beat - world.conf.hz;
}

static void no_worker(struct n64_hops *h) { h->beat -= 10 * world.conf.hz; }
static void everything(struct n64_hops *h) { h->all++; h->any++; }
static void no_flags(struct n64_hops *h) { h->flags = 0; }

static bool old(struct n64_pair *e) { e->hop.asked -= world.conf.hz + 1; return true; }
static bool of_another(struct n64_pair *e) { e->hop.a ^= 1; return true; }

static bool of_another_dst(struct n64_pair *e) { e->dst6.w[3] ^= 1; return true; }
static bool of_another_net(struct n64_pair *e) { e->dst6.w[1] ^= 1; return true; }

static void route_changes(void) { with_hops(any); }
static void too_many6(void) { with_hops(crowd6); }
static void too_many4(void) { with_hops(crowd4); }
static void too_many_others6(void) { with_hops(crowd_others6); }
static void too_many_others4(void) { with_hops(crowd_others4); }
static void too_many_before(void) { with_hops(crowd_was); }
static void second_passes(void) { warm_pairs(&world.conf, old); }
static void dst_differs(void) { warm_pairs(&world.conf, of_another_dst); }
static void net_differs(void) { warm_pairs(&world.conf, of_another_net); }
static void blocks_unknown(void) { with_hops(exact); }
static void rules_appear(void) { with_hops(full); }

static void nothing(struct frame *f) { (void)f; }

static void other_port(struct frame *f)
{
	f->bytes[ETH_LEN + (f->v6 ? 43 : 23)] ^= 1;
	frame_fix(f);
}

static void other_src(struct frame *f) { frame_src(f, "198.51.100.11", "2001:db8:b::34"); }
static void other_dst(struct frame *f) { frame_dst(f, "192.0.2.34", "2001:db8:64::c633:640b"); }
static void other_dst_high(struct frame *f) { frame_dst(f, NULL, "2001:db8:65::c633:640a"); }
static void ttl_1(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 7 : 8)] = 1; frame_fix(f); }
static void udp_zero(struct frame *f) { memset(f->bytes + ETH_LEN + (f->v6 ? 46 : 26), 0, 2); }
static void pad(struct frame *f) { memset(f->bytes + f->len, 0xee, 7); f->len += 7; }
static void esp(struct frame *f) { f->bytes[ETH_LEN + (f->v6 ? 6 : 9)] = 50; frame_fix(f); }

static void to_eam(struct frame *f)
{
	frame_src(f, "192.0.2.34", "2001:db8:b::34");
	frame_dst(f, "192.0.2.33", "2001:db8:a::33");
}

static void hairpinned(struct frame *f) { frame_dst(f, NULL, "2001:db8:64::c000:222"); }

/* It comes in by the other device. */
static void elsewhere(struct frame *f) { memcpy(f->bytes, f->v6 ? mac_v4 : mac_v6, MAC_LEN); }

static void too_long(struct frame *f)
{
	frame_udp_len(f, f->v6 ? SLOT_V6 : SLOT_V4, f->v6 ? 1480 : 1470);
	if (!f->v6)
		f->bytes[ETH_LEN + 6] = 0x40; /* DF */
	frame_fix(f);
}

/* DF is 0, and as IPv6 it would be more than 1,280 bytes. */
static void in_pieces(struct frame *f) { frame_udp_len(f, SLOT_V4, 1240); }

/* An echo request, of the addresses that are there. */
static void ping(struct frame *f)
{
	__u8 *l4 = f->bytes + ETH_LEN + (f->v6 ? IP6_LEN : IP4_LEN);
	__u32 len = f->len - (__u32)(l4 - f->bytes);
	const struct ip6_hdr *ip = (void *)(f->bytes + ETH_LEN);
	struct icmp_hdr *icmp = (void *)l4;
	__u64 sum = 0;

	f->bytes[ETH_LEN + (f->v6 ? 6 : 9)] = f->v6 ? P_ICMP6 : P_ICMP4;
	frame_fix(f);
	icmp->type = f->v6 ? 128 : 8;
	icmp->code = 0;
	icmp->csum = 0;
	if (f->v6)
		sum = csum_pseudo6(&ip->src, &ip->dst, P_ICMP6, len);
	icmp->csum = csum_finish(sum + csum_bytes(l4, len));
}

#endif
