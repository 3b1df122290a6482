/* SPDX-License-Identifier: GPL-2.0-only */
/* Routes and neighbours from rtnetlink to the map `hops`. */
#include "worker/hops.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SCAN_TRIES 3	/* a table that changes all the time is read this often */
#define QUIET_TICKS 8	/* two seconds without a loss before the tables are read again */

/* What was written before is seen by whoever sees one of these. */
static void raise_any(struct n64_hops *map)
{
	__atomic_fetch_add(&map->any, 1, __ATOMIC_ACQ_REL);
}

static void raise(struct n64_hops *map, __u32 *gen)
{
	__atomic_fetch_add(gen, HOP_RAISE, __ATOMIC_ACQ_REL);
	raise_any(map);
}

static void raise_all(struct n64_hops *map)
{
	__atomic_fetch_add(&map->all, 1, __ATOMIC_ACQ_REL);
	raise_any(map);
}

static void set_bit(__u64 *map, __u32 place)
{
	__atomic_fetch_or(&map[place % HOP_BITS / 64], 1ull << place % 64, __ATOMIC_RELAXED);
}

static void set_flag(struct n64_hops *map, __u32 flag, bool on)
{
	if (on)
		__atomic_fetch_or(&map->flags, flag, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&map->flags, ~flag, __ATOMIC_RELAXED);
	raise_any(map);
}

/* ---- pure ------------------------------------------------------------------------- */

static struct hop_dst destination(enum ip_family fam, const struct addr6 *a)
{
	return fam == FAM_4 ? hop_dst4(a->w[0]) : hop_dst6(a);
}

/* The blocks of the second length that a prefix of `len` covers; more than 256 are not
 * marked one by one: the programs find out that their addresses are neighbours. */
static void cut_blocks(struct n64_hops *map, enum ip_family fam, struct hop_dst d, __u32 len)
{
	__u32 second = hop_len(fam, 1), f = hop_family(fam), n;

	if (len + 8 < second)
		return;
	n = len < second ? 1u << (second - len) : 1;
	d = hop_block(fam, 1, d);
	for (__u32 i = 0; i < n; i++) {
		/* the last byte of the block is the one above its length */
		struct hop_dst one = { d.a + ((__u64)i << (fam == FAM_4 ? 16 : 56)), 0 };

		set_bit(map->cut[f], hop_place(fam, one));
	}
}

void hops_mark(struct n64_hops *map, enum ip_family fam, const struct addr6 *dst, __u32 len,
	       bool neighbours)
{
	struct hop_dst d = destination(fam, dst);
	__u32 f = hop_family(fam);

	if (len == hop_len(fam, 2)) {
		set_bit(map->single[f], hop_place(fam, d));
		set_bit(map->inside[f], hop_place(fam, hop_block(fam, 1, d)));
	} else if (len > hop_len(fam, 1) || neighbours)
		cut_blocks(map, fam, d, len);
	if (len > hop_len(fam, 0) || (neighbours && len == hop_len(fam, 0)))
		__atomic_fetch_or(&map->net[f][hop_net(fam, d)], HOP_CUT, __ATOMIC_RELEASE);
}

void hops_raise(struct n64_hops *map, enum ip_family fam, const struct addr6 *dst, __u32 len)
{
	struct hop_dst d = destination(fam, dst);

	if (len == hop_len(fam, 2))
		raise(map, &map->host[hop_host(d) % HOP_GENS]);
	else if (len >= hop_len(fam, 0))
		raise(map, &map->net[hop_family(fam)][hop_net(fam, d)]);
	else
		raise_all(map);
}

void hops_add(struct n64_hops *map, enum ip_family fam, const struct addr6 *dst, __u32 len,
	      bool neighbours)
{
	struct hop_dst d = destination(fam, dst);
	__u32 f = hop_family(fam);
	bool known = len != hop_len(fam, 2) ||
		     (hop_bit(map->single[f], hop_place(fam, d)) &&
		      hop_bit(map->inside[f], hop_place(fam, hop_block(fam, 1, d))));

	hops_mark(map, fam, dst, len, neighbours);
	hops_raise(map, fam, dst, len);
	if (!known)
		raise(map, &map->net[f][hop_net(fam, d)]);
}

