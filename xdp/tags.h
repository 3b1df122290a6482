/* SPDX-License-Identifier: GPL-2.0-only */
/* The VLAN tags of a frame that comes in, taken off for a short way and put back, byte for byte,
 * for the long one (quick_tagged.h). The programs on the way from one to the other find them in
 * map whence. */
#ifndef N64_XDP_TAGS_H
#define N64_XDP_TAGS_H

#include "path.h"

/* Words of a frame, from its beginning. */
enum { WORD_TAG = 2 * MAC_LEN / 4, TAGGED_WORDS = WORD_TAG + N64_MAX_TAGS };

struct tags {
	__u32 n, word[N64_MAX_TAGS];
};

/* Is there a tag? */
static __always_inline bool has_tags(struct xdp_md *ctx)
{
	const struct eth_hdr *eth = frame_start(ctx);

	return (const void *)(eth + 1) <= frame_end(ctx) &&
	       (eth->type == be16(ET_VLAN) || eth->type == be16(ET_QINQ));
}

/* Moves both MAC addresses by `from` - `to` words. */
static __always_inline void move_macs(__u32 *w, __u32 from, __u32 to)
{
	const __u32 a = w[from], b = w[from + 1], c = w[from + 2];

	w[to] = a;
	w[to + 1] = b;
	w[to + 2] = c;
}

/* Takes the tags of an IP packet off. The L3 device that they stand for; 0: none that is known,
 * and nothing was done. There is room: what is left has an Ethernet header. */
static __always_inline __u32 tags_off(struct xdp_md *ctx, struct tags *t)
{
	struct pkt p = {.ifindex = frame_ingress(ctx)};
	__u32 *w = frame_start(ctx);

	if ((const void *)(w + TAGGED_WORDS) > frame_end(ctx) ||
	    !parse_eth(w, frame_end(ctx), &p) || !p.n_tags || vlan_device(conf_get(), &p))
		return 0;
	t->n = st_unsure(p.n_tags); /* one or two is the same to the verifier from here on */
	t->word[0] = w[WORD_TAG];
	t->word[1] = w[WORD_TAG + 1];
	if (p.n_tags == 1)
		move_macs(w, 0, 1);
	else
		move_macs(w, 0, 2);
	return bpf_xdp_adjust_head(ctx, (int)t->n * VLAN_LEN) ? 0 : p.ifindex;
}

/* As it was. False: cannot be. */
static __always_inline bool tags_on(struct xdp_md *ctx, const struct tags *t)
{
	__u32 *w;

	if (bpf_xdp_adjust_head(ctx, -(int)t->n * VLAN_LEN))
		return false;
	w = frame_start(ctx);
	if ((const void *)(w + TAGGED_WORDS) > frame_end(ctx))
		return false;
	if (t->n == 1) {
		move_macs(w, 1, 0);
	} else {
		move_macs(w, 2, 0);
		w[WORD_TAG + 1] = t->word[1];
	}
	w[WORD_TAG] = t->word[0];
	return true;
}

/* The L3 device of a packet in a program that others call: by its tags, which are off, or as in
 * the program of a device. */
static __always_inline __u32 whence_device(struct xdp_md *ctx)
{
	const struct n64_whence *w = conf_get()->have & HAVE_VLAN ? whence_get() : NULL;

	return w && w->n_tags ? w->device : frame_ingress(ctx);
}

/* To the long way, with the tags that were taken off; it does not come back. */
static __always_inline int whence_long(struct xdp_md *ctx)
{
	const struct n64_whence *w = whence_get();
	struct tags t;

	if (w && conf_get()->have & HAVE_VLAN && w->n_tags) {
		t = (struct tags){st_unsure(w->n_tags == 1 ? 1 : 2), {w->tag[0], w->tag[1]}};
		if (!tags_on(ctx, &t))
			w = NULL;
	}
	if (w)
		bpf_tail_call(ctx, &ways, WAY_LONG);
	count(R_internal, 0); /* cannot be: it is there before a device has its program */
	return XDP_DROP;
}

#endif
