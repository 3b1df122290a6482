/* SPDX-License-Identifier: GPL-2.0-only */
/* The short way in mode stateful: the mapping is there, and of a TCP session a packet changes
 * nothing but the deadline. */
#ifndef N64_XDP_QUICK_STATEFUL_H
#define N64_XDP_QUICK_STATEFUL_H

#include "quick_bib6.h"
#include "quick_foresee.h"
#include "state.h"
#include "state_world.h"
#include "stateful.h"

/* ---- 6 -> 4 --------------------------------------------------------------------------- */

/* The packet in the frame, for rules that are hardly ever asked: so its addresses need not be
 * carried along. False: there is none. */
static __always_inline bool quick_again6(struct xdp_md *ctx, struct pkt *p)
{
	const struct ip6_hdr *ip = frame_start(ctx) + ETH_LEN;

	if (!parse_ip6(ip, frame_end(ctx), p))
		return false;
	parse_l4(ip + 1, frame_end(ctx), p);
	return true;
}

/* Is it refused by no-translate, where that speaks of addresses in the pref64? */
N64_ONCE int quick_no_translate6(struct xdp_md *ctx)
{
	const struct n64_env env = {.conf = conf_get()};
	struct pkt p = {.fam = FAM_6};
	struct xlat x = {};

	return !quick_again6(ctx, &p) || stateful_target6(&env, &p, &x);
}

/* May the source have a mapping of the operator's? */
N64_ONCE int quick_static6(struct xdp_md *ctx)
{
	const struct n64_env env = {.conf = conf_get()};
	struct pkt p = {.fam = FAM_6};

	return quick_again6(ctx, &p) && !rule_source(&p) && !stateful_source6(&env, &p) &&
	       !stateless_host(&env, &p.src6);
}

/* Is it for a peer whose IPv4 address, x->dst4, is plain? */
static __always_inline bool quick_target6(struct xdp_md *ctx, const struct n64_env *env,
					  const struct addr6 *dst, struct xlat *x)
{
	const struct n64_pref64 *own = &env->conf->pref64[0];

	if (have(env, HAVE_NOXLAT6) && !plain_get()->pref64 && quick_no_translate6(ctx))
		return false;
	if (likely(plain_get()->wide)) { /* nothing follows the address */
		/* as a word: clang would take it from half of the address, by a shift */
		x->dst4 = *(const volatile __be32 *)&dst->w[3];
		return pref64_contains_wide(own, dst) && quick_plain4(x->dst4);
	}
	if (!own->len || !pref64_contains(own, dst))
		return false;
	x->dst4 = pref64_extract(env->conf, own, dst);
	return siit_suffix_ok(env, 0, dst) && quick_plain4(x->dst4);
}

/* The same where there are several pref64: in which one it is, -1: not so. */
static __always_inline int quick_target6_any(struct xdp_md *ctx, const struct n64_env *env,
					     const struct addr6 *dst, struct xlat *x)
{
	const struct n64_pref64 *own;
	int pref;

	if (have(env, HAVE_NOXLAT6) && !plain_get()->pref64 && quick_no_translate6(ctx))
		return -1;
	pref = pref64_find(env->conf, dst);
	if (pref < 0 || pref >= N64_MAX_PREF64)
		return -1;
	own = &env->conf->pref64[n64_bound((__u32)pref, N64_MAX_PREF64 - 1)];
	x->dst4 = pref64_extract(env->conf, own, dst);
	return siit_suffix_ok(env, pref, dst) && quick_plain4(x->dst4) ? pref : -1;
}

/* One of the two, by what is known when this is compiled. */
static __always_inline bool quick_aims6(struct xdp_md *ctx, const struct n64_env *env,
					const struct addr6 *dst, bool any, struct xlat *x,
					int *pref)
{
	if (!any)
		return quick_target6(ctx, env, dst, x);
	*pref = quick_target6_any(ctx, env, dst, x);
	return *pref >= 0;
}

/* The mapping of the packet's host. NULL: f->found is what is known of it; one that will be made
 * by n64_stateful_new is foreseen. */
static __always_inline struct n64_bib6 *quick_mapping6(struct xdp_md *ctx, struct quick *f,
						       const struct pkt *p, __u8 proto,
						       const struct quick_host *h, __u64 *ctl)
{
	struct n64_bib6 *e;

	if (quick_opens(p)) {
		f->found = FOUND_SYN;
		return NULL;
	}
	e = quick_bib6(conf_get(), f, h, ctl);
	if (!e)
		quick_behind(ctx, f, proto);
	return e;
}

