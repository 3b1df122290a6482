/* SPDX-License-Identifier: GPL-2.0-only */
/* THE PATH of a packet in mode stateful (RFC 6146), top to bottom; the steps of
 * path_siit.h with the mapping state in the place of the address rules:
 *
 *   ours? -> parse -> policy -> look -> route -> commit -> write -> send
 *
 * `look` changes nothing, `commit` makes and refreshes (common/state.h): a packet that
 * cannot leave makes no state (GEN-08). */
#ifndef N64_XDP_PATH_STATEFUL_H
#define N64_XDP_PATH_STATEFUL_H

#include "hairpin.h"
#include "path.h"
#include "state.h"
#include "state_world.h"
#include "stateful.h"

static __always_inline struct scene *new_scene(void)
{
	struct scene *s = scene_get();

	if (s) {
		state_begin(&s->w);
		__builtin_memset(&s->x, 0, sizeof(s->x));
	}
	return s;
}

/* The route of a new mapping that came to lie on another address than expected, because
 * that was full. A rule of the host may send it another way. */
static __attribute__((noinline)) int route_again(struct xdp_md *ctx, const struct pkt *p,
						 struct scene *s, struct route *rt)
{
	const struct n64_port *port;
	__u32 slot = role_slot();
	enum reason r;

	port = bpf_map_lookup_elem(&ports, &slot);
	if (!port)
		return R_internal;
	if (s->x.hairpin)
		return R_slow_moved;
	r = route(ctx, conf_get(), port, p, &s->x, FAM_4, len_6to4(p), rt);
	return r == R_too_big && p->l3_len <= 1280 ? R_slow_fragment : slow_for_error(r);
}

/* TCP-35: what only tcp-rst-check wants to know of a segment. */
static __attribute__((noinline)) int read_window(struct xdp_md *ctx, const struct pkt *p,
						 struct n64_call *q)
{
	__u32 off = p->l3_off + (p->fam == FAM_4 ? IP4_LEN : IP6_LEN);
	__u8 opt[40] = {}, at = 0;
	struct tcp_hdr tcp;

	if (bpf_xdp_load_bytes(ctx, off, &tcp, sizeof(tcp)))
		return 0;
	q->tcp_seq = host32(tcp.seq);
	q->tcp_ack = host32(tcp.ack);
	q->tcp_window = host16(tcp.window);
	if (!(p->tcp_flags & TCP_SYN) || p->fam != FAM_6)
		return 0;
	if (bpf_xdp_load_bytes(ctx, off + sizeof(tcp), opt, 20) &&
	    bpf_xdp_load_bytes(ctx, off + sizeof(tcp), opt, 8))
		return 0;
	n64_no_unroll
	for (int i = 0; i < 20; i++) {
		if (at > 36 || !opt[at & 31])
			break;
		if (opt[at & 31] == 3) { /* RFC 7323 2.2 */
			q->tcp_scale = (opt[(at + 2) & 31] & 15) + 1;
			break;
		}
		at += opt[at & 31] == 1 || opt[(at + 1) & 31] < 2 ? 1 : opt[(at + 1) & 31];
	}
	return 0;
}

/* The packet's question to the state. */
static __always_inline void ask_state(struct xdp_md *ctx, const struct n64_conf *c,
				      const struct pkt *p, struct n64_call *q)
{
	q->proto = stateful_table(p);
	q->tcp_flags = p->tcp_flags;
	if (q->proto == ST_TCP && c->opt.tcp_rst_check)
		read_window(ctx, p, q);
	if (p->fam == FAM_6) {
		q->host6 = p->src6;
		q->port6 = p->sport;
		q->remote_port = q->proto == ST_ICMP ? 0 : p->dport;
	} else {
		q->addr4 = p->dst4;
		q->port4 = p->dport;
		q->remote4 = p->src4;
		q->remote_port = q->proto == ST_ICMP ? 0 : p->sport;
	}
}

/* Steps (7) to (9) of both directions. What is different for a shared address, look4 says. */
static __always_inline enum reason judge_stateful(const struct n64_conf *c, const struct pkt *p)
{
	return ttl_is_used_up(p) ? R_slow_ttl : stateful_proto(c, p, 0);
}

/* allow6, of one host (ADR-26, GEN-11). */
N64_ONCE int allows6(const struct addr6 *host)
{
	struct n64_env env = {.conf = conf_get()};

	return host && stateful_allows6(&env, host);
}

/* ---- 6 -> 4 ---------------------------------------------------------------------------- */

/* A mapping that is found is judged again after a reload, one that is to be made before
 * that (GEN-11); R_GO_ON: it may be there. */
