/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of mode `stateful`, and of `dynamic` (dynamic.h), as it lies in the maps (RFC
 * 6146 3.1 and 3.2; design section 4). Only BPF programs write it; user space reads it
 * through shared memory and asks for changes by the program n64_state (struct n64_call).
 *
 * A mapping is two entries that point to each other:
 *   binding   by (pool address, protocol, port): what 4->6 needs, found by index
 *   bib6      by (host address, port, protocol): what 6->4 needs, found by hash
 * Each direction writes the deadline in its own entry; a mapping has expired when
 * both are past. */
#ifndef N64_STATE_ABI_H
#define N64_STATE_ABI_H

#include "types.h"

/* The three BIBs (ST-01). */
enum st_proto { ST_TCP, ST_UDP, ST_ICMP, N_ST_PROTOS };

/* A pool address has a slot for its life; slot and protocol make a row; row and
 * port make the index of a binding. */
#define N64_MAX_SLOTS 4096
#define N64_MAX_ROWS (N64_MAX_SLOTS * 4)
#define N64_ROW_PORTS 65536
#define N64_PORT_HIGH 1024 /* ports from here on and those below are given to such (PORT-05) */

n64_inline __u32 row_of(__u32 slot, enum st_proto proto)
{
	return slot << 2 | proto;
}

n64_inline __u32 binding_index(__u32 row, __u16 port)
{
	return row << 16 | port;
}

/* ---- control words ------------------------------------------------------- */

/* The first 64 bits of every entry; they change by compare-and-swap only.
 *   bits  0-1   state
 *   bits  2-5   flags
 *   bits  6-19  row (bib6), pref64 index (binding)
 *   bits 20-33  policy generation of the last judgement (GEN-11), modulo 2^14
 *   bits 36-63  generation: a life of the entry
 * While CLAIMED: bits 6-35 the second of the claim, 36-63 a tag of the key. */
enum ctl_state { CTL_FREE, CTL_CLAIMED, CTL_ACTIVE, CTL_DEAD };

#define CTL_STATE 3ull
#define CTL_STATIC (1ull << 2)	/* the operator's: never expires, never taken over */
#define CTL_QUIET (1ull << 3)	/* TCP: exactly one session, in which a packet without SYN,
				 * FIN and RST only refreshes */
#define CTL_MULTI (1ull << 4)	/* TCP: there may be more than one session */
#define CTL_ROW_SHIFT 6
#define CTL_ROW_BITS 14
#define CTL_POLICY_SHIFT 20
#define CTL_POLICY_BITS 14
#define CTL_SECOND_BITS 30
#define CTL_GEN_SHIFT 36
#define CTL_GEN_BITS 28
/* What stays for the life of an entry. */
#define CTL_LIFE (CTL_STATE | ~0ull << CTL_GEN_SHIFT)

n64_inline enum ctl_state ctl_state(__u64 ctl)
{
	return (enum ctl_state)(ctl & CTL_STATE);
}

n64_inline __u32 ctl_gen(__u64 ctl)
{
	return (__u32)(ctl >> CTL_GEN_SHIFT);
}

n64_inline __u32 ctl_row(__u64 ctl)
{
	return ctl >> CTL_ROW_SHIFT & ((1u << CTL_ROW_BITS) - 1);
}

n64_inline __u32 ctl_policy(__u64 ctl)
{
	return ctl >> CTL_POLICY_SHIFT & ((1u << CTL_POLICY_BITS) - 1);
}

n64_inline __u32 ctl_second(__u64 ctl)
{
	return ctl >> CTL_ROW_SHIFT & ((1u << CTL_SECOND_BITS) - 1);
}

n64_inline __u64 ctl_make(enum ctl_state state, __u64 flags, __u32 row, __u32 policy, __u32 gen)
{
	return (__u64)state | flags | (__u64)row << CTL_ROW_SHIFT |
	       (__u64)(policy & ((1u << CTL_POLICY_BITS) - 1)) << CTL_POLICY_SHIFT |
	       (__u64)gen << CTL_GEN_SHIFT;
}

n64_inline __u64 ctl_claim(__u32 second, __u32 tag)
{
	return CTL_CLAIMED |
	       (__u64)(second & ((1u << CTL_SECOND_BITS) - 1)) << CTL_ROW_SHIFT |
	       (__u64)tag << CTL_GEN_SHIFT;
}

/* ---- entries --------------------------------------------------------------- */

/* Seconds are those of the state clock (struct n64_call, CALL_NOW). A deadline is
 * the last second in which the entry lives. */

