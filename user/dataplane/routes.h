/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel is told about the translated addresses: routes into the pair
 * (design, section 3) and proxy ARP inside connected prefixes (PORT-11). */
#ifndef N64_ROUTES_H
#define N64_ROUTES_H

#include "instance.h"

/* Brings the routes to nat64 in line with the configuration: pref64, EAM-v4, xlat4,
 * pool4 and static addresses. `slot`: those of the pool, for addresses that drain; NULL
 * in the other modes. A prefix that the host routes elsewhere is left and said. Routes
 * go with the device, so nothing is recorded. */
int routes_sync(struct attachment *a, const struct config *c, const struct n64_slot *slot,
		say_fn say, struct config_error *err);

/* Proxy ARP entries of the ports in line with the configuration; recorded. */
int proxies_sync(struct attachment *a, const struct config *c, const struct n64_slot *slot,
		 say_fn say, struct config_error *err);
/* Entries of the journal on `dev` that the kernel does not hold any more: it drops
 * them when the link goes down. */
unsigned int proxies_missing(const struct state *s, struct nl *nl, __u32 dev);

/* Says what will not work as it looks: a pref64 inside a connected prefix, an
 * address of the host inside a translated one. */
void routes_warn(const struct config *c, const struct links *l, const struct ports *p,
		 say_fn say);

/* Translated IPv4 prefixes: EAM-v4, xlat4, and of the pool pool4, static addresses and
 * those that drain (`slot`; may be NULL); sorted, without repetitions. A pool address
 * that is the host's own (`l`) is left out. The caller frees *v. */
int translated4(const struct config *c, const struct links *l, const struct n64_slot *slot,
		struct prefix4 **v, size_t *n);

bool prefix4_covers(const struct prefix4 *outer, __be32 addr, unsigned int len);
bool prefix6_covers(const struct prefix6 *outer, const struct addr6 *addr, unsigned int len);

#endif
