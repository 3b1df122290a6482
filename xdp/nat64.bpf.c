// SPDX-License-Identifier: GPL-2.0-only
/* The programs of the data plane. On every port, and on nat64x, where the kernel routes
 * packets to us, one program for both directions by mode: n64_port, n64_stateful or
 * n64_dynamic. It is the short way (quick.h), and small; what is not for that it leaves to
 * the long way of its mode (path_siit.h, path_stateful.h, path_dynamic.h), which is loaded
 * once for all devices, as are n64_stateful_new, which makes mappings (quick_new.h), and the short
 * ways of stateless entries and of frames with tags (quick_stateless.h, quick_tagged.h). n64_exit
 * is the kernel's end of the pair; n64_query and n64_state answer user space. */

#include "bpf.h"
#include "call.h"
#include "path_dynamic.h"
#include "path_siit.h"
#include "path_stateful.h"
#include "path_stateless.h"
#include "quick_stateless.h"
#include "query.h"
#include "quick_dynamic.h"
#include "quick_new.h"
#include "quick_siit.h"
#include "quick_stateful.h"
#include "quick_tagged.h"

char LICENSE[] SEC("license") = "GPL";

#ifdef N64_MICRO
#include "micro.h"
#endif

/* The action that goes with a reason; *r changes where the hand-over fails or nat64x has
 * another word for it. */
static __always_inline int leave(struct xdp_md *ctx, const struct pkt *p, enum reason *r,
				 int action)
{
	if (reason_kind(*r) == KIND_SLOW)
		return to_slow(ctx, p, r);
	if (reason_kind(*r) == KIND_PASS) {
		if (role_kind() != ROLE_XLAT)
			return XDP_PASS;
		*r = pair_refusal(p);
		return XDP_DROP;
	}
	if (reason_kind(*r) == KIND_FWD && unlikely(action == XDP_ABORTED)) {
		*r = R_internal; /* a device of ours that is not in the devmap */
		return XDP_DROP;
	}
	return action;
}

/* Where a packet came in. NULL: *action is all; the frame was one for the worker, counted. */
static __always_inline const struct n64_port *port_begin(struct xdp_md *ctx, int *action)
{
	__u32 slot = role.slot;
	enum reason r;

	if (role.kind == ROLE_XLAT && is_slow_frame(ctx, &r, action)) {
		count(r, frame_end(ctx) - frame_start(ctx));
		return NULL;
	}
	*action = XDP_PASS; /* cannot be: slots are checked at load */
	return bpf_map_lookup_elem(&ports, &slot);
}

/* What the program that is called next is to know of the packet; NULL: cannot be. */
static __always_inline struct n64_whence *whence_set(enum n64_found found)
{
	struct n64_whence *w = whence_get();

	if (w) {
		w->role.kind = role.kind;
		w->role.slot = role.slot;
		w->found = found;
		if (conf_get()->have & HAVE_VLAN)
			w->n_tags = 0;
	}
	return w;
}

/* To the long way, which does not come back. */
static __always_inline int go_long(struct xdp_md *ctx, enum n64_found found)
{
	if (whence_set(found))
		bpf_tail_call(ctx, &ways, WAY_LONG);
	count(R_internal, 0); /* cannot be: it is there before a device has its program */
	return XDP_DROP;
}

/* A packet without a mapping, to where one is made; `foreseen`: see n64_whence. Where there are
 * stateless entries, by way of theirs. It comes back where there is neither. */
static __always_inline void whence_new(struct xdp_md *ctx, struct n64_whence *w, __s32 foreseen)
{
	w->binding = (__u32)foreseen;
	if (conf_get()->n_stateless)
		bpf_tail_call(ctx, &ways, WAY_ENTRY);
	bpf_tail_call(ctx, &ways, WAY_NEW);
}

static __always_inline int go_new(struct xdp_md *ctx, enum n64_found found, __s32 foreseen)
{
	struct n64_whence *w = whence_set(found);

	if (w)
		whence_new(ctx, w, foreseen);
	return go_long(ctx, found); /* cannot be */
}

/* The same of a packet whose tags are off. */
static __always_inline void tagged_new(struct xdp_md *ctx, enum n64_found found, __s32 foreseen)
{
	struct n64_whence *w = whence_get();

	if (w) {
		w->found = found;
		whence_new(ctx, w, foreseen);
	}
}

