/* SPDX-License-Identifier: GPL-2.0-only */
/* Next hops that the fast path remembers instead of asking the FIB for each packet
 * (design section 3). An answer stands for a block of destinations: the longest of three
 * lengths within which the routing tables have nothing more specific. The worker knows the
 * tables from netlink and says where blocks end and which generation they have; the
 * programs ask the FIB and remember.
 *
 * Pure: what both sides compute alike. */
#ifndef N64_HOP_H
#define N64_HOP_H

#include "types.h"
#include "wire.h"

/* ---- what the worker tells (map `hops`: one, shared memory) ------------------------ */

#define HOP_BITS 65536		/* of a bitmap */
#define HOP_GENS 4096		/* generations of a kind */
#define HOP_CROWDS 128		/* directions of all devices: 2 * N64_SLOTS of abi.h */

enum hop_flags {
	HOP_EXACT = 1 << 0,	/* blocks are not known at the moment: one address each */
	HOP_FULL = 1 << 1,	/* rules or multipath routes look at more than the destination */
};

/* Bit 0 of a generation of destinations: some route in there is longer than the first
 * length. Generations themselves grow by 2. */
#define HOP_CUT 1u
#define HOP_RAISE 2u

/* Written by the worker; `beat` by n64_query on its behalf, `gateway` and `crowded` by programs.
 * [0] IPv4, [1] IPv6 (hop_family). */
struct n64_hops {
	__u32 flags;		/* enum hop_flags */
	__u32 all;		/* generation of everything */
	__u64 beat;		/* jiffies; old: no worker, nothing is known of changes */
	__u32 confirm;		/* half the jiffies after which the kernel sends a packet itself,
				 * so that it confirms the neighbour; 0: never */
	__u32 any;		/* grows after whatever else here has changed */
	__u32 pad[10];
	__u32 net[2][HOP_GENS];	/* generations of destinations, by hop_net */
	__u32 host[HOP_GENS];	/* of single addresses, by hop_host */
	/* Blocks of the second length in which each address is asked for by itself: a prefix in
	 * there is more specific, or they are neighbours. By hop_place of the block. */
	__u64 cut[2][HOP_BITS / 64];
	/* Addresses that a route speaks of alone, by hop_place */
	__u64 single[2][HOP_BITS / 64];
	/* Blocks of the second length in which there is such an address, by hop_place */
	__u64 inside[2][HOP_BITS / 64];
	/* Gateways that some remembered answer goes to, by hop_gateway */
	__u64 gateway[HOP_BITS / 64];
	/* Jiffies, lower half, when there were too many pairs of addresses to remember them (map
	 * `pairs`); by slot * 2 + (1 for 6to4) */
	__u32 crowded[HOP_CROWDS];
};

/* ---- what a CPU remembers (map `hopcache`) ------------------------------------------ */

#define HOP_WAYS 2
#define HOP_TAGS 2

enum hop_entry_flags {
	HOP_INSIDE = 1 << 0,	/* not for all of the block: see n64_hops.inside */
};

/* Entries of CPU n: hop_slots + HOP_WAYS, from pair n * (hop_slots / HOP_WAYS + 1) on; the last
 * ones are scratch, for answers that nobody is to remember. */
struct n64_hop {
	__u64 a, b;		/* the block: hop_dst without the bits behind its length */
	__u64 meta;		/* family, length, and what else it depends on; 0: nothing here */
	__u32 gen;
	__u32 asked;		/* jiffies, lower half, when the FIB was asked */
	__u32 confirm;		/* and when the kernel sent a packet itself */
	__u16 mtu;		/* of the route, 0: addresses of this block are asked one by one */
	__u8 n_tags;
	__u8 flags;		/* enum hop_entry_flags */
	__u8 dmac[MAC_LEN], smac[MAC_LEN];	/* as they stand in the frame */
	__u32 port;		/* in the devmap */
	struct vlan_hdr tag[HOP_TAGS];
};

_Static_assert(sizeof(struct n64_hop) == 64, "a cache line");
_Static_assert(offsetof(struct n64_hop, dmac) % 8 == 0 &&
	       offsetof(struct n64_hop, smac) == offsetof(struct n64_hop, dmac) + MAC_LEN,
	       "both are copied at once");