/* ADR-08: is that the pref64 that the mapping notes? If not, it is noted on the long way. */
static __always_inline bool quick_is_noted(__u32 index, int pref)
{
	const struct n64_binding *b = mem_binding(index);

	return b && ctl_row(st_load(&b->ctl)) == (__u32)pref;
}

/* May this host have the mapping that it has? What made it was judged by the rules about
 * sources, and by these lists or it is judged again (GEN-11); the operator's were not. */
static __always_inline bool quick_source6(struct xdp_md *ctx, const struct n64_conf *c, __u64 ctl)
{
	if (unlikely(ctl & CTL_STATIC) && !quick_static6(ctx))
		return false;
	return ctl_is_judged(c, ctl);
}

/* The mapping's side of a packet: may it pass as it is, and until when does it live then? A TCP
 * session that was not refreshed in this second yet is, when the packet has left
 * (quick_refresh). */
static __always_inline bool quick_state(const struct n64_conf *c, const struct pkt *p,
					__u64 ctl, __u32 until, __u32 now, __be16 remote_port,
					__u32 *fresh)
{
	enum st_proto proto = stateful_table(p);

	if (proto == ST_TCP) {
		*fresh = state_full(c, now);
		return ctl_is_quiet(c, ctl) && until >= now &&
		       tcp_event(p->tcp_flags) == EV_OTHER;
	}
	if (unlikely(until < now) && !(ctl & CTL_STATIC))
		return false;
	*fresh = now + state_timer(c, proto, proto == ST_ICMP ? 0 : remote_port);
	return true;
}

/* ST-09, UDP-03: place + 1 of the permission that the peer of the binding `index` in its life
 * `gen` has; 0: none, or it does not lie at home. */
N64_ONCE int quick_permit(__u32 index, __u32 gen, __be32 remote4, __u32 now)
{
	struct st_key k = key_session(conf_get(), index, gen, remote4, 0);
	int place = tab_find_at(TAB_SESSION, &k, 0);

	return session_alive(place, now) ? place + 1 : 0;
}

/* Of a UDP or ICMP packet; a TCP session has been asked by quick_state. Does address-dependent
 * filtering let it pass? */
static __always_inline bool quick_permits(bool adf, __u8 proto, __u32 index, __u64 ctl,
					  __be32 remote4, int *permit)
{
	if (proto == P_TCP || !adf)
		return true;
	*permit = quick_permit(index, ctl_gen(ctl), remote4, st_now());
	return *permit;
}

/* The rest of a TCP packet that has left by *action, which then is the long way's: in most seconds
 * it has been done. */
static __always_inline void quick_refresh(struct xdp_md *ctx, const struct n64_whence *done)
{
	struct n64_whence *w = whence_get();
	struct n64_role of = role;

	if (!w)
		return;
	if (role.kind == ROLE_LONG) /* of the packet (quick_tagged.h) */
		of = w->role;
	*w = *done;
	w->role = of;
	w->found = FOUND_REFRESH;
	bpf_tail_call(ctx, &ways, WAY_LONG);
}

/* It lives on with its mapping. */
N64_ONCE int quick_permit_extend(__u32 permit, __u32 until)
{
	struct n64_session *e = mem_session(permit - 1);

	if (e)
		session_extend(e, until, false);
	return 0;
}

/* The address of a slot. False: it has none (any more). */
static __always_inline bool quick_addr_of(const struct n64_conf *c, __u32 slot, __be32 *addr)
{
	const struct n64_slot *s;

	if (c->st.pool_run.n)
		return pool_run_addr(&c->st, slot, addr);
	s = mem_slot(slot);
	if (!s)
		return false;
	*addr = s->addr;
	return true;
}

/* `adf`, `any`, which are known when this is compiled: address-dependent filtering of UDP and
 * ICMP; several pref64. */
