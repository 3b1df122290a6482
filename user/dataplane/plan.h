/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration on this host: everything that the programs and the worker are
 * given, before any of it is put in place. */
#ifndef N64_PLAN_H
#define N64_PLAN_H

#include "links.h"
#include "pair.h"
#include "ports.h"

/* What runs and is kept by a reload: the configuration with its keys, probed features
 * and sizes of tables, and in mode stateful the slots of the pool. */
struct plan_before {
	const struct n64_conf *conf;
	const struct n64_slot *slot;	/* N64_MAX_SLOTS */
};

/* Compiles the policy with what only the host knows: the pair, the kernel's
 * features, VLAN devices, directed broadcasts, its own addresses. `before`: NULL at
 * attach. */
int plan_make(const struct config *c, const struct links *l, const struct ports *ports,
	      const struct pair *pair, const struct plan_before *before, struct policy *pol,
	      say_fn say, struct config_error *err);

/* Its parts in mode stateful: conf.st, and the slots and tables of the pool. */
int plan_state_conf(const struct n64_conf *before, struct n64_conf *conf, say_fn say,
		    struct config_error *err);
int plan_state_pool(const struct config *c, const struct links *l, const struct n64_slot *before,
		    struct policy *pol, struct config_error *err);

/* policy.bin, readable by the worker's user. */
int plan_save(const struct policy *pol, const struct instance_paths *p,
	      struct config_error *err);

/* Signals that would end a command between two steps wait until it is done. */
void signals_hold(void);
void signals_release(void);
/* Did one come meanwhile? */
bool signals_waiting(void);
/* It has been answered: the command ends by itself, with its message. */
void signals_drop(void);

#endif