_Static_assert(sizeof(struct n64_hops) % 64 == 0, "hops");

/* ---- and of the two addresses of a packet (map `pairs`) -------------------------------- */

struct n64_pair {
	struct n64_hop hop;	/* where they go; the fields of its key, gen, asked and confirm are
				 * used as xdp/pair.h says */
	__u64 delta;		/* what a checksum gains by addresses */
	__be32 src4, dst4;	/* of 6to4 */
	union {
		struct addr6 src6;	/* of 4to6 */
		__u64 id;		/* of 6to4: ipid_pair */
	};
	struct addr6 dst6;
	__u64 ctl;		/* mode dynamic: control word of the host's entry or record when it
				 * was judged */
	__u32 place;		/* where that is */
	__u32 pad;
};

/* Of how many packets of a device and a direction nothing was remembered (map `crowds`). */
struct n64_crowd {
	__u64 packets;		/* that had been sent when the first of them was missed */
	__u32 missed;
	__u32 paused;		/* what `crowded` was by then */
};

_Static_assert(sizeof(struct n64_pair) == 128, "two cache lines");

/* ---- destinations and blocks ---------------------------------------------------------- */

/* An address as two numbers; the first byte is the lowest of `a`, IPv4 has no `b`. */
struct hop_dst {
	__u64 a, b;
};

n64_inline struct hop_dst hop_dst4(__be32 addr)
{
	return (struct hop_dst){ addr, 0 };
}

n64_inline struct hop_dst hop_dst6(const struct addr6 *x)
{
	return (struct hop_dst){ addr6_half(x, 0), addr6_half(x, 1) };
}

n64_inline __u32 hop_family(enum ip_family fam)
{
	return fam == FAM_6;
}

/* The three lengths: first (0), second (1), and the whole address (2). */
n64_inline __u32 hop_len(enum ip_family fam, __u32 level)
{
	if (fam == FAM_4)
		return level == 0 ? 16 : level == 1 ? 24 : 32;
	return level == 0 ? 48 : level == 1 ? 64 : 128;
}

n64_inline struct hop_dst hop_block(enum ip_family fam, __u32 level, struct hop_dst d)
{
	if (level == 2)
		return d;
	if (fam == FAM_4)
		return (struct hop_dst){ d.a & (level ? 0xffffff : 0xffff), 0 };
	return (struct hop_dst){ level ? d.a : d.a & 0xffffffffffffull, 0 };
}

#define HOP_MUL_A 0x9e3779b97f4a7c15ull
#define HOP_MUL_B 0xd6e8feb86659fd93ull

/* Every bit of the result depends on every bit of x: hosts may differ in their last bytes
 * alone, which one multiplication does not carry down. */
n64_inline __u32 hop_mix(__u64 x)
{
	x *= HOP_MUL_A;
	x ^= x >> 32;
	return (__u32)(x * HOP_MUL_B >> 32);
}

/* Place of a block or an address in a bitmap. The 32 bits of an IPv4 address are all carried up by
 * one multiplication. */
n64_inline __u32 hop_place(enum ip_family fam, struct hop_dst d)
{
	if (fam == FAM_4)
		return (__u32)(d.a * HOP_MUL_A >> 48);
	return hop_mix(d.a ^ d.b * HOP_MUL_B) >> 16;
}

/* Place of its generation: all within the first length have the same. */
n64_inline __u32 hop_net(enum ip_family fam, struct hop_dst d)
{
	if (fam == FAM_4)
		return d.a & (HOP_GENS - 1);
	return (__u32)((d.a & 0xffffffffffffull) * HOP_MUL_A >> 52);
}

n64_inline bool hop_bit(const __u64 *map, __u32 place)
{
	return map[n64_bound(place / 64, HOP_BITS / 64 - 1)] >> place % 64 & 1;
}

n64_inline __u32 hop_gateway(__u32 ifindex, enum ip_family fam, struct hop_dst d)
{
	return hop_place(fam, d) ^ (ifindex * 0x9e3779b1u) >> 16;
}