static __always_inline bool quick6_by(struct xdp_md *ctx, struct quick *f,
				      __u8 proto, const struct n64_port *port, bool adf, bool any,
				      int *action)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	const struct ip6_hdr *ip = quick_ip6(f);
	const struct quick_host host = {&ip->src, quick_sport(ip + 1, proto), proto_table(proto),
					false};
	struct pkt p = QUICK_PKT(ctx, f, FAM_6);
	struct xlat x = {.ports = true};
	struct route rt = {};
	struct n64_bib6 *e;
	__u32 fresh, until;
	__be16 port4, remote_port;
	int permit = 0, pref = 0;
	__u64 ctl, sum;

	if (!quick_port(port, PORT_6TO4) || !quick_parse6(ctx, f, proto, &p) ||
	    micro_ends(MICRO_PARSE))
		return false;
	sum = quick_sum_addr6(&ip->src);
	if (ttl_is_used_up(&p) || stateful_proto(c, &p, 0) ||
	    !quick_aims6(ctx, &env, &ip->dst, any, &x, &pref) || micro_ends(MICRO_POLICY))
		return false;

	e = quick_mapping6(ctx, f, &p, proto, &host, &ctl);
	if (!e)
		return false;
	port4 = e->port4;
	until = st_load32(&e->until6);
	if ((st_load(&e->ctl) ^ ctl) & CTL_LIFE || !quick_source6(ctx, c, ctl) ||
	    !quick_state(c, &p, ctl, until, st_now(), *quick_dport(ip + 1, proto), &fresh) ||
	    !quick_permits(adf, proto, binding_index(ctl_row(ctl), host16(port4)), ctl, x.dst4,
			   &permit) ||
	    (any && !quick_is_noted(binding_index(ctl_row(ctl), host16(port4)), pref)))
		return false;
	if (!quick_addr_of(c, ctl_row(ctl) >> 2, &x.src4) || micro_ends(MICRO_LOOKUP))
		return false;

	rt.hop = quick_hop(c, &p, FAM_4, hop_dst4(x.dst4), len_6to4(&p), false);
	if (!rt.hop || micro_ends(MICRO_ROUTE))
		return false;
	if (proto != P_TCP && until < fresh)
		st_store32(&e->until6, fresh);
	if (unlikely(permit))
		quick_permit_extend(permit, fresh);
	x.sport = port4;
	remote_port = *quick_dport(ip + 1, proto);
	*action = quick_send6to4(ctx, f, c, quick_slot(f), &p, &x, &rt,
				 quick_delta6(f, &p, &x, sum, true),
				 ipid_pair(c->key, x.src4, x.dst4));
	if (proto == P_TCP && unlikely(until != fresh))
		quick_refresh(ctx, &(struct n64_whence){
			.action = (__u32)*action, .ctl = ctl, .place = f->place,
			.binding = binding_index(ctl_row(ctl), host16(port4)),
			.remote4 = x.dst4, .remote_port = remote_port, .tcp_flags = p.tcp_flags});
	return true;
}

/* ---- 4 -> 6 --------------------------------------------------------------------------- */

/* Is it for the pool, in *slot, from a plain peer? */
static __always_inline bool quick_target4(const struct n64_env *env, const struct pkt *p,
					  struct xlat *x, int *slot)
{
	return !stateful_target4(env, p, x, slot, NULL) && quick_plain4(p->src4) &&
	       quick_in_one(env->conf, p);
}

/* The peer in the pref64 that the mapping, whose record has this control word, notes: a plain one
 * may be carried by any (stateful_peer6). A TCP session has one of its own, but if it is the only
 * one (quick_state) that is the same. */
static __always_inline bool quick_peer6(const struct n64_conf *c, bool any, __u64 ctl, __be32 peer,
					struct addr6 *out)
{
	__u32 pref = any ? ctl_row(ctl) : 0;
	struct addr6 in_words;
	__u64 lo;

	if (!any && likely(plain_get()->wide)) {
		rfc6052_embed_wide(&c->pref64[0], peer, out);
		return true;
	}
	if (any && (pref >= N64_MAX_PREF64 || !pref64_exists(c, pref)))
		return false;
	pref = any ? (__u32)n64_bound(pref, N64_MAX_PREF64 - 1) : 0;
	rfc6052_embed(&c->pref64[pref], peer, &in_words);
	lo = addr6_half(&in_words, 0);
	asm volatile("" : "+r"(lo)); /* see quick_ends: clang would join both ways by words */
	addr6_join(lo, addr6_half(&in_words, 1), out);
	return true;
}

