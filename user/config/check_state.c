/* SPDX-License-Identifier: GPL-2.0-only */
/* What a configuration of mode stateful must have and may not have (RFC 6146), and what
 * the other modes do not know of it: pool4 without overlaps (PORT-01, PORT-10), static
 * entries without conflicts (ST-01, ST-04), timers and sizes that fit one another. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "check.h"
#include "policy_int.h"
#include "span.h"

#define TEXT 160

/* ---- what belongs to which mode ---------------------------------------------------- */

static void warn_no_effect(const struct check *k, enum opt_id id, const char *mode)
{
	if (!option_is_default(k->c, id))
		check_warn(k, id, 0, "it has no effect in mode %s", mode);
}

static int check_other_modes(const struct check *k)
{
	static const enum opt_id lists[] = { O_pool4, O_statics, O_static_hosts };
	char text[TEXT], mode[32];

	option_text(k->c, O_mode, mode, sizeof(mode));
	for (int i = 0; i < 3; i++) {
		if (option_is_default(k->c, lists[i]))
			continue;
		option_elem_text(k->c, lists[i], 0, text, sizeof(text));
		return check_fail(k, lists[i], 0, "'%s' is not possible in mode %s, which keeps no "
						  "mappings; write mode stateful or dynamic, "
						  "or remove it",
				  text, mode);
	}
	for (int id = 0; id < N_OPTS; id++)
		if (option_is_stateful(id) || option_is_dynamic(id))
			warn_no_effect(k, id, mode);
	return 0;
}

static int not_alone(const struct check *k, enum opt_id id, size_t i)
{
	char text[TEXT];

	option_elem_text(k->c, id, i, text, sizeof(text));
	return check_fail(k, id, i, "'%s' is not possible by itself in mode stateful; write it "
			  "in an entry of stateless, or mode siit", text);
}

/* MIX-02: an address is the pool's or a host's. */
static int not_in_pool(const struct check *k, enum opt_id id, size_t i, const struct prefix4 *p)
{
	const struct config *c = k->c;
	char text[TEXT], pool[PREFIX_TEXT];

	for (size_t j = 0; j < c->pool4.n + c->statics.n; j++) {
		bool pooled = j < c->pool4.n;
		const struct prefix4 q = pooled ? c->pool4.v[j].prefix :
			(struct prefix4){ c->statics.v[j - c->pool4.n].addr4, 32 };

		if (!prefix4_contains(p->addr, p->len < q.len ? p->len : q.len, q.addr))
			continue;
		option_elem_text(c, id, i, text, sizeof(text));
		return check_fail(k, id, i, "'%s' is not allowed, it overlaps %s of %s (MIX-02); "
				  "write each IPv4 address in one of the two", text,
				  prefix4_text(&q, pool),
				  options[pooled ? O_pool4 : O_statics].key);
	}
	return 0;
}

/* MIX-01: eam and xlat4 belong to entries, an entry without pref64 has eam alone. */
static int check_entry(const struct check *k, size_t i)
{
	const struct stateless_entry *e = &k->c->stateless.v[i];
	int rc = 0;

	if (i >= N64_MAX_STATELESS)
		return check_fail(k, O_stateless, i, "entry %zu is not possible; write at most %d",
				  i + 1, N64_MAX_STATELESS);
	if (!e->pref64.len && e->n_xlat4)
		return check_fail(k, O_stateless, i, "entry %zu has xlat4, whose hosts live at "
				  "pref64 addresses, but no pref64; write one", i + 1);
	if (e->pref64.len)
		rc = check_hosts6(k, O_stateless, i, &e->pref64);
	for (size_t n = 0; !rc && n < e->n_eam; n++)
		rc = not_in_pool(k, O_eam, e->eam + n, &k->c->eam.v[e->eam + n].v4);
	for (size_t n = 0; !rc && n < e->n_xlat4; n++) {
		rc = check_hosts4(k, O_xlat4, e->xlat4 + n, &k->c->xlat4.v[e->xlat4 + n]);
		if (!rc)
			rc = not_in_pool(k, O_xlat4, e->xlat4 + n,
					 &k->c->xlat4.v[e->xlat4 + n]);
	}
	return rc;
}

