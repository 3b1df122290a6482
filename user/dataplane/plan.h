/* SPDX-License-Identifier: GPL-2.0-only */
/* A configuration on this host: everything that the programs and the worker are
 * given, before any of it is put in place. */
#ifndef N64_PLAN_H
#define N64_PLAN_H

#include "links.h"
#include "pair.h"
#include "ports.h"

/* Compiles the policy with what only the host knows: the pair, the kernel's
 * features, VLAN devices, directed broadcasts. `before`: the configuration that
 * runs, whose key and probed features are kept; NULL at attach. */
int plan_make(const struct config *c, const struct links *l, const struct ports *ports,
	      const struct pair *pair, const struct n64_conf *before, struct policy *pol,
	      struct config_error *err);

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