/* ---- messages ----------------------------------------------------------------------- */

struct route_row {
	enum ip_family fam;
	__u32 len;
	struct addr6 dst;
	bool special;	/* which of several ways, or for whom, depends on more */
	__u32 table, priority, tos;
	bool neighbours; /* no gateway: each address is a next hop */
};

/* Several next hops? One alone may come as RTA_MULTIPATH as well. */
static bool is_multipath(const struct nlmsghdr *m)
{
	const struct nlattr *a;
	bool group = false, plain = false;

	mnl_attr_for_each(a, m, sizeof(struct rtmsg)) {
		switch (mnl_attr_get_type(a)) {
		case RTA_MULTIPATH: {
			const struct rtnexthop *nh = mnl_attr_get_payload(a);

			if (mnl_attr_get_payload_len(a) > RTNH_ALIGN(nh->rtnh_len))
				return true;
			plain = true;
			break;
		}
		case RTA_OIF:
			plain = true;
			break;
		case RTA_NH_ID:
			group = true; /* of which nothing is told where the host wants so */
			break;
		default:
			break;
		}
	}
	return group && !plain;
}

static bool read_route(const struct nlmsghdr *m, struct route_row *r)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(m);
	const struct nlattr *a;

	if ((rt->rtm_family != AF_INET && rt->rtm_family != AF_INET6) ||
	    rt->rtm_flags & RTM_F_CLONED)
		return false;
	memset(r, 0, sizeof(*r));
	r->fam = rt->rtm_family == AF_INET ? FAM_4 : FAM_6;
	r->len = rt->rtm_dst_len;
	r->neighbours = rt->rtm_type == RTN_UNICAST;
	r->special = rt->rtm_tos || rt->rtm_src_len || is_multipath(m);
	r->table = rt->rtm_table;
	r->tos = rt->rtm_tos;
	mnl_attr_for_each(a, m, sizeof(*rt)) {
		__u16 n = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == RTA_DST && n == (r->fam == FAM_4 ? 4 : 16))
			memcpy(&r->dst, mnl_attr_get_payload(a), n);
		else if (mnl_attr_get_type(a) == RTA_TABLE && n == 4)
			r->table = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == RTA_PRIORITY && n == 4)
			r->priority = mnl_attr_get_u32(a);
		else if (mnl_attr_get_type(a) == RTA_GATEWAY || mnl_attr_get_type(a) == RTA_VIA)
			r->neighbours = false;
	}
	return r->len <= hop_len(r->fam, 2);
}

static struct hops_special special_of(const struct route_row *r)
{
	return (struct hops_special){ r->dst, r->len, r->fam, r->table, r->priority, r->tos };
}

/* Its index among the noted ones, n_noted if it is none. */
static __u32 noted_at(const struct hops *h, const struct hops_special *s)
{
	__u32 i = 0;

	while (i < h->n_noted && memcmp(&h->noted[i], s, sizeof(*s)))
		i++;
	return i;
}

/* The tables are to be read, when there was quiet for a while: it is not urgent. */
static void read_again(struct hops *h)
{
	h->stale = true;
	h->quiet = 0;
}

static void note_special(struct hops *h, const struct route_row *r)
{
	const struct hops_special s = special_of(r);

	h->special = true;
	if (h->n_noted < HOPS_SPECIAL && noted_at(h, &s) == h->n_noted)
		h->noted[h->n_noted++] = s;
}

/* The route is gone, or another has its place. Whether any is left that looks at more than the
 * destination, the tables tell. */
static void forget_special(struct hops *h, const struct route_row *r)
{
	const struct hops_special s = special_of(r);
	__u32 i = noted_at(h, &s);

	if (i == h->n_noted)
		return;
	h->noted[i] = h->noted[--h->n_noted];
	if (!h->n_noted)
		read_again(h);
}

