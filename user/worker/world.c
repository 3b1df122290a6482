/* SPDX-License-Identifier: GPL-2.0-only */
/* The worker's answers to the core: L2-02, GERR-23, GERR-25, GERR-26, ID-01. */
#include "worker/world.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/random.h>

#include "addr.h"
#include "ipid.h"
#include "mtu.h"
#include "pool.h"
#include "worker/source.h"

/* ---- routes (L2-02) --------------------------------------------------------- */

/* The FIB says what would be forwarded; what it does not forward may still be
 * the host itself or a group. Without privileges that is asked by netlink. */
static enum reason ask_kernel(struct world *w, const struct route_query *q,
			      struct route_answer *a)
{
	struct view_route r;

	view_route(&w->view, q->fam, &q->dst, q->ifindex, &r);
	if (r.error == -EACCES || r.type == RTN_PROHIBIT)
		return R_fib_prohibit;
	if (r.error == -EINVAL || r.type == RTN_BLACKHOLE)
		return R_fib_blackhole;
	if (r.error || r.type == RTN_UNREACHABLE || r.type == RTN_THROW)
		return R_no_route;
	a->mtu = view_mtu(&w->view, r.oif);
	return a->mtu ? R_GO_ON : R_no_route;
}

static void fib_question(const struct world *w, const struct route_query *q,
			 struct n64_fib_query *f)
{
	memset(f, 0, sizeof(*f));
	f->fam = q->fam;
	/* as the programs ask: on nat64x, and where the kernel has no IPv6 (PORT_NO_IP6) */
	f->ifindex = q->ifindex;
	if (q->from_pair || (q->fam == FAM_6 && view_mtu(&w->view, q->ifindex) < MTU6_MIN))
		f->ifindex = w->policy.conf.pair_kernel;
	f->src = q->src;
	f->dst = q->dst;
	f->tos = q->tos;
	f->proto = q->proto;
	f->sport = q->sport;
	f->dport = q->dport;
}

static int fib_ask(int fd, struct n64_fib_query *f)
{
	struct n64_fib_query out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f, .data_size_in = sizeof(*f),
		    .data_out = &out, .data_size_out = sizeof(out));
	int r = bpf_prog_test_run_opts(fd, &opts);

	if (r)
		return r;
	if (opts.retval == XDP_ABORTED)
		return -EINVAL;
	*f = out;
	return f->rc < 0 ? f->rc : 0;
}

void world_beat(const struct world *w)
{
	struct n64_fib_query beat = { .fam = FAM_NONE };

	if (w->query_fd >= 0)
		fib_ask(w->query_fd, &beat);
}

static enum reason find_route(struct world *w, const struct route_query *q,
			      struct route_answer *a)
{
	struct n64_fib_query f;

	/* the FIB never answers for groups; behind the pair the program on nat64 sends them,
	 * or the kernel's multicast routing does what is to be done (MC-01) */
	if (q->fam == FAM_4 ? addr4_is_multicast(q->dst.w[0]) : addr6_is_multicast(&q->dst)) {
		__u32 out = w->policy.conf.group_out[q->fam == FAM_6].ifindex;

		a->mtu = view_mtu(&w->view, out ? out : w->policy.conf.pair_kernel);
		return a->mtu ? R_GO_ON : R_no_route;
	}
	fib_question(w, q, &f);
	if (fib_ask(w->query_fd, &f))
		return ask_kernel(w, q, a);
	switch (f.rc) {
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return R_fib_blackhole;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return R_no_route;
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return R_fib_prohibit;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return R_fib_disabled;
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		a->mtu = f.mtu ? f.mtu : view_mtu(&w->view, f.oif);
		return a->mtu ? R_GO_ON : ask_kernel(w, q, a);
	default:
		return ask_kernel(w, q, a);
	}
}

enum reason world_route(struct world *w, const struct route_query *q,
			struct route_answer *a)
{
	const struct route_value *known;
	struct route_value v = { 0 };
	struct route_key key;

	route_key(&key, ASK_ROUTE, q, w->view.policy_routing);
	known = route_cache_get(&w->cache, w->policy.conf.key, &key, w->now_ms);
	if (!known) {
		a->mtu = 0;
		v.reason = find_route(w, q, a);
		v.mtu = a->mtu;
		route_cache_put(&w->cache, w->policy.conf.key, &key, &v, w->now_ms);
		known = &v;
	}
	a->mtu = known->mtu;
	return known->reason;
}

/* ---- ICMP errors (section 8) ------------------------------------------------- */

