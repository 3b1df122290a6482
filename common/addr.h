/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses: RFC 6052 in all six lengths, explicit address mappings (RFC 7757
 * 3.3), and the classes of addresses that the rules of section 2.4 speak of. */
#ifndef N64_ADDR_H
#define N64_ADDR_H

#include "abi.h"
#include "types.h"

n64_inline bool addr6_equal(const struct addr6 *a, const struct addr6 *b)
{
	return !((addr6_half(a, 0) ^ addr6_half(b, 0)) | (addr6_half(a, 1) ^ addr6_half(b, 1)));
}

n64_inline bool addr6_is_zero(const struct addr6 *a)
{
	return !(a->w[0] | a->w[1] | a->w[2] | a->w[3]);
}

/* Wire-order mask of the first `len` bits, 0 to 32. */
n64_inline __be32 mask4(__u32 len)
{
	return len ? be32(~0u << (32 - len)) : 0;
}

/* Mask of half an address, for a prefix of `len` bits; `from`: its first bit, 0 or 64. */
n64_inline __u64 mask6_half(__u32 len, __u32 from)
{
	if (len <= from)
		return 0;
	return len >= from + 64 ? ~0ull : be64(~0ull << (64 - (len - from)));
}

n64_inline bool prefix4_contains(__be32 prefix, __u32 len, __be32 addr)
{
	return !((prefix ^ addr) & mask4(len));
}

/* Any length from 0 to 128. */
n64_inline bool prefix6_contains(const struct addr6 *prefix, __u32 len,
				 const struct addr6 *addr)
{
	__u32 differ = 0;

	for (__u32 i = 0; i < 4; i++) {
		__u32 bits = len > 32 * i ? len - 32 * i : 0;

		differ |= (prefix->w[i] ^ addr->w[i]) & mask4(bits > 32 ? 32 : bits);
	}
	return !differ;
}

/* ---- RFC 6052 2.2 -------------------------------------------------------- */

n64_inline bool pref64_length_ok(__u32 len)
{
	return len == 32 || len == 40 || len == 48 || len == 56 || len == 64 || len == 96;
}

/* The address is inside the pref64, of 96 bits. */
n64_inline bool pref64_contains_wide(const struct n64_pref64 *p, const struct addr6 *a)
{
	return addr6_half(&p->prefix, 0) == addr6_half(a, 0) && p->prefix.w[2] == a->w[2];
}

/* The address is inside the pref64; the u octet is not looked at (ADR-02). */
n64_inline bool pref64_contains(const struct n64_pref64 *p, const struct addr6 *a)
{
	/* The six lengths end inside word 0, 1 or 2, so that three compares do. */
	if (likely(p->len == 96))
		return pref64_contains_wide(p, a);
	switch (p->len) {
	case 64:
		return addr6_half(&p->prefix, 0) == addr6_half(a, 0);
	case 32:
		return p->prefix.w[0] == a->w[0];
	default:
		return p->prefix.w[0] == a->w[0] &&
		       !((p->prefix.w[1] ^ a->w[1]) & mask4(p->len - 32));
	}
}

/* The IPv4 address inside `a` (table 2.1); suffix and u octet are ignored. */
n64_inline __be32 rfc6052_extract(__u32 len, const struct addr6 *a)
{
	/* bytes 4..7, 8..11 and 12..15 in host order */
	__u32 w1 = host32(a->w[1]), w2 = host32(a->w[2]);

	switch (len) {
	case 32:
		return a->w[1];
	case 40:
		return be32(w1 << 8 | (w2 >> 16 & 0xff));
	case 48:
		return be32(w1 << 16 | (w2 >> 8 & 0xffff));
	case 56:
		return be32(w1 << 24 | (w2 & 0xffffff));
	case 64:
		return be32((w2 & 0xffffff) << 8 | host32(a->w[3]) >> 24);
	default: /* 96 */
		return a->w[3];
	}
}

/* prefix of 96 bits + IPv4 address. */
n64_inline void rfc6052_embed_wide(const struct n64_pref64 *p, __be32 addr, struct addr6 *out)
{
	addr6_join(addr6_half(&p->prefix, 0), (__u64)addr << 32 | p->prefix.w[2], out);
}

