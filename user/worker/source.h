/* SPDX-License-Identifier: GPL-2.0-only */
/* Which address an ICMP error comes from (GERR-23; RFC 1812 4.3.2.4, RFC 4443
 * 2.2, RFC 7600). Pure: the host's addresses are an argument. */
#ifndef N64_SOURCE_H
#define N64_SOURCE_H

#include "dataplane/links.h"

/* `oif`: device towards `dst`, 0: unknown; `hint`: source that the kernel would
 * take, zero: unknown. False: there is none (IPv6). */
bool source_pick(const struct n64_conf *conf, const struct links *l, enum ip_family fam,
		 const struct addr6 *dst, __u32 oif, const struct addr6 *hint,
		 struct addr6 *src);

#endif
