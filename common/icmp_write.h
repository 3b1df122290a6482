/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing an ICMP error, translated or our own, around a payload that already
 * stands in place: checksum over the final message (ICMP-CK-03), then the header
 * in front of it. And where its source address comes from when the packet has
 * none to offer (SRC-02, SRC-04, GERR-23). */
#ifndef N64_ICMP_WRITE_H
#define N64_ICMP_WRITE_H

#include "ipid.h"
#include "slow_job.h"

/* The shell's half: an address of the RFC 6791 pools for a keyed hash of the one
 * that it stands for; false: the pool is empty. See user/config/policy.h. */
n64_inline bool env_pool6791v4(const struct n64_env *env, __u64 hash, __be32 *out);
n64_inline bool env_pool6791v6(const struct n64_env *env, __u64 hash, struct addr6 *out);

/* IN-13, GERR-22: what an ICMP message of the family may carry behind its eight
 * bytes. */
#define ICMP4_ROOM (576 - IP4_LEN - ICMP_LEN)
#define ICMP6_ROOM (1280 - IP6_LEN - ICMP_LEN)

struct icmp_message {
	__u8 tos, ttl;
	__u8 type, code;
	__u8 word[4];		/* second word, wire order */
	__u32 payload;		/* bytes */
	__u32 emit_flags;	/* enum slow_emit_flags */
};

static inline __u8 *icmp_payload(const struct slow_job *j, enum ip_family fam)
{
	return j->out + (fam == FAM_4 ? IP4_LEN : IP6_LEN) + ICMP_LEN;
}

/* The eight bytes at `at`; `sum` is that of a pseudo-header. */
static inline void icmp_header(__u8 *at, const struct icmp_message *m, __u64 sum)
{
	struct icmp_hdr h = { .type = m->type, .code = m->code };

	__builtin_memcpy(h.b, m->word, sizeof(h.b));
	__builtin_memcpy(at, &h, sizeof(h));
	h.csum = csum_finish(sum + csum_bytes(at, ICMP_LEN + m->payload));
	__builtin_memcpy(at, &h, sizeof(h));
}

static inline void icmp_send4(const struct slow_job *j, const struct icmp_message *m, __be32 src,
			      __be32 dst)
{
	struct ip4_hdr ip = {
		.ver_ihl = 0x45,
		.tos = m->tos,
		.len = be16(IP4_LEN + ICMP_LEN + m->payload),
		.id = j->ops->ip_id(j->ops->ctx, src, dst, P_ICMP4, false),
		.ttl = m->ttl,
		.proto = P_ICMP4,
		.src = src,
		.dst = dst,
	};

	ip.csum = csum_ip4(&ip);
	__builtin_memcpy(j->out, &ip, sizeof(ip));
	icmp_header(j->out + IP4_LEN, m, 0);
	j->ops->emit(j->ops->ctx, j->out, IP4_LEN + ICMP_LEN + m->payload, m->emit_flags);
}

static inline void icmp_send6(const struct slow_job *j, const struct icmp_message *m,
			      const struct addr6 *src, const struct addr6 *dst)
{
	struct ip6_hdr ip = {
		.ver_tc_flow = be32(6u << 28 | (__u32)m->tos << 20),
		.plen = be16(ICMP_LEN + m->payload),
		.nexthdr = P_ICMP6,
		.hlim = m->ttl,
		.src = *src,
		.dst = *dst,
	};

	__builtin_memcpy(j->out, &ip, sizeof(ip));
	icmp_header(j->out + IP6_LEN, m, csum_pseudo6(src, dst, P_ICMP6, ICMP_LEN + m->payload));
	j->ops->emit(j->ops->ctx, j->out, IP6_LEN + ICMP_LEN + m->payload, m->emit_flags);
}

/* ---- sources ---------------------------------------------------------------------------- */

/* SRC-02: an IPv4 address for a router that has none, always the same. */
static inline bool icmp_stand_in4(const struct slow_job *j, __be32 dst, __be32 *out)
{
	const __u64 *key = j->env->conf->key;
	const struct addr6 *a = &j->p.src6, to = { { dst } };
	const __u64 inner[2] = { ipid_hash(key, a->w[0], a->w[1]), key[1] };
	struct addr6 own;

	if (env_pool6791v4(j->env, ipid_hash(inner, a->w[2], a->w[3]), out))
		return true;
	if (!j->ops->error_src(j->ops->ctx, FAM_4, &to, j->in->ifindex, &own))
		return false;
	*out = own.w[0];
	return true;
}

/* SRC-04: an IPv6 address for a router whose own may not be used. */
static inline bool icmp_stand_in6(const struct slow_job *j, __be32 hidden,
				  const struct addr6 *dst, struct addr6 *out)
{
	if (env_pool6791v6(j->env, ipid_hash(j->env->conf->key, hidden, 0), out))
		return true;
	return j->ops->error_src(j->ops->ctx, FAM_6, dst, j->in->ifindex, out);
}

#endif
