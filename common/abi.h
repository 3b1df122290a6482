/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract between the BPF programs and user space: what stands in the
 * maps, in rodata, in front of a slow packet and in the MAC of a frame on the
 * pair. A change of any size or offset here needs a new N64_ABI, but where a comment says
 * that a map is of a generation: each has its own. */
#ifndef N64_ABI_H
#define N64_ABI_H

#include "reason.h"
#include "state_abi.h"
#include "types.h"
#include "wire.h"

#define N64_ABI 12

/* ---- options ---------------------------------------------------------- */

#define OPT_IS_OFF 0xffffffffu

enum n64_mode { MODE_SIIT, MODE_STATEFUL, MODE_DYNAMIC };
enum n64_hairpin { HAIRPIN_OFF, HAIRPIN_INTRINSIC, HAIRPIN_SIMPLE };
enum n64_tristate { TRI_AUTO, TRI_ON, TRI_OFF };
enum n64_urpf_mode { URPF_OFF, URPF_LOOSE, URPF_STRICT };
enum n64_icmp_errors { ICMP_ERRORS_ON, ICMP_ERRORS_LIMITED, ICMP_ERRORS_OFF };
enum n64_id_when_df { ID_GENERATE, ID_ZERO };
enum n64_keep_or_drop { INNER_CSUM_IGNORE, INNER_CSUM_DROP };
enum n64_udp_zero { UDP_ZERO_COMPUTE, UDP_ZERO_DROP };
enum n64_udp6_zero { UDP6_ZERO_DROP, UDP6_ZERO_PASS };
enum n64_multicast { MULTICAST_DROP, MULTICAST_EMBED };
enum n64_filtering { FILTERING_EIF, FILTERING_ADF };
enum n64_frag { FRAG_TRACK, FRAG_REASSEMBLE };
enum n64_frag_id4 { FRAG_ID4_COPY, FRAG_ID4_GENERATE };
enum n64_dyn_others { DYN_OTHERS_REJECT, DYN_OTHERS_DROP, DYN_OTHERS_PASS };

/* The scalar options of option.def, host order except the addresses. */
struct n64_opts {
#define OPT_U32(field, ...) __u32 field;
#define OPT_OFF(field, ...) __u32 field;
#define OPT_BOOL(field, ...) __u32 field;
#define OPT_ENUM(field, ...) __u32 field;
#define OPT_ADDR4(field, ...) __be32 field;
#define OPT_ADDR6(field, ...) struct addr6 field;
#define OPT_LIST(field, ...)
#define OPT_LATER(...)
#include "option.def"
#undef OPT_U32
#undef OPT_OFF
#undef OPT_BOOL
#undef OPT_ENUM
#undef OPT_ADDR4
#undef OPT_ADDR6
#undef OPT_LIST
#undef OPT_LATER
};

/* ---- configuration (rodata of every program; same bytes in the worker) -- */

#define N64_MAX_PREF64 16
#define N64_MAX_STATELESS 16
#define N64_ALL_PREF64 (N64_MAX_PREF64 + N64_MAX_STATELESS)
#define N64_MAX_PLATEAUS 16

struct n64_pref64 {
	struct addr6 prefix;
	__u32 len; /* 32, 40, 48, 56, 64 or 96 (RFC 6052 2.2); 0: there is none */
};

/* Features that exist in this configuration; what is off is removed by the
 * verifier. */
enum n64_have {
	HAVE_EAM = 1 << 0,
	HAVE_XLAT4 = 1 << 1,
	HAVE_DENY4 = 1 << 2,
	HAVE_ALLOW6 = 1 << 3,
	HAVE_NOXLAT4 = 1 << 4,
	HAVE_NOXLAT6 = 1 << 5,
	HAVE_VLAN = 1 << 6,	/* a VLAN device stands on a port */
	HAVE_BCAST4 = 1 << 7,	/* pol4 holds directed broadcast addresses */
	HAVE_SKIP_NEIGH = 1 << 8, /* kernel knows BPF_FIB_LOOKUP_SKIP_NEIGH */
	HAVE_XSK_SG = 1 << 9,	/* worker can receive frames of several buffers */
	HAVE_REDIRECT_SG = 1 << 10, /* kernel can redirect them (6.3) */
	HAVE_HOSTS4 = 1 << 11,	/* mode dynamic: pol4 holds the pool */
	HAVE_MPREF64 = 1 << 12,
};

