// SPDX-License-Identifier: GPL-2.0-only
/* The walk over IPv6 extension headers: bounded, inside the packet, and the same
 * whether the bytes behind the packet exist or not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext6.h"
#include "parse.h"

static const __u8 *lowest, *highest;

/* A reader that notes what was asked for. */
static int noted_load(const void *ctx, __u32 off, void *to, __u32 len)
{
	const struct ext_bytes *b = ctx;

	if (ext_load_bytes(ctx, off, to, len))
		return -1;
	if (!lowest || b->p + off < lowest)
		lowest = b->p + off;
	if (b->p + off + len > highest)
		highest = b->p + off + len;
	return 0;
}

static enum reason walk(const __u8 *data, __u32 len, struct pkt *p, __u32 *pointer)
{
	const struct ext_bytes b = { data, len };

	memset(p, 0, sizeof(*p));
	lowest = highest = NULL;
	if (!parse_ip6((const struct ip6_hdr *)data, data + len, p))
		return R_unreadable;
	return ext6_walk(noted_load, &b, p, pointer);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	struct pkt p, again;
	__u32 pointer = 0, other = 0;
	__u8 *copy = malloc(size ? size : 1);
	enum reason r;

	memcpy(copy, data, size);
	r = walk(copy, (__u32)size, &p, &pointer);
	if (r == R_GO_ON) {
		if (p.l4_off > p.l3_len || p.l4_off + p.l4_len != p.l3_len ||
		    p.l4_off - IP6_LEN > EXT6_MAX_BYTES || p.l4_off % 8)
			abort();
		if (!p.has_fh && (ext6_is_skipped(p.proto) || p.proto == P_FRAGMENT))
			abort();
		if (pointer >= p.l4_off || (highest && highest > copy + p.l3_len))
			abort();
		/* what lies behind the packet has no say */
		if (p.l3_len < size && (walk(copy, p.l3_len, &again, &other) != r ||
					other != pointer || again.l4_off != p.l4_off))
			abort();
	}
	free(copy);
	return 0;
}
