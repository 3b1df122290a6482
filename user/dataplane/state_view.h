/* SPDX-License-Identifier: GPL-2.0-only */
/* The mapping state of an attached instance as commands read it: the pinned maps in
 * memory, looked at while the programs write them, without a lock and without a system
 * call for each entry. Changes are asked for by the program n64_state (struct n64_call). */
#ifndef N64_STATE_VIEW_H
#define N64_STATE_VIEW_H

#include "report.h"
#include "state_filter.h"

struct state_map {
	const void *mem;
	size_t bytes;
	__u32 n;		/* entries */
};

struct state_view {
	struct n64_conf conf;	/* of policy.bin: timers, prefixes */
	int prog;		/* n64_state */
	int bindings, rows;	/* outer maps */
	struct state_map slots, sessions, bib6;
	struct state_map row[N64_MAX_ROWS]; /* of bindings, when they are needed */
	__u32 now;		/* second of the state clock, when opened */
};

/* Opens the state of instance `name`; NULL: the only one. -ENOTSUP: the mode of this
 * instance keeps none. Free with state_view_close. The name goes to `chosen`. */
int state_view_open(struct state_view **v, const char *name, char chosen[N64_NAME_MAX + 1],
		    struct config_error *err);
void state_view_close(struct state_view *v);

/* Asks n64_state. 0 or -errno. */
int state_ask(const struct state_view *v, struct n64_call *call);

/* The 65536 bindings of a row, NULL: there are none. */
const struct n64_binding *state_row(struct state_view *v, __u32 row);
/* No mapping at all in this row? */
bool state_row_is_empty(const struct state_view *v, __u32 row);

/* ---- reading ------------------------------------------------------------------ */

/* Calls `fn` with each mapping (session) that the filter means; another value than 0
 * ends the walk and is returned. Entries that change while they are read are left out:
 * they have just come or gone. */
typedef int (*mapping_fn)(const struct mapping_info *m, void *ctx);
typedef int (*session_fn)(const struct session_info *s, void *ctx);
int state_mappings(struct state_view *v, const struct state_filter *f, mapping_fn fn, void *ctx);
int state_sessions(struct state_view *v, const struct state_filter *f, session_fn fn, void *ctx);

/* Slot of a pool address that has ports of `proto` (N_ST_PROTOS: of any), or -1. */
int state_slot(const struct state_view *v, __be32 addr4, enum st_proto proto);
/* What is known of one pool address and port (host order), also when it is free now.
 * False: the address is not in the pool, or the entry is being made just now. */
bool state_mapping_at(struct state_view *v, enum st_proto proto, __be32 addr4, __u16 port,
		      struct mapping_info *m);

/* Mode dynamic: may hosts get this address, by the pool and by DYN-05? 0 or -errno. */
int state_host_free(const struct state_view *v, __be32 addr4, bool *may);

/* ---- changing ------------------------------------------------------------------ */

/* Ends what was read, unless it has changed since: 1: done, 0: it was gone, or -errno. */
int state_mapping_end(const struct state_view *v, const struct mapping_info *m);
int state_session_end(const struct state_view *v, const struct session_info *s);

#endif
