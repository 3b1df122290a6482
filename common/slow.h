/* SPDX-License-Identifier: GPL-2.0-only */
/* The other path: complete translation of any one packet in user space (RFC
 * 7915, 6052, 7757, 4884, 6791), and the ICMP errors that we originate.
 *
 * Pure: what the rules need to know of the world is asked through slow_ops. */
#ifndef N64_SLOW_H
#define N64_SLOW_H

#include "env.h"

/* A packet as a shell hands it in. */
struct slow_in {
	const __u8 *ip;		/* IP header, four-byte aligned */
	__u32 len;		/* bytes from there to the end of the frame, padding included */
	__u32 true_len;		/* the same before the frame was cut (GEN-13); else = len */
	enum ip_family fam;	/* of the EtherType */
	bool from_pair;		/* came in through nat64x: TTL 1 is valid (GEN-09) */
	__u32 ifindex;		/* true L3 ingress */
	bool l2_mcast;		/* frame was a link-layer broadcast or multicast (VAL-06) */
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
	/* Count something beside the reason (kind NOTE). */
	void (*note)(void *ctx, enum reason note, __u32 n);
};

#define SLOW_SCRATCH (65535 + 256)

/* Judges and translates one packet in the order of GEN-08 and emits what
 * becomes of it: nothing, one packet, several fragments, an ICMP error, or the
 * packet itself (EMIT_RETURNED). Returns the one reason with which it leaves.
 *
 * `ttl_dec` is subtracted from TTL/hop limit of what is translated and 64 +
 * (1 - ttl_dec) is the TTL of what is originated: 0 in the worker, where the
 * stage behind it decrements (GEN-09); 1 shows packets as they reach the wire.
 * `scratch` holds SLOW_SCRATCH bytes, four-byte aligned. */
static inline enum reason slow_translate(const struct slow_ops *ops,
					 const struct n64_env *env,
					 const struct slow_in *in, __u32 ttl_dec,
					 __u8 *scratch);

#endif