#define N64_MAX_UDP_PORTS 8

/* Mode stateful: sizes of the tables of state_abi.h, which do not change for the life
 * of the instance, and what else is not an option as it was written. */
struct n64_state_conf {
	__u32 hz_mul;		/* 2^32 / HZ: from jiffies to seconds */
	__u32 policy_gen;	/* of these programs (GEN-11) */
	__u32 bib6_lines;	/* each a power of two */
	__u32 session_lines;
	__u32 sub_lines;
	__u32 hold_chunks;
	__u32 pool_lines;	/* of map pool, a power of two */
	__u32 pool_seed;
	/* The addresses of the pool where they are one behind the other, as one prefix has them,
	 * and have their slots in this order: the first, in host order, and its slot. `n` 0: they
	 * are not (pool.h) */
	struct {
		__u32 first, slot, n;
	} pool_run;
	__u32 n_dynamic;	/* entries of map dynamic */
	__u32 max_mappings[N_ST_PROTOS]; /* CGN-02, "0: as many as there is room" resolved */
	__u32 max_sessions;
	__u32 n_udp_port;	/* shorter UDP timers by destination port */
	struct {
		__u16 port;
		__u16 seconds;
	} udp_port[N64_MAX_UDP_PORTS];
	__u64 key[2];		/* random per start: port choice (RFC 6056), tables */
	__u64 sub_mask[2];	/* subscriber-prefix-len, as addr6_half has an address */
	/* Where the search for a port begins that is to be 1024 or more (PORT-05), or any
	 * identifier: among `n` from `first` on, where all addresses of the pool have the same,
	 * as they mostly do. By st_proto; `n` 0: they differ, or there are none */
	struct {
		__u32 first, n;
	} ports[4];
};

struct n64_conf {
	__u32 abi;
	__u32 have;		/* enum n64_have */
	__u32 pair_kernel;	/* ifindex of nat64, the kernel's end */
	__u32 pair_xlat;	/* ifindex of nat64x, the translator's end */
	__u32 n_pref64;		/* behind the last one; there may be holes */
	__u32 first_pref64;	/* index of the one configured first (ADR-08) */
	/* An index is that of one pref64 while the instance lives: mappings and sessions
	 * hold it (conf_keep_pref64). */
	/* Behind them the one of each stateless entry, of length 0 if it has none. */
	struct n64_pref64 pref64[N64_ALL_PREF64];
	struct addr6 mpref64;	/* MC-02, with HAVE_MPREF64 */
	/* MC-01, MC-02: the port by which groups leave, of IPv4 and of IPv6; ifindex 0: none */
	struct {
		__u32 ifindex;
		__u32 slot;
	} group_out[2];
	__u32 n_plateaus;
	__u32 plateaus[N64_MAX_PLATEAUS]; /* descending */
	__u32 ncpu;		/* possible CPUs; IPv4 ID generator (ID-01) */
	__u32 wkp_strict;	/* wkp-strict with `auto` resolved */
	__u32 wkp_rules;	/* and one of the pref64 is the well-known prefix */
	__u32 xsk_queues;
	__u32 hop_slots;	/* of map hopcache, for each CPU: a power of two */
	__u32 hz;		/* jiffies in a second */
	__u32 n_stateless;	/* MIX-01 */
	__u32 pad;
	__u64 key[2];		/* random per start: ID generator, RFC 6791 choice */
	struct n64_state_conf st;
	struct n64_opts opt;
};

#define MAY_BITS 65536

/* May a list have an address? Rodata as well (asked and filled in pol_may.h). */
struct n64_pol_may {
	__u64 net4[MAY_BITS / 64];	/* by the first 16 bits, exact */
	__u64 net6[MAY_BITS / 64];	/* entries of 48 bits and more, by hash of the first 48 */
	__u64 wide6[MAY_BITS / 64];	/* entries of 32 to 47 bits, by hash of the first 32 */
	__u64 fine4[MAY_BITS / 64];	/* by the first 16 bits: some entry has more than 24 */
	__u64 mask6[2];			/* the longest entry's, as addr6_half has it */
};

/* What no rule and no list speaks of; rodata as well (asked and filled in pol_may.h). All zero,
 * of nothing it is known, is right too but for `lists`. */