static void on_route(struct hops *h, const struct nlmsghdr *m)
{
	bool gone = m->nlmsg_type == RTM_DELROUTE;
	struct route_row r;

	if (!read_route(m, &r))
		return;
	if (gone || !r.special)
		forget_special(h, &r);
	if (gone) {
		hops_raise(h->map, r.fam, &r.dst, r.len);
		return;
	}
	if (r.special) {
		note_special(h, &r);
		set_flag(h->map, HOP_FULL, true);
	}
	hops_add(h->map, r.fam, &r.dst, r.len, r.neighbours);
}

/* ---- neighbours ------------------------------------------------------------------------ */

#define NUD_VALID_STATES \
	(NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

static bool read_neigh(const struct nlmsghdr *m, struct hops_neigh *n)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(m);
	const struct nlattr *a;

	if (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6)
		return false;
	memset(n, 0, sizeof(*n));
	n->fam = nd->ndm_family == AF_INET ? FAM_4 : FAM_6;
	n->ifindex = (__u32)nd->ndm_ifindex;
	n->valid = m->nlmsg_type == RTM_NEWNEIGH && nd->ndm_state & NUD_VALID_STATES;
	mnl_attr_for_each(a, m, sizeof(*nd)) {
		__u16 len = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == NDA_DST && len == (n->fam == FAM_4 ? 4 : 16))
			memcpy(&n->addr, mnl_attr_get_payload(a), len);
		else if (mnl_attr_get_type(a) == NDA_LLADDR && len <= sizeof(n->lladdr))
			memcpy(n->lladdr, mnl_attr_get_payload(a), len);
	}
	if (!n->valid)
		memset(n->lladdr, 0, sizeof(n->lladdr));
	return true;
}

/* Remembers it. False: it was known to be just so, and only its state changed. */
static bool neigh_differs(struct hops *h, const struct hops_neigh *n)
{
	__u32 place = hop_gateway(n->ifindex, n->fam, destination(n->fam, &n->addr));
	struct hops_neigh *old = &h->neigh[place & (HOPS_NEIGHS - 1)];

	if (!memcmp(old, n, sizeof(*n)))
		return false;
	*old = *n;
	return true;
}

static void on_neigh(struct hops *h, const struct nlmsghdr *m)
{
	struct hops_neigh n;

	if (!read_neigh(m, &n) || !neigh_differs(h, &n))
		return;
	if (hop_bit(h->map->gateway,
		    hop_gateway(n.ifindex, n.fam, destination(n.fam, &n.addr)) % HOP_BITS))
		raise_all(h->map);
	else
		hops_raise(h->map, n.fam, &n.addr, hop_len(n.fam, 2));
}

void hops_event(struct hops *h, const struct nlmsghdr *m)
{
	if (!h->map)
		return;
	switch (m->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		on_route(h, m);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neigh(h, m);
		break;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		hops_changed(h, h->policy);
		break;
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		raise_all(h->map);
		break;
	default:
		break;
	}
}

/* ---- the whole ------------------------------------------------------------------------- */

struct scan {
	struct hops *h;
	struct n64_hops *fresh;
};

static int scan_route(const struct nlmsghdr *m, void *ctx)
{
	struct scan *s = ctx;
	struct route_row r;

	if (m->nlmsg_type == RTM_NEWROUTE && read_route(m, &r)) {
		if (r.special)
			note_special(s->h, &r);
		hops_mark(s->fresh, r.fam, &r.dst, r.len, r.neighbours);
	}
	return 0;
}

static int scan_neigh(const struct nlmsghdr *m, void *ctx)
{
	struct scan *s = ctx;
	struct hops_neigh n;

	if (m->nlmsg_type == RTM_NEWNEIGH && read_neigh(m, &n))
		neigh_differs(s->h, &n);
	return 0;
}

static int scan_all(struct scan *s, struct nl *ask)
{
	static const __u8 family[] = { AF_INET, AF_INET6 };
	char buf[NL_BUF] __attribute__((aligned(8)));
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++) {
		struct rtmsg route = { .rtm_family = family[i] };
		struct ndmsg neigh = { .ndm_family = family[i] };

		rc = nl_talk(ask, nl_request(buf, RTM_GETROUTE, NLM_F_DUMP, &route, sizeof(route)),
			     scan_route, s);
		if (!rc)
			rc = nl_talk(ask, nl_request(buf, RTM_GETNEIGH, NLM_F_DUMP, &neigh,
						     sizeof(neigh)), scan_neigh, s);
	}
	return rc;
}

