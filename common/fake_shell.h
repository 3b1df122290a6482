/* SPDX-License-Identifier: GPL-2.0-only */
/* A shell for tests and fuzzers of the other path: a configuration given by
 * option words, a world that answers what it is told, and a record of what was
 * emitted. Input and scratch are allocated to the byte, so that the sanitizers
 * see every step beyond them. */
#ifndef N64_FAKE_SHELL_H
#define N64_FAKE_SHELL_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/policy.h"
#include "fake_bib.h"
#include "slow.h"
#include "slow_stateless.h"

#define FAKE_MAX_OUT 96

struct fake_out {
	__u8 *ip;
	__u32 len;
	__u32 flags;
};

struct fake {
	/* the world */
	__u32 mtu4, mtu6;
	enum reason route4, route6;	/* what route answers */
	__be32 gw4;
	struct addr6 gw6;
	bool no_source;
	bool limited;			/* error_allowed says no */
	__be16 id;
	bool id_df;			/* what ip_id was asked for last */
	__u32 ifindex;
	struct fake_bib st;		/* mode stateful */
	/* the configuration */
	struct config config;
	struct n64_conf conf;
	struct policy policy;
	struct n64_env env;
	struct slow_ops ops;
	/* what came of it */
	struct fake_out out[FAKE_MAX_OUT];
	__u32 n_out;
	__u32 note[N_REASONS];
	__u32 asked_routes;
	struct route_query last_route;
	__u8 *scratch;
};

static inline const char *reason_word(enum reason r)
{
	switch (r) {
#define REASON(name, kind, class, text, rule) \
	case R_##name:                        \
		return #name;
#include "reason.def"
#undef REASON
	default:
		return "go_on";
	}
}

static inline __be32 fake_addr4(const char *text)
{
	__be32 a = 0;

	if (inet_pton(AF_INET, text, &a) != 1)
		abort();
	return a;
}

static inline struct addr6 fake_addr6(const char *text)
{
	struct addr6 a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		abort();
	return a;
}

/* ---- what the core asks ---------------------------------------------------------- */

static inline enum reason fake_route(void *ctx, const struct route_query *q,
				     struct route_answer *a)
{
	struct fake *f = ctx;

	f->asked_routes++;
	f->last_route = *q;
	a->mtu = q->fam == FAM_4 ? f->mtu4 : f->mtu6;
	return q->fam == FAM_4 ? f->route4 : f->route6;
}

static inline bool fake_error_src(void *ctx, enum ip_family fam, const struct addr6 *dst,
				  __u32 ifindex, struct addr6 *src)
{
	struct fake *f = ctx;

	(void)dst;
	f->ifindex = ifindex;
	*src = fam == FAM_4 ? (struct addr6){ { f->gw4 } } : f->gw6;
	return !f->no_source;
}

static inline bool fake_error_allowed(void *ctx, enum ip_family fam, const struct addr6 *dst,
				      bool too_big)
{
	(void)fam;
	(void)dst;
	(void)too_big;
	return !((struct fake *)ctx)->limited;
}

static inline __be16 fake_ip_id(void *ctx, __be32 src, __be32 dst, __u8 proto, bool df)
{
	(void)src;
	(void)dst;
	(void)proto;
	((struct fake *)ctx)->id_df = df;
	return ((struct fake *)ctx)->id;
}

static inline void fake_emit(void *ctx, const __u8 *ip, __u32 len, __u32 flags)
{
	struct fake *f = ctx;
	struct fake_out *o;

	if (f->n_out >= FAKE_MAX_OUT)
		abort();
	o = &f->out[f->n_out++];
	o->ip = malloc(len + 1);
	memcpy(o->ip, ip, len);
	o->len = len;
	o->flags = flags;
}

static inline void fake_note(void *ctx, enum reason note, __u32 n)
{
	((struct fake *)ctx)->note[note] += n;
}

static inline int fake_bib_op(void *ctx, struct n64_call *call)
{
	return fake_bib_ask(&((struct fake *)ctx)->st, call);
}

/* ---- life -------------------------------------------------------------------------- */

