/* SPDX-License-Identifier: GPL-2.0-only */
/* Stateless entries in mode stateful (MIX-01): what belongs to one goes the path of
 * path_siit.h. Without entries nothing of this exists after the verifier. */
#ifndef N64_XDP_PATH_STATELESS_H
#define N64_XDP_PATH_STATELESS_H

#include "path_siit.h"
#include "state_maps.h"
#include "stateless.h"

/* MIX-03: the entry whose host the packet went to that an ICMPv6 error quotes. Walks *p. */
static __always_inline __u32 quoted_entry(struct xdp_md *ctx, const struct n64_env *env,
					  struct pkt *p)
{
	__u32 off = quoted_offset(ctx, p), entry;
	struct addr6 dst;
	__u8 version;

	if (!off || bpf_xdp_load_bytes(ctx, off, &version, sizeof(version)) || version >> 4 != 6 ||
	    bpf_xdp_load_bytes(ctx, off + offsetof(struct ip6_hdr, dst), &dst, sizeof(dst)))
		return 0;
	entry = stateless_host(env, &dst);
	return entry && stateless_peer(env, entry, &p->dst6) ? entry : 0;
}

/* The entry that the packet belongs to, 0: it follows the mode. *p is as it was. */
N64_ONCE __u32 find_entry(struct xdp_md *ctx, const struct n64_port *port, struct pkt *p)
{
	const struct n64_env env = {.conf = conf_get()};
	const struct ip6_hdr *ip6;
	const struct ip4_hdr *ip4;
	__u32 entry = 0;

	if (!port || !p)
		return 0; /* cannot be */
	ip6 = ip_of(ctx, p);
	ip4 = ip_of(ctx, p);
	if (p->fam == FAM_4)
		return (const void *)(ip4 + 1) > frame_end(ctx) ? 0 :
			       stateless_entry4(&env, ip4->dst);
	if (!parse_ip6(ip6, frame_end(ctx), p))
		return 0;
	entry = stateless_entry6(&env, &p->src6, &p->dst6);
	if (!entry && (p->proto == P_ICMP6 || ext6_is_skipped(p->proto)))
		entry = quoted_entry(ctx, &env, p);
	__builtin_memset(p, 0, sizeof(*p));
	return enter(ctx, env.conf, port, p) ? 0 : entry;
}

/* In two functions, because the verifier adds up the stacks of nested ones: what the packet
 * becomes stands in the scene between them. */
N64_ONCE int judge6_entry(struct xdp_md *ctx, const struct n64_port *port, struct pkt *p,
			  struct scene *s, __u32 entry)
{
	const struct n64_env env = {.conf = conf_get(), .entry = entry};
	struct xlat x = {};
	enum reason r = port && p && s ? judge6_siit(ctx, &env, port, p, &x) : R_internal;

	if (!r)
		s->x = x;
	return r;
}

N64_ONCE int judge4_entry(struct xdp_md *ctx, const struct n64_port *port, struct pkt *p,
			  struct scene *s, __u32 entry)
{
	const struct n64_env env = {.conf = conf_get(), .entry = entry};
	struct xlat x = {};
	enum reason r = port && p && s ? judge4_siit(ctx, &env, port, p, &x) : R_internal;

	if (!r)
		s->x = x;
	return r;
}

static __attribute__((noinline)) int send6_entry(struct xdp_md *ctx, const struct n64_port *port,
						 struct pkt *p, struct scene *s, int *action)
{
	return s ? send6_siit(ctx, port, p, &s->x, action) : R_internal;
}

static __attribute__((noinline)) int send4_entry(struct xdp_md *ctx, const struct n64_port *port,
						 struct pkt *p, struct scene *s, int *action)
{
	return s ? send4_siit(ctx, port, p, &s->x, action) : R_internal;
}

static __always_inline enum reason path_entry(struct xdp_md *ctx, const struct n64_port *port,
					      struct pkt *p, struct scene *s, __u32 entry,
					      int *action)
{
	enum reason r = p->fam == FAM_6 ? judge6_entry(ctx, port, p, s, entry) :
					  judge4_entry(ctx, port, p, s, entry);

	if (r)
		return r;
	return p->fam == FAM_6 ? send6_entry(ctx, port, p, s, action) :
				 send4_entry(ctx, port, p, s, action);
}

#endif
