/* SPDX-License-Identifier: GPL-2.0-only */
/* Multi-part ICMP messages (RFC 4884 4; RFC 7915 4.2, 5.2): where the quoted
 * packet ends and the extension begins, and how both fit into what leaves. */
#ifndef N64_EXT4884_H
#define N64_EXT4884_H

#include "mtu.h"
#include "reason.h"
#include "rules.h"

/* EXT-05: what a quoted packet is padded to when an extension follows. */
#define EXT4884_LEAST 128

/* Unit of the length attribute, in bytes. */
n64_inline __u32 ext4884_unit(enum ip_family fam)
{
	return fam == FAM_4 ? 4 : 8;
}

/* EXT-01: byte of the second word that holds the length, -1: the type has none. */
n64_inline int ext4884_at(enum ip_family fam, __u8 type)
{
	if (fam == FAM_4)
		return type == ICMP4_UNREACH || type == ICMP4_TIME_EXCEEDED ||
			       type == ICMP4_PARAM ? 1 : -1;
	return type == ICMP6_UNREACH || type == ICMP6_TIME_EXCEEDED ? 0 : -1;
}

/* The two parts of the payload of an ICMP error. */
struct ext4884 {
	__u32 quoted;	/* bytes of the quoted packet, padding included */
	__u32 ext;	/* bytes of the extension behind it */
	bool has_length; /* the length was not 0: padding may be told from data (EXT-04) */
};

/* EXT-02/03. `word` is the second word in wire order, `payload` what follows it. */
static inline enum reason ext4884_split(enum ip_family fam, __u8 type, const __u8 word[4],
					__u32 payload, struct ext4884 *e)
{
	int at = ext4884_at(fam, type);
	__u32 len = at < 0 ? 0 : word[at] * ext4884_unit(fam);

	e->has_length = len;
	e->quoted = len ? len : payload;
	e->ext = 0;
	if (len > payload)
		return R_ext_bad;
	e->ext = payload - e->quoted;
	return R_GO_ON;
}

/* IN-13, EXT-05/06: from the sizes after translation to those that leave.
 * `room` is what a message of the family may carry. e->quoted grows by padding
 * or shrinks; returns the length attribute, 0: no extension leaves. */
static inline __u8 ext4884_fit(enum ip_family fam, __u32 room, struct ext4884 *e)
{
	__u32 unit = ext4884_unit(fam);
	__u32 padded = (e->quoted + unit - 1) / unit * unit;

	if (!e->ext || e->ext > room - EXT4884_LEAST) {
		e->ext = 0;
		e->quoted = mtu_min(e->quoted, room);
		return 0;
	}
	if (padded < EXT4884_LEAST)
		padded = EXT4884_LEAST;
	if (padded + e->ext > room)
		padded = (room - e->ext) / unit * unit;
	e->quoted = padded;
	return (__u8)(padded / unit);
}

#endif
