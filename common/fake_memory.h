/* SPDX-License-Identifier: GPL-2.0-only */
/* The shell of state_shell.h for tests: the state lies in plain memory, allocated to the
 * byte so that the sanitizers see every step beyond it, the clock is set by hand, and a
 * test can stop the engine in front of any step on shared memory. */
#ifndef N64_FAKE_MEMORY_H
#define N64_FAKE_MEMORY_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/policy.h"

static void fm_step(void);
#define ST_STEP() fm_step()

#include "pool.h"
#include "state_call.h"

#define FM_SLOTS 16
#define FM_ROWS (FM_SLOTS * 4)
#define FM_START 1000000u	/* second at which a test begins */

struct fake_memory {
	struct config config;
	struct n64_conf conf;
	struct policy policy;
	struct n64_env env;
	struct n64_slot slots[N64_MAX_SLOTS];
	__u64 clock;		/* 1/1024 s */
	void (*step)(void);	/* called in front of each step; NULL: go on */
	__be32 local;		/* an address of the host (GEN-05) */
	__u32 note[N_REASONS];
	/* the maps */
	struct n64_binding *bindings[FM_ROWS];
	__u32 *epoch[FM_ROWS];	/* by port: life of the memory in which it was cleared */
	__u32 life;
	__u32 low[FM_ROWS], high[FM_ROWS]; /* ports that were ever looked at */
	struct n64_row *rows[FM_ROWS];
	bool dirty[FM_ROWS];	/* looked at since the test began */
	struct n64_row *fresh[FM_ROWS];	/* rows as they are when a test begins */
	struct n64_blocks *blocks[FM_SLOTS];
	struct n64_bib6 *bib6;
	struct n64_session *sessions;
	struct n64_subscriber *subs;
	__u64 *reach;
	__u32 reach_words;
	struct n64_hold *holds;
	struct n64_state *state;
};

static struct fake_memory fm;

static void fm_step(void)
{
	if (fm.step)
		fm.step();
}

static inline __be32 fm_addr4(const char *text)
{
	__be32 a = 0;

	if (inet_pton(AF_INET, text, &a) != 1)
		abort();
	return a;
}

static inline struct addr6 fm_addr6(const char *text)
{
	struct addr6 a;

	if (inet_pton(AF_INET6, text, &a) != 1)
		abort();
	return a;
}

/* ---- what the engine asks ------------------------------------------------------------ */

n64_inline const struct n64_conf *st_conf(void)
{
	return &fm.conf;
}

/* A record that is looked at for the first time in this life of the memory is cleared. */
n64_inline struct n64_binding *mem_binding(__u32 index)
{
	__u32 row = index >> 16, port = index & 0xffff;

	if (row >= FM_ROWS || !fm.bindings[row])
		return NULL;
	if (fm.epoch[row][port] != fm.life) {
		memset(&fm.bindings[row][port], 0, sizeof(struct n64_binding));
		fm.epoch[row][port] = fm.life;
		fm.low[row] = port < fm.low[row] ? port : fm.low[row];
		fm.high[row] = port > fm.high[row] ? port : fm.high[row];
	}
	return &fm.bindings[row][port];
}

n64_inline struct n64_row *mem_row(__u32 row)
{
	if (row >= FM_ROWS)
		return NULL;
	fm.dirty[row] = true;
	return fm.rows[row];
}

n64_inline struct n64_blocks *mem_blocks(__u32 slot)
{
	return slot < FM_SLOTS ? fm.blocks[slot] : NULL;
}

n64_inline struct n64_bib6 *mem_bib6(__u32 place)
{
	return place < 2 * fm.conf.st.bib6_lines ? &fm.bib6[place] : NULL;
}

n64_inline struct n64_session *mem_session(__u32 place)
{
	return place < 2 * fm.conf.st.session_lines ? &fm.sessions[place] : NULL;
}

n64_inline struct n64_subscriber *mem_sub(__u32 place)
{
	return place < fm.conf.st.sub_lines ? &fm.subs[place] : NULL;
}

n64_inline __u64 *mem_reach(__u32 word)
{
	return word < fm.reach_words ? &fm.reach[word] : NULL;
}

n64_inline struct n64_hold *mem_hold(__u32 chunk)
{
	return chunk < fm.conf.st.hold_chunks ? &fm.holds[chunk] : NULL;
}

n64_inline struct n64_state *mem_state(void)
{
	return fm.state;
}

