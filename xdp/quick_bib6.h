/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way in the modes with mappings, 6->4: the entry of map bib6 that is a host's and its
 * port's, found as table.h says, but only where most of them lie. */
#ifndef N64_XDP_QUICK_BIB6_H
#define N64_XDP_QUICK_BIB6_H

#include "quick.h"
#include "state.h"
#include "state_world.h"

/* The side of a flow that the tables know, as it stands in the frame: it is read where it is
 * needed, and not kept. */
struct quick_host {
	const struct addr6 *addr;
	const __be16 *port;
	enum st_proto proto;
	bool whole;		/* all its ports (mode dynamic) */
};

static __always_inline __be16 quick_host_port(const struct quick_host *h)
{
	return h->whole ? 0 : *h->port;
}

/* The entry at a place if it is the active one of the host, and its control word. One that is free
 * may remember the host, too. */
static __always_inline struct n64_bib6 *quick_entry(struct quick *f, __u32 place,
						    const struct quick_host *h, __u64 *ctl)
{
	struct n64_bib6 *e = mem_bib6(place), *keep = e;

	asm volatile("" : "+r"(keep)); /* so that e itself is in a register while it is read */
	if (!e)
		return NULL;
	f->place = (__s32)place;
	*ctl = st_load(&e->ctl);
	return likely(bib6_is(e, *ctl, h->proto, h->addr, quick_host_port(h))) ? keep : NULL;
}

/* The same in a line, of which this place is looked at first. */
static __always_inline struct n64_bib6 *quick_line(struct quick *f, __u32 place,
						   const struct quick_host *h, __u64 *ctl)
{
	struct n64_bib6 *e = quick_entry(f, place, h, ctl);

	return likely(e) ? e : quick_entry(f, tab_beside(place), h, ctl);
}

/* Where line `d` (2 or 3) of those that a key may lie in is looked at first. */
N64_ONCE __u32 quick_far_place(__u64 lo, __u64 hi, __u32 port, __u32 d)
{
	const struct addr6 host = {{(__u32)lo, lo >> 32, (__u32)hi, hi >> 32}};
	const struct n64_conf *c = conf_get();
	struct st_key k = key_bib6(c, (enum st_proto)(port >> 16 & 3), &host, (__be16)port);

	return tab_place(c, TAB_BIB6, &k, d, 0);
}

/* How many lines behind this one, its home, may a key lie? */
static __always_inline __u32 quick_reach(const struct n64_conf *c, __u32 home)
{
	const __u64 *w = tab_reach_word(c, TAB_BIB6, home);

	return w ? tab_reach_byte(st_load(w), home) : ~0u;
}

/* In its home line, or one of the three that come next: those that lie farther are few. */
#define QUICK_LINES 4
static __always_inline struct n64_bib6 *quick_bib6(const struct n64_conf *c, struct quick *f,
						   const struct quick_host *h, __u64 *ctl)
{
	__u32 near = key_near(key_hash_addr(c, h->addr), h->proto, quick_host_port(h));
	__u32 mask = 2 * tab_lines(c, TAB_BIB6) - 1, place, reach;
	struct n64_bib6 *e = quick_line(f, near & mask, h, ctl);

	if (likely(e))
		return e;
	reach = quick_reach(c, (near & mask) >> 1);
	n64_no_unroll
	for (__u32 d = 1; d <= QUICK_LINES && !e; d++) {
		if (d > reach) {
			f->found = FOUND_ABSENT;
			break;
		}
		if (d == QUICK_LINES)
			break; /* it may lie farther */
		place = d < TAB_NEAR ? tab_near_place(near, d) & mask :
				       quick_far_place(addr6_half(h->addr, 0),
						       addr6_half(h->addr, 1),
						       (__u32)h->proto << 16 | quick_host_port(h),
						       d);
		e = quick_line(f, place, h, ctl);
	}
	return e;
}

#endif