static int check_stateless(const struct check *k)
{
	static const enum opt_id unused[] = { O_multicast, O_multicast_out4, O_multicast_out6,
					      O_mpref64, O_hairpin, O_eam_to_eam, O_pool6791v4 };
	const struct config *c = k->c;
	int rc = 0;

	for (size_t i = 0; i < c->eam.n; i++)
		if (!config_entry_of_eam(c, i))
			return not_alone(k, O_eam, i);
	for (size_t i = 0; i < c->xlat4.n; i++)
		if (!config_entry_of_xlat4(c, i))
			return not_alone(k, O_xlat4, i);
	for (size_t i = 0; !rc && i < c->stateless.n; i++)
		rc = check_entry(k, i);
	if (!rc && !option_is_default(c, O_static_hosts))
		rc = check_fail(k, O_static_hosts, 0, "in mode stateful hosts share addresses; "
				"write static, or mode dynamic");
	for (int id = 0; !rc && id < N_OPTS; id++)
		if (option_is_dynamic(id))
			warn_no_effect(k, id, "stateful");
	/* the last three do something for stateless entries */
	for (int i = 0; !rc && i < (c->stateless.n ? 4 : 7); i++)
		warn_no_effect(k, unused[i], "stateful");
	return rc;
}

static int check_needs(const struct check *k)
{
	const struct config *c = k->c;

	if (!c->pref64.n)
		return check_fail(k, O_pref64, 0, "mode stateful needs one, by which IPv6 hosts "
				  "reach IPv4; write a prefix like 2001:db8:64::/96");
	if (!c->pool4.n && !c->statics.n)
		return check_fail(k, O_pool4, 0, "neither pool4 nor static is given, so nothing "
				  "would be translated; write IPv4 addresses of your own, like "
				  "203.0.113.0/28");
	return 0;
}

/* ---- pool4 -------------------------------------------------------------------------- */

/* Ports that the entries on the way down to a prefix have, a bit for each; as they are
 * disjoint, an entry that is left can be taken out again. */
struct taken {
	__u64 port[N_ST_PROTOS][N64_ROW_PORTS / 64];
	__u32 *stack;	/* entries, outermost first */
	size_t depth;
};

/* Bits of word `w` that lie in first..last. */
static __u64 word_mask(__u32 w, __u32 first, __u32 last)
{
	__u32 from = w * 64 < first ? first - w * 64 : 0;
	__u32 to = w * 64 + 63 > last ? last - w * 64 : 63;

	return ~0ull << from & ~0ull >> (63 - to);
}

static void leave(struct taken *t, const struct pool4_entry *e)
{
	for (__u32 proto = 0; proto < N_ST_PROTOS; proto++)
		for (__u32 w = e->first / 64; e->protos & 1u << proto && w <= e->last / 64u; w++)
			t->port[proto][w] &= ~word_mask(w, e->first, e->last);
}

/* False: another entry has a port of this one. */
static bool enter(struct taken *t, const struct pool4_entry *e)
{
	for (__u32 proto = 0; proto < N_ST_PROTOS; proto++) {
		for (__u32 w = e->first / 64; e->protos & 1u << proto && w <= e->last / 64u; w++) {
			__u64 mask = word_mask(w, e->first, e->last);

			if (t->port[proto][w] & mask)
				return false;
			t->port[proto][w] |= mask;
		}
	}
	return true;
}

static int overlapping(const struct check *k, const struct taken *t, size_t index)
{
	const struct pool4_entry *v = k->c->pool4.v, *e = &v[index];
	char one[TEXT], other[TEXT], place[200];
	size_t i = 0, first, second;

	while (i + 1 < t->depth && !(v[t->stack[i]].protos & e->protos &&
				     v[t->stack[i]].first <= e->last &&
				     e->first <= v[t->stack[i]].last))
		i++;
	first = t->stack[i] < index ? t->stack[i] : index;
	second = t->stack[i] < index ? index : t->stack[i];
	option_elem_text(k->c, O_pool4, second, one, sizeof(one));
	option_elem_text(k->c, O_pool4, first, other, sizeof(other));
	check_place(k, O_pool4, first, place, sizeof(place));
	return check_fail(k, O_pool4, second,
			  "'%s' is not allowed, it has addresses and ports of %s (entry %zu%s); "
			  "write each port once", one, other, first + 1, place);
}

