/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4 options (RFC 791 3.1, RFC 7915 4.1): none is translated; an unfinished
 * source route is answered, a malformed option is not believed. */
#ifndef N64_OPT4_H
#define N64_OPT4_H

#include "reason.h"
#include "types.h"

enum opt4_kind { OPT4_END = 0, OPT4_NOP = 1, OPT4_LSRR = 131, OPT4_SSRR = 137 };

/* R_bad_opt4 (X-4TO6-07); R_source_route for a loose or strict source route with
 * pointer <= length (X-4TO6-08); else R_GO_ON. `len` is 4*IHL - 20. */
static inline enum reason opt4_walk(const __u8 *opt, __u32 len)
{
	enum reason found = R_GO_ON;
	__u32 i = 0;

	while (i < len && opt[i] != OPT4_END) {
		__u32 n;

		if (opt[i] == OPT4_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len)
			return R_bad_opt4;
		n = opt[i + 1];
		if (n < 2 || n > len - i)
			return R_bad_opt4;
		if (opt[i] == OPT4_LSRR || opt[i] == OPT4_SSRR) {
			if (n < 3)
				return R_bad_opt4;
			if (opt[i + 2] <= n)
				found = R_source_route;
		}
		i += n;
	}
	return found;
}

#endif