/* Map `bindings`: row -> array of 65536 by port. FREE: `until4` is the second from
 * which it was free, the host the one that had it last (CGN-03). */
struct n64_binding {
	__u64 ctl;
	struct addr6 host6;
	__be16 port6;		/* or ICMP identifier */
	__u16 pad;
	__u32 until4;		/* deadline by packets 4->6 */
};

/* Map `bib6`: lines of two, found by hash; see table.h. */
struct n64_bib6 {
	__u64 ctl;
	struct addr6 host6;
	__be16 port6;
	__be16 port4;		/* or ICMP identifier; the row is in ctl */
	__u32 until6;		/* deadline by packets 6->4 */
};

/* Map `sessions`: lines of two. TCP sessions; permissions under address-dependent
 * filtering (remote_port 0, state TCP_PERMIT); stored SYNs (generation 0). It is
 * free when its time has passed or its binding has another generation. */
struct n64_session {
	__u64 ctl;		/* session_ctl(): generation of the binding, subscriber */
	__u64 tcp;		/* session_word(): TCP state and deadline, one compare-and-swap */
	__u32 binding;		/* index */
	__be32 remote4;
	__be16 remote_port;
	__u16 window;		/* tcp-rst-check: last window of the v6 side, unscaled */
	__u32 ack;		/* and its acknowledgement number, host order */
};

/* States of section 11 (RFC 6146 3.5.2.2). */
enum tcp_state {
	TCP_CLOSED,
	TCP_V4_INIT,
	TCP_V6_INIT,
	TCP_ESTABLISHED,
	TCP_V4_FIN_RCV,
	TCP_V6_FIN_RCV,
	TCP_V4_V6_FIN,
	TCP_TRANS,
	TCP_V4_STORED,	/* V4 INIT whose SYN is stored, not forwarded (TCP-03, -04) */
	TCP_PERMIT,	/* no TCP session: a permission (ST-09) */
	N_TCP_STATES,
};

#define SESSION_PROBED (1u << 8)	/* in the state word: TCP-30 was sent */
#define SESSION_SCALE_SHIFT 12		/* window scale of the v6 side, 4 bits */
#define SESSION_PREF_SHIFT 16		/* index of the pref64 it uses (ADR-08), 4 bits */

/* The deadline of a stored SYN is STORED_KEEP behind its time. */
#define STORED_SECONDS 6	/* TCP_INCOMING_SYN */
#define STORED_KEEP 4		/* more, in which the worker takes it out of the table */

/* `sub`: place of the subscriber that it counts for, -1: none. Bits 6-33. */
n64_inline __u64 session_ctl(int sub, __u32 gen)
{
	return CTL_ACTIVE | (__u64)((__u32)(sub + 1) & 0xfffffff) << CTL_ROW_SHIFT |
	       (__u64)gen << CTL_GEN_SHIFT;
}

n64_inline int session_sub(__u64 ctl)
{
	return (int)(ctl >> CTL_ROW_SHIFT & 0xfffffff) - 1;
}

/* Lower half the state and flags, upper half the deadline. */
n64_inline __u64 session_word(__u32 word, __u32 until)
{
	return (__u64)until << 32 | word;
}

/* Map `subs`: lines of one; a subscriber is an IPv6 source prefix (PORT-03). */
#define N64_MAX_BLOCKS 8

/* A mapping of UDP or TCP is made with what stands in the first cache line. */
struct n64_subscriber {
	__u64 ctl;
	struct addr6 prefix;	/* bits beyond subscriber-prefix-len are zero */
	__u32 count[4];		/* mappings by st_proto; [3]: sessions (ST-09) */
	__u16 pair[4];		/* slot + 1 by st_proto (PORT-02), 0: none yet */
	__u64 rate;		/* new mappings: clock in 1/1024 s << 32 | tokens * 1024 */
	__u32 cursor[4];	/* slot of a holding at which to look next: chunk << 4 | place,
				 * and HOLD_FRESH */
	__u32 hold[4];		/* by kind: first chunk of its holdings, 0: none */
	__u32 chunks[4];	/* by kind: of holdings */
	__u32 refused[4];	/* by kind: clock, 1/1024 s, at the last search for expired ones
				 * that found nothing; 0: none */
	__u32 empty_since;	/* second in which the last mapping went */
	__u16 n_blocks;
	__u16 pad;
	struct {
		__u16 slot;
		__u16 first;	/* first port / 64 */
	} block[N64_MAX_BLOCKS];
	__u32 looked[4];	/* by kind: clock, 1/1024 s, when slots that were needed again
				 * held what lives; 0: never */
	__u32 pad2[4];
};