struct n64_plain {
	__u64 net4[MAY_BITS / 64]; /* by the first 16 bits of an IPv4 address, 1: all such are
				    * plain (addr4_is_plain in stateful.h) */
	__u64 few4[MAY_BITS / 64]; /* 1: all but some, which single4 knows */
	__u64 single4[MAY_BITS / 64]; /* by hash of an address, 1: it is none of those */
	__u32 pref64;		/* 1: no list has an address that is in a pref64 */
	__u32 only;		/* 1: and there is one, at index 0, and no stateless entry */
	__u64 wide;		/* csum_wide of the only pref64, of 96 bits; 0: that is not so */
	struct n64_pol_may lists;
};

/* ---- compiled policy ---------------------------------------------------- */

/* All lists that judge an IPv4 (IPv6) address are compiled into one table, so
 * that one lookup answers every question about the address. For each prefix of
 * any list the entry holds, for every list, what the longest entry of that list
 * that covers the prefix says. */
enum n64_pol_flags {
	POL_EAM = 1 << 0,	/* eam* is valid (EAM-01) */
	POL_XLAT4 = 1 << 1,	/* in xlat4 */
	POL_DENY = 1 << 2,	/* in denylist4 */
	POL_ALLOW = 1 << 3,	/* in allow6 */
	POL_NOXLAT = 1 << 4,	/* in no-translate; see noxlat_port */
	POL_BCAST = 1 << 5,	/* directed broadcast of an attached subnet (ADR-20) */
	POL_HOSTS = 1 << 6,	/* mode dynamic: in the pool, or a static address */
};

/* With POL_EAM and POL_XLAT4: the stateless entry that it belongs to, from 1; 0: none
 * (mode siit). */
#define POL_ENTRY_SHIFT 8
#define POL_ENTRY_MASK (0xffu << POL_ENTRY_SHIFT)

#define N64_NOXLAT_PORTS 4

struct n64_pol4_key {
	__u32 prefixlen;
	__be32 addr;
};

struct n64_pol4 {
	__u32 flags;
	__u8 eam4_len;		/* of the EAM that applies */
	__u8 eam6_len;
	__u8 n_noxlat_port;	/* 0: every port */
	__u8 pad;
	struct addr6 eam6;
	__u16 noxlat_port[N64_NOXLAT_PORTS]; /* host order */
};

struct n64_pol6_key {
	__u32 prefixlen;
	struct addr6 addr;
};

struct n64_pol6 {
	__u32 flags;
	__u8 eam4_len;
	__u8 eam6_len;
	__u8 n_noxlat_port;
	__u8 pad;
	__be32 eam4;
	__u16 noxlat_port[N64_NOXLAT_PORTS];
};

/* One remembered answer of the lists, per CPU; they do not change while a program lives.
 * `row`: 0 nothing here, 1 in no list, else 2 + row of pol4v (pol6v). */
struct n64_known4 {
	__be32 addr;
	__u32 row;
};

struct n64_known6 {
	struct addr6 addr;
	__u32 row;
	__u32 pad[3];
};

#define N64_KNOWN_SLOTS 4096

/* ---- ports -------------------------------------------------------------- */

/* Stages of GEN-10 that are BPF programs. Ports take the slots from 0. */
#define N64_MAX_PORTS 62
#define N64_SLOT_XLAT N64_MAX_PORTS	      /* program on nat64x */
#define N64_SLOT_EXIT (N64_MAX_PORTS + 1) /* program on nat64 */
#define N64_SLOTS (N64_MAX_PORTS + 2)

enum n64_role_kind {
	ROLE_PORT,	/* a NIC */
	ROLE_XLAT,	/* nat64x: what the kernel routes to us, and the way to the worker */
	ROLE_EXIT,	/* nat64: where translated packets meet the kernel */
	ROLE_LONG,	/* no device: the long way, which those of ports and nat64x have in
			 * common (xdp/nat64.bpf.c) */
};

/* Rodata that differs between the programs of one instance. */
struct n64_role {
	__u32 kind;	/* enum n64_role_kind */
	__u32 slot;
};

