/* SPDX-License-Identifier: GPL-2.0-only */
/* Mode dynamic (section 15): what its configuration must have and may not have, and how
 * it becomes one that the tables of mode stateful know (common/dynamic.h): a pool is
 * blocks of 65536 addresses, an address of it what a port is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "check.h"
#include "dynamic.h"
#include "policy_int.h"
#include "word.h"

#define TEXT 160

/* ---- what may be there ------------------------------------------------------------- */

static int check_unused(const struct check *k)
{
	static const enum opt_id lists[] = { O_eam, O_xlat4, O_statics };
	static const enum opt_id unused[] = { O_hairpin, O_eam_to_eam, O_multicast };
	char text[TEXT];

	for (int i = 0; i < 3; i++) {
		if (option_is_default(k->c, lists[i]))
			continue;
		option_elem_text(k->c, lists[i], 0, text, sizeof(text));
		return check_fail(k, lists[i], 0, "'%s' is not possible in mode dynamic, where a "
				  "host has a whole address; write static-hosts, or remove it",
				  text);
	}
	for (int i = 0; i < 3; i++)
		if (!option_is_default(k->c, unused[i]))
			check_warn(k, unused[i], 0, "it has no effect in mode dynamic");
	for (int id = 0; id < N_OPTS; id++)
		if (option_is_stateful(id) && !option_is_default(k->c, id))
			check_warn(k, id, 0, "it has no effect in mode dynamic");
	return 0;
}

static int check_pool_ports(const struct check *k)
{
	const struct pool4_entry *v = k->c->pool4.v;
	char text[TEXT];

	for (size_t i = 0; i < k->c->pool4.n; i++) {
		if (v[i].first == POOL_FIRST_PORT && v[i].last == POOL_LAST_PORT &&
		    v[i].protos == POOL_ALL_PROTOS)
			continue;
		option_elem_text(k->c, O_pool4, i, text, sizeof(text));
		return check_fail(k, O_pool4, i, "'%s' is not possible in mode dynamic, where a "
				  "host has all ports and protocols of its address; write only the "
				  "prefix", text);
	}
	return 0;
}

static int check_needs(const struct check *k)
{
	const struct config *c = k->c;

	if (!c->pool4.n && !c->static_hosts.n)
		return check_fail(k, O_pool4, 0, "mode dynamic needs one, of which each IPv6 host "
				  "gets an address; write a prefix like 10.0.1.0/24 (-4)");
	if (!c->allow6.n)
		return check_fail(k, O_allow6, 0, "mode dynamic needs to know which IPv6 hosts may "
				  "have an address of the pool (ADR-26); write their prefixes, "
				  "like fc00::/8 (-a)");
	return 0;
}

/* ---- static hosts ------------------------------------------------------------------ */

static int check_host(const struct check *k, size_t i)
{
	const struct host_entry *e = &k->c->static_hosts.v[i];
	const struct prefix4 host4 = { e->addr4, 32 };
	const struct prefix6 host6 = { e->addr6, 128 };
	int rc = check_hosts4(k, O_static_hosts, i, &host4);

	if (!rc)
		rc = check_hosts6(k, O_static_hosts, i, &host6);
	for (size_t j = 0; !rc && j < k->c->pref64.n; j++) {
		const struct prefix6 *p = &k->c->pref64.v[j];
		char prefix[PREFIX_TEXT];

		if (prefix6_contains(&p->addr, p->len, &e->addr6))
			rc = check_fail(k, O_static_hosts, i, "its IPv6 address lies in pref64 %s, "
					"where IPv4 hosts are; write the address of an IPv6 host",
					prefix6_text(p, prefix));
	}
	for (size_t j = 0; !rc && j < i; j++) {
		const struct host_entry *o = &k->c->static_hosts.v[j];

		if (o->addr4 == e->addr4 || addr6_equal(&o->addr6, &e->addr6))
			rc = check_twice(k, O_static_hosts, j, i,
					 "it has the same address on one side");
	}
	return rc;
}

/* As static entries of the tables' one protocol. */
static int add_statics(struct config *c)
{
	c->statics.v = calloc(c->static_hosts.n + 1, sizeof(*c->statics.v));
	if (!c->statics.v)
		return -ENOMEM;
	c->statics.n = c->static_hosts.n;
	for (size_t i = 0; i < c->statics.n; i++) {
		const struct host_entry *e = &c->static_hosts.v[i];

		c->statics.v[i] = (struct static_entry){
			.proto = ST_HOST, .addr4 = e->addr4, .addr6 = e->addr6,
			.port4 = host16(host_port(e->addr4)), .host = true,
		};
	}
	return 0;
}

