/* SPDX-License-Identifier: GPL-2.0-only */
/* Stored SYNs (TCP-32). */
#include "worker/syn_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/keyed_hash.h"

int syn_store_open(struct syn_store *s, const __u64 key[2])
{
	*s = (struct syn_store){ .key = { key[0], key[1] } };
	s->ring = calloc(SYN_MOST, sizeof(*s->ring));
	s->bucket = calloc(SYN_MOST, sizeof(*s->bucket));
	return s->ring && s->bucket ? 0 : -ENOMEM;
}

void syn_store_close(struct syn_store *s)
{
	while (s->n)
		syn_store_pop(s);
	free(s->ring);
	free(s->bucket);
	*s = (struct syn_store){ 0 };
}

static struct syn_bucket *bucket_of(const struct syn_store *s, __u32 net)
{
	__u64 word = net;

	return &s->bucket[keyed_hash(s->key, &word, 1) % SYN_MOST];
}

static __u32 net_of(__be32 src)
{
	return host32(src) >> 8;
}

bool syn_store_room(const struct syn_store *s, const struct syn_limits *max, __be32 src,
		    __u32 len)
{
	__u32 net = net_of(src), same = 0;
	__u32 at = bucket_of(s, net)->oldest;

	if (len > SYN_LONGEST || s->n >= SYN_MOST || s->n >= max->whole)
		return false;
	for (; at; at = s->ring[at - 1].next) {
		same += s->ring[at - 1].net == net;
		if (same >= max->net)
			return false;
	}
	return true;
}

int syn_store_put(struct syn_store *s, const struct slow_in *in, __be32 src, __u16 slow_flags,
		  __u32 until)
{
	__u32 place = (s->first + s->n) % SYN_MOST;
	struct stored_syn *e = &s->ring[place];
	struct syn_bucket *b = bucket_of(s, net_of(src));
	__u8 *copy = malloc(in->len);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, in->ip, in->len);
	*e = (struct stored_syn){
		.in = *in,
		.slow_flags = slow_flags,
		.until = until,
		.net = net_of(src),
	};
	e->in.ip = copy;
	e->in.true_len = in->len;
	if (b->youngest)
		s->ring[b->youngest - 1].next = place + 1;
	else
		b->oldest = place + 1;
	b->youngest = place + 1;
	s->n++;
	return 0;
}

const struct stored_syn *syn_store_due(const struct syn_store *s, __u32 now)
{
	const struct stored_syn *e = &s->ring[s->first];

	return s->n && (__s32)(now - e->until) > 0 ? e : NULL;
}

void syn_store_pop(struct syn_store *s)
{
	struct stored_syn *e = &s->ring[s->first];
	struct syn_bucket *b = bucket_of(s, e->net);

	/* the oldest of all is the oldest of its bucket */
	b->oldest = e->next;
	if (!b->oldest)
		b->youngest = 0;
	free((void *)(unsigned long)e->in.ip);
	*e = (struct stored_syn){ 0 };
	s->first = (s->first + 1) % SYN_MOST;
	s->n--;
}