n64_inline const struct n64_dynamic *mem_dynamic(__u32 n)
{
	return n < fm.conf.st.n_dynamic ? &fm.policy.dynamic[n] : NULL;
}

n64_inline const struct n64_slot *mem_slot(__u32 slot)
{
	return slot < N64_MAX_SLOTS ? &fm.slots[slot] : NULL;
}

n64_inline bool mem_is_local(__be32 addr)
{
	return addr && addr == fm.local;
}

n64_inline int mem_pool(__be32 addr)
{
	__u32 flags;

	return pool_find(&fm.env, addr, &flags);
}

n64_inline void st_note(enum reason note)
{
	fm.note[note]++;
}

n64_inline __u32 st_now(void)
{
	return (__u32)(fm.clock >> 10);
}

n64_inline __u32 st_ticks(void)
{
	return (__u32)fm.clock;
}

n64_inline void st_loop(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx)
{
	for (__u32 i = 0; i < n; i++)
		if (fn(i, ctx))
			return;
}

n64_inline void st_loop_hot(__u32 n, long (*fn)(__u32 i, void *ctx), void *ctx)
{
	st_loop(n, fn, ctx);
}

n64_inline __u32 st_unsure(__u32 value)
{
	return value;
}

/* ---- asking it ------------------------------------------------------------------------- */

static inline enum reason fm_call(struct n64_call *q)
{
	struct st_work *w = malloc(sizeof(*w));
	enum reason r;

	state_begin(w);
	w->q = *q;
	state_call(w);
	*q = w->q;
	r = (enum reason)w->q.reason;
	free(w);
	return r;
}

static inline void fm_seconds(__u32 n)
{
	fm.clock += (__u64)n << 10;
}

static inline void fm_range(__u32 row, __u32 first, __u32 last, bool on)
{
	struct n64_call q = { .op = CALL_RANGE, .row = row, .last = (__u16)last, .n = on };

	q.port4 = (__be16)first; /* host order here */
	if (fm_call(&q))
		abort();
}

/* ---- life -------------------------------------------------------------------------------- */

static inline void fm_die(const char *text)
{
	fprintf(stderr, "%s\n", text);
	abort();
}

static inline void fm_set(const char *key, const char *value)
{
	struct config_error err;

	if (config_set(&fm.config, key, value, "test", &err))
		fm_die(err.text);
}

/* Tables of this test, where they are to be smaller than the configuration says. */
struct fm_sizes {
	__u32 bib6, sessions, subs, chunks, max_sessions;
};