/* prefix + IPv4 address; u octet and suffix are zero (ADR-02). */
n64_inline void rfc6052_embed(const struct n64_pref64 *p, __be32 addr, struct addr6 *out)
{
	__u32 v4 = host32(addr);

	if (likely(p->len == 96)) {
		rfc6052_embed_wide(p, addr, out);
		return;
	}
	*out = p->prefix;
	switch (p->len) {
	case 32:
		out->w[1] = addr;
		out->w[2] = out->w[3] = 0;
		break;
	case 40:
		out->w[1] = (p->prefix.w[1] & mask4(8)) | be32(v4 >> 8);
		out->w[2] = be32((v4 & 0xff) << 16);
		out->w[3] = 0;
		break;
	case 48:
		out->w[1] = (p->prefix.w[1] & mask4(16)) | be32(v4 >> 16);
		out->w[2] = be32((v4 & 0xffff) << 8);
		out->w[3] = 0;
		break;
	case 56:
		out->w[1] = (p->prefix.w[1] & mask4(24)) | be32(v4 >> 24);
		out->w[2] = be32(v4 & 0xffffff);
		out->w[3] = 0;
		break;
	case 64:
		out->w[2] = be32(v4 >> 8);
		out->w[3] = be32(v4 << 24);
		break;
	default:
		break;
	}
}

/* Are the u octet and the suffix zero (ADR-02, strict-suffix)? */
n64_inline bool rfc6052_suffix_zero(__u32 len, const struct addr6 *a)
{
	/* of bytes 8..15 */
	switch (len) {
	case 32:
		return !a->w[2] && !a->w[3];
	case 40:
		return !(a->w[2] & be32(0xff00ffff)) && !a->w[3];
	case 48:
		return !(a->w[2] & be32(0xff0000ff)) && !a->w[3];
	case 56:
		return !(a->w[2] & be32(0xff000000)) && !a->w[3];
	case 64:
		return !(a->w[2] & be32(0xff000000)) && !(a->w[3] & be32(0x00ffffff));
	default: /* 96 */
		return true;
	}
}

/* Where an address may be in one of several pref64: the verifier would follow each pair of
 * lengths of source and destination. */
n64_once __u32 rfc6052_extract_any(__u32 len, __u64 lo, __u64 hi)
{
	const struct addr6 a = { { (__u32)lo, lo >> 32, (__u32)hi, hi >> 32 } };

	return rfc6052_extract(len, &a);
}

n64_once int rfc6052_suffix_zero_any(__u32 len, __u64 lo, __u64 hi)
{
	const struct addr6 a = { { (__u32)lo, lo >> 32, (__u32)hi, hi >> 32 } };

	return rfc6052_suffix_zero(len, &a);
}

/* Of a configuration with one pref64 alone, its length is a constant to the verifier. */
n64_inline bool pref64_is_single(const struct n64_conf *conf)
{
	return conf->n_pref64 == 1 && !conf->n_stateless;
}

/* The IPv4 address in `a`, which the pref64 `p` of the configuration contains. */
n64_inline __be32 pref64_extract(const struct n64_conf *conf, const struct n64_pref64 *p,
				 const struct addr6 *a)
{
	if (likely(pref64_is_single(conf)))
		return rfc6052_extract(p->len, a);
	return rfc6052_extract_any(p->len, addr6_half(a, 0), addr6_half(a, 1));
}

n64_inline bool pref64_suffix_zero(const struct n64_conf *conf, const struct n64_pref64 *p,
				   const struct addr6 *a)
{
	if (likely(pref64_is_single(conf)))
		return rfc6052_suffix_zero(p->len, a);
	return rfc6052_suffix_zero_any(p->len, addr6_half(a, 0), addr6_half(a, 1));
}

/* Is there a pref64 of this index? One that left with a reload leaves a hole. */
n64_inline bool pref64_exists(const struct n64_conf *conf, __u32 pref)
{
	return pref < conf->n_pref64 && pref < N64_MAX_PREF64 && conf->pref64[pref].len;
}

/* All ones if `x` is 0, else 0; by arithmetic, see pref64_search. */
n64_inline __u32 ones_if_zero(__u64 x)
{
	x = (x | (0 - x)) >> 63;
	__asm__ volatile("" : "+r"(x));
	return (__u32)x - 1;
}

/* Index of the longest of several pref64, or -1. The address by its halves as they stand in
 * memory: it may stay in registers. No branch depends on the address, so that the verifier
 * goes through the loop once and not once for each prefix that may be found. */
