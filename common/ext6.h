/* SPDX-License-Identifier: GPL-2.0-only */
/* The walk over IPv6 extension headers (RFC 7915 5.1, RFC 8200 4; X-6TO4-09 to
 * -13), as far as the transport or the Fragment header.
 *
 * Bytes are read through a function of the caller, so that there is one walk for
 * a packet in memory, for a quoted packet and for bpf_xdp_load_bytes; loops are
 * bounded and no packet pointer is moved. */
#ifndef N64_EXT6_H
#define N64_EXT6_H

#include "pkt.h"
#include "reason.h"

#define EXT6_MAX_HEADERS 8
#define EXT6_MAX_BYTES 512

/* Copies `len` bytes at `off` from the IPv6 header; not 0: they are not there. */
typedef int (*ext_load_fn)(const void *ctx, __u32 off, void *to, __u32 len);

/* X-6TO4-09, and what X-6TO4-07 does not take for a transport. */
n64_inline bool ext6_is_skipped(__u8 nexthdr)
{
	return nexthdr == P_HOPOPT || nexthdr == P_ROUTING || nexthdr == P_DSTOPT;
}

/* X-6TO4-11: what may not follow the Fragment header. */
n64_inline bool ext6_is_header(__u8 nexthdr)
{
	return ext6_is_skipped(nexthdr) || nexthdr == P_FRAGMENT || nexthdr == P_AH ||
	       nexthdr == P_MOBILITY || nexthdr == P_HIP || nexthdr == P_SHIM6;
}

n64_inline void ext6_fragment(const __u8 b[8], struct pkt *p)
{
	__u16 off_m = (__u16)(b[2] << 8 | b[3]);

	p->has_fh = true;
	p->frag_off = off_m >> 3;
	p->more = off_m & 1;
	p->frag_id = (__u32)b[4] << 24 | b[5] << 16 | b[6] << 8 | b[7];
}

/* Walks on from parse_ip6: sets proto, l4_off, l4_len and the fragment facts.
 * *pointer becomes the offset of a Segments Left that is not 0 (X-6TO4-10), 0:
 * none. R_bad_hdr6 or R_eh_limit leave the facts half-way. */
n64_inline enum reason ext6_walk(ext_load_fn load, const void *ctx, struct pkt *p,
				 __u32 *pointer)
{
	__u32 off = IP6_LEN;
	__u8 b[8];

	*pointer = 0;
	for (__u32 i = 0; ext6_is_skipped(p->proto) || p->proto == P_FRAGMENT; i++) {
		bool fh = p->proto == P_FRAGMENT;
		__u32 len;

		if (i == EXT6_MAX_HEADERS)
			return R_eh_limit;
		if (off + sizeof(b) > p->l3_len || load(ctx, off, b, sizeof(b)))
			return R_bad_hdr6;
		len = fh ? FRAGHDR_LEN : (b[1] + 1u) * 8;
		if (off + len > p->l3_len)
			return R_bad_hdr6;
		if (off + len - IP6_LEN > EXT6_MAX_BYTES)
			return R_eh_limit;
		if (p->proto == P_ROUTING && b[3] && !*pointer)
			*pointer = off + 3;
		p->proto = b[0];
		off += len;
		p->l4_off = (__u16)off;
		p->l4_len = (__u16)(p->l3_len - off);
		if (fh) {
			ext6_fragment(b, p);
			break;
		}
	}
	return R_GO_ON;
}

#ifndef __bpf__
/* Bytes in memory, for ext6_walk. */
struct ext_bytes {
	const __u8 *p;
	__u32 len;
};

static inline int ext_load_bytes(const void *ctx, __u32 off, void *to, __u32 len)
{
	const struct ext_bytes *b = ctx;

	if (off > b->len || len > b->len - off)
		return -1;
	__builtin_memcpy(to, b->p + off, len);
	return 0;
}
#endif

#endif