/* The generation of what is remembered of a block. */
n64_inline __u32 hop_gen(const struct n64_hops *h, __u32 net)
{
	return *(const volatile __u32 *)&h->all * HOP_RAISE + net;
}

/* Place of what a single address adds to it. */
n64_inline __u32 hop_host(struct hop_dst d)
{
	return (__u32)((d.a ^ d.b) * HOP_MUL_A >> 52);
}

n64_inline __u32 hop_gen_host(const struct n64_hops *h, struct hop_dst d)
{
	return *(const volatile __u32 *)&h->host[n64_bound(hop_host(d), HOP_GENS - 1)];
}

/* Level of the block that `d` is remembered with; `net` is its word of h->net. */
n64_inline __u32 hop_level(const struct n64_hops *h, enum ip_family fam, struct hop_dst d,
			   __u32 net)
{
	__u32 f = hop_family(fam);

	if (likely(!(net & HOP_CUT)))
		return 0;
	if (hop_bit(h->cut[f], hop_place(fam, hop_block(fam, 1, d))) ||
	    hop_bit(h->single[f], hop_place(fam, d)))
		return 2;
	return 1;
}

/* ---- keys ------------------------------------------------------------------------------- */

/* `flow`: what else the answer depends on, 48 bits of it. Never 0. */
n64_inline __u64 hop_meta(enum ip_family fam, __u32 level, __u64 flow)
{
	return flow << 16 | (__u32)fam << 8 | (level + 1);
}

/* The device that the packet came in by decides the VRF. */
n64_inline __u64 hop_flow(__u32 ifindex)
{
	return ifindex;
}

/* ADR-28: that a source has a route is remembered like a next hop, beside them: for the block of
 * the source and the device that the packet came in by. */
#define HOP_FLOW_URPF (1ull << 40)

/* HOP_FULL: everything that the FIB is told. Keyed: nobody can make two flows meet. */
n64_inline __u64 hop_flow_full(const __u64 key[2], __u32 ifindex, struct hop_dst src, __u8 tos,
			       __u8 proto, __be16 sport, __be16 dport)
{
	__u64 h = key[0] ^ ifindex;

	h = (h ^ src.a) * HOP_MUL_A;
	h = (h ^ h >> 32 ^ src.b) * HOP_MUL_A;
	h ^= h >> 32 ^ (__u64)tos << 40 ^ (__u64)proto << 32 ^ ((__u32)sport << 16 | dport);
	h = h * HOP_MUL_B ^ key[1];
	return (h ^ h >> 32) * HOP_MUL_A >> 16;
}

/* First entry of the line of a block: keyed, so that nobody chooses who displaces whom. */
n64_inline __u32 hop_line(__u64 key, enum ip_family fam, struct hop_dst d, __u64 meta, __u32 slots)
{
	__u64 x = d.a ^ d.b * HOP_MUL_B ^ meta ^ key;

	if (fam != FAM_4) /* hosts may differ in the last bytes alone, the highest here */
		x ^= x >> 32;
	return (__u32)(x * HOP_MUL_A >> 50) & (slots - HOP_WAYS);
}

/* ---- sizes ------------------------------------------------------------------------------ */

#define HOP_CONFIRM 30	/* seconds */
#define HOP_SLOTS_MAX 16384	/* see hop_line */
#define HOP_SLOTS_MIN 1024
#define HOP_SLOTS_ALL (1u << 18)	/* of all CPUs: 16 MiB */

/* Entries for each of `ncpu` CPUs. */
n64_inline __u32 hop_slots_for(__u32 ncpu)
{
	__u32 n = HOP_SLOTS_MAX;

	while (n > HOP_SLOTS_MIN && n * ncpu > HOP_SLOTS_ALL)
		n /= 2;
	return n;
}

/* Pairs of addresses that each CPU remembers beside them (map `pairs`). */
n64_inline __u32 hop_near(__u32 slots)
{
	return slots / 4;
}

/* Of the whole map, each of HOP_WAYS entries. */
n64_inline __u32 hop_pairs(__u32 ncpu, __u32 slots)
{
	return ncpu * (slots / HOP_WAYS + 1);
}

#endif
