/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames on nat64x: the hand-over header in front of a slow packet, and the
 * Ethernet header in front of what goes back (abi.h; design 3). */
#ifndef N64_FRAME_H
#define N64_FRAME_H

#include "config/policy.h"
#include "slow_ops.h"

/* Reads a received frame of `len` bytes: hand-over header, Ethernet, IP. `h` is
 * a copy of the header. R_GO_ON with `in` filled, or R_sp_bad: it is not in the
 * form in which the programs hand over. `frame` starts at 2 mod 4. */
enum reason frame_open(const __u8 *frame, __u32 len, struct n64_slow *h,
		       struct slow_in *in);

/* Bytes of the IP packet as received, for the counters (GEN-10). */
__u32 frame_ip_bytes(const struct slow_in *in);

/* The Ethernet header towards nat64. `flags`: enum n64_pair_flags. */
void frame_eth(struct eth_hdr *eth, enum ip_family fam, __u32 ifindex, __u8 flags);

/* Pair flags of a packet that came in with `slow_flags` and is emitted with
 * `emit_flags`. */
__u8 frame_pair_flags(__u16 slow_flags, __u32 emit_flags);

#endif
