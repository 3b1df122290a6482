/* SPDX-License-Identifier: GPL-2.0-only */
/* struct config -> struct n64_conf: what the programs and the worker read. */
#include <string.h>

#include "addr.h"
#include "options.h"
#include "policy.h"

/* Longest first, and among equals in the order written (ADR-08). */
static void sort_pref64(const struct config *c, struct n64_conf *conf)
{
	size_t n = c->pref64.n < N64_MAX_PREF64 ? c->pref64.n : N64_MAX_PREF64;

	for (size_t i = 0; i < n; i++) {
		const struct prefix6 *p = &c->pref64.v[i];
		size_t at = i;

		for (; at && conf->pref64[at - 1].len < p->len; at--)
			conf->pref64[at] = conf->pref64[at - 1];
		conf->pref64[at].prefix = p->addr;
		conf->pref64[at].len = p->len;
		if (i == 0 || at <= conf->first_pref64)
			conf->first_pref64 = i == 0 ? 0 : conf->first_pref64 + 1;
	}
	conf->n_pref64 = (__u32)n;
}

/* MIX-01 */
static void fill_stateless(const struct config *c, struct n64_conf *conf)
{
	for (size_t i = 0; i < c->stateless.n && i < N64_MAX_STATELESS; i++) {
		conf->pref64[N64_MAX_PREF64 + i].prefix = c->stateless.v[i].pref64.addr;
		conf->pref64[N64_MAX_PREF64 + i].len = c->stateless.v[i].pref64.len;
		conf->n_stateless++;
	}
}

static bool same_pref64(const struct n64_pref64 *a, const struct n64_pref64 *b)
{
	return a->len == b->len && addr6_equal(&a->prefix, &b->prefix);
}

/* Index of `p` in the configuration that runs, N64_MAX_PREF64: it is new. */
static __u32 index_before(const struct n64_conf *before, const struct n64_pref64 *p)
{
	__u32 i = 0;

	while (i < before->n_pref64 && !same_pref64(&before->pref64[i], p))
		i++;
	return i < before->n_pref64 ? i : N64_MAX_PREF64;
}

/* n_pref64 does not fall: as long as there is one only, mappings are not told which of
 * them their host uses, and would hold an index that the next reload gives away. */
void conf_keep_pref64(const struct n64_conf *before, struct n64_conf *conf)
{
	struct n64_pref64 want[N64_MAX_PREF64];
	__u32 n = conf->n_pref64, first = conf->first_pref64, at[N64_MAX_PREF64], hole = 0;

	memcpy(want, conf->pref64, sizeof(want));
	memset(conf->pref64, 0, sizeof(want));
	conf->n_pref64 = before->n_pref64;
	for (__u32 i = 0; i < n; i++) {
		at[i] = index_before(before, &want[i]);
		if (at[i] < N64_MAX_PREF64)
			conf->pref64[at[i]] = want[i];
	}
	for (__u32 i = 0; i < n; i++) {
		while (at[i] == N64_MAX_PREF64 && conf->pref64[hole].len)
			hole++;
		if (at[i] == N64_MAX_PREF64)
			at[i] = hole;
		conf->pref64[at[i]] = want[i];
		if (at[i] >= conf->n_pref64)
			conf->n_pref64 = at[i] + 1;
	}
	conf->first_pref64 = n ? at[first] : 0;
}

static void sort_plateaus(const struct config *c, struct n64_conf *conf)
{
	const __u32 *v = c->mtu_plateaus.n ? c->mtu_plateaus.v : default_plateaus;
	size_t n = c->mtu_plateaus.n ? c->mtu_plateaus.n : n_default_plateaus;

	if (n > N64_MAX_PLATEAUS)
		n = N64_MAX_PLATEAUS;
	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		for (; at && conf->plateaus[at - 1] < v[i]; at--)
			conf->plateaus[at] = conf->plateaus[at - 1];
		conf->plateaus[at] = v[i];
	}
	conf->n_plateaus = (__u32)n;
}

