/* SPDX-License-Identifier: GPL-2.0-only */
/* The veth pair between the kernel and the translator (design, section 3). */
#ifndef N64_PAIR_H
#define N64_PAIR_H

#include "journal.h"
#include "nl.h"

#define PAIR_MAX_QUEUES 64
#define PAIR_MTU 65535

struct pair {
	__u32 kernel;	/* ifindex of nat64 */
	__u32 xlat;	/* ifindex of nat64x */
	__u32 queues;
};

/* Makes and settles both ends; not up yet. Everything goes with the devices, so
 * one record undoes it. 0 or -errno with *err. */
int pair_make(struct state *s, struct nl *nl, struct pair *pair, struct config_error *err);
/* Up, once the programs are on both ends. */
int pair_up(const struct state *s, struct nl *nl, const struct pair *pair,
	    struct config_error *err);

#endif