/* A packet that the short way can do nothing with. */
static __always_inline int go_other(struct xdp_md *ctx)
{
	if (conf_get()->have & HAVE_VLAN && role.kind == ROLE_PORT && has_tags(ctx) &&
	    whence_set(FOUND_NOTHING))
		bpf_tail_call(ctx, &ways, WAY_TAGGED);
	if (conf_get()->n_stateless && role.kind == ROLE_PORT && whence_set(FOUND_NOTHING))
		bpf_tail_call(ctx, &ways, WAY_ENTRY);
	return go_long(ctx, FOUND_NOTHING);
}

/* The row of map ports in the long way. */
static __always_inline const struct n64_port *port_of_packet(void)
{
	__u32 slot = role_slot();

	return bpf_map_lookup_elem(&ports, &slot);
}

/* ---- the programs of devices -------------------------------------------------------------- */

SEC("xdp.frags")
int n64_port(struct xdp_md *ctx)
{
	const struct n64_port *port;
	struct quick f = quick_frame(ctx);
	int action;

	port = port_begin(ctx, &action);
	if (!port)
		return action;
	return quick_siit(ctx, &f, port, &action) ? action : go_other(ctx);
}

SEC("xdp.frags")
int n64_stateful(struct xdp_md *ctx)
{
	const struct n64_port *port;
	struct quick f;
	int action;

#ifdef N64_MICRO
	if (micro_turn && !micro_fresh(ctx))
		return XDP_ABORTED;
	if (micro_ends(MICRO_NEW_NOTHING))
		return XDP_DROP;
#endif
	port = port_begin(ctx, &action);
	if (!port)
		return action;
	f = quick_frame(ctx);
	if (quick_stateful(ctx, &f, port, &action))
		return action;
	if (micro_ends(MICRO_NEW_SHORT))
		return XDP_DROP;
	if (f.found == FOUND_SYN)
		return go_new(ctx, FOUND_SYN, quick_foresee_tcp(ctx));
	return f.found == FOUND_ABSENT ? go_new(ctx, FOUND_ABSENT, f.foreseen) : go_other(ctx);
}

SEC("xdp.frags")
int n64_dynamic(struct xdp_md *ctx)
{
	const struct n64_port *port;
	struct quick f = quick_frame(ctx);
	int action;

	port = port_begin(ctx, &action);
	if (!port)
		return action;
	return quick_dynamic(ctx, &f, port, &action) ? action : go_other(ctx);
}

/* ---- the long ways ------------------------------------------------------------------------ */

SEC("xdp.frags")
int n64_port_long(struct xdp_md *ctx)
{
	const struct n64_port *port = port_of_packet();
	const struct n64_conf *c = conf_get();
	struct pkt *p = new_pkt();
	int action = XDP_DROP;
	enum reason r;

	if (!p || !port)
		return XDP_PASS; /* cannot be */
	r = enter(ctx, c, port, p);
	if (!r)
		r = (enum reason)(p->fam == FAM_6 ? path6(ctx, port, p, &action)
						  : path4(ctx, port, p, &action));
	r = any_reason(p, r);
	action = leave(ctx, p, &r, action);
	count(r, p->l3_len);
	return action;
}

SEC("xdp.frags")
int n64_stateful_new(struct xdp_md *ctx)
{
	struct quick f = quick_frame(ctx);
	enum reason refused = R_GO_ON;
	int action;

	if (f.at + QUICK_LEN6 > f.end)
		return XDP_PASS; /* cannot be: the short way has looked */
	if (QUICK_WAY6(quick6_new, ctx, &f, &action, &refused))
		return action;
	if (micro_ends_new())
		return XDP_DROP;
	return new_long(ctx, refused);
}

SEC("xdp.frags")
int n64_stateful_entry(struct xdp_md *ctx)
{
	const struct n64_port *port = port_of_packet();
	struct quick f = quick_frame(ctx);
	int action;

	if (!port)
		return XDP_PASS; /* cannot be */
	f.device = whence_device(ctx);
	f.slot = role_slot();
	if (quick_stateless(ctx, &f, port, &action))
		return action;
	if (!whence_is(FOUND_NOTHING))
		bpf_tail_call(ctx, &ways, WAY_NEW);
	return whence_long(ctx);
}

SEC("xdp.frags")
int n64_port_tagged(struct xdp_md *ctx)
{
	return tagged(ctx, quick_siit);
}