/* Map `holds`: what a subscriber has or had, so that its expired entries can be found
 * without a sweep. A slot is the index of a binding (kinds 0-2) or of a session (3), plus
 * one; slots are overwritten when they are stale, never cleared. Chunk 0 is none. */
#define HOLD_SLOTS 16
#define HOLD_FRESH (1u << 31)	/* with a cursor: nothing was put into this slot and those behind
				 * it in its chunk */
struct n64_hold {
	__u32 slot[HOLD_SLOTS];	/* [0]: the next chunk */
};

/* Map `rows`: row -> one of these. A bit says that a port can be taken at once: the
 * compare-and-swap on its binding decides. */
#define ROW_WORDS (N64_ROW_PORTS / 64)
struct n64_row {
	__u64 free[ROW_WORDS];
	__u64 allowed[ROW_WORDS];	/* of the configuration; empty: draining (PORT-10) */
	__u64 even[ROW_WORDS / 64];	/* words that have a free even port */
	__u64 odd[ROW_WORDS / 64];
	__u32 used;		/* mappings, static ones included */
	__u32 n_allowed;
	__u32 cursor;		/* port at which a creation looks for expired ones next */
	__u32 refused;		/* clock, 1/1024 s, at the last search in vain; 0: none */
	__u32 first, last;	/* port: what is allowed lies between them */
	__u32 swept;		/* clock, 1/1024 s, at which a creation looked last */
	__u32 pad;
};

/* Map `blocks`: slot -> one of these (CGN-08). By port / 64 of the first port of the
 * block: subscriber (its place in `subs` + 1) << 32 | mappings in the block; without an
 * owner the second in which it was given back. */
struct n64_blocks {
	__u64 own[ROW_WORDS];
};

/* Map `state`: one, shared memory. */
struct n64_state {
	__u32 abi;
	__u32 pad[15];
	struct {
		__u32 n;	/* mappings of a protocol; [3]: sessions */
		__u32 pad[15];	/* a cache line each */
	} count[4];
	__u32 subscribers;
	__u32 stored_syn;	/* SYNs that the worker holds (TCP-32) */
	__u32 hold_fresh;	/* chunks that were ever used */
	__u32 pad2;
	__u64 hold_free;	/* chunks given back: tag << 32 | first */
	__u64 frag_bytes;	/* FRG-15, written by the worker: held now */
	__u64 frag_peak;
	__u32 cursor;		/* place in `sessions` at which a refusal looks next */
	__u32 pad3[5];
};

/* Map `slots`: slot -> pool address. Written by attach and reload. */
enum slot_flags {
	SLOT_USED = 1 << 0,
	SLOT_DRAINING = 1 << 1,	/* no new mappings (PORT-10) */
	SLOT_SHARED = 1 << 2,	/* also an address of the host (GEN-05) */
	SLOT_DISPLACES = 1 << 3, /* in map `pool`: others that are at home here lie elsewhere in the
				  * line */
};

struct n64_slot {
	__be32 addr;
	__u16 flags;
	__u16 protos;		/* 1 << st_proto: has a row */
};

/* Map `pool`: pool addresses by hash, one line each; of a program generation. */
#define POOL_WAYS 8
#define POOL_LINES_LEAST 128
struct n64_pool_way {
	__be32 addr;	/* 0: none */
	__u16 slot;
	__u16 flags;	/* enum slot_flags */
};

struct n64_pool_line {
	struct n64_pool_way way[POOL_WAYS];
};

/* Map `dynamic`: the addresses that new subscribers may get (PORT-04); of a program
 * generation. */
struct n64_dynamic {
	__be32 addr;
	__u16 slot;
	__u16 protos;
};

/* ---- the program n64_state ---------------------------------------------------- */