static inline void *fm_array(__u64 n, __u64 size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

static inline void fm_allocate(void)
{
	const struct n64_state_conf *st = &fm.conf.st;

	for (__u32 slot = 0; slot < FM_SLOTS; slot++) {
		if (!fm.slots[slot].flags)
			continue;
		fm.blocks[slot] = fm_array(1, sizeof(*fm.blocks[slot]));
		for (__u32 proto = 0; proto < N_ST_PROTOS; proto++) {
			__u32 row = row_of(slot, (enum st_proto)proto);

			if (!(fm.slots[slot].protos >> proto & 1))
				continue;
			fm.bindings[row] = fm_array(N64_ROW_PORTS, sizeof(struct n64_binding));
			fm.epoch[row] = fm_array(N64_ROW_PORTS, sizeof(__u32));
			fm.rows[row] = fm_array(1, sizeof(struct n64_row));
			fm.fresh[row] = fm_array(1, sizeof(struct n64_row));
			fm.low[row] = N64_ROW_PORTS;
		}
	}
	fm.reach_words = (st->bib6_lines + 7) / 8 + (st->session_lines + 7) / 8 +
			 (st->sub_lines + 7) / 8;
	fm.bib6 = fm_array(2ull * st->bib6_lines, sizeof(*fm.bib6));
	fm.sessions = fm_array(2ull * st->session_lines, sizeof(*fm.sessions));
	fm.subs = fm_array(st->sub_lines, sizeof(*fm.subs));
	fm.reach = fm_array(fm.reach_words, sizeof(*fm.reach));
	fm.holds = fm_array(st->hold_chunks, sizeof(*fm.holds));
	fm.state = fm_array(1, sizeof(*fm.state));
}

/* The ports of the configuration, as attach switches them on. */
static inline void fm_ranges(void)
{
	for (size_t i = 0; i < fm.config.pool4.n; i++) {
		const struct pool4_entry *e = &fm.config.pool4.v[i];

		for (__u32 row = 0; row < FM_ROWS; row++) {
			__u32 proto = row & 3;

			if (!fm.rows[row] || !(e->protos >> proto & 1) ||
			    !prefix4_contains(e->prefix.addr, e->prefix.len,
					      fm.slots[row >> 2].addr))
				continue;
			if (proto == ST_ICMP)
				fm_range(row, 0, N64_ROW_PORTS - 1, true);
			else
				fm_range(row, e->first, e->last, true);
		}
	}
}

/* Empty tables, and the clock at its beginning. */
static inline void fm_reset(void)
{
	const struct n64_state_conf *st = &fm.conf.st;

	fm.life++;
	for (__u32 row = 0; row < FM_ROWS; row++) {
		if (fm.rows[row] && fm.dirty[row])
			*fm.rows[row] = *fm.fresh[row];
		fm.dirty[row] = false;
	}
	for (__u32 slot = 0; slot < FM_SLOTS && fm.conf.opt.port_block; slot++)
		if (fm.blocks[slot])
			memset(fm.blocks[slot], 0, sizeof(*fm.blocks[slot]));
	memset(fm.bib6, 0, 2ull * st->bib6_lines * sizeof(*fm.bib6));
	memset(fm.sessions, 0, 2ull * st->session_lines * sizeof(*fm.sessions));
	memset(fm.subs, 0, st->sub_lines * sizeof(*fm.subs));
	memset(fm.reach, 0, fm.reach_words * sizeof(*fm.reach));
	memset(fm.holds, 0, st->hold_chunks * sizeof(*fm.holds));
	memset(fm.state, 0, sizeof(*fm.state));
	memset(fm.note, 0, sizeof(fm.note));
	fm.clock = (__u64)FM_START << 10;
	fm.step = NULL;
}

static inline void fm_sizes_set(const struct fm_sizes *s)
{
	struct n64_state_conf *st = &fm.conf.st;

	st->bib6_lines = s->bib6 ? s->bib6 : st->bib6_lines;
	st->session_lines = s->sessions ? s->sessions : st->session_lines;
	st->sub_lines = s->subs ? s->subs : st->sub_lines;
	st->hold_chunks = s->chunks ? s->chunks : st->hold_chunks;
	st->max_sessions = s->max_sessions ? s->max_sessions : st->max_sessions;
}

/* `words`: "key=value;key=value" behind mode and pref64; `sizes`: NULL, as the
 * configuration wants them. */
static inline void fm_begin(const char *words, const struct fm_sizes *sizes)
{
	char *copy = strdup(words), *save = NULL;
	struct config_error err;

	memset(&fm, 0, sizeof(fm));
	config_init(&fm.config);
	fm_set("mode", "stateful");
	fm_set("pref64", "64:ff9b:1::/96");
	fm_set("interfaces", "lo");
	for (char *w = strtok_r(copy, ";", &save); w; w = strtok_r(NULL, ";", &save)) {
		char *value = strchr(w, '=');

		*value++ = 0;
		fm_set(w, value);
	}
	free(copy);
	if (config_check(&fm.config, NULL, &err))
		fm_die(err.text);
	config_to_conf(&fm.config, &fm.conf);
	if (pool_slots(&fm.config, NULL, fm.slots) ||
	    policy_compile(&fm.config, &fm.conf, NULL, 0, &fm.policy) ||
	    policy_pool_table(&fm.policy, fm.slots))
		abort();
	fm.conf = fm.policy.conf;
	fm.conf.st.key[0] = 0x0123456789abcdefull;
	fm.conf.st.key[1] = 0xfedcba9876543210ull;
	fm.env = (struct n64_env){ .conf = &fm.conf, .policy = &fm.policy };
	if (sizes)
		fm_sizes_set(sizes);
	fm_allocate();
	fm_reset();
	fm_ranges();
	for (__u32 row = 0; row < FM_ROWS; row++)
		if (fm.rows[row])
			*fm.fresh[row] = *fm.rows[row];
}

static inline void fm_end(void)
{
	for (__u32 row = 0; row < FM_ROWS; row++) {
		free(fm.bindings[row]);
		free(fm.epoch[row]);
		free(fm.rows[row]);
		free(fm.fresh[row]);
	}
	for (__u32 slot = 0; slot < FM_SLOTS; slot++)
		free(fm.blocks[slot]);
	free(fm.bib6);
	free(fm.sessions);
	free(fm.subs);
	free(fm.reach);
	free(fm.holds);
	free(fm.state);
	policy_free(&fm.policy);
	config_free(&fm.config);
}

#endif
