/* SPDX-License-Identifier: GPL-2.0-only */
/* Headers as they stand on the wire (IEEE 802.3, RFC 791, 8200, 9293, 768,
 * 792, 4443). Own structures, because <linux/ip.h> and <netinet/ip.h> cannot
 * be mixed and their bit fields hide the order of bits. All fields wire order. */
#ifndef N64_WIRE_H
#define N64_WIRE_H

#include "types.h"

/* Distinct enums for EtherType and L4 protocol: compared crosswise they are a
 * compiler error and not a surprise. */
enum ethertype {
	ET_IP4 = 0x0800,
	ET_ARP = 0x0806,
	ET_IP6 = 0x86dd,
	ET_VLAN = 0x8100,
	ET_QINQ = 0x88a8,
};

enum l4_proto {
	P_HOPOPT = 0,
	P_ICMP4 = 1,
	P_IGMP = 2,
	P_TCP = 6,
	P_UDP = 17,
	P_ROUTING = 43,
	P_FRAGMENT = 44,
	P_ESP = 50,
	P_AH = 51,
	P_ICMP6 = 58,
	P_NONXT = 59,
	P_DSTOPT = 60,
	P_MOBILITY = 135,
	P_HIP = 139,
	P_SHIM6 = 140,
};

#define ETH_LEN 14
#define MAC_LEN 6
#define VLAN_LEN 4
#define IP4_LEN 20
#define IP6_LEN 40
#define FRAGHDR_LEN 8
#define UDP_LEN 8
#define TCP_LEN 20
#define ICMP_LEN 8

struct eth_hdr {
	__u8 dst[MAC_LEN];
	__u8 src[MAC_LEN];
	__be16 type;
} __attribute__((packed, aligned(2)));

struct vlan_hdr {
	__be16 tci;
	__be16 type;
} __attribute__((packed, aligned(2)));

struct ip4_hdr {
	__u8 ver_ihl;
	__u8 tos;
	__be16 len;
	__be16 id;
	__be16 frag;	/* flags and offset */
	__u8 ttl;
	__u8 proto;
	__be16 csum;
	__be32 src;
	__be32 dst;
} __attribute__((packed, aligned(4)));

/* The same by words. Of this type and not copied: clang takes a copy of what it does not
 * know to be aligned byte by byte. */
struct ip4_words {
	__u32 w[5];
} __attribute__((aligned(4), may_alias));

#define IP4_DF 0x4000
#define IP4_MF 0x2000
#define IP4_OFFSET 0x1fff

struct ip6_hdr {
	__be32 ver_tc_flow;
	__be16 plen;
	__u8 nexthdr;
	__u8 hlim;
	struct addr6 src;
	struct addr6 dst;
} __attribute__((packed, aligned(4)));

struct frag_hdr {
	__u8 nexthdr;
	__u8 reserved;
	__be16 off_m;	/* offset in 8-byte units << 3, M in bit 0 */
	__be32 id;
} __attribute__((packed, aligned(4)));

struct tcp_hdr {
	__be16 sport;
	__be16 dport;
	__be32 seq;
	__be32 ack;
	__u8 doff;	/* upper four bits, in 32-bit words */
	__u8 flags;
	__be16 window;
	__be16 csum;
	__be16 urg;
} __attribute__((packed, aligned(4)));

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct udp_hdr {
	__be16 sport;
	__be16 dport;
	__be16 len;
	__be16 csum;
} __attribute__((packed, aligned(4)));

/* ICMPv4 and ICMPv6 share their first four bytes; what the second word means
 * depends on the type. */
struct icmp_hdr {
	__u8 type;
	__u8 code;
	__be16 csum;
	union {
		__be32 word;
		struct {
			__be16 id;
			__be16 seq;
		} echo;
		__u8 b[4];
		__be16 h[2];
	};
} __attribute__((packed, aligned(4)));

_Static_assert(sizeof(struct eth_hdr) == ETH_LEN, "Ethernet header");
_Static_assert(sizeof(struct ip4_hdr) == IP4_LEN, "IPv4 header");
_Static_assert(sizeof(struct ip6_hdr) == IP6_LEN, "IPv6 header");
_Static_assert(sizeof(struct frag_hdr) == FRAGHDR_LEN, "Fragment header");
_Static_assert(sizeof(struct tcp_hdr) == TCP_LEN, "TCP header");
_Static_assert(sizeof(struct udp_hdr) == UDP_LEN, "UDP header");
_Static_assert(sizeof(struct icmp_hdr) == ICMP_LEN, "ICMP header");

#endif