SEC("xdp.frags")
int n64_stateful_tagged(struct xdp_md *ctx)
{
	struct quick f = {};
	const struct n64_port *port = tagged_begin(ctx, &f);
	int action = XDP_DROP;

	if (port) {
		if (quick_stateful(ctx, &f, port, &action))
			return action;
		/* f.found is not passed on: each of the many ends would have to set it */
		if (f.found == FOUND_SYN)
			tagged_new(ctx, FOUND_SYN, quick_foresee_tcp(ctx));
		else if (f.found == FOUND_ABSENT)
			tagged_new(ctx, FOUND_ABSENT, f.foreseen);
		else if (conf_get()->n_stateless)
			bpf_tail_call(ctx, &ways, WAY_ENTRY);
	}
	return whence_long(ctx);
}

SEC("xdp.frags")
int n64_dynamic_tagged(struct xdp_md *ctx)
{
	return tagged(ctx, quick_dynamic);
}

SEC("xdp.frags")
int n64_stateful_long(struct xdp_md *ctx)
{
	const struct n64_port *port = port_of_packet();
	const struct n64_conf *c = conf_get();
	struct n64_env env = {.conf = c};
	struct scene *s = new_scene();
	struct pkt *p;
	int action = XDP_DROP;
	enum reason r;
	__u32 entry;

	if (s && unlikely(whence_is(FOUND_REFRESH))) {
		session_tcp(&s->w, (__u32)refresh_begin(&s->w));
		return whence_action();
	}
	p = new_pkt();
	if (!p || !s || !port)
		return XDP_PASS; /* cannot be */
	r = enter(ctx, c, port, p);
	entry = !r && c->n_stateless ? find_entry(ctx, port, p) : 0;
	if (unlikely(entry))
		r = path_entry(ctx, port, p, s, entry, &action);
	else if (!r)
		r = p->fam == FAM_6 ? path6_stateful(ctx, &env, port, p, s, &action)
				   : path4_stateful(ctx, &env, port, p, s, &action);
	r = any_reason(p, r);
	action = leave(ctx, p, &r, action);
	/* GEN-05: an ICMP error that the worker cannot be asked about is the host's */
	if (unlikely(r == R_sp_rate_icmp) && p->fam == FAM_4 && role_kind() == ROLE_PORT &&
	    mem_is_local(p->dst4)) {
		r = R_shared;
		action = XDP_PASS;
	}
	count(r, p->l3_len);
	return action;
}

SEC("xdp.frags")
int n64_dynamic_long(struct xdp_md *ctx)
{
	const struct n64_port *port = port_of_packet();
	struct n64_env env = {.conf = conf_get()};
	struct scene *s = new_scene();
	struct pkt *p = new_pkt();
	int action = XDP_DROP;
	enum reason r;

	if (!p || !s || !port)
		return XDP_PASS; /* cannot be */
	r = enter(ctx, env.conf, port, p);
	if (!r)
		r = p->fam == FAM_6 ? path6_dynamic(ctx, &env, port, p, s, &action)
				    : path4_dynamic(ctx, &env, port, p, s, &action);
	r = any_reason(p, r);
	action = leave(ctx, p, &r, action);
	count(r, p->l3_len);
	return action;
}

/* ---- the others --------------------------------------------------------------------------- */

SEC("xdp.frags")
int n64_exit(struct xdp_md *ctx)
{
	return exit_path(ctx);
}

#ifdef N64_MICRO
/* For bench/micro: the short way up to micro_stop, and all of it with a frame of a new
 * flow each time. */
SEC("xdp.frags")
int n64_micro(struct xdp_md *ctx)
{
	const struct n64_port *port;
	struct quick f;
	__u32 slot = role.slot;
	int action;

	if (!micro_restore(ctx))
		return XDP_ABORTED;
	f = quick_frame(ctx);
	port = bpf_map_lookup_elem(&ports, &slot);
	if (!port || micro_ends(MICRO_NOTHING))
		return XDP_DROP;
	return quick_stateful(ctx, &f, port, &action) ? action : micro_long();
}
#endif

SEC("xdp")
int n64_query(struct xdp_md *ctx)
{
	return fib_query(ctx);
}

SEC("syscall")
int n64_state(struct n64_call *call)
{
	return state_program(call);
}
