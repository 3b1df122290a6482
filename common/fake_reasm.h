/* SPDX-License-Identifier: GPL-2.0-only */
/* A shell for tests and fuzzers of reassembly.h: what left and with which reason, and
 * whether the memory is still sound. */
#ifndef N64_FAKE_REASM_H
#define N64_FAKE_REASM_H

#include "fake_shell.h"
#include "reassembly.h"

#define FAKE_MAX_DONE 512

struct fake_reasm {
	struct fake f;
	struct reasm *rs;
	struct reasm_ops ops;
	enum reason done[FAKE_MAX_DONE];
	__u32 n_done;
	__u64 bytes_done;
	__u32 all_in, all_done;		/* fragments since the beginning */
	__u32 begun_ifindex;		/* of the packet that is being emitted */
	__u32 ifindex;			/* of what comes in */
};

static inline void fake_reasm_begin(void *ctx, const struct slow_in *in)
{
	((struct fake_reasm *)ctx)->begun_ifindex = in->ifindex;
}

static inline void fake_reasm_done(void *ctx, enum reason r, __u32 bytes)
{
	struct fake_reasm *t = ctx;

	if (t->n_done >= FAKE_MAX_DONE || !r || !bytes)
		abort();
	t->done[t->n_done++] = r;
	t->bytes_done += bytes;
	t->all_done++;
}

/* Memory to the byte, and full of what is not zero. */
static inline void fake_reasm_memory(struct fake_reasm *t)
{
	size_t n = reasm_size(&t->f.conf);

	t->rs = aligned_alloc(64, n);
	memset(t->rs, 0xa5, n);
	t->ops = (struct reasm_ops){ t, fake_reasm_begin, fake_reasm_done };
	reasm_init(t->rs, &t->f.conf, 0x6a09e667f3bcc908ull, &t->ops);
}

/* Config "P" with small tables, and `options`. */
static inline void fake_reasm_init(struct fake_reasm *t, const char *options)
{
	memset(t, 0, sizeof(*t));
	fake_init(&t->f);
	fake_config_p(&t->f);
	fake_set_all(&t->f, "frag-max-bytes=131072;frag-max-datagrams=64");
	fake_set_all(&t->f, options ? options : "");
	fake_ready(&t->f, NULL);
	t->f.id = be16(0x4242);
	t->ifindex = 7;
	fake_reasm_memory(t);
}

static inline void fake_reasm_forget(struct fake_reasm *t)
{
	fake_forget(&t->f);
	t->n_done = 0;
	t->bytes_done = 0;
}

static inline void fake_reasm_free(struct fake_reasm *t)
{
	free(t->rs);
	fake_free(&t->f);
}

/* One packet; its bytes are gone afterwards. */
static inline void fake_reasm_take(struct fake_reasm *t, struct slow_in in, const __u8 *bytes,
				   __u32 len, __u64 now)
{
	__u8 *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	in.ip = copy;
	in.len = len;
	in.ifindex = t->ifindex;
	if (!in.true_len)
		in.true_len = len;
	t->all_in++;
	reasm_take(t->rs, &t->f.ops, &t->f.env, &in, 1, t->f.scratch, now);
	free(copy);
}

/* ---- is the memory sound? ----------------------------------------------------------- */

struct fake_sum {
	__u64 bytes;
	__u32 dgrams, frags, held, blocks;
};

/* NULL, or what is wrong with a datagram. */
static inline const char *fake_reasm_dgram(const struct reasm *rs, __u32 place,
					   struct fake_sum *sum)
{
	const struct reasm_dgram *d = &rs->dgram[place];
	__u32 n = 0, got = 0, last = 0;

	for (__u32 i = d->first; i; i = rs->frags.next[i]) {
		const struct reasm_frag *f = &rs->frag[i];

		if (last && reasm_frag_end(&rs->frag[last]) > f->off * 8u)
			return "fragments overlap, or are not in order";
		if (d->total && reasm_frag_end(f) > d->total)
			return "a fragment beyond the end";
		if (f->block) {
			sum->held++;
			sum->bytes += f->bytes;
			sum->blocks += (f->bytes + REASM_BLOCK - 1) / REASM_BLOCK;
		}
		n++;
		got += f->len;
		last = i;
	}
	sum->frags += n;
	sum->dgrams++;
	if (n != d->n || got != d->got || last != d->last)
		return "counters of a datagram";
	if (n > rs->limit.frags)
		return "too many fragments of a datagram";
	if (rs->source[d->source].n < 1 || rs->source[d->source].n > rs->limit.source)
		return "datagrams of a source";
	return NULL;
}

/* NULL, or what is wrong. */
static inline const char *fake_reasm_check(const struct reasm *rs)
{
	struct fake_sum sum = { 0 };
	__u64 born = 0;
	__u32 last = 0;

	for (__u32 i = rs->oldest; i; i = rs->dgram[i].newer) {
		const char *wrong = fake_reasm_dgram(rs, i, &sum);

		if (wrong)
			return wrong;
		if (rs->dgram[i].older != last || rs->dgram[i].born < born)
			return "order by age";
		last = i;
		born = rs->dgram[i].born;
	}
	if (rs->newest != last || sum.dgrams != rs->dgrams.used)
		return "datagrams lost";
	if (sum.bytes != rs->bytes || sum.bytes > rs->limit.bytes || rs->peak < rs->bytes)
		return "bytes held";
	if (sum.held != rs->held || sum.frags != rs->frags.used || sum.blocks != rs->blocks.used)
		return "a leak";
	return rs->sources.used > rs->dgrams.used ? "sources lost" : NULL;
}

/* Every packet left once, or is held. */
static inline const char *fake_reasm_conserved(const struct fake_reasm *t)
{
	return t->all_in == t->all_done + t->rs->held ? fake_reasm_check(t->rs) : "GEN-10";
}

#endif
