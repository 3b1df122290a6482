/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments in mode stateful (section 9): the memory and the clock of reassembly.h. */
#include "worker/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <syslog.h>

#include "reassembly.h"

static void begin(void *ctx, const struct slow_in *in)
{
	packet_begin(ctx, in, (in->from_pair ? SLOW_FROM_PAIR : 0) |
				      (in->to_kernel ? SLOW_STACK : 0));
}

static void done(void *ctx, enum reason r, __u32 bytes)
{
	packet_done(ctx, r, bytes);
}

/* Touched only as far as fragments are held. */
static struct reasm *make(struct worker *w, const struct n64_conf *conf, size_t *bytes)
{
	static struct reasm_ops ops; /* one process, one worker */
	struct reasm *rs;
	__u64 key;

	*bytes = reasm_size(conf);
	rs = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		  -1, 0);
	if (rs == MAP_FAILED)
		return NULL;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key)) {
		munmap(rs, *bytes);
		return NULL;
	}
	ops = (struct reasm_ops){ .ctx = w, .begin = begin, .done = done };
	reasm_init(rs, conf, key, &ops);
	return rs;
}

int fragments_open(struct worker *w)
{
	w->frag.reasm = make(w, &w->world.policy.conf, &w->frag.bytes);
	return w->frag.reasm ? 0 : -ENOMEM;
}

/* What is held leaves as fragments do whose time is over. */
void fragments_close(struct worker *w)
{
	if (!w->frag.reasm)
		return;
	reasm_flush(w->frag.reasm);
	munmap(w->frag.reasm, w->frag.bytes);
	w->frag.reasm = NULL;
}

void fragments_reload(struct worker *w)
{
	const struct n64_conf *conf = &w->world.policy.conf;
	struct reasm *rs;
	size_t bytes;

	if (reasm_limit(w->frag.reasm, conf))
		return;
	rs = make(w, conf, &bytes);
	if (!rs) {
		log_line(LOG_ERR, "no memory for the new limits of fragments (%zu MiB); the old "
			 "ones stay", bytes >> 20);
		return;
	}
	fragments_close(w);
	w->frag.reasm = rs;
	w->frag.bytes = bytes;
}

void fragments_take(struct worker *w)
{
	/* those that the packet sets free take its place in w->now */
	const struct slow_in in = w->now.in;

	reasm_take(w->frag.reasm, &w->ops, &w->env, &in, 0, w->scratch, w->now_ms);
}

void fragments_tick(struct worker *w)
{
	const struct reasm *rs = w->frag.reasm;
	struct n64_state *shared = w->state.shared;

	reasm_expire(w->frag.reasm, w->now_ms);
	__atomic_store_n(&shared->frag_bytes, rs->bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->frag_peak, rs->peak, __ATOMIC_RELAXED);
}

__u64 fragments_held(const struct worker *w)
{
	return w->frag.reasm ? w->frag.reasm->held : 0;
}
