/* SPDX-License-Identifier: GPL-2.0-only */
/* enum reason: how a packet leaves a stage. The list is reason.def. */
#ifndef N64_REASON_H
#define N64_REASON_H

#include "types.h"

/* Token bucket of a slow reason (GEN-02). `bulk` has no limit and a queue of
 * its own. */
enum slow_class {
	CLASS_none,
	CLASS_syn,	/* stored SYNs */
	CLASS_error,	/* answered with an ICMP error of our own */
	CLASS_mtu,	/* the same, path MTU errors: never starved by others (GERR-25) */
	CLASS_header,	/* options, extension headers */
	CLASS_icmp,	/* ICMP errors to translate */
	CLASS_bulk,
	N_CLASSES,
};

enum reason_kind {
	KIND_PASS,
	KIND_FWD,
	KIND_SLOW,
	KIND_DROP,
	KIND_ERROR,
	KIND_NOTE,
};

enum reason {
	R_GO_ON = 0, /* not a way out: the next step decides */
#define REASON(name, kind, class, text, rule) R_##name,
#include "reason.def"
#undef REASON
	N_REASONS,
};

n64_inline enum reason_kind reason_kind(enum reason r)
{
	switch (r) {
#define REASON(name, kind, class, text, rule) \
	case R_##name:                        \
		return KIND_##kind;
#include "reason.def"
#undef REASON
	default:
		return KIND_DROP;
	}
}

n64_inline enum slow_class reason_class(enum reason r)
{
	switch (r) {
#define REASON(name, kind, class, text, rule) \
	case R_##name:                        \
		return CLASS_##class;
#include "reason.def"
#undef REASON
	default:
		return CLASS_none;
	}
}

#endif