/* Puts the bits of `fresh` into force. New ones stand before an answer of before can be
 * taken for one of now; old ones go afterwards. */
static void replace_bits(__u64 *bits, const __u64 *fresh, size_t n, bool last)
{
	for (size_t i = 0; i < n; i++)
		__atomic_store_n(&bits[i], last ? fresh[i] : bits[i] | fresh[i],
				 __ATOMIC_RELAXED);
}

static void replace_cuts(__u32 *net, const __u32 *fresh, size_t n, bool last)
{
	for (size_t i = 0; i < n; i++) {
		if (fresh[i] & HOP_CUT)
			__atomic_fetch_or(&net[i], HOP_CUT, __ATOMIC_RELAXED);
		else if (last)
			__atomic_fetch_and(&net[i], ~HOP_CUT, __ATOMIC_RELAXED);
	}
}

static void put_in_force(struct hops *h, const struct n64_hops *fresh)
{
	struct n64_hops *map = h->map;

	for (int last = 0; last < 2; last++) {
		replace_bits(&map->cut[0][0], &fresh->cut[0][0], sizeof(map->cut) / 8, last);
		replace_bits(&map->single[0][0], &fresh->single[0][0], sizeof(map->single) / 8,
			     last);
		replace_bits(&map->inside[0][0], &fresh->inside[0][0], sizeof(map->inside) / 8,
			     last);
		replace_cuts(&map->net[0][0], &fresh->net[0][0], 2 * HOP_GENS, last);
		set_flag(map, HOP_FULL, h->special || h->policy);
		raise_all(h->map);
	}
	/* marked again with the next answers, which all have to be asked for now */
	for (size_t i = 0; i < HOP_BITS / 64; i++)
		__atomic_store_n(&map->gateway[i], 0, __ATOMIC_RELAXED);
	raise_all(h->map);
	set_flag(map, HOP_EXACT, false);
}

int hops_scan(struct hops *h, struct nl *ask)
{
	struct scan s = { .h = h };
	bool special = h->special;
	int rc = 0;

	if (!h->map)
		return 0;
	s.fresh = calloc(1, sizeof(*s.fresh));
	if (!s.fresh)
		return -ENOMEM;
	h->stale = h->special = false;
	h->n_noted = 0;
	/* interrupted, a row may be missing: what was changed meanwhile comes as an event,
	 * and what one dump misses the next one has */
	for (int i = 0; i < SCAN_TRIES && !rc; i++) {
		ask->interrupted = false;
		rc = scan_all(&s, ask);
		if (!ask->interrupted)
			break;
	}
	if (!rc)
		put_in_force(h, s.fresh);
	else if ((h->special |= special))
		set_flag(h->map, HOP_FULL, true);
	h->stale = rc != 0;
	free(s.fresh);
	return rc;
}

void hops_lost(struct hops *h)
{
	if (!h->map)
		return;
	set_flag(h->map, HOP_EXACT, true);
	raise_all(h->map);
	h->stale = true;
	h->quiet = 0;
}

void hops_changed(struct hops *h, bool policy_routing)
{
	if (!h->map)
		return;
	h->policy = policy_routing;
	if (h->special) /* nothing is told of routes that go with a link or a nexthop */
		read_again(h);
	set_flag(h->map, HOP_FULL, h->special || h->policy);
	raise_all(h->map);
}

bool hops_tick(struct hops *h)
{
	if (h->quiet < QUIET_TICKS)
		h->quiet++;
	return h->map && h->stale && h->quiet >= QUIET_TICKS;
}

int hops_open(struct hops *h, struct n64_hops *map)
{
	memset(h, 0, sizeof(*h));
	h->neigh = calloc(HOPS_NEIGHS, sizeof(*h->neigh));
	if (!h->neigh)
		return -ENOMEM;
	h->map = map;
	h->quiet = QUIET_TICKS;
	h->stale = true;
	set_flag(map, HOP_EXACT, true);
	return 0;
}

void hops_close(struct hops *h)
{
	free(h->neigh);
	memset(h, 0, sizeof(*h));
}