static inline void fake_set(struct fake *f, const char *key, const char *value)
{
	struct config_error err;

	if (config_set(&f->config, key, value, "test", &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

static inline enum reason reason_of_word(const char *word)
{
	for (int r = 1; r < N_REASONS; r++)
		if (!strcmp(word, reason_word((enum reason)r)))
			return (enum reason)r;
	abort();
}

/* Words about the state; false: none of them. */
static inline bool fake_set_bib(struct fake_bib *s, const char *key, const char *value)
{
	if (!strcmp(key, "map"))
		fake_map_text(s, value);
	else if (!strcmp(key, "refuses"))
		s->refuses = reason_of_word(value);
	else if (!strcmp(key, "filter"))
		s->filter = reason_of_word(value);
	else if (!strcmp(key, "shared"))
		s->shared = atoi(value);
	else if (!strcmp(key, "no-session"))
		s->no_session = atoi(value);
	else if (!strcmp(key, "broken"))
		s->broken = atoi(value);
	else
		return false;
	return true;
}

/* "key=value;key=value"; mtu4 and mtu6 belong to the world, noxlat-port to the
 * no-translate entry before it; words of fake_set_bib. */
static inline void fake_set_all(struct fake *f, const char *words)
{
	char *copy = strdup(words), *save = NULL;

	for (char *w = strtok_r(copy, ";", &save); w; w = strtok_r(NULL, ";", &save)) {
		char *value = strchr(w, '=');

		*value++ = 0;
		if (!strcmp(w, "mtu4"))
			f->mtu4 = (__u32)atoi(value);
		else if (!strcmp(w, "mtu6"))
			f->mtu6 = (__u32)atoi(value);
		else if (!strcmp(w, "noxlat-port"))
			f->config.no_translate.v[f->config.no_translate.n - 1].port =
				(__u16)atoi(value);
		else if (!fake_set_bib(&f->st, w, value))
			fake_set(f, w, value);
	}
	free(copy);
}

static inline void fake_init(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	config_init(&f->config);
	f->mtu4 = f->mtu6 = 1500;
	f->gw4 = fake_addr4("203.0.113.1");
	f->gw6 = fake_addr6("2001:db8:ffff::1");
	f->ops = (struct slow_ops){
		.ctx = f,
		.route = fake_route,
		.error_src = fake_error_src,
		.error_allowed = fake_error_allowed,
		.ip_id = fake_ip_id,
		.emit = fake_emit,
		.state = fake_bib_op,
		.note = fake_note,
	};
	f->scratch = malloc(SLOW_SCRATCH);
}

/* The table of pool addresses. */
static inline void fake_pool(struct fake *f)
{
	static struct n64_slot slots[N64_MAX_SLOTS];

	memset(slots, 0, sizeof(slots));
	if (pool_slots(&f->config, NULL, slots))
		abort();
	for (__u32 i = 0; f->st.shared && i < N64_MAX_SLOTS; i++)
		if (slots[i].flags)
			slots[i].flags |= SLOT_SHARED;
	if (policy_pool_table(&f->policy, slots))
		abort();
}

/* Directed broadcast addresses of attached subnets: `bcast`, NULL for none. */
static inline void fake_ready(struct fake *f, const __be32 *bcast)
{
	struct config_error err;

	fake_set(f, "interfaces", "lo");
	if (config_check(&f->config, NULL, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	config_to_conf(&f->config, &f->conf);
	f->conf.key[0] = 0x0123456789abcdefull;
	if (policy_compile(&f->config, &f->conf, bcast, bcast ? 1 : 0, &f->policy))
		abort();
	if (f->conf.opt.mode == MODE_STATEFUL)
		fake_pool(f);
	f->conf = f->policy.conf;
	f->env = (struct n64_env){ .conf = &f->conf, .policy = &f->policy };
}

/* Config "S" of requirements Appendix A. */
static inline void fake_config_s(struct fake *f)
{
	fake_set(f, "pref64", "2001:db8:64::/96");
	fake_set(f, "eam", "192.0.2.33/32=2001:db8:a::33/128");
	fake_set(f, "eam", "192.0.2.34/32=2001:db8:b::34/128");
	fake_set(f, "pool6791v4", "203.0.113.1/32");
}

/* Config "P". */
static inline void fake_config_p(struct fake *f)
{
	fake_set(f, "mode", "stateful");
	fake_set(f, "pref64", "64:ff9b:1::/96");
	fake_set(f, "pool4", "203.0.113.8");
	f->gw4 = fake_addr4("203.0.113.8");
	fake_map_text(&f->st, "t,2001:db8:c::5,40000,203.0.113.8,50000,0,0");
	fake_map_text(&f->st, "u,2001:db8:c::5,40002,203.0.113.8,50002,0,0");
	fake_map_text(&f->st, "u,2001:db8:c::6,7000,203.0.113.8,50010,0,0");
	fake_map_text(&f->st, "i,2001:db8:c::5,4660,203.0.113.8,32769,0,0");
	f->st.refuses = R_no_port;
}

static inline void fake_forget(struct fake *f)
{
	for (__u32 i = 0; i < f->n_out; i++)
		free(f->out[i].ip);
	f->n_out = 0;
	f->asked_routes = 0;
	f->st.n_calls = 0;
	memset(f->note, 0, sizeof(f->note));
}

static inline void fake_free(struct fake *f)
{
	fake_forget(f);
	policy_free(&f->policy);
	config_free(&f->config);
	free(f->scratch);
}

/* One packet through the core. `in`: everything but the bytes, which are `len`
 * at `bytes`; true_len 0: nothing was cut. */
static inline enum reason fake_run(struct fake *f, struct slow_in in, const __u8 *bytes, __u32 len,
				   __u32 ttl_dec)
{
	__u8 *copy = malloc(len ? len : 1);
	enum reason r;

	memcpy(copy, bytes, len);
	in.ip = copy;
	in.len = len;
	if (!in.true_len)
		in.true_len = len;
	fake_forget(f);
	f->env.entry = slow_stateless(&f->env, &in);
	r = slow_translate(&f->ops, &f->env, &in, ttl_dec, f->scratch);
	free(copy);
	return r;
}

#endif
