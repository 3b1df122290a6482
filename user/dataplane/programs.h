/* SPDX-License-Identifier: GPL-2.0-only */
/* One generation of loaded programs over the maps of an instance: loaded by
 * attach over new maps, by reload over the pinned ones. */
#ifndef N64_PROGRAMS_H
#define N64_PROGRAMS_H

#include "links.h"
#include "pair.h"
#include "ports.h"

struct nat64_bpf;

struct programs {
	struct nat64_bpf *base;		/* its maps are those of the generation */
	int prog[N64_SLOTS];		/* by slot; -1: none */
	int query;			/* n64_query */
	int state;			/* n64_state; -1: not in this mode */
	int ways;			/* map ways: what all devices share (enum n64_way) */
};

/* Loads the maps, the long way, n64_query and in mode stateful n64_state. `pinned`: the maps in the
 * pin folder are used, and refused when their layout is not that of this program. The
 * maps of a generation (policy, pool) are new in any case and filled from `pol`. */
int programs_open(struct programs *g, const struct policy *pol, const struct instance_paths *p,
		  bool pinned, struct config_error *err);
/* The program of each port and of both ends of the pair. */
int programs_load(struct programs *g, const struct policy *pol, const struct ports *ports,
		  struct config_error *err);
void programs_close(struct programs *g);

/* Descriptor of a map by name; -1: there is none. */
int programs_map(const struct programs *g, const char *name);

/* Does this map belong to one generation of programs, so that it is not pinned? */
bool programs_owns_map(const char *name);

/* Pins what is not pinned yet: maps, ways, n64_query and n64_state. */
int programs_pin(struct programs *g, const struct instance_paths *p, struct config_error *err);
/* ways, n64_query and n64_state of a new generation: pinned beside the old ones before the
 * swap, then put in their place, each in one step, or taken away. */
int programs_stage(const struct programs *g, const struct instance_paths *p,
		   struct config_error *err);
int programs_adopt(const struct programs *g, const struct instance_paths *p,
		   struct config_error *err);
void programs_unstage(const struct instance_paths *p);

/* Puts the programs on their devices, the pair first, with a pinned link each. */
int programs_attach(const struct programs *g, const struct instance_paths *p,
		    const struct pair *pair, const struct ports *ports, bool skb,
		    struct nl *nl, struct config_error *err);
/* Replaces the programs behind the pinned links. On error the old ones are on
 * every device again. */
int programs_swap(const struct programs *g, const struct instance_paths *p,
		  const struct ports *ports, struct config_error *err);

/* "link_0", "link_xlat", "link_exit" */
#define LINK_NAME 16
void link_pin_name(__u32 slot, char name[LINK_NAME]);

/* ---- tables ------------------------------------------------------------- */

/* Rows of ports, egress, vlans, devmap. */
int tables_fill(const struct programs *g, const struct links *l, const struct pair *pair,
		const struct ports *ports, struct config_error *err);
/* The rows that follow from the configuration: descriptors of the maps. */
struct policy_maps {
	int pol4, pol6, pol4v, pol6v;
};
/* For rodata: which addresses no rule and no list speaks of, and which a list may have. */
struct n64_plain;
void tables_plain(const struct policy *pol, struct n64_plain *out);
int tables_fill_policy(const struct policy_maps *m, const struct policy *pol);
/* Mode stateful: which addresses are in the pool, and which new subscribers may get. */
int tables_fill_pool(int pool, int dynamic, const struct policy *pol);
/* The layout that the state of mode stateful has. */
int tables_start_state(int fd);
int tables_start_control(int fd);
/* `hz`: jiffies a second. */
int tables_start_hops(int fd, __u32 hz);
/* The control map in memory; NULL: errno says why. Opened before a swap, so that
 * raising the generation after it cannot fail. */
struct n64_control *tables_open_control(int fd);
/* policy_gen + 1, without touching what the worker writes beside it. */
void tables_raise_generation(struct n64_control *c);
void tables_close_control(struct n64_control *c);

/* ---- what the kernel can do --------------------------------------------- */

/* HAVE_SKIP_NEIGH and HAVE_XSK_SG of the running kernel. */
__u32 probe_have(void);

#endif