n64_inline int pref64_search(const struct n64_conf *conf, __u64 lo, __u64 hi)
{
	__u32 len = 0, found = ~0u;

	if (!conf)
		return -1;
	n64_no_unroll
	for (__u32 i = 0; i < N64_MAX_PREF64; i++) {
		const struct n64_pref64 *p = &conf->pref64[i];
		__u64 differ = (addr6_half(&p->prefix, 0) ^ lo) & mask6_half(p->len, 0);
		__u32 take;

		if (i >= conf->n_pref64)
			break;
		differ |= (addr6_half(&p->prefix, 1) ^ hi) & mask6_half(p->len, 64);
		/* the shorter one is not looked for any more */
		take = ones_if_zero(differ) & ~ones_if_zero((len - p->len) >> 31);
		len = (len & ~take) | (p->len & take);
		found = (found & ~take) | (i & take);
	}
	return (int)found;
}

/* The same in the configuration of the shell, which it is all the verifier is told: a global
 * function (xdp/world.h). */
#ifdef __bpf__
int pref64_search_own(__u64 lo, __u64 hi);
#endif

/* Index of the longest pref64 that contains `a` (ADR-08), or -1. A single one costs one
 * comparison: its length is a constant to the verifier. */
n64_inline int pref64_find(const struct n64_conf *conf, const struct addr6 *a)
{
	if (likely(conf->n_pref64 == 1))
		return conf->pref64[0].len && pref64_contains(&conf->pref64[0], a) ? 0 : -1;
	if (!conf->n_pref64)
		return -1;
#ifdef __bpf__
	return pref64_search_own(addr6_half(a, 0), addr6_half(a, 1));
#else
	return pref64_search(conf, addr6_half(a, 0), addr6_half(a, 1));
#endif
}

/* 64:ff9b::/96, the well-known prefix (RFC 6052 2.1). */
n64_inline bool pref64_is_wkp(const struct n64_pref64 *p)
{
	return p->len == 96 && p->prefix.w[0] == be32(0x0064ff9b) && !p->prefix.w[1] &&
	       !p->prefix.w[2];
}

/* ---- RFC 7757 3.3 --------------------------------------------------------- */

/* 4->6: IPv6 prefix, then the IPv4 suffix bits, then zeros (EAM-03). */
n64_inline void eam_4to6(const struct n64_pol4 *m, __be32 addr, struct addr6 *out)
{
	__u32 suffix_len = 32 - m->eam4_len;
	__u64 hi = (__u64)host32(m->eam6.w[0]) << 32 | host32(m->eam6.w[1]);
	__u64 lo = (__u64)host32(m->eam6.w[2]) << 32 | host32(m->eam6.w[3]);
	__u64 s = suffix_len ? (__u64)(host32(addr) << m->eam4_len) << 32 : 0;
	__u32 at = m->eam6_len;

	/* s: suffix left-aligned in 64 bits, to be placed at bit `at` */
	if (at == 0) {
		hi |= s;
	} else if (at < 64) {
		hi |= s >> at;
		lo |= s << (64 - at);
	} else if (at < 128) {
		lo |= s >> (at - 64);
	}
	out->w[0] = be32(hi >> 32);
	out->w[1] = be32(hi);
	out->w[2] = be32(lo >> 32);
	out->w[3] = be32(lo);
}

/* 6->4: IPv4 prefix, then the first suffix bits behind the IPv6 prefix; what
 * follows is discarded (EAM-04). */
n64_inline __be32 eam_6to4(const struct n64_pol6 *m, const struct addr6 *addr)
{
	__u64 hi = (__u64)host32(addr->w[0]) << 32 | host32(addr->w[1]);
	__u64 lo = (__u64)host32(addr->w[2]) << 32 | host32(addr->w[3]);
	__u32 at = m->eam6_len;
	__u64 s;

	if (m->eam4_len >= 32)
		return m->eam4;
	if (at == 0)
		s = hi;
	else if (at < 64)
		s = hi << at | lo >> (64 - at);
	else if (at < 128)
		s = lo << (at - 64);
	else
		s = 0;
	return m->eam4 | be32((__u32)(s >> 32) >> m->eam4_len);
}

/* ---- classes of addresses --------------------------------------------------- */

#define IP4(a, b, c, d) be32((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