static __u32 have_flags(const struct config *c)
{
	__u32 have = 0;

	have |= c->eam.n ? HAVE_EAM : 0;
	have |= c->xlat4.n ? HAVE_XLAT4 : 0;
	have |= c->denylist4.n ? HAVE_DENY4 : 0;
	have |= c->allow6.n ? HAVE_ALLOW6 : 0;
	have |= c->opt.mode == MODE_DYNAMIC ? HAVE_HOSTS4 : 0;
	for (size_t i = 0; i < c->no_translate.n; i++)
		have |= c->no_translate.v[i].fam == FAM_4 ? HAVE_NOXLAT4 : HAVE_NOXLAT6;
	return have;
}

/* Where all entries of the pool have the same ports. */
static void fill_ports(const struct config *c, struct n64_state_conf *st)
{
	const struct pool4_entry *one[N_ST_PROTOS] = { NULL };
	bool same[N_ST_PROTOS] = { true, true, true };
	__u32 first;

	if (c->opt.mode == MODE_DYNAMIC) /* there a port is a host */
		return;
	for (size_t i = 0; i < c->pool4.n; i++) {
		const struct pool4_entry *e = &c->pool4.v[i];

		for (int proto = 0; proto < N_ST_PROTOS; proto++) {
			if (!(e->protos & 1u << proto))
				continue;
			if (one[proto] &&
			    (one[proto]->first != e->first || one[proto]->last != e->last))
				same[proto] = false;
			one[proto] = e;
		}
	}
	for (int proto = 0; proto < ST_ICMP; proto++) {
		if (!one[proto] || !same[proto] || one[proto]->last < N64_PORT_HIGH)
			continue;
		first = one[proto]->first > N64_PORT_HIGH ? one[proto]->first : N64_PORT_HIGH;
		st->ports[proto].first = first;
		st->ports[proto].n = one[proto]->last - first + 1;
	}
	st->ports[ST_ICMP].n = N64_ROW_PORTS; /* not limited by the entries (port_set_of) */
}

/* Zero in the other modes, and for what config_check refuses. */
static void fill_state(const struct config *c, struct n64_state_conf *st)
{
	const __u32 max[N_ST_PROTOS] = { c->opt.max_tcp, c->opt.max_udp, c->opt.max_icmp };
	struct config_error err;
	struct state_sizes s;

	if (c->opt.mode == MODE_SIIT || state_sizes(c, &s, &err))
		return;
	st->bib6_lines = s.bib6_lines;
	st->session_lines = s.session_lines;
	st->sub_lines = s.sub_lines;
	st->hold_chunks = s.hold_chunks;
	st->max_sessions = (__u32)s.sessions;
	st->sub_mask[0] = mask6_half(c->opt.subscriber_prefix_len, 0);
	st->sub_mask[1] = mask6_half(c->opt.subscriber_prefix_len, 64);
	fill_ports(c, st);
	/* no limit is what the rows hold: ports decide, and static mappings count too */
	for (int i = 0; i < N_ST_PROTOS; i++)
		st->max_mappings[i] = max[i] ? max[i] : s.proto_rows[i] * N64_ROW_PORTS;
	for (size_t i = 0; i < c->udp_port_timeouts.n && i < N64_MAX_UDP_PORTS; i++) {
		st->udp_port[i].port = c->udp_port_timeouts.v[i].port;
		st->udp_port[i].seconds = c->udp_port_timeouts.v[i].seconds;
		st->n_udp_port++;
	}
}

void config_to_conf(const struct config *c, struct n64_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf->abi = N64_ABI;
	conf->have = have_flags(c);
	conf->opt = c->opt;
	conf->wkp_strict = config_wkp_strict(c);
	if (c->mpref64.n && c->opt.multicast == MULTICAST_EMBED) {
		conf->have |= HAVE_MPREF64;
		conf->mpref64 = c->mpref64.v[0].addr;
	}
	sort_pref64(c, conf);
	fill_stateless(c, conf);
	for (__u32 i = 0; conf->wkp_strict && i < N64_ALL_PREF64; i++)
		conf->wkp_rules |= pref64_is_wkp(&conf->pref64[i]);
	sort_plateaus(c, conf);
	fill_state(c, &conf->st);
}