/* What the tables of mode stateful are told where they know an option for it. */
static void set_options(struct n64_opts *o)
{
	o->udp_timeout = o->dyn_timeout;
	o->filtering_tcp = o->filtering_udp = FILTERING_EIF;
	o->inbound_refresh = 1;
	o->drop_icmp6_info = 0;
	o->subscriber_prefix_len = 128;
	o->subscriber_udp = o->subscriber_rate = o->subscriber_sessions = 0;
	o->soft_app = 1;
	o->port_parity = o->port_preserve = o->port_quarantine = o->port_block = 0;
	o->max_subscribers = o->max_tcp = o->max_udp = o->max_icmp = o->max_sessions = 0;
	o->max_stored_syn = 0;
}

int check_dynamic(const struct check *k)
{
	struct state_sizes sizes;
	int rc;

	if (k->c->adapted)
		return 0;
	rc = check_unused(k);
	if (!rc)
		rc = check_needs(k);
	if (!rc)
		rc = check_pool_ports(k);
	if (!rc)
		rc = check_pool(k);
	for (size_t i = 0; !rc && i < k->c->static_hosts.n; i++)
		rc = check_host(k, i);
	if (!rc)
		rc = add_statics(k->c);
	if (rc)
		return rc;
	set_options(&k->c->opt);
	k->c->adapted = true;
	rc = state_sizes(k->c, &sizes, k->err);
	return rc == -E2BIG ? -EINVAL : rc;
}

/* ---- blocks ------------------------------------------------------------------------ */

/* DYN-05: the addresses of a pool prefix that hosts may get, in host order. */
static void usable(const struct prefix4 *p, __u32 *first, __u32 *last)
{
	*first = host32(p->addr);
	*last = *first | (p->len < 32 ? ~0u >> p->len : 0);
	if (p->len < 31) {
		(*first)++;
		(*last)--;
	}
}

bool host_range(const struct prefix4 *p, __be32 block, __u32 *first, __u32 *last)
{
	__u32 b = host32(block);

	usable(p, first, last);
	if (*last < b || *first > (b | HOST_LOW))
		return false;
	*first = *first < b ? 0 : *first & HOST_LOW;
	*last = *last > (b | HOST_LOW) ? HOST_LOW : *last & HOST_LOW;
	return true;
}

static int by_address(const void *pa, const void *pb)
{
	__u32 a = host32(((const struct pool_addr *)pa)->addr);
	__u32 b = host32(((const struct pool_addr *)pb)->addr);

	return a < b ? -1 : a > b;
}

/* Adjoining entries of one block become one. */
static __u64 merge(struct pool_addr *v, __u64 n)
{
	__u64 kept = 0;

	qsort(v, n, sizeof(*v), by_address);
	for (__u64 i = 0; i < n; i++) {
		if (kept && v[kept - 1].addr == v[i].addr) {
			v[kept - 1].dynamic |= v[i].dynamic;
			v[kept - 1].fixed |= v[i].fixed;
			v[kept - 1].ports[ST_HOST] += v[i].ports[ST_HOST];
		} else {
			v[kept++] = v[i];
		}
	}
	return kept;
}

int host_blocks(const struct config *c, struct pool_addr **out, __u64 *n)
{
	__u64 most = c->statics.n;
	struct pool_addr *v;
	__u32 first, last;

	for (size_t i = 0; i < c->pool4.n; i++)
		most += c->pool4.v[i].prefix.len < 16 ? 1u << (16 - c->pool4.v[i].prefix.len) : 1;
	*n = most;
	if (most > 2 * N64_MAX_SLOTS)
		return -E2BIG;
	*out = v = calloc(most + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	*n = 0;
	for (size_t i = 0; i < c->pool4.n; i++) {
		const struct prefix4 *p = &c->pool4.v[i].prefix;
		__u32 blocks = p->len < 16 ? 1u << (16 - p->len) : 1;

		for (__u32 b = 0; b < blocks; b++) {
			struct pool_addr *a = &v[(*n)++];

			a->addr = host_block(be32(host32(p->addr) + (b << 16)));
			a->dynamic = 1 << ST_HOST;
			if (host_range(p, a->addr, &first, &last))
				a->ports[ST_HOST] = last - first + 1;
		}
	}
	for (size_t i = 0; i < c->statics.n; i++)
		v[(*n)++] = (struct pool_addr){ .addr = host_block(c->statics.v[i].addr4),
						.fixed = 1 << ST_HOST };
	*n = merge(v, *n);
	if (*n <= N64_MAX_SLOTS)
		return 0;
	free(v);
	*out = NULL;
	return -E2BIG;
}
