/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a frame for us, and by which L3 device did it come in (VAL-07, L2-01)? */
#ifndef N64_XDP_OURS_H
#define N64_XDP_OURS_H

#include "world.h"

/* As a word and a half, wherever they stand; addr6_half says why that may be. */
static __always_inline bool mac_equal(const __u8 *a, const __u8 *b)
{
	const __u32 *a4 = __builtin_assume_aligned(a, 4), *b4 = __builtin_assume_aligned(b, 4);
	const __u16 *a2 = __builtin_assume_aligned(a + 4, 2);
	const __u16 *b2 = __builtin_assume_aligned(b + 4, 2);

	return *a4 == *b4 && *a2 == *b2;
}

/* VAL-07: another host's frame (promiscuous mode, a flooding switch, the master
 * of our VRRP pair) is not touched. `eth` is readable. */
static __always_inline enum reason mac_is_ours(const struct n64_port *port,
					       const struct eth_hdr *eth)
{
	if (likely(mac_equal(eth->dst, port->mac)) || eth->dst[0] & 1)
		return R_GO_ON;
	if (port->flags & PORT_ANY_MAC)
		return R_GO_ON;
	n64_no_unroll
	for (__u32 i = 0; i < N64_UNICAST_MACS; i++)
		if (i < port->n_unicast && mac_equal(eth->dst, port->unicast[i]))
			return R_GO_ON;
	return R_other_mac;
}

/* The L3 device of a tagged frame. VID 0 only carries a priority. */
static __always_inline enum reason vlan_device(const struct n64_conf *c, struct pkt *p)
{
	struct n64_vlan_key key = {.port = p->ifindex};
	__u32 *l3;

	key.vid[0] = p->vid[0] & 0xfff ? p->vid[0] : p->vid[1];
	key.vid[1] = p->vid[0] & 0xfff ? p->vid[1] : 0;
	if (!key.vid[0])
		return R_GO_ON;
	if (!(c->have & HAVE_VLAN))
		return R_vlan_unknown;
	l3 = bpf_map_lookup_elem(&vlans, &key);
	if (!l3)
		return R_vlan_unknown;
	p->ifindex = *l3;
	return R_GO_ON;
}

/* A frame of several buffers is longer than what lies between data and data_end. */
static __always_inline void see_all(struct xdp_md *ctx, struct pkt *p)
{
	if (unlikely(p->avail != p->l3_len))
		p->avail = bpf_xdp_get_buff_len(ctx) - p->l3_off;
}

#endif