n64_inline bool addr4_is_multicast(__be32 a)
{
	return prefix4_contains(IP4(224, 0, 0, 0), 4, a);
}

/* 224.0.0.0/24: never forwarded (MC-03). */
n64_inline bool addr4_is_local_multicast(__be32 a)
{
	return prefix4_contains(IP4(224, 0, 0, 0), 24, a);
}

/* ADR-20: no host sends from here. Directed broadcasts: POL_BCAST. */
n64_inline bool src4_is_illegal(__be32 a)
{
	return prefix4_contains(IP4(0, 0, 0, 0), 8, a) ||
	       prefix4_contains(IP4(127, 0, 0, 0), 8, a) ||
	       prefix4_contains(IP4(224, 0, 0, 0), 3, a) ||
	       prefix4_contains(IP4(169, 254, 0, 0), 16, a);
}

/* ADR-24 without the multicast part, which MC-01 may allow. */
n64_inline bool dst4_is_illegal(__be32 a)
{
	return prefix4_contains(IP4(0, 0, 0, 0), 8, a) ||
	       prefix4_contains(IP4(127, 0, 0, 0), 8, a) ||
	       prefix4_contains(IP4(240, 0, 0, 0), 4, a);
}

/* ADR-21: ::, ::1, ff00::/8, fe80::/10, ::ffff:0:0/96. */
n64_inline bool src6_is_illegal(const struct addr6 *a)
{
	__u32 w0 = host32(a->w[0]);

	if (likely(w0 >> 29 == 1))
		return false; /* 2000::/3 */
	if (!(a->w[0] | a->w[1] | a->w[2]))
		return !a->w[3] || a->w[3] == be32(1);
	if (!(a->w[0] | a->w[1]) && a->w[2] == be32(0xffff))
		return true;
	return w0 >> 24 == 0xff || w0 >> 22 == 0xfe80 >> 6;
}

n64_inline bool addr6_is_multicast(const struct addr6 *a)
{
	return (a->w[0] & be32(0xff000000)) == be32(0xff000000);
}

/* L2-04 (RFC 1112 6.4, RFC 2464 7): the Ethernet address of a group. */
n64_inline void group_mac4(__be32 group, __u8 mac[MAC_LEN])
{
	const __u8 m[MAC_LEN] = { 0x01, 0x00, 0x5e, host32(group) >> 16 & 0x7f,
				  (__u8)(host32(group) >> 8), (__u8)host32(group) };

	__builtin_memcpy(mac, m, MAC_LEN);
}

n64_inline void group_mac6(const struct addr6 *group, __u8 mac[MAC_LEN])
{
	__be32 low = group->w[3];

	mac[0] = 0x33;
	mac[1] = 0x33;
	__builtin_memcpy(mac + 2, &low, sizeof(low));
}

/* ADR-04: may not be carried by the well-known prefix (RFC 6052 3.1). */
n64_inline bool addr4_is_nonglobal(__be32 a)
{
	__u32 h = host32(a);

	switch (h >> 24) {
	case 0:
	case 10:
	case 127:
		return true;
	case 100:
		return h >> 22 == (100u << 24 | 64 << 16) >> 22;
	case 169:
		return h >> 16 == (169u << 8 | 254);
	case 172:
		return h >> 20 == (172u << 24 | 16 << 16) >> 20;
	case 192:
		if (h >> 8 == (192u << 16 | 0 << 8 | 0))
			return h != (192u << 24 | 9) && h != (192u << 24 | 10);
		return h >> 8 == (192u << 16 | 0 << 8 | 2) ||
		       h >> 8 == (192u << 16 | 88 << 8 | 99) || h >> 16 == (192u << 8 | 168);
	case 198:
		return h >> 17 == (198u << 24 | 18 << 16) >> 17 ||
		       h >> 8 == (198u << 16 | 51 << 8 | 100);
	case 203:
		return h >> 8 == (203u << 16 | 0 << 8 | 113);
	default:
		return h >> 28 >= 14;
	}
}

/* Does any rule about addresses alone forbid it, as a source or as a destination (ADR-20,
 * ADR-24, MC-01; `wkp`: ADR-04 as well)? */
n64_inline bool addr4_is_ruled(__be32 a, bool wkp)
{
	return src4_is_illegal(a) || dst4_is_illegal(a) || addr4_is_multicast(a) ||
	       (wkp && addr4_is_nonglobal(a));
}

#endif
