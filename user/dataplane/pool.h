/* SPDX-License-Identifier: GPL-2.0-only */
/* The pool addresses of a running instance in mode stateful: their slots, the inner
 * maps that hold their mappings, and which ports they may give out (PORT-10). The
 * state itself is changed by the program n64_state alone. */
#ifndef N64_DATAPLANE_POOL_H
#define N64_DATAPLANE_POOL_H

#include "config/policy.h"
#include "port_set.h"
#include "ports.h"

/* Descriptors of the maps and of the program n64_state; -1: not open. */
struct pool_maps {
	int bindings, rows, blocks, slots, state, call;
};

/* Opens the pins of an instance (root). 0 or -errno, with nothing open. */
int pool_maps_open(struct pool_maps *m, const struct instance_paths *p);
void pool_maps_close(struct pool_maps *m);

/* Asks n64_state; the answer stands in `call`. 0 or -errno. */
int pool_call(int prog, struct n64_call *call);

/* Reads the inner map of a row (root). -ENOENT: there is none. */
int pool_row_read(const struct pool_maps *m, __u32 row, struct n64_row *out);
int pool_binding_read(const struct pool_maps *m, __u32 row, __u32 port,
		      struct n64_binding *out);
int pool_slots_read(const struct pool_maps *m, struct n64_slot slot[N64_MAX_SLOTS]);
int pool_state_read(const struct pool_maps *m, struct n64_state *out);

/* What a change of the pool follows from. */
struct pool_plan {
	const struct config *c;
	const struct links *links;
	const struct ports *ports;
	const struct n64_slot *before;	/* N64_MAX_SLOTS; all zero at attach */
	const struct n64_slot *after;	/* those of the new programs */
};

/* Memory for what is new in the plan can be had? 0, or -ENOMEM with the numbers. */
int pool_memory_check(const struct pool_plan *plan, struct config_error *err);

/* The first half, before the programs are swapped in: memory for what is new, with
 * its ports, which the old programs do not know. On error nothing is left of it. */
int pool_prepare(const struct pool_maps *m, const struct pool_plan *plan,
		 struct config_error *err);
/* Takes pool_prepare back. */
void pool_unprepare(const struct pool_maps *m, const struct pool_plan *plan);
/* The second half, when the new programs run: the ports of addresses that stay, and
 * the beginning of draining. 0 or -errno. */
int pool_finish(const struct pool_maps *m, const struct pool_plan *plan);

/* Ends at once the mappings of what is in the pool no more (PORT-10, --now). Static
 * entries on addresses that stay are kept. Returns how many, or -errno. */
long pool_flush_removed(const struct pool_maps *m, const struct pool_plan *plan);

/* Frees at most `most` slots that drain and have no mapping left; sweeps them first. Needs
 * no privileges but the descriptors `bindings`, `rows`, `blocks`, `slots` and `call`. The
 * kernel waits some 10 ms for each of the seven maps of a slot. Returns how many were
 * freed. */
int pool_collect(const struct pool_maps *m, int most);

/* Network and broadcast address of a subnet on a port: never allocated (PORT-11). */
bool pool_is_subnet_edge(const struct links *l, const struct ports *p, __be32 addr);
/* Says which addresses of the pool are such, and which are the host's own. */
void pool_warn(const struct config *c, const struct links *l, const struct ports *p, say_fn say);

#endif