static __always_inline enum reason judge_host6(struct xdp_md *ctx, const struct n64_conf *c,
					       const struct pkt *p, struct st_work *w, bool found)
{
	enum reason r = R_GO_ON;

	if (likely(found && !state_needs_judge(w)))
		return R_GO_ON;
	if (!allows6(&p->src6))
		r = R_slow_policy;
	else if (c->opt.urpf6 != URPF_OFF && !p->from_pair &&
		 urpf_refuses(ctx, &p->src6, p->ifindex, c->opt.urpf6 == URPF_STRICT))
		r = R_urpf;
	if (found && r)
		binding_remove(w->q.binding, w->now);
	else if (found)
		state_judged(w);
	return r;
}

/* Does the short way know that there is no mapping? It has foreseen where it will be. `look`:
 * where it has not looked, this does. */
static __always_inline bool absent6(struct st_work *w, bool look)
{
	const struct n64_whence *from = whence_get();

	if (!from)
		return false;
	if (from->found != FOUND_ABSENT &&
	    (!look || from->found != FOUND_SYN || bib6_find(w) != TAB_NONE))
		return false;
	if (from->binding != ~0u)
		state_aim_at(w, from->binding);
	return true;
}

/* The mapping, or where a new one would be (w->q.addr4). */
static __always_inline enum reason look6(struct xdp_md *ctx, const struct n64_conf *c,
					 const struct pkt *p, struct st_work *w, bool *found)
{
	enum reason r;

	if (unlikely(whence_is(FOUND_REFUSED)))
		return whence_reason();
	*found = !absent6(w, false) && state_look6(w);
	r = judge_host6(ctx, c, p, w, *found);
	if (r || *found)
		return r;
	r = state_may_make6(w);
	return r ? r : state_would6(w);
}

/* What makes no mapping is judged by the lists all the same, before its TTL and protocol
 * are (GEN-08). */
static __always_inline enum reason refuse6(const struct pkt *p, enum reason r)
{
	return allows6(&p->src6) ? slow_for_error(r) : R_slow_policy;
}

