/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP options that matter here: MSS clamping (L4-11; RFC 6691, RFC 9293 3.7.1), the
 * option of a SYN is lowered to what the next hop takes, never raised; and the window
 * scale (RFC 7323 2.2), which tcp-rst-check needs (TCP-35). */
#ifndef N64_MSS_H
#define N64_MSS_H

#include "csum.h"

enum tcp_option { TCPOPT_END = 0, TCPOPT_NOP = 1, TCPOPT_MSS = 2, TCPOPT_SCALE = 3 };

#define TCPOPT_MSS_LEN 4
#define TCPOPT_SCALE_LEN 3

/* Offset of the value of option `kind`, `len` bytes as a whole, in the TCP header of
 * `n` bytes at `tcp`, 0: there is none. */
static inline __u32 tcp_option_find(const __u8 *tcp, __u32 n, enum tcp_option kind, __u8 len)
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
		if (tcp[i] == kind)
			return tcp[i + 1] == len ? i + 2 : 0;
		i += tcp[i + 1];
	}
	return 0;
}

/* `tcp` holds at least 20 bytes. The option may stand at an odd offset, where
 * the checksum sees its bytes swapped. */
static inline void mss_clamp(__u8 *tcp, __u32 n, __u32 most)
{
	__u32 at = tcp_option_find(tcp, n, TCPOPT_MSS, TCPOPT_MSS_LEN);
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

/* Window scale + 1 of a SYN whose header of `n` bytes stands at `tcp`, 0: none told. */
static inline __u32 tcp_scale(const __u8 *tcp, __u32 n)
{
	__u32 at = tcp_option_find(tcp, n, TCPOPT_SCALE, TCPOPT_SCALE_LEN);

	if (!at)
		return 0;
	return (tcp[at] > 14 ? 14 : tcp[at]) + 1u; /* RFC 7323 2.3 */
}

#endif