enum n64_found {
	FOUND_NOTHING,
	FOUND_ABSENT,	/* its host and port are not in bib6 */
	FOUND_SYN,	/* it begins a TCP connection, bib6 was not looked at */
	FOUND_REFRESH,	/* the packet is written and counted; its TCP session is to be refreshed */
	FOUND_REFUSED,	/* absent, and none could be made: the reason is known */
};

/* Places in map `ways`. */
enum n64_way {
	WAY_LONG,
	WAY_NEW,	/* mode stateful: a packet without a mapping, FOUND_ABSENT or FOUND_SYN */
	WAY_ENTRY,	/* mode stateful with stateless entries: what may be one's */
	WAY_TAGGED,	/* with VLAN devices: a frame that has tags */
	N64_WAYS,
};

#define N64_MAX_TAGS 2

/* Map `whence`, per CPU, of a generation: what a short way tells the next and the long one. */
struct n64_whence {
	struct n64_role role;	/* whose packet it has in hand */
	__u32 found;		/* enum n64_found */
	__u32 binding;		/* index; FOUND_ABSENT, _SYN: likely the new one, or ~0 */
	/* with FOUND_REFRESH: */
	__u64 ctl;		/* of the mapping */
	__u32 action;		/* what the program is to return; FOUND_REFUSED: enum reason */
	__s32 place;		/* of its bib6 entry; of a packet 4->6 -1 */
	__be32 remote4;
	__be16 remote_port;
	__u16 tcp_flags;
	/* where there are VLAN devices, of a frame without its tags (tags.h): */
	__u32 n_tags;		/* 0: it is as it came */
	__u32 tag[N64_MAX_TAGS];	/* words of the frame */
	__u32 device;		/* the L3 device that they stand for */
};

#define N64_UNICAST_MACS 8

enum n64_port_flags {
	PORT_6TO4 = 1 << 0,	/* translate: both or 6to4 */
	PORT_4TO6 = 1 << 1,	/* translate: both or 4to6 */
	PORT_ANY_MAC = 1 << 2,	/* more unicast addresses than the list holds */
	PORT_STACK = 1 << 3,	/* deliver: stack */
	PORT_NO_IP6 = 1 << 4,	/* MTU below 1280: the kernel has no IPv6 on it */
};

/* Map `ports`, by slot. Written by attach and the worker (netlink). */
struct n64_port {
	__u32 ifindex;
	__u32 flags;		/* enum n64_port_flags */
	__u8 mac[MAC_LEN];
	__u8 n_unicast;
	__u8 pad;
	__u8 unicast[N64_UNICAST_MACS][MAC_LEN]; /* macvlan and VRRP addresses (VAL-07) */
};

/* Map `egress`: L3 ifindex (u32) -> how a frame for it leaves (L2-01). No
 * entry: the packet goes through the pair to the kernel. */
struct n64_egress {
	__u32 port;		/* ifindex in the devmap */
	__u16 n_tags;
	__u16 mtu;		/* of the L3 device, at most 65535 */
	struct vlan_hdr tag[N64_MAX_TAGS]; /* outermost first; .type is the TPID of this tag */
};

/* Map `vlans`: (port, tags) -> L3 ifindex (u32). */
#define VID_SERVICE 0x8000 /* the tag is of 802.1ad, not of 802.1Q */
struct n64_vlan_key {
	__u32 port;		/* ifindex of the port */
	__u16 vid[N64_MAX_TAGS];	/* host order, outermost first, 0: none; VID_SERVICE */
};

/* Map `local`: the host's own unicast addresses -> 1 (u32). The FIB says the same
 * for "the host itself" and "no route". FAM_4 in addr.w[0]. */
struct n64_local_key {
	__u32 fam;
	struct addr6 addr;
};

/* Map `counters` (per CPU), index slot * N_REASONS + reason; map `wcounters`
 * (shared memory, written by the worker alone), index reason. Bytes are those
 * of the IP packet as received. */
struct n64_count {
	__u64 packets;
	__u64 bytes;
};

/* Map `control`: one entry, shared memory. */
struct n64_control {
	__u32 abi;
	__u32 worker_pid;
	__u64 beat;		/* CLOCK_MONOTONIC ns of the worker's last beat */
	__u64 xsk_rx_dropped;	/* ring drops between nat64x and the worker (GEN-10) */
	__u64 xsk_rx_received;	/* packets that the worker took from its rings */
	__u64 policy_gen;	/* raised by reload */
	__u64 held;		/* packets that the worker holds: fragments (GEN-10) */
};

