/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel is told about the translated addresses: routes into the pair
 * (design, section 3) and proxy ARP inside connected prefixes (PORT-11). */
#ifndef N64_ROUTES_H
#define N64_ROUTES_H

#include "journal.h"
#include "links.h"
#include "ports.h"

/* Brings the routes to `dev` (ifindex of nat64) in line with the configuration:
 * pref64, EAM-v4 and xlat4. A prefix that the host routes elsewhere is left and
 * said. Routes go with the device, so nothing is recorded. */
int routes_sync(struct nl *nl, const struct config *c, __u32 dev, const char *name, say_fn say,
		struct config_error *err);

/* Proxy ARP entries of the ports in line with the configuration; recorded. */
int proxies_sync(struct state *s, struct nl *nl, const struct config *c, const struct links *l,
		 const struct ports *p, say_fn say, struct config_error *err);
/* Entries of the journal on `dev` that the kernel does not hold any more: it drops
 * them when the link goes down. */
unsigned int proxies_missing(const struct state *s, struct nl *nl, __u32 dev);

/* Says what will not work as it looks: a pref64 inside a connected prefix, an
 * address of the host inside a translated one. */
void routes_warn(const struct config *c, const struct links *l, const struct ports *p,
		 say_fn say);

/* Translated IPv4 prefixes: EAM-v4 and xlat4, sorted, without repetitions. The
 * caller frees *v. */
int translated4(const struct config *c, struct prefix4 **v, size_t *n);

bool prefix4_covers(const struct prefix4 *outer, __be32 addr, unsigned int len);
bool prefix6_covers(const struct prefix6 *outer, const struct addr6 *addr, unsigned int len);

#endif
