/* SPDX-License-Identifier: GPL-2.0-only */
/* An instance on the host: programs, maps, pins, the pair, and everything that
 * attach changes and detach restores. */
#ifndef N64_DATAPLANE_H
#define N64_DATAPLANE_H

#include "config/policy.h"

/* Where an instance lives. Maps are pinned under their names from xdp/maps.h;
 * the program links as link_<slot>, `link_xlat`, `link_exit`; n64_query as
 * prog_query. */
#define N64_PIN_ROOT "/sys/fs/bpf/xdp-nat64"
#define N64_RUN_ROOT "/run/xdp-nat64"

struct instance_paths {
	char pin[128];	   /* N64_PIN_ROOT/NAME */
	char run[128];	   /* N64_RUN_ROOT/NAME: the three files below */
	char policy[160];  /* policy.bin: struct policy, for the worker; owned by its user */
	char state[160];   /* state.json: what attach did, for detach and status */
	char lock[160];	   /* worker.lock: held by the one worker, its pid inside */
	char kernel[16];   /* "nat64", else "n-NAME" */
	char xlat[16];	   /* "nat64x", else "n-NAMEx" */
};

void instance_paths(const char *name, struct instance_paths *p);

/* How a change of the host is told to the operator and undone: one line each. */
typedef void (*say_fn)(const char *text);

struct attach_opts {
	bool skb;	  /* generic XDP instead of native */
	bool no_worker;
	char *const *words; /* see struct reload_opts; may be NULL */
	say_fn say;	  /* what was done, a line each; may be NULL */
};

/* All or nothing: on error everything done is undone and *err says why in one
 * sentence. 0 or -errno. -EEXIST: this instance is attached already. */
int instance_attach(const struct config *c, const struct attach_opts *o,
		    struct config_error *err);

/* Removes exactly what attach made. Works without a worker. name NULL: the only
 * instance, else an error that lists them. */
int instance_detach(const char *name, say_fn say, struct config_error *err);

struct reload_opts {
	bool now;	  /* mode stateful: what is not in pool4 any more ends at once */
	bool force;	  /* mode stateful: static mappings win over dynamic ones (ST-04) */
	char *const *words; /* the command line that built the configuration, ended by NULL,
			     * kept for a reload without words */
	say_fn say;	  /* may be NULL */
};

/* Loads the programs again over the pinned maps with `c`, swaps them in on
 * every device, writes policy.bin, wakes the worker. An error after the swap says
 * that the new policy is in force. */
int instance_reload(const struct config *c, const struct reload_opts *o,
		    struct config_error *err);

#endif
