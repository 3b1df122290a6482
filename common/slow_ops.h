/* SPDX-License-Identifier: GPL-2.0-only */
/* What the other path (slow.h) asks of a shell and gets from it. */
#ifndef N64_SLOW_OPS_H
#define N64_SLOW_OPS_H

#include "env.h"
#include "reason.h"

/* A packet as a shell hands it in. */
struct slow_in {
	const __u8 *ip;		/* IP header, four-byte aligned */
	__u32 len;		/* bytes from there to the end of the frame, padding included */
	__u32 true_len;		/* the same before the frame was cut (GEN-13); else = len */
	enum ip_family fam;	/* of the EtherType */
	bool from_pair;		/* came in through nat64x: TTL 1 is valid (GEN-09) */
	bool to_kernel;		/* its port gives what is translated to the kernel */
	__u32 ifindex;		/* true L3 ingress */
	bool l2_mcast;		/* frame was a link-layer broadcast or multicast (VAL-06) */
	/* Mode stateful, of what reassembly.h hands on */
	bool reassembled;	/* put together from fragments: IPv4 with MF=0 and offset 0,
				 * IPv6 without a Fragment header, whose ID is frag_id (FRG-13) */
	bool has_frag_id;	/* a fragment whose IPv4 identification shall be frag_id
				 * (FRG-12) */
	__u32 frag_id;
	/* Of a reassembled datagram: the payload of the largest fragment, whether one had DF,
	 * and the first fragment as it was received, for errors to quote (FRG-16). */
	__u32 piece;
	bool piece_df;
	const __u8 *quote;
	__u32 quote_len;
	/* Out, may be NULL: what the state answered for a first fragment, whole or not, for
	 * slow_fragment_known. op: CALL_OUT, CALL_IN, or CALL_IN with CALL_HAIRPIN (HP-04). */
	struct n64_call *call_out;
};

/* Which way a translated packet would go. */
struct route_query {
	enum ip_family fam;	/* of the translated packet */
	struct addr6 src, dst;	/* FAM_4: in w[0] */
	__u8 tos;
	__u8 proto;
	__be16 sport, dport;
	__u32 ifindex;		/* true L3 ingress */
	bool from_pair;
};

struct route_answer {
	__u32 mtu;		/* IP MTU of the next-hop interface */
};

enum slow_emit_flags {
	EMIT_ORIGINATED = 1 << 0,	/* made by us: an ICMP error */
	EMIT_RETURNED = 1 << 1,		/* the packet as received: it is not ours */
};

/* What a shell answers. `ctx` is the shell's own. */
struct slow_ops {
	void *ctx;
	/* R_GO_ON and the answer; or fib_blackhole, no_route, fib_prohibit,
	 * fib_disabled. A destination that is the host itself is R_GO_ON. */
	enum reason (*route)(void *ctx, const struct route_query *q,
			     struct route_answer *a);
	/* Source address for an error towards `dst` (GERR-23); false: none. */
	bool (*error_src)(void *ctx, enum ip_family fam, const struct addr6 *dst,
			  __u32 ifindex, struct addr6 *src);
	/* May an error towards `dst` be sent now (GERR-25)? `too_big` errors
	 * have a bucket of their own. */
	bool (*error_allowed)(void *ctx, enum ip_family fam,
			      const struct addr6 *dst, bool too_big);
	/* A fresh IPv4 identification (ID-01), wire order. */
	__be16 (*ip_id)(void *ctx, __be32 src, __be32 dst, __u8 proto, bool df);
	/* One packet to send; TTL as in slow_translate. */
	void (*emit)(void *ctx, const __u8 *ip, __u32 len, __u32 flags);
	/* Mode stateful: the mapping state (state_abi.h). 0, or -errno: it cannot be
	 * asked now. */
	int (*state)(void *ctx, struct n64_call *call);
	/* Count something beside the reason (kind NOTE). */
	void (*note)(void *ctx, enum reason note, __u32 n);
};

#define SLOW_SCRATCH (65535 + 256)

#endif