static int check_overlaps(const struct check *k)
{
	const struct config *c = k->c;
	struct span *span = calloc(c->pool4.n + 1, sizeof(*span));
	struct taken *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (t)
		t->stack = calloc(c->pool4.n + 1, sizeof(*t->stack));
	if (!span || !t || !t->stack)
		goto out;
	rc = 0;
	for (size_t i = 0; i < c->pool4.n; i++)
		span[i] = span4(&c->pool4.v[i].prefix, 0, i);
	span_sort(span, c->pool4.n);
	for (size_t i = 0; !rc && i < c->pool4.n; i++) {
		__u32 index = span[i].index;

		while (t->depth) {
			const struct pool4_entry *e = &c->pool4.v[t->stack[t->depth - 1]];
			struct span outer = span4(&e->prefix, 0, 0);

			if (span_covers(&outer, &span[i]))
				break;
			leave(t, e);
			t->depth--;
		}
		if (!enter(t, &c->pool4.v[index]))
			rc = overlapping(k, t, index);
		t->stack[t->depth++] = index;
	}
out:
	free(span);
	if (t)
		free(t->stack);
	free(t);
	return rc;
}

/* ADR-25: a packet from or to it would be dropped. */
static void warn_denied(const struct check *k)
{
	const struct config *c = k->c;
	char pool[PREFIX_TEXT], deny[PREFIX_TEXT];

	for (size_t i = 0; i < c->pool4.n; i++) {
		for (size_t j = 0; j < c->denylist4.n; j++) {
			const struct prefix4 *p = &c->pool4.v[i].prefix, *d = &c->denylist4.v[j];
			__u8 len = p->len < d->len ? p->len : d->len;

			if (!prefix4_contains(d->addr, len, p->addr))
				continue;
			check_warn(k, O_denylist4, j, "%s covers %s of pool4, so hosts behind this "
						      "gateway cannot reach one another by it",
				   prefix4_text(d, deny), prefix4_text(p, pool));
			return;
		}
	}
}

int check_pool(const struct check *k)
{
	const struct config *c = k->c;
	int rc = 0;

	for (size_t i = 0; !rc && i < c->pool4.n; i++)
		rc = check_hosts4(k, O_pool4, i, &c->pool4.v[i].prefix);
	if (!rc)
		rc = check_overlaps(k);
	if (!rc)
		warn_denied(k);
	return rc;
}

/* ---- static entries ------------------------------------------------------------------- */

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static int by_ipv4(const void *pa, const void *pb)
{
	const struct static_entry *a = *(const struct static_entry *const *)pa;
	const struct static_entry *b = *(const struct static_entry *const *)pb;

	return compare((__u64)a->proto << 48 | (__u64)host32(a->addr4) << 16 | a->port4,
		       (__u64)b->proto << 48 | (__u64)host32(b->addr4) << 16 | b->port4);
}

static int by_ipv6(const void *pa, const void *pb)
{
	const struct static_entry *a = *(const struct static_entry *const *)pa;
	const struct static_entry *b = *(const struct static_entry *const *)pb;
	int d = compare((__u64)a->proto << 16 | a->port6, (__u64)b->proto << 16 | b->port6);

	return d ? d : memcmp(&a->addr6, &b->addr6, sizeof(a->addr6));
}

/* ST-01: each side is unique within its BIB. */
static int check_twins(const struct check *k, const struct static_entry **v,
		       int (*order)(const void *, const void *), const char *what)
{
	size_t n = k->c->statics.n;

	qsort(v, n, sizeof(*v), order);
	for (size_t i = 1; i < n; i++)
		if (!order(&v[i - 1], &v[i]))
			return check_twice(k, O_statics, (size_t)(v[i - 1] - k->c->statics.v),
					   (size_t)(v[i] - k->c->statics.v), what);
	return 0;
}