enum call_op {
	CALL_NOW,	/* -> now */
	CALL_OUT,	/* 6->4: find or make the mapping of (proto, host6, port6), run the
			 * packet (remote4, remote_port, tcp_flags) through filter, session and
			 * timers -> reason, addr4, port4, binding */
	CALL_IN,	/* 4->6: the same for (addr4, port4) -> reason, host6, port6, pref */
	CALL_PEEK_OUT,	/* as CALL_OUT, but finds only and changes nothing (IN-11) */
	CALL_PEEK_IN,
	CALL_WOULD_OUT,	/* the address that CALL_OUT would use -> addr4; changes nothing */
	CALL_SYN_STORE,	/* (addr4, port4, remote4, remote_port): note a stored SYN for 6 s
			 * -> reason R_GO_ON, or R_syn_again: there is one */
	CALL_SYN_TAKE,	/* its time is over: was it still waiting? -> reason R_GO_ON: yes, it is
			 * removed; R_not_target: a V6 SYN has used it (TCP-08) */
	CALL_STATIC_ADD, /* (proto, addr4, port4, host6, port6; CALL_FORCE) -> reason R_GO_ON,
			 * R_static_conflict with the other in addr4, port4, host6, port6 */
	CALL_DEL,	/* the mapping at `binding`, if its ctl is still `ctl` (0: any): at once,
			 * static ones too -> n */
	CALL_SESSION_DEL, /* the session at place `session`, if its ctl is still `ctl` -> n */
	CALL_SWEEP,	/* reclaims what has expired at `row` from `port4` on, `n` ports -> n
			 * reclaimed; until: mappings that the row has still */
	CALL_SWEEP_SUBS, /* from place `session` on, `n` places: subscribers empty for 60 s -> n */
	CALL_PROBE,	/* session at place `session`: is a probe due (TCP-19)? marks it sent
			 * -> reason R_GO_ON and host6, port6, addr4, port4, remote4, remote_port,
			 * pref; R_not_target: no */
	CALL_RANGE,	/* row `row`: ports from `port4` to `last` are `n` (1 allowed, 0 not) */
	CALL_SWEEP_SESSIONS, /* from place `session` on, `n` places: sessions that are over -> n */
	CALL_TOUCH,	/* `n` elements of a table (`proto`: enum touch_table), from `binding` on
			 * each `last`th: the first access to their pages (state_touch.h) */
	N_CALL_OPS,
};

/* What every new mapping needs comes first. */
enum touch_table {
	TOUCH_REACH,		/* words */
	TOUCH_SUBS,		/* places */
	TOUCH_BIB6,
	TOUCH_BINDINGS,		/* by index */
	TOUCH_SESSIONS,
	TOUCH_HOLDS,
	N_TOUCH_TABLES,
};

#define TOUCH_MOST 1024	/* elements that one call touches */

enum call_flags {
	CALL_FORCE = 1 << 0,
	CALL_FROM_PAIR = 1 << 1,
	CALL_RESTORE = 1 << 3,	/* CALL_STATIC_ADD, mode dynamic: no static mapping, but one that
				 * lives for `n` seconds, of an address that is in the pool */
	CALL_HAIRPIN = 1 << 2,	/* CALL_IN of a packet that CALL_OUT has just done */
};

/* Context of n64_state, in and out. Ports are wire order where the type says so. */
struct n64_call {
	__u32 op;		/* enum call_op */
	__u32 flags;		/* enum call_flags */
	__u32 proto;		/* enum st_proto */
	__u32 tcp_flags;
	struct addr6 host6;
	__be32 addr4;
	__be32 remote4;
	__be16 port6;
	__be16 port4;		/* CALL_SWEEP, CALL_RANGE: host order */
	__be16 remote_port;	/* UDP and TCP; ICMP: 0 */
	__u16 last;
	__u32 pref;		/* index in conf->pref64 */
	__u32 row;
	__u32 binding;		/* index */
	__u32 session;		/* place in `sessions` or `subs`: line * entries of a line + n */
	__u32 n;
	__u32 tcp_seq;		/* host order; tcp-rst-check */
	__u32 tcp_ack;
	__u32 tcp_window;	/* unscaled */
	__u32 tcp_scale;	/* of a V6 SYN + 1, 0: none told */
	__u64 ctl;
	/* out only */
	__u32 reason;
	__u32 now;		/* second of the state clock */
	__u32 until;		/* deadline of the mapping */
	__u32 pad;
};

_Static_assert(sizeof(struct n64_binding) == 32, "binding");
_Static_assert(sizeof(struct n64_bib6) == 32, "bib6");
_Static_assert(sizeof(struct n64_session) == 32, "session");
_Static_assert(sizeof(struct n64_subscriber) == 192, "subscriber");
_Static_assert(sizeof(struct n64_call) == 112, "call");
_Static_assert(sizeof(struct n64_hold) == 64, "hold");
_Static_assert(sizeof(struct n64_pool_line) == 64, "pool line");
_Static_assert(sizeof(struct n64_slot) == 8, "slot");
_Static_assert(sizeof(struct n64_dynamic) == 8, "dynamic");

#endif
