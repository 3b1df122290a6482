/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode dynamic: the mapping of a new host (DYN-06). One that comes back gets the address
 * that it had, as long as its entry in bib6 was not taken for another host, and the
 * address not given to one (DYN-04). */
#ifndef N64_HOST_H
#define N64_HOST_H

#include "dynamic.h"
#include "state_look.h"

struct host_walk {
	struct st_key k;
	int place;	/* of the entry that the host had, TAB_NONE */
	__u32 dist;	/* in lines, from its home */
};

/* An entry that is free: whose was it? */
n64_inline bool host_was(struct host_walk *x, __u32 place)
{
	const struct n64_bib6 *e = mem_bib6(place);
	__u64 ctl = e ? st_load(&e->ctl) : 0;

	return e && ctl_state(ctl) == CTL_FREE && (ctl_row(ctl) & 3) == ST_HOST &&
	       addr6_equal(&e->host6, &x->k.a);
}

static long host_step(__u32 d, void *arg)
{
	struct host_walk *x = arg;
	__u32 place = tab_place(st_conf(), TAB_BIB6, &x->k, d, 0);

	x->dist = d;
	if (host_was(x, place))
		x->place = (int)place;
	else if (host_was(x, tab_beside(place)))
		x->place = (int)tab_beside(place);
	return x->place != TAB_NONE;
}

/* Claims the entry that w->q.host6 had before, w->expired: the index of its binding + 1, or
 * as bib6_put does. */
ST_FAR int host_put(struct st_work *w)
{
	struct host_walk x = {};
	struct n64_bib6 *e;
	__be16 port;

	if (!w)
		return TAB_BUSY;
	x.k = key_bib6(st_conf(), ST_HOST, &w->q.host6, w->q.port6);
	x.place = TAB_NONE;
	st_loop(tab_reach(st_conf(), TAB_BIB6, &x.k) + 1, host_step, &x);
	w->put.t = TAB_BIB6;
	w->put.now = w->now;
	w->put.k = x.k;
	w->expired = 0;
	e = x.place < 0 ? NULL : mem_bib6((__u32)x.place);
	port = e ? e->port4 : 0;
	tab_put_begin(&w->put);
	w->put.dist = x.dist;
	if (!e || !tab_take(&w->put, TAB_BIB6, (__u32)x.place))
		return tab_put(&w->put, TAB_BIB6);
	w->expired = binding_index(ctl_row(w->put.was), host16(port)) + 1;
	return tab_put_settle(&w->put, TAB_BIB6);
}

/* Claims the address that it had. Its index, or -1. */
n64_inline int host_return(struct st_work *w)
{
	__u32 index = w->expired - 1;
	const struct n64_binding *b = w->expired ? mem_binding(index) : NULL;

	if (!b || !addr6_equal(&b->host6, &w->q.host6) ||
	    port_wish(w, index >> 16, index_port(index)) < 0)
		return -1;
	return (int)index;
}

/* An address of the pool that is free or has expired, from the keyed one on. */
n64_inline int host_alloc(struct st_work *w)
{
	int slot, port;

	n64_no_unroll
	for (int i = 0; i < 4; i++) {
		slot = slot_choose(w);
		if (slot < 0)
			return -1;
		port = port_alloc_or_sweep(w, row_of((__u32)slot, ST_HOST));
		if (port >= 0)
			return (int)binding_index(row_of((__u32)slot, ST_HOST), (__u16)port);
	}
	return -1;
}

/* Makes the mapping of w->q.host6, which state_look6 did not find, or finds the one that
 * another CPU has just made. */
ST_FAR int host_make(struct st_work *w)
{
	const struct n64_conf *c = st_conf();
	struct n64_bib6 *e;
	int index;

	if (!w)
		return R_state_busy;
	if (w->expired)
		binding_reclaim(w->expired - 1, w->now);
	if (!all_enter(c, ST_HOST))
		return R_table_full;
	w->place = host_put(w);
	if (w->place < 0 || !w->put.claimed) {
		all_leave(ST_HOST);
		if (w->place >= 0)
			return state_look6(w) ? R_GO_ON : R_state_busy;
		return w->place == TAB_FULL ? R_table_full : R_state_busy;
	}
	index = host_return(w);
	if (index < 0)
		index = host_alloc(w);
	if (index < 0) {
		e = mem_bib6((__u32)w->place);
		if (e) /* as it was: it may remember the host's address */
			st_store(&e->ctl, ctl_state(w->put.was) == CTL_FREE ? w->put.was :
									      CTL_FREE);
		all_leave(ST_HOST);
		return R_pool_full;
	}
	state_publish(w, (__u32)index, 0, c->st.policy_gen, w->now + c->opt.dyn_timeout);
	work_reclaim(w); /* what had expired where it was looked at */
	return R_GO_ON;
}

#endif