static __always_inline enum reason valid6_stateful(struct xdp_md *ctx, const struct n64_env *env,
						   const struct pkt *p, struct xlat *x)
{
	const struct n64_conf *c = env->conf;
	enum reason r = rule_header(p);

	if (!r)
		r = rule_source(p);
	if (!r)
		r = stateful_source6(env, p);
	if (r)
		return r;
	if (pkt_is_icmp(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR)
		return R_slow_icmp_error;
	r = beyond_fast_path6(p);
	if (r && c->opt.urpf6 != URPF_OFF && !p->from_pair &&
	    urpf_refuses(ctx, &p->src6, p->ifindex, c->opt.urpf6 == URPF_STRICT))
		return R_urpf;
	return r ? r : slow_for_error(stateful_dst_6to4(env, p, x));
}

/* The first steps, which mode dynamic has as well: ours? valid? and the lists that do not ask
 * for the host. */
static __always_inline enum reason begin6_stateful(struct xdp_md *ctx, const struct n64_env *env,
						   const struct n64_port *port, struct pkt *p,
						   struct xlat *x)
{
	const struct ip6_hdr *ip = ip_of(ctx, p);
	enum reason r;

	if (!parse_ip6(ip, frame_end(ctx), p))
		return R_unreadable;
	see_all(ctx, p);
	parse_l4(ip + 1, frame_end(ctx), p);
	r = stateful_target6(env, p, x);
	if (r)
		return r;
	if (!(port->flags & PORT_6TO4))
		return R_direction_off;
	return valid6_stateful(ctx, env, p, x);
}

/* No way out as it is: cut, answered, or, hairpinned, all the worker's. */
static __always_inline enum reason refused_route6(const struct pkt *p, const struct scene *s,
						  enum reason r)
{
	if (s->x.hairpin)
		return R_slow_hairpin;
	return r == R_too_big && p->l3_len <= 1280 ? R_slow_fragment : slow_for_error(r);
}

/* What it will look like, as far as is known before its mapping is made. */
static __always_inline void aim6(const struct pkt *p, const struct st_work *w, bool found,
				 struct xlat *x)
{
	x->src4 = w->q.addr4;
	x->sport = found ? w->q.port4 : p->sport;
	x->dport = p->proto == P_ICMP6 ? x->sport : p->dport;
	x->ports = true;
}

/* The mapping, if it is to be made, and what the packet means for it. */
static __always_inline enum reason commit6(struct st_work *w, bool found)
{
	enum reason r = R_GO_ON;

	if (!found)
		r = (enum reason)state_make6(w);
	if (!r)
		r = state_commit6(w);
	return slow_for_error(r);
}

static __always_inline enum reason leave6(struct xdp_md *ctx, const struct n64_conf *c,
					  struct pkt *p, struct scene *s, struct route *rt,
					  int *action)
{
	s->x.sport = s->w.q.port4;
	if (p->proto == P_ICMP6)
		s->x.dport = s->w.q.port4;
	if (unlikely(s->x.hairpin))
		return hairpin_leave(ctx, p, s, rt, action);
	notice_partial_csum(p);
	if (!write_6to4(ctx, c, p, &s->x, rt))
		return R_internal;
	*action = send(c, rt);
	return rt->hop ? R_fwd_6to4 : R_kern_6to4;
}

static __always_inline enum reason path6_stateful(struct xdp_md *ctx, const struct n64_env *env,
						  const struct n64_port *port, struct pkt *p,
						  struct scene *s, int *action)
{
	const struct n64_conf *c = env->conf;
	struct st_work *w = &s->w;
	struct route rt = {};
	enum reason r;
	__u32 flags;
	bool found;
	int own;

	/* ours? valid? policy, protocol */
	r = begin6_stateful(ctx, env, port, p, &s->x);
	if (r)
		return r;
	r = judge_stateful(c, p);
	if (r)
		return refuse6(p, r);

	/* look: the mapping, or the address that a new one would have */
	ask_state(ctx, c, p, &w->q);
	w->q.remote4 = s->x.dst4;
	w->q.pref = s->x.dst_pref;
	r = look6(ctx, c, p, w, &found);
	if (r)
		return slow_for_error(r);
	/* behind urpf6, which the worker does not know */
	if (clamps_mss(p, c->opt.clamp_mss6to4))
		return R_slow_syn_mss;
	if (c->opt.force_slow)
		return R_slow_forced;
	aim6(p, w, found, &s->x);
	own = pool_find(env, s->x.dst4, &flags);
	if (unlikely(own >= 0) && !hairpin_look(env, p, s, own))
		return R_slow_hairpin;

	/* route: MTU-64-01/02, with IPv6 lengths where it stays IPv6 (HP-04) */
	r = route(ctx, c, port, p, &s->x, s->x.hairpin ? FAM_6 : FAM_4,
		  s->x.hairpin ? p->l3_len : len_6to4(p), &rt);
	if (r)
		return refused_route6(p, s, r);

	/* commit */
	r = commit6(w, found);
	if (r)
		return r;
	if (unlikely(s->x.src4 != w->q.addr4)) {
		s->x.src4 = w->q.addr4;
		r = route_again(ctx, p, s, &rt);
		if (r)
			return r;
	}
	return leave6(ctx, c, p, s, &rt, action);
}

/* ---- TCP sessions of packets of the short way ---------------------------------------------- */

/* Once a second and direction a session is refreshed, by a packet that has left already: one that
 * changes nothing else, as its mapping has one session and that is established (CTL_QUIET). The
 * question, and whose packet it was (enum tcp_side). By itself because of the stack. */
N64_ONCE int refresh_begin(struct st_work *w)
{
	const struct n64_whence *from = whence_get();
	const struct n64_binding *b = from ? mem_binding(from->binding) : NULL;
	const struct n64_bib6 *e;

	if (!w || !from || !b)
		return SIDE_V6; /* cannot be */
	e = from->place < 0 ? NULL : mem_bib6((__u32)from->place);
	w->q.host6 = e ? e->host6 : b->host6;
	w->q.port6 = e ? e->port6 : b->port6;
	w->q.proto = ST_TCP;
	w->q.tcp_flags = from->tcp_flags;
	w->q.binding = from->binding;
	w->q.remote4 = from->remote4;
	w->q.remote_port = from->remote_port;
	w->q.pref = ctl_row(st_load(&b->ctl)); /* quick_is_noted */
	w->place = from->place;
	w->ctl = from->ctl;
	return from->place < 0 ? SIDE_V4 : SIDE_V6;
}

/* ---- 4 -> 6 ---------------------------------------------------------------------------- */

/* Steps (4) to (9), and what of them is beyond the fast path. */
static __always_inline enum reason judge4_stateful(const struct n64_env *env,
						   const struct pkt *p)
{
	enum reason r = rule_source(p);

	if (!r)
		r = slow_for_error(stateful_4to6(env, p));
	return r ? r : slow_for_error(judge_stateful(env->conf, p));
}

/* Is the mapping of w->q there? GEN-05: what is not known of an address that is also the
 * host's own is the host's, whatever else is wrong with it; `wrong` is that. */
static __always_inline enum reason look4(const struct n64_env *env, const struct pkt *p,
					 struct st_work *w, enum reason wrong)
{
	bool found = p->has_l4 && (p->proto == P_TCP || p->proto == P_UDP || pkt_is_icmp(p)) &&
		     state_look4(w);

	if (found && unlikely(state_needs_judge(w))) {
		if (allows6(&w->q.host6)) {
			state_judged(w);
		} else {
			binding_remove(w->q.binding, w->now);
			found = false;
		}
	}
	if (likely(found))
		return wrong;
	w->shared = mem_is_local(p->dst4);
	if (w->shared)
		return R_shared;
	if (wrong)
		return wrong;
	return slow_for_error(stateful_refused4(env->conf, state_absent4(w)));
}

/* ICMP errors about a shared address are the host's when the worker cannot be asked
 * (GEN-05). */
static __always_inline bool worker_is_away(void)
{
	__u32 zero = 0;
	const struct n64_control *ctl = bpf_map_lookup_elem(&control, &zero);

	return !ctl || bpf_ktime_get_ns() - ctl->beat > 2000000000ull;
}

/* The steps that mode dynamic has as well. False: unreadable. */
static __always_inline bool facts4(struct xdp_md *ctx, struct pkt *p)
{
	const struct ip4_hdr *ip = ip_of(ctx, p);

	if (!parse_ip4(ip, frame_end(ctx), p))
		return false;
	see_all(ctx, p);
	if (p->ihl == IP4_LEN && !p->frag_off)
		parse_l4(ip + 1, frame_end(ctx), p);
	return true;
}

/* MTU-46-02/03. */
static __always_inline enum reason route4(struct xdp_md *ctx, const struct n64_conf *c,
					  const struct n64_port *port, const struct pkt *p,
					  const struct xlat *x, struct route *rt)
{
	enum reason r;

	if (!p->df && len_4to6(p) > c->opt.lowest_ipv6_mtu)
		return R_slow_fragment;
	r = route(ctx, c, port, p, x, FAM_6, len_4to6(p), rt);
	return r == R_too_big && !p->df ? R_slow_fragment : slow_for_error(r);
}

static __always_inline void aim4(const struct pkt *p, const struct st_work *w, struct xlat *x)
{
	x->dst6 = w->q.host6;
	x->dport = w->q.port6;
	x->sport = p->proto == P_ICMP4 ? w->q.port6 : p->sport;
	x->ports = true;
}

static __always_inline enum reason leave4(struct xdp_md *ctx, const struct n64_conf *c,
					  const struct pkt *p, const struct xlat *x,
					  const struct route *rt, int *action)
{
	notice_partial_csum(p);
	if (!write_4to6(ctx, c, p, x, rt))
		return R_internal;
	*action = send(c, rt);
	return rt->hop ? R_fwd_4to6 : R_kern_4to6;
}

static __always_inline enum reason path4_stateful(struct xdp_md *ctx, const struct n64_env *env,
						  const struct n64_port *port, struct pkt *p,
						  struct scene *s, int *action)
{
	const struct n64_conf *c = env->conf;
	struct st_work *w = &s->w;
	struct route rt = {};
	enum reason r;
	__u32 flags;
	int slot;

	/* ours? */
	if (!facts4(ctx, p))
		return R_unreadable;
	r = stateful_target4(env, p, &s->x, &slot, &flags);
	if (r)
		return r;
	if (!(port->flags & PORT_4TO6))
		return R_direction_off;

	/* valid? An ICMP error is the worker's whatever its source (SRC-04). */
	r = rule_header(p);
	if (r)
		return r;
	r = beyond_fast_path4(p);
	if (r)
		return r;
	if (pkt_is_icmp(p) && p->has_l4 && icmp_kind(p) == ICMP_ERROR)
		return mem_is_local(p->dst4) && worker_is_away() ? R_shared : R_slow_icmp_error;

	/* policy, protocol, look */
	ask_state(ctx, c, p, &w->q);
	w->q.row = row_of((__u32)slot, (enum st_proto)w->q.proto);
	r = look4(env, p, w, judge4_stateful(env, p));
	if (r)
		return r;
	if (clamps_mss(p, c->opt.clamp_mss4to6))
		return R_slow_syn_mss;
	if (c->opt.force_slow)
		return R_slow_forced;
	r = stateful_peer6(env, w->q.pref, p->src4, &s->x.src6);
	if (r)
		return r;
	aim4(p, w, &s->x);

	r = route4(ctx, c, port, p, &s->x, &rt);
	if (r)
		return r;

	/* commit */
	r = state_commit4(w);
	if (r)
		return slow_for_error(stateful_refused4(c, r));
	return leave4(ctx, c, p, &s->x, &rt, action);
}

#endif
