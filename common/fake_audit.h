/* SPDX-License-Identifier: GPL-2.0-only */
/* What must be true of the tables of the state whenever nobody is at work on them
 * (design section 4): every mapping is two entries that point to each other, no port and
 * no host's end belongs to two, every count equals a recount, and nothing is left half
 * done. */
#ifndef N64_FAKE_AUDIT_H
#define N64_FAKE_AUDIT_H

#include "fake_memory.h"

/* A sentence about what is wrong, or NULL. */
static char audit_text[200];

#define AUDIT(ok, ...)                                                         \
	((ok) ? false : (snprintf(audit_text, sizeof(audit_text), __VA_ARGS__), true))

/* ACTIVE entries of bib6 with this host's end, anywhere in the table where small, else
 * within the farthest reach. */
static inline __u32 audit_keys(const struct st_key *k)
{
	__u32 n = 0, seen[TAB_REACH];

	/* the near lines and the far ones may be the same */
	for (__u32 d = 0; d < TAB_REACH; d++) {
		bool again = false;

		seen[d] = tab_line(&fm.conf, TAB_BIB6, k, d);
		for (__u32 i = 0; i < d; i++)
			again |= seen[i] == seen[d];
		for (__u32 way = 0; way < 2 && !again; way++)
			n += tab_match(TAB_BIB6, tab_place(&fm.conf, TAB_BIB6, k, d, way), k);
	}
	return n;
}

/* One record of a row. */
static inline bool audit_binding(__u32 row, __u32 port, __u32 *used, __u32 *dynamic)
{
	const struct n64_binding *b = mem_binding(binding_index(row, (__u16)port));
	const __u64 flags = CTL_STATIC | CTL_QUIET | CTL_MULTI;
	struct tab_walk x = { .t = TAB_BIB6 };
	const struct n64_bib6 *e;
	int place;

	if (ctl_state(b->ctl) == CTL_FREE)
		return false;
	if (AUDIT(ctl_state(b->ctl) == CTL_ACTIVE, "record %u:%u was left in state %u", row, port,
		  ctl_state(b->ctl)))
		return true;
	*used += 1;
	*dynamic += !(b->ctl & CTL_STATIC);
	if (AUDIT(!(fm.rows[row]->free[port_word(port)] & port_bit(port)),
		  "port %u:%u is in use and offered", row, port))
		return true;
	x.k = key_bib6(&fm.conf, (enum st_proto)(row & 3), &b->host6, b->port6);
	place = tab_find(&x);
	if (AUDIT(place >= 0, "record %u:%u: its bib6 entry is not found", row, port))
		return true;
	e = mem_bib6((__u32)place);
	return AUDIT(ctl_row(e->ctl) == row && host16(e->port4) == port &&
		     ctl_gen(e->ctl) == ctl_gen(b->ctl),
		     "record %u:%u: its bib6 entry is of %u:%u", row, port, ctl_row(e->ctl),
		     host16(e->port4)) ||
	       AUDIT(audit_keys(&x.k) == 1, "record %u:%u: %u bib6 entries", row, port,
		     audit_keys(&x.k)) ||
	       AUDIT(!(b->ctl & CTL_QUIET && b->ctl & CTL_MULTI),
		     "record %u:%u: QUIET with several sessions", row, port) ||
	       AUDIT(!((e->ctl ^ b->ctl) & flags), "record %u:%u: flags differ: %llx, bib6 %llx",
		     row, port, (unsigned long long)(b->ctl & flags),
		     (unsigned long long)(e->ctl & flags));
}

/* The bitmap: nothing is offered that is not allowed, and the summaries miss nothing. */
static inline bool audit_bits(__u32 row)
{
	const struct n64_row *r = fm.rows[row];
	__u32 allowed = 0;

	if (!fm.dirty[row])
		return false;
	for (__u32 word = 0; word < ROW_WORDS; word++) {
		__u64 bit = 1ull << (word & 63), free = r->free[word];

		allowed += bits_set(r->allowed[word]);
		if (AUDIT(!(free & ~r->allowed[word]), "row %u word %u: a port is offered that is "
			  "not allowed", row, word) ||
		    AUDIT(!(free & EVEN_PORTS) || r->even[word >> 6] & bit,
			  "row %u word %u: not in the summary of even ports", row, word) ||
		    AUDIT(!(free & ODD_PORTS) || r->odd[word >> 6] & bit,
			  "row %u word %u: not in the summary of odd ports", row, word))
			return true;
	}
	return AUDIT(allowed == r->n_allowed, "row %u: n_allowed %u, in truth %u", row,
		     r->n_allowed, allowed);
}

static inline bool audit_rows(__u32 dynamic[4])
{
	for (__u32 row = 0; row < FM_ROWS; row++) {
		__u32 used = 0;

		for (__u32 port = fm.low[row]; fm.rows[row] && port <= fm.high[row]; port++)
			if (fm.epoch[row][port] == fm.life &&
			    audit_binding(row, port, &used, &dynamic[row & 3]))
				return true;
		if (!fm.rows[row])
			continue;
		if (AUDIT(fm.rows[row]->used == used, "row %u: used %u, in truth %u", row,
			  fm.rows[row]->used, used) || audit_bits(row))
			return true;
	}
	return false;
}

