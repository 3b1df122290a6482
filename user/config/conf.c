/* SPDX-License-Identifier: GPL-2.0-only */
/* struct config -> struct n64_conf: what the programs and the worker read. */
#include <string.h>

#include "options.h"

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
	for (size_t i = 0; i < c->no_translate.n; i++)
		have |= c->no_translate.v[i].fam == FAM_4 ? HAVE_NOXLAT4 : HAVE_NOXLAT6;
	return have;
}

void config_to_conf(const struct config *c, struct n64_conf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf->abi = N64_ABI;
	conf->have = have_flags(c);
	conf->opt = c->opt;
	conf->wkp_strict = config_wkp_strict(c);
	sort_pref64(c, conf);
	sort_plateaus(c, conf);
}
