/* SPDX-License-Identifier: GPL-2.0-only */
/* The static mappings of the configuration (ST-04) in the state. Those that an
 * operator adds by command are not touched: state.json knows which are ours. */
#ifndef N64_STATICS_H
#define N64_STATICS_H

#include "journal.h"
#include "pool.h"

struct statics_change {
	struct static_entry *removed, *added; /* what was done */
	size_t n_removed, n_added;
};

/* Brings them in line with `c`, in the state and in the journal (not saved). All or
 * nothing: a conflict with another mapping is refused by its name, or with `force`
 * ends that one. */
int statics_apply(const struct pool_maps *m, struct state *s, const struct config *c, bool force,
		  struct statics_change *done, struct config_error *err);
/* Takes statics_apply back in the state, and frees `done`; the journal on disk is still
 * the old one. */
void statics_revert(const struct pool_maps *m, struct statics_change *done);
void statics_free(struct statics_change *done);

#endif