static inline bool audit_bib6(void)
{
	for (__u32 i = 0; i < 2 * fm.conf.st.bib6_lines; i++) {
		const struct n64_bib6 *e = &fm.bib6[i];
		const struct n64_binding *b;

		if (ctl_state(e->ctl) == CTL_FREE)
			continue;
		if (AUDIT(ctl_state(e->ctl) == CTL_ACTIVE, "bib6 %u was left in state %u", i,
			  ctl_state(e->ctl)))
			return true;
		b = mem_binding(binding_index(ctl_row(e->ctl), host16(e->port4)));
		if (AUDIT(b && ctl_state(b->ctl) == CTL_ACTIVE &&
			  ctl_gen(b->ctl) == ctl_gen(e->ctl) && b->port6 == e->port6 &&
			  addr6_equal(&b->host6, &e->host6),
			  "bib6 %u points to record %u:%u, which is another's", i, ctl_row(e->ctl),
			  host16(e->port4)))
			return true;
	}
	return false;
}

/* Sessions by subscriber, into `by_sub`. */
static inline bool audit_sessions(__u32 *by_sub, __u32 *all)
{
	for (__u32 i = 0; i < 2 * fm.conf.st.session_lines; i++) {
		const struct n64_session *e = &fm.sessions[i];
		int sub = session_sub(e->ctl);

		if (ctl_state(e->ctl) == CTL_FREE)
			continue;
		if (AUDIT(ctl_state(e->ctl) == CTL_ACTIVE, "session %u was left in state %u", i,
			  ctl_state(e->ctl)))
			return true;
		if (sub < 0)
			continue;
		if (AUDIT((__u32)sub < fm.conf.st.sub_lines &&
			  ctl_state(fm.subs[sub].ctl) == CTL_ACTIVE,
			  "session %u: its subscriber %d is not there", i, sub))
			return true;
		by_sub[sub]++;
		*all += 1;
	}
	return false;
}

/* Mappings by subscriber and protocol, into `n`. */
static inline bool audit_owners(__u32 (*n)[4])
{
	for (__u32 i = 0; i < 2 * fm.conf.st.bib6_lines; i++) {
		const struct n64_bib6 *e = &fm.bib6[i];
		struct tab_walk x = { .t = TAB_SUB };
		int sub;

		if (ctl_state(e->ctl) != CTL_ACTIVE || e->ctl & CTL_STATIC)
			continue;
		x.k = key_sub(&fm.conf, &e->host6);
		sub = tab_find(&x);
		if (AUDIT(sub >= 0, "bib6 %u: it has no subscriber", i))
			return true;
		n[sub][ctl_row(e->ctl) & 3]++;
	}
	return false;
}

static inline bool audit_counts(__u32 (*n)[4], const __u32 *sessions)
{
	__u32 subs = 0;

	for (__u32 i = 0; i < fm.conf.st.sub_lines; i++) {
		const struct n64_subscriber *s = &fm.subs[i];

		if (AUDIT(ctl_state(s->ctl) == CTL_FREE || ctl_state(s->ctl) == CTL_ACTIVE,
			  "subscriber %u was left in state %u", i, ctl_state(s->ctl)))
			return true;
		subs += ctl_state(s->ctl) == CTL_ACTIVE;
		for (__u32 kind = 0; kind < 4; kind++) {
			__u32 want = kind == KIND_SESSIONS ? sessions[i] : n[i][kind];

			if (AUDIT(s->count[kind] == want,
				  "subscriber %u: count[%u] %u, in truth %u", i, kind,
				  s->count[kind], want))
				return true;
		}
	}
	return AUDIT(fm.state->subscribers == subs, "subscribers %u, in truth %u",
		     fm.state->subscribers, subs);
}

static inline bool audit_is_dynamic(__u32 row, __u32 port)
{
	return fm.rows[row] && fm.epoch[row][port] == fm.life &&
	       (fm.bindings[row][port].ctl & (CTL_STATE | CTL_STATIC)) == CTL_ACTIVE;
}

static inline bool audit_blocks(void)
{
	__u32 words = block_words(&fm.conf);

	for (__u32 slot = 0; words && slot < FM_SLOTS; slot++) {
		for (__u32 first = 0; fm.blocks[slot] && first < ROW_WORDS; first += words) {
			__u64 own = fm.blocks[slot]->own[first];
			__u32 n = 0;

			for (__u32 i = 0; i < 4 * words * 64; i++) {
				__u32 row = slot << 2 | i % 4, port = first * 64 + i / 4;

				n += audit_is_dynamic(row, port);
			}
			if (AUDIT(own >> 32 ? (__u32)own == n && n : !n,
				  "block %u of slot %u: %u mappings, in truth %u", first, slot,
				  own >> 32 ? (__u32)own : 0, n))
				return true;
		}
	}
	return false;
}

/* NULL: all is well. */
static inline const char *fm_audit(void)
{
	__u32 (*owners)[4] = calloc(fm.conf.st.sub_lines, sizeof(*owners));
	__u32 *sessions = calloc(fm.conf.st.sub_lines, sizeof(*sessions));
	__u32 dynamic[4] = { 0 };
	void (*step)(void) = fm.step;
	bool bad;

	fm.step = NULL;
	bad = audit_rows(dynamic) || audit_bib6() || audit_sessions(sessions, &dynamic[3]) ||
	      audit_owners(owners) || audit_counts(owners, sessions) || audit_blocks();
	for (__u32 kind = 0; kind < 4 && !bad; kind++)
		bad = AUDIT(fm.state->count[kind].n == dynamic[kind], "count[%u] %u, in truth %u",
			    kind, fm.state->count[kind].n, dynamic[kind]);
	free(owners);
	free(sessions);
	fm.step = step;
	return bad ? audit_text : NULL;
}

#endif
