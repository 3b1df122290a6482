/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way of a packet of a stateless entry in mode stateful (MIX-01): that of quick_siit.h,
 * with the addresses of the entry. A program of its own (WAY_ENTRY), loaded where there are
 * entries, for what has no mapping. */
#ifndef N64_XDP_QUICK_STATELESS_H
#define N64_XDP_QUICK_STATELESS_H

#include "quick_siit.h"
#include "stateless.h"

static __always_inline bool quick6_stateless(struct xdp_md *ctx, struct quick *f,
					 __u8 proto, const struct n64_port *port, int *action)
{
	struct n64_env env = {.conf = conf_get()};

	env.entry = stateless_entry6(&env, &quick_ip6(f)->src, &quick_ip6(f)->dst);
	return env.entry && quick6_by_addr(ctx, f, proto, port, &env, false, role_slot(),
					 action);
}

static __always_inline bool quick4_stateless(struct xdp_md *ctx, struct quick *f,
					 __u8 proto, const struct n64_port *port, int *action)
{
	struct n64_env env = {.conf = conf_get()};

	env.entry = stateless_entry4(&env, quick_ip4(f)->dst);
	return env.entry && quick4_by_addr(ctx, f, proto, port, &env, false, role_slot(),
					 action);
}

/* True: the packet has left, counted, by *action; false: it was not touched. */
static __always_inline bool quick_stateless(struct xdp_md *ctx, struct quick *f,
					const struct n64_port *port, int *action)
{
	enum ip_family fam = role_kind() == ROLE_PORT ? quick_family_at(ctx, f, port) : FAM_NONE;

	if (fam == FAM_NONE)
		return false;
	return fam == FAM_6 ? QUICK_WAY6(quick6_stateless, ctx, f, port, action)
			    : QUICK_WAY4(quick4_stateless, ctx, f, port, action);
}

#endif
