/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts about one packet, gathered once; behind the parser nobody reads raw
 * header bytes. Offsets and not pointers, so that they survive
 * bpf_xdp_adjust_head. Host order except where the type says __be. */
#ifndef N64_PKT_H
#define N64_PKT_H

#include "types.h"
#include "wire.h"

struct pkt {
	/* link layer */
	__u32 ifindex;		/* L3 device it came in by */
	__u16 l3_off;		/* of the IP header in the frame */
	__u8 fam;		/* enum ip_family, by the EtherType */
	__u8 n_tags;
	__u16 vid[2];		/* outermost first; VID_SERVICE */
	bool l2_mcast;		/* to a link-layer group (VAL-06) */
	bool from_pair;		/* came in through nat64x (GEN-09) */

	/* network layer */
	__u8 tos;		/* TOS octet or traffic class */
	__u8 ttl;
	__u8 proto;		/* transport; in XDP the first next header as it is */
	__u8 ihl;		/* IPv4 header length in bytes, as written */
	bool hdr_csum_ok;	/* IPv4, first 20 bytes; with options see opt4.h */
	__u32 avail;		/* bytes from the IP header to the end of the frame */
	__u32 l3_len;		/* Total Length, or 40 + Payload Length */
	__u16 l4_off;		/* of the transport header from the IP header */
	__u16 l4_len;		/* bytes from there to the end of the packet */
	struct addr6 src6, dst6;
	__be32 src4, dst4;

	/* fragment */
	__u32 frag_id;		/* 16 or 32 bits */
	__u16 frag_off;		/* in 8-byte units */
	bool more;		/* MF or M */
	bool df;
	bool has_fh;		/* IPv6 Fragment header, atomic too */

	/* transport, at offset 0 and where present */
	bool has_l4;		/* the minimum header was there (VAL-04) */
	__u8 icmp_type, icmp_code;
	__u8 tcp_flags;
	__be16 sport, dport;	/* ICMP query: both the identifier */
	__be16 l4_csum;
	__u16 udp_len;

	__u32 left;		/* enum reason with which it leaves, see xdp/path.h */
};

n64_inline bool pkt_is_fragment(const struct pkt *p)
{
	return p->more || p->frag_off;
}

#endif