static __always_inline bool quick4_by(struct xdp_md *ctx, struct quick *f,
				      __u8 proto, const struct n64_port *port, bool adf, bool any,
				      int *action)
{
	const struct n64_conf *c = conf_get();
	const struct n64_env env = {.conf = c};
	const struct ip4_hdr *ip = quick_ip4(f);
	struct pkt p = QUICK_PKT(ctx, f, FAM_4);
	struct xlat x = {.ports = true};
	struct quick_ends ends;
	struct n64_binding *b;
	struct route rt = {};
	__u32 fresh, until, index;
	__be16 port6, remote_port;
	int slot, permit = 0;
	__u64 ctl, sum;

	if (!quick_port(port, PORT_4TO6) || !quick_parse4(ctx, f, proto, &p) ||
	    micro_ends(MICRO_PARSE))
		return false;
	if (ttl_is_used_up(&p) || stateful_proto(c, &p, 0) ||
	    !quick_target4(&env, &p, &x, &slot) || micro_ends(MICRO_POLICY))
		return false;

	index = binding_index(row_of((__u32)slot, proto_table(proto)),
			      host16(*quick_dport(ip + 1, proto)));
	b = mem_binding(index);
	if (!b)
		return false;
	ctl = st_load(&b->ctl);
	addr6_copy(&ends.dst, &b->host6);
	sum = quick_sum_addr6(&b->host6);
	port6 = b->port6;
	until = st_load32(&b->until4);
	if (ctl_state(ctl) != CTL_ACTIVE || (st_load(&b->ctl) ^ ctl) & CTL_LIFE ||
	    !ctl_is_judged(c, ctl) ||
	    !quick_state(c, &p, ctl, until, st_now(), *quick_sport(ip + 1, proto), &fresh) ||
	    !quick_permits(adf, proto, index, ctl, p.src4, &permit) || micro_ends(MICRO_LOOKUP))
		return false;

	rt.hop = quick_hop(c, &p, FAM_6, hop_dst6(&ends.dst), len_4to6(&p), false);
	if (!rt.hop || !quick_peer6(c, any, ctl, p.src4, &ends.src) || micro_ends(MICRO_ROUTE))
		return false;
	if (proto != P_TCP && until < fresh && c->opt.inbound_refresh)
		st_store32(&b->until4, fresh);
	if (unlikely(permit) && c->opt.inbound_refresh)
		quick_permit_extend(permit, fresh);
	x.dport = x.sport = port6; /* of an echo the first is asked for, else the second */
	remote_port = *quick_sport(ip + 1, proto);
	*action = quick_send4to6(ctx, f, c, quick_slot(f), &p, &x, &ends, &rt,
				 quick_delta4(&p, &ends, sum, true));
	/* TCP-36: nothing to do until it is in TRANS */
	if (proto == P_TCP && unlikely(until != fresh) &&
	    (c->opt.inbound_refresh || until < fresh - c->opt.tcp_est_timeout))
		quick_refresh(ctx, &(struct n64_whence){
			.action = (__u32)*action, .ctl = ctl, .place = TAB_NONE, .binding = index,
			.remote4 = p.src4, .remote_port = remote_port, .tcp_flags = p.tcp_flags});
	return true;
}

/* ---- both filterings, both families ---------------------------------------------------- */

#define QUICK_BY(fam, adf, any, name)                                                         \
	static __always_inline bool name(struct xdp_md *ctx, struct quick *f,                 \
					 __u8 proto, const struct n64_port *port,             \
					 int *action)                                         \
	{                                                                                     \
		return quick##fam##_by(ctx, f, proto, port, adf, any, action);                \
	}
QUICK_BY(6, false, false, quick6)
QUICK_BY(6, true, false, quick6_adf)
QUICK_BY(6, filters(conf_get(), ST_UDP), true, quick6_any)
QUICK_BY(4, false, false, quick4)
QUICK_BY(4, true, false, quick4_adf)
QUICK_BY(4, filters(conf_get(), ST_UDP), true, quick4_any)

/* With several pref64 a mapping notes which one it uses (ADR-08). */
static __always_inline bool quick_any(struct xdp_md *ctx, struct quick *f, enum ip_family fam,
				      const struct n64_port *port, int *action)
{
	return fam == FAM_6 ? QUICK_WAY6(quick6_any, ctx, f, port, action)
			    : QUICK_WAY4(quick4_any, ctx, f, port, action);
}

/* True: the packet has left, counted, by *action; false: it was not touched. */
static __always_inline bool quick_stateful(struct xdp_md *ctx, struct quick *f,
					   const struct n64_port *port, int *action)
{
	enum ip_family fam = quick_family(ctx, f, port);

	if (fam == FAM_NONE)
		return false;
	if (conf_get()->n_pref64 > 1)
		return quick_any(ctx, f, fam, port, action);
	/* one of the two is dead code to the verifier */
	if (filters(conf_get(), ST_UDP))
		return fam == FAM_6 ? QUICK_WAY6(quick6_adf, ctx, f, port, action)
				    : QUICK_WAY4(quick4_adf, ctx, f, port, action);
	return fam == FAM_6 ? QUICK_WAY6(quick6, ctx, f, port, action)
			    : QUICK_WAY4(quick4, ctx, f, port, action);
}

#endif
