/* SPDX-License-Identifier: GPL-2.0-only */
/* MSS clamping (L4-11; RFC 6691, RFC 9293 3.7.1): the option of a SYN is lowered
 * to what the next hop takes, never raised. */
#ifndef N64_MSS_H
#define N64_MSS_H

#include "csum.h"

enum tcp_option { TCPOPT_END = 0, TCPOPT_NOP = 1, TCPOPT_MSS = 2 };

#define TCPOPT_MSS_LEN 4

/* Offset of the MSS option's value in the TCP header of `n` bytes at `tcp`, 0:
 * there is none. */
static inline __u32 mss_find(const __u8 *tcp, __u32 n)
{
	__u32 end = (tcp[offsetof(struct tcp_hdr, doff)] >> 4) * 4u;
	__u32 i = TCP_LEN;

	if (end > n)
		end = n;
	while (i < end && tcp[i] != TCPOPT_END) {
		if (tcp[i] == TCPOPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= end || tcp[i + 1] < 2 || tcp[i + 1] > end - i)
			return 0;
		if (tcp[i] == TCPOPT_MSS)
			return tcp[i + 1] == TCPOPT_MSS_LEN ? i + 2 : 0;
		i += tcp[i + 1];
	}
	return 0;
}

/* `tcp` holds at least 20 bytes. The option may stand at an odd offset, where
 * the checksum sees its bytes swapped. */
static inline void mss_clamp(__u8 *tcp, __u32 n, __u32 most)
{
	__u32 at = mss_find(tcp, n);
	__be16 csum, was, now = be16(most);

	if (!(tcp[offsetof(struct tcp_hdr, flags)] & TCP_SYN) || !at)
		return;
	__builtin_memcpy(&was, tcp + at, sizeof(was));
	if (host16(was) <= most)
		return;
	__builtin_memcpy(tcp + at, &now, sizeof(now));
	if (at & 1) {
		was = (__be16)__builtin_bswap16(was);
		now = (__be16)__builtin_bswap16(now);
	}
	__builtin_memcpy(&csum, tcp + offsetof(struct tcp_hdr, csum), sizeof(csum));
	csum = csum_update(csum, csum_sub16(was) + now);
	__builtin_memcpy(tcp + offsetof(struct tcp_hdr, csum), &csum, sizeof(csum));
}

#endif