/* Token bucket of a slow class, per CPU: credit is time, a packet costs
 * 1 s / rate of it. */
struct n64_bucket {
	__u64 ns;	/* coarse clock of the last packet */
	__u64 credit;	/* ns */
};

/* IPv4 ID generator, per CPU (ID-01). */
#define N64_ID_SLOTS 1024
struct n64_ids {
	__u16 df;
	__u16 pad[3];
	__u16 slot[N64_ID_SLOTS];
};

/* ---- questions of the worker ---------------------------------------------- */

/* Program `n64_query`, run by BPF_PROG_TEST_RUN with this as the frame (no
 * context): bpf_fib_lookup on behalf of the worker, which may not ask itself.
 * Addresses wire order, FAM_4 in w[0]. FAM_NONE is no question: the worker's beat for
 * the remembered next hops, in jiffies (struct n64_hops). */
struct n64_fib_query {
	/* asked */
	__u32 fam;
	__u32 ifindex;
	struct addr6 src, dst;
	__u8 tos;
	__u8 proto;
	__be16 sport, dport;
	__u16 tot_len;		/* 0: no MTU check */
	/* answered */
	__s32 rc;		/* BPF_FIB_LKUP_RET_*, or -errno */
	__u32 mtu;
	__u32 oif;
};

/* ---- the hand-over header ----------------------------------------------- */

#define N64_SLOW_MAGIC 0x4e363453u /* "N64S" */

enum n64_slow_flags {
	SLOW_FROM_PAIR = 1 << 0,	/* came in through nat64x: TTL 1 is valid */
	SLOW_CUT = 1 << 1,		/* only the first 1280 bytes follow (GEN-13) */
	SLOW_STACK = 1 << 2,		/* came in by a port with deliver: stack */
};

/* Stands in front of the Ethernet frame of a slow packet. Host order. */
struct n64_slow {
	__u32 magic;
	__u16 abi;
	__u16 reason;		/* enum reason of kind SLOW */
	__u32 ifindex;		/* true L3 ingress */
	__u16 vid[N64_MAX_TAGS];	/* as received, 0: none */
	__u32 frame_len;	/* of the whole frame, without this header */
	__u16 l3_off;		/* of the IP header in the frame, without this header */
	__u16 flags;		/* enum n64_slow_flags */
	__u8 fam;		/* enum ip_family */
	__u8 slot;		/* port that handed over */
	__u16 pad;
	__u32 pad2;
};

/* ---- the pair ------------------------------------------------------------ */

/* Ethernet addresses on the pair belong to nobody. A frame from nat64x to nat64
 * carries this as its source: a locally administered address. */
enum n64_pair_flags {
	PAIR_ORIGINATED = 1 << 0,	/* made here: an ICMP error */
	PAIR_RETURNED = 1 << 1,		/* untranslated: give it to the kernel as it is */
	PAIR_FROM_KERNEL = 1 << 2,	/* came in through nat64x */
	PAIR_KERNEL = 1 << 3,		/* the kernel shall send it: that confirms the neighbour;
					 * deliver: stack */
};

struct n64_pair_mac {
	__u8 local;	/* always 0x02 */
	__u8 flags;	/* enum n64_pair_flags */
	__be32 ifindex;	/* true ingress, for the FIB lookup on nat64 */
} __attribute__((packed));

#define N64_PAIR_LOCAL 0x02
/* Destination of every such frame; tells them from the kernel's own noise. */
#define N64_PAIR_DST {0x02, 'N', '6', '4', 'x', 'k'}

_Static_assert(sizeof(struct n64_slow) == 32, "hand-over header is 32 bytes");
_Static_assert(sizeof(struct n64_pair_mac) == MAC_LEN, "a MAC address");
_Static_assert(sizeof(struct n64_pol4) == 32, "pol4");
_Static_assert(sizeof(struct n64_pol6) == 20, "pol6");
_Static_assert(sizeof(struct n64_vlan_key) == 8, "vlan key");
_Static_assert(sizeof(struct n64_local_key) == 20, "local key");
_Static_assert(sizeof(struct n64_egress) == 16, "egress");
_Static_assert(sizeof(struct n64_port) == 64, "port");

#endif
