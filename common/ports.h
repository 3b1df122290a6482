/* SPDX-License-Identifier: GPL-2.0-only */
/* Free ports of a pool address (RFC 6146 3.5.1.1, RFC 6056): a bitmap with summaries.
 * The start of a search comes from a keyed hash, parity is a mask, a range is a range of
 * words. A bit is a hint: the compare-and-swap on the binding decides. */
#ifndef N64_PORTS_SEARCH_H
#define N64_PORTS_SEARCH_H

#include "state_shell.h"

#define EVEN_PORTS 0x5555555555555555ull
#define ODD_PORTS (EVEN_PORTS << 1)

enum port_parity { PARITY_ANY, PARITY_EVEN, PARITY_ODD };

/* By shifting: between even and odd no processor guesses right. */
n64_inline __u64 parity_mask(enum port_parity p)
{
	return p == PARITY_ANY ? ~0ull : EVEN_PORTS << (p >> 1);
}

n64_inline __u32 bits_set(__u64 x)
{
	x -= x >> 1 & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (__u32)(x * 0x0101010101010101ull >> 56);
}

/* Number of the lowest bit that is set; x is not 0. Without branches, of which the BPF
 * verifier would walk each. */
n64_inline __u32 low_bit(__u64 x)
{
	return bits_set((x & -x) - 1);
}

/* Bits from `a` to `b` (0 to 63, both included). */
n64_inline __u64 bits_between(__u32 a, __u32 b)
{
	return ~0ull << (a & 63) & ~0ull >> (63 - (b & 63));
}

n64_inline __u64 port_bit(__u32 port)
{
	return 1ull << (port & 63);
}

n64_inline __u32 port_word(__u32 port)
{
	return (__u32)ST_MASK(port >> 6, ROW_WORDS - 1);
}

/* The summaries follow the word; whoever finds one wrong makes it right. */
n64_inline void port_summarize(struct n64_row *r, __u32 word)
{
	__u64 bit = 1ull << (word & 63);
	__u32 s = (__u32)ST_MASK(word >> 6, ROW_WORDS / 64 - 1);
	__u64 free = st_load(&r->free[ST_MASK(word, ROW_WORDS - 1)]);

	if (free & EVEN_PORTS)
		st_set_bits(&r->even[s], bit);
	else
		st_clear_bits(&r->even[s], bit);
	if (free & ODD_PORTS)
		st_set_bits(&r->odd[s], bit);
	else
		st_clear_bits(&r->odd[s], bit);
}

n64_inline void port_set_free(struct n64_row *r, __u32 port)
{
	__u32 word = port_word(port), s = (__u32)ST_MASK(word >> 6, ROW_WORDS / 64 - 1);

	if (!(r->allowed[word] & port_bit(port)))
		return;
	st_set_bits(&r->free[word], port_bit(port));
	/* taken out of the pool meanwhile (PORT-10)? */
	if (!(st_load(&r->allowed[word]) & port_bit(port)))
		st_clear_bits(&r->free[word], port_bit(port));
	st_set_bits(port & 1 ? &r->odd[s] : &r->even[s], 1ull << (word & 63));
}

/* A summary bit is only ever cleared here, and looked at again: a port that was freed in
 * between is not lost. */
n64_inline void port_set_used(struct n64_row *r, __u32 port)
{
	__u32 word = port_word(port), s = (__u32)ST_MASK(word >> 6, ROW_WORDS / 64 - 1);
	__u64 half = EVEN_PORTS << (port & 1), *sum;

	st_clear_bits(&r->free[word], port_bit(port));
	if (likely(st_load(&r->free[word]) & half))
		return;
	sum = port & 1 ? &r->odd[s] : &r->even[s];
	st_clear_bits(sum, 1ull << (word & 63));
	if (st_load(&r->free[word]) & half)
		st_set_bits(sum, 1ull << (word & 63));
}

struct port_walk {
	__u32 row, from, last;	/* words */
	__u32 parity;
	int found;
};

/* One step: to the next word that the summaries offer, or to the next summary. */
static long port_walk_step(__u32 i, void *arg)
{
	struct port_walk *x = arg;
	__u32 s = x->from >> 6, end = s == x->last >> 6 ? x->last & 63 : 63, word;
	struct n64_row *r = mem_row(x->row);
	__u64 bits, free;

	(void)i;
	if (!r || x->from > x->last)
		return 1;
	bits = (x->parity != PARITY_ODD ? st_load(&r->even[ST_MASK(s, 15)]) : 0) |
	       (x->parity != PARITY_EVEN ? st_load(&r->odd[ST_MASK(s, 15)]) : 0);
	bits &= bits_between(x->from & 63, end);
	if (!bits) {
		x->from = (s + 1) << 6;
		return 0;
	}
	word = s << 6 | low_bit(bits);
	free = st_load(&r->free[ST_MASK(word, ROW_WORDS - 1)]) &
	       parity_mask((enum port_parity)x->parity);
	if (free) {
		x->found = (int)(word << 6 | low_bit(free));
		return 1;
	}
	x->from = word + 1; /* the summary was late */
	return 0;
}

/* The first free port from word `from` to word `last` by the summaries, or -1. */
n64_inline int port_by_summary(__u32 row, __u32 from, __u32 last, enum port_parity par)
{
	struct port_walk x = { row, from, last, par, -1 };

	st_loop(4 * ROW_WORDS / 64, port_walk_step, &x);
	return x.found;
}

/* The first port at or behind `start` in its word of the bitmap, of which `free` are free; -1:
 * none. */
n64_inline int port_in_word(__u64 free, __u32 start)
{
	free &= ~0ull << (start & 63);
	return free ? (int)(port_word(start) << 6 | low_bit(free)) : -1;
}

/* The first free port at or behind `start`, wrapping around in the words `first` to
 * `last`; `start` lies in them. -1: none. Argument `range`: last << 16 | first. */
n64_inline int port_next(__u32 row, __u32 start, __u32 range, __u32 parity)
{
	__u32 first = range & (ROW_WORDS - 1), last = range >> 16 & (ROW_WORDS - 1);
	enum port_parity par = (enum port_parity)parity;
	__u32 word = port_word(start);
	struct n64_row *r = mem_row(row);
	__u64 free;
	int port;

	if (!r)
		return -1;
	free = st_load(&r->free[word]) & parity_mask(par);
	port = port_in_word(free, start);
	if (port >= 0)
		return port;
	port = word < last ? port_by_summary(row, word + 1, last, par) : -1;
	if (port < 0 && first < word)
		port = port_by_summary(row, first, word - 1, par);
	if (port < 0 && free)
		port = (int)(word << 6 | low_bit(free));
	return port;
}

#endif
