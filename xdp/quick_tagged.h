/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way of a frame that comes with VLAN tags: they are taken off, and it goes as one that
 * came in by the VLAN's device without. A program of its own (WAY_TAGGED), loaded where there are
 * such devices. In mode stateful it goes on without them to where mappings are made, as others do;
 * what the long way is to judge gets them back. */
#ifndef N64_XDP_QUICK_TAGGED_H
#define N64_XDP_QUICK_TAGGED_H

#include "quick_dynamic.h"
#include "quick_siit.h"
#include "quick_stateful.h"
#include "tags.h"

/* The short way of a mode. */
typedef bool (*quick_way)(struct xdp_md *, struct quick *, const struct n64_port *, int *);

/* The packet without its tags, which are in map whence from here on; the L3 device that they stand
 * for and the row of map ports are with it. NULL: none that is known, and it was not touched. */
static __always_inline const struct n64_port *tagged_begin(struct xdp_md *ctx, struct quick *f)
{
	struct n64_whence *w = whence_get();
	const struct n64_port *port;
	struct tags t;
	__u32 slot;

	if (!w)
		return NULL; /* cannot be */
	slot = w->role.slot & (N64_SLOTS - 1);
	port = bpf_map_lookup_elem(&ports, &slot);
	f->device = port ? tags_off(ctx, &t) : 0;
	if (!f->device)
		return NULL;
	w->n_tags = t.n;
	w->tag[0] = t.word[0];
	w->tag[1] = t.word[1];
	w->device = f->device;
	f->slot = slot;
	f->at = frame_start(ctx);
	f->end = frame_end(ctx);
	return port;
}

/* The program of a mode in which no packet needs more than the short way of its own. */
static __always_inline int tagged(struct xdp_md *ctx, quick_way way)
{
	struct quick f = {};
	const struct n64_port *port = tagged_begin(ctx, &f);
	int action = XDP_DROP;

	if (port && way(ctx, &f, port, &action))
		return action;
	return whence_long(ctx);
}

#endif