/* False: the host has none. */
static bool find_source(struct world *w, enum ip_family fam, const struct addr6 *dst,
			__u32 ifindex, struct addr6 *src)
{
	struct view_route r;

	view_route(&w->view, fam, dst, ifindex, &r);
	return source_pick(&w->policy.conf, &w->view.links, fam, dst, r.error ? 0 : r.oif,
			   &r.prefsrc, src);
}

bool world_error_src(struct world *w, enum ip_family fam, const struct addr6 *dst,
		     __u32 ifindex, struct addr6 *src)
{
	struct route_query q = { .fam = fam, .dst = *dst, .ifindex = ifindex };
	const struct route_value *known;
	struct route_value v = { 0 };
	struct route_key key;

	route_key(&key, ASK_SOURCE, &q, false);
	known = route_cache_get(&w->cache, w->policy.conf.key, &key, w->now_ms);
	if (!known) {
		v.reason = find_source(w, fam, dst, ifindex, &v.src);
		/* one address may have gone and the next one have come since we looked */
		if (!v.reason && view_events(&w->view)) {
			route_cache_flush(&w->cache);
			view_sync(&w->view);
			v.reason = find_source(w, fam, dst, ifindex, &v.src);
		}
		route_cache_put(&w->cache, w->policy.conf.key, &key, &v, w->now_ms);
		known = &v;
	}
	*src = known->src;
	return known->reason;
}

bool world_error_allowed(struct world *w, enum ip_family fam, const struct addr6 *dst,
			 bool too_big)
{
	const struct n64_opts *o = &w->policy.conf.opt;
	const struct error_rates rates = {
		.whole = { o->icmp_rate, o->icmp_burst },
		.dest = { o->icmp_rate_dest, o->icmp_burst_dest },
	};

	switch (fam == FAM_4 ? o->icmp_errors4 : o->icmp_errors6) {
	case ICMP_ERRORS_OFF:
		return false;
	case ICMP_ERRORS_ON:
		return true;
	default:
		return error_limit_take(&w->limits, &rates, w->policy.conf.key, fam, dst,
					too_big, w->now_ms);
	}
}

/* ---- shared addresses (GEN-05) -------------------------------------------------- */

static void share(const struct n64_state_conf *st, struct n64_pool_line *lines, __be32 addr)
{
	__u64 hash = pool_hash(addr, st->pool_seed);
	struct n64_pool_line *line = &lines[pool_line(hash, st->pool_lines)];

	for (__u32 i = 0; i < POOL_WAYS; i++) {
		if (line->way[i].addr == addr)
			line->way[i].flags |= SLOT_SHARED;
	}
}

void world_share_pool(struct world *w)
{
	const struct n64_state_conf *st = &w->policy.conf.st;
	struct n64_pool_line *lines = w->policy.pool_line;
	const struct links *l = &w->view.links;

	if (!lines || conf_is_dynamic(&w->policy.conf)) /* there a line is no address */
		return;
	for (__u32 i = 0; i < st->pool_lines * POOL_WAYS; i++)
		lines[i / POOL_WAYS].way[i % POOL_WAYS].flags &= (__u16)~SLOT_SHARED;
	for (size_t i = 0; i < l->n_addr; i++) {
		if (l->addr[i].fam == AF_INET && l->addr[i].local.w[0])
			share(st, lines, l->addr[i].local.w[0]);
	}
}

/* ---- IPv4 identification (ID-01) ----------------------------------------------- */

int world_init_ids(struct world *w)
{
	__u32 writers = w->policy.conf.ncpu + 1;

	if (getrandom(&w->ids, sizeof(w->ids), 0) != sizeof(w->ids))
		return -EIO;
	/* a counter holds multiples of the number of writers */
	w->ids.df = (__u16)(w->ids.df % (65536 / writers) * writers);
	for (__u32 i = 0; i < N64_ID_SLOTS; i++)
		w->ids.slot[i] = (__u16)(w->ids.slot[i] % (65536 / writers) * writers);
	return 0;
}

__be16 world_ip_id(struct world *w, __be32 src, __be32 dst, __u8 proto, bool df)
{
	const struct n64_conf *c = &w->policy.conf;

	if (df && c->opt.id_when_df == ID_ZERO)
		return 0;
	/* CPUs are writers 0 to ncpu - 1 */
	return ipid_next(&w->ids, ipid_mix(ipid_pair(c->key, src, dst), proto), df, c->ncpu,
			 c->ncpu + 1);
}

/* ---- counters --------------------------------------------------------------------- */

void world_count(struct world *w, enum reason r, __u64 packets, __u64 bytes)
{
	struct n64_count *c = &w->count[r < N_REASONS ? r : R_internal];

	/* the only writer; a reader must not see half a value */
	__atomic_store_n(&c->packets, c->packets + packets, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, c->bytes + bytes, __ATOMIC_RELAXED);
}