/* ADR-22: a source inside a pref64 is never a host of ours. */
static int check_static(const struct check *k, size_t i)
{
	const struct static_entry *e = &k->c->statics.v[i];
	const struct prefix4 host4 = { e->addr4, 32 };
	const struct prefix6 host6 = { e->addr6, 128 };
	char text[TEXT], prefix[PREFIX_TEXT];
	int rc;

	rc = check_hosts4(k, O_statics, i, &host4);
	if (!rc)
		rc = check_hosts6(k, O_statics, i, &host6);
	for (size_t j = 0; !rc && j < k->c->pref64.n; j++) {
		const struct prefix6 *p = &k->c->pref64.v[j];

		if (!prefix6_contains(&p->addr, p->len, &e->addr6))
			continue;
		option_elem_text(k->c, O_statics, i, text, sizeof(text));
		rc = check_fail(k, O_statics, i, "'%s' is not possible, its IPv6 address lies in "
				"pref64 %s, where IPv4 hosts are; write the address of an IPv6 "
				"host", text, prefix6_text(p, prefix));
	}
	return rc;
}

static int check_statics(const struct check *k)
{
	size_t n = k->c->statics.n;
	const struct static_entry **v = calloc(n + 1, sizeof(*v));
	int rc = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		v[i] = &k->c->statics.v[i];
		rc = check_static(k, i);
	}
	if (!rc)
		rc = check_twins(k, v, by_ipv4, "it has the same IPv4 side");
	if (!rc)
		rc = check_twins(k, v, by_ipv6, "it has the same IPv6 side");
	free(v);
	return rc;
}

/* ---- timers, sizes ---------------------------------------------------------------------- */

static int check_udp_ports(const struct check *k)
{
	const struct config *c = k->c;
	char text[TEXT];

	for (size_t i = 0; i < c->udp_port_timeouts.n; i++) {
		const struct port_time *t = &c->udp_port_timeouts.v[i];

		option_elem_text(c, O_udp_port_timeouts, i, text, sizeof(text));
		if (i >= N64_MAX_UDP_PORTS)
			return check_fail(k, O_udp_port_timeouts, i, "'%s' is not possible, it is "
					  "number %zu; write at most %d", text, i + 1,
					  N64_MAX_UDP_PORTS);
		if (t->seconds > c->opt.udp_timeout)
			return check_fail(k, O_udp_port_timeouts, i, "'%s' is not shorter than "
					  "udp-timeout (RFC 4787 REQ-5); write at most %u seconds",
					  text, c->opt.udp_timeout);
		for (size_t j = 0; j < i; j++)
			if (c->udp_port_timeouts.v[j].port == t->port)
				return check_twice(k, O_udp_port_timeouts, j, i,
						   "it has the same port");
	}
	return 0;
}

static int check_numbers(const struct check *k)
{
	const struct n64_opts *o = &k->c->opt;

	if (o->tcp_trans_timeout < 240 && !o->tcp_trans_short)
		return check_fail(k, O_tcp_trans_timeout, 0, "'%u' is not allowed, RFC 6146 4 asks "
				  "for 240 s (RFC 7857 2.1 for less); write 240 or more, or "
				  "tcp-trans-short true", o->tcp_trans_timeout);
	if (o->port_block && (o->port_block < 64 || o->port_block & (o->port_block - 1)))
		return check_fail(k, O_port_block, 0, "'%u' is not the size of a block (CGN-08); "
				  "write 0, or a power of two from 64 to 4096", o->port_block);
	return 0;
}

int check_state(const struct check *k)
{
	struct state_sizes sizes;
	int rc;

	if (k->c->opt.mode == MODE_DYNAMIC)
		return check_dynamic(k);
	if (k->c->opt.mode != MODE_STATEFUL)
		return check_other_modes(k);
	rc = check_needs(k);
	if (!rc)
		rc = check_stateless(k);
	if (!rc)
		rc = check_pool(k);
	if (!rc)
		rc = check_statics(k);
	if (!rc)
		rc = check_udp_ports(k);
	if (!rc)
		rc = check_numbers(k);
	if (!rc)
		rc = state_sizes(k->c, &sizes, k->err);
	return rc == -E2BIG ? -EINVAL : rc;
}
